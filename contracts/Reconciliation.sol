// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Governed} from "./Governed.sol";
import {Resolutions} from "./Resolutions.sol";
import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "./interfaces/IFacilityRegistry.sol";
import {IReconciliation} from "./interfaces/IReconciliation.sol";
import {IReserveLedger} from "./interfaces/IReserveLedger.sol";
import {BatchSums, Sums} from "./libraries/BatchSums.sol";
import {Judge} from "./libraries/Judge.sol";
import {Kinds} from "./libraries/Kinds.sol";
import {LegWord} from "./libraries/LegWords.sol";
import {Limits} from "./libraries/Limits.sol";
import {Movements} from "./libraries/Movements.sol";
import {OpenChanges} from "./libraries/OpenChanges.sol";
import {PairSlot, PairSlots} from "./libraries/PairSlots.sol";
import {Staged, StagedParts} from "./libraries/StagedParts.sol";
import {Splits} from "./libraries/Splits.sol";
import {PairRecord} from "./storage/ReconciliationStorage.sol";
import {KeyPurpose} from "./types/ConsortiumTypes.sol";
import {PostingTerms, Rules, Shares} from "./types/FacilityTypes.sol";
import {Pair, Reason, Status} from "./types/LegTypes.sol";

/// @title Both banks' halves, matched as they arrive
/// @dev Meaning, units and errors: IReconciliation. A batch is read once, word by word; pairs are written as they are
///      judged, sums are kept in memory and recorded in the ledger by one call at the end.
contract Reconciliation is Resolutions, Governed, IReconciliation {
    using BatchSums for Sums;
    using StagedParts for Staged;

    /// @dev Instead of a count of parts: one of their pairs cannot simply be written.
    uint256 private constant _TAKEN = type(uint256).max;

    /// @dev A batch while it is read. What every leg needs stands here ready for it.
    struct Batch {
        uint256 facility;
        uint256 member;
        uint256 sequence;
        // the sender's partner number; 0 = it is the lead
        uint256 party;
        uint256 partnerCount;
        // the newest versions, and the older ones where a leg needs them
        uint256 sharesVersion;
        uint256 sharesFrom;
        uint256 rulesVersion;
        uint256 rulesFrom;
        uint24[] sharesSchedule;
        Shares[][] shares;
        uint24[] rulesSchedule;
        // the last day that a leg may carry; 0 in a group whose own days are later
        uint256 latestDay;
        uint256 latestDayOfGroup;
        // the group that the words are in; no business day = none yet
        uint256 businessDay;
        uint256 sharesDay;
        // what the lead's halves of the group have in common under the newest rules, see PairSlots.leadStamp
        uint256 newestStamp;
        // the place of the word in hand, the words so far that are no legs, and the parts beyond one a leg
        uint256 index;
        uint256 otherWords;
        uint256 moreParts;
        // the shares in hand, packed, by partner; their version
        uint256[] sharesInHand;
        uint256 versionInHand;
        // the parts of the lead's leg in hand, checked and not yet written
        Staged staged;
        // what the batch moves
        Sums sums;
    }

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
        Batch memory batch = _open(facility, sequence, legs.length);
        uint256 echo = _advance(batch, legs);
        _read(batch, legs);
        Sums memory sums = batch.sums;
        _ledger.record(facility, batch.party == 0, sums.movements(), sums.changes);
        _echo(batch, echo, legs.length);
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
        uint256 word = _heads[_headKey(facility, member)];
        return (uint64(word), _digestOf(word));
    }

    /// @inheritdoc IReconciliation
    function pair(uint32 facility, uint8 partner, uint8 kind, uint160 ref) external view returns (Pair memory) {
        return _pairAt(PairSlots.key(facility, partner, kind, ref)).slot.unpack();
    }

    /// @inheritdoc IReconciliation
    function reversalPair(uint32 facility, uint8 partner, uint160 ref, uint8 targetKind, uint160 targetRef)
        external
        view
        returns (Pair memory)
    {
        uint256 ownKey = PairSlots.key(facility, partner, Kinds.REVERSAL, ref);
        return _pairAt(PairSlots.reversalKey(ownKey, (uint256(targetKind) << 248) | targetRef)).slot.unpack();
    }

    /// @dev Checks what concerns the whole batch, and makes its working memory.
    function _open(uint32 facility, uint64 sequence, uint256 words) private view returns (Batch memory batch) {
        if (words == 0) revert PostingMalformed(0);
        if (words > Limits.MAX_WORDS) revert PostingTooManyWords(words, Limits.MAX_WORDS);
        uint16 member = _consortium.activeMember(msg.sender, KeyPurpose.Operator);
        PostingTerms memory terms = _facilities.postingTerms(facility, member);
        uint64 expected = uint64(_heads[_headKey(facility, member)]) + 1;
        if (sequence != expected) revert PostingWrongSequence(facility, member, expected, sequence);

        batch.facility = facility;
        batch.member = member;
        batch.sequence = sequence;
        batch.party = terms.party;
        batch.partnerCount = terms.partnerCount;
        batch.sharesVersion = terms.sharesVersion;
        batch.sharesFrom = terms.sharesFrom;
        batch.rulesVersion = terms.rulesVersion;
        batch.rulesFrom = terms.rulesFrom;
        batch.shares = new Shares[][](terms.sharesVersion + 1);
        batch.latestDay = block.timestamp / 1 days + Limits.EPOCH_ORDINAL + Limits.MAX_DAYS_AHEAD;

        uint256 partners = terms.partnerCount;
        if (terms.party == 0) {
            // at most two accounts' worth of parts before the count of parts stops the batch
            batch.sums = BatchSums.create(Math.min(words * partners, words + Limits.MAX_PARTS), partners);
            batch.sharesInHand = new uint256[](partners);
            batch.staged = StagedParts.create(partners);
        } else {
            // a half moves its own book on one day, and the agreed amount perhaps on another: the lead half's
            batch.sums = BatchSums.create(2 * words, terms.party);
        }
    }

    /// @dev Reads the words in turn. A bad leg is rejected; a word that cannot be understood reverts.
    function _read(Batch memory batch, bytes32[] calldata legs) private {
        uint256 count = legs.length;
        uint256 i;
        while (i < count) {
            LegWord word = _wordAt(legs, i);
            batch.index = i;
            unchecked {
                ++i;
            }
            if (word.isPlain(batch.latestDayOfGroup)) {
                if (batch.party == 0) _postLead(batch, word);
                else _postPartner(batch, word);
            } else if (word.isGroup()) {
                _openGroup(batch, word);
            } else {
                i = _postOther(batch, legs, word);
            }
        }
        _countParts(batch, count - batch.otherWords);
    }

    function _openGroup(Batch memory batch, LegWord word) private pure {
        if (!word.isWellFormedGroup()) revert PostingMalformed(batch.index);
        batch.businessDay = word.businessDay();
        batch.sharesDay = word.sharesDay();
        batch.newestStamp = PairSlots.leadStamp(word.businessDay(), batch.rulesVersion);
        batch.sums.openDay(word.businessDay());
        ++batch.otherWords;
        batch.latestDayOfGroup = Math.max(batch.businessDay, batch.sharesDay) > batch.latestDay ? 0 : batch.latestDay;
    }

    /// @dev A leg that is not plain: a reversal, or one with something wrong.
    /// @return next the place of the next word
    function _postOther(Batch memory batch, bytes32[] calldata legs, LegWord word) private returns (uint256 next) {
        uint256 index = batch.index;
        if (batch.businessDay == 0) revert PostingMalformed(index);
        next = index + 1;
        if (word.kind() != Kinds.REVERSAL) {
            _reject(batch, _fault(batch, word, word.kind()));
            return next;
        }
        if (next == legs.length) revert PostingMalformed(index);
        LegWord target = _wordAt(legs, next++);
        if (!target.isWellFormedTarget()) revert PostingMalformed(index + 1);
        ++batch.otherWords;
        Reason reason = _fault(batch, word, target.targetKind());
        if (reason == Reason.None) _postReversal(batch, word, target);
        else _reject(batch, reason);
    }

    /// @dev What is wrong with a leg by itself: kind, amount, partner, dates, then the mark of a duplicate.
    /// @param booked the leg's kind, or that of a reversal's target: it says whose amount the leg carries
    function _fault(Batch memory batch, LegWord word, uint256 booked) private pure returns (Reason) {
        if (!Kinds.isPostable(word.kind())) return Reason.UnknownKind;
        if (word.amount() == 0) return Reason.AmountZero;
        if (word.amount() > Limits.MAX_AMOUNT) return Reason.AmountTooLarge;
        if (!_isPartnerAllowed(batch, word.partner(), booked)) return _partnerFault(batch, word.partner());
        if (word.valueDay() == 0 || word.valueDay() > batch.latestDayOfGroup) return Reason.DateTooFar;
        return word.isDeclaredDuplicate() ? Reason.Duplicate : Reason.None;
    }

    /// @dev A partner names itself. The lead names nobody for a shared kind, and a partner for the others.
    function _isPartnerAllowed(Batch memory batch, uint256 partner, uint256 booked) private pure returns (bool) {
        if (batch.party != 0) return partner == batch.party;
        // a target that cannot be reversed says nothing of partners; it is rejected as a target
        if (partner == 0) return Kinds.isShared(booked) || !Kinds.isReversible(booked);
        return partner <= batch.partnerCount && !Kinds.isShared(booked);
    }

    function _partnerFault(Batch memory batch, uint256 partner) private pure returns (Reason) {
        return partner > batch.partnerCount ? Reason.UnknownPartner : Reason.PartnerNotAllowed;
    }

    function _reject(Batch memory batch, Reason reason) private {
        emit LegRejected(
            uint32(batch.facility), uint16(batch.member), uint64(batch.sequence), uint16(batch.index), uint8(reason)
        );
    }

    /// @dev A partner's half, of its own account.
    function _postPartner(Batch memory batch, LegWord word) private {
        uint256 kind = word.kind();
        uint256 partner = word.partner();
        if (partner != batch.party) return _reject(batch, _partnerFault(batch, partner));
        PairRecord storage record = _pairAt(PairSlots.key(batch.facility, partner, kind, word.ref()));
        PairSlot slot = record.slot;
        uint256 half = word.half();
        uint256 effect = Kinds.effect(kind, word.amount());
        if (slot.has(PairSlots.PARTNER_TAKEN)) {
            Reason reason = slot.takenReason(false);
            if (reason != Reason.None) return _reject(batch, reason);
            slot = _setPartnerHalf(batch, slot, kind, half, effect);
            return _storeHeld(batch, record, slot, partner, word.ref());
        }
        record.slot = _setPartnerHalf(batch, slot, kind, half, effect);
    }

    /// @dev The lead's leg: one partner's, or of a whole event, which is split. A part of 0 makes no half.
    function _postLead(Batch memory batch, LegWord word) private {
        uint256 kind = word.kind();
        uint256 partner = word.partner();
        // nobody is named for a shared kind, a partner for the others
        if ((partner == 0) != Kinds.isShared(kind)) return _reject(batch, _partnerFault(batch, partner));
        uint256 half = word.half();
        uint256 stamp = _leadStamp(batch, word.valueDay());
        if (partner == 0) {
            uint256 version = _takeSharesOf(batch, word);
            stamp = PairSlots.withShares(stamp, version);
            if (batch.partnerCount != 1) return _postParts(batch, word, stamp);
            partner = 1;
            half = PairSlots.withAmount(half, Splits.part(_sharesOf(batch, 1), kind, word.amount()));
        } else if (partner > batch.partnerCount) {
            return _reject(batch, Reason.UnknownPartner);
        }
        PairRecord storage record = _pairAt(PairSlots.key(batch.facility, partner, kind, word.ref()));
        PairSlot slot = record.slot;
        uint256 amount = PairSlots.halfAmount(half);
        uint256 effect = Kinds.effect(kind, amount);
        if (slot.has(PairSlots.LEAD_TAKEN)) {
            Reason reason = slot.takenReason(true);
            if (reason == Reason.None && amount == 0) reason = Reason.NoParts;
            if (reason != Reason.None) return _reject(batch, reason);
            slot = _setLeadHalf(batch, slot, partner, kind, half, effect, stamp);
            return _storeHeld(batch, record, slot, partner, word.ref());
        }
        if (amount == 0) return _reject(batch, Reason.NoParts);

        record.slot = _setLeadHalf(batch, slot, partner, kind, half, effect, stamp);
    }

    /// @dev Writes a pair that is held, and settles its hold where the pair is settled.
    function _storeHeld(Batch memory batch, PairRecord storage record, PairSlot slot, uint256 partner, uint256 ref)
        private
    {
        record.slot = slot;
        if (slot.isSettled()) _ledger.settleHold(uint32(batch.facility), uint8(partner), uint160(ref));
    }

    /// @dev Takes in hand the shares that split a leg: those of the day that the lead states, or of the value day.
    function _takeSharesOf(Batch memory batch, LegWord word) private view returns (uint256 version) {
        uint256 from = batch.sharesFrom;
        version = batch.sharesVersion;
        if (from != 0) {
            uint256 day = batch.sharesDay == 0 ? word.valueDay() : batch.sharesDay;
            if (day < from) version = _olderShares(batch, day);
        }
        if (version != batch.versionInHand) _takeShares(batch, version);
    }

    /// @dev The lead's leg split among several partners. If any pair has its lead half already, the whole leg is a
    ///      duplicate: all are checked before one is written.
    function _postParts(Batch memory batch, LegWord word, uint256 stamp) private {
        uint256 count = _stageParts(batch, word, PairSlots.LEAD_TAKEN);
        bool isHeld = count == _TAKEN;
        if (isHeld) {
            Reason reason = _takenReason(batch, word, LegWord.wrap(0), 1, batch.partnerCount);
            if (reason != Reason.None) return _reject(batch, reason);
            count = _stageParts(batch, word, PairSlots.LEAD_POSTED);
        }
        if (count == 0) return _reject(batch, Reason.NoParts);

        uint256 kind = word.kind();
        for (uint256 i; i < count;) {
            (uint256 partner, uint256 amount, PairSlot slot, uint256 key) = batch.staged.at(i);
            uint256 half = PairSlots.withAmount(word.half(), amount);
            slot = _setLeadHalf(batch, slot, partner, kind, half, Kinds.effect(kind, amount), stamp);
            if (isHeld && slot.has(PairSlots.HELD)) _storeHeld(batch, _pairAt(key), slot, partner, word.ref());
            else _pairAt(key).slot = slot;
            unchecked {
                ++i;
            }
        }
    }

    /// @dev Finds each partner's part of a leg, its pair, and where that is kept.
    /// @param taken the flags of a pair that cannot simply be written
    /// @return count how many parts there are; _TAKEN where a pair has such a flag
    function _stageParts(Batch memory batch, LegWord word, uint256 taken) private view returns (uint256 count) {
        uint256 kind = word.kind();
        uint256 amount = word.amount();
        uint256 partners = batch.partnerCount;
        uint256 key = PairSlots.key(batch.facility, 0, kind, word.ref());
        for (uint256 partner = 1; partner <= partners;) {
            unchecked {
                key += PairSlots.NEXT_PARTNER;
            }
            PairRecord storage record = _pairAt(key);
            PairSlot slot = record.slot;
            if (slot.has(taken)) return _TAKEN;
            uint256 part = Splits.part(_sharesOf(batch, partner), kind, amount);
            unchecked {
                if (part != 0) batch.staged.set(count++, partner, part, slot, key);
                ++partner;
            }
        }
        _countParts(batch, partners - 1);
    }

    /// @dev A reversal takes the amounts that its target's halves hold, a correction with them; they are never split
    ///      again. It is a pair of its own; its target is only marked. The lead's of a shared event concerns every partner
    ///      that had a part, but for those voided.
    function _postReversal(Batch memory batch, LegWord word, LegWord target) private {
        (uint256 first, uint256 last) = word.partner() == 0 ? (1, batch.partnerCount) : (word.partner(), word.partner());
        Reason reason = _reversalFault(batch, word, target, first, last);
        if (reason != Reason.None) return _reject(batch, reason);

        _countParts(batch, last - first);
        bool isLead = batch.party == 0;
        uint256 stamp = _leadStamp(batch, word.valueDay());
        for (uint256 partner = first; partner <= last; ++partner) {
            PairRecord storage reversed = _targetRecord(batch, target, partner);
            uint256 amount = reversed.slot.reversibleAmount(isLead);
            if (amount == 0) continue;
            reversed.slot = reversed.slot.withFlag(isLead ? PairSlots.LEAD_REVERSED : PairSlots.PARTNER_REVERSED);

            uint256 effect = Kinds.reversed(Kinds.effect(target.targetKind(), amount));
            uint256 half = PairSlots.withAmount(word.half(), amount);
            PairRecord storage record = _recordOf(batch, word, target, partner);
            record.slot = isLead
                ? _setLeadHalf(batch, record.slot, partner, Kinds.REVERSAL, half, effect, stamp)
                : _setPartnerHalf(batch, record.slot, Kinds.REVERSAL, half, effect);
        }
    }

    /// @dev What forbids a reversal: it is there already, or its target is none, absent, reversed, voided or of another
    ///      amount. That a shared reversal's amount is its target's only the sender can know: the whole is not kept.
    function _reversalFault(Batch memory batch, LegWord word, LegWord target, uint256 first, uint256 last)
        private
        view
        returns (Reason)
    {
        Reason reason = _takenReason(batch, word, target, first, last);
        if (reason != Reason.None) return reason;
        if (!Kinds.isReversible(target.targetKind())) return Reason.TargetNotReversible;

        bool isLead = batch.party == 0;
        uint256 reversed = isLead ? PairSlots.LEAD_REVERSED : PairSlots.PARTNER_REVERSED;
        bool isThere;
        bool isVoided;
        for (uint256 partner = first; partner <= last; ++partner) {
            PairSlot slot = _targetRecord(batch, target, partner).slot;
            uint256 amount = PairSlots.halfAmount(isLead ? slot.leadHalf() : slot.partnerHalf());
            if (amount == 0) continue;
            if (slot.has(reversed)) return Reason.TargetReversed;
            if (slot.reversibleAmount(isLead) == 0) {
                isVoided = true;
                continue;
            }
            isThere = true;
            // the amount as posted, for a correction is not in the sender's feed
            if (word.partner() != 0 && word.amount() != amount) return Reason.TargetAmount;
        }
        if (isThere) return Reason.None;
        return isVoided ? Reason.TargetVoided : Reason.TargetMissing;
    }

    /// @dev Why the sender's half cannot be set in one of a leg's pairs: a duplicate if any is there, else resolved if any
    ///      pair was resolved without it.
    /// @param target of a reversal; else 0
    function _takenReason(Batch memory batch, LegWord word, LegWord target, uint256 first, uint256 last)
        private
        view
        returns (Reason taken)
    {
        bool isLead = batch.party == 0;
        for (uint256 partner = first; partner <= last; ++partner) {
            Reason reason = _recordOf(batch, word, target, partner).slot.takenReason(isLead);
            if (reason == Reason.Duplicate) return reason;
            if (reason != Reason.None) taken = reason;
        }
    }

    /// @dev The pair with the lead's half set. A first half opens; a second is judged: an exact match by one comparison,
    ///      others by the rules. Sums what that moves.
    /// @param effect the half's amount signed by its effect, two's complement like all effects
    /// @param stamp what all halves of the leg have in common, see _leadStamp
    function _setLeadHalf(
        Batch memory batch,
        PairSlot slot,
        uint256 partner,
        uint256 kind,
        uint256 half,
        uint256 effect,
        uint256 stamp
    ) private returns (PairSlot) {
        uint256 other = slot.partnerHalf();
        slot = slot.withLeadHalf(half, stamp);
        uint256 delta = Movements.delta(effect, 0);
        uint256 opening;
        if (other == 0) {
            slot = slot.withFirstSeen(block.timestamp);
            opening = OpenChanges.leadOpened(effect);
        } else if (other == half) {
            slot = slot.withStatus(Status.Matched);
            delta = Movements.delta(effect, effect);
            opening = OpenChanges.partnerSettled(effect);
        } else {
            (slot, opening) = _judge(batch, slot, partner, kind, effect);
        }
        batch.sums.add(partner, kind, delta, opening);
        return slot;
    }

    /// @dev What the halves of one leg of the lead have in common: the business day, and the rules of its value day.
    function _leadStamp(Batch memory batch, uint256 valueDay) private view returns (uint256) {
        if (valueDay >= batch.rulesFrom) return batch.newestStamp;
        return PairSlots.leadStamp(batch.businessDay, _olderRules(batch, valueDay));
    }

    /// @dev The pair with the partner's half set; as `_setLeadHalf`.
    function _setPartnerHalf(Batch memory batch, PairSlot slot, uint256 kind, uint256 half, uint256 effect)
        private
        returns (PairSlot)
    {
        uint256 partner = batch.party;
        uint256 other = slot.leadHalf();
        slot = slot.withPartnerHalf(half);
        uint256 delta = Movements.delta(effect, 0);
        uint256 opening;
        if (other == half) {
            slot = slot.withStatus(Status.Matched);
            opening = OpenChanges.leadSettled(effect);
            if (slot.leadBusinessDay() == batch.businessDay) delta = Movements.delta(effect, effect);
            else batch.sums.addAgreed(partner, slot.leadBusinessDay(), kind, effect);
        } else if (other == 0) {
            uint256 valueDay = PairSlots.halfValueDay(half);
            uint256 rulesVersion = valueDay < batch.rulesFrom ? _olderRules(batch, valueDay) : batch.rulesVersion;
            slot = slot.withRules(rulesVersion).withFirstSeen(block.timestamp);
            opening = OpenChanges.partnerOpened(effect);
        } else {
            (slot, opening) = _judge(batch, slot, partner, kind, effect);
        }
        batch.sums.add(partner, kind, delta, opening);
        return slot;
    }

    /// @dev Judges a pair whose halves are both set and not equal.
    /// @param effect of the sender's half; the other's has the same sign
    /// @return the pair with its status
    /// @return opening the change of open items: within tolerance the other's leg is settled, else the sender's is open
    ///         too
    function _judge(Batch memory batch, PairSlot slot, uint256 partner, uint256 kind, uint256 effect)
        private
        returns (PairSlot, uint256 opening)
    {
        uint256 rulesVersion = slot.rulesVersion();
        Rules memory rules = _facilities.rules(uint32(batch.facility), uint16(rulesVersion));
        Status status = Judge.judge(slot.leadHalf(), slot.partnerHalf(), rules);
        bool isLead = batch.party == 0;
        if (status == Status.WithinTolerance) {
            uint256 leadEffect = Kinds.withSignOf(effect, PairSlots.halfAmount(slot.leadHalf()));
            uint256 partnerEffect = Kinds.withSignOf(effect, PairSlots.halfAmount(slot.partnerHalf()));
            batch.sums.addAgreed(partner, slot.leadBusinessDay(), kind, leadEffect);
            unchecked {
                opening = OpenChanges.accepted(partnerEffect - leadEffect)
                    + (isLead ? OpenChanges.partnerSettled(partnerEffect) : OpenChanges.leadSettled(leadEffect));
            }
        } else {
            opening = isLead ? OpenChanges.leadOpened(effect) : OpenChanges.partnerOpened(effect);
        }
        emit PairJudged(
            uint32(batch.facility),
            uint16(batch.member),
            uint64(batch.sequence),
            uint16(batch.index),
            uint8(partner),
            uint8(status),
            uint16(rulesVersion)
        );
        return (slot.withStatus(status), opening);
    }

    /// @dev Counts parts beyond one a leg, and at the end the legs. The sums have room for what this lets pass.
    function _countParts(Batch memory batch, uint256 parts) private pure {
        parts += batch.moreParts;
        if (parts > Limits.MAX_PARTS) revert PostingTooManyParts(parts, Limits.MAX_PARTS);
        batch.moreParts = parts;
    }

    /// @dev Moves the member's head to this batch.
    /// @return echo where in memory the data of Posted stands: sequence, digest, offset of the words, their length, words
    function _advance(Batch memory batch, bytes32[] calldata legs) private returns (uint256 echo) {
        uint256 headKey = _headKey(batch.facility, batch.member);
        uint256 sequence = batch.sequence;
        bytes32 before = _digestOf(_heads[headKey]);
        bytes32 digest;
        assembly ("memory-safe") {
            echo := mload(0x40)
            let size := shl(5, legs.length)
            mstore(0x40, add(echo, add(0x80, size)))
            calldatacopy(add(echo, 0x80), legs.offset, size)
            mstore(0x00, before)
            mstore(0x20, keccak256(add(echo, 0x80), size))
            digest := shl(64, shr(64, keccak256(0x00, 0x40)))
            mstore(echo, sequence)
            mstore(add(echo, 0x20), digest)
            mstore(add(echo, 0x40), 0x60)
            mstore(add(echo, 0x60), size)
        }
        _heads[headKey] = uint256(digest) | sequence;
    }

    /// @dev Emits Posted, the whole truth that indexers read, from where `_advance` wrote its data.
    function _echo(Batch memory batch, uint256 echo, uint256 words) private {
        uint256 facility = batch.facility;
        uint256 member = batch.member;
        bytes32 topic = IReconciliation.Posted.selector;
        assembly ("memory-safe") {
            log3(echo, add(0x80, shl(5, words)), topic, facility, member)
        }
    }

    /// @dev The version of shares in force on a day before the newest; the days of all are asked for once a batch.
    function _olderShares(Batch memory batch, uint256 day) private view returns (uint256) {
        if (batch.sharesSchedule.length == 0) {
            batch.sharesSchedule = _facilities.sharesSchedule(uint32(batch.facility));
        }
        return _versionOn(batch.sharesSchedule, day);
    }

    /// @dev The version of rules in force on a day before the newest; as `_olderShares`.
    function _olderRules(Batch memory batch, uint256 day) private view returns (uint256) {
        if (batch.rulesSchedule.length == 0) {
            batch.rulesSchedule = _facilities.rulesSchedule(uint32(batch.facility));
        }
        return _versionOn(batch.rulesSchedule, day);
    }

    /// @dev The newest version whose first day is not after `day`; the first one's is 0.
    function _versionOn(uint24[] memory schedule, uint256 day) private pure returns (uint256 version) {
        version = schedule.length;
        while (schedule[version - 1] > day) --version;
    }

    /// @dev Takes another version of shares in hand; each is asked for once a batch. A partner that joined after it has
    ///      no share in it.
    function _takeShares(Batch memory batch, uint256 version) private view {
        Shares[] memory shares = batch.shares[version];
        if (shares.length == 0) {
            shares = _facilities.shares(uint32(batch.facility), uint16(version));
            batch.shares[version] = shares;
        }
        for (uint256 i; i < batch.partnerCount; ++i) {
            batch.sharesInHand[i] = i < shares.length ? Splits.pack(shares[i]) : 0;
        }
        batch.versionInHand = version;
    }

    function _targetRecord(Batch memory batch, LegWord target, uint256 partner)
        private
        pure
        returns (PairRecord storage)
    {
        return _pairAt(PairSlots.key(batch.facility, partner, target.targetKind(), target.ref()));
    }

    /// @dev A leg's pair with a partner.
    /// @param target of a reversal; else 0
    function _recordOf(Batch memory batch, LegWord word, LegWord target, uint256 partner)
        private
        pure
        returns (PairRecord storage)
    {
        uint256 key = PairSlots.key(batch.facility, partner, word.kind(), word.ref());
        if (word.kind() == Kinds.REVERSAL) key = PairSlots.reversalKey(key, LegWord.unwrap(target));
        return _pairAt(key);
    }

    /// @dev The packed shares in hand of a partner that the caller knows to be there.
    function _sharesOf(Batch memory batch, uint256 partner) private pure returns (uint256 shares) {
        uint256[] memory inHand = batch.sharesInHand;
        assembly ("memory-safe") {
            shares := mload(add(inHand, shl(5, partner)))
        }
    }

    /// @dev A word that the caller knows to be there.
    function _wordAt(bytes32[] calldata legs, uint256 index) private pure returns (LegWord word) {
        assembly ("memory-safe") {
            word := calldataload(add(legs.offset, shl(5, index)))
        }
    }

    function _headKey(uint256 facility, uint256 member) private pure returns (uint256) {
        return (facility << 16) | member;
    }

    function _digestOf(uint256 headWord) private pure returns (bytes32) {
        return bytes32((headWord >> 64) << 64);
    }

    function _authority() internal view override returns (address) {
        return address(_consortium);
    }
}
