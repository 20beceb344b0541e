"""Preparing and withdrawing acts that another person signs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from app.actions.facilities import ProposeFacility
from app.actions.holds import ReleaseHolds
from app.actions.view import View
from app.chain.rpc import Rpc
from app.domain.errors import ChainFault, InputFault, UsageFault
from app.people.person import Person
from app.prepared_acts import store
from app.prepared_acts.errors import ActConflict, SigningIsOff
from app.prepared_acts.facts import changes, facts_of
from app.prepared_acts.kinds import Content, Facts
from app.prepared_acts.lifecycle import State
from app.prepared_acts.requests import Request
from app.prepared_acts.rights import check_may
from app.prepared_acts.store import PreparedAct
from app.prepared_acts.upgrade_code import code_facts
from app.readmodel.pairs import queries

EXPIRES_AFTER = timedelta(days=3)
"""How long an act waits for its signature."""


@dataclass(slots=True)
class Batch:
    """What became of many acts that were to be prepared together. `number`: that of the batch, None
    where none was; `refused`: each with what was wrong."""

    number: int | None
    prepared: list[int]
    refused: list[tuple[Request, InputFault]]


class PreparedActs:
    """The acts that people of one bank prepare. `view`: what they are checked against; `signs`:
    whether this node has an approver key; without one, nothing is prepared. Safe for threads."""

    def __init__(self, view: View, rpc: Rpc, *, signs: bool) -> None:
        self.view = view
        self.signs = signs
        self._rpc = rpc

    def prepare(
        self,
        person: Person,
        request: Request,
        shown: Facts | None = None,
        batch: int | None = None,
        on_prepared: Callable[[Connection, int], None] | None = None,
    ) -> PreparedAct:
        """Prepare an act for another person's signature. `shown`: the facts that the person saw;
        `batch`: the first act of those that it is prepared with; `on_prepared`: called with its
        number in the transaction that stores it.

        Raises NotAllowed, SigningIsOff, ActConflict where something has changed since, or another
        act about the same waits, and UsageFault for what cannot be asked.
        """
        check_may(person, "prepare")
        if not self.signs:
            raise SigningIsOff
        asked = request.asked(self.view)
        facts = facts_of(asked, self.view)
        if shown is not None and (changed := changes(shown, facts)):
            raise ActConflict(
                "overtaken",
                f"{asked.subject} has changed since it was shown: {'; '.join(changed)}",
                remedy="Look at it again",
            )
        try:
            facts |= code_facts(self.view, self._rpc, asked)
        except ChainFault:
            raise UsageFault(
                "the code that the upgrade would bring cannot be read from the chain now",
                remedy="Try again once the chain answers",
            ) from None
        content = Content(request.act, asked, facts, person.id)
        facility, partner, pair = _about(self.view, asked)
        if not isinstance(asked, ProposeFacility):  # which has no parties yet
            _check_party(self.view, facility, partner)
        now = datetime.now(UTC)
        store.expire(self.view.engine, now)
        with self.view.engine.begin() as connection:
            waiting = store.waiting_of(connection, asked.subject)
            if waiting is not None:
                raise ActConflict(
                    "waiting-already",
                    f"act {waiting.number} about {waiting.subject} waits already, prepared by "
                    f"{waiting.log[0].person_name}",
                    remedy="Sign it or withdraw it first",
                )
            number = store.add(
                connection,
                content,
                person,
                facility=facility,
                partner=partner,
                pair=pair,
                batch=batch,
                expires_at=now + EXPIRES_AFTER,
            )
            if on_prepared is not None:
                on_prepared(connection, number)
            made = store.one_act(connection, number)
        store.log_state(made, person)
        return made

    def prepare_batch(self, person: Person, requests: Sequence[Request]) -> Batch:
        """Prepare many acts, each on its own, to be signed together. Raises NotAllowed,
        SigningIsOff, and UsageFault for more than are signed together, and for acts about anything
        but breaks; what is refused of one act stands beside it."""
        check_may(person, "prepare")
        if not self.signs:
            raise SigningIsOff
        if len(requests) > store.MOST_IN_BATCH:
            raise UsageFault(
                f"{len(requests):,} acts are more than the {store.MOST_IN_BATCH} of one batch",
                remedy="Prepare them in several",
            )
        if any(not request.act.startswith("breaks.") for request in requests):
            raise UsageFault(
                "acts about breaks alone are prepared together: who signs sees them in one list",
                remedy="Prepare the others one by one",
            )
        made = Batch(None, [], [])
        for request in requests:
            try:
                act = self.prepare(person, request, batch=made.number)
            except InputFault as fault:
                made.refused.append((request, fault))
                continue
            if made.number is None:
                made.number = act.number
                with self.view.engine.begin() as connection:
                    store.begin_batch(connection, act.number)
            made.prepared.append(act.number)
        return made

    def withdraw(self, person: Person, number: int) -> PreparedAct:
        """Take an act back that nobody has signed. Raises NotAllowed, UnknownAct, ActConflict."""
        check_may(person, "prepare", "sign")
        store.expire(self.view.engine, datetime.now(UTC))
        with self.view.engine.begin() as connection:
            act = store.one_act(connection, number)
            if not store.move(connection, number, State.PREPARED, State.WITHDRAWN, person=person):
                raise store.not_waiting(act)
            withdrawn = store.one_act(connection, number)
        store.log_state(withdrawn, person)
        return withdrawn


def _check_party(view: View, facility: str | None, partner: str | None) -> None:
    """Raises UsageFault where this bank has no part in the facility, or in the account."""
    if facility is None:
        return
    terms, bank = view.facility(facility).terms, view.bank
    if partner is not None and bank not in (terms.lead, partner):
        raise UsageFault(
            f"{bank} is no party of {partner}'s account in {facility}",
            remedy="Its lead and that partner act about it",
        )
    if bank not in terms.banks:
        raise UsageFault(f"{bank} is no party of {facility}", remedy="Its parties act about it")


def _about(view: View, asked: object) -> tuple[str | None, str | None, int | None]:
    """Facility, partner and, of a break, the number of its pair; None where it has none."""
    account = getattr(asked, "account", None)
    if account is not None:
        return account.facility, account.partner, None
    if isinstance(asked, ProposeFacility):
        return asked.terms.id, None, None
    if isinstance(asked, ReleaseHolds):
        return view.names().facility_id(asked.holds[0].facility), None, None
    facility: str | None = getattr(asked, "facility", None)
    number: int | None = getattr(asked, "number", None)
    if facility is not None or number is None:
        return facility, getattr(asked, "partner", None), None
    with view.engine.connect() as connection:
        pair = queries.pair(connection, number)
    assert pair is not None, "what was asked was found"
    return pair.facility, pair.partner, number
