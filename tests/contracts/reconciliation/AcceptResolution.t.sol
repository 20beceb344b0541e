// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReconciliation} from "interfaces/IReconciliation.sol";
import {IReserveLedger} from "interfaces/IReserveLedger.sol";
import {IResolutions} from "interfaces/IResolutions.sol";
import {Pair, Reason, Status} from "types/LegTypes.sol";
import {Action, Resolution} from "types/ResolutionTypes.sol";
import {BreaksFixture} from "../support/BreaksFixture.sol";
import {Stream} from "../support/Stream.sol";
import {Vm, vm} from "../support/Vm.sol";

/// @title acceptResolution: who may, of what; then what each action does to the books, and to halves that come later
/// @dev Before: leadBook 1,100, partnerBook 1,210, agreed 500, open 600 and 710 in six legs.
contract AcceptResolutionTest is BreaksFixture {
    function setUp() external {
        makeBreaks();
    }

    function test_reverts_where_nothing_waits() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        _refuse(
            ANNA,
            made,
            abi.encodeWithSelector(IResolutions.ResolutionNotProposed.selector, reconciliation.pairKey(made))
        );
    }

    function test_reverts_on_another_resolution() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        propose(LEAD, made);
        Resolution memory other = resolution(AMOUNT, FORCE);
        other.businessDay = TODAY;
        _refuse(
            ANNA,
            other,
            abi.encodeWithSelector(
                IResolutions.ResolutionOther.selector,
                reconciliation.pairKey(made),
                keccak256(abi.encode(made)),
                keccak256(abi.encode(other))
            )
        );
    }

    function test_GOV_1_reverts_for_the_proposer() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        uint256 key = reconciliation.pairKey(made);
        propose(LEAD, made);
        _refuse(LEAD, made, abi.encodeWithSelector(IResolutions.ResolutionOwn.selector, key, LEAD));
        vm.prank(approverOf(LEAD));
        reconciliation.withdrawResolution(made);
        propose(ANNA, made);
        _refuse(ANNA, made, abi.encodeWithSelector(IResolutions.ResolutionOwn.selector, key, ANNA));
    }

    function test_GOV_1_reverts_for_another_partner() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        propose(LEAD, made);
        _refuse(BERT, made, abi.encodeWithSelector(IResolutions.ResolutionNotAParty.selector, facility, 1, BERT));
    }

    function test_reverts_once_the_pair_has_changed() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        bytes32 named = made.state;
        propose(LEAD, made);
        post(facility, LEAD, today().leg(REVERSAL, 1, TODAY, 100, 9).target(TOP_UP, AMOUNT));
        _refuse(
            ANNA,
            made,
            abi.encodeWithSelector(
                IResolutions.ResolutionStateChanged.selector, reconciliation.pairKey(made), named, stateOf(made)
            )
        );
    }

    function test_reverts_a_second_time() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        resolve(made);
        _refuse(
            ANNA,
            made,
            abi.encodeWithSelector(IResolutions.ResolutionNotProposed.selector, reconciliation.pairKey(made))
        );
    }

    // ---- what each action does

    function test_force_agrees_on_the_leads_amount_and_moves_no_book() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        propose(ANNA, made);
        vm.expectEmit(address(reconciliation));
        emit IResolutions.ResolutionAccepted(facility, 1, reconciliation.pairKey(made), LEAD, FORCE, 0, 0, 100, 10);
        accept(LEAD, made);

        assertBooks(1100, 1210, 600);
        assertOpen(500, 600, 10, 4);
        assertDay(TODAY, TOP_UP, 1100, 0, 600);
        assertDay(TODAY + 1, CORRECTION, 0, 0, 0);
        _assertResolved(AMOUNT, Status.Amount, Action.Force, false);
        vm.assertEq(
            reconciliation.resolutionOf(reconciliation.pairKey(made)).resolutionHash, bytes32(0), "nothing waits"
        );
    }

    function test_write_off_of_a_pair_is_a_force() external {
        resolve(resolution(DATE, WRITE_OFF));
        assertBooks(1100, 1210, 700);
        assertOpen(400, 510, 0, 4);
        _assertResolved(DATE, Status.Date, Action.WriteOff, false);
    }

    function test_adjust_corrects_the_leads_book() external {
        Resolution memory made = resolution(AMOUNT, ADJUST);
        propose(LEAD, made);
        vm.expectEmit(address(reconciliation));
        emit IResolutions.ResolutionAccepted(facility, 1, reconciliation.pairKey(made), ANNA, ADJUST, 10, 0, 110, 0);
        accept(ANNA, made);

        assertBooks(1110, 1210, 610);
        assertOpen(500, 600, 0, 4);
        assertDay(TODAY, TOP_UP, 1100, 0, 610);
        assertDay(TODAY + 1, CORRECTION, 10, 0, 0);
        _assertResolved(AMOUNT, Status.Amount, Action.Adjust, false);
        vm.assertEq(reconciliation.pair(facility, 1, TOP_UP, AMOUNT).leadAmount, 100, "the half stays as posted");
    }

    function test_what_falls_on_a_day_closed_meanwhile_moves_to_the_next_open_one_and_says_so() external {
        Resolution memory made = resolution(AMOUNT, ADJUST);
        made.businessDay = TODAY - 1;
        propose(LEAD, made);
        vm.prank(address(dayClose));
        ledger.closeThrough(facility, 1, TODAY);
        vm.expectEmit(address(ledger));
        emit IReserveLedger.MovementPriorDay(facility, 1, CORRECTION, TODAY - 1, TODAY + 1, true, 10, 0);
        vm.expectEmit(address(ledger));
        emit IReserveLedger.MovementPriorDay(facility, 1, TOP_UP, TODAY, TODAY + 1, true, 0, 110);
        accept(ANNA, made);

        assertBooks(1110, 1210, 610);
        assertDay(TODAY - 1, CORRECTION, 0, 0, 0);
        assertDay(TODAY, TOP_UP, 1100, 0, 500);
        assertDay(TODAY + 1, CORRECTION, 10, 0, 0);
        assertDay(TODAY + 1, TOP_UP, 0, 0, 110);
    }

    function test_adjust_corrects_the_partners_book() external {
        resolve(resolution(TOP_UP, AMOUNT, ADJUST, AT_PARTNER));
        assertBooks(1100, 1200, 600);
        assertOpen(500, 600, 0, 4);
        assertDay(TODAY, TOP_UP, 1100, 0, 600);
        assertDay(TODAY + 1, CORRECTION, 0, -10, 0);
        _assertResolved(AMOUNT, Status.Amount, Action.Adjust, true);
    }

    function test_void_takes_both_halves_back() external {
        Resolution memory made = resolution(AMOUNT, VOID);
        propose(LEAD, made);
        vm.expectEmit(address(reconciliation));
        emit IResolutions.ResolutionAccepted(facility, 1, reconciliation.pairKey(made), ANNA, VOID, -100, -110, 0, 0);
        accept(ANNA, made);

        assertBooks(1000, 1100, 500);
        assertOpen(500, 600, 0, 4);
        assertDay(TODAY + 1, CORRECTION, -100, -110, 0);
        _assertResolved(AMOUNT, Status.Amount, Action.Void, false);
    }

    function test_void_takes_one_half_back() external {
        resolve(resolution(LEAD_ALONE, VOID));
        assertBooks(800, 1210, 500);
        assertOpen(300, 710, 0, 5);
        resolve(resolution(PARTNER_ALONE, VOID));
        assertBooks(800, 810, 500);
        assertOpen(300, 310, 0, 4);
        assertDay(TODAY + 1, CORRECTION, -300, -400, 0);
        _assertResolved(LEAD_ALONE, Status.Open, Action.Void, false);
        _assertResolved(PARTNER_ALONE, Status.Open, Action.Void, false);
    }

    function test_write_off_posts_the_partners_absent_half() external {
        Resolution memory made = resolution(LEAD_ALONE, WRITE_OFF);
        propose(LEAD, made);
        vm.expectEmit(address(reconciliation));
        emit IResolutions.ResolutionAccepted(facility, 1, reconciliation.pairKey(made), ANNA, WRITE_OFF, 0, 300, 300, 0);
        accept(ANNA, made);

        assertBooks(1100, 1510, 800);
        assertOpen(300, 710, 0, 5);
        assertDay(TODAY + 1, TOP_UP, 0, 300, 0);
        assertDay(TODAY, TOP_UP, 1100, 0, 800);
        Pair memory pair = _assertResolved(LEAD_ALONE, Status.Open, Action.WriteOff, true);
        vm.assertTrue(pair.partnerAmount == 300 && pair.partnerValueDay == TODAY, "the half that was made");
    }

    function test_write_off_posts_the_leads_absent_half_on_its_own_day() external {
        resolve(resolution(PARTNER_ALONE, WRITE_OFF));
        assertBooks(1500, 1210, 900);
        assertOpen(600, 310, 0, 5);
        assertDay(TODAY + 1, TOP_UP, 400, 0, 400);
        Pair memory pair = _assertResolved(PARTNER_ALONE, Status.Open, Action.WriteOff, false);
        vm.assertTrue(pair.leadAmount == 400 && pair.leadValueDay == TODAY, "the half that was made");
        vm.assertEq(pair.leadBusinessDay, TODAY + 1, "the resolution's business day");
        vm.assertEq(pair.rulesVersion, 1, "the rules stay");
    }

    function test_outgoing_kinds_move_the_other_way() external {
        post(facility, LEAD, today().leg(DRAWDOWN, 0, TODAY, 10_000, 7));
        post(facility, ANNA, today().leg(DRAWDOWN, 1, TODAY, 4500, 7));
        resolve(resolution(DRAWDOWN, 7, ADJUST, AT_LEAD));
        assertBooks(1100 - 4500, 1210 - 4500, 500 - 4500);
        assertDay(TODAY + 1, CORRECTION, 33, 0, 0);
        assertOpen(600, 710, 0, 6);
    }

    function test_a_reversals_pair_is_resolved_like_any_other() external {
        post(facility, LEAD, today().leg(REVERSAL, 1, TODAY, 100, 9).target(TOP_UP, AMOUNT));
        post(facility, ANNA, today().leg(REVERSAL, 1, TODAY, 110, 9).target(TOP_UP, AMOUNT));
        Resolution memory made = resolution(REVERSAL, 9, ADJUST, AT_PARTNER);
        (made.targetKind, made.targetRef) = (TOP_UP, AMOUNT);
        made.state = stateOf(made);
        resolve(made);
        assertBooks(1000, 1110, 400);
        assertDay(TODAY + 1, CORRECTION, 0, 10, 0);
        Pair memory pair = reconciliation.reversalPair(facility, 1, 9, TOP_UP, AMOUNT);
        vm.assertTrue(pair.action == Action.Adjust && pair.resolvedAtPartner, "resolved");
        // its target is a break of its own
        resolve(resolution(AMOUNT, FORCE));
        assertBooks(1000, 1110, 500);
        assertOpen(500, 600, 10, 4);
    }

    // ---- a half that comes later

    function test_a_half_that_comes_after_is_rejected_with_that_reason() external {
        resolve(resolution(LEAD_ALONE, VOID));
        resolve(resolution(PARTNER_ALONE, WRITE_OFF));
        _assertReason(ANNA, today().leg(TOP_UP, 1, TODAY, 300, LEAD_ALONE), Reason.Resolved);
        _assertReason(LEAD, today().leg(TOP_UP, 1, TODAY, 300, LEAD_ALONE), Reason.Duplicate);
        _assertReason(LEAD, today().leg(TOP_UP, 1, TODAY, 400, PARTNER_ALONE), Reason.Resolved);
        _assertReason(ANNA, today().leg(TOP_UP, 1, TODAY, 400, PARTNER_ALONE), Reason.Duplicate);
        assertBooks(1200, 1210, 900);
    }

    function test_both_halves_of_a_resolved_pair_are_duplicates() external {
        resolve(resolution(AMOUNT, WRITE_OFF));
        _assertReason(LEAD, today().leg(TOP_UP, 1, TODAY, 100, AMOUNT), Reason.Duplicate);
        _assertReason(ANNA, today().leg(TOP_UP, 1, TODAY, 110, AMOUNT), Reason.Duplicate);
    }

    function test_a_reversals_half_that_comes_after_is_rejected_too() external {
        post(facility, LEAD, today().leg(REVERSAL, 1, TODAY, 500, 9).target(TOP_UP, EQUAL));
        Resolution memory made = resolution(REVERSAL, 9, VOID, 0);
        (made.targetKind, made.targetRef) = (TOP_UP, EQUAL);
        made.state = stateOf(made);
        resolve(made);
        assertBooks(1100, 1210, 500);
        _assertReason(ANNA, today().leg(REVERSAL, 1, TODAY, 500, 9).target(TOP_UP, EQUAL), Reason.Resolved);
    }

    // ---- open legs by name

    function test_open_legs_are_counted_at_keys() external {
        uint256[] memory keys = new uint256[](5);
        uint160[5] memory refs = [AMOUNT, DATE, LEAD_ALONE, PARTNER_ALONE, EQUAL];
        for (uint256 i; i < 5; ++i) {
            keys[i] = reconciliation.pairKey(resolution(refs[i], FORCE));
        }
        vm.assertEq(reconciliation.openLegsAt(facility, 1, keys), 6, "two, two, one, one, none");
        resolve(resolution(AMOUNT, FORCE));
        resolve(resolution(LEAD_ALONE, VOID));
        vm.assertEq(reconciliation.openLegsAt(facility, 1, keys), 3, "resolved ones are not open");

        keys[4] = keys[3];
        vm.expectRevert(abi.encodeWithSelector(IResolutions.PairsNotAscending.selector, 4));
        reconciliation.openLegsAt(facility, 1, keys);
        vm.expectRevert(abi.encodeWithSelector(IResolutions.PairOfOtherAccount.selector, 0, keys[0]));
        reconciliation.openLegsAt(facility, 2, keys);
    }

    function test_open_legs_of_a_reversal_belong_to_its_account() external {
        post(facility, LEAD, today().leg(REVERSAL, 1, TODAY, 500, 9).target(TOP_UP, EQUAL));
        Resolution memory made = resolution(REVERSAL, 9, VOID, 0);
        (made.targetKind, made.targetRef) = (TOP_UP, EQUAL);
        uint256[] memory keys = new uint256[](1);
        keys[0] = reconciliation.pairKey(made);
        vm.assertEq(reconciliation.openLegsAt(facility, 1, keys), 1, "the lead's");
        vm.expectRevert(abi.encodeWithSelector(IResolutions.PairOfOtherAccount.selector, 0, keys[0]));
        reconciliation.openLegsAt(facility, 2, keys);
    }

    function _assertResolved(uint160 ref, Status status, Action action, bool atPartner)
        private
        view
        returns (Pair memory pair)
    {
        pair = reconciliation.pair(facility, 1, TOP_UP, ref);
        vm.assertEq(uint256(pair.status), uint256(status), "the status with which it broke");
        vm.assertEq(uint256(pair.action), uint256(action), "the action");
        vm.assertTrue(pair.resolvedAtPartner == atPartner, "the side");
    }

    function _assertReason(uint16 member, Stream memory stream, Reason reason) private {
        vm.recordLogs();
        post(facility, member, stream);
        Vm.Log memory log = vm.getRecordedLogs()[0];
        vm.assertEq(log.topics[0], IReconciliation.LegRejected.selector, "a rejection");
        (,, uint8 why) = abi.decode(log.data, (uint64, uint16, uint8));
        vm.assertEq(why, uint8(reason), "the reason");
    }

    function _refuse(uint16 member, Resolution memory made, bytes memory error) private {
        vm.expectRevert(error);
        accept(member, made);
    }
}
