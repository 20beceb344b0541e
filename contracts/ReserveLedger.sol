// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {Governed} from "./Governed.sol";
import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "./interfaces/IFacilityRegistry.sol";
import {IReconciliation} from "./interfaces/IReconciliation.sol";
import {IReserveLedger} from "./interfaces/IReserveLedger.sol";
import {Day, DayTotals} from "./libraries/DayTotals.sol";
import {Kinds} from "./libraries/Kinds.sol";
import {Limits} from "./libraries/Limits.sol";
import {DayMovement, Movements} from "./libraries/Movements.sol";
import {OpenChange} from "./libraries/OpenChanges.sol";
import {PairKeys} from "./libraries/PairKeys.sol";
import {LedgerStorage} from "./storage/LedgerStorage.sol";
import {KeyPurpose} from "./types/ConsortiumTypes.sol";
import {FacilityState} from "./types/FacilityTypes.sol";
import {Hold, HoldState} from "./types/HoldTypes.sol";
import {LeadSide, PartnerSide, Reserve} from "./types/LedgerTypes.sol";

/// @title The reserve accounts: three balances each, and what explains their differences
/// @dev Meaning, units and errors: IReserveLedger.
contract ReserveLedger is LedgerStorage, Governed, IReserveLedger {
    /// @dev What a batch moves on one account in all.
    struct Sums {
        bool isTouched;
        // the account's last closed day
        uint256 closedThrough;
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

        _reserves[accountKey].isOpen = true;
        _reserves[accountKey].lowBalance = lowBalance;

        emit AccountOpened(facility, partner, lowBalance);
        if (lowBalance > 0) emit BalanceLow(facility, partner, 0, lowBalance);
    }

    /// @inheritdoc IReserveLedger
    function record(uint32 facility, bool isLead, DayMovement[] calldata moved, OpenChange[] calldata changes)
        external
        returns (bool hasManyOpenLegs)
    {
        if (msg.sender != address(_reconciliation)) revert LedgerOnlyReconciliation(msg.sender);

        Sums[] memory sums = new Sums[](changes.length);
        for (uint256 i; i < moved.length; ++i) {
            DayMovement calldata movement = moved[i];
            uint256 partner = Movements.partnerOf(movement.key);
            if (partner >= sums.length) revert LedgerUnknownAccount(facility, partner);
            Sums memory sum = sums[partner];
            if (!sum.isTouched) {
                sum.isTouched = true;
                sum.closedThrough = _reserves[_accountKey(facility, partner)].closedThrough;
            }
            _recordDay(facility, isLead, movement, sum);
        }
        // no leg opens or is settled without a movement
        for (uint256 partner; partner < changes.length; ++partner) {
            if (!sums[partner].isTouched) {
                if (!changes[partner].isNone()) revert LedgerUnknownAccount(facility, partner);
                continue;
            }
            uint256 open = _recordAccount(facility, isLead, partner, sums[partner], changes[partner]);
            if (open >= Limits.MANY_OPEN_LEGS) hasManyOpenLegs = true;
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
        uint256 pairKey = PairKeys.key(facility, partner, Kinds.DRAWDOWN, ref);
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
        Hold memory held = _holds[PairKeys.key(facility, partner, Kinds.DRAWDOWN, ref)];
        if (held.state != HoldState.Active) revert HoldNotActive(facility, partner, ref, held.state);
        bool expired = block.timestamp >= held.expiresAt;
        if (!expired && member != _facilities.leadOf(facility)) revert HoldNotTheLead(facility, member);

        _endHold(facility, partner, ref, HoldState.Released);

        emit HoldReleased(facility, partner, ref, held.amount, member, expired);
    }

    /// @inheritdoc IReserveLedger
    function settleHold(uint32 facility, uint8 partner, uint160 ref) external {
        if (msg.sender != address(_reconciliation)) revert LedgerOnlyReconciliation(msg.sender);
        Hold memory held = _holds[PairKeys.key(facility, partner, Kinds.DRAWDOWN, ref)];
        if (held.state != HoldState.Active) return;

        _endHold(facility, partner, ref, HoldState.Posted);

        emit HoldPosted(facility, partner, ref, held.amount);
    }

    /// @inheritdoc IReserveLedger
    function closeThrough(uint32 facility, uint8 partner, uint24 day) external {
        if (msg.sender != _dayClose) revert LedgerOnlyDayClose(msg.sender);

        _reserves[_accountKey(facility, partner)].closedThrough = day;
        _numberAct(facility);
    }

    /// @inheritdoc IReserveLedger
    function numberAct(uint32 facility) external {
        if (msg.sender != address(_reconciliation) && msg.sender != address(_facilities)) {
            revert LedgerOnlyActs(msg.sender);
        }
        _numberAct(facility);
    }

    /// @inheritdoc IReserveLedger
    function actsOf(uint32 facility) external view returns (uint64) {
        return _acts[facility];
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
        uint256 accountKey = _accountKey(facility, partner);
        LeadSide memory lead = _leadSides[accountKey];
        PartnerSide memory partnerSide = _partnerSides[accountKey];
        return (
            lead.book,
            partnerSide.book,
            lead.agreed,
            lead.open,
            partnerSide.open,
            partnerSide.acceptedDifference,
            lead.openLegs + partnerSide.openLegs,
            _reserves[accountKey].closedThrough
        );
    }

    /// @inheritdoc IReserveLedger
    function openLegsOf(uint32 facility, uint8 partner, bool isLead) external view returns (uint256) {
        uint256 accountKey = _accountKey(facility, partner);
        return isLead ? _leadSides[accountKey].openLegs : _partnerSides[accountKey].openLegs;
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
        return _holds[PairKeys.key(facility, partner, Kinds.DRAWDOWN, ref)];
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
                Day storage totals = _days[_dayKey(accountKey, day)];
                lead += totals.ofAll(DayTotals.LEAD);
                partnerSide += totals.ofAll(DayTotals.PARTNER);
                agreed += totals.ofAll(DayTotals.AGREED);
            }
        }
    }

    /// @inheritdoc IReserveLedger
    function dayTotal(uint32 facility, uint8 partner, uint24 day, uint8 kind)
        external
        view
        returns (int80 lead, int80 partnerSide, int80 agreed)
    {
        if (kind == 0 || kind > Kinds.CORRECTION) return (0, 0, 0);
        Day storage totals = _days[_dayKey(_accountKey(facility, partner), day)];
        return (
            SafeCast.toInt80(totals.ofKind(DayTotals.LEAD, kind)),
            SafeCast.toInt80(totals.ofKind(DayTotals.PARTNER, kind)),
            SafeCast.toInt80(totals.ofKind(DayTotals.AGREED, kind))
        );
    }

    /// @dev What moves on a closed day is recorded on the next one.
    function _recordDay(uint32 facility, bool isLead, DayMovement calldata moved, Sums memory sum) private {
        uint256 accountKey = _accountKey(facility, Movements.partnerOf(moved.key));
        uint256 day = Movements.dayOf(moved.key);
        if (day <= sum.closedThrough) {
            day = sum.closedThrough + 1;
            _tellPriorDay(facility, isLead, moved, uint24(day));
        }

        Day storage totals = _days[_dayKey(accountKey, day)];
        uint256 column = isLead ? DayTotals.LEAD : DayTotals.PARTNER;
        // only the first movements of a day find nothing, or those after their kinds came back to 0
        bool isFirst = _recordKinds(totals, column, 0, moved.kinds1And2, moved.kinds3And4, sum);
        isFirst = _recordKinds(totals, column, 1, moved.kinds5And6, moved.kinds7And8, sum) || isFirst;
        isFirst = _recordKinds(totals, column, 2, moved.kinds9And10, moved.kinds11And12, sum) || isFirst;
        isFirst = _recordKinds(totals, column, 3, moved.kind13, Movements.NONE, sum) || isFirst;
        if (isFirst) _markActive(accountKey, day);
    }

    /// @param column whose book moves
    /// @param group of four kinds: (kind - 1) / 4
    /// @param first what the two lower kinds moved, packed; `second` what the two higher ones did
    /// @return isFirst see DayTotals.add
    function _recordKinds(
        Day storage totals,
        uint256 column,
        uint256 group,
        uint256 first,
        uint256 second,
        Sums memory sum
    ) private returns (bool isFirst) {
        if (first == Movements.NONE && second == Movements.NONE) return false;
        (uint256 books, int256 book) = Movements.books(first, second);
        (uint256 agreedAmounts, int256 agreed) = Movements.agreedAmounts(first, second);
        unchecked {
            // four numbers of 64 bits each, and a batch has at most 2^15 of them
            sum.book += book;
            sum.agreed += agreed;
        }
        if (books != 0) isFirst = totals.add(column, group, books);
        if (agreedAmounts != 0) isFirst = totals.add(DayTotals.AGREED, group, agreedAmounts) || isFirst;
    }

    function _tellPriorDay(uint32 facility, bool isLead, DayMovement calldata moved, uint24 openDay) private {
        for (uint8 kind = 1; kind <= Kinds.CORRECTION; ++kind) {
            (int256 book, int256 agreed) = Movements.ofKind(moved, kind);
            if (book == 0 && agreed == 0) continue;
            emit MovementPriorDay(
                facility,
                uint8(Movements.partnerOf(moved.key)),
                kind,
                uint24(Movements.dayOf(moved.key)),
                openDay,
                isLead,
                int80(book),
                int80(agreed)
            );
        }
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

    /// @dev Moves one side, or both, and checks each equation of LEDGER_1 that anything of moved. What the lead posts first
    ///      moves its own side alone; the partner's is not even read then.
    /// @return open how many legs of the side that `isLead` names are open now
    function _recordAccount(uint32 facility, bool isLead, uint256 partner, Sums memory sums, OpenChange change)
        private
        returns (uint256 open)
    {
        uint256 accountKey = _accountKey(facility, partner);
        LeadSide memory lead = _leadSides[accountKey];
        int256 before = lead.book;
        if (isLead) lead.book = SafeCast.toInt72(lead.book + sums.book);
        lead.agreed = SafeCast.toInt72(lead.agreed + sums.agreed);
        lead.open = SafeCast.toInt72(lead.open + change.openLead());
        lead.openLegs = _count(lead.openLegs, change.openLeadLegs());
        if (lead.book != int256(lead.agreed) + lead.open) revert LedgerOutOfBalance(facility, uint8(partner), true);
        _leadSides[accountKey] = lead;
        open = lead.openLegs;

        if (!isLead || sums.agreed != 0 || !change.isLeadsAlone()) {
            PartnerSide memory side = _partnerSides[accountKey];
            if (!isLead) {
                before = side.book;
                side.book = SafeCast.toInt72(side.book + sums.book);
            }
            side.open = SafeCast.toInt72(side.open + change.openPartner());
            side.acceptedDifference = SafeCast.toInt72(side.acceptedDifference + change.acceptedDifference());
            side.openLegs = _count(side.openLegs, change.openPartnerLegs());
            if (side.book != int256(lead.agreed) + side.open + side.acceptedDifference) {
                revert LedgerOutOfBalance(facility, uint8(partner), false);
            }
            _partnerSides[accountKey] = side;
            if (!isLead) open = side.openLegs;
        }
        _emitBalanceAlerts(facility, isLead, uint8(partner), before, before + sums.book);
    }

    function _count(uint40 before, int256 change) private pure returns (uint40) {
        return SafeCast.toUint40(SafeCast.toUint256(int256(uint256(before)) + change));
    }

    /// @dev Tells when the balance passed its threshold or 0. While the book that moved is at both marks or above, the
    ///      balance passes neither: it is that book, or the other, which did not move. A threshold below 0 never holds back
    ///      the end of a shortfall.
    /// @param before the book that moved as it was, `book` as it is now
    function _emitBalanceAlerts(uint32 facility, bool isLead, uint8 partner, int256 before, int256 book) private {
        uint256 accountKey = _accountKey(facility, partner);
        int72 lowBalance = _reserves[accountKey].lowBalance;
        int256 mark = SignedMath.max(lowBalance, 0);
        if (before >= mark && book >= mark) return;

        int256 other = isLead ? _partnerSides[accountKey].book : _leadSides[accountKey].book;
        before = SignedMath.min(before, other);
        int72 balance = int72(SignedMath.min(book, other));
        if (before >= lowBalance && balance < lowBalance) emit BalanceLow(facility, partner, balance, lowBalance);
        if (before >= 0 && balance < 0) emit ShortfallBegan(facility, partner, balance);
        if (before < 0 && balance >= 0) emit ShortfallEnded(facility, partner, balance);
        if (before < lowBalance && balance >= lowBalance) {
            emit BalanceRestored(facility, partner, balance, lowBalance);
        }
    }

    function _endHold(uint32 facility, uint8 partner, uint160 ref, HoldState end) private {
        Hold storage held = _holds[PairKeys.key(facility, partner, Kinds.DRAWDOWN, ref)];
        Reserve storage reserve = _reserves[_accountKey(facility, partner)];
        held.state = end;
        reserve.held -= held.amount;
        --reserve.activeHolds;
    }

    function _numberAct(uint32 facility) private {
        emit ActNumbered(facility, ++_acts[facility]);
    }

    function _available(uint256 accountKey) private view returns (int80) {
        int256 balance = SignedMath.min(_leadSides[accountKey].book, _partnerSides[accountKey].book);
        return int80(balance - int256(uint256(_reserves[accountKey].held)));
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

    function _dayKey(uint256 accountKey, uint256 day) private pure returns (uint256) {
        return (accountKey << 24) | day;
    }

    function _authority() internal view override returns (address) {
        return address(_consortium);
    }
}
