// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Rules} from "../types/FacilityTypes.sol";
import {Status} from "../types/LegTypes.sol";
import {Half} from "./Halves.sol";

/// @title The judge: what two halves are to each other
/// @notice A pure function of both halves and the rules, so that the order of the halves cannot matter.
library Judge {
    /// @param rules those in force on the lead's value day
    function judge(Half lead, Half partner, Rules memory rules) internal pure returns (Status) {
        if (lead == partner) return Status.Matched;

        bool amountBroken = _distance(lead.amount(), partner.amount()) > rules.amountTolerance;
        bool dateBroken = _distance(lead.valueDay(), partner.valueDay()) > rules.dateWindowDays;

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
