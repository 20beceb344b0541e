"""What a lead may propose alone, in every node's view at once: terms that no bank would mean.

The contracts know no time zones, no calendar and no list of currencies.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time

import pytest
from sqlalchemy import Engine

from app.actions.facilities import AcceptFacility, accept
from app.actions.facility_terms import Party, new_terms
from app.actions.view import View
from app.alerts.judge import NodeFacts
from app.alerts.watch import AlertWatch
from app.config import load_config
from app.db.engine import create, upgrade
from app.doctor.storage import check_facilities
from app.domain.errors import UsageFault
from app.domain.facility import Facility, Partner, Rules, Shares
from app.intake.validation import Validator
from app.readmodel.facilities.agreed import known_facility
from deploy.consortium import write_config
from tests.integration.faces import face
from tests.integration.posted import Event, World
from tests.integration.vaults import VAULT

BANK = "huarui"
TOP_UP = 6
TERMS: dict[str, dict[str, object]] = {
    # The first in every list of facilities.
    "0-no-such-zone": {"timeZone": "Mars/Olympus"},
    "1-a-path": {"timeZone": "../../etc/passwd"},
    "2-a-folder": {"timeZone": "America"},
    "3-other-decimals": {"decimals": 0},
    "4-no-currency": {"currency": "QQQ"},
    "5-no-first-day": {"firstDay": 2**24 - 1},
    "6-no-reference-key": {"sealedReferenceKey": b"rubbish"},
}


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    opened = create(sqlite_url, vault=VAULT)
    upgrade(opened)
    yield opened
    opened.dispose()


def propose(world: World, id_: str, **changed: object) -> None:
    """A facility like the others, but for what is changed."""
    terms = Facility(
        id=id_,
        lead=world.lead,
        currency="CNY",
        decimals=2,
        time_zone="Asia/Shanghai",
        cut_off=time(23, 59, 59),
        rules=Rules(0, 0, 24),
        partners=(Partner(1, BANK, Shares(8000, 8000, 8000), 0),),
    )
    parties = {
        name: Party(world.numbers[name], world.folder.public_keys(name).sealing)
        for name in (world.lead, BANK)
    }
    proposed = new_terms(terms, parties, [])
    for key, value in changed.items():
        (proposed if key in proposed else proposed["partners"][0])[key] = value
    world.signer(world.lead).send(world.registry.propose(proposed))


def test_they_take_nothing_from_view(world: World, engine: Engine) -> None:
    """Pages, REST and alerts of the facilities that are in force go on."""
    for bank in (world.lead, BANK):
        partner = 1 if bank == world.lead else 0
        world.post(bank, Event(TOP_UP, "T-1", 12_345, partner=partner))
    for id_, changed in TERMS.items():
        propose(world, id_, **changed)
    world.indexer(BANK, engine).advance()

    watch = AlertWatch(engine, BANK, lambda: False, lambda _: NodeFacts({}), object)
    watch.look()
    with face(engine, bank=BANK, member=world.numbers[BANK], role="partner") as node:
        reader, officer = node.client("read"), node.signed_in("officer")
        pages = ["/", "/forecast", "/wall", "/facilities", f"/accounts/{world.facility_id}/{BANK}"]
        for id_ in TERMS:
            pages += [f"/facilities/{id_}", f"/accounts/{id_}/{BANK}", f"/forecast/{id_}/{BANK}"]
        answers = {page: officer.get(page) for page in pages}
        answers |= {path: reader.get(path) for path in ("/v1/forecasts", "/v1/balances")}
    assert {page: one.status_code for page, one in answers.items() if not one.is_success} == {}
    assert ">123.45<" in answers["/"].text


def test_what_has_other_decimals_is_summed_apart(
    world: World, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a facility that two banks have brought into force all the same."""
    for facility, amount in ((world.facility_id, 12_345), ("3-other-decimals", 5)):
        if facility != world.facility_id:
            propose(world, facility, **TERMS[facility])
            number = world.registry.facility_number(facility)
            terms_hash = world.registry.terms_hash(world.registry.terms(number))
            world.signer(BANK).send(world.registry.accept(number, terms_hash))
            monkeypatch.setattr(world, "facility", number)
            monkeypatch.setattr(world, "sequences", {})
        world.post(world.lead, Event(TOP_UP, "T-1", amount, partner=1))
        world.post(BANK, Event(TOP_UP, "T-1", amount))
    world.indexer(BANK, engine).advance()
    with face(engine, bank=BANK, member=world.numbers[BANK], role="partner") as node:
        home = node.signed_in("officer").get("/").text
    assert ">123.45<" in home
    assert "123.50" not in home


@pytest.mark.parametrize("id_", TERMS)
def test_nobody_accepts_them_here(world: World, engine: Engine, id_: str) -> None:
    propose(world, id_, **TERMS[id_])
    world.indexer(BANK, engine).advance()
    with engine.connect() as connection:
        known = known_facility(connection, id_)
    view = View(engine, BANK, lambda: world.sealing_keys(BANK))
    with pytest.raises(UsageFault, match="cannot be accepted"):
        accept(
            AcceptFacility(id_, known.terms_hash or b""),
            view,
            world.registry,
            world.signer(BANK),
        )


@pytest.mark.parametrize("id_", ["0-no-such-zone", "5-no-first-day"])
def test_no_row_is_judged_by_them(world: World, engine: Engine, id_: str) -> None:
    """A bank that accepted them elsewhere is told so by name."""
    propose(world, id_, **TERMS[id_])
    world.indexer(BANK, engine).advance()
    with engine.connect() as connection:
        terms = known_facility(connection, id_).terms
    with pytest.raises(UsageFault, match="can be judged"):
        Validator(terms, BANK)


def test_doctor_blames_no_key_of_this_bank_for_them(world: World, engine: Engine) -> None:
    propose(world, "6-no-reference-key", **TERMS["6-no-reference-key"])
    world.indexer(BANK, engine).advance()
    write_config(world.folder, BANK, rpc=world.rpc.url, port=1)
    found = list(check_facilities(load_config(world.folder.config(BANK)), engine))
    assert [(one.check, one.level) for one in found] == [(f"facility {world.facility_id}", "ok")]


def test_what_a_lead_proposes_without_end_is_nobodys_work(world: World, engine: Engine) -> None:
    """The newest few of each lead are shown unasked, the rest by their ids alone."""
    for number in range(9):
        propose(world, f"F-{number}")
    world.indexer(BANK, engine).advance()
    with face(engine, bank=BANK, member=world.numbers[BANK], role="partner") as node:
        reader, officer = node.client("read"), node.signed_in("officer")
        shown = [one["facility"] for one in reader.get("/v1/balances").json()["items"]]
        home = officer.get("/").text
        by_id = {page: officer.get(page) for page in ("/facilities/F-0", f"/accounts/F-0/{BANK}")}
        asked = reader.get("/v1/forecasts", params={"facility": "F-0"})
    assert shown == [world.facility_id, *(f"F-{number}" for number in range(4, 9))]
    assert "F-4" in home
    assert "F-3" not in home
    assert {page: one.status_code for page, one in by_id.items() if not one.is_success} == {}
    assert [one["facility"] for one in asked.json()["items"]] == ["F-0"]
