// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Books, DayTotal, OpenItems, Reserve} from "../types/LedgerTypes.sol";

/// @title All that ReserveLedger remembers
/// @dev Appended to only. Keys are packed numbers: facility (32) | partner (8) [| day (24) | kind (8)].
abstract contract LedgerStorage {
    /// @dev Whose vote upgrades this contract.
    address internal _consortium;

    /// @dev The only contract that may record.
    address internal _reconciliation;

    /// @dev The only contract that opens accounts.
    address internal _facilities;

    /// @dev The only contract that closes days.
    address internal _dayClose;

    /// @dev The three balances, by account.
    mapping(uint256 accountKey => Books) internal _books;

    /// @dev What explains their differences, by account; summed apart from the balances.
    mapping(uint256 accountKey => OpenItems) internal _openItems;

    /// @dev Thresholds, by account.
    mapping(uint256 accountKey => Reserve) internal _reserves;

    /// @dev Movements, by account, business day and kind.
    mapping(uint256 dayKey => DayTotal) internal _dayTotals;
}
