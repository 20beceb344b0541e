// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice The lead's side of a reserve account, minor units signed by effect. A batch of the lead's legs that are still
///         one-sided moves this and nothing else.
/// @param book sum of the effects of the lead's legs
/// @param open the lead's legs that are open: one-sided, or half of a break; summed apart from the book
/// @param agreed sum of the effects that both agree on: the lead's amounts of matched pairs
/// @param openLegs how many legs of the lead are open
struct LeadSide {
    int72 book;
    int72 open;
    int72 agreed;
    uint40 openLegs;
}

/// @notice The partner's side of a reserve account, minor units signed by effect.
/// @param book sum of the effects of the partner's legs
/// @param open the partner's legs that are open; summed apart from the book
/// @param acceptedDifference partner's less lead's amount of pairs within tolerance, forced or written off
/// @param openLegs how many legs of the partner are open
struct PartnerSide {
    int72 book;
    int72 open;
    int72 acceptedDifference;
    uint40 openLegs;
}

/// @notice What else is known of a reserve account; a batch reads it and writes none of it.
/// @param isOpen whether the account was opened
/// @param lowBalance the balance below which the reserve is low, minor units
/// @param held sum of the active holds, minor units
/// @param activeHolds how many holds are active
/// @param calendarFrom the earliest span of 256 days (day >> 8) with a movement, plus one; 0 = no movement yet
/// @param closedThrough the last closed day (ordinal); a movement up to it falls on the next one
struct Reserve {
    bool isOpen;
    int72 lowBalance;
    uint72 held;
    uint32 activeHolds;
    uint24 calendarFrom;
    uint24 closedThrough;
}
