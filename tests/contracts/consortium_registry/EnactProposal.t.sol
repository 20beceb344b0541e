// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {
    FoundingMember,
    KeyPurpose,
    Member,
    MemberState,
    ProposalKind,
    ProposalState,
    Role,
    Validator
} from "types/ConsortiumTypes.sol";
import {Change, FacilityTerms} from "types/FacilityTypes.sol";
import {Vm, vm} from "../support/Vm.sol";
import {VotingFixture} from "../support/VotingFixture.sol";

/// @title What an enacted proposal does, kind by kind; upgrades: UpgradeContract.t.sol
/// @dev Members: 1 lead, 2 to 4 partners, 5 auditor, 6 regulator.
contract EnactProposalTest is VotingFixture {
    uint16 private constant AUDITOR = 5;

    function setUp() external {
        found(3);
    }

    function test_admit() external {
        FoundingMember memory bank = newcomer(7, Role.Lead);
        uint32 proposal = _allButOne(ProposalKind.Admit, admissionOf(7, bank));
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.ProposalEnacted(proposal);
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.MemberAdmitted(
            7, bank.name, bank.role, bank.operator, bank.approver, bank.sealingKey, bank.recovery
        );
        vote(proposal, 3, true);
        Member memory admitted = consortium.member(7);
        vm.assertTrue(admitted.role == Role.Lead && admitted.state == MemberState.Active, "a lead");
        vm.assertEq(consortium.memberNamed("member-7"), 7, "by name");
        vm.assertEq(consortium.activeMember(operatorOf(7), KeyPurpose.Operator), 7, "operator");
        vm.assertEq(consortium.activeMember(approverOf(7), KeyPurpose.Approver), 7, "approver");
        vm.assertEq(consortium.keyOf(7, KeyPurpose.Recovery), toKey(recoveryOf(7)), "recovery");
        vm.assertEq(consortium.keyOf(7, KeyPurpose.Sealing), bank.sealingKey, "sealing");
        vm.assertTrue(consortium.isActiveBank(7), "a bank");
    }

    /// @dev A name as long as may be: its words are all read.
    function test_admit_a_reader_without_keys() external {
        FoundingMember memory reader = newcomer(7, Role.Regulator);
        reader.name = string(new bytes(256));
        reader.operator = reader.approver = reader.recovery = address(0);
        carry(LEAD, ProposalKind.Admit, admissionOf(7, reader));
        vm.assertEq(consortium.member(7).name, reader.name, "name");
        vm.assertFalse(consortium.isActiveBank(7), "no bank");
    }

    function test_a_consortium_holds_256_members() external {
        for (uint16 number = 7; number <= 256; ++number) {
            FoundingMember memory reader = newcomer(number, Role.Auditor);
            reader.operator = reader.approver = reader.recovery = address(0);
            carry(LEAD, ProposalKind.Admit, admissionOf(number, reader));
        }
        refusePropose(
            LEAD,
            ProposalKind.Admit,
            admissionOf(257, Role.Auditor),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumTooManyMembers.selector, 257, 256)
        );
        replaceByVote(LEAD, replacement(256, 2, secretOf("approver", 256)));
        replaceByVote(LEAD, replacement(256, 1, secretOf("operator", 256)));
        replaceByVote(LEAD, replacement(256, 3, secretOf("recovery", 256)));
        carry(LEAD, ProposalKind.ChangeRole, abi.encode(uint16(256), uint8(Role.Partner)));
        uint32 proposal = propose(256, ProposalKind.Suspend, abi.encode(uint16(2)));
        vm.assertEq(consortium.proposal(proposal).yes, 1, "the last bit of the set");
    }

    function test_suspend_and_reinstate() external {
        uint32 proposal = _allButOne(ProposalKind.Suspend, abi.encode(uint16(4)));
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.MemberStateChanged(4, MemberState.Suspended);
        vote(proposal, 3, true);
        expectState(4, MemberState.Suspended);
        vm.assertFalse(consortium.isActiveBank(4), "no active bank");
        vm.expectRevert(
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumMemberNotActive.selector, 4, MemberState.Suspended)
        );
        consortium.activeMember(operatorOf(4), KeyPurpose.Operator);

        proposal = _allButOne(ProposalKind.Reinstate, abi.encode(uint16(4)));
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.MemberStateChanged(4, MemberState.Active);
        vote(proposal, 3, true);
        vm.assertEq(consortium.activeMember(operatorOf(4), KeyPurpose.Operator), 4, "acts again");
    }

    function test_suspend_a_reader() external {
        carry(LEAD, ProposalKind.Suspend, abi.encode(AUDITOR));
        expectState(AUDITOR, MemberState.Suspended);
    }

    function test_a_role_change_reverts_where_it_would_by_now_leave_one_bank() external {
        // possible when it is proposed
        uint32 proposal = propose(LEAD, ProposalKind.ChangeRole, abi.encode(uint16(2), uint8(Role.Auditor)));
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(4)));
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(3)));
        refuseVote(
            approverOf(2), proposal, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumTooFewBanks.selector, 1)
        );
        expectProposal(proposal, ProposalState.Open);
    }

    function test_the_last_lead_is_suspended_evicted_or_given_another_role() external {
        carry(2, ProposalKind.Suspend, abi.encode(LEAD));
        expectState(LEAD, MemberState.Suspended);
        carry(2, ProposalKind.Reinstate, abi.encode(LEAD));
        carry(2, ProposalKind.ChangeRole, abi.encode(LEAD, uint8(Role.Partner)));
        carry(2, ProposalKind.ChangeRole, abi.encode(uint16(3), uint8(Role.Lead)));
        carry(2, ProposalKind.Evict, abi.encode(uint16(3)));
        expectState(3, MemberState.Evicted);
    }

    function test_evict_takes_the_nodes_too_and_is_for_ever() external {
        _register(4, 41);
        _register(2, 21);
        _register(4, 42);
        uint32 proposal = _allButOne(ProposalKind.Evict, abi.encode(uint16(4)));
        vm.recordLogs();
        vote(proposal, 3, true);
        uint256 removed;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IConsortiumRegistry.ValidatorRemoved.selector) ++removed;
        }
        vm.assertEq(removed, 2, "an event each");
        Validator[] memory left = consortium.validators();
        vm.assertTrue(left.length == 1 && left[0].node == address(21), "another's stays");
        expectState(4, MemberState.Evicted);
        refusePropose(
            LEAD,
            ProposalKind.Reinstate,
            abi.encode(uint16(4)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNothingToReinstate.selector, 4, MemberState.Evicted)
        );
        // its keys and its name are nobody else's
        FoundingMember memory again = newcomer(7, Role.Partner);
        again.approver = approverOf(4);
        refusePropose(
            LEAD,
            ProposalKind.Admit,
            admissionOf(7, again),
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumKeyTaken.selector, toKey(approverOf(4)), 4, KeyPurpose.Approver
            )
        );
        again = newcomer(7, Role.Partner);
        again.name = "member-4";
        refusePropose(
            LEAD,
            ProposalKind.Admit,
            admissionOf(7, again),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNameTaken.selector, "member-4", 4)
        );
    }

    function test_evict_a_suspended_bank() external {
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(4)));
        carry(LEAD, ProposalKind.Evict, abi.encode(uint16(4)));
        expectState(4, MemberState.Evicted);
    }

    function test_change_a_role() external {
        uint32 proposal = _allButOne(ProposalKind.ChangeRole, abi.encode(uint16(4), uint8(Role.Lead)));
        vm.assertEq(consortium.proposal(proposal).electorate, 4, "it has a vote on it");
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.MemberRoleChanged(4, uint8(Role.Lead));
        vote(proposal, 3, true);
        vm.assertTrue(consortium.member(4).role == Role.Lead, "a lead");
        // so that the first lead can be spared
        carry(4, ProposalKind.ChangeRole, abi.encode(LEAD, uint8(Role.Auditor)));
        vm.assertFalse(consortium.isActiveBank(LEAD), "a reader");
    }

    function test_a_suspended_bank_with_another_role_comes_back_with_it() external {
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(4)));
        carry(LEAD, ProposalKind.ChangeRole, abi.encode(uint16(4), uint8(Role.Lead)));
        vm.assertFalse(consortium.isActiveBank(4), "suspended still");
        carry(LEAD, ProposalKind.Reinstate, abi.encode(uint16(4)));
        vm.assertTrue(consortium.isActiveBank(4), "a bank again");
        carry(2, ProposalKind.Suspend, abi.encode(LEAD));
        expectState(LEAD, MemberState.Suspended);
    }

    function test_a_reader_needs_keys_to_become_a_bank() external {
        FoundingMember memory reader = newcomer(7, Role.Auditor);
        reader.recovery = address(0);
        carry(LEAD, ProposalKind.Admit, admissionOf(7, reader));
        refusePropose(
            LEAD,
            ProposalKind.ChangeRole,
            abi.encode(uint16(7), uint8(Role.Partner)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumKeyMissing.selector, reader.name)
        );
        replaceByVote(LEAD, replacement(7, 3, secretOf("recovery", 7)));
        carry(LEAD, ProposalKind.ChangeRole, abi.encode(uint16(7), uint8(Role.Partner)));
        vm.assertTrue(consortium.isActiveBank(7), "a bank");
    }

    /// @dev Two of three had made the third an auditor, changed its shares, and made it a partner again.
    function test_a_party_of_a_facility_keeps_its_role_until_that_is_closed() external {
        uint32 before = propose(LEAD, ProposalKind.ChangeRole, abi.encode(uint16(2), uint8(Role.Auditor)));
        vote(before, 3, true);
        FacilityTerms memory terms = termsOf("F", one(4_000), strictRules());
        vm.prank(approverOf(LEAD));
        uint32 facility = facilities.propose(terms);
        // who is only named has agreed to nothing
        vm.assertEq(facilities.unclosedOf(2), 0, "proposed");
        vm.prank(approverOf(2));
        facilities.accept(facility, keccak256(abi.encode(terms)));
        vm.assertTrue(facilities.unclosedOf(LEAD) == 1 && facilities.unclosedOf(2) == 1, "active");
        vm.assertEq(facilities.unclosedOf(3), 0, "a stranger");

        bytes memory refusal = abi.encodeWithSelector(IConsortiumRegistry.ConsortiumRoleKept.selector, 2, 1);
        refuseVote(approverOf(4), before, refusal);
        refusePropose(LEAD, ProposalKind.ChangeRole, abi.encode(uint16(2), uint8(Role.Auditor)), refusal);
        refusePropose(2, ProposalKind.ChangeRole, abi.encode(uint16(2), uint8(Role.Lead)), refusal);
        refusePropose(
            2,
            ProposalKind.ChangeRole,
            abi.encode(LEAD, uint8(Role.Auditor)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumRoleKept.selector, LEAD, 1)
        );
        vm.prank(approverOf(2));
        facilities.pause(facility, REASON);
        refuseVote(approverOf(4), before, refusal);

        vm.prank(approverOf(LEAD));
        uint32 change = facilities.proposeClose(facility, REASON);
        Change memory close = facilities.change(facility, change);
        vm.prank(approverOf(2));
        facilities.acceptChange(facility, change, keccak256(abi.encode(uint8(close.kind), close.payload, REASON)));
        vm.assertTrue(facilities.unclosedOf(LEAD) == 0 && facilities.unclosedOf(2) == 0, "closed");
        vote(before, 4, true);
        vm.assertTrue(consortium.member(2).role == Role.Auditor, "free again");
    }

    function test_validators_come_and_go() external {
        uint32 proposal =
            _allButOne(ProposalKind.RegisterValidator, abi.encode(uint16(2), address(21), "enode://21@bank"));
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.ValidatorRegistered(2, address(21), "enode://21@bank");
        vote(proposal, 3, true);
        _register(3, 31);
        _register(4, 41);
        Validator[] memory all = consortium.validators();
        vm.assertEq(all.length, 3, "three");
        vm.assertTrue(all[0].node == address(21) && all[0].member == 2, "the first");
        vm.assertEq(all[0].enode, "enode://21@bank", "its enode");

        _remove(21);
        _remove(41);
        all = consortium.validators();
        vm.assertTrue(all.length == 1 && all[0].node == address(31) && all[0].member == 3, "one is left");
        _remove(31);
        _register(4, 21);
        all = consortium.validators();
        vm.assertTrue(all.length == 1 && all[0].node == address(21) && all[0].member == 4, "again, of another member");
    }

    /// @dev Proposed by the lead and favoured by bank 2, for subjects that are bank 4: the vote of bank 3 is the last.
    function _allButOne(ProposalKind kind, bytes memory payload) private returns (uint32 proposal) {
        proposal = propose(LEAD, kind, payload);
        // where there is no subject, three of four are needed as well
        vote(proposal, 2, true);
        expectProposal(proposal, ProposalState.Open);
    }

    function _register(uint16 member, uint160 node) private {
        carry(LEAD, ProposalKind.RegisterValidator, abi.encode(member, address(node), "enode"));
    }

    function _remove(uint160 node) private {
        uint32 proposal = _allButOne(ProposalKind.RemoveValidator, abi.encode(address(node)));
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.ValidatorRemoved(address(node));
        vote(proposal, 3, true);
    }
}
