// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "../interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "../interfaces/IFacilityRegistry.sol";
import {IReconciliation} from "../interfaces/IReconciliation.sol";
import {IReserveLedger} from "../interfaces/IReserveLedger.sol";

/// @title All that DayClose remembers
/// @dev Appended to only.
abstract contract DayCloseStorage {
    /// @dev Who is a member, and whose key is whose.
    IConsortiumRegistry internal _consortium;

    /// @dev Who is a party of what.
    IFacilityRegistry internal _facilities;

    /// @dev Whose totals a statement must equal.
    IReserveLedger internal _ledger;

    /// @dev Whose open legs a statement carries forward.
    IReconciliation internal _reconciliation;
}
