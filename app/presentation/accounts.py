"""Reserve accounts: balances, what is pending, holds, alerts, statements."""

from datetime import date, datetime

from pydantic import Field
from sqlalchemy import Connection

from app.outbox.pending import pending_by_facility
from app.presentation.common import Amount, AsOf, Currency, Model, Money, as_of
from app.readmodel.accounts.alerts import Alert
from app.readmodel.accounts.balances import Balance, balances
from app.readmodel.accounts.forecasts import AccountForecast
from app.readmodel.accounts.holds import Hold
from app.readmodel.accounts.movements import AccountMovements


class PendingOut(Model):
    """Events accepted by this node and not yet in the read model: never part of a balance."""

    facility: str
    waiting: int
    dead_letters: int = Field(description="Given up after bounded retries; they wait for a person.")


class BalanceOut(Model):
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
    held: Amount = Field(description="What active holds reserve.")
    available: Amount = Field(
        description="The smaller book less what is held: stated low on purpose."
    )
    closed_through: date | None = Field(description="The last closed business date.")
    low_balance: Amount
    low: bool = Field(description="The smaller book is below the threshold.")
    shortfall: Amount = Field(description="How far the smaller book is below zero.")
    last_block: int


class BalancesOut(Model):
    items: list[BalanceOut]
    pending: list[PendingOut]
    as_of: AsOf | None


class HoldOut(Model):
    """A part of a reserve account that the lead reserved for a drawdown."""

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


class ProjectedOut(Model):
    day: date
    balance: Amount
    low: str | None = Field(description="Below it one time of ten; null of a short history.")
    high: str | None = Field(description="Above it one time of ten; null of a short history.")


class ForecastQualityOut(Model):
    """The forecasts of the last thirteen weeks, so many days ahead."""

    days_ahead: int
    made: int
    mean_error: Amount
    naive_error: Amount = Field(description="Of who says that the balance stays as it is.")


class ForecastOut(Model):
    """An account's projected balance for the next two weeks: by weekday, top-ups left out."""

    facility: str = Field(examples=["WLD-2016-A"])
    partner: str = Field(examples=["huarui"])
    currency: str = Field(examples=["CNY"])
    since: date = Field(description="The business date that is running.")
    available: Amount
    low_balance: Amount
    low_on: date | None = Field(description="The first day below the threshold.")
    runs_out_on: date | None = Field(description="The first day below zero.")
    suggested_top_up: Amount
    days: list[ProjectedOut] = Field(description="Empty of an account younger than four weeks.")
    quality: list[ForecastQualityOut]


class ForecastsOut(Model):
    items: list[ForecastOut]
    as_of: AsOf | None


class HoldsOut(Model):
    """The newest first."""

    items: list[HoldOut]
    as_of: AsOf | None


class BalanceEventOut(Model):
    """A balance (the smaller book) passed its threshold or zero."""

    number: int
    facility: str = Field(examples=["WLD-2016-A"])
    partner: str = Field(examples=["huarui"])
    what: str = Field(description="low, restored, shortfall or shortfall_ended")
    balance: Amount
    low_balance: str | None = Field(description="The threshold; null of a shortfall.")
    at: datetime
    transaction: str


class BalanceEventsOut(Model):
    """The newest first."""

    items: list[BalanceEventOut]
    as_of: AsOf | None


class BookSumsOut(Model):
    lead: Amount
    partner: Amount
    agreed: Amount


class KindMovementOut(Model):
    """What the legs of one kind moved in each book, signed by their effect on the reserve."""

    kind: str = Field(examples=["drawdown"])
    lead: Amount
    partner: Amount
    agreed: Amount


STATED_PARTS_DIFFERENCE = (
    "Where the lead splits by itself: by how much the parts that it stated differ from the shares, "
    "signed by their effect; the parts of an event are held against each other. Null where the "
    "contract splits, and on a node that does not see all partners."
)


class StatementOut(Model):
    """A reserve account between two business dates: opening + movements = closing, in each book."""

    facility: str = Field(examples=["WLD-2016-A"])
    partner: str = Field(examples=["huarui"])
    currency: str = Field(examples=["CNY"])
    opening: BookSumsOut
    movements: list[KindMovementOut] = Field(description="Kinds without a leg are left out.")
    closing: BookSumsOut
    stated_parts_difference: str | None = Field(
        description=STATED_PARTS_DIFFERENCE, examples=["0.01"]
    )


class StatementsOut(Model):
    """The accounts of a facility that this node's view holds, both dates included."""

    items: list[StatementOut]
    as_of: AsOf | None


def balance_out(account: Balance) -> BalanceOut:
    books = account.contract or account.books
    currency = Currency(account.currency, account.decimals)
    minor = {
        "lead_book": books.lead_book,
        "partner_book": books.partner_book,
        "agreed": books.agreed,
        "open_lead": books.open_lead,
        "open_partner": books.open_partner,
        "accepted_difference": books.accepted_difference,
        "low_balance": account.low_balance,
        "held": account.held,
        "available": account.available,
        "shortfall": account.shortfall,
    }
    return BalanceOut.of(
        account,
        pairs=account.counts,
        proof=currency.optional(account.proof),
        **{name: currency.amount(amount) for name, amount in minor.items()},
    )


def balances_out(connection: Connection, facility: str | None, partner: str | None) -> BalancesOut:
    """The reserve accounts of this view, and what is pending; None is any."""
    return BalancesOut(
        items=[balance_out(one) for one in balances(connection, facility, partner)],
        pending=[
            PendingOut(facility=id_, waiting=counts.waiting, dead_letters=counts.dead)
            for id_, counts in sorted(pending_by_facility(connection).items())
            if facility in (None, id_)
        ],
        as_of=as_of(connection),
    )


def forecast_out(one: AccountForecast) -> ForecastOut:
    account, made = one.account, one.forecast
    currency = Currency(account.currency, account.decimals)
    amount, optional = currency.amount, currency.optional
    return ForecastOut(
        facility=account.facility,
        partner=account.partner,
        currency=account.currency,
        since=one.today,
        available=amount(account.available),
        low_balance=amount(account.low_balance),
        low_on=one.is_low.day if one.is_low else None,
        runs_out_on=one.runs_out.day if one.runs_out else None,
        suggested_top_up=amount(one.top_up),
        days=[
            ProjectedOut(
                day=day.day,
                balance=amount(day.balance),
                low=optional(day.low),
                high=optional(day.high),
            )
            for day in (made.days if made else ())
        ],
        quality=[
            ForecastQualityOut(
                days_ahead=of.days_ahead,
                made=of.made,
                mean_error=amount(of.mean_error),
                naive_error=amount(of.naive_error),
            )
            for of in (made.quality if made else ())
        ],
    )


def hold_out(hold: Hold, money: Money) -> HoldOut:
    return HoldOut.of(hold, amount=money[hold.facility].amount(hold.amount))


def balance_event_out(alert: Alert, money: Money) -> BalanceEventOut:
    currency = money[alert.facility]
    return BalanceEventOut.of(
        alert,
        balance=currency.amount(alert.balance),
        low_balance=currency.optional(alert.low_balance),
    )


def statement_out(
    of: AccountMovements, facility: str, money: Money, stated_difference: int | None
) -> StatementOut:
    """`stated_difference`: of `readmodel.accounts.stated_parts`, of this account."""
    currency = money[facility]
    books = (of.lead_book, of.partner_book, of.agreed)
    kinds = sorted({kind for book in books for kind in book.movements})

    def amounts(*minor: int) -> dict[str, str]:
        lead, partner, agreed = map(currency.amount, minor)
        return {"lead": lead, "partner": partner, "agreed": agreed}

    return StatementOut(
        facility=facility,
        partner=of.partner,
        currency=currency.code,
        opening=BookSumsOut(**amounts(*(book.opening for book in books))),
        movements=[
            KindMovementOut(kind=kind, **amounts(*(book.movements.get(kind, 0) for book in books)))
            for kind in kinds
        ],
        closing=BookSumsOut(**amounts(*(book.closing for book in books))),
        stated_parts_difference=currency.optional(stated_difference),
    )
