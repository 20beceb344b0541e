// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Effect} from "./Effects.sol";

/// @notice What moves under one kind: 128 bits empty | 64 bits book | 64 bits agreed.
/// @dev Two signed numbers, added as one: a negative agreed amount borrows from the book. `Movements.add` adds it to fields
///      whose offsets take the borrow back.
type Movement is uint256;

/// @notice What a batch moves on one account and business day, by kind.
/// @dev The key: 224 bits empty | 8 bits partner | 24 bits day. Each further word holds two kinds: 64 bits book of the even
///      kind | 64 bits its agreed amount | 64 bits book of the odd kind | 64 bits its agreed amount. An amount is kept with
///      an offset of 2^63, so that adding a signed number never borrows from its neighbour: a batch of 500 parts of at most
///      10^15 stays below 2^59.
struct DayMovement {
    uint256 key;
    uint256 kinds1And2;
    uint256 kinds3And4;
    uint256 kinds5And6;
    uint256 kinds7And8;
    uint256 kinds9And10;
    uint256 kinds11And12;
    uint256 kind13;
}

/// @title Packing of movements
library Movements {
    uint256 private constant _FIELD = 64;
    uint256 private constant _MASK = (1 << _FIELD) - 1;
    /// @dev Two kinds of which nothing has moved: the offset in each field.
    uint256 internal constant NONE = (1 << 63) | (1 << 127) | (1 << 191) | (1 << 255);

    /// @dev Every second field of a word.
    uint256 private constant _EVERY_SECOND = _MASK | (_MASK << (2 * _FIELD));
    uint256 private constant _LOWER_HALF = (1 << (2 * _FIELD)) - 1;
    /// @dev The offsets of four fields, added up.
    uint256 private constant _FOUR_OFFSETS = 4 << 63;

    function toKey(uint256 partner, uint256 day) internal pure returns (uint256) {
        return (partner << 24) | day;
    }

    /// @param at_ where in memory a DayMovement stands
    function keyAt(uint256 at_) internal pure returns (uint256 key) {
        assembly ("memory-safe") {
            key := mload(at_)
        }
    }

    function partnerOf(uint256 key) internal pure returns (uint256) {
        return key >> 24;
    }

    function dayOf(uint256 key) internal pure returns (uint256) {
        return key & 0xffffff;
    }

    /// @notice Movements of nothing yet.
    function empty(uint256 key) internal pure returns (DayMovement memory) {
        return DayMovement(key, NONE, NONE, NONE, NONE, NONE, NONE, NONE);
    }

    /// @notice What one kind moves, alone.
    function single(uint256 partner, uint256 day, uint256 kind, Effect book, Effect agreed)
        internal
        pure
        returns (DayMovement memory movement)
    {
        movement = empty(toKey(partner, day));
        uint256 at_;
        assembly ("memory-safe") {
            at_ := movement
        }
        add(at_, kind, toMovement(book, agreed));
    }

    function toMovement(Effect book, Effect agreed) internal pure returns (Movement) {
        unchecked {
            return Movement.wrap((book.bits() << _FIELD) + agreed.bits());
        }
    }

    /// @notice Adds what moves under a kind.
    /// @param at_ where in memory a DayMovement stands
    /// @param kind 1 to 13
    function add(uint256 at_, uint256 kind, Movement moved) internal pure {
        assembly ("memory-safe") {
            // kinds 1 and 2 in the word after the key
            let next := add(kind, 1)
            let word := add(at_, shl(5, shr(1, next)))
            mstore(word, add(mload(word), shl(shl(7, and(next, 1)), moved)))
        }
    }

    /// @notice What one kind moves, minor units signed by effect.
    /// @param kind 1 to 13
    function ofKind(DayMovement calldata movement, uint256 kind) internal pure returns (int256 book, int256 agreed) {
        uint256 fields;
        assembly ("memory-safe") {
            let next := add(kind, 1)
            fields := shr(shl(7, and(next, 1)), calldataload(add(movement, shl(5, shr(1, next)))))
        }
        fields ^= NONE;
        return (at(fields, 1), at(fields, 0));
    }

    /// @notice The books of four kinds, in the order of the kinds from the least significant field.
    /// @param first the word of the two lower kinds
    /// @param second the word of the two higher ones
    /// @return fields four signed numbers of 64 bits, two's complement each
    /// @return sum of the four, minor units signed by effect
    function books(uint256 first, uint256 second) internal pure returns (uint256 fields, int256 sum) {
        return _four((first >> _FIELD) & _EVERY_SECOND, (second >> _FIELD) & _EVERY_SECOND);
    }

    /// @notice The agreed amounts of four kinds; as `books`.
    function agreedAmounts(uint256 first, uint256 second) internal pure returns (uint256 fields, int256 sum) {
        return _four(first & _EVERY_SECOND, second & _EVERY_SECOND);
    }

    /// @notice The number in one of four fields.
    /// @param field 0 to 3, from the least significant
    function at(uint256 fields, uint256 field) internal pure returns (int64) {
        return int64(uint64(fields >> (field * _FIELD)));
    }

    /// @dev Closes the gaps between the fields, adds them up, and takes the offsets away.
    function _four(uint256 first, uint256 second) private pure returns (uint256 fields, int256 sum) {
        unchecked {
            uint256 both = first + second;
            sum = int256((both & _LOWER_HALF) + (both >> (2 * _FIELD))) - int256(_FOUR_OFFSETS);
            fields = ((first | (first >> _FIELD)) & _LOWER_HALF) | ((second | (second >> _FIELD)) << (2 * _FIELD));
            // with the offset the top bit of a field is the opposite of its sign
            fields ^= NONE;
        }
    }
}
