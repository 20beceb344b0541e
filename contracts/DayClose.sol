// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Governed} from "./Governed.sol";
import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {IDayClose} from "./interfaces/IDayClose.sol";
import {IFacilityRegistry} from "./interfaces/IFacilityRegistry.sol";
import {IReconciliation} from "./interfaces/IReconciliation.sol";
import {IReserveLedger} from "./interfaces/IReserveLedger.sol";
import {DayCloseStorage} from "./storage/DayCloseStorage.sol";

/// @title The day's statement of each reserve account, signed by both its banks
/// @dev Meaning, units and errors: IDayClose.
contract DayClose is DayCloseStorage, Governed, IDayClose {
    /// @inheritdoc IDayClose
    function initialize(address consortium, address facilities, address ledger, address reconciliation)
        external
        initializer
    {
        _requireAddress(consortium);
        _requireAddress(facilities);
        _requireAddress(ledger);
        _requireAddress(reconciliation);
        _consortium = IConsortiumRegistry(consortium);
        _facilities = IFacilityRegistry(facilities);
        _ledger = IReserveLedger(ledger);
        _reconciliation = IReconciliation(reconciliation);
    }

    function _authority() internal view override returns (address) {
        return address(_consortium);
    }
}
