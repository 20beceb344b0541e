// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Governed} from "./Governed.sol";
import {Resolutions} from "./Resolutions.sol";
import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "./interfaces/IFacilityRegistry.sol";
import {IReconciliation} from "./interfaces/IReconciliation.sol";
import {IReserveLedger} from "./interfaces/IReserveLedger.sol";
import {Batch, Group, LegChecks, Progress} from "./libraries/Batches.sol";
import {BatchSums, Sums} from "./libraries/BatchSums.sol";
import {Effect, Effects} from "./libraries/Effects.sol";
import {Half} from "./libraries/Halves.sol";
import {Head, Heads} from "./libraries/Heads.sol";
import {Judge} from "./libraries/Judge.sol";
import {Kinds} from "./libraries/Kinds.sol";
import {LegWord} from "./libraries/LegWords.sol";
import {Limits} from "./libraries/Limits.sol";
import {Matching} from "./libraries/Matching.sol";
import {Movements} from "./libraries/Movements.sol";
import {OpenChange} from "./libraries/OpenChanges.sol";
import {PairKeys} from "./libraries/PairKeys.sol";
import {LeadStamp, PairSlot, PairSlots} from "./libraries/PairSlots.sol";
import {StagedParts} from "./libraries/StagedParts.sol";
import {Terms, TermsInHand} from "./libraries/TermsInHand.sol";
import {PairRecord} from "./storage/ReconciliationStorage.sol";
import {KeyPurpose} from "./types/ConsortiumTypes.sol";
import {PostingTerms, Rules} from "./types/FacilityTypes.sol";
import {Pair, Reason, Status} from "./types/LegTypes.sol";

/// @title Both banks' halves, matched as they arrive
/// @dev Meaning, units and errors: IReconciliation. What a half does when it arrives: Matching. A batch is read once, word
///      by word; pairs are written as they are judged, sums are kept in memory and recorded in the ledger by one call.
contract Reconciliation is Resolutions, Governed, IReconciliation {
    /// @inheritdoc IReconciliation
    function initialize(address consortium, address facilities, address ledger) external initializer {
        _requireAddress(consortium);
        _requireAddress(facilities);
        _requireAddress(ledger);
        _consortium = IConsortiumRegistry(consortium);
        _facilities = IFacilityRegistry(facilities);
        _ledger = IReserveLedger(ledger);
    }

    /// @inheritdoc IReconciliation
    function post(uint32 facility, uint64 sequence, bytes32[] calldata legs, bytes calldata) external {
        Batch memory batch = _openBatch(facility, sequence, legs.length);
        uint256 posted = _advanceHead(batch, legs);
        _readWords(batch, legs);
        _recordInLedger(batch);
        _emitPosted(batch, posted, legs.length);
    }

    /// @inheritdoc IReconciliation
    function markHeld(uint256 key) external {
        if (msg.sender != address(_ledger)) revert PairOnlyReserveLedger(msg.sender);
        PairRecord storage record = _pairAt(key);
        if (PairSlot.unwrap(record.slot) != 0) revert PairNotFree(key);
        record.slot = record.slot.withFlag(PairSlots.HELD);
    }

    /// @inheritdoc IReconciliation
    function head(uint32 facility, uint16 member) external view returns (uint64 sequence, bytes32 digest) {
        Head last = _headOf(facility, member);
        return (last.sequence(), last.digest());
    }

    /// @inheritdoc IReconciliation
    function pair(uint32 facility, uint8 partner, uint8 kind, uint160 ref) external view returns (Pair memory) {
        return _pairAt(PairKeys.key(facility, partner, kind, ref)).slot.unpack();
    }

    /// @inheritdoc IReconciliation
    function reversalPair(uint32 facility, uint8 partner, uint160 ref, uint8 targetKind, uint160 targetRef)
        external
        view
        returns (Pair memory)
    {
        uint256 ownKey = PairKeys.key(facility, partner, Kinds.REVERSAL, ref);
        return _pairAt(PairKeys.reversalKey(ownKey, (uint256(targetKind) << 248) | targetRef)).slot.unpack();
    }

    // ---- the batch as a whole

    /// @dev Checks what concerns the whole batch, and makes its working memory.
    function _openBatch(uint32 facility, uint64 sequence, uint256 words) private view returns (Batch memory batch) {
        if (words == 0) revert PostingMalformed(0);
        if (words > Limits.MAX_WORDS) revert PostingTooManyWords(words, Limits.MAX_WORDS);
        uint16 member = _consortium.activeMember(msg.sender, KeyPurpose.Operator);
        PostingTerms memory terms = _facilities.postingTerms(facility, member);
        Head last = _headOf(facility, member);
        uint64 expected = last.sequence() + 1;
        if (sequence != expected) revert PostingWrongSequence(facility, member, expected, sequence);

        bool isLead = terms.party == 0;
        (batch.facility, batch.member, batch.sequence, batch.party) = (facility, member, sequence, terms.party);
        batch.terms = TermsInHand.create(_facilities, facility, terms, isLead);
        batch.isCounted = last.hasManyOpenLegs();
        batch.latestDay = block.timestamp / 1 days + Limits.EPOCH_ORDINAL + Limits.MAX_DAYS_AHEAD;
        if (isLead) {
            // at most two accounts' worth of parts before the count of parts stops the batch
            uint256 most = Math.min(words * terms.partnerCount, words + Limits.MAX_PARTS);
            batch.sums = BatchSums.create(most, terms.partnerCount);
            batch.staged = StagedParts.create(terms.partnerCount);
        } else {
            // a half moves its own book on one day, and the agreed amount perhaps on another: the lead half's
            batch.sums = BatchSums.create(2 * words, terms.party);
        }
    }

    /// @dev Moves the sender's head to this batch.
    /// @return posted where in memory the data of Posted stands: sequence, digest, offset of the words, their length, words
    function _advanceHead(Batch memory batch, bytes32[] calldata legs) private returns (uint256 posted) {
        bytes32 wordsHash;
        assembly ("memory-safe") {
            posted := mload(0x40)
            let size := shl(5, legs.length)
            mstore(0x40, add(posted, add(0x80, size)))
            calldatacopy(add(posted, 0x80), legs.offset, size)
            wordsHash := keccak256(add(posted, 0x80), size)
        }
        Head moved = _headOf(batch.facility, batch.member).next(wordsHash);
        _heads[Heads.key(batch.facility, batch.member)] = Head.unwrap(moved);
        (uint256 sequence, bytes32 digest) = (moved.sequence(), moved.digest());
        assembly ("memory-safe") {
            mstore(posted, sequence)
            mstore(add(posted, 0x20), digest)
            mstore(add(posted, 0x40), 0x60)
            mstore(add(posted, 0x60), shl(5, legs.length))
        }
    }

    /// @dev Reads the words in turn. A bad leg is rejected; a word that cannot be understood reverts.
    function _readWords(Batch memory batch, bytes32[] calldata legs) private {
        Progress memory progress = batch.progress;
        Group memory group = batch.group;
        bool isLead = batch.party == 0;
        uint256 count = legs.length;
        uint256 next;
        while (next < count) {
            LegWord word = _wordAt(legs, next);
            progress.index = next;
            unchecked {
                ++next;
            }
            if (word.isPlain(group.plainUntil)) {
                if (isLead) _postLead(batch, word);
                else _postPartner(batch, word);
            } else if (word.isGroup()) {
                _openGroup(batch, word);
            } else if (group.businessDay == 0) {
                revert PostingMalformed(progress.index);
            } else if (word.kind() == Kinds.REVERSAL) {
                if (next == count) revert PostingMalformed(progress.index);
                _postReversal(batch, word, _wordAt(legs, next));
                ++next;
            } else {
                Reason reason = LegChecks.fault(batch, word, word.kind());
                if (reason == Reason.None) reason = _countedReason(batch, word);
                if (reason != Reason.None) _reject(batch, reason);
                else if (isLead) _postLead(batch, word);
                else _postPartner(batch, word);
            }
        }
        _countParts(progress, count - progress.otherWords);
    }

    function _recordInLedger(Batch memory batch) private {
        Sums memory sums = batch.sums;
        bool hasMany = _ledger.record(uint32(batch.facility), batch.party == 0, sums.movements(), sums.changes);
        if (!hasMany && !batch.isCounted) return;
        Head marked = _headOf(batch.facility, batch.member).withManyOpenLegs();
        // the ledger calls nothing back
        // slither-disable-next-line reentrancy-no-eth,reentrancy-benign
        _heads[Heads.key(batch.facility, batch.member)] = Head.unwrap(marked);
    }

    /// @dev Emits Posted, the whole truth that indexers read, from where `_advanceHead` wrote its data.
    function _emitPosted(Batch memory batch, uint256 posted, uint256 words) private {
        (uint256 facility, uint256 member) = (batch.facility, batch.member);
        bytes32 topic = IReconciliation.Posted.selector;
        assembly ("memory-safe") {
            log3(posted, add(0x80, shl(5, words)), topic, facility, member)
        }
    }

    // ---- words

    function _openGroup(Batch memory batch, LegWord word) private pure {
        if (!word.isWellFormedGroup()) revert PostingMalformed(batch.progress.index);
        ++batch.progress.otherWords;
        (uint256 businessDay, uint256 sharesDay) = (word.businessDay(), word.sharesDay());
        Group memory group = batch.group;
        group.businessDay = businessDay;
        group.sharesDay = sharesDay;
        group.latestDay = Math.max(businessDay, sharesDay) > batch.latestDay ? 0 : batch.latestDay;
        group.plainUntil = batch.isCounted ? 0 : group.latestDay;
        group.newestStamp = PairSlots.leadStamp(businessDay, batch.terms.newestRules);
        batch.sums.openDay(businessDay);
    }

    /// @dev A partner's half, of its own account.
    function _postPartner(Batch memory batch, LegWord word) private {
        uint256 partner = word.partner();
        if (partner != batch.party) return _reject(batch, LegChecks.partnerFault(batch, partner));
        PairRecord storage record = _pairAt(PairKeys.key(batch.facility, partner, word.kind(), word.ref()));
        PairSlot slot = record.slot;
        if (slot.has(PairSlots.PARTNER_POSTED)) return _reject(batch, slot.takenReason(false));

        Effect effect = Kinds.effect(word.kind(), word.amount());
        record.slot = slot = _setPartnerHalf(batch, slot, word.kind(), word.half(), effect);
        if (slot.has(PairSlots.HELD)) _settleHold(batch, slot, partner, word.ref());
    }

    /// @dev The lead's leg: of a whole event, which is split, or of one partner.
    function _postLead(Batch memory batch, LegWord word) private {
        Terms memory terms = batch.terms;
        uint256 kind = word.kind();
        uint256 partner = word.partner();
        if ((partner == 0) != terms.isSplit(kind) || partner > terms.partnerCount) {
            return _reject(batch, LegChecks.partnerFault(batch, partner));
        }
        LeadStamp stamp = _leadStamp(batch, word.valueDay());
        if (partner != 0) return _postLeadHalf(batch, word, partner, word.half(), stamp);

        stamp = stamp.withShares(terms.takeShares(batch.group.sharesDay, word.valueDay()));
        if (terms.partnerCount != 1) return _postParts(batch, word, stamp);
        _postLeadHalf(batch, word, 1, word.half().withAmount(terms.part(1, kind, word.amount())), stamp);
    }

    /// @dev The lead's half of one pair. An amount of 0 makes none.
    function _postLeadHalf(Batch memory batch, LegWord word, uint256 partner, Half half, LeadStamp stamp) private {
        PairRecord storage record = _pairAt(PairKeys.key(batch.facility, partner, word.kind(), word.ref()));
        PairSlot slot = record.slot;
        if (slot.has(PairSlots.LEAD_POSTED)) return _reject(batch, slot.takenReason(true));
        if (half.amount() == 0) return _reject(batch, Reason.NoParts);

        Effect effect = Kinds.effect(word.kind(), half.amount());
        record.slot = slot = _setLeadHalf(batch, slot, partner, word.kind(), half, effect, stamp);
        if (slot.has(PairSlots.HELD)) _settleHold(batch, slot, partner, word.ref());
    }

    /// @dev The lead's leg split among several partners: all are checked before one is written. A part whose pair was
    ///      resolved without it, or which opens a leg too many, is skipped; a leg of which nothing is left is rejected.
    function _postParts(Batch memory batch, LegWord word, LeadStamp stamp) private {
        (uint256 count, uint256 free, Reason taken) = _stageParts(batch, word);
        if (taken == Reason.Duplicate) return _reject(batch, taken);

        _countParts(batch.progress, batch.terms.partnerCount - 1);
        if (free == 0) return _reject(batch, count == 0 ? Reason.NoParts : taken);
        for (uint256 i; i < count;) {
            (uint256 partner, uint256 amount, PairSlot slot, uint256 key) = batch.staged.at(i);
            if (slot.has(PairSlots.LEAD_POSTED)) {
                _skip(batch, partner, _closedReason(batch, _pairAt(key).slot, partner));
            } else {
                Effect effect = Kinds.effect(word.kind(), amount);
                slot = _setLeadHalf(batch, slot, partner, word.kind(), word.half().withAmount(amount), effect, stamp);
                _pairAt(key).slot = slot;
                if (slot.has(PairSlots.HELD)) _settleHold(batch, slot, partner, word.ref());
            }
            unchecked {
                ++i;
            }
        }
    }

    /// @dev Finds each partner's part of a leg, its pair, and where that is kept. A pair that takes no lead half, as that
    ///      would open a leg too many, is staged as if it had one.
    /// @return count how many parts there are
    /// @return free how many of them can be written
    /// @return taken why the others cannot: Duplicate if any pair has its lead half, else the last one's reason
    function _stageParts(Batch memory batch, LegWord word)
        private
        view
        returns (uint256 count, uint256 free, Reason taken)
    {
        uint256 kind = word.kind();
        uint256 amount = word.amount();
        uint256 partners = batch.terms.partnerCount;
        bool isCounted = batch.isCounted;
        uint256 key = PairKeys.key(batch.facility, 0, kind, word.ref());
        for (uint256 partner = 1; partner <= partners;) {
            unchecked {
                key += PairKeys.NEXT_PARTNER;
            }
            PairSlot slot = _pairAt(key).slot;
            uint256 part = batch.terms.part(partner, kind, amount);
            if (isCounted && _closedReason(batch, slot, partner) == Reason.TooManyOpenLegs) {
                slot = slot.withFlag(PairSlots.LEAD_POSTED);
                taken = Reason.TooManyOpenLegs;
            } else if (slot.has(PairSlots.LEAD_POSTED)) {
                taken = slot.takenReason(true);
                if (taken == Reason.Duplicate) return (0, 0, taken);
            } else if (part != 0) {
                unchecked {
                    ++free;
                }
            }
            unchecked {
                if (part != 0) batch.staged.set(count++, partner, part, slot, key);
                ++partner;
            }
        }
    }

    /// @dev A reversal takes the amounts that its target's halves hold, a correction with them; they are never split
    ///      again. It is a pair of its own; its target is only marked. The lead's of a shared event concerns every partner
    ///      that had a part: what cannot be reversed is skipped, and a leg of which nothing is left is rejected.
    function _postReversal(Batch memory batch, LegWord word, LegWord target) private {
        if (!target.isWellFormedTarget()) revert PostingMalformed(batch.progress.index + 1);
        ++batch.progress.otherWords;
        (uint256 first, uint256 last) =
            word.partner() == 0 ? (1, batch.terms.partnerCount) : (word.partner(), word.partner());
        Reason reason = LegChecks.fault(batch, word, target.targetKind());
        if (reason == Reason.None) reason = _reversalReason(batch, word, target, first, last);
        if (reason != Reason.None) return _reject(batch, reason);

        _countParts(batch.progress, last - first);
        for (uint256 partner = first; partner <= last; ++partner) {
            reason = _reversedPartReason(batch, word, target, partner);
            if (reason == Reason.None) _reversePart(batch, word, target, partner);
            else if (reason != Reason.TargetMissing) _skip(batch, partner, reason);
        }
    }

    /// @dev Reverses the sender's half of one pair.
    function _reversePart(Batch memory batch, LegWord word, LegWord target, uint256 partner) private {
        bool isLead = batch.party == 0;
        PairRecord storage reversed = _targetRecord(batch, target, partner);
        uint256 amount = reversed.slot.reversibleAmount(isLead);
        reversed.slot = reversed.slot.withFlag(PairSlots.reversedBy(isLead));

        Effect effect = -Kinds.effect(target.targetKind(), amount);
        Half half = word.half().withAmount(amount);
        PairRecord storage record = _reversalRecord(batch, word, target, partner);
        record.slot = isLead
            ? _setLeadHalf(
                batch, record.slot, partner, Kinds.REVERSAL, half, effect, _leadStamp(batch, word.valueDay())
            )
            : _setPartnerHalf(batch, record.slot, Kinds.REVERSAL, half, effect);
    }

    /// @dev Why a whole reversal cannot be posted: its target is no kind for that, it is there already in any pair, or
    ///      nothing is left to reverse.
    function _reversalReason(Batch memory batch, LegWord word, LegWord target, uint256 first, uint256 last)
        private
        view
        returns (Reason left)
    {
        if (!Kinds.isReversible(target.targetKind())) return Reason.TargetNotReversible;

        left = Reason.TargetMissing;
        for (uint256 partner = first; partner <= last; ++partner) {
            Reason reason = _reversedPartReason(batch, word, target, partner);
            if (reason == Reason.Duplicate) return reason;
            if (left != Reason.None && reason != Reason.TargetMissing) left = reason;
        }
    }

    /// @dev Why the sender's half of one pair cannot be reversed: it is already by this leg, it is absent, the reversal's
    ///      pair is closed to it, or it is reversed by another, voided or of another amount. That a shared reversal's
    ///      amount is its target's only the sender can know: the whole is not kept.
    function _reversedPartReason(Batch memory batch, LegWord word, LegWord target, uint256 partner)
        private
        view
        returns (Reason)
    {
        bool isLead = batch.party == 0;
        Reason taken = _closedReason(batch, _reversalRecord(batch, word, target, partner).slot, partner);
        if (taken == Reason.Duplicate) return taken;
        PairSlot slot = _targetRecord(batch, target, partner).slot;
        uint256 amount = slot.halfOf(isLead).amount();
        if (amount == 0) return Reason.TargetMissing;
        if (taken != Reason.None) return taken;
        if (slot.has(PairSlots.reversedBy(isLead))) return Reason.TargetReversed;
        if (slot.reversibleAmount(isLead) == 0) return Reason.TargetVoided;
        // the amount as posted, for a correction is not in the sender's feed
        return word.partner() != 0 && word.amount() != amount ? Reason.TargetAmount : Reason.None;
    }

    /// @dev What forbids a leg by itself where the open legs are counted; of one that is split among several partners each
    ///      part is looked at as it is staged.
    function _countedReason(Batch memory batch, LegWord word) private view returns (Reason) {
        uint256 partner = word.partner();
        if (partner == 0) {
            if (batch.terms.partnerCount != 1) return Reason.None;
            partner = 1;
        }
        return
            _closedReason(batch, _pairAt(PairKeys.key(batch.facility, partner, word.kind(), word.ref())).slot, partner);
    }

    /// @dev Why a pair does not take the sender's half: it is there, the pair was resolved without it, or it would be a
    ///      first half beyond the bound on open legs. None where it does.
    function _closedReason(Batch memory batch, PairSlot slot, uint256 partner) private view returns (Reason reason) {
        bool isLead = batch.party == 0;
        reason = slot.takenReason(isLead);
        if (reason != Reason.None || !batch.isCounted || !slot.halfOf(!isLead).isAbsent()) return reason;
        OpenChange change = batch.sums.changes[partner];
        int256 opened = isLead ? change.openLeadLegs() : change.openPartnerLegs();
        int256 open = int256(_ledger.openLegsOf(uint32(batch.facility), uint8(partner), isLead)) + opened;
        if (open >= int256(Limits.MAX_OPEN_LEGS)) return Reason.TooManyOpenLegs;
    }

    function _skip(Batch memory batch, uint256 partner, Reason reason) private {
        emit PartSkipped(
            uint32(batch.facility),
            uint16(batch.member),
            uint64(batch.sequence),
            uint16(batch.progress.index),
            uint8(partner),
            uint8(reason)
        );
    }

    function _reject(Batch memory batch, Reason reason) private {
        emit LegRejected(
            uint32(batch.facility),
            uint16(batch.member),
            uint64(batch.sequence),
            uint16(batch.progress.index),
            uint8(reason)
        );
    }

    // ---- halves

    /// @dev The pair with the lead's half set and judged; sums what that moves.
    /// @param stamp what all halves of the leg have in common
    function _setLeadHalf(
        Batch memory batch,
        PairSlot slot,
        uint256 partner,
        uint256 kind,
        Half half,
        Effect effect,
        LeadStamp stamp
    ) private returns (PairSlot) {
        Half other = slot.partnerHalf();
        slot = slot.withLeadHalf(half, stamp);
        Effect agreed;
        OpenChange open;
        if (other.isAbsent()) {
            (slot, agreed, open) = Matching.first(slot, true, effect, block.timestamp);
        } else if (other == half) {
            (slot, agreed, open) = Matching.exact(slot, true, effect);
        } else {
            (slot, agreed, open) = Matching.second(slot, true, effect, _judge(batch, slot, partner));
        }
        batch.sums.add(partner, kind, Movements.toMovement(effect, agreed), open);
        return slot;
    }

    /// @dev The pair with the partner's half set and judged; sums what that moves. The rules of a half that is alone are
    ///      those of its own value day; an agreed amount falls on the business day of the lead's half.
    function _setPartnerHalf(Batch memory batch, PairSlot slot, uint256 kind, Half half, Effect effect)
        private
        returns (PairSlot)
    {
        uint256 partner = batch.party;
        Half other = slot.leadHalf();
        slot = slot.withPartnerHalf(half);
        Effect agreed;
        OpenChange open;
        if (other == half) {
            (slot, agreed, open) = Matching.exact(slot, false, effect);
        } else if (other.isAbsent()) {
            slot = slot.withRules(batch.terms.rulesOn(half.valueDay()));
            (slot, agreed, open) = Matching.first(slot, false, effect, block.timestamp);
        } else {
            (slot, agreed, open) = Matching.second(slot, false, effect, _judge(batch, slot, partner));
        }
        if (slot.leadBusinessDay() != batch.group.businessDay && agreed != Effects.NONE) {
            batch.sums.addAgreed(partner, slot.leadBusinessDay(), kind, agreed);
            agreed = Effects.NONE;
        }
        batch.sums.add(partner, kind, Movements.toMovement(effect, agreed), open);
        return slot;
    }

    /// @dev Judges a pair whose halves are both set and not equal.
    function _judge(Batch memory batch, PairSlot slot, uint256 partner) private returns (Status status) {
        uint16 version = uint16(slot.rulesVersion());
        Rules memory rules = _facilities.rules(uint32(batch.facility), version);
        status = Judge.judge(slot.leadHalf(), slot.partnerHalf(), rules);
        emit PairJudged(
            uint32(batch.facility),
            uint16(batch.member),
            uint64(batch.sequence),
            uint16(batch.progress.index),
            uint8(partner),
            uint8(status),
            version
        );
    }

    /// @dev What the halves of one leg of the lead have in common: the business day, and the rules of its value day.
    function _leadStamp(Batch memory batch, uint256 valueDay) private view returns (LeadStamp) {
        Terms memory terms = batch.terms;
        if (valueDay >= terms.rulesFrom) return batch.group.newestStamp;
        return PairSlots.leadStamp(batch.group.businessDay, terms.rulesOn(valueDay));
    }

    /// @dev Ends the hold of a drawdown's pair once that is settled.
    function _settleHold(Batch memory batch, PairSlot slot, uint256 partner, uint256 ref) private {
        if (slot.isSettled()) _ledger.settleHold(uint32(batch.facility), uint8(partner), uint160(ref));
    }

    /// @dev Counts parts beyond one a leg, and at the end the legs. The sums have room for what this lets pass.
    function _countParts(Progress memory progress, uint256 parts) private pure {
        parts += progress.moreParts;
        if (parts > Limits.MAX_PARTS) revert PostingTooManyParts(parts, Limits.MAX_PARTS);
        progress.moreParts = parts;
    }

    // ---- where things are kept

    function _targetRecord(Batch memory batch, LegWord target, uint256 partner)
        private
        pure
        returns (PairRecord storage)
    {
        return _pairAt(PairKeys.key(batch.facility, partner, target.targetKind(), target.ref()));
    }

    function _reversalRecord(Batch memory batch, LegWord word, LegWord target, uint256 partner)
        private
        pure
        returns (PairRecord storage)
    {
        uint256 ownKey = PairKeys.key(batch.facility, partner, Kinds.REVERSAL, word.ref());
        return _pairAt(PairKeys.reversalKey(ownKey, LegWord.unwrap(target)));
    }

    function _headOf(uint256 facility, uint256 member) private view returns (Head) {
        return Head.wrap(_heads[Heads.key(facility, member)]);
    }

    /// @dev A word that the caller knows to be there.
    function _wordAt(bytes32[] calldata legs, uint256 index) private pure returns (LegWord word) {
        assembly ("memory-safe") {
            word := calldataload(add(legs.offset, shl(5, index)))
        }
    }

    function _authority() internal view override returns (address) {
        return address(_consortium);
    }
}
