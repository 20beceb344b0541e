// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReconciliation} from "interfaces/IReconciliation.sol";
import {FacilityTerms, Split} from "types/FacilityTypes.sol";
import {Pair, Reason, Status} from "types/LegTypes.sol";
import {ConsortiumFixture} from "../support/ConsortiumFixture.sol";
import {Stream} from "../support/Stream.sol";
import {Vm, vm} from "../support/Vm.sol";

/// @title post in a facility whose lead splits: each of its legs names a partner and carries that partner's part as stated
contract PostLeadSplitTest is ConsortiumFixture {
    uint8 private constant DRAWDOWN = 1;
    uint8 private constant PRINCIPAL = 2;
    uint8 private constant FEE = 5;
    uint8 private constant TOP_UP = 6;
    uint8 private constant REVERSAL = 12;

    uint16 private constant ANNA = 2;
    uint16 private constant BERT = 3;

    uint32 private facility;

    function setUp() external {
        found(3);
        FacilityTerms memory terms = termsOf("F", three(3333, 2467, 0), strictRules());
        terms.split = Split.Lead;
        facility = activate(terms);
    }

    function test_shared_kinds_need_a_partner() external {
        for (uint8 kind = DRAWDOWN; kind <= FEE; ++kind) {
            _assertReason(_today().leg(kind, 0, TODAY, 100, 7), Reason.PartnerNotAllowed);
        }
        _assertReason(_today().leg(TOP_UP, 0, TODAY, 100, 7), Reason.PartnerNotAllowed);
        _assertReason(_today().leg(DRAWDOWN, 4, TODAY, 100, 7), Reason.UnknownPartner);
        _assertReason(_today().leg(0x80 | PRINCIPAL, 0, TODAY, 100, 7), Reason.PartnerNotAllowed);
        _assertReason(_today().leg(0x80 | PRINCIPAL, 1, TODAY, 100, 7), Reason.Duplicate);
    }

    function test_a_part_is_taken_as_stated_whatever_the_shares() external {
        Stream memory lead = _today().leg(DRAWDOWN, 1, TODAY, 3334, 7);
        lead = lead.leg(DRAWDOWN, 2, TODAY, 1, 7);
        lead = lead.leg(FEE, 3, TODAY, 500, 7);
        post(facility, LEAD, lead);
        vm.assertEq(_pair(1, DRAWDOWN).leadAmount, 3334, "not 3333 of 10,000");
        vm.assertEq(_pair(2, DRAWDOWN).leadAmount, 1, "one row a partner under one reference");
        vm.assertEq(_pair(3, FEE).leadAmount, 500, "a partner without a share");
        vm.assertEq(_pair(1, DRAWDOWN).sharesVersion, 0, "nothing was split");
    }

    /// @dev 100.00 lent at 33.33 % and repaid in three instalments leaves nothing, as the last one takes the odd cents.
    function test_a_loan_that_is_wholly_repaid_leaves_no_cents() external {
        Stream memory lead = _today().leg(DRAWDOWN, 1, TODAY, 3333, 1);
        Stream memory partner = _today().leg(DRAWDOWN, 1, TODAY, 3333, 1);
        for (uint256 ref = 2; ref <= 4; ++ref) {
            lead = lead.leg(PRINCIPAL, 1, TODAY, 1111, ref);
            partner = partner.leg(PRINCIPAL, 1, TODAY, 1111, ref);
        }
        post(facility, LEAD, lead);
        post(facility, ANNA, partner);
        (int72 leadBook, int72 partnerBook, int72 agreed,,,,,) = ledger.account(facility, 1);
        vm.assertEq(leadBook, 0, "the lead's book");
        vm.assertEq(partnerBook, 0, "the partner's book");
        vm.assertEq(agreed, 0, "agreed");
    }

    function test_the_same_part_twice_is_a_duplicate_of_that_partner_alone() external {
        post(facility, LEAD, _today().leg(PRINCIPAL, 1, TODAY, 100, 7));
        _assertReason(_today().leg(PRINCIPAL, 1, TODAY, 90, 7), Reason.Duplicate);
        post(facility, LEAD, _today().leg(PRINCIPAL, 2, TODAY, 90, 7));
        vm.assertEq(_pair(2, PRINCIPAL).leadAmount, 90, "the other partner's part");
    }

    function test_a_reversal_names_the_partner_and_reverses_its_part_alone() external {
        post(facility, LEAD, _today().leg(PRINCIPAL, 1, TODAY, 100, 7).leg(PRINCIPAL, 2, TODAY, 90, 7));
        Stream memory whole = _today().leg(REVERSAL, 0, TODAY, 190, 8).target(PRINCIPAL, 7);
        _assertReason(whole, Reason.PartnerNotAllowed);
        Stream memory other = _today().leg(REVERSAL, 1, TODAY, 99, 8).target(PRINCIPAL, 7);
        _assertReason(other, Reason.TargetAmount);

        post(facility, LEAD, _today().leg(REVERSAL, 1, TODAY, 100, 8).target(PRINCIPAL, 7));
        vm.assertTrue(_pair(1, PRINCIPAL).leadReversed, "named");
        vm.assertFalse(_pair(2, PRINCIPAL).leadReversed, "not named");
        (int72 leadBook,,,,,,,) = ledger.account(facility, 1);
        vm.assertEq(leadBook, 0, "undone");
    }

    function test_a_part_counts_as_one() external {
        Stream memory lead = _today();
        bytes32[] memory words = new bytes32[](501);
        words[0] = lead.words[0];
        for (uint256 i = 1; i <= 500; ++i) {
            words[i] = bytes32(abi.encodePacked(PRINCIPAL, uint8(1 + i % 3), uint24(TODAY), uint56(1), uint160(i)));
        }
        vm.prank(operatorOf(LEAD));
        reconciliation.post(facility, 1, words, "");
        (uint64 sequence,) = reconciliation.head(facility, LEAD);
        vm.assertEq(sequence, 1, "500 parts in one batch");
    }

    function test_partners_post_as_ever() external {
        post(facility, LEAD, _today().leg(DRAWDOWN, 2, TODAY, 77, 7));
        post(facility, BERT, _today().leg(DRAWDOWN, 2, TODAY, 77, 7));
        vm.assertTrue(_pair(2, DRAWDOWN).status == Status.Matched, "matched");
    }

    function _today() private pure returns (Stream memory stream) {
        return stream.group(TODAY);
    }

    function _pair(uint8 partner, uint8 kind) private view returns (Pair memory) {
        return reconciliation.pair(facility, partner, kind, 7);
    }

    function _assertReason(Stream memory stream, Reason reason) private {
        vm.recordLogs();
        post(facility, LEAD, stream);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[0].topics[0], IReconciliation.LegRejected.selector, "rejected");
        (,, uint8 why) = abi.decode(logs[0].data, (uint64, uint16, uint8));
        vm.assertEq(why, uint8(reason), "why");
    }
}
