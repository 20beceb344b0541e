// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IFacilityRegistry} from "../interfaces/IFacilityRegistry.sol";
import {PostingTerms, Shares, Split} from "../types/FacilityTypes.sol";
import {Kinds} from "./Kinds.sol";
import {PackedShares, Splits} from "./Splits.sol";

/// @notice The shares and rules of a facility as far as a batch needs them: the newest versions, and older ones once a leg
///         is of an earlier day. Each is asked for once a batch.
struct Terms {
    IFacilityRegistry registry;
    uint32 facility;
    uint256 partnerCount;
    // the contract splits the lead's legs of the kinds 1 to this; all others carry one partner's part as stated
    uint256 lastSplitKind;
    // the newest versions and the first days (ordinals) they apply to
    uint256 newestShares;
    uint256 sharesFrom;
    uint256 newestRules;
    uint256 rulesFrom;
    // the first days of all versions; empty = not asked for yet
    uint24[] sharesSchedule;
    uint24[] rulesSchedule;
    // by version; empty = not asked for yet
    Shares[][] shares;
    // the shares that split the leg in hand, by partner; their version
    PackedShares[] sharesInHand;
    uint256 versionInHand;
}

using TermsInHand for Terms global;

/// @title The terms that a batch is split and judged by
library TermsInHand {
    /// @param isLead whether the sender is the lead, whose legs are split
    function create(IFacilityRegistry registry, uint32 facility, PostingTerms memory newest, bool isLead)
        internal
        pure
        returns (Terms memory terms)
    {
        terms.registry = registry;
        terms.facility = facility;
        terms.partnerCount = newest.partnerCount;
        terms.lastSplitKind = newest.split == Split.Contract ? Kinds.LAST_SHARED : 0;
        terms.newestShares = newest.sharesVersion;
        terms.sharesFrom = newest.sharesFrom;
        terms.newestRules = newest.rulesVersion;
        terms.rulesFrom = newest.rulesFrom;
        if (!isLead) return terms;
        terms.shares = new Shares[][](newest.sharesVersion + 1);
        terms.sharesInHand = new PackedShares[](newest.partnerCount);
    }

    /// @notice Whether the lead's legs of this kind are of whole events, which are split, and name no partner.
    function isSplit(Terms memory terms, uint256 kind) internal pure returns (bool) {
        unchecked {
            // 0 wraps round to the largest number
            return kind - 1 < terms.lastSplitKind;
        }
    }

    /// @notice The version of the rules in force on a day (ordinal).
    function rulesOn(Terms memory terms, uint256 day) internal view returns (uint256 version) {
        if (day >= terms.rulesFrom) return terms.newestRules;
        if (terms.rulesSchedule.length == 0) terms.rulesSchedule = terms.registry.rulesSchedule(terms.facility);
        return _versionOn(terms.rulesSchedule, day);
    }

    /// @notice Takes in hand the shares that split a leg: those of the day that the lead states, else of the value day.
    /// @param sharesDay as stated (ordinal); 0 = none
    /// @param valueDay the leg's (ordinal)
    function takeShares(Terms memory terms, uint256 sharesDay, uint256 valueDay)
        internal
        view
        returns (uint256 version)
    {
        version = terms.newestShares;
        uint256 from = terms.sharesFrom;
        if (from != 0) {
            uint256 day = sharesDay == 0 ? valueDay : sharesDay;
            if (day < from) version = _olderShares(terms, day);
        }
        if (version != terms.versionInHand) _read(terms, version);
    }

    /// @notice A partner's part of an event by the shares in hand, minor units.
    /// @param partner up to the facility's last one
    function part(Terms memory terms, uint256 partner, uint256 kind, uint256 amount) internal pure returns (uint256) {
        PackedShares[] memory inHand = terms.sharesInHand;
        PackedShares shares;
        assembly ("memory-safe") {
            // partner n stands at index n - 1, which the length word makes up for
            shares := mload(add(inHand, shl(5, partner)))
        }
        return shares.part(kind, amount);
    }

    function _olderShares(Terms memory terms, uint256 day) private view returns (uint256) {
        if (terms.sharesSchedule.length == 0) terms.sharesSchedule = terms.registry.sharesSchedule(terms.facility);
        return _versionOn(terms.sharesSchedule, day);
    }

    /// @dev A partner that joined after a version has no share in it.
    function _read(Terms memory terms, uint256 version) private view {
        Shares[] memory shares = terms.shares[version];
        if (shares.length == 0) {
            shares = terms.registry.shares(terms.facility, uint16(version));
            terms.shares[version] = shares;
        }
        for (uint256 i; i < terms.partnerCount; ++i) {
            terms.sharesInHand[i] = i < shares.length ? Splits.pack(shares[i]) : Splits.NO_SHARES;
        }
        terms.versionInHand = version;
    }

    /// @dev The newest version whose first day is not after `day`; the first one's is 0.
    function _versionOn(uint24[] memory schedule, uint256 day) private pure returns (uint256 version) {
        version = schedule.length;
        while (schedule[version - 1] > day) --version;
    }
}
