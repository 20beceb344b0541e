// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {FoundingMember, KeyProof, MemberState, ProposalKind, ProposalState, Role} from "types/ConsortiumTypes.sol";
import {ConsortiumFixture} from "./ConsortiumFixture.sol";
import {vm} from "./Vm.sol";

/// @title Short ways to propose and to vote
abstract contract VotingFixture is ConsortiumFixture {
    bytes32 internal constant REASON = keccak256("a reason");

    function propose(uint16 by, ProposalKind kind, bytes memory payload) internal returns (uint32) {
        vm.prank(approverOf(by));
        return consortium.propose(uint8(kind), payload, REASON);
    }

    function vote(uint32 proposal, uint16 by, bool inFavour) internal {
        bytes32 content = contentOf(proposal);
        vm.prank(approverOf(by));
        consortium.vote(proposal, content, inFavour);
    }

    function refuseVote(address by, uint32 proposal, bytes memory refusal) internal {
        bytes32 content = contentOf(proposal);
        vm.expectRevert(refusal);
        vm.prank(by);
        consortium.vote(proposal, content, true);
    }

    function enact(uint32 proposal, uint16 by) internal {
        bytes32 content = contentOf(proposal);
        vm.prank(approverOf(by));
        consortium.enact(proposal, content);
    }

    function refuseEnact(uint16 by, uint32 proposal, bytes memory refusal) internal {
        bytes32 content = contentOf(proposal);
        vm.expectRevert(refusal);
        vm.prank(approverOf(by));
        consortium.enact(proposal, content);
    }

    /// @dev What a vote on it names; 0 for what was never proposed.
    function contentOf(uint32 proposal) internal view returns (bytes32) {
        return proposal > consortium.proposalCount() ? bytes32(0) : consortium.proposal(proposal).contentHash;
    }

    /// @dev Proposed by bank `by`, then each further bank votes in favour until it is enacted.
    function carry(uint16 by, ProposalKind kind, bytes memory payload) internal returns (uint32 proposal) {
        proposal = propose(by, kind, payload);
        uint16 subject = consortium.proposal(proposal).subject;
        for (uint16 bank = 1; consortium.proposal(proposal).state == ProposalState.Open; ++bank) {
            if (bank != by && bank != subject && consortium.isActiveBank(bank)) vote(proposal, bank, true);
        }
    }

    function refusePropose(uint16 by, ProposalKind kind, bytes memory payload, bytes memory refusal) internal {
        vm.expectRevert(refusal);
        vm.prank(approverOf(by));
        consortium.propose(uint8(kind), payload, REASON);
    }

    function stop(uint16 subject, uint16 first, uint16 second) internal {
        vm.prank(approverOf(first));
        consortium.emergencyStop(subject, REASON);
        vm.prank(approverOf(second));
        consortium.emergencyStop(subject, REASON);
    }

    function newcomer(uint16 number, Role role) internal view returns (FoundingMember memory) {
        return FoundingMember({
            name: string.concat("member-", vm.toString(number)),
            role: uint8(role),
            operator: operatorOf(number),
            approver: approverOf(number),
            recovery: recoveryOf(number),
            sealingKey: keccak256(abi.encode("sealing", number))
        });
    }

    /// @dev The payload of its admission, signed by the keys of member `number` for those that it names.
    function admissionOf(uint16 number, FoundingMember memory bank) internal view returns (bytes memory) {
        bytes32 digest = _digest(
            keccak256(
                abi.encode(
                    keccak256(
                        "Admission(string name,uint8 role,address operator,address approver,address recovery,bytes32 sealingKey)"
                    ),
                    keccak256(bytes(bank.name)),
                    bank.role,
                    bank.operator,
                    bank.approver,
                    bank.recovery,
                    bank.sealingKey
                )
            )
        );
        KeyProof memory none;
        KeyProof[3] memory proofs = [
            bank.operator == address(0) ? none : sign(secretOf("operator", number), digest),
            bank.approver == address(0) ? none : sign(secretOf("approver", number), digest),
            bank.recovery == address(0) ? none : sign(secretOf("recovery", number), digest)
        ];
        return abi.encode(bank, proofs);
    }

    function admissionOf(uint16 number, Role role) internal view returns (bytes memory) {
        return admissionOf(number, newcomer(number, role));
    }

    /// @dev The payload that gives a member the key of that secret, signed by it.
    function replacement(uint16 member, uint8 purpose, uint256 secret) internal view returns (bytes memory) {
        return abi.encode(member, purpose, vm.addr(secret), proofOf(member, purpose, secret));
    }

    function sealingReplacement(uint16 member, bytes32 key) internal pure returns (bytes memory) {
        KeyProof memory none;
        return abi.encode(member, uint8(4), key, none);
    }

    function proofOf(uint16 member, uint8 purpose, uint256 secret) internal view returns (KeyProof memory) {
        return sign(
            secret,
            _digest(
                keccak256(
                    abi.encode(
                        keccak256("KeyReplacement(uint16 member,uint8 purpose,address key)"),
                        member,
                        purpose,
                        vm.addr(secret)
                    )
                )
            )
        );
    }

    function sign(uint256 secret, bytes32 digest) internal pure returns (KeyProof memory) {
        (bytes32 r, bytes32 vs) = vm.signCompact(secret, digest);
        return KeyProof(r, vs);
    }

    /// @dev A key by vote: its majority, the time in which its member can object, the enactment.
    function replaceByVote(uint16 by, bytes memory payload) internal returns (uint32 proposal) {
        proposal = carry(by, ProposalKind.ReplaceKey, payload);
        vm.warp(consortium.proposal(proposal).dueAt);
        enact(proposal, by);
    }

    function objectToKey(address by, uint32 proposal) internal {
        bytes32 content = contentOf(proposal);
        vm.prank(by);
        consortium.objectToKey(proposal, content);
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)"),
                keccak256("Tallystick"),
                block.chainid,
                address(consortium)
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function expectState(uint16 member, MemberState state) internal view {
        vm.assertEq(uint256(consortium.member(member).state), uint256(state), "the member's state");
    }

    function expectProposal(uint32 proposal, ProposalState state) internal view {
        vm.assertEq(uint256(consortium.proposal(proposal).state), uint256(state), "the proposal's state");
    }

    function toKey(address key) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(key)));
    }
}
