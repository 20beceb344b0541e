// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Governed} from "./Governed.sol";
import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "./interfaces/IFacilityRegistry.sol";
import {IReconciliation} from "./interfaces/IReconciliation.sol";
import {IReserveLedger} from "./interfaces/IReserveLedger.sol";
import {Judge} from "./libraries/Judge.sol";
import {Kinds} from "./libraries/Kinds.sol";
import {LegWord} from "./libraries/LegWords.sol";
import {Limits} from "./libraries/Limits.sol";
import {Movements} from "./libraries/Movements.sol";
import {MovementTable, MovementTables} from "./libraries/MovementTables.sol";
import {OpenChange, OpenChanges} from "./libraries/OpenChanges.sol";
import {PairSlot, PairSlots} from "./libraries/PairSlots.sol";
import {Splits} from "./libraries/Splits.sol";
import {ReconciliationStorage} from "./storage/ReconciliationStorage.sol";
import {KeyPurpose} from "./types/ConsortiumTypes.sol";
import {PostingTerms, Rules, Shares} from "./types/FacilityTypes.sol";
import {Pair, Reason, Status} from "./types/LegTypes.sol";

/// @title Both banks' halves, matched as they arrive
/// @dev Meaning, units and errors: IReconciliation. A batch is read once, word by word; pairs are written as they are
///      judged, sums are kept in memory and recorded in the ledger by one call at the end.
contract Reconciliation is ReconciliationStorage, Governed, IReconciliation {
    using MovementTables for MovementTable;

    /// @dev Topic of Posted, whose words are copied once, for the digest and the event.
    bytes32 private constant _POSTED = keccak256("Posted(uint32,uint16,uint64,bytes32,bytes)");

    /// @dev A batch while it is read.
    struct Batch {
        uint256 facility;
        uint256 member;
        uint256 sequence;
        // the sender's partner number; 0 = it is the lead
        uint256 party;
        uint256 partnerCount;
        // the group that the words are in; 0 before the first
        uint256 businessDay;
        uint256 sharesDay;
        // the last day that a leg may carry
        uint256 latestDay;
        uint256 parts;
        // the newest versions, and the older ones where a leg needs them
        PostingTerms terms;
        uint24[] sharesSchedule;
        Shares[][] shares;
        uint24[] rulesSchedule;
        // the partner of the first of changes
        uint256 firstPartner;
        OpenChange[] changes;
        MovementTable movements;
        // each partner's part of the leg in hand
        uint256[] split;
    }

    /// @dev A half that is about to be set.
    struct Half {
        uint256 partner;
        uint256 kind;
        // value day (24) | amount (56)
        uint256 packed;
        bool isOutgoing;
        uint256 sharesVersion;
        uint256 index;
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
        _read(batch, legs);
        _ledger.record(facility, batch.party == 0, batch.firstPartner, batch.movements.close(), batch.changes);
        _seal(batch, legs);
    }

    /// @inheritdoc IReconciliation
    function head(uint32 facility, uint16 member) external view returns (uint64 sequence, bytes32 digest) {
        uint256 word = _heads[_headKey(facility, member)];
        return (uint64(word), _digestOf(word));
    }

    /// @inheritdoc IReconciliation
    function pair(uint32 facility, uint8 partner, uint8 kind, uint160 ref) external view returns (Pair memory) {
        return _pairs[PairSlots.key(facility, partner, kind, ref)].unpack();
    }

    /// @inheritdoc IReconciliation
    function reversalPair(uint32 facility, uint8 partner, uint160 ref, uint8 targetKind, uint160 targetRef)
        external
        view
        returns (Pair memory)
    {
        uint256 ownKey = PairSlots.key(facility, partner, Kinds.REVERSAL, ref);
        return _pairs[PairSlots.reversalKey(ownKey, (uint256(targetKind) << 248) | targetRef)].unpack();
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
        batch.latestDay = block.timestamp / 1 days + Limits.EPOCH_ORDINAL + Limits.MAX_DAYS_AHEAD;
        batch.terms = terms;
        batch.shares = new Shares[][](terms.sharesVersion + 1);

        bool isLead = terms.party == 0;
        batch.firstPartner = isLead ? 1 : terms.party;
        batch.changes = new OpenChange[](isLead ? terms.partnerCount : 1);
        for (uint256 i; i < batch.changes.length; ++i) batch.changes[i] = OpenChanges.NONE;
        batch.split = new uint256[](isLead ? terms.partnerCount : 0);
        // A part moves its own book on one day and the agreed amount on another at most; the lead's both on one.
        uint256 parts = isLead ? words * terms.partnerCount : words;
        if (parts > Limits.MAX_PARTS) parts = Limits.MAX_PARTS;
        batch.movements = MovementTables.create(isLead ? parts : 2 * parts);
    }

    /// @dev Reads the words in turn. A bad leg is rejected, a word that cannot be understood reverts.
    function _read(Batch memory batch, bytes32[] calldata legs) private {
        uint256 i;
        while (i < legs.length) {
            uint256 index = i++;
            LegWord word = _wordAt(legs, index);
            if (word.isGroup()) {
                if (!word.isWellFormedGroup()) revert PostingMalformed(index);
                batch.businessDay = word.businessDay();
                batch.sharesDay = word.sharesDay();
                continue;
            }
            if (batch.businessDay == 0) revert PostingMalformed(index);

            Reason reason;
            if (word.kind() == Kinds.REVERSAL) {
                if (i == legs.length) revert PostingMalformed(index);
                LegWord target = _wordAt(legs, i++);
                if (!target.isWellFormedTarget()) revert PostingMalformed(index + 1);
                reason = _fault(batch, word, target.targetKind());
                if (reason == Reason.None) reason = _postReversal(batch, word, target, index);
            } else {
                reason = _fault(batch, word, word.kind());
                if (reason == Reason.None) {
                    reason = word.partner() == 0
                        ? _postShared(batch, word, index)
                        : _postSingle(batch, word, index);
                }
            }
            if (reason != Reason.None) {
                _countParts(batch, 1, index);
                emit LegRejected(
                    uint32(batch.facility), uint16(batch.member), uint64(batch.sequence), uint16(index), uint8(reason)
                );
            }
        }
    }

    /// @dev What is wrong with a leg by itself: kind, amount, partner, dates, then the mark of a duplicate.
    /// @param booked the leg's kind, or that of a reversal's target: it says whose amount the leg carries
    function _fault(Batch memory batch, LegWord word, uint256 booked) private pure returns (Reason) {
        if (!Kinds.isPostable(word.kind())) return Reason.UnknownKind;
        if (word.amount() == 0) return Reason.AmountZero;
        if (word.amount() > Limits.MAX_AMOUNT) return Reason.AmountTooLarge;

        uint256 partner = word.partner();
        if (partner > batch.partnerCount) return Reason.UnknownPartner;
        if (batch.party != 0) {
            if (partner != batch.party) return Reason.PartnerNotAllowed;
        } else if ((partner == 0) != Kinds.isShared(booked) && Kinds.isReversible(booked)) {
            return Reason.PartnerNotAllowed;
        }

        uint256 latestDay = batch.latestDay;
        uint256 valueDay = word.valueDay();
        if (valueDay == 0 || valueDay > latestDay) return Reason.DateTooFar;
        if (batch.businessDay > latestDay || batch.sharesDay > latestDay) return Reason.DateTooFar;

        return word.isDeclaredDuplicate() ? Reason.Duplicate : Reason.None;
    }

    /// @dev One partner's half: a partner's own, or the lead's of a one-partner kind.
    function _postSingle(Batch memory batch, LegWord word, uint256 index) private returns (Reason) {
        uint256 key = PairSlots.key(batch.facility, word.partner(), word.kind(), word.ref());
        PairSlot slot = _pairs[key];
        if (slot.has(_postedFlag(batch))) return Reason.Duplicate;

        _countParts(batch, 1, index);
        _setHalf(
            batch,
            key,
            slot,
            Half(word.partner(), word.kind(), word.half(), Kinds.isOutgoing(word.kind()), 0, index)
        );
        return Reason.None;
    }

    /// @dev The lead's leg of a whole event, split among the partners. If any pair has its lead half already, the whole
    ///      leg is a duplicate: all are checked before one is written.
    function _postShared(Batch memory batch, LegWord word, uint256 index) private returns (Reason) {
        uint256 day = batch.sharesDay == 0 ? word.valueDay() : batch.sharesDay;
        uint256 version = _sharesVersion(batch, day);
        Shares[] memory shares = _shares(batch, version);
        uint256 whole;
        for (uint256 partner = 1; partner <= batch.partnerCount; ++partner) {
            uint256 key = PairSlots.key(batch.facility, partner, word.kind(), word.ref());
            if (_pairs[key].has(PairSlots.LEAD_POSTED)) return Reason.Duplicate;
            // a partner that joined after this version has no share in it
            uint256 part =
                partner <= shares.length ? Splits.part(shares[partner - 1], word.kind(), word.amount()) : 0;
            batch.split[partner - 1] = part;
            whole |= part;
        }
        if (whole == 0) return Reason.NoParts;

        _countParts(batch, batch.partnerCount, index);
        for (uint256 partner = 1; partner <= batch.partnerCount; ++partner) {
            uint256 part = batch.split[partner - 1];
            if (part == 0) continue;
            uint256 key = PairSlots.key(batch.facility, partner, word.kind(), word.ref());
            _setHalf(
                batch,
                key,
                _pairs[key],
                Half(
                    partner,
                    word.kind(),
                    PairSlots.toHalf(word.valueDay(), part),
                    Kinds.isOutgoing(word.kind()),
                    version,
                    index
                )
            );
        }
        return Reason.None;
    }

    /// @dev A reversal takes the amounts that its target's halves hold; they are never split again. It is a pair of its
    ///      own; its target is only marked. The lead's of a shared event concerns every partner that had a part.
    function _postReversal(Batch memory batch, LegWord word, LegWord target, uint256 index) private returns (Reason) {
        (uint256 first, uint256 last) =
            word.partner() == 0 ? (1, batch.partnerCount) : (word.partner(), word.partner());
        Reason reason = _reversalFault(batch, word, target, first, last);
        if (reason != Reason.None) return reason;

        _countParts(batch, last - first + 1, index);
        bool isOutgoing = !Kinds.isOutgoing(target.targetKind());
        uint256 reversed = batch.party == 0 ? PairSlots.LEAD_REVERSED : PairSlots.PARTNER_REVERSED;
        for (uint256 partner = first; partner <= last; ++partner) {
            uint256 targetKey = PairSlots.key(batch.facility, partner, target.targetKind(), target.ref());
            PairSlot targetSlot = _pairs[targetKey];
            if (!targetSlot.has(_postedFlag(batch))) continue;
            _pairs[targetKey] = targetSlot.withFlag(reversed);

            uint256 key = _reversalKey(batch, word, target, partner);
            uint256 half = PairSlots.toHalf(word.valueDay(), _ownAmount(batch, targetSlot));
            _setHalf(batch, key, _pairs[key], Half(partner, Kinds.REVERSAL, half, isOutgoing, 0, index));
        }
        return Reason.None;
    }

    /// @dev What forbids a reversal: it is there already, or its target is none, absent, reversed or of another amount.
    ///      That a shared reversal's amount is its target's only the sender can know: the whole is not kept.
    function _reversalFault(Batch memory batch, LegWord word, LegWord target, uint256 first, uint256 last)
        private
        view
        returns (Reason)
    {
        uint256 posted = _postedFlag(batch);
        for (uint256 partner = first; partner <= last; ++partner) {
            if (_pairs[_reversalKey(batch, word, target, partner)].has(posted)) return Reason.Duplicate;
        }
        if (!Kinds.isReversible(target.targetKind())) return Reason.TargetNotReversible;

        uint256 reversed = batch.party == 0 ? PairSlots.LEAD_REVERSED : PairSlots.PARTNER_REVERSED;
        bool isThere;
        for (uint256 partner = first; partner <= last; ++partner) {
            PairSlot slot = _pairs[PairSlots.key(batch.facility, partner, target.targetKind(), target.ref())];
            if (!slot.has(posted)) continue;
            isThere = true;
            if (slot.has(reversed)) return Reason.TargetReversed;
            if (word.partner() != 0 && word.amount() != _ownAmount(batch, slot)) return Reason.TargetAmount;
        }
        return isThere ? Reason.None : Reason.TargetMissing;
    }

    /// @dev Sets the sender's half of a pair, judges the pair if the other is known, and sums what that moves.
    function _setHalf(Batch memory batch, uint256 key, PairSlot slot, Half memory half) private {
        bool isLead = batch.party == 0;
        bool isSecond = slot.has(isLead ? PairSlots.PARTNER_POSTED : PairSlots.LEAD_POSTED);
        if (isLead) {
            uint256 version = _rulesVersion(batch, PairSlots.halfValueDay(half.packed));
            slot = slot.withLeadHalf(half.packed, batch.businessDay, version, half.sharesVersion);
        } else {
            slot = slot.withPartnerHalf(half.packed);
            if (!isSecond) slot = slot.withRules(_rulesVersion(batch, PairSlots.halfValueDay(half.packed)));
        }

        uint256 effect = _effect(PairSlots.halfAmount(half.packed), half.isOutgoing);
        uint256 movementKey = Movements.toKey(half.partner, batch.businessDay, half.kind);
        if (isSecond) {
            slot = _judge(batch, slot, half, movementKey, effect);
        } else {
            slot = slot.withFirstSeen(block.timestamp);
            batch.movements.add(movementKey, Movements.delta(effect, 0));
            _changeOpen(batch, half.partner, isLead ? effect : 0, isLead ? 0 : effect, 0, 1);
        }
        _pairs[key] = slot;
    }

    /// @dev Judges a pair whose second half has just been set. Settled: the lead's amount is agreed, on the lead's
    ///      business day, and the other side's leg is open no more. Broken: both legs are open.
    function _judge(Batch memory batch, PairSlot slot, Half memory half, uint256 movementKey, uint256 effect)
        private
        returns (PairSlot)
    {
        Status status = Status.Matched;
        if (slot.leadHalf() != slot.partnerHalf()) {
            status = Judge.judge(
                slot.leadHalf(),
                slot.partnerHalf(),
                _facilities.rules(uint32(batch.facility), uint16(slot.rulesVersion()))
            );
            emit PairJudged(
                uint32(batch.facility),
                uint16(batch.member),
                uint64(batch.sequence),
                uint16(half.index),
                uint8(half.partner),
                uint8(status),
                uint16(slot.rulesVersion())
            );
        }

        bool isLead = batch.party == 0;
        if (Judge.settles(status)) {
            uint256 leadEffect = _effect(PairSlots.halfAmount(slot.leadHalf()), half.isOutgoing);
            uint256 partnerEffect = _effect(PairSlots.halfAmount(slot.partnerHalf()), half.isOutgoing);
            uint256 agreedKey = Movements.toKey(half.partner, slot.leadBusinessDay(), half.kind);
            if (agreedKey == movementKey) {
                batch.movements.add(movementKey, Movements.delta(effect, leadEffect));
            } else {
                batch.movements.add(movementKey, Movements.delta(effect, 0));
                batch.movements.add(agreedKey, Movements.delta(0, leadEffect));
            }
            unchecked {
                uint256 closedLead = isLead ? 0 : 0 - leadEffect;
                uint256 closedPartner = isLead ? 0 - partnerEffect : 0;
                // one open leg less
                _changeOpen(
                    batch, half.partner, closedLead, closedPartner, partnerEffect - leadEffect, type(uint256).max
                );
            }
        } else {
            batch.movements.add(movementKey, Movements.delta(effect, 0));
            _changeOpen(batch, half.partner, isLead ? effect : 0, isLead ? 0 : effect, 0, 1);
        }
        return slot.withStatus(status);
    }

    /// @dev Moves the member's head to this batch and echoes its words: the whole truth that indexers read.
    function _seal(Batch memory batch, bytes32[] calldata legs) private {
        uint256 headKey = _headKey(batch.facility, batch.member);
        uint256 sequence = batch.sequence;
        bytes32 before = _digestOf(_heads[headKey]);
        uint256 at;
        bytes32 digest;
        assembly ("memory-safe") {
            // The event's data beyond the free memory: sequence, digest, offset of the words, their length, the words.
            at := mload(0x40)
            let size := shl(5, legs.length)
            calldatacopy(add(at, 0x80), legs.offset, size)
            mstore(0x00, before)
            mstore(0x20, keccak256(add(at, 0x80), size))
            digest := shl(64, shr(64, keccak256(0x00, 0x40)))
        }
        _heads[headKey] = uint256(digest) | sequence;
        uint256 facility = batch.facility;
        uint256 member = batch.member;
        bytes32 topic = _POSTED;
        assembly ("memory-safe") {
            let size := shl(5, legs.length)
            mstore(at, sequence)
            mstore(add(at, 0x20), digest)
            mstore(add(at, 0x40), 0x60)
            mstore(add(at, 0x60), size)
            log3(at, add(0x80, size), topic, facility, member)
        }
    }

    function _countParts(Batch memory batch, uint256 parts, uint256 index) private pure {
        uint256 sum = batch.parts + parts;
        if (sum > Limits.MAX_PARTS) revert PostingTooManyParts(index, Limits.MAX_PARTS);
        batch.parts = sum;
    }

    function _changeOpen(
        Batch memory batch,
        uint256 partner,
        uint256 lead,
        uint256 partnerSide,
        uint256 accepted,
        uint256 legs
    ) private pure {
        uint256 place = partner - batch.firstPartner;
        batch.changes[place] = batch.changes[place].plus(OpenChanges.delta(lead, partnerSide, accepted, legs));
    }

    /// @dev The version of shares in force on a day. The newest is at hand; older ones are looked up once a batch.
    function _sharesVersion(Batch memory batch, uint256 day) private view returns (uint256) {
        if (day >= batch.terms.sharesFrom) return batch.terms.sharesVersion;
        if (batch.sharesSchedule.length == 0) {
            batch.sharesSchedule = _facilities.sharesSchedule(uint32(batch.facility));
        }
        return _versionOn(batch.sharesSchedule, day);
    }

    function _rulesVersion(Batch memory batch, uint256 day) private view returns (uint256) {
        if (day >= batch.terms.rulesFrom) return batch.terms.rulesVersion;
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

    function _shares(Batch memory batch, uint256 version) private view returns (Shares[] memory shares) {
        shares = batch.shares[version];
        if (shares.length == 0) {
            shares = _facilities.shares(uint32(batch.facility), uint16(version));
            batch.shares[version] = shares;
        }
    }

    function _reversalKey(Batch memory batch, LegWord word, LegWord target, uint256 partner)
        private
        pure
        returns (uint256)
    {
        uint256 ownKey = PairSlots.key(batch.facility, partner, Kinds.REVERSAL, word.ref());
        return PairSlots.reversalKey(ownKey, LegWord.unwrap(target));
    }

    /// @dev The amount of the sender's own half.
    function _ownAmount(Batch memory batch, PairSlot slot) private pure returns (uint256) {
        return PairSlots.halfAmount(batch.party == 0 ? slot.leadHalf() : slot.partnerHalf());
    }

    function _postedFlag(Batch memory batch) private pure returns (uint256) {
        return batch.party == 0 ? PairSlots.LEAD_POSTED : PairSlots.PARTNER_POSTED;
    }

    /// @dev An amount signed by its effect on the reserve, two's complement.
    function _effect(uint256 amount, bool isOutgoing) private pure returns (uint256) {
        unchecked {
            return isOutgoing ? 0 - amount : amount;
        }
    }

    function _wordAt(bytes32[] calldata legs, uint256 index) private pure returns (LegWord) {
        return LegWord.wrap(uint256(legs[index]));
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
