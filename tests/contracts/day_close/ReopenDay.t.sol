// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IDayClose} from "interfaces/IDayClose.sol";
import {Kinds} from "libraries/Kinds.sol";
import {ReopenProposal} from "types/DayCloseTypes.sol";
import {AccountsFixture} from "../support/AccountsFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title proposeReopen, confirmReopen, withdrawReopen: the last closed day, by both banks
contract ReopenDayTest is AccountsFixture {
    bytes32 private constant WHY = keccak256("why");

    function setUp() external {
        openAccounts();
        topUp(1, 1_000, 1);
        close(1, TODAY - 1, nothing());
        close(1, TODAY, nothing());
    }

    function test_only_the_last_closed_day() external {
        bytes4 notLast = IDayClose.DayCloseNotLastClosed.selector;
        _refusePropose(LEAD, 1, TODAY - 1, abi.encodeWithSelector(notLast, TODAY - 1, TODAY));
        _refusePropose(LEAD, 1, TODAY + 1, abi.encodeWithSelector(notLast, TODAY + 1, TODAY));
        _refusePropose(LEAD, 2, 0, abi.encodeWithSelector(notLast, 0, 0));
        bytes4 stranger = IDayClose.DayCloseNotAParty.selector;
        _refusePropose(memberOf(2), 1, TODAY, abi.encodeWithSelector(stranger, facility, 1, memberOf(2)));
    }

    function test_GOV_1_no_bank_reopens_alone() external {
        bytes4 none = IDayClose.DayCloseReopenNotProposed.selector;
        _refuseConfirm(LEAD, TODAY, WHY, abi.encodeWithSelector(none, facility, 1, 0, bytes32(0)));
        _propose(LEAD);
        _refuseConfirm(
            LEAD, TODAY, WHY, abi.encodeWithSelector(IDayClose.DayCloseOwnProposal.selector, facility, 1, LEAD)
        );
        bytes4 stranger = IDayClose.DayCloseNotAParty.selector;
        _refuseConfirm(memberOf(2), TODAY, WHY, abi.encodeWithSelector(stranger, facility, 1, memberOf(2)));
        _refuseConfirm(memberOf(1), TODAY, ~WHY, abi.encodeWithSelector(none, facility, 1, TODAY, WHY));
        _refuseConfirm(memberOf(1), TODAY - 1, WHY, abi.encodeWithSelector(none, facility, 1, TODAY, WHY));
    }

    function test_a_later_closing_overtakes_it() external {
        _propose(LEAD);
        vm.warp(NOW + 1 days);
        close(1, TODAY + 1, nothing());
        bytes4 notLast = IDayClose.DayCloseNotLastClosed.selector;
        _refuseConfirm(memberOf(1), TODAY, WHY, abi.encodeWithSelector(notLast, TODAY, TODAY + 1));
    }

    function test_its_own_bank_takes_it_back() external {
        _propose(LEAD);
        ReopenProposal memory waiting = dayClose.reopenProposalOf(facility, 1);
        vm.assertTrue(waiting.member == LEAD && waiting.day == TODAY && waiting.reasonHash == WHY, "it waits");
        bytes4 notYours = IDayClose.DayCloseNotYours.selector;
        vm.expectRevert(abi.encodeWithSelector(notYours, facility, 1, LEAD, memberOf(1)));
        vm.prank(approverOf(memberOf(1)));
        dayClose.withdrawReopen(facility, 1, TODAY);
        vm.expectEmit(address(dayClose));
        emit IDayClose.ReopenWithdrawn(facility, 1, TODAY, LEAD);
        vm.prank(approverOf(LEAD));
        dayClose.withdrawReopen(facility, 1, TODAY);
        bytes4 none = IDayClose.DayCloseReopenNotProposed.selector;
        _refuseConfirm(memberOf(1), TODAY, WHY, abi.encodeWithSelector(none, facility, 1, 0, bytes32(0)));
    }

    function test_both_open_the_day_again() external {
        postHalf(LEAD, 1, uint8(Kinds.TOP_UP), TODAY, 20, 2);
        _propose(memberOf(1));
        vm.expectEmit(address(dayClose));
        emit IDayClose.DayReopened(facility, 1, TODAY, LEAD, TODAY - 1, WHY);
        vm.prank(approverOf(LEAD));
        dayClose.confirmReopen(facility, 1, TODAY, WHY);

        vm.assertTrue(dayClose.lastClosed(facility, 1) == TODAY - 1, "the day before is the last");
        vm.assertFalse(dayClose.closing(facility, 1, TODAY).isClosed, "open");
        vm.assertTrue(dayClose.closing(facility, 1, TODAY - 1).isClosed, "the day before is not");
        // what came late stays on the day after; what comes now is the day's own
        postHalf(memberOf(1), 1, uint8(Kinds.TOP_UP), TODAY, 20, 2);
        close(1, TODAY, nothing());
        vm.assertTrue(dayClose.closing(facility, 1, TODAY).partner == 1_020, "its own");
        vm.assertTrue(dayClose.closing(facility, 1, TODAY).lead == 1_000, "carried");
        vm.warp(NOW + 1 days);
        close(1, TODAY + 1, nothing());
        vm.assertTrue(dayClose.closing(facility, 1, TODAY + 1).lead == 1_020, "all is there in the end");
    }

    function test_the_first_day_too() external {
        _propose(LEAD);
        vm.prank(approverOf(memberOf(1)));
        dayClose.confirmReopen(facility, 1, TODAY, WHY);
        vm.prank(approverOf(LEAD));
        dayClose.proposeReopen(facility, 1, TODAY - 1, WHY);
        vm.prank(approverOf(memberOf(1)));
        dayClose.confirmReopen(facility, 1, TODAY - 1, WHY);
        vm.assertTrue(dayClose.lastClosed(facility, 1) == 0, "none is closed");
    }

    function _propose(uint16 member) private {
        vm.expectEmit(address(dayClose));
        emit IDayClose.ReopenProposed(facility, 1, TODAY, member, WHY);
        vm.prank(approverOf(member));
        dayClose.proposeReopen(facility, 1, TODAY, WHY);
    }

    function _refusePropose(uint16 member, uint8 partner, uint24 day, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        dayClose.proposeReopen(facility, partner, day, WHY);
    }

    function _refuseConfirm(uint16 member, uint24 day, bytes32 reason, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        dayClose.confirmReopen(facility, 1, day, reason);
    }
}
