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

/// @notice What a key may do. A key serves one member for one purpose, for ever; a retired one serves nobody.
enum KeyPurpose {
    None,
    Operator,
    Approver,
    Recovery,
    Sealing,
    Retired
}

/// @notice What a proposal asks for.
enum ProposalKind {
    None,
    Admit,
    Suspend,
    Reinstate,
    Evict,
    ChangeRole,
    ReplaceKey,
    RegisterValidator,
    RemoveValidator,
    Upgrade
}

/// @notice Where a proposal stands. Votes are taken only while it is open. A replacement of keys that has its majority
///         waits until it is due, and ends where the member objects.
enum ProposalState {
    None,
    Open,
    Enacted,
    Rejected,
    Withdrawn,
    Expired,
    Waiting,
    Objected
}

/// @notice How a bank voted.
enum Vote {
    None,
    InFavour,
    Against
}

/// @notice A member as the consortium is founded with it, its number its place in the list, from 1; or as it is admitted.
/// @dev `role` is a plain number so that a wrong one meets our own error and not a bare revert.
struct FoundingMember {
    string name;
    uint8 role;
    address operator;
    address approver;
    address recovery;
    bytes32 sealingKey;
}

/// @notice A signature by a key over what it is claimed for (see IConsortiumRegistry), in the short form of EIP-2098.
struct KeyProof {
    bytes32 r;
    bytes32 vs;
}

/// @notice A member as the registry knows it.
/// @param stoppedUntil block time up to which its operator and approver keys are refused, seconds; 0 = never stopped
struct Member {
    string name;
    // one slot, which is all that posting reads of a member
    Role role;
    MemberState state;
    uint40 stoppedUntil;
    address operator;
    address approver;
    address recovery;
    bytes32 sealingKey;
}

/// @notice Whose key it is.
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

/// @notice A proposal as views return it.
/// @param payload what is asked for, in the ABI's encoding; its fields by kind stand at IConsortiumRegistry.propose
/// @param proposer the bank that made it
/// @param subject the bank that has no vote, because it is about it; 0 = none
/// @param createdAt block time of the proposal, seconds
/// @param expiresAt block time from which it can no longer be voted on or enacted, seconds
/// @param dueAt block time from which a replacement of keys that has its majority can be enacted, seconds; 0 = none waits
/// @param yes votes in favour that count; of a decided proposal, those that counted when it was decided
/// @param no votes against, likewise
/// @param electorate banks that may vote, likewise
/// @param needed votes in favour that enact it, likewise
/// @param contentHash keccak256(abi.encode(kind, payload, reasonHash)): what a vote names
struct ConsortiumProposal {
    ProposalKind kind;
    ProposalState state;
    uint16 proposer;
    uint16 subject;
    uint40 createdAt;
    uint40 expiresAt;
    uint40 dueAt;
    uint16 yes;
    uint16 no;
    uint16 electorate;
    uint16 needed;
    bytes32 contentHash;
    bytes payload;
}

/// @notice A validator node of the chain.
/// @param node its address, which signs blocks
/// @param member whose node it is
/// @param enode where its peers find it
struct Validator {
    address node;
    uint16 member;
    string enode;
}

/// @notice How the votes on a proposal stand, numbers of banks.
struct Tally {
    uint256 yes;
    uint256 no;
    uint256 electorate;
    uint256 needed;
}
