// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Contracts, FoundingMember, KeyPurpose, Member, MemberState} from "../types/ConsortiumTypes.sol";
import {IGoverned} from "./IGoverned.sol";

/// @title The members of the consortium, their roles and their keys
/// @notice Member numbers start at 1, are never reused and never change. An address serves one member for one purpose,
///         so that an operator key can never approve.
interface IConsortiumRegistry is IGoverned {
    /// @notice A member joined. `role`: 1 lead, 2 partner, 3 auditor, 4 regulator.
    event MemberAdmitted(
        uint16 indexed member,
        string name,
        uint8 role,
        address operator,
        address approver,
        bytes32 sealingKey,
        address recovery
    );

    /// @notice A consortium needs at least two banks, one of them a lead: `banks` and `leads` were given.
    error ConsortiumTooFewBanks(uint256 banks, uint256 leads);

    /// @notice At most `most` members can found a consortium; `given` were given.
    error ConsortiumTooManyMembers(uint256 given, uint256 most);

    /// @notice A name is empty or longer than 256 bytes, at place `index` of the list.
    error ConsortiumBadName(uint256 index, string name);

    /// @notice Another member already has this name.
    error ConsortiumNameTaken(string name, uint16 member);

    /// @notice `role` of the member at place `index` is none of 1 lead, 2 partner, 3 auditor, 4 regulator.
    error ConsortiumUnknownRole(uint256 index, uint8 role);

    /// @notice A key that `member` needs is zero: a bank's operator, approver or recovery key, or anyone's sealing key.
    error ConsortiumKeyMissing(string member);

    /// @notice `key` already belongs to `member` for `purpose`; every key serves one member for one purpose.
    error ConsortiumKeyTaken(address key, uint16 member, KeyPurpose purpose);

    /// @notice `caller` is no member's key for `purpose`.
    error ConsortiumNotAKey(address caller, KeyPurpose purpose);

    /// @notice `member` is suspended or evicted.
    error ConsortiumMemberNotActive(uint16 member, MemberState state);

    /// @notice No member has this number.
    error ConsortiumUnknownMember(uint16 member);

    /// @notice Founds the consortium. Once, in the transaction that makes the proxy.
    /// @param members at least two banks, one of them a lead; numbered by their places from 1. Auditors and regulators
    ///        may leave their operator, approver and recovery keys zero.
    function initialize(FoundingMember[] calldata members, Contracts calldata contracts_) external;

    /// @notice The consortium's proxies: the only contracts that a vote can upgrade.
    function contracts() external view returns (Contracts memory);

    /// @notice How many members were ever admitted; the highest member number.
    function memberCount() external view returns (uint16);

    /// @notice A member by its number. Reverts with ConsortiumUnknownMember.
    function member(uint16 number) external view returns (Member memory);

    /// @notice The number of the member of that name; 0 = none.
    function memberNamed(string calldata name) external view returns (uint16);

    /// @notice The member whose operator key this is; 0 = nobody's.
    function memberOf(address operator) external view returns (uint16);

    /// @notice The member whose approver key this is; 0 = nobody's.
    function approverOf(address approver) external view returns (uint16);

    /// @notice The active member for whom `key` serves `purpose`.
    /// @dev Reverts with ConsortiumNotAKey or ConsortiumMemberNotActive.
    function activeMember(address key, KeyPurpose purpose) external view returns (uint16);

    /// @notice Whether a member is an active bank: a lead or a partner.
    function isActiveBank(uint16 number) external view returns (bool);
}
