// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @title Thresholds rounded up, small enough to stand beside the balances
/// @notice A ceiling in 16 bits: mantissa (9) | exponent (7), the amount mantissa * 2^exponent. A balance that is not below
///         the ceiling is not low; for one below it the exact threshold must be read.
library Ceilings {
    uint256 private constant _EXPONENT_BITS = 7;
    uint256 private constant _EXPONENT = (1 << _EXPONENT_BITS) - 1;
    uint256 private constant _LARGEST_MANTISSA = (1 << 9) - 1;

    /// @param threshold minor units; below 0 counts as 0, where a shortfall begins
    function pack(int72 threshold) internal pure returns (uint16) {
        if (threshold <= 0) return 0;
        uint256 mantissa = uint256(int256(threshold));
        uint256 exponent;
        while (mantissa > _LARGEST_MANTISSA) {
            mantissa = (mantissa + 1) >> 1;
            ++exponent;
        }
        return uint16((mantissa << _EXPONENT_BITS) | exponent);
    }

    /// @return minor units, at least the threshold that was packed
    function unpack(uint256 ceiling) internal pure returns (int256) {
        return int256((ceiling >> _EXPONENT_BITS) << (ceiling & _EXPONENT));
    }
}
