// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IResolutions} from "interfaces/IResolutions.sol";
import {Resolution} from "types/ResolutionTypes.sol";
import {BreaksFixture} from "../support/BreaksFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title disputeResolution: who may; then that it ends the proposal and nothing else
contract DisputeResolutionTest is BreaksFixture {
    bytes32 private constant WHY = keccak256("our copy of the advice says 110");

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

    function test_reverts_for_the_proposer_and_for_strangers() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        uint256 key = reconciliation.pairKey(made);
        propose(LEAD, made);
        _refuse(LEAD, made, abi.encodeWithSelector(IResolutions.ResolutionOwn.selector, key, LEAD));
        _refuse(BERT, made, abi.encodeWithSelector(IResolutions.ResolutionNotAParty.selector, facility, 1, BERT));
    }

    function test_reverts_without_a_reason_or_with_a_sealed_one_too_long() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        propose(LEAD, made);
        vm.expectRevert(abi.encodeWithSelector(IResolutions.ResolutionReasonMissing.selector));
        vm.prank(approverOf(ANNA));
        reconciliation.disputeResolution(made, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IResolutions.ResolutionReasonTooLong.selector, 4097, 4096));
        vm.prank(approverOf(ANNA));
        reconciliation.disputeResolution(made, WHY, new bytes(4097));
    }

    function test_a_dispute_ends_the_proposal_and_the_break_stays() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        uint256 key = reconciliation.pairKey(made);
        propose(LEAD, made);
        vm.expectEmit(address(reconciliation));
        emit IResolutions.ResolutionDisputed(facility, 1, key, ANNA, WHY, "sealed");
        vm.prank(approverOf(ANNA));
        reconciliation.disputeResolution(made, WHY, "sealed");

        vm.assertEq(reconciliation.resolutionOf(key).resolutionHash, bytes32(0), "nothing waits");
        vm.assertEq(stateOf(made), made.state, "the break stays");
        assertOpen(600, 710, 0, 6);
        // the other bank's view of it can be proposed now
        Resolution memory other = resolution(AMOUNT, ADJUST);
        propose(ANNA, other);
        accept(LEAD, other);
    }

    function _refuse(uint16 member, Resolution memory made, bytes memory error) private {
        vm.expectRevert(error);
        vm.prank(approverOf(member));
        reconciliation.disputeResolution(made, WHY, "");
    }
}
