// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Closing, DayProposal, ReopenProposal, Statement} from "../types/DayCloseTypes.sol";
import {IDisclosures} from "./IDisclosures.sol";
import {IGoverned} from "./IGoverned.sol";

/// @title The day's statement of each reserve account, signed by both its banks
/// @notice CLOSE_1: opening + movements = closing, and opening = the last closing. A statement is taken only where it
///         equals the ledger's own totals and names every open leg; the approvers of both banks sign it, one by proposing,
///         the other by confirming. A movement that comes for a closed day falls on the next open one.
///         Either bank may begin. One proposal waits at a time for an account: the other bank confirms or disputes it
///         before it can propose, its own bank may replace it.
interface IDayClose is IGoverned, IDisclosures {
    /// @notice A bank proposed to close a day.
    /// @param statement as proposed; open items are those after this block
    /// @param carriedForward the pairs with open legs, strictly ascending: PairKeys.key, or reversalKey of a reversal
    /// @param statementHash keccak256(abi.encode(statement, carriedForward)): what the other bank confirms
    event DayProposed(
        uint32 indexed facility,
        uint8 indexed partner,
        uint24 indexed day,
        uint16 member,
        Statement statement,
        uint256[] carriedForward,
        bytes32 statementHash
    );

    /// @notice The other bank confirmed: the day is closed, and all before it.
    /// @param member who confirmed
    event DayClosed(
        uint32 indexed facility, uint8 indexed partner, uint24 indexed day, uint16 member, bytes32 statementHash
    );

    /// @notice The other bank disputed the proposal, which ends it.
    /// @param member who disputed
    event DayDisputed(
        uint32 indexed facility,
        uint8 indexed partner,
        uint24 indexed day,
        uint16 member,
        bytes32 statementHash,
        bytes32 reasonHash
    );

    /// @notice The bank that proposed took the proposal back.
    event DayWithdrawn(
        uint32 indexed facility, uint8 indexed partner, uint24 indexed day, uint16 member, bytes32 statementHash
    );

    /// @notice A bank proposed to open the last closed day again.
    event ReopenProposed(
        uint32 indexed facility, uint8 indexed partner, uint24 indexed day, uint16 member, bytes32 reasonHash
    );

    /// @notice The other bank confirmed: the day is open again, and all that it closed.
    /// @param member who confirmed
    /// @param closedThrough the last closed day now (ordinal); 0 = none
    event DayReopened(
        uint32 indexed facility,
        uint8 indexed partner,
        uint24 indexed day,
        uint16 member,
        uint24 closedThrough,
        bytes32 reasonHash
    );

    /// @notice The bank that proposed a reopening took it back.
    event ReopenWithdrawn(uint32 indexed facility, uint8 indexed partner, uint24 indexed day, uint16 member);

    /// @notice A member said why, in words that its readers alone can open.
    /// @param reasonHash keccak256 of the reason's salt and text: that of the act, of any of the contracts, which it explains
    /// @param sealedReason text and salt, sealed for their readers; the contract cannot hold them against the hash
    event ReasonGiven(uint16 indexed member, bytes32 indexed reasonHash, bytes sealedReason);

    /// @notice The facility has no open account of this partner.
    error DayCloseNoAccount(uint32 facility, uint8 partner);

    /// @notice `member` is neither the facility's lead nor this partner.
    error DayCloseNotAParty(uint32 facility, uint8 partner, uint16 member);

    /// @notice The day (ordinal) is closed already: the account is closed through `closedThrough`.
    error DayCloseDayClosed(uint24 day, uint24 closedThrough);

    /// @notice The day (ordinal) is after the block's day.
    error DayCloseDayAhead(uint24 day, uint24 today);

    /// @notice The other bank's proposal, of `member` for `day`, waits: confirm or dispute it first.
    error DayCloseProposalWaits(uint32 facility, uint8 partner, uint24 day, uint16 member);

    /// @notice The opening is not the last closing, which is this, minor units.
    error DayCloseOpeningDiffers(int72 lead, int72 partner, int72 agreed);

    /// @notice The movements are not the ledger's, which are these, minor units.
    error DayCloseMovementsDiffer(int256 lead, int256 partner, int256 agreed);

    /// @notice The closing is not opening plus movements, which is this, minor units.
    error DayCloseClosingDiffers(int256 lead, int256 partner, int256 agreed);

    /// @notice The open items are not the ledger's, which are these, minor units.
    error DayCloseOpenItemsDiffer(int72 openLead, int72 openPartner, int72 acceptedDifference, uint40 openLegs);

    /// @notice The pairs named have `named` open legs, the account has `openLegs`: an open leg is missing.
    error DayCloseCarriedForwardIncomplete(uint256 named, uint40 openLegs);

    /// @notice More than `most` pairs were named; that many fit into a transaction.
    error DayCloseTooManyNames(uint256 given, uint256 most);

    /// @notice No such proposal waits; the one that waits is of `day` (0 = none) and has `statementHash`.
    error DayCloseNotProposed(uint32 facility, uint8 partner, uint24 day, bytes32 statementHash);

    /// @notice `member` proposed it; the other bank must answer.
    error DayCloseOwnProposal(uint32 facility, uint8 partner, uint16 member);

    /// @notice The proposal is another bank's, of `proposer`; only that bank takes it back.
    error DayCloseNotYours(uint32 facility, uint8 partner, uint16 proposer, uint16 member);

    /// @notice The bank that proposed is no active bank any more.
    error DayCloseProposerNotActive(uint16 proposer);

    /// @notice Movements or the last closing have changed since the proposal: it must be proposed anew.
    error DayCloseChanged(uint32 facility, uint8 partner, uint24 day);

    /// @notice Only the last closed day can be opened again, which is `closedThrough` (0 = none).
    error DayCloseNotLastClosed(uint24 day, uint24 closedThrough);

    /// @notice No such reopening waits; the one that waits is of `day` (0 = none) and has `reasonHash`.
    error DayCloseReopenNotProposed(uint32 facility, uint8 partner, uint24 day, bytes32 reasonHash);

    /// @notice A sealed reason is longer than `most` bytes.
    error DayCloseReasonTooLong(uint256 length, uint256 most);

    /// @notice Once, in the transaction that makes the proxy.
    /// @param consortium the ConsortiumRegistry
    /// @param facilities the FacilityRegistry
    /// @param ledger the ReserveLedger
    /// @param reconciliation the Reconciliation
    function initialize(address consortium, address facilities, address ledger, address reconciliation) external;

    /// @notice Proposes to close a day and all before it that are open. Called by the approver of the facility's lead or of
    ///         the partner.
    /// @param statement equal to the ledger's own totals; not of a later day than the block's
    /// @param carriedForward the pairs whose open legs are all that the account has, strictly ascending, at most 3,500
    /// @dev Reverts with ConsortiumNotAKey, ConsortiumMemberNotActive, DayCloseNoAccount, DayCloseNotAParty,
    ///      DayCloseDayClosed, DayCloseDayAhead, DayCloseProposalWaits, DayCloseOpeningDiffers, DayCloseMovementsDiffer,
    ///      DayCloseClosingDiffers, DayCloseOpenItemsDiffer, DayCloseTooManyNames, DayCloseCarriedForwardIncomplete,
    ///      PairsNotAscending or PairOfOtherAccount.
    function propose(Statement calldata statement, uint256[] calldata carriedForward) external;

    /// @notice Confirms the proposal that waits, which closes the day. Called by the other bank's approver.
    /// @dev Movements must still be as proposed; what is open may have changed, it is stated as of the proposal. Reverts
    ///      with ConsortiumNotAKey, ConsortiumMemberNotActive, DayCloseNotAParty, DayCloseNotProposed, DayCloseOwnProposal,
    ///      DayCloseProposerNotActive or DayCloseChanged.
    function confirm(uint32 facility, uint8 partner, uint24 day, bytes32 statementHash) external;

    /// @notice Disputes the proposal that waits, which ends it. Called by the other bank's approver.
    /// @param reasonHash keccak256 of the reason's salt and text
    /// @dev Reverts with ConsortiumNotAKey, ConsortiumMemberNotActive, DayCloseNotAParty, DayCloseNotProposed or
    ///      DayCloseOwnProposal.
    function dispute(uint32 facility, uint8 partner, uint24 day, bytes32 statementHash, bytes32 reasonHash) external;

    /// @notice Takes the own proposal back. Called by the approver of the bank that made it.
    /// @dev Reverts with ConsortiumNotAKey, ConsortiumMemberNotActive, DayCloseNotAParty, DayCloseNotProposed or
    ///      DayCloseNotYours.
    function withdraw(uint32 facility, uint8 partner, uint24 day) external;

    /// @notice Proposes to open the last closed day again, with all that its statement closed. Called by the approver of
    ///         either bank; replaces a reopening that waits.
    /// @param reasonHash keccak256 of the reason's salt and text
    /// @dev Reverts with ConsortiumNotAKey, ConsortiumMemberNotActive, DayCloseNotAParty or DayCloseNotLastClosed.
    function proposeReopen(uint32 facility, uint8 partner, uint24 day, bytes32 reasonHash) external;

    /// @notice Confirms a reopening. Called by the other bank's approver. Movements that were carried to the day after stay
    ///         there.
    /// @dev Reverts with ConsortiumNotAKey, ConsortiumMemberNotActive, DayCloseNotAParty, DayCloseReopenNotProposed,
    ///      DayCloseOwnProposal, DayCloseProposerNotActive or DayCloseNotLastClosed.
    function confirmReopen(uint32 facility, uint8 partner, uint24 day, bytes32 reasonHash) external;

    /// @notice Takes the own reopening back. Called by the approver of the bank that proposed it.
    /// @dev Reverts with ConsortiumNotAKey, ConsortiumMemberNotActive, DayCloseNotAParty, DayCloseReopenNotProposed or
    ///      DayCloseNotYours.
    function withdrawReopen(uint32 facility, uint8 partner, uint24 day) external;

    /// @notice Gives the reason of an act, of any of the contracts, to those who may read it. Called by an active member's
    ///         approver.
    /// @param reasonHash keccak256 of the reason's salt and text
    /// @param sealedReason at most 16,384 bytes, neither read nor kept
    /// @dev Here because closing days, disputing and reopening them need most reasons, and for all other acts too: an
    ///      upgrade of the registries for it would not fit. Reverts with ConsortiumNotAKey, ConsortiumMemberNotActive or
    ///      DayCloseReasonTooLong.
    function giveReason(bytes32 reasonHash, bytes calldata sealedReason) external;

    /// @notice A closed day's balances by its last day (ordinal).
    function closing(uint32 facility, uint8 partner, uint24 day) external view returns (Closing memory);

    /// @notice The last closed day (ordinal); 0 = none.
    function lastClosed(uint32 facility, uint8 partner) external view returns (uint24);

    /// @notice The closing that waits for the other bank; all zero where none does.
    function proposalOf(uint32 facility, uint8 partner) external view returns (DayProposal memory);

    /// @notice The reopening that waits for the other bank; all zero where none does.
    function reopenProposalOf(uint32 facility, uint8 partner) external view returns (ReopenProposal memory);
}
