// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Pair} from "../types/LegTypes.sol";
import {IGoverned} from "./IGoverned.sol";
import {IResolutions} from "./IResolutions.sol";

/// @title Both banks' halves, matched as they arrive
/// @notice A leg is one bank's signed half of one event for one partner. Its identity is (facility, partner, kind,
///         reference), for a reversal with its target too. No leg is ever lost or overwritten. The lead's leg of a shared
///         kind carries the whole event and names no partner; where the facility says that the lead splits, it names the
///         partner and carries its part, and so does its reversal.
interface IReconciliation is IGoverned, IResolutions {
    /// @notice A batch was posted. The last event of its transaction for the batch.
    /// @param sequence of the batch, from 1, without gaps per facility and member
    /// @param digest the running digest with this batch in it, its low 64 bits 0
    /// @param legs the words as posted
    event Posted(uint32 indexed facility, uint16 indexed member, uint64 sequence, bytes32 digest, bytes legs);

    /// @notice A leg was rejected; the rest of its batch went on.
    /// @param index the place of the leg's word in the batch
    /// @param reason 1 Duplicate, 2 UnknownKind, 3 AmountZero, 4 AmountTooLarge, 5 UnknownPartner, 6 PartnerNotAllowed,
    ///        7 DateTooFar, 8 TargetMissing, 9 TargetReversed, 10 TargetNotReversible, 11 TargetAmount, 12 NoParts,
    ///        13 Resolved (the pair was resolved without this half), 14 TargetVoided, 15 TooManyOpenLegs (a first half, where
    ///        the sender's side of the account has Limits.MAX_OPEN_LEGS open legs)
    event LegRejected(uint32 indexed facility, uint16 indexed member, uint64 sequence, uint16 index, uint8 reason);

    /// @notice One partner's part of a leg of the lead was skipped; its other parts were booked. Nobody's act on one account
    ///         keeps a leg out of another. A leg of which no part is left is rejected as a whole instead.
    /// @param index the place of the leg's word in the batch
    /// @param partner whose part it is
    /// @param reason 9 TargetReversed, 13 Resolved, 14 TargetVoided, 15 TooManyOpenLegs, as of LegRejected
    event PartSkipped(
        uint32 indexed facility, uint16 indexed member, uint64 sequence, uint16 index, uint8 partner, uint8 reason
    );

    /// @notice A second half came that is not an exact match. A second half without this event is one.
    /// @param index the place of that half's word in the batch
    /// @param partner whose pair it is
    /// @param status 2 within tolerance, 3 amount, 4 date, 5 amount and date
    /// @param rulesVersion the rules that judged it: those in force on the lead's value day
    event PairJudged(
        uint32 indexed facility,
        uint16 indexed member,
        uint64 sequence,
        uint16 index,
        uint8 partner,
        uint8 status,
        uint16 rulesVersion
    );

    /// @notice The batch does not follow the last one: `expected` is the next sequence.
    error PostingWrongSequence(uint32 facility, uint16 member, uint64 expected, uint64 given);

    /// @notice The stream cannot be read at `index`: empty, not begun by a group word, a group word without a business
    ///         day or with bits set that must be 0, a reversal without its target word, or a target word with such bits.
    error PostingMalformed(uint256 index);

    /// @notice More words than a batch of `most` can need.
    error PostingTooManyWords(uint256 given, uint256 most);

    /// @notice More than `most` parts: a leg counts one, a shared leg of the lead that is split one for each partner.
    /// @param given parts so far
    error PostingTooManyParts(uint256 given, uint256 most);

    /// @notice `caller` is not the ReserveLedger, the only one that marks held pairs.
    error PairOnlyReserveLedger(address caller);

    /// @notice A half of the pair is known already: a hold comes before its drawdown.
    error PairNotFree(uint256 pairKey);

    /// @notice Once, in the transaction that makes the proxy.
    /// @param consortium the ConsortiumRegistry
    /// @param facilities the FacilityRegistry
    /// @param ledger the ReserveLedger
    function initialize(address consortium, address facilities, address ledger) external;

    /// @notice Posts a batch of legs. Called by the operator key of the facility's lead or of one of its partners.
    /// @param sequence one more than that of the member's last batch for the facility; 1 for the first
    /// @param legs the stream of words, see LegWord
    /// @param sealedDetails the legs' details for the facility's members and readers; neither kept, logged nor hashed
    /// @dev Faults of the whole batch revert: with ConsortiumNotAKey, ConsortiumMemberNotActive, FacilityUnknown,
    ///      FacilityInState, FacilityNotAParty, PostingWrongSequence, PostingMalformed, PostingTooManyWords or
    ///      PostingTooManyParts. A bad leg is rejected by LegRejected. Checks in this order: kind, amount, partner, dates,
    ///      duplicate, target, open legs. A leg that its sender declares a duplicate is rejected as one and split for nothing.
    function post(uint32 facility, uint64 sequence, bytes32[] calldata legs, bytes calldata sealedDetails) external;

    /// @notice Marks a drawdown's pair as held: the match that settles it settles the hold. Called by the ReserveLedger.
    /// @dev Reverts with PairOnlyReserveLedger or PairNotFree.
    function markHeld(uint256 pairKey) external;

    /// @notice How far a member's postings for a facility have come.
    /// @return sequence of its last batch; 0 = none
    /// @return digest keccak256(abi.encode(digest before, keccak256(words))), its low 64 bits 0; 0 before the first
    function head(uint32 facility, uint16 member) external view returns (uint64 sequence, bytes32 digest);

    /// @notice A pair by its identity; all zero where neither half is known.
    /// @param kind any but a reversal
    function pair(uint32 facility, uint8 partner, uint8 kind, uint160 ref) external view returns (Pair memory);

    /// @notice A reversal's pair by its identity.
    /// @param ref the reversal's own reference
    /// @param targetKind the kind of what it reverses
    /// @param targetRef the reference of what it reverses
    function reversalPair(uint32 facility, uint8 partner, uint160 ref, uint8 targetKind, uint160 targetRef)
        external
        view
        returns (Pair memory);
}
