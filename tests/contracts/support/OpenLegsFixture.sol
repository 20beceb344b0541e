// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {ConsortiumFixture} from "./ConsortiumFixture.sol";
import {vm} from "./Vm.sol";

/// @title Reserve accounts that have many open legs already
/// @dev Their pairs are not there, so that they stay open: a million postings would take an hour.
abstract contract OpenLegsFixture is ConsortiumFixture {
    uint256 internal constant MAX_OPEN_LEGS = 1_000_000;
    uint256 internal constant LARGEST = 1e15;

    uint32 internal facility;

    /// @dev As in storage/LedgerStorage.
    uint256 private constant _LEAD_SIDES = 4;
    uint256 private constant _PARTNER_SIDES = 5;

    /// @param legs of either side
    /// @param open sum of either side's, minor units
    /// @param agreed what both agree on, minor units
    function fill(uint8 partner, uint256 legs, int72 open, int72 agreed) internal {
        fillSide(_LEAD_SIDES, partner, legs, open + agreed, open, agreed);
        fillSide(_PARTNER_SIDES, partner, legs, open + agreed, open, 0);
        vm.assertEq(ledger.openLegsOf(facility, partner, true), legs, "the lead's open legs");
        vm.assertEq(ledger.openLegsOf(facility, partner, false), legs, "the partner's open legs");
    }

    /// @dev Packed as LeadSide and PartnerSide are: 40 bits open legs | 72 bits the third sum | 72 bits open | 72 bits book.
    function fillSide(uint256 sides, uint8 partner, uint256 legs, int72 book, int72 open, int72 third) private {
        bytes32 slot = keccak256(abi.encode((uint256(facility) << 8) | partner, sides));
        uint256 word = (legs << 216) | (uint256(uint72(third)) << 144) | (uint256(uint72(open)) << 72) | uint72(book);
        vm.store(address(ledger), slot, bytes32(word));
    }
}
