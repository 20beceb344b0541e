// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Governed} from "./Governed.sol";
import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "./interfaces/IFacilityRegistry.sol";
import {IReconciliation} from "./interfaces/IReconciliation.sol";
import {IReserveLedger} from "./interfaces/IReserveLedger.sol";
import {Ceilings} from "./libraries/Ceilings.sol";
import {DayTotal} from "./libraries/DayTotals.sol";
import {Kinds} from "./libraries/Kinds.sol";
import {Limits} from "./libraries/Limits.sol";
import {Movement} from "./libraries/Movements.sol";
import {OpenChange} from "./libraries/OpenChanges.sol";
import {PairSlots} from "./libraries/PairSlots.sol";
import {LedgerStorage} from "./storage/LedgerStorage.sol";
import {KeyPurpose} from "./types/ConsortiumTypes.sol";
import {FacilityState} from "./types/FacilityTypes.sol";
import {Hold, HoldState} from "./types/HoldTypes.sol";
import {Books, OpenItems, Reserve} from "./types/LedgerTypes.sol";

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
        _consortium = IConsortiumRegistry(consortium);
        _facilities = IFacilityRegistry(facilities);
        _reconciliation = IReconciliation(reconciliation);
        // _requireAddress has looked at it
        // slither-disable-next-line missing-zero-check
        _dayClose = dayClose;
    }

    /// @inheritdoc IReserveLedger
    function openAccount(uint32 facility, uint8 partner, int72 lowBalance) external {
        if (msg.sender != address(_facilities)) revert LedgerOnlyFacilityRegistry(msg.sender);
        uint256 accountKey = _accountKey(facility, partner);
        if (_reserves[accountKey].isOpen) revert LedgerAccountOpen(facility, partner);

        _reserves[accountKey] =
            Reserve({isOpen: true, lowBalance: lowBalance, held: 0, activeHolds: 0, calendarFrom: 0});
        _books[accountKey].lowBalanceCeiling = Ceilings.pack(lowBalance);

        emit AccountOpened(facility, partner, lowBalance);
        if (lowBalance > 0) emit BalanceLow(facility, partner, 0, lowBalance);
    }

    /// @inheritdoc IReserveLedger
    function record(uint32 facility, bool isLead, Movement[] calldata moved, OpenChange[] calldata changes) external {
        if (msg.sender != address(_reconciliation)) revert LedgerOnlyReconciliation(msg.sender);

        Sums[] memory sums = new Sums[](changes.length);
        for (uint256 i; i < moved.length;) {
            Movement movement = moved[i];
            uint256 partner = movement.partner();
            if (partner >= sums.length) revert LedgerUnknownAccount(facility, partner);
            Sums memory sum = sums[partner];
            if (!sum.isTouched) {
                sum.isTouched = true;
                sum.closedThrough = _books[_accountKey(facility, partner)].closedThrough;
            }
            int256 book = movement.book();
            int256 agreed = movement.agreed();
            unchecked {
                // a movement has 108 bits, and a batch at most 2^15 of them
                sum.book += book;
                sum.agreed += agreed;
                ++i;
            }
            _recordMovement(facility, isLead, movement, sum.closedThrough, book, agreed);
        }
        // no leg opens or is settled without a movement
        for (uint256 partner; partner < changes.length; ++partner) {
            if (sums[partner].isTouched) _recordAccount(facility, isLead, partner, sums[partner], changes[partner]);
            else if (!changes[partner].isNone()) revert LedgerUnknownAccount(facility, partner);
        }
    }

    /// @inheritdoc IReserveLedger
    function hold(uint32 facility, uint8 partner, uint160 ref, uint56 amount, uint32 expiresAt) external {
        uint16 member = _consortium.activeMember(msg.sender, KeyPurpose.Operator);
        Reserve storage reserve = _reserves[_accountKey(facility, partner)];
        if (!reserve.isOpen) revert HoldNoAccount(facility, partner);
        if (member != _facilities.leadOf(facility)) revert HoldNotTheLead(facility, member);
        if (_facilities.state(facility) == FacilityState.Closed) revert HoldFacilityClosed(facility);
        if (amount == 0) revert HoldAmountZero(facility, partner, ref);
        uint256 latest = block.timestamp + Limits.MAX_HOLD_SECONDS;
        if (expiresAt <= block.timestamp || expiresAt > latest) revert HoldBadExpiry(expiresAt, latest);
        uint256 pairKey = PairSlots.key(facility, partner, Kinds.DRAWDOWN, ref);
        HoldState state = _holds[pairKey].state;
        if (state != HoldState.None) revert HoldExists(facility, partner, ref, state);
        int80 free = _available(_accountKey(facility, partner));
        if (int256(uint256(amount)) > free) revert HoldAboveAvailable(facility, partner, amount, free);

        _holds[pairKey] = Hold({amount: amount, expiresAt: expiresAt, state: HoldState.Active});
        reserve.held += amount;
        ++reserve.activeHolds;
        _reconciliation.markHeld(pairKey);

        emit HoldPlaced(facility, partner, ref, amount, expiresAt);
    }

    /// @inheritdoc IReserveLedger
    function release(uint32 facility, uint8 partner, uint160 ref) external {
        uint16 member = _consortium.activeMember(msg.sender, KeyPurpose.Operator);
        Hold memory held = _holds[PairSlots.key(facility, partner, Kinds.DRAWDOWN, ref)];
        if (held.state != HoldState.Active) revert HoldNotActive(facility, partner, ref, held.state);
        bool expired = block.timestamp >= held.expiresAt;
        if (!expired && member != _facilities.leadOf(facility)) revert HoldNotTheLead(facility, member);

        _endHold(facility, partner, ref, HoldState.Released);

        emit HoldReleased(facility, partner, ref, held.amount, member, expired);
    }

    /// @inheritdoc IReserveLedger
    function settleHold(uint32 facility, uint8 partner, uint160 ref) external {
        if (msg.sender != address(_reconciliation)) revert LedgerOnlyReconciliation(msg.sender);
        Hold memory held = _holds[PairSlots.key(facility, partner, Kinds.DRAWDOWN, ref)];
        if (held.state != HoldState.Active) return;

        _endHold(facility, partner, ref, HoldState.Posted);

        emit HoldPosted(facility, partner, ref, held.amount);
    }

    /// @inheritdoc IReserveLedger
    function closeThrough(uint32 facility, uint8 partner, uint24 day) external {
        if (msg.sender != _dayClose) revert LedgerOnlyDayClose(msg.sender);

        _books[_accountKey(facility, partner)].closedThrough = day;
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
    function available(uint32 facility, uint8 partner) external view returns (int80) {
        return _available(_accountKey(facility, partner));
    }

    /// @inheritdoc IReserveLedger
    function holdOf(uint32 facility, uint8 partner, uint160 ref) external view returns (Hold memory) {
        return _holds[PairSlots.key(facility, partner, Kinds.DRAWDOWN, ref)];
    }

    /// @inheritdoc IReserveLedger
    function heldOf(uint32 facility, uint8 partner) external view returns (uint72 held, uint32 activeHolds) {
        Reserve memory reserve = _reserves[_accountKey(facility, partner)];
        return (reserve.held, reserve.activeHolds);
    }

    /// @inheritdoc IReserveLedger
    function movements(uint32 facility, uint8 partner, uint24 fromDay, uint24 toDay)
        external
        view
        returns (int256 lead, int256 partnerSide, int256 agreed)
    {
        if (toDay < fromDay) revert LedgerBadRange(fromDay, toDay);
        uint256 accountKey = _accountKey(facility, partner);
        uint256 calendarFrom = _reserves[accountKey].calendarFrom;
        if (calendarFrom == 0) return (0, 0, 0);
        uint256 span = Math.max(fromDay >> 8, calendarFrom - 1);
        for (; span <= toDay >> 8; ++span) {
            uint256 bits = _activeDays[_spanKey(accountKey, span)];
            for (; bits != 0; bits &= bits - 1) {
                uint256 day = (span << 8) | _lowestBit(bits);
                if (day < fromDay || day > toDay) continue;
                for (uint256 kind = 1; kind <= Kinds.CORRECTION; ++kind) {
                    DayTotal total = _dayTotals[_dayKey(accountKey, day, kind)];
                    lead += total.lead();
                    partnerSide += total.partner();
                    agreed += total.agreed();
                }
            }
        }
    }

    /// @inheritdoc IReserveLedger
    function dayTotal(uint32 facility, uint8 partner, uint24 day, uint8 kind)
        external
        view
        returns (int80 lead, int80 partnerSide, int80 agreed)
    {
        DayTotal total = _dayTotals[_dayKey(_accountKey(facility, partner), day, kind)];
        return (total.lead(), total.partner(), total.agreed());
    }

    /// @dev A movement of a closed day is recorded on the next one.
    function _recordMovement(
        uint32 facility,
        bool isLead,
        Movement movement,
        uint256 closedThrough,
        int256 book,
        int256 agreed
    ) private {
        uint256 accountKey = _accountKey(facility, movement.partner());
        uint256 day = movement.day();
        if (day <= closedThrough) {
            day = closedThrough + 1;
            emit MovementPriorDay(
                facility,
                uint8(movement.partner()),
                uint8(movement.kind()),
                uint24(movement.day()),
                uint24(day),
                isLead,
                int80(book),
                int80(agreed)
            );
        }

        uint256 dayKey = _dayKey(accountKey, day, movement.kind());
        DayTotal total = _dayTotals[dayKey];
        // only the first movement of a day and kind finds it empty, or one after they came back to 0
        if (total.isZero()) _markActive(accountKey, day);
        _dayTotals[dayKey] = total.plus(isLead, book, agreed);
    }

    function _markActive(uint256 accountKey, uint256 day) private {
        uint256 span = day >> 8;
        uint256 spanKey = _spanKey(accountKey, span);
        uint256 bits = _activeDays[spanKey];
        if (bits == 0) {
            uint256 calendarFrom = _reserves[accountKey].calendarFrom;
            if (calendarFrom == 0 || span + 1 < calendarFrom) _reserves[accountKey].calendarFrom = uint24(span + 1);
        }
        _activeDays[spanKey] = bits | (1 << (day & 0xff));
    }

    function _recordAccount(uint32 facility, bool isLead, uint256 partner, Sums memory sums, OpenChange change)
        private
    {
        uint256 accountKey = _accountKey(facility, partner);
        Books memory books = _books[accountKey];
        int256 before = _balance(books);
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

        int256 balance = _balance(books);
        int256 ceiling = Ceilings.unpack(books.lowBalanceCeiling);
        if (balance != before && (balance < ceiling || before < ceiling)) {
            _watch(facility, uint8(partner), int72(before), int72(balance));
        }
    }

    /// @dev Tells when a balance that moved passed its threshold or 0. A threshold below 0 never holds back the end of a
    ///      shortfall.
    function _watch(uint32 facility, uint8 partner, int72 before, int72 balance) private {
        int72 lowBalance = _reserves[_accountKey(facility, partner)].lowBalance;
        if (before >= lowBalance && balance < lowBalance) emit BalanceLow(facility, partner, balance, lowBalance);
        if (before >= 0 && balance < 0) emit ShortfallBegan(facility, partner, balance);
        if (before < 0 && balance >= 0) emit ShortfallEnded(facility, partner, balance);
        if (before < lowBalance && balance >= lowBalance) {
            emit BalanceRestored(facility, partner, balance, lowBalance);
        }
    }

    function _endHold(uint32 facility, uint8 partner, uint160 ref, HoldState end) private {
        Hold storage held = _holds[PairSlots.key(facility, partner, Kinds.DRAWDOWN, ref)];
        Reserve storage reserve = _reserves[_accountKey(facility, partner)];
        held.state = end;
        reserve.held -= held.amount;
        --reserve.activeHolds;
    }

    function _available(uint256 accountKey) private view returns (int80) {
        return int80(_balance(_books[accountKey]) - int256(uint256(_reserves[accountKey].held)));
    }

    /// @dev The smaller book.
    function _balance(Books memory books) private pure returns (int256) {
        return books.leadBook < books.partnerBook ? books.leadBook : books.partnerBook;
    }

    function _accountKey(uint256 facility, uint256 partner) private pure returns (uint256) {
        return (facility << 8) | partner;
    }

    function _spanKey(uint256 accountKey, uint256 span) private pure returns (uint256) {
        return (accountKey << 16) | span;
    }

    /// @param bits not 0
    function _lowestBit(uint256 bits) private pure returns (uint256) {
        unchecked {
            // a number and its negative have only their lowest bit in common
            return Math.log2(bits & (0 - bits));
        }
    }

    function _dayKey(uint256 accountKey, uint256 day, uint256 kind) private pure returns (uint256) {
        return (accountKey << 32) | (day << 8) | kind;
    }

    function _authority() internal view override returns (address) {
        return address(_consortium);
    }
}
