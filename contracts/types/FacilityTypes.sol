// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice Where a facility stands. Legs are taken only while it is active; closed and withdrawn are final.
enum FacilityState {
    None,
    Proposed,
    Active,
    Paused,
    Closed,
    Withdrawn
}

/// @notice What a change of an active facility changes.
enum ChangeKind {
    None,
    Shares,
    Rules,
    Close
}

/// @notice Where a change stands. All but open are final.
enum ChangeState {
    None,
    Open,
    TookEffect,
    Withdrawn,
    Expired
}

/// @notice Who splits the events of shared kinds: the contract by the shares, or the lead, whose legs then name the
///         partner and carry its part.
enum Split {
    Contract,
    Lead
}

/// @notice A partner's shares per component, in basis points (1/10,000).
struct Shares {
    uint16 principalBps;
    uint16 interestBps;
    uint16 feeBps;
}

/// @notice What every version of the shares must keep to, per component, in basis points.
/// @param leastLeadBps the lead's rest is at least this; 0 = no bound
/// @param largestPartnerBps no partner's share is above this; 0 = no bound
struct Bounds {
    uint16 leastLeadBps;
    uint16 largestPartnerBps;
}

/// @notice A version of the rules by which halves are judged.
/// @param effectiveFrom the first value day (ordinal) it applies to; 0 in the first version
/// @param amountTolerance largest difference of amounts that still matches, minor units
/// @param dateWindowDays largest difference of value days that still matches, days
/// @param matchDeadlineSeconds from the block of the first half until a one-sided leg is overdue, seconds
/// @param cutOffSeconds the last second of the business day, seconds since local midnight
struct Rules {
    uint24 effectiveFrom;
    uint56 amountTolerance;
    uint16 dateWindowDays;
    uint32 matchDeadlineSeconds;
    uint24 cutOffSeconds;
}

/// @notice A partner of a facility; its partner number is its place in the list, from 1.
/// @param lowBalance the balance below which the reserve is low, minor units
/// @param sealedReferenceKey the facility's reference key sealed to this partner
struct PartnerTerms {
    uint16 member;
    Shares shares;
    int72 lowBalance;
    bytes sealedReferenceKey;
}

/// @notice The facility's reference key sealed to an auditor or a regulator who may read details.
struct SealedFor {
    uint16 member;
    bytes sealedReferenceKey;
}

/// @notice The agreement as its lead proposes it and each partner accepts it by its hash.
/// @param id 1 to 64 of A-Z a-z 0-9 . _ -, not beginning with a point
/// @param split for the facility's life
/// @param firstDay no row of the banks' feeds has a date before it (ordinal); the contracts keep it and judge nothing by it
struct FacilityTerms {
    string id;
    uint16 lead;
    string currency;
    uint8 decimals;
    string timeZone;
    Rules rules;
    Bounds bounds;
    PartnerTerms[] partners;
    bytes leadSealedReferenceKey;
    SealedFor[] readers;
    Split split;
    uint24 firstDay;
}

/// @notice A change of an active facility, proposed by one party and accepted by all.
/// @param proposer the member that proposed it
/// @param expiresAt the last second at which it can be accepted (block time)
/// @param reasonHash keccak256 of the reason's text
/// @param acceptedBy bit 0 the lead, bit n partner n
/// @param payload Shares: abi.encode(uint24 effectiveFrom, Shares[]); Rules: abi.encode(Rules); Close: empty
struct Change {
    ChangeKind kind;
    ChangeState state;
    uint16 proposer;
    uint40 expiresAt;
    bytes32 reasonHash;
    uint256 acceptedBy;
    bytes payload;
}

/// @notice What Reconciliation needs to know for one batch, in one read.
/// @param party the sender's partner number; 0 = it is the lead
/// @param partnerCount partners of the facility; their numbers are 1 to partnerCount
/// @param sharesVersion the newest version of shares
/// @param sharesFrom the first day that version applies to (ordinal)
/// @param rulesVersion the newest version of rules
/// @param rulesFrom the first day that version applies to (ordinal)
/// @param split who splits the lead's legs of shared kinds
struct PostingTerms {
    uint8 party;
    uint8 partnerCount;
    uint16 sharesVersion;
    uint24 sharesFrom;
    uint16 rulesVersion;
    uint24 rulesFrom;
    Split split;
}
