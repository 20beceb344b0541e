// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "../interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "../interfaces/IFacilityRegistry.sol";
import {IReconciliation} from "../interfaces/IReconciliation.sol";
import {IReserveLedger} from "../interfaces/IReserveLedger.sol";
import {DayCount} from "../libraries/DayCounts.sol";
import {Closing, DayProposal, ReopenProposal} from "../types/DayCloseTypes.sol";
import {AuditAnchor, Grant} from "../types/DisclosureTypes.sol";

/// @title All that DayClose remembers
/// @dev Appended to only. Keys are packed numbers: facility (32) | partner (8) [| day (24)].
abstract contract DayCloseStorage {
    /// @dev Who is a member, and whose key is whose.
    IConsortiumRegistry internal _consortium;

    /// @dev Who is a party of what.
    IFacilityRegistry internal _facilities;

    /// @dev Whose totals a statement must equal.
    IReserveLedger internal _ledger;

    /// @dev Whose open legs a statement carries forward.
    IReconciliation internal _reconciliation;

    /// @dev The balances of closed days, by account and day. What day is the last the ledger knows.
    mapping(uint256 dayKey => Closing) internal _closings;

    /// @dev The closing that waits for the other bank, by account.
    mapping(uint256 accountKey => DayProposal) internal _proposals;

    /// @dev The reopening that waits for the other bank, by account.
    mapping(uint256 accountKey => ReopenProposal) internal _reopenProposals;

    /// @dev Details opened to observers, by number from 1.
    mapping(uint32 grant => Grant) internal _grants;

    /// @dev How many grants there ever were.
    uint32 internal _grantCount;

    /// @dev The last anchored head of each member's audit trail.
    mapping(uint16 member => AuditAnchor) internal _auditAnchors;

    /// @dev How many grants each member has made on its last such day.
    mapping(uint16 member => DayCount) internal _grantedADay;
}
