// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {PairSlot} from "./PairSlots.sol";

/// @notice The parts of one leg, checked and not yet written. One memory serves all legs of a batch.
/// @dev By part three words: 192 bits empty | 8 bits partner | 56 bits amount, the pair as it is, its key.
struct Staged {
    uint256[] words;
}

using StagedParts for Staged global;

/// @title Holding the parts of a leg until all are checked
library StagedParts {
    /// @param most how many parts a leg can have
    function create(uint256 most) internal pure returns (Staged memory) {
        return Staged(new uint256[](3 * most));
    }

    /// @param i below the most that the memory was made for
    function set(Staged memory staged, uint256 i, uint256 partner, uint256 amount, PairSlot slot, uint256 key)
        internal
        pure
    {
        uint256[] memory words = staged.words;
        assembly ("memory-safe") {
            let to := add(add(words, 0x20), mul(i, 0x60))
            mstore(to, or(shl(56, partner), amount))
            mstore(add(to, 0x20), slot)
            mstore(add(to, 0x40), key)
        }
    }

    /// @param i a part that was set
    function at(Staged memory staged, uint256 i)
        internal
        pure
        returns (uint256 partner, uint256 amount, PairSlot slot, uint256 key)
    {
        uint256[] memory words = staged.words;
        assembly ("memory-safe") {
            let from := add(add(words, 0x20), mul(i, 0x60))
            amount := mload(from)
            partner := shr(56, amount)
            amount := and(amount, 0xffffffffffffff)
            slot := mload(add(from, 0x20))
            key := mload(add(from, 0x40))
        }
    }
}
