// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice The details of a bank's own batches, opened to one observer.
/// @param member whose batches they are, and who granted it; 0 = no such grant
/// @param reader the auditor or regulator
/// @param fromDay the first business day (ordinal), `toDay` the last one
struct Grant {
    uint32 facility;
    uint16 member;
    uint16 reader;
    uint24 fromDay;
    uint24 toDay;
    bool isRevoked;
}

/// @notice The last head of a member's audit trail that is anchored.
/// @param rows how many rows the trail had; 0 = none was anchored
/// @param day of the block that holds it (ordinal, UTC)
struct AuditAnchor {
    uint48 rows;
    uint24 day;
    bytes32 head;
}
