// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {FacilityState, FacilityTerms, PostingTerms, Rules, Shares} from "../types/FacilityTypes.sol";
import {IGoverned} from "./IGoverned.sol";

/// @title The facilities: who lends together, with what shares, judged by which rules
/// @notice A facility is proposed by its lead's approver and active once every partner's approver has accepted the very
///         same terms, named by their hash. Facility numbers start at 1, partner numbers are places in the list from 1;
///         neither ever changes. Shares and rules are kept by version; the first version applies from the beginning of
///         time.
interface IFacilityRegistry is IGoverned {
    /// @notice A lead proposed a facility.
    event FacilityProposed(uint32 indexed facility, FacilityTerms terms);

    /// @notice A partner's approver accepted the terms.
    event FacilityAccepted(uint32 indexed facility, uint16 indexed member);

    /// @notice Every partner has accepted: legs are taken from now on.
    event FacilityActivated(uint32 indexed facility);

    /// @notice The approver of `approver` cannot propose for the lead `lead`; only the lead's own approver can.
    error FacilityNotProposedByLead(uint16 approver, uint16 lead);

    /// @notice `member` is no active member with the role of a lead.
    error FacilityNotALead(uint16 member);

    /// @notice An id is empty or longer than 256 bytes.
    error FacilityBadId(string id);

    /// @notice The id is taken by a facility that is there already.
    error FacilityIdTaken(string id, uint32 facility);

    /// @notice `currency` is not three capital letters, or `decimals` is above 4.
    error FacilityBadCurrency(string currency, uint8 decimals);

    /// @notice A time zone's name is empty or longer than 256 bytes.
    error FacilityBadTimeZone(string timeZone);

    /// @notice A facility needs 1 to `most` partners; `given` were given.
    error FacilityBadPartnerCount(uint256 given, uint256 most);

    /// @notice The partner at place `partner` (from 1) is no active bank, is the lead, or is named twice.
    error FacilityBadPartner(uint256 partner, uint16 member);

    /// @notice The reader at place `index` is no auditor or regulator, or is named twice.
    error FacilityBadReader(uint256 index, uint16 member);

    /// @notice At most `most` readers can be named; `given` were given.
    error FacilityTooManyReaders(uint256 given, uint256 most);

    /// @notice A sealed reference key is longer than `most` bytes.
    error FacilityBadSealedKey(uint16 member, uint256 length, uint256 most);

    /// @notice The partners' shares of a component (0 principal, 1 interest, 2 fee) add up to more than 10,000.
    error FacilitySharesAboveWhole(uint8 component, uint256 sumBps);

    /// @notice The first version of rules applies from the beginning of time: its first day must be 0.
    error FacilityFirstRulesDated(uint24 effectiveFrom);

    /// @notice A tolerance above the largest amount, 10^15 minor units.
    error FacilityToleranceTooLarge(uint56 amountTolerance, uint256 most);

    /// @notice A cut-off that is not a second of a day (0 to 86,399).
    error FacilityBadCutOff(uint24 cutOffSeconds);

    /// @notice No facility has this number.
    error FacilityUnknown(uint32 facility);

    /// @notice A facility is in another state than the call needs.
    error FacilityInState(uint32 facility, FacilityState state);

    /// @notice `member` is no partner of the facility.
    error FacilityNotAPartner(uint32 facility, uint16 member);

    /// @notice `member` is no party of the facility: neither its lead nor a partner.
    error FacilityNotAParty(uint32 facility, uint16 member);

    /// @notice The partner has accepted already.
    error FacilityAlreadyAccepted(uint32 facility, uint16 member);

    /// @notice The hash accepted is not that of the terms proposed.
    error FacilityOtherTerms(uint32 facility, bytes32 proposed, bytes32 accepted);

    /// @notice No such version of shares or rules.
    error FacilityUnknownVersion(uint32 facility, uint16 version);

    /// @notice Once, in the transaction that makes the proxy.
    /// @param consortium the ConsortiumRegistry
    /// @param ledger the ReserveLedger
    function initialize(address consortium, address ledger) external;

    /// @notice Proposes a facility. Called by the approver of `terms.lead`, who thereby accepts for the lead.
    /// @return facility the new facility's number
    function propose(FacilityTerms calldata terms) external returns (uint32 facility);

    /// @notice Accepts a proposed facility. Called by a partner's approver; the last one activates it.
    /// @param termsHash keccak256(abi.encode(terms)) of the terms that the partner has read
    function accept(uint32 facility, bytes32 termsHash) external;

    /// @notice How many facilities were ever proposed; the highest facility number.
    function facilityCount() external view returns (uint32);

    /// @notice The number of the facility of that id; 0 = none.
    function facilityNumber(string calldata id) external view returns (uint32);

    /// @notice The terms as proposed (with the first versions of shares and rules). Reverts with FacilityUnknown.
    function terms(uint32 facility) external view returns (FacilityTerms memory);

    /// @notice keccak256(abi.encode(terms)) of the terms as proposed; 0 = no such facility.
    function termsHash(uint32 facility) external view returns (bytes32);

    /// @notice Where the facility stands.
    function state(uint32 facility) external view returns (FacilityState);

    /// @notice Whether a partner (by its number) has accepted.
    function hasAccepted(uint32 facility, uint8 partner) external view returns (bool);

    /// @notice The member that leads the facility; 0 = no such facility.
    function leadOf(uint32 facility) external view returns (uint16);

    /// @notice The member that is this partner of the facility; 0 = no such partner.
    function memberOfPartner(uint32 facility, uint8 partner) external view returns (uint16);

    /// @notice A member's partner number; 0 = it is no partner (the lead is none).
    function partnerOfMember(uint32 facility, uint16 member) external view returns (uint8);

    /// @notice What Reconciliation needs for one batch of `member`.
    /// @dev Reverts with FacilityInState unless active, with FacilityNotAParty for a stranger.
    function postingTerms(uint32 facility, uint16 member) external view returns (PostingTerms memory);

    /// @notice The first days of the versions of shares, oldest first; version n stands at place n - 1.
    function sharesSchedule(uint32 facility) external view returns (uint24[] memory);

    /// @notice A version of shares, by partner: partner n stands at place n - 1; later partners are absent.
    function shares(uint32 facility, uint16 version) external view returns (Shares[] memory);

    /// @notice The first days of the versions of rules, oldest first; version n stands at place n - 1.
    function rulesSchedule(uint32 facility) external view returns (uint24[] memory);

    /// @notice A version of the rules.
    function rules(uint32 facility, uint16 version) external view returns (Rules memory);
}
