// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {FoundingMember, MemberState, ProposalKind, ProposalState, Role} from "types/ConsortiumTypes.sol";
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

    function newcomer(uint16 number, Role role) internal pure returns (FoundingMember memory) {
        return FoundingMember({
            name: string.concat("member-", vm.toString(number)),
            role: uint8(role),
            operator: operatorOf(number),
            approver: approverOf(number),
            recovery: recoveryOf(number),
            sealingKey: keccak256(abi.encode("sealing", number))
        });
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
