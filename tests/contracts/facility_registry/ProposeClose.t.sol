// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IFacilityRegistry} from "interfaces/IFacilityRegistry.sol";
import {ProposalKind, Role} from "types/ConsortiumTypes.sol";
import {Change, ChangeKind, ChangeState, FacilityState} from "types/FacilityTypes.sol";
import {FacilityFixture} from "../support/FacilityFixture.sol";
import {Stream} from "../support/Stream.sol";
import {vm} from "../support/Vm.sol";

/// @title proposeClose: by all, at zero open legs, for ever
contract ProposeCloseTest is FacilityFixture {
    uint8 private constant TOP_UP = 6;

    function setUp() external {
        setUpFacility();
    }

    function test_it_reverts_for_who_is_no_party() external {
        vm.expectRevert(abi.encodeWithSelector(IFacilityRegistry.FacilityNotAParty.selector, facility, STRANGER));
        vm.prank(approverOf(STRANGER));
        facilities.proposeClose(facility, REASON);
    }

    function test_it_waits_for_every_open_leg_of_every_account() external {
        _post(LEAD, 1);
        _post(LEAD, 2);
        uint32 change = proposeClose(LEAD);
        acceptChange(ANNA, change);
        refuseAcceptance(BERT, change, _openLegs(1, 1));
        _post(ANNA, 1);
        refuseAcceptance(BERT, change, _openLegs(2, 1));
        _post(BERT, 2);
        acceptChange(BERT, change);
        vm.assertTrue(facilities.state(facility) == FacilityState.Closed, "closed");
    }

    function test_it_waits_for_every_active_hold() external {
        _post(LEAD, 2);
        _post(BERT, 2);
        vm.prank(operatorOf(LEAD));
        ledger.hold(facility, 2, 9, 100, uint32(block.timestamp + 1 days));
        uint32 change = proposeClose(LEAD);
        acceptChange(ANNA, change);
        refuseAcceptance(
            BERT, change, abi.encodeWithSelector(IFacilityRegistry.FacilityHasHolds.selector, facility, 2, 1)
        );
        vm.prank(operatorOf(LEAD));
        ledger.release(facility, 2, 9);
        acceptChange(BERT, change);
        vm.assertTrue(facilities.state(facility) == FacilityState.Closed, "closed");
    }

    function test_the_last_acceptance_closes_for_ever() external {
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.ChangeProposed(facility, 1, BERT, 3, "", REASON, uint40(block.timestamp + 30 days));
        uint32 change = proposeClose(BERT);
        Change memory kept = facilities.change(facility, change);
        vm.assertTrue(kept.kind == ChangeKind.Close && kept.payload.length == 0, "a close");
        uint32 other = proposeShares(LEAD, EARLIEST, sharesOf(1, 1));
        acceptChange(ANNA, change);
        vm.assertTrue(facilities.state(facility) == FacilityState.Active, "not yet");
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.FacilityClosed(facility, change);
        acceptChange(LEAD, change);

        assertChange(change, ChangeState.TookEffect, "in force");
        bytes memory refusal =
            abi.encodeWithSelector(IFacilityRegistry.FacilityInState.selector, facility, FacilityState.Closed);
        refuseAcceptance(ANNA, other, refusal);
        vm.expectRevert(refusal);
        vm.prank(approverOf(LEAD));
        facilities.proposeRules(facility, rulesFrom(EARLIEST), REASON);
        vm.expectRevert(refusal);
        vm.prank(approverOf(LEAD));
        facilities.pause(facility, REASON);
        vm.expectRevert(refusal);
        vm.prank(approverOf(LEAD));
        facilities.withdraw(facility);
        vm.expectRevert(refusal);
        facilities.postingTerms(facility, LEAD);
        vm.assertEq(facilities.facilityNumber("F"), facility, "its id stays taken");
    }

    function test_a_paused_facility_closes_too() external {
        vm.prank(approverOf(ANNA));
        facilities.pause(facility, REASON);
        uint32 change = proposeClose(ANNA);
        acceptChange(LEAD, change);
        acceptChange(BERT, change);
        vm.assertTrue(facilities.state(facility) == FacilityState.Closed, "closed");
    }

    /// @dev Nobody can settle what an evicted bank left open: its facilities never closed.
    function test_the_open_legs_of_an_evicted_partner_stay_open() external {
        _post(LEAD, 1);
        _post(LEAD, 2);
        carry(LEAD, ProposalKind.Evict, abi.encode(ANNA));
        uint32 change = proposeClose(LEAD);
        refuseAcceptance(BERT, change, _openLegs(2, 1));
        _post(BERT, 2);
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.AccountLeftOpen(facility, 1, 1);
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.FacilityClosed(facility, change);
        acceptChange(BERT, change);
        vm.assertEq(ledger.openLegsOf(facility, 1, true), 1, "the books keep them");
    }

    function test_the_open_legs_at_an_evicted_lead_stay_open() external {
        _post(ANNA, 1);
        carry(ANNA, ProposalKind.ChangeRole, abi.encode(STRANGER, Role.Lead));
        carry(ANNA, ProposalKind.Evict, abi.encode(LEAD));
        uint32 change = proposeClose(ANNA);
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.AccountLeftOpen(facility, 1, 1);
        acceptChange(BERT, change);
        vm.assertTrue(facilities.state(facility) == FacilityState.Closed, "closed");
    }

    /// @dev A lead could hold a reserve in parts of the smallest amount, which a partner would release one by one.
    function test_what_an_evicted_lead_held_keeps_nothing_from_closing() external {
        _post(LEAD, 2);
        _post(BERT, 2);
        vm.prank(operatorOf(LEAD));
        ledger.hold(facility, 2, 9, 100, uint32(block.timestamp + 1 days));
        carry(ANNA, ProposalKind.Evict, abi.encode(LEAD));
        uint32 change = proposeClose(ANNA);
        acceptChange(BERT, change);
        vm.assertTrue(facilities.state(facility) == FacilityState.Closed, "closed");
    }

    function test_the_open_legs_of_a_suspended_partner_are_waited_for() external {
        _post(LEAD, 1);
        carry(LEAD, ProposalKind.Suspend, abi.encode(ANNA));
        uint32 change = proposeClose(LEAD);
        acceptChange(BERT, change);
        carry(LEAD, ProposalKind.Reinstate, abi.encode(ANNA));
        refuseAcceptance(ANNA, change, _openLegs(1, 1));
    }

    function _openLegs(uint8 partner, uint40 legs) private view returns (bytes memory) {
        return abi.encodeWithSelector(IFacilityRegistry.FacilityHasOpenLegs.selector, facility, partner, legs);
    }

    function _post(uint16 member, uint8 partner) private {
        Stream memory stream;
        post(facility, member, stream.group(TODAY).leg(TOP_UP, partner, TODAY, 100, 7));
    }
}
