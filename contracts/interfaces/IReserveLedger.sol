// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Hold, HoldState} from "../types/HoldTypes.sol";
import {DayMovement} from "../libraries/Movements.sol";
import {OpenChange} from "../libraries/OpenChanges.sol";
import {IGoverned} from "./IGoverned.sol";

/// @title The reserve accounts: three balances each, and what explains their differences
/// @notice One account per facility and partner. Balances change only by legs: Reconciliation alone records, there is
///         no administrator. Every record is refused that would break LEDGER_1:
///         leadBook = agreed + open lead legs; partnerBook = agreed + open partner legs + accepted differences.
///         The *balance* of an account is the smaller of its two books: what no bank disputes to be there. A balance that
///         is low or below 0 is told by events and never refused: the payments behind the legs have happened.
///         Holds set a part of the balance aside; they never move a book.
interface IReserveLedger is IGoverned {
    /// @notice An account was opened, with all balances 0.
    /// @param lowBalance the balance below which the reserve is low, minor units
    event AccountOpened(uint32 indexed facility, uint8 indexed partner, int72 lowBalance);

    /// @notice The balance fell below the threshold.
    event BalanceLow(uint32 indexed facility, uint8 indexed partner, int72 balance, int72 lowBalance);

    /// @notice The balance fell below 0.
    event ShortfallBegan(uint32 indexed facility, uint8 indexed partner, int72 balance);

    /// @notice The balance is 0 or more again; it may still be low.
    event ShortfallEnded(uint32 indexed facility, uint8 indexed partner, int72 balance);

    /// @notice The balance is at the threshold or above it again.
    event BalanceRestored(uint32 indexed facility, uint8 indexed partner, int72 balance, int72 lowBalance);

    /// @notice A movement of a day that is closed was recorded on the next open one.
    /// @param businessDay the day that it fell on (ordinal)
    /// @param openDay the day that it is recorded on (ordinal)
    /// @param isLead whose book it moves: the lead's, or the partner's
    /// @param book the movement of that book, minor units signed by effect
    /// @param agreed the movement of the agreed amount, minor units signed by effect
    event MovementPriorDay(
        uint32 indexed facility,
        uint8 indexed partner,
        uint8 kind,
        uint24 businessDay,
        uint24 openDay,
        bool isLead,
        int80 book,
        int80 agreed
    );

    /// @notice The lead set a part of the reserve aside for a drawdown.
    /// @param ref the drawdown's reference
    /// @param amount minor units
    /// @param expiresAt the block time from which any bank may release it, seconds
    event HoldPlaced(
        uint32 indexed facility, uint8 indexed partner, uint160 indexed ref, uint56 amount, uint32 expiresAt
    );

    /// @notice A hold was released; its drawdown can still be posted.
    /// @param member who released it
    /// @param expired whether its time was over
    event HoldReleased(
        uint32 indexed facility, uint8 indexed partner, uint160 indexed ref, uint56 amount, uint16 member, bool expired
    );

    /// @notice A hold ended because its drawdown was settled.
    event HoldPosted(uint32 indexed facility, uint8 indexed partner, uint160 indexed ref, uint56 amount);

    /// @notice An act that lines and totals of a facility follow from, beside postings: a resolution was accepted, a day
    ///         closed or reopened, or a change of the facility took effect. It is told in the same transaction.
    /// @param number from 1 without gaps, one count for the facility: who holds two of them knows what lies between
    event ActNumbered(uint32 indexed facility, uint64 number);

    /// @notice `caller` is not the FacilityRegistry, the only one that opens accounts.
    error LedgerOnlyFacilityRegistry(address caller);

    /// @notice The account is open already.
    error LedgerAccountOpen(uint32 facility, uint8 partner);

    /// @notice `caller` is not Reconciliation, the only one that may record.
    error LedgerOnlyReconciliation(address caller);

    /// @notice `caller` is not DayClose, the only one that closes days.
    error LedgerOnlyDayClose(address caller);

    /// @notice `caller` is neither Reconciliation nor FacilityRegistry, whose acts are numbered.
    error LedgerOnlyActs(address caller);

    /// @notice The last day asked for (ordinal) is before the first.
    error LedgerBadRange(uint24 fromDay, uint24 toDay);

    /// @notice The facility has no open account of this partner.
    error HoldNoAccount(uint32 facility, uint8 partner);

    /// @notice `member` does not lead the facility; only the lead places holds, and releases them before they expire.
    error HoldNotTheLead(uint32 facility, uint16 member);

    /// @notice The facility is closed.
    error HoldFacilityClosed(uint32 facility);

    /// @notice A hold of nothing.
    error HoldAmountZero(uint32 facility, uint8 partner, uint160 ref);

    /// @notice `expiresAt` is not after the block's time, or later than `latestAt` (seconds).
    error HoldBadExpiry(uint32 expiresAt, uint256 latestAt);

    /// @notice A hold of this drawdown was placed before; its state now is `state`.
    error HoldExists(uint32 facility, uint8 partner, uint160 ref, HoldState state);

    /// @notice The hold is above what is available, minor units.
    error HoldAboveAvailable(uint32 facility, uint8 partner, uint56 amount, int80 available);

    /// @notice The hold is not active; its state is `state`.
    error HoldNotActive(uint32 facility, uint8 partner, uint160 ref, HoldState state);

    /// @notice The record would leave a book unexplained by agreed amount, open legs and accepted differences.
    /// @dev Never seen unless the code that records is wrong: report it.
    error LedgerOutOfBalance(uint32 facility, uint8 partner, bool isLeadBook);

    /// @notice A movement names a partner beyond the changes, or a change has no movement.
    /// @dev Never seen unless the code that records is wrong: report it.
    error LedgerUnknownAccount(uint32 facility, uint256 partner);

    /// @notice Once, in the transaction that makes the proxy.
    /// @param consortium the ConsortiumRegistry
    /// @param facilities the FacilityRegistry, the only contract that opens accounts
    /// @param reconciliation the only contract that may record
    /// @param dayClose the only contract that closes days
    function initialize(address consortium, address facilities, address reconciliation, address dayClose) external;

    /// @notice Opens a partner's reserve account, once its facility is active. Called by the FacilityRegistry.
    /// @param lowBalance the balance below which the reserve is low, minor units
    /// @dev Reverts with LedgerOnlyFacilityRegistry or LedgerAccountOpen.
    function openAccount(uint32 facility, uint8 partner, int72 lowBalance) external;

    /// @notice Records what one batch moves.
    /// @param isLead whose book the movements are of: the lead's, or the partner's
    /// @param moved per account and business day, by kind; days that are closed move to the next open one
    /// @param changes of open legs and accepted differences, by partner number; place 0 is nobody's
    /// @return hasManyOpenLegs whether that side has, on an account that moved, so many open legs that its batches
    ///         count them from then on: Limits.MANY_OPEN_LEGS
    /// @dev Reverts with LedgerOnlyReconciliation, LedgerUnknownAccount or LedgerOutOfBalance.
    function record(uint32 facility, bool isLead, DayMovement[] calldata moved, OpenChange[] calldata changes)
        external
        returns (bool hasManyOpenLegs);

    /// @notice Sets a part of the reserve aside for a drawdown that is about to be paid out. Called by the lead's operator.
    /// @param ref the drawdown's reference; one hold ever for each, and only while neither half is posted
    /// @param amount minor units, at most what is available
    /// @param expiresAt block time, seconds, at most 30 days ahead
    /// @dev Reverts with ConsortiumNotAKey, ConsortiumMemberNotActive, HoldNoAccount, HoldNotTheLead, HoldFacilityClosed,
    ///      HoldAmountZero, HoldBadExpiry, HoldExists, HoldAboveAvailable or PairNotFree.
    function hold(uint32 facility, uint8 partner, uint160 ref, uint56 amount, uint32 expiresAt) external;

    /// @notice Releases a hold: by the lead's operator at any time, by any active member's once it has expired.
    /// @dev Reverts with ConsortiumNotAKey, ConsortiumMemberNotActive, HoldNotActive or HoldNotTheLead.
    function release(uint32 facility, uint8 partner, uint160 ref) external;

    /// @notice Sets the last closed day of an account (ordinal), backwards too, for a reopening. Called by DayClose.
    /// @dev Reverts with LedgerOnlyDayClose.
    function closeThrough(uint32 facility, uint8 partner, uint24 day) external;

    /// @notice Numbers an act of a facility. Called by Reconciliation (a resolution was accepted) and FacilityRegistry (a
    ///         change took effect); closeThrough numbers its own.
    /// @dev Reverts with LedgerOnlyActs.
    function numberAct(uint32 facility) external;

    /// @notice How many acts of a facility were numbered.
    function actsOf(uint32 facility) external view returns (uint64);

    /// @notice Ends the hold of a drawdown that is settled. Called by Reconciliation; nothing happens where none is active.
    /// @param ref the drawdown's reference
    /// @dev Reverts with LedgerOnlyReconciliation.
    function settleHold(uint32 facility, uint8 partner, uint160 ref) external;

    /// @notice A reserve account; all amounts in minor units, signed by their effect on the reserve.
    /// @return leadBook sum of the lead's legs
    /// @return partnerBook sum of the partner's legs
    /// @return agreed sum of the lead's amounts of matched pairs
    /// @return openLead the lead's open legs
    /// @return openPartner the partner's open legs
    /// @return acceptedDifference partner's less lead's amounts of pairs within tolerance
    /// @return openLegs how many legs are open
    /// @return closedThrough the last closed day (ordinal); 0 = none yet
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
        );

    /// @notice How many legs of one side of an account are open.
    function openLegsOf(uint32 facility, uint8 partner, bool isLead) external view returns (uint256);

    /// @notice Whether an account is open, and the balance below which it is low, minor units.
    function threshold(uint32 facility, uint8 partner) external view returns (bool isOpen, int72 lowBalance);

    /// @notice The balance less the active holds, minor units: what the lead may still count on, stated low on purpose.
    /// @dev The smaller book, so that a leg which only one bank posted lowers it and never raises it. A hold counts until
    ///      it is released or its drawdown settled, though it has expired, and though the drawdown's first half is posted
    ///      and lowers a book already.
    function available(uint32 facility, uint8 partner) external view returns (int80);

    /// @notice A hold by its drawdown's reference; all zero where none was ever placed.
    function holdOf(uint32 facility, uint8 partner, uint160 ref) external view returns (Hold memory);

    /// @notice What the active holds of an account set aside, minor units, and how many they are.
    function heldOf(uint32 facility, uint8 partner) external view returns (uint72 held, uint32 activeHolds);

    /// @notice The movements of the business days (ordinals) from `fromDay` to `toDay`, both included, over all kinds,
    ///         minor units signed by effect. A movement of a closed day counts on the day that it was recorded on.
    /// @dev Reads the days with movements (about 30,000 gas each) and looks for them from the first one on (2,500 gas for 256
    ///      days); a range too dear for one call can be asked for, and closed, in parts. Reverts with LedgerBadRange.
    function movements(uint32 facility, uint8 partner, uint24 fromDay, uint24 toDay)
        external
        view
        returns (int256 lead, int256 partnerSide, int256 agreed);

    /// @notice The movements of a business day (ordinal) of one kind, minor units signed by effect.
    function dayTotal(uint32 facility, uint8 partner, uint24 day, uint8 kind)
        external
        view
        returns (int80 lead, int80 partnerSide, int80 agreed);
}
