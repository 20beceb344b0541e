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
        uint32 proposal = _allButOne(ProposalKind.Admit, abi.encode(bank));
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
        carry(LEAD, ProposalKind.Admit, abi.encode(reader));
        vm.assertEq(consortium.member(7).name, reader.name, "name");
        vm.assertFalse(consortium.isActiveBank(7), "no bank");
    }

    function test_a_consortium_holds_256_members() external {
        for (uint16 number = 7; number <= 256; ++number) {
            FoundingMember memory reader = newcomer(number, Role.Auditor);
            reader.operator = reader.approver = reader.recovery = address(0);
            carry(LEAD, ProposalKind.Admit, abi.encode(reader));
        }
        refusePropose(
            LEAD,
            ProposalKind.Admit,
            abi.encode(newcomer(257, Role.Auditor)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumTooManyMembers.selector, 257, 256)
        );
        carry(LEAD, ProposalKind.ReplaceKey, abi.encode(uint16(256), uint8(2), toKey(approverOf(256))));
        carry(LEAD, ProposalKind.ReplaceKey, abi.encode(uint16(256), uint8(1), toKey(operatorOf(256))));
        carry(LEAD, ProposalKind.ReplaceKey, abi.encode(uint16(256), uint8(3), toKey(recoveryOf(256))));
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

    function test_a_suspension_reverts_where_it_would_by_now_take_the_last_lead() external {
        carry(LEAD, ProposalKind.ChangeRole, abi.encode(uint16(2), uint8(Role.Lead)));
        // both are possible when they are proposed
        uint32 first = propose(3, ProposalKind.Suspend, abi.encode(LEAD));
        uint32 second = propose(3, ProposalKind.Suspend, abi.encode(uint16(2)));
        vote(first, 2, true);
        vote(first, 4, true);
        refuseVote(
            approverOf(4), second, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumTooFewBanks.selector, 2, 0)
        );
        expectState(2, MemberState.Active);
        expectProposal(second, ProposalState.Open);
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
            abi.encode(again),
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumKeyTaken.selector, toKey(approverOf(4)), 4, KeyPurpose.Approver
            )
        );
        again = newcomer(7, Role.Partner);
        again.name = "member-4";
        refusePropose(
            LEAD,
            ProposalKind.Admit,
            abi.encode(again),
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
        carry(LEAD, ProposalKind.Admit, abi.encode(reader));
        refusePropose(
            LEAD,
            ProposalKind.ChangeRole,
            abi.encode(uint16(7), uint8(Role.Partner)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumKeyMissing.selector, reader.name)
        );
        carry(LEAD, ProposalKind.ReplaceKey, abi.encode(uint16(7), uint8(3), toKey(recoveryOf(7))));
        carry(LEAD, ProposalKind.ChangeRole, abi.encode(uint16(7), uint8(Role.Partner)));
        vm.assertTrue(consortium.isActiveBank(7), "a bank");
    }

    function test_replace_each_key() external {
        bytes32[4] memory fresh = [toKey(address(71)), toKey(address(72)), toKey(address(73)), keccak256("sealing")];
        for (uint8 purpose = 1; purpose <= 4; ++purpose) {
            bytes32 old = consortium.keyOf(4, KeyPurpose(purpose));
            uint32 proposal = _allButOne(ProposalKind.ReplaceKey, abi.encode(uint16(4), purpose, fresh[purpose - 1]));
            vm.expectEmit(address(consortium));
            emit IConsortiumRegistry.MemberKeyReplaced(4, purpose, fresh[purpose - 1], true);
            vote(proposal, 3, true);
            vm.assertEq(consortium.keyOf(4, KeyPurpose(purpose)), fresh[purpose - 1], "the new one");
            // the old one is nobody's, for ever
            refusePropose(
                LEAD,
                ProposalKind.ReplaceKey,
                abi.encode(uint16(3), uint8(4), old),
                abi.encodeWithSelector(IConsortiumRegistry.ConsortiumKeyTaken.selector, old, 4, KeyPurpose.Retired)
            );
        }
        vm.assertEq(consortium.memberOf(operatorOf(4)), 0, "the old operator is no more");
        vm.assertEq(consortium.activeMember(address(72), KeyPurpose.Approver), 4, "the new approver");
        Member memory keyed = consortium.member(4);
        vm.assertTrue(
            keyed.operator == address(71) && keyed.approver == address(72) && keyed.recovery == address(73)
                && keyed.sealingKey == fresh[3],
            "all four"
        );
        vm.assertEq(consortium.keyOf(4, KeyPurpose.None), 0, "none for nothing");
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
