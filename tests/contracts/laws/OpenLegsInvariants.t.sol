// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Kinds} from "libraries/Kinds.sol";
import {Rules} from "types/FacilityTypes.sol";
import {Pair} from "types/LegTypes.sol";
import {OpenLegsFixture} from "../support/OpenLegsFixture.sol";
import {Stream} from "../support/Stream.sol";
import {vm} from "../support/Vm.sol";

/// @title Banks that post the largest legs on accounts whose sums of open legs are as near their ends as the bound allows
contract OpenLegsHandler is OpenLegsFixture {
    uint8 private constant PARTNERS = 2;
    uint256 private constant REFERENCES = 40;
    /// @dev So many first halves a side may still open; and as many breaks may follow from the other's.
    uint256 private constant LEFT = 6;
    int72 private constant NEAREST = type(int72).max - int72(int256(2 * LEFT * LARGEST));

    constructor() {
        found(PARTNERS);
        uint16[] memory bps = new uint16[](PARTNERS);
        (bps[0], bps[1]) = (5_000, 5_000);
        facility = activate("F", bps, Rules(0, 0, 0, 1 days, 86_399));
        // the books are farther from their ends: only both banks together move what is agreed
        fill(1, MAX_OPEN_LEGS - LEFT, NEAREST, -1e21);
        fill(2, MAX_OPEN_LEGS - LEFT, -NEAREST, 1e21);
    }

    /// @dev Whatever it is, and whatever the other has posted: a leg is taken or rejected, the batch never reverts.
    function half(bool isLead, uint8 partner, uint8 kind, uint8 less, uint256 ref) external {
        partner = partner % PARTNERS + 1;
        kind = kind % 11 + 1;
        bool isShared = isLead && kind <= 5;
        // parts of a shared leg are halves of it, so that they match a partner's only now and then
        uint256 amount = less % 3 == 0 ? LARGEST / 2 : LARGEST - less % 2;
        Stream memory stream;
        stream.group(TODAY).leg(kind, isShared ? 0 : partner, TODAY, amount, ref % REFERENCES);
        post(facility, isLead ? LEAD : memberOf(partner), stream);
    }

    function reverse(bool isLead, uint8 partner, uint8 kind, uint256 ref, uint256 ownRef) external {
        partner = partner % PARTNERS + 1;
        kind = kind % 11 + 1;
        ref = ref % REFERENCES;
        Pair memory pair = reconciliation.pair(facility, partner, kind, uint160(ref));
        uint256 amount = isLead ? pair.leadAmount : pair.partnerAmount;
        Stream memory stream;
        stream.group(TODAY);
        bool isShared = isLead && kind <= 5;
        stream.leg(Kinds.REVERSAL, isShared ? 0 : partner, TODAY, amount == 0 ? 1 : amount, ownRef % REFERENCES);
        post(facility, isLead ? LEAD : memberOf(partner), stream.target(kind, ref));
    }

    /// @return most open legs that a side of any account has
    function mostOpenLegs() external view returns (uint256 most) {
        for (uint8 partner = 1; partner <= PARTNERS; ++partner) {
            for (uint256 side; side < 2; ++side) {
                uint256 legs = ledger.openLegsOf(facility, partner, side == 0);
                if (legs > most) most = legs;
            }
        }
    }
}

/// @title No postings of one bank make another bank's revert
contract OpenLegsInvariantsTest {
    OpenLegsHandler private handler;

    function setUp() external {
        handler = new OpenLegsHandler();
    }

    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    /// @dev The handler's calls never revert (`fail_on_revert`), though without the bound their sums would pass the ends.
    /// forge-config: default.invariant.runs = 64
    function invariant_a_posting_never_reverts() external view {
        vm.assertLe(handler.mostOpenLegs(), 1_000_000 + 6, "first halves up to the bound, then breaks of the other's");
    }
}
