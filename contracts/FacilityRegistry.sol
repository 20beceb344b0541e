// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {FacilityChanges} from "./FacilityChanges.sol";
import {Governed} from "./Governed.sol";
import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "./interfaces/IFacilityRegistry.sol";
import {IReserveLedger} from "./interfaces/IReserveLedger.sol";
import {DayCount, DayCounts} from "./libraries/DayCounts.sol";
import {TermsChecks} from "./libraries/TermsChecks.sol";
import {Facility, PartnerRecord} from "./storage/FacilityStorage.sol";
import {KeyPurpose, MemberState, Role} from "./types/ConsortiumTypes.sol";
import {
    Bounds,
    FacilityState,
    FacilityTerms,
    PartnerTerms,
    PostingTerms,
    Rules,
    SealedFor,
    Shares
} from "./types/FacilityTypes.sol";

/// @title The facilities: who lends together, with what shares, judged by which rules
/// @dev Meaning, units and errors: IFacilityRegistry. What becomes of a facility once it is active: FacilityChanges.
contract FacilityRegistry is FacilityChanges, Governed {
    using DayCounts for DayCount;

    uint256 private constant _MAX_PROPOSED_A_DAY = 100;

    /// @inheritdoc IFacilityRegistry
    function initialize(address consortium, address ledger) external initializer {
        _requireAddress(consortium);
        _requireAddress(ledger);
        _consortium = IConsortiumRegistry(consortium);
        _ledger = IReserveLedger(ledger);
    }

    /// @inheritdoc IFacilityRegistry
    function propose(FacilityTerms memory proposed) external returns (uint32 number) {
        uint16 approver = _consortium.activeMember(msg.sender, KeyPurpose.Approver);
        if (approver != proposed.lead) revert FacilityNotProposedByLead(approver, proposed.lead);
        (Role role,) = _consortium.standingOf(approver);
        if (role != Role.Lead) revert FacilityNotALead(approver);
        Shares[] memory firstShares = TermsChecks.check(proposed);
        bytes32 idHash = keccak256(bytes(proposed.id));
        if (_numberById[idHash] != 0) revert FacilityIdTaken(proposed.id, _numberById[idHash]);

        bool isWithin = _proposedADay[approver].add(_MAX_PROPOSED_A_DAY);
        if (!isWithin) revert FacilityTooManyProposed(approver, _MAX_PROPOSED_A_DAY);

        number = ++_facilityCount;
        _numberById[idHash] = number;
        Facility storage facility = _facilities[number];
        facility.lead = proposed.lead;
        facility.state = FacilityState.Proposed;
        facility.split = proposed.split;
        facility.acceptedBy = 1;
        facility.bounds = proposed.bounds;
        facility.idHash = idHash;
        _startRules(facility, proposed.rules);
        _startShares(facility, 0, firstShares);
        _storePartners(facility, proposed.partners, proposed.lead);
        _checkReaders(proposed.readers);
        bytes memory encoded = abi.encode(proposed);
        facility.terms = encoded;

        _emitProposed(number, encoded);
    }

    /// @inheritdoc IFacilityRegistry
    function accept(uint32 number, bytes32 acceptedHash) external {
        (Facility storage facility, uint16 approver) = _asApprover(number);
        uint8 partner = facility.partnerOf[approver];
        if (partner == 0) revert FacilityNotAPartner(number, approver);
        if (_has(facility.acceptedBy, partner)) revert FacilityAlreadyAccepted(number, approver);
        if (facility.state != FacilityState.Proposed) revert FacilityInState(number, facility.state);
        bytes32 hash = keccak256(facility.terms);
        if (hash != acceptedHash) revert FacilityOtherTerms(number, hash, acceptedHash);

        facility.acceptedBy |= 1 << partner;
        bool isComplete = facility.acceptedBy == (1 << (uint256(facility.partnerCount) + 1)) - 1;
        if (isComplete) _activate(number, facility);

        emit FacilityAccepted(number, approver);
        if (isComplete) emit FacilityActivated(number);
    }

    /// @inheritdoc IFacilityRegistry
    function withdraw(uint32 number) external {
        (Facility storage facility, uint16 approver) = _asApprover(number);
        if (approver != facility.lead) revert FacilityNotProposedByLead(approver, facility.lead);

        _withdraw(number, facility, approver, 0);
    }

    /// @inheritdoc IFacilityRegistry
    function decline(uint32 number, bytes32 reasonHash) external {
        (Facility storage facility, uint16 approver) = _asApprover(number);
        if (facility.partnerOf[approver] == 0) revert FacilityNotAPartner(number, approver);

        _withdraw(number, facility, approver, reasonHash);
    }

    /// @inheritdoc IFacilityRegistry
    function facilityCount() external view returns (uint32) {
        return _facilityCount;
    }

    /// @inheritdoc IFacilityRegistry
    function facilityNumber(string calldata id) external view returns (uint32) {
        return _numberById[keccak256(bytes(id))];
    }

    /// @inheritdoc IFacilityRegistry
    function terms(uint32 number) external view returns (FacilityTerms memory) {
        bytes memory encoded = _known(number).terms;
        assembly ("memory-safe") {
            return(add(encoded, 0x20), mload(encoded))
        }
    }

    /// @inheritdoc IFacilityRegistry
    function termsHash(uint32 number) external view returns (bytes32) {
        Facility storage facility = _facilities[number];
        return facility.state == FacilityState.None ? bytes32(0) : keccak256(facility.terms);
    }

    /// @inheritdoc IFacilityRegistry
    function state(uint32 number) external view returns (FacilityState) {
        return _facilities[number].state;
    }

    /// @inheritdoc IFacilityRegistry
    function hasAccepted(uint32 number, uint8 partner) external view returns (bool) {
        return _has(_facilities[number].acceptedBy, partner);
    }

    /// @inheritdoc IFacilityRegistry
    function bounds(uint32 number) external view returns (Bounds memory) {
        return _known(number).bounds;
    }

    /// @inheritdoc IFacilityRegistry
    function partyCount(uint32 number) external view returns (uint16) {
        return uint16(_known(number).partnerCount) + 1;
    }

    /// @inheritdoc IFacilityRegistry
    function leadOf(uint32 number) external view returns (uint16) {
        return _facilities[number].lead;
    }

    /// @inheritdoc IFacilityRegistry
    function memberOfPartner(uint32 number, uint8 partner) external view returns (uint16) {
        Facility storage facility = _facilities[number];
        if (partner == 0 || partner > facility.partnerCount) return 0;
        return facility.partners[partner - 1].member;
    }

    /// @inheritdoc IFacilityRegistry
    function partnerOfMember(uint32 number, uint16 member) external view returns (uint8) {
        return _facilities[number].partnerOf[member];
    }

    /// @inheritdoc IFacilityRegistry
    function unclosedOf(uint16 member) external view returns (uint32) {
        return _unclosed[member];
    }

    /// @inheritdoc IFacilityRegistry
    function postingTerms(uint32 number, uint16 member) external view returns (PostingTerms memory) {
        Facility storage facility = _known(number);
        if (facility.state != FacilityState.Active) revert FacilityInState(number, facility.state);
        uint8 party;
        if (member != facility.lead) {
            party = facility.partnerOf[member];
            if (party == 0) revert FacilityNotAParty(number, member);
        }
        return PostingTerms({
            party: party,
            partnerCount: facility.partnerCount,
            sharesVersion: facility.sharesVersion,
            sharesFrom: facility.sharesFrom,
            rulesVersion: facility.rulesVersion,
            rulesFrom: facility.rulesFrom,
            split: facility.split
        });
    }

    /// @inheritdoc IFacilityRegistry
    function sharesSchedule(uint32 number) external view returns (uint24[] memory) {
        return _facilities[number].sharesSchedule;
    }

    /// @inheritdoc IFacilityRegistry
    function shares(uint32 number, uint16 version) external view returns (Shares[] memory) {
        Facility storage facility = _known(number);
        if (version == 0 || version > facility.sharesVersion) revert FacilityUnknownVersion(number, version);
        return facility.shares[version - 1];
    }

    /// @inheritdoc IFacilityRegistry
    function rulesSchedule(uint32 number) external view returns (uint24[] memory) {
        return _facilities[number].rulesSchedule;
    }

    /// @inheritdoc IFacilityRegistry
    function rules(uint32 number, uint16 version) external view returns (Rules memory) {
        Facility storage facility = _known(number);
        if (version == 0 || version > facility.rulesVersion) revert FacilityUnknownVersion(number, version);
        return facility.rules[version - 1];
    }

    /// @inheritdoc IFacilityRegistry
    function sharesOn(uint32 number, uint24 day) external view returns (uint16 version, Shares[] memory) {
        Facility storage facility = _known(number);
        version = _versionOn(facility.sharesSchedule, day);
        return (version, facility.shares[version - 1]);
    }

    /// @inheritdoc IFacilityRegistry
    function rulesOn(uint32 number, uint24 day) external view returns (uint16 version, Rules memory) {
        Facility storage facility = _known(number);
        version = _versionOn(facility.rulesSchedule, day);
        return (version, facility.rules[version - 1]);
    }

    /// @dev An account for each partner, then legs are taken. From now on the parties keep their roles, which votes may
    ///      have changed since the proposal.
    function _activate(uint32 number, Facility storage facility) private {
        facility.state = FacilityState.Active;
        for (uint8 party; party <= facility.partnerCount; ++party) {
            uint16 member = _memberAt(facility, party);
            _requireBank(party, member);
            ++_unclosed[member];
            // the ledger calls nothing back
            // slither-disable-next-line reentrancy-no-eth
            if (party != 0) _ledger.openAccount(number, party, facility.partners[party - 1].lowBalance);
        }
    }

    function _requireBank(uint256 party, uint16 member) private view {
        if (!_consortium.isActiveBank(member)) revert FacilityBadPartner(party, member);
    }

    /// @dev Ends what is only proposed; its id can be used again.
    function _withdraw(uint32 number, Facility storage facility, uint16 member, bytes32 reasonHash) private {
        if (facility.state != FacilityState.Proposed) revert FacilityInState(number, facility.state);

        facility.state = FacilityState.Withdrawn;
        delete _numberById[facility.idHash];

        emit FacilityWithdrawn(number, member, reasonHash);
    }

    /// @dev Emits FacilityProposed, whose data are the encoded terms.
    function _emitProposed(uint256 facility, bytes memory encoded) private {
        bytes32 topic = FacilityProposed.selector;
        assembly ("memory-safe") {
            log2(add(encoded, 0x20), mload(encoded), topic, facility)
        }
    }

    /// @dev Checks who each partner is as it stores it.
    function _storePartners(Facility storage facility, PartnerTerms[] memory partners, uint16 lead) private {
        for (uint256 i; i < partners.length; ++i) {
            uint16 member = partners[i].member;
            bool isTwice = facility.partnerOf[member] != 0;
            if (member == lead || isTwice) revert FacilityBadPartner(i + 1, member);
            _requireBank(i + 1, member);
            facility.partnerOf[member] = uint8(i + 1);
            facility.partners.push(PartnerRecord(member, partners[i].lowBalance));
        }
        facility.partnerCount = uint8(partners.length);
    }

    function _checkReaders(SealedFor[] memory readers) private view {
        for (uint256 i; i < readers.length; ++i) {
            uint16 member = readers[i].member;
            (Role role, MemberState standing) = _consortium.standingOf(member);
            bool isReader = standing == MemberState.Active && (role == Role.Auditor || role == Role.Regulator);
            if (!isReader) revert FacilityBadReader(i, member);
            for (uint256 earlier; earlier < i; ++earlier) {
                if (readers[earlier].member == member) revert FacilityBadReader(i, member);
            }
        }
    }

    /// @dev The newest version whose first day is not after `day`; the first one's is 0.
    function _versionOn(uint24[] storage schedule, uint24 day) private view returns (uint16 version) {
        version = uint16(schedule.length);
        while (schedule[version - 1] > day) --version;
    }

    function _authority() internal view override returns (address) {
        return address(_consortium);
    }
}
