// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {DayCount} from "../libraries/DayCounts.sol";
import {Contracts, KeyHolder, Member, ProposalKind, ProposalState} from "../types/ConsortiumTypes.sol";

/// @dev A proposal and the votes on it. Sets of members are bitmaps: libraries/MemberSets.
struct Ballot {
    ProposalKind kind;
    // Open until decided; that it has expired is told by the time alone
    ProposalState state;
    uint16 proposer;
    // the bank that has no vote; 0 = none
    uint16 subject;
    uint40 createdAt;
    // as counted when it was decided; 0 while it is open
    uint16 yes;
    uint16 no;
    uint16 electorate;
    // from when a replacement of keys that has its majority can be enacted; 0 = none waits
    uint40 dueAt;
    // as counted when it was decided, like the three above
    uint16 needed;
    // the banks that voted, whether or not their votes still count
    uint256 inFavour;
    uint256 against;
    bytes payload;
    // what a vote names: keccak256(abi.encode(kind, payload, reasonHash))
    bytes32 contentHash;
}

/// @dev What one bank has asked for against a member, and waits for a second bank; 0 = nothing.
struct Emergency {
    uint16 stopAskedBy;
    uint40 stopAskedAt;
    uint16 liftAskedBy;
    uint40 liftAskedAt;
}

/// @dev A validator node; member 0 = none.
struct ValidatorNode {
    uint16 member;
    // in the list of nodes
    uint32 place;
    string enode;
}

/// @title All that ConsortiumRegistry remembers
/// @dev Appended to only; contracts/README.md says how the layout is watched.
abstract contract ConsortiumStorage {
    /// @dev Members ever admitted; numbers run from 1 to this.
    uint16 internal _memberCount;

    /// @dev Proposals ever made; numbers run from 1 to this.
    uint32 internal _proposalCount;

    /// @dev Member by number.
    mapping(uint16 number => Member) internal _members;

    /// @dev Number by keccak256 of the name; 0 = free.
    mapping(bytes32 nameHash => uint16 number) internal _numberByName;

    /// @dev Whose key it is, and for what: an address in the low bits.
    mapping(bytes32 key => KeyHolder) internal _keys;

    /// @dev The proxies that a vote can upgrade, this contract's own among them.
    Contracts internal _contracts;

    /// @dev The leads and partners that are active.
    uint256 internal _activeBanks;

    /// @dev Written no more; what lies behind it keeps its place.
    // slither-disable-next-line unused-state
    uint256 private _activeLeads;

    /// @dev Proposal by number.
    mapping(uint32 number => Ballot) internal _ballots;

    /// @dev Half of an emergency stop, or of its lifting, by the member it is about.
    mapping(uint16 member => Emergency) internal _emergencies;

    /// @dev The validator nodes' addresses, in no order.
    address[] internal _validatorNodes;

    /// @dev Validator by its address.
    mapping(address node => ValidatorNode) internal _validators;

    /// @dev The sealing keys that a member has or had. No claim on others: nobody proves to hold one on the chain.
    mapping(uint16 member => mapping(bytes32 sealingKey => bool)) internal _sealingKeys;

    /// @dev Block time from which a bank may take part in a stop again; 0 = it has not yet.
    mapping(uint16 bank => uint40) internal _mayStopFrom;

    /// @dev The proposals that count towards a bank's most, by number, in no order; 0 = a free place, and so is one that
    ///      counts no more.
    // written through a reference, which Slither does not follow
    // slither-disable-next-line uninitialized-state
    mapping(uint16 bank => uint32[16]) internal _countedProposals;

    /// @dev How many of its member's keys a key has replaced on a day.
    mapping(address key => DayCount) internal _replacedADay;
}
