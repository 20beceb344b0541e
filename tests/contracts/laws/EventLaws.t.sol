// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Kinds} from "libraries/Kinds.sol";
import {Half as PackedHalf} from "libraries/Halves.sol";
import {LeadStamp, PairSlot, PairSlots} from "libraries/PairSlots.sol";
import {Splits} from "libraries/Splits.sol";
import {Rules, Shares} from "types/FacilityTypes.sol";
import {Pair, Status} from "types/LegTypes.sol";
import {ConsortiumFixture} from "../support/ConsortiumFixture.sol";
import {Stream} from "../support/Stream.sol";
import {vm} from "../support/Vm.sol";

/// @title The laws of DESIGN that one event can show, for any event
contract EventLawsTest is ConsortiumFixture {
    uint32 private facility;

    function setUp() external {
        found(3);
        facility = activate("F", three(4533, 2467, 999), Rules(0, 100, 3, 1 days, 86_399));
    }

    /// @dev The parts add up to the whole: the partners' floors and what is left for the lead, which is never negative
    ///      and less than what the partners' shares leave plus one unit a partner.
    function testFuzz_LEDGER_3_parts_add_up(uint256 amount, uint16[4] memory bps, uint8 kind) external pure {
        amount = amount % 1e15 + 1;
        kind = kind % 5 + 1;
        uint256 rest = 10_000;
        uint256 sum;
        for (uint256 i; i < bps.length; ++i) {
            bps[i] = uint16(bps[i] % (rest + 1));
            rest -= bps[i];
            Shares memory shares = Shares(0, 0, 0);
            if (kind <= 2) shares.principalBps = bps[i];
            else if (kind <= 4) shares.interestBps = bps[i];
            else shares.feeBps = bps[i];
            uint256 part = Splits.part(Splits.pack(shares), kind, amount);
            vm.assertTrue(part * 10_000 <= amount * bps[i] && amount * bps[i] < (part + 1) * 10_000, "rounded down");
            sum += part;
        }
        vm.assertLe(sum, amount, "the lead's rest is not negative");
        vm.assertLe(
            (amount - sum) * 10_000, amount * rest + bps.length * 10_000, "nor more than its share and roundings"
        );
    }

    /// @dev On the chain too: what three partners' pairs hold is what the split says.
    function testFuzz_LEDGER_3_on_the_chain(uint256 amount, uint8 kind) external {
        amount = amount % 1e15 + 1;
        kind = kind % 5 + 1;
        Stream memory stream;
        post(facility, LEAD, stream.group(TODAY).leg(kind, 0, TODAY, amount, 7));
        vm.assertEq(reconciliation.pair(facility, 1, kind, 7).leadAmount, amount * 4533 / 10_000, "45.33 %");
        vm.assertEq(reconciliation.pair(facility, 2, kind, 7).leadAmount, amount * 2467 / 10_000, "24.67 %");
        vm.assertEq(reconciliation.pair(facility, 3, kind, 7).leadAmount, amount * 999 / 10_000, "9.99 %");
    }

    struct Half {
        uint64 amount;
        uint8 valueDaysBack;
        uint8 businessDaysBack;
    }

    /// @dev The final pair and the account do not depend on which half came first. The halves are often near each other.
    function testFuzz_RECON_1_the_order_of_halves_is_irrelevant(Half memory lead, Half memory partner, uint8 kind)
        external
    {
        kind = uint8(Kinds.TOP_UP + kind % 6);
        lead.amount = lead.amount % 400 + 1;
        partner.amount = partner.amount % 400 + 1;
        Stream memory leads;
        leads.group(TODAY - lead.businessDaysBack % 4).leg(kind, 1, TODAY - lead.valueDaysBack % 8, lead.amount, 7);
        Stream memory partners;
        partners.group(TODAY - partner.businessDaysBack % 4)
            .leg(kind, 1, TODAY - partner.valueDaysBack % 8, partner.amount, 7);

        uint256 before = vm.snapshotState();
        post(facility, LEAD, leads);
        post(facility, memberOf(1), partners);
        bytes32 leadFirst = _state(kind, lead, partner);
        vm.revertToState(before);
        post(facility, memberOf(1), partners);
        post(facility, LEAD, leads);
        vm.assertEq(leadFirst, _state(kind, lead, partner), "RECON_1");

        Pair memory pair = reconciliation.pair(facility, 1, kind, 7);
        vm.assertTrue(pair.status == _expected(lead, partner), "the status that the rules say");
    }

    /// @dev A pair's slot gives back what it was given.
    function testFuzz_a_slot_keeps_its_fields(
        uint56 leadAmount,
        uint24 leadDay,
        uint56 partnerAmount,
        uint24 partnerDay,
        uint24 businessDay,
        uint32 seen
    ) external pure {
        PairSlot slot = PairSlot.wrap(0).withPartnerHalf(PackedHalf.wrap((uint256(partnerDay) << 56) | partnerAmount));
        slot = slot.withRules(4095).withFirstSeen(seen);
        LeadStamp stamp = PairSlots.leadStamp(businessDay, 2748).withShares(3003);
        slot = slot.withLeadHalf(PackedHalf.wrap((uint256(leadDay) << 56) | leadAmount), stamp)
            .withStatus(Status.AmountAndDate);
        slot = slot.withFlag(PairSlots.PARTNER_REVERSED);
        Pair memory pair = slot.unpack();
        vm.assertTrue(pair.leadAmount == leadAmount && pair.leadValueDay == leadDay, "the lead's half");
        vm.assertTrue(pair.partnerAmount == partnerAmount && pair.partnerValueDay == partnerDay, "the partner's half");
        vm.assertTrue(pair.leadBusinessDay == businessDay && pair.firstSeen == seen, "the days");
        vm.assertTrue(pair.rulesVersion == 2748 && pair.sharesVersion == 3003, "the versions");
        vm.assertTrue(!pair.leadReversed && pair.partnerReversed, "the marks");
        vm.assertTrue(pair.status == Status.AmountAndDate, "the status");
        vm.assertTrue(slot.has(PairSlots.LEAD_POSTED) && slot.has(PairSlots.PARTNER_POSTED), "the flags");
    }

    function _expected(Half memory lead, Half memory partner) private pure returns (Status) {
        uint256 days_ = _distance(lead.valueDaysBack % 8, partner.valueDaysBack % 8);
        uint256 difference = _distance(lead.amount, partner.amount);
        if (days_ == 0 && difference == 0) return Status.Matched;
        if (days_ > 3) return difference > 100 ? Status.AmountAndDate : Status.Date;
        return difference > 100 ? Status.Amount : Status.WithinTolerance;
    }

    /// @dev All that both orders must leave alike: the pair, the account, the totals of the days in question.
    function _state(uint8 kind, Half memory lead, Half memory partner) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                reconciliation.pair(facility, 1, kind, 7),
                _account(),
                _day(kind, lead.businessDaysBack),
                _day(kind, partner.businessDaysBack)
            )
        );
    }

    function _account() private view returns (bytes memory) {
        (bool ok, bytes memory data) = address(ledger).staticcall(abi.encodeCall(ledger.account, (facility, 1)));
        require(ok, "account");
        return data;
    }

    function _day(uint8 kind, uint8 daysBack) private view returns (bytes32) {
        (int80 a, int80 b, int80 c) = ledger.dayTotal(facility, 1, TODAY - daysBack % 4, kind);
        return keccak256(abi.encode(a, b, c));
    }

    function _distance(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : b - a;
    }
}
