// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {DayTotal} from "libraries/DayTotals.sol";
import {Effect} from "libraries/Effects.sol";
import {Half} from "libraries/Halves.sol";
import {Head} from "libraries/Heads.sol";
import {Kinds} from "libraries/Kinds.sol";
import {LegWord} from "libraries/LegWords.sol";
import {Movement, Movements} from "libraries/Movements.sol";
import {OpenChange, OpenChanges} from "libraries/OpenChanges.sol";
import {PairKeys} from "libraries/PairKeys.sol";
import {LeadStamp, PairSlot, PairSlots} from "libraries/PairSlots.sol";
import {Pair, Status} from "types/LegTypes.sol";

/// @title What is packed into one word comes out again, for every value: proved by halmos (`make halmos`)
contract PackingSymbolic {
    /// @dev Nothing that a pair's slot holds touches anything else in it.
    function check_a_slot_keeps_every_field(
        uint56[2] calldata amounts,
        uint24[2] calldata valueDays,
        uint24 businessDay,
        uint32 seen,
        uint16 rules,
        uint16 shares,
        uint8 status
    ) external pure {
        if (rules >= 4096 || shares >= 4096 || status > uint8(Status.AmountAndDate)) return;
        LeadStamp stamp = PairSlots.leadStamp(businessDay, rules).withShares(shares);
        PairSlot slot = PairSlot.wrap(0).withLeadHalf(_half(valueDays[0], amounts[0]), stamp).withFirstSeen(seen);
        slot = slot.withPartnerHalf(_half(valueDays[1], amounts[1])).withStatus(Status(status));

        Pair memory pair = slot.unpack();
        assert(pair.leadAmount == amounts[0] && pair.leadValueDay == valueDays[0]);
        assert(pair.partnerAmount == amounts[1] && pair.partnerValueDay == valueDays[1]);
        assert(pair.leadBusinessDay == businessDay && pair.firstSeen == seen);
        assert(pair.rulesVersion == rules && pair.sharesVersion == shares);
        assert(uint8(pair.status) == status && !pair.leadReversed && !pair.partnerReversed);
        assert(slot.has(PairSlots.LEAD_POSTED) && slot.has(PairSlots.PARTNER_POSTED));
        assert(slot.leadHalf() == _half(valueDays[0], amounts[0]));
        assert(slot.partnerHalf() == _half(valueDays[1], amounts[1]));
    }

    /// @dev RECON_1 of the slot: the halves and the rules of the lead's day, whichever half came first.
    function check_RECON_1_the_order_of_halves_leaves_one_slot(
        uint80 lead,
        uint80 partner,
        uint24 businessDay,
        uint16 leadRules,
        uint16 partnerRules
    ) external pure {
        if (leadRules >= 4096 || partnerRules >= 4096) return;
        (Half leadHalf, Half partnerHalf) = (Half.wrap(lead), Half.wrap(partner));
        LeadStamp stamp = PairSlots.leadStamp(businessDay, leadRules);
        PairSlot leadFirst = PairSlot.wrap(0).withLeadHalf(leadHalf, stamp).withPartnerHalf(partnerHalf);
        PairSlot partnerFirst = PairSlot.wrap(0).withPartnerHalf(partnerHalf).withRules(partnerRules);
        partnerFirst = partnerFirst.withLeadHalf(leadHalf, stamp);
        assert(PairSlot.unwrap(leadFirst) == PairSlot.unwrap(partnerFirst));
    }

    /// @dev A mark changes its own bit alone.
    function check_a_mark_changes_nothing_else(uint256 word, uint8 bit) external pure {
        uint256 flag = 1 << (bit & 3);
        PairSlot marked = PairSlot.wrap(word).withFlag(flag);
        assert(marked.has(flag));
        assert(PairSlot.unwrap(marked) & ~flag == word & ~flag);
    }

    /// @dev Two identities never share a key.
    function check_a_key_is_one_identity(
        uint32[2] calldata facility,
        uint8[2] calldata partner,
        uint8[2] calldata kind,
        uint160[2] calldata ref
    ) external pure {
        uint256 first = PairKeys.key(facility[0], partner[0], kind[0], ref[0]);
        uint256 second = PairKeys.key(facility[1], partner[1], kind[1], ref[1]);
        bool isSame = facility[0] == facility[1] && partner[0] == partner[1] && kind[0] == kind[1] && ref[0] == ref[1];
        assert((first == second) == isSame);
        assert(
            partner[0] == 255
                || first + PairKeys.NEXT_PARTNER == PairKeys.key(facility[0], partner[0] + 1, kind[0], ref[0])
        );
    }

    /// @dev A pair's key tells its account, a reversal's pair's too; so the two never meet in another account.
    function check_a_key_tells_its_account(uint32 facility, uint8 partner, uint8 kind, uint160 ref, uint256 target)
        external
        pure
    {
        if (facility == 0) return;
        uint256 account = (uint256(facility) << 8) | partner;
        uint256 key = PairKeys.key(facility, partner, kind, ref);
        assert(PairKeys.accountOf(key) == account);
        assert(PairKeys.accountOf(PairKeys.reversalKey(key, target)) == account);
    }

    /// @dev Each of four totals moves by what is added to it, and the ledger is told where 64 bits do not hold one.
    function check_day_totals_do_not_mix(uint256 before, uint256 moved) external pure {
        (DayTotal sum, uint256 outgrown) = DayTotal.wrap(before).plus(moved);
        for (uint256 field; field < 4; ++field) {
            int256 plain = int256(Movements.at(before, field)) + Movements.at(moved, field);
            bool fits = plain >= type(int64).min && plain <= type(int64).max;
            assert(((outgrown >> (field * 64 + 63)) & 1 == 0) == fits);
            if (fits) assert(sum.at(field) == plain);
        }
    }

    /// @dev A half with another amount keeps its day.
    function check_a_half_takes_another_amount(uint24 day, uint56 before, uint56 amount) external pure {
        Half half = _half(day, before).withAmount(amount);
        assert(half.amount() == amount && half.valueDay() == day);
    }

    /// @dev A leg's word gives back what was written, and is plain exactly if nothing is wrong with it.
    function check_a_legs_word(uint8 kind, uint8 partner, uint24 day, uint56 amount, uint160 ref, uint24 latest)
        external
        pure
    {
        LegWord word = LegWord.wrap(
            (uint256(kind) << 248) | (uint256(partner) << 240) | (uint256(day) << 216) | (uint256(amount) << 160) | ref
        );
        assert(word.partner() == partner && word.valueDay() == day && word.amount() == amount && word.ref() == ref);
        assert(word.kind() == kind % 128 && word.isDeclaredDuplicate() == (kind >= 128) && word.targetKind() == kind);
        assert(word.half() == _half(day, amount));
        assert(word.isGroup() == (kind == 0));
        bool isPlain = kind >= 1 && kind <= 11 && amount >= 1 && amount <= 1e15 && day >= 1 && day <= latest;
        assert(word.isPlain(latest) == isPlain);
    }

    /// @dev A group's word: well formed exactly if it has a business day and nothing that must be 0.
    function check_a_groups_word(uint256 raw) external pure {
        LegWord word = LegWord.wrap(raw);
        uint256 days_ = (word.businessDay() << 216) | (word.sharesDay() << 192);
        assert((word.isWellFormedGroup()) == (raw == days_ && word.businessDay() != 0));
        assert(word.isWellFormedTarget() == (raw == (word.targetKind() << 248) | word.ref()));
    }

    /// @dev Sums of a batch's movements of two kinds do not mix: each is what was added to it. They stay below 2^59.
    function check_movements_do_not_mix(int56[2] calldata book, int56[2] calldata agreed, int56[2] calldata more)
        external
        pure
    {
        unchecked {
            uint256 word = Movements.NONE + _moved(book[0], agreed[0]) + (_moved(book[1], agreed[1]) << 128);
            word += _moved(more[0], more[1]);
            assert(word == _movements(int64(book[0]) + more[0], int64(agreed[0]) + more[1], book[1], agreed[1]));
        }
    }

    /// @dev Whatever two words of movements hold, their four kinds are read apart, and added up.
    function check_movements_are_read_apart(int64[4] calldata book, int64[4] calldata agreed) external pure {
        uint256 first = _movements(book[0], agreed[0], book[1], agreed[1]);
        uint256 second = _movements(book[2], agreed[2], book[3], agreed[3]);
        (uint256 fields, int256 sum) = Movements.books(first, second);
        assert(fields == _fields(book));
        assert(sum == _sum(book));
        (fields, sum) = Movements.agreedAmounts(first, second);
        assert(fields == _fields(agreed));
        assert(sum == _sum(agreed));
        for (uint256 kind = 0; kind < 4; kind++) {
            assert(Movements.at(fields, kind) == agreed[kind]);
        }
    }

    /// @dev Nor do the sums of open items.
    function check_open_changes_do_not_mix(int56[5] calldata effects) external pure {
        OpenChange change = OpenChanges.opened(true, Effect.wrap(effects[0]));
        change = change + OpenChanges.settled(true, Effect.wrap(effects[1]));
        change = change + OpenChanges.opened(false, Effect.wrap(effects[2]));
        change = change + OpenChanges.settled(false, Effect.wrap(effects[3]));
        change = change + OpenChanges.accepted(Effect.wrap(effects[4]));
        assert(change.openLead() == int256(effects[0]) - effects[1]);
        assert(change.openPartner() == int256(effects[2]) - effects[3]);
        assert(change.acceptedDifference() == effects[4]);
        assert(change.openLeadLegs() == 0 && change.openPartnerLegs() == 0);
        assert(change.isLeadsAlone() == (effects[2] == effects[3] && effects[4] == 0));
    }

    /// @dev What a kind does to the reserve, its opposite, and another amount of the same sign.
    function check_effects(uint8 kind, uint56 amount, uint56 other) external pure {
        if (!Kinds.isReversible(kind) || amount == 0) return;
        Effect effect = Kinds.effect(kind, amount);
        bool isOut = kind == 1 || kind == 9 || kind == 10 || kind == 11;
        assert(Effect.unwrap(effect) == (isOut ? -int256(uint256(amount)) : int256(uint256(amount))));
        assert(Effect.unwrap(-effect) == -Effect.unwrap(effect));
        assert(effect.withAmount(other) == Kinds.effect(kind, other));
    }

    /// @dev A head keeps sequence, mark and digest apart, and a batch moves the first and the last.
    function check_a_head_keeps_sequence_and_digest(uint256 word, bytes32 wordsHash) external pure {
        Head head = Head.wrap(word);
        if (head.sequence() == type(uint64).max >> 1) return;
        uint256 unmarked = uint256(head.digest()) | head.sequence();
        assert(word == (head.hasManyOpenLegs() ? unmarked | (1 << 63) : unmarked));
        assert(Head.unwrap(head.withManyOpenLegs()) == unmarked | (1 << 63));
        Head next = head.next(wordsHash);
        assert(next.sequence() == head.sequence() + 1);
        assert(uint64(uint256(next.digest())) == 0);
    }

    function _moved(int56 book, int56 agreed) private pure returns (uint256) {
        return Movement.unwrap(Movements.toMovement(Effect.wrap(book), Effect.wrap(agreed)));
    }

    /// @dev A word of two kinds: each number with its offset, which turns the top bit over.
    function _movements(int64 book, int64 agreed, int64 oddBook, int64 oddAgreed) private pure returns (uint256) {
        return Movements.NONE ^ _packed(agreed, book, oddAgreed, oddBook);
    }

    function _fields(int64[4] calldata of_) private pure returns (uint256) {
        return _packed(of_[0], of_[1], of_[2], of_[3]);
    }

    function _packed(int64 a, int64 b, int64 c, int64 d) private pure returns (uint256) {
        return
            uint256(uint64(a)) | (uint256(uint64(b)) << 64) | (uint256(uint64(c)) << 128) | (uint256(uint64(d)) << 192);
    }

    function _sum(int64[4] calldata of_) private pure returns (int256) {
        unchecked {
            return int256(of_[0]) + of_[1] + of_[2] + of_[3];
        }
    }

    function _half(uint256 day, uint256 amount) private pure returns (Half) {
        return Half.wrap((day << 56) | amount);
    }
}
