// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "../interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "../interfaces/IFacilityRegistry.sol";
import {IReserveLedger} from "../interfaces/IReserveLedger.sol";
import {PairSlot} from "../libraries/PairSlots.sol";
import {ResolutionProposal} from "../types/ResolutionTypes.sol";

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

    /// @dev Digest and sequence of the last batch (libraries/Heads), by facility (32) | member (16).
    mapping(uint256 headKey => uint256) internal _heads;

    /// @dev The resolution that waits for the other bank, by the pair's key.
    mapping(uint256 key => ResolutionProposal) internal _proposals;

    /// @dev A pair. Its key (PairKeys.key, or PairKeys.reversalKey of a reversal) is itself the number of its storage
    ///      slot: a mapping would hash it once more, for 60 gas a half. Nothing else lies there: a key has its facility
    ///      in bits 176 to 207 and zeros above, a reversal's has it in its top 32 bits, so that no key is a small number,
    ///      and none is one of the hashes at which Solidity and the proxy keep things but by breaking the hash.
    function _pairAt(uint256 key) internal pure returns (PairRecord storage record) {
        assembly ("memory-safe") {
            record.slot := key
        }
    }
}
