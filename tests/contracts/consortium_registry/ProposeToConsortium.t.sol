// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {
    ConsortiumProposal,
    FoundingMember,
    KeyProof,
    KeyPurpose,
    MemberState,
    ProposalKind,
    ProposalState,
    Role,
    Vote
} from "types/ConsortiumTypes.sol";
import {vm} from "../support/Vm.sol";
import {VotingFixture} from "../support/VotingFixture.sol";

/// @title propose: who may, what payloads it takes, and what can never be enacted
/// @dev Members: 1 lead, 2 to 4 partners, 5 auditor, 6 regulator.
contract ProposeToConsortiumTest is VotingFixture {
    uint16 private constant AUDITOR = 5;
    uint16 private constant UNKNOWN = 9;
    /// @dev A secret.
    uint256 private constant FRESH = 77;

    function setUp() external {
        found(3);
    }

    // who

    function test_propose_reverts_for_other_keys_than_approvers() external {
        bytes memory payload = abi.encode(uint16(2));
        address[3] memory callers = [operatorOf(LEAD), recoveryOf(LEAD), address(this)];
        for (uint256 i; i < callers.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotAKey.selector, callers[i], KeyPurpose.Approver)
            );
            vm.prank(callers[i]);
            consortium.propose(uint8(ProposalKind.Suspend), payload, REASON);
        }
    }

    function test_propose_reverts_for_readers() external {
        refusePropose(
            AUDITOR,
            ProposalKind.Suspend,
            abi.encode(uint16(2)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNotABank.selector, AUDITOR)
        );
    }

    function test_propose_reverts_for_a_suspended_bank() external {
        carry(LEAD, ProposalKind.Suspend, abi.encode(uint16(4)));
        refusePropose(
            4,
            ProposalKind.Suspend,
            abi.encode(uint16(2)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumMemberNotActive.selector, 4, MemberState.Suspended)
        );
    }

    function test_propose_reverts_for_the_subject() external {
        bytes memory refusal = abi.encodeWithSelector(IConsortiumRegistry.ConsortiumSubjectHasNoVote.selector, 2);
        refusePropose(2, ProposalKind.Suspend, abi.encode(uint16(2)), refusal);
        refusePropose(2, ProposalKind.Evict, abi.encode(uint16(2)), refusal);
        refusePropose(2, ProposalKind.ReplaceKey, replacement(2, 1, FRESH), refusal);
        vm.assertEq(consortium.proposalCount(), 0, "nothing was proposed");
    }

    // kinds and payloads

    function test_propose_reverts_on_unknown_kinds() external {
        for (uint8 kind = 0; kind < 12; kind += 10) {
            vm.expectRevert(abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownKind.selector, kind));
            vm.prank(approverOf(LEAD));
            consortium.propose(kind, "", REASON);
        }
    }

    function test_propose_reverts_on_a_payload_that_is_too_long() external {
        refusePropose(
            LEAD,
            ProposalKind.Upgrade,
            new bytes(8_193),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumPayloadTooLong.selector, 8_193, 8_192)
        );
    }

    function test_propose_reverts_on_malformed_payloads() external {
        _refusePayload(ProposalKind.Admit, abi.encode(newcomer(7, Role.Partner)));
        _refusePayload(ProposalKind.ReplaceKey, abi.encode(uint16(2), uint8(1), toKey(address(77))));
        for (uint8 kind = 1; kind <= uint8(ProposalKind.Upgrade); ++kind) {
            _refusePayload(ProposalKind(kind), "");
            _refusePayload(ProposalKind(kind), new bytes(31));
            _refusePayload(ProposalKind(kind), bytes.concat(_wellFormed(ProposalKind(kind)), hex"00"));
            _refusePayload(ProposalKind(kind), bytes.concat(_wellFormed(ProposalKind(kind)), bytes32(0)));
        }
    }

    function test_propose_reverts_on_values_that_do_not_fit_their_fields() external {
        uint256 tooLarge = type(uint256).max;
        _refusePayload(ProposalKind.Suspend, abi.encode(uint256(1) << 16));
        _refusePayload(ProposalKind.Reinstate, abi.encode(tooLarge));
        _refusePayload(ProposalKind.Evict, abi.encode(tooLarge));
        _refusePayload(ProposalKind.ChangeRole, abi.encode(tooLarge, 1));
        _refusePayload(ProposalKind.ChangeRole, abi.encode(2, uint256(1) << 8));
        _refusePayload(ProposalKind.ReplaceKey, abi.encode(tooLarge, 1, 1, 1, 1));
        _refusePayload(ProposalKind.ReplaceKey, abi.encode(2, tooLarge, 1, 1, 1));
        _refusePayload(ProposalKind.RemoveValidator, abi.encode(uint256(1) << 160));
        _refusePayload(ProposalKind.RegisterValidator, abi.encode(tooLarge, address(1), "enode"));
        _refusePayload(ProposalKind.RegisterValidator, abi.encode(2, tooLarge, "enode"));
        _refusePayload(ProposalKind.Upgrade, abi.encode(tooLarge, address(1), ""));
        _refusePayload(ProposalKind.Upgrade, abi.encode(address(1), tooLarge, ""));
    }

    /// @dev Any word of the encoding's own (places and lengths), and of a narrow field, set to all ones.
    function test_propose_reverts_on_broken_encodings() external {
        uint8[6] memory newcomerWords = [0, 7, 8, 9, 10, 11];
        for (uint256 i; i < newcomerWords.length; ++i) {
            _refuseWord(ProposalKind.Admit, newcomerWords[i]);
        }
        _refuseWord(ProposalKind.Admit, 13);
        for (uint256 place; place < 4; ++place) {
            _refuseWord(ProposalKind.RegisterValidator, place);
            _refuseWord(ProposalKind.Upgrade, place);
        }
    }

    /// @dev One proposal has one payload: what fills its last word up is 0, or readers would find other bytes than they make.
    function testFuzz_propose_reverts_on_padding_that_is_not_zero(uint8 which, uint8 place, bytes1 dirt) external {
        ProposalKind[3] memory kinds = [ProposalKind.Admit, ProposalKind.RegisterValidator, ProposalKind.Upgrade];
        uint8[3] memory used = [8, 5, 1];
        bytes memory payload = _wellFormed(kinds[which % 3]);
        uint256 at = payload.length - 1 - place % (32 - used[which % 3]);
        payload[at] = dirt == 0 ? bytes1(0x01) : dirt;
        _refusePayload(kinds[which % 3], payload);
    }

    // what can never be enacted

    function test_propose_reverts_on_newcomers_that_cannot_be_admitted() external {
        FoundingMember memory bank = newcomer(7, Role.Partner);
        bank.role = 5;
        _refuseNewcomer(bank, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownRole.selector, 0, 5));
        bank = newcomer(7, Role.Partner);
        bank.name = "";
        _refuseNewcomer(bank, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumBadName.selector, 0, ""));
        bank.name = "member-2";
        _refuseNewcomer(bank, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNameTaken.selector, "member-2", 2));
        bank = newcomer(7, Role.Partner);
        bank.recovery = address(0);
        _refuseNewcomer(bank, abi.encodeWithSelector(IConsortiumRegistry.ConsortiumKeyMissing.selector, bank.name));
    }

    function test_propose_reverts_on_newcomers_with_keys_that_are_taken() external {
        FoundingMember memory bank = newcomer(7, Role.Partner);
        bank.operator = approverOf(3);
        _refuseNewcomer(
            bank,
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumKeyTaken.selector, toKey(approverOf(3)), 3, KeyPurpose.Approver
            )
        );
        bank = newcomer(7, Role.Partner);
        bank.recovery = bank.operator;
        _refuseNewcomer(
            bank,
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumKeyTaken.selector, toKey(bank.operator), 7, KeyPurpose.Operator
            )
        );
    }

    // whose keys they are

    /// @dev Whatever of an admission a sponsor alters, the newcomer's keys have not signed it.
    function test_propose_reverts_on_what_a_newcomers_keys_have_not_signed() external {
        FoundingMember memory bank = newcomer(7, Role.Partner);
        bytes memory signed = admissionOf(7, bank);
        bytes32 operator = toKey(bank.operator);
        for (uint256 word = 1; word <= 6; ++word) {
            _refuseProof(_altered(signed, word), word < 3 ? operator : toKey(word < 5 ? bank.approver : bank.recovery));
        }
        _refuseProof(_altered(signed, 12), operator);
        bank.role = uint8(Role.Lead);
        _refuseProof(_resigned(signed, bank), operator);
        bank = newcomer(7, Role.Partner);
        bank.name = "another";
        _refuseProof(_resigned(signed, bank), operator);
        // a key of the sponsor's in the place of one of the newcomer's: it has none of the others
        bank = newcomer(7, Role.Partner);
        bank.approver = vm.addr(FRESH);
        _refuseProof(_resigned(signed, bank), operator);
    }

    function test_propose_reverts_on_proofs_for_another_chain_or_registry() external {
        bytes memory here = admissionOf(7, Role.Partner);
        address proxy = address(consortium);
        consortium = IConsortiumRegistry(address(1));
        bytes memory elsewhere = admissionOf(7, Role.Partner);
        consortium = IConsortiumRegistry(proxy);
        _refuseProof(elsewhere, toKey(operatorOf(7)));
        vm.chainId(77);
        _refuseProof(here, toKey(operatorOf(7)));
    }

    function test_propose_reverts_on_a_proof_where_there_is_no_key() external {
        FoundingMember memory reader = newcomer(7, Role.Auditor);
        reader.recovery = address(0);
        bytes memory payload = admissionOf(7, reader);
        payload[6 * 32 + 31] = 0x01;
        _refuseProof(payload, 0, KeyPurpose.Recovery);
    }

    /// @dev A member that names a stranger's key as another's, to take it or to veto its admission.
    function test_propose_reverts_on_a_key_that_has_not_signed_for_this_member_and_purpose() external {
        bytes32 key = toKey(vm.addr(FRESH));
        bytes[4] memory payloads = [
            abi.encode(uint16(2), uint8(1), key, bytes32(0), bytes32(0)),
            abi.encode(uint16(2), uint8(1), key, proofOf(3, 1, FRESH)),
            abi.encode(uint16(2), uint8(1), key, proofOf(2, 2, FRESH)),
            abi.encode(uint16(2), uint8(1), key, proofOf(2, 1, FRESH + 1))
        ];
        for (uint256 i; i < payloads.length; ++i) {
            refusePropose(LEAD, ProposalKind.ReplaceKey, payloads[i], _unproven(key, KeyPurpose.Operator));
        }
        key = keccak256("sealing");
        bytes memory signed = abi.encode(uint16(2), uint8(4), key, proofOf(2, 4, FRESH));
        refusePropose(LEAD, ProposalKind.ReplaceKey, signed, _unproven(key, KeyPurpose.Sealing));
    }

    function test_propose_reverts_on_a_sealing_key_of_the_same_member_only() external {
        bytes32 its = consortium.member(2).sealingKey;
        refusePropose(
            LEAD,
            ProposalKind.ReplaceKey,
            sealingReplacement(2, its),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumKeyTaken.selector, its, 2, KeyPurpose.Sealing)
        );
        propose(LEAD, ProposalKind.ReplaceKey, sealingReplacement(3, its));
        FoundingMember memory bank = newcomer(7, Role.Partner);
        bank.sealingKey = its;
        propose(LEAD, ProposalKind.Admit, admissionOf(7, bank));
    }

    function test_propose_reverts_on_members_that_are_unknown_or_in_that_state_already() external {
        bytes memory unknown = abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownMember.selector, UNKNOWN);
        refusePropose(LEAD, ProposalKind.Suspend, abi.encode(UNKNOWN), unknown);
        refusePropose(LEAD, ProposalKind.Reinstate, abi.encode(UNKNOWN), unknown);
        refusePropose(LEAD, ProposalKind.Evict, abi.encode(UNKNOWN), unknown);
        refusePropose(LEAD, ProposalKind.ChangeRole, abi.encode(UNKNOWN, 1), unknown);
        refusePropose(LEAD, ProposalKind.ReplaceKey, abi.encode(UNKNOWN, 1, 1, 0, 0), unknown);
        refusePropose(LEAD, ProposalKind.RegisterValidator, abi.encode(UNKNOWN, address(1), "enode"), unknown);
        refusePropose(
            LEAD,
            ProposalKind.Reinstate,
            abi.encode(uint16(2)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNothingToReinstate.selector, 2, MemberState.Active)
        );
        refusePropose(
            LEAD,
            ProposalKind.ChangeRole,
            abi.encode(uint16(2), uint8(2)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumRoleUnchanged.selector, 2, 2)
        );
        refusePropose(
            LEAD,
            ProposalKind.ChangeRole,
            abi.encode(uint16(2), uint8(0)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownRole.selector, 0, 0)
        );
    }

    function test_propose_reverts_on_what_is_done_to_an_evicted_member() external {
        carry(LEAD, ProposalKind.Evict, abi.encode(uint16(4)));
        bytes memory refusal =
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumMemberNotActive.selector, 4, MemberState.Evicted);
        refusePropose(LEAD, ProposalKind.Suspend, abi.encode(uint16(4)), refusal);
        refusePropose(LEAD, ProposalKind.Evict, abi.encode(uint16(4)), refusal);
        refusePropose(LEAD, ProposalKind.ChangeRole, abi.encode(uint16(4), uint8(1)), refusal);
        refusePropose(LEAD, ProposalKind.ReplaceKey, replacement(4, 1, FRESH), refusal);
        refusePropose(LEAD, ProposalKind.RegisterValidator, abi.encode(uint16(4), address(77), "enode"), refusal);
        refusePropose(
            LEAD,
            ProposalKind.Reinstate,
            abi.encode(uint16(4)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumNothingToReinstate.selector, 4, MemberState.Evicted)
        );
    }

    function test_propose_reverts_on_keys_that_are_none() external {
        refusePropose(
            LEAD,
            ProposalKind.ReplaceKey,
            abi.encode(2, 0, 1, 0, 0),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownKeyPurpose.selector, 0)
        );
        refusePropose(
            LEAD,
            ProposalKind.ReplaceKey,
            abi.encode(2, 5, 1, 0, 0),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownKeyPurpose.selector, 5)
        );
        bytes32 wide = bytes32(uint256(1) << 160);
        refusePropose(
            LEAD,
            ProposalKind.ReplaceKey,
            abi.encode(2, 3, wide, 0, 0),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumBadKey.selector, 3, wide)
        );
        refusePropose(
            LEAD,
            ProposalKind.ReplaceKey,
            abi.encode(2, 4, 0, 0, 0),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumBadKey.selector, 4, bytes32(0))
        );
    }

    function test_propose_reverts_on_validators_that_are_none() external {
        _refuseValidator(address(0), "enode", IConsortiumRegistry.ConsortiumBadValidator.selector);
        _refuseValidator(address(77), "", IConsortiumRegistry.ConsortiumBadValidator.selector);
        _refuseValidator(address(77), string(new bytes(513)), IConsortiumRegistry.ConsortiumBadValidator.selector);
        carry(LEAD, ProposalKind.RegisterValidator, abi.encode(uint16(2), address(77), "enode"));
        refusePropose(
            LEAD,
            ProposalKind.RegisterValidator,
            abi.encode(uint16(3), address(77), "enode"),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumValidatorTaken.selector, address(77), 2)
        );
        refusePropose(
            LEAD,
            ProposalKind.RemoveValidator,
            abi.encode(address(78)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownValidator.selector, address(78))
        );
    }

    function test_propose_reverts_on_what_would_leave_too_few_banks() external {
        carry(LEAD, ProposalKind.Evict, abi.encode(uint16(4)));
        carry(LEAD, ProposalKind.Evict, abi.encode(uint16(3)));
        bytes memory oneBank = abi.encodeWithSelector(IConsortiumRegistry.ConsortiumTooFewBanks.selector, 1);
        refusePropose(LEAD, ProposalKind.Suspend, abi.encode(uint16(2)), oneBank);
        refusePropose(LEAD, ProposalKind.Evict, abi.encode(uint16(2)), oneBank);
        refusePropose(LEAD, ProposalKind.ChangeRole, abi.encode(uint16(2), uint8(Role.Auditor)), oneBank);
    }

    /// @dev Of two banks neither can take the other's keys.
    function test_propose_reverts_where_one_bank_alone_would_decide() external {
        carry(LEAD, ProposalKind.Evict, abi.encode(uint16(4)));
        carry(LEAD, ProposalKind.Evict, abi.encode(uint16(3)));
        refusePropose(
            LEAD,
            ProposalKind.ReplaceKey,
            replacement(2, 2, FRESH),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumTooFewVoters.selector, 1, 2)
        );
    }

    // how many

    function test_a_bank_has_at_most_16_proposals_that_the_others_have_not_decided() external {
        _fill(LEAD);
        _refuseOneMore(LEAD);
        propose(2, ProposalKind.RemoveValidator, _validator());

        // what it takes back makes no room, what the others decide does
        vm.prank(approverOf(LEAD));
        consortium.withdraw(2);
        _refuseOneMore(LEAD);
        vote(3, 2, false);
        vote(3, 3, false);
        expectProposal(3, ProposalState.Rejected);
        propose(LEAD, ProposalKind.RemoveValidator, _validator());
        _refuseOneMore(LEAD);
        vote(4, 2, true);
        vote(4, 3, true);
        expectProposal(4, ProposalState.Enacted);
        propose(LEAD, ProposalKind.Suspend, abi.encode(uint16(2)));
        _refuseOneMore(LEAD);
    }

    function test_what_waits_and_what_its_member_objected_to() external {
        uint32 waiting = carry(LEAD, ProposalKind.ReplaceKey, replacement(2, 1, FRESH));
        for (uint256 i; i < 15; ++i) {
            propose(LEAD, ProposalKind.Suspend, abi.encode(uint16(2)));
        }
        expectProposal(waiting, ProposalState.Waiting);
        _refuseOneMore(LEAD);
        objectToKey(approverOf(2), waiting);
        propose(LEAD, ProposalKind.Suspend, abi.encode(uint16(2)));
        _refuseOneMore(LEAD);
    }

    function test_what_expires_counts_no_more_whether_or_not_it_was_taken_back() external {
        _fill(LEAD);
        vm.prank(approverOf(LEAD));
        consortium.withdraw(2);
        vm.warp(NOW + 14 days - 1);
        _refuseOneMore(LEAD);
        vm.warp(NOW + 14 days);
        for (uint256 i; i < 16; ++i) {
            propose(LEAD, ProposalKind.Suspend, abi.encode(uint16(2)));
        }
        _refuseOneMore(LEAD);
    }

    /// @dev Proposal 1 registers a validator and is enacted, then come 16 that are open.
    function _fill(uint16 bank) private {
        carry(bank, ProposalKind.RegisterValidator, abi.encode(uint16(2), address(77), "enode"));
        for (uint256 i; i < 16; ++i) {
            propose(bank, ProposalKind.RemoveValidator, _validator());
        }
    }

    function _refuseOneMore(uint16 bank) private {
        refusePropose(
            bank,
            ProposalKind.Suspend,
            abi.encode(uint16(2)),
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumTooManyProposals.selector, bank, 16)
        );
    }

    function _validator() private pure returns (bytes memory) {
        return abi.encode(address(77));
    }

    // what it does

    function test_propose_counts_as_the_first_vote() external {
        bytes memory payload = abi.encode(uint16(2));
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.ProposalMade(
            1, LEAD, uint8(ProposalKind.Suspend), payload, REASON, uint40(NOW + 14 days)
        );
        vm.expectEmit(address(consortium));
        emit IConsortiumRegistry.VoteCast(1, LEAD, true);
        uint32 proposal = propose(LEAD, ProposalKind.Suspend, payload);

        vm.assertEq(proposal, 1, "the first");
        vm.assertEq(consortium.proposalCount(), 1, "one");
        ConsortiumProposal memory made = consortium.proposal(1);
        vm.assertTrue(made.kind == ProposalKind.Suspend && made.state == ProposalState.Open, "open");
        vm.assertTrue(made.proposer == LEAD && made.subject == 2, "by and about");
        vm.assertTrue(made.createdAt == NOW && made.expiresAt == NOW + 14 days, "its time");
        vm.assertTrue(made.yes == 1 && made.no == 0 && made.electorate == 3 && made.needed == 3, "its votes");
        vm.assertEq(made.payload, payload, "payload");
        vm.assertTrue(consortium.voteOf(1, LEAD) == Vote.InFavour, "its own vote");
        vm.assertTrue(consortium.voteOf(1, 3) == Vote.None, "nobody else's");
        expectState(2, MemberState.Active);
    }

    function test_unknown_proposals_are_told_as_such() external {
        bytes memory refusal = abi.encodeWithSelector(IConsortiumRegistry.ConsortiumUnknownProposal.selector, 1);
        vm.expectRevert(refusal);
        consortium.proposal(1);
        vm.expectRevert(refusal);
        consortium.voteOf(1, LEAD);
    }

    function _wellFormed(ProposalKind kind) private view returns (bytes memory) {
        if (kind == ProposalKind.Admit) return admissionOf(7, Role.Partner);
        if (kind == ProposalKind.ChangeRole) return abi.encode(uint16(2), uint8(Role.Lead));
        if (kind == ProposalKind.ReplaceKey) return replacement(2, 1, FRESH);
        if (kind == ProposalKind.RegisterValidator) return abi.encode(uint16(2), address(77), "enode");
        if (kind == ProposalKind.RemoveValidator) return abi.encode(address(77));
        if (kind == ProposalKind.Upgrade) return abi.encode(address(1), address(2), hex"01");
        return abi.encode(uint16(2));
    }

    function _refusePayload(ProposalKind kind, bytes memory payload) private {
        refusePropose(
            LEAD,
            kind,
            payload,
            abi.encodeWithSelector(IConsortiumRegistry.ConsortiumBadPayload.selector, kind, payload.length)
        );
    }

    function _refuseWord(ProposalKind kind, uint256 place) private {
        bytes memory payload = _wellFormed(kind);
        for (uint256 i; i < 32; ++i) {
            payload[place * 32 + i] = 0xff;
        }
        _refusePayload(kind, payload);
    }

    function _altered(bytes memory payload, uint256 word) private pure returns (bytes memory altered) {
        altered = bytes.concat(payload);
        altered[word * 32 + 31] ^= 0x01;
    }

    /// @dev Another admission under the same proofs.
    function _resigned(bytes memory signed, FoundingMember memory bank) private pure returns (bytes memory) {
        (, KeyProof[3] memory proofs) = abi.decode(signed, (FoundingMember, KeyProof[3]));
        return abi.encode(bank, proofs);
    }

    function _refuseProof(bytes memory payload, bytes32 key) private {
        bool isOperators = key == toKey(operatorOf(7));
        bool isApprovers = key == toKey(approverOf(7));
        _refuseProof(
            payload, key, isOperators ? KeyPurpose.Operator : isApprovers ? KeyPurpose.Approver : KeyPurpose.Recovery
        );
    }

    function _refuseProof(bytes memory payload, bytes32 key, KeyPurpose purpose) private {
        refusePropose(LEAD, ProposalKind.Admit, payload, _unproven(key, purpose));
    }

    function _unproven(bytes32 key, KeyPurpose purpose) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsortiumRegistry.ConsortiumKeyUnproven.selector, key, purpose);
    }

    function _refuseNewcomer(FoundingMember memory bank, bytes memory refusal) private {
        refusePropose(LEAD, ProposalKind.Admit, admissionOf(7, bank), refusal);
    }

    function _refuseValidator(address node, string memory enode, bytes4 selector) private {
        refusePropose(
            LEAD,
            ProposalKind.RegisterValidator,
            abi.encode(uint16(2), node, enode),
            abi.encodeWithSelector(selector, node, enode)
        );
    }
}
