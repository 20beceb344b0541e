// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IConsortiumRegistry} from "../interfaces/IConsortiumRegistry.sol";
import {IReserveLedger} from "../interfaces/IReserveLedger.sol";
import {DayCount} from "../libraries/DayCounts.sol";
import {Bounds, Change, FacilityState, Rules, Shares, Split} from "../types/FacilityTypes.sol";

/// @dev A partner's number in the consortium, and the balance below which its reserve is low, minor units.
struct PartnerRecord {
    uint16 member;
    int72 lowBalance;
}

/// @dev One facility. The first slot holds all that posting needs.
struct Facility {
    // the leading bank, a member number
    uint16 lead;
    FacilityState state;
    uint8 partnerCount;
    // the newest versions and the first days (ordinals) they apply to
    uint16 sharesVersion;
    uint24 sharesFrom;
    uint16 rulesVersion;
    uint24 rulesFrom;
    // who splits the lead's legs of shared kinds
    Split split;
    // who has accepted the terms, and whose pause holds: bit 0 the lead, bit n partner n
    uint256 acceptedBy;
    uint256 pausedBy;
    Bounds bounds;
    // keccak256 of the id
    bytes32 idHash;
    // abi.encode(terms) as proposed; what is asked for apart stands in fields of its own
    bytes terms;
    // partner n at place n - 1
    PartnerRecord[] partners;
    mapping(uint16 member => uint8 partner) partnerOf;
    // version n at place n - 1
    uint24[] sharesSchedule;
    Shares[][] shares;
    uint24[] rulesSchedule;
    Rules[] rules;
    // change n at place n - 1
    Change[] changes;
    // when the first of the last pauses began, seconds; 0 = there was none
    uint40 pausesFrom;
    // the changes that count towards a party's most, by number, in no order; 0 = a free place, and so is one that counts
    // no more
    mapping(uint16 member => uint32[8]) countedChanges;
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

    /// @dev Number by keccak256 of the id; 0 = free, again after a withdrawal.
    mapping(bytes32 idHash => uint32 number) internal _numberById;

    /// @dev To how many facilities a member is party that are active or paused.
    mapping(uint16 member => uint32) internal _unclosed;

    /// @dev How many facilities a lead has proposed on a day, whatever became of them.
    mapping(uint16 lead => DayCount) internal _proposedADay;
}
