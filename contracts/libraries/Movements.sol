// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice What a batch moves on one account, business day and kind, in one word.
/// @dev Most significant first: partner (8) | day (24) | kind (8) | book + 2^107 (108) | agreed + 2^107 (108).
///      Each amount is kept with an offset of 2^107, so that adding a signed number never borrows from its neighbour;
///      a batch of 500 parts of at most 10^15 stays below 2^59.
type Movement is uint256;

using Movements for Movement global;

/// @title Packing of movements
library Movements {
    uint256 private constant _FIELD = 108;
    uint256 private constant _OFFSET = 1 << 107;
    uint256 private constant _MASK = (1 << _FIELD) - 1;

    function toKey(uint256 partner_, uint256 day_, uint256 kind_) internal pure returns (uint256) {
        return (partner_ << 32) | (day_ << 8) | kind_;
    }

    /// @notice A movement of nothing yet.
    function empty(uint256 key_) internal pure returns (Movement) {
        return Movement.wrap((key_ << (2 * _FIELD)) | (_OFFSET << _FIELD) | _OFFSET);
    }

    /// @notice Both amounts, signed by effect, as one number to add to a movement.
    /// @param book_ minor units, two's complement
    /// @param agreed_ minor units, two's complement
    function delta(uint256 book_, uint256 agreed_) internal pure returns (uint256) {
        unchecked {
            return (book_ << _FIELD) + agreed_;
        }
    }

    /// @param delta_ as `delta` makes it
    function plus(Movement movement, uint256 delta_) internal pure returns (Movement) {
        unchecked {
            return Movement.wrap(Movement.unwrap(movement) + delta_);
        }
    }

    function key(Movement movement) internal pure returns (uint256) {
        return Movement.unwrap(movement) >> (2 * _FIELD);
    }

    function partner(Movement movement) internal pure returns (uint256) {
        return Movement.unwrap(movement) >> 248;
    }

    function day(Movement movement) internal pure returns (uint256) {
        return (Movement.unwrap(movement) >> 224) & 0xffffff;
    }

    function kind(Movement movement) internal pure returns (uint256) {
        return (Movement.unwrap(movement) >> 216) & 0xff;
    }

    /// @notice The movement of the poster's own book, minor units signed by effect.
    function book(Movement movement) internal pure returns (int256) {
        unchecked {
            return int256((Movement.unwrap(movement) >> _FIELD) & _MASK) - int256(_OFFSET);
        }
    }

    /// @notice The movement of the agreed amount, minor units signed by effect.
    function agreed(Movement movement) internal pure returns (int256) {
        unchecked {
            return int256(Movement.unwrap(movement) & _MASK) - int256(_OFFSET);
        }
    }
}
