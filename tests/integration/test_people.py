"""People: how they enrol and sign in, their sessions, their roles, and what the trail says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_hex

import httpx
import pytest
from argon2 import PasswordHasher
from pyotp import TOTP
from sqlalchemy import Connection, Engine, delete, select, text, update

from app.audit.tables import audit_trail
from app.db.clock import now, stamp
from app.domain.errors import UsageFault
from app.people import attempts, passwords, second_factor
from app.people.administration import (
    Administrator,
    add_person,
    disable,
    give_enrolment,
    revoke_session,
    set_roles,
)
from app.people.command_line import begin_by_code, make_code
from app.people.development import (
    DEVELOPMENT_PASSWORD,
    add_development_people,
    development_names,
)
from app.people.enrolment import enrol, open_enrolment
from app.people.names import looks
from app.people.oidc.sign_out import end_provider_sessions, provider_session
from app.people.passwords import matches
from app.people.person import Person, roles_of
from app.people.roles import ROLES
from app.people.second_factor import verify_code
from app.people.sessions import STANDARD_LENGTHS, Sessions, begin_session, lock_person
from app.people.sign_in import AnotherCodeWaits, SignIn
from app.people.tables import failed_attempts, people, sessions
from tests.integration.faces import (
    Credentials,
    Face,
    add_test_person,
    csrf_of,
    enrolled,
    face,
)
from tests.integration.posting import await_true
from tests.integration.seeded import Seed

BY = Administrator("command:test")
COOKIE = "tally_session_1"


@pytest.fixture(scope="module")
def engine(seed: Seed) -> Engine:
    return seed.engine


@pytest.fixture(scope="module")
def served(engine: Engine) -> Iterator[Face]:
    with face(engine) as node:
        yield node


@pytest.fixture
def node(served: Face) -> Face:
    """A node that nobody has failed to sign in to."""
    with served.engine.begin() as connection:
        connection.execute(delete(failed_attempts))
    return served


def trail(engine: Engine) -> list[tuple[str, str, str]]:
    """Actor, act and outcome of every row."""
    with engine.connect() as connection:
        rows = connection.execute(select(audit_trail).order_by(audit_trail.c.number))
        return [(row.actor, row.act, row.outcome) for row in rows]


def code_at(somebody: Credentials, at: datetime) -> str:
    return TOTP(somebody.secret).at(at)


def verify(
    engine: Engine, somebody: Credentials, code: str, at: datetime, development: bool = False
) -> bool:
    with engine.begin() as connection:
        return verify_code(connection, somebody.person.id, code, at, development=development)


class TestSecondFactor:
    def test_a_code_opens_once_and_no_older_one_after_it(self, engine: Engine) -> None:
        somebody, at = enrolled(engine, "viewer"), now()
        assert verify(engine, somebody, code_at(somebody, at), at)
        assert not verify(engine, somebody, code_at(somebody, at), at)
        assert not verify(engine, somebody, code_at(somebody, at - timedelta(seconds=30)), at)

    @pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (1, True), (2, False)])
    def test_a_clock_may_be_off_by_one_step(self, engine: Engine, steps: int, taken: bool) -> None:
        somebody, at = enrolled(engine, "viewer"), now()
        code = code_at(somebody, at + timedelta(seconds=30 * steps))
        assert verify(engine, somebody, code, at) is taken

    def test_a_recovery_code_opens_once_and_for_its_owner_alone(self, engine: Engine) -> None:
        one, other = enrolled(engine, "viewer"), enrolled(engine, "viewer")
        code = one.recovery[3].upper()
        assert not verify(engine, other, code, now())
        assert verify(engine, one, code, now())
        assert not verify(engine, one, code, now())

    @pytest.mark.parametrize(
        "code", ["", "000000", "12345", "1234567", "１２３４５６", "x" * 99, "💶"]
    )
    def test_what_is_no_code(self, engine: Engine, code: str) -> None:
        assert not verify(engine, enrolled(engine, "viewer"), code, now(), development=True)

    def test_a_secret_does_not_lie_open_in_the_database(self, engine: Engine) -> None:
        somebody = enrolled(engine, "viewer")
        with engine.connect() as connection:
            row = connection.execute(select(people).where(people.c.id == somebody.person.id)).one()
        assert somebody.secret.encode() not in row.totp_secret
        assert row.password_hash.startswith("$argon2id$")

    def test_passwords_take_the_work_that_is_recommended(
        self, real_hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(passwords, "_hasher", real_hasher)
        made = passwords.hashed("correct horse battery")
        assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")  # RFC 9106: 64 MiB, 3 passes
        assert matches(made, "correct horse battery")
        assert not matches(made, "correct horse batterie")


class TestSigningIn:
    def test_all_three_must_be_right_and_the_answer_does_not_say_which(self, node: Face) -> None:
        somebody = enrolled(node.engine, "viewer")
        right = somebody.form()
        answers = []
        for wrong in ({"name": "nobody"}, {"password": "wrong password"}, {"code": "000000"}):
            answers.append(node.client(None).post("/login", data=right | wrong))
        assert {one.status_code for one in answers} == {401}
        assert len({one.text.replace("nobody", somebody.name) for one in answers}) == 1
        assert all("set-cookie" not in one.headers for one in answers)

    def test_a_new_session_each_time_and_the_old_one_ends(self, node: Face) -> None:
        somebody, client = enrolled(node.engine, "viewer"), node.client(None)
        planted = "planted-by-somebody-else"
        client.cookies.set(COOKIE, planted)
        client.post("/login", data=somebody.form())
        first = client.cookies.get(COOKIE, domain="127.0.0.1")
        assert first and first != planted
        client.post("/login", data=somebody.form() | {"code": somebody.recovery[0]})
        assert httpx.get(node.url, cookies={COOKIE: first}).status_code == 303

    def test_it_leads_back_to_the_page_and_to_no_other_site(self, node: Face) -> None:
        somebody = enrolled(node.engine, "viewer")
        for to, expected in (
            ("/breaks/5", "/breaks/5"),
            ("//evil.example/", "/"),
            ("https://evil.example/", "/"),
            ("/\\evil.example", "/"),
            ("/\t/evil.example", "/"),
        ):
            form = somebody.form() | {"code": somebody.recovery.pop(), "next": to}
            answer = node.client(None).post("/login", data=form)
            assert (answer.status_code, answer.headers["location"]) == (303, expected)

    def test_the_trail_has_each_attempt_and_no_name_that_is_nobodys(self, node: Face) -> None:
        somebody = enrolled(node.engine, "viewer")
        client = node.client(None)
        client.post("/login", data=somebody.form() | {"name": "my secret password"})
        client.post("/login", data=somebody.form() | {"password": "wrong"})
        client.post("/login", data=somebody.form())
        actor = f"person:{somebody.name}"
        assert trail(node.engine)[-3:] == [
            ("nobody", "sign-in", "refused"),
            (actor, "sign-in", "refused"),
            (actor, "sign-in", "done"),
        ]

    def test_who_is_disabled_signs_in_no_more(self, node: Face) -> None:
        somebody, client = enrolled(node.engine, "viewer"), node.client(None)
        client.post("/login", data=somebody.form())
        assert client.get("/").status_code == 200
        with node.engine.begin() as connection:
            disable(connection, BY, somebody.person.id)
        assert client.get("/").status_code == 303
        form = somebody.form() | {"code": somebody.recovery[0]}
        assert client.post("/login", data=form).status_code == 401

    def test_development_people_sign_in_to_development_networks_alone(self, engine: Engine) -> None:
        with engine.begin() as connection:
            add_development_people(connection)
            add_development_people(connection)
            assert development_names(connection) == [*ROLES, "second-administrator"]
        form = {"name": "officer", "password": DEVELOPMENT_PASSWORD, "code": "000000"}
        for development, status in ((True, 303), (False, 401)):
            with face(engine, development=development) as node:
                client = node.client(None)
                shown = client.get("/login").text
                assert (DEVELOPMENT_PASSWORD in shown) is development
                remote = client.get("/login", headers={"Host": "bank.example"}).text
                assert DEVELOPMENT_PASSWORD not in remote
                assert client.post("/login", data=form).status_code == status
                if development:
                    page = client.get("/administration")
                    assert page.status_code == 403 and "officer" in page.text
        with engine.begin() as connection:
            officer = select(people.c.id).where(people.c.name == "officer")
            person_id = connection.execute(officer).scalar_one()
            token = begin_session(connection, person_id, now(), address="", agent="")
        assert Sessions(engine, development=True).find(token) is not None
        assert Sessions(engine, development=False).find(token) is None


def test_people_and_failures_on_both_databases(database: Engine) -> None:
    somebody, sign_in = enrolled(database, "viewer"), SignIn(database, development=False)
    with database.begin() as connection, pytest.raises(UsageFault, match="already"):
        add_person(connection, BY, somebody.name, "Another", ["viewer"])
    refused = [sign_in.sign_in(somebody.name, "x", "y", address="a", agent="") for _ in range(4)]
    assert refused == [None] * 4
    assert sign_in.wait(somebody.name, "b") == sign_in.wait("nobody", "a") == 1.0
    token = sign_in.sign_in(**somebody.form(), address="a", agent="")
    assert token is not None
    opened = Sessions(database, development=False)
    found = opened.find(token)
    assert found is not None and found.person == somebody.person
    opened.end(token)
    assert opened.find(token) is None
    assert [act for _, act, _ in trail(database)] == [
        "person.add", *["sign-in"] * 5, "sign-out",
    ]  # fmt: skip


class TestAtOnce:
    """Each in a transaction of its own, the second begun before the first has ended."""

    def both(
        self,
        engine: Engine,
        first: Callable[[Connection], object],
        second: Callable[[], str],
    ) -> str:
        """What the second comes to."""
        with ThreadPoolExecutor(1) as pool:
            with engine.begin() as connection:
                first(connection)
                later = pool.submit(second)
                if engine.dialect.name == "postgresql":  # SQLite has one writer
                    await_true(lambda: self._one_waits(engine), "the second waits")
            return later.result(30)

    def _one_waits(self, engine: Engine) -> bool:
        with engine.connect() as connection:
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(connection.execute(waiting).scalar_one())

    def test_two_administrators_give_roles(self, database: Engine) -> None:
        with database.begin() as connection:
            person = add_test_person(connection, ("viewer",))

        def second() -> str:
            with database.begin() as connection:
                set_roles(connection, BY, person.id, ["administrator"])
            return "done"

        self.both(
            database, lambda connection: set_roles(connection, BY, person.id, ["officer"]), second
        )
        with database.connect() as connection:
            assert roles_of(connection, [person.id])[person.id] == {"administrator"}

    def test_two_enrol_with_one_code(self, database: Engine) -> None:
        with database.begin() as connection:
            person = add_test_person(connection, ("viewer",))
            code = give_enrolment(connection, BY, person.id)

        def finish(connection: Connection, password: str) -> str:
            found = open_enrolment(connection, code)
            if found is None:
                return "closed"
            try:
                enrol(connection, found, password, TOTP(found.totp_secret).now(), address="")
            except UsageFault:
                return "closed"
            return "enrolled"

        def second() -> str:
            with database.begin() as connection:
                return finish(connection, "the password of a thief")

        first = "the password of the person"
        assert self.both(database, lambda connection: finish(connection, first), second) == "closed"
        with database.connect() as connection:
            kept = connection.execute(select(people.c.password_hash)).scalar_one()
        assert matches(kept, first)

    def test_who_signs_in_while_what_opened_is_taken_away(self, database: Engine) -> None:
        somebody = enrolled(database, "viewer")

        def second() -> str:
            sign_in = SignIn(database, development=False)
            token = sign_in.sign_in(**somebody.form(), address="", agent="")
            return "refused" if token is None else "signed in"

        def first(connection: Connection) -> None:
            give_enrolment(connection, BY, somebody.person.id)

        assert self.both(database, first, second) == "refused"

    def signed_in(self, engine: Engine) -> tuple[Person, str, str]:
        """Somebody whom the provider has signed in; the session's token, and a code made in it."""
        with engine.begin() as connection:
            person = add_test_person(connection, ("viewer",))
            of_provider = provider_session("https://idp.example", {"sid": "s-1"})
            token = begin_session(
                connection, person.id, now(), address="", agent="", provider_session=of_provider
            )
        page = Sessions(engine, development=False).find(token)
        assert page is not None
        with engine.begin() as connection:
            return person, token, make_code(connection, page).code

    def use(self, engine: Engine, person: Person, code: str) -> str:
        sign_in = SignIn(engine, development=False)
        token = sign_in.sign_in_by_code(person.name, code, address="", agent="")
        return "refused" if token is None else "signed in"

    def test_two_requests_with_one_code_of_the_page(self, database: Engine) -> None:
        """One begins a session, which the other ends: two have the code."""
        person, page, code = self.signed_in(database)

        def first(connection: Connection) -> None:
            lock_person(connection, person.id)
            assert begin_by_code(
                connection, person.id, code, address="", agent="", lengths=STANDARD_LENGTHS
            )

        second = self.both(database, first, lambda: self.use(database, person, code))
        assert second == "refused"
        with database.connect() as connection:
            kept = connection.execute(select(sessions.c.token_hash)).scalars().all()
        assert kept == [sha256(page.encode()).digest()]

    def test_many_requests_with_one_code_of_the_page(self, database: Engine) -> None:
        person, _, code = self.signed_in(database)
        with ThreadPoolExecutor(6) as pool:
            tried = [pool.submit(self.use, database, person, code) for _ in range(6)]
        assert sorted(one.result() for one in tried) == ["refused"] * 5 + ["signed in"]

    @pytest.mark.parametrize("is_code_first", [True, False])
    def test_a_code_of_the_page_and_the_providers_sign_out(
        self, database: Engine, is_code_first: bool
    ) -> None:
        """Whichever comes first, no session is left."""
        person, _, code = self.signed_in(database)

        def end(connection: Connection) -> None:
            claims = {"jti": "t-1", "sid": "s-1"}
            end_provider_sessions(connection, "https://idp.example", claims, address="")

        def begin(connection: Connection) -> None:
            lock_person(connection, person.id)
            assert begin_by_code(
                connection, person.id, code, address="", agent="", lengths=STANDARD_LENGTHS
            )

        def end_later() -> str:
            with database.begin() as connection:
                end(connection)
            return "ended"

        if is_code_first:
            self.both(database, begin, end_later)
        else:
            second = self.both(database, end, lambda: self.use(database, person, code))
            assert second == "refused"
        with database.connect() as connection:
            assert connection.execute(select(sessions.c.id)).all() == []

    def test_codes_that_are_guessed_side_by_side_are_counted(self, database: Engine) -> None:
        somebody, key = enrolled(database, "approver"), attempts.code_key

        def count(connection: Connection, times: int) -> None:
            for _ in range(times):
                attempts.note_failure(connection, key(somebody.person.id), now())

        with database.begin() as connection:
            count(connection, attempts.MOST_WRONG_CODES - 1)

        def another_attempt(connection: Connection) -> None:
            mine = select(people.c.id).where(people.c.id == somebody.person.id)
            connection.execute(mine.with_for_update())
            count(connection, 1)

        def second() -> str:
            sign_in = SignIn(database, development=False)
            code = somebody.form()["code"]
            is_right = sign_in.verify_second_factor(somebody.person, code, address="")
            return "taken" if is_right else "refused"

        assert self.both(database, another_attempt, second) == "refused"


class TestGuessing:
    @pytest.mark.parametrize(
        ("one", "other", "is_same"),
        [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
            ("::ffff:10.0.0.1", "10.0.0.1", True),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
            ("10.0.0.1", "10.0.0.2", False),
        ],
    )
    def test_who_has_a_network_of_addresses_counts_as_one(
        self, one: str, other: str, is_same: bool
    ) -> None:
        assert (attempts.address_key(one) == attempts.address_key(other)) is is_same

    def test_the_wait_grows_to_some_seconds_and_never_beyond(self) -> None:
        waits = [attempts.wait_after(failures) for failures in (0, 2, 3, 4, 7, 8, 10_000)]
        assert waits == [0, 0, 0.5, 1, 8, 8, 8]

    def test_a_strangers_failures_slow_a_person_down_and_lock_nobody_out(
        self, engine: Engine
    ) -> None:
        somebody, sign_in = enrolled(engine, "administrator"), SignIn(engine, development=False)
        with engine.begin() as connection:
            for _ in range(1_000):
                attempts.note_failure(connection, attempts.name_key(somebody.name), now())
        assert sign_in.wait(somebody.name, "10.0.0.1") == attempts.LONGEST_WAIT_S
        form = somebody.form()
        assert sign_in.sign_in(**form, address="10.0.0.1", agent="")
        assert sign_in.wait(somebody.name, "10.0.0.1") == 0

    def test_an_address_that_fails_again_and_again_is_refused_until_it_is_forgotten(
        self, node: Face
    ) -> None:
        key = attempts.address_key("127.0.0.1")
        with node.engine.begin() as connection:
            for _ in range(attempts.MOST_OF_AN_ADDRESS):
                attempts.note_failure(connection, key, now())
            later = now() + attempts.FORGOTTEN_AFTER
            assert attempts.failures_of(connection, key, later) == 0
        form = enrolled(node.engine, "viewer").form()
        for path, data in (("/login", form), ("/enrol", {"enrolment": "x"})):
            answer = node.client(None).post(path, data=data)
            assert answer.status_code == 429
            assert answer.headers["retry-after"] == "900"

    def test_who_has_signed_in_from_a_shared_address_before_is_heard(self, node: Face) -> None:
        """Many sit behind one proxy; one of them fails on purpose."""
        somebody, stranger = enrolled(node.engine, "viewer"), enrolled(node.engine, "viewer")
        client = node.client(None)
        assert client.post("/login", data=somebody.form()).status_code == 303
        with node.engine.begin() as connection:
            for _ in range(attempts.MOST_OF_AN_ADDRESS):
                attempts.note_failure(connection, attempts.address_key("127.0.0.1"), now())
        again = somebody.form() | {"code": somebody.recovery[0]}
        assert client.post("/login", data=again).status_code == 303
        assert client.post("/login", data=stranger.form()).status_code == 429
        # Nor does that name open the address to guesses without end.
        key = attempts.origin_key(somebody.name, "127.0.0.1")
        with node.engine.begin() as connection:
            for _ in range(attempts.MOST_OF_A_NAME_THERE):
                attempts.note_failure(connection, key, now())
        refused = somebody.form() | {"code": somebody.recovery[1]}
        assert client.post("/login", data=refused).status_code == 429
        with node.engine.connect() as connection:
            later = now() + attempts.ORIGIN_KEPT
            assert attempts.is_origin(connection, key, now())
            assert not attempts.is_origin(connection, key, later)

    def test_names_that_are_nobodys_wait_too(self, engine: Engine) -> None:
        sign_in = SignIn(engine, development=False)
        for _ in range(attempts.FREE_FAILURES):
            assert sign_in.sign_in("nobody", "x", "y", address="10.0.0.2", agent="") is None
        assert sign_in.wait("NOBODY ", "10.0.0.3") > 0

    def test_codes_are_not_guessed_from_many_addresses(self, engine: Engine) -> None:
        somebody, sign_in = enrolled(engine, "viewer"), SignIn(engine, development=False)

        def attempt(number: int, code: str) -> str | None:
            address = f"10.1.0.{number}"
            return sign_in.sign_in(
                somebody.name, somebody.password, code, address=address, agent=""
            )

        with engine.begin() as connection:
            for _ in range(attempts.MOST_WRONG_CODES - 1):
                key = attempts.code_key(somebody.person.id)
                attempts.note_failure(connection, key, now())
        # Who does not know the password does not bring it about.
        assert sign_in.sign_in(somebody.name, "wrong", "123456", address="", agent="") is None
        right = somebody.form()["code"]
        wrong = "000000" if right != "000000" else "111111"
        assert attempt(1, wrong) is None
        assert attempt(2, somebody.form()["code"]) is None
        # A recovery code opens, and what was counted is forgotten.
        assert attempt(3, somebody.recovery[0])
        assert attempt(4, somebody.form()["code"])

    def test_a_signature_asks_for_the_second_factor_again(self, engine: Engine) -> None:
        somebody, sign_in = enrolled(engine, "approver"), SignIn(engine, development=False)
        code = somebody.form()["code"]
        assert sign_in.verify_second_factor(somebody.person, code, address="")
        assert not sign_in.verify_second_factor(somebody.person, code, address="")
        assert trail(engine)[-1] == (f"person:{somebody.name}", "second-factor", "refused")

    def test_one_code_of_a_person_is_looked_at_at_a_time(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        somebody, sign_in = enrolled(engine, "approver"), SignIn(engine, development=False)
        begun, go_on = threading.Event(), threading.Event()

        def wait(name: str, address: str) -> float:
            begun.set()
            assert go_on.wait(30)
            return 0.0

        monkeypatch.setattr(sign_in, "wait", wait)

        def verify(code: str) -> bool:
            return sign_in.verify_second_factor(somebody.person, code, address="")

        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(verify, "000000")
            assert begun.wait(30)
            try:
                with pytest.raises(AnotherCodeWaits):
                    verify(somebody.form()["code"])
            finally:
                go_on.set()
            assert first.result(30) is False
        assert verify(somebody.form()["code"])


class TestSessions:
    def begin(self, engine: Engine) -> tuple[str, str]:
        """The id and the token of the one session that there is."""
        with engine.begin() as connection:
            connection.execute(delete(sessions))
            person = add_test_person(connection, ("viewer",))
            token = begin_session(connection, person.id, now(), address="a", agent="b")
            return connection.execute(select(sessions.c.id)).scalar_one(), token

    def test_they_survive_a_restart_and_only_a_hash_is_kept(self, engine: Engine) -> None:
        _, token = self.begin(engine)
        for _ in range(2):
            with face(engine) as node:
                assert httpx.get(node.url, cookies={COOKIE: token}).status_code == 200
        with engine.connect() as connection:
            hashes = connection.execute(select(sessions.c.token_hash)).scalars().all()
        assert sha256(token.encode()).digest() in hashes
        assert token.encode() not in hashes

    @pytest.mark.parametrize(
        ("column", "moved"),
        [("last_seen_at", -STANDARD_LENGTHS.idle), ("ends_at", -STANDARD_LENGTHS.whole)],
    )
    def test_they_end_when_idle_and_when_old(
        self, engine: Engine, column: str, moved: timedelta
    ) -> None:
        _, token = self.begin(engine)
        opened = Sessions(engine, development=False)
        assert opened.find(token)
        with engine.begin() as connection:
            connection.execute(update(sessions).values({column: stamp(now() + moved)}))
        assert opened.find(token) is None

    def test_being_seen_keeps_one_open(self, engine: Engine) -> None:
        _, token = self.begin(engine)
        opened = Sessions(engine, development=False)
        with engine.begin() as connection:
            almost = stamp(now() - STANDARD_LENGTHS.idle + timedelta(seconds=30))
            connection.execute(update(sessions).values(last_seen_at=almost))
        assert opened.find(token)
        with engine.connect() as connection:
            assert connection.execute(select(sessions.c.last_seen_at)).scalar_one() > almost

    def test_an_administrator_ends_one(self, engine: Engine) -> None:
        number, token = self.begin(engine)
        with engine.begin() as connection:
            revoke_session(connection, BY, number)
        assert Sessions(engine, development=False).find(token) is None

    def test_a_live_stream_ends_with_its_session(self, node: Face) -> None:
        client = node.signed_in("viewer")
        with client.stream("GET", "/live") as stream:
            lines = stream.iter_lines()
            assert any(line.startswith("event:") for line in lines)
            with node.engine.begin() as connection:
                connection.execute(sessions.delete())
            node.notifier.publish(102)
            for _ in lines:  # to its end
                pass


class TestEnrolling:
    def invite(self, engine: Engine, *roles: str) -> tuple[str, str]:
        with engine.begin() as connection:
            some = token_hex(4)
            name, shown = f"  Ying.Li-{some} ", f" Li   Ying {some}"
            person = add_person(connection, BY, name, shown, roles or ("viewer",))
            return person.name, give_enrolment(connection, BY, person.id)

    def finish(self, node: Face, enrolment: str, **changed: str) -> httpx.Response:
        with node.engine.connect() as connection:
            found = open_enrolment(connection, enrolment)
            secret = found.totp_secret if found else second_factor.new_secret()
        form = {"step": "finish", "enrolment": enrolment, "code": TOTP(secret).now()}
        form |= {"password": "a long enough one", "again": "a long enough one"} | changed
        return node.client(None).post("/enrol", data=form)

    def test_from_the_code_to_signing_in(self, node: Face) -> None:
        name, code = self.invite(node.engine)
        assert name.startswith("ying.li-")
        page = node.client(None).post("/enrol", data={"enrolment": code.upper()})
        assert page.status_code == 200
        assert "Welcome, Li Ying" in page.text and "data:image/svg+xml" in page.text
        done = self.finish(node, code)
        assert done.status_code == 200
        recovery = done.text.split('aria-label="Recovery codes"><li>')[1].split("<")[0]
        form = {"name": name.upper(), "password": "a long enough one", "code": recovery}
        assert node.client(None).post("/login", data=form).status_code == 303
        assert self.finish(node, code).status_code == 401  # once
        assert (f"person:{name}", "enrol", "done") in trail(node.engine)

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"password": "short"}, "not the same"),
            ({"password": "short", "again": "short"}, "too short"),
            ({"password": "x" * 300, "again": "x" * 300}, "too long"),
            ({"password": "Tallystick2026", "again": "Tallystick2026"}, "your name"),
            ({"password": "aaaabbbbaaaa", "again": "aaaabbbbaaaa"}, "too plain"),
            ({"code": "000000"}, "authenticator"),
            ({"code": ""}, "authenticator"),
            ({"code": "１２３４５６"}, "authenticator"),
        ],
    )
    def test_what_is_not_taken_is_said_and_may_be_tried_again(
        self, node: Face, changed: dict[str, str], said: str
    ) -> None:
        _, code = self.invite(node.engine)
        answer = self.finish(node, code, **changed)
        assert answer.status_code == 422
        assert said in answer.text
        assert self.finish(node, code).status_code == 200

    def test_another_code_ends_the_first_and_what_the_person_had(self, node: Face) -> None:
        somebody = enrolled(node.engine, "viewer")
        client = node.client(None)
        client.post("/login", data=somebody.form())
        with node.engine.begin() as connection:
            first = give_enrolment(connection, BY, somebody.person.id)
            give_enrolment(connection, BY, somebody.person.id)
        assert client.get("/").status_code == 303
        form = somebody.form() | {"code": somebody.recovery[0]}
        assert client.post("/login", data=form).status_code == 401
        assert self.finish(node, first).status_code == 401


class TestRoles:
    def test_nobody_gives_himself_a_role(self, engine: Engine) -> None:
        with engine.begin() as connection:
            person = add_person(connection, BY, "admin", "Admin", ["administrator"])
            himself = Administrator("person:admin", person.id)
            with pytest.raises(UsageFault, match="to himself"):
                set_roles(connection, himself, person.id, ["administrator", "auditor"])

    @pytest.mark.parametrize(
        "roles", [[], ["king"], ["administrator", "officer"], ["approver", "administrator"]]
    )
    def test_roles_that_nobody_has(self, engine: Engine, roles: list[str]) -> None:
        with engine.begin() as connection, pytest.raises(UsageFault):
            add_person(connection, BY, "somebody", "Somebody", roles)

    @pytest.mark.parametrize("name", ["", "a", "A B", "../x", "x" * 65, "<b>", "\u0430dmin", "a\n"])
    def test_names_that_are_not_taken(self, engine: Engine, name: str) -> None:
        with engine.begin() as connection, pytest.raises(UsageFault):
            add_person(connection, BY, name + " x" * (not name), "Somebody", ["viewer"])

    def test_a_name_is_given_once(self, engine: Engine) -> None:
        with engine.begin() as connection:
            person = add_person(connection, BY, "somebody", "Somebody", ["viewer"])
            disable(connection, BY, person.id)
            with pytest.raises(UsageFault, match="already"):
                add_person(connection, BY, "SOMEBODY", "Another", ["viewer"])

    def test_other_roles_hold_from_the_next_request_on(self, engine: Engine) -> None:
        somebody = enrolled(engine, "viewer")
        with engine.begin() as connection:
            token = begin_session(connection, somebody.person.id, now(), address="", agent="")
        opened = Sessions(engine, development=False)
        found = opened.find(token)
        assert found and not found.person.may("sign")
        with engine.begin() as connection:
            set_roles(connection, BY, somebody.person.id, ["approver"])
        found = opened.find(token)
        assert found and found.person.may("sign") and not found.person.may("prepare")


class TestForms:
    def test_a_form_without_the_sessions_token_does_nothing(self, node: Face) -> None:
        client, other = node.signed_in("viewer"), node.signed_in("viewer")
        for form in ({"csrf": ""}, {"csrf": "0" * 64}, {"csrf": csrf_of(other.get("/").text)}):
            answer = client.post("/logout", data=form)
            assert answer.status_code == 403, form
        assert client.get("/").status_code == 200
        token = csrf_of(client.get("/").text)
        form_type = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = client.post("/logout", headers={"X-CSRF-Token": token} | form_type)
        assert answer.status_code == 303


@pytest.mark.parametrize(
    ("shown", "other", "is_alike"),
    [
        ("Li Ying", "lí  YING.", True),
        ("Li Ying", "Ⅼi Ying", True),
        ("Li Ying", "1i Ying", True),
        ("Aca Po", "Аса Ро", True),  # Cyrillic
        ("Li Ying", "Li Ying (Treasury)", False),
        ("张伟", "張偉", False),
    ],
)
def test_who_looks_like_another_is_told_apart(shown: str, other: str, is_alike: bool) -> None:
    assert (looks(shown) == looks(other)) is is_alike


def test_nobody_is_added_who_looks_like_another(engine: Engine) -> None:
    with engine.begin() as connection:
        add_person(connection, BY, "zhao.min", "Zhao Min", ["viewer"])
        with pytest.raises(UsageFault, match=r"looks as that of zhao\.min"):
            add_person(connection, BY, "zhao.m", "ZHAO-MIN", ["viewer"])
        add_person(connection, BY, "zhao.m", "Zhao Min (Treasury)", ["viewer"])
