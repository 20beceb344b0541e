// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";

import {ConsortiumMembers} from "./ConsortiumMembers.sol";
import {Governed} from "./Governed.sol";
import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {DayCount, DayCounts} from "./libraries/DayCounts.sol";
import {MemberSets} from "./libraries/MemberSets.sol";
import {Payloads} from "./libraries/Payloads.sol";
import {Ballot, Emergency} from "./storage/ConsortiumStorage.sol";
import {
    ConsortiumProposal,
    Contracts,
    FoundingMember,
    KeyHolder,
    KeyProof,
    KeyPurpose,
    Member,
    MemberState,
    ProposalKind,
    ProposalState,
    Role,
    Tally,
    Vote
} from "./types/ConsortiumTypes.sol";

/// @title The members of the consortium and what they decide together
/// @dev Meaning, units and errors: IConsortiumRegistry. Who the members are: ConsortiumMembers.
contract ConsortiumRegistry is ConsortiumMembers, Governed {
    using DayCounts for DayCount;
    using MemberSets for uint256;

    uint256 private constant _PROPOSAL_LIFETIME = 14 days;
    uint256 private constant _MAX_PAYLOAD_BYTES = 8192;
    uint256 private constant _MAX_ROTATIONS_A_DAY = 16;

    /// @dev How long a member can object to the keys that a vote would give it.
    uint256 private constant _OBJECTION_WITHIN = 7 days;

    /// @dev Within which a second bank must ask for the same.
    uint256 private constant _SECOND_WITHIN = 24 hours;
    uint256 private constant _STOP_LASTS = 72 hours;
    /// @dev After a stop's end the member's, from its beginning the two banks' who did it.
    uint256 private constant _STOP_NOT_AGAIN_WITHIN = 30 days;

    /// @inheritdoc IConsortiumRegistry
    function initialize(FoundingMember[] calldata members, Contracts calldata contracts_) external initializer {
        bool isLed;
        for (uint256 i; i < members.length; ++i) {
            FoundingMember memory newcomer = members[i];
            _requireAdmissible(newcomer, i);
            _admit(newcomer);
            isLed = isLed || newcomer.role == uint8(Role.Lead);
        }
        if (!isLed) revert ConsortiumNoLead();
        _requireEnoughBanks(_activeBanks);
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
        _countProposal(proposer, number);
        Ballot storage ballot = _ballots[number];
        ballot.kind = ProposalKind(kind);
        ballot.state = ProposalState.Open;
        ballot.proposer = proposer;
        ballot.createdAt = uint40(block.timestamp);
        ballot.inFavour = MemberSets.only(proposer);
        ballot.payload = payload;
        ballot.contentHash = keccak256(abi.encode(kind, payload, reasonHash));
        ballot.subject = _requirePossible(ballot.kind, payload);
        if (proposer == ballot.subject) revert ConsortiumSubjectHasNoVote(proposer);
        Tally memory tally = _tally(ballot);
        if (tally.electorate < tally.needed) revert ConsortiumTooFewVoters(tally.electorate, tally.needed);

        emit ProposalMade(number, proposer, kind, payload, reasonHash, _expiryOf(ballot));
        emit VoteCast(number, proposer, true);
    }

    /// @inheritdoc IConsortiumRegistry
    function vote(uint32 number, bytes32 contentHash, bool inFavour) external {
        uint16 voter = _votingBank();
        Ballot storage ballot = _undecided(number, contentHash);
        if (ballot.state != ProposalState.Open) revert ConsortiumProposalInState(number, ballot.state);
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
        Ballot storage ballot = _undecided(number, contentHash);
        if (ballot.state == ProposalState.Waiting) {
            if (block.timestamp < ballot.dueAt) revert ConsortiumNotDue(number, ballot.dueAt);
            _carryOut(number, ballot);
            return;
        }
        Tally memory tally = _tally(ballot);
        if (tally.yes < tally.needed) revert ConsortiumNoMajority(number, tally.yes, tally.needed);
        _enact(number, ballot, tally);
    }

    /// @inheritdoc IConsortiumRegistry
    function objectToKey(uint32 number, bytes32 contentHash) external {
        KeyHolder memory holder = _keyHolder(msg.sender);
        // in any standing but an evicted one: others can suspend and stop it
        if (holder.purpose != KeyPurpose.Approver && holder.purpose != KeyPurpose.Recovery) {
            revert ConsortiumNotAKey(msg.sender, KeyPurpose.Approver);
        }
        _requireNotEvicted(holder.member);
        Ballot storage ballot = _undecided(number, contentHash);
        bool isItsKey = ballot.kind == ProposalKind.ReplaceKey && ballot.subject == holder.member;
        if (!isItsKey) revert ConsortiumNotItsKey(number, holder.member);

        _decide(ballot, ProposalState.Objected, _tally(ballot));
        emit KeyReplacementObjected(number, holder.member, uint8(holder.purpose));
    }

    /// @inheritdoc IConsortiumRegistry
    function withdraw(uint32 number) external {
        uint16 bank = _votingBank();
        Ballot storage ballot = _undecided(number);
        if (bank != ballot.proposer) revert ConsortiumNotTheProposer(number, bank, ballot.proposer);
        _decide(ballot, ProposalState.Withdrawn, _tally(ballot));
        emit ProposalWithdrawn(number);
    }

    /// @inheritdoc IConsortiumRegistry
    function rotateKey(uint8 purpose, bytes32 key, KeyProof calldata proof) external {
        KeyHolder memory holder = _keyHolder(msg.sender);
        bool isRecovery = holder.purpose == KeyPurpose.Recovery;
        // an approver acts while its member may; a recovery key even where it is suspended or stopped
        if (!isRecovery) _actingMember(msg.sender, KeyPurpose.Approver);
        bool isAllowed = purpose == uint8(KeyPurpose.Operator) || purpose == uint8(KeyPurpose.Sealing)
            || (isRecovery && purpose == uint8(KeyPurpose.Approver));
        if (!isAllowed) revert ConsortiumKeyMayNotRotate(holder.purpose, purpose);
        _requireReplaceable(holder.member, purpose, key, proof);
        // by key: a thief of the approver key does not keep the recovery key waiting
        bool isWithin = _replacedADay[msg.sender].add(_MAX_ROTATIONS_A_DAY);
        if (!isWithin) revert ConsortiumTooManyRotations(holder.member, _MAX_ROTATIONS_A_DAY);
        _replaceKey(holder.member, purpose, key, false);
    }

    /// @inheritdoc IConsortiumRegistry
    function emergencyStop(uint16 subject, bytes32 reasonHash) external {
        uint16 bank = _votingBank();
        _requireActive(subject);
        if (bank == subject) revert ConsortiumOwnEmergency(bank);
        Member storage stopped = _members[subject];
        _requireNotTooSoon(subject, stopped.stoppedUntil + _STOP_NOT_AGAIN_WITHIN);
        _requireNotTooSoon(bank, _mayStopFrom[bank]);
        _requireFewStopped(subject);

        Emergency storage emergency = _emergencies[subject];
        uint16 first = emergency.stopAskedBy;
        // who has been stopped since, or has stopped another, asks for nothing any more
        bool isSecond = _isSecond(subject, bank, first, emergency.stopAskedAt) && !_isStopped(first)
            && block.timestamp >= _mayStopFrom[first];
        emit EmergencyRaised(subject, bank, reasonHash);
        if (!isSecond) {
            (emergency.stopAskedBy, emergency.stopAskedAt) = (bank, uint40(block.timestamp));
            return;
        }
        uint40 until = uint40(block.timestamp + _STOP_LASTS);
        stopped.stoppedUntil = until;
        delete _emergencies[subject];
        _mayStopFrom[first] = _mayStopFrom[bank] = uint40(block.timestamp + _STOP_NOT_AGAIN_WITHIN);
        emit EmergencyStopped(subject, until, bank);
    }

    /// @inheritdoc IConsortiumRegistry
    function emergencyLift(uint16 subject) external {
        // one that is stopped too: else two could stop the others and keep them so
        uint16 bank = _requireBank(_activeMember(msg.sender, KeyPurpose.Approver));
        _known(subject);
        if (bank == subject) revert ConsortiumOwnEmergency(bank);
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
        Tally memory tally = isDecided ? Tally(ballot.yes, ballot.no, ballot.electorate, ballot.needed) : _tally(ballot);
        return ConsortiumProposal({
            kind: ballot.kind,
            state: state,
            proposer: ballot.proposer,
            subject: ballot.subject,
            createdAt: ballot.createdAt,
            expiresAt: _expiryOf(ballot),
            dueAt: ballot.dueAt,
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

    /// @dev What a bank took back counts until it would have expired, or it could propose and take back without end.
    function _countProposal(uint16 proposer, uint32 number) private {
        uint32[16] storage counted = _countedProposals[proposer];
        for (uint256 i; i < counted.length; ++i) {
            Ballot storage earlier = _ballots[counted[i]];
            ProposalState state = earlier.state;
            bool isUndecided =
                state == ProposalState.Open || state == ProposalState.Waiting || state == ProposalState.Withdrawn;
            if (isUndecided && block.timestamp < _expiryOf(earlier)) continue;
            counted[i] = number;
            return;
        }
        revert ConsortiumTooManyProposals(proposer, counted.length);
    }

    /// @dev A majority stands. Keys are the member's own: it is given time to object.
    function _enact(uint32 number, Ballot storage ballot, Tally memory tally) private {
        if (ballot.kind != ProposalKind.ReplaceKey) {
            _decide(ballot, ProposalState.Enacted, tally);
            _carryOut(number, ballot);
            return;
        }
        _requirePossible(ballot.kind, ballot.payload);
        _decide(ballot, ProposalState.Waiting, tally);
        ballot.dueAt = uint40(block.timestamp + _OBJECTION_WITHIN);
        emit KeyReplacementWaits(number, ballot.subject, ballot.dueAt, _expiryOf(ballot));
    }

    /// @dev Marked first, then carried out: an upgrade calls other code. Checked once more, as the members may have
    ///      changed since it was proposed.
    function _carryOut(uint32 number, Ballot storage ballot) private {
        ballot.state = ProposalState.Enacted;
        emit ProposalEnacted(number);
        (ProposalKind kind, bytes memory payload) = (ballot.kind, ballot.payload);
        _requirePossible(kind, payload);
        _perform(kind, payload);
    }

    function _decide(Ballot storage ballot, ProposalState state, Tally memory tally) private {
        ballot.state = state;
        ballot.yes = uint16(tally.yes);
        ballot.no = uint16(tally.no);
        ballot.electorate = uint16(tally.electorate);
        ballot.needed = uint16(tally.needed);
    }

    /// @return subject the bank that has no vote on it; 0 = none
    function _requirePossible(ProposalKind kind, bytes memory payload) private view returns (uint16 subject) {
        if (kind == ProposalKind.Admit) {
            FoundingMember memory newcomer = Payloads.toNewcomer(payload);
            _requireAdmissible(newcomer, 0);
            _requireProven(newcomer, payload);
        } else if (kind == ProposalKind.Suspend) {
            _requireSuspendable(subject = Payloads.toMember(kind, payload));
        } else if (kind == ProposalKind.Reinstate) {
            _requireReinstatable(subject = Payloads.toMember(kind, payload));
        } else if (kind == ProposalKind.Evict) {
            _requireEvictable(subject = Payloads.toMember(kind, payload));
        } else if (kind == ProposalKind.ChangeRole) {
            // it has a vote on this: others do not choose what it may do
            (uint16 member, uint8 role) = Payloads.toRole(payload);
            _requireRoleChange(member, role);
        } else if (kind == ProposalKind.ReplaceKey) {
            uint8 purpose;
            bytes32 key;
            (subject, purpose, key) = Payloads.toKey(payload);
            _requireReplaceable(subject, purpose, key, Payloads.toProof(payload, 3));
        } else if (kind == ProposalKind.RegisterValidator) {
            (uint16 member, address node, string memory enode) = Payloads.toValidator(payload);
            _requireRegistrable(member, node, enode);
        } else if (kind == ProposalKind.RemoveValidator) {
            _requireRegistered(Payloads.toNode(payload));
        } else {
            (address proxy, address implementation,) = Payloads.toUpgrade(payload);
            _requireUpgradable(proxy, implementation);
        }
    }

    /// @dev Only what `_requirePossible` has let pass.
    function _perform(ProposalKind kind, bytes memory payload) private {
        if (kind == ProposalKind.Admit) {
            _admit(Payloads.toNewcomer(payload));
        } else if (kind == ProposalKind.Suspend) {
            _setState(Payloads.toMember(kind, payload), MemberState.Suspended);
        } else if (kind == ProposalKind.Reinstate) {
            _reinstate(Payloads.toMember(kind, payload));
        } else if (kind == ProposalKind.Evict) {
            _evict(Payloads.toMember(kind, payload));
        } else if (kind == ProposalKind.ChangeRole) {
            (uint16 member, uint8 role) = Payloads.toRole(payload);
            _changeRole(member, role);
        } else if (kind == ProposalKind.ReplaceKey) {
            (uint16 member, uint8 purpose, bytes32 key) = Payloads.toKey(payload);
            _replaceKey(member, purpose, key, true);
        } else if (kind == ProposalKind.RegisterValidator) {
            (uint16 member, address node, string memory enode) = Payloads.toValidator(payload);
            _registerValidator(member, node, enode);
        } else if (kind == ProposalKind.RemoveValidator) {
            _removeValidator(Payloads.toNode(payload));
        } else {
            (address proxy, address implementation, bytes memory call) = Payloads.toUpgrade(payload);
            _upgrade(proxy, implementation, call);
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
    function _votingBank() private view returns (uint16) {
        return _requireBank(_actingMember(msg.sender, KeyPurpose.Approver));
    }

    function _requireBank(uint16 number) private view returns (uint16) {
        if (!_activeBanks.has(number)) revert ConsortiumNotABank(number);
        return number;
    }

    function _requireNotTooSoon(uint16 number, uint256 againAt) private view {
        if (block.timestamp < againAt) revert ConsortiumEmergencyTooSoon(number, againAt);
    }

    /// @dev Fewer than a third of the banks are stopped at a time, or one, so that the rest can go on and decide.
    function _requireFewStopped(uint16 subject) private view {
        if (!_activeBanks.has(subject)) return;
        uint256 banks = _activeBanks.count();
        uint256 stopped = banks - _countUnstopped(_activeBanks);
        uint256 most = banks < 4 ? 1 : (banks - 1) / 3;
        if (stopped >= most) revert ConsortiumEmergencyTooMany(stopped, most);
    }

    /// @dev Whether another bank that is still an active one has asked for the same lately.
    function _isSecond(uint16 subject, uint16 bank, uint16 first, uint256 askedAt) private view returns (bool) {
        if (first == 0 || block.timestamp >= askedAt + _SECOND_WITHIN) return false;
        if (first == bank) revert ConsortiumEmergencyAskedAlready(subject, bank);
        return _activeBanks.has(first);
    }

    /// @dev A proposal that is open or waits, where it asks for what the caller has read.
    function _undecided(uint32 number, bytes32 contentHash) private view returns (Ballot storage ballot) {
        ballot = _undecided(number);
        if (ballot.contentHash != contentHash) revert ConsortiumOtherContent(number, ballot.contentHash, contentHash);
    }

    function _undecided(uint32 number) private view returns (Ballot storage ballot) {
        ballot = _ballots[number];
        ProposalState state = _stateOf(number, ballot);
        bool isUndecided = state == ProposalState.Open || state == ProposalState.Waiting;
        if (!isUndecided) revert ConsortiumProposalInState(number, state);
    }

    function _stateOf(uint32 number, Ballot storage ballot) private view returns (ProposalState state) {
        state = ballot.state;
        if (state == ProposalState.None) revert ConsortiumUnknownProposal(number);
        bool isUndecided = state == ProposalState.Open || state == ProposalState.Waiting;
        if (isUndecided && block.timestamp >= _expiryOf(ballot)) return ProposalState.Expired;
    }

    /// @dev What waits can be enacted for as long as it could be voted on.
    function _expiryOf(Ballot storage ballot) private view returns (uint40) {
        uint40 from = ballot.dueAt == 0 ? ballot.createdAt : ballot.dueAt;
        return uint40(from + _PROPOSAL_LIFETIME);
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

    /// @dev More than two thirds of the active banks, or all of the `electorate` where these are fewer; at least two.
    ///      Of all, the subject too: else a few could evict one after another, and be enough in the end.
    function _needed(uint256 electorate) private view returns (uint256 needed) {
        needed = 2 * _activeBanks.count() / 3 + 1;
        if (needed > electorate) needed = electorate;
        if (needed < _MIN_BANKS) needed = _MIN_BANKS;
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
