// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Effect} from "./Effects.sol";

/// @title Kinds of event: their numbers and what they do to the reserve
library Kinds {
    uint256 internal constant DRAWDOWN = 1;
    uint256 internal constant PRINCIPAL = 2;
    uint256 internal constant INTEREST = 3;
    uint256 internal constant PENALTY = 4;
    uint256 internal constant FEE = 5;
    uint256 internal constant TOP_UP = 6;
    uint256 internal constant RESERVE_INTEREST = 7;
    uint256 internal constant OTHER_IN = 8;
    uint256 internal constant WITHDRAWAL = 9;
    uint256 internal constant SERVICE_FEE = 10;
    uint256 internal constant OTHER_OUT = 11;
    uint256 internal constant REVERSAL = 12;
    uint256 internal constant CORRECTION = 13;

    /// @dev The kinds 1 to this are shared: of a whole event, of which every partner has a part.
    uint256 internal constant LAST_SHARED = FEE;

    uint256 private constant _OUTGOING = (1 << DRAWDOWN) | (1 << WITHDRAWAL) | (1 << SERVICE_FEE) | (1 << OTHER_OUT);

    /// @notice Whether banks may post this kind. Corrections are made by resolutions only.
    function isPostable(uint256 kind) internal pure returns (bool) {
        unchecked {
            // 0 wraps round to the largest number
            return kind - 1 < REVERSAL;
        }
    }

    /// @notice Whether a leg of this kind can be a reversal's target.
    function isReversible(uint256 kind) internal pure returns (bool) {
        unchecked {
            return kind - 1 < OTHER_OUT;
        }
    }

    /// @notice What an amount of this kind does to the reserve.
    /// @param amount minor units
    function effect(uint256 kind, uint256 amount) internal pure returns (Effect) {
        unchecked {
            // all ones where it lowers the reserve: flipping all bits and adding one makes the negative
            uint256 sign = 0 - ((_OUTGOING >> kind) & 1);
            return Effect.wrap(int256((amount ^ sign) - sign));
        }
    }
}
