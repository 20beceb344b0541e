// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IFacilityRegistry} from "interfaces/IFacilityRegistry.sol";
import {Change, ChangeKind, Rules} from "types/FacilityTypes.sol";
import {FacilityFixture} from "../support/FacilityFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title proposeRules: from when, within what bounds, and what is kept
contract ProposeRulesTest is FacilityFixture {
    function setUp() external {
        setUpFacility();
    }

    function test_it_reverts_for_who_is_no_party() external {
        _refuse(
            STRANGER,
            rulesFrom(EARLIEST),
            abi.encodeWithSelector(IFacilityRegistry.FacilityNotAParty.selector, facility, STRANGER)
        );
    }

    function test_it_reverts_for_a_day_that_a_leg_may_carry_already() external {
        _refuse(LEAD, rulesFrom(EARLIEST - 1), _tooLate(EARLIEST - 1, EARLIEST));
        _refuse(LEAD, rulesFrom(0), _tooLate(0, EARLIEST));
    }

    function test_it_reverts_for_a_day_not_after_the_last_versions() external {
        uint32 change = proposeRules(ANNA, rulesFrom(EARLIEST));
        acceptChange(LEAD, change);
        acceptChange(BERT, change);
        _refuse(LEAD, rulesFrom(EARLIEST), _tooLate(EARLIEST, EARLIEST + 1));
    }

    function test_it_reverts_for_a_day_far_ahead() external {
        uint24 latest = EARLIEST + 179;
        _refuse(
            LEAD,
            rulesFrom(latest + 1),
            abi.encodeWithSelector(IFacilityRegistry.FacilityChangeTooEarly.selector, facility, latest + 1, latest)
        );
        proposeRules(LEAD, rulesFrom(latest));
    }

    function test_it_reverts_for_rules_out_of_bounds() external {
        _refuse(
            LEAD,
            Rules(EARLIEST, 1e15 + 1, 0, 0, 0),
            abi.encodeWithSelector(IFacilityRegistry.FacilityToleranceTooLarge.selector, 1e15 + 1, 1e15)
        );
        _refuse(
            LEAD,
            Rules(EARLIEST, 0, 0, 0, 86_400),
            abi.encodeWithSelector(IFacilityRegistry.FacilityBadCutOff.selector, 86_400)
        );
    }

    function test_a_proposal_is_kept() external {
        bytes memory payload = abi.encode(rulesFrom(EARLIEST));
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.ChangeProposed(facility, 1, BERT, 2, payload, REASON, uint40(block.timestamp + 30 days));
        Change memory kept = facilities.change(facility, proposeRules(BERT, rulesFrom(EARLIEST)));
        vm.assertTrue(kept.kind == ChangeKind.Rules, "a version of the rules");
        vm.assertEq(kept.payload, payload, "content");
        vm.assertEq(facilities.rulesSchedule(facility).length, 1, "nothing has changed yet");
    }

    function _tooLate(uint24 from, uint256 earliest) private view returns (bytes memory) {
        return abi.encodeWithSelector(IFacilityRegistry.FacilityChangeTooLate.selector, facility, from, earliest);
    }

    function _refuse(uint16 member, Rules memory rules, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        facilities.proposeRules(facility, rules, REASON);
    }
}
