// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {
    ConsortiumProposal,
    KeyPurpose,
    Member,
    MemberState,
    ProposalKind,
    ProposalState
} from "types/ConsortiumTypes.sol";
import {vm} from "../support/Vm.sol";
import {VotingFixture} from "../support/VotingFixture.sol";

/// @title objectToKey, enact: keys that a vote gives wait, and their member can object
/// @dev Members: 1 lead, 2 to 4 partners, 5 auditor, 6 regulator.
contract ReplaceKeyByVoteTest is VotingFixture {
    uint8 private constant OPERATOR = 1;
    uint8 private constant APPROVER = 2;
    uint8 private constant RECOVERY = 3;
    /// @dev A secret.
    uint256 private constant FRESH = 77;
    uint40 private constant DUE = uint40(NOW + 7 days);

    uint32 private proposal;

    /// @dev The other banks would give bank 4 another approver key.
    function setUp() external {
        found(3);
        proposal = propose(LEAD, ProposalKind.ReplaceKey, replacement(4, APPROVER, FRESH));
        vote(proposal, 2, true);
    }

    // who objects, to what

    function test_object_reverts_for_who_is_no_approver_or_recovery_key() external {
        address[3] memory callers = [address(this), operatorOf(4), vm.addr(FRESH)];
        for (uint256 i; i < callers.length; ++i) {
            _refuseObjection(
                callers[i],
                proposal,
                abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotAKey.selector, callers[i], KeyPurpose.Approver)
            );
        }
    }

    function test_object_reverts_for_another_member_and_another_kind() external {
        _refuseObjection(approverOf(3), proposal, _notIts(proposal, 3));
        _refuseObjection(recoveryOf(LEAD), proposal, _notIts(proposal, LEAD));
        uint32 eviction = propose(LEAD, ProposalKind.Evict, abi.encode(uint16(4)));
        _refuseObjection(approverOf(4), eviction, _notIts(eviction, 4));
    }

    function test_object_reverts_for_an_evicted_member() external {
        carry(LEAD, ProposalKind.Evict, abi.encode(uint16(4)));
        _refuseObjection(
            recoveryOf(4),
            proposal,
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumMemberNotActive.selector, 4, MemberState.Evicted)
        );
    }

    function test_object_reverts_on_another_content_or_an_unknown_proposal() external {
        bytes32 content = contentOf(proposal);
        vm.expectRevert(
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumOtherContent.selector, proposal, content, bytes32(0))
        );
        vm.prank(approverOf(4));
        consortium.objectToKey(proposal, 0);
        _refuseObjection(
            approverOf(4), 9, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownProposal.selector, 9)
        );
    }

    function test_object_reverts_once_it_is_decided() external {
        vote(proposal, 3, true);
        vm.warp(DUE);
        enact(proposal, 2);
        _refuseObjection(recoveryOf(4), proposal, _inState(proposal, ProposalState.Enacted));
        uint32 second = propose(LEAD, ProposalKind.ReplaceKey, replacement(4, OPERATOR, FRESH + 1));
        objectToKey(recoveryOf(4), second);
        _refuseObjection(recoveryOf(4), second, _inState(second, ProposalState.Objected));
        uint32 third = propose(LEAD, ProposalKind.ReplaceKey, replacement(4, OPERATOR, FRESH + 1));
        vm.warp(block.timestamp + 14 days);
        _refuseObjection(recoveryOf(4), third, _inState(third, ProposalState.Expired));
    }

    // what it waits for

    /// @dev Two of three had replaced the third's keys and accepted in its name at once.
    function test_a_majority_waits_for_seven_days() external {
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.KeyReplacementWaits(proposal, 4, DUE, DUE + 14 days);
        vote(proposal, 3, true);
        expectProposal(proposal, ProposalState.Waiting);
        ConsortiumProposal memory waiting = consortium.proposal(proposal);
        vm.assertTrue(waiting.dueAt == DUE && waiting.expiresAt == DUE + 14 days, "its time");
        vm.assertTrue(waiting.yes == 3 && waiting.electorate == 3, "its votes");
        vm.assertEq(consortium.approverOf(vm.addr(FRESH)), 0, "not yet");
        vm.assertEq(consortium.activeMember(approverOf(4), KeyPurpose.Approver), 4, "the old one serves");
        bytes memory refusal = abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotDue.selector, proposal, DUE);
        refuseEnact(LEAD, proposal, refusal);
        vm.warp(DUE - 1);
        refuseEnact(LEAD, proposal, refusal);
        vm.warp(DUE);
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.ProposalEnacted(proposal);
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.MemberKeyReplaced(4, APPROVER, toKey(vm.addr(FRESH)), true);
        enact(proposal, 3);
        vm.assertEq(consortium.activeMember(vm.addr(FRESH), KeyPurpose.Approver), 4, "the new one");
        vm.assertEq(consortium.approverOf(approverOf(4)), 0, "the old one is nobody's");
        refuseEnact(LEAD, proposal, _inState(proposal, ProposalState.Enacted));
    }

    function test_what_waits_takes_no_votes_and_names_its_content() external {
        vote(proposal, 3, true);
        refuseVote(approverOf(2), proposal, _inState(proposal, ProposalState.Waiting));
        vm.warp(DUE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumOtherContent.selector, proposal, contentOf(proposal), bytes32(0)
            )
        );
        vm.prank(approverOf(LEAD));
        consortium.enact(proposal, 0);
    }

    function test_what_nobody_enacts_expires() external {
        vote(proposal, 3, true);
        vm.warp(DUE + 14 days - 1);
        expectProposal(proposal, ProposalState.Waiting);
        vm.warp(DUE + 14 days);
        expectProposal(proposal, ProposalState.Expired);
        refuseEnact(LEAD, proposal, _inState(proposal, ProposalState.Expired));
    }

    function test_a_majority_without_another_vote_waits_too() external {
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(3)));
        enact(proposal, LEAD);
        expectProposal(proposal, ProposalState.Waiting);
    }

    function test_its_proposer_takes_back_what_waits() external {
        vote(proposal, 3, true);
        vm.prank(approverOf(LEAD));
        consortium.withdraw(proposal);
        expectProposal(proposal, ProposalState.Withdrawn);
    }

    function test_what_has_become_impossible_meanwhile_is_not_enacted() external {
        vote(proposal, 3, true);
        uint32 twin = carry(LEAD, ProposalKind.ReplaceKey, replacement(4, APPROVER, FRESH));
        vm.warp(DUE);
        enact(twin, LEAD);
        refuseEnact(
            LEAD,
            proposal,
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumKeyTaken.selector, toKey(vm.addr(FRESH)), 4, KeyPurpose.Approver
            )
        );
    }

    // what an objection does

    function test_the_approver_objects_while_it_is_open() external {
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.KeyReplacementObjected(proposal, 4, APPROVER);
        objectToKey(approverOf(4), proposal);
        expectProposal(proposal, ProposalState.Objected);
        refuseVote(approverOf(3), proposal, _inState(proposal, ProposalState.Objected));
    }

    function test_the_recovery_key_objects_while_it_waits() external {
        vote(proposal, 3, true);
        vm.warp(DUE - 1);
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.KeyReplacementObjected(proposal, 4, RECOVERY);
        objectToKey(recoveryOf(4), proposal);
        vm.warp(DUE);
        refuseEnact(LEAD, proposal, _inState(proposal, ProposalState.Objected));
        vm.assertEq(consortium.approverOf(approverOf(4)), 4, "its own key");
    }

    /// @dev Its standing is the others' to vote on, and a stop two others'.
    function test_a_suspended_and_stopped_member_objects_too() external {
        stop(4, LEAD, 2);
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(4)));
        objectToKey(approverOf(4), proposal);
        uint32 second = carry(LEAD, ProposalKind.ReplaceKey, replacement(4, RECOVERY, FRESH));
        objectToKey(recoveryOf(4), second);
        expectProposal(second, ProposalState.Objected);
    }

    function test_replace_each_key() external {
        for (uint8 purpose = 1; purpose <= 4; ++purpose) {
            bytes32 old = consortium.keyOf(3, KeyPurpose(purpose));
            bytes32 fresh = purpose == 4 ? keccak256("sealing") : toKey(vm.addr(purpose));
            replaceByVote(LEAD, purpose == 4 ? sealingReplacement(3, fresh) : replacement(3, purpose, purpose));
            vm.assertEq(consortium.keyOf(3, KeyPurpose(purpose)), fresh, "the new one");
            // the old one never comes back
            KeyPurpose held = purpose == 4 ? KeyPurpose.Sealing : KeyPurpose.Retired;
            refusePropose(
                LEAD,
                ProposalKind.ReplaceKey,
                abi.encode(uint16(3), purpose, old, bytes32(0), bytes32(0)),
                abi.encodeWithSelector(IConsortiumRegistry.ConsortiumKeyTaken.selector, old, 3, held)
            );
        }
        Member memory keyed = consortium.member(3);
        vm.assertTrue(
            keyed.operator == vm.addr(1) && keyed.approver == vm.addr(2) && keyed.recovery == vm.addr(3)
                && keyed.sealingKey == keccak256("sealing"),
            "all four"
        );
        vm.assertEq(consortium.memberOf(operatorOf(3)), 0, "the old operator is no more");
        vm.assertEq(consortium.keyOf(3, KeyPurpose.None), 0, "none for nothing");
    }

    function _refuseObjection(address by, uint32 number, bytes memory refusal) private {
        bytes32 content = contentOf(number);
        vm.expectRevert(refusal);
        vm.prank(by);
        consortium.objectToKey(number, content);
    }

    function _notIts(uint32 number, uint16 member) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotItsKey.selector, number, member);
    }

    function _inState(uint32 number, ProposalState state) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsortiumRegistry.ConsortiumProposalInState.selector, number, state);
    }
}
