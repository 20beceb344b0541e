// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IReserveLedger} from "interfaces/IReserveLedger.sol";
import {KeyPurpose} from "types/ConsortiumTypes.sol";
import {HoldState} from "types/HoldTypes.sol";
import {AccountsFixture} from "../support/AccountsFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title release: by the lead at any time, by any active member once the hold has expired
contract ReleaseHoldTest is AccountsFixture {
    uint160 private constant REF = 0xabc;

    function setUp() external {
        openAccounts();
        topUp(1, 1_000, 1);
        placeHold(1, REF, 100);
    }

    function test_only_operators_release() external {
        bytes4 notAKey = IConsortiumRegistry.ConsortiumNotAKey.selector;
        vm.expectRevert(abi.encodeWithSelector(notAKey, approverOf(LEAD), KeyPurpose.Operator));
        vm.prank(approverOf(LEAD));
        ledger.release(facility, 1, REF);
    }

    function test_a_hold_that_is_not_there_is_not_released() external {
        bytes4 notActive = IReserveLedger.HoldNotActive.selector;
        vm.expectRevert(abi.encodeWithSelector(notActive, facility, 1, REF + 1, HoldState.None));
        _release(LEAD, REF + 1);
        _release(LEAD, REF);
        vm.expectRevert(abi.encodeWithSelector(notActive, facility, 1, REF, HoldState.Released));
        _release(LEAD, REF);
    }

    function test_others_wait_until_it_expires() external {
        vm.warp(NOW + 1 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IReserveLedger.HoldNotTheLead.selector, facility, memberOf(1)));
        _release(memberOf(1), REF);
        vm.assertTrue(ledger.available(facility, 1) == 900, "it still counts");

        vm.warp(NOW + 1 days);
        vm.assertTrue(ledger.available(facility, 1) == 900, "until it is released");
        vm.expectEmit(address(ledger));
        emit IReserveLedger.HoldReleased(facility, 1, REF, 100, memberOf(2), true);
        _release(memberOf(2), REF);
        vm.assertTrue(ledger.available(facility, 1) == 1_000, "free again");
    }

    function test_the_lead_releases_at_any_time() external {
        vm.expectEmit(address(ledger));
        emit IReserveLedger.HoldReleased(facility, 1, REF, 100, LEAD, false);
        _release(LEAD, REF);
        (uint72 sum, uint32 count) = ledger.heldOf(facility, 1);
        vm.assertTrue(sum == 0 && count == 0, "nothing is held");
        vm.assertTrue(ledger.holdOf(facility, 1, REF).state == HoldState.Released, "for ever");
    }

    function _release(uint16 member, uint160 ref) private {
        vm.prank(operatorOf(member));
        ledger.release(facility, 1, ref);
    }
}
