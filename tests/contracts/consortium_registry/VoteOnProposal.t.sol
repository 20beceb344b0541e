// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {
    ConsortiumProposal,
    KeyPurpose,
    MemberState,
    ProposalKind,
    ProposalState,
    Role,
    Vote
} from "types/ConsortiumTypes.sol";
import {vm} from "../support/Vm.sol";
import {VotingFixture} from "../support/VotingFixture.sol";

/// @title vote, enact, withdraw: who may, when a majority stands, and whose votes count
/// @dev Members: 1 lead, 2 to 5 partners, 6 auditor, 7 regulator. Of five banks four are needed.
contract VoteOnProposalTest is VotingFixture {
    uint16 private constant AUDITOR = 6;

    uint32 private admission;

    function setUp() external {
        found(4);
        admission = propose(LEAD, ProposalKind.Admit, admissionOf(8, Role.Partner));
    }

    // who and when

    function test_vote_reverts_for_who_is_no_active_banks_approver() external {
        refuseVote(
            operatorOf(2),
            admission,
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotAKey.selector, operatorOf(2), KeyPurpose.Approver)
        );
        _refuseVote(
            AUDITOR, admission, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotABank.selector, AUDITOR)
        );
        carry(LEAD, ProposalKind.Evict, abi.encode(uint16(5)));
        _refuseVote(
            5,
            admission,
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumMemberNotActive.selector, 5, MemberState.Evicted)
        );
    }

    function test_vote_reverts_for_an_unknown_proposal() external {
        _refuseVote(2, 9, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownProposal.selector, 9));
    }

    /// @dev Whoever was shown an admission where the chain holds an upgrade has signed nothing.
    function test_vote_and_enact_revert_for_another_content_than_the_proposals() external {
        bytes memory payload = admissionOf(8, Role.Partner);
        bytes32 content = keccak256(abi.encode(uint8(ProposalKind.Admit), payload, REASON));
        vm.assertEq(consortium.proposal(admission).contentHash, content, "kind, payload and reason");
        uint32 second = propose(LEAD, ProposalKind.Evict, abi.encode(uint16(5)));
        bytes32[3] memory others = [
            bytes32(0),
            keccak256(abi.encode(uint8(ProposalKind.Admit), payload, bytes32(0))),
            consortium.proposal(second).contentHash
        ];
        for (uint256 i; i < others.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumOtherContent.selector, admission, content, others[i]
            );
            vm.expectRevert(refusal);
            vm.prank(approverOf(2));
            consortium.vote(admission, others[i], true);
            vm.expectRevert(refusal);
            vm.prank(approverOf(2));
            consortium.vote(admission, others[i], false);
            vm.expectRevert(refusal);
            vm.prank(approverOf(2));
            consortium.enact(admission, others[i]);
        }
        vm.assertEq(consortium.proposal(admission).yes, 1, "the proposer's alone");
    }

    function test_vote_reverts_for_a_second_vote() external {
        bytes memory refusal = abi.encodeWithSelector(IConsortiumRegistry.ConsortiumVotedAlready.selector, admission, 1);
        _refuseVote(LEAD, admission, refusal);
        vote(admission, 2, false);
        refusal = abi.encodeWithSelector(IConsortiumRegistry.ConsortiumVotedAlready.selector, admission, 2);
        _refuseVote(2, admission, refusal);
    }

    function test_vote_reverts_for_the_subject() external {
        uint32 proposal = propose(LEAD, ProposalKind.Evict, abi.encode(uint16(2)));
        _refuseVote(2, proposal, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumSubjectHasNoVote.selector, 2));
    }

    function test_vote_reverts_once_the_proposal_expired() external {
        vm.warp(NOW + 14 days - 1);
        vote(admission, 2, true);
        vm.warp(NOW + 14 days);
        expectProposal(admission, ProposalState.Expired);
        bytes memory refusal = _inState(ProposalState.Expired);
        _refuseVote(3, admission, refusal);
        refuseEnact(2, admission, refusal);
        vm.expectRevert(refusal);
        vm.prank(approverOf(LEAD));
        consortium.withdraw(admission);
    }

    function test_vote_reverts_once_the_proposal_is_decided() external {
        _favour(admission, 2, 3);
        vote(admission, 4, true);
        _refuseVote(5, admission, _inState(ProposalState.Enacted));
    }

    // majorities

    function test_the_vote_that_makes_the_majority_enacts() external {
        _favour(admission, 2, 3);
        expectProposal(admission, ProposalState.Open);
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.VoteCast(admission, 4, true);
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.ProposalEnacted(admission);
        vote(admission, 4, true);
        vm.assertEq(consortium.memberCount(), 8, "admitted");
        ConsortiumProposal memory enacted = consortium.proposal(admission);
        vm.assertTrue(enacted.state == ProposalState.Enacted, "enacted");
        // as counted then: the newcomer is none of them
        vm.assertTrue(enacted.yes == 4 && enacted.no == 0 && enacted.electorate == 5 && enacted.needed == 4, "counts");
    }

    /// @dev More than two thirds, at least two: for every electorate from 2 to 12 banks.
    function test_the_majority_is_more_than_two_thirds() external {
        for (uint16 banks = 2; banks <= 12; ++banks) {
            found(banks - 1);
            uint32 proposal = propose(LEAD, ProposalKind.RegisterValidator, abi.encode(LEAD, address(77), "enode"));
            uint256 yes = 1;
            for (uint16 bank = 2; consortium.proposal(proposal).state == ProposalState.Open; ++bank) {
                vm.assertFalse(yes * 3 > 2 * uint256(banks) && yes >= 2, "a majority must have enacted it");
                vote(proposal, bank, true);
                ++yes;
            }
            vm.assertTrue(yes * 3 > 2 * uint256(banks) && yes >= 2, "only a majority enacts");
        }
    }

    function test_it_is_rejected_as_soon_as_no_majority_can_be_reached() external {
        vote(admission, 2, false);
        expectProposal(admission, ProposalState.Open);
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.ProposalRejected(admission);
        vote(admission, 3, false);
        ConsortiumProposal memory rejected = consortium.proposal(admission);
        vm.assertTrue(rejected.state == ProposalState.Rejected, "rejected");
        vm.assertTrue(rejected.yes == 1 && rejected.no == 2 && rejected.electorate == 5, "as counted then");
        vm.assertTrue(consortium.voteOf(admission, 3) == Vote.Against, "the vote is kept");
    }

    function test_the_subject_has_no_vote_and_no_fewer_are_needed() external {
        uint32 proposal = propose(LEAD, ProposalKind.Evict, abi.encode(uint16(5)));
        ConsortiumProposal memory made = consortium.proposal(proposal);
        vm.assertTrue(made.electorate == 4 && made.needed == 4, "as many as decide anything among five");
        _favour(proposal, 2, 3);
        expectState(5, MemberState.Active);
        vote(proposal, 4, true);
        expectState(5, MemberState.Evicted);
        made = consortium.proposal(proposal);
        vm.assertTrue(made.yes == 4 && made.electorate == 4 && made.needed == 4, "as counted then");
    }

    /// @dev Else they would evict one after another, and decide alone in the end what needed four.
    function test_three_of_five_take_no_bank_out_of_the_electorate() external {
        ProposalKind[3] memory kinds = [ProposalKind.Suspend, ProposalKind.Evict, ProposalKind.ReplaceKey];
        for (uint256 i; i < kinds.length; ++i) {
            bool isKey = kinds[i] == ProposalKind.ReplaceKey;
            uint32 proposal = propose(LEAD, kinds[i], isKey ? replacement(5, 2, 77) : abi.encode(uint16(5)));
            _favour(proposal, 2, 3);
            expectProposal(proposal, ProposalState.Open);
            vote(proposal, 4, false);
            expectProposal(proposal, ProposalState.Rejected);
        }
    }

    function test_of_three_banks_two_evict_the_third_and_its_lead_too() external {
        found(2);
        uint32 proposal = propose(2, ProposalKind.Evict, abi.encode(LEAD));
        vm.assertEq(consortium.proposal(proposal).needed, 2, "all the others");
        vote(proposal, 3, true);
        expectState(LEAD, MemberState.Evicted);
        proposal = propose(2, ProposalKind.ChangeRole, abi.encode(uint16(3), uint8(Role.Lead)));
        vote(proposal, 3, true);
        (Role role,) = consortium.standingOf(3);
        vm.assertTrue(role == Role.Lead, "those who remain have a lead again");
    }

    // whose votes count

    function test_votes_of_a_bank_suspended_since_fall_away() external {
        vote(admission, 5, true);
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(5)));
        ConsortiumProposal memory now_ = consortium.proposal(admission);
        vm.assertTrue(now_.yes == 1 && now_.electorate == 4 && now_.needed == 3, "its vote fell away");
        vote(admission, 2, true);
        expectProposal(admission, ProposalState.Open);
        vote(admission, 3, true);
        expectProposal(admission, ProposalState.Enacted);
    }

    function test_votes_against_of_a_bank_evicted_since_fall_away() external {
        vote(admission, 5, false);
        carry(LEAD, ProposalKind.Evict, abi.encode(uint16(5)));
        vm.assertEq(consortium.proposal(admission).no, 0, "fell away");
        vote(admission, 4, false);
        expectProposal(admission, ProposalState.Open);
    }

    function test_a_reinstated_banks_vote_counts_again() external {
        vote(admission, 5, true);
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(5)));
        carry(LEAD, ProposalKind.Reinstate, abi.encode(uint16(5)));
        vm.assertEq(consortium.proposal(admission).yes, 2, "counts again");
    }

    function test_a_bank_that_became_a_reader_has_no_vote() external {
        vote(admission, 5, true);
        carry(LEAD, ProposalKind.ChangeRole, abi.encode(uint16(5), uint8(Role.Auditor)));
        ConsortiumProposal memory now_ = consortium.proposal(admission);
        vm.assertTrue(now_.yes == 1 && now_.electorate == 4, "a reader's vote");
    }

    function test_a_bank_admitted_since_votes_too() external {
        uint32 later = propose(LEAD, ProposalKind.RegisterValidator, abi.encode(LEAD, address(77), "enode"));
        _favour(admission, 2, 3);
        vote(admission, 4, true);
        ConsortiumProposal memory now_ = consortium.proposal(later);
        vm.assertTrue(now_.electorate == 6 && now_.needed == 5, "six banks");
        vote(later, 8, true);
        vm.assertEq(consortium.proposal(later).yes, 2, "its vote counts");
    }

    function test_a_stopped_banks_vote_waits_and_it_stays_in_the_electorate() external {
        vote(admission, 5, false);
        stop(5, LEAD, 2);
        ConsortiumProposal memory now_ = consortium.proposal(admission);
        vm.assertTrue(now_.no == 0 && now_.electorate == 5 && now_.needed == 4, "waits");
        vm.warp(NOW + 72 hours);
        vm.assertEq(consortium.proposal(admission).no, 1, "counts again");
    }

    // enact

    function test_enact_reverts_without_a_majority() external {
        refuseEnact(
            2, admission, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNoMajority.selector, admission, 1, 4)
        );
    }

    function test_enact_reverts_for_who_is_no_active_banks_approver() external {
        refuseEnact(
            AUDITOR, admission, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotABank.selector, AUDITOR)
        );
    }

    function test_enact_where_the_electorate_shrank() external {
        _favour(admission, 2, 3);
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(5)));
        vm.assertTrue(consortium.proposal(admission).yes == 3, "three of four");
        enact(admission, 4);
        expectProposal(admission, ProposalState.Enacted);
        vm.assertEq(consortium.memberCount(), 8, "admitted");
    }

    /// @dev A vote against enacts nothing, though a majority stands.
    function test_a_vote_against_does_not_enact() external {
        _favour(admission, 2, 3);
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(5)));
        vote(admission, 4, false);
        expectProposal(admission, ProposalState.Open);
    }

    function test_a_vote_reverts_where_enacting_has_become_impossible() external {
        uint32 twin = propose(2, ProposalKind.Admit, admissionOf(8, Role.Partner));
        _favour(admission, 2, 3);
        vote(admission, 4, true);
        vote(twin, 3, true);
        vote(twin, 4, true);
        // of six banks now five are needed
        vote(twin, 5, true);
        _refuseVote(LEAD, twin, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNameTaken.selector, "member-8", 8));
        expectProposal(twin, ProposalState.Open);
    }

    // withdraw

    function test_withdraw_reverts_for_others() external {
        vm.expectRevert(
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotTheProposer.selector, admission, 2, LEAD)
        );
        vm.prank(approverOf(2));
        consortium.withdraw(admission);
    }

    function test_withdraw_ends_it() external {
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.ProposalWithdrawn(admission);
        vm.prank(approverOf(LEAD));
        consortium.withdraw(admission);
        expectProposal(admission, ProposalState.Withdrawn);
        _refuseVote(2, admission, _inState(ProposalState.Withdrawn));
        vm.warp(NOW + 30 days);
        expectProposal(admission, ProposalState.Withdrawn);
    }

    function _favour(uint32 proposal, uint16 first, uint16 second) private {
        vote(proposal, first, true);
        vote(proposal, second, true);
    }

    function _inState(ProposalState state) private view returns (bytes memory) {
        return abi.encodeWithSelector(IConsortiumRegistry.ConsortiumProposalInState.selector, admission, state);
    }

    function _refuseVote(uint16 by, uint32 proposal, bytes memory refusal) private {
        refuseVote(approverOf(by), proposal, refusal);
    }
}
