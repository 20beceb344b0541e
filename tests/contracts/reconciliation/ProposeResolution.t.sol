// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IResolutions} from "interfaces/IResolutions.sol";
import {KeyPurpose} from "types/ConsortiumTypes.sol";
import {ResolutionProposal, Resolution} from "types/ResolutionTypes.sol";
import {BreaksFixture} from "../support/BreaksFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title proposeResolution: who may, of what, how; then what it leaves
contract ProposeResolutionTest is BreaksFixture {
    function setUp() external {
        makeBreaks();
    }

    function test_reverts_for_an_operator() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumNotAKey.selector, operatorOf(LEAD), KeyPurpose.Approver
            )
        );
        vm.prank(operatorOf(LEAD));
        reconciliation.proposeResolution(made, "");
    }

    function test_reverts_for_another_partner() external {
        _refuse(
            BERT,
            resolution(AMOUNT, FORCE),
            abi.encodeWithSelector(IResolutions.ResolutionNotAParty.selector, facility, 1, BERT)
        );
    }

    function test_reverts_for_an_unknown_facility() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        made.facility = 9;
        _refuse(LEAD, made, abi.encodeWithSelector(IResolutions.ResolutionNotAParty.selector, 9, 1, LEAD));
    }

    function test_reverts_without_a_reason() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        made.reasonHash = 0;
        _refuse(LEAD, made, abi.encodeWithSelector(IResolutions.ResolutionReasonMissing.selector));
    }

    function test_reverts_on_a_sealed_reason_that_is_too_long() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        vm.expectRevert(abi.encodeWithSelector(IResolutions.ResolutionReasonTooLong.selector, 4097, 4096));
        vm.prank(approverOf(LEAD));
        reconciliation.proposeResolution(made, new bytes(4097));
    }

    function test_reverts_on_a_target_where_there_is_none() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        made.targetRef = 1;
        _refuse(LEAD, made, abi.encodeWithSelector(IResolutions.ResolutionTargetNotAllowed.selector, TOP_UP));
    }

    function test_reverts_on_what_is_no_break() external {
        _refuseWith(resolution(EQUAL, FORCE), IResolutions.ResolutionNotABreak.selector);
        _refuseWith(resolution(99, FORCE), IResolutions.ResolutionNotABreak.selector);
        resolve(resolution(AMOUNT, FORCE));
        _refuseWith(resolution(AMOUNT, FORCE), IResolutions.ResolutionNotABreak.selector);
        // within tolerance
        post(facility, ANNA, today().leg(TOP_UP, 1, TODAY, 303, LEAD_ALONE));
        _refuseWith(resolution(LEAD_ALONE, VOID), IResolutions.ResolutionNotABreak.selector);
    }

    function test_reverts_on_another_state() external {
        Resolution memory made = resolution(LEAD_ALONE, VOID);
        bytes32 named = made.state;
        post(facility, ANNA, today().leg(TOP_UP, 1, TODAY, 310, LEAD_ALONE));
        _refuse(
            LEAD,
            made,
            abi.encodeWithSelector(
                IResolutions.ResolutionStateChanged.selector, reconciliation.pairKey(made), named, stateOf(made)
            )
        );
    }

    function test_reverts_on_a_day_that_cannot_be() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        made.businessDay = 0;
        _refuse(LEAD, made, abi.encodeWithSelector(IResolutions.ResolutionBadDay.selector, 0, TODAY + 1));
        made.businessDay = TODAY + 2;
        _refuse(LEAD, made, abi.encodeWithSelector(IResolutions.ResolutionBadDay.selector, TODAY + 2, TODAY + 1));
    }

    function test_reverts_on_an_unknown_action() external {
        _refuse(LEAD, resolution(AMOUNT, 0), abi.encodeWithSelector(IResolutions.ResolutionUnknownAction.selector, 0));
        _refuse(LEAD, resolution(AMOUNT, 5), abi.encodeWithSelector(IResolutions.ResolutionUnknownAction.selector, 5));
    }

    function test_reverts_on_a_side_that_is_missing_or_too_much() external {
        for (uint8 side; side <= 3; ++side) {
            if (side != AT_LEAD && side != AT_PARTNER) {
                _refuseWith(resolution(TOP_UP, AMOUNT, ADJUST, side), IResolutions.ResolutionBadSide.selector);
            }
            if (side == 0) continue;
            _refuseWith(resolution(TOP_UP, AMOUNT, WRITE_OFF, side), IResolutions.ResolutionBadSide.selector);
            _refuseWith(resolution(TOP_UP, AMOUNT, FORCE, side), IResolutions.ResolutionBadSide.selector);
            _refuseWith(resolution(TOP_UP, AMOUNT, VOID, side), IResolutions.ResolutionBadSide.selector);
        }
    }

    function test_reverts_on_what_needs_both_halves() external {
        _refuseWith(resolution(LEAD_ALONE, FORCE), IResolutions.ResolutionNeedsBothHalves.selector);
        _refuseWith(resolution(PARTNER_ALONE, FORCE), IResolutions.ResolutionNeedsBothHalves.selector);
        _refuseWith(resolution(LEAD_ALONE, ADJUST), IResolutions.ResolutionNeedsBothHalves.selector);
        _refuseWith(resolution(PARTNER_ALONE, ADJUST), IResolutions.ResolutionNeedsBothHalves.selector);
    }

    function test_reverts_on_equal_amounts_to_adjust() external {
        _refuseWith(resolution(DATE, ADJUST), IResolutions.ResolutionNothingToAdjust.selector);
    }

    function test_reverts_where_the_half_is_reversed() external {
        post(facility, LEAD, today().leg(REVERSAL, 1, TODAY, 100, 9).target(TOP_UP, AMOUNT));
        _refuseWith(resolution(AMOUNT, VOID), IResolutions.ResolutionHalfReversed.selector);
        _refuseWith(resolution(AMOUNT, ADJUST), IResolutions.ResolutionHalfReversed.selector);
        propose(LEAD, resolution(TOP_UP, AMOUNT, ADJUST, AT_PARTNER));
    }

    function test_reverts_while_another_proposal_waits() external {
        propose(ANNA, resolution(AMOUNT, FORCE));
        uint256 key = reconciliation.pairKey(resolution(AMOUNT, VOID));
        bytes memory error = abi.encodeWithSelector(IResolutions.ResolutionPending.selector, key, ANNA);
        _refuse(LEAD, resolution(AMOUNT, VOID), error);
        _refuse(ANNA, resolution(AMOUNT, VOID), error);
    }

    function test_a_proposal_is_told_and_moves_nothing() external {
        Resolution memory made = resolution(AMOUNT, FORCE);
        uint256 key = reconciliation.pairKey(made);
        vm.expectEmit(address(reconciliation));
        emit IResolutions.ResolutionProposed(facility, 1, key, made, ANNA, "sealed");
        propose(ANNA, made);

        ResolutionProposal memory waiting = reconciliation.resolutionOf(key);
        vm.assertEq(waiting.resolutionHash, keccak256(abi.encode(made)), "the hash");
        vm.assertEq(waiting.state, made.state, "the state");
        vm.assertEq(waiting.proposer, ANNA, "the proposer");
        vm.assertEq(waiting.proposedAt, block.timestamp, "when");
        vm.assertEq(stateOf(made), made.state, "the pair is as it was");
        assertBooks(1100, 1210, 500);
        assertOpen(600, 710, 0, 6);
    }

    function test_a_proposal_of_a_state_that_is_gone_is_replaced() external {
        Resolution memory old = resolution(LEAD_ALONE, VOID);
        propose(LEAD, old);
        post(facility, ANNA, today().leg(TOP_UP, 1, TODAY, 310, LEAD_ALONE));
        Resolution memory made = resolution(LEAD_ALONE, FORCE);
        propose(ANNA, made);
        vm.assertEq(reconciliation.resolutionOf(reconciliation.pairKey(made)).proposer, ANNA, "the new one waits");
        accept(LEAD, made);
    }

    function _refuse(uint16 member, Resolution memory made, bytes memory error) private {
        vm.expectRevert(error);
        propose(member, made);
    }

    function _refuseWith(Resolution memory made, bytes4 selector) private {
        vm.expectPartialRevert(selector);
        propose(LEAD, made);
    }
}
