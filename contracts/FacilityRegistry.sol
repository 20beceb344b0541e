// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {Governed} from "./Governed.sol";
import {IConsortiumRegistry} from "./interfaces/IConsortiumRegistry.sol";
import {IFacilityRegistry} from "./interfaces/IFacilityRegistry.sol";
import {IReserveLedger} from "./interfaces/IReserveLedger.sol";
import {TermsChecks} from "./libraries/TermsChecks.sol";
import {Facility, FacilityStorage} from "./storage/FacilityStorage.sol";
import {KeyPurpose, Member, MemberState, Role} from "./types/ConsortiumTypes.sol";
import {
    FacilityState,
    FacilityTerms,
    PartnerTerms,
    PostingTerms,
    Rules,
    SealedFor,
    Shares
} from "./types/FacilityTypes.sol";

/// @title The facilities: who lends together, with what shares, judged by which rules
/// @dev Meaning, units and errors: IFacilityRegistry.
contract FacilityRegistry is FacilityStorage, Governed, IFacilityRegistry {
    /// @inheritdoc IFacilityRegistry
    function initialize(address consortium, address ledger) external initializer {
        _requireAddress(consortium);
        _requireAddress(ledger);
        _consortium = IConsortiumRegistry(consortium);
        _ledger = IReserveLedger(ledger);
    }

    /// @inheritdoc IFacilityRegistry
    function propose(FacilityTerms calldata proposed) external returns (uint32 number) {
        uint16 approver = _consortium.activeMember(msg.sender, KeyPurpose.Approver);
        if (approver != proposed.lead) revert FacilityNotProposedByLead(approver, proposed.lead);
        if (_consortium.member(approver).role != Role.Lead) revert FacilityNotALead(approver);
        TermsChecks.check(proposed);
        bytes32 idHash = keccak256(bytes(proposed.id));
        if (_numberById[idHash] != 0) revert FacilityIdTaken(proposed.id, _numberById[idHash]);

        number = ++_facilityCount;
        _numberById[idHash] = number;
        Facility storage facility = _facilities[number];
        _storeHead(facility, proposed);
        _storePartners(facility, proposed.partners, proposed.lead);
        _storeReaders(facility, proposed.readers);

        emit FacilityProposed(number, proposed);
    }

    /// @inheritdoc IFacilityRegistry
    function accept(uint32 number, bytes32 acceptedHash) external {
        uint16 approver = _consortium.activeMember(msg.sender, KeyPurpose.Approver);
        Facility storage facility = _facilities[number];
        if (facility.state == FacilityState.None) revert FacilityUnknown(number);
        uint8 partner = facility.partnerOf[approver];
        if (partner == 0) revert FacilityNotAPartner(number, approver);
        if (facility.accepted[partner]) revert FacilityAlreadyAccepted(number, approver);
        if (facility.state != FacilityState.Proposed) revert FacilityInState(number, facility.state);
        if (facility.termsHash != acceptedHash) {
            revert FacilityOtherTerms(number, facility.termsHash, acceptedHash);
        }

        facility.accepted[partner] = true;
        bool isComplete = ++facility.acceptedCount == facility.partnerCount;
        if (isComplete) facility.state = FacilityState.Active;

        emit FacilityAccepted(number, approver);
        if (isComplete) emit FacilityActivated(number);
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
        Facility storage facility = _known(number);
        return FacilityTerms({
            id: facility.id,
            lead: facility.lead,
            currency: facility.currency,
            decimals: facility.decimals,
            timeZone: facility.timeZone,
            rules: facility.rules[0],
            partners: facility.partners,
            leadSealedReferenceKey: facility.leadSealedReferenceKey,
            readers: facility.readers
        });
    }

    /// @inheritdoc IFacilityRegistry
    function termsHash(uint32 number) external view returns (bytes32) {
        return _facilities[number].termsHash;
    }

    /// @inheritdoc IFacilityRegistry
    function state(uint32 number) external view returns (FacilityState) {
        return _facilities[number].state;
    }

    /// @inheritdoc IFacilityRegistry
    function hasAccepted(uint32 number, uint8 partner) external view returns (bool) {
        return _facilities[number].accepted[partner];
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
    function postingTerms(uint32 number, uint16 member) external view returns (PostingTerms memory) {
        Facility storage facility = _facilities[number];
        if (facility.state != FacilityState.Active) {
            if (facility.state == FacilityState.None) revert FacilityUnknown(number);
            revert FacilityInState(number, facility.state);
        }
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
            rulesFrom: facility.rulesFrom
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

    function _storeHead(Facility storage facility, FacilityTerms calldata proposed) private {
        facility.lead = proposed.lead;
        facility.state = FacilityState.Proposed;
        facility.decimals = proposed.decimals;
        facility.termsHash = keccak256(abi.encode(proposed));
        facility.id = proposed.id;
        facility.currency = proposed.currency;
        facility.timeZone = proposed.timeZone;
        facility.leadSealedReferenceKey = proposed.leadSealedReferenceKey;
        facility.rulesVersion = 1;
        facility.rulesSchedule.push(0);
        facility.rules.push(proposed.rules);
    }

    /// @dev Checks each partner as it stores it, and with them the first version of the shares.
    function _storePartners(Facility storage facility, PartnerTerms[] calldata partners, uint16 lead) private {
        facility.sharesVersion = 1;
        facility.sharesSchedule.push(0);
        Shares[] storage firstShares = facility.shares.push();
        for (uint256 i; i < partners.length; ++i) {
            uint16 member = partners[i].member;
            bool isTwice = facility.partnerOf[member] != 0;
            if (member == lead || isTwice || !_consortium.isActiveBank(member)) {
                revert FacilityBadPartner(i + 1, member);
            }
            facility.partnerOf[member] = uint8(i + 1);
            facility.partners.push(partners[i]);
            firstShares.push(partners[i].shares);
        }
        facility.partnerCount = uint8(partners.length);
    }

    function _storeReaders(Facility storage facility, SealedFor[] calldata readers) private {
        for (uint256 i; i < readers.length; ++i) {
            uint16 member = readers[i].member;
            Member memory reader = _consortium.member(member);
            bool isReader =
                reader.state == MemberState.Active && (reader.role == Role.Auditor || reader.role == Role.Regulator);
            if (!isReader) revert FacilityBadReader(i, member);
            for (uint256 earlier; earlier < i; ++earlier) {
                if (readers[earlier].member == member) revert FacilityBadReader(i, member);
            }
            facility.readers.push(readers[i]);
        }
    }

    function _known(uint32 number) private view returns (Facility storage facility) {
        facility = _facilities[number];
        if (facility.state == FacilityState.None) revert FacilityUnknown(number);
    }

    function _authority() internal view override returns (address) {
        return address(_consortium);
    }
}
