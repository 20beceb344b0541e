// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {IFacilityRegistry} from "./interfaces/IFacilityRegistry.sol";
import {Limits} from "./libraries/Limits.sol";
import {TermsChecks} from "./libraries/TermsChecks.sol";
import {Facility, FacilityStorage} from "./storage/FacilityStorage.sol";
import {KeyPurpose, MemberState} from "./types/ConsortiumTypes.sol";
import {Change, ChangeKind, ChangeState, FacilityState, Rules, Shares} from "./types/FacilityTypes.sol";

/// @title What becomes of an active facility: new versions, its close, its pauses
/// @dev Meaning, units and errors: IFacilityRegistry. A part of FacilityRegistry. A change is checked when it is
///      proposed and again when it takes effect, because days pass and other changes take effect in between.
abstract contract FacilityChanges is FacilityStorage, IFacilityRegistry {
    uint256 private constant _CHANGE_LIFETIME = 30 days;
    /// @dev A facility's pauses, whoever's, hold from the first of them for so long against the other parties, and none
    ///      begins after that until so long after the first one.
    uint256 private constant _PAUSES_HOLD = 7 days;
    uint256 private constant _PAUSES_AGAIN_AFTER = 30 days;
    /// @dev How many days after the last one that a leg may carry a version can start.
    uint256 private constant _MAX_DAYS_TO_VERSION = 180;
    /// @dev A pair's slot keeps a version in 12 bits.
    uint256 private constant _MAX_VERSIONS = 4_095;

    /// @inheritdoc IFacilityRegistry
    function proposeShares(uint32 number, uint24 effectiveFrom, Shares[] memory proposed, bytes32 reasonHash)
        public
        returns (uint32)
    {
        return _propose(number, ChangeKind.Shares, abi.encode(effectiveFrom, proposed), reasonHash);
    }

    /// @inheritdoc IFacilityRegistry
    function proposeRules(uint32 number, Rules memory proposed, bytes32 reasonHash) public returns (uint32) {
        return _propose(number, ChangeKind.Rules, abi.encode(proposed), reasonHash);
    }

    /// @inheritdoc IFacilityRegistry
    function proposeClose(uint32 number, bytes32 reasonHash) external returns (uint32) {
        return _propose(number, ChangeKind.Close, "", reasonHash);
    }

    /// @inheritdoc IFacilityRegistry
    function acceptChange(uint32 number, uint32 changeNumber, bytes32 acceptedHash) external {
        (Facility storage facility, uint16 member, uint256 party) = _party(number);
        Change storage accepted = _openChange(number, facility, changeNumber);
        _requireContent(number, changeNumber, accepted, acceptedHash);
        if (_has(accepted.acceptedBy, party)) revert FacilityChangeAlreadyAccepted(number, changeNumber, member);

        accepted.acceptedBy |= 1 << party;
        emit ChangeAccepted(number, changeNumber, member);
        _apply(number, facility, changeNumber, accepted);
    }

    /// @inheritdoc IFacilityRegistry
    function enactChange(uint32 number, uint32 changeNumber, bytes32 changeHash) external {
        (Facility storage facility,,) = _party(number);
        Change storage enacted = _openChange(number, facility, changeNumber);
        _requireContent(number, changeNumber, enacted, changeHash);
        uint16 missing = _waitsFor(facility, enacted);
        if (missing != 0) revert FacilityChangeWaitsFor(number, changeNumber, missing);

        _apply(number, facility, changeNumber, enacted);
    }

    /// @inheritdoc IFacilityRegistry
    function withdrawChange(uint32 number, uint32 changeNumber) external {
        (Facility storage facility, uint16 member,) = _party(number);
        Change storage withdrawn = _openChange(number, facility, changeNumber);
        if (withdrawn.proposer != member) {
            revert FacilityChangeOfAnother(number, changeNumber, withdrawn.proposer, member);
        }

        withdrawn.state = ChangeState.Withdrawn;

        emit ChangeWithdrawn(number, changeNumber, member);
    }

    /// @inheritdoc IFacilityRegistry
    function pause(uint32 number, bytes32 reasonHash) external {
        (Facility storage facility, uint16 member, uint256 party) = _party(number);
        if (_has(facility.pausedBy, party)) revert FacilityAlreadyPaused(number, member);
        uint256 againAt = facility.pausesFrom + _PAUSES_AGAIN_AFTER;
        if (block.timestamp >= againAt) facility.pausesFrom = uint40(block.timestamp);
        else if (_arePausesOver(facility)) revert FacilityPausedLately(number, againAt);

        facility.pausedBy |= 1 << party;
        facility.state = FacilityState.Paused;

        emit FacilityPaused(number, member, reasonHash);
    }

    /// @inheritdoc IFacilityRegistry
    function resume(uint32 number, uint16 pauser) external {
        (Facility storage facility, uint16 member,) = _party(number);
        uint256 party = _partyOf(number, facility, pauser);
        if (!_has(facility.pausedBy, party)) revert FacilityNotPausedBy(number, pauser);
        if (pauser != member && !_arePausesOver(facility) && _consortium.isActiveBank(pauser)) {
            revert FacilityPauseOfAnother(number, pauser, member, facility.pausesFrom + _PAUSES_HOLD);
        }

        facility.pausedBy &= ~(1 << party);
        if (facility.pausedBy == 0) facility.state = FacilityState.Active;

        emit FacilityResumed(number, pauser, member);
    }

    /// @inheritdoc IFacilityRegistry
    function changeCount(uint32 number) external view returns (uint32) {
        return uint32(_facilities[number].changes.length);
    }

    /// @inheritdoc IFacilityRegistry
    function change(uint32 number, uint32 changeNumber) external view returns (Change memory) {
        Change storage known = _knownChange(number, _facilities[number], changeNumber);
        Change memory shown = known;
        shown.state = _stateOf(known);
        return shown;
    }

    /// @inheritdoc IFacilityRegistry
    function pausedBy(uint32 number, uint16 member) external view returns (bool) {
        Facility storage facility = _facilities[number];
        if (member != facility.lead && facility.partnerOf[member] == 0) return false;
        return _has(facility.pausedBy, facility.partnerOf[member]);
    }

    /// @dev A change by one party, who thereby accepts it. It takes effect at once where nobody is left to wait for.
    function _propose(uint32 number, ChangeKind kind, bytes memory payload, bytes32 reasonHash)
        private
        returns (uint32 changeNumber)
    {
        (Facility storage facility, uint16 member, uint256 party) = _party(number);

        Change storage proposed = facility.changes.push();
        proposed.kind = kind;
        proposed.state = ChangeState.Open;
        proposed.proposer = member;
        proposed.expiresAt = uint40(block.timestamp + _CHANGE_LIFETIME);
        proposed.reasonHash = reasonHash;
        proposed.acceptedBy = 1 << party;
        proposed.payload = payload;
        changeNumber = uint32(facility.changes.length);
        _countChange(number, facility, member, changeNumber);

        emit ChangeProposed(number, changeNumber, member, uint8(kind), payload, reasonHash, proposed.expiresAt);
        _apply(number, facility, changeNumber, proposed);
    }

    /// @dev What a party took back counts until it would have expired, or it could propose and take back without end.
    function _countChange(uint32 number, Facility storage facility, uint16 member, uint32 changeNumber) private {
        uint32[8] storage counted = facility.countedChanges[member];
        for (uint256 i; i < counted.length; ++i) {
            uint32 earlier = counted[i];
            if (earlier != 0) {
                Change storage made = facility.changes[earlier - 1];
                if (made.state != ChangeState.TookEffect && block.timestamp <= made.expiresAt) continue;
            }
            counted[i] = changeNumber;
            return;
        }
        revert FacilityTooManyChanges(number, member, counted.length);
    }

    /// @dev Checks a change, and brings it into force if all have accepted it. That a facility can be closed can only be
    ///      said when that takes effect.
    function _apply(uint32 number, Facility storage facility, uint32 changeNumber, Change storage applied) private {
        bool isAccepted = _waitsFor(facility, applied) == 0;
        if (isAccepted) {
            applied.state = ChangeState.TookEffect;
            // the ledger calls nothing back
            // slither-disable-next-line reentrancy-benign
            _ledger.numberAct(number);
        }
        ChangeKind kind = applied.kind;
        if (kind == ChangeKind.Shares) _applyShares(number, facility, changeNumber, applied.payload, isAccepted);
        else if (kind == ChangeKind.Rules) _applyRules(number, facility, changeNumber, applied.payload, isAccepted);
        else if (isAccepted) _close(number, facility, changeNumber);
    }

    function _applyShares(
        uint32 number,
        Facility storage facility,
        uint32 changeNumber,
        bytes memory payload,
        bool isAccepted
    ) private {
        (uint24 effectiveFrom, Shares[] memory applied) = abi.decode(payload, (uint24, Shares[]));
        _checkVersion(number, effectiveFrom, facility.sharesFrom, facility.sharesVersion);
        if (applied.length != facility.partners.length) {
            revert FacilityBadShareCount(applied.length, facility.partners.length);
        }
        TermsChecks.checkShares(applied, facility.bounds);
        if (!isAccepted) return;

        _startShares(facility, effectiveFrom, applied);
        emit SharesTookEffect(number, changeNumber, facility.sharesVersion, effectiveFrom, applied);
    }

    function _applyRules(
        uint32 number,
        Facility storage facility,
        uint32 changeNumber,
        bytes memory payload,
        bool isAccepted
    ) private {
        Rules memory applied = abi.decode(payload, (Rules));
        _checkVersion(number, applied.effectiveFrom, facility.rulesFrom, facility.rulesVersion);
        TermsChecks.checkRules(applied);
        if (!isAccepted) return;

        _startRules(facility, applied);
        emit RulesTookEffect(number, changeNumber, facility.rulesVersion, applied);
    }

    /// @dev A version starts on a day that no leg can carry yet, after the last one: what was split or judged stays so. As
    ///      none can start before it any more, it starts soon.
    function _checkVersion(uint32 number, uint24 effectiveFrom, uint24 lastFrom, uint16 lastVersion) private view {
        uint256 latestDay = block.timestamp / 1 days + Limits.EPOCH_ORDINAL + Limits.MAX_DAYS_AHEAD;
        uint256 earliest = (latestDay > lastFrom ? latestDay : lastFrom) + 1;
        if (effectiveFrom < earliest) revert FacilityChangeTooLate(number, effectiveFrom, uint24(earliest));
        uint256 latest = latestDay + _MAX_DAYS_TO_VERSION;
        if (effectiveFrom > latest) revert FacilityChangeTooEarly(number, effectiveFrom, uint24(latest));
        if (lastVersion == _MAX_VERSIONS) revert FacilityTooManyVersions(number, _MAX_VERSIONS);
    }

    /// @dev The next version of the shares, the first one too.
    function _startShares(Facility storage facility, uint24 effectiveFrom, Shares[] memory started) internal {
        ++facility.sharesVersion;
        facility.sharesFrom = effectiveFrom;
        facility.sharesSchedule.push(effectiveFrom);
        Shares[] storage version = facility.shares.push();
        for (uint256 i; i < started.length; ++i) {
            version.push(started[i]);
        }
    }

    /// @dev The next version of the rules, the first one too.
    function _startRules(Facility storage facility, Rules memory started) internal {
        ++facility.rulesVersion;
        facility.rulesFrom = started.effectiveFrom;
        facility.rulesSchedule.push(started.effectiveFrom);
        facility.rules.push(started);
    }

    /// @dev Final. What is open or held could not be settled any more, so nothing may be; but for the accounts of an evicted
    ///      bank, where nobody could ever settle it.
    function _close(uint32 number, Facility storage facility, uint32 changeNumber) private {
        --_unclosed[facility.lead];
        for (uint8 partner = 1; partner <= facility.partnerCount; ++partner) {
            uint16 member = _memberAt(facility, partner);
            --_unclosed[member];
            bool isLeadGone = _isEvicted(facility.lead);
            (,,,,,, uint40 openLegs,) = _ledger.account(number, partner);
            if (openLegs != 0) {
                bool isStuck = isLeadGone || _isEvicted(member);
                if (!isStuck) revert FacilityHasOpenLegs(number, partner, openLegs);
                emit AccountLeftOpen(number, partner, openLegs);
            }
            (, uint32 holds) = _ledger.heldOf(number, partner);
            // each can be released once it has expired, but nobody may have the time to
            if (holds != 0 && !isLeadGone) revert FacilityHasHolds(number, partner, holds);
        }
        facility.state = FacilityState.Closed;

        emit FacilityClosed(number, changeNumber);
    }

    /// @dev The first party whose acceptance is missing; 0 = none. Who was evicted is not waited for; who is suspended, or
    ///      of whatever role, is, or the others could change a bank's shares while it cannot speak.
    function _waitsFor(Facility storage facility, Change storage waiting) private view returns (uint16) {
        uint256 acceptedBy = waiting.acceptedBy;
        for (uint256 party; party <= facility.partnerCount; ++party) {
            if (_has(acceptedBy, party)) continue;
            uint16 number = _memberAt(facility, party);
            if (!_isEvicted(number)) return number;
        }
        return 0;
    }

    /// @param party 0 the lead, n partner n
    function _memberAt(Facility storage facility, uint256 party) internal view returns (uint16) {
        return party == 0 ? facility.lead : facility.partners[party - 1].member;
    }

    function _isEvicted(uint16 member) private view returns (bool) {
        (, MemberState state) = _consortium.standingOf(member);
        return state == MemberState.Evicted;
    }

    /// @dev Whether the pauses of the last while hold against the other parties no more.
    function _arePausesOver(Facility storage facility) private view returns (bool) {
        return block.timestamp >= facility.pausesFrom + _PAUSES_HOLD;
    }

    /// @dev A facility in any state, and the member that the caller approves for.
    function _asApprover(uint32 number) internal view returns (Facility storage facility, uint16 member) {
        member = _consortium.activeMember(msg.sender, KeyPurpose.Approver);
        facility = _known(number);
    }

    function _known(uint32 number) internal view returns (Facility storage facility) {
        facility = _facilities[number];
        if (facility.state == FacilityState.None) revert FacilityUnknown(number);
    }

    /// @dev A running facility, and which of its parties the caller approves for.
    function _party(uint32 number) private view returns (Facility storage facility, uint16 member, uint256 party) {
        (facility, member) = _asApprover(number);
        party = _partyOf(number, facility, member);
        FacilityState state = facility.state;
        if (state != FacilityState.Active && state != FacilityState.Paused) revert FacilityInState(number, state);
    }

    /// @return party 0 the lead, n partner n
    function _partyOf(uint32 number, Facility storage facility, uint16 member) private view returns (uint256 party) {
        party = facility.partnerOf[member];
        if (party == 0 && member != facility.lead) revert FacilityNotAParty(number, member);
    }

    function _knownChange(uint32 number, Facility storage facility, uint32 changeNumber)
        private
        view
        returns (Change storage)
    {
        if (changeNumber == 0 || changeNumber > facility.changes.length) {
            revert FacilityUnknownChange(number, changeNumber);
        }
        return facility.changes[changeNumber - 1];
    }

    function _openChange(uint32 number, Facility storage facility, uint32 changeNumber)
        private
        view
        returns (Change storage open)
    {
        open = _knownChange(number, facility, changeNumber);
        ChangeState state = _stateOf(open);
        if (state != ChangeState.Open) revert FacilityChangeNotOpen(number, changeNumber, state);
    }

    function _requireContent(uint32 number, uint32 changeNumber, Change storage known, bytes32 given) private view {
        bytes32 hash = keccak256(abi.encode(known.kind, known.payload, known.reasonHash));
        if (hash != given) revert FacilityOtherChange(number, changeNumber, hash, given);
    }

    /// @dev Time alone makes an open change expired.
    function _stateOf(Change storage known) private view returns (ChangeState) {
        bool isExpired = known.state == ChangeState.Open && block.timestamp > known.expiresAt;
        return isExpired ? ChangeState.Expired : known.state;
    }

    function _has(uint256 parties, uint256 party) internal pure returns (bool) {
        return parties & (1 << party) != 0;
    }
}
