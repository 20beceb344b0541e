// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "interfaces/IFacilityRegistry.sol";
import {IReconciliation} from "interfaces/IReconciliation.sol";
import {KeyPurpose} from "types/ConsortiumTypes.sol";
import {FacilityState, Rules} from "types/FacilityTypes.sol";
import {Pair, Reason, Status} from "types/LegTypes.sol";
import {ConsortiumFixture} from "../support/ConsortiumFixture.sol";
import {Stream} from "../support/Stream.sol";
import {Vm, vm} from "../support/Vm.sol";

/// @title post: faults of the batch, faults of a leg, then what halves do to each other
contract PostTest is ConsortiumFixture {
    uint8 private constant DRAWDOWN = 1;
    uint8 private constant PRINCIPAL = 2;
    uint8 private constant INTEREST = 3;
    uint8 private constant TOP_UP = 6;
    uint8 private constant WITHDRAWAL = 9;
    uint8 private constant REVERSAL = 12;

    uint16 private constant ANNA = 2;
    uint16 private constant BERT = 3;

    uint32 private facility;

    function setUp() external {
        found(3);
        facility = activate("F", three(4533, 2467, 999), Rules(0, 5, 2, 1 days, 86_399));
    }

    // ---- faults of the whole batch

    function test_post_reverts_for_a_stranger() external {
        vm.expectRevert(
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotAKey.selector, address(this), KeyPurpose.Operator)
        );
        reconciliation.post(facility, 1, _today().words, "");
    }

    function test_post_reverts_for_an_approver() external {
        address approver = approverOf(LEAD);
        vm.expectRevert(
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotAKey.selector, approver, KeyPurpose.Operator)
        );
        vm.prank(approver);
        reconciliation.post(facility, 1, _today().words, "");
    }

    function test_post_reverts_for_a_member_that_is_no_party() external {
        uint16 auditor = 5;
        vm.expectRevert(abi.encodeWithSelector(IFacilityRegistry.FacilityNotAParty.selector, facility, auditor));
        vm.prank(operatorOf(auditor));
        reconciliation.post(facility, 1, _today().words, "");
    }

    function test_post_reverts_for_an_unknown_facility() external {
        vm.expectRevert(abi.encodeWithSelector(IFacilityRegistry.FacilityUnknown.selector, 99));
        vm.prank(operatorOf(LEAD));
        reconciliation.post(99, 1, _today().words, "");
    }

    function test_post_reverts_before_all_have_accepted() external {
        vm.prank(approverOf(LEAD));
        uint32 proposed = facilities.propose(termsOf("G", one(5000), strictRules()));
        vm.expectRevert(
            abi.encodeWithSelector(IFacilityRegistry.FacilityInState.selector, proposed, FacilityState.Proposed)
        );
        vm.prank(operatorOf(LEAD));
        reconciliation.post(proposed, 1, _today().words, "");
    }

    function test_post_reverts_on_a_gap_and_on_a_repetition() external {
        Stream memory stream = _today().leg(TOP_UP, 1, TODAY, 100, 7);
        _expectWrongSequence(1, 2);
        vm.prank(operatorOf(LEAD));
        reconciliation.post(facility, 2, stream.words, "");

        post(facility, LEAD, stream);
        _expectWrongSequence(2, 1);
        vm.prank(operatorOf(LEAD));
        reconciliation.post(facility, 1, stream.words, "");
    }

    function test_post_reverts_on_an_empty_batch() external {
        _expectMalformed(0);
        post_(LEAD, new bytes32[](0));
    }

    function test_post_reverts_on_a_leg_before_its_group() external {
        Stream memory stream;
        _expectMalformed(0);
        post_(LEAD, stream.leg(TOP_UP, 1, TODAY, 100, 7).words);
    }

    function test_post_reverts_on_a_group_without_a_business_day() external {
        Stream memory stream;
        _expectMalformed(0);
        post_(LEAD, stream.group(0).words);
    }

    function test_post_reverts_on_a_group_with_other_bits() external {
        Stream memory stream = _today().word(bytes32((uint256(TODAY) << 216) | 1));
        _expectMalformed(1);
        post_(LEAD, stream.words);
        stream = _today().word(bytes32((uint256(1) << 240) | (uint256(TODAY) << 216)));
        _expectMalformed(1);
        post_(LEAD, stream.words);
    }

    function test_post_reverts_on_a_reversal_without_its_target() external {
        _expectMalformed(1);
        post_(LEAD, _today().leg(REVERSAL, 1, TODAY, 100, 8).words);
    }

    function test_post_reverts_on_a_target_with_other_bits() external {
        Stream memory stream =
            _today().leg(REVERSAL, 1, TODAY, 100, 8).word(bytes32((uint256(TOP_UP) << 248) | (1 << 160) | 7));
        _expectMalformed(2);
        post_(LEAD, stream.words);
    }

    function test_post_takes_500_parts_and_not_one_more() external {
        // 166 shared legs of three parts, and two or three of one
        bytes32[] memory words = new bytes32[](169);
        words[0] = _today().words[0];
        for (uint256 i = 1; i <= 166; ++i) {
            words[i] = _shared(PRINCIPAL, 10_000, i);
        }
        words[167] = _lone(TOP_UP, 1, 1, 500);
        words[168] = _lone(TOP_UP, 1, 1, 501);
        uint256 before = vm.snapshotState();
        post_(LEAD, words);
        vm.revertToState(before);

        bytes32[] memory more = new bytes32[](170);
        for (uint256 i; i < 169; ++i) {
            more[i] = words[i];
        }
        more[169] = _lone(TOP_UP, 1, 1, 502);
        vm.expectRevert(abi.encodeWithSelector(IReconciliation.PostingTooManyParts.selector, 501, 500));
        post_(LEAD, more);
    }

    function test_post_reverts_on_more_words_than_a_batch_can_need() external {
        vm.expectRevert(abi.encodeWithSelector(IReconciliation.PostingTooManyWords.selector, 1501, 1500));
        post_(LEAD, new bytes32[](1501));
    }

    // ---- faults of one leg

    function test_a_bad_leg_does_not_sink_its_batch() external {
        Stream memory stream =
            _today().leg(13, 1, TODAY, 1, 1).leg(TOP_UP, 1, TODAY, 100, 7).leg(TOP_UP, 1, TODAY, 0, 8);
        vm.recordLogs();
        post(facility, LEAD, stream);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 3, "two rejections, then the posting");
        _assertRejected(logs[0], 1, Reason.UnknownKind);
        _assertRejected(logs[1], 3, Reason.AmountZero);
        vm.assertEq(logs[2].topics[0], IReconciliation.Posted.selector, "the posting comes last");
        vm.assertEq(_pair(1, TOP_UP, 7).leadAmount, 100, "the good leg stands");
    }

    function test_unknown_kinds() external {
        _assertReason(LEAD, _today().leg(13, 1, TODAY, 1, 1), Reason.UnknownKind);
        _assertReason(LEAD, _today().leg(0x7f, 1, TODAY, 1, 1), Reason.UnknownKind);
        _assertReason(LEAD, _today().leg(0x80, 1, TODAY, 1, 1), Reason.UnknownKind);
        _assertReason(LEAD, _today().leg(0x80 | 13, 1, TODAY, 1, 1), Reason.UnknownKind);
    }

    function test_amounts_out_of_bounds() external {
        _assertReason(LEAD, _today().leg(TOP_UP, 1, TODAY, 0, 1), Reason.AmountZero);
        _assertReason(LEAD, _today().leg(TOP_UP, 1, TODAY, 1e15 + 1, 1), Reason.AmountTooLarge);
        _assertReason(LEAD, _today().leg(TOP_UP, 1, TODAY, 1e15, 1), Reason.None);
    }

    function test_partners() external {
        _assertReason(LEAD, _today().leg(TOP_UP, 4, TODAY, 1, 1), Reason.UnknownPartner);
        _assertReason(LEAD, _today().leg(PRINCIPAL, 4, TODAY, 1, 1), Reason.UnknownPartner);
        _assertReason(LEAD, _today().leg(TOP_UP, 0, TODAY, 1, 1), Reason.PartnerNotAllowed);
        _assertReason(LEAD, _today().leg(PRINCIPAL, 1, TODAY, 1, 1), Reason.PartnerNotAllowed);
        _assertReason(ANNA, _today().leg(PRINCIPAL, 0, TODAY, 1, 1), Reason.PartnerNotAllowed);
        _assertReason(ANNA, _today().leg(PRINCIPAL, 2, TODAY, 1, 1), Reason.PartnerNotAllowed);
        _assertReason(ANNA, _today().leg(PRINCIPAL, 4, TODAY, 1, 1), Reason.UnknownPartner);
        _assertReason(LEAD, _today().leg(REVERSAL, 1, TODAY, 1, 1).target(PRINCIPAL, 9), Reason.PartnerNotAllowed);
        _assertReason(LEAD, _today().leg(REVERSAL, 0, TODAY, 1, 1).target(TOP_UP, 9), Reason.PartnerNotAllowed);
        _assertReason(ANNA, _today().leg(REVERSAL, 0, TODAY, 1, 1).target(PRINCIPAL, 9), Reason.PartnerNotAllowed);
    }

    function test_days_too_far() external {
        uint24 last = TODAY + 30;
        _assertReason(LEAD, _today().leg(TOP_UP, 1, last, 1, 1), Reason.None);
        _assertReason(LEAD, _today().leg(TOP_UP, 1, last + 1, 1, 2), Reason.DateTooFar);
        _assertReason(LEAD, _today().leg(TOP_UP, 1, 0, 1, 2), Reason.DateTooFar);
        Stream memory stream;
        _assertReason(LEAD, stream.group(last + 1).leg(TOP_UP, 1, TODAY, 1, 2), Reason.DateTooFar);
        Stream memory other;
        _assertReason(LEAD, other.group(TODAY, last + 1).leg(PRINCIPAL, 0, TODAY, 9, 2), Reason.DateTooFar);
        Stream memory fine;
        _assertReason(LEAD, fine.group(last, last).leg(PRINCIPAL, 0, TODAY, 9, 3), Reason.None);
    }

    function test_a_later_group_may_carry_dates_again() external {
        Stream memory stream = _today().group(TODAY + 31).leg(TOP_UP, 1, TODAY, 1, 1).group(TODAY);
        post(facility, LEAD, stream.leg(TOP_UP, 1, TODAY, 5, 2));
        vm.assertEq(_pair(1, TOP_UP, 1).leadAmount, 0, "rejected");
        vm.assertEq(_pair(1, TOP_UP, 2).leadAmount, 5, "posted");
    }

    function test_a_second_leg_of_one_identity_is_a_duplicate() external {
        Stream memory stream = _today().leg(TOP_UP, 1, TODAY, 100, 7).leg(TOP_UP, 1, TODAY, 90, 7);
        vm.recordLogs();
        post(facility, LEAD, stream);
        _assertRejected(vm.getRecordedLogs()[0], 2, Reason.Duplicate);
        _assertReason(LEAD, _today().leg(TOP_UP, 1, TODAY, 100, 7), Reason.Duplicate);
        vm.assertEq(_pair(1, TOP_UP, 7).leadAmount, 100, "the first stands");
        _assertBooks(1, 100, 0, 0);
    }

    function test_a_declared_duplicate_is_one_after_its_own_faults() external {
        _assertReason(LEAD, _today().leg(0x80 | PRINCIPAL, 0, TODAY, 100, 7), Reason.Duplicate);
        _assertReason(LEAD, _today().leg(0x80 | PRINCIPAL, 0, TODAY, 0, 7), Reason.AmountZero);
        _assertReason(LEAD, _today().leg(0x80 | PRINCIPAL, 1, TODAY, 5, 7), Reason.PartnerNotAllowed);
        _assertReason(LEAD, _today().leg(0x80 | PRINCIPAL, 0, 0, 5, 7), Reason.DateTooFar);
        _assertReason(ANNA, _today().leg(0x80 | REVERSAL, 1, TODAY, 5, 7).target(PRINCIPAL, 1), Reason.Duplicate);
        vm.assertEq(_pair(1, PRINCIPAL, 7).leadAmount, 0, "nothing is written");
    }

    function test_a_shared_leg_is_a_duplicate_if_one_partner_has_a_half() external {
        // 2 cents leave only the first partner with a part: 0.9066, 0.4934, 0.1998
        post(facility, LEAD, _today().leg(PRINCIPAL, 0, TODAY, 3, 7));
        vm.assertEq(_pair(1, PRINCIPAL, 7).leadAmount, 1, "one part");
        vm.assertEq(_pair(2, PRINCIPAL, 7).leadAmount, 0, "no part");
        _assertReason(LEAD, _today().leg(PRINCIPAL, 0, TODAY, 10_000, 7), Reason.Duplicate);
        vm.assertEq(_pair(2, PRINCIPAL, 7).leadAmount, 0, "nothing of the duplicate is written");
        _assertBooks(2, 0, 0, 0);
    }

    function test_a_shared_leg_whose_parts_are_all_zero() external {
        _assertReason(LEAD, _today().leg(PRINCIPAL, 0, TODAY, 2, 7), Reason.NoParts);
    }

    function test_reversals_that_cannot_be() external {
        post(facility, LEAD, _today().leg(TOP_UP, 1, TODAY, 100, 7).leg(PRINCIPAL, 0, TODAY, 10_000, 8));
        _assertReason(LEAD, _reversal(1, 100, 9, TOP_UP, 1), Reason.TargetMissing);
        _assertReason(LEAD, _reversal(0, 100, 9, PRINCIPAL, 1), Reason.TargetMissing);
        // the lead's half is no target for the partner
        _assertReason(ANNA, _reversal(1, 100, 9, TOP_UP, 7), Reason.TargetMissing);
        _assertReason(LEAD, _reversal(1, 99, 9, TOP_UP, 7), Reason.TargetAmount);
        _assertReason(LEAD, _reversal(1, 100, 9, REVERSAL, 7), Reason.TargetNotReversible);
        _assertReason(LEAD, _reversal(0, 100, 9, 13, 7), Reason.TargetNotReversible);
        _assertReason(LEAD, _reversal(1, 100, 9, TOP_UP, 7), Reason.None);
        // the very same once more, then another of the same target
        _assertReason(LEAD, _reversal(1, 100, 9, TOP_UP, 7), Reason.Duplicate);
        _assertReason(LEAD, _reversal(1, 100, 10, TOP_UP, 7), Reason.TargetReversed);
        _assertReason(LEAD, _reversal(0, 10_000, 9, PRINCIPAL, 8), Reason.None);
        _assertReason(LEAD, _reversal(0, 10_000, 9, PRINCIPAL, 8), Reason.Duplicate);
        _assertReason(LEAD, _reversal(0, 10_000, 10, PRINCIPAL, 8), Reason.TargetReversed);
    }

    // ---- what halves do

    function test_a_shared_leg_is_split_and_rounded_down() external {
        post(facility, LEAD, _today().leg(DRAWDOWN, 0, TODAY, 9_999, 7));
        vm.assertEq(_pair(1, DRAWDOWN, 7).leadAmount, 4532, "45.33 %");
        vm.assertEq(_pair(2, DRAWDOWN, 7).leadAmount, 2466, "24.67 %");
        vm.assertEq(_pair(3, DRAWDOWN, 7).leadAmount, 998, "9.99 %");
        vm.assertEq(_pair(1, DRAWDOWN, 7).sharesVersion, 1, "shares of version 1");
        _assertBooks(1, -4532, 0, 0);
        _assertOpen(1, -4532, 0, 0, 1);
    }

    function test_equal_halves_match_whoever_comes_first() external {
        post(facility, LEAD, _today().leg(PRINCIPAL, 0, TODAY, 10_000, 7));
        vm.recordLogs();
        post(facility, ANNA, _today().leg(PRINCIPAL, 1, TODAY, 4533, 7));
        vm.assertEq(vm.getRecordedLogs().length, 1, "an exact match is told by no event");
        post(facility, BERT, _today().leg(INTEREST, 2, TODAY, 2467, 8));
        post(facility, LEAD, _today().leg(INTEREST, 0, TODAY, 10_000, 8));
        _assertStatus(1, PRINCIPAL, 7, Status.Matched);
        _assertStatus(2, INTEREST, 8, Status.Matched);
        _assertBooks(1, 4533 + 4533, 4533, 4533);
        _assertOpen(1, 4533, 0, 0, 1);
        _assertBooks(2, 2467 + 2467, 2467, 2467);
    }

    function test_within_tolerance_the_leads_amount_is_agreed() external {
        post(facility, LEAD, _today().leg(TOP_UP, 1, TODAY, 100, 7).leg(WITHDRAWAL, 1, TODAY, 50, 8));
        vm.recordLogs();
        post(facility, ANNA, _today().leg(TOP_UP, 1, TODAY - 2, 105, 7).leg(WITHDRAWAL, 1, TODAY + 1, 46, 8));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        _assertJudged(logs[0], 1, 1, Status.WithinTolerance);
        _assertJudged(logs[1], 2, 1, Status.WithinTolerance);
        _assertStatus(1, TOP_UP, 7, Status.WithinTolerance);
        _assertBooks(1, 100 - 50, 105 - 46, 50);
        _assertOpen(1, 0, 0, 5 + 4, 0);
    }

    function test_breaks_stay_open_on_both_sides() external {
        Stream memory lead = _today();
        lead = lead.leg(TOP_UP, 1, TODAY, 100, 1);
        lead = lead.leg(TOP_UP, 1, TODAY, 100, 2);
        lead = lead.leg(TOP_UP, 1, TODAY, 100, 3);
        Stream memory partner = _today();
        partner = partner.leg(TOP_UP, 1, TODAY, 106, 1);
        partner = partner.leg(TOP_UP, 1, TODAY - 3, 100, 2);
        partner = partner.leg(TOP_UP, 1, TODAY + 3, 94, 3);
        post(facility, ANNA, partner);
        vm.recordLogs();
        post(facility, LEAD, lead);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        _assertJudged(logs[0], 1, 1, Status.Amount);
        _assertJudged(logs[1], 2, 1, Status.Date);
        _assertJudged(logs[2], 3, 1, Status.AmountAndDate);
        _assertStatus(1, TOP_UP, 1, Status.Amount);
        _assertStatus(1, TOP_UP, 2, Status.Date);
        _assertStatus(1, TOP_UP, 3, Status.AmountAndDate);
        _assertBooks(1, 300, 300, 0);
        _assertOpen(1, 300, 300, 0, 6);
    }

    /// @dev In all nothing is agreed by the lead's batch, and the partner's legs are settled all the same.
    function test_pairs_whose_amounts_cancel_out_are_settled() external {
        post(facility, ANNA, _today().leg(TOP_UP, 1, TODAY, 100, 7).leg(WITHDRAWAL, 1, TODAY, 100, 8));
        _assertOpen(1, 0, 0, 0, 2);
        post(facility, LEAD, _today().leg(TOP_UP, 1, TODAY, 100, 7).leg(WITHDRAWAL, 1, TODAY, 100, 8));
        _assertOpen(1, 0, 0, 0, 0);
    }

    function test_movements_fall_on_each_halfs_own_day_and_the_agreed_on_the_leads() external {
        Stream memory partner;
        post(facility, ANNA, partner.group(TODAY - 1).leg(TOP_UP, 1, TODAY, 100, 7));
        post(facility, LEAD, _today().leg(TOP_UP, 1, TODAY, 100, 7).leg(TOP_UP, 1, TODAY, 30, 8));
        Stream memory late;
        post(facility, ANNA, late.group(TODAY + 1).leg(TOP_UP, 1, TODAY, 30, 8));
        _assertDay(1, TODAY - 1, TOP_UP, 0, 100, 0);
        _assertDay(1, TODAY, TOP_UP, 130, 0, 130);
        _assertDay(1, TODAY + 1, TOP_UP, 0, 30, 0);
        vm.assertEq(_pair(1, TOP_UP, 7).leadBusinessDay, TODAY, "the lead's business day");
    }

    function test_a_reversal_takes_back_the_recorded_parts() external {
        post(facility, LEAD, _today().leg(DRAWDOWN, 0, TODAY, 9_999, 7));
        post(facility, ANNA, _today().leg(DRAWDOWN, 1, TODAY, 4532, 7));
        // its own amount tells nothing: parts are never split again
        post(facility, LEAD, _today().leg(REVERSAL, 0, TODAY, 1, 8).target(DRAWDOWN, 7));
        Pair memory target = _pair(1, DRAWDOWN, 7);
        vm.assertTrue(target.leadReversed && !target.partnerReversed, "the target is marked");
        _assertStatus(1, DRAWDOWN, 7, Status.Matched);
        vm.assertEq(reconciliation.reversalPair(facility, 2, 8, DRAWDOWN, 7).leadAmount, 2466, "the part taken back");
        _assertBooks(1, 0, -4532, -4532);
        _assertOpen(1, 4532, 0, 0, 1);
        _assertBooks(2, 0, 0, 0);
        _assertOpen(2, 0, 0, 0, 2);

        post(facility, ANNA, _today().leg(REVERSAL, 1, TODAY, 4532, 8).target(DRAWDOWN, 7));
        vm.assertTrue(
            reconciliation.reversalPair(facility, 1, 8, DRAWDOWN, 7).status == Status.Matched, "a pair of its own"
        );
        _assertBooks(1, 0, 0, 0);
        _assertOpen(1, 0, 0, 0, 0);
        _assertDay(1, TODAY, REVERSAL, 4532, 4532, 4532);
    }

    function test_reversals_of_different_targets_are_two_legs() external {
        post(facility, LEAD, _today().leg(TOP_UP, 1, TODAY, 100, 1).leg(TOP_UP, 1, TODAY, 100, 2));
        post(facility, ANNA, _today().leg(TOP_UP, 1, TODAY, 100, 1).leg(TOP_UP, 1, TODAY, 100, 2));
        post(facility, LEAD, _reversal(1, 100, 9, TOP_UP, 1));
        post(facility, ANNA, _reversal(1, 100, 9, TOP_UP, 2));
        _assertBooks(1, 100, 100, 200);
        _assertOpen(1, -100, -100, 0, 2);
    }

    function test_the_rules_are_those_of_the_leads_value_date() external {
        post(facility, ANNA, _today().leg(TOP_UP, 1, TODAY - 1, 100, 7));
        Pair memory alone = _pair(1, TOP_UP, 7);
        vm.assertEq(alone.rulesVersion, 1, "its own while alone");
        vm.assertEq(alone.firstSeen, block.timestamp, "first seen");
    }

    function test_the_head_keeps_sequence_and_digest() external {
        Stream memory stream = _today().leg(TOP_UP, 1, TODAY, 100, 7);
        (uint64 sequence, bytes32 digest) = reconciliation.head(facility, LEAD);
        vm.assertTrue(sequence == 0 && digest == 0, "nothing yet");
        bytes32 expected;
        for (uint64 n = 1; n <= 3; ++n) {
            bytes memory words = abi.encodePacked(stream.words);
            expected = bytes32((uint256(keccak256(abi.encode(expected, keccak256(words)))) >> 64) << 64);
            vm.expectEmit(address(reconciliation));
            emit IReconciliation.Posted(facility, LEAD, n, expected, words);
            vm.prank(operatorOf(LEAD));
            reconciliation.post(facility, n, stream.words, "sealed details count for nothing");
            (sequence, digest) = reconciliation.head(facility, LEAD);
            vm.assertEq(sequence, n, "sequence");
            vm.assertEq(digest, expected, "digest");
            stream = stream.leg(TOP_UP, 2, TODAY, 100, n);
        }
    }

    function test_two_facilities_and_two_members_do_not_mix() external {
        uint32 other = activate("G", three(4533, 2467, 999), strictRules());
        post(facility, LEAD, _today().leg(TOP_UP, 1, TODAY, 100, 7));
        post(other, LEAD, _today().leg(TOP_UP, 1, TODAY, 100, 7));
        post(facility, BERT, _today().leg(TOP_UP, 2, TODAY, 100, 7));
        _assertStatus(1, TOP_UP, 7, Status.Open);
        _assertStatus(2, TOP_UP, 7, Status.Open);
        (int72 leadBook,,,,,,,) = ledger.account(other, 1);
        vm.assertEq(leadBook, 100, "the other facility's own");
    }

    // ---- shorthand

    function _today() private pure returns (Stream memory stream) {
        return stream.group(TODAY);
    }

    function _reversal(uint256 partner, uint256 amount, uint256 ref, uint256 kind, uint256 target)
        private
        pure
        returns (Stream memory)
    {
        return _today().leg(REVERSAL, partner, TODAY, amount, ref).target(kind, target);
    }

    function _shared(uint256 kind, uint256 amount, uint256 ref) private pure returns (bytes32) {
        return _lone(kind, 0, amount, ref);
    }

    function _lone(uint256 kind, uint256 partner, uint256 amount, uint256 ref) private pure returns (bytes32) {
        Stream memory stream;
        return stream.leg(kind, partner, TODAY, amount, ref).words[0];
    }

    function post_(uint16 member, bytes32[] memory words) private {
        (uint64 sequence,) = _head(member);
        vm.prank(operatorOf(member));
        reconciliation.post(facility, sequence + 1, words, "");
    }

    function _head(uint16 member) private view returns (uint64, bytes32) {
        // read from storage, as a call would use up an expected revert
        bytes32 slot = keccak256(abi.encode((uint256(facility) << 16) | member, uint256(3)));
        uint256 word = uint256(vm.load(address(reconciliation), slot));
        return (uint64(word), bytes32(0));
    }

    function _pair(uint8 partner, uint8 kind, uint160 ref) private view returns (Pair memory) {
        return reconciliation.pair(facility, partner, kind, ref);
    }

    /// @dev Posts one leg after a group, as word 1, and asserts why it is rejected, or that it is not.
    function _assertReason(uint16 member, Stream memory stream, Reason reason) private {
        vm.recordLogs();
        post(facility, member, stream);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (reason == Reason.None) {
            vm.assertEq(logs.length, 1, "not rejected");
        } else {
            vm.assertEq(logs.length, 2, "rejected");
            _assertRejected(logs[0], 1, reason);
        }
    }

    function _assertRejected(Vm.Log memory log, uint16 index, Reason reason) private pure {
        vm.assertEq(log.topics[0], IReconciliation.LegRejected.selector, "a rejection");
        (, uint16 at, uint8 why) = abi.decode(log.data, (uint64, uint16, uint8));
        vm.assertEq(at, index, "the leg rejected");
        vm.assertEq(why, uint8(reason), "the reason");
    }

    function _assertJudged(Vm.Log memory log, uint16 index, uint8 partner, Status status) private pure {
        vm.assertEq(log.topics[0], IReconciliation.PairJudged.selector, "a judgement");
        (, uint16 at, uint8 of_, uint8 as_, uint16 rules) = abi.decode(log.data, (uint64, uint16, uint8, uint8, uint16));
        vm.assertEq(at, index, "the leg judged");
        vm.assertEq(of_, partner, "the partner");
        vm.assertEq(as_, uint8(status), "the status");
        vm.assertEq(rules, 1, "the rules");
    }

    function _assertStatus(uint8 partner, uint8 kind, uint160 ref, Status status) private view {
        vm.assertEq(uint256(_pair(partner, kind, ref).status), uint256(status), "the status");
    }

    function _assertBooks(uint8 partner, int256 lead, int256 partnerSide, int256 agreed) private view {
        (int72 leadBook, int72 partnerBook, int72 agreed_,,,,,) = ledger.account(facility, partner);
        vm.assertEq(leadBook, lead, "leadBook");
        vm.assertEq(partnerBook, partnerSide, "partnerBook");
        vm.assertEq(agreed_, agreed, "agreed");
    }

    function _assertOpen(uint8 partner, int256 lead, int256 partnerSide, int256 accepted, uint256 legs) private view {
        (,,, int72 openLead, int72 openPartner, int72 difference, uint40 openLegs,) = ledger.account(facility, partner);
        vm.assertEq(openLead, lead, "openLead");
        vm.assertEq(openPartner, partnerSide, "openPartner");
        vm.assertEq(difference, accepted, "acceptedDifference");
        vm.assertEq(openLegs, legs, "openLegs");
    }

    function _assertDay(uint8 partner, uint24 day, uint8 kind, int256 lead, int256 partnerSide, int256 agreed)
        private
        view
    {
        (int80 lead_, int80 partner_, int80 agreed_) = ledger.dayTotal(facility, partner, day, kind);
        vm.assertEq(lead_, lead, "the lead's movements");
        vm.assertEq(partner_, partnerSide, "the partner's movements");
        vm.assertEq(agreed_, agreed, "the agreed movements");
    }

    function _expectMalformed(uint256 index) private {
        vm.expectRevert(abi.encodeWithSelector(IReconciliation.PostingMalformed.selector, index));
    }

    function _expectWrongSequence(uint64 expected, uint64 given) private {
        vm.expectRevert(
            abi.encodeWithSelector(IReconciliation.PostingWrongSequence.selector, facility, LEAD, expected, given)
        );
    }
}
