// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "../interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "../interfaces/IFacilityRegistry.sol";
import {IReserveLedger} from "../interfaces/IReserveLedger.sol";
import {PairSlot} from "../libraries/PairSlots.sol";

/// @dev One pair, so that its place is found once and read and written there.
struct PairRecord {
    PairSlot slot;
}

/// @title All that Reconciliation remembers
/// @dev Appended to only.
abstract contract ReconciliationStorage {
    /// @dev Who is a member, and whose key is whose.
    IConsortiumRegistry internal _consortium;

    /// @dev Who is a party of what, with what shares and rules.
    IFacilityRegistry internal _facilities;

    /// @dev Where the balances are kept.
    IReserveLedger internal _ledger;

    /// @dev Digest (192, most significant) | sequence (64) of the last batch, by facility (32) | member (16).
    mapping(uint256 headKey => uint256) internal _heads;

    /// @dev Pair by its identity: PairSlots.key, or PairSlots.reversalKey of a reversal.
    mapping(uint256 key => PairRecord) internal _pairs;
}
