// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReserveLedger} from "interfaces/IReserveLedger.sol";
import {Kinds} from "libraries/Kinds.sol";
import {Effect, Effects} from "libraries/Effects.sol";
import {DayMovement, Movements} from "libraries/Movements.sol";
import {OpenChange, OpenChanges} from "libraries/OpenChanges.sol";
import {AccountsFixture} from "../support/AccountsFixture.sol";
import {Vm, vm} from "../support/Vm.sol";

/// @title A balance that passes its threshold or 0 says so, and nothing is refused for it
/// @dev The threshold of these accounts is 100,000.
contract BalanceEventsTest is AccountsFixture {
    uint8 private constant IN = uint8(Kinds.TOP_UP);
    uint8 private constant OUT = uint8(Kinds.WITHDRAWAL);
    uint160 private ref;

    function setUp() external {
        openAccounts();
    }

    function test_it_is_low_from_its_opening() external {
        vm.expectEmit(address(ledger));
        emit IReserveLedger.BalanceLow(7, 1, 0, 5);
        vm.prank(address(facilities));
        ledger.openAccount(7, 1, 5);
    }

    function test_one_bank_alone_does_not_restore() external {
        vm.assertEq(_move(LEAD, IN, 500_000), bytes32(0), "the smaller book is 0 still");
        vm.assertEq(_move(memberOf(1), IN, 99_999), bytes32(0), "one below");
        vm.assertEq(_move(memberOf(1), IN, 1), IReserveLedger.BalanceRestored.selector, "at the threshold");
        vm.assertEq(_move(memberOf(1), IN, 200_000), bytes32(0), "it was not low");
    }

    function test_either_bank_alone_makes_it_low() external {
        _both(IN, 150_000);
        vm.assertEq(_move(LEAD, OUT, 50_000), bytes32(0), "at the threshold");
        vm.assertEq(_move(memberOf(1), OUT, 50_001), IReserveLedger.BalanceLow.selector, "one below");
        vm.assertEq(_move(LEAD, OUT, 60_000), bytes32(0), "it is low already");
    }

    function test_the_events_say_what_it_is() external {
        _both(IN, 150_000);
        vm.expectEmit(address(ledger));
        emit IReserveLedger.BalanceLow(facility, 1, 10_000, 100_000);
        postHalf(LEAD, 1, OUT, TODAY, 140_000, ++ref);
        vm.expectEmit(address(ledger));
        emit IReserveLedger.ShortfallBegan(facility, 1, -1);
        postHalf(LEAD, 1, OUT, TODAY, 10_001, ++ref);
        vm.expectEmit(address(ledger));
        emit IReserveLedger.ShortfallEnded(facility, 1, 0);
        postHalf(LEAD, 1, IN, TODAY, 1, ++ref);
        vm.expectEmit(address(ledger));
        emit IReserveLedger.BalanceRestored(facility, 1, 150_000, 100_000);
        postHalf(LEAD, 1, IN, TODAY, 200_000, ++ref);
    }

    function test_one_batch_can_pass_both_marks() external {
        _both(IN, 150_000);
        vm.recordLogs();
        postHalf(LEAD, 1, OUT, TODAY, 200_000, ++ref);
        _expectTwo(IReserveLedger.BalanceLow.selector, IReserveLedger.ShortfallBegan.selector);
        vm.recordLogs();
        postHalf(LEAD, 1, IN, TODAY, 200_000, ++ref);
        _expectTwo(IReserveLedger.ShortfallEnded.selector, IReserveLedger.BalanceRestored.selector);
    }

    /// @dev Whatever the threshold and the moves: an event exactly where a plain comparison sees a mark passed.
    function testFuzz_no_mark_is_passed_unseen(int72 threshold, int56[4] memory moves, bool isLead) external {
        threshold = threshold % 3e6;
        vm.prank(address(facilities));
        ledger.openAccount(7, 1, threshold);
        // the other book is out of the way, so that this one is the smaller
        _record(!isLead, 1e12);
        int256 balance;
        for (uint256 i; i < moves.length; ++i) {
            int256 before = balance;
            int256 move = int256(moves[i]) % 4e6;
            balance += move;
            vm.recordLogs();
            _record(isLead, move);
            bytes32[] memory seen = _topics();
            vm.assertTrue(
                _has(seen, IReserveLedger.BalanceLow.selector) == (before >= threshold && balance < threshold), "low"
            );
            vm.assertTrue(_has(seen, IReserveLedger.ShortfallBegan.selector) == (before >= 0 && balance < 0), "short");
            vm.assertTrue(_has(seen, IReserveLedger.ShortfallEnded.selector) == (before < 0 && balance >= 0), "no more");
            vm.assertTrue(
                _has(seen, IReserveLedger.BalanceRestored.selector) == (before < threshold && balance >= threshold),
                "restored"
            );
        }
    }

    /// @dev One half of one bank, open, straight into the ledger.
    function _record(bool isLead, int256 effect) private {
        Effect moved = Effect.wrap(effect);
        DayMovement[] memory movements = new DayMovement[](1);
        movements[0] = Movements.single(1, TODAY, IN, moved, Effects.NONE);
        OpenChange[] memory changes = new OpenChange[](2);
        changes[1] = OpenChanges.opened(isLead, moved);
        vm.prank(address(reconciliation));
        ledger.record(7, isLead, movements, changes);
    }

    function _topics() private returns (bytes32[] memory topics) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        topics = new bytes32[](logs.length);
        for (uint256 i; i < logs.length; ++i) {
            topics[i] = logs[i].topics[0];
        }
    }

    function _has(bytes32[] memory topics, bytes32 topic) private pure returns (bool) {
        for (uint256 i; i < topics.length; ++i) {
            if (topics[i] == topic) return true;
        }
        return false;
    }

    function _both(uint8 kind, uint256 amount) private {
        ++ref;
        settle(1, kind, TODAY, amount, ref);
    }

    /// @return the ledger's event of one half; 0 = none
    function _move(uint16 member, uint8 kind, uint256 amount) private returns (bytes32) {
        vm.recordLogs();
        postHalf(member, 1, kind, TODAY, amount, ++ref);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        return logs[0].emitter == address(ledger) ? logs[0].topics[0] : bytes32(0);
    }

    function _expectTwo(bytes32 first, bytes32 second) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[0].topics[0], first, "first");
        vm.assertEq(logs[1].topics[0], second, "second");
    }
}
