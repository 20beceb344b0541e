// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Kinds} from "libraries/Kinds.sol";
import {PairKeys} from "libraries/PairKeys.sol";
import {Statement} from "types/DayCloseTypes.sol";
import {ConsortiumFixture} from "./ConsortiumFixture.sol";
import {Stream} from "./Stream.sol";
import {vm} from "./Vm.sol";

/// @title A facility of two partners, and short ways to fill, hold and close their reserve accounts
abstract contract AccountsFixture is ConsortiumFixture {
    uint32 internal facility;

    function openAccounts() internal {
        found(2);
        uint16[] memory bps = new uint16[](2);
        (bps[0], bps[1]) = (5_000, 2_000);
        facility = activate("F", bps, strictRules());
        // where the activation has not done it
        for (uint8 partner = 1; partner <= 2; ++partner) {
            (bool isOpen,) = ledger.threshold(facility, partner);
            if (isOpen) continue;
            vm.prank(address(facilities));
            ledger.openAccount(facility, partner, 100_000);
        }
    }

    /// @dev Both banks post the same leg of a kind that is not split.
    function settle(uint16 partner, uint8 kind, uint24 day, uint256 amount, uint160 ref) internal {
        postHalf(LEAD, partner, kind, day, amount, ref);
        postHalf(memberOf(partner), partner, kind, day, amount, ref);
    }

    function postHalf(uint16 member, uint16 partner, uint8 kind, uint24 day, uint256 amount, uint160 ref) internal {
        Stream memory stream;
        post(facility, member, stream.group(day).leg(kind, partner, day, amount, ref));
    }

    function topUp(uint16 partner, uint256 amount, uint160 ref) internal {
        settle(partner, uint8(Kinds.TOP_UP), TODAY, amount, ref);
    }

    function placeHold(uint8 partner, uint160 ref, uint56 amount) internal {
        vm.prank(operatorOf(LEAD));
        ledger.hold(facility, partner, ref, amount, uint32(block.timestamp + 1 days));
    }

    function keyOf(uint8 partner, uint256 kind, uint160 ref) internal view returns (uint256) {
        return PairKeys.key(facility, partner, kind, ref);
    }

    function names(uint256 a) internal pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = a;
    }

    function names(uint256 a, uint256 b) internal pure returns (uint256[] memory list) {
        list = new uint256[](2);
        (list[0], list[1]) = (a, b);
    }

    function nothing() internal pure returns (uint256[] memory) {
        return new uint256[](0);
    }

    /// @dev The statement that the ledger's own totals make.
    function statementOf(uint8 partner, uint24 day) internal view returns (Statement memory s) {
        s.facility = facility;
        s.partner = partner;
        s.day = day;
        uint24 last = dayClose.lastClosed(facility, partner);
        s.openingLead = dayClose.closing(facility, partner, last).lead;
        s.openingPartner = dayClose.closing(facility, partner, last).partner;
        s.openingAgreed = dayClose.closing(facility, partner, last).agreed;
        (int256 lead, int256 partnerSide, int256 agreed) = ledger.movements(facility, partner, last + 1, day);
        (s.movementLead, s.movementPartner, s.movementAgreed) = (int80(lead), int80(partnerSide), int80(agreed));
        s.closingLead = int72(s.openingLead + lead);
        s.closingPartner = int72(s.openingPartner + partnerSide);
        s.closingAgreed = int72(s.openingAgreed + agreed);
        (,,, s.openLead, s.openPartner, s.acceptedDifference, s.openLegs,) = ledger.account(facility, partner);
    }

    function propose(uint16 member, Statement memory s, uint256[] memory carriedForward) internal returns (bytes32) {
        vm.prank(approverOf(member));
        dayClose.propose(s, carriedForward);
        return keccak256(abi.encode(s, carriedForward));
    }

    /// @dev The lead proposes, the partner confirms.
    function close(uint8 partner, uint24 day, uint256[] memory carriedForward) internal {
        bytes32 hash = propose(LEAD, statementOf(partner, day), carriedForward);
        vm.prank(approverOf(memberOf(partner)));
        dayClose.confirm(facility, partner, day, hash);
    }
}
