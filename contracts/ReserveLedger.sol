// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Governed} from "./Governed.sol";
import {IReserveLedger} from "./interfaces/IReserveLedger.sol";
import {Ceilings} from "./libraries/Ceilings.sol";
import {Movement} from "./libraries/Movements.sol";
import {OpenChange} from "./libraries/OpenChanges.sol";
import {LedgerStorage} from "./storage/LedgerStorage.sol";
import {Books, DayTotal, OpenItems, Reserve} from "./types/LedgerTypes.sol";

/// @title The reserve accounts: three balances each, and what explains their differences
/// @dev Meaning, units and errors: IReserveLedger.
contract ReserveLedger is LedgerStorage, Governed, IReserveLedger {
    /// @dev What a batch moves on one account in all.
    struct Sums {
        bool isTouched;
        // the account's last closed day
        uint24 closedThrough;
        int256 book;
        int256 agreed;
    }

    /// @inheritdoc IReserveLedger
    function initialize(address consortium, address facilities, address reconciliation, address dayClose)
        external
        initializer
    {
        _requireAddress(consortium);
        _requireAddress(facilities);
        _requireAddress(reconciliation);
        _requireAddress(dayClose);
        _consortium = consortium;
        _facilities = facilities;
        _reconciliation = reconciliation;
        _dayClose = dayClose;
    }

    /// @inheritdoc IReserveLedger
    function openAccount(uint32 facility, uint8 partner, int72 lowBalance) external {
        if (msg.sender != _facilities) revert LedgerOnlyFacilityRegistry(msg.sender);
        uint256 accountKey = _accountKey(facility, partner);
        if (_reserves[accountKey].isOpen) revert LedgerAccountOpen(facility, partner);

        _reserves[accountKey] = Reserve({isOpen: true, lowBalance: lowBalance});
        _books[accountKey].lowBalanceCeiling = Ceilings.pack(lowBalance);

        emit AccountOpened(facility, partner, lowBalance);
    }

    /// @inheritdoc IReserveLedger
    function record(uint32 facility, bool isLead, Movement[] calldata movements, OpenChange[] calldata changes)
        external
    {
        if (msg.sender != _reconciliation) revert LedgerOnlyReconciliation(msg.sender);

        Sums[] memory sums = new Sums[](changes.length);
        for (uint256 i; i < movements.length; ++i) {
            Movement movement = movements[i];
            uint256 partner = movement.partner();
            if (partner >= changes.length) revert LedgerUnknownAccount(facility, partner);
            uint256 accountKey = _accountKey(facility, partner);
            Sums memory sum = sums[partner];
            if (!sum.isTouched) {
                sum.isTouched = true;
                sum.closedThrough = _books[accountKey].closedThrough;
            }
            sum.book += movement.book();
            sum.agreed += movement.agreed();
            _recordMovement(accountKey, isLead, movement, sum.closedThrough);
        }
        // no leg opens or is settled without a movement
        for (uint256 partner; partner < changes.length; ++partner) {
            if (sums[partner].isTouched) _recordAccount(facility, isLead, partner, sums[partner], changes[partner]);
            else if (!changes[partner].isNone()) revert LedgerUnknownAccount(facility, partner);
        }
    }

    /// @inheritdoc IReserveLedger
    function account(uint32 facility, uint8 partner)
        external
        view
        returns (
            int72 leadBook,
            int72 partnerBook,
            int72 agreed,
            int72 openLead,
            int72 openPartner,
            int72 acceptedDifference,
            uint40 openLegs,
            uint24 closedThrough
        )
    {
        Books memory books = _books[_accountKey(facility, partner)];
        OpenItems memory open = _openItems[_accountKey(facility, partner)];
        return (
            books.leadBook,
            books.partnerBook,
            books.agreed,
            open.openLead,
            open.openPartner,
            open.acceptedDifference,
            open.openLegs,
            books.closedThrough
        );
    }

    /// @inheritdoc IReserveLedger
    function threshold(uint32 facility, uint8 partner) external view returns (bool isOpen, int72 lowBalance) {
        Reserve memory reserve = _reserves[_accountKey(facility, partner)];
        return (reserve.isOpen, reserve.lowBalance);
    }

    /// @inheritdoc IReserveLedger
    function dayTotal(uint32 facility, uint8 partner, uint24 day, uint8 kind)
        external
        view
        returns (int80 lead, int80 partnerSide, int80 agreed)
    {
        DayTotal memory total = _dayTotals[_dayKey(_accountKey(facility, partner), day, kind)];
        return (total.lead, total.partner, total.agreed);
    }

    function _recordMovement(uint256 accountKey, bool isLead, Movement movement, uint256 closedThrough) private {
        uint256 day = movement.day();
        if (day <= closedThrough) day = closedThrough + 1;

        uint256 dayKey = _dayKey(accountKey, day, movement.kind());
        DayTotal memory total = _dayTotals[dayKey];
        if (isLead) total.lead = SafeCast.toInt80(total.lead + movement.book());
        else total.partner = SafeCast.toInt80(total.partner + movement.book());
        total.agreed = SafeCast.toInt80(total.agreed + movement.agreed());
        _dayTotals[dayKey] = total;
    }

    function _recordAccount(uint32 facility, bool isLead, uint256 partner, Sums memory sums, OpenChange change)
        private
    {
        uint256 accountKey = _accountKey(facility, partner);
        Books memory books = _books[accountKey];
        if (isLead) books.leadBook = SafeCast.toInt72(books.leadBook + sums.book);
        else books.partnerBook = SafeCast.toInt72(books.partnerBook + sums.book);
        books.agreed = SafeCast.toInt72(books.agreed + sums.agreed);

        OpenItems memory open = _openItems[accountKey];
        open.openLead = SafeCast.toInt72(open.openLead + change.openLead());
        open.openPartner = SafeCast.toInt72(open.openPartner + change.openPartner());
        open.acceptedDifference = SafeCast.toInt72(open.acceptedDifference + change.acceptedDifference());
        open.openLegs = SafeCast.toUint40(SafeCast.toUint256(int256(uint256(open.openLegs)) + change.openLegs()));

        if (books.leadBook != int256(books.agreed) + open.openLead) {
            revert LedgerOutOfBalance(facility, uint8(partner), true);
        }
        if (books.partnerBook != int256(books.agreed) + open.openPartner + open.acceptedDifference) {
            revert LedgerOutOfBalance(facility, uint8(partner), false);
        }
        _books[accountKey] = books;
        _openItems[accountKey] = open;
    }

    function _accountKey(uint256 facility, uint256 partner) private pure returns (uint256) {
        return (facility << 8) | partner;
    }

    function _dayKey(uint256 accountKey, uint256 day, uint256 kind) private pure returns (uint256) {
        return (accountKey << 32) | (day << 8) | kind;
    }

    function _authority() internal view override returns (address) {
        return _consortium;
    }
}
