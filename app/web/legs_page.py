"""Finding legs by reference, amount, transaction or block; and the life of one leg."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal
from urllib.parse import urlencode

from sqlalchemy import Connection

from app.domain.money import AmountError, parse_amount
from app.locale import _, ngettext, said
from app.outbox.origin import Origin, leg_origin
from app.presentation.pairs import action_text
from app.readmodel.days.queries import day_records
from app.readmodel.directory import Directory, directory
from app.readmodel.pairs import queries
from app.readmodel.pairs.resolutions import ResolutionFilter, resolutions
from app.readmodel.pairs.shapes import BREAK_TYPES, DUPLICATE_TYPES, Leg, Pair
from app.web.forms import number_of
from app.web.text import feed_name, iso, money, whole

PAGE_ROWS = 50

OPEN_TYPES = [name for name in BREAK_TYPES if name not in DUPLICATE_TYPES]

By = Literal["reference", "amount", "transaction", "block"]
BY: tuple[By, ...] = ("reference", "amount", "transaction", "block")

_TRANSACTION = re.compile(r"0x[0-9a-fA-F]{64}")
_AMOUNT = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?|[0-9]+\.[0-9]+")
_TONES = {"matched": "good", "within_tolerance": "good", "rejected": "bad", "open": "pending"}


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, as it stands in the address; `by` empty: as it looks."""

    q: str = ""
    by: str = ""
    facility: str = ""
    partner: str = ""
    event: str = ""
    """A kind of event."""
    state: str = ""
    """`open`: legs without an agreed other half; empty: all."""
    first: date | None = None
    last: date | None = None
    """Business dates, both included."""

    @property
    def kind(self) -> By:
        if self.by in BY:
            return self.by
        if _TRANSACTION.fullmatch(self.q):
            return "transaction"
        return "amount" if _AMOUNT.fullmatch(self.q) else "reference"

    @property
    def narrowing(self) -> dict[str, str]:
        """What narrows the search, as it stands in the address."""
        given = {
            "facility": self.facility,
            "partner": self.partner,
            "event": self.event,
            "state": self.state,
            "from": "" if self.first is None else f"{self.first}",
            "to": "" if self.last is None else f"{self.last}",
        }
        return {name: value for name, value in given.items() if value}

    @property
    def narrowed_to(self) -> str:
        """The same in words; empty where it is not narrowed."""
        words = [
            self.facility,
            self.partner,
            *(said(one) for one in (self.event.replace("_", " "), self.state)),
        ]
        if self.first or self.last:
            days = f"{self.first or '…'}", f"{self.last or '…'}"
            words.append(days[0] if days[0] == days[1] else " – ".join(days))
        return ", ".join(word for word in words if word)

    def narrow(self, where: queries.Filter) -> queries.Filter:
        """A filter with what narrows the search."""
        is_open = self.state == "open"
        return replace(
            where,
            facility=self.facility or None,
            partner=self.partner or None,
            kind=self.event or None,
            types=OPEN_TYPES if is_open else (),
            resolved=False if is_open else None,
            business_from=self.first,
            business_to=self.last,
        )

    def query(self, before: int | None = None, by: str | None = None) -> str:
        asked: dict[str, str | int] = {"q": self.q} if self.q else {}
        asked |= self.narrowing
        if chosen := self.by if by is None else by:
            asked["by"] = chosen
        if before is not None:
            asked["before"] = before
        return "?" + urlencode(asked)


@dataclass(frozen=True, slots=True)
class LegLine:
    """A leg in the list. `status` in words."""

    leg: Leg
    decimals: int
    currency: str
    status: str
    tone: str


@dataclass(frozen=True, slots=True)
class LegsPage:
    search: Search
    lines: Sequence[LegLine]
    following: int | None
    fault: str
    others: Sequence[By]
    """As what else it could be looked for."""
    is_newest: bool = False
    """Whether these are the newest legs of all: nothing is looked for."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a half, a pair, a break or an act, at a time as of `text.iso`.
    `note`: a reason, say, where this node may read it. `address` leads to its page."""

    at: str
    what: str
    note: str = ""
    transaction: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """One half's life. `steps` is empty where that half has not come."""

    title: str
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class LegPage:
    number: int
    line: LegLine
    pair: bool
    """Whether it is a pair with a page of its own; a rejected leg is none."""
    lives: Sequence[Life]
    together: Sequence[Step]


def legs_page(
    connection: Connection,
    search: Search,
    before: int | None,
    references: Callable[[str], Sequence[bytes]],
) -> LegsPage:
    """The legs that fit, newest first; without a search, the newest."""
    names = directory(connection)
    where, fault = _where(connection, names, search, references)
    if where is None:
        return LegsPage(search, [], None, fault, [])
    page = queries.legs(connection, search.narrow(where), PAGE_ROWS, before)
    if not page.items and search.kind == "reference" and search.q:
        # No reference is exactly so: one may hold it.
        holding = search.narrow(queries.Filter(text=search.q))
        page = queries.legs(connection, holding, PAGE_ROWS, before)
    others = [by for by in BY if by != search.kind] if search.q and not page.items else []
    lines = [_line(names, leg) for leg in page.items]
    is_newest = before is None and not search.q and not search.narrowing
    return LegsPage(search, lines, page.following, fault, others, is_newest)


def leg_page(connection: Connection, number: int, bank: str) -> LegPage | None:
    """The life of the legs of a number; None where this view has none."""
    names = directory(connection)
    legs = queries.legs_of(connection, number)
    if not legs:
        return None
    facility = names.facility(legs[0].facility)
    pair = queries.pair(connection, number)
    by_side = {leg.side: leg for leg in legs}
    lives = [
        Life(
            _("Lead %(bank)s", bank=_bank_of(names, legs[0], side))
            if side == "lead"
            else _("Partner %(bank)s", bank=_bank_of(names, legs[0], side)),
            list(_life(connection, names, by_side[side], bank)) if side in by_side else [],
        )
        for side in ("lead", "partner")
    ]
    return LegPage(
        number=number,
        line=_line(names, legs[0]),
        pair=pair is not None and legs[0].reason is None,
        lives=lives,
        together=[]
        if pair is None
        else list(_together(connection, pair, facility.decimals if facility else 0)),
    )


def _where(
    connection: Connection,
    names: Directory,
    search: Search,
    references: Callable[[str], Sequence[bytes]],
) -> tuple[queries.Filter | None, str]:
    """The filter of a search; None, and why, where it cannot be looked for."""
    q = search.q
    if not q:
        return queries.EVERYTHING, ""
    if search.kind == "reference":
        return queries.Filter(references=references(q)), ""
    if search.kind == "transaction":
        if not _TRANSACTION.fullmatch(q):
            return None, _("A transaction is 0x and 64 hexadecimal digits.")
        found = queries.postings_in(connection, transaction=bytes.fromhex(q[2:]))
        return queries.Filter(postings=found), ""
    if search.kind == "block":
        block = number_of(q)
        if block is None:
            return None, _("A block is a number.")
        return queries.Filter(postings=queries.postings_in(connection, block=block)), ""
    amounts: dict[int, int] = {}
    fault = ""
    for one in names.facilities.values():
        try:
            amounts[one.number] = parse_amount(q.replace(",", ""), one.decimals)
        except AmountError as error:
            fault = _("As an amount it %(fault)s.", fault=said(str(error)))
    return (queries.Filter(amounts=amounts), "") if amounts else (None, fault)


def _line(names: Directory, leg: Leg) -> LegLine:
    facility = names.facility(leg.facility)
    status = leg.reason if leg.reason is not None else leg.status
    return LegLine(
        leg,
        facility.decimals if facility else 0,
        facility.currency if facility else "",
        status.replace("_", " "),
        _TONES.get(leg.status, "bad"),
    )


def _bank_of(names: Directory, leg: Leg, side: str) -> str:
    facility = names.facility(leg.facility)
    return (facility.lead if facility else "") if side == "lead" else (leg.partner or "")


def _life(connection: Connection, names: Directory, leg: Leg, bank: str) -> Iterator[Step]:
    """From the feed's row to the block; of another bank's half only what the chain tells."""
    facility = names.facility(leg.facility)
    if leg.bank == bank and facility is not None:
        origin = leg_origin(connection, facility.number, leg.half.sequence, leg.half.index)
        if origin is not None:
            yield from before_the_chain(origin)
    yield Step(
        iso(leg.half.posted_at),
        _(
            "In block %(block)s, posting %(posting)s, word %(word)s",
            block=whole(leg.block_number),
            posting=whole(leg.half.sequence),
            word=whole(leg.half.index),
        ),
        leg.transaction,
        address=f"/legs?q={leg.transaction}",
    )
    if leg.reason is not None:
        why = said(leg.reason.replace("_", " "))
        yield Step(iso(leg.half.posted_at), _("Rejected: %(why)s", why=why))
    if leg.partner is None:
        return
    day = leg.half.business_date
    for record in day_records(connection, leg.facility, leg.partner, state="closed", day=day):
        yield Step(
            iso(record.answered_at or record.proposed_at),
            _("Its business date %(day)s was closed by both banks", day=day),
            address=f"/days/{record.number}",
        )


def before_the_chain(origin: Origin) -> Iterator[Step]:
    """What this bank did with a leg of its own before a block had it."""
    yield Step(
        origin.received_at[:19] + "Z",
        _("Line %(number)s of %(feed)s", number=whole(origin.row), feed=feed_name(origin.feed)),
        f"event_id {origin.event_id}",
        address="/feeds",
    )
    yield Step(origin.accepted_at[:19] + "Z", _("Accepted, durably stored"))
    yield Step(
        origin.sealed_at[:19] + "Z",
        ngettext(
            "Fixed in batch %(batch)s, signed once",
            "Fixed in batch %(batch)s, signed %(num)s times",
            len(origin.transactions),
            batch=whole(origin.sequence),
        ),
        " ".join(origin.transactions),
    )


def _together(connection: Connection, pair: Pair, decimals: int) -> Iterator[Step]:
    """What became of both halves together."""
    if pair.lead is not None and pair.partner_half is not None:
        at = max(pair.lead.posted_at, pair.partner_half.posted_at)
        judged = said(pair.type.replace("_", " "))
        what = _("Judged by the contract: %(type)s", type=judged)
        if pair.difference:
            what = _(
                "Judged by the contract: %(type)s, partner less lead %(difference)s",
                type=judged,
                difference=money(pair.difference, decimals),
            )
        yield Step(iso(at), what, address=f"/breaks/{pair.number}")
    for one in resolutions(connection, ResolutionFilter(pair=pair.number)).items:
        action = action_text(one.action, one.side)
        yield Step(
            iso(one.proposed_at),
            _("%(bank)s proposed: %(action)s", bank=one.proposed_by, action=action),
            one.reason or "",
        )
        if one.decided_at is not None:
            who = one.decided_by or _("The other bank")
            yield Step(iso(one.decided_at), f"{who}: {said(one.status)}")
    if pair.agreed_business_date is not None:
        day = pair.agreed_business_date
        yield Step("", _("Agreed on business date %(day)s", day=day))
