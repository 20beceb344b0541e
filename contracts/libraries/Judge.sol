// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Rules} from "../types/FacilityTypes.sol";
import {Status} from "../types/LegTypes.sol";
import {PairSlots} from "./PairSlots.sol";

/// @title The judge: what two halves are to each other
/// @notice A pure function of both halves and the rules, so that the order of the halves cannot matter.
library Judge {
    /// @param leadHalf value day (24) | amount (56)
    /// @param partnerHalf value day (24) | amount (56)
    /// @param rules those in force on the lead's value day
    function judge(uint256 leadHalf, uint256 partnerHalf, Rules memory rules) internal pure returns (Status) {
        if (leadHalf == partnerHalf) return Status.Matched;

        bool amountBroken =
            _distance(PairSlots.halfAmount(leadHalf), PairSlots.halfAmount(partnerHalf)) > rules.amountTolerance;
        bool dateBroken =
            _distance(PairSlots.halfValueDay(leadHalf), PairSlots.halfValueDay(partnerHalf)) > rules.dateWindowDays;

        if (amountBroken && dateBroken) return Status.AmountAndDate;
        if (amountBroken) return Status.Amount;
        if (dateBroken) return Status.Date;
        return Status.WithinTolerance;
    }

    /// @notice Whether a status settles the pair, so that its amount is agreed.
    function settles(Status status) internal pure returns (bool) {
        return status == Status.Matched || status == Status.WithinTolerance;
    }

    function _distance(uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            return a > b ? a - b : b - a;
        }
    }
}
