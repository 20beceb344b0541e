// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReserveLedger} from "interfaces/IReserveLedger.sol";
import {ConsortiumFixture} from "../support/ConsortiumFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title openAccount: the FacilityRegistry's alone, and once
contract OpenAccountTest is ConsortiumFixture {
    uint32 private constant FACILITY = 7;

    function setUp() external {
        found(1);
    }

    function test_nobody_else_opens() external {
        address[4] memory callers = [address(this), approverOf(LEAD), address(consortium), address(reconciliation)];
        for (uint256 i; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IReserveLedger.LedgerOnlyFacilityRegistry.selector, callers[i]));
            vm.prank(callers[i]);
            ledger.openAccount(FACILITY, 1, 100);
        }
    }

    function test_an_account_opens_once() external {
        _open(100);
        vm.expectRevert(abi.encodeWithSelector(IReserveLedger.LedgerAccountOpen.selector, FACILITY, 1));
        _open(200);
    }

    function test_an_account_opens_empty_with_its_threshold() external {
        (bool isOpen,) = ledger.threshold(FACILITY, 1);
        vm.assertFalse(isOpen, "not before");
        vm.expectEmit(address(ledger));
        emit IReserveLedger.AccountOpened(FACILITY, 1, -5);
        _open(-5);
        int72 lowBalance;
        (isOpen, lowBalance) = ledger.threshold(FACILITY, 1);
        vm.assertTrue(isOpen && lowBalance == -5, "open, with its threshold");
        (int72 lead, int72 partner, int72 agreed,,,,, uint24 closedThrough) = ledger.account(FACILITY, 1);
        vm.assertTrue(lead == 0 && partner == 0 && agreed == 0 && closedThrough == 0, "empty");
    }

    function _open(int72 lowBalance) private {
        vm.prank(address(facilities));
        ledger.openAccount(FACILITY, 1, lowBalance);
    }
}
