// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "interfaces/IFacilityRegistry.sol";
import {KeyPurpose, ProposalKind} from "types/ConsortiumTypes.sol";
import {ChangeState, FacilityState} from "types/FacilityTypes.sol";
import {FacilityFixture} from "../support/FacilityFixture.sol";
import {Stream} from "../support/Stream.sol";
import {vm} from "../support/Vm.sol";

/// @title pause, resume: any party stops posting, and alone lets it go on, for some days
contract PauseFacilityTest is FacilityFixture {
    function setUp() external {
        setUpFacility();
    }

    function test_pause_reverts_for_who_is_no_partys_approver() external {
        vm.expectRevert(
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumNotAKey.selector, operatorOf(ANNA), KeyPurpose.Approver
            )
        );
        vm.prank(operatorOf(ANNA));
        facilities.pause(facility, REASON);
        _refusePause(
            STRANGER, facility, abi.encodeWithSelector(IFacilityRegistry.FacilityNotAParty.selector, facility, STRANGER)
        );
    }

    function test_pause_reverts_before_activation() external {
        vm.prank(approverOf(LEAD));
        uint32 proposed = facilities.propose(termsOf("G", two(1, 1), strictRules()));
        _refusePause(
            LEAD,
            proposed,
            abi.encodeWithSelector(IFacilityRegistry.FacilityInState.selector, proposed, FacilityState.Proposed)
        );
    }

    function test_pause_reverts_the_second_time() external {
        _pause(ANNA);
        _refusePause(
            ANNA, facility, abi.encodeWithSelector(IFacilityRegistry.FacilityAlreadyPaused.selector, facility, ANNA)
        );
    }

    function test_resume_reverts_where_there_is_no_pause() external {
        _pause(LEAD);
        bytes memory refusal = abi.encodeWithSelector(IFacilityRegistry.FacilityNotPausedBy.selector, facility, ANNA);
        _refuseResume(ANNA, ANNA, refusal);
        refusal = abi.encodeWithSelector(IFacilityRegistry.FacilityNotAParty.selector, facility, STRANGER);
        _refuseResume(LEAD, STRANGER, refusal);
        _refuseResume(STRANGER, LEAD, refusal);
    }

    function test_resume_reverts_for_the_pause_of_another_active_bank() external {
        _pause(ANNA);
        uint256 until = NOW + 7 days;
        bytes memory refusal =
            abi.encodeWithSelector(IFacilityRegistry.FacilityPauseOfAnother.selector, facility, ANNA, LEAD, until);
        _refuseResume(LEAD, ANNA, refusal);
        vm.warp(until - 1);
        _refuseResume(LEAD, ANNA, refusal);
    }

    /// @dev One partner's pause stopped a facility for a year, and the lead could not resume.
    function test_a_pause_of_seven_days_is_lifted_by_any_party() external {
        _pause(ANNA);
        vm.warp(NOW + 7 days);
        vm.assertTrue(facilities.state(facility) == FacilityState.Paused, "until somebody lifts it");
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.FacilityResumed(facility, ANNA, LEAD);
        _resume(LEAD, ANNA);
        post(facility, LEAD, _stream());
    }

    /// @dev Or two partners, each when the other's pause ends, would stop it for ever.
    function test_the_pauses_of_all_parties_share_the_seven_days() external {
        _pause(ANNA);
        vm.warp(NOW + 6 days);
        _pause(BERT);
        vm.warp(NOW + 7 days);
        _resume(LEAD, ANNA);
        _resume(LEAD, BERT);
        bytes memory refusal =
            abi.encodeWithSelector(IFacilityRegistry.FacilityPausedLately.selector, facility, NOW + 30 days);
        _refusePause(ANNA, facility, refusal);
        vm.warp(NOW + 30 days - 1);
        _refusePause(BERT, facility, refusal);
        vm.warp(NOW + 30 days);
        _pause(BERT);
        _refuseResume(
            LEAD,
            BERT,
            abi.encodeWithSelector(
                IFacilityRegistry.FacilityPauseOfAnother.selector, facility, BERT, LEAD, NOW + 37 days
            )
        );
    }

    function test_a_pause_that_was_lifted_can_be_made_again_in_the_seven_days() external {
        _pause(ANNA);
        _resume(ANNA, ANNA);
        vm.warp(NOW + 7 days - 1);
        _pause(BERT);
        vm.warp(NOW + 7 days);
        _resume(LEAD, BERT);
    }

    function test_posting_is_stopped_until_the_last_pause_is_lifted() external {
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.FacilityPaused(facility, LEAD, REASON);
        _pause(LEAD);
        _pause(BERT);
        vm.assertTrue(facilities.pausedBy(facility, LEAD) && facilities.pausedBy(facility, BERT), "both");
        vm.assertFalse(facilities.pausedBy(facility, ANNA), "not Anna");
        vm.assertFalse(facilities.pausedBy(facility, STRANGER), "nor who is no party");
        _refusePosting();
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.FacilityResumed(facility, LEAD, LEAD);
        _resume(LEAD, LEAD);
        vm.assertTrue(facilities.state(facility) == FacilityState.Paused, "Bert's holds");
        _refusePosting();
        _resume(BERT, BERT);
        vm.assertTrue(facilities.state(facility) == FacilityState.Active, "goes on");
        post(facility, LEAD, _stream());
        _pause(BERT);
        _refusePosting();
    }

    function test_the_pause_of_who_is_no_active_bank_is_lifted_by_any_party() external {
        _pause(ANNA);
        carry(LEAD, ProposalKind.Suspend, abi.encode(ANNA));
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.FacilityResumed(facility, ANNA, BERT);
        _resume(BERT, ANNA);
        vm.assertTrue(facilities.state(facility) == FacilityState.Active, "goes on");
    }

    function test_only_posting_is_stopped() external {
        _pause(ANNA);
        uint32 change = proposeShares(LEAD, EARLIEST, sharesOf(1, 1));
        acceptChange(ANNA, change);
        acceptChange(BERT, change);
        assertChange(change, ChangeState.TookEffect, "in force");
        vm.assertTrue(facilities.state(facility) == FacilityState.Paused, "still paused");
    }

    function _stream() private pure returns (Stream memory stream) {
        return stream.group(TODAY).leg(6, 1, TODAY, 100, 7);
    }

    function _refusePosting() private {
        bytes32[] memory words = _stream().words;
        vm.expectRevert(
            abi.encodeWithSelector(IFacilityRegistry.FacilityInState.selector, facility, FacilityState.Paused)
        );
        vm.prank(operatorOf(LEAD));
        reconciliation.post(facility, 1, words, "");
    }

    function _pause(uint16 member) private {
        vm.prank(approverOf(member));
        facilities.pause(facility, REASON);
    }

    function _resume(uint16 member, uint16 pauser) private {
        vm.prank(approverOf(member));
        facilities.resume(facility, pauser);
    }

    function _refusePause(uint16 member, uint32 number, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        facilities.pause(number, REASON);
    }

    function _refuseResume(uint16 member, uint16 pauser, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        facilities.resume(facility, pauser);
    }
}
