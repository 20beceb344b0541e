// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "interfaces/IConsortiumRegistry.sol";
import {IDayClose} from "interfaces/IDayClose.sol";
import {IResolutions} from "interfaces/IResolutions.sol";
import {Kinds} from "libraries/Kinds.sol";
import {PairKeys} from "libraries/PairKeys.sol";
import {KeyPurpose} from "types/ConsortiumTypes.sol";
import {DayProposal, Statement} from "types/DayCloseTypes.sol";
import {AccountsFixture} from "../support/AccountsFixture.sol";
import {Stream} from "../support/Stream.sol";
import {vm} from "../support/Vm.sol";

/// @title propose, dispute and withdraw: a statement equal to the ledger's own totals, that names every open leg
contract ProposeDayTest is AccountsFixture {
    uint8 private constant TOP_UP = uint8(Kinds.TOP_UP);

    function setUp() external {
        openAccounts();
        topUp(1, 1_000, 1);
        postHalf(LEAD, 1, TOP_UP, TODAY, 30, 2);
        postHalf(memberOf(1), 1, uint8(Kinds.WITHDRAWAL), TODAY, 5, 3);
    }

    function test_only_approvers_of_the_two_banks_propose() external {
        Statement memory s = statementOf(1, TODAY);
        bytes4 notAKey = IConsortiumRegistry.ConsortiumNotAKey.selector;
        vm.expectRevert(abi.encodeWithSelector(notAKey, operatorOf(LEAD), KeyPurpose.Approver));
        vm.prank(operatorOf(LEAD));
        dayClose.propose(s, _open());
        _refuse(memberOf(2), s, abi.encodeWithSelector(IDayClose.DayCloseNotAParty.selector, facility, 1, memberOf(2)));
        s.partner = 3;
        _refuse(LEAD, s, abi.encodeWithSelector(IDayClose.DayCloseNoAccount.selector, facility, 3));
    }

    function test_a_day_is_neither_closed_nor_ahead() external {
        Statement memory s = statementOf(1, TODAY);
        s.day = TODAY + 1;
        _refuse(LEAD, s, abi.encodeWithSelector(IDayClose.DayCloseDayAhead.selector, TODAY + 1, TODAY));
        s.day = 0;
        _refuse(LEAD, s, abi.encodeWithSelector(IDayClose.DayCloseDayClosed.selector, 0, 0));
        close(1, TODAY, _open());
        s.day = TODAY;
        _refuse(LEAD, s, abi.encodeWithSelector(IDayClose.DayCloseDayClosed.selector, TODAY, TODAY));
    }

    function test_CLOSE_1_the_opening_is_the_last_closing() external {
        bytes memory refusal = abi.encodeWithSelector(IDayClose.DayCloseOpeningDiffers.selector, 0, 0, 0);
        for (uint256 i; i < 3; ++i) {
            Statement memory s = statementOf(1, TODAY);
            (s.openingLead, s.openingPartner, s.openingAgreed) = _oneAt(i);
            _refuse(LEAD, s, refusal);
        }
        close(1, TODAY - 1, _open());
        vm.warp(NOW + 1 days);
        close(1, TODAY, _open());
        Statement memory next = statementOf(1, TODAY + 1);
        next.openingAgreed = 999;
        _refuse(LEAD, next, abi.encodeWithSelector(IDayClose.DayCloseOpeningDiffers.selector, 1_030, 995, 1_000));
    }

    function test_movements_are_the_ledgers() external {
        bytes memory refusal = abi.encodeWithSelector(IDayClose.DayCloseMovementsDiffer.selector, 1_030, 995, 1_000);
        for (uint256 i; i < 3; ++i) {
            Statement memory s = statementOf(1, TODAY);
            (int72 lead, int72 partner, int72 agreed) = _oneAt(i);
            s.movementLead += lead;
            s.movementPartner += partner;
            s.movementAgreed += agreed;
            _refuse(LEAD, s, refusal);
        }
    }

    function test_CLOSE_1_the_closing_is_the_sum() external {
        bytes memory refusal = abi.encodeWithSelector(IDayClose.DayCloseClosingDiffers.selector, 1_030, 995, 1_000);
        for (uint256 i; i < 3; ++i) {
            Statement memory s = statementOf(1, TODAY);
            (int72 lead, int72 partner, int72 agreed) = _oneAt(i);
            s.closingLead += lead;
            s.closingPartner += partner;
            s.closingAgreed += agreed;
            _refuse(LEAD, s, refusal);
        }
    }

    function test_open_items_are_the_ledgers() external {
        bytes memory refusal = abi.encodeWithSelector(IDayClose.DayCloseOpenItemsDiffer.selector, 30, -5, 0, 2);
        for (uint256 i; i < 4; ++i) {
            Statement memory s = statementOf(1, TODAY);
            (int72 lead, int72 partner, int72 accepted) = _oneAt(i);
            s.openLead += lead;
            s.openPartner += partner;
            s.acceptedDifference += accepted;
            if (i == 3) ++s.openLegs;
            _refuse(LEAD, s, refusal);
        }
    }

    function test_every_open_leg_is_named_once() external {
        Statement memory s = statementOf(1, TODAY);
        (uint256 first, uint256 second) = (keyOf(1, TOP_UP, 2), keyOf(1, Kinds.WITHDRAWAL, 3));
        bytes4 incomplete = IDayClose.DayCloseCarriedForwardIncomplete.selector;
        _refuseNames(s, names(first), abi.encodeWithSelector(incomplete, 1, 2));
        _refuseNames(s, nothing(), abi.encodeWithSelector(incomplete, 0, 2));
        _refuseNames(
            s, names(first, keyOf(1, TOP_UP, 1)), abi.encodeWithSelector(IResolutions.PairsNotAscending.selector, 1)
        );
        _refuseNames(s, names(first, first), abi.encodeWithSelector(IResolutions.PairsNotAscending.selector, 1));
        postHalf(LEAD, 2, TOP_UP, TODAY, 30, 2);
        uint256 other = keyOf(2, TOP_UP, 2);
        _refuseNames(
            s, names(second, other), abi.encodeWithSelector(IResolutions.PairOfOtherAccount.selector, 1, other)
        );
        bytes4 tooMany = IDayClose.DayCloseTooManyNames.selector;
        _refuseNames(s, new uint256[](3_501), abi.encodeWithSelector(tooMany, 3_501, 3_500));
        propose(LEAD, s, names(first, second));
    }

    function test_an_open_reversal_is_named_by_its_own_key() external {
        Stream memory stream;
        stream.group(TODAY).leg(Kinds.REVERSAL, 1, TODAY, 1_000, 9);
        post(facility, LEAD, stream.target(TOP_UP, 1));
        uint256 reversal = PairKeys.reversalKey(keyOf(1, Kinds.REVERSAL, 9), (uint256(TOP_UP) << 248) | 1);
        uint256[] memory list = new uint256[](3);
        (list[0], list[1], list[2]) = (keyOf(1, TOP_UP, 2), keyOf(1, Kinds.WITHDRAWAL, 3), reversal);
        propose(LEAD, statementOf(1, TODAY), list);
    }

    function test_one_proposal_waits_at_a_time() external {
        Statement memory s = statementOf(1, TODAY);
        bytes32 hash = propose(LEAD, s, _open());
        _refuse(
            memberOf(1), s, abi.encodeWithSelector(IDayClose.DayCloseProposalWaits.selector, facility, 1, TODAY, LEAD)
        );
        // its own bank replaces it
        s = statementOf(1, TODAY - 1);
        bytes32 replaced = hash;
        hash = propose(LEAD, s, _open());
        DayProposal memory waiting = dayClose.proposalOf(facility, 1);
        vm.assertTrue(waiting.statementHash == hash && hash != replaced && waiting.day == TODAY - 1, "the last one");
        // one that a reopening has overtaken waits for nobody
        close(1, TODAY - 2, _open());
        propose(LEAD, statementOf(1, TODAY), _open());
        _reopen(TODAY - 2);
        propose(memberOf(1), statementOf(1, TODAY), _open());
    }

    function test_a_proposal_is_kept_and_tells_all() external {
        Statement memory s = statementOf(1, TODAY);
        bytes32 hash = keccak256(abi.encode(s, _open()));
        vm.expectEmit(address(dayClose));
        emit IDayClose.DayProposed(facility, 1, TODAY, memberOf(1), s, _open(), hash);
        propose(memberOf(1), s, _open());
        DayProposal memory waiting = dayClose.proposalOf(facility, 1);
        vm.assertTrue(waiting.member == memberOf(1) && waiting.statementHash == hash, "whose and what");
        vm.assertTrue(waiting.movementLead == 1_030 && waiting.closing.agreed == 1_000, "its sums");
        vm.assertTrue(waiting.blockNumber == block.number, "when");
        vm.assertFalse(dayClose.closing(facility, 1, TODAY).isClosed, "nothing is closed yet");
    }

    function test_the_other_bank_disputes() external {
        bytes32 hash = propose(LEAD, statementOf(1, TODAY), _open());
        bytes32 reason = keccak256("why");
        bytes4 own = IDayClose.DayCloseOwnProposal.selector;
        _refuseDispute(LEAD, hash, abi.encodeWithSelector(own, facility, 1, LEAD));
        bytes4 none = IDayClose.DayCloseNotProposed.selector;
        _refuseDispute(memberOf(1), reason, abi.encodeWithSelector(none, facility, 1, TODAY, hash));
        bytes4 stranger = IDayClose.DayCloseNotAParty.selector;
        _refuseDispute(memberOf(2), hash, abi.encodeWithSelector(stranger, facility, 1, memberOf(2)));
        vm.expectEmit(address(dayClose));
        emit IDayClose.DayDisputed(facility, 1, TODAY, memberOf(1), hash, reason);
        vm.prank(approverOf(memberOf(1)));
        dayClose.dispute(facility, 1, TODAY, hash, reason);
        _refuseDispute(memberOf(1), hash, abi.encodeWithSelector(none, facility, 1, 0, bytes32(0)));
    }

    function test_its_own_bank_takes_it_back() external {
        bytes32 hash = propose(LEAD, statementOf(1, TODAY), _open());
        bytes4 notYours = IDayClose.DayCloseNotYours.selector;
        _refuseWithdraw(memberOf(1), TODAY, abi.encodeWithSelector(notYours, facility, 1, LEAD, memberOf(1)));
        bytes4 none = IDayClose.DayCloseNotProposed.selector;
        _refuseWithdraw(LEAD, TODAY - 1, abi.encodeWithSelector(none, facility, 1, TODAY, hash));
        vm.expectEmit(address(dayClose));
        emit IDayClose.DayWithdrawn(facility, 1, TODAY, LEAD, hash);
        vm.prank(approverOf(LEAD));
        dayClose.withdraw(facility, 1, TODAY);
        _refuseWithdraw(LEAD, TODAY, abi.encodeWithSelector(none, facility, 1, 0, bytes32(0)));
    }

    /// @dev The pairs with open legs that setUp left.
    function _open() private view returns (uint256[] memory) {
        return names(keyOf(1, TOP_UP, 2), keyOf(1, Kinds.WITHDRAWAL, 3));
    }

    function _oneAt(uint256 i) private pure returns (int72, int72, int72) {
        return (i == 0 ? int72(1) : int72(0), i == 1 ? int72(1) : int72(0), i == 2 ? int72(1) : int72(0));
    }

    function _reopen(uint24 day) private {
        vm.prank(approverOf(LEAD));
        dayClose.proposeReopen(facility, 1, day, "why");
        vm.prank(approverOf(memberOf(1)));
        dayClose.confirmReopen(facility, 1, day, "why");
    }

    function _refuse(uint16 member, Statement memory s, bytes memory refusal) private {
        uint256[] memory carriedForward = _open();
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        dayClose.propose(s, carriedForward);
    }

    function _refuseNames(Statement memory s, uint256[] memory carriedForward, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(LEAD));
        dayClose.propose(s, carriedForward);
    }

    function _refuseDispute(uint16 member, bytes32 hash, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        dayClose.dispute(facility, 1, TODAY, hash, "why");
    }

    function _refuseWithdraw(uint16 member, uint24 day, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(approverOf(member));
        dayClose.withdraw(facility, 1, day);
    }
}
