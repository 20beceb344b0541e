// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "interfaces/IFacilityRegistry.sol";
import {KeyPurpose} from "types/ConsortiumTypes.sol";
import {Bounds, FacilityState, FacilityTerms, PartnerTerms, Rules, SealedFor, Shares} from "types/FacilityTypes.sol";
import {ConsortiumFixture} from "../support/ConsortiumFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title propose: who may, what terms are refused, what is kept
contract ProposeFacilityTest is ConsortiumFixture {
    uint16 private constant PARTNER = 2;
    uint16 private constant AUDITOR = 4;
    uint16 private constant REGULATOR = 5;

    function setUp() external {
        found(2);
    }

    function test_only_an_approver_proposes() external {
        FacilityTerms memory terms = _terms();
        _expect(
            abi.encodeWithSelector(
                IConsortiumRegistry.ConsortiumNotAKey.selector, operatorOf(LEAD), KeyPurpose.Approver
            )
        );
        vm.prank(operatorOf(LEAD));
        facilities.propose(terms);
    }

    function test_only_the_leads_own_approver_proposes() external {
        FacilityTerms memory terms = _terms();
        _expect(abi.encodeWithSelector(IFacilityRegistry.FacilityNotProposedByLead.selector, PARTNER, LEAD));
        vm.prank(approverOf(PARTNER));
        facilities.propose(terms);
    }

    function test_a_partner_by_role_cannot_lead() external {
        FacilityTerms memory terms = _terms();
        terms.lead = PARTNER;
        _expect(abi.encodeWithSelector(IFacilityRegistry.FacilityNotALead.selector, PARTNER));
        vm.prank(approverOf(PARTNER));
        facilities.propose(terms);
    }

    function test_a_lead_proposes_at_most_100_a_day_whatever_becomes_of_them() external {
        FacilityTerms memory terms = _terms();
        for (uint256 i; i < 100; ++i) {
            terms.id = vm.toString(i);
            uint32 made = _propose(terms);
            if (i % 2 == 0) continue;
            vm.prank(approverOf(LEAD));
            facilities.withdraw(made);
        }
        terms.id = "one-more";
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityTooManyProposed.selector, LEAD, 100));
        vm.warp((block.timestamp / 1 days + 1) * 1 days);
        _propose(terms);
    }

    function test_ids() external {
        FacilityTerms memory terms = _terms();
        terms.id = "";
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadId.selector, ""));
        string memory longest = "ABCDEFGHIJKLMNOPQRSTUVWXYZ.abcdefghijklmnopqrstuvwxyz-0123456789";
        string[9] memory bad = [string.concat(longest, "_"), ".a", ".", "a b", "a/b", "a\n", "a:", unicode"é", "a\x00"];
        for (uint256 i; i < bad.length; ++i) {
            terms.id = bad[i];
            _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadId.selector, bad[i]));
        }
        string[4] memory good = ["a.", "-", "_", "WLD-2016-A"];
        for (uint256 i; i < good.length; ++i) {
            terms.id = good[i];
            _propose(terms);
        }
        terms.id = longest;
        _propose(terms);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityIdTaken.selector, longest, 5));
    }

    function test_currencies() external {
        FacilityTerms memory terms = _terms();
        string[5] memory bad = ["", "CN", "CNYX", "cny", "C1Y"];
        for (uint256 i; i < bad.length; ++i) {
            terms.currency = bad[i];
            _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadCurrency.selector, bad[i], 2));
        }
        terms.currency = "CNY";
        terms.decimals = 5;
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadCurrency.selector, "CNY", 5));
    }

    function test_time_zones() external {
        FacilityTerms memory terms = _terms();
        terms.timeZone = "";
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadTimeZone.selector, ""));
    }

    function test_rules_out_of_bounds() external {
        FacilityTerms memory terms = _terms();
        terms.rules = Rules(1, 0, 0, 0, 0);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityFirstRulesDated.selector, 1));
        terms.rules = Rules(0, 1e15 + 1, 0, 0, 0);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityToleranceTooLarge.selector, 1e15 + 1, 1e15));
        terms.rules = Rules(0, 0, 0, 0, 86_400);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadCutOff.selector, 86_400));
        terms.rules = Rules(0, 1e15, type(uint16).max, type(uint32).max, 86_399);
        _propose(terms);
    }

    function test_partner_counts() external {
        FacilityTerms memory terms = _terms();
        terms.partners = new PartnerTerms[](0);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadPartnerCount.selector, 0, 254));
        terms.partners = new PartnerTerms[](255);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadPartnerCount.selector, 255, 254));
    }

    function test_partners_that_cannot_be() external {
        uint16[4] memory bad = [LEAD, AUDITOR, 0, 99];
        for (uint256 i; i < bad.length; ++i) {
            FacilityTerms memory terms = _terms();
            terms.partners[1].member = bad[i];
            _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadPartner.selector, 2, bad[i]));
        }
        FacilityTerms memory twice = _terms();
        twice.partners[1].member = PARTNER;
        _refuse(twice, abi.encodeWithSelector(IFacilityRegistry.FacilityBadPartner.selector, 2, PARTNER));
    }

    function test_shares_above_the_whole_per_component() external {
        FacilityTerms memory terms = _terms();
        terms.partners[0].shares = Shares(10_000, 6_000, 6_000);
        terms.partners[1].shares = Shares(0, 4_001, 4_000);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilitySharesAboveWhole.selector, 1, 10_001));
        terms.partners[1].shares = Shares(1, 4_000, 4_000);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilitySharesAboveWhole.selector, 0, 10_001));
        terms.partners[1].shares = Shares(0, 4_000, 4_001);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilitySharesAboveWhole.selector, 2, 10_001));
        terms.partners[1].shares = Shares(0, 4_000, 4_000);
        _propose(terms);
    }

    function test_bounds() external {
        FacilityTerms memory terms = _terms();
        terms.bounds = Bounds(10_001, 0);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadBounds.selector, 10_001, 0));
        terms.bounds = Bounds(0, 10_001);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadBounds.selector, 0, 10_001));
        terms.bounds = Bounds(3_001, 4_000);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityLeadBelowBound.selector, 0, 3_000, 3_001));
        terms.bounds = Bounds(3_000, 3_999);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityPartnerAboveBound.selector, 1, 0, 4_000, 3_999));
        terms.bounds = Bounds(3_000, 4_000);
        uint32 facility = _propose(terms);
        vm.assertEq(facilities.bounds(facility).leastLeadBps, 3_000, "kept");
        vm.assertEq(facilities.bounds(facility).largestPartnerBps, 4_000, "kept");
        vm.assertEq(facilities.partyCount(facility), 3, "the lead and two partners");
        vm.assertEq(facilities.leadOf(facility), LEAD, "the lead");
    }

    function test_sealed_keys_too_long() external {
        FacilityTerms memory terms = _terms();
        terms.leadSealedReferenceKey = new bytes(257);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadSealedKey.selector, LEAD, 257, 256));
        terms = _terms();
        terms.partners[0].sealedReferenceKey = new bytes(300);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadSealedKey.selector, PARTNER, 300, 256));
    }

    function test_readers_that_cannot_be() external {
        FacilityTerms memory terms = _terms();
        terms.readers = new SealedFor[](2);
        terms.readers[0] = SealedFor(AUDITOR, new bytes(80));
        terms.readers[1] = SealedFor(PARTNER, new bytes(80));
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadReader.selector, 1, PARTNER));
        terms.readers[1].member = AUDITOR;
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadReader.selector, 1, AUDITOR));
        terms.readers[1].member = 99;
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadReader.selector, 1, 99));
        terms.readers[1] = SealedFor(REGULATOR, new bytes(257));
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityBadSealedKey.selector, REGULATOR, 257, 256));
        terms.readers = new SealedFor[](255);
        _refuse(terms, abi.encodeWithSelector(IFacilityRegistry.FacilityTooManyReaders.selector, 255, 254));
    }

    function test_a_proposal_is_kept_whole() external {
        FacilityTerms memory terms = _terms();
        terms.rules = Rules(0, 7, 2, 3_600, 64_800);
        terms.readers = new SealedFor[](2);
        terms.readers[0] = SealedFor(AUDITOR, "auditor's");
        terms.readers[1] = SealedFor(REGULATOR, "regulator's");
        terms.leadSealedReferenceKey = "lead's";
        terms.partners[1].lowBalance = -5;
        vm.expectEmit(address(facilities));
        emit IFacilityRegistry.FacilityProposed(1, terms);
        uint32 facility = _propose(terms);

        vm.assertEq(facility, 1, "the first");
        vm.assertEq(facilities.facilityCount(), 1, "counted");
        vm.assertEq(facilities.facilityNumber(terms.id), 1, "found by id");
        vm.assertEq(facilities.facilityNumber("other"), 0, "no other");
        vm.assertTrue(facilities.state(facility) == FacilityState.Proposed, "proposed");
        vm.assertEq(keccak256(abi.encode(facilities.terms(facility))), keccak256(abi.encode(terms)), "the terms");
        vm.assertEq(facilities.termsHash(facility), keccak256(abi.encode(terms)), "their hash");
        vm.assertEq(facilities.memberOfPartner(facility, 2), 3, "partner 2");
        vm.assertEq(facilities.memberOfPartner(facility, 3), 0, "no partner 3");
        vm.assertEq(facilities.memberOfPartner(facility, 0), 0, "no partner 0");
        vm.assertEq(facilities.partnerOfMember(facility, 3), 2, "member 3");
        vm.assertEq(facilities.partnerOfMember(facility, LEAD), 0, "the lead is no partner");
        vm.assertEq(facilities.rules(facility, 1).amountTolerance, 7, "rules of version 1");
        vm.assertEq(facilities.shares(facility, 1)[1].feeBps, 3_000, "shares of version 1");
        vm.assertEq(facilities.sharesSchedule(facility).length, 1, "one version of shares");
        vm.assertEq(facilities.rulesSchedule(facility)[0], 0, "from the beginning of time");
    }

    function test_views_name_what_is_not_there() external {
        _expect(abi.encodeWithSelector(IFacilityRegistry.FacilityUnknown.selector, 1));
        facilities.terms(1);
        _propose(_terms());
        _expect(abi.encodeWithSelector(IFacilityRegistry.FacilityUnknownVersion.selector, 1, 0));
        facilities.shares(1, 0);
        _expect(abi.encodeWithSelector(IFacilityRegistry.FacilityUnknownVersion.selector, 1, 2));
        facilities.rules(1, 2);
    }

    function _terms() private pure returns (FacilityTerms memory) {
        uint16[] memory bps = new uint16[](2);
        (bps[0], bps[1]) = (4_000, 3_000);
        return termsOf("F", bps, strictRules());
    }

    function _propose(FacilityTerms memory terms) private returns (uint32) {
        vm.prank(approverOf(LEAD));
        return facilities.propose(terms);
    }

    function _refuse(FacilityTerms memory terms, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(LEAD));
        facilities.propose(terms);
    }

    function _expect(bytes memory refusal) private {
        vm.expectRevert(refusal);
    }
}
