// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "../interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "../interfaces/IFacilityRegistry.sol";
import {IReconciliation} from "../interfaces/IReconciliation.sol";
import {Day} from "../libraries/DayTotals.sol";
import {Hold} from "../types/HoldTypes.sol";
import {LeadSide, PartnerSide, Reserve} from "../types/LedgerTypes.sol";

/// @title All that ReserveLedger remembers
/// @dev Appended to only. Keys are packed numbers: facility (32) | partner (8) [| day (24)], [| span (16)].
abstract contract LedgerStorage {
    /// @dev Who is a member, and whose key is whose.
    IConsortiumRegistry internal _consortium;

    /// @dev The only contract that may record; it marks the pairs of drawdowns that are held.
    IReconciliation internal _reconciliation;

    /// @dev The only contract that opens accounts.
    IFacilityRegistry internal _facilities;

    /// @dev The only contract that closes days.
    address internal _dayClose;

    /// @dev The lead's book, what explains it, and what is agreed, by account.
    mapping(uint256 accountKey => LeadSide) internal _leadSides;

    /// @dev The partner's book and what explains it, by account.
    mapping(uint256 accountKey => PartnerSide) internal _partnerSides;

    /// @dev Thresholds, sums of holds and the last closed day, by account.
    mapping(uint256 accountKey => Reserve) internal _reserves;

    /// @dev Movements by kind, by account and business day.
    // DayTotals writes it
    // slither-disable-next-line uninitialized-state
    mapping(uint256 dayKey => Day) internal _days;

    /// @dev The business days with movements, a bit each, by account and span of 256 days (day >> 8).
    mapping(uint256 spanKey => uint256) internal _activeDays;

    /// @dev Holds, by the drawdown's pair: PairKeys.key.
    mapping(uint256 pairKey => Hold) internal _holds;

    /// @dev How many acts of a facility were numbered.
    mapping(uint32 facility => uint64) internal _acts;
}
