// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {
    ConsortiumProposal,
    Contracts,
    FoundingMember,
    KeyProof,
    KeyPurpose,
    Member,
    MemberState,
    ProposalKind,
    ProposalState,
    Role,
    Validator,
    Vote
} from "../types/ConsortiumTypes.sol";
import {IGoverned} from "./IGoverned.sol";

/// @title The members of the consortium and what they decide together
/// @notice Member numbers start at 1, are never reused and never change. A key serves one member for one purpose, so
///         that an operator key can never approve; once replaced it is retired and serves nobody, for ever. Sealing keys
///         bind their own member alone.
///
///         Claims. Who brings a key that signs (operator, approver, recovery) proves to hold it: the key signs typed data
///         (EIP-712) under the domain (name "Tallystick", chain id, this registry). Each of a newcomer's
///         keys signs all of its admission,
///         Admission(string name,uint8 role,address operator,address approver,address recovery,bytes32 sealingKey); a
///         key that follows another signs KeyReplacement(uint16 member,uint8 purpose,address key). A sealing key signs
///         nothing and so claims nothing: two members may name the same.
///
///         Votes. The electorate of a proposal is the active banks (leads and partners), less its subject: the bank that
///         is to be suspended, reinstated, evicted or given another key. As many as are more than two thirds of all
///         active banks enact it, or the whole electorate where that is fewer; at least two. So, from four banks on, who
///         can evict a bank could decide everything before. Votes are counted anew at each vote, among the banks that
///         are in the electorate then: those of banks that were suspended or evicted since fall away, and those of a
///         bank under an emergency stop wait for its end. Block times are seconds.
interface IConsortiumRegistry is IGoverned {
    /// @notice A member joined. `role`: 1 lead, 2 partner, 3 auditor, 4 regulator.
    event MemberAdmitted(
        uint16 indexed member,
        string name,
        uint8 role,
        address operator,
        address approver,
        bytes32 sealingKey,
        address recovery
    );

    /// @notice A bank asks for something. `kind` and `payload`: see propose. `reasonHash`: keccak256 of the reason's salt and text.
    ///         It can be voted on before `expiresAt`. Its own vote in favour follows as VoteCast.
    event ProposalMade(
        uint32 indexed proposal,
        uint16 indexed proposer,
        uint8 indexed kind,
        bytes payload,
        bytes32 reasonHash,
        uint40 expiresAt
    );

    /// @notice A bank voted. Whether its vote counts is told by the electorate when it is counted.
    event VoteCast(uint32 indexed proposal, uint16 indexed member, bool inFavour);

    /// @notice A majority stands: what was proposed is done, in the events that follow.
    event ProposalEnacted(uint32 indexed proposal);

    /// @notice So many are against it that no majority can be reached any more.
    event ProposalRejected(uint32 indexed proposal);

    /// @notice Its proposer took it back.
    event ProposalWithdrawn(uint32 indexed proposal);

    /// @notice A majority would give `member` another key. It can be enacted from `dueAt` and before `expiresAt`, unless
    ///         the member objects.
    event KeyReplacementWaits(uint32 indexed proposal, uint16 indexed member, uint40 dueAt, uint40 expiresAt);

    /// @notice The member objected, with its key for `purpose`, to the key that was proposed for it: nothing comes of it.
    event KeyReplacementObjected(uint32 indexed proposal, uint16 indexed member, uint8 purpose);

    /// @notice A vote suspended, reinstated or evicted a member.
    event MemberStateChanged(uint16 indexed member, MemberState state);

    /// @notice A vote gave a member another role, numbered as in MemberAdmitted.
    event MemberRoleChanged(uint16 indexed member, uint8 role);

    /// @notice A member has another key; the one before is retired. `purpose`: 1 operator, 2 approver, 3 recovery,
    ///         4 sealing; `key`: an address in the low bits, or the sealing key. `isByVote`: the banks did it and not it.
    event MemberKeyReplaced(uint16 indexed member, uint8 indexed purpose, bytes32 key, bool isByVote);

    /// @notice A member's node is a validator of the consortium.
    event ValidatorRegistered(uint16 indexed member, address indexed node, string enode);

    /// @notice A node is a validator no more: by a vote, or because its member was evicted.
    event ValidatorRemoved(address indexed node);

    /// @notice A vote put other code behind one of the consortium's proxies.
    event ContractUpgraded(address indexed proxy, address indexed implementation);

    /// @notice The bank `by` asks that `member` be stopped.
    event EmergencyRaised(uint16 indexed member, uint16 indexed by, bytes32 reasonHash);

    /// @notice A second bank, `by`, asked for it too: `member`'s operator and approver keys are refused before `until`.
    event EmergencyStopped(uint16 indexed member, uint40 until, uint16 indexed by);

    /// @notice The bank `by` asks that the stop of `member` end early.
    event EmergencyLiftRaised(uint16 indexed member, uint16 indexed by);

    /// @notice The stop of `member` ended early: a second bank asked for it, or a vote reinstated the member.
    event EmergencyLifted(uint16 indexed member);

    /// @notice A consortium needs at least two active banks: `banks` were given, or would be left.
    error ConsortiumTooFewBanks(uint256 banks);

    /// @notice A consortium is founded with at least one lead.
    error ConsortiumNoLead();

    /// @notice At most `most` members are ever admitted; this would be `given`.
    error ConsortiumTooManyMembers(uint256 given, uint256 most);

    /// @notice A name is empty or longer than 256 bytes, at place `index` of the list (0 in a proposal).
    error ConsortiumBadName(uint256 index, string name);

    /// @notice Another member already has this name.
    error ConsortiumNameTaken(string name, uint16 member);

    /// @notice `role` of the member at place `index` (0 in a proposal) is none of 1 lead, 2 partner, 3 auditor, 4 regulator.
    error ConsortiumUnknownRole(uint256 index, uint8 role);

    /// @notice A key that `member` needs is zero: a bank's operator, approver or recovery key, or anyone's sealing key.
    error ConsortiumKeyMissing(string member);

    /// @notice `key` already belongs to `member` for `purpose`, or did and is retired; every key serves one member for one
    ///         purpose. An address stands in the low bits. A sealing key is taken for its own member alone.
    error ConsortiumKeyTaken(bytes32 key, uint16 member, KeyPurpose purpose);

    /// @notice `key` has not signed what it is claimed for as `purpose`, or where nothing is to be signed (no key, or a
    ///         sealing key) the proof is not zero.
    error ConsortiumKeyUnproven(bytes32 key, KeyPurpose purpose);

    /// @notice `caller` is no member's key for `purpose`.
    error ConsortiumNotAKey(address caller, KeyPurpose purpose);

    /// @notice `member` is suspended or evicted, or is so already.
    error ConsortiumMemberNotActive(uint16 member, MemberState state);

    /// @notice No member has this number.
    error ConsortiumUnknownMember(uint16 member);

    /// @notice The keys of `member` are refused before `until`: two other banks have stopped it.
    error ConsortiumMemberStopped(uint16 member, uint256 until);

    /// @notice `member` is no active lead or partner: only these propose, vote and stop.
    error ConsortiumNotABank(uint16 member);

    /// @notice `kind` is none that can be proposed.
    error ConsortiumUnknownKind(uint8 kind);

    /// @notice A payload of `length` bytes is not the ABI's encoding of what `kind` needs; see propose.
    error ConsortiumBadPayload(ProposalKind kind, uint256 length);

    /// @notice A payload holds at most `most` bytes.
    error ConsortiumPayloadTooLong(uint256 length, uint256 most);

    /// @notice `member` is what the proposal is about, and neither makes it nor votes on it.
    error ConsortiumSubjectHasNoVote(uint16 member);

    /// @notice Only `electorate` banks could vote on it, where `needed` must be in favour.
    error ConsortiumTooFewVoters(uint256 electorate, uint256 needed);

    /// @notice `member` has made `most` proposals that the others have not decided and that have not expired; those that
    ///         it took back count until they would have expired.
    error ConsortiumTooManyProposals(uint16 member, uint256 most);

    /// @notice No proposal has this number.
    error ConsortiumUnknownProposal(uint32 proposal);

    /// @notice The proposal is not open any more.
    error ConsortiumProposalInState(uint32 proposal, ProposalState state);

    /// @notice The proposal asks for something else than what was named; see ConsortiumProposal.contentHash.
    error ConsortiumOtherContent(uint32 proposal, bytes32 proposed, bytes32 given);

    /// @notice `member` has voted on it; a vote is not changed.
    error ConsortiumVotedAlready(uint32 proposal, uint16 member);

    /// @notice `yes` banks are in favour now, where `needed` must be.
    error ConsortiumNoMajority(uint32 proposal, uint256 yes, uint256 needed);

    /// @notice The member can still object, up to `dueAt`.
    error ConsortiumNotDue(uint32 proposal, uint256 dueAt);

    /// @notice The proposal is not about a key of `member`.
    error ConsortiumNotItsKey(uint32 proposal, uint16 member);

    /// @notice Only its proposer can take a proposal back.
    error ConsortiumNotTheProposer(uint32 proposal, uint16 member, uint16 proposer);

    /// @notice `member` is neither suspended nor stopped.
    error ConsortiumNothingToReinstate(uint16 member, MemberState state);

    /// @notice `member` has that role already.
    error ConsortiumRoleUnchanged(uint16 member, uint8 role);

    /// @notice `member` is party to so many facilities that are active or paused, and keeps its role until they are closed.
    error ConsortiumRoleKept(uint16 member, uint256 facilities);

    /// @notice `purpose` is none of 1 operator, 2 approver, 3 recovery, 4 sealing.
    error ConsortiumUnknownKeyPurpose(uint8 purpose);

    /// @notice `key` is zero, or is no address where `purpose` needs one.
    error ConsortiumBadKey(uint8 purpose, bytes32 key);

    /// @notice A key that serves `own` may not replace one that serves `purpose`; see rotateKey.
    error ConsortiumKeyMayNotRotate(KeyPurpose own, uint8 purpose);

    /// @notice The caller has replaced `most` keys of its `member` today (UTC).
    error ConsortiumTooManyRotations(uint16 member, uint256 most);

    /// @notice A validator needs an address, and an enode of 1 to 512 bytes.
    error ConsortiumBadValidator(address node, string enode);

    /// @notice The node is a validator of `member` already.
    error ConsortiumValidatorTaken(address node, uint16 member);

    /// @notice The node is no validator.
    error ConsortiumUnknownValidator(address node);

    /// @notice `proxy` is none of the consortium's contracts.
    error ConsortiumUnknownContract(address proxy);

    /// @notice There is no code at `implementation` that can stand behind a proxy.
    error ConsortiumBadImplementation(address implementation);

    /// @notice A bank neither stops itself nor lifts its own stop.
    error ConsortiumOwnEmergency(uint16 member);

    /// @notice The bank `by` has asked for it already; now a second bank must, within 24 hours.
    error ConsortiumEmergencyAskedAlready(uint16 member, uint16 by);

    /// @notice Before `againAt` `member` cannot be stopped again, because it was lately; or cannot stop another, because it
    ///         took part in a stop lately.
    error ConsortiumEmergencyTooSoon(uint16 member, uint256 againAt);

    /// @notice `stopped` banks are stopped, and no more than `most` can be at a time: fewer than a third of the active
    ///         banks, or one.
    error ConsortiumEmergencyTooMany(uint256 stopped, uint256 most);

    /// @notice `member` is under no emergency stop.
    error ConsortiumNotStopped(uint16 member);

    /// @notice Founds the consortium. Once, in the transaction that makes the proxy.
    /// @param members at least two banks, one of them a lead; numbered by their places from 1. Auditors and regulators
    ///        may leave their operator, approver and recovery keys zero.
    function initialize(FoundingMember[] calldata members, Contracts calldata contracts_) external;

    /// @notice Proposes, and votes in favour. By the approver of an active bank other than the subject, which has at most
    ///         16 proposals that are open or wait, or that it took back and that would not have expired.
    /// @param kind and its payload, abi.encode of
    ///        1 admit: FoundingMember newcomer, as `initialize` takes it, KeyProof[3] of its operator, approver and
    ///        recovery keys (zero where it has none);
    ///        2 suspend, 3 reinstate (also ends an emergency stop), 4 evict (for ever, with its validators): uint16 member;
    ///        5 change a role: uint16 member, uint8 role, of a member that is party to no active or paused facility;
    ///        6 replace a key: uint16 member, uint8 purpose, bytes32 key (see MemberKeyReplaced), KeyProof (zero for a
    ///        sealing key);
    ///        7 register a validator: uint16 member, address node, string enode;
    ///        8 remove a validator: address node;
    ///        9 upgrade: address proxy (see contracts), address implementation, bytes call (made to it; may be empty).
    /// @param payload at most 8,192 bytes. It must be possible now, and again when it is enacted.
    /// @param reasonHash keccak256 of the reason's salt and text; 0 = none given
    /// @return number of the proposal, from 1. It expires after 14 days.
    function propose(uint8 kind, bytes calldata payload, bytes32 reasonHash) external returns (uint32 number);

    /// @notice Votes, once and for good, by the approver of an active bank other than the subject. The vote that makes
    ///         the majority enacts the proposal in its own transaction, and reverts where that has become impossible; a
    ///         replacement of a key waits for 7 days first, in which its member can object.
    /// @param contentHash keccak256(abi.encode(kind, payload, reasonHash)) of what the voter has read
    function vote(uint32 number, bytes32 contentHash, bool inFavour) external;

    /// @notice Enacts a proposal whose majority stands without another vote, because the electorate shrank; or a
    ///         replacement of a key that is due, within 14 days. By the approver of any active bank.
    /// @param contentHash as `vote` takes it
    function enact(uint32 number, bytes32 contentHash) external;

    /// @notice Ends a proposal to give the caller's member another key, while it is open or waits. By the member's
    ///         approver or recovery key, also while it is suspended or stopped.
    /// @param contentHash as `vote` takes it
    function objectToKey(uint32 number, bytes32 contentHash) external;

    /// @notice Takes a proposal back that is open or waits. By the proposer's approver.
    function withdraw(uint32 number) external;

    /// @notice Replaces a key of the caller's own member: its operator or sealing key by its approver key, and these and
    ///         the approver key by its recovery key, which does so even while the member is suspended or stopped; each at
    ///         most 16 times on a day (UTC). The recovery key is only replaced by a vote.
    /// @param purpose as in MemberKeyReplaced
    /// @param key an address in the low bits, never used before by anyone; or a sealing key, never before by this member
    /// @param proof the new key's signature; zero for a sealing key
    function rotateKey(uint8 purpose, bytes32 key, KeyProof calldata proof) external;

    /// @notice Asks that a member be stopped. Once two banks, neither of them the subject, have asked within 24 hours, the
    ///         member's operator and approver keys are refused for 72 hours. Not again within 30 days after that, neither
    ///         does a bank take part in two stops within 30 days; and fewer than a third of the active banks are stopped at
    ///         a time, or one. By the approver of an active bank.
    /// @dev The member stays in every electorate meanwhile, so that two banks cannot stop others to outvote them.
    function emergencyStop(uint16 subject, bytes32 reasonHash) external;

    /// @notice Asks that a stop end early: it does once two banks, neither of them the subject, have asked within 24
    ///         hours. By the approver of an active bank, one that is stopped itself too.
    function emergencyLift(uint16 subject) external;

    /// @notice The consortium's proxies: the only contracts that a vote can upgrade.
    function contracts() external view returns (Contracts memory);

    /// @notice How many members were ever admitted; the highest member number.
    function memberCount() external view returns (uint16);

    /// @notice A member by its number. Reverts with ConsortiumUnknownMember.
    function member(uint16 number) external view returns (Member memory);

    /// @notice The number of the member of that name; 0 = none.
    function memberNamed(string calldata name) external view returns (uint16);

    /// @notice The member whose operator key this is; 0 = nobody's.
    function memberOf(address operator) external view returns (uint16);

    /// @notice The member whose approver key this is; 0 = nobody's.
    function approverOf(address approver) external view returns (uint16);

    /// @notice The active member for whom `key` serves `purpose`.
    /// @dev Reverts with ConsortiumNotAKey, ConsortiumMemberNotActive or ConsortiumMemberStopped.
    function activeMember(address key, KeyPurpose purpose) external view returns (uint16);

    /// @notice What a member may do and where it stands; None both for no member.
    function standingOf(uint16 number) external view returns (Role role, MemberState state);

    /// @notice Whether a member is an active bank: a lead or a partner. It is one under an emergency stop too.
    function isActiveBank(uint16 number) external view returns (bool);

    /// @notice A member's key for a purpose, an address in the low bits or the sealing key; 0 = none.
    /// @dev Reverts with ConsortiumUnknownMember.
    function keyOf(uint16 number, KeyPurpose purpose) external view returns (bytes32);

    /// @notice The validator nodes, in no order.
    function validators() external view returns (Validator[] memory);

    /// @notice How many proposals were ever made; the highest proposal number.
    function proposalCount() external view returns (uint32);

    /// @notice A proposal by its number, and how its votes stand. Reverts with ConsortiumUnknownProposal.
    function proposal(uint32 number) external view returns (ConsortiumProposal memory);

    /// @notice How a member voted on a proposal. Reverts with ConsortiumUnknownProposal.
    function voteOf(uint32 number, uint16 member) external view returns (Vote);
}
