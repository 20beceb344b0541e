"""The facility file: TOML that the banks of a facility have agreed on, and the same terms as they
are filled in elsewhere."""

import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from app.domain.business_date import known_zone
from app.domain.currencies import currency_decimals
from app.domain.errors import FacilityFault
from app.domain.facility import (
    EARLIEST_DAY,
    MAX_NAME,
    MAX_PARTNERS,
    Bounds,
    Facility,
    Partner,
    Rules,
    Shares,
    Split,
)
from app.domain.kinds import Component
from app.domain.matching.splits import WHOLE_BPS
from app.domain.money import AmountError, parse_bound

_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_facility(text: str, *, where: str = "facility") -> Facility:
    """Parse a facility's TOML; `where` names it in errors. Raises FacilityFault with all faults
    that are seen at once."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FacilityFault(
            f"this is not TOML: {error}",
            where=where,
            remedy="app/local/demo/facility.toml is an example",
        ) from None
    return facility_of(document, where=where)


def facility_of(document: dict[str, Any], *, where: str = "facility") -> Facility:
    """The facility of a document with the file's keys. Raises FacilityFault as `parse_facility`."""
    try:
        file = _File.model_validate(document)
        faults = list(_wrong_together(file))
    except ValidationError as invalid:
        faults = [_explained(one, document) for one in invalid.errors(include_url=False)]
    if faults:
        remedies = dict.fromkeys(remedy for _, remedy in faults)
        raise FacilityFault(
            "; ".join(what for what, _ in faults), where=where, remedy=". ".join(remedies)
        )
    return _facility(file)


# What a value may be. A fault is a text and its remedy.


def _fault(what: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError("fault", "{what}", {"what": what, "remedy": remedy})


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _fault("must be a text", 'Write it in quotes: "..."')
    return value


def _id(text: str) -> str:
    if _ID.fullmatch(text) is None:
        raise _fault(
            f"{text!r} must be 1 to {MAX_NAME} of A-Z a-z 0-9 . _ - and not begin with a point",
            "Choose another: it stands in addresses and file names",
        )
    return text


def _name(text: str) -> str:
    if not (0 < len(text) <= MAX_NAME and text.isprintable()):
        raise _fault(f"must be 1 to {MAX_NAME} printable characters", "Choose another")
    return text


def _currency(code: str) -> str:
    try:
        currency_decimals(code)
    except ValueError as error:
        raise _fault(str(error), "Use the code of a currency in ISO 4217, like CNY") from None
    return code


def _time_zone(name: str) -> str:
    if known_zone(name) is None:
        raise _fault(f"{name!r} is no time zone", "Use a name of the IANA list, like Asia/Shanghai")
    return name


def _cut_off(value: object) -> time:
    text = _text(value)
    try:
        cut_off = datetime.strptime(text, "%H:%M:%S").time()  # noqa: DTZ007 - a local time
    except ValueError:
        cut_off = None
    # strptime takes single digits and other scripts' digits, too.
    if cut_off is None or cut_off.isoformat() != text:
        raise _fault(f"{text!r} is no time of day", 'Write it as "23:59:59"')
    return cut_off


def _split(value: object) -> str:
    if value not in ("contract", "lead"):
        raise _fault(
            f"{value!r} says nobody who splits", 'Write "contract", or "lead", or leave it out'
        )
    return str(value)


def _first_day(value: object) -> int:
    text = _text(value)
    try:
        day = date.fromisoformat(text).toordinal() if _DATE.fullmatch(text) else 0
    except ValueError:
        day = 0
    if not day:
        raise _fault(f"{text!r} is no date", 'Write it as "2016-01-31"')
    if day < EARLIEST_DAY:
        earliest = date.fromordinal(EARLIEST_DAY)
        raise _fault(f"{text} is before {earliest}", f"Leave it out: no date before {earliest} is")
    return day


def _some_partners(value: object) -> object:
    if not isinstance(value, list) or not value:
        raise _fault("there is no partner", "Add a [[partners]] table for each")
    if len(value) > MAX_PARTNERS:
        raise _fault(
            f"there are {len(value)} partners, at most {MAX_PARTNERS} are possible",
            "Make several facilities of it",
        )
    return value


_Text = Annotated[str, BeforeValidator(_text)]
_Name = Annotated[_Text, AfterValidator(_name)]
_MOST = {"date_window_days": 2**16 - 1, "match_deadline_hours": (2**32 - 1) // 3600}
"""The largest whole numbers of the rules; all others of the file are basis points."""


class _Table(BaseModel):
    """A table of the file. Its amounts stay texts until the currency is known to be one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Rules(_Table):
    amount_tolerance: _Text
    date_window_days: Annotated[int, Field(strict=True, ge=0, le=_MOST["date_window_days"])]
    match_deadline_hours: Annotated[int, Field(strict=True, ge=0, le=_MOST["match_deadline_hours"])]


class _Partner(_Table):
    name: _Name
    share_bps: Shares
    low_balance: _Text = "0"


class _File(_Table):
    id: Annotated[_Text, AfterValidator(_id)]
    lead: _Name
    currency: Annotated[_Text, AfterValidator(_currency)]
    time_zone: Annotated[_Text, AfterValidator(_time_zone)]
    cut_off: Annotated[time, BeforeValidator(_cut_off)]
    split: Annotated[Split, BeforeValidator(_split)] = "contract"
    first_day: Annotated[int, BeforeValidator(_first_day)] = EARLIEST_DAY
    rules: _Rules
    partners: Annotated[list[_Partner], BeforeValidator(_some_partners)]
    bounds: Bounds = Bounds()


_TABLES: dict[str, type] = {
    "": _File,
    "rules": _Rules,
    "partners": _Partner,
    "share_bps": Shares,
    "bounds": Bounds,
}


# What is wrong in a file: each fault is what is said of it, and its remedy.

_Fault = tuple[str, str]


def _explained(error: ErrorDetails, document: dict[str, Any]) -> _Fault:
    """A fault that pydantic found, with its key as the file's reader knows it."""
    path, given = error["loc"], error["input"]
    key = _key(path, document)
    match error["type"]:
        case "missing":
            return f"{key} is missing", "Add it"
        case "extra_forbidden" | "unexpected_keyword_argument":
            return f"{key} is an unknown key", f"The keys here are {_keys_of(path[:-1])}"
        case "model_type" | "dataclass_type":
            return f"{key} must be a table", f"Give it the keys {_keys_of(path)}"
        case "int_type" | "greater_than_equal" | "less_than_equal":
            most = _MOST.get(str(path[-1]), WHOLE_BPS)
            return f"{key} {given!r} is no whole number from 0 to {most}", "Write it without quotes"
        case _:
            return f"{key} {error['msg']}", str(error.get("ctx", {}).get("remedy", "Mend it"))


def _key(path: tuple[int | str, ...], document: dict[str, Any]) -> str:
    """`partners[2] (luoyang).share_bps.fee`: a partner by its place, from 1, and its name."""
    if len(path) < 2 or path[0] != "partners":
        return ".".join(str(part) for part in path)
    place = int(path[1])
    table = document["partners"][place]
    name = (
        table.get("name") if isinstance(table, dict) and path[2:] not in ((), ("name",)) else None
    )
    shown = f" ({name})" if isinstance(name, str) and name.isprintable() else ""
    return ".".join([f"partners[{place + 1}]{shown}", *(str(part) for part in path[2:])])


def _keys_of(path: tuple[int | str, ...]) -> str:
    names = [str(part) for part in path if isinstance(part, str)]
    table = _TABLES[names[-1] if names else ""]
    fields = table.model_fields if issubclass(table, BaseModel) else table.__annotations__
    return ", ".join(fields)


def _wrong_together(file: _File) -> Iterator[_Fault]:
    """What is wrong in a file whose values are each as they should be."""
    yield from _wrong_amounts(file)
    yield from _wrong_names(file)
    yield from _wrong_shares(file)


def _wrong_amounts(file: _File) -> Iterator[_Fault]:
    amounts = {"rules.amount_tolerance": file.rules.amount_tolerance}
    for place, partner in enumerate(file.partners, 1):
        amounts[f"partners[{place}] ({partner.name}).low_balance"] = partner.low_balance
    for key, text in amounts.items():
        try:
            parse_bound(text, currency_decimals(file.currency))
        except AmountError as error:
            yield f"{key} {text!r} {error}", "Write currency units, like 0.01"


def _wrong_names(file: _File) -> Iterator[_Fault]:
    seen = {file.lead}
    for place, partner in enumerate(file.partners, 1):
        key = f"partners[{place}].name"
        if partner.name == file.lead:
            yield f"{key} {partner.name!r} is the lead", "Name another bank"
        elif partner.name in seen:
            yield f"{key} {partner.name!r} is named twice", "Name each partner once"
        seen.add(partner.name)


def _wrong_shares(file: _File) -> Iterator[_Fault]:
    bounds = file.bounds
    for component in Component:
        name = component.name.lower()
        total = sum(partner.share_bps.of(component) for partner in file.partners)
        if total > WHOLE_BPS:
            yield (
                f"share_bps: the {name} shares add up to {total}, more than {WHOLE_BPS}",
                f"Lower them; what is left of {WHOLE_BPS} basis points is the lead's",
            )
        elif WHOLE_BPS - total < bounds.least_lead_share_bps:
            yield (
                f"bounds.least_lead_share_bps is {bounds.least_lead_share_bps}, and the {name} "
                f"shares leave the lead {WHOLE_BPS - total}",
                "Lower the bound or the partners' shares",
            )
        for partner in file.partners:
            share = partner.share_bps.of(component)
            if 0 < bounds.largest_partner_share_bps < share:
                yield (
                    "bounds.largest_partner_share_bps is "
                    f"{bounds.largest_partner_share_bps}, and the {name} share of "
                    f"{partner.name} is {share}",
                    "Lower the share, or leave the bound out",
                )


def _facility(file: _File) -> Facility:
    decimals = currency_decimals(file.currency)
    return Facility(
        id=file.id,
        lead=file.lead,
        currency=file.currency,
        decimals=decimals,
        time_zone=file.time_zone,
        cut_off=file.cut_off,
        rules=Rules(
            parse_bound(file.rules.amount_tolerance, decimals),
            file.rules.date_window_days,
            file.rules.match_deadline_hours,
        ),
        partners=tuple(
            Partner(place, one.name, one.share_bps, parse_bound(one.low_balance, decimals))
            for place, one in enumerate(file.partners, 1)
        ),
        bounds=file.bounds,
        split=file.split,
        first_day=file.first_day,
    )
