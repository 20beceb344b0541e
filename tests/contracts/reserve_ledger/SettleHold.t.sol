// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReserveLedger} from "interfaces/IReserveLedger.sol";
import {Kinds} from "libraries/Kinds.sol";
import {HoldState} from "types/HoldTypes.sol";
import {AccountsFixture} from "../support/AccountsFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title settleHold: Reconciliation's alone, when the drawdown is settled
contract SettleHoldTest is AccountsFixture {
    uint160 private constant REF = 0xabc;

    function setUp() external {
        openAccounts();
        topUp(1, 1_000, 1);
        placeHold(1, REF, 100);
    }

    function test_nobody_else_settles() external {
        address[3] memory callers = [address(this), operatorOf(LEAD), address(dayClose)];
        for (uint256 i; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IReserveLedger.LedgerOnlyReconciliation.selector, callers[i]));
            vm.prank(callers[i]);
            ledger.settleHold(facility, 1, REF);
        }
    }

    function test_a_hold_that_is_not_active_is_let_be() external {
        vm.prank(operatorOf(LEAD));
        ledger.release(facility, 1, REF);
        _settle(REF);
        _settle(REF + 1);
        vm.assertTrue(ledger.holdOf(facility, 1, REF).state == HoldState.Released, "as it was");
        vm.assertTrue(ledger.holdOf(facility, 1, REF + 1).state == HoldState.None, "none was made");
    }

    function test_a_hold_ends_with_its_drawdown() external {
        vm.expectEmit(address(ledger));
        emit IReserveLedger.HoldPosted(facility, 1, REF, 100);
        _settle(REF);
        (uint72 sum, uint32 count) = ledger.heldOf(facility, 1);
        vm.assertTrue(sum == 0 && count == 0, "nothing is held");
        vm.assertTrue(ledger.holdOf(facility, 1, REF).state == HoldState.Posted, "for ever");
    }

    function test_the_match_of_a_drawdown_ends_its_hold_whichever_half_is_first() external {
        placeHold(1, REF + 1, 200);
        _postLead(REF);
        vm.assertTrue(ledger.holdOf(facility, 1, REF).state == HoldState.Active, "one half ends nothing");
        _postPartner(REF);
        vm.assertTrue(ledger.holdOf(facility, 1, REF).state == HoldState.Posted, "the lead first");
        _postPartner(REF + 1);
        _postLead(REF + 1);
        vm.assertTrue(ledger.holdOf(facility, 1, REF + 1).state == HoldState.Posted, "the partner first");
        (uint72 sum, uint32 count) = ledger.heldOf(facility, 1);
        vm.assertTrue(sum == 0 && count == 0, "nothing is held");
    }

    function _postLead(uint160 ref) private {
        postHalf(LEAD, 0, uint8(Kinds.DRAWDOWN), TODAY, 1_000, ref);
    }

    function _postPartner(uint160 ref) private {
        postHalf(memberOf(1), 1, uint8(Kinds.DRAWDOWN), TODAY, 500, ref);
    }

    function _settle(uint160 ref) private {
        vm.prank(address(reconciliation));
        ledger.settleHold(facility, 1, ref);
    }
}
