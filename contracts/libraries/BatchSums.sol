// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Effect, Effects} from "./Effects.sol";
import {DayMovement, Movement, Movements} from "./Movements.sol";
import {OpenChange} from "./OpenChanges.sol";

/// @notice What one batch moves: movements by account and day, and changes of open items by account.
/// @dev Movements: an open-addressed index over a dense list. `index` has 2^n entries of two bytes: 0 = free, else the
///      place in `list` plus one. It has at least twice as many entries as the batch can need, so probing ends, and soon.
///      `list` grows by doubling: a batch may need many days and nearly always has few.
///      Nearly all movements fall on the day in hand: where those lie is kept at hand in `today`.
struct Sums {
    // by partner number; place 0 is nobody's
    OpenChange[] changes;
    DayMovement[] list;
    uint256 count;
    bytes index;
    // the day in hand, and by partner number the place in memory of its movements; 0 = none yet
    uint256 day;
    uint256[] today;
}

using BatchSums for Sums global;

/// @title Summing in memory what a batch moves
library BatchSums {
    /// @dev 2^64 divided by the golden ratio, odd: spreads neighbouring keys over the index.
    uint256 private constant _SPREAD = 0x9E3779B97F4A7C15;

    /// @dev How many days' movements the list has room for at first.
    uint256 private constant _FIRST_MOVEMENTS = 16;

    /// @param capacity the most accounts' days that the batch can move, at most 2^15
    /// @param lastPartner the highest partner number whose account moves
    function create(uint256 capacity, uint256 lastPartner) internal pure returns (Sums memory sums) {
        uint256 entries = 4;
        while (entries < 2 * capacity) entries <<= 1;
        sums.index = new bytes(2 * entries);
        sums.list = _room(_FIRST_MOVEMENTS);
        sums.today = new uint256[](lastPartner + 1);
        sums.changes = new OpenChange[](lastPartner + 1);
    }

    /// @notice Takes another day in hand.
    function openDay(Sums memory sums, uint256 day) internal pure {
        sums.day = day;
        uint256[] memory today = sums.today;
        assembly ("memory-safe") {
            // copying from beyond the end of the calldata writes zeros
            calldatacopy(add(today, 0x20), calldatasize(), shl(5, mload(today)))
        }
    }

    /// @notice Adds what one half moves on the day in hand.
    /// @param partner up to the last one that the sums were made for
    /// @param kind 1 to 13
    function add(Sums memory sums, uint256 partner, uint256 kind, Movement moved, OpenChange open) internal pure {
        uint256[] memory today = sums.today;
        OpenChange[] memory changes = sums.changes;
        uint256 known;
        uint256 at;
        assembly ("memory-safe") {
            known := add(add(today, 0x20), shl(5, partner))
            at := mload(known)
        }
        if (at == 0) {
            at = _find(sums, Movements.toKey(partner, sums.day));
            assembly ("memory-safe") {
                mstore(known, at)
            }
        }
        Movements.add(at, kind, moved);
        assembly ("memory-safe") {
            // OpenChange's `+`
            at := add(add(changes, 0x20), shl(5, partner))
            mstore(at, add(mload(at), open))
        }
    }

    /// @notice Adds an agreed amount on any day.
    function addAgreed(Sums memory sums, uint256 partner, uint256 day, uint256 kind, Effect agreed) internal pure {
        Movements.add(_find(sums, Movements.toKey(partner, day)), kind, Movements.toMovement(Effects.NONE, agreed));
    }

    /// @notice The movements summed. Ends the sums: nothing may be added afterwards.
    function movements(Sums memory sums) internal pure returns (DayMovement[] memory list) {
        list = sums.list;
        uint256 count = sums.count;
        assembly ("memory-safe") {
            // shorten the array in place; `count` never exceeds its length
            mstore(list, count)
        }
    }

    /// @dev The place in memory of the movements of `key`, which it makes where there are none.
    function _find(Sums memory sums, uint256 key) private pure returns (uint256 at) {
        bytes memory index = sums.index;
        DayMovement[] memory list = sums.list;
        unchecked {
            uint256 mask = (index.length >> 1) - 1;
            uint256 place = (key * _SPREAD) >> 40;
            while (true) {
                place &= mask;
                uint256 entry = _entryAt(index, place);
                if (entry == 0) {
                    entry = ++sums.count;
                    if (entry > list.length) list = _grow(sums);
                    list[entry - 1] = Movements.empty(key);
                    _setEntry(index, place, entry);
                    return _placeOf(list, entry);
                }
                at = _placeOf(list, entry);
                if (Movements.keyAt(at) == key) return at;
                ++place;
            }
        }
    }

    /// @dev Moves the list to where it has twice the room; the movements themselves stay where they are.
    function _grow(Sums memory sums) private pure returns (DayMovement[] memory grown) {
        DayMovement[] memory list = sums.list;
        grown = _room(2 * list.length);
        for (uint256 i; i < list.length; ++i) {
            grown[i] = list[i];
        }
        sums.list = grown;
    }

    /// @dev A list of places in memory, none of which is set: what Solidity makes would have room for the movements too.
    function _room(uint256 length) private pure returns (DayMovement[] memory list) {
        assembly ("memory-safe") {
            list := mload(0x40)
            mstore(list, length)
            mstore(0x40, add(add(list, 0x20), shl(5, length)))
        }
    }

    function _entryAt(bytes memory index, uint256 place) private pure returns (uint256 entry) {
        assembly ("memory-safe") {
            // the two bytes at `place` are the last two of the word that ends with them
            entry := and(mload(add(index, add(2, shl(1, place)))), 0xffff)
        }
    }

    function _setEntry(bytes memory index, uint256 place, uint256 entry) private pure {
        assembly ("memory-safe") {
            let at := add(index, add(32, shl(1, place)))
            mstore8(at, shr(8, entry))
            mstore8(add(at, 1), entry)
        }
    }

    /// @dev An entry of the index is the place in the list plus one, which skips the length word.
    function _placeOf(DayMovement[] memory list, uint256 entry) private pure returns (uint256 at) {
        assembly ("memory-safe") {
            at := mload(add(list, shl(5, entry)))
        }
    }
}
