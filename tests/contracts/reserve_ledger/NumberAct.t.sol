// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReserveLedger} from "interfaces/IReserveLedger.sol";
import {BreaksFixture} from "../support/BreaksFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title ActNumbered: acts that a facility's lines follow from are counted, so that none can be left out unseen
contract NumberActTest is BreaksFixture {
    function setUp() external {
        makeBreaks();
    }

    function test_only_by_the_contracts_whose_acts_they_are() external {
        address[3] memory others = [address(dayClose), address(consortium), operatorOf(LEAD)];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IReserveLedger.LedgerOnlyActs.selector, others[i]));
            vm.prank(others[i]);
            ledger.numberAct(facility);
        }
    }

    function test_a_facility_has_one_count_of_its_own() external {
        vm.assertEq(ledger.actsOf(facility), 0, "postings and proposals are none");
        resolve(resolution(AMOUNT, FORCE));
        vm.assertEq(ledger.actsOf(facility), 1, "an accepted resolution is one");
        _expect(facility, 2);
        vm.prank(address(dayClose));
        ledger.closeThrough(facility, 1, TODAY);
        _expect(facility, 3);
        vm.prank(address(dayClose));
        ledger.closeThrough(facility, 1, 0);
        _expect(facility + 1, 1);
        vm.prank(address(facilities));
        ledger.numberAct(facility + 1);
        vm.assertEq(ledger.actsOf(facility), 3, "the facility's own");
    }

    function _expect(uint32 whose, uint64 number) private {
        vm.expectEmit(address(ledger));
        emit IReserveLedger.ActNumbered(whose, number);
    }
}
