// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {IDayClose} from "./interfaces/IDayClose.sol";
import {IFacilityRegistry} from "./interfaces/IFacilityRegistry.sol";
import {IReconciliation} from "./interfaces/IReconciliation.sol";
import {IReserveLedger} from "./interfaces/IReserveLedger.sol";
import {Contracts, FoundingMember} from "./types/ConsortiumTypes.sol";

/// @title The founding of a consortium, whole or not at all
/// @notice Its creation makes the proxies, wires them to each other and admits the founding members, in one
///         transaction: no half-wired consortium can be met, and nobody can initialize a proxy first.
contract Founding {
    /// @notice A consortium was founded: the proxies, which are its contracts' lasting addresses.
    event Founded(Contracts contracts);

    Contracts private _contracts;

    /// @param implementations the contracts' code, deployed before
    /// @param members the founding members; see IConsortiumRegistry.initialize
    constructor(Contracts memory implementations, FoundingMember[] memory members) {
        Contracts memory founded = Contracts({
            consortiumRegistry: address(new ERC1967Proxy(implementations.consortiumRegistry, "")),
            facilityRegistry: address(new ERC1967Proxy(implementations.facilityRegistry, "")),
            reserveLedger: address(new ERC1967Proxy(implementations.reserveLedger, "")),
            reconciliation: address(new ERC1967Proxy(implementations.reconciliation, "")),
            dayClose: address(new ERC1967Proxy(implementations.dayClose, ""))
        });
        IConsortiumRegistry(founded.consortiumRegistry).initialize(members, founded);
        IFacilityRegistry(founded.facilityRegistry).initialize(founded.consortiumRegistry, founded.reserveLedger);
        IReserveLedger(founded.reserveLedger)
            .initialize(founded.consortiumRegistry, founded.facilityRegistry, founded.reconciliation, founded.dayClose);
        IReconciliation(founded.reconciliation)
            .initialize(founded.consortiumRegistry, founded.facilityRegistry, founded.reserveLedger);
        IDayClose(founded.dayClose)
            .initialize(
                founded.consortiumRegistry, founded.facilityRegistry, founded.reserveLedger, founded.reconciliation
            );
        _contracts = founded;
        emit Founded(founded);
    }

    /// @notice The proxies founded.
    function contracts() external view returns (Contracts memory) {
        return _contracts;
    }
}
