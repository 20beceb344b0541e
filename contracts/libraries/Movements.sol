// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice What a batch moves on one account and business day, by kind.
/// @dev The key: partner (8) | day (24). Each further word holds two kinds, least significant first: the odd kind's agreed
///      amount (64) | its book (64) | the even kind's agreed amount (64) | its book (64). An amount is kept with an offset
///      of 2^63, so that adding a signed number never borrows from its neighbour: a batch of 500 parts of at most 10^15
///      stays below 2^59.
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
    /// @param book minor units signed by effect, two's complement
    /// @param agreed likewise
    function single(uint256 partner, uint256 day, uint256 kind, uint256 book, uint256 agreed)
        internal
        pure
        returns (DayMovement memory movement)
    {
        movement = empty(toKey(partner, day));
        uint256 at_;
        assembly ("memory-safe") {
            at_ := movement
        }
        add(at_, kind, delta(book, agreed));
    }

    /// @notice Both amounts of one kind, signed by effect, as one number for `add`.
    /// @param book minor units, two's complement
    /// @param agreed minor units, two's complement
    function delta(uint256 book, uint256 agreed) internal pure returns (uint256) {
        unchecked {
            return (book << _FIELD) + agreed;
        }
    }

    /// @notice Adds what a half moves.
    /// @param at_ where in memory a DayMovement stands
    /// @param kind 1 to 13
    /// @param delta_ as `delta` makes it
    function add(uint256 at_, uint256 kind, uint256 delta_) internal pure {
        assembly ("memory-safe") {
            // kinds 1 and 2 in the word after the key
            let next := add(kind, 1)
            let word := add(at_, shl(5, shr(1, next)))
            mstore(word, add(mload(word), shl(shl(7, and(next, 1)), delta_)))
        }
    }

    /// @notice What one kind moves, minor units signed by effect.
    /// @param kind 1 to 13
    function ofKind(DayMovement calldata movement, uint256 kind) internal pure returns (int256 book, int256 agreed) {
        uint256 lanes;
        assembly ("memory-safe") {
            let next := add(kind, 1)
            lanes := shr(shl(7, and(next, 1)), calldataload(add(movement, shl(5, shr(1, next)))))
        }
        lanes ^= NONE;
        return (at(lanes, 1), at(lanes, 0));
    }

    /// @notice The books of four kinds, in the order of the kinds from the least significant field.
    /// @param first the word of the two lower kinds
    /// @param second the word of the two higher ones
    /// @return lanes four signed numbers of 64 bits, two's complement each
    /// @return sum of the four, minor units signed by effect
    function books(uint256 first, uint256 second) internal pure returns (uint256 lanes, int256 sum) {
        return _four((first >> _FIELD) & _EVERY_SECOND, (second >> _FIELD) & _EVERY_SECOND);
    }

    /// @notice The agreed amounts of four kinds; as `books`.
    function agreedAmounts(uint256 first, uint256 second) internal pure returns (uint256 lanes, int256 sum) {
        return _four(first & _EVERY_SECOND, second & _EVERY_SECOND);
    }

    /// @notice The number in one of four fields.
    /// @param lane 0 to 3, from the least significant
    function at(uint256 lanes, uint256 lane) internal pure returns (int64) {
        return int64(uint64(lanes >> (lane * _FIELD)));
    }

    /// @dev Closes the gaps between the fields, adds them up, and takes the offsets away.
    function _four(uint256 first, uint256 second) private pure returns (uint256 lanes, int256 sum) {
        unchecked {
            uint256 both = first + second;
            sum = int256((both & _LOWER_HALF) + (both >> (2 * _FIELD))) - int256(_FOUR_OFFSETS);
            lanes = ((first | (first >> _FIELD)) & _LOWER_HALF) | ((second | (second >> _FIELD)) << (2 * _FIELD));
            // with the offset the top bit of a field is the opposite of its sign
            lanes ^= NONE;
        }
    }
}
