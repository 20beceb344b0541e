// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "../interfaces/IConsortiumRegistry.sol";
import {IReserveLedger} from "../interfaces/IReserveLedger.sol";
import {FacilityState, PartnerTerms, Rules, SealedFor, Shares} from "../types/FacilityTypes.sol";

/// @dev One facility. The first slot holds all that posting needs.
struct Facility {
    // the leading bank, a member number
    uint16 lead;
    FacilityState state;
    uint8 partnerCount;
    // partners that have accepted
    uint8 acceptedCount;
    uint8 decimals;
    // the newest versions and the first days (ordinals) they apply to
    uint16 sharesVersion;
    uint24 sharesFrom;
    uint16 rulesVersion;
    uint24 rulesFrom;
    // keccak256(abi.encode(terms)) as proposed
    bytes32 termsHash;
    string id;
    string currency;
    string timeZone;
    bytes leadSealedReferenceKey;
    // partner n at place n - 1, with its first shares
    PartnerTerms[] partners;
    SealedFor[] readers;
    mapping(uint16 member => uint8 partner) partnerOf;
    mapping(uint8 partner => bool) accepted;
    // version n at place n - 1
    uint24[] sharesSchedule;
    Shares[][] shares;
    uint24[] rulesSchedule;
    Rules[] rules;
}

/// @title All that FacilityRegistry remembers
/// @dev Appended to only.
abstract contract FacilityStorage {
    /// @dev Who is a member, and whose key is whose.
    IConsortiumRegistry internal _consortium;

    /// @dev Where the accounts are kept.
    IReserveLedger internal _ledger;

    /// @dev Facilities ever proposed; numbers run from 1 to this.
    uint32 internal _facilityCount;

    /// @dev Facility by number.
    mapping(uint32 number => Facility) internal _facilities;

    /// @dev Number by keccak256 of the id; 0 = free.
    mapping(bytes32 idHash => uint32 number) internal _numberById;
}
