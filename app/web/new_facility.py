"""The form by which a lead proposes a facility; it asks for what the facility file has."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from app.locale import _
from app.readmodel.consortium.queries import list_members
from app.web.act_forms import ActForm, FormChoice, FormField
from app.web.forms import Form

_TEXTS = ("id", "currency", "time_zone", "cut_off", "split")
_BOUNDS = ("least_lead_share_bps", "largest_partner_share_bps")


def new_facility_form(connection: Connection, bank: str) -> Sequence[ActForm]:
    """For a bank that may lead one."""
    members = list_members(connection)
    others = [one.name for one in members if one.votes and one.name != bank]
    if not any(one.name == bank and one.votes and one.role == "lead" for one in members):
        return []
    return [
        ActForm(
            "new-facility",
            _("Propose a facility"),
            _(
                "This bank leads it. It is in force once every partner has accepted it; the terms "
                "are those of the facility file, and are checked as it is."
            ),
            [FormChoice("facilities.propose", _("propose it"))],
            {"form": "new"},
            fields=(
                FormField("id", _("Facility"), _("its name in feeds and addresses"), required=True),
                FormField("currency", _("Currency"), _("as CNY"), required=True),
                FormField(
                    "partners",
                    _("Partners"),
                    _(
                        "one a line: NAME=PRINCIPAL/INTEREST/FEE in basis points, then the balance "
                        "below which it is warned, as huarui=8000/8000/0 50000.00. Banks: "
                        "%(banks)s",
                        banks=", ".join(others),
                    ),
                    "textarea",
                    required=True,
                ),
                FormField("time_zone", _("Time zone"), _("as Asia/Shanghai"), required=True),
                FormField("cut_off", _("Cut-off"), _("local time"), "time", required=True),
                FormField("amount_tolerance", _("Tolerance"), _("in its currency"), required=True),
                FormField(
                    "date_window_days", _("Date window in days"), kind="number", required=True
                ),
                FormField(
                    "match_deadline_hours",
                    _("Match deadline in hours"),
                    kind="number",
                    required=True,
                ),
                FormField(
                    "split",
                    _("Who splits"),
                    kind="select",
                    options=[
                        ("contract", _("the contract, by the shares")),
                        ("lead", _("the lead’s core banking")),
                    ],
                ),
                FormField(
                    "first_day", _("First day"), _("no date before it is; may be empty"), "date"
                ),
                FormField(
                    "least_lead_share_bps",
                    _("Least share of the lead"),
                    _("basis points; empty for no bound"),
                    "number",
                ),
                FormField(
                    "largest_partner_share_bps",
                    _("Largest share of a partner"),
                    _("basis points; empty for no bound"),
                    "number",
                ),
            ),
        )
    ]


def asked_terms(form: Form, bank: str) -> Mapping[str, Any]:
    """What was filled in, by the keys of the facility file; judged by nobody yet."""
    terms: dict[str, Any] = {name: form.text(name).strip() for name in _TEXTS}
    if terms["cut_off"].count(":") == 1:  # browsers leave seconds out that are 0
        terms["cut_off"] += ":00"
    if first_day := form.text("first_day").strip():
        terms["first_day"] = first_day
    return terms | {
        "lead": bank,
        "rules": {
            "amount_tolerance": form.text("amount_tolerance").strip(),
            "date_window_days": _number(form.text("date_window_days")),
            "match_deadline_hours": _number(form.text("match_deadline_hours")),
        },
        "bounds": {name: _number(form.text(name)) for name in _BOUNDS if form.text(name).strip()},
        "partners": [_partner(line) for line in form.text("partners").splitlines() if line.strip()],
    }


def _partner(line: str) -> dict[str, Any]:
    name, _equals, rest = line.strip().rpartition("=")
    shares, _space, low_balance = rest.strip().partition(" ")
    each = [_number(one) for one in shares.split("/")]
    found: dict[str, Any] = {"name": name.strip()}
    if low_balance.strip():
        found["low_balance"] = low_balance.strip()
    if len(each) == 1:
        each *= 3
    return found | {"share_bps": dict(zip(("principal", "interest", "fee"), each, strict=False))}


def _number(text: str) -> int | str:
    """What is no number is left for the checks to name."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else text
