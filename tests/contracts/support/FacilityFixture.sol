// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IFacilityRegistry} from "interfaces/IFacilityRegistry.sol";
import {Bounds, Change, ChangeState, FacilityTerms, Rules, Shares} from "types/FacilityTypes.sol";
import {vm} from "./Vm.sol";
import {VotingFixture} from "./VotingFixture.sol";

/// @title An active facility of a lead and two partners, and short ways to change it
/// @dev Members: 1 the lead, 2 Anna, 3 Bert, 4 a bank that is no party, 5 an auditor, 6 a regulator. The lead's rest is at
///      least 1,000 basis points, no partner has more than 6,000.
abstract contract FacilityFixture is VotingFixture {
    uint16 internal constant ANNA = 2;
    uint16 internal constant BERT = 3;
    uint16 internal constant STRANGER = 4;
    /// @dev The first day that no leg may carry yet.
    uint24 internal constant EARLIEST = TODAY + 31;

    uint32 internal facility;

    function setUpFacility() internal {
        found(3);
        FacilityTerms memory terms = termsOf("F", two(4_000, 3_000), strictRules());
        terms.bounds = Bounds(1_000, 6_000);
        vm.prank(approverOf(LEAD));
        facility = facilities.propose(terms);
        vm.prank(approverOf(ANNA));
        facilities.accept(facility, keccak256(abi.encode(terms)));
        vm.prank(approverOf(BERT));
        facilities.accept(facility, keccak256(abi.encode(terms)));
    }

    function two(uint16 a, uint16 b) internal pure returns (uint16[] memory list) {
        list = new uint16[](2);
        (list[0], list[1]) = (a, b);
    }

    function sharesOf(uint16 anna, uint16 bert) internal pure returns (Shares[] memory list) {
        list = new Shares[](2);
        list[0] = Shares(anna, anna, anna);
        list[1] = Shares(bert, bert, bert);
    }

    function rulesFrom(uint24 effectiveFrom) internal pure returns (Rules memory) {
        return Rules(effectiveFrom, 5, 2, 2 days, 64_800);
    }

    function proposeShares(uint16 member, uint24 from, Shares[] memory shares) internal returns (uint32) {
        vm.prank(approverOf(member));
        return facilities.proposeShares(facility, from, shares, REASON);
    }

    function proposeRules(uint16 member, Rules memory rules) internal returns (uint32) {
        vm.prank(approverOf(member));
        return facilities.proposeRules(facility, rules, REASON);
    }

    function proposeClose(uint16 member) internal returns (uint32) {
        vm.prank(approverOf(member));
        return facilities.proposeClose(facility, REASON);
    }

    function acceptChange(uint16 member, uint32 change) internal {
        bytes32 hash = hashOf(change);
        vm.prank(approverOf(member));
        facilities.acceptChange(facility, change, hash);
    }

    function refuseAcceptance(uint16 member, uint32 change, bytes memory refusal) internal {
        bytes32 hash = hashOf(change);
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        facilities.acceptChange(facility, change, hash);
    }

    /// @dev What a party that has read the change signs.
    function hashOf(uint32 change) internal view returns (bytes32) {
        Change memory read = facilities.change(facility, change);
        return keccak256(abi.encode(uint8(read.kind), read.payload, read.reasonHash));
    }

    function notOpen(uint32 change, ChangeState state) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IFacilityRegistry.FacilityChangeNotOpen.selector, facility, change, state);
    }

    function assertChange(uint32 change, ChangeState state, string memory what) internal view {
        vm.assertTrue(facilities.change(facility, change).state == state, what);
    }
}
