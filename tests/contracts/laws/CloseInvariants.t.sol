// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Kinds} from "libraries/Kinds.sol";
import {PairKeys} from "libraries/PairKeys.sol";
import {Closing, Statement} from "types/DayCloseTypes.sol";
import {Hold, HoldState} from "types/HoldTypes.sol";
import {AccountsFixture} from "../support/AccountsFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title Banks that post, hold, close and reopen as they like, and a diary kept apart from the contracts
/// @dev A reference has one amount and value day, so that its halves always match; its business days vary.
contract CloseHandler is AccountsFixture {
    uint8 internal constant PARTNERS = 2;
    uint160 internal constant REFERENCES = 40;
    uint24 public constant FIRST_DAY = TODAY - 4;

    struct Sums {
        int256 lead;
        int256 partner;
        int256 agreed;
    }

    struct Closed {
        uint24 day;
        Sums opening;
        Sums closing;
    }

    struct Halves {
        bool lead;
        bool partner;
        uint24 leadDay;
    }

    mapping(uint8 partner => mapping(uint24 day => Sums)) private _moved;
    mapping(uint8 partner => Sums) private _books;
    mapping(uint8 partner => mapping(uint160 ref => Halves)) private _halves;
    mapping(uint8 partner => Closed[]) private _closed;
    mapping(uint8 partner => int256) private _held;
    mapping(uint8 partner => uint160[]) private _holds;

    constructor() {
        openAccounts();
    }

    /// @dev The contracts' own word, in the diary's form.
    function ledgerOf(uint8 partner) external view returns (Sums memory sums) {
        (sums.lead, sums.partner, sums.agreed,,,,,) = ledger.account(facility, partner);
    }

    function lastClosed(uint8 partner) external view returns (uint24) {
        return dayClose.lastClosed(facility, partner);
    }

    function closingOf(uint8 partner, uint24 day) external view returns (bool, uint24, Sums memory) {
        Closing memory closing = dayClose.closing(facility, partner, day);
        return (closing.isClosed, closing.before, Sums(closing.lead, closing.partner, closing.agreed));
    }

    function movementsAfter(uint8 partner, uint24 day) external view returns (int256, int256, int256) {
        return ledger.movements(facility, partner, day + 1, TODAY + 9);
    }

    function reserveOf(uint8 partner) external view returns (int256 available, int256 held, uint256 count) {
        (uint72 sum, uint32 active) = ledger.heldOf(facility, partner);
        return (ledger.available(facility, partner), int256(uint256(sum)), active);
    }

    /// @dev The active ones of the holds that the diary has, hold by hold.
    function sumOfHolds(uint8 partner) external view returns (int256 sum) {
        for (uint256 i; i < _holds[partner].length; ++i) {
            Hold memory held = ledger.holdOf(facility, partner, _holds[partner][i]);
            if (held.state == HoldState.Active) sum += int256(uint256(held.amount));
        }
    }

    function booksOf(uint8 partner) external view returns (Sums memory) {
        return _books[partner];
    }

    function closedOf(uint8 partner) external view returns (Closed[] memory) {
        return _closed[partner];
    }

    function heldOf(uint8 partner) external view returns (int256) {
        return _held[partner];
    }

    function holdsOf(uint8 partner) external view returns (uint160[] memory) {
        return _holds[partner];
    }

    /// @dev What the diary has for the days from one to another.
    function movedOn(uint8 partner, uint24 from, uint24 to) public view returns (Sums memory sum) {
        for (uint24 day = from < FIRST_DAY ? FIRST_DAY : from; day <= to; ++day) {
            _add(sum, _moved[partner][day]);
        }
    }

    function half(bool isLead, uint8 partner, uint160 ref, uint8 daysBack) external {
        partner = partner % PARTNERS + 1;
        ref = ref % REFERENCES + 1;
        Halves storage halves = _halves[partner][ref];
        if (isLead ? halves.lead : halves.partner) return;
        uint24 day = _today() - daysBack % 5;
        uint256 amount = uint256(ref) * 7;
        // every third takes money out
        (uint8 kind, int256 effect) =
            ref % 3 == 0 ? (uint8(Kinds.WITHDRAWAL), -int256(amount)) : (uint8(Kinds.TOP_UP), int256(amount));
        _post(isLead ? LEAD : memberOf(partner), partner, kind, day, amount, ref);

        if (isLead) (halves.lead, halves.leadDay) = (true, day);
        else halves.partner = true;
        Sums memory moved = Sums(isLead ? effect : int256(0), isLead ? int256(0) : effect, 0);
        _write(partner, day, moved);
        if (halves.lead && halves.partner) _write(partner, halves.leadDay, Sums(0, 0, effect));
    }

    function hold(uint8 partner, uint160 ref, uint56 amount) external {
        partner = partner % PARTNERS + 1;
        ref = ref % REFERENCES + 1_000;
        int256 free = ledger.available(facility, partner);
        if (free <= 0 || ledger.holdOf(facility, partner, ref).state != HoldState.None) return;
        amount = uint56(amount % uint256(free) + 1);
        placeHold(partner, ref, amount);
        _held[partner] += int256(uint256(amount));
        _holds[partner].push(ref);
    }

    function release(uint8 partner, uint256 which, uint16 member) external {
        partner = partner % PARTNERS + 1;
        uint160[] storage list = _holds[partner];
        if (list.length == 0) return;
        uint160 ref = list[which % list.length];
        uint256 amount = ledger.holdOf(facility, partner, ref).amount;
        bool isExpired = block.timestamp >= ledger.holdOf(facility, partner, ref).expiresAt;
        vm.prank(operatorOf(isExpired ? member % 3 + 1 : LEAD));
        ledger.release(facility, partner, ref);
        _held[partner] -= int256(amount);
        list[which % list.length] = list[list.length - 1];
        list.pop();
    }

    /// @dev Up to six hours; the tests' days stay few.
    function wait_(uint16 seconds_) external {
        if (_today() < TODAY + 4) vm.warp(block.timestamp + seconds_ % 6 hours);
    }

    /// @dev Either bank proposes to close any open day; the other confirms it, perhaps after more came.
    function closeDay(uint8 partner, uint8 daysBack, bool byLead) external {
        partner = partner % PARTNERS + 1;
        uint24 day = _today() - daysBack % 3;
        if (day <= dayClose.lastClosed(facility, partner)) return;
        Statement memory s = statementOf(partner, day);
        (uint16 proposer, uint16 other) = byLead ? (LEAD, memberOf(partner)) : (memberOf(partner), LEAD);
        bytes32 hash = propose(proposer, s, _openPairs(partner));
        vm.prank(approverOf(other));
        dayClose.confirm(facility, partner, day, hash);

        Closed[] storage list = _closed[partner];
        uint24 from;
        Sums memory opening;
        if (list.length != 0) (from, opening) = (list[list.length - 1].day + 1, list[list.length - 1].closing);
        Sums memory closing = movedOn(partner, from, day);
        _add(closing, opening);
        list.push(Closed(day, opening, closing));
    }

    function reopen(uint8 partner, uint8 chance) external {
        partner = partner % PARTNERS + 1;
        if (chance % 4 != 0 || _closed[partner].length == 0) return;
        uint24 day = dayClose.lastClosed(facility, partner);
        vm.prank(approverOf(memberOf(partner)));
        dayClose.proposeReopen(facility, partner, day, "why");
        vm.prank(approverOf(LEAD));
        dayClose.confirmReopen(facility, partner, day, "why");
        _closed[partner].pop();
    }

    function _post(uint16 member, uint8 partner, uint8 kind, uint24 day, uint256 amount, uint160 ref) private {
        (uint64 sequence,) = reconciliation.head(facility, member);
        bytes32[] memory words = new bytes32[](2);
        words[0] = bytes32(uint256(day) << 216);
        words[1] = bytes32(abi.encodePacked(kind, partner, TODAY, uint56(amount), ref));
        vm.prank(operatorOf(member));
        reconciliation.post(facility, sequence + 1, words, "");
    }

    function _write(uint8 partner, uint24 day, Sums memory moved) private {
        uint256 count = _closed[partner].length;
        if (count != 0 && day <= _closed[partner][count - 1].day) day = _closed[partner][count - 1].day + 1;
        Sums memory sum = _moved[partner][day];
        _add(sum, moved);
        _moved[partner][day] = sum;
        sum = _books[partner];
        _add(sum, moved);
        _books[partner] = sum;
    }

    /// @dev The pairs with one half, in ascending order: kinds first, then references.
    function _openPairs(uint8 partner) private view returns (uint256[] memory list) {
        list = new uint256[](REFERENCES);
        uint256 count;
        for (uint256 pass; pass < 2; ++pass) {
            uint256 kind = pass == 0 ? Kinds.TOP_UP : Kinds.WITHDRAWAL;
            for (uint160 ref = 1; ref <= REFERENCES; ++ref) {
                Halves memory halves = _halves[partner][ref];
                if (halves.lead == halves.partner || (ref % 3 == 0) != (pass == 1)) continue;
                list[count++] = PairKeys.key(facility, partner, kind, ref);
            }
        }
        assembly ("memory-safe") {
            mstore(list, count)
        }
    }

    function _today() private view returns (uint24) {
        return uint24(block.timestamp / 1 days + 719_163);
    }

    function _add(Sums memory sum, Sums memory moved) private pure {
        sum.lead += moved.lead;
        sum.partner += moved.partner;
        sum.agreed += moved.agreed;
    }
}

/// @title The laws of closings and holds, whatever the banks do
contract CloseInvariantsTest is AccountsFixture {
    CloseHandler private handler;

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function setUp() external {
        handler = new CloseHandler();
    }

    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        list[0].addr = address(handler);
        list[0].selectors = new bytes4[](6);
        list[0].selectors[0] = CloseHandler.half.selector;
        list[0].selectors[1] = CloseHandler.hold.selector;
        list[0].selectors[2] = CloseHandler.release.selector;
        list[0].selectors[3] = CloseHandler.wait_.selector;
        list[0].selectors[4] = CloseHandler.closeDay.selector;
        list[0].selectors[5] = CloseHandler.reopen.selector;
    }

    function invariant_closings_and_holds() external view {
        for (uint8 partner = 1; partner <= 2; ++partner) {
            _LEDGER_5_books_move_by_legs_alone(partner);
            _holds_add_up(partner);
        }
    }

    /// @dev After every run, as it reads every closing.
    function afterInvariant() external view {
        for (uint8 partner = 1; partner <= 2; ++partner) {
            _CLOSE_1_opening_and_movements_make_the_closing(partner);
        }
    }

    function _CLOSE_1_opening_and_movements_make_the_closing(uint8 partner) private view {
        CloseHandler.Closed[] memory list = handler.closedOf(partner);
        CloseHandler.Sums memory last;
        uint24 before;
        for (uint256 i; i < list.length; ++i) {
            CloseHandler.Closed memory day = list[i];
            CloseHandler.Sums memory moved = handler.movedOn(partner, before + 1, day.day);
            vm.assertTrue(_closingIs(partner, before, day.day, day.closing), "closed as the diary has it");
            vm.assertTrue(_same(day.opening, last), "opening = the last closing");
            vm.assertTrue(_same(_sum(day.opening, moved), day.closing), "opening + movements = closing");
            (last, before) = (day.closing, day.day);
        }
        vm.assertTrue(handler.lastClosed(partner) == before, "the last closed day");
        (int256 lead, int256 partnerSide, int256 agreed) = handler.movementsAfter(partner, before);
        CloseHandler.Sums memory now_ = _sum(last, CloseHandler.Sums(lead, partnerSide, agreed));
        vm.assertTrue(_same(now_, handler.booksOf(partner)), "the last closing and what came since are the books");
    }

    function _LEDGER_5_books_move_by_legs_alone(uint8 partner) private view {
        vm.assertTrue(_same(handler.ledgerOf(partner), handler.booksOf(partner)), "the books are the legs' sums");
    }

    function _holds_add_up(uint8 partner) private view {
        CloseHandler.Sums memory books = handler.ledgerOf(partner);
        (int256 available, int256 held, uint256 count) = handler.reserveOf(partner);
        int256 balance = books.lead < books.partner ? books.lead : books.partner;
        vm.assertTrue(available <= balance, "available is never above the smaller book");
        vm.assertEq(available, balance - handler.heldOf(partner), "available is the smaller book less what is held");
        vm.assertEq(held, handler.sumOfHolds(partner), "what is held is the sum of the active holds");
        vm.assertEq(count, handler.holdsOf(partner).length, "as many as are active");
    }

    function _closingIs(uint8 partner, uint24 before, uint24 day, CloseHandler.Sums memory sums)
        private
        view
        returns (bool)
    {
        (bool isClosed, uint24 before_, CloseHandler.Sums memory closing) = handler.closingOf(partner, day);
        return isClosed && before_ == before && _same(closing, sums);
    }

    function _sum(CloseHandler.Sums memory a, CloseHandler.Sums memory b)
        private
        pure
        returns (CloseHandler.Sums memory)
    {
        return CloseHandler.Sums(a.lead + b.lead, a.partner + b.partner, a.agreed + b.agreed);
    }

    function _same(CloseHandler.Sums memory a, CloseHandler.Sums memory b) private pure returns (bool) {
        return a.lead == b.lead && a.partner == b.partner && a.agreed == b.agreed;
    }
}
