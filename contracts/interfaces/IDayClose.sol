// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IGoverned} from "./IGoverned.sol";

/// @title The day's statement of each reserve account, signed by both its banks
interface IDayClose is IGoverned {
    /// @notice Once, in the transaction that makes the proxy.
    /// @param consortium the ConsortiumRegistry
    /// @param facilities the FacilityRegistry
    /// @param ledger the ReserveLedger
    /// @param reconciliation the Reconciliation
    function initialize(address consortium, address facilities, address ledger, address reconciliation) external;
}
