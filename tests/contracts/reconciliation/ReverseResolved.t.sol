// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReconciliation} from "interfaces/IReconciliation.sol";
import {IResolutions} from "interfaces/IResolutions.sol";
import {Pair, Reason, Status} from "types/LegTypes.sol";
import {Resolution} from "types/ResolutionTypes.sol";
import {BreaksFixture} from "../support/BreaksFixture.sol";
import {Stream} from "../support/Stream.sol";
import {Vm, vm} from "../support/Vm.sol";

/// @title A reversal of a resolved leg undoes its corrections with it
/// @dev Before: leadBook 1,100, partnerBook 1,210, agreed 500, open 600 and 710 in six legs.
contract ReverseResolvedTest is BreaksFixture {
    function setUp() external {
        makeBreaks();
    }

    function test_what_was_voided_cannot_be_reversed() external {
        resolve(resolution(AMOUNT, VOID));
        _assertReason(LEAD, _reversal(100, AMOUNT), Reason.TargetVoided);
        _assertReason(ANNA, _reversal(110, AMOUNT), Reason.TargetVoided);
        resolve(resolution(LEAD_ALONE, VOID));
        _assertReason(LEAD, _reversal(300, LEAD_ALONE), Reason.TargetVoided);
        // the partner never had a half
        _assertReason(ANNA, _reversal(300, LEAD_ALONE), Reason.TargetMissing);
        assertBooks(700, 1100, 500);
    }

    function test_the_amount_compared_is_the_one_posted() external {
        resolve(resolution(AMOUNT, ADJUST));
        _assertReason(LEAD, _reversal(110, AMOUNT), Reason.TargetAmount);
        _assertReason(LEAD, _reversal(100, AMOUNT), Reason.None);
    }

    function test_of_an_adjusted_half_the_net_amount_is_taken_back() external {
        resolve(resolution(AMOUNT, ADJUST));
        post(facility, LEAD, _reversal(100, AMOUNT));
        vm.assertEq(reconciliation.reversalPair(facility, 1, 9, TOP_UP, AMOUNT).leadAmount, 110, "the net amount");
        assertBooks(1000, 1210, 610);
        post(facility, ANNA, _reversal(110, AMOUNT));
        Pair memory pair = reconciliation.reversalPair(facility, 1, 9, TOP_UP, AMOUNT);
        vm.assertTrue(pair.status == Status.Matched, "and matches");
        assertBooks(1000, 1100, 500);
        assertOpen(500, 600, 0, 4);
        _assertReason(LEAD, _reversal(100, AMOUNT), Reason.Duplicate);
    }

    function test_of_an_adjusted_partners_half_likewise() external {
        resolve(resolution(TOP_UP, AMOUNT, ADJUST, AT_PARTNER));
        post(facility, ANNA, _reversal(110, AMOUNT));
        post(facility, LEAD, _reversal(100, AMOUNT));
        Pair memory pair = reconciliation.reversalPair(facility, 1, 9, TOP_UP, AMOUNT);
        vm.assertTrue(pair.status == Status.Matched && pair.partnerAmount == 100, "the net amount, and matches");
        assertBooks(1000, 1100, 500);
    }

    function test_of_a_forced_pair_each_half_is_taken_back_as_posted() external {
        resolve(resolution(AMOUNT, FORCE));
        post(facility, ANNA, _reversal(110, AMOUNT));
        post(facility, LEAD, _reversal(100, AMOUNT));
        assertBooks(1000, 1100, 600);
        // the difference is accepted once, and the reversals' is a break of its own
        assertOpen(500 - 100, 600 - 110, 10, 6);
        resolve(_ofReversal(AMOUNT, FORCE));
        assertBooks(1000, 1100, 500);
        assertOpen(500, 600, 0, 4);
    }

    function test_a_half_made_by_a_write_off_can_be_reversed_by_its_bank() external {
        resolve(resolution(LEAD_ALONE, WRITE_OFF));
        post(facility, LEAD, _reversal(300, LEAD_ALONE));
        post(facility, ANNA, _reversal(300, LEAD_ALONE));
        assertBooks(800, 1210, 500);
        assertOpen(300, 710, 0, 5);
    }

    function test_a_shared_reversal_is_rejected_if_all_was_voided() external {
        // one cent's worth for the first partner alone
        post(facility, LEAD, today().leg(PRINCIPAL, 0, TODAY, 3, 7));
        resolve(resolution(PRINCIPAL, 7, VOID, 0));
        _assertReason(LEAD, today().leg(REVERSAL, 0, TODAY, 3, 9).target(PRINCIPAL, 7), Reason.TargetVoided);
    }

    function test_a_reversal_that_was_voided_has_reversed_nothing() external {
        post(facility, LEAD, _reversal(500, EQUAL));
        resolve(_ofReversal(EQUAL, VOID));
        vm.assertFalse(reconciliation.pair(facility, 1, TOP_UP, EQUAL).leadReversed, "not reversed");
        assertBooks(1100, 1210, 500);
        _assertReason(LEAD, today().leg(REVERSAL, 1, TODAY, 500, 10).target(TOP_UP, EQUAL), Reason.None);
        assertBooks(600, 1210, 500);
    }

    function test_a_reversal_that_was_written_off_has_reversed_both_sides() external {
        post(facility, LEAD, _reversal(500, EQUAL));
        resolve(_ofReversal(EQUAL, WRITE_OFF));
        assertBooks(600, 710, 0);
        vm.assertTrue(reconciliation.pair(facility, 1, TOP_UP, EQUAL).partnerReversed, "reversed at the partner too");
        _assertReason(ANNA, _reversal(500, EQUAL), Reason.Resolved);
        _assertReason(ANNA, today().leg(REVERSAL, 1, TODAY, 500, 10).target(TOP_UP, EQUAL), Reason.TargetReversed);
    }

    // ---- a reversal's resolution names its target too

    function test_LEDGER_4_a_write_off_reverses_no_half_that_another_reversal_reversed() external {
        post(facility, LEAD, _reversal(500, EQUAL));
        post(facility, ANNA, today().leg(REVERSAL, 1, TODAY, 500, 10).target(TOP_UP, EQUAL));
        Resolution memory made = _ofReversal(EQUAL, WRITE_OFF);
        vm.expectRevert(
            abi.encodeWithSelector(IResolutions.ResolutionHalfReversed.selector, reconciliation.pairKey(made))
        );
        propose(LEAD, made);
        resolve(_ofReversal(EQUAL, VOID));
        assertBooks(1100, 710, 500);
    }

    function test_a_resolution_fails_once_the_target_has_changed() external {
        post(facility, LEAD, _reversal(500, EQUAL));
        Resolution memory made = _ofReversal(EQUAL, WRITE_OFF);
        propose(LEAD, made);
        post(facility, ANNA, today().leg(REVERSAL, 1, TODAY, 500, 10).target(TOP_UP, EQUAL));
        uint256 key = reconciliation.pairKey(made);
        bytes32 state = stateOf(made);
        vm.assertTrue(state != made.state, "the target is marked");
        vm.expectRevert(abi.encodeWithSelector(IResolutions.ResolutionStateChanged.selector, key, made.state, state));
        accept(ANNA, made);
    }

    function test_a_void_takes_back_its_own_mark_alone() external {
        post(facility, LEAD, _reversal(500, EQUAL));
        post(facility, ANNA, today().leg(REVERSAL, 1, TODAY, 500, 10).target(TOP_UP, EQUAL));
        resolve(_ofReversal(EQUAL, VOID));
        Pair memory target = reconciliation.pair(facility, 1, TOP_UP, EQUAL);
        vm.assertTrue(!target.leadReversed && target.partnerReversed, "the partner's reversal stands");
        _assertReason(ANNA, today().leg(REVERSAL, 1, TODAY, 500, 11).target(TOP_UP, EQUAL), Reason.TargetReversed);
    }

    function _ofReversal(uint160 target, uint8 action) private view returns (Resolution memory made) {
        made = resolution(REVERSAL, 9, action, 0);
        (made.targetKind, made.targetRef) = (TOP_UP, target);
        made.state = stateOf(made);
    }

    function _reversal(uint256 amount, uint160 target) private pure returns (Stream memory) {
        return today().leg(REVERSAL, 1, TODAY, amount, 9).target(TOP_UP, target);
    }

    function _assertReason(uint16 member, Stream memory stream, Reason reason) private {
        vm.recordLogs();
        post(facility, member, stream);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (reason == Reason.None) {
            vm.assertEq(logs[0].topics[0], IReconciliation.Posted.selector, "not rejected");
            return;
        }
        vm.assertEq(logs[0].topics[0], IReconciliation.LegRejected.selector, "a rejection");
        (,, uint8 why) = abi.decode(logs[0].data, (uint64, uint16, uint8));
        vm.assertEq(why, uint8(reason), "the reason");
    }
}
