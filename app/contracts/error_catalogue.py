"""Why a contract refuses, and what to do: one entry for each custom error and each rejection.

`docs/errors.md` is made from these tables and the contracts' ABIs (`make snapshots`); a test fails
when an error or a reason is missing here. Texts may use the error's arguments by name.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from eth_typing import ABIComponent

REPORT = "Report it with the transaction: the contracts themselves are at fault"

REMEDIES: dict[str, tuple[str, str]] = {
    # --- every contract ---
    "AddressMissing": (
        "an address that must be a contract's is zero",
        "Found the consortium with the addresses of contracts that are deployed",
    ),
    "UpgradeWithoutVote": (
        "{caller} asked for an upgrade without a vote",
        "Propose the upgrade to the consortium; its registry carries it out once voted for",
    ),
    "InvalidInitialization": (
        "the contract is initialized already, or is an implementation, which never is",
        "Call the proxies that the founding made; nobody needs to initialize them",
    ),
    "NotInitializing": (
        "a step of the initialization was called outside of it",
        "Found the consortium by the contract Founding, which does it whole",
    ),
    "UUPSUnauthorizedCallContext": (
        "an upgrade was asked of an implementation and not of its proxy",
        "Name the proxy in the proposal; `tally consortium list` shows the five",
    ),
    "UUPSUnsupportedProxiableUUID": (
        "the new implementation keeps its code's address elsewhere (slot {slot})",
        "Propose an implementation that is compiled from this project's contracts",
    ),
    "ERC1967InvalidImplementation": (
        "{implementation} has no code that a proxy could run",
        "Deploy the new implementation first, then propose its address",
    ),
    "ERC1967NonPayable": (
        "money of the chain itself was sent along",
        "Send no value: Tallystick never moves the chain's own coin",
    ),
    "AddressEmptyCode": (
        "there is no code at {target}",
        "Deploy the contract first, then name its address",
    ),
    "FailedCall": (
        "a call made by the contract failed and did not say why",
        "Try the upgrade's own call against a copy of the chain before it is proposed again",
    ),
    # --- ConsortiumRegistry ---
    "ConsortiumTooFewBanks": (
        "a consortium needs two active banks; there would be {banks}",
        "Name at least two banks; admit another before one is lost",
    ),
    "ConsortiumNoLead": (
        "a consortium is founded with a lead, and none is named",
        "Give at least one of the founding banks the role `lead`",
    ),
    "ConsortiumTooManyMembers": (
        "this would be member {given}, and a consortium has {most} at most, evicted ones included",
        "Found another consortium for those who do not fit",
    ),
    "ConsortiumBadName": (
        "the name of the member at place {index} is empty or longer than 256 bytes",
        "Give it a name of 1 to 256 bytes",
    ),
    "ConsortiumNameTaken": (
        "member {member} has the name '{name}' already",
        "Choose another name; names are never given away again",
    ),
    "ConsortiumUnknownRole": (
        "{role} is no role (the member at place {index})",
        "Use 1 lead, 2 partner, 3 auditor or 4 regulator",
    ),
    "ConsortiumKeyMissing": (
        "'{member}' lacks a key that it needs",
        "Banks need an operator, an approver and a recovery key, every member a sealing key",
    ),
    "ConsortiumKeyTaken": (
        "key {key} is or was member {member}'s key for {purpose}",
        "Make a fresh key: each serves one member for one purpose, for ever (a sealing key only "
        "within its own member)",
    ),
    "ConsortiumKeyUnproven": (
        "key {key} has not signed what it is claimed for as {purpose}",
        "Take the whole line as the member's `tally consortium keys show` or `prove` prints it, "
        "and alter nothing: it holds for one consortium, name, role and set of keys",
    ),
    "ConsortiumNotAKey": (
        "{caller} is no member's key for {purpose}",
        "Sign with the bank's own key for that purpose; `tally consortium list` shows the keys",
    ),
    "ConsortiumMemberNotActive": (
        "member {member} is {state}",
        "Only active members may; the other banks can vote to reinstate a suspended one",
    ),
    "ConsortiumUnknownMember": (
        "there is no member {member}",
        "Use a member's number as `tally consortium list` shows it",
    ),
    "ConsortiumMemberStopped": (
        "two other banks have stopped member {member}; its keys are refused until {until}",
        "Replace lost keys with the recovery key; two banks or a vote to reinstate lift the stop",
    ),
    "ConsortiumNotABank": (
        "member {member} is no active lead or partner",
        "Only these propose, vote and stop; have a bank do it",
    ),
    "ConsortiumUnknownKind": (
        "{kind} is no kind of proposal",
        "Use 1 to 9, as `tally consortium propose --help` lists them",
    ),
    "ConsortiumBadPayload": (
        "{length} bytes are not what a proposal to {kind} needs",
        "Propose with `tally consortium propose`, which encodes the payload",
    ),
    "ConsortiumPayloadTooLong": (
        "a payload of {length} bytes is too long",
        "Send at most {most} bytes; split the upgrade's own call",
    ),
    "ConsortiumSubjectHasNoVote": (
        "the proposal is about member {member}, which neither makes it nor votes on it",
        "Have another bank propose it; for its own keys a member needs no vote",
    ),
    "ConsortiumTooFewVoters": (
        "only {electorate} banks could vote on it, and {needed} must be in favour",
        "Admit another bank first: one bank alone decides nothing",
    ),
    "ConsortiumTooManyProposals": (
        "member {member} has {most} proposals that the others have not decided",
        "Wait until they are decided or expire, 14 days after each was made; what was taken back "
        "counts too",
    ),
    "ConsortiumUnknownProposal": (
        "there is no proposal {proposal}",
        "Use a number that `tally consortium list` shows",
    ),
    "ConsortiumProposalInState": (
        "proposal {proposal} is {state}",
        "Only open proposals are voted on, and what waits is enacted once it is due; else make a "
        "new one",
    ),
    "ConsortiumOtherContent": (
        "proposal {proposal} asks for something else than what was signed ({proposed})",
        "Read it with `tally consortium show {proposal}`, then vote on that; an endpoint that "
        "showed something else lies",
    ),
    "ConsortiumVotedAlready": (
        "member {member} has voted on proposal {proposal}",
        "Nothing is to be done: a vote is given once and stands",
    ),
    "ConsortiumNoMajority": (
        "{yes} banks are in favour of proposal {proposal}, and {needed} must be",
        "Wait for further votes; `tally consortium show {proposal}` says whose are missing",
    ),
    "ConsortiumNotDue": (
        "the member can still object to proposal {proposal}, until {dueAt}",
        "Enact it then, within 14 days: `tally consortium enact {proposal}`",
    ),
    "ConsortiumNotItsKey": (
        "proposal {proposal} gives member {member} no other key",
        "A bank objects to keys of its own alone; on all else it votes",
    ),
    "ConsortiumNotTheProposer": (
        "member {member} did not make proposal {proposal}",
        "Have member {proposer} take it back, or vote against it",
    ),
    "ConsortiumNothingToReinstate": (
        "member {member} is {state}, and under no stop",
        "Only suspended or stopped members are reinstated; evicted ones never are",
    ),
    "ConsortiumRoleUnchanged": (
        "member {member} has role {role} already",
        "Nothing is to be done, or name another role",
    ),
    "ConsortiumRoleKept": (
        "member {member} is party to {facilities} facilities that are not closed, and keeps its "
        "role",
        "Close them first: `tally facility propose-close`, by all their parties",
    ),
    "ConsortiumUnknownKeyPurpose": (
        "{purpose} is no purpose of a key",
        "Use 1 operator, 2 approver, 3 recovery or 4 sealing",
    ),
    "ConsortiumBadKey": (
        "{key} cannot be a key for purpose {purpose}",
        "Give an address other than 0, or for purpose 4 a sealing key of 32 bytes",
    ),
    "ConsortiumTooManyRotations": (
        "this key has replaced {most} keys of member {member} today",
        "Replace the others tomorrow (UTC), or operator and sealing key with the recovery key",
    ),
    "ConsortiumKeyMayNotRotate": (
        "a key that is {own} may not replace one for purpose {purpose}",
        "The approver key replaces the operator and sealing keys, the recovery key these and the "
        "approver key; the recovery key itself is replaced by a vote",
    ),
    "ConsortiumBadValidator": (
        "a validator needs an address and an enode of 1 to 512 bytes; this is {node} at '{enode}'",
        "Name the node's address and enode as its chain node prints them",
    ),
    "ConsortiumValidatorTaken": (
        "{node} is a validator of member {member} already",
        "Nothing is to be done, or remove it first",
    ),
    "ConsortiumUnknownValidator": (
        "{node} is no validator of the consortium",
        "Use an address that `tally consortium list` shows among the validators",
    ),
    "ConsortiumUnknownContract": (
        "{proxy} is none of the consortium's contracts",
        "Name one of the five proxies; `tally consortium list` shows them",
    ),
    "ConsortiumBadImplementation": (
        "there is no code at {implementation} that can stand behind a proxy",
        "Deploy the new implementation first, then propose its address",
    ),
    "ConsortiumOwnEmergency": (
        "member {member} can neither stop itself nor lift its own stop",
        "Have two other banks do it; for lost keys use the recovery key",
    ),
    "ConsortiumEmergencyAskedAlready": (
        "member {by} has asked for it already",
        "A second bank must ask for the same of member {member} within 24 hours",
    ),
    "ConsortiumEmergencyTooSoon": (
        "member {member} was stopped, or took part in a stop, lately: not again before {againAt}",
        "Propose a suspension instead, or have another bank ask for the stop",
    ),
    "ConsortiumEmergencyTooMany": (
        "{stopped} banks are stopped, and no more than {most} can be at a time",
        "Wait for the end of a stop or have one lifted; the others can vote for a suspension",
    ),
    "ConsortiumNotStopped": (
        "member {member} is under no emergency stop",
        "Nothing is to be lifted; a suspended member is reinstated by a vote",
    ),
    # --- FacilityRegistry ---
    "FacilityNotProposedByLead": (
        "the approver of member {approver} cannot propose for the lead, member {lead}",
        "Have the lead propose it: its own approver key signs",
    ),
    "FacilityNotALead": (
        "member {member} has not the role of a lead",
        "Propose facilities from a lead bank",
    ),
    "FacilityTooManyProposed": (
        "member {lead} has proposed {most} facilities today",
        "Propose the others tomorrow (UTC)",
    ),
    "FacilityBadId": (
        "{id} is no id of a facility: 1 to 64 of A-Z a-z 0-9 . _ -, not beginning with a point",
        "Choose another: it stands in addresses and file names",
    ),
    "FacilityIdTaken": (
        "facility {facility} has the id '{id}' already",
        "Choose another id",
    ),
    "FacilityBadCurrency": (
        "'{currency}' with {decimals} decimals is no currency",
        "Use the three capital letters of ISO 4217 and its decimals, 4 at most",
    ),
    "FacilityBadTimeZone": (
        "the time zone's name is empty or longer than 256 bytes",
        "Use an IANA name such as Europe/Prague",
    ),
    "FacilityBadPartnerCount": (
        "{given} partners were named",
        "Name 1 to {most}",
    ),
    "FacilityBadPartner": (
        "member {member}, partner {partner} of the list, is no active bank, is the lead, or stands "
        "there twice",
        "Name active banks other than the lead, each once",
    ),
    "FacilityBadReader": (
        "member {member}, at place {index} of the readers, is no active auditor or regulator, or "
        "stands there twice",
        "Name active auditors and regulators, each once",
    ),
    "FacilityTooManyReaders": (
        "{given} readers were named",
        "Name at most {most}",
    ),
    "FacilityBadSealedKey": (
        "the reference key sealed to member {member} has {length} bytes",
        "Seal the key again; a sealed key has at most {most} bytes",
    ),
    "FacilitySharesAboveWhole": (
        "the partners' shares of component {component} (0 principal, 1 interest, 2 fee) add up to "
        "{sumBps} basis points",
        "Let them add up to at most 10000; the rest is the lead's",
    ),
    "FacilityFirstRulesDated": (
        "the first rules are dated {effectiveFrom}",
        "Leave their first day 0: they apply from the beginning of time",
    ),
    "FacilityToleranceTooLarge": (
        "a tolerance of {amountTolerance} minor units is too large",
        "Allow at most {most}",
    ),
    "FacilityBadCutOff": (
        "{cutOffSeconds} is no second of a day",
        "Use 0 to 86399 seconds since local midnight",
    ),
    "FacilityUnknown": (
        "there is no facility {facility}",
        "Use a facility's number as `tally facility list` shows it",
    ),
    "FacilityInState": (
        "facility {facility} is {state}",
        "See what the call needs: legs are taken only while the facility is active",
    ),
    "FacilityNotAPartner": (
        "member {member} is no partner of facility {facility}",
        "Have a partner of the facility sign",
    ),
    "FacilityNotAParty": (
        "member {member} is neither lead nor partner of facility {facility}",
        "Have a party of the facility sign",
    ),
    "FacilityAlreadyAccepted": (
        "member {member} has accepted facility {facility} already",
        "Nothing is to be done; it is in force once every partner has accepted it",
    ),
    "FacilityOtherTerms": (
        "what was accepted for facility {facility} is not what was proposed ({proposed})",
        "Read the terms as they stand on the chain, then accept those",
    ),
    "FacilityUnknownVersion": (
        "facility {facility} has no version {version}",
        "Ask for a version from 1 to the newest",
    ),
    "FacilityBadBounds": (
        "a bound is above 10000 basis points (lead {leastLeadBps}, partner {largestPartnerBps})",
        "Give bounds from 0 to 10000; 0 is no bound",
    ),
    "FacilityLeadBelowBound": (
        "the lead would have {leadBps} basis points of component {component}, and {leastBps} is "
        "the least",
        "Lower the partners' shares",
    ),
    "FacilityPartnerAboveBound": (
        "partner {partner} would have {bps} basis points of component {component}, and "
        "{largestBps} is the most",
        "Lower that partner's share",
    ),
    "FacilityBadShareCount": (
        "{given} partners' shares were given, the facility has {partners} partners",
        "Give the shares of every partner, in their order",
    ),
    "FacilityUnknownChange": (
        "facility {facility} has no change {change}",
        "Use a number that `tally facility history` shows",
    ),
    "FacilityChangeNotOpen": (
        "change {change} of facility {facility} is {state}",
        "Only open changes are accepted or withdrawn; propose it anew",
    ),
    "FacilityOtherChange": (
        "what was accepted as change {change} of facility {facility} is not what was proposed "
        "({proposed})",
        "Read the change with `tally facility show`, then accept that",
    ),
    "FacilityChangeAlreadyAccepted": (
        "member {member} has accepted change {change} of facility {facility} already",
        "Nothing is to be done; `tally facility show` says who is waited for",
    ),
    "FacilityChangeWaitsFor": (
        "change {change} of facility {facility} waits for member {member}",
        "Have that party accept it; only evicted ones are not waited for",
    ),
    "FacilityChangeOfAnother": (
        "change {change} of facility {facility} was proposed by member {proposer}",
        "Have that member take it back, or do not accept it",
    ),
    "FacilityChangeTooLate": (
        "a version of facility {facility} cannot start on {effectiveFrom}: legs may carry that day "
        "already, or an agreed version starts later",
        "Propose one that starts on {earliest} or later",
    ),
    "FacilityChangeTooEarly": (
        "a version of facility {facility} cannot be agreed so long before {effectiveFrom}: none "
        "could start before it any more",
        "Propose one that starts on {latest} or earlier",
    ),
    "FacilityTooManyChanges": (
        "member {member} has {most} changes of facility {facility} that not all parties accepted",
        "Wait until they take effect or expire, 30 days after each was made; what was taken back "
        "counts too",
    ),
    "FacilityTooManyVersions": (
        "facility {facility} has {most} versions, as many as there can be",
        "Agree on a new facility",
    ),
    "FacilityHasOpenLegs": (
        "{openLegs} legs of partner {partner} of facility {facility} are open",
        "Match or resolve them; `tally breaks` shows them. Of an evicted bank they stay open",
    ),
    "FacilityHasHolds": (
        "{holds} holds of partner {partner} of facility {facility} are active",
        "Post or release them; `tally hold list` shows them",
    ),
    "FacilityAlreadyPaused": (
        "member {member} has paused facility {facility} already",
        "Nothing is to be done; `tally facility resume` lifts the pause",
    ),
    "FacilityNotPausedBy": (
        "member {member} has not paused facility {facility}",
        "Nothing is to be done; `tally facility show` says whose pause holds",
    ),
    "FacilityPauseOfAnother": (
        "facility {facility} was paused by member {pauser}, which is an active bank",
        "Have that bank lift its pause; from {until} on any party can",
    ),
    "FacilityPausedLately": (
        "facility {facility} was paused for 7 days lately",
        "Pause it again from {againAt} on, if it must be; two banks can stop a member",
    ),
    # --- ReserveLedger ---
    "LedgerOnlyFacilityRegistry": (
        "{caller} is not the contract FacilityRegistry, which alone opens accounts",
        "Accept the facility as its partners; its activation opens the accounts",
    ),
    "LedgerAccountOpen": (
        "the reserve account of partner {partner} of facility {facility} is open already",
        REPORT,
    ),
    "LedgerOnlyReconciliation": (
        "{caller} is not the contract Reconciliation, which alone records",
        "Post legs; nobody writes to the ledger directly",
    ),
    "LedgerOnlyActs": (
        "{caller} is neither the contract Reconciliation nor FacilityRegistry, whose acts are "
        "numbered",
        REPORT,
    ),
    "LedgerOnlyDayClose": (
        "{caller} is not the contract DayClose, which alone closes days",
        "Propose the day's statement with `tally day propose`; the other bank confirms it",
    ),
    "LedgerBadRange": (
        "the range of days ends ({toDay}) before it begins ({fromDay})",
        "Name the earlier day first",
    ),
    "LedgerOutOfBalance": (
        "the record would leave a book of partner {partner} of facility {facility} unexplained",
        REPORT,
    ),
    "LedgerUnknownAccount": (
        "the record names an account ({partner}) that facility {facility} has not",
        REPORT,
    ),
    # --- holds ---
    "HoldNoAccount": (
        "facility {facility} has no open reserve account of partner {partner}",
        "Name a partner of an active facility; `tally facility list` shows them",
    ),
    "HoldNotTheLead": (
        "member {member} does not lead facility {facility}",
        "Only its lead places holds and releases them early; once expired, any member may release",
    ),
    "HoldFacilityClosed": (
        "facility {facility} is closed",
        "Nothing is drawn from a closed facility; use another",
    ),
    "HoldAmountZero": (
        "the hold for drawdown {ref} of partner {partner} of facility {facility} is of nothing",
        "Hold the partner's part of the drawdown, in minor units",
    ),
    "HoldBadExpiry": (
        "a hold cannot expire at {expiresAt}",
        "Let it expire after now and not after {latestAt}",
    ),
    "HoldExists": (
        "drawdown {ref} of partner {partner} of facility {facility} was held before; "
        "that hold is {state}",
        "Each drawdown is held once ever; post it, or use another reference",
    ),
    "HoldAboveAvailable": (
        "{amount} minor units are more than the {available} available to partner {partner} of "
        "facility {facility}",
        "Hold less, release another hold, or have the partner top its reserve up",
    ),
    "HoldNotActive": (
        "the hold for drawdown {ref} of partner {partner} of facility {facility} is {state}",
        "Nothing is held any more; `tally hold list` shows what is",
    ),
    "SafeCastOverflowedIntDowncast": (
        "a balance would leave its {bits} bits ({value})",
        "Look for legs of absurd amounts; balances reach 2 x 10^21 minor units",
    ),
    "SafeCastOverflowedUintDowncast": (
        "a number would leave its {bits} bits ({value})",
        REPORT,
    ),
    "SafeCastOverflowedIntToUint": (
        "a count would fall below zero ({value})",
        REPORT,
    ),
    # --- DayClose ---
    "DayCloseNoAccount": (
        "facility {facility} has no open reserve account of partner {partner}",
        "Name a partner of an active facility; `tally facility list` shows them",
    ),
    "DayCloseNotAParty": (
        "member {member} is neither the lead of facility {facility} nor its partner {partner}",
        "Have one of the account's two banks sign",
    ),
    "DayCloseDayClosed": (
        "{day} is closed already; the account is closed through {closedThrough}",
        "Close a later day, or reopen the last one with the other bank",
    ),
    "DayCloseDayAhead": (
        "{day} has not begun; the block's day is {today}",
        "Close it once it is over",
    ),
    "DayCloseProposalWaits": (
        "the proposal of member {member} to close {day} waits",
        "Confirm it with `tally day confirm`, or dispute it, and then propose your own",
    ),
    "DayCloseOpeningDiffers": (
        "the opening is not the last closing: lead {lead}, partner {partner}, agreed {agreed}",
        "Wait until the node has read the last closing, then propose again",
    ),
    "DayCloseMovementsDiffer": (
        "the movements are not the ledger's: lead {lead}, partner {partner}, agreed {agreed}",
        "Wait until the node has read the newest blocks, then propose again",
    ),
    "DayCloseClosingDiffers": (
        "opening and movements make lead {lead}, partner {partner}, agreed {agreed}",
        "State that as the closing",
    ),
    "DayCloseOpenItemsDiffer": (
        "what is open is not as stated: lead {openLead}, partner {openPartner}, accepted "
        "differences {acceptedDifference}, {openLegs} legs",
        "Wait until the node has read the newest blocks, then propose again",
    ),
    "DayCloseCarriedForwardIncomplete": (
        "the pairs named have {named} open legs, the account has {openLegs}",
        "Wait until the node has read the newest blocks, then propose again",
    ),
    "DayCloseTooManyNames": (
        "{given} pairs with open legs were named",
        "At most {most} can be carried forward: work the breaks down first",
    ),
    "DayCloseNotProposed": (
        "no such statement of partner {partner} of facility {facility} waits; the one that waits "
        "is of {day}",
        "Look at what waits with `tally day list`",
    ),
    "DayCloseOwnProposal": (
        "member {member} proposed it itself",
        "The other bank's approver answers",
    ),
    "DayCloseNotYours": (
        "member {proposer} proposed it, not member {member}",
        "Dispute what the other bank proposed; only its own bank takes it back",
    ),
    "DayCloseProposerNotActive": (
        "member {proposer}, who proposed it, is no active bank any more",
        "Propose it anew from your side once the other bank is active again",
    ),
    "DayCloseChanged": (
        "movements, or the last closing, have changed since {day} of partner {partner} of "
        "facility {facility} was proposed",
        "Dispute it or have it proposed anew with the movements as they are now",
    ),
    "DayCloseNotLastClosed": (
        "{day} is not the last closed day, which is {closedThrough}",
        "Reopen the last closed day first",
    ),
    "DayCloseReasonTooLong": (
        "a sealed reason of {length} bytes is too long",
        "Say it in at most {most} bytes, sealed",
    ),
    "DayCloseReopenNotProposed": (
        "no such reopening of partner {partner} of facility {facility} waits; the one that waits "
        "is of {day}",
        "Look at what waits with `tally day list`",
    ),
    # --- Disclosures ---
    "GrantNotAParty": (
        "member {member} is no active bank that is a party of facility {facility}",
        "A bank opens details of its own batches; have one of the facility's banks sign",
    ),
    "GrantNotAnObserver": (
        "member {reader} is no active auditor or regulator",
        "Name one; `tally consortium list` shows the members",
    ),
    "GrantBadPeriod": (
        "the period would end on {toDay}, before it begins on {fromDay}",
        "Give the first date and the last in their order; both are included",
    ),
    "GrantBadKeys": (
        "{length} bytes of sealed keys were given, of 1 to {most}",
        "Grant a shorter period, and the rest by another grant",
    ),
    "GrantTooMany": (
        "member {member} has made {most} grants today (UTC)",
        "Grant the rest tomorrow; one grant opens up to 1,800 batches",
    ),
    "GrantUnknown": (
        "there is no grant {grant}",
        "Look at them with `tally report grants`",
    ),
    "GrantRevokedAlready": (
        "grant {grant} is revoked already",
        "Nothing is to be done",
    ),
    "GrantNotYours": (
        "member {member} granted {grant}, not member {caller}",
        "The bank that granted it revokes it; others may once it is no active bank any more",
    ),
    "AuditHeadTooSoon": (
        "member {member} has anchored the head of its audit trail on {day} already",
        "It is anchored once a day (UTC); try again tomorrow",
    ),
    "AuditHeadNotNewer": (
        "{anchored} rows of the audit trail are anchored, and {rows} were given",
        "A trail only grows: where the database was restored from a backup, rows are missing in "
        "it; `tally audit verify` says from where on",
    ),
    "PairOnlyReserveLedger": (
        "{caller} is not the contract ReserveLedger, which alone marks held drawdowns",
        "Place a hold with `tally hold place`",
    ),
    "PairNotFree": (
        "a half of the pair {pairKey} is posted already",
        "A hold comes before its drawdown; this one needs none any more",
    ),
    "PairsNotAscending": (
        "the pair at place {index} is not after the one before it",
        "Name each pair once, in ascending order",
    ),
    "PairOfOtherAccount": (
        "the pair at place {index} ({pairKey}) is another account's",
        "Name pairs of the account alone",
    ),
    # --- Reconciliation: resolutions ---
    "ResolutionNotAParty": (
        "member {member} is neither the lead of facility {facility} nor its partner {partner}",
        "Only the two banks of a pair resolve it, each with its approver key",
    ),
    "ResolutionNotABreak": (
        "nothing is open in pair {pairKey}: it is unknown, matched, within tolerance or resolved",
        "Look at the open breaks with `tally breaks`",
    ),
    "ResolutionPending": (
        "a proposal of member {proposer} for pair {pairKey} waits already",
        "See `tally breaks proposals`; have it accepted, disputed or withdrawn first",
    ),
    "ResolutionNotProposed": (
        "no proposal waits for pair {pairKey}",
        "See `tally breaks proposals`; it may have been accepted, disputed or withdrawn",
    ),
    "ResolutionOther": (
        "another resolution of pair {pairKey} waits ({proposed}, not {given})",
        "Read what is proposed now with `tally breaks proposals`, then decide on that",
    ),
    "ResolutionStateChanged": (
        "pair {pairKey} has changed since: a half or a reversal came",
        "Look at the break again and propose anew; the old proposal can no longer be accepted",
    ),
    "ResolutionOwn": (
        "member {member} proposed the resolution of pair {pairKey} itself",
        "The other bank accepts or disputes it; its proposer can only withdraw it",
    ),
    "ResolutionNotYours": (
        "member {member} cannot withdraw what member {proposer} proposed for pair {pairKey}",
        "Dispute it instead, with a reason",
    ),
    "ResolutionProposerNotActive": (
        "member {proposer}, which proposed for pair {pairKey}, is suspended or evicted",
        "Dispute the proposal; a bank that is not active resolves nothing",
    ),
    "ResolutionUnknownAction": (
        "{action} is no action",
        "Use 1 adjust, 2 write off, 3 force or 4 void",
    ),
    "ResolutionBadSide": (
        "{side} is no side for this action",
        "Name whose book an adjustment moves, 1 the lead's or 2 the partner's; else 0",
    ),
    "ResolutionBadDay": (
        "the business day {businessDay} is missing or too late",
        "Use a day up to the day after the block's",
    ),
    "ResolutionTargetNotAllowed": (
        "a pair of kind {kind} has no target",
        "Name a target for a reversal's pair only",
    ),
    "ResolutionNeedsBothHalves": (
        "pair {pairKey} has one half only, which action {action} cannot resolve",
        "Write a one-sided leg off (its absent half is posted) or void it",
    ),
    "ResolutionNothingToAdjust": (
        "both halves of pair {pairKey} have the same amount",
        "Force the pair: only its dates differ",
    ),
    "ResolutionHalfReversed": (
        "the half of pair {pairKey} that would be corrected is reversed already",
        "Force the pair or write it off; the reversal is a pair of its own",
    ),
    "ResolutionReasonMissing": (
        "no reason was given",
        "Say why: the other bank and the auditors read it",
    ),
    "ResolutionReasonTooLong": (
        "the sealed reason has {length} bytes",
        "Say it in fewer words; a sealed reason has at most {most} bytes",
    ),
    # --- Reconciliation: postings ---
    "PostingWrongSequence": (
        "member {member}'s next batch for facility {facility} is {expected}, {given} was sent",
        "If it was posted already, nothing is missing; else post the batches between",
    ),
    "PostingMalformed": (
        "the stream cannot be read at word {index}",
        "Build the words as docs/wire-format.md says: a group word with a business day first, a "
        "target word after each reversal, unused bits 0",
    ),
    "PostingTooManyWords": (
        "a batch of {given} words is too long",
        "Send at most {most} words at a time",
    ),
    "PostingTooManyParts": (
        "a batch of {given} parts is too large",
        "Send at most {most}; a shared leg of the lead counts one for each partner",
    ),
}
"""Custom error -> (cause, remedy)."""

REJECTIONS: dict[str, tuple[str, str]] = {
    "Duplicate": (
        "a leg of this bank with the same identity was posted before",
        "Nothing is missing if it is the same leg; else give the event a reference of its own",
    ),
    "UnknownKind": (
        "no leg of this kind can be posted",
        "Use kinds 1 to 12; corrections are made by resolutions only",
    ),
    "AmountZero": ("the amount is 0", "Post an amount of at least one minor unit"),
    "AmountTooLarge": (
        "the amount is above 10^15 minor units",
        "Check the decimals; split the event if it is as large as that",
    ),
    "UnknownPartner": (
        "the facility has no partner of this number",
        "Name a partner by its place in the facility's terms, from 1",
    ),
    "PartnerNotAllowed": (
        "the leg names a partner where its sender may not",
        "A partner names itself; the lead names nobody for a shared kind, a partner for the others",
    ),
    "DateTooFar": (
        "a day of the leg or of its group is missing or more than 30 days ahead",
        "Correct the value date, business date or shares date",
    ),
    "TargetMissing": (
        "the leg to be reversed was never posted by this bank",
        "Post the original first, or correct the target's kind and reference",
    ),
    "TargetReversed": (
        "the target is reversed already",
        "Nothing is to be done if it is the same reversal; a leg is reversed once",
    ),
    "TargetNotReversible": (
        "a leg of the target's kind cannot be reversed",
        "Post the event anew instead of reversing a reversal",
    ),
    "TargetAmount": (
        "the reversal's amount is not the target's",
        "Reverse the whole amount as it was posted, then post the right one",
    ),
    "NoParts": (
        "every partner's part of the leg rounds down to 0",
        "Nothing is to be posted: the lead keeps the whole amount",
    ),
    "Resolved": (
        "both banks resolved the pair without this leg",
        "Nothing is to be done if the resolution stands; else post the event under a new reference",
    ),
    "TargetVoided": (
        "both banks have voided what would be reversed",
        "Nothing is to be done: the void took it back",
    ),
    "TooManyOpenLegs": (
        "this bank has 1,000,000 open legs on the account, and this one has no other half yet",
        "Resolve breaks with the other bank, or have it post its halves, then replay the letter",
    ),
}
"""`Reason` of LegRejected -> (cause, remedy), in the order of its numbers from 1."""

ACCESS = frozenset(
    {
        "ConsortiumNotAKey",
        "ConsortiumMemberNotActive",
        "ConsortiumMemberStopped",
        "ConsortiumNotABank",
        "ConsortiumNotTheProposer",
        "ConsortiumKeyMayNotRotate",
        "FacilityNotProposedByLead",
        "FacilityNotALead",
        "FacilityNotAPartner",
        "FacilityNotAParty",
        "FacilityChangeOfAnother",
        "FacilityPauseOfAnother",
        "LedgerOnlyFacilityRegistry",
        "LedgerOnlyReconciliation",
        "LedgerOnlyDayClose",
        "LedgerOnlyActs",
        "HoldNotTheLead",
        "DayCloseNotAParty",
        "DayCloseOwnProposal",
        "DayCloseNotYours",
        "ResolutionNotAParty",
        "ResolutionOwn",
        "ResolutionNotYours",
        "GrantNotAParty",
        "GrantNotYours",
        "PairOnlyReserveLedger",
        "UpgradeWithoutVote",
        "InvalidInitialization",
    }
)
"""The errors that say: not you. Who meets them is the access matrix of contracts/README.md."""

ENUMS: dict[str, tuple[str, ...]] = {
    "KeyPurpose": ("nothing", "operator", "approver", "recovery", "sealing", "retired"),
    "ProposalKind": (
        "nothing",
        "admit",
        "suspend",
        "reinstate",
        "evict",
        "change a role",
        "replace a key",
        "register a validator",
        "remove a validator",
        "upgrade",
    ),
    "ProposalState": (
        "unknown",
        "open",
        "enacted",
        "rejected",
        "withdrawn",
        "expired",
        "waiting for an objection",
        "objected to",
    ),
    "MemberState": ("no member", "active", "suspended", "evicted"),
    "FacilityState": ("unknown", "proposed", "active", "paused", "closed", "withdrawn"),
    "ChangeState": ("unknown", "open", "in force", "withdrawn", "expired"),
    "HoldState": ("none", "active", "released", "posted"),
}
"""The words for the values of the enums that errors carry, by their numbers."""

_LAST_DAY = date.max.toordinal()

_BUILT_IN = {
    "Panic": ("the contract stopped itself (Solidity's panic {code})", REPORT),
    "Error": ("{message}", REPORT),
    "UnknownError": (
        "the contract refused in a way that this release does not know ({data})",
        "Compare `contractVersion()` with this release of the application",
    ),
}


_NOTHING: Mapping[str, str] = MappingProxyType({})


def explain(
    name: str,
    inputs: Iterable[ABIComponent],
    values: dict[str, Any],
    known: Mapping[str, str] = _NOTHING,
) -> tuple[str, str]:
    """The cause and the remedy of a custom error, with its arguments in words: `known` has some.

    `inputs` are the ABI's; an error that no table knows is told by its bare name.
    """
    cause, remedy = (REMEDIES | _BUILT_IN).get(name, (name, ""))
    words = {entry["name"]: _words(entry, values[entry["name"]]) for entry in inputs}
    words |= known
    return cause.format_map(words), remedy.format_map(words)


def _words(entry: ABIComponent, value: Any) -> str:
    """An argument as a person reads it: enums, days and times by name, bytes as hex."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    kind = str(entry.get("internalType", ""))
    name = entry["name"]
    if kind.startswith("enum "):
        return ENUMS[kind.removeprefix("enum ")][int(value)]
    if entry["type"] == "uint24" and not name.endswith("Seconds"):
        return date.fromordinal(value).isoformat() if 0 < value <= _LAST_DAY else f"day {value}"
    if name.endswith(("At", "until", "Until")) and isinstance(value, int):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return str(value)
