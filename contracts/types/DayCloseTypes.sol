// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice What both banks sign for a reserve account: the day's opening, movements and closing, and what is open.
///         Amounts are minor units signed by their effect on the reserve.
/// @param day the business day that it closes (ordinal), and all days before it that are not closed yet
/// @param openingLead closing of the lead's book on the last closed day; 0 before the first
/// @param openingPartner likewise of the partner's book
/// @param openingAgreed likewise of the agreed amount
/// @param movementLead what moved the lead's book on the days closed
/// @param movementPartner likewise the partner's book
/// @param movementAgreed likewise the agreed amount
/// @param closingLead opening plus movements
/// @param closingPartner likewise
/// @param closingAgreed likewise
/// @param openLead the lead's open legs as of the proposal, of any day
/// @param openPartner the partner's open legs likewise
/// @param acceptedDifference differences accepted so far, likewise
/// @param openLegs how many legs are open likewise
struct Statement {
    uint32 facility;
    uint8 partner;
    uint24 day;
    int72 openingLead;
    int72 openingPartner;
    int72 openingAgreed;
    int80 movementLead;
    int80 movementPartner;
    int80 movementAgreed;
    int72 closingLead;
    int72 closingPartner;
    int72 closingAgreed;
    int72 openLead;
    int72 openPartner;
    int72 acceptedDifference;
    uint40 openLegs;
}

/// @notice A closed day's balances, minor units.
/// @param isClosed false where the day is none that was closed, or was reopened
/// @param before the day closed before it (ordinal); 0 = it is the first
struct Closing {
    bool isClosed;
    uint24 before;
    int72 lead;
    int72 partner;
    int72 agreed;
}

/// @notice A closing that waits for the other bank.
/// @param member who proposed it; 0 = none waits
/// @param movementLead as the statement has them, minor units
/// @param day the business day (ordinal)
/// @param blockNumber the block of the proposal: open items are those after it
/// @param closing what is kept once it is confirmed
struct DayProposal {
    uint16 member;
    int80 movementLead;
    int80 movementPartner;
    int80 movementAgreed;
    Closing closing;
    uint24 day;
    uint64 blockNumber;
    bytes32 statementHash;
}

/// @notice A reopening that waits for the other bank.
/// @param member who proposed it; 0 = none waits
/// @param day the last closed day (ordinal)
struct ReopenProposal {
    uint16 member;
    uint24 day;
    bytes32 reasonHash;
}
