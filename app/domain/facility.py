"""The facility: a joint-lending agreement, read from the banks' TOML file.

Amounts are minor units, shares basis points, days `date.toordinal()`.
"""

import tomllib
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.domain.errors import FacilityFault
from app.domain.kinds import Component, Kind
from app.domain.matching.splits import WHOLE_BPS, part
from app.domain.money import AmountError, currency_decimals, parse_bound

MAX_PARTNERS = 254
"""As many as the chain's partner numbers (1 to 254) can name."""

MAX_NAME = 64
"""Most characters of a facility's id or a bank's name."""

_MAX_WINDOW_DAYS = 2**16 - 1
_MAX_DEADLINE_HOURS = (2**32 - 1) // 3600


@dataclass(frozen=True, slots=True)
class Shares:
    """A partner's shares per component, in basis points."""

    principal: int
    interest: int
    fee: int

    def of(self, component: Component) -> int:
        if component is Component.PRINCIPAL:
            return self.principal
        return self.interest if component is Component.INTEREST else self.fee


@dataclass(frozen=True, slots=True)
class Rules:
    """When two halves match; the first version of them."""

    amount_tolerance: int
    """Minor units, per leg."""
    date_window_days: int
    match_deadline_hours: int


@dataclass(frozen=True, slots=True)
class Partner:
    """`number` is permanent: the place in the facility's list, from 1."""

    number: int
    name: str
    shares: Shares
    low_balance: int
    """Minor units; a reserve below it is shown and alerted."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What every version of the shares keeps to, per component, in basis points; 0 = no bound."""

    least_lead: int = 0
    largest_partner: int = 0


@dataclass(frozen=True, slots=True)
class SharesVersion:
    """Later shares: of each partner, in their order, for the days from `effective_from` on."""

    effective_from: int
    shares: tuple[Shares, ...]


@dataclass(frozen=True, slots=True)
class CutOffVersion:
    """A later cut-off, for the local dates from `effective_from` on."""

    effective_from: int
    cut_off: time


@dataclass(frozen=True, slots=True)
class Facility:
    """A facility as its file states it, and the versions agreed since, oldest first."""

    id: str
    lead: str
    currency: str
    decimals: int
    time_zone: str
    cut_off: time
    rules: Rules
    partners: tuple[Partner, ...]
    bounds: Bounds = Bounds()
    later_shares: tuple[SharesVersion, ...] = ()
    later_cut_offs: tuple[CutOffVersion, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def banks(self) -> tuple[str, ...]:
        """The lead first, then the partners in their order."""
        return (self.lead, *(partner.name for partner in self.partners))

    def partner(self, name: str) -> Partner | None:
        """The partner of that name; None if there is none (or it is the lead's)."""
        return next((partner for partner in self.partners if partner.name == name), None)

    def shares_of(self, partner_number: int, component: Component, day: int) -> int:
        """A partner's share in basis points for an event whose shares are those of `day`."""
        for version in reversed(self.later_shares):
            if day >= version.effective_from:
                return version.shares[partner_number - 1].of(component)
        return self.partners[partner_number - 1].shares.of(component)

    def split(self, kind: Kind, amount: int, shares_day: int) -> tuple[int, ...]:
        """The parts of a shared event in the partners' order; the lead keeps the rest."""
        component = kind.component
        if component is None:
            raise ValueError(f"{kind.feed_name} is not split")
        return tuple(
            part(amount, self.shares_of(partner.number, component, shares_day))
            for partner in self.partners
        )

    def business_day(self, booked_at: datetime) -> int:
        """The business date of an instant.

        It is its date in the facility's time zone; strictly after that date's cut-off, compared
        in whole seconds, the next calendar day. The day after 9999-12-31 has a number like any
        other.
        Raises OverflowError for an instant that has no date in that zone.
        """
        local = booked_at.astimezone(self.zone)
        day = local.toordinal()
        cut_off = self.cut_off
        for version in self.later_cut_offs:
            if day >= version.effective_from:
                cut_off = version.cut_off
        late = local.time().replace(microsecond=0, fold=0) > cut_off
        return day + late


def load_facility(path: Path) -> Facility:
    """Read a facility file. Raises FacilityFault."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise FacilityFault(
            f"the facility file cannot be read ({error.strerror or error})",
            where=str(path),
            remedy="Check the path and its permissions",
        ) from error
    except UnicodeDecodeError as error:
        raise FacilityFault(
            f"byte {error.start} is not UTF-8", where=str(path), remedy="Save the file as UTF-8"
        ) from None
    return parse_facility(text, where=str(path))


def parse_facility(text: str, *, where: str = "facility") -> Facility:
    """Parse a facility's TOML; `where` names it in errors. Raises FacilityFault."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FacilityFault(
            f"this is not TOML: {error}", where=where, remedy="See docs for an example"
        ) from None
    return _Reader(where).facility(document)


class _Reader:
    """Checks one file key by key; `where` is its name in errors."""

    def __init__(self, where: str) -> None:
        self._where = where

    def facility(self, document: dict[str, Any]) -> Facility:
        keys = ("id", "lead", "currency", "time_zone", "cut_off", "rules", "partners")
        self._keys(document, "", keys, optional=("bounds",))
        currency = self._text(document, "currency")
        try:
            decimals = currency_decimals(currency)
        except ValueError as error:
            self._fail("currency", str(error), "Use the code of a currency in ISO 4217, like CNY")
        facility = Facility(
            id=self._name(document, "id"),
            lead=self._name(document, "lead"),
            currency=currency,
            decimals=decimals,
            time_zone=self._time_zone(document),
            cut_off=self._cut_off(document),
            rules=self._rules(document["rules"], decimals),
            partners=self._partners(document["partners"], decimals),
            bounds=self._bounds(document.get("bounds", {})),
        )
        self._check_names(facility)
        self._check_shares(facility)
        return facility

    def _bounds(self, table: Any) -> Bounds:
        self._keys(
            table, "bounds", (), optional=("least_lead_share_bps", "largest_partner_share_bps")
        )
        return Bounds(
            *(
                self._integer(table, key, "bounds.", WHOLE_BPS) if key in table else 0
                for key in ("least_lead_share_bps", "largest_partner_share_bps")
            )
        )

    def _rules(self, table: Any, decimals: int) -> Rules:
        self._keys(table, "rules", ("amount_tolerance", "date_window_days", "match_deadline_hours"))
        return Rules(
            amount_tolerance=self._amount(table, "amount_tolerance", "rules.", decimals),
            date_window_days=self._integer(table, "date_window_days", "rules.", _MAX_WINDOW_DAYS),
            match_deadline_hours=self._integer(
                table, "match_deadline_hours", "rules.", _MAX_DEADLINE_HOURS
            ),
        )

    def _partners(self, tables: Any, decimals: int) -> tuple[Partner, ...]:
        if not isinstance(tables, list) or not tables:
            self._fail("partners", "there is no partner", "Add a [[partners]] table for each")
        if len(tables) > MAX_PARTNERS:
            self._fail(
                "partners",
                f"there are {len(tables)} partners, at most {MAX_PARTNERS} are possible",
                "Make several facilities of it",
            )
        return tuple(
            self._partner(number, table, decimals) for number, table in enumerate(tables, start=1)
        )

    def _partner(self, number: int, table: Any, decimals: int) -> Partner:
        place = f"partners[{number}]"
        self._keys(table, place, ("name", "share_bps"), optional=("low_balance",))
        name = self._name(table, "name", f"{place}.")
        place = f"partners[{number}] ({name})"
        shares = table["share_bps"]
        components = ("principal", "interest", "fee")
        self._keys(shares, f"{place}.share_bps", components)
        low_balance = (
            self._amount(table, "low_balance", f"{place}.", decimals)
            if "low_balance" in table
            else 0
        )
        return Partner(
            number=number,
            name=name,
            shares=Shares(
                **{
                    component: self._integer(shares, component, f"{place}.share_bps.", WHOLE_BPS)
                    for component in components
                }
            ),
            low_balance=low_balance,
        )

    def _check_names(self, facility: Facility) -> None:
        seen = {facility.lead}
        for partner in facility.partners:
            place = f"partners[{partner.number}].name"
            if partner.name == facility.lead:
                self._fail(place, f"{partner.name!r} is the lead", "Name another bank")
            if partner.name in seen:
                self._fail(place, f"{partner.name!r} is named twice", "Name each partner once")
            seen.add(partner.name)

    def _check_shares(self, facility: Facility) -> None:
        for component in Component:
            total = sum(partner.shares.of(component) for partner in facility.partners)
            if total > WHOLE_BPS:
                self._fail(
                    "share_bps",
                    f"the {component.name.lower()} shares add up to {total}, "
                    f"more than {WHOLE_BPS} basis points",
                    "Lower them; what is left of 10000 is the lead's",
                )
            self._check_bounds(facility, component, WHOLE_BPS - total)

    def _check_bounds(self, facility: Facility, component: Component, rest: int) -> None:
        bounds, name = facility.bounds, component.name.lower()
        if rest < bounds.least_lead:
            self._fail(
                "bounds.least_lead_share_bps",
                f"is {bounds.least_lead}, and the {name} shares leave the lead {rest}",
                "Lower the bound or the partners' shares",
            )
        for partner in facility.partners:
            share = partner.shares.of(component)
            if 0 < bounds.largest_partner < share:
                self._fail(
                    "bounds.largest_partner_share_bps",
                    f"is {bounds.largest_partner}, and the {name} share of {partner.name} is "
                    f"{share}",
                    "Lower the share, or leave the bound out",
                )

    def _time_zone(self, document: dict[str, Any]) -> str:
        name = self._text(document, "time_zone")
        try:
            ZoneInfo(name)
        # A name that is a path or a folder fails in other ways than one that is not there.
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._fail(
                "time_zone",
                f"{name!r} is no time zone",
                "Use a name of the IANA list, like Asia/Shanghai",
            )
        return name

    def _cut_off(self, document: dict[str, Any]) -> time:
        text = self._text(document, "cut_off")
        try:
            cut_off = datetime.strptime(text, "%H:%M:%S").time()  # noqa: DTZ007 - a local time
        except ValueError:
            cut_off = None
        # strptime takes single digits and other scripts' digits, too.
        if cut_off is None or cut_off.isoformat() != text:
            self._fail("cut_off", f"{text!r} is no time of day", 'Write it as "23:59:59"')
        return cut_off

    def _keys(
        self, table: Any, place: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> None:
        if not isinstance(table, dict):
            keys = ", ".join(required + optional)
            self._fail(place, "must be a table", f"Give it the keys {keys}")
        for key in table:
            if key not in required and key not in optional:
                self._fail(
                    f"{place}.{key}" if place else key,
                    "is an unknown key",
                    f"The keys here are {', '.join(required + optional)}",
                )
        for key in required:
            if key not in table:
                self._fail(f"{place}.{key}" if place else key, "is missing", "Add it")

    def _text(self, table: dict[str, Any], key: str, prefix: str = "") -> str:
        value = table[key]
        if not isinstance(value, str):
            self._fail(prefix + key, "must be a text", f'Write it in quotes: {key} = "..."')
        return value

    def _name(self, table: dict[str, Any], key: str, prefix: str = "") -> str:
        value = self._text(table, key, prefix)
        if not (0 < len(value) <= MAX_NAME and value.isprintable()):
            self._fail(
                prefix + key, f"must be 1 to {MAX_NAME} printable characters", "Choose another"
            )
        return value

    def _integer(self, table: dict[str, Any], key: str, prefix: str, most: int) -> int:
        value = table[key]
        if type(value) is not int or not 0 <= value <= most:
            self._fail(
                prefix + key,
                f"{value!r} is no whole number from 0 to {most}",
                "Write it without quotes",
            )
        return value

    def _amount(self, table: dict[str, Any], key: str, prefix: str, decimals: int) -> int:
        text = self._text(table, key, prefix)
        try:
            return parse_bound(text, decimals)
        except AmountError as error:
            self._fail(prefix + key, f"{text!r} {error}", "Write currency units, like 0.01")

    def _fail(self, key: str, what: str, remedy: str) -> NoReturn:
        raise FacilityFault(f"{key} {what}" if key else what, where=self._where, remedy=remedy)
