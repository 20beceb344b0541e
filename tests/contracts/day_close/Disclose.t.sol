// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IDisclosures} from "interfaces/IDisclosures.sol";
import {KeyPurpose, ProposalKind} from "types/ConsortiumTypes.sol";
import {AuditAnchor, Grant} from "types/DisclosureTypes.sol";
import {FacilityFixture} from "../support/FacilityFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title grantDetails and revokeGrant, by the facility's banks; anchorAuditHead, by any member
contract DiscloseTest is FacilityFixture {
    uint16 private constant AUDITOR = 5;
    uint16 private constant REGULATOR = 6;
    bytes private constant KEYS = "sealed";

    function setUp() external {
        setUpFacility();
    }

    function test_grants_only_by_an_active_party_s_approver() external {
        address operator = operatorOf(ANNA);
        _refuseGrant(
            operator,
            AUDITOR,
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotAKey.selector, operator, KeyPurpose.Approver)
        );
        bytes4 notAParty = IDisclosures.GrantNotAParty.selector;
        _refuseGrant(approverOf(STRANGER), AUDITOR, abi.encodeWithSelector(notAParty, facility, STRANGER));
        _refuseGrant(approverOf(AUDITOR), AUDITOR, abi.encodeWithSelector(notAParty, facility, AUDITOR));
        carry(LEAD, ProposalKind.Suspend, abi.encode(ANNA));
        vm.expectPartialRevert(IConsortiumRegistry.ConsortiumMemberNotActive.selector);
        vm.prank(approverOf(ANNA));
        dayClose.grantDetails(facility, AUDITOR, TODAY, TODAY, KEYS);
    }

    function test_grants_only_to_an_active_observer() external {
        bytes4 notAnObserver = IDisclosures.GrantNotAnObserver.selector;
        _refuseGrant(approverOf(ANNA), STRANGER, abi.encodeWithSelector(notAnObserver, STRANGER));
        _refuseGrant(approverOf(ANNA), 77, abi.encodeWithSelector(notAnObserver, 77));
        carry(LEAD, ProposalKind.Suspend, abi.encode(AUDITOR));
        _refuseGrant(approverOf(ANNA), AUDITOR, abi.encodeWithSelector(notAnObserver, AUDITOR));
    }

    function test_grants_a_period_with_keys_that_fit() external {
        vm.expectRevert(abi.encodeWithSelector(IDisclosures.GrantBadPeriod.selector, TODAY, TODAY - 1));
        vm.prank(approverOf(ANNA));
        dayClose.grantDetails(facility, AUDITOR, TODAY, TODAY - 1, KEYS);
        vm.expectRevert(abi.encodeWithSelector(IDisclosures.GrantBadKeys.selector, 0, 73_728));
        vm.prank(approverOf(ANNA));
        dayClose.grantDetails(facility, AUDITOR, TODAY, TODAY, "");
        bytes memory tooMany = new bytes(73_729);
        vm.expectRevert(abi.encodeWithSelector(IDisclosures.GrantBadKeys.selector, 73_729, 73_728));
        vm.prank(approverOf(ANNA));
        dayClose.grantDetails(facility, AUDITOR, TODAY, TODAY, tooMany);
    }

    function test_sixteen_grants_a_day_each_bank_for_itself() external {
        for (uint32 made = 1; made <= 16; made++) {
            vm.assertEq(_grant(LEAD, AUDITOR), made, "number");
        }
        vm.prank(approverOf(LEAD));
        dayClose.revokeGrant(1);
        _refuseGrant(approverOf(LEAD), REGULATOR, abi.encodeWithSelector(IDisclosures.GrantTooMany.selector, LEAD, 16));
        vm.assertEq(_grant(ANNA, AUDITOR), 17, "another bank's");
        vm.warp((NOW / 1 days + 1) * 1 days - 1);
        _refuseGrant(approverOf(LEAD), AUDITOR, abi.encodeWithSelector(IDisclosures.GrantTooMany.selector, LEAD, 16));
        vm.warp((NOW / 1 days + 1) * 1 days);
        vm.assertEq(_grant(LEAD, AUDITOR), 18, "the next day");
    }

    function test_a_grant_is_told_kept_and_revoked_by_its_bank() external {
        vm.expectEmit(address(dayClose));
        emit IDisclosures.DetailsGranted(1, facility, REGULATOR, LEAD, TODAY - 5, TODAY, KEYS);
        uint32 grant = _grant(LEAD, REGULATOR);
        Grant memory kept = dayClose.grantOf(grant);
        vm.assertEq(kept.facility, facility, "facility");
        vm.assertEq(kept.member, LEAD, "member");
        vm.assertEq(kept.reader, REGULATOR, "reader");
        vm.assertEq(kept.fromDay, TODAY - 5, "from");
        vm.assertEq(kept.toDay, TODAY, "to");
        vm.assertEq(_grant(ANNA, AUDITOR), 2, "the second");
        vm.assertEq(dayClose.grantCount(), 2, "count");

        _refuseRevoke(ANNA, 3, abi.encodeWithSelector(IDisclosures.GrantUnknown.selector, 3));
        _refuseRevoke(ANNA, 1, abi.encodeWithSelector(IDisclosures.GrantNotYours.selector, 1, LEAD, ANNA));
        _refuseRevoke(STRANGER, 1, abi.encodeWithSelector(IDisclosures.GrantNotAParty.selector, facility, STRANGER));
        vm.expectEmit(address(dayClose));
        emit IDisclosures.GrantRevoked(1, facility, REGULATOR, LEAD);
        vm.prank(approverOf(LEAD));
        dayClose.revokeGrant(1);
        vm.assertTrue(dayClose.grantOf(1).isRevoked, "revoked");
        vm.assertFalse(dayClose.grantOf(2).isRevoked, "the other stands");
        _refuseRevoke(LEAD, 1, abi.encodeWithSelector(IDisclosures.GrantRevokedAlready.selector, 1));
    }

    function test_what_a_bank_that_is_gone_granted_another_party_revokes() external {
        _grant(ANNA, AUDITOR);
        carry(LEAD, ProposalKind.Evict, abi.encode(ANNA));
        vm.prank(approverOf(BERT));
        dayClose.revokeGrant(1);
        vm.assertTrue(dayClose.grantOf(1).isRevoked, "revoked");
    }

    function test_a_trail_s_head_once_a_day_and_only_longer() external {
        address approver = approverOf(AUDITOR);
        vm.expectRevert(
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotAKey.selector, approver, KeyPurpose.Operator)
        );
        vm.prank(approver);
        dayClose.anchorAuditHead(7, "head");

        vm.expectEmit(address(dayClose));
        emit IDisclosures.AuditHeadAnchored(AUDITOR, 7, "head");
        _anchor(AUDITOR, 7);
        AuditAnchor memory kept = dayClose.auditAnchorOf(AUDITOR);
        vm.assertEq(kept.rows, 7, "rows");
        vm.assertEq(kept.day, TODAY, "day");
        vm.assertEq(kept.head, "head", "head");
        _anchor(LEAD, 3);

        vm.expectRevert(abi.encodeWithSelector(IDisclosures.AuditHeadTooSoon.selector, AUDITOR, TODAY));
        _anchor(AUDITOR, 8);
        vm.warp(NOW + 1 days);
        vm.expectRevert(abi.encodeWithSelector(IDisclosures.AuditHeadNotNewer.selector, 7, 7));
        _anchor(AUDITOR, 7);
        _anchor(AUDITOR, 8);
    }

    function _grant(uint16 member, uint16 reader) private returns (uint32) {
        vm.prank(approverOf(member));
        return dayClose.grantDetails(facility, reader, TODAY - 5, TODAY, KEYS);
    }

    function _refuseGrant(address by, uint16 reader, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(by);
        dayClose.grantDetails(facility, reader, TODAY, TODAY, KEYS);
    }

    function _refuseRevoke(uint16 by, uint32 grant, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(by));
        dayClose.revokeGrant(grant);
    }

    function _anchor(uint16 member, uint48 rows) private {
        vm.prank(operatorOf(member));
        dayClose.anchorAuditHead(rows, "head");
    }
}
