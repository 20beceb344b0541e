// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice One bank's half of a pair: 176 bits empty | 24 bits value day | 56 bits amount. 0 = not posted.
/// @dev The value day is an ordinal, the amount minor units. They lie as in a leg's word, so that an exact match is one
///      comparison.
type Half is uint256;

using {equals as ==} for Half global;
using Halves for Half global;

function equals(Half a, Half b) pure returns (bool) {
    return Half.unwrap(a) == Half.unwrap(b);
}

/// @title Reading a half
library Halves {
    uint256 private constant _AMOUNT_MASK = (1 << 56) - 1;
    uint256 private constant _VALUE_DAY_OFFSET = 56;

    function isAbsent(Half half) internal pure returns (bool) {
        return Half.unwrap(half) == 0;
    }

    function amount(Half half) internal pure returns (uint256) {
        return Half.unwrap(half) & _AMOUNT_MASK;
    }

    function valueDay(Half half) internal pure returns (uint256) {
        return Half.unwrap(half) >> _VALUE_DAY_OFFSET;
    }

    /// @notice A half of the same value day with another amount.
    function withAmount(Half half, uint256 amount_) internal pure returns (Half) {
        return Half.wrap((Half.unwrap(half) & ~_AMOUNT_MASK) | amount_);
    }
}
