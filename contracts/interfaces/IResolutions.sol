// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {ResolutionProposal, Resolution} from "../types/ResolutionTypes.sol";

/// @title Breaks, resolved by the two banks whose halves they are
/// @notice A break is a pair with open legs: one-sided, or of two halves that do not match. One bank's approver proposes
///         what to do about it, with a reason; the other bank's approver accepts or disputes it. A resolved pair takes no
///         further half. What each action does, with L and P the effects of the lead's and the partner's half:
///         - force, and write-off of a pair: L is agreed, P - L an accepted difference; no book moves.
///         - adjust: the other side's amount is right. A correction (kind 13) of the difference moves the book of the
///           side named, and what both then hold is agreed.
///         - void: corrections take back what each half moved; nothing is agreed.
///         - write-off of a one-sided leg: the absent half is posted, of the same amount and value day, under the pair's
///           own kind, and is agreed. A lead's half made so has the resolution's business day.
///         A reversal that is voided has reversed nothing: its target may be reversed again, under another reference. One
///         that is written off one-sided has reversed its target on both sides.
///         Corrections and halves made move their book on the resolution's business day, the agreed amount falls on the
///         business day of the lead's half; a closed day passes either on to the next open one.
interface IResolutions {
    /// @notice A bank proposed how to resolve a break.
    /// @param pairKey the pair: facility (32) | partner (8) | kind (8) | reference (160), of a reversal facility (32)
    ///        | partner (8) | the low 216 bits of keccak256(that, target kind (8) | 0 (88) | target reference (160)) >> 40
    /// @param member the proposer
    /// @param sealedReason the reason's text, sealed for its readers
    event ResolutionProposed(
        uint32 indexed facility,
        uint8 indexed partner,
        uint256 indexed pairKey,
        Resolution resolution,
        uint16 member,
        bytes sealedReason
    );

    /// @notice The other bank accepted: the pair is resolved.
    /// @param member who accepted
    /// @param action 1 adjust, 2 write off, 3 force, 4 void
    /// @param leadMoved what moved in the lead's book, minor units signed by effect: a correction, or a half that a
    ///        write-off posted
    /// @param partnerMoved likewise in the partner's book
    /// @param agreed what is agreed by it
    /// @param acceptedDifference partner's less lead's amount, where that is accepted
    event ResolutionAccepted(
        uint32 indexed facility,
        uint8 indexed partner,
        uint256 indexed pairKey,
        uint16 member,
        uint8 action,
        int72 leadMoved,
        int72 partnerMoved,
        int72 agreed,
        int72 acceptedDifference
    );

    /// @notice The other bank disputed a proposal, which ends it; the break stays.
    /// @param reasonHash keccak256 of the reason's salt and text
    event ResolutionDisputed(
        uint32 indexed facility,
        uint8 indexed partner,
        uint256 indexed pairKey,
        uint16 member,
        bytes32 reasonHash,
        bytes sealedReason
    );

    /// @notice The proposer took its proposal back; the break stays.
    event ResolutionWithdrawn(uint32 indexed facility, uint8 indexed partner, uint256 indexed pairKey, uint16 member);

    /// @notice `member` is neither the facility's lead nor that partner: the pair is not its own.
    error ResolutionNotAParty(uint32 facility, uint8 partner, uint16 member);

    /// @notice The pair has no open leg: it is unknown, matched, within tolerance or resolved.
    error ResolutionNotABreak(uint256 pairKey);

    /// @notice A proposal of `proposer` for this very state of the pair waits already.
    error ResolutionPending(uint256 pairKey, uint16 proposer);

    /// @notice No proposal waits for the pair.
    error ResolutionNotProposed(uint256 pairKey);

    /// @notice The proposal that waits is another one.
    error ResolutionOther(uint256 pairKey, bytes32 proposed, bytes32 given);

    /// @notice The pair is no longer as the resolution names it.
    error ResolutionStateChanged(uint256 pairKey, bytes32 named, bytes32 now_);

    /// @notice A bank cannot accept or dispute what it proposed itself.
    error ResolutionOwn(uint256 pairKey, uint16 member);

    /// @notice Only `proposer` can take its proposal back.
    error ResolutionNotYours(uint256 pairKey, uint16 proposer, uint16 member);

    /// @notice The proposer has been suspended or evicted since; the other bank may propose the same.
    error ResolutionProposerNotActive(uint256 pairKey, uint16 proposer);

    /// @notice `action` is none of 1 adjust, 2 write off, 3 force, 4 void.
    error ResolutionUnknownAction(uint8 action);

    /// @notice An adjustment names the side whose book moves, 1 or 2; every other action names none, 0.
    error ResolutionBadSide(uint8 side);

    /// @notice The business day is absent, or after `lastDay`, the day after the block's (ordinals).
    error ResolutionBadDay(uint24 businessDay, uint256 lastDay);

    /// @notice Only a reversal's pair has a target; `kind` is none.
    error ResolutionTargetNotAllowed(uint8 kind);

    /// @notice A one-sided leg can be written off or voided, not adjusted or forced.
    error ResolutionNeedsBothHalves(uint256 pairKey, uint8 action);

    /// @notice Both halves have the same amount: force the pair instead.
    error ResolutionNothingToAdjust(uint256 pairKey);

    /// @notice What would be corrected has been reversed already, or what a written-off reversal would reverse too: no half is
    ///         reversed twice.
    error ResolutionHalfReversed(uint256 pairKey);

    /// @notice A resolution or a dispute needs a reason; its hash is 0.
    error ResolutionReasonMissing();

    /// @notice A sealed reason is longer than `most` bytes.
    error ResolutionReasonTooLong(uint256 length, uint256 most);

    /// @notice The key at place `index` is not above the one before it: a pair would count twice.
    error PairsNotAscending(uint256 index);

    /// @notice The pair at place `index` is another account's.
    error PairOfOtherAccount(uint256 index, uint256 pairKey);

    /// @notice Proposes to resolve a break. Called by the approver of the facility's lead or of the pair's partner.
    /// @param sealedReason at most 4,096 bytes, neither read nor kept
    /// @dev A proposal whose state no longer holds is replaced. Reverts with ConsortiumNotAKey,
    ///      ConsortiumMemberNotActive, ResolutionNotAParty, ResolutionReasonMissing, ResolutionReasonTooLong,
    ///      ResolutionTargetNotAllowed, ResolutionPending, ResolutionStateChanged, ResolutionNotABreak,
    ///      ResolutionBadDay, ResolutionUnknownAction, ResolutionBadSide, ResolutionNeedsBothHalves,
    ///      ResolutionNothingToAdjust or ResolutionHalfReversed.
    function proposeResolution(Resolution calldata resolution, bytes calldata sealedReason) external;

    /// @notice Accepts the proposal that waits for the pair. Called by the other bank's approver.
    /// @param resolution exactly what was proposed
    /// @dev Reverts with ResolutionNotProposed, ResolutionOther, ConsortiumNotAKey, ConsortiumMemberNotActive,
    ///      ResolutionNotAParty, ResolutionOwn, ResolutionProposerNotActive or ResolutionStateChanged.
    function acceptResolution(Resolution calldata resolution) external;

    /// @notice Disputes the proposal that waits for the pair, which ends it. Called by the other bank's approver.
    /// @param resolution exactly what was proposed
    /// @dev Reverts as `acceptResolution` where nothing such was proposed or the caller cannot, with
    ///      ResolutionReasonMissing or ResolutionReasonTooLong.
    function disputeResolution(Resolution calldata resolution, bytes32 reasonHash, bytes calldata sealedReason) external;

    /// @notice Takes a proposal back. Called by the approver of the bank that proposed it.
    /// @param resolution exactly what was proposed
    /// @dev Reverts with ResolutionNotProposed, ResolutionOther, ConsortiumNotAKey, ConsortiumMemberNotActive,
    ///      ResolutionNotAParty or ResolutionNotYours.
    function withdrawResolution(Resolution calldata resolution) external;

    /// @notice The proposal that waits for a pair; all zero where none does.
    function resolutionOf(uint256 pairKey) external view returns (ResolutionProposal memory);

    /// @notice A pair exactly as it stands; 0 = nothing known of it.
    function stateOf(uint256 pairKey) external view returns (bytes32);

    /// @notice What a resolution names as `state`: its pair exactly as it stands; of a reversal's pair, with its target:
    ///         keccak256(abi.encode(stateOf(pair), stateOf(target))), so that neither changes unseen. 0 = nothing known.
    /// @param resolution whose identity alone is read
    function resolutionState(Resolution calldata resolution) external view returns (bytes32);

    /// @notice The key of the pair that a resolution names. Reverts with ResolutionTargetNotAllowed.
    function pairKey(Resolution calldata resolution) external pure returns (uint256);

    /// @notice How many legs are open in these pairs of an account: 0, 1 or 2 each.
    /// @param keys strictly ascending, so that none counts twice, and all of that account
    /// @dev What equals the account's count of open legs names all that is open. Reverts with PairsNotAscending or
    ///      PairOfOtherAccount.
    function openLegsAt(uint32 facility, uint8 partner, uint256[] calldata keys) external view returns (uint256);
}
