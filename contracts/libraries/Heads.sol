// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice How far a member's postings have come: 192 bits running digest | 1 bit whether its side of an account ever
///         had many open legs | 63 bits sequence of the last batch.
type Head is uint256;

using Heads for Head global;

/// @title The chain of a member's batches
library Heads {
    uint256 private constant _DIGEST_OFFSET = 64;
    uint256 private constant _MANY_OPEN_LEGS = 1 << 63;

    /// @notice Where a head is kept: 208 bits empty | 32 bits facility | 16 bits member.
    function key(uint256 facility, uint256 member) internal pure returns (uint256) {
        return (facility << 16) | member;
    }

    function sequence(Head head) internal pure returns (uint64) {
        return uint64(Head.unwrap(head) & (_MANY_OPEN_LEGS - 1));
    }

    /// @notice Whether the member's batches count its open legs.
    function hasManyOpenLegs(Head head) internal pure returns (bool) {
        return Head.unwrap(head) & _MANY_OPEN_LEGS != 0;
    }

    function withManyOpenLegs(Head head) internal pure returns (Head) {
        return Head.wrap(Head.unwrap(head) | _MANY_OPEN_LEGS);
    }

    /// @notice The digest, its low 64 bits 0.
    function digest(Head head) internal pure returns (bytes32) {
        return bytes32((Head.unwrap(head) >> _DIGEST_OFFSET) << _DIGEST_OFFSET);
    }

    /// @notice The head after another batch.
    /// @param wordsHash keccak256 of the batch's words
    function next(Head head, bytes32 wordsHash) internal pure returns (Head) {
        uint256 link = uint256(keccak256(abi.encode(head.digest(), wordsHash)));
        return Head.wrap(((link >> _DIGEST_OFFSET) << _DIGEST_OFFSET) | (head.sequence() + 1));
    }
}
