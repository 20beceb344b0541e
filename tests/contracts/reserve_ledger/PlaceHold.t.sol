// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IReconciliation} from "interfaces/IReconciliation.sol";
import {IReserveLedger} from "interfaces/IReserveLedger.sol";
import {Kinds} from "libraries/Kinds.sol";
import {KeyPurpose} from "types/ConsortiumTypes.sol";
import {Hold, HoldState} from "types/HoldTypes.sol";
import {AccountsFixture} from "../support/AccountsFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title hold: the lead's operator sets a part of the reserve aside for a drawdown
contract PlaceHoldTest is AccountsFixture {
    uint160 private constant REF = 0xabc;
    uint32 private later;

    function setUp() external {
        openAccounts();
        topUp(1, 1_000, 1);
        later = uint32(block.timestamp + 1 days);
    }

    function test_only_an_operator_of_the_lead_holds() external {
        bytes4 notAKey = IConsortiumRegistry.ConsortiumNotAKey.selector;
        vm.expectRevert(abi.encodeWithSelector(notAKey, approverOf(LEAD), KeyPurpose.Operator));
        vm.prank(approverOf(LEAD));
        ledger.hold(facility, 1, REF, 100, later);

        vm.expectRevert(abi.encodeWithSelector(IReserveLedger.HoldNotTheLead.selector, facility, memberOf(1)));
        vm.prank(operatorOf(memberOf(1)));
        ledger.hold(facility, 1, REF, 100, later);
    }

    function test_a_hold_needs_an_account() external {
        _refuse(3, REF, 100, later, abi.encodeWithSelector(IReserveLedger.HoldNoAccount.selector, facility, 3));
        _refuse(0, REF, 100, later, abi.encodeWithSelector(IReserveLedger.HoldNoAccount.selector, facility, 0));
    }

    function test_a_hold_of_nothing_is_refused() external {
        _refuse(1, REF, 0, later, abi.encodeWithSelector(IReserveLedger.HoldAmountZero.selector, facility, 1, REF));
    }

    function test_a_hold_expires_within_thirty_days() external {
        uint32 now_ = uint32(block.timestamp);
        uint256 latest = block.timestamp + 30 days;
        _refuse(1, REF, 100, now_, abi.encodeWithSelector(IReserveLedger.HoldBadExpiry.selector, now_, latest));
        uint32 late = uint32(latest) + 1;
        _refuse(1, REF, 100, late, abi.encodeWithSelector(IReserveLedger.HoldBadExpiry.selector, late, latest));
        _hold(1, REF, 100, uint32(latest));
    }

    function test_a_hold_above_what_is_available_is_refused() external {
        bytes4 above = IReserveLedger.HoldAboveAvailable.selector;
        _refuse(1, REF, 1_001, later, abi.encodeWithSelector(above, facility, 1, 1_001, 1_000));
        _hold(1, REF, 600, later);
        _refuse(1, REF + 1, 401, later, abi.encodeWithSelector(above, facility, 1, 401, 400));
        _refuse(2, REF, 1, later, abi.encodeWithSelector(above, facility, 2, 1, 0));
        _hold(1, REF + 1, 400, later);
        vm.assertTrue(ledger.available(facility, 1) == 0, "all is held");
    }

    /// @dev A leg that one bank alone posted lowers what is available and never raises it.
    function test_available_is_of_the_smaller_book() external {
        postHalf(LEAD, 1, uint8(Kinds.TOP_UP), TODAY, 500, 2);
        vm.assertTrue(ledger.available(facility, 1) == 1_000, "not yet the partner's");
        postHalf(memberOf(1), 1, uint8(Kinds.WITHDRAWAL), TODAY, 300, 3);
        vm.assertTrue(ledger.available(facility, 1) == 700, "the partner's at once");
        postHalf(memberOf(1), 1, uint8(Kinds.WITHDRAWAL), TODAY, 900, 4);
        vm.assertTrue(ledger.available(facility, 1) == -200, "a shortfall");
        bytes4 above = IReserveLedger.HoldAboveAvailable.selector;
        _refuse(1, REF, 1, later, abi.encodeWithSelector(above, facility, 1, 1, int80(-200)));
    }

    function test_one_hold_ever_for_a_drawdown() external {
        _hold(1, REF, 100, later);
        bytes4 exists = IReserveLedger.HoldExists.selector;
        _refuse(1, REF, 100, later, abi.encodeWithSelector(exists, facility, 1, REF, HoldState.Active));
        vm.prank(operatorOf(LEAD));
        ledger.release(facility, 1, REF);
        _refuse(1, REF, 100, later, abi.encodeWithSelector(exists, facility, 1, REF, HoldState.Released));
    }

    function test_a_hold_comes_before_both_halves() external {
        postHalf(memberOf(1), 1, uint8(Kinds.DRAWDOWN), TODAY, 50, REF);
        uint256 key = keyOf(1, Kinds.DRAWDOWN, REF);
        _refuse(1, REF, 50, later, abi.encodeWithSelector(IReconciliation.PairNotFree.selector, key));
    }

    function test_nobody_else_marks_a_pair_as_held() external {
        vm.expectRevert(abi.encodeWithSelector(IReconciliation.PairOnlyReserveLedger.selector, operatorOf(LEAD)));
        vm.prank(operatorOf(LEAD));
        reconciliation.markHeld(keyOf(1, Kinds.DRAWDOWN, REF));
    }

    function test_LEDGER_5_a_hold_is_kept_and_moves_no_book() external {
        bytes memory before = _account();
        vm.expectEmit(address(ledger));
        emit IReserveLedger.HoldPlaced(facility, 1, REF, 100, later);
        _hold(1, REF, 100, later);
        Hold memory held = ledger.holdOf(facility, 1, REF);
        vm.assertTrue(held.amount == 100 && held.expiresAt == later && held.state == HoldState.Active, "as placed");
        (uint72 sum, uint32 count) = ledger.heldOf(facility, 1);
        vm.assertTrue(sum == 100 && count == 1, "counted");
        vm.assertTrue(ledger.available(facility, 1) == 900, "set aside");
        vm.assertEq(before, _account(), "no book moved");
    }

    function _hold(uint8 partner, uint160 ref, uint56 amount, uint32 expiresAt) private {
        vm.prank(operatorOf(LEAD));
        ledger.hold(facility, partner, ref, amount, expiresAt);
    }

    function _refuse(uint8 partner, uint160 ref, uint56 amount, uint32 expiresAt, bytes memory refusal) private {
        vm.expectRevert(refusal);
        _hold(partner, ref, amount, expiresAt);
    }

    function _account() private view returns (bytes memory) {
        (bool ok, bytes memory data) = address(ledger).staticcall(abi.encodeCall(ledger.account, (facility, 1)));
        require(ok, "account");
        return data;
    }
}
