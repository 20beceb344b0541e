// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Shares} from "../types/FacilityTypes.sol";
import {Kinds} from "./Kinds.sol";

/// @title Splitting an event among the partners
library Splits {
    uint256 internal constant WHOLE_BPS = 10_000;

    /// @notice A partner's part of an event: rounded down to the minor unit; the lead keeps the rest.
    /// @param kind a shared kind
    /// @param amount the whole event's amount, minor units, at most 10^15
    function part(Shares memory shares, uint256 kind, uint256 amount) internal pure returns (uint256) {
        unchecked {
            return amount * componentBps(shares, kind) / WHOLE_BPS;
        }
    }

    /// @notice The share that splits a shared kind, basis points.
    function componentBps(Shares memory shares, uint256 kind) internal pure returns (uint256) {
        if (kind <= Kinds.PRINCIPAL) return shares.principalBps;
        if (kind <= Kinds.PENALTY) return shares.interestBps;
        return shares.feeBps;
    }
}
