// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "interfaces/IFacilityRegistry.sol";
import {KeyPurpose} from "types/ConsortiumTypes.sol";
import {Change, ChangeKind, ChangeState, FacilityState, Shares} from "types/FacilityTypes.sol";
import {FacilityFixture} from "../support/FacilityFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title proposeShares: who may, from when, within what bounds, and what is kept
contract ProposeSharesTest is FacilityFixture {
    function setUp() external {
        setUpFacility();
    }

    function test_it_reverts_for_who_is_no_partys_approver() external {
        vm.expectRevert(
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumNotAKey.selector, operatorOf(LEAD), KeyPurpose.Approver
            )
        );
        vm.prank(operatorOf(LEAD));
        facilities.proposeShares(facility, EARLIEST, sharesOf(1, 1), REASON);
        bytes memory refusal = abi.encodeWithSelector(IFacilityRegistry.FacilityNotAParty.selector, facility, STRANGER);
        _refuse(STRANGER, EARLIEST, sharesOf(1, 1), refusal);
    }

    function test_it_reverts_for_a_facility_that_is_not_running() external {
        vm.expectRevert(abi.encodeWithSelector(IFacilityRegistry.FacilityUnknown.selector, 9));
        vm.prank(approverOf(LEAD));
        facilities.proposeShares(9, EARLIEST, sharesOf(1, 1), REASON);
        vm.prank(approverOf(LEAD));
        uint32 proposed = facilities.propose(termsOf("G", two(1, 1), strictRules()));
        vm.expectRevert(
            abi.encodeWithSelector(IFacilityRegistry.FacilityInState.selector, proposed, FacilityState.Proposed)
        );
        vm.prank(approverOf(ANNA));
        facilities.proposeShares(proposed, EARLIEST, sharesOf(1, 1), REASON);
    }

    function test_it_reverts_for_a_day_that_a_leg_may_carry_already() external {
        _refuse(LEAD, EARLIEST - 1, sharesOf(1, 1), _tooLate(EARLIEST - 1, EARLIEST));
        _refuse(LEAD, 0, sharesOf(1, 1), _tooLate(0, EARLIEST));
        vm.warp(NOW + 12 hours - 1);
        proposeShares(LEAD, EARLIEST, sharesOf(1, 1));
        vm.warp(NOW + 12 hours);
        _refuse(LEAD, EARLIEST, sharesOf(1, 1), _tooLate(EARLIEST, EARLIEST + 1));
    }

    function test_it_reverts_for_a_day_not_after_the_last_versions() external {
        uint32 change = proposeShares(LEAD, EARLIEST + 100, sharesOf(1, 1));
        acceptChange(ANNA, change);
        acceptChange(BERT, change);
        _refuse(LEAD, EARLIEST + 100, sharesOf(1, 1), _tooLate(EARLIEST + 100, EARLIEST + 101));
        _refuse(LEAD, EARLIEST, sharesOf(1, 1), _tooLate(EARLIEST, EARLIEST + 101));
    }

    /// @dev A version that starts in 100 years would have been the last one for so long.
    function test_it_reverts_for_a_day_far_ahead() external {
        uint24 latest = EARLIEST + 179;
        bytes memory refusal =
            abi.encodeWithSelector(IFacilityRegistry.FacilityChangeTooEarly.selector, facility, latest + 1, latest);
        _refuse(LEAD, latest + 1, sharesOf(1, 1), refusal);
        proposeShares(LEAD, latest, sharesOf(1, 1));
    }

    function test_it_reverts_for_another_number_of_partners() external {
        for (uint256 count; count < 4; ++count) {
            if (count == 2) continue;
            bytes memory refusal = abi.encodeWithSelector(IFacilityRegistry.FacilityBadShareCount.selector, count, 2);
            _refuse(LEAD, EARLIEST, new Shares[](count), refusal);
        }
    }

    function test_it_reverts_beyond_the_bounds_per_component() external {
        for (uint8 component; component < 3; ++component) {
            Shares[] memory shares = sharesOf(0, 0);
            _set(shares[0], component, 5_000);
            _set(shares[1], component, 5_001);
            bytes memory refusal =
                abi.encodeWithSelector(IFacilityRegistry.FacilitySharesAboveWhole.selector, component, 10_001);
            _refuse(LEAD, EARLIEST, shares, refusal);
            _set(shares[1], component, 4_001);
            refusal = abi.encodeWithSelector(IFacilityRegistry.FacilityLeadBelowBound.selector, component, 999, 1_000);
            _refuse(LEAD, EARLIEST, shares, refusal);
            _set(shares[0], component, 1_000);
            _set(shares[1], component, 6_001);
            refusal = abi.encodeWithSelector(
                IFacilityRegistry.FacilityPartnerAboveBound.selector, 2, component, 6_001, 6_000
            );
            _refuse(LEAD, EARLIEST, shares, refusal);
            _set(shares[0], component, 3_000);
            _set(shares[1], component, 6_000);
            proposeShares(LEAD, EARLIEST, shares);
        }
    }

    function test_any_party_proposes_and_has_thereby_accepted() external {
        uint16[3] memory parties = [BERT, LEAD, ANNA];
        uint256[3] memory bits = [uint256(4), 1, 2];
        for (uint32 i; i < 3; ++i) {
            bytes memory payload = abi.encode(EARLIEST, sharesOf(5_000, 2_000));
            uint40 expiresAt = uint40(block.timestamp + 30 days);
            vm.expectEmit(address(facilities));
            emit IFacilityRegistry.ChangeProposed(facility, i + 1, parties[i], 1, payload, REASON, expiresAt);
            vm.assertEq(proposeShares(parties[i], EARLIEST, sharesOf(5_000, 2_000)), i + 1, "numbered on");
            Change memory kept = facilities.change(facility, i + 1);
            vm.assertTrue(kept.kind == ChangeKind.Shares && kept.state == ChangeState.Open, "open");
            vm.assertEq(kept.proposer, parties[i], "its proposer");
            vm.assertEq(kept.acceptedBy, bits[i], "who alone has accepted");
            vm.assertEq(kept.expiresAt, expiresAt, "expiry");
            vm.assertEq(kept.reasonHash, REASON, "reason");
            vm.assertEq(kept.payload, payload, "content");
        }
        vm.assertEq(facilities.changeCount(facility), 3, "all are there");
        vm.assertEq(facilities.sharesSchedule(facility).length, 1, "nothing has changed yet");
    }

    function test_unknown_changes_are_told_as_such() external {
        for (uint32 number; number < 2; ++number) {
            vm.expectRevert(abi.encodeWithSelector(IFacilityRegistry.FacilityUnknownChange.selector, facility, number));
            facilities.change(facility, number);
        }
    }

    function _set(Shares memory shares, uint8 component, uint16 bps) private pure {
        if (component == 0) shares.principalBps = bps;
        else if (component == 1) shares.interestBps = bps;
        else shares.feeBps = bps;
    }

    function _tooLate(uint24 from, uint256 earliest) private view returns (bytes memory) {
        return abi.encodeWithSelector(IFacilityRegistry.FacilityChangeTooLate.selector, facility, from, earliest);
    }

    function _refuse(uint16 member, uint24 from, Shares[] memory shares, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        facilities.proposeShares(facility, from, shares, REASON);
    }
}
