// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {KeyPurpose, MemberState, ProposalKind} from "types/ConsortiumTypes.sol";
import {vm} from "../support/Vm.sol";
import {VotingFixture} from "../support/VotingFixture.sol";

/// @title emergencyStop, emergencyLift: two banks together, for a while, and not again soon
/// @dev Members: 1 lead, 2 to 4 partners, 5 auditor, 6 regulator.
contract EmergencyStopTest is VotingFixture {
    uint16 private constant AUDITOR = 5;
    uint256 private constant LASTS = 72 hours;

    function setUp() external {
        found(3);
    }

    // who and whom

    function test_stop_reverts_for_who_is_no_other_active_bank() external {
        _refuseStop(
            operatorOf(2),
            4,
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotAKey.selector, operatorOf(2), KeyPurpose.Approver)
        );
        _refuseStop(
            approverOf(AUDITOR), 4, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotABank.selector, AUDITOR)
        );
        _refuseStop(approverOf(4), 4, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumOwnEmergency.selector, 4));
    }

    function test_stop_reverts_for_members_that_are_unknown_or_not_active() external {
        bytes memory unknown = abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownMember.selector, 9);
        _refuseStop(approverOf(LEAD), 9, unknown);
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(4)));
        _refuseStop(
            approverOf(LEAD),
            4,
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumMemberNotActive.selector, 4, MemberState.Suspended)
        );
    }

    function test_stop_reverts_for_the_same_bank_twice() external {
        _ask(LEAD, 4);
        _refuseStop(approverOf(LEAD), 4, _asked(4, LEAD));
        vm.warp(NOW + 24 hours - 1);
        _refuseStop(approverOf(LEAD), 4, _asked(4, LEAD));
    }

    // what it does

    function test_one_bank_alone_stops_nobody() external {
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.EmergencyRaised(4, LEAD, REASON);
        _ask(LEAD, 4);
        _expectActing(4);
    }

    function test_two_banks_stop_operator_and_approver_for_72_hours() external {
        _ask(LEAD, 4);
        vm.warp(NOW + 24 hours - 1);
        uint40 until = uint40(block.timestamp + LASTS);
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.EmergencyRaised(4, 2, REASON);
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.EmergencyStopped(4, until, 2);
        _ask(2, 4);
        vm.assertEq(consortium.member(4).stoppedUntil, until, "until");
        vm.assertTrue(consortium.isActiveBank(4), "an active bank all the same");
        vm.warp(until - 1);
        _expectStopped(4, until);
        vm.warp(until);
        _expectActing(4);
    }

    function test_a_stopped_bank_neither_proposes_nor_votes_nor_stops() external {
        uint32 proposal = propose(LEAD, ProposalKind.Suspend, abi.encode(uint16(2)));
        stop(4, LEAD, 2);
        bytes memory refusal =
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumMemberStopped.selector, 4, NOW + LASTS);
        refusePropose(4, ProposalKind.Suspend, abi.encode(uint16(2)), refusal);
        refuseVote(approverOf(4), proposal, refusal);
        _refuseStop(approverOf(4), 2, refusal);
    }

    function test_what_one_bank_asked_is_void_after_24_hours() external {
        _ask(LEAD, 4);
        vm.warp(NOW + 24 hours);
        _ask(2, 4);
        _expectActing(4);
        // the second has become the first
        _refuseStop(approverOf(2), 4, _asked(4, 2));
        stop(4, LEAD);
    }

    function test_what_a_bank_asked_that_is_no_active_one_since_is_void() external {
        _ask(3, 4);
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(3)));
        _ask(2, 4);
        _expectActing(4);
    }

    function test_what_a_bank_asked_that_is_stopped_since_is_void() external {
        found(9);
        _ask(3, 4);
        stop(3, LEAD, 2);
        _ask(5, 4);
        _expectActing(4);
        stop(4, 6);
    }

    function test_what_a_bank_asked_that_stopped_another_since_is_void() external {
        found(9);
        _ask(LEAD, 4);
        stop(3, LEAD, 2);
        _ask(5, 4);
        _expectActing(4);
        stop(4, 6);
    }

    function test_a_reader_can_be_stopped() external {
        stop(AUDITOR, LEAD, 2);
        _expectStopped(AUDITOR, NOW + LASTS);
        // it has no vote: of the banks one can be stopped beside it
        _ask(3, 4);
    }

    // bounded

    function test_not_again_within_30_days_after() external {
        stop(4, LEAD, 2);
        uint256 again = NOW + LASTS + 30 days;
        _refuseStop(approverOf(3), 4, _tooSoon(4, again));
        vm.warp(again - 1);
        _refuseStop(approverOf(3), 4, _tooSoon(4, again));
        vm.warp(again);
        stop(4, LEAD, 2);
        _expectStopped(4, again + LASTS);
    }

    function test_after_a_lift_the_30_days_run_from_it() external {
        stop(4, LEAD, 2);
        vm.warp(NOW + 1 hours);
        _lift(LEAD, 4);
        _lift(3, 4);
        vm.warp(NOW + 1 hours + 30 days - 1);
        _refuseStop(approverOf(2), 4, _tooSoon(4, NOW + 1 hours + 30 days));
        vm.warp(NOW + 1 hours + 30 days);
        stop(4, LEAD, 2);
    }

    /// @dev Two of seven had stopped the other five, at once and again every ten days.
    function test_two_banks_stop_one_of_the_others_and_none_for_30_days() external {
        found(6);
        stop(3, LEAD, 2);
        for (uint16 subject = 4; subject <= 7; ++subject) {
            _refuseStop(approverOf(LEAD), subject, _tooSoon(LEAD, NOW + 30 days));
            _refuseStop(approverOf(2), subject, _tooSoon(2, NOW + 30 days));
        }
        vm.warp(NOW + 30 days - 1);
        _refuseStop(approverOf(2), 4, _tooSoon(2, NOW + 30 days));
        vm.warp(NOW + 30 days);
        stop(4, LEAD, 2);
    }

    function test_fewer_than_a_third_of_the_banks_are_stopped_at_a_time() external {
        found(6);
        stop(7, LEAD, 2);
        stop(6, 3, 4);
        bytes memory refusal = abi.encodeWithSelector(IConsortiumRegistry.ConsortiumEmergencyTooMany.selector, 2, 2);
        _refuseStop(approverOf(5), LEAD, refusal);
        // the five that are left decide what five of seven must
        carry(LEAD, ProposalKind.RegisterValidator, abi.encode(LEAD, address(77), "enode"));
        vm.warp(NOW + LASTS);
        _ask(5, LEAD);
    }

    function test_a_second_bank_is_refused_once_too_many_are_stopped() external {
        found(6);
        _ask(5, 3);
        stop(7, LEAD, 2);
        stop(6, 3, 4);
        _refuseStop(
            approverOf(4),
            3,
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumEmergencyTooSoon.selector, 4, NOW + 30 days)
        );
        vm.warp(NOW + 1);
        _refuseStop(
            approverOf(5), 3, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumEmergencyTooMany.selector, 2, 2)
        );
    }

    /// @dev Of three banks, where all must agree on what is not about one of them, one can be stopped all the same.
    function test_of_three_banks_one_can_be_stopped() external {
        found(2);
        stop(3, LEAD, 2);
        _expectStopped(3, NOW + LASTS);
    }

    // lifting

    function test_lift_reverts_where_nothing_is_to_be_lifted() external {
        _refuseLift(approverOf(2), 9, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownMember.selector, 9));
        bytes memory refusal = abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotStopped.selector, 4);
        _refuseLift(approverOf(2), 4, refusal);
        _ask(LEAD, 4);
        _refuseLift(approverOf(2), 4, refusal);
        _ask(2, 4);
        vm.warp(NOW + LASTS);
        _refuseLift(approverOf(2), 4, refusal);
    }

    function test_lift_reverts_for_the_same_bank_twice_and_for_readers() external {
        stop(4, LEAD, 2);
        _lift(LEAD, 4);
        _refuseLift(approverOf(LEAD), 4, _asked(4, LEAD));
        _refuseLift(
            approverOf(AUDITOR), 4, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotABank.selector, AUDITOR)
        );
        _refuseLift(approverOf(4), 4, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumOwnEmergency.selector, 4));
    }

    function test_two_banks_lift_it() external {
        stop(4, LEAD, 2);
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.EmergencyLiftRaised(4, 3);
        _lift(3, 4);
        _expectStopped(4, NOW + LASTS);
        vm.warp(NOW + 24 hours - 1);
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.EmergencyLifted(4);
        _lift(2, 4);
        _expectActing(4);
    }

    function test_a_lift_asked_for_in_an_earlier_stop_is_void() external {
        stop(4, LEAD, 2);
        _lift(3, 4);
        uint256 again = NOW + LASTS + 30 days;
        vm.warp(again);
        stop(4, LEAD, 2);
        _lift(2, 4);
        _expectStopped(4, again + LASTS);
    }

    /// @dev Who is stopped lifts the others' stops, not its own.
    function test_stopped_banks_lift_each_others_stops() external {
        found(6);
        stop(6, LEAD, 2);
        stop(7, 3, 4);
        _refuseLift(approverOf(7), 7, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumOwnEmergency.selector, 7));
        _lift(7, 6);
        _lift(5, 6);
        _expectActing(6);
        _lift(6, 7);
        _lift(5, 7);
        _expectActing(7);
    }

    function test_what_a_stopped_bank_asked_to_lift_counts() external {
        found(6);
        stop(6, LEAD, 2);
        _lift(7, 6);
        stop(7, 3, 4);
        _lift(5, 6);
        _expectActing(6);
    }

    function test_lift_reverts_for_a_suspended_bank() external {
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(3)));
        stop(4, LEAD, 2);
        _refuseLift(
            approverOf(3),
            4,
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumMemberNotActive.selector, 3, MemberState.Suspended)
        );
    }

    function test_a_vote_to_reinstate_lifts_it() external {
        stop(4, LEAD, 2);
        uint32 proposal = propose(LEAD, ProposalKind.Reinstate, abi.encode(uint16(4)));
        vote(proposal, 2, true);
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.EmergencyLifted(4);
        vote(proposal, 3, true);
        _expectActing(4);
    }

    function stop(uint16 subject, uint16 second) private {
        vm.prank(approverOf(second));
        consortium.emergencyStop(subject, REASON);
        _expectStopped(subject, block.timestamp + LASTS);
    }

    function _tooSoon(uint16 member, uint256 againAt) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsortiumRegistry.ConsortiumEmergencyTooSoon.selector, member, againAt);
    }

    function _ask(uint16 by, uint16 subject) private {
        vm.prank(approverOf(by));
        consortium.emergencyStop(subject, REASON);
    }

    function _lift(uint16 by, uint16 subject) private {
        vm.prank(approverOf(by));
        consortium.emergencyLift(subject);
    }

    function _expectActing(uint16 member) private view {
        vm.assertEq(consortium.activeMember(operatorOf(member), KeyPurpose.Operator), member, "posts");
        vm.assertEq(consortium.activeMember(approverOf(member), KeyPurpose.Approver), member, "approves");
    }

    function _expectStopped(uint16 member, uint256 until) private {
        bytes memory refusal =
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumMemberStopped.selector, member, until);
        vm.expectRevert(refusal);
        consortium.activeMember(operatorOf(member), KeyPurpose.Operator);
        vm.expectRevert(refusal);
        consortium.activeMember(approverOf(member), KeyPurpose.Approver);
    }

    function _asked(uint16 subject, uint16 by) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsortiumRegistry.ConsortiumEmergencyAskedAlready.selector, subject, by);
    }

    function _refuseStop(address by, uint16 subject, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(by);
        consortium.emergencyStop(subject, REASON);
    }

    function _refuseLift(address by, uint16 subject, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(by);
        consortium.emergencyLift(subject);
    }
}
