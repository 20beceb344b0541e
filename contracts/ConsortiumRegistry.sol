// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Governed} from "./Governed.sol";
import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {ConsortiumStorage} from "./storage/ConsortiumStorage.sol";
import {Contracts, FoundingMember, KeyHolder, KeyPurpose, Member, MemberState, Role} from "./types/ConsortiumTypes.sol";

/// @title The members of the consortium, their roles and their keys
/// @dev Meaning, units and errors: IConsortiumRegistry.
contract ConsortiumRegistry is ConsortiumStorage, Governed, IConsortiumRegistry {
    /// @dev 64 characters of UTF-8.
    uint256 private constant _MAX_NAME_BYTES = 256;
    uint256 private constant _MAX_FOUNDING_MEMBERS = 256;

    /// @inheritdoc IConsortiumRegistry
    function initialize(FoundingMember[] calldata members, Contracts calldata contracts_) external initializer {
        if (members.length > _MAX_FOUNDING_MEMBERS) {
            revert ConsortiumTooManyMembers(members.length, _MAX_FOUNDING_MEMBERS);
        }
        uint256 banks;
        uint256 leads;
        for (uint256 i; i < members.length; ++i) {
            uint8 role = members[i].role;
            if (role == uint8(Role.None) || role > uint8(Role.Regulator)) revert ConsortiumUnknownRole(i, role);
            if (_isBank(Role(role))) ++banks;
            if (Role(role) == Role.Lead) ++leads;
            _admit(members[i], i);
        }
        if (banks < 2 || leads == 0) revert ConsortiumTooFewBanks(banks, leads);
        _contracts = contracts_;
    }

    /// @inheritdoc IConsortiumRegistry
    function contracts() external view returns (Contracts memory) {
        return _contracts;
    }

    /// @inheritdoc IConsortiumRegistry
    function memberCount() external view returns (uint16) {
        return _memberCount;
    }

    /// @inheritdoc IConsortiumRegistry
    function member(uint16 number) external view returns (Member memory) {
        if (number == 0 || number > _memberCount) revert ConsortiumUnknownMember(number);
        return _members[number];
    }

    /// @inheritdoc IConsortiumRegistry
    function memberNamed(string calldata name) external view returns (uint16) {
        return _numberByName[keccak256(bytes(name))];
    }

    /// @inheritdoc IConsortiumRegistry
    function memberOf(address operator) external view returns (uint16) {
        return _memberByKey(operator, KeyPurpose.Operator);
    }

    /// @inheritdoc IConsortiumRegistry
    function approverOf(address approver) external view returns (uint16) {
        return _memberByKey(approver, KeyPurpose.Approver);
    }

    /// @inheritdoc IConsortiumRegistry
    function activeMember(address key, KeyPurpose purpose) external view returns (uint16 number) {
        number = _memberByKey(key, purpose);
        if (number == 0) revert ConsortiumNotAKey(key, purpose);
        MemberState state = _members[number].state;
        if (state != MemberState.Active) revert ConsortiumMemberNotActive(number, state);
    }

    /// @inheritdoc IConsortiumRegistry
    function isActiveBank(uint16 number) external view returns (bool) {
        Member storage subject = _members[number];
        return subject.state == MemberState.Active && _isBank(subject.role);
    }

    function _admit(FoundingMember calldata newcomer, uint256 index) private {
        uint256 nameBytes = bytes(newcomer.name).length;
        if (nameBytes == 0 || nameBytes > _MAX_NAME_BYTES) revert ConsortiumBadName(index, newcomer.name);
        bytes32 nameHash = keccak256(bytes(newcomer.name));
        if (_numberByName[nameHash] != 0) revert ConsortiumNameTaken(newcomer.name, _numberByName[nameHash]);

        Role role = Role(newcomer.role);
        bool isKeyMissing =
            newcomer.operator == address(0) || newcomer.approver == address(0) || newcomer.recovery == address(0);
        if (newcomer.sealingKey == 0 || (isKeyMissing && _isBank(role))) revert ConsortiumKeyMissing(newcomer.name);

        uint16 number = ++_memberCount;
        _numberByName[nameHash] = number;
        _members[number] = Member({
            name: newcomer.name,
            role: role,
            state: MemberState.Active,
            operator: newcomer.operator,
            approver: newcomer.approver,
            recovery: newcomer.recovery,
            sealingKey: newcomer.sealingKey
        });
        _claimKey(newcomer.operator, number, KeyPurpose.Operator);
        _claimKey(newcomer.approver, number, KeyPurpose.Approver);
        _claimKey(newcomer.recovery, number, KeyPurpose.Recovery);

        emit MemberAdmitted(
            number,
            newcomer.name,
            newcomer.role,
            newcomer.operator,
            newcomer.approver,
            newcomer.sealingKey,
            newcomer.recovery
        );
    }

    function _claimKey(address key, uint16 number, KeyPurpose purpose) private {
        if (key == address(0)) return;
        KeyHolder storage holder = _keys[key];
        if (holder.member != 0) revert ConsortiumKeyTaken(key, holder.member, holder.purpose);
        _keys[key] = KeyHolder({member: number, purpose: purpose});
    }

    function _memberByKey(address key, KeyPurpose purpose) private view returns (uint16) {
        KeyHolder memory holder = _keys[key];
        return holder.purpose == purpose ? holder.member : 0;
    }

    function _isBank(Role role) private pure returns (bool) {
        return role == Role.Lead || role == Role.Partner;
    }

    /// @dev The registry itself, once a vote has passed.
    function _authority() internal view override returns (address) {
        return address(this);
    }
}
