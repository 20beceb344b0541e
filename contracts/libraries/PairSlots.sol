// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Pair, Reason, Status} from "../types/LegTypes.sol";
import {Action} from "../types/ResolutionTypes.sol";
import {Half} from "./Halves.sol";

/// @notice A pair: 80 bits lead half | 80 bits partner half | 24 bits lead business day | 32 bits first seen
///         | 12 bits rules version | 12 bits shares version | 3 bits empty | 1 bit held | 1 bit resolved at the partner
///         | 3 bits action | 4 bits status | 1 bit partner reversed | 1 bit lead reversed | 1 bit partner posted
///         | 1 bit lead posted.
/// @dev Facts that each side sets once, and the status that follows from them. A resolution sets both posted bits, so that
///      a half that arrives after it is not taken for a first one.
type PairSlot is uint256;

/// @notice What the halves of one leg of the lead have in common: business day, versions and posted bit where a PairSlot
///         has them, zeros elsewhere.
type LeadStamp is uint256;

using PairSlots for PairSlot global;
using PairSlots for LeadStamp global;

/// @title Reading and setting what a pair's slot holds
library PairSlots {
    uint256 internal constant LEAD_POSTED = 1 << 0;
    uint256 internal constant PARTNER_POSTED = 1 << 1;
    uint256 internal constant LEAD_REVERSED = 1 << 2;
    uint256 internal constant PARTNER_REVERSED = 1 << 3;
    /// @dev Whose half the resolution moved or made: the partner's; else the lead's, or nobody's.
    uint256 internal constant RESOLVED_AT_PARTNER = 1 << 11;
    /// @dev A hold of the drawdown was placed before either half was known.
    uint256 internal constant HELD = 1 << 12;

    uint256 private constant _LEAD_HALF_OFFSET = 176;
    uint256 private constant _PARTNER_HALF_OFFSET = 96;
    uint256 private constant _BUSINESS_DAY_OFFSET = 72;
    uint256 private constant _FIRST_SEEN_OFFSET = 40;
    uint256 private constant _RULES_OFFSET = 28;
    uint256 private constant _SHARES_OFFSET = 16;
    uint256 private constant _ACTION_OFFSET = 8;
    uint256 private constant _STATUS_OFFSET = 4;

    uint256 private constant _HALF_MASK = (1 << 80) - 1;
    uint256 private constant _DAY_MASK = (1 << 24) - 1;
    uint256 private constant _TIME_MASK = (1 << 32) - 1;
    uint256 private constant _VERSION_MASK = (1 << 12) - 1;
    uint256 private constant _STATUS_MASK = (1 << 4) - 1;
    uint256 private constant _ACTION_MASK = (1 << 3) - 1;

    /// @notice The posted bit of a side.
    function postedBy(bool isLead) internal pure returns (uint256) {
        return isLead ? LEAD_POSTED : PARTNER_POSTED;
    }

    /// @notice The reversed bit of a side.
    function reversedBy(bool isLead) internal pure returns (uint256) {
        return isLead ? LEAD_REVERSED : PARTNER_REVERSED;
    }

    /// @notice Whether any bit of `flag` is set.
    function has(PairSlot slot, uint256 flag) internal pure returns (bool) {
        return PairSlot.unwrap(slot) & flag != 0;
    }

    function withFlag(PairSlot slot, uint256 flag) internal pure returns (PairSlot) {
        return PairSlot.wrap(PairSlot.unwrap(slot) | flag);
    }

    function withoutFlag(PairSlot slot, uint256 flag) internal pure returns (PairSlot) {
        return PairSlot.wrap(PairSlot.unwrap(slot) & ~flag);
    }

    function leadHalf(PairSlot slot) internal pure returns (Half) {
        return Half.wrap(PairSlot.unwrap(slot) >> _LEAD_HALF_OFFSET);
    }

    function partnerHalf(PairSlot slot) internal pure returns (Half) {
        return Half.wrap((PairSlot.unwrap(slot) >> _PARTNER_HALF_OFFSET) & _HALF_MASK);
    }

    function halfOf(PairSlot slot, bool isLead) internal pure returns (Half) {
        return isLead ? leadHalf(slot) : partnerHalf(slot);
    }

    function leadBusinessDay(PairSlot slot) internal pure returns (uint256) {
        return (PairSlot.unwrap(slot) >> _BUSINESS_DAY_OFFSET) & _DAY_MASK;
    }

    function rulesVersion(PairSlot slot) internal pure returns (uint256) {
        return (PairSlot.unwrap(slot) >> _RULES_OFFSET) & _VERSION_MASK;
    }

    function status(PairSlot slot) internal pure returns (Status) {
        return Status((PairSlot.unwrap(slot) >> _STATUS_OFFSET) & _STATUS_MASK);
    }

    /// @notice How the pair was resolved; None = it was not.
    function action(PairSlot slot) internal pure returns (Action) {
        return Action((PairSlot.unwrap(slot) >> _ACTION_OFFSET) & _ACTION_MASK);
    }

    /// @param businessDay of the leg's group (ordinal)
    /// @param rulesVersion_ the rules in force on the leg's value day
    function leadStamp(uint256 businessDay, uint256 rulesVersion_) internal pure returns (LeadStamp) {
        return LeadStamp.wrap((businessDay << _BUSINESS_DAY_OFFSET) | (rulesVersion_ << _RULES_OFFSET) | LEAD_POSTED);
    }

    /// @notice The stamp of a leg that is split.
    function withShares(LeadStamp stamp, uint256 sharesVersion) internal pure returns (LeadStamp) {
        return LeadStamp.wrap(LeadStamp.unwrap(stamp) | (sharesVersion << _SHARES_OFFSET));
    }

    /// @notice The slot with the lead's half set. Its rules replace those of a partner's half that came first.
    function withLeadHalf(PairSlot slot, Half half, LeadStamp stamp) internal pure returns (PairSlot) {
        uint256 kept = PairSlot.unwrap(slot) & ~(_VERSION_MASK << _RULES_OFFSET);
        return PairSlot.wrap(kept | (Half.unwrap(half) << _LEAD_HALF_OFFSET) | LeadStamp.unwrap(stamp));
    }

    /// @notice The slot with the partner's half set.
    function withPartnerHalf(PairSlot slot, Half half) internal pure returns (PairSlot) {
        return PairSlot.wrap(PairSlot.unwrap(slot) | (Half.unwrap(half) << _PARTNER_HALF_OFFSET) | PARTNER_POSTED);
    }

    /// @notice The slot with the rules of a half that is still alone.
    function withRules(PairSlot slot, uint256 rulesVersion_) internal pure returns (PairSlot) {
        return PairSlot.wrap(PairSlot.unwrap(slot) | (rulesVersion_ << _RULES_OFFSET));
    }

    /// @notice The slot with the time of its first half, seconds.
    function withFirstSeen(PairSlot slot, uint256 timestamp) internal pure returns (PairSlot) {
        return PairSlot.wrap(PairSlot.unwrap(slot) | ((timestamp & _TIME_MASK) << _FIRST_SEEN_OFFSET));
    }

    /// @notice The slot with its judgement, set once, when the second half is known.
    function withStatus(PairSlot slot, Status status_) internal pure returns (PairSlot) {
        return PairSlot.wrap(PairSlot.unwrap(slot) | (uint256(status_) << _STATUS_OFFSET));
    }

    /// @notice The slot resolved, closed to further halves.
    function withAction(PairSlot slot, Action action_) internal pure returns (PairSlot) {
        return
            PairSlot.wrap(PairSlot.unwrap(slot) | (uint256(action_) << _ACTION_OFFSET) | LEAD_POSTED | PARTNER_POSTED);
    }

    /// @notice How many legs of the pair are open: none once it is settled or resolved.
    function openLegs(PairSlot slot) internal pure returns (uint256) {
        if (isSettled(slot)) return 0;
        return (leadHalf(slot).isAbsent() ? 0 : 1) + (partnerHalf(slot).isAbsent() ? 0 : 1);
    }

    /// @notice Whether nothing of the pair is open: matched, within tolerance or resolved.
    function isSettled(PairSlot slot) internal pure returns (bool) {
        Status status_ = status(slot);
        return status_ == Status.Matched || status_ == Status.WithinTolerance || action(slot) != Action.None;
    }

    /// @notice Why a side's half cannot be set any more: it is there, or the pair was resolved without it. None where it
    ///         can.
    function takenReason(PairSlot slot, bool isLead) internal pure returns (Reason) {
        if (!has(slot, postedBy(isLead))) return Reason.None;
        // the absent half of a one-sided leg that was written off is there, but its bank did not post it
        bool isMade =
            action(slot) == Action.WriteOff && status(slot) == Status.Open && has(slot, RESOLVED_AT_PARTNER) != isLead;
        return halfOf(slot, isLead).isAbsent() || isMade ? Reason.Resolved : Reason.Duplicate;
    }

    /// @notice What a reversal of a side's half undoes, minor units: its amount, corrected by an adjustment; 0 where there
    ///         is no half, or where it was voided.
    function reversibleAmount(PairSlot slot, bool isLead) internal pure returns (uint256) {
        Action action_ = action(slot);
        if (action_ == Action.Void) return 0;
        bool isAdjusted = action_ == Action.Adjust && has(slot, RESOLVED_AT_PARTNER) != isLead;
        return halfOf(slot, isLead != isAdjusted).amount();
    }

    /// @notice The pair as views return it.
    function unpack(PairSlot slot) internal pure returns (Pair memory pair) {
        uint256 word = PairSlot.unwrap(slot);
        pair.leadAmount = uint56(leadHalf(slot).amount());
        pair.partnerAmount = uint56(partnerHalf(slot).amount());
        pair.leadValueDay = uint24(leadHalf(slot).valueDay());
        pair.partnerValueDay = uint24(partnerHalf(slot).valueDay());
        pair.leadBusinessDay = uint24(leadBusinessDay(slot));
        pair.firstSeen = uint32(word >> _FIRST_SEEN_OFFSET);
        pair.rulesVersion = uint16(rulesVersion(slot));
        pair.sharesVersion = uint16((word >> _SHARES_OFFSET) & _VERSION_MASK);
        pair.leadReversed = has(slot, LEAD_REVERSED);
        pair.partnerReversed = has(slot, PARTNER_REVERSED);
        pair.status = status(slot);
        pair.action = action(slot);
        pair.resolvedAtPartner = has(slot, RESOLVED_AT_PARTNER);
        pair.held = has(slot, HELD);
    }
}
