// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice The three balances of a reserve account, minor units.
/// @param leadBook sum of the effects of the lead's legs
/// @param partnerBook sum of the effects of the partner's legs
/// @param agreed sum of the effects that both agree on: the lead's amounts of matched pairs
/// @param closedThrough the last closed day (ordinal); a movement up to it falls on the next one
/// @param lowBalanceCeiling the threshold of a low balance, rounded up: see Ceilings
struct Books {
    int72 leadBook;
    int72 partnerBook;
    int72 agreed;
    uint24 closedThrough;
    uint16 lowBalanceCeiling;
}

/// @notice What a reserve account needs to know seldom, apart from what every batch reads.
/// @param isOpen whether the account was opened
/// @param lowBalance the balance below which the reserve is low, minor units
/// @param held sum of the active holds, minor units
/// @param activeHolds how many holds are active
/// @param calendarFrom the earliest span of 256 days (day >> 8) with a movement, plus one; 0 = no movement yet
struct Reserve {
    bool isOpen;
    int72 lowBalance;
    uint72 held;
    uint32 activeHolds;
    uint24 calendarFrom;
}

/// @notice What explains the difference of the books, summed apart from them, minor units signed by effect.
/// @param openLead the lead's legs that are open: one-sided, or half of a break
/// @param openPartner the partner's legs that are open
/// @param acceptedDifference partner's less lead's amount of pairs within tolerance
/// @param openLegs how many legs are open
struct OpenItems {
    int72 openLead;
    int72 openPartner;
    int72 acceptedDifference;
    uint40 openLegs;
}
