// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReserveLedger} from "interfaces/IReserveLedger.sol";
import {Movement, Movements} from "libraries/Movements.sol";
import {OpenChange, OpenChanges} from "libraries/OpenChanges.sol";
import {Consortium} from "./utils/Consortium.sol";
import {vm} from "./utils/Vm.sol";

/// @title record: Reconciliation's alone, and nothing that breaks LEDGER_1
contract RecordTest is Consortium {
    uint32 private constant FACILITY = 7;

    function setUp() external {
        found(1);
    }

    function test_nobody_else_records() external {
        address[3] memory callers = [address(this), approverOf(LEAD), address(consortium)];
        for (uint256 i; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IReserveLedger.LedgerOnlyReconciliation.selector, callers[i]));
            vm.prank(callers[i]);
            ledger.record(FACILITY, true, _movement(1, 100, 0), _change(OpenChanges.leadOpened(100)));
        }
    }

    function test_LEDGER_1_a_book_that_nothing_explains_is_refused() external {
        bytes memory lead = abi.encodeWithSelector(IReserveLedger.LedgerOutOfBalance.selector, FACILITY, 1, true);
        bytes memory partner = abi.encodeWithSelector(IReserveLedger.LedgerOutOfBalance.selector, FACILITY, 1, false);
        _refuse(true, _movement(1, 100, 0), _change(0), lead);
        _refuse(true, _movement(1, 100, 0), _change(OpenChanges.leadOpened(99)), lead);
        _refuse(false, _movement(1, 100, 0), _change(OpenChanges.leadOpened(100)), lead);
        _refuse(false, _movement(1, 100, 0), _change(OpenChanges.accepted(99)), partner);
        _refuse(true, _movement(1, 100, 100), _change(0), partner);
    }

    function test_accounts_beyond_the_changes_are_refused() external {
        bytes memory refusal = abi.encodeWithSelector(IReserveLedger.LedgerUnknownAccount.selector, FACILITY, 2);
        _refuse(true, _movement(2, 100, 0), _change(OpenChanges.leadOpened(100)), refusal);
        refusal = abi.encodeWithSelector(IReserveLedger.LedgerUnknownAccount.selector, FACILITY, 1);
        _refuse(true, new Movement[](0), _change(OpenChanges.leadOpened(0)), refusal);
    }

    function test_a_record_moves_books_days_and_open_items() external {
        _record(true, _movement(1, 100, 0), _change(OpenChanges.leadOpened(100)));
        _record(
            false, _movement(1, 97, 100), _change(_sum(OpenChanges.leadSettled(100), OpenChanges.accepted(_minus(3))))
        );
        (int72 lead, int72 partner, int72 agreed, int72 openLead,, int72 accepted, uint40 open,) =
            ledger.account(FACILITY, 1);
        vm.assertTrue(lead == 100 && partner == 97 && agreed == 100, "books");
        vm.assertTrue(openLead == 0 && accepted == -3 && open == 0, "open items");
        (int80 leadDay, int80 partnerDay, int80 agreedDay) = ledger.dayTotal(FACILITY, 1, TODAY, 6);
        vm.assertTrue(leadDay == 100 && partnerDay == 97 && agreedDay == 100, "the day");
    }

    /// @dev Packed sums keep their fields apart, whatever the signs.
    function testFuzz_packed_movements_do_not_mix(int64[8] calldata book, int64[8] calldata agreed) external pure {
        uint256 word = Movement.unwrap(Movements.empty(Movements.toKey(200, TODAY, 12)));
        int256 books;
        int256 agreeds;
        for (uint256 i; i < 8; ++i) {
            books += book[i];
            agreeds += agreed[i];
            unchecked {
                word += Movements.delta(uint256(int256(book[i])), uint256(int256(agreed[i])));
            }
        }
        Movement movement = Movement.wrap(word);
        vm.assertEq(movement.book(), books, "book");
        vm.assertEq(movement.agreed(), agreeds, "agreed");
        vm.assertTrue(movement.partner() == 200 && movement.day() == TODAY && movement.kind() == 12, "the key");
    }

    function testFuzz_packed_changes_do_not_mix(int56[6] calldata effects) external pure {
        uint256 word = OpenChange.unwrap(OpenChanges.NONE);
        unchecked {
            word += OpenChanges.leadOpened(_bits(effects[0])) + OpenChanges.leadOpened(_bits(effects[1]));
            word += OpenChanges.leadSettled(_bits(effects[2])) + OpenChanges.partnerOpened(_bits(effects[3]));
            word += OpenChanges.partnerSettled(_bits(effects[4])) + OpenChanges.accepted(_bits(effects[5]));
        }
        OpenChange change = OpenChange.wrap(word);
        vm.assertEq(change.openLead(), int256(effects[0]) + effects[1] - effects[2], "lead");
        vm.assertEq(change.openPartner(), int256(effects[3]) - effects[4], "partner");
        vm.assertEq(change.acceptedDifference(), effects[5], "accepted");
        vm.assertEq(change.openLegs(), 1, "three opened, two settled");
    }

    function _record(bool isLead, Movement[] memory movements, OpenChange[] memory changes) private {
        vm.prank(address(reconciliation));
        ledger.record(FACILITY, isLead, movements, changes);
    }

    function _refuse(bool isLead, Movement[] memory movements, OpenChange[] memory changes, bytes memory refusal)
        private
    {
        vm.expectRevert(refusal);
        _record(isLead, movements, changes);
    }

    function _movement(uint256 partner, uint256 book, uint256 agreed) private pure returns (Movement[] memory list) {
        list = new Movement[](1);
        uint256 empty = Movement.unwrap(Movements.empty(Movements.toKey(partner, TODAY, 6)));
        list[0] = Movement.wrap(empty + Movements.delta(book, agreed));
    }

    function _change(uint256 delta) private pure returns (OpenChange[] memory list) {
        list = new OpenChange[](2);
        list[0] = OpenChanges.NONE;
        list[1] = OpenChange.wrap(_sum(OpenChange.unwrap(OpenChanges.NONE), delta));
    }

    function _sum(uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            return a + b;
        }
    }

    function _minus(uint256 amount) private pure returns (uint256) {
        unchecked {
            return 0 - amount;
        }
    }

    function _bits(int56 effect) private pure returns (uint256) {
        return uint256(int256(effect));
    }
}
