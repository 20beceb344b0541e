// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice A posting's words, written one after the other.
struct Stream {
    bytes32[] words;
}

using Streams for Stream global;

/// @title Writing postings in tests, apart from the code that reads them
library Streams {
    function group(Stream memory stream, uint256 businessDay) internal pure returns (Stream memory) {
        return group(stream, businessDay, 0);
    }

    function group(Stream memory stream, uint256 businessDay, uint256 sharesDay) internal pure returns (Stream memory) {
        return word(stream, bytes32(abi.encodePacked(uint16(0), uint24(businessDay), uint24(sharesDay), uint192(0))));
    }

    function leg(Stream memory stream, uint256 kind, uint256 partner, uint256 valueDay, uint256 amount, uint256 ref)
        internal
        pure
        returns (Stream memory)
    {
        return word(
            stream,
            bytes32(abi.encodePacked(uint8(kind), uint8(partner), uint24(valueDay), uint56(amount), uint160(ref)))
        );
    }

    function target(Stream memory stream, uint256 kind, uint256 ref) internal pure returns (Stream memory) {
        return word(stream, bytes32(abi.encodePacked(uint8(kind), uint88(0), uint160(ref))));
    }

    function word(Stream memory stream, bytes32 added) internal pure returns (Stream memory) {
        bytes32[] memory words = new bytes32[](stream.words.length + 1);
        for (uint256 i; i < stream.words.length; ++i) {
            words[i] = stream.words[i];
        }
        words[stream.words.length] = added;
        stream.words = words;
        return stream;
    }
}
