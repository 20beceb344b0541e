// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IReserveLedger} from "interfaces/IReserveLedger.sol";
import {Effect} from "libraries/Effects.sol";
import {DayMovement, Movements} from "libraries/Movements.sol";
import {OpenChange, OpenChanges} from "libraries/OpenChanges.sol";
import {ConsortiumFixture} from "../support/ConsortiumFixture.sol";
import {vm} from "../support/Vm.sol";

/// @title record: Reconciliation's alone, and nothing that breaks LEDGER_1
contract RecordBatchTest is ConsortiumFixture {
    uint32 private constant FACILITY = 7;

    function setUp() external {
        found(1);
    }

    function test_nobody_else_records() external {
        address[3] memory callers = [address(this), approverOf(LEAD), address(consortium)];
        for (uint256 i; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IReserveLedger.LedgerOnlyReconciliation.selector, callers[i]));
            vm.prank(callers[i]);
            ledger.record(FACILITY, true, _movement(1, 100, 0), _change(OpenChanges.opened(true, _effect(100))));
        }
    }

    function test_LEDGER_1_a_book_that_nothing_explains_is_refused() external {
        bytes memory lead = abi.encodeWithSelector(IReserveLedger.LedgerOutOfBalance.selector, FACILITY, 1, true);
        bytes memory partner = abi.encodeWithSelector(IReserveLedger.LedgerOutOfBalance.selector, FACILITY, 1, false);
        _refuse(true, _movement(1, 100, 0), _change(OpenChanges.NONE), lead);
        _refuse(true, _movement(1, 100, 0), _change(OpenChanges.opened(true, _effect(99))), lead);
        _refuse(false, _movement(1, 100, 0), _change(OpenChanges.opened(true, _effect(100))), lead);
        _refuse(false, _movement(1, 100, 0), _change(OpenChanges.accepted(_effect(99))), partner);
        _refuse(true, _movement(1, 100, 100), _change(OpenChanges.NONE), partner);
    }

    function test_accounts_beyond_the_changes_are_refused() external {
        bytes memory refusal = abi.encodeWithSelector(IReserveLedger.LedgerUnknownAccount.selector, FACILITY, 2);
        _refuse(true, _movement(2, 100, 0), _change(OpenChanges.opened(true, _effect(100))), refusal);
        refusal = abi.encodeWithSelector(IReserveLedger.LedgerUnknownAccount.selector, FACILITY, 1);
        _refuse(true, new DayMovement[](0), _change(OpenChanges.opened(true, _effect(0))), refusal);
    }

    function test_a_record_moves_books_days_and_open_items() external {
        _record(true, _movement(1, 100, 0), _change(OpenChanges.opened(true, _effect(100))));
        _record(
            false,
            _movement(1, 97, 100),
            _change(OpenChanges.settled(true, _effect(100)) + OpenChanges.accepted(_effect(-3)))
        );
        (int72 lead, int72 partner, int72 agreed, int72 openLead,, int72 accepted, uint40 open,) =
            ledger.account(FACILITY, 1);
        vm.assertTrue(lead == 100 && partner == 97 && agreed == 100, "books");
        vm.assertTrue(openLead == 0 && accepted == -3 && open == 0, "open items");
        (int80 leadDay, int80 partnerDay, int80 agreedDay) = ledger.dayTotal(FACILITY, 1, TODAY, 6);
        vm.assertTrue(leadDay == 100 && partnerDay == 97 && agreedDay == 100, "the day");
    }

    /// @dev What a movement cannot hold a day's total can: it comes from many batches.
    function test_a_day_holds_more_than_a_batch_can_move() external {
        int256 most = type(int64).max;
        // the field is outgrown by the second and again by the fourth
        for (int256 i = 1; i <= 4; ++i) {
            _record(true, _movement(1, most, 0), _change(OpenChanges.opened(true, _effect(most))));
            (int80 lead,,) = ledger.dayTotal(FACILITY, 1, TODAY, 6);
            vm.assertEq(lead, i * most, "the day");
            (int256 all,,) = ledger.movements(FACILITY, 1, TODAY, TODAY);
            vm.assertEq(all, i * most, "the days");
        }
    }

    /// @dev Packed sums keep their fields apart, whatever the signs.
    function testFuzz_packed_movements_do_not_mix(
        uint8[8] memory kinds,
        int56[8] calldata book,
        int56[8] calldata agreed
    ) external view {
        int256[17] memory books;
        int256[17] memory agreeds;
        DayMovement memory movement = Movements.empty(Movements.toKey(200, TODAY));
        uint256 at;
        assembly ("memory-safe") {
            at := movement
        }
        for (uint256 i; i < 8; ++i) {
            uint256 kind = kinds[i] % 13 + 1;
            books[kind] += book[i];
            agreeds[kind] += agreed[i];
            Movements.add(at, kind, Movements.toMovement(_effect(book[i]), _effect(agreed[i])));
        }
        this.expectKinds(movement, books, agreeds);
        vm.assertTrue(Movements.partnerOf(movement.key) == 200 && Movements.dayOf(movement.key) == TODAY, "the key");
    }

    /// @dev One by one, and four at a time as the ledger takes them.
    function expectKinds(DayMovement calldata movement, int256[17] calldata books, int256[17] calldata agreeds)
        external
        pure
    {
        uint256[8] memory words = [
            movement.kinds1And2,
            movement.kinds3And4,
            movement.kinds5And6,
            movement.kinds7And8,
            movement.kinds9And10,
            movement.kinds11And12,
            movement.kind13,
            Movements.NONE
        ];
        for (uint256 kind = 1; kind <= 13; ++kind) {
            (int256 book, int256 agreed) = Movements.ofKind(movement, kind);
            vm.assertTrue(book == books[kind] && agreed == agreeds[kind], "one kind");
        }
        for (uint256 group; group < 4; ++group) {
            (uint256 fields, int256 sum) = Movements.books(words[2 * group], words[2 * group + 1]);
            _expectFour(fields, sum, books, group);
            (fields, sum) = Movements.agreedAmounts(words[2 * group], words[2 * group + 1]);
            _expectFour(fields, sum, agreeds, group);
        }
    }

    function testFuzz_packed_changes_do_not_mix(int56[6] calldata effects) external pure {
        OpenChange change =
            OpenChanges.opened(true, _effect(effects[0])) + OpenChanges.opened(true, _effect(effects[1]));
        change =
            change + OpenChanges.settled(true, _effect(effects[2])) + OpenChanges.opened(false, _effect(effects[3]));
        change = change + OpenChanges.settled(false, _effect(effects[4])) + OpenChanges.accepted(_effect(effects[5]));
        vm.assertEq(change.openLead(), int256(effects[0]) + effects[1] - effects[2], "lead");
        vm.assertEq(change.openPartner(), int256(effects[3]) - effects[4], "partner");
        vm.assertEq(change.acceptedDifference(), effects[5], "accepted");
        vm.assertEq(change.openLeadLegs(), 1, "two opened, one settled");
        vm.assertEq(change.openPartnerLegs(), 0, "one opened, one settled");
        vm.assertFalse(change.isLeadsAlone() && (effects[3] != effects[4] || effects[5] != 0), "the partner's too");
    }

    function _record(bool isLead, DayMovement[] memory movements, OpenChange[] memory changes) private {
        vm.prank(address(reconciliation));
        ledger.record(FACILITY, isLead, movements, changes);
    }

    function _refuse(bool isLead, DayMovement[] memory movements, OpenChange[] memory changes, bytes memory refusal)
        private
    {
        vm.expectRevert(refusal);
        _record(isLead, movements, changes);
    }

    function _expectFour(uint256 fields, int256 sum, int256[17] calldata amounts, uint256 group) private pure {
        for (uint256 field; field < 4; ++field) {
            vm.assertEq(Movements.at(fields, field), amounts[4 * group + field + 1], "a field");
            sum -= amounts[4 * group + field + 1];
        }
        vm.assertEq(sum, 0, "the sum of the four");
    }

    function _movement(uint256 partner, int256 book, int256 agreed) private pure returns (DayMovement[] memory list) {
        list = new DayMovement[](1);
        list[0] = Movements.single(partner, TODAY, 6, _effect(book), _effect(agreed));
    }

    function _change(OpenChange change) private pure returns (OpenChange[] memory list) {
        list = new OpenChange[](2);
        list[1] = change;
    }

    function _effect(int256 minorUnits) private pure returns (Effect) {
        return Effect.wrap(minorUnits);
    }
}
