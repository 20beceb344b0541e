// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "interfaces/IFacilityRegistry.sol";
import {KeyPurpose, ProposalKind} from "types/ConsortiumTypes.sol";
import {ChangeState, Rules, Shares} from "types/FacilityTypes.sol";
import {FacilityFixture} from "../support/FacilityFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title acceptChange, enactChange: only parties, only what they have read, in force once all have accepted
contract AcceptChangeTest is FacilityFixture {
    uint32 private change;

    function setUp() external {
        setUpFacility();
        change = proposeShares(LEAD, EARLIEST, sharesOf(5_000, 2_000));
    }

    // who and what

    function test_it_reverts_for_who_is_no_partys_approver() external {
        bytes32 hash = hashOf(change);
        vm.expectRevert(
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumNotAKey.selector, operatorOf(ANNA), KeyPurpose.Approver
            )
        );
        vm.prank(operatorOf(ANNA));
        facilities.acceptChange(facility, change, hash);
        bytes memory refusal = abi.encodeWithSelector(IFacilityRegistry.FacilityNotAParty.selector, facility, STRANGER);
        refuseAcceptance(STRANGER, change, refusal);
        vm.expectRevert(refusal);
        vm.prank(approverOf(STRANGER));
        facilities.enactChange(facility, change, hash);
    }

    function test_it_reverts_for_an_unknown_change() external {
        for (uint32 number; number < 4; ++number) {
            if (number == change) continue;
            vm.expectRevert(abi.encodeWithSelector(IFacilityRegistry.FacilityUnknownChange.selector, facility, number));
            vm.prank(approverOf(ANNA));
            facilities.acceptChange(facility, number, 0);
        }
    }

    function test_it_reverts_on_another_change_than_was_read() external {
        bytes32 hash = hashOf(change);
        bytes32 other = hashOf(proposeShares(BERT, EARLIEST, sharesOf(5_000, 2_001)));
        vm.expectRevert(
            abi.encodeWithSelector(IFacilityRegistry.FacilityOtherChange.selector, facility, change, hash, other)
        );
        vm.prank(approverOf(ANNA));
        facilities.acceptChange(facility, change, other);
    }

    function test_it_reverts_the_second_time() external {
        refuseAcceptance(LEAD, change, _accepted(LEAD));
        acceptChange(ANNA, change);
        refuseAcceptance(ANNA, change, _accepted(ANNA));
    }

    function test_it_reverts_once_expired() external {
        uint32 later = proposeShares(LEAD, EARLIEST + 100, sharesOf(5_000, 2_000));
        vm.warp(NOW + 30 days);
        acceptChange(ANNA, later);
        vm.warp(NOW + 30 days + 1);
        assertChange(later, ChangeState.Expired, "expired");
        refuseAcceptance(BERT, later, notOpen(later, ChangeState.Expired));
    }

    function test_it_reverts_once_in_force() external {
        acceptChange(ANNA, change);
        acceptChange(BERT, change);
        refuseAcceptance(BERT, change, notOpen(change, ChangeState.TookEffect));
        vm.warp(NOW + 40 days);
        assertChange(change, ChangeState.TookEffect, "does not expire");
    }

    function test_it_reverts_once_a_leg_may_carry_the_day() external {
        vm.warp(NOW + 1 days);
        bytes memory refusal =
            abi.encodeWithSelector(IFacilityRegistry.FacilityChangeTooLate.selector, facility, EARLIEST, EARLIEST + 1);
        refuseAcceptance(ANNA, change, refusal);
        vm.warp(NOW);
        acceptChange(ANNA, change);
        vm.warp(NOW + 1 days);
        refuseAcceptance(BERT, change, refusal);
        vm.assertEq(facilities.sharesSchedule(facility).length, 1, "not in force");
    }

    function test_it_reverts_once_a_later_version_is_in_force() external {
        uint32 overtaking = proposeShares(BERT, EARLIEST + 5, sharesOf(1, 2));
        acceptChange(ANNA, overtaking);
        acceptChange(LEAD, overtaking);
        refuseAcceptance(
            ANNA,
            change,
            abi.encodeWithSelector(IFacilityRegistry.FacilityChangeTooLate.selector, facility, EARLIEST, EARLIEST + 6)
        );
    }

    // what it does

    function test_the_last_acceptance_brings_shares_into_force() external {
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.ChangeAccepted(facility, change, ANNA);
        acceptChange(ANNA, change);
        assertChange(change, ChangeState.Open, "not yet");
        vm.assertEq(ledger.actsOf(facility), 0, "no act yet");
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.ChangeAccepted(facility, change, BERT);
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.SharesTookEffect(facility, change, 2, EARLIEST, sharesOf(5_000, 2_000));
        acceptChange(BERT, change);
        assertChange(change, ChangeState.TookEffect, "in force");
        vm.assertEq(ledger.actsOf(facility), 1, "numbered");

        (uint16 version, Shares[] memory shares) = facilities.sharesOn(facility, EARLIEST - 1);
        vm.assertTrue(version == 1 && shares[0].principalBps == 4_000, "the day before");
        (version, shares) = facilities.sharesOn(facility, EARLIEST);
        vm.assertTrue(version == 2 && shares[0].principalBps == 5_000, "the first day");
        (version,) = facilities.sharesOn(facility, type(uint24).max);
        vm.assertEq(version, 2, "for ever after");
        vm.assertEq(facilities.shares(facility, 2)[1].feeBps, 2_000, "by version");
        vm.assertEq(facilities.shares(facility, 1)[1].feeBps, 3_000, "the old one stays");
        vm.assertEq(facilities.sharesSchedule(facility)[1], EARLIEST, "from its first day");
        vm.assertEq(facilities.postingTerms(facility, LEAD).sharesVersion, 2, "for posting");
        vm.assertEq(facilities.postingTerms(facility, LEAD).sharesFrom, EARLIEST, "for posting");
        vm.assertEq(facilities.postingTerms(facility, LEAD).rulesVersion, 1, "rules are apart");
    }

    function test_the_last_acceptance_brings_rules_into_force() external {
        uint32 ruling = proposeRules(ANNA, rulesFrom(EARLIEST));
        acceptChange(LEAD, ruling);
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.ChangeAccepted(facility, ruling, BERT);
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.RulesTookEffect(facility, ruling, 2, rulesFrom(EARLIEST));
        acceptChange(BERT, ruling);

        (uint16 version, Rules memory rules) = facilities.rulesOn(facility, EARLIEST - 1);
        vm.assertTrue(version == 1 && rules.amountTolerance == 0, "the day before");
        (version, rules) = facilities.rulesOn(facility, EARLIEST);
        vm.assertTrue(version == 2 && rules.amountTolerance == 5 && rules.cutOffSeconds == 64_800, "the first day");
        vm.assertEq(facilities.rules(facility, 2).matchDeadlineSeconds, 2 days, "by version");
        vm.assertEq(facilities.postingTerms(facility, LEAD).rulesVersion, 2, "for posting");
        vm.assertEq(facilities.postingTerms(facility, LEAD).rulesFrom, EARLIEST, "for posting");
    }

    // who is not waited for

    function test_an_evicted_party_is_not_waited_for() external {
        _evict(BERT);
        acceptChange(ANNA, change);
        assertChange(change, ChangeState.TookEffect, "without Bert");
    }

    function test_a_suspended_party_is_waited_for() external {
        carry(LEAD, ProposalKind.Suspend, abi.encode(BERT));
        acceptChange(ANNA, change);
        assertChange(change, ChangeState.Open, "Bert may come back");
        bytes32 hash = hashOf(change);
        vm.expectRevert(_waitsFor(BERT));
        vm.prank(approverOf(ANNA));
        facilities.enactChange(facility, change, hash);
    }

    function test_anyone_left_enacts_what_only_waited_for_the_evicted() external {
        acceptChange(ANNA, change);
        bytes32 hash = hashOf(change);
        vm.expectRevert(_waitsFor(BERT));
        vm.prank(approverOf(LEAD));
        facilities.enactChange(facility, change, hash);
        _evict(BERT);
        bytes memory other =
            abi.encodeWithSelector(IFacilityRegistry.FacilityOtherChange.selector, facility, change, hash, bytes32(0));
        vm.expectRevert(other);
        vm.prank(approverOf(LEAD));
        facilities.enactChange(facility, change, 0);
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.SharesTookEffect(facility, change, 2, EARLIEST, sharesOf(5_000, 2_000));
        vm.prank(approverOf(LEAD));
        facilities.enactChange(facility, change, hash);
        assertChange(change, ChangeState.TookEffect, "in force");
    }

    function test_where_nobody_else_is_left_a_proposal_takes_effect_at_once() external {
        _evict(BERT);
        _evict(ANNA);
        assertChange(proposeShares(LEAD, EARLIEST, sharesOf(0, 0)), ChangeState.TookEffect, "at once");
    }

    function _evict(uint16 member) private {
        carry(LEAD, ProposalKind.Evict, abi.encode(member));
    }

    function _accepted(uint16 member) private view returns (bytes memory) {
        return
            abi.encodeWithSelector(IFacilityRegistry.FacilityChangeAlreadyAccepted.selector, facility, change, member);
    }

    function _waitsFor(uint16 member) private view returns (bytes memory) {
        return abi.encodeWithSelector(IFacilityRegistry.FacilityChangeWaitsFor.selector, facility, change, member);
    }
}
