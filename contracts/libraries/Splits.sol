// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Shares} from "../types/FacilityTypes.sol";

/// @title Splitting an event among the partners
library Splits {
    uint256 internal constant WHOLE_BPS = 10_000;

    /// @notice A partner's part of an event: rounded down to the minor unit; the lead keeps the rest.
    /// @param shares the partner's, packed
    /// @param kind a shared kind
    /// @param amount the whole event's amount, minor units, at most 10^15
    function part(uint256 shares, uint256 kind, uint256 amount) internal pure returns (uint256) {
        unchecked {
            return amount * componentBps(shares, kind) / WHOLE_BPS;
        }
    }

    /// @notice Shares in one word, least significant first: principal (16) | interest (16) | fee (16).
    function pack(Shares memory shares) internal pure returns (uint256) {
        return (uint256(shares.feeBps) << 32) | (uint256(shares.interestBps) << 16) | shares.principalBps;
    }

    /// @notice The share that splits a shared kind, basis points.
    /// @dev Kinds 1 and 2 are of component 0, 3 and 4 of 1, 5 of 2.
    function componentBps(uint256 shares, uint256 kind) internal pure returns (uint256) {
        unchecked {
            return (shares >> (((kind - 1) >> 1) << 4)) & 0xffff;
        }
    }
}
