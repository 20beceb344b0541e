// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.34;

import {
    Bounds,
    Change,
    ChangeState,
    FacilityState,
    FacilityTerms,
    PostingTerms,
    Rules,
    Shares
} from "../types/FacilityTypes.sol";
import {IGoverned} from "./IGoverned.sol";

/// @title The facilities: who lends together, with what shares, judged by which rules
/// @notice A facility is proposed by its lead's approver and active once every partner's approver has accepted the very
///         same terms, named by their hash. Facility numbers start at 1, partner numbers are places in the list from 1;
///         neither ever changes. Shares and rules are kept by version; the first version applies from the beginning of
///         time, a later one from a day that no leg may carry yet (more than 30 days after the block's), so that nothing
///         that was split or judged ever changes. What becomes of an active facility is proposed by the approver of one
///         party (the lead or a partner) and takes effect once every party has accepted it; changes are numbered by
///         facility from 1. Who has been evicted is not waited for. A party of an active or paused facility keeps its
///         role in the consortium.
interface IFacilityRegistry is IGoverned {
    /// @notice A lead proposed a facility.
    event FacilityProposed(uint32 indexed facility, FacilityTerms terms);

    /// @notice A partner's approver accepted the terms.
    event FacilityAccepted(uint32 indexed facility, uint16 indexed member);

    /// @notice Every partner has accepted: legs are taken from now on.
    event FacilityActivated(uint32 indexed facility);

    /// @notice A proposed facility was withdrawn by its lead (`reasonHash` 0) or declined by a partner. Its id is free.
    event FacilityWithdrawn(uint32 indexed facility, uint16 indexed member, bytes32 reasonHash);

    /// @notice A party proposed a change, and thereby accepted it.
    /// @param kind 1 shares, 2 rules, 3 close
    /// @param payload Shares: abi.encode(uint24 effectiveFrom, Shares[]); Rules: abi.encode(Rules); Close: empty
    /// @param reasonHash keccak256 of the reason's salt and text
    /// @param expiresAt the last second at which it can be accepted (block time)
    event ChangeProposed(
        uint32 indexed facility,
        uint32 indexed change,
        uint16 indexed member,
        uint8 kind,
        bytes payload,
        bytes32 reasonHash,
        uint40 expiresAt
    );

    /// @notice A party accepted a change.
    event ChangeAccepted(uint32 indexed facility, uint32 indexed change, uint16 indexed member);

    /// @notice Its proposer took a change back.
    event ChangeWithdrawn(uint32 indexed facility, uint32 indexed change, uint16 indexed member);

    /// @notice A version of the shares was agreed; it splits the events whose shares day is not before `effectiveFrom`.
    event SharesTookEffect(
        uint32 indexed facility, uint32 indexed change, uint16 version, uint24 effectiveFrom, Shares[] shares
    );

    /// @notice A version of the rules was agreed; it judges pairs whose lead's value day is not before its first day.
    event RulesTookEffect(uint32 indexed facility, uint32 indexed change, uint16 version, Rules rules);

    /// @notice All parties have closed the facility, for ever.
    event FacilityClosed(uint32 indexed facility, uint32 indexed change);

    /// @notice A party stopped the posting for a facility.
    /// @param reasonHash keccak256 of the reason's salt and text
    event FacilityPaused(uint32 indexed facility, uint16 indexed member, bytes32 reasonHash);

    /// @notice The facility was closed with open legs on the account of a partner: that or the lead is evicted, so that
    ///         nobody can settle them. The books keep them.
    event AccountLeftOpen(uint32 indexed facility, uint8 indexed partner, uint40 openLegs);

    /// @notice The pause of `member` was lifted by `by`: itself; or any party, where `member` is no active bank, or where
    ///         the facility's pauses have held for 7 days.
    event FacilityResumed(uint32 indexed facility, uint16 indexed member, uint16 indexed by);

    /// @notice The approver of `approver` can neither propose nor withdraw for the lead `lead`: only the lead's own can.
    error FacilityNotProposedByLead(uint16 approver, uint16 lead);

    /// @notice `member` is no active member with the role of a lead.
    error FacilityNotALead(uint16 member);

    /// @notice `lead` has proposed `most` facilities today (UTC), whatever became of them.
    error FacilityTooManyProposed(uint16 lead, uint256 most);

    /// @notice An id is not 1 to 64 of A-Z a-z 0-9 . _ -, or begins with a point.
    error FacilityBadId(string id);

    /// @notice The id is taken by a facility that is there already.
    error FacilityIdTaken(string id, uint32 facility);

    /// @notice `currency` is not three capital letters, or `decimals` is above 4.
    error FacilityBadCurrency(string currency, uint8 decimals);

    /// @notice A time zone's name is empty or longer than 256 bytes.
    error FacilityBadTimeZone(string timeZone);

    /// @notice A facility needs 1 to `most` partners; `given` were given.
    error FacilityBadPartnerCount(uint256 given, uint256 most);

    /// @notice The partner at place `partner` (from 1; 0 the lead) is no active bank, is the lead, or is named twice.
    error FacilityBadPartner(uint256 partner, uint16 member);

    /// @notice The reader at place `index` is no auditor or regulator, or is named twice.
    error FacilityBadReader(uint256 index, uint16 member);

    /// @notice At most `most` readers can be named; `given` were given.
    error FacilityTooManyReaders(uint256 given, uint256 most);

    /// @notice A sealed reference key is longer than `most` bytes.
    error FacilityBadSealedKey(uint16 member, uint256 length, uint256 most);

    /// @notice The partners' shares of a component (0 principal, 1 interest, 2 fee) add up to more than 10,000.
    error FacilitySharesAboveWhole(uint8 component, uint256 sumBps);

    /// @notice A bound is above 10,000 basis points.
    error FacilityBadBounds(uint16 leastLeadBps, uint16 largestPartnerBps);

    /// @notice The lead's rest of a component (0 principal, 1 interest, 2 fee) is below the facility's bound.
    error FacilityLeadBelowBound(uint8 component, uint256 leadBps, uint256 leastBps);

    /// @notice A partner's share of a component is above the facility's bound.
    error FacilityPartnerAboveBound(uint256 partner, uint8 component, uint256 bps, uint256 largestBps);

    /// @notice A version of the shares needs one entry for each partner.
    error FacilityBadShareCount(uint256 given, uint256 partners);

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

    /// @notice No such change.
    error FacilityUnknownChange(uint32 facility, uint32 change);

    /// @notice The change has taken effect, was withdrawn, or expired.
    error FacilityChangeNotOpen(uint32 facility, uint32 change, ChangeState state);

    /// @notice The hash accepted is not that of the change proposed.
    error FacilityOtherChange(uint32 facility, uint32 change, bytes32 proposed, bytes32 accepted);

    /// @notice `member` has accepted the change already.
    error FacilityChangeAlreadyAccepted(uint32 facility, uint32 change, uint16 member);

    /// @notice The change cannot take effect before `member` accepts it.
    error FacilityChangeWaitsFor(uint32 facility, uint32 change, uint16 member);

    /// @notice The change is that of `proposer`, who alone can withdraw it.
    error FacilityChangeOfAnother(uint32 facility, uint32 change, uint16 proposer, uint16 member);

    /// @notice A version would start on a day that a leg may carry already, or not after the last one's first day.
    /// @param earliest the first day that it can start on now (ordinal)
    error FacilityChangeTooLate(uint32 facility, uint24 effectiveFrom, uint24 earliest);

    /// @notice It is too early to agree on a version that starts then: none could start before it any more.
    /// @param latest the last day that one can start on now (ordinal)
    error FacilityChangeTooEarly(uint32 facility, uint24 effectiveFrom, uint24 latest);

    /// @notice `member` has proposed `most` changes of the facility that have not taken effect and not expired; those that
    ///         it took back count until they would have expired.
    error FacilityTooManyChanges(uint32 facility, uint16 member, uint256 most);

    /// @notice The facility has as many versions as a pair can name.
    error FacilityTooManyVersions(uint32 facility, uint256 most);

    /// @notice A facility closes only when no leg of banks that are not evicted is open: the account has `openLegs`.
    error FacilityHasOpenLegs(uint32 facility, uint8 partner, uint40 openLegs);

    /// @notice A facility closes only when nothing is held: partner's account has so many active holds.
    error FacilityHasHolds(uint32 facility, uint8 partner, uint32 holds);

    /// @notice `member` has paused the facility already.
    error FacilityAlreadyPaused(uint32 facility, uint16 member);

    /// @notice `member` has not paused the facility.
    error FacilityNotPausedBy(uint32 facility, uint16 member);

    /// @notice The pause is that of `pauser`, an active bank, which alone can lift it before `until`, seconds.
    error FacilityPauseOfAnother(uint32 facility, uint16 pauser, uint16 member, uint256 until);

    /// @notice The facility was paused for its 7 days lately, and cannot be paused again before `againAt`, seconds.
    error FacilityPausedLately(uint32 facility, uint256 againAt);

    /// @notice Once, in the transaction that makes the proxy.
    /// @param consortium the ConsortiumRegistry
    /// @param ledger the ReserveLedger
    function initialize(address consortium, address ledger) external;

    /// @notice Proposes a facility. Called by the approver of `terms.lead`, who thereby accepts for the lead; at most 100
    ///         times on a day (UTC).
    /// @return facility the new facility's number
    function propose(FacilityTerms calldata terms) external returns (uint32 facility);

    /// @notice Accepts a proposed facility. Called by a partner's approver; the last one activates it.
    /// @param termsHash keccak256(abi.encode(terms)) of the terms that the partner has read
    /// @dev The last one reverts with FacilityBadPartner where a party is no active bank any more.
    function accept(uint32 facility, bytes32 termsHash) external;

    /// @notice Takes back a facility that is only proposed. Called by its lead's approver. The id becomes free.
    function withdraw(uint32 facility) external;

    /// @notice Ends a facility that is only proposed. Called by a partner's approver. The id becomes free.
    /// @param reasonHash keccak256 of the reason's salt and text
    function decline(uint32 facility, bytes32 reasonHash) external;

    /// @notice Proposes a version of the shares. Called by the approver of a party, who thereby accepts it; like all
    ///         changes it needs an active or paused facility, and takes effect at once where no other party is left. A
    ///         party has at most 8 changes that are open, or that it took back and that would not have expired.
    /// @param effectiveFrom the first day that it splits (ordinal): later than any that a leg may carry yet, and than the
    ///        last version's; at most 180 days later than what a leg may carry
    /// @param shares of each partner, in their order; within the facility's bounds
    /// @param reasonHash keccak256 of the reason's salt and text
    /// @return change its number, for acceptance
    /// @dev Reverts with FacilityChangeTooLate, FacilityChangeTooEarly, FacilityTooManyVersions, FacilityBadShareCount,
    ///      FacilitySharesAboveWhole, FacilityLeadBelowBound or FacilityPartnerAboveBound; so does the acceptance that
    ///      would bring it into force, if that has become true.
    function proposeShares(uint32 facility, uint24 effectiveFrom, Shares[] calldata shares, bytes32 reasonHash)
        external
        returns (uint32 change);

    /// @notice Proposes a version of the rules; as proposeShares.
    /// @param rules `effectiveFrom` is the first value day that they judge
    /// @dev Reverts with FacilityChangeTooLate, FacilityChangeTooEarly, FacilityTooManyVersions,
    ///      FacilityToleranceTooLarge or FacilityBadCutOff.
    function proposeRules(uint32 facility, Rules calldata rules, bytes32 reasonHash) external returns (uint32 change);

    /// @notice Proposes to close the facility for ever; as proposeShares. The last acceptance reverts with
    ///         FacilityHasOpenLegs while a leg is open, unless its partner or the lead is evicted; with FacilityHasHolds
    ///         while a hold is active, unless the lead is evicted.
    function proposeClose(uint32 facility, bytes32 reasonHash) external returns (uint32 change);

    /// @notice Accepts a change. Called by the approver of a party that has not; the last one brings it into force.
    /// @param changeHash keccak256(abi.encode(kind, payload, reasonHash)) of the change that the party has read
    /// @dev Reverts with FacilityUnknownChange, FacilityChangeNotOpen, FacilityOtherChange, FacilityChangeAlreadyAccepted,
    ///      or as the proposal would now.
    function acceptChange(uint32 facility, uint32 change, bytes32 changeHash) external;

    /// @notice Brings into force what every party that is left has accepted, where the last one to be waited for has been
    ///         evicted. Called by the approver of any party.
    /// @param changeHash as acceptChange takes it
    /// @dev Reverts with FacilityChangeWaitsFor, or as acceptChange.
    function enactChange(uint32 facility, uint32 change, bytes32 changeHash) external;

    /// @notice Takes a change back. Called by the approver of the party that proposed it.
    function withdrawChange(uint32 facility, uint32 change) external;

    /// @notice Stops the posting for a facility, and nothing else. Called by the approver of a party; lasts until each
    ///         party that has paused resumes, or until the others lift it. Of one facility all pauses together hold for
    ///         7 days from the first of them, and the next ones can begin 30 days after it.
    /// @param reasonHash keccak256 of the reason's salt and text
    /// @dev Reverts with FacilityAlreadyPaused or FacilityPausedLately.
    function pause(uint32 facility, bytes32 reasonHash) external;

    /// @notice Lifts a party's pause. Called by that party's approver, or by any party's, where it is no active bank or the
    ///         pauses have held for their 7 days.
    /// @param pauser the member whose pause it is
    /// @dev Reverts with FacilityNotPausedBy or FacilityPauseOfAnother.
    function resume(uint32 facility, uint16 pauser) external;

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

    /// @notice The bounds that every version of the shares keeps to.
    function bounds(uint32 facility) external view returns (Bounds memory);

    /// @notice How many parties must agree on a change: the lead and the partners.
    function partyCount(uint32 facility) external view returns (uint16);

    /// @notice The member that leads the facility; 0 = no such facility.
    function leadOf(uint32 facility) external view returns (uint16);

    /// @notice The member that is this partner of the facility; 0 = no such partner.
    function memberOfPartner(uint32 facility, uint8 partner) external view returns (uint16);

    /// @notice A member's partner number; 0 = it is no partner (the lead is none).
    function partnerOfMember(uint32 facility, uint16 member) external view returns (uint8);

    /// @notice To how many facilities a member is party, as lead or partner, that are active or paused.
    function unclosedOf(uint16 member) external view returns (uint32);

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

    /// @notice The version of the shares that splits events of a shares day (ordinal), by partner.
    function sharesOn(uint32 facility, uint24 day) external view returns (uint16 version, Shares[] memory);

    /// @notice The version of the rules that judges a lead's value day (ordinal).
    function rulesOn(uint32 facility, uint24 day) external view returns (uint16 version, Rules memory);

    /// @notice How many changes were ever proposed for the facility; the highest change number.
    function changeCount(uint32 facility) external view returns (uint32);

    /// @notice A change, as it stands at the block's time. Reverts with FacilityUnknownChange.
    function change(uint32 facility, uint32 number) external view returns (Change memory);

    /// @notice Whether a member's pause holds.
    function pausedBy(uint32 facility, uint16 member) external view returns (bool);
}
