"""People in a real browser: an administrator adds one, who enrols, signs in, and is signed out."""

from __future__ import annotations

import os
import pty
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pyotp import TOTP
from sqlalchemy import select

from app.db.engine import create
from app.people.enrolment import set_credentials
from app.people.second_factor import new_secret
from app.people.tables import people
from app.processes import free_port
from tests.e2e.browsing import CONTRASTS, Watched
from tests.integration.faces import Face, enrolled, face
from tests.integration.seeded import Seed
from tests.integration.vaults import VAULT
from tests.openid import running_provider

expect.set_options(timeout=20_000)

PASSWORD = "a long enough one"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Face]:
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}", vault=VAULT)
    Seed(engine)
    with face(engine) as served:
        yield served
    engine.dispose()


def sign_in(page: Page, name: str, password: str, code: str) -> None:
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_label("Code", exact=True).fill(code)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def look(watched: Watched) -> None:
    """It fits the window, everything can be read, nothing was complained of."""
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.page.evaluate(CONTRASTS) == []
    assert watched.complaints == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (420, "dark")])
def test_from_being_added_to_being_signed_out(
    node: Face, browser: Browser, width: int, scheme: Any
) -> None:
    screen = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    admin, person = Watched(browser, **screen), Watched(browser, **screen)
    boss, second = (enrolled(node.engine, "administrator") for _ in range(2))

    page = admin.page
    page.goto(f"{node.url}/administration")
    sign_in(page, boss.name, boss.password, boss.recovery[0])
    page.get_by_label("Name to sign in with").fill("wang.fang")
    page.get_by_label("Shown as").fill("Wang Fang")
    page.locator("#add-officer").check()
    page.locator("#add-code").fill(boss.recovery[1])
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("status").get_by_text("Request 1 waits")).to_be_visible()
    code = page.locator(".secret").inner_text()
    look(admin)
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, second.name, second.password, second.recovery[0])
    page.goto(f"{node.url}/administration/requests")
    look(admin)
    page.get_by_label("Your authenticator’s code").fill(second.recovery[1])
    page.get_by_role("button", name="Confirm").click()
    code += page.locator(".secret").inner_text()
    look(admin)
    page.get_by_role("link", name="People").click()
    expect(page.locator('tr[data-person="wang.fang"]')).to_contain_text("Invited")

    other = person.page
    other.goto(f"{node.url}/enrol")
    other.get_by_label("Code").fill(code)
    other.get_by_role("button", name="Go on").click()
    expect(other.get_by_role("heading", name="Welcome, Wang Fang")).to_be_visible()
    look(person)
    secret = other.locator(".secret").inner_text()
    other.get_by_label("New password").fill(PASSWORD)
    other.get_by_label("The same again").fill(PASSWORD)
    other.get_by_label("Code that the authenticator shows").fill(TOTP(secret).now())
    other.get_by_role("button", name="Finish").click()
    codes = other.get_by_label("Recovery codes").locator("li")
    expect(codes).to_have_count(10)
    recovery = codes.first.inner_text()
    look(person)
    other.get_by_role("link", name="sign in as wang.fang").click()
    sign_in(other, "wang.fang", PASSWORD, recovery)
    expect(other.get_by_role("heading", name="Reserves")).to_be_visible()
    expect(other.locator(".person-name")).to_have_text("Wang Fang")
    expect(other.get_by_role("link", name="Administration")).to_have_count(0)

    for tab in ("API keys", "Audit trail", "Sessions"):
        page.get_by_role("link", name=tab).click()
        expect(page.get_by_role("link", name=tab)).to_have_attribute("aria-current", "page")
        look(admin)
    page.locator("tr", has_text="wang.fang").get_by_role("button", name="End").click()
    expect(page.locator("tr", has_text="wang.fang")).to_have_count(0)
    other.get_by_role("link", name="Days").click()
    expect(other).to_have_url(re.compile(r"/login\?next=%2Fdays$"))
    for watched in (admin, person):
        watched.close()


def test_changes_of_a_person_are_a_panel_that_is_not_cut_off(node: Face, browser: Browser) -> None:
    boss, somebody = enrolled(node.engine, "administrator"), enrolled(node.engine, "viewer")
    watched = Watched(browser, viewport={"width": 1280, "height": 900})
    page = watched.page
    page.goto(f"{node.url}/administration")
    sign_in(page, boss.name, boss.password, boss.recovery[0])
    row = page.locator(f'tr[data-person="{somebody.name}"]')
    row.get_by_text("Change").click()
    row.get_by_label("Your authenticator’s code").fill(boss.recovery[1])
    row.get_by_role("button", name="Disable").click(timeout=5_000)
    expect(row).to_contain_text("Disabled")
    row.get_by_text("Change").click()
    row.get_by_role("checkbox", name="Administrator").check()
    row.get_by_role("checkbox", name="Approver").check()
    row.get_by_label("Your authenticator’s code").fill(boss.recovery[2])
    row.get_by_role("button", name="Save roles").click()
    expect(page.get_by_role("alert")).to_contain_text("Nobody is")
    assert [one for one in watched.complaints if "422" not in one] == []
    watched.close()


def typed(command: list[str], answer: str = "") -> str:
    """What the real command shows at a terminal, where `answer` is typed once it asks."""
    run = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
    process, terminal = pty.fork()
    if process == 0:
        os.execv(run[0], run)
    shown = b""
    while True:
        try:
            read = os.read(terminal, 4096)
        except OSError:  # the command has ended
            break
        if not read:
            break
        shown += read
        if answer and shown.endswith(b"code of the page: "):
            os.write(terminal, f"{answer}\n".encode())
            answer = ""
    os.close(terminal)
    os.waitpid(process, 0)
    return " ".join(shown.decode().split())


def test_signing_in_and_out_at_the_banks_provider(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider is another site to the browser: `localhost` beside `127.0.0.1`."""
    engine, port = create(f"sqlite:///{tmp_path / 'bank.sqlite'}", vault=VAULT), free_port()
    Seed(engine)
    li = {"name": "Li Ying", "preferred_username": "li.ying", "groups": ["loans-officers"]}
    callback = f"http://127.0.0.1:{port}/login/oidc/callback"
    with (
        running_provider(callback, {"li": li}, tmp_path) as provider,
        face(engine, oidc=provider.sign_in(engine), port=port) as node,
    ):
        watched = Watched(browser, viewport={"width": 1280, "height": 800})
        page = watched.page
        page.goto(f"{node.url}/days")
        look(watched)
        page.get_by_role("link", name="Sign in at the bank’s provider").click()
        page.locator("input[name=login]").fill("li")
        page.locator("input[name=password]").fill("x")
        page.locator("button[type=submit]").click()
        expect(page).to_have_url(f"{node.url}/days")
        expect(page.locator(".person-name")).to_have_text("Li Ying")
        with engine.begin() as connection:
            li_s = select(people.c.id).where(people.c.name == "oidc:li.ying")
            person_id = connection.execute(li_s).scalar_one()
            codes = set_credentials(connection, person_id, None, new_secret(), 0)
        page.get_by_role("link", name="Li Ying").click()
        page.get_by_label("Your authenticator’s code").fill(codes[0])
        page.get_by_role("button", name="Make a code").click()
        shown = page.locator(".notice.once .secret")
        command, code = shown.nth(0).text_content() or "", shown.nth(1).text_content() or ""
        assert page.evaluate(CONTRASTS) == []  # the provider's page has left complaints
        monkeypatch.setenv("TALLY_SESSION", str(tmp_path / "session.json"))
        assert "signed in as Li Ying (officer)" in typed(shlex.split(command), code)
        assert code not in command
        assert "nobody is signed in" not in typed(["tally", "alerts", "list"])
        page.get_by_role("link", name="Li Ying").click()
        page.locator("tr", has_text="tally").get_by_role("button", name="End").click()
        expect(page.locator("tr", has_text="tally")).to_have_count(0)
        assert "the session has ended" in typed(["tally", "alerts", "list"])
        page.get_by_role("button", name="Sign out", exact=True).click()
        expect(page).to_have_url(re.compile(rf"^{provider.issuer}/session/end\?client_id="))
        page.goto(f"{node.url}/days")
        expect(page.get_by_label("Password")).to_be_visible()
        watched.close()
    engine.dispose()
