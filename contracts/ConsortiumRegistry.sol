// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";

import {ConsortiumMembers} from "./ConsortiumMembers.sol";
import {Governed} from "./Governed.sol";
import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {MemberSets} from "./libraries/MemberSets.sol";
import {Payloads} from "./libraries/Payloads.sol";
import {Ballot, Emergency} from "./storage/ConsortiumStorage.sol";
import {
    ConsortiumProposal,
    Contracts,
    FoundingMember,
    KeyHolder,
    KeyPurpose,
    Member,
    MemberState,
    ProposalKind,
    ProposalState,
    Tally,
    Vote
} from "./types/ConsortiumTypes.sol";

/// @title The members of the consortium and what they decide together
/// @dev Meaning, units and errors: IConsortiumRegistry. Who the members are: ConsortiumMembers.
contract ConsortiumRegistry is ConsortiumMembers, Governed {
    using MemberSets for uint256;

    uint256 private constant _PROPOSAL_LIFETIME = 14 days;
    uint256 private constant _MAX_PAYLOAD_BYTES = 8192;

    /// @dev Within which a second bank must ask for the same.
    uint256 private constant _SECOND_WITHIN = 24 hours;
    uint256 private constant _STOP_LASTS = 72 hours;
    uint256 private constant _STOP_NOT_AGAIN_WITHIN = 7 days;

    /// @inheritdoc IConsortiumRegistry
    function initialize(FoundingMember[] calldata members, Contracts calldata contracts_) external initializer {
        if (members.length > MemberSets.MOST) revert ConsortiumTooManyMembers(members.length, MemberSets.MOST);
        for (uint256 i; i < members.length; ++i) {
            FoundingMember memory newcomer = members[i];
            _requireAdmissible(newcomer, i);
            _admit(newcomer);
        }
        _requireEnoughBanks(_activeBanks, _activeLeads);
        _contracts = contracts_;
    }

    /// @inheritdoc IConsortiumRegistry
    function propose(uint8 kind, bytes memory payload, bytes32 reasonHash) external returns (uint32 number) {
        uint16 proposer = _votingBank();
        if (payload.length > _MAX_PAYLOAD_BYTES) {
            revert ConsortiumPayloadTooLong(payload.length, _MAX_PAYLOAD_BYTES);
        }
        if (kind == uint8(ProposalKind.None) || kind > uint8(ProposalKind.Upgrade)) revert ConsortiumUnknownKind(kind);

        number = ++_proposalCount;
        Ballot storage ballot = _ballots[number];
        ballot.kind = ProposalKind(kind);
        ballot.state = ProposalState.Open;
        ballot.proposer = proposer;
        ballot.createdAt = uint40(block.timestamp);
        ballot.inFavour = MemberSets.only(proposer);
        ballot.payload = payload;
        ballot.contentHash = keccak256(abi.encode(kind, payload, reasonHash));
        ballot.subject = _take(ballot);
        if (proposer == ballot.subject) revert ConsortiumSubjectHasNoVote(proposer);
        Tally memory tally = _tally(ballot);
        if (tally.electorate < tally.needed) revert ConsortiumTooFewVoters(tally.electorate, tally.needed);

        emit ProposalMade(number, proposer, kind, payload, reasonHash, _expiryOf(ballot));
        emit VoteCast(number, proposer, true);
    }

    /// @inheritdoc IConsortiumRegistry
    function vote(uint32 number, bytes32 contentHash, bool inFavour) external {
        uint16 voter = _votingBank();
        Ballot storage ballot = _openBallotOf(number, contentHash);
        if (voter == ballot.subject) revert ConsortiumSubjectHasNoVote(voter);
        if ((ballot.inFavour | ballot.against).has(voter)) revert ConsortiumVotedAlready(number, voter);

        if (inFavour) ballot.inFavour = ballot.inFavour.put(voter, true);
        else ballot.against = ballot.against.put(voter, true);
        emit VoteCast(number, voter, inFavour);

        Tally memory tally = _tally(ballot);
        if (inFavour && tally.yes >= tally.needed) {
            _enact(number, ballot, tally);
        } else if (tally.electorate - tally.no < tally.needed) {
            _decide(ballot, ProposalState.Rejected, tally);
            emit ProposalRejected(number);
        }
    }

    /// @inheritdoc IConsortiumRegistry
    function enact(uint32 number, bytes32 contentHash) external {
        _votingBank();
        Ballot storage ballot = _openBallotOf(number, contentHash);
        Tally memory tally = _tally(ballot);
        if (tally.yes < tally.needed) revert ConsortiumNoMajority(number, tally.yes, tally.needed);
        _enact(number, ballot, tally);
    }

    /// @inheritdoc IConsortiumRegistry
    function withdraw(uint32 number) external {
        uint16 bank = _votingBank();
        Ballot storage ballot = _openBallot(number);
        if (bank != ballot.proposer) revert ConsortiumNotTheProposer(number, bank, ballot.proposer);
        _decide(ballot, ProposalState.Withdrawn, _tally(ballot));
        emit ProposalWithdrawn(number);
    }

    /// @inheritdoc IConsortiumRegistry
    function rotateKey(uint8 purpose, bytes32 key) external {
        KeyHolder memory holder = _keyHolder(msg.sender);
        bool isRecovery = holder.purpose == KeyPurpose.Recovery;
        // an approver acts while its member may; a recovery key even where it is suspended or stopped
        if (!isRecovery) _actingMember(msg.sender, KeyPurpose.Approver);
        bool isAllowed = purpose == uint8(KeyPurpose.Operator) || purpose == uint8(KeyPurpose.Sealing)
            || (isRecovery && purpose == uint8(KeyPurpose.Approver));
        if (!isAllowed) revert ConsortiumKeyMayNotRotate(holder.purpose, purpose);
        _requireReplaceable(holder.member, purpose, key);
        _replaceKey(holder.member, purpose, key, false);
    }

    /// @inheritdoc IConsortiumRegistry
    function emergencyStop(uint16 subject, bytes32 reasonHash) external {
        uint16 bank = _bankBeside(subject);
        _requireActive(subject);
        Member storage stopped = _members[subject];
        uint256 againAt = stopped.stoppedUntil == 0 ? 0 : stopped.stoppedUntil + _STOP_NOT_AGAIN_WITHIN;
        if (block.timestamp < againAt) revert ConsortiumEmergencyTooSoon(subject, againAt);

        Emergency storage emergency = _emergencies[subject];
        bool isSecond = _isSecond(subject, bank, emergency.stopAskedBy, emergency.stopAskedAt);
        emit EmergencyRaised(subject, bank, reasonHash);
        if (!isSecond) {
            (emergency.stopAskedBy, emergency.stopAskedAt) = (bank, uint40(block.timestamp));
            return;
        }
        uint40 until = uint40(block.timestamp + _STOP_LASTS);
        stopped.stoppedUntil = until;
        delete _emergencies[subject];
        emit EmergencyStopped(subject, until, bank);
    }

    /// @inheritdoc IConsortiumRegistry
    function emergencyLift(uint16 subject) external {
        uint16 bank = _bankBeside(subject);
        if (!_isStopped(subject)) revert ConsortiumNotStopped(subject);

        Emergency storage emergency = _emergencies[subject];
        bool isSecond = _isSecond(subject, bank, emergency.liftAskedBy, emergency.liftAskedAt);
        emit EmergencyLiftRaised(subject, bank);
        if (isSecond) _lift(subject);
        else (emergency.liftAskedBy, emergency.liftAskedAt) = (bank, uint40(block.timestamp));
    }

    /// @inheritdoc IConsortiumRegistry
    function contracts() external view returns (Contracts memory) {
        return _contracts;
    }

    /// @inheritdoc IConsortiumRegistry
    function proposalCount() external view returns (uint32) {
        return _proposalCount;
    }

    /// @inheritdoc IConsortiumRegistry
    function proposal(uint32 number) external view returns (ConsortiumProposal memory) {
        Ballot storage ballot = _ballots[number];
        ProposalState state = _stateOf(number, ballot);
        bool isDecided = ballot.state != ProposalState.Open;
        Tally memory tally =
            isDecided ? Tally(ballot.yes, ballot.no, ballot.electorate, _needed(ballot.electorate)) : _tally(ballot);
        return ConsortiumProposal({
            kind: ballot.kind,
            state: state,
            proposer: ballot.proposer,
            subject: ballot.subject,
            createdAt: ballot.createdAt,
            expiresAt: _expiryOf(ballot),
            yes: uint16(tally.yes),
            no: uint16(tally.no),
            electorate: uint16(tally.electorate),
            needed: uint16(tally.needed),
            contentHash: ballot.contentHash,
            payload: ballot.payload
        });
    }

    /// @inheritdoc IConsortiumRegistry
    function voteOf(uint32 number, uint16 bank) external view returns (Vote) {
        Ballot storage ballot = _ballots[number];
        _stateOf(number, ballot);
        if (ballot.inFavour.has(bank)) return Vote.InFavour;
        return ballot.against.has(bank) ? Vote.Against : Vote.None;
    }

    /// @dev Decided first, then carried out: an upgrade calls other code. Checked once more, as the members may have
    ///      changed since it was proposed.
    function _enact(uint32 number, Ballot storage ballot, Tally memory tally) private {
        _decide(ballot, ProposalState.Enacted, tally);
        emit ProposalEnacted(number);
        _take(ballot);
    }

    function _decide(Ballot storage ballot, ProposalState state, Tally memory tally) private {
        ballot.state = state;
        ballot.yes = uint16(tally.yes);
        ballot.no = uint16(tally.no);
        ballot.electorate = uint16(tally.electorate);
    }

    /// @dev Checks that what is asked for can be done, and does it where that is decided.
    /// @return subject the bank that has no vote on it; 0 = none
    function _take(Ballot storage ballot) private returns (uint16 subject) {
        (ProposalKind kind, bytes memory payload) = (ballot.kind, ballot.payload);
        bool isDue = ballot.state == ProposalState.Enacted;
        if (kind == ProposalKind.Admit) {
            FoundingMember memory newcomer = Payloads.toNewcomer(payload);
            _requireAdmissible(newcomer, 0);
            if (isDue) _admit(newcomer);
        } else if (kind == ProposalKind.Suspend) {
            _requireSuspendable(subject = Payloads.toMember(kind, payload));
            if (isDue) _setState(subject, MemberState.Suspended);
        } else if (kind == ProposalKind.Reinstate) {
            _requireReinstatable(subject = Payloads.toMember(kind, payload));
            if (isDue) _reinstate(subject);
        } else if (kind == ProposalKind.Evict) {
            _requireEvictable(subject = Payloads.toMember(kind, payload));
            if (isDue) _evict(subject);
        } else if (kind == ProposalKind.ChangeRole) {
            uint8 role;
            (subject, role) = Payloads.toRole(payload);
            _requireRoleChange(subject, role);
            if (isDue) _changeRole(subject, role);
        } else if (kind == ProposalKind.ReplaceKey) {
            uint8 purpose;
            bytes32 key;
            (subject, purpose, key) = Payloads.toKey(payload);
            _requireReplaceable(subject, purpose, key);
            if (isDue) _replaceKey(subject, purpose, key, true);
        } else if (kind == ProposalKind.RegisterValidator) {
            (uint16 member, address node, string memory enode) = Payloads.toValidator(payload);
            _requireRegistrable(member, node, enode);
            if (isDue) _registerValidator(member, node, enode);
        } else if (kind == ProposalKind.RemoveValidator) {
            address node = Payloads.toNode(payload);
            _requireRegistered(node);
            if (isDue) _removeValidator(node);
        } else {
            (address proxy, address implementation, bytes memory call) = Payloads.toUpgrade(payload);
            _requireUpgradable(proxy, implementation);
            if (isDue) _upgrade(proxy, implementation, call);
        }
    }

    function _upgrade(address proxy, address implementation, bytes memory call) private {
        emit ContractUpgraded(proxy, implementation);
        UUPSUpgradeable(proxy).upgradeToAndCall(implementation, call);
    }

    function _reinstate(uint16 number) private {
        if (_isStopped(number)) _lift(number);
        if (_members[number].state == MemberState.Suspended) _setState(number, MemberState.Active);
    }

    /// @dev The time of the end is kept: from it runs how long the member cannot be stopped again.
    function _lift(uint16 number) private {
        _members[number].stoppedUntil = uint40(block.timestamp);
        delete _emergencies[number];
        emit EmergencyLifted(number);
    }

    /// @dev The active bank whose approver calls.
    function _votingBank() private view returns (uint16 bank) {
        bank = _actingMember(msg.sender, KeyPurpose.Approver);
        if (!_activeBanks.has(bank)) revert ConsortiumNotABank(bank);
    }

    /// @dev The same, for what a bank cannot ask against or for itself.
    function _bankBeside(uint16 subject) private view returns (uint16 bank) {
        bank = _votingBank();
        _known(subject);
        if (bank == subject) revert ConsortiumOwnEmergency(bank);
    }

    /// @dev Whether another bank has asked for the same lately, and may still ask for anything.
    function _isSecond(uint16 subject, uint16 bank, uint16 first, uint256 askedAt) private view returns (bool) {
        if (first == 0 || block.timestamp >= askedAt + _SECOND_WITHIN) return false;
        if (first == bank) revert ConsortiumEmergencyAskedAlready(subject, bank);
        return _activeBanks.has(first) && !_isStopped(first);
    }

    /// @dev An open proposal, where it asks for what the caller has read.
    function _openBallotOf(uint32 number, bytes32 contentHash) private view returns (Ballot storage ballot) {
        ballot = _openBallot(number);
        if (ballot.contentHash != contentHash) revert ConsortiumOtherContent(number, ballot.contentHash, contentHash);
    }

    function _openBallot(uint32 number) private view returns (Ballot storage ballot) {
        ballot = _ballots[number];
        ProposalState state = _stateOf(number, ballot);
        if (state != ProposalState.Open) revert ConsortiumProposalInState(number, state);
    }

    function _stateOf(uint32 number, Ballot storage ballot) private view returns (ProposalState state) {
        state = ballot.state;
        if (state == ProposalState.None) revert ConsortiumUnknownProposal(number);
        if (state == ProposalState.Open && block.timestamp >= _expiryOf(ballot)) return ProposalState.Expired;
    }

    function _expiryOf(Ballot storage ballot) private view returns (uint40) {
        return uint40(ballot.createdAt + _PROPOSAL_LIFETIME);
    }

    /// @dev Counted anew each time, among the banks that are in the electorate now.
    function _tally(Ballot storage ballot) private view returns (Tally memory) {
        uint256 electorate = _activeBanks.put(ballot.subject, false);
        uint256 size = electorate.count();
        return Tally({
            yes: _countUnstopped(ballot.inFavour & electorate),
            no: _countUnstopped(ballot.against & electorate),
            electorate: size,
            needed: _needed(size)
        });
    }

    /// @dev A stopped bank's approver key may be a thief's: its vote waits, though the bank stays in the electorate.
    function _countUnstopped(uint256 banks) private view returns (uint256 count) {
        for (uint16 number = 1; banks != 0; ++number) {
            if (banks & 1 != 0 && !_isStopped(number)) ++count;
            banks >>= 1;
        }
    }

    /// @dev The least number that is more than two thirds, and at least two.
    function _needed(uint256 electorate) private pure returns (uint256) {
        return electorate < 2 ? 2 : 2 * electorate / 3 + 1;
    }

    /// @dev UUPS asks the same again; asked here, so that a proposal that must fail is not voted on.
    function _requireUpgradable(address proxy, address implementation) private view {
        bool isOurs = proxy == _contracts.consortiumRegistry || proxy == _contracts.facilityRegistry
            || proxy == _contracts.reserveLedger || proxy == _contracts.reconciliation || proxy == _contracts.dayClose;
        if (proxy == address(0) || !isOurs) revert ConsortiumUnknownContract(proxy);
        (bool isAnswered, bytes memory answer) =
            implementation.staticcall(abi.encodeCall(UUPSUpgradeable.proxiableUUID, ()));
        bool isImplementation = isAnswered && answer.length == 32 && bytes32(answer) == ERC1967Utils.IMPLEMENTATION_SLOT;
        if (!isImplementation) revert ConsortiumBadImplementation(implementation);
    }

    /// @dev The registry itself, once a vote has passed.
    function _authority() internal view override returns (address) {
        return address(this);
    }
}
