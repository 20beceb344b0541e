// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Shares} from "../types/FacilityTypes.sol";

/// @notice A partner's shares in basis points: 208 bits empty | 16 bits fee | 16 bits interest | 16 bits principal.
type PackedShares is uint256;

using Splits for PackedShares global;

/// @title Splitting an event among the partners
library Splits {
    uint256 internal constant WHOLE_BPS = 10_000;

    PackedShares internal constant NO_SHARES = PackedShares.wrap(0);

    uint256 private constant _FEE_OFFSET = 32;
    uint256 private constant _INTEREST_OFFSET = 16;
    uint256 private constant _BPS_MASK = 0xffff;

    /// @notice A partner's part of an event: rounded down to the minor unit; the lead keeps the rest.
    /// @param kind a shared kind
    /// @param amount the whole event's amount, minor units, at most 10^15
    function part(PackedShares shares, uint256 kind, uint256 amount) internal pure returns (uint256) {
        unchecked {
            return amount * componentBps(shares, kind) / WHOLE_BPS;
        }
    }

    function pack(Shares memory shares) internal pure returns (PackedShares) {
        return PackedShares.wrap(
            (uint256(shares.feeBps) << _FEE_OFFSET) | (uint256(shares.interestBps) << _INTEREST_OFFSET)
                | shares.principalBps
        );
    }

    /// @notice The share that splits a shared kind, basis points.
    /// @dev Kinds 1 and 2 are of the principal, 3 and 4 of the interest, 5 of the fee: a step of 16 bits each.
    function componentBps(PackedShares shares, uint256 kind) internal pure returns (uint256) {
        unchecked {
            return (PackedShares.unwrap(shares) >> (((kind - 1) >> 1) << 4)) & _BPS_MASK;
        }
    }
}
