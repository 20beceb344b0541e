// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {AuditAnchor, Grant} from "../types/DisclosureTypes.sol";

/// @title What members disclose: sealed details to one observer, and the heads of their audit trails
/// @notice A bank opens the details of its own batches of a facility and a period to an auditor or regulator that they
///         were not sealed for: the batches' keys, sealed to that observer's sealing key. No other key is handed over.
///         What was read cannot be made unread: a revocation ends what nodes show, and says so to everyone.
interface IDisclosures {
    /// @notice A bank opened details of its own batches to an observer.
    /// @param grant its number, from 1
    /// @param member the bank, a party of the facility
    /// @param fromDay the first business day (ordinal), `toDay` the last one: those of the legs that it opens
    /// @param sealedKeys the batches' sequences and keys, sealed to the observer; see docs/wire-format.md
    event DetailsGranted(
        uint32 indexed grant,
        uint32 indexed facility,
        uint16 indexed reader,
        uint16 member,
        uint24 fromDay,
        uint24 toDay,
        bytes sealedKeys
    );

    /// @notice A grant is used no more. `member` revoked it.
    event GrantRevoked(uint32 indexed grant, uint32 indexed facility, uint16 indexed reader, uint16 member);

    /// @notice A member's audit trail had so many rows, and this hash of the last one.
    event AuditHeadAnchored(uint16 indexed member, uint48 rows, bytes32 head);

    /// @notice Only an active bank that is a party of the facility opens details of it.
    error GrantNotAParty(uint32 facility, uint16 member);

    /// @notice `reader` is no active auditor or regulator.
    error GrantNotAnObserver(uint16 reader);

    /// @notice The period ends before it begins (ordinals).
    error GrantBadPeriod(uint24 fromDay, uint24 toDay);

    /// @notice So many bytes of sealed keys were given; `most` fit, and none are no grant.
    error GrantBadKeys(uint256 length, uint256 most);

    /// @notice `member` has made `most` grants on this day (UTC), revoked ones too.
    error GrantTooMany(uint16 member, uint256 most);

    /// @notice No grant has this number.
    error GrantUnknown(uint32 grant);

    /// @notice The grant is revoked already.
    error GrantRevokedAlready(uint32 grant);

    /// @notice `member` granted it; another party of the facility revokes only what a bank granted that is active no more.
    error GrantNotYours(uint32 grant, uint16 member, uint16 caller);

    /// @notice `member` has anchored a head on this day (ordinal, UTC).
    error AuditHeadTooSoon(uint16 member, uint24 day);

    /// @notice A trail only grows: `anchored` rows are anchored, `rows` were given.
    error AuditHeadNotNewer(uint48 rows, uint48 anchored);

    /// @notice Opens details of the caller's own batches to an observer. By an approver of an active bank that is a party
    ///         of the facility, at most 16 times a day (UTC).
    /// @param reader an active auditor or regulator
    /// @param fromDay business days (ordinals), both included
    /// @param sealedKeys 1 to 73,728 bytes
    /// @dev Reverts with ConsortiumNotAKey, ConsortiumMemberNotActive, GrantNotAParty, GrantNotAnObserver, GrantBadPeriod,
    ///      GrantBadKeys or GrantTooMany.
    function grantDetails(uint32 facility, uint16 reader, uint24 fromDay, uint24 toDay, bytes calldata sealedKeys)
        external
        returns (uint32 grant);

    /// @notice Ends a grant. By an approver of the bank that granted it; where that is no active bank any more, of any
    ///         party of the facility.
    /// @dev Reverts with ConsortiumNotAKey, ConsortiumMemberNotActive, GrantUnknown, GrantRevokedAlready, GrantNotAParty
    ///      or GrantNotYours.
    function revokeGrant(uint32 grant) external;

    /// @notice Anchors the head of the caller's own audit trail, once a day (UTC). By an operator of any active member.
    /// @param rows more than were anchored before
    /// @dev Reverts with ConsortiumNotAKey, ConsortiumMemberNotActive, AuditHeadTooSoon or AuditHeadNotNewer.
    function anchorAuditHead(uint48 rows, bytes32 head) external;

    /// @notice How many grants there ever were; the highest number.
    function grantCount() external view returns (uint32);

    /// @notice A grant; of member 0 where there is none.
    function grantOf(uint32 grant) external view returns (Grant memory);

    /// @notice The last head that a member has anchored.
    function auditAnchorOf(uint16 member) external view returns (AuditAnchor memory);
}
