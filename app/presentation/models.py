"""The shapes of the REST face, with examples. Amounts are decimal text in the facility's currency,
days `YYYY-MM-DD`, times ISO 8601 in UTC."""

from datetime import date, datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")

Amount = Annotated[str, Field(examples=["1234.50"])]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProblemBody(_Model):
    """An error (RFC 9457). Some carry more members, such as `field` and `reason`."""

    type: str = Field(examples=["urn:tallystick:problem:faulty-event"])
    title: str = Field(examples=["Unprocessable Entity"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["amount: has 3 decimals, the currency has 2"])
    instance: str = Field(examples=["/v1/facilities/WLD-2016-A/events"])


class EventIn(_Model):
    """One event, as a row of the canonical feed; null and absent are the same."""

    event_id: str = Field(
        description="Unique in the sender's system, 1 to 64 printable characters; pushing it twice "
        "is the same as once.",
        examples=["WB-20260302-000017"],
    )
    facility: str = Field(examples=["WLD-2016-A"])
    event_ref: str = Field(
        description="The reference that both banks know, 1 to 64 printable characters.",
        examples=["L4711-REP-003"],
    )
    kind: Literal[
        "drawdown",
        "principal",
        "interest",
        "penalty",
        "fee",
        "top_up",
        "reserve_interest",
        "other_in",
        "withdrawal",
        "service_fee",
        "other_out",
        "reversal",
    ] = Field(examples=["principal"])
    amount: str = Field(
        pattern=r"^[0-9]+(\.[0-9]+)?$",
        description="In currency units, as text; the lead's for shared kinds is the whole event's.",
        examples=["1250.00"],
    )
    currency: str = Field(description="ISO 4217, the facility's.", examples=["CNY"])
    value_date: str = Field(description="`YYYY-MM-DD`", examples=["2026-03-02"])
    booked_at: str = Field(
        description="`YYYY-MM-DDThh:mm:ss[.f]` with `Z` or an offset; gives the business date.",
        examples=["2026-03-02T09:15:00+08:00"],
    )
    partner: str | None = Field(
        None, description="In the lead's one-partner kinds: the partner's name."
    )
    reverses: str | None = Field(
        None, description="For `reversal` only: `kind/event_ref` of the target."
    )
    shares_on: str | None = Field(
        None, description="Lead only: the date whose shares split the event."
    )
    loan_ref: str | None = Field(None, description="Sealed on the chain, never in clear there.")
    borrower_ref: str | None = Field(None, description="Sealed on the chain.")
    memo: str | None = Field(None, description="Sealed on the chain.")


class ReceiptOut(_Model):
    """A pushed event was accepted: it is stored, and goes to the chain."""

    event_id: str = Field(examples=["WB-20260302-000017"])
    verdict: Literal["accepted"] = "accepted"
    accepted_at: datetime
    duplicate_leg: bool = Field(
        description="Another event of this bank stands for the same facility, partner, kind and "
        "event_ref: this one is counted, and in no balance."
    )


class VerdictOut(_Model):
    """What became of one row. `field`, `value` and `reason` belong to quarantined rows."""

    row: int = Field(description="Its place in the array, or its first line in the file, from 1.")
    event_id: str
    verdict: Literal["accepted", "duplicate", "quarantined"]
    field: str | None = None
    value: str | None = None
    reason: str | None = None


class RowSums(_Model):
    """in = accepted + duplicate + quarantined"""

    rows_in: int = Field(alias="in", examples=[3])
    accepted: int = Field(examples=[1])
    duplicate: int = Field(examples=[1])
    quarantined: int = Field(examples=[1])

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class BulkOut(_Model):
    """What became of a bulk."""

    feed_id: int
    rows: RowSums
    duplicate_legs: int = Field(description="Among the accepted rows.")
    verdicts: list[VerdictOut]


class AsOf(_Model):
    """The last block of the chain that this node has read: what the answer is true of."""

    block: int = Field(examples=[1234])
    hash: str = Field(examples=["0x5f0c…"])
    time: datetime


class PageOut(_Model, Generic[Item]):
    """One page, newest first. Give `next` as `cursor` for the following one; null on the last."""

    items: list[Item]
    next: str | None
    as_of: AsOf | None


class SharesOut(_Model):
    principal: int = Field(examples=[8000])
    interest: int
    fee: int


class PartnerOut(_Model):
    name: str = Field(examples=["huarui"])
    share_bps: SharesOut
    low_balance: Amount


class RulesOut(_Model):
    amount_tolerance: Amount
    date_window_days: int
    match_deadline_hours: int


class BoundsOut(_Model):
    """What every version of the shares keeps to, per component, in basis points."""

    least_lead_share_bps: int = Field(description="0 = no bound")
    largest_partner_share_bps: int = Field(description="0 = no bound")


class FacilityOut(_Model):
    """A facility's first terms, as all its parties accepted (or were proposed) them."""

    id: str = Field(examples=["WLD-2016-A"])
    state: Literal["proposed", "active", "paused", "closed", "withdrawn"]
    waiting_for: list[str] = Field(description="Partners that have not accepted it yet.")
    lead: str = Field(examples=["webank"])
    currency: str = Field(examples=["CNY"])
    decimals: int = Field(examples=[2])
    time_zone: str = Field(examples=["Asia/Shanghai"])
    cut_off: str = Field(examples=["23:59:59"])
    rules: RulesOut
    bounds: BoundsOut
    partners: list[PartnerOut]
    paused_by: list[str] = Field(description="Parties whose pause holds: nothing is posted.")


class SharesVersionOut(_Model):
    version: int | None = Field(description="null = proposed")
    effective_from: date | None = Field(description="null = from the beginning of time")
    share_bps: dict[str, SharesOut] = Field(description="By partner; the rest is the lead's")


class RulesVersionOut(_Model):
    version: int | None = Field(description="null = proposed")
    effective_from: date | None = Field(description="null = from the beginning of time")
    amount_tolerance: Amount
    date_window_days: int
    match_deadline_hours: float
    cut_off: str = Field(examples=["23:59:59"])


class ChangeOut(_Model):
    """A change that a party proposed; it takes effect once every party has accepted it."""

    number: int
    kind: Literal["shares", "rules", "close"]
    state: Literal["open", "in_force", "withdrawn", "expired"]
    proposer: str
    proposed_at: datetime
    expires_at: datetime
    accepted_by: list[str]
    waits_for: list[str]
    decided_at: datetime | None
    version: int | None = Field(description="Of the shares or rules that it brought into force.")
    shares: SharesVersionOut | None
    rules: RulesVersionOut | None
    reason_hash: str = Field(description="keccak256 of the reason's text")
    hash: str = Field(description="What a party signs by accepting it.")


class PauseOut(_Model):
    """A party stopped the posting for the facility."""

    member: str
    reason_hash: str
    paused_at: datetime
    resumed_at: datetime | None
    resumed_by: str | None


class FacilityHistoryOut(FacilityOut):
    """A facility with all that was ever agreed, proposed or stopped, oldest first."""

    share_versions: list[SharesVersionOut]
    rule_versions: list[RulesVersionOut]
    changes: list[ChangeOut]
    pauses: list[PauseOut]
    as_of: AsOf | None


class FacilitiesOut(_Model):
    items: list[FacilityOut]


class PendingOut(_Model):
    """Events accepted by this node and not yet in the read model: never part of a balance."""

    facility: str
    waiting: int
    dead_letters: int = Field(description="Given up after bounded retries; they wait for a person.")


class BalanceOut(_Model):
    """A reserve account: a partner's prefunded account at the lead, in one facility."""

    facility: str = Field(examples=["WLD-2016-A"])
    partner: str = Field(examples=["huarui"])
    currency: str = Field(examples=["CNY"])
    lead_book: Amount
    partner_book: Amount
    agreed: Amount
    proof: str | None = Field(
        description="The part of the difference of the two books that open legs and accepted "
        "differences do not explain: must be 0. Null while the contract's books are being read.",
        examples=["0.00"],
    )
    open_lead: Amount
    open_partner: Amount
    accepted_difference: Amount
    open_legs: int
    pairs: dict[str, int] = Field(
        description="Pairs and duplicate legs by type.",
        examples=[{"matched": 120, "amount": 1, "missing_at_partner": 2}],
    )
    overdue: int
    held: Amount = Field(description="What active holds set aside.")
    available: Amount = Field(
        description="The smaller book less what is held: stated low on purpose."
    )
    closed_through: date | None = Field(description="The last closed business date.")
    low_balance: Amount
    low: bool = Field(description="The smaller book is below the threshold.")
    shortfall: Amount = Field(description="How far the smaller book is below zero.")
    last_block: int


class BalancesOut(_Model):
    items: list[BalanceOut]
    pending: list[PendingOut]
    as_of: AsOf | None


class HoldOut(_Model):
    """A part of a reserve that the lead set aside for a drawdown."""

    facility: str = Field(examples=["WLD-2016-A"])
    partner: str = Field(examples=["huarui"])
    reference: str = Field(description="The drawdown's reference as the chain has it.")
    event_ref: str | None = Field(
        description="In clear once the drawdown was posted and could be read here."
    )
    amount: Amount
    state: str = Field(description="active, released or posted")
    expires_at: datetime
    overdue: bool = Field(description="Active though its time is over; it still counts.")
    placed_at: datetime
    ended_at: datetime | None
    released_by: str | None
    transaction: str


class HoldsOut(_Model):
    """The newest first."""

    items: list[HoldOut]
    as_of: AsOf | None


class AlertOut(_Model):
    """A balance (the smaller book) passed its threshold or zero."""

    number: int
    facility: str = Field(examples=["WLD-2016-A"])
    partner: str = Field(examples=["huarui"])
    what: str = Field(description="low, restored, shortfall or shortfall_ended")
    balance: Amount
    low_balance: str | None = Field(description="The threshold; null of a shortfall.")
    at: datetime
    transaction: str


class AlertsOut(_Model):
    """The newest first."""

    items: list[AlertOut]
    as_of: AsOf | None


class BookSumsOut(_Model):
    lead: Amount
    partner: Amount
    agreed: Amount


class KindMovementOut(_Model):
    """What the legs of one kind moved in each book, signed by their effect on the reserve."""

    kind: str = Field(examples=["drawdown"])
    lead: Amount
    partner: Amount
    agreed: Amount


class StatementOut(_Model):
    """A reserve account between two business dates: opening + movements = closing, in each book."""

    facility: str = Field(examples=["WLD-2016-A"])
    partner: str = Field(examples=["huarui"])
    currency: str = Field(examples=["CNY"])
    opening: BookSumsOut
    movements: list[KindMovementOut] = Field(description="Kinds without a leg are left out.")
    closing: BookSumsOut


class StatementsOut(_Model):
    """The accounts of a facility that this node's view holds, both dates included."""

    items: list[StatementOut]
    as_of: AsOf | None


class CarriedOut(_Model):
    """A pair with open legs that a statement carries forward; nulls where this view has it not."""

    pair: int | None = Field(description="Its number, as in /v1/pairs.")
    kind: str
    reference: str
    event_ref: str | None
    target: str | None
    lead_amount: str | None
    partner_amount: str | None


class DayCloseOut(_Model):
    """A proposal to close a reserve account's day, and what became of it."""

    number: int
    facility: str = Field(examples=["WLD-2016-A"])
    partner: str = Field(examples=["huarui"])
    day: date
    state: str = Field(description="proposed, replaced, withdrawn, disputed, closed or reopened")
    opening: BookSumsOut
    movement: BookSumsOut
    closing: BookSumsOut
    open_lead: Amount
    open_partner: Amount
    accepted_difference: Amount
    open_legs: int
    carried_forward: list[CarriedOut] | None = Field(
        None, description="The pairs with open legs; only of a single statement."
    )
    statement_hash: str
    proposed_by: str
    proposed_block: int
    proposed_at: datetime
    transaction: str
    answered_by: str | None
    answered_at: datetime | None
    reason_hash: str | None
    reopen_by: str | None = Field(description="Who proposed to open it again, if anybody.")
    reopened_at: datetime | None


class DayClosesOut(_Model):
    """The newest first."""

    items: list[DayCloseOut]
    as_of: AsOf | None


class HalfOut(_Model):
    """One bank's leg, where it stands on the chain and what it says."""

    amount: Amount
    value_date: date
    business_date: date
    sequence: int
    index: int = Field(description="Word index in the posting's stream.")
    posted_at: datetime
    reversed: bool


class ResolutionOut(_Model):
    """What a bank proposed to do about a break, and what became of it."""

    number: int
    facility: str
    partner: str
    pair: int = Field(description="The number of the break.")
    kind: str
    event_ref: str | None
    reference: str
    target: str | None
    action: str = Field(description="adjust, write_off, force or void", examples=["adjust"])
    side: str | None = Field(
        description="Whose book an adjustment moves to the other's amount: lead or partner."
    )
    business_date: date = Field(description="On which books move.")
    reason: str | None = Field(
        description="Null where it is not sealed for this node, or is not what was signed."
    )
    proposed_by: str
    proposed_at: datetime
    proposed_in: str = Field(description="The transaction.")
    status: str = Field(
        description="proposed, accepted, disputed, withdrawn or replaced", examples=["proposed"]
    )
    decided_by: str | None
    decided_at: datetime | None
    decided_in: str | None
    dispute_reason: str | None
    currency: str
    lead_moved: str | None = Field(
        description="What an acceptance moved in the lead's book, signed by its effect."
    )
    partner_moved: str | None
    agreed: str | None = Field(description="What is agreed by it.")
    accepted_difference: str | None = Field(description="Partner's less lead's amount.")


class PairOut(_Model):
    """A pair of halves; or a one-sided leg, or a duplicate leg, with one half null."""

    number: int
    facility: str
    partner: str
    kind: str
    event_ref: str | None = Field(description="Null where this node cannot open the details.")
    reference: str = Field(description="The keyed hash on the chain, hex.")
    target: str | None = Field(description="Reversals: `kind/event_ref` of the target.")
    type: str = Field(examples=["missing_at_partner"])
    currency: str
    lead_leg: HalfOut | None
    partner_leg: HalfOut | None
    difference: str | None = Field(
        description="Partner's amount less the lead's; null when one-sided.", examples=["-0.01"]
    )
    first_posted_at: datetime
    due_at: datetime | None
    overdue: bool
    rules_version: int | None
    shares_version: int | None
    agreed_business_date: date | None
    resolution: str | None = Field(
        description="How the two banks have resolved it (adjust, write_off, force or void); the "
        "type stays what it was."
    )
    resolved_at: datetime | None
    proposal: ResolutionOut | None = Field(
        description="The resolution that waits for the other bank."
    )


class LegOut(_Model):
    """One posted leg (a lead's shared leg: one for each partner's part)."""

    number: int
    facility: str
    partner: str | None = Field(description="Null: a rejected leg of the lead for all partners.")
    bank: str
    side: str
    kind: str
    event_ref: str | None
    reference: str
    target: str | None
    currency: str
    leg: HalfOut
    status: str
    reason: str | None = Field(description="Why, when the contract rejected it.")
    transaction: str
    block: int


class RejectionOut(_Model):
    """A leg that the contract rejected."""

    number: int
    facility: str
    partner: str | None
    bank: str
    side: str
    kind: str
    event_ref: str | None
    reference: str
    target: str | None
    currency: str
    leg: HalfOut
    reason: str = Field(examples=["duplicate"])


class QuarantinedOut(_Model):
    """A row that this node quarantined, with its first fault."""

    number: int
    facility: str
    feed: str
    source: str = Field(examples=["bulk"])
    row: int
    field: str = Field(examples=["amount"])
    value: str = Field(examples=["12,50"])
    reason: str = Field(examples=["is not digits with an optional point and decimals"])
    at: datetime


class EndpointOut(_Model):
    """One of the chain's endpoints. `state`: good, behind, doubted (its answers were late or did
    not add up), out of sync (it lacks the contracts), unreachable, other chain."""

    url: str
    state: str
    head: int | None
    why: str = Field(description="Empty where it is good.")


class ChainOut(_Model):
    endpoint: str = Field(
        description="The chain endpoint in use.", examples=["http://127.0.0.1:8545"]
    )
    right_chain: bool | None = Field(
        description="Whether it serves this network's chain and contracts; null: no answer.",
        examples=[True],
    )
    head: int | None = Field(
        description="Newest final block at the endpoint; null: no answer.", examples=[90210]
    )
    block: int | None = Field(
        description="Last block that this node's read model holds.", examples=[90209]
    )
    lag_blocks: int | None = Field(description="Blocks between the two.", examples=[1])
    lag_seconds: int | None = Field(
        description="Age of the last block read while it is not the newest one; 0 when it is.",
        examples=[1],
    )
    block_time: datetime | None = Field(description="Time of the last block read.")
    age_seconds: int | None = Field(
        description="Age of the last block read, by this machine's clock.", examples=[1]
    )
    endpoints: list[EndpointOut] = Field(description="As configured, the preferred one first.")


class OutboxOut(_Model):
    """What was accepted and is not yet final on the chain."""

    waiting_events: int = Field(description="In no batch yet; dead letters apart.", examples=[12])
    fixed_batches: int = Field(description="To be offered to the chain.", examples=[1])
    offered_batches: int = Field(description="Offered and not yet final.", examples=[2])
    stopped_batches: int = Field(description="Failed too often: a person must look.", examples=[0])
    oldest_seconds: int = Field(
        description="Age of the oldest event of all these; 0 without any.", examples=[3]
    )
    dead_letters: int = Field(
        description="Events that could not be posted: a person must look.", examples=[0]
    )


class DatabaseOut(_Model):
    writable: bool
    free_disk_bytes: int | None = Field(
        description="Room on the disk of the database; where a server keeps it, on the inbox's.",
        examples=[78_000_000_000],
    )


TroubleName = Literal[
    "chain-unreachable",
    "wrong-chain",
    "chain-stalled",
    "read-model-behind",
    "starting",
    "database",
    "disk-low",
    "posting-stopped",
    "lease-elsewhere",
    "facility-stopped",
    "dead-letters",
    "channel-closed",
    "channel-silent",
]


class TroubleOut(_Model):
    """One thing that is not as it should be. Programs may switch on `name`."""

    name: TroubleName = Field(examples=["chain-unreachable"])
    detail: str = Field(examples=["the chain endpoint http://127.0.0.1:8545 does not answer"])
    remedy: str = Field(
        examples=["Start the chain node, or name another in `rpc`; what was accepted waits"]
    )


class HealthOut(_Model):
    """`status`: live, behind, stalled, unreachable (the chain) or starting. `posting`: stopped when
    a facility, or none at all, is posted to until a person has looked. `lease`: held when this
    process alone posts for the bank, elsewhere when another one does, none when nobody needs to.
    `problems` keep the node from its work (`/ready` is 503 then), `warnings` do not."""

    status: Literal["live", "behind", "stalled", "unreachable", "starting"]
    posting: Literal["running", "stopped"]
    bank: str = Field(examples=["webank"])
    role: str = Field(examples=["lead"])
    chain: ChainOut
    outbox: OutboxOut | None = Field(description="Null while the database does not answer.")
    lease: Literal["held", "elsewhere", "none"]
    database: DatabaseOut
    problems: list[TroubleOut]
    warnings: list[TroubleOut]


class NotReadyOut(ProblemBody):
    """The problem of a node that cannot do its work."""

    problems: list[TroubleOut]


class KeyIn(_Model):
    name: str = Field(min_length=1, max_length=100, examples=["core banking"])
    role: Literal["feeds", "read", "metrics", "admin"]


class KeyOut(_Model):
    id: str
    name: str
    role: Literal["feeds", "read", "metrics", "admin"]
    created_at: datetime
    revoked_at: datetime | None


class NewKeyOut(KeyOut):
    key: str = Field(description="Shown this once; it is kept as a hash only.")


class KeysOut(_Model):
    items: list[KeyOut]
