// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IDisclosures} from "./interfaces/IDisclosures.sol";
import {DayCount, DayCounts} from "./libraries/DayCounts.sol";
import {Limits} from "./libraries/Limits.sol";
import {DayCloseStorage} from "./storage/DayCloseStorage.sol";
import {KeyPurpose, MemberState, Role} from "./types/ConsortiumTypes.sol";
import {AuditAnchor, Grant} from "./types/DisclosureTypes.sol";

/// @title What members disclose: sealed details to one observer, and the heads of their audit trails
/// @dev Meaning, units and errors: IDisclosures. A part of DayClose, which has room for it; it touches nothing else there.
abstract contract Disclosures is DayCloseStorage, IDisclosures {
    using DayCounts for DayCount;

    uint256 private constant _MAX_GRANTS_A_DAY = 16;

    /// @dev The keys of about 2,000 batches, in a transaction of less than 128 KiB.
    uint256 private constant _MAX_SEALED_KEYS = 73_728;

    /// @inheritdoc IDisclosures
    function grantDetails(uint32 facility, uint16 reader, uint24 fromDay, uint24 toDay, bytes calldata sealedKeys)
        external
        returns (uint32 grant)
    {
        uint16 member = _partyOf(facility);
        (Role role, MemberState state) = _consortium.standingOf(reader);
        if (state != MemberState.Active || (role != Role.Auditor && role != Role.Regulator)) {
            revert GrantNotAnObserver(reader);
        }
        if (toDay < fromDay) revert GrantBadPeriod(fromDay, toDay);
        if (sealedKeys.length == 0 || sealedKeys.length > _MAX_SEALED_KEYS) {
            revert GrantBadKeys(sealedKeys.length, _MAX_SEALED_KEYS);
        }
        bool isWithin = _grantedADay[member].add(_MAX_GRANTS_A_DAY);
        if (!isWithin) revert GrantTooMany(member, _MAX_GRANTS_A_DAY);

        grant = ++_grantCount;
        _grants[grant] = Grant({
            facility: facility, member: member, reader: reader, fromDay: fromDay, toDay: toDay, isRevoked: false
        });

        emit DetailsGranted(grant, facility, reader, member, fromDay, toDay, sealedKeys);
    }

    /// @inheritdoc IDisclosures
    function revokeGrant(uint32 grant) external {
        Grant memory granted = _grants[grant];
        if (granted.member == 0) revert GrantUnknown(grant);
        uint16 member = _partyOf(granted.facility);
        if (granted.member != member && _consortium.isActiveBank(granted.member)) {
            revert GrantNotYours(grant, granted.member, member);
        }
        if (granted.isRevoked) revert GrantRevokedAlready(grant);

        _grants[grant].isRevoked = true;

        emit GrantRevoked(grant, granted.facility, granted.reader, member);
    }

    /// @inheritdoc IDisclosures
    function anchorAuditHead(uint48 rows, bytes32 head) external {
        uint16 member = _consortium.activeMember(msg.sender, KeyPurpose.Operator);
        AuditAnchor memory last = _auditAnchors[member];
        uint24 today = uint24(block.timestamp / 1 days + Limits.EPOCH_ORDINAL);
        if (today <= last.day) revert AuditHeadTooSoon(member, last.day);
        if (rows <= last.rows) revert AuditHeadNotNewer(rows, last.rows);

        _auditAnchors[member] = AuditAnchor({rows: rows, day: today, head: head});

        emit AuditHeadAnchored(member, rows, head);
    }

    /// @inheritdoc IDisclosures
    function grantCount() external view returns (uint32) {
        return _grantCount;
    }

    /// @inheritdoc IDisclosures
    function grantOf(uint32 grant) external view returns (Grant memory) {
        return _grants[grant];
    }

    /// @inheritdoc IDisclosures
    function auditAnchorOf(uint16 member) external view returns (AuditAnchor memory) {
        return _auditAnchors[member];
    }

    /// @dev The active bank whose approver calls, which must be a party of the facility.
    function _partyOf(uint32 facility) private view returns (uint16 member) {
        member = _consortium.activeMember(msg.sender, KeyPurpose.Approver);
        bool isParty = member == _facilities.leadOf(facility) || _facilities.partnerOfMember(facility, member) != 0;
        if (!isParty || !_consortium.isActiveBank(member)) revert GrantNotAParty(facility, member);
    }
}
