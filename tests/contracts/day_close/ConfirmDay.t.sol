// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IDayClose} from "interfaces/IDayClose.sol";
import {Kinds} from "libraries/Kinds.sol";
import {KeyPurpose} from "types/ConsortiumTypes.sol";
import {Closing} from "types/DayCloseTypes.sol";
import {AccountsFixture} from "../support/AccountsFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title confirm: the other bank's signature closes the day
contract ConfirmDayTest is AccountsFixture {
    uint8 private constant TOP_UP = uint8(Kinds.TOP_UP);

    function setUp() external {
        openAccounts();
        topUp(1, 1_000, 1);
    }

    function test_GOV_1_no_bank_closes_alone() external {
        bytes32 hash = propose(LEAD, statementOf(1, TODAY), nothing());
        bytes4 notAKey = IConsortiumRegistry.ConsortiumNotAKey.selector;
        address operator = operatorOf(memberOf(1));
        vm.expectRevert(abi.encodeWithSelector(notAKey, operator, KeyPurpose.Approver));
        vm.prank(operator);
        dayClose.confirm(facility, 1, TODAY, hash);
        _refuse(LEAD, hash, abi.encodeWithSelector(IDayClose.DayCloseOwnProposal.selector, facility, 1, LEAD));
        bytes4 stranger = IDayClose.DayCloseNotAParty.selector;
        _refuse(memberOf(2), hash, abi.encodeWithSelector(stranger, facility, 1, memberOf(2)));
    }

    function test_only_what_was_proposed_is_confirmed() external {
        bytes4 none = IDayClose.DayCloseNotProposed.selector;
        _refuse(memberOf(1), bytes32(0), abi.encodeWithSelector(none, facility, 1, 0, bytes32(0)));
        bytes32 hash = propose(LEAD, statementOf(1, TODAY - 1), nothing());
        _refuse(memberOf(1), hash, abi.encodeWithSelector(none, facility, 1, TODAY - 1, hash));
        hash = propose(LEAD, statementOf(1, TODAY), nothing());
        _refuse(memberOf(1), ~hash, abi.encodeWithSelector(none, facility, 1, TODAY, hash));
    }

    function test_movements_since_the_proposal_stop_it() external {
        bytes32 hash = propose(LEAD, statementOf(1, TODAY), nothing());
        postHalf(memberOf(1), 1, TOP_UP, TODAY - 1, 5, 2);
        bytes memory changed = abi.encodeWithSelector(IDayClose.DayCloseChanged.selector, facility, 1, TODAY);
        _refuse(memberOf(1), hash, changed);
        hash = propose(LEAD, statementOf(1, TODAY), names(keyOf(1, TOP_UP, 2)));
        _confirm(hash);
    }

    /// @dev Where openings and movements moved against each other the closing is the same and the statement is not.
    function test_another_last_closing_stops_it() external {
        close(1, TODAY - 1, nothing());
        bytes32 hash = propose(LEAD, statementOf(1, TODAY), nothing());
        vm.prank(approverOf(LEAD));
        dayClose.proposeReopen(facility, 1, TODAY - 1, "");
        vm.prank(approverOf(memberOf(1)));
        dayClose.confirmReopen(facility, 1, TODAY - 1, "");
        _refuse(memberOf(1), hash, abi.encodeWithSelector(IDayClose.DayCloseChanged.selector, facility, 1, TODAY));
    }

    function test_what_is_open_may_have_changed() external {
        vm.warp(NOW + 1 days);
        bytes32 hash = propose(LEAD, statementOf(1, TODAY), nothing());
        postHalf(memberOf(1), 1, TOP_UP, TODAY + 1, 5, 2);
        _confirm(hash);
    }

    function test_a_day_closes_with_what_is_before_it() external {
        bytes32 hash = propose(memberOf(1), statementOf(1, TODAY), nothing());
        vm.expectEmit(address(dayClose));
        emit IDayClose.DayClosed(facility, 1, TODAY, LEAD, hash);
        vm.prank(approverOf(LEAD));
        dayClose.confirm(facility, 1, TODAY, hash);

        Closing memory closing = dayClose.closing(facility, 1, TODAY);
        vm.assertTrue(closing.isClosed && closing.before == 0, "closed");
        vm.assertTrue(closing.lead == 1_000 && closing.partner == 1_000 && closing.agreed == 1_000, "its balances");
        vm.assertTrue(dayClose.lastClosed(facility, 1) == TODAY, "the last one");
        vm.assertTrue(dayClose.lastClosed(facility, 2) == 0, "of this account alone");
        vm.assertTrue(dayClose.proposalOf(facility, 1).member == 0, "nothing waits");
    }

    function test_late_legs_are_the_next_days() external {
        close(1, TODAY, nothing());
        postHalf(LEAD, 1, TOP_UP, TODAY, 20, 2);
        vm.warp(NOW + 1 days);
        close(1, TODAY + 1, names(keyOf(1, TOP_UP, 2)));
        Closing memory closing = dayClose.closing(facility, 1, TODAY + 1);
        vm.assertTrue(closing.before == TODAY && closing.lead == 1_020 && closing.agreed == 1_000, "carried");
        vm.assertTrue(dayClose.closing(facility, 1, TODAY).lead == 1_000, "and not back");
    }

    function _confirm(bytes32 hash) private {
        vm.prank(approverOf(memberOf(1)));
        dayClose.confirm(facility, 1, TODAY, hash);
    }

    function _refuse(uint16 member, bytes32 hash, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        dayClose.confirm(facility, 1, TODAY, hash);
    }
}
