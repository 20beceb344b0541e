// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice What a member may do. Leads and partners are banks and vote; the others only read.
enum Role {
    None,
    Lead,
    Partner,
    Auditor,
    Regulator
}

/// @notice Where a member stands. A suspended or evicted member neither posts nor approves.
enum MemberState {
    None,
    Active,
    Suspended,
    Evicted
}

/// @notice What a key may do. An address serves one member for one purpose, for ever.
enum KeyPurpose {
    None,
    Operator,
    Approver,
    Recovery
}

/// @notice A member as the consortium is founded with it; its number is its place in the list, from 1.
/// @dev `role` is a plain number so that a wrong one meets our own error and not a bare revert.
struct FoundingMember {
    string name;
    uint8 role;
    address operator;
    address approver;
    address recovery;
    bytes32 sealingKey;
}

/// @notice A member as the registry knows it.
struct Member {
    string name;
    Role role;
    MemberState state;
    address operator;
    address approver;
    address recovery;
    bytes32 sealingKey;
}

/// @notice Whose key an address is.
struct KeyHolder {
    uint16 member;
    KeyPurpose purpose;
}

/// @notice The contracts of a consortium: implementations to found it from, or the proxies founded.
struct Contracts {
    address consortiumRegistry;
    address facilityRegistry;
    address reserveLedger;
    address reconciliation;
    address dayClose;
}
