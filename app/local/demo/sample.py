"""Sample feeds: loans drawn, repaid and charged, as the lead and each partner would report them.

They begin with some weeks in which lending grew, so that statements of days and forecasts have what
they are made of. About one half in a hundred is faulty on purpose (amount, date, missing,
duplicate), so that there are breaks to look at. The same seed, start and day give the same events.
"""

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from app.domain.facility import Facility
from app.domain.kinds import Kind
from app.domain.money import format_amount

Row = dict[str, Any]
"""One row of the canonical feed, as a JSON object."""

_PAST_WEEKS = 10
_EVENTS_A_PAST_DAY = 30
_DRAWN, _DRAWN_BEFORE = 0.30, 0.50
"""The share of drawdowns in all events, today and in the weeks before."""
_OPENS, _OPEN_S = time(9), 8 * 3600
"""When a past day's first event can be booked, by the facility's clocks, and for how long."""
_FAULTS_PER_THOUSAND = {"amount": 4, "date": 3, "missing": 4, "duplicate": 1, "cent": 4}


Feeds = dict[str, list[Row]]
"""New rows per bank (its name), in the order in which its core banking books them."""


class Sample:
    """An endless run of events of one facility. `start` is the number of the next event, so that
    a demonstration that is started again goes on with new references."""

    def __init__(self, facility: Facility, *, start: int = 1, seed: int = 2016) -> None:
        self._facility = facility
        self._random = Random(f"{seed}/{start}")
        self._next = start

    @property
    def next_event(self) -> int:
        """The number that the next event will carry."""
        return self._next

    def history(self, now: datetime) -> Feeds:
        """The partners' first top-ups, so that reserves begin funded, and what was booked on the
        weekdays of some weeks before today."""
        feeds = self._empty()
        today = now.astimezone(self._facility.zone).date()
        before = [today - timedelta(days=days) for days in range(7 * _PAST_WEEKS, 0, -1)]
        days = [day for day in before if day.weekday() < 5]
        for partner in self._facility.partners:
            amount = partner.low_balance * 25
            self._one_partner(feeds, Kind.TOP_UP, partner.name, amount, self._at(days[0], 0))
        for day in days:
            seconds = sorted(self._random.randrange(_OPEN_S) for _ in range(_EVENTS_A_PAST_DAY))
            for second in seconds:
                self._event(feeds, self._at(day, second), _DRAWN_BEFORE)
        return feeds

    def events(self, count: int, now: datetime) -> Feeds:
        """`count` events of the lead, and the partners' halves of them."""
        feeds = self._empty()
        for _ in range(count):
            self._event(feeds, now, _DRAWN)
        return feeds

    def _at(self, day: date, second: int) -> datetime:
        """An instant of a past day, so many seconds after the first that it can have."""
        opens = datetime.combine(day, _OPENS, self._facility.zone)
        return opens.astimezone(UTC) + timedelta(seconds=second)

    def _event(self, feeds: Feeds, now: datetime, drawn: float) -> None:
        chance = self._random.random()
        if chance >= 0.02:
            self._shared(feeds, self._kind(chance, drawn), now)
            return
        partner = self._random.choice(self._facility.partners).name
        kind = self._random.choice(
            (Kind.TOP_UP, Kind.WITHDRAWAL, Kind.SERVICE_FEE, Kind.RESERVE_INTEREST)
        )
        self._one_partner(feeds, kind, partner, self._random.randint(1_000, 40_000_000), now)

    def _kind(self, chance: float, drawn: float) -> Kind:
        if chance < drawn:
            return Kind.DRAWDOWN
        if chance < 0.65:
            return Kind.PRINCIPAL
        if chance < 0.92:
            return Kind.INTEREST
        return Kind.PENALTY if chance < 0.95 else Kind.FEE

    def _amount(self, kind: Kind) -> int:
        """Minor units, in the size that such an event has for a small consumer loan."""
        low, high = {
            Kind.DRAWDOWN: (500_00, 20_000_00),
            Kind.PRINCIPAL: (300_00, 18_000_00),
            Kind.INTEREST: (3_00, 400_00),
            Kind.PENALTY: (1_00, 50_00),
            Kind.FEE: (2_00, 80_00),
        }[kind]
        return self._random.randint(low, high)

    def _shared(self, feeds: Feeds, kind: Kind, now: datetime) -> None:
        amount = self._amount(kind)
        row = self._row(kind, amount, now)
        value_day = now.astimezone(self._facility.zone).date().toordinal()
        parts = self._facility.parts(kind, amount, value_day)
        lead_missing = self._strikes("missing")
        if not lead_missing:
            self._add(feeds, self._facility.lead, row)
        for partner, part in zip(self._facility.partners, parts, strict=True):
            if part:
                half = row | {
                    "event_id": f"{row['event_id']}-{partner.name}",
                    "amount": format_amount(part, self._facility.decimals),
                }
                self._half(feeds, partner.name, half, part)

    def _one_partner(
        self, feeds: Feeds, kind: Kind, partner: str, amount: int, now: datetime
    ) -> None:
        row = self._row(kind, amount, now)
        self._add(feeds, self._facility.lead, row | {"partner": partner})
        self._half(feeds, partner, row | {"event_id": f"{row['event_id']}-{partner}"}, amount)

    def _half(self, feeds: Feeds, bank: str, half: Row, amount: int) -> None:
        """Add a partner's half, now and then with a fault."""
        decimals = self._facility.decimals
        if self._strikes("missing"):
            return
        if self._strikes("amount"):
            half["amount"] = format_amount(amount + self._random.randint(2, 5_000), decimals)
        elif self._strikes("cent"):
            half["amount"] = format_amount(amount + 1, decimals)
        if self._strikes("date"):
            day = datetime.fromisoformat(half["value_date"]) - timedelta(days=3)
            half["value_date"] = day.date().isoformat()
        self._add(feeds, bank, half)

    def _add(self, feeds: Feeds, bank: str, row: Row) -> None:
        feeds[bank].append(row)
        if self._strikes("duplicate"):
            feeds[bank].append(row | {"event_id": row["event_id"] + "-again"})

    def _row(self, kind: Kind, amount: int, now: datetime) -> Row:
        number = self._next
        self._next += 1
        local = now.astimezone(self._facility.zone)
        return {
            "event_id": f"E{number:09d}",
            "facility": self._facility.id,
            "event_ref": f"{kind.feed_name[:2].upper()}-{number:09d}",
            "kind": kind.feed_name,
            "amount": format_amount(amount, self._facility.decimals),
            "currency": self._facility.currency,
            "value_date": local.date().isoformat(),
            "booked_at": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "loan_ref": f"L{number % 4_000:06d}",
        }

    def _strikes(self, fault: str) -> bool:
        return self._random.randrange(1_000) < _FAULTS_PER_THOUSAND[fault]

    def _empty(self) -> Feeds:
        return {bank: [] for bank in self._facility.banks}
