// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Kinds} from "./Kinds.sol";
import {Movements} from "./Movements.sol";

/// @notice What moved of four kinds, minor units signed by effect: 64 bits the highest kind | 64 bits | 64 bits | 64 bits
///         the lowest.
type DayTotal is uint256;

using DayTotals for DayTotal global;
using DayTotals for Day global;

/// @notice The movements of one reserve account on one business day.
/// @dev Each of the columns (the lead's book, the partner's, what is agreed) has words of its own, so that a batch writes
///      only what it moves: kinds 1 to 4, 5 to 8, 9 to 12, and 13.
///      A sum that 64 bits cannot hold (9,223 of the largest legs) is moved to a word of its own, and its field begins
///      at 0 again: a total is both together. `outgrown` has a bit for each word of its own that is in use.
/// @param totals by column and kinds: (kind - 1) / 4
/// @param outgrown by place: column (2) | kind - 1 (4)
/// @param more by place
struct Day {
    DayTotal[4][3] totals;
    uint256 outgrown;
    mapping(uint256 place => int256) more;
}

/// @title Adding up a day's movements
library DayTotals {
    uint256 internal constant LEAD = 0;
    uint256 internal constant PARTNER = 1;
    uint256 internal constant AGREED = 2;

    /// @dev The sign of each field.
    uint256 private constant _SIGNS = Movements.NONE;

    /// @notice Adds what four kinds moved.
    /// @param group (kind - 1) / 4
    /// @param moved four signed numbers of 64 bits, as Movements gives them
    /// @return isFirst whether nothing of these kinds stood there: the first movement, or one after they came back to 0
    function add(Day storage day, uint256 column, uint256 group, uint256 moved) internal returns (bool isFirst) {
        DayTotal total = day.totals[column][group];
        isFirst = DayTotal.unwrap(total) == 0;
        (DayTotal after_, uint256 outgrown) = total.plus(moved);
        day.totals[column][group] = outgrown == 0 ? after_ : _outgrow(day, column, group, total, moved);
    }

    /// @notice What moved of a kind, minor units signed by effect.
    function ofKind(Day storage day, uint256 column, uint256 kind) internal view returns (int256 amount) {
        unchecked {
            uint256 place = kind - 1;
            amount = day.totals[column][place >> 2].at(place & 3);
        }
        if (day.outgrown != 0) amount += day.more[_place(column, kind)];
    }

    /// @notice What moved of all kinds, minor units signed by effect.
    function ofAll(Day storage day, uint256 column) internal view returns (int256 amount) {
        for (uint256 group; group < 4; ++group) {
            DayTotal total = day.totals[column][group];
            for (uint256 field; field < 4; ++field) {
                amount += total.at(field);
            }
        }
        if (day.outgrown == 0) return amount;
        for (uint256 kind = 1; kind <= Kinds.CORRECTION; ++kind) {
            amount += day.more[_place(column, kind)];
        }
    }

    /// @notice Four totals with a movement added to each.
    /// @return sum of each, modulo 2^64
    /// @return outgrown the top bit of each field that cannot hold its sum
    function plus(DayTotal total, uint256 moved) internal pure returns (DayTotal sum, uint256 outgrown) {
        unchecked {
            uint256 before = DayTotal.unwrap(total);
            // without their signs the fields have room for a carry; the signs are added without one
            uint256 word = ((before & ~_SIGNS) + (moved & ~_SIGNS)) ^ ((before ^ moved) & _SIGNS);
            // a sum outgrew its field where its sign is neither of the two
            outgrown = (word ^ before) & (word ^ moved) & _SIGNS;
            sum = DayTotal.wrap(word);
        }
    }

    /// @param field 0 to 3: kind by kind
    function at(DayTotal total, uint256 field) internal pure returns (int64) {
        return Movements.at(DayTotal.unwrap(total), field);
    }

    /// @dev Adds one by one, and moves what outgrows its field.
    /// @return kept what stays in the fields
    function _outgrow(Day storage day, uint256 column, uint256 group, DayTotal total, uint256 moved)
        private
        returns (DayTotal)
    {
        uint256 kept;
        for (uint256 field; field < 4; ++field) {
            int256 amount = int256(total.at(field)) + Movements.at(moved, field);
            if (amount == int64(amount)) {
                kept |= uint256(uint64(int64(amount))) << (field * 64);
                continue;
            }
            uint256 place = _place(column, group * 4 + field + 1);
            day.more[place] += amount;
            day.outgrown |= 1 << place;
        }
        return DayTotal.wrap(kept);
    }

    function _place(uint256 column, uint256 kind) private pure returns (uint256) {
        return (column << 4) | (kind - 1);
    }
}
