// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Effect} from "libraries/Effects.sol";
import {Half} from "libraries/Halves.sol";
import {Judge} from "libraries/Judge.sol";
import {Kinds} from "libraries/Kinds.sol";
import {Matching} from "libraries/Matching.sol";
import {OpenChange, OpenChanges} from "libraries/OpenChanges.sol";
import {Outcome, Outcomes} from "libraries/Outcomes.sol";
import {PairSlot, PairSlots} from "libraries/PairSlots.sol";
import {PackedShares, Splits} from "libraries/Splits.sol";
import {Rules, Shares} from "types/FacilityTypes.sol";
import {Status} from "types/LegTypes.sol";
import {Action} from "types/ResolutionTypes.sol";

/// @title What two halves are to each other, and what a part is: proved by halmos (`make halmos`)
contract MatchingSymbolic {
    /// @dev The judgement is what the rules say, for every pair of halves.
    function check_the_judge_says_what_the_rules_say(
        uint24[2] calldata day,
        uint56[2] calldata amount,
        uint56 tolerance,
        uint16 window
    ) external pure {
        Status status = _judge(day[0], amount[0], day[1], amount[1], tolerance, window);
        int256 difference = int256(uint256(amount[0])) - int256(uint256(amount[1]));
        int256 days_ = int256(uint256(day[0])) - int256(uint256(day[1]));
        bool isAmount = difference > int256(uint256(tolerance)) || -difference > int256(uint256(tolerance));
        bool isDate = days_ > int256(uint256(window)) || -days_ > int256(uint256(window));
        assert((status == Status.AmountAndDate) == (isAmount && isDate));
        assert((status == Status.Amount) == (isAmount && !isDate));
        assert((status == Status.Date) == (!isAmount && isDate));
        assert((status == Status.Matched) == (difference == 0 && days_ == 0));
        assert(Judge.settles(status) == (!isAmount && !isDate));
        assert(status != Status.Open);
    }

    /// @dev RECON_1 of the judgement: it is the same from either side.
    function check_RECON_1_the_judge_is_impartial(
        uint24[2] calldata day,
        uint56[2] calldata amount,
        uint56 tolerance,
        uint16 window
    ) external pure {
        assert(
            _judge(day[0], amount[0], day[1], amount[1], tolerance, window)
                == _judge(day[1], amount[1], day[0], amount[0], tolerance, window)
        );
    }

    /// @dev LEDGER_1 of a resolution: afterwards the lead's book holds what is agreed for the pair, the partner's that and
    ///      what was accepted; and exactly the halves that were open are settled.
    function check_LEDGER_1_a_resolution_explains_both_books(
        uint80 lead,
        uint80 partner,
        uint8 kind,
        uint8 action,
        bool isAtPartner,
        bool isReversal,
        uint24 day
    ) external pure {
        if (kind == 0 || kind > 11 || action == 0 || action > uint8(Action.Void) || day == 0) return;
        PairSlot slot = PairSlot.wrap(0);
        if (lead & type(uint56).max != 0) slot = slot.withLeadHalf(Half.wrap(lead), PairSlots.leadStamp(day, 1));
        if (partner & type(uint56).max != 0) slot = slot.withPartnerHalf(Half.wrap(partner));
        bool isLeads = !slot.leadHalf().isAbsent();
        bool isPartners = !slot.partnerHalf().isAbsent();
        bool isPair = isLeads && isPartners;
        if (!isLeads && !isPartners) return;
        if (!isPair && (Action(action) == Action.Adjust || Action(action) == Action.Force)) return;

        uint256 own = isReversal ? Kinds.REVERSAL : kind;
        Outcome memory made = Outcomes.resolve(slot, own, kind, Action(action), isAtPartner, day);
        int256 leadHeld = _effect(kind, isReversal, slot.leadHalf().amount());
        int256 partnerHeld = _effect(kind, isReversal, slot.partnerHalf().amount());
        assert(leadHeld + _of(made.leadMoved) == _of(made.agreed));
        assert(partnerHeld + _of(made.partnerMoved) == _of(made.agreed) + _of(made.accepted));
        assert(_of(made.accepted) == 0 || (_of(made.leadMoved) == 0 && _of(made.partnerMoved) == 0));
        assert(made.slot.openLegs() == 0 && made.slot.has(PairSlots.LEAD_POSTED));
        assert(made.leadSettled.isNone() != isLeads);
        assert(made.partnerSettled.isNone() != isPartners);
    }

    /// @dev LEDGER_1 of a half that arrives first: it is open as a whole, nothing is agreed.
    function check_LEDGER_1_a_first_half_opens(bool isLead, int56 effect, uint32 timestamp) external pure {
        (PairSlot slot, Effect agreed, OpenChange open) =
            Matching.first(PairSlot.wrap(0), isLead, Effect.wrap(effect), timestamp);
        assert(_of(agreed) == 0 && slot.status() == Status.Open);
        assert(open.openLead() == (isLead ? effect : int256(0)) && open.openPartner() == (isLead ? int256(0) : effect));
        assert(open.openLeadLegs() == (isLead ? int256(1) : int256(0)));
        assert(open.openPartnerLegs() == (isLead ? int256(0) : int256(1)) && open.acceptedDifference() == 0);
    }

    /// @dev LEDGER_1 of an equal second half: nothing stays open, all of it is agreed.
    function check_LEDGER_1_an_equal_half_settles(uint56 amount, bool isOut, bool isLeadSecond) external pure {
        if (amount == 0) return;
        Effect effect = Kinds.effect(isOut ? Kinds.DRAWDOWN : Kinds.TOP_UP, amount);
        (PairSlot slot, Effect agreed, OpenChange open) = Matching.exact(_pairOf(amount, amount), isLeadSecond, effect);
        assert(slot.status() == Status.Matched && agreed == effect);
        assert(_same(open, OpenChanges.settled(!isLeadSecond, effect)));
    }

    /// @dev LEDGER_1 of a second half within tolerance: the half that was open is settled, the lead's effect is agreed and
    ///      the partner's book holds the difference more; the same whichever came second (RECON_1).
    function check_LEDGER_1_a_tolerated_half_settles(uint56 lead, uint56 partner, bool isOut, bool isLeadSecond)
        external
        pure
    {
        if (lead == 0 || partner == 0) return;
        uint256 kind = isOut ? Kinds.DRAWDOWN : Kinds.TOP_UP;
        (Effect leads, Effect partners) = (Kinds.effect(kind, lead), Kinds.effect(kind, partner));
        (PairSlot slot, Effect agreed, OpenChange open) = Matching.second(
            _pairOf(lead, partner), isLeadSecond, isLeadSecond ? leads : partners, Status.WithinTolerance
        );
        assert(slot.status() == Status.WithinTolerance && agreed == leads);
        OpenChange settled = OpenChanges.settled(!isLeadSecond, isLeadSecond ? partners : leads);
        assert(_same(open, settled + OpenChanges.accepted(partners - leads)));
    }

    /// @dev LEDGER_1 of a second half that breaks: it is open as a whole, nothing is agreed.
    function check_LEDGER_1_a_broken_half_opens(
        uint56 lead,
        uint56 partner,
        uint8 judged,
        bool isOut,
        bool isLeadSecond
    ) external pure {
        if (judged < uint8(Status.Amount) || judged > uint8(Status.AmountAndDate)) return;
        Effect effect = Kinds.effect(isOut ? Kinds.DRAWDOWN : Kinds.TOP_UP, isLeadSecond ? lead : partner);
        (PairSlot slot, Effect agreed, OpenChange open) =
            Matching.second(_pairOf(lead, partner), isLeadSecond, effect, Status(judged));
        assert(slot.status() == Status(judged) && _of(agreed) == 0);
        assert(_same(open, OpenChanges.opened(isLeadSecond, effect)));
    }

    function _pairOf(uint256 lead, uint256 partner) private pure returns (PairSlot) {
        PairSlot slot = PairSlot.wrap(0).withLeadHalf(Half.wrap(lead), PairSlots.leadStamp(1, 1));
        return slot.withPartnerHalf(Half.wrap(partner));
    }

    function _same(OpenChange a, OpenChange b) private pure returns (bool) {
        return OpenChange.unwrap(a) == OpenChange.unwrap(b);
    }

    function _of(Effect effect) private pure returns (int256) {
        return Effect.unwrap(effect);
    }

    function _effect(uint256 kind, bool isReversal, uint256 amount) private pure returns (int256) {
        bool isOut = kind == 1 || kind >= 9;
        return isOut == isReversal ? int256(amount) : -int256(amount);
    }

    /// @dev Shares come out of their word as they went in, each for its kinds.
    function check_shares_keep_their_components(uint16 principal, uint16 interest, uint16 fee) external pure {
        PackedShares shares = Splits.pack(Shares(principal, interest, fee));
        assert(shares.componentBps(1) == principal && shares.componentBps(2) == principal);
        assert(shares.componentBps(3) == interest && shares.componentBps(4) == interest);
        assert(shares.componentBps(5) == fee);
    }

    /// @dev A part is rounded down to the minor unit, for every share and every amount below 256. Solvers do not finish
    ///      the division of larger ones; those are fuzzed (LEDGER_3 in EventLaws.t.sol).
    function check_LEDGER_3_a_part_is_rounded_down(uint8 amount, uint16 bps) external pure {
        if (bps > 10_000) return;
        uint256 part = PackedShares.wrap(bps).part(1, amount);
        assert(part * 10_000 <= uint256(amount) * bps && uint256(amount) * bps < (part + 1) * 10_000);
    }

    function _judge(uint256 leadDay, uint256 lead, uint256 partnerDay, uint256 partner, uint56 tolerance, uint16 window)
        private
        pure
        returns (Status)
    {
        return Judge.judge(
            Half.wrap((leadDay << 56) | lead),
            Half.wrap((partnerDay << 56) | partner),
            Rules(0, tolerance, window, 0, 0)
        );
    }
}
