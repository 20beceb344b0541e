// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

/// @notice What the two banks of a break can agree on.
///         Adjust: one side's amount is corrected to the other's. WriteOff: of a pair, the difference is accepted; of a
///         one-sided leg, the absent half is posted. Force: the pair stands as if matched, the difference is accepted.
///         Void: what was posted is taken back.
enum Action {
    None,
    Adjust,
    WriteOff,
    Force,
    Void
}

/// @notice A resolution as one bank's approver proposes it and the other's accepts it, word for word.
/// @param ref the pair's reference; for a reversal's pair the reversal's own
/// @param targetKind of a reversal's pair: the kind of what it reverses; else 0
/// @param targetRef of a reversal's pair: the reference of what it reverses; else 0
/// @param action see Action; a plain number so that a wrong one meets our own error and not a bare revert
/// @param side of an adjustment: whose book moves, 1 the lead's, 2 the partner's; else 0
/// @param businessDay the day (ordinal) on which the books move
/// @param state the pair exactly as the proposer saw it, of a reversal with its target (IResolutions.resolutionState); fails once
///        that has changed
/// @param reasonHash keccak256 of the reason's text
struct Resolution {
    uint32 facility;
    uint8 partner;
    uint8 kind;
    uint160 ref;
    uint8 targetKind;
    uint160 targetRef;
    uint8 action;
    uint8 side;
    uint24 businessDay;
    bytes32 state;
    bytes32 reasonHash;
}

/// @notice A resolution that waits for the other bank.
/// @param resolutionHash keccak256(abi.encode(resolution)); 0 = none waits
/// @param state the pair as the proposer saw it
/// @param proposer the member that proposed it
/// @param proposedAt block time, seconds
struct ResolutionProposal {
    bytes32 resolutionHash;
    bytes32 state;
    uint16 proposer;
    uint40 proposedAt;
}
