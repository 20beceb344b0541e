// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IResolutions} from "interfaces/IResolutions.sol";
import {Resolution} from "types/ResolutionTypes.sol";
import {BreaksFixture} from "../support/BreaksFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title withdrawResolution: who may; then that it ends the proposal and nothing else
contract WithdrawResolutionTest is BreaksFixture {
    function setUp() external {
        makeBreaks();
    }

    function test_reverts_where_nothing_waits() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        _refuse(
            LEAD,
            made,
            abi.encodeWithSelector(IResolutions.ResolutionNotProposed.selector, reconciliation.pairKey(made))
        );
    }

    function test_reverts_for_anyone_but_the_proposer() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        uint256 key = reconciliation.pairKey(made);
        propose(LEAD, made);
        _refuse(ANNA, made, abi.encodeWithSelector(IResolutions.ResolutionNotYours.selector, key, LEAD, ANNA));
        _refuse(BERT, made, abi.encodeWithSelector(IResolutions.ResolutionNotAParty.selector, facility, 1, BERT));
    }

    function test_reverts_on_another_resolution() external {
        propose(LEAD, resolution(AMOUNT, FORCE));
        Resolution memory other = resolution(AMOUNT, VOID);
        vm.expectPartialRevert(IResolutions.ResolutionOther.selector);
        vm.prank(approverOf(LEAD));
        reconciliation.withdrawResolution(other);
    }

    function test_a_proposal_withdrawn_is_gone_and_the_break_stays() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        uint256 key = reconciliation.pairKey(made);
        propose(LEAD, made);
        vm.expectEmit(address(reconciliation));
        emit IResolutions.ResolutionWithdrawn(facility, 1, key, LEAD);
        vm.prank(approverOf(LEAD));
        reconciliation.withdrawResolution(made);

        vm.assertEq(reconciliation.resolutionOf(key).resolutionHash, bytes32(0), "nothing waits");
        vm.assertEq(stateOf(made), made.state, "the break stays");
        resolve(made);
    }

    function test_a_proposal_of_a_state_that_is_gone_can_be_withdrawn() external {
        Resolution memory made = resolution(LEAD_ALONE, VOID);
        propose(LEAD, made);
        post(facility, ANNA, today().leg(TOP_UP, 1, TODAY, 310, LEAD_ALONE));
        vm.prank(approverOf(LEAD));
        reconciliation.withdrawResolution(made);
    }

    function _refuse(uint16 member, Resolution memory made, bytes memory error) private {
        vm.expectRevert(error);
        vm.prank(approverOf(member));
        reconciliation.withdrawResolution(made);
    }
}
