// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "interfaces/IFacilityRegistry.sol";
import {KeyPurpose} from "types/ConsortiumTypes.sol";
import {FacilityState, FacilityTerms} from "types/FacilityTypes.sol";
import {FacilityFixture} from "../support/FacilityFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title withdraw, decline: what is only proposed ends, and its id is free again
contract WithdrawFacilityTest is FacilityFixture {
    uint32 private proposed;

    function setUp() external {
        setUpFacility();
        vm.prank(approverOf(LEAD));
        proposed = facilities.propose(termsOf("G", two(1, 1), strictRules()));
    }

    function test_only_the_leads_approver_withdraws() external {
        vm.expectRevert(
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumNotAKey.selector, operatorOf(LEAD), KeyPurpose.Approver
            )
        );
        vm.prank(operatorOf(LEAD));
        facilities.withdraw(proposed);
        bytes memory refusal = abi.encodeWithSelector(IFacilityRegistry.FacilityNotProposedByLead.selector, ANNA, LEAD);
        _refuseWithdrawal(ANNA, proposed, refusal);
    }

    function test_only_a_partners_approver_declines() external {
        uint16[2] memory others = [LEAD, STRANGER];
        for (uint256 i; i < 2; ++i) {
            _refuseDecline(
                others[i],
                proposed,
                abi.encodeWithSelector(IFacilityRegistry.FacilityNotAPartner.selector, proposed, others[i])
            );
        }
    }

    function test_an_unknown_facility_is_told_as_such() external {
        bytes memory refusal = abi.encodeWithSelector(IFacilityRegistry.FacilityUnknown.selector, 9);
        _refuseWithdrawal(LEAD, 9, refusal);
        _refuseDecline(ANNA, 9, refusal);
    }

    function test_what_is_active_is_closed_and_not_withdrawn() external {
        bytes memory refusal =
            abi.encodeWithSelector(IFacilityRegistry.FacilityInState.selector, facility, FacilityState.Active);
        _refuseWithdrawal(LEAD, facility, refusal);
        _refuseDecline(ANNA, facility, refusal);
    }

    function test_a_withdrawal_is_final_and_frees_the_id() external {
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.FacilityWithdrawn(proposed, LEAD, 0);
        vm.prank(approverOf(LEAD));
        facilities.withdraw(proposed);
        _assertGone();
        _refuseWithdrawal(LEAD, proposed, _withdrawn());
    }

    function test_a_decline_is_final_and_frees_the_id() external {
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.FacilityWithdrawn(proposed, BERT, REASON);
        vm.prank(approverOf(BERT));
        facilities.decline(proposed, REASON);
        _assertGone();
        _refuseDecline(ANNA, proposed, _withdrawn());
    }

    function _assertGone() private {
        vm.assertTrue(facilities.state(proposed) == FacilityState.Withdrawn, "withdrawn");
        bytes32 hash = facilities.termsHash(proposed);
        vm.expectRevert(_withdrawn());
        vm.prank(approverOf(ANNA));
        facilities.accept(proposed, hash);
        vm.assertEq(facilities.facilityNumber("G"), 0, "the id is free");
        FacilityTerms memory terms = termsOf("G", two(2, 2), strictRules());
        vm.prank(approverOf(LEAD));
        vm.assertEq(facilities.propose(terms), proposed + 1, "proposed anew, with a number of its own");
        vm.assertEq(facilities.facilityNumber("G"), proposed + 1, "found by its id");
    }

    function _withdrawn() private view returns (bytes memory) {
        return abi.encodeWithSelector(IFacilityRegistry.FacilityInState.selector, proposed, FacilityState.Withdrawn);
    }

    function _refuseWithdrawal(uint16 member, uint32 number, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        facilities.withdraw(number);
    }

    function _refuseDecline(uint16 member, uint32 number, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        facilities.decline(number, REASON);
    }
}
