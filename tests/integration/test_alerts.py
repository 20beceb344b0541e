"""Alerts of one bank: raised and ended from the read model, worked on by people, mailed, told."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from sqlalchemy import Engine, delete, insert, select, update

from app.alerts import mails as mails_module
from app.alerts.judge import NodeFacts, Stopped
from app.alerts.kinds import AlertKind, Rule
from app.alerts.mails import MailSettings, set_settings
from app.alerts.rules import set_rule
from app.alerts.smtp import AlertMails, MailServer
from app.alerts.store import count_waiting, listed_alerts
from app.alerts.tables import alert_log, alert_mails, alert_watch, raised_alerts
from app.alerts.watch import AlertWatch
from app.audit.tables import audit_trail
from app.db.clock import stamp
from app.db.engine import create
from app.domain.errors import StorageFault, UsageFault
from app.domain.kinds import Kind
from app.people.person import Person
from app.people.tables import people
from app.processes import free_port
from app.readmodel import tables
from deploy import tls
from tests.integration.faces import Face, add_test_person, csrf_of, face
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path_factory.mktemp('alerts') / 'bank.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_cluster").url("postgres")
    opened = create(url, vault=VAULT)
    yield opened
    opened.dispose()


class Bank:
    """A bank with one reserve account that its tests move, and the node's watch over it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.seed = Seed(engine, partners=("huarui",), low_balance=100_00)
        self.behind = False
        self.news = 0
        self.known = NodeFacts(feeds={})
        self.watch = self.restarted()
        self.top_up(200_00)

    def restarted(self) -> AlertWatch:
        self.watch = AlertWatch(
            self.engine,
            "webank",
            lambda: self.behind,
            lambda connection: self.known,
            lambda: self.news,
        )
        return self.watch

    def top_up(self, amount: int) -> None:
        """Both halves of a movement of the account's books, and a look at it."""
        account = self.seed.accounts[1]
        account.lead_book += amount
        account.partner_book += amount
        account.agreed += amount
        self.next_block()

    def next_block(self) -> None:
        with self.engine.begin() as connection:
            self.seed.close_block(connection)
        self.news += 1
        self.watch.look()

    def open(self) -> list[str]:
        with self.engine.connect() as connection:
            return sorted(
                one.kind.value for one in listed_alerts(connection, status="open", limit=99)
            )

    def changes(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(
                connection.execute(select(alert_log.c.change).order_by(alert_log.c.id)).scalars()
            )

    def age(self, **by: int) -> None:
        """As if all that happened had happened earlier."""
        with self.engine.begin() as connection:
            for row in connection.execute(select(raised_alerts)).all():
                earlier = datetime.fromisoformat(row.raised_at) - timedelta(**by)
                connection.execute(
                    update(raised_alerts)
                    .where(raised_alerts.c.number == row.number)
                    .values(raised_at=stamp(earlier))
                )
        self.next_block()

    def later(self) -> None:
        """As if what waits to be mailed had waited, and what ended had ended long ago."""
        with self.engine.begin() as connection:
            long_ago = stamp(datetime.now(UTC) - timedelta(hours=2))
            connection.execute(update(alert_mails).values(due_at=long_ago))
            connection.execute(
                update(raised_alerts)
                .where(raised_alerts.c.ended_at.is_not(None))
                .values(ended_at=long_ago)
            )


@pytest.fixture
def bank(engine: Engine) -> Bank:
    return Bank(engine)


def test_a_block_without_news_is_no_reason_to_look_and_news_are_one_at_once(bank: Bank) -> None:
    account = bank.seed.accounts[1]
    account.lead_book -= 300_00
    account.partner_book -= 300_00
    account.agreed -= 300_00
    with bank.engine.begin() as connection:
        bank.seed.close_block(connection)
    bank.watch.look()
    assert bank.open() == []
    bank.news += 1
    bank.watch.look()
    assert bank.open() == ["shortfall"]


def test_a_top_up_ends_a_shortfall_and_one_alert_stands_for_one_cause(bank: Bank) -> None:
    assert bank.open() == []
    bank.top_up(-300_00)
    assert bank.open() == ["shortfall"]
    bank.top_up(-1_00)
    bank.restarted().look()
    assert bank.changes() == ["raised"]
    bank.top_up(150_00)
    assert bank.open() == ["low_balance"]
    bank.top_up(500_00)
    assert bank.open() == []
    assert bank.changes() == ["raised", "ended", "raised", "ended"]


def test_breaks_and_days_raise_alerts_by_the_chains_clock(bank: Bank) -> None:
    day = START.date() - timedelta(days=3)
    with bank.engine.begin() as connection:
        rule = Rule(amounts={"CNY": "3.17"})
        set_rule(connection, AlertKind.LARGE_BREAK, rule)
        bank.seed.pair(connection, 1, Kind.TOP_UP, "A", 100_00, "amount", day=day)
        bank.seed.pair(connection, 1, Kind.TOP_UP, "B", 100_00, "missing_at_partner", day=day)
    bank.next_block()
    assert bank.open() == ["day_not_closed", "large_break"]
    with bank.engine.begin() as connection:
        bank.seed.close_block(connection, seconds=2 * 24 * 3600)
        bank.seed.close_block(connection)
    bank.restarted().look()  # time alone is no news
    assert bank.open() == ["day_not_closed", "large_break", "overdue_break"]
    with bank.engine.connect() as connection:
        found = {one.kind: one.details for one in listed_alerts(connection, limit=9)}
    assert found[AlertKind.DAY_NOT_CLOSED]["day"] == day.isoformat()
    assert found[AlertKind.OVERDUE_BREAK]["breaks"] == 1
    assert found[AlertKind.LARGE_BREAK]["difference"] == "100.00"


def test_a_view_that_is_made_anew_tells_nothing_twice(bank: Bank) -> None:
    bank.top_up(-300_00)
    with bank.engine.begin() as connection:
        connection.execute(delete(alert_watch))
        connection.execute(insert(alert_watch).values(id=1, block_number=bank.seed.block))
    # The rebuilt view begins below the block that was judged, with books that are whole again.
    with bank.engine.begin() as connection:
        connection.execute(update(tables.cursor).values(block_number=3))
        connection.execute(update(tables.accounts).values(lead_book=0, partner_book=0))
    bank.restarted().look()
    assert bank.open() == ["shortfall"]
    bank.behind = True
    bank.top_up(900_00)
    assert bank.open() == ["shortfall"]
    bank.behind = False
    bank.next_block()
    assert bank.changes() == ["raised", "ended"]


def test_what_the_node_knows_of_itself_is_raised_before_the_first_block(bank: Bank) -> None:
    with bank.engine.begin() as connection:
        connection.execute(delete(tables.cursor))
    bank.known = NodeFacts(feeds={}, stopped=[Stopped("F", "batch 1: " + "x" * 9_999)])
    bank.restarted().look()
    assert bank.open() == ["batch_stopped"]


class TestPeople:
    @pytest.fixture
    def node(self, bank: Bank) -> Iterator[Face]:
        bank.top_up(-300_00)
        with face(bank.engine) as served:
            yield served

    def number(self, bank: Bank) -> int:
        with bank.engine.connect() as connection:
            return listed_alerts(connection, limit=1)[0].number

    def test_one_who_acknowledges_it_keeps_it_from_being_escalated(
        self, bank: Bank, node: Face
    ) -> None:
        client, path = node.signed_in("officer"), f"/alerts/{self.number(bank)}"
        page = client.get("/").text
        assert 'id="alerts-count"' in page and ">1<" in page.split('id="alerts-count"')[1][:200]
        form = {"csrf": csrf_of(page), "act": "acknowledge", "note": HOSTILE}
        assert client.post(path, data=form).status_code == 303
        shown = client.get(path).text
        assert HOSTILE not in shown and "&lt;script&gt;" in shown
        assert 'hx-swap="outerHTML" hidden' in client.get("/alerts/count").text
        bank.age(hours=5)
        assert bank.changes() == ["raised", "acknowledged"]
        with bank.engine.connect() as connection:
            rows = connection.execute(select(audit_trail.c.act, audit_trail.c.actor)).all()
        assert "alert.acknowledged" in {row.act for row in rows}
        assert any(row.actor.startswith("person:") for row in rows)

    def test_by_rest_with_a_session_and_its_token(self, bank: Bank, node: Face) -> None:
        number = self.number(bank)
        client = node.signed_in("officer")
        token = csrf_of(client.get("/").text)
        path = f"/v1/alerts/{number}:snooze"
        assert client.post(path, json={"minutes": 30}).status_code == 403
        client.headers["X-CSRF-Token"] = token
        assert client.post(path, json={"minutes": 0}).status_code == 422
        answer = client.post(path, json={"minutes": 30, "note": "known"})
        assert answer.status_code == 200
        assert answer.json()["snoozed_until"] is not None
        with bank.engine.connect() as connection:
            assert count_waiting(connection) == 0
        assert client.post("/v1/alerts/99999:acknowledge", json={}).status_code == 404
        viewer = node.signed_in("viewer")
        viewer.headers["X-CSRF-Token"] = csrf_of(viewer.get("/").text)
        assert viewer.post(path, json={"minutes": 30}).status_code == 403
        (item,) = viewer.get("/v1/alerts?status=open&kind=shortfall").json()["items"]
        assert [one["change"] for one in item["changes"]] == ["raised", "snoozed"]
        assert "short by 100.00 CNY" in item["text"]
        assert node.client("read").get("/v1/alerts?status=ended").json()["items"] == []
        assert node.client("metrics").get("/v1/alerts").status_code == 403
        # When the time is over it counts again, and is told again.
        with bank.engine.begin() as connection:
            ago = stamp(datetime.now(UTC) - timedelta(minutes=1))
            connection.execute(update(raised_alerts).values(snoozed_until=ago))
        bank.next_block()
        assert bank.changes() == ["raised", "snoozed", "woken"]
        bank.top_up(900_00)
        gone = client.post(path, json={"minutes": 30})
        assert gone.status_code == 422 and "has ended" in gone.json()["detail"]

    def test_pages_by_cursor(self, bank: Bank, node: Face) -> None:
        for _ in range(2):
            bank.top_up(900_00)
            bank.later()
            bank.top_up(-900_00)
        client, seen, cursor = node.client("read"), [], None
        while True:
            asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            answer = client.get("/v1/alerts", params=asked).json()
            seen += [one["number"] for one in answer["items"]]
            if (cursor := answer["next"]) is None:
                break
        assert len(seen) == 3 and seen == sorted(seen, reverse=True)

    def test_rules_are_changed_by_who_may_and_checked(self, bank: Bank, node: Face) -> None:
        officer, viewer = node.signed_in("officer"), node.signed_in("viewer")
        form = {"kind": "shortfall", "escalate_minutes": "5", "escalate_to": "auditor"}
        token = csrf_of(viewer.get("/").text)
        assert viewer.post("/alerts/rules", data=form | {"csrf": token}).status_code == 403
        form["csrf"] = csrf_of(officer.get("/alerts/rules").text)
        for wrong in (
            {"kind": "no"}, {"escalate_minutes": "-1"}, {"escalate_minutes": "9" * 7},
            {"escalate_to": "boss"}, {"currency": "CNY", "amount-CNY": "5"},
        ):  # fmt: skip
            assert officer.post("/alerts/rules", data=form | wrong).status_code == 422, wrong
        large = {"kind": "large_break", "currency": "CNY", "amount-CNY": "1e9", "enabled": "yes"}
        refused = officer.post("/alerts/rules", data=form | large)
        assert refused.status_code == 422 and "no amount" in refused.text
        assert officer.post("/alerts/rules", data=form).status_code == 303
        bank.next_block()
        assert bank.open() == ["low_balance"]  # shortfalls are switched off
        assert 'value="5"' in officer.get("/alerts/rules").text

    def test_who_is_not_signed_in_sees_none(self, node: Face) -> None:
        client = node.client(None)
        for path in ("/alerts", "/alerts/1", "/alerts/rules", "/alerts/mails"):
            assert client.get(path).status_code == 303
        assert client.get("/alerts/count").status_code == 401
        assert client.get("/v1/alerts").status_code == 401
        assert node.signed_in("viewer").get("/alerts/99999").status_code == 404


class Inbox:
    """A mail server; `refuses` of it says no to everything, `breaks_at` closes the connection at
    one address, `unknown` is one that it does not know."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.to: list[str] = []
        self.refuses = False
        self.breaks_at = ""
        self.unknown = ""

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address == self.breaks_at:
            server.transport.close()
        if address == self.unknown:
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuses:
            return "451 4.3.0 not now"
        self.mails.append(message_from_bytes(envelope.content))
        self.to += envelope.rcpt_tos
        return "250 OK"


@pytest.mark.any_database
class TestMails:
    @pytest.fixture
    def inbox(self) -> Iterator[Inbox]:
        inbox = Inbox()
        self.port = free_port()
        controller = Controller(inbox, hostname="127.0.0.1", port=self.port)
        controller.start()
        yield inbox
        controller.stop()

    def sender(self, bank: Bank) -> AlertMails:
        server = MailServer("127.0.0.1", self.port, "none", "tally@bank.example", page="https://n/")
        return AlertMails(bank.engine, "webank", server)

    def reader(
        self, bank: Bank, role: str = "viewer", *, digest: bool = False, kinds: Any = AlertKind
    ) -> Person:
        with bank.engine.begin() as connection:
            person = add_test_person(connection, (role,))
            settings = MailSettings(f"{person.name}@bank.example", frozenset(kinds), digest)
            set_settings(connection, person, settings, ["bank.example"])
        return person

    def test_it_is_mailed_once_to_who_wants_it(self, bank: Bank, inbox: Inbox) -> None:
        wants = self.reader(bank)
        self.reader(bank, kinds=[AlertKind.PROOF])
        self.reader(bank, digest=True)
        bank.top_up(-300_00)
        self.sender(bank).look()
        self.sender(bank).look()
        assert inbox.to == [f"{wants.name}@bank.example"]
        (mail,) = inbox.mails
        assert mail["Subject"] == "webank: Shortfall, WLD-2016-A/huarui (Raised)"
        assert "short by 100.00 CNY" in mail.get_payload()
        assert "https://n/alerts" in mail.get_payload()
        bank.top_up(900_00)
        self.sender(bank).look()
        assert len(inbox.mails) == 1  # it may be back at once
        bank.later()
        self.sender(bank).look()
        assert any("(Ended)" in one["Subject"] for one in inbox.mails)

    def test_what_is_back_within_minutes_is_one_alert_and_one_mail(
        self, bank: Bank, inbox: Inbox
    ) -> None:
        self.reader(bank)
        for _ in range(3):
            bank.top_up(-300_00)
            bank.top_up(300_00)
            self.sender(bank).look()
        bank.top_up(-300_00)
        bank.later()
        self.sender(bank).look()
        assert [one["Subject"][-8:] for one in inbox.mails] == ["(Raised)"]
        with bank.engine.connect() as connection:
            (alert,) = listed_alerts(connection, limit=9)
        assert alert.ended_at is None

    def test_what_is_refused_comes_later_under_the_same_id(self, bank: Bank, inbox: Inbox) -> None:
        self.reader(bank)
        bank.top_up(-300_00)
        inbox.refuses = True
        with pytest.raises(StorageFault):
            self.sender(bank).look()
        with bank.engine.begin() as connection:
            row = connection.execute(select(alert_mails)).one()
            assert (row.state, row.attempts, row.fault) == ("waiting", 1, "SMTPDataError 451")
            assert row.due_at > stamp(datetime.now(UTC))
            connection.execute(update(alert_mails).values(due_at=stamp(START)))
        inbox.refuses = False
        self.sender(bank).look()
        assert inbox.mails[0]["Message-ID"] == row.message_id

    @pytest.mark.parametrize(("trouble", "looks"), [("unknown", 1), ("breaks_at", 2)])
    def test_a_bad_recipient_holds_up_nobody_else(
        self, bank: Bank, inbox: Inbox, trouble: str, looks: int
    ) -> None:
        bad, *others = [self.reader(bank) for _ in range(3)]
        setattr(inbox, trouble, f"{bad.name}@bank.example")
        bank.top_up(-300_00)
        with pytest.raises(StorageFault):
            self.sender(bank).look()
        for _ in range(looks - 1):
            self.sender(bank).look()
        assert inbox.to == [f"{one.name}@bank.example" for one in others]

    def test_no_storm_of_mails(
        self, bank: Bank, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mails_module, "MOST_MAILS_AN_HOUR", 2)
        self.reader(bank)
        for _ in range(4):
            bank.top_up(-300_00)
            self.sender(bank).look()
            bank.top_up(300_00)
            bank.later()
        assert len(inbox.mails) == 2
        with bank.engine.begin() as connection:  # an hour later
            ago = stamp(datetime.now(UTC) - timedelta(hours=2))
            connection.execute(update(alert_mails).values(due_at=ago))
            connection.execute(
                update(alert_mails).where(alert_mails.c.state == "sent").values(sent_at=ago)
            )
        self.sender(bank).look()
        assert len(inbox.mails) == 3
        assert "5 changes" in inbox.mails[2]["Subject"]

    def test_it_is_escalated_to_the_role_of_the_rule(self, bank: Bank, inbox: Inbox) -> None:
        approver = self.reader(bank, "approver", kinds=())
        bank.top_up(-300_00)
        self.sender(bank).look()
        assert inbox.to == []
        bank.age(hours=1)
        self.sender(bank).look()
        assert inbox.to == [f"{approver.name}@bank.example"]
        assert "nobody has acknowledged it" in inbox.mails[0]["Subject"]

    def test_over_tls_with_a_password_of_a_file(self, bank: Bank, tmp_path: Path) -> None:
        tls.make_authority(tmp_path / "ca")
        made = tls.issue(tmp_path / "ca", "mail", tmp_path / "mail", ["localhost"])
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made.server, made.server_key)
        inbox, port, seen = Inbox(), free_port(), []

        def known(server: Any, session: Any, envelope: Any, mechanism: Any, data: Any) -> Any:
            seen.append((data.login, data.password))
            return AuthResult(success=data.password == b"let me in", handled=False)

        controller = Controller(
            inbox, hostname="localhost", port=port, tls_context=context, require_starttls=True,
            auth_required=True, authenticator=known, auth_exclude_mechanism=["LOGIN"],
        )  # fmt: skip
        controller.start()
        password = tmp_path / "password"
        server = MailServer(
            "localhost", port, "starttls", "tally@bank.example", "tally", password, made.ca
        )
        try:
            self.reader(bank)
            bank.top_up(-300_00)
            for text, ca in (("wrong\n", made.ca), ("let me in\n", None)):
                password.write_text(text)
                with pytest.raises(StorageFault) as refused:
                    AlertMails(bank.engine, "webank", replace(server, ca=ca)).look()
                assert "wrong" not in str(refused.value) and inbox.mails == []
                with bank.engine.begin() as connection:
                    connection.execute(update(alert_mails).values(due_at=stamp(START)))
            assert len(seen) == 1  # to whom nobody vouches for, no password is shown
            password.write_text("let me in\n")
            AlertMails(bank.engine, "webank", server).look()
        finally:
            controller.stop()
        assert len(inbox.mails) == 1

    def test_who_is_disabled_is_mailed_no_more(self, bank: Bank, inbox: Inbox) -> None:
        self.reader(bank)
        bank.top_up(-300_00)
        with bank.engine.begin() as connection:
            connection.execute(update(people).values(disabled_at=stamp(START)))
        self.sender(bank).look()
        assert inbox.mails == []

    @pytest.mark.parametrize(
        "address",
        ["", "a@elsewhere.example", "a@bank.example.evil", "a@bank.example\nBcc: b@c.d",
         "a b@bank.example", "a@bank.example, b@x.y", "<a@bank.example>"],
    )  # fmt: skip
    def test_an_address_outside_the_bank_is_refused(self, bank: Bank, address: str) -> None:
        with bank.engine.begin() as connection:
            person = add_test_person(connection, ("viewer",))
            with pytest.raises(UsageFault):
                set_settings(
                    connection, person, MailSettings(address, frozenset()), ["bank.example"]
                )
