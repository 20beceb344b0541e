"""The pages on which holds, a facility's terms and what the consortium decides are acted on: each
with what waits, and the forms that prepare an act for another person's signature."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.http.context import Context
from app.http.signed_in import SignedIn, person_of
from app.locale import N_, _, said
from app.people.person import Person
from app.prepared_acts.agreement_facts import change_facts, facility_facts
from app.prepared_acts.kinds import Facts
from app.prepared_acts.lifecycle import WAITING
from app.prepared_acts.store import list_acts
from app.presentation.accounts import hold_out
from app.presentation.common import money_of
from app.readmodel.accounts.holds import holds
from app.readmodel.directory import directory
from app.readmodel.facilities.agreed import AgreedFacility, agreed_facility, known_facility
from app.readmodel.facilities.history import ChangeRow, facility_history
from app.web.act_forms import (
    MEMBERS_READ_IT,
    NOTHING_REFUSED,
    ActForm,
    FormChoice,
    FormField,
    Refused,
    prepare_as_asked,
)
from app.web.act_view import act_view, may_prepare
from app.web.consortium_forms import consortium_forms, own_keys
from app.web.forms import Filled, Form
from app.web.new_facility import asked_terms, new_facility_form
from app.web.pages import Pages
from app.web.site import Site
from app.web.text import ref_text

_MOST = 50
_MOST_HOLDS = 200

FacilityId = Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page is about. `here`: its place in the navigation; `kinds`: how its acts' names
    begin; `facts`: how it stands, None where there is no such thing."""

    title: str
    here: str
    address: str
    kinds: str
    forms: Callable[[Connection], Sequence[ActForm]]
    facts: Callable[[Connection], Facts | None] = lambda _: {}
    facility: str | None = None


class ActPages:
    """Shows the page of a subject, and prepares what its forms ask."""

    def __init__(self, context: Context, site: Site, pages: Pages) -> None:
        self._context = context
        self._site = site
        self._pages = pages

    def show(
        self, request: Request, subject: Subject, refused: Refused = NOTHING_REFUSED
    ) -> Response:
        person = person_of(request)

        def look(connection: Connection, now: datetime) -> dict[str, Any]:
            facts = subject.facts(connection)
            if facts is None:
                return {"facts": None}
            waiting = list_acts(
                connection,
                states=WAITING,
                kinds=subject.kinds,
                facility=subject.facility,
                limit=_MOST,
            )
            held = (
                holds(connection, state="active", limit=_MOST_HOLDS)
                if subject.here == "holds"
                else []
            )
            is_consortium = subject.here == "consortium"
            return {
                "title": said(subject.title),
                "here": subject.here,
                "address": subject.address,
                "facts": facts,
                "holds": [hold_out(one, money_of(connection)) for one in held],
                "own_keys": own_keys(connection, self._context.bank) if is_consortium else [],
                "waiting": [act_view(connection, self._context, one, person) for one in waiting],
                "forms": _filled(subject.forms(connection), refused)
                if may_prepare(self._context, person)
                else [],
                "signs": self._context.acts.signs,
            }

        return self._pages.show(request, "act_on.html", look, refused.status)

    def prepare(
        self,
        request: Request,
        person: Person,
        form: Form,
        subject: Subject,
        given: Mapping[str, Any] | None = None,
    ) -> Response:
        """`given`: what is asked that is no field of the form."""
        made = prepare_as_asked(request, self._context, person, form, given)
        if isinstance(made, Refused):
            return self.show(request, subject, made)
        return RedirectResponse(f"{self._site.root}/acts/{made.number}", 303)


def add_agreement_acts(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    """Their routes."""
    act_pages = ActPages(context, site, pages)
    holds_ = Subject(
        N_("Holds"),
        "holds",
        "holds",
        "holds.",
        lambda connection: list(_hold_forms(connection, context.bank)),
    )
    consortium = Subject(
        N_("Votes and emergency stops"),
        "consortium",
        "consortium/acts",
        "consortium.",
        lambda connection: list(consortium_forms(connection, context)),
    )

    new_facility = Subject(
        N_("A new facility"),
        "facilities",
        "new-facility",
        "facilities.propose",
        lambda connection: new_facility_form(connection, context.bank),
    )

    def facility_(id_: str) -> Subject:
        def facts(connection: Connection) -> Facts | None:
            known = agreed_facility(connection, id_)
            return None if known is None else facility_facts(context.acts.view, id_)

        return Subject(
            id_,
            "facilities",
            f"facilities/{quote(id_, safe='')}/acts",
            "facilities.",
            lambda connection: _facility_forms(connection, context, id_),
            facts,
            id_,
        )

    _add_subject(router, act_pages, holds_)
    _add_subject(router, act_pages, consortium)

    @router.get("/new-facility")
    def new_facility_page(request: Request) -> Response:
        return act_pages.show(request, new_facility)

    @router.post("/new-facility")
    def propose_facility(request: Request, person: SignedIn, form: Filled) -> Response:
        terms = asked_terms(form, context.bank)
        return act_pages.prepare(request, person, form, new_facility, {"terms": terms})

    @router.get("/facilities/{facility}/acts")
    def facility_page(request: Request, facility: FacilityId) -> Response:
        return act_pages.show(request, facility_(facility))

    @router.post("/facilities/{facility}/acts")
    def act_on_facility(
        request: Request, facility: FacilityId, person: SignedIn, form: Filled
    ) -> Response:
        return act_pages.prepare(request, person, form, facility_(facility))


def _add_subject(router: APIRouter, act_pages: ActPages, subject: Subject) -> None:
    """The page of what there is one of, and its forms."""

    @router.get(f"/{subject.address}")
    def page(request: Request) -> Response:
        return act_pages.show(request, subject)

    @router.post(f"/{subject.address}")
    def act(request: Request, person: SignedIn, form: Filled) -> Response:
        return act_pages.prepare(request, person, form, subject)


def _filled(forms: Sequence[ActForm], refused: Refused) -> list[ActForm]:
    """The forms; the one that was refused with what was typed, and why."""
    sent = refused.typed.fields.get("form")
    return [
        replace(one, typed=refused.typed, error=refused.error)
        if one.hidden["form"] == sent
        else one
        for one in forms
    ]


def _hold_forms(connection: Connection, bank: str) -> Iterator[ActForm]:
    led = [one for one in directory(connection).facilities.values() if one.lead == bank]
    led = [one for one in led if one.state in ("active", "paused")]
    if led:
        partners = sorted({partner.name for one in led for partner in one.partners})
        yield ActForm(
            "holds",
            _("Hold the parts of a drawdown"),
            _(
                "Each partner’s part is reserved before the drawdown is paid out; nothing is held "
                "where one of them is above what is available."
            ),
            [FormChoice("holds.place", _("hold them"))],
            {"form": "place"},
            fields=(
                FormField(
                    "facility", _("Facility"), kind="select", options=[(f.id, f.id) for f in led]
                ),
                FormField(
                    "event_ref", _("Drawdown"), _("its event_ref in the feeds"), required=True
                ),
                FormField("amount", _("Amount"), _("the whole, in its currency"), required=True),
                FormField(
                    "partner",
                    _("Partner"),
                    _("only where the lead splits by itself"),
                    "select",
                    [("", _("All, by their shares")), *((one, one) for one in partners)],
                ),
                FormField("hours", _("Hours"), _("24 if left empty, at most 720"), "number"),
            ),
        )
    seen: set[tuple[str, str]] = set()
    for one in holds(connection, state="active", limit=_MOST_HOLDS):
        known = (one.facility, one.reference)
        facility = directory(connection).facility(one.facility)
        is_ours = facility is not None and facility.lead == bank
        if known in seen or not (is_ours or one.overdue):
            continue
        seen.add(known)
        name = ref_text(one)
        query = urlencode({"facility": one.facility, "reference": one.reference})
        yield ActForm(
            "holds",
            _("Release %(name)s", name=name),
            _("What is held for it in %(facility)s.", facility=one.facility),
            [FormChoice(f"holds.release?{query}", _("release it"))],
            {"form": f"release-{one.reference}"},
        )


def _facility_forms(connection: Connection, context: Context, id_: str) -> Sequence[ActForm]:
    known = known_facility(connection, id_)
    if context.bank not in known.terms.banks or known.state in ("closed", "withdrawn"):
        return []
    names = directory(connection)
    history = facility_history(connection, names, known.number)
    address = f"facilities/{quote(id_, safe='')}/acts"
    seen = {"facility": id_, "seen": json.dumps(facility_facts(context.acts.view, id_))}
    if known.state == "proposed":
        return list(_proposed_facility(known, context.bank, address, seen))
    return [
        *(
            _change_form(context, one, known, address)
            for one in history.changes
            if one.state == "open"
        ),
        *_terms_forms(known, context.bank, address, seen),
    ]


def _proposed_facility(
    known: AgreedFacility, bank: str, address: str, seen: dict[str, str]
) -> Iterator[ActForm]:
    if bank == known.terms.lead:
        yield ActForm(
            address,
            _("Take it back"),
            _("Its partners have not all accepted it yet."),
            [FormChoice("facilities.withdraw", _("take it back"))],
            seen | {"form": "proposed"},
        )
    elif bank in known.waiting_for and known.terms_hash is not None:
        yield ActForm(
            address,
            _("Answer %(bank)s", bank=known.terms.lead),
            _("The terms are those above; the signature is over their hash."),
            [
                FormChoice("facilities.accept", _("accept it")),
                FormChoice("facilities.decline", _("decline it")),
            ],
            seen | {"form": "proposed", "terms_hash": "0x" + known.terms_hash.hex()},
            reason_for=_("Needed to decline. %(note)s", note=_(MEMBERS_READ_IT)),
        )


def _change_form(
    context: Context, change: ChangeRow, known: AgreedFacility, address: str
) -> ActForm:
    facts = change_facts(context.acts.view, known.terms.id, change.number)
    choices = []
    if context.bank == change.proposer:
        choices.append(FormChoice("facilities.withdraw_change", _("take it back")))
    elif context.bank in change.waits_for:
        choices.append(FormChoice("facilities.accept_change", _("accept it")))
    else:
        choices.append(
            FormChoice("facilities.enact_change", _("bring it into force, where who waits is gone"))
        )
    waits = ", ".join(change.waits_for) or _("nobody")
    return ActForm(
        address,
        _("Change %(number)s: %(kind)s", number=change.number, kind=said(change.kind)),
        _(
            "%(facts)s. Still to accept it: %(waits)s.",
            facts="; ".join(map(said, facts.values())),
            waits=waits,
        ),
        choices,
        {
            "form": f"change-{change.number}",
            "facility": known.terms.id,
            "change": str(change.number),
            "change_hash": "0x" + change.hash.hex(),
            "seen": json.dumps(facts),
        },
    )


def _terms_forms(
    known: AgreedFacility, bank: str, address: str, seen: dict[str, str]
) -> Iterator[ActForm]:
    first_day = FormField(
        "first_day", _("From"), _("more than 30 days after the chain’s day"), "date", required=True
    )
    yield ActForm(
        address,
        _("Propose new rules"),
        _(
            "What is left empty stays as it is. They take effect once every party has accepted "
            "them."
        ),
        [FormChoice("facilities.propose_rules", _("propose them"))],
        seen | {"form": "rules"},
        reason_for=_(MEMBERS_READ_IT),
        fields=(
            first_day,
            FormField("tolerance", _("Tolerance in %(currency)s", currency=known.terms.currency)),
            FormField("window_days", _("Date window in days"), kind="number"),
            FormField("deadline_hours", _("Match deadline in hours"), kind="number"),
            FormField(
                "cut_off",
                _("Cut-off"),
                _(
                    "local time in %(zone)s",
                    zone=known.terms.time_zone,
                ),
                "time",
            ),
        ),
    )
    yield ActForm(
        address,
        _("Propose new shares"),
        _("Who is not named keeps what it has; the rest is the lead’s."),
        [FormChoice("facilities.propose_shares", _("propose them"))],
        seen | {"form": "shares"},
        reason_for=_(MEMBERS_READ_IT),
        fields=(
            first_day,
            FormField(
                "shares",
                _("Shares"),
                _("one a line: NAME=PRINCIPAL/INTEREST/FEE in basis points"),
                "textarea",
                required=True,
            ),
        ),
    )
    stops = [FormChoice("facilities.propose_close", _("propose to close it for ever"))]
    if bank not in known.paused_by:
        stops.insert(0, FormChoice("facilities.pause", _("stop the posting")))
    yield ActForm(
        address,
        _("Stop or close it"),
        _("A pause of this bank ends when it resumes, or after 7 days by another party."),
        stops,
        seen | {"form": "stop"},
        reason_for=_(MEMBERS_READ_IT),
    )
    if known.paused_by:
        yield ActForm(
            address,
            _("Let the posting go on"),
            _("This bank’s own pause; another party’s after 7 days."),
            [
                FormChoice(
                    f"facilities.resume?{urlencode({'of': one})}",
                    _("lift the pause of %(one)s", one=one),
                )
                for one in known.paused_by
            ],
            seen | {"form": "resume"},
        )
