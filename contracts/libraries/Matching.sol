// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Status} from "../types/LegTypes.sol";
import {Effect, Effects} from "./Effects.sol";
import {OpenChange, OpenChanges} from "./OpenChanges.sol";
import {PairSlot} from "./PairSlots.sol";

/// @title What happens when a half arrives
/// @notice A pure function of the pair and the half. The half always moves its effect in its sender's book. The rest:
///
///         | the other half                   | status                      | agreed            | open items
///         | -------------------------------- | --------------------------- | ----------------- | --------------------------
///         | is not there                     | Open                        | nothing           | the half opens
///         | is equal                         | Matched                     | its effect        | the other half is settled
///         | differs within the tolerances    | WithinTolerance             | the lead's effect | the other half is settled,
///         |                                  |                             |                   | the difference is accepted
///         | differs beyond one of them       | Amount, Date, AmountAndDate | nothing           | the half opens too
///
///         An agreed amount falls on the lead half's business day. Which status two halves have: Judge.
library Matching {
    /// @notice The first half of a pair arrives.
    /// @param pair with the half in it
    /// @param isLead whose half it is: the lead's, or the partner's
    /// @param effect the half's
    /// @param timestamp of the block, seconds
    function first(PairSlot pair, bool isLead, Effect effect, uint256 timestamp)
        internal
        pure
        returns (PairSlot after_, Effect agreed, OpenChange open)
    {
        return (pair.withFirstSeen(timestamp), Effects.NONE, OpenChanges.opened(isLead, effect));
    }

    /// @notice The second half of a pair arrives and is equal to the first.
    /// @param pair with both halves in it
    function exact(PairSlot pair, bool isLead, Effect effect)
        internal
        pure
        returns (PairSlot after_, Effect agreed, OpenChange open)
    {
        return (pair.withStatus(Status.Matched), effect, OpenChanges.settled(!isLead, effect));
    }

    /// @notice The second half of a pair arrives and differs from the first.
    /// @param pair with both halves in it
    /// @param effect of the half that arrives; the other's has the same sign
    /// @param status what the two halves are to each other, not Matched
    function second(PairSlot pair, bool isLead, Effect effect, Status status)
        internal
        pure
        returns (PairSlot after_, Effect agreed, OpenChange open)
    {
        after_ = pair.withStatus(status);
        if (status != Status.WithinTolerance) return (after_, Effects.NONE, OpenChanges.opened(isLead, effect));
        Effect lead = effect.withAmount(pair.leadHalf().amount());
        Effect partner = effect.withAmount(pair.partnerHalf().amount());
        open = OpenChanges.settled(!isLead, isLead ? partner : lead) + OpenChanges.accepted(partner - lead);
        return (after_, lead, open);
    }
}
