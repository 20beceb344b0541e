// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {KeyProof, KeyPurpose, MemberState, ProposalKind} from "types/ConsortiumTypes.sol";
import {vm} from "../support/Vm.sol";
import {VotingFixture} from "../support/VotingFixture.sol";

/// @title rotateKey: a member's own keys, by its approver or its recovery key
/// @dev Members: 1 lead, 2 to 4 partners, 5 auditor, 6 regulator.
contract RotateKeyTest is VotingFixture {
    uint8 private constant OPERATOR = 1;
    uint8 private constant APPROVER = 2;
    uint8 private constant RECOVERY = 3;
    uint8 private constant SEALING = 4;
    /// @dev Secrets.
    uint256 private constant SECRET = 77;
    uint256 private constant OTHER = 78;

    address private immutable FRESH = vm.addr(SECRET);

    function setUp() external {
        found(3);
    }

    function test_rotate_reverts_for_who_holds_no_such_key() external {
        address[2] memory callers = [address(this), operatorOf(2)];
        for (uint256 i; i < callers.length; ++i) {
            _refuse(
                callers[i],
                OPERATOR,
                toKey(FRESH),
                abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotAKey.selector, callers[i], KeyPurpose.Approver)
            );
        }
    }

    function test_rotate_reverts_for_keys_beyond_the_callers_reach() external {
        uint8[4] memory byApprover = [0, APPROVER, RECOVERY, 5];
        for (uint256 i; i < byApprover.length; ++i) {
            _refuse(approverOf(2), byApprover[i], toKey(FRESH), _beyond(KeyPurpose.Approver, byApprover[i]));
        }
        uint8[3] memory byRecovery = [0, RECOVERY, 5];
        for (uint256 i; i < byRecovery.length; ++i) {
            _refuse(recoveryOf(2), byRecovery[i], toKey(FRESH), _beyond(KeyPurpose.Recovery, byRecovery[i]));
        }
    }

    /// @dev The approver's do not count as the recovery key's: it may be a thief who rotates.
    function test_a_key_replaces_at_most_16_a_day() external {
        _rotateSealing(approverOf(2), 1, 16);
        _refuseOneMore(approverOf(2));
        _rotateSealing(recoveryOf(2), 17, 32);
        _refuseOneMore(recoveryOf(2));
        _rotateSealing(approverOf(3), 1, 1);
        vm.warp((block.timestamp / 1 days + 1) * 1 days);
        _rotateSealing(approverOf(2), 33, 33);
        _rotateSealing(recoveryOf(2), 34, 34);
    }

    function _rotateSealing(address by, uint256 first, uint256 last) private {
        KeyProof memory none;
        for (uint256 i = first; i <= last; ++i) {
            vm.prank(by);
            consortium.rotateKey(SEALING, bytes32(i), none);
        }
    }

    function _refuseOneMore(address by) private {
        _refuse(
            by,
            SEALING,
            bytes32(uint256(99)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumTooManyRotations.selector, 2, 16)
        );
    }

    function test_rotate_reverts_on_keys_that_are_none() external {
        bytes32 wide = bytes32(uint256(1) << 160);
        _refuse(approverOf(2), OPERATOR, wide, _bad(OPERATOR, wide));
        _refuse(approverOf(2), OPERATOR, 0, _bad(OPERATOR, 0));
        _refuse(approverOf(2), SEALING, 0, _bad(SEALING, 0));
        _refuse(recoveryOf(2), APPROVER, wide, _bad(APPROVER, wide));
    }

    function test_rotate_reverts_on_keys_that_are_taken() external {
        _refuse(approverOf(2), OPERATOR, toKey(operatorOf(3)), _taken(toKey(operatorOf(3)), 3, KeyPurpose.Operator));
        _refuse(approverOf(2), OPERATOR, toKey(operatorOf(2)), _taken(toKey(operatorOf(2)), 2, KeyPurpose.Operator));
        bytes32 sealing = consortium.keyOf(2, KeyPurpose.Sealing);
        _refuse(approverOf(2), SEALING, sealing, _taken(sealing, 2, KeyPurpose.Sealing));
    }

    /// @dev Whoever saw it first could have named it, and kept its holder from it for ever.
    function test_rotate_reverts_on_a_key_that_has_not_signed_for_this_member_and_purpose() external {
        KeyProof[4] memory proofs =
            [_none(), proofOf(3, OPERATOR, SECRET), proofOf(2, APPROVER, SECRET), proofOf(2, OPERATOR, OTHER)];
        for (uint256 i; i < proofs.length; ++i) {
            _refuse(approverOf(2), OPERATOR, toKey(FRESH), proofs[i], _unproven(toKey(FRESH), KeyPurpose.Operator));
        }
        bytes32 sealing = keccak256("new");
        KeyProof memory signed = proofOf(2, SEALING, SECRET);
        _refuse(approverOf(2), SEALING, sealing, signed, _unproven(sealing, KeyPurpose.Sealing));
    }

    /// @dev The same signature in its other form (s beyond the middle) is none.
    function test_rotate_reverts_on_a_signature_in_another_form() external {
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        KeyProof memory proof = proofOf(2, OPERATOR, SECRET);
        uint256 s = uint256(proof.vs) & (type(uint256).max >> 1);
        proof.vs = bytes32((uint256(proof.vs) ^ s) ^ (1 << 255) | ((order - s) & (type(uint256).max >> 1)));
        _refuse(approverOf(2), OPERATOR, toKey(FRESH), proof, _unproven(toKey(FRESH), KeyPurpose.Operator));
    }

    function test_a_sealing_key_of_another_member_is_no_claim() external {
        bytes32 sealing = consortium.keyOf(3, KeyPurpose.Sealing);
        _rotate(approverOf(2), SEALING, sealing);
        vm.assertEq(consortium.keyOf(2, KeyPurpose.Sealing), sealing, "its own");
        _rotate(approverOf(3), SEALING, keccak256("new"));
    }

    function test_rotate_reverts_for_the_approver_of_a_suspended_or_stopped_member() external {
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(3)));
        stop(2, LEAD, 4);
        _refuse(
            approverOf(2),
            OPERATOR,
            toKey(FRESH),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumMemberStopped.selector, 2, NOW + 72 hours)
        );
        _refuse(
            approverOf(3),
            OPERATOR,
            toKey(FRESH),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumMemberNotActive.selector, 3, MemberState.Suspended)
        );
    }

    function test_rotate_reverts_for_an_evicted_member() external {
        carry(LEAD, ProposalKind.Evict, abi.encode(uint16(4)));
        bytes memory refusal =
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumMemberNotActive.selector, 4, MemberState.Evicted);
        _refuse(approverOf(4), OPERATOR, toKey(FRESH), refusal);
        _refuse(recoveryOf(4), OPERATOR, toKey(FRESH), refusal);
    }

    function test_the_approver_rotates_operator_and_sealing_key() external {
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.MemberKeyReplaced(2, OPERATOR, toKey(FRESH), false);
        _rotate(approverOf(2), OPERATOR, SECRET);
        vm.assertEq(consortium.activeMember(FRESH, KeyPurpose.Operator), 2, "the new operator");
        vm.assertEq(consortium.memberOf(operatorOf(2)), 0, "the old one is nobody's");
        _rotate(approverOf(2), SEALING, keccak256("new"));
        vm.assertEq(consortium.member(2).sealingKey, keccak256("new"), "the new sealing key");
    }

    function test_an_old_key_never_comes_back() external {
        _rotate(approverOf(2), OPERATOR, SECRET);
        bytes memory refusal = _taken(toKey(operatorOf(2)), 2, KeyPurpose.Retired);
        _refuse(approverOf(2), OPERATOR, toKey(operatorOf(2)), refusal);
        _refuse(recoveryOf(2), APPROVER, toKey(operatorOf(2)), refusal);
        bytes32 sealing = consortium.keyOf(2, KeyPurpose.Sealing);
        _rotate(approverOf(2), SEALING, keccak256("new"));
        _refuse(approverOf(2), SEALING, sealing, _taken(sealing, 2, KeyPurpose.Sealing));
    }

    function test_the_recovery_key_replaces_lost_keys() external {
        _rotate(recoveryOf(2), APPROVER, SECRET);
        _rotate(recoveryOf(2), OPERATOR, OTHER);
        _rotate(recoveryOf(2), SEALING, keccak256("new"));
        vm.assertEq(consortium.approverOf(FRESH), 2, "the new approver");
        vm.assertEq(consortium.approverOf(approverOf(2)), 0, "the old one is nobody's");
        // the retired approver rotates nothing
        _refuse(
            approverOf(2),
            OPERATOR,
            toKey(address(79)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotAKey.selector, approverOf(2), KeyPurpose.Approver)
        );
    }

    function test_the_recovery_key_works_while_its_member_is_suspended_or_stopped() external {
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(3)));
        _rotate(recoveryOf(3), OPERATOR, 3, OTHER);
        expectState(3, MemberState.Suspended);
        stop(2, LEAD, 4);
        _rotate(recoveryOf(2), APPROVER, SECRET);
        vm.expectRevert(abi.encodeWithSelector(IConsortiumRegistry.ConsortiumMemberStopped.selector, 2, NOW + 72 hours));
        consortium.activeMember(FRESH, KeyPurpose.Approver);
    }

    function test_readers_rotate_their_keys_too() external {
        _rotate(approverOf(5), SEALING, keccak256("new"));
        vm.assertEq(consortium.member(5).sealingKey, keccak256("new"), "an auditor's");
    }

    function _rotate(address by, uint8 purpose, bytes32 key) private {
        vm.prank(by);
        consortium.rotateKey(purpose, key, _none());
    }

    function _rotate(address by, uint8 purpose, uint256 secret) private {
        _rotate(by, purpose, 2, secret);
    }

    function _rotate(address by, uint8 purpose, uint16 member, uint256 secret) private {
        KeyProof memory proof = proofOf(member, purpose, secret);
        vm.prank(by);
        consortium.rotateKey(purpose, toKey(vm.addr(secret)), proof);
    }

    function _refuse(address by, uint8 purpose, bytes32 key, bytes memory refusal) private {
        _refuse(by, purpose, key, _none(), refusal);
    }

    function _refuse(address by, uint8 purpose, bytes32 key, KeyProof memory proof, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(by);
        consortium.rotateKey(purpose, key, proof);
    }

    function _none() private pure returns (KeyProof memory none) {}

    function _unproven(bytes32 key, KeyPurpose purpose) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsortiumRegistry.ConsortiumKeyUnproven.selector, key, purpose);
    }

    function _beyond(KeyPurpose own, uint8 purpose) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsortiumRegistry.ConsortiumKeyMayNotRotate.selector, own, purpose);
    }

    function _bad(uint8 purpose, bytes32 key) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsortiumRegistry.ConsortiumBadKey.selector, purpose, key);
    }

    function _taken(bytes32 key, uint16 member, KeyPurpose purpose) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsortiumRegistry.ConsortiumKeyTaken.selector, key, member, purpose);
    }
}
