// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReserveLedger} from "interfaces/IReserveLedger.sol";
import {Day} from "libraries/DayTotals.sol";
import {Kinds} from "libraries/Kinds.sol";
import {AccountsFixture} from "../support/AccountsFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title movements: what moved on a range of days, and what comes for a closed one
contract MovementsOfDaysTest is AccountsFixture {
    uint8 private constant TOP_UP = uint8(Kinds.TOP_UP);
    uint8 private constant WITHDRAWAL = uint8(Kinds.WITHDRAWAL);

    Day private totals;

    function setUp() external {
        openAccounts();
    }

    function test_a_range_that_ends_before_it_begins_is_refused() external {
        vm.expectRevert(abi.encodeWithSelector(IReserveLedger.LedgerBadRange.selector, TODAY, TODAY - 1));
        ledger.movements(facility, 1, TODAY, TODAY - 1);
    }

    function test_only_DayClose_closes() external {
        address[3] memory callers = [address(this), approverOf(LEAD), address(reconciliation)];
        for (uint256 i; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IReserveLedger.LedgerOnlyDayClose.selector, callers[i]));
            vm.prank(callers[i]);
            ledger.closeThrough(facility, 1, TODAY);
        }
    }

    function test_no_movement_is_none() external view {
        _expect(0, type(uint24).max, 0, 0, 0);
    }

    function test_days_far_apart_are_found() external {
        settle(1, TOP_UP, 1, 1, 1);
        settle(1, TOP_UP, 255, 20, 2);
        settle(1, WITHDRAWAL, 256, 300, 3);
        settle(1, TOP_UP, 65_536, 4_000, 4);
        settle(1, TOP_UP, TODAY, 50_000, 5);
        settle(1, TOP_UP, TODAY + 30, 600_000, 6);
        _expect(0, TODAY + 30, 653_721, 653_721, 653_721);
        _expect(1, 255, 21, 21, 21);
        _expect(2, 256, -280, -280, -280);
        _expect(257, 65_535, 0, 0, 0);
        _expect(65_536, TODAY, 54_000, 54_000, 54_000);
        _expect(TODAY + 1, TODAY + 29, 0, 0, 0);
        _expect(TODAY + 30, TODAY + 30, 600_000, 600_000, 600_000);
    }

    function test_each_side_and_what_is_agreed_fall_on_their_own_days() external {
        postHalf(LEAD, 1, TOP_UP, TODAY - 3, 100, 1);
        postHalf(memberOf(1), 1, TOP_UP, TODAY - 3, 70, 2);
        postHalf(LEAD, 1, TOP_UP, TODAY - 2, 40, 3);
        vm.assertTrue(ledger.available(facility, 2) == 0, "the other partner's account is its own");
        _expect(TODAY - 3, TODAY - 3, 100, 70, 0);
        _expect(TODAY - 3, TODAY - 2, 140, 70, 0);
    }

    function test_a_movement_of_a_closed_day_falls_on_the_next_and_says_so() external {
        postHalf(LEAD, 1, TOP_UP, TODAY - 5, 100, 1);
        _closeThrough(TODAY - 3);
        // the partner's half on an open day: what is agreed falls on the lead's day, which is closed
        vm.expectEmit(address(ledger));
        emit IReserveLedger.MovementPriorDay(facility, 1, TOP_UP, TODAY - 5, TODAY - 2, false, 0, 100);
        postLate(memberOf(1), TODAY - 1, 100, 1);
        _expect(TODAY - 5, TODAY - 3, 100, 0, 0);
        _expect(TODAY - 2, TODAY - 2, 0, 0, 100);
        _expect(TODAY - 1, TODAY - 1, 0, 100, 0);
        // a half on a closed day
        vm.expectEmit(address(ledger));
        emit IReserveLedger.MovementPriorDay(facility, 1, TOP_UP, TODAY - 3, TODAY - 2, true, 7, 0);
        postHalf(LEAD, 1, TOP_UP, TODAY - 3, 7, 2);
        _expect(TODAY - 2, TODAY - 2, 7, 0, 100);
    }

    function test_a_day_opened_again_takes_movements_again() external {
        _closeThrough(TODAY - 3);
        postHalf(LEAD, 1, TOP_UP, TODAY - 3, 7, 1);
        _closeThrough(TODAY - 4);
        postHalf(LEAD, 1, TOP_UP, TODAY - 3, 8, 2);
        _expect(TODAY - 3, TODAY - 3, 8, 0, 0);
        _expect(TODAY - 2, TODAY - 2, 7, 0, 0);
    }

    /// @dev Against a plain sum over random days, kinds and ranges.
    function testFuzz_movements_are_the_sum_of_the_days(
        uint24[6] memory day,
        uint16[6] memory amount,
        uint24[2] memory at
    ) external {
        int256 sum;
        (at[0], at[1]) = (TODAY - at[0] % 3_000, TODAY - at[1] % 3_000);
        (uint24 from, uint24 to) = at[0] < at[1] ? (at[0], at[1]) : (at[1], at[0]);
        for (uint160 i; i < 6; ++i) {
            day[i] = TODAY - day[i] % 3_000;
            postHalf(LEAD, 1, i % 2 == 0 ? TOP_UP : WITHDRAWAL, day[i], uint256(amount[i]) + 1, i + 1);
            int256 effect = i % 2 == 0 ? int256(uint256(amount[i]) + 1) : -int256(uint256(amount[i]) + 1);
            if (day[i] >= from && day[i] <= to) sum += effect;
        }
        _expect(from, to, sum, 0, 0);
    }

    /// @dev Against plain sums: whatever is added to a day's totals, also where a field cannot hold it.
    function testFuzz_a_days_totals_are_plain_sums(int64[12] calldata amounts, uint8[12] calldata places) external {
        int256[3] memory columns;
        int256[17][3] memory kinds;
        for (uint256 i; i < 12; ++i) {
            (uint256 column, uint256 group) = (places[i] % 3, (places[i] >> 2) % 2);
            uint256 lane = places[i] >> 6;
            // the highest and lowest numbers often, so that fields are outgrown
            int64 amount = i % 3 == 0 ? amounts[i] : amounts[i] < 0 ? type(int64).min : type(int64).max;
            // a second kind moves with the first
            uint256 moved = uint256(uint64(amount)) << (lane * 64);
            moved |= uint256(uint64(amounts[i])) << ((lane ^ 1) * 64);
            totals.add(column, group, moved);
            kinds[column][4 * group + lane + 1] += amount;
            kinds[column][4 * group + (lane ^ 1) + 1] += amounts[i];
            columns[column] += int256(amount) + amounts[i];
        }
        for (uint256 column; column < 3; ++column) {
            vm.assertEq(totals.ofAll(column), columns[column], "a column");
            for (uint256 kind = 1; kind <= 8; ++kind) {
                vm.assertEq(totals.ofKind(column, kind), kinds[column][kind], "a kind");
            }
        }
    }

    function test_kinds_that_are_none_have_no_total() external {
        settle(1, TOP_UP, TODAY, 5, 1);
        for (uint256 kind; kind < 256; kind += kind == 0 ? 14 : 1) {
            (int80 lead, int80 partner, int80 agreed) = ledger.dayTotal(facility, 1, TODAY, uint8(kind));
            vm.assertTrue(lead == 0 && partner == 0 && agreed == 0, "no kind");
        }
    }

    function postLate(uint16 member, uint24 businessDay, uint256 amount, uint160 ref) private {
        // the halves must be of one value day to match
        (uint64 sequence,) = reconciliation.head(facility, member);
        bytes32[] memory words = new bytes32[](2);
        words[0] = bytes32(uint256(businessDay) << 216);
        words[1] = bytes32(abi.encodePacked(TOP_UP, uint8(1), TODAY - 5, uint56(amount), ref));
        vm.prank(operatorOf(member));
        reconciliation.post(facility, sequence + 1, words, "");
    }

    function _closeThrough(uint24 day) private {
        vm.prank(address(dayClose));
        ledger.closeThrough(facility, 1, day);
    }

    function _expect(uint24 from, uint24 to, int256 lead, int256 partner, int256 agreed) private view {
        (int256 a, int256 b, int256 c) = ledger.movements(facility, 1, from, to);
        vm.assertEq(a, lead, "lead");
        vm.assertEq(b, partner, "partner");
        vm.assertEq(c, agreed, "agreed");
    }
}
