"""Amounts and times as people read them."""

import re
from datetime import UTC, date, datetime
from typing import Protocol

from markupsafe import Markup

from app.domain.errors import TallyError
from app.domain.money import format_amount
from app.intake.accept import BULK_NAME
from app.locale import _, capital, ngettext, said
from app.presentation.prepared_acts import EffectOut


class Named(Protocol):
    """A pair, leg or hold: it names an event."""

    @property
    def event_ref(self) -> str | None: ...
    @property
    def reference(self) -> str: ...


def money(minor: int, decimals: int) -> str:
    """An amount for people: thousands grouped, a true minus sign."""
    text = format_amount(abs(minor), decimals)
    whole, point, fraction = text.partition(".")
    return f"{'−' if minor < 0 else ''}{int(whole):,}{point}{fraction}"


def signed_money(minor: int, decimals: int) -> str:
    """The same with its sign, but for zero."""
    return f"{'+' if minor > 0 else ''}{money(minor, decimals)}"


def grouped(amount: str) -> str:
    """Decimal text as `money` has it, alone or before its currency; other text as it is."""
    found = re.match(r"(-?\d+(?:\.\d+)?)(?= [A-Z]{3}\b|$)", amount)
    if not found:
        return amount
    figure = found[1]
    minor, decimals = int(figure.replace(".", "")), len(figure.partition(".")[2])
    return f"{money(minor, decimals)}{amount[found.end() :]}"


def moves_text(effect: EffectOut, currency: str = "") -> list[str]:
    """What a resolution moves, in words; the agreed amount in its currency, where that is given."""

    def signed(amount: str) -> str:
        is_more = amount.strip("0.") and not amount.startswith("-")
        return f"{'+' if is_more else ''}{grouped(amount)}"

    found = [
        f"{label} {signed(amount)}"
        for label, amount in (
            (_("Lead book"), effect.lead_moved),
            (_("Partner book"), effect.partner_moved),
            (_("Accepted difference"), effect.accepted_difference),
        )
        if amount.strip("-0.")
    ]
    agreed = f"{signed(effect.agreed)} {currency}".rstrip()
    return [*(found or [_("No book moves")]), _("Agreed %(amount)s", amount=agreed)]


def whole(count: int) -> str:
    """A count for people: thousands grouped."""
    return f"{count:,}"


def ago(seconds: int) -> str:
    """How long ago, in one unit; the page's script counts on in the same words."""
    in_seconds, in_minutes, in_hours, in_days = ago_texts()
    if seconds < 60:
        return in_seconds.replace("#", str(seconds))
    if seconds < 3600:
        return in_minutes.replace("#", str(seconds // 60))
    if seconds < 172_800:
        return in_hours.replace("#", str(seconds // 3600))
    return in_days.replace("#", str(seconds // 86_400))


def ago_texts() -> list[str]:
    """The texts of `ago` with # for the number: seconds, minutes, hours, days (two or more)."""
    return [_("# s ago"), _("# min ago"), _("# h ago"), _("# days ago")]


def days(count: int) -> str:
    return ngettext("%(num)s day", "%(num)s days", count)


def sentence(text: str) -> str:
    """What went wrong, in the reader's language, with a capital first letter and a full stop."""
    return capital(said(text)) + _(".")


def said_fault(fault: TallyError) -> str:
    """What went wrong and what to do about it, in the reader's language."""
    return capital(said(f"{fault.what}. {fault.remedy}" if fault.remedy else fault.what))


def feed_name(name: str) -> str:
    """A feed's name: of a file its own; what the node has named itself in the reader's words."""
    if name == BULK_NAME:
        return _("bulk by REST")
    pushed = re.fullmatch(r"pushed (\d{4}-\d{2}-\d{2})", name)
    return _("pushed %(day)s", day=pushed[1]) if pushed else name


def ref_text(named: Named) -> str:
    """The event's reference; where this node cannot open it, its hash on the chain, cut short."""
    return named.event_ref or f"#{named.reference[:12]}…"


def weekday(day: date) -> str:
    return (
        _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"),
        _("Sunday"),
    )[day.weekday()]  # fmt: skip


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(instant: datetime | str) -> str:
    """An instant, or text of `iso`, as people read it; that it is UTC is said beside it."""
    text = instant if isinstance(instant, str) else iso(instant)
    return text.replace("T", " ").removesuffix("Z")


def at(instant: datetime | str) -> Markup:
    """The same as an element of a page."""
    text = instant if isinstance(instant, str) else iso(instant)
    return Markup('<time datetime="{}">{}</time>').format(text, moment(text))


def minute(stamp: str) -> str:
    """A time as the tables of people keep it, to the minute."""
    return stamp[:16].replace("T", " ")


def words(name: str) -> str:
    """An event's name as words: `MemberAdmitted` is "member admitted"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def seconds_since(moment: datetime, now: datetime) -> int:
    return max(0, int((now - moment).total_seconds()))
