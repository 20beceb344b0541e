// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReconciliation} from "interfaces/IReconciliation.sol";
import {Rules} from "types/FacilityTypes.sol";
import {Reason} from "types/LegTypes.sol";
import {OpenLegsFixture} from "../support/OpenLegsFixture.sol";
import {Stream} from "../support/Stream.sol";
import {Vm, vm} from "../support/Vm.sol";

/// @title A side's open legs have a bound, at which its first halves are rejected and nothing else is
contract OpenLegsBoundTest is OpenLegsFixture {
    uint8 private constant DRAWDOWN = 1;
    uint8 private constant PRINCIPAL = 2;
    uint8 private constant TOP_UP = 6;
    uint8 private constant REVERSAL = 12;
    uint16 private constant ANNA = 2;

    function setUp() external {
        found(3);
        facility = activate("F", three(4533, 2467, 999), Rules(0, 0, 0, 1 days, 86_399));
    }

    function test_a_first_half_beyond_the_bound_is_rejected_and_the_rest_booked() external {
        post(facility, LEAD, _today().leg(TOP_UP, 1, TODAY, 70, 1));
        _fill(1, MAX_OPEN_LEGS - 3);
        post(facility, ANNA, _today().leg(TOP_UP, 1, TODAY, 10, 2));
        Stream memory stream = _today().leg(TOP_UP, 1, TODAY, 10, 3).leg(TOP_UP, 1, TODAY, 10, 4);
        // the last two are a first half too many, and a second half
        Vm.Log[] memory logs = _post(ANNA, stream.leg(TOP_UP, 1, TODAY, 10, 5).leg(TOP_UP, 1, TODAY, 70, 1));
        _assertRejected(logs[0], 3, Reason.TooManyOpenLegs);
        vm.assertEq(logs[1].topics[0], IReconciliation.Posted.selector, "nothing else is rejected");
        vm.assertEq(ledger.openLegsOf(facility, 1, false), MAX_OPEN_LEGS, "the partner's open legs");
    }

    function test_the_bound_is_counted_from_far_enough_below_it() external {
        _fill(1, MAX_OPEN_LEGS - 501);
        post(facility, ANNA, _tops(1, 100));
        post(facility, ANNA, _tops(499, 1_000));
        post(facility, ANNA, _today().leg(TOP_UP, 1, TODAY, 10, 5_000));
        Vm.Log[] memory logs = _post(ANNA, _today().leg(TOP_UP, 1, TODAY, 10, 5_001));
        _assertRejected(logs[0], 1, Reason.TooManyOpenLegs);
        vm.assertEq(ledger.openLegsOf(facility, 1, false), MAX_OPEN_LEGS, "the partner's open legs");
    }

    function test_it_is_counted_still_after_a_batch_for_another_account() external {
        _fill(1, MAX_OPEN_LEGS - 2);
        post(facility, LEAD, _today().leg(TOP_UP, 1, TODAY, 10, 1));
        post(facility, LEAD, _today().leg(TOP_UP, 2, TODAY, 10, 2));
        post(facility, LEAD, _today().leg(TOP_UP, 1, TODAY, 10, 3));
        Vm.Log[] memory logs = _post(LEAD, _today().leg(TOP_UP, 1, TODAY, 10, 4));
        _assertRejected(logs[0], 1, Reason.TooManyOpenLegs);
    }

    function test_a_leg_that_is_settled_makes_room_for_another() external {
        _reachTheBound(ANNA);
        post(facility, LEAD, _today().leg(TOP_UP, 1, TODAY, 10, 1));
        Vm.Log[] memory logs = _post(ANNA, _today().leg(TOP_UP, 1, TODAY, 10, 2));
        vm.assertEq(logs[0].topics[0], IReconciliation.Posted.selector, "it is taken");
    }

    function test_one_sides_bound_is_not_the_others() external {
        _reachTheBound(ANNA);
        Vm.Log[] memory logs = _post(LEAD, _today().leg(TOP_UP, 2, TODAY, 10, 2).leg(TOP_UP, 1, TODAY, 10, 2));
        vm.assertEq(logs[0].topics[0], IReconciliation.Posted.selector, "the lead's are taken");
    }

    function test_a_second_half_is_taken_though_it_opens_a_leg() external {
        post(facility, LEAD, _today().leg(TOP_UP, 1, TODAY, 70, 9));
        _reachTheBound(ANNA);
        Vm.Log[] memory logs = _post(ANNA, _today().leg(TOP_UP, 1, TODAY, 71, 9));
        vm.assertEq(logs[0].topics[0], IReconciliation.PairJudged.selector, "a break");
        vm.assertEq(ledger.openLegsOf(facility, 1, false), MAX_OPEN_LEGS + 1, "both halves of it are open");
    }

    function test_a_duplicate_is_told_as_one() external {
        _reachTheBound(ANNA);
        Vm.Log[] memory logs = _post(ANNA, _today().leg(TOP_UP, 1, TODAY, 10, 1));
        _assertRejected(logs[0], 1, Reason.Duplicate);
    }

    function test_a_reversal_is_a_leg_as_another() external {
        _reachTheBound(ANNA);
        Stream memory stream = _today().leg(REVERSAL, 1, TODAY, 10, 7).target(TOP_UP, 1);
        _assertRejected(_post(ANNA, stream)[0], 1, Reason.TooManyOpenLegs);
    }

    function test_a_part_of_a_shared_leg_is_skipped_and_the_rest_booked() external {
        _reachTheBound(LEAD);
        Vm.Log[] memory logs = _post(LEAD, _today().leg(PRINCIPAL, 0, TODAY, 10_000, 7));
        vm.assertEq(logs[0].topics[0], IReconciliation.PartSkipped.selector, "a part is skipped");
        (,, uint256 partner, uint256 reason) = abi.decode(logs[0].data, (uint256, uint256, uint256, uint256));
        vm.assertEq(partner, 1, "whose part");
        vm.assertEq(reason, uint256(Reason.TooManyOpenLegs), "why");
        vm.assertEq(logs[1].topics[0], IReconciliation.Posted.selector, "the rest is booked");
        vm.assertEq(ledger.openLegsOf(facility, 2, true), 1, "the second partner's part");
    }

    function test_a_shared_leg_of_which_nothing_is_left_is_rejected() external {
        _reachTheBound(LEAD);
        // of 3 only the first partner has a part
        Vm.Log[] memory logs = _post(LEAD, _today().leg(PRINCIPAL, 0, TODAY, 3, 7));
        _assertRejected(logs[0], 1, Reason.TooManyOpenLegs);
    }

    function test_a_shared_leg_of_a_single_partner_is_rejected() external {
        facility = activate("SINGLE", one(5_000), strictRules());
        _reachTheBound(LEAD);
        Vm.Log[] memory logs = _post(LEAD, _today().leg(PRINCIPAL, 0, TODAY, 10, 7));
        _assertRejected(logs[0], 1, Reason.TooManyOpenLegs);
    }

    /// @dev Before there was a bound: drawdowns first, then top-ups up to the end of the number. The lead's half settled a
    ///      drawdown, which took the sum beyond the end, and its batch reverted for ever.
    function test_the_leads_half_settles_whatever_the_partner_has_open() external {
        post(facility, ANNA, _today().leg(DRAWDOWN, 1, TODAY, LARGEST, 1));
        fill(1, MAX_OPEN_LEGS - 1, int72(int256((MAX_OPEN_LEGS - 1) * LARGEST)), 0);
        for (uint160 i; i < 3; ++i) {
            post(facility, ANNA, _today().leg(TOP_UP, 1, TODAY, LARGEST, 100 + i));
        }
        // the lead's whole event, of which the partner has its part
        Vm.Log[] memory logs = _post(LEAD, _today().leg(DRAWDOWN, 0, TODAY, LARGEST, 1));
        vm.assertEq(logs[logs.length - 1].topics[0], IReconciliation.Posted.selector, "it is booked");
    }

    /// @dev Fills partner 1's account, and has the side that posts open the last leg (reference 1).
    function _reachTheBound(uint16 member) private {
        _fill(1, MAX_OPEN_LEGS - 1);
        post(facility, member, _today().leg(TOP_UP, 1, TODAY, 10, 1));
    }

    function _fill(uint8 partner, uint256 legs) private {
        fill(partner, legs, 0, 0);
    }

    function _tops(uint256 count, uint256 from) private pure returns (Stream memory stream) {
        bytes32[] memory words = new bytes32[](count + 1);
        words[0] = _today().words[0];
        for (uint256 i; i < count; ++i) {
            Stream memory leg;
            words[i + 1] = leg.leg(TOP_UP, 1, TODAY, 10, from + i).words[0];
        }
        stream.words = words;
    }

    function _today() private pure returns (Stream memory stream) {
        return stream.group(TODAY);
    }

    function _post(uint16 member, Stream memory stream) private returns (Vm.Log[] memory) {
        vm.recordLogs();
        post(facility, member, stream);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 count;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter == address(reconciliation)) logs[count++] = logs[i];
        }
        assembly ("memory-safe") {
            mstore(logs, count)
        }
        return logs;
    }

    function _assertRejected(Vm.Log memory log, uint256 index, Reason reason) private pure {
        vm.assertEq(log.topics[0], IReconciliation.LegRejected.selector, "the leg is rejected");
        (, uint256 given, uint256 why) = abi.decode(log.data, (uint256, uint256, uint256));
        vm.assertEq(given, index, "which leg");
        vm.assertEq(why, uint256(reason), "why");
    }
}
