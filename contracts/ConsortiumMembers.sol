// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "./interfaces/IFacilityRegistry.sol";
import {KeyProofs} from "./libraries/KeyProofs.sol";
import {MemberSets} from "./libraries/MemberSets.sol";
import {Payloads} from "./libraries/Payloads.sol";
import {ConsortiumStorage, ValidatorNode} from "./storage/ConsortiumStorage.sol";
import {
    FoundingMember,
    KeyHolder,
    KeyProof,
    KeyPurpose,
    Member,
    MemberState,
    Role,
    Validator
} from "./types/ConsortiumTypes.sol";

/// @title Who the members are: their states, roles, keys and nodes, and what a change of them must satisfy
/// @dev The half of ConsortiumRegistry that knows no votes. Each change stands beside its `_require…`, which is asked
///      when the change is proposed and once more when it is made.
abstract contract ConsortiumMembers is ConsortiumStorage, IConsortiumRegistry {
    using KeyProofs for KeyProof;
    using MemberSets for uint256;

    /// @dev 64 characters of UTF-8.
    uint256 private constant _MAX_NAME_BYTES = 256;
    uint256 private constant _MAX_ENODE_BYTES = 512;
    uint256 internal constant _MIN_BANKS = 2;

    /// @inheritdoc IConsortiumRegistry
    function memberCount() external view returns (uint16) {
        return _memberCount;
    }

    /// @inheritdoc IConsortiumRegistry
    function member(uint16 number) external view returns (Member memory) {
        return _known(number);
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
    function keyOf(uint16 number, KeyPurpose purpose) external view returns (bytes32) {
        return _keyOf(_known(number), purpose);
    }

    /// @inheritdoc IConsortiumRegistry
    function activeMember(address key, KeyPurpose purpose) external view returns (uint16) {
        return _actingMember(key, purpose);
    }

    /// @inheritdoc IConsortiumRegistry
    function standingOf(uint16 number) external view returns (Role role, MemberState state) {
        Member storage subject = _members[number];
        return (subject.role, subject.state);
    }

    /// @inheritdoc IConsortiumRegistry
    function isActiveBank(uint16 number) external view returns (bool) {
        return _activeBanks.has(number);
    }

    /// @inheritdoc IConsortiumRegistry
    function validators() external view returns (Validator[] memory list) {
        list = new Validator[](_validatorNodes.length);
        for (uint256 i; i < list.length; ++i) {
            address node = _validatorNodes[i];
            list[i] = Validator({node: node, member: _validators[node].member, enode: _validators[node].enode});
        }
    }

    // admission

    /// @param index the newcomer's place in the list of founding members; 0 when it is admitted later
    function _requireAdmissible(FoundingMember memory newcomer, uint256 index) internal view {
        uint16 count = _memberCount;
        if (count == MemberSets.MOST) revert ConsortiumTooManyMembers(MemberSets.MOST + 1, MemberSets.MOST);
        _requireRole(newcomer.role, index);
        uint256 nameBytes = bytes(newcomer.name).length;
        if (nameBytes == 0 || nameBytes > _MAX_NAME_BYTES) revert ConsortiumBadName(index, newcomer.name);
        uint16 namesake = _numberByName[keccak256(bytes(newcomer.name))];
        if (namesake != 0) revert ConsortiumNameTaken(newcomer.name, namesake);
        _requireKeys(newcomer.name, newcomer.role, newcomer.operator, newcomer.approver, newcomer.recovery);
        if (newcomer.sealingKey == 0) revert ConsortiumKeyMissing(newcomer.name);

        bytes32[3] memory keys = _keysOf(newcomer);
        for (uint256 i; i < keys.length; ++i) {
            if (keys[i] == 0) continue;
            _requireFree(keys[i]);
            for (uint256 earlier; earlier < i; ++earlier) {
                bool isTwice = keys[earlier] == keys[i];
                if (isTwice) revert ConsortiumKeyTaken(keys[i], count + 1, KeyPurpose(earlier + 1));
            }
        }
    }

    /// @dev Not asked of the founders, who name their keys together: nobody is kept out by what they name.
    /// @param payload the proposal's, which holds the proofs
    function _requireProven(FoundingMember memory newcomer, bytes memory payload) internal view {
        bytes32[3] memory keys = _keysOf(newcomer);
        bytes32 digest = KeyProofs.ofAdmission(newcomer);
        for (uint256 i; i < keys.length; ++i) {
            _requireProof(keys[i], i + 1, keys[i], digest, Payloads.toProof(payload, 2 * i + 1));
        }
    }

    /// @param signer the key itself; 0 where there is none, or one that cannot sign
    function _requireProof(bytes32 key, uint256 purpose, bytes32 signer, bytes32 digest, KeyProof memory proof)
        private
        pure
    {
        if (!proof.isBy(signer, digest)) revert ConsortiumKeyUnproven(key, KeyPurpose(purpose));
    }

    function _admit(FoundingMember memory newcomer) internal {
        uint16 number = ++_memberCount;
        _numberByName[keccak256(bytes(newcomer.name))] = number;
        _members[number] = Member({
            name: newcomer.name,
            role: Role(newcomer.role),
            state: MemberState.Active,
            stoppedUntil: 0,
            operator: newcomer.operator,
            approver: newcomer.approver,
            recovery: newcomer.recovery,
            sealingKey: newcomer.sealingKey
        });
        _sealingKeys[number][newcomer.sealingKey] = true;
        bytes32[3] memory keys = _keysOf(newcomer);
        for (uint256 i; i < keys.length; ++i) {
            if (keys[i] != 0) _keys[keys[i]] = KeyHolder({member: number, purpose: KeyPurpose(i + 1)});
        }
        _updateElectorate(number);

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

    // states and roles

    function _requireSuspendable(uint16 number) internal view {
        _requireActive(number);
        _requireBanksBeside(number);
    }

    function _requireReinstatable(uint16 number) internal view {
        MemberState state = _known(number).state;
        if (state == MemberState.Suspended || (state == MemberState.Active && _isStopped(number))) return;
        revert ConsortiumNothingToReinstate(number, state);
    }

    function _requireEvictable(uint16 number) internal view {
        _requireNotEvicted(number);
        _requireBanksBeside(number);
    }

    function _requireRoleChange(uint16 number, uint8 role) internal view {
        Member storage subject = _requireNotEvicted(number);
        _requireRole(role, 0);
        if (uint8(subject.role) == role) revert ConsortiumRoleUnchanged(number, role);
        uint32 facilities = IFacilityRegistry(_contracts.facilityRegistry).unclosedOf(number);
        if (facilities != 0) revert ConsortiumRoleKept(number, facilities);
        _requireKeys(subject.name, role, subject.operator, subject.approver, subject.recovery);
        bool isActive = subject.state == MemberState.Active;
        _requireEnoughBanks(_activeBanks.put(number, isActive && _isBank(Role(role))));
    }

    function _setState(uint16 number, MemberState state) internal {
        _members[number].state = state;
        _updateElectorate(number);
        emit MemberStateChanged(number, state);
    }

    function _evict(uint16 number) internal {
        _setState(number, MemberState.Evicted);
        // backwards, as the last one moves to the place that falls free
        for (uint256 i = _validatorNodes.length; i != 0; --i) {
            address node = _validatorNodes[i - 1];
            if (_validators[node].member == number) _removeValidator(node);
        }
    }

    function _changeRole(uint16 number, uint8 role) internal {
        _members[number].role = Role(role);
        _updateElectorate(number);
        emit MemberRoleChanged(number, role);
    }

    // keys

    function _requireReplaceable(uint16 number, uint8 purpose, bytes32 key, KeyProof memory proof) internal view {
        _requireNotEvicted(number);
        if (purpose == uint8(KeyPurpose.None) || purpose > uint8(KeyPurpose.Sealing)) {
            revert ConsortiumUnknownKeyPurpose(purpose);
        }
        bool isSealing = purpose == uint8(KeyPurpose.Sealing);
        if (key == 0 || (!isSealing && uint256(key) > type(uint160).max)) revert ConsortiumBadKey(purpose, key);
        if (!isSealing) _requireFree(key);
        else if (_sealingKeys[number][key]) revert ConsortiumKeyTaken(key, number, KeyPurpose.Sealing);
        bytes32 signer = isSealing ? bytes32(0) : key;
        _requireProof(key, purpose, signer, KeyProofs.ofReplacement(number, purpose, key), proof);
    }

    function _replaceKey(uint16 number, uint8 asked, bytes32 key, bool isByVote) internal {
        KeyPurpose purpose = KeyPurpose(asked);
        Member storage holder = _members[number];
        if (purpose == KeyPurpose.Sealing) {
            _sealingKeys[number][key] = true;
            holder.sealingKey = key;
        } else {
            bytes32 old = _keyOf(holder, purpose);
            if (old != 0) _keys[old].purpose = KeyPurpose.Retired;
            _keys[key] = KeyHolder({member: number, purpose: purpose});
            if (purpose == KeyPurpose.Operator) holder.operator = _toAddress(key);
            else if (purpose == KeyPurpose.Approver) holder.approver = _toAddress(key);
            else holder.recovery = _toAddress(key);
        }
        emit MemberKeyReplaced(number, asked, key, isByVote);
    }

    function _keyHolder(address key) internal view returns (KeyHolder memory) {
        return _keys[_toKey(key)];
    }

    // validators

    function _requireRegistrable(uint16 number, address node, string memory enode) internal view {
        _requireActive(number);
        uint256 enodeBytes = bytes(enode).length;
        if (node == address(0) || enodeBytes == 0 || enodeBytes > _MAX_ENODE_BYTES) {
            revert ConsortiumBadValidator(node, enode);
        }
        uint16 holder = _validators[node].member;
        if (holder != 0) revert ConsortiumValidatorTaken(node, holder);
    }

    function _requireRegistered(address node) internal view {
        if (_validators[node].member == 0) revert ConsortiumUnknownValidator(node);
    }

    function _registerValidator(uint16 number, address node, string memory enode) internal {
        _validators[node] = ValidatorNode({member: number, place: uint32(_validatorNodes.length), enode: enode});
        _validatorNodes.push(node);
        emit ValidatorRegistered(number, node, enode);
    }

    function _removeValidator(address node) internal {
        uint32 place = _validators[node].place;
        address last = _validatorNodes[_validatorNodes.length - 1];
        _validatorNodes[place] = last;
        _validators[last].place = place;
        _validatorNodes.pop();
        delete _validators[node];
        emit ValidatorRemoved(node);
    }

    // who is who

    /// @dev The active member for whom `key` serves `purpose`. Posting's hot path: two slots.
    function _actingMember(address key, KeyPurpose purpose) internal view returns (uint16 number) {
        number = _activeMember(key, purpose);
        uint40 until = _members[number].stoppedUntil;
        if (until > block.timestamp) revert ConsortiumMemberStopped(number, until);
    }

    /// @dev The same, under an emergency stop too.
    function _activeMember(address key, KeyPurpose purpose) internal view returns (uint16 number) {
        number = _memberByKey(key, purpose);
        if (number == 0) revert ConsortiumNotAKey(key, purpose);
        MemberState state = _members[number].state;
        if (state != MemberState.Active) revert ConsortiumMemberNotActive(number, state);
    }

    function _known(uint16 number) internal view returns (Member storage) {
        if (number == 0 || number > _memberCount) revert ConsortiumUnknownMember(number);
        return _members[number];
    }

    function _requireActive(uint16 number) internal view {
        MemberState state = _known(number).state;
        if (state != MemberState.Active) revert ConsortiumMemberNotActive(number, state);
    }

    function _isStopped(uint16 number) internal view returns (bool) {
        return _members[number].stoppedUntil > block.timestamp;
    }

    function _requireEnoughBanks(uint256 banks) internal pure {
        if (banks.count() < _MIN_BANKS) revert ConsortiumTooFewBanks(banks.count());
    }

    /// @dev Keeps the set of banks in step with a member's role and state.
    function _updateElectorate(uint16 number) private {
        Member storage subject = _members[number];
        bool isActive = subject.state == MemberState.Active;
        _activeBanks = _activeBanks.put(number, isActive && _isBank(subject.role));
    }

    function _requireBanksBeside(uint16 number) private view {
        _requireEnoughBanks(_activeBanks.put(number, false));
    }

    function _requireNotEvicted(uint16 number) internal view returns (Member storage subject) {
        subject = _known(number);
        if (subject.state == MemberState.Evicted) revert ConsortiumMemberNotActive(number, MemberState.Evicted);
    }

    function _requireFree(bytes32 key) private view {
        KeyHolder memory holder = _keys[key];
        if (holder.member != 0) revert ConsortiumKeyTaken(key, holder.member, holder.purpose);
    }

    function _memberByKey(address key, KeyPurpose purpose) private view returns (uint16) {
        KeyHolder memory holder = _keyHolder(key);
        return holder.purpose == purpose ? holder.member : 0;
    }

    function _keyOf(Member storage holder, KeyPurpose purpose) private view returns (bytes32) {
        if (purpose == KeyPurpose.Operator) return _toKey(holder.operator);
        if (purpose == KeyPurpose.Approver) return _toKey(holder.approver);
        if (purpose == KeyPurpose.Recovery) return _toKey(holder.recovery);
        return purpose == KeyPurpose.Sealing ? holder.sealingKey : bytes32(0);
    }

    function _requireRole(uint8 role, uint256 index) private pure {
        if (role == uint8(Role.None) || role > uint8(Role.Regulator)) revert ConsortiumUnknownRole(index, role);
    }

    function _requireKeys(string memory name, uint8 role, address operator, address approver, address recovery)
        private
        pure
    {
        bool isKeyMissing = operator == address(0) || approver == address(0) || recovery == address(0);
        if (isKeyMissing && _isBank(Role(role))) revert ConsortiumKeyMissing(name);
    }

    /// @dev The keys that sign, in the order of KeyPurpose, from Operator.
    function _keysOf(FoundingMember memory newcomer) private pure returns (bytes32[3] memory) {
        return [_toKey(newcomer.operator), _toKey(newcomer.approver), _toKey(newcomer.recovery)];
    }

    function _isBank(Role role) private pure returns (bool) {
        return role == Role.Lead || role == Role.Partner;
    }

    function _toKey(address key) private pure returns (bytes32) {
        return bytes32(uint256(uint160(key)));
    }

    function _toAddress(bytes32 key) private pure returns (address) {
        return address(uint160(uint256(key)));
    }
}
