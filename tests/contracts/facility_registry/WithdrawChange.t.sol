// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IFacilityRegistry} from "interfaces/IFacilityRegistry.sol";
import {ChangeState} from "types/FacilityTypes.sol";
import {FacilityFixture} from "../support/FacilityFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title withdrawChange: only its proposer, only while it is open
contract WithdrawChangeTest is FacilityFixture {
    uint32 private change;

    function setUp() external {
        setUpFacility();
        change = proposeShares(ANNA, EARLIEST, sharesOf(5_000, 2_000));
    }

    function test_it_reverts_for_who_did_not_propose_it() external {
        uint16[2] memory others = [LEAD, BERT];
        for (uint256 i; i < 2; ++i) {
            _refuse(
                others[i],
                change,
                abi.encodeWithSelector(
                    IFacilityRegistry.FacilityChangeOfAnother.selector, facility, change, ANNA, others[i]
                )
            );
        }
        _refuse(
            STRANGER, change, abi.encodeWithSelector(IFacilityRegistry.FacilityNotAParty.selector, facility, STRANGER)
        );
    }

    function test_it_reverts_for_an_unknown_change() external {
        _refuse(
            ANNA,
            change + 1,
            abi.encodeWithSelector(IFacilityRegistry.FacilityUnknownChange.selector, facility, change + 1)
        );
    }

    function test_it_reverts_once_it_is_decided() external {
        uint32 other = proposeShares(ANNA, EARLIEST, sharesOf(5_000, 2_000));
        acceptChange(LEAD, other);
        acceptChange(BERT, other);
        _refuse(ANNA, other, notOpen(other, ChangeState.TookEffect));
        vm.warp(NOW + 31 days);
        _refuse(ANNA, change, notOpen(change, ChangeState.Expired));
    }

    function test_what_is_withdrawn_is_accepted_by_nobody() external {
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.ChangeWithdrawn(facility, change, ANNA);
        vm.prank(approverOf(ANNA));
        facilities.withdrawChange(facility, change);
        assertChange(change, ChangeState.Withdrawn, "withdrawn");
        refuseAcceptance(LEAD, change, notOpen(change, ChangeState.Withdrawn));
        _refuse(ANNA, change, notOpen(change, ChangeState.Withdrawn));
        vm.warp(NOW + 31 days);
        assertChange(change, ChangeState.Withdrawn, "for ever");
    }

    function test_a_party_has_at_most_8_changes_that_the_others_have_not_accepted() external {
        for (uint256 i; i < 7; ++i) {
            proposeShares(ANNA, EARLIEST, sharesOf(5_000, 2_000));
        }
        _refuseOneMore(ANNA);
        proposeClose(BERT);
        vm.prank(approverOf(ANNA));
        facilities.withdrawChange(facility, change);
        _refuseOneMore(ANNA);
        vm.warp(NOW + 30 days);
        _refuseOneMore(ANNA);
        vm.warp(NOW + 30 days + 1);
        proposeClose(ANNA);
    }

    function test_what_takes_effect_makes_room() external {
        for (uint256 i; i < 7; ++i) {
            proposeShares(ANNA, EARLIEST, sharesOf(5_000, 2_000));
        }
        acceptChange(LEAD, change);
        acceptChange(BERT, change);
        proposeClose(ANNA);
        _refuseOneMore(ANNA);
    }

    function _refuseOneMore(uint16 member) private {
        vm.expectRevert(abi.encodeWithSelector(IFacilityRegistry.FacilityTooManyChanges.selector, facility, member, 8));
        vm.prank(approverOf(member));
        facilities.proposeClose(facility, REASON);
    }

    function _refuse(uint16 member, uint32 number, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        facilities.withdrawChange(facility, number);
    }
}
