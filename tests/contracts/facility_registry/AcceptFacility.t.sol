// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "interfaces/IFacilityRegistry.sol";
import {KeyPurpose, ProposalKind, Role} from "types/ConsortiumTypes.sol";
import {FacilityState, FacilityTerms} from "types/FacilityTypes.sol";
import {vm} from "../support/Vm.sol";
import {VotingFixture} from "../support/VotingFixture.sol";

/// @title accept: only partners, only the same terms, active when all have
contract AcceptFacilityTest is VotingFixture {
    uint16 private constant ANNA = 2;
    uint16 private constant BERT = 3;

    uint32 private facility;
    bytes32 private termsHash;

    function setUp() external {
        found(3);
        uint16[] memory bps = new uint16[](2);
        (bps[0], bps[1]) = (4_000, 3_000);
        FacilityTerms memory terms = termsOf("F", bps, strictRules());
        vm.prank(approverOf(LEAD));
        facility = facilities.propose(terms);
        termsHash = keccak256(abi.encode(terms));
    }

    function test_accept_reverts_for_an_operator() external {
        _refuse(
            operatorOf(ANNA),
            facility,
            termsHash,
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumNotAKey.selector, operatorOf(ANNA), KeyPurpose.Approver
            )
        );
    }

    function test_accept_reverts_for_an_unknown_facility() external {
        bytes memory refusal = abi.encodeWithSelector(IFacilityRegistry.FacilityUnknown.selector, 9);
        _refuse(approverOf(ANNA), 9, termsHash, refusal);
    }

    function test_accept_reverts_for_who_is_no_partner() external {
        uint16[2] memory others = [LEAD, 4];
        for (uint256 i; i < 2; ++i) {
            bytes memory refusal =
                abi.encodeWithSelector(IFacilityRegistry.FacilityNotAPartner.selector, facility, others[i]);
            _refuse(approverOf(others[i]), facility, termsHash, refusal);
        }
    }

    function test_accept_reverts_on_other_terms() external {
        bytes memory refusal = abi.encodeWithSelector(
            IFacilityRegistry.FacilityOtherTerms.selector, facility, termsHash, bytes32(uint256(1))
        );
        _refuse(approverOf(ANNA), facility, bytes32(uint256(1)), refusal);
    }

    function test_accept_reverts_the_second_time() external {
        _accept(ANNA);
        bytes memory refusal =
            abi.encodeWithSelector(IFacilityRegistry.FacilityAlreadyAccepted.selector, facility, ANNA);
        _refuse(approverOf(ANNA), facility, termsHash, refusal);
        _accept(BERT);
        _refuse(approverOf(ANNA), facility, termsHash, refusal);
    }

    /// @dev Who is only named is not bound yet; the votes may have made it a reader since.
    function test_the_last_acceptance_reverts_where_a_party_is_no_bank_any_more() external {
        _accept(BERT);
        carry(LEAD, ProposalKind.ChangeRole, abi.encode(BERT, uint8(Role.Auditor)));
        bytes memory refusal = abi.encodeWithSelector(IFacilityRegistry.FacilityBadPartner.selector, 2, BERT);
        _refuse(approverOf(ANNA), facility, termsHash, refusal);
        carry(LEAD, ProposalKind.ChangeRole, abi.encode(BERT, uint8(Role.Partner)));
        _accept(ANNA);
        vm.assertTrue(facilities.state(facility) == FacilityState.Active, "active");
    }

    function test_the_last_acceptance_activates() external {
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.FacilityAccepted(facility, BERT);
        _accept(BERT);
        vm.assertTrue(facilities.hasAccepted(facility, 2) && !facilities.hasAccepted(facility, 1), "one of two");
        vm.assertTrue(facilities.state(facility) == FacilityState.Proposed, "not yet");

        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.FacilityAccepted(facility, ANNA);
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.FacilityActivated(facility);
        (bool isOpen,) = ledger.threshold(facility, 1);
        vm.assertFalse(isOpen, "no account before");
        _accept(ANNA);
        for (uint8 partner = 1; partner <= 2; ++partner) {
            int72 lowBalance;
            (isOpen, lowBalance) = ledger.threshold(facility, partner);
            vm.assertTrue(isOpen && lowBalance == 100_000, "an account with its threshold");
        }
        vm.assertTrue(facilities.state(facility) == FacilityState.Active, "active");
        vm.assertEq(facilities.postingTerms(facility, LEAD).party, 0, "the lead");
        vm.assertEq(facilities.postingTerms(facility, BERT).party, 2, "partner 2");
    }

    function _accept(uint16 member) private {
        vm.prank(approverOf(member));
        facilities.accept(facility, termsHash);
    }

    function _refuse(address caller, uint32 number, bytes32 hash, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(caller);
        facilities.accept(number, hash);
    }
}
