// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice The movements of one reserve account on one business day of one kind, in one word.
/// @dev Least significant first, each two's complement: lead (80) | partner (80) | agreed (80), minor units signed by
///      effect. A field holds the largest legs of more than a million full batches, so that none overflows.
type DayTotal is uint256;

using DayTotals for DayTotal global;

/// @title Packing of day totals
library DayTotals {
    uint256 private constant _FIELD = 80;
    uint256 private constant _MASK = (1 << _FIELD) - 1;

    function isZero(DayTotal total) internal pure returns (bool) {
        return DayTotal.unwrap(total) == 0;
    }

    /// @notice The total with a movement added.
    /// @param isLead whose book `book` moves: the lead's, or the partner's
    function plus(DayTotal total, bool isLead, int256 book, int256 agreed_) internal pure returns (DayTotal) {
        unchecked {
            uint256 word = DayTotal.unwrap(total);
            uint256 shift = isLead ? 0 : _FIELD;
            uint256 field = ((word >> shift) + uint256(book)) & _MASK;
            uint256 agreedField = ((word >> (2 * _FIELD)) + uint256(agreed_)) & _MASK;
            uint256 kept = word & (isLead ? _MASK << _FIELD : _MASK);
            return DayTotal.wrap(kept | (field << shift) | (agreedField << (2 * _FIELD)));
        }
    }

    function lead(DayTotal total) internal pure returns (int80) {
        return int80(uint80(DayTotal.unwrap(total)));
    }

    function partner(DayTotal total) internal pure returns (int80) {
        return int80(uint80(DayTotal.unwrap(total) >> _FIELD));
    }

    function agreed(DayTotal total) internal pure returns (int80) {
        return int80(uint80(DayTotal.unwrap(total) >> (2 * _FIELD)));
    }
}
