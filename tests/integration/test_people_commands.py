"""`tally people`: the first administrator, and a code for whoever has lost what opens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyotp import TOTP
from sqlalchemy import Engine, select

from app.audit.tables import audit_trail
from app.db.engine import create
from app.db.vault import Vault
from app.http.dual_control import Change, ask
from app.keys.keystore import STORAGE, create_keys
from app.keys.versions import KeyVersions
from app.people.administration import Administrator
from app.people.enrolment import open_enrolment
from app.people.sign_in import SignIn
from app.people.tables import people
from tests.e2e.running import Outcome, tally_in_process

PASSWORD = "a long enough one"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank's folder, as it is before its node has ever run."""
    made = tmp_path_factory.mktemp("bank")
    create_keys(made / "keys", development=True)
    (made / "bank.toml").write_text(
        'name = "webank"\ndevelopment = true\nkeys = "keys"\n'
        'database_url = "sqlite:///bank.sqlite"\nmanifest = "network.json"\n'
        'rpc = "http://127.0.0.1:1"\ninbox = "inbox"\n'
    )
    (made / "password").write_text(f"{PASSWORD}\n")
    return made


@pytest.fixture
def engine(folder: Path) -> Iterator[Engine]:
    vault = Vault(KeyVersions(folder / "keys", STORAGE, development=True))
    opened = create(f"sqlite:///{folder / 'bank.sqlite'}", vault=vault)
    yield opened
    opened.dispose()


def tally(folder: Path, *arguments: str) -> Outcome:
    return tally_in_process(["people", *arguments, "--config", folder / "bank.toml"])


def test_the_first_administrator_signs_in_with_what_was_printed(
    folder: Path, engine: Engine
) -> None:
    file = str(folder / "password")
    made = tally(folder, "create-administrator", "Li.Ying", "--password-file", file)
    assert made.code == 0, made.stderr
    assert PASSWORD not in made.stdout + made.stderr
    secret = re.search(r"authenticator key: ([A-Z2-7]{32})\n", made.stdout)
    codes = re.findall(r"^  ([a-z2-9-]{19})$", made.stdout, re.MULTILINE)
    assert secret is not None and len(codes) == 10
    sign_in = SignIn(engine, development=False)
    for code in (TOTP(secret[1]).now(), codes[0]):
        assert sign_in.sign_in("li.ying", PASSWORD, code, address="", agent="")
    with engine.connect() as connection:
        first = connection.execute(select(audit_trail).where(audit_trail.c.number == 1)).one()
    assert (first.act, first.subject) == ("person.add", "li.ying")
    assert first.actor.startswith("command:")

    again = tally(folder, "create-administrator", "li.ying", "--password-file", file)
    assert again.code == 2
    assert "already" in again.stderr

    listed = tally(folder, "list")
    assert "li.ying" in listed.stdout and "administrator" in listed.stdout

    with engine.begin() as connection:
        mine = select(people.c.id).where(people.c.name == "li.ying")
        li = Administrator("person:li.ying", connection.execute(mine).scalar_one())
        change = Change("person.add", name="wang", display_name="Wang", roles=("officer",))
        first_code = ask(connection, li, change)["first_code"]
    assert "person.add" in tally(folder, "requests").stdout
    second = tally(folder, "confirm", "1").stdout.strip()
    with engine.connect() as connection:
        assert open_enrolment(connection, second) is None
        wang = open_enrolment(connection, f"{first_code} {second}")
    assert wang is not None and wang.name == "wang"

    code = tally(folder, "enrol", "li.ying").stdout.strip()
    with engine.connect() as connection:
        opened = open_enrolment(connection, code)
    assert opened is not None and opened.name == "li.ying"
    assert sign_in.sign_in("li.ying", PASSWORD, codes[1], address="", agent="") is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create-administrator", "somebody"), "--password-file"),
        (("create-administrator", "somebody", "--password-file", "none"), "cannot be read"),
        (("enrol", "nobody"), "no person"),
        (("confirm", "7"), "no request 7 waits"),
    ],
)
def test_what_cannot_be_is_said(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    answer = tally(folder, *arguments)
    assert answer.code == 2, answer.stdout
    assert said in " ".join(answer.stderr.split())


def test_who_has_no_password_here_is_told_how_to_sign_in() -> None:
    done = tally_in_process(["sign-in", "oidc:li.ying", "--node", "http://127.0.0.1:1"])
    assert done.code == 2
    assert done.stderr.startswith("error oidc:li.ying signs in at the bank's provider")
    assert "--code" in done.stderr
