// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Action} from "../types/ResolutionTypes.sol";
import {Effect, Effects} from "./Effects.sol";
import {Half} from "./Halves.sol";
import {Kinds} from "./Kinds.sol";
import {OpenChange, OpenChanges} from "./OpenChanges.sol";
import {PairSlot, PairSlots} from "./PairSlots.sol";

/// @notice What a resolution does.
/// @param slot the pair resolved
/// @param movedKind under which kind the books move: a correction, or the pair's own where its absent half is posted
/// @param leadMoved what moves in the lead's book
/// @param partnerMoved what moves in the partner's book
/// @param agreed what both then hold, which is agreed from now on
/// @param accepted the difference accepted: partner's less lead's amount
/// @param leadSettled how open items change for the lead's half; none where it is absent
/// @param partnerSettled likewise for the partner's
struct Outcome {
    PairSlot slot;
    uint256 movedKind;
    Effect leadMoved;
    Effect partnerMoved;
    Effect agreed;
    Effect accepted;
    OpenChange leadSettled;
    OpenChange partnerSettled;
}

/// @title What each resolution does to a pair
/// @notice A pure function of the pair and of what the banks agreed on.
library Outcomes {
    /// @param slot a pair with something open
    /// @param kind the pair's own
    /// @param effectKind the kind whose effect its amounts have: its own, or of a reversal that of its target
    /// @param action one that the pair allows
    /// @param isAtPartner of an adjustment: whether the partner's book moves
    /// @param businessDay on which the books move (ordinal)
    function resolve(
        PairSlot slot,
        uint256 kind,
        uint256 effectKind,
        Action action,
        bool isAtPartner,
        uint256 businessDay
    ) internal pure returns (Outcome memory made) {
        Effect lead = _effect(kind, effectKind, slot.leadHalf());
        Effect partner = _effect(kind, effectKind, slot.partnerHalf());
        if (lead != Effects.NONE) made.leadSettled = OpenChanges.settled(true, lead);
        if (partner != Effects.NONE) made.partnerSettled = OpenChanges.settled(false, partner);
        made.movedKind = Kinds.CORRECTION;

        if (action == Action.Void) {
            made.leadMoved = -lead;
            made.partnerMoved = -partner;
        } else if (action == Action.Adjust) {
            if (isAtPartner) (made.partnerMoved, made.agreed) = (lead - partner, lead);
            else (made.leadMoved, made.agreed) = (partner - lead, partner);
        } else if (lead == Effects.NONE) {
            (made.leadMoved, made.agreed, made.movedKind) = (partner, partner, kind);
            slot = slot.withLeadHalf(slot.partnerHalf(), PairSlots.leadStamp(businessDay, slot.rulesVersion()));
        } else if (partner == Effects.NONE) {
            (made.partnerMoved, made.agreed, made.movedKind) = (lead, lead, kind);
            slot = slot.withPartnerHalf(slot.leadHalf());
        } else {
            (made.agreed, made.accepted) = (lead, partner - lead);
        }
        if (action != Action.Void && made.partnerMoved != Effects.NONE) {
            slot = slot.withFlag(PairSlots.RESOLVED_AT_PARTNER);
        }
        made.slot = slot.withAction(action);
    }

    function _effect(uint256 kind, uint256 effectKind, Half half) private pure returns (Effect) {
        Effect effect = Kinds.effect(effectKind, half.amount());
        return kind == Kinds.REVERSAL ? -effect : effect;
    }
}
