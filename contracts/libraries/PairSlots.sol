// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Pair, Reason, Status} from "../types/LegTypes.sol";
import {Action} from "../types/ResolutionTypes.sol";

/// @notice A pair in one word: facts that each side sets once, and the status that follows from them.
/// @dev Most significant first: lead half (80) | partner half (80) | lead business day (24) | first seen (32)
///      | rules version (12) | shares version (12) | flags (16). A half is value day (24) | amount (56), as in a leg's
///      word, so that an exact match is one comparison. Flags, from the least: lead posted, partner posted, lead reversed,
///      partner reversed, status (4), action of the resolution (3), its side (1), held.
///      A resolution sets both posted flags, so that a half that arrives after it meets the check for duplicates.
type PairSlot is uint256;

using PairSlots for PairSlot global;

/// @title Packing of a pair
library PairSlots {
    uint256 internal constant LEAD_POSTED = 1;
    uint256 internal constant PARTNER_POSTED = 2;
    uint256 internal constant LEAD_REVERSED = 4;
    uint256 internal constant PARTNER_REVERSED = 8;
    /// @dev Whose half the resolution moved or made: the partner's; else the lead's, or nobody's.
    uint256 internal constant RESOLVED_AT_PARTNER = 1 << 11;
    /// @dev A hold of the drawdown was placed before either half was known.
    uint256 internal constant HELD = 1 << 12;

    /// @dev What a half must look into before it may be set; one test covers all.
    uint256 internal constant LEAD_TAKEN = LEAD_POSTED | HELD;
    uint256 internal constant PARTNER_TAKEN = PARTNER_POSTED | HELD;

    uint256 private constant _LEAD_HALF_SHIFT = 176;
    uint256 private constant _PARTNER_HALF_SHIFT = 96;
    uint256 private constant _BUSINESS_DAY_SHIFT = 72;
    uint256 private constant _FIRST_SEEN_SHIFT = 40;
    uint256 private constant _RULES_SHIFT = 28;
    uint256 private constant _SHARES_SHIFT = 16;
    uint256 private constant _STATUS_SHIFT = 4;
    uint256 private constant _ACTION_SHIFT = 8;

    uint256 private constant _HALF = (1 << 80) - 1;
    uint256 private constant _AMOUNT = (1 << 56) - 1;
    uint256 private constant _DAY = (1 << 24) - 1;
    uint256 private constant _VERSION = (1 << 12) - 1;

    /// @notice What leads from a partner's key to the next partner's.
    uint256 internal constant NEXT_PARTNER = 1 << 168;

    /// @notice The identity of a pair: facility (32) | partner (8) | kind (8) | reference (160).
    function key(uint256 facility, uint256 partner, uint256 kind, uint256 ref) internal pure returns (uint256) {
        return (facility << 176) | (partner << 168) | (kind << 160) | ref;
    }

    /// @notice The identity of a reversal's pair: facility (32) | partner (8) | hash of its own key and its target's word
    ///         (216). Its facility stands where other keys have zeros, so the two never meet.
    function reversalKey(uint256 ownKey, uint256 targetWord) internal pure returns (uint256 key_) {
        assembly ("memory-safe") {
            mstore(0x00, ownKey)
            mstore(0x20, targetWord)
            key_ := or(shl(216, shr(168, ownKey)), shr(40, keccak256(0x00, 0x40)))
        }
    }

    /// @notice The account that a pair belongs to: facility (32) | partner (8).
    function accountOf(uint256 key_) internal pure returns (uint256) {
        uint256 account = key_ >> 168;
        return account >> 40 == 0 ? account : key_ >> 216;
    }

    /// @notice A half of the same value day with another amount.
    function withAmount(uint256 half, uint256 amount) internal pure returns (uint256) {
        return (half & ~_AMOUNT) | amount;
    }

    function halfAmount(uint256 half) internal pure returns (uint256) {
        return half & _AMOUNT;
    }

    function halfValueDay(uint256 half) internal pure returns (uint256) {
        return half >> 56;
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

    function leadHalf(PairSlot slot) internal pure returns (uint256) {
        return PairSlot.unwrap(slot) >> _LEAD_HALF_SHIFT;
    }

    function partnerHalf(PairSlot slot) internal pure returns (uint256) {
        return (PairSlot.unwrap(slot) >> _PARTNER_HALF_SHIFT) & _HALF;
    }

    function leadBusinessDay(PairSlot slot) internal pure returns (uint256) {
        return (PairSlot.unwrap(slot) >> _BUSINESS_DAY_SHIFT) & _DAY;
    }

    function rulesVersion(PairSlot slot) internal pure returns (uint256) {
        return (PairSlot.unwrap(slot) >> _RULES_SHIFT) & _VERSION;
    }

    /// @notice What the halves of one leg of the lead have in common.
    function leadStamp(uint256 businessDay, uint256 rulesVersion_) internal pure returns (uint256) {
        return (businessDay << _BUSINESS_DAY_SHIFT) | (rulesVersion_ << _RULES_SHIFT) | LEAD_POSTED;
    }

    /// @notice The stamp of a leg that is split.
    function withShares(uint256 stamp, uint256 sharesVersion) internal pure returns (uint256) {
        return stamp | (sharesVersion << _SHARES_SHIFT);
    }

    /// @notice The slot with the lead's half set. Its rules replace those of a partner's half that came first.
    function withLeadHalf(PairSlot slot, uint256 half, uint256 stamp) internal pure returns (PairSlot) {
        uint256 kept = PairSlot.unwrap(slot) & ~(_VERSION << _RULES_SHIFT);
        return PairSlot.wrap(kept | (half << _LEAD_HALF_SHIFT) | stamp);
    }

    /// @notice The slot with the partner's half set.
    function withPartnerHalf(PairSlot slot, uint256 half) internal pure returns (PairSlot) {
        return PairSlot.wrap(PairSlot.unwrap(slot) | (half << _PARTNER_HALF_SHIFT) | PARTNER_POSTED);
    }

    /// @notice The slot with the rules of a half that is still alone.
    function withRules(PairSlot slot, uint256 rulesVersion_) internal pure returns (PairSlot) {
        return PairSlot.wrap(PairSlot.unwrap(slot) | (rulesVersion_ << _RULES_SHIFT));
    }

    /// @notice The slot with the time of its first half, seconds.
    function withFirstSeen(PairSlot slot, uint256 timestamp) internal pure returns (PairSlot) {
        return PairSlot.wrap(PairSlot.unwrap(slot) | ((timestamp & 0xffffffff) << _FIRST_SEEN_SHIFT));
    }

    /// @notice The slot with its judgement, set once, when the second half is known.
    function withStatus(PairSlot slot, Status status_) internal pure returns (PairSlot) {
        return PairSlot.wrap(PairSlot.unwrap(slot) | (uint256(status_) << _STATUS_SHIFT));
    }

    function status(PairSlot slot) internal pure returns (Status) {
        return Status((PairSlot.unwrap(slot) >> _STATUS_SHIFT) & 0xf);
    }

    /// @notice How the pair was resolved; None = it was not.
    function action(PairSlot slot) internal pure returns (Action) {
        return Action((PairSlot.unwrap(slot) >> _ACTION_SHIFT) & 0x7);
    }

    /// @notice The slot resolved, closed to further halves.
    function withAction(PairSlot slot, Action action_) internal pure returns (PairSlot) {
        return PairSlot.wrap(PairSlot.unwrap(slot) | (uint256(action_) << _ACTION_SHIFT) | LEAD_POSTED | PARTNER_POSTED);
    }

    /// @notice How many legs of the pair are open: none once it is settled or resolved.
    function openLegs(PairSlot slot) internal pure returns (uint256) {
        if (isSettled(slot)) return 0;
        return (leadHalf(slot) == 0 ? 0 : 1) + (partnerHalf(slot) == 0 ? 0 : 1);
    }

    /// @notice Whether nothing of the pair is open: matched, within tolerance or resolved.
    function isSettled(PairSlot slot) internal pure returns (bool) {
        Status status_ = status(slot);
        return status_ == Status.Matched || status_ == Status.WithinTolerance || action(slot) != Action.None;
    }

    /// @notice Why a side's half cannot be set any more: it is there, or the pair was resolved without it.
    function takenReason(PairSlot slot, bool isLead) internal pure returns (Reason) {
        if (!has(slot, isLead ? LEAD_POSTED : PARTNER_POSTED)) return Reason.None;
        bool isAbsent = isLead ? leadHalf(slot) == 0 : partnerHalf(slot) == 0;
        // the absent half of a one-sided leg that was written off is there, but its bank did not post it
        bool isMade =
            action(slot) == Action.WriteOff && status(slot) == Status.Open && has(slot, RESOLVED_AT_PARTNER) != isLead;
        return isAbsent || isMade ? Reason.Resolved : Reason.Duplicate;
    }

    /// @notice What a reversal of a side's half undoes, minor units: its amount, corrected by an adjustment; 0 where there
    ///         is no half, or where it was voided.
    function reversibleAmount(PairSlot slot, bool isLead) internal pure returns (uint256) {
        Action action_ = action(slot);
        if (action_ == Action.Void) return 0;
        bool isAdjusted = action_ == Action.Adjust && has(slot, RESOLVED_AT_PARTNER) != isLead;
        return halfAmount(isLead != isAdjusted ? leadHalf(slot) : partnerHalf(slot));
    }

    /// @notice The pair as views return it.
    function unpack(PairSlot slot) internal pure returns (Pair memory pair) {
        uint256 word = PairSlot.unwrap(slot);
        pair.leadAmount = uint56(halfAmount(leadHalf(slot)));
        pair.partnerAmount = uint56(halfAmount(partnerHalf(slot)));
        pair.leadValueDay = uint24(halfValueDay(leadHalf(slot)));
        pair.partnerValueDay = uint24(halfValueDay(partnerHalf(slot)));
        pair.leadBusinessDay = uint24(leadBusinessDay(slot));
        pair.firstSeen = uint32(word >> _FIRST_SEEN_SHIFT);
        pair.rulesVersion = uint16(rulesVersion(slot));
        pair.sharesVersion = uint16((word >> _SHARES_SHIFT) & _VERSION);
        pair.leadReversed = has(slot, LEAD_REVERSED);
        pair.partnerReversed = has(slot, PARTNER_REVERSED);
        pair.status = status(slot);
        pair.action = action(slot);
        pair.resolvedAtPartner = has(slot, RESOLVED_AT_PARTNER);
        pair.held = has(slot, HELD);
    }
}
