// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReconciliation} from "interfaces/IReconciliation.sol";
import {Reason} from "types/LegTypes.sol";
import {Resolution} from "types/ResolutionTypes.sol";
import {BreaksFixture} from "../support/BreaksFixture.sol";
import {Stream} from "../support/Stream.sol";
import {Vm, vm} from "../support/Vm.sol";

/// @title What was done to one partner's pair keeps the lead's event from no other partner
contract SkipPartsTest is BreaksFixture {
    uint160 private constant EVENT = 7;

    function setUp() external {
        makeBreaks();
    }

    // ---- events

    function test_a_part_whose_pair_was_resolved_is_skipped_and_the_rest_booked() external {
        post(facility, ANNA, today().leg(PRINCIPAL, 1, TODAY, 4533, EVENT));
        resolve(resolution(PRINCIPAL, EVENT, WRITE_OFF, 0));
        Vm.Log[] memory logs = _post(_event(10_000));
        _assertSkipped(logs[0], 1, Reason.Resolved);
        vm.assertEq(logs[1].topics[0], IReconciliation.Posted.selector, "one part is skipped, the leg is not rejected");
        _assertLeads(PRINCIPAL, 4533, 2467, 999);
        vm.assertEq(_openLegs(2) + _openLegs(3), 2, "the others' are booked");
    }

    function test_a_duplicate_rejects_the_whole_leg_though_another_part_was_resolved() external {
        post(facility, LEAD, _event(10_000));
        resolve(resolution(PRINCIPAL, EVENT, VOID, 0));
        _assertRejected(_post(_event(10_000)), Reason.Duplicate);
    }

    function test_a_leg_of_which_nothing_is_left_is_rejected() external {
        post(facility, ANNA, today().leg(PRINCIPAL, 1, TODAY, 1, EVENT));
        resolve(resolution(PRINCIPAL, EVENT, VOID, 0));
        // of 3 only the first partner has a part
        _assertRejected(_post(_event(3)), Reason.Resolved);
    }

    function test_a_resolved_pair_without_a_part_is_not_skipped_but_no_part() external {
        post(facility, LEAD, today().leg(PRINCIPAL, 0, TODAY, 10_000, EVENT + 1));
        Resolution memory made = resolution(PRINCIPAL, EVENT, VOID, 0);
        made.partner = 3;
        post(facility, 4, today().leg(PRINCIPAL, 3, TODAY, 1, EVENT));
        made.state = stateOf(made);
        propose(LEAD, made);
        accept(4, made);
        // of 3 the third partner has no part
        Vm.Log[] memory logs = _post(_event(3));
        vm.assertEq(logs[0].topics[0], IReconciliation.Posted.selector, "nothing is skipped");
    }

    // ---- reversals

    function test_a_part_that_was_voided_is_skipped_in_a_reversal() external {
        post(facility, LEAD, _event(10_000));
        resolve(resolution(PRINCIPAL, EVENT, VOID, 0));
        Vm.Log[] memory logs = _post(_reversal(9));
        _assertSkipped(logs[0], 1, Reason.TargetVoided);
        vm.assertEq(logs[1].topics[0], IReconciliation.Posted.selector, "the leg is not rejected");
        _assertReversed(9, 0, 2467, 999);
    }

    function test_a_part_that_was_reversed_is_skipped_in_another_reversal() external {
        post(facility, LEAD, _event(10_000));
        post(facility, LEAD, _reversal(9));
        resolve(_ofReversal(9, VOID));
        Vm.Log[] memory logs = _post(_reversal(10));
        _assertSkipped(logs[0], 2, Reason.TargetReversed);
        _assertSkipped(logs[1], 3, Reason.TargetReversed);
        vm.assertEq(logs[2].topics[0], IReconciliation.Posted.selector, "the leg is not rejected");
        _assertReversed(10, 4533, 0, 0);
    }

    /// @dev The partner reverses first, and the absent half is written off: the lead's half is reversed by both banks' word.
    function test_what_a_partner_resolved_keeps_the_leads_reversal_from_no_other() external {
        post(facility, LEAD, _event(10_000));
        post(facility, ANNA, today().leg(PRINCIPAL, 1, TODAY, 4533, EVENT));
        post(facility, ANNA, today().leg(REVERSAL, 1, TODAY, 4533, 9).target(PRINCIPAL, EVENT));
        resolve(_ofReversal(9, WRITE_OFF));
        Vm.Log[] memory logs = _post(_reversal(9));
        _assertSkipped(logs[0], 1, Reason.Resolved);
        vm.assertEq(logs[1].topics[0], IReconciliation.Posted.selector, "the leg is not rejected");
        _assertReversed(9, 4533, 2467, 999);
        _assertRejected(_post(_reversal(9)), Reason.Duplicate);
        _assertRejected(_post(_reversal(10)), Reason.TargetReversed);
    }

    function _event(uint256 amount) private pure returns (Stream memory) {
        return today().leg(PRINCIPAL, 0, TODAY, amount, EVENT);
    }

    function _reversal(uint160 ref) private pure returns (Stream memory) {
        return today().leg(REVERSAL, 0, TODAY, 10_000, ref).target(PRINCIPAL, EVENT);
    }

    function _ofReversal(uint160 ref, uint8 action) private view returns (Resolution memory made) {
        made = resolution(REVERSAL, ref, action, 0);
        (made.targetKind, made.targetRef) = (PRINCIPAL, EVENT);
        made.state = stateOf(made);
    }

    /// @dev What the lead's posting tells.
    function _post(Stream memory stream) private returns (Vm.Log[] memory) {
        vm.recordLogs();
        post(facility, LEAD, stream);
        return vm.getRecordedLogs();
    }

    function _openLegs(uint8 partner) private view returns (uint256 legs) {
        (,,,,,, legs,) = ledger.account(facility, partner);
    }

    function _assertLeads(uint8 kind, uint256 a, uint256 b, uint256 c) private view {
        uint256[3] memory parts = [a, b, c];
        for (uint8 partner = 1; partner <= 3; ++partner) {
            vm.assertEq(reconciliation.pair(facility, partner, kind, EVENT).leadAmount, parts[partner - 1], "a part");
        }
    }

    function _assertReversed(uint160 ref, uint256 a, uint256 b, uint256 c) private view {
        uint256[3] memory parts = [a, b, c];
        for (uint8 partner = 1; partner <= 3; ++partner) {
            vm.assertEq(
                reconciliation.reversalPair(facility, partner, ref, PRINCIPAL, EVENT).leadAmount,
                parts[partner - 1],
                "a part reversed"
            );
        }
    }

    function _assertSkipped(Vm.Log memory log, uint8 partner, Reason reason) private pure {
        vm.assertEq(log.topics[0], IReconciliation.PartSkipped.selector, "a skipped part");
        (, uint16 index, uint8 who, uint8 why) = abi.decode(log.data, (uint64, uint16, uint8, uint8));
        vm.assertTrue(index == 1 && who == partner, "whose");
        vm.assertEq(why, uint8(reason), "the reason");
    }

    function _assertRejected(Vm.Log[] memory logs, Reason reason) private pure {
        vm.assertEq(logs[0].topics[0], IReconciliation.LegRejected.selector, "a rejection");
        (,, uint8 why) = abi.decode(logs[0].data, (uint64, uint16, uint8));
        vm.assertEq(why, uint8(reason), "the reason");
        vm.assertEq(logs[1].topics[0], IReconciliation.Posted.selector, "and nothing else");
    }
}
