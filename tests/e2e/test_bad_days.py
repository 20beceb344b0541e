"""Bad days at the page: connections that end without a word, sessions that end or change in another
tab, requests that nobody answers, and what is typed meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import delete, select

from app.db.engine import create
from app.domain.kinds import Kind
from app.people.person import Person
from app.people.tables import sessions
from app.worklist.tables import break_notes
from tests.e2e.browsing import Watched, sign_in
from tests.integration.faces import Face, face
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

expect.set_options(timeout=20_000)

HIDDEN = """
    Object.defineProperty(document, "hidden", { get: () => window.isHidden ?? true });
    window.show = (shown) => {
        window.isHidden = !shown;
        document.dispatchEvent(new Event("visibilitychange"));
    };
"""
"""A tab that nobody sees; a headless browser says of each that it is seen."""


@pytest.fixture
def seed(tmp_path: Path) -> Iterator[Seed]:
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}", vault=VAULT)
    found = Seed(engine)
    with engine.begin() as connection:
        for number in range(3):
            found.pair(connection, 1, Kind.FEE, f"F-{number}", 500, "amount", day=START.date())
        found.close_block(connection)
    yield found
    engine.dispose()


@pytest.fixture
def node(seed: Seed) -> Iterator[Face]:
    with face(seed.engine) as served:
        yield served


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    opened = Watched(browser, viewport={"width": 1280, "height": 900})
    yield opened
    opened.close()


def next_block(seed: Seed, node: Face) -> None:
    with seed.engine.begin() as connection:
        seed.close_block(connection)
    node.notifier.publish(seed.block)


def sign_out(node: Face, person: Person) -> None:
    """The session ends, as it does when the person signs out in another tab."""
    with node.engine.begin() as connection:
        connection.execute(delete(sessions).where(sessions.c.person == person.id))


def sign_in_again(page: Page, node: Face, person: Person) -> None:
    """In another tab: the session of before ends, and the browser has the new one's cookie."""
    with node.engine.connect() as connection:
        before = list(connection.execute(select(sessions.c.id)).scalars())
    sign_in(page.context, node, person)
    with node.engine.begin() as connection:
        connection.execute(delete(sessions).where(sessions.c.id.in_(before)))


def opened(watched: Watched, node: Face, role: str, path: str) -> Person:
    person = node.person(role)
    sign_in(watched.page.context, node, person)
    watched.page.goto(f"{node.url}{path}")
    expect(watched.page.locator(".pill.good")).to_have_text("Live")
    return person


def comments(seed: Seed) -> list[int]:
    with seed.engine.connect() as connection:
        return list(connection.execute(select(break_notes)).scalars())


class TestConnection:
    def test_a_connection_that_hangs_is_said_and_comes_back_by_itself(
        self, watched: Watched, node: Face, seed: Seed
    ) -> None:
        """Nothing tells the browser: the node has stopped to answer, its sockets are open."""
        page = watched.page
        opened(watched, node, "officer", "/")
        expect(page.locator("#lost")).to_be_hidden()
        streams: list[Route] = []
        page.route("**/live*", lambda route: streams.append(route))
        page.evaluate("connect()")
        expect(page.locator("#lost")).to_be_visible(timeout=30_000)
        page.unroute("**/live*")
        next_block(seed, node)
        expect(page.locator("#lost")).to_be_hidden(timeout=30_000)
        expect(page.locator("[data-block]")).to_have_text(str(seed.block))

    def test_tabs_that_nobody_sees_leave_the_browsers_connections_to_those_that_are_seen(
        self, browser: Browser, node: Face, seed: Seed
    ) -> None:
        """A browser has six connections to a host; a stream takes one for as long as it is open."""
        context = browser.new_context()
        context.add_init_script(HIDDEN)
        sign_in(context, node, node.person("officer"))
        tabs = [context.new_page() for _ in range(9)]
        for tab in tabs:
            tab.goto(f"{node.url}/breaks")
        last, first = tabs[-1], tabs[0]
        last.evaluate("show(true)")
        next_block(seed, node)
        expect(last.locator("[data-block]")).to_have_text(str(seed.block))
        last.evaluate("show(false)")
        first.evaluate("show(true)")
        expect(first.locator("[data-block]")).to_have_text(str(seed.block))
        context.close()

    def test_a_node_that_is_started_again_finds_the_form_as_it_was(
        self, watched: Watched, seed: Seed
    ) -> None:
        page = watched.page
        with face(seed.engine) as node:
            opened(watched, node, "officer", "/breaks/1")
            page.get_by_role("textbox", name="Comment").fill("typed before it fell")
        expect(page.locator("#lost")).to_be_visible()
        page.get_by_role("button", name="Add the comment").click()
        expect(page.get_by_text("nothing was sent")).to_be_visible()
        page.get_by_role("textbox", name="Comment").press("End")
        page.keyboard.type(", and after")
        with face(seed.engine, port=int(node.url.rpartition(":")[2])):
            expect(page.locator("#lost")).to_be_hidden()
            expect(page.get_by_role("textbox", name="Comment")).to_have_value(
                "typed before it fell, and after"
            )
            page.get_by_role("button", name="Add the comment").click()
            expect(page.get_by_role("list", name="Comments")).to_contain_text("and after")
            assert len(comments(seed)) == 1


class TestSessions:
    def test_who_signs_out_in_one_tab_is_signed_out_in_the_other(
        self, watched: Watched, node: Face
    ) -> None:
        person = opened(watched, node, "officer", "/breaks?type=amount")
        sign_out(node, person)
        expect(watched.page).to_have_url(
            re.compile(r"/login\?next=%2Fbreaks%3Ftype%3Damount$"), timeout=20_000
        )

    def test_a_selection_outlives_the_session(self, watched: Watched, node: Face) -> None:
        page = watched.page
        person = opened(watched, node, "officer", "/breaks")
        page.locator("#break-2").focus()
        page.keyboard.press("x")
        sign_out(node, person)
        expect(page.get_by_text("Your session has ended; what you typed here")).to_be_visible()
        expect(page.locator("#lost")).to_be_hidden()
        expect(page.locator("#selected")).to_have_text("1 selected")
        sign_in(page.context, node, person)
        page.evaluate("window.dispatchEvent(new Event('focus'))")
        expect(page.locator("#expired")).to_be_hidden()
        page.get_by_label("Assign to").select_option(person.display_name)
        page.get_by_role("button", name="Assign").click()
        expect(page.get_by_text("1 break is now assigned")).to_be_visible()

    @pytest.mark.parametrize(
        ("role", "path", "label", "button"),
        [
            ("administrator", "/administration", "Shown as", "Add"),
            ("officer", "/breaks", "Keep this filter as", "Save the view"),
        ],
    )
    def test_what_is_typed_in_any_form_outlives_the_session(
        self, watched: Watched, node: Face, role: str, path: str, label: str, button: str
    ) -> None:
        page = watched.page
        person = opened(watched, node, role, path)
        for field in page.locator("input[required]").all():
            if field.is_visible():
                field.fill("abc")
        page.get_by_label(label).fill("typed with care")
        sign_out(node, person)
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_text("Your session has ended; what you typed here")).to_be_visible()
        expect(page.get_by_label(label)).to_have_value("typed with care")

    def test_another_session_of_the_same_person_is_taken_up(
        self, watched: Watched, node: Face, seed: Seed
    ) -> None:
        """Who signs in once more in another tab can go on in this one."""
        page = watched.page
        person = opened(watched, node, "officer", "/")
        page.get_by_role("button", name="Mark as seen").wait_for()
        sign_in_again(page, node, person)
        page.get_by_role("button", name="Mark as seen").click()
        expect(page.get_by_text("Nothing has changed since you last marked")).to_be_visible()
        page.goto(f"{node.url}/breaks")
        sign_in_again(page, node, person)
        page.get_by_label("Keep this filter as").fill("a view of mine")
        page.get_by_role("button", name="Save the view").click()
        expect(page.get_by_role("link", name="a view of mine")).to_be_visible()
        sign_in_again(page, node, person)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Password")).to_be_visible()

    def test_who_else_has_signed_in_meanwhile_is_said(self, watched: Watched, node: Face) -> None:
        page = watched.page
        opened(watched, node, "officer", "/breaks/1")
        page.get_by_role("textbox", name="Comment").fill("mine, not theirs")
        other = node.person("officer")
        sign_in_again(page, node, other)
        page.get_by_role("button", name="Add the comment").click()
        expect(
            page.get_by_text(f"{other.display_name} is signed in in this browser now")
        ).to_be_visible()


class TestSending:
    def test_a_request_that_nobody_answers_is_said(
        self, watched: Watched, node: Face, seed: Seed
    ) -> None:
        page = watched.page
        opened(watched, node, "officer", "/breaks/1")
        page.get_by_role("textbox", name="Comment").fill("on its way")
        page.route("**/comments", lambda route: route.abort())
        page.get_by_role("button", name="Add the comment").click()
        expect(page.get_by_text("it may have been done or not")).to_be_visible()
        expect(page.get_by_role("textbox", name="Comment")).to_have_value("on its way")
        page.unroute("**/comments")
        page.route("**/comments", lambda route: route.fulfill(status=502, body="<h1>Bad</h1>"))
        page.get_by_role("button", name="Add the comment").click()
        expect(page.get_by_text("This was refused: HTTP 502")).to_be_visible()
        page.unroute("**/comments")
        page.get_by_role("button", name="Add the comment").click()
        expect(page.get_by_role("list", name="Comments")).to_contain_text("on its way")
        expect(page.locator("#failed")).to_be_hidden()
        page.route("**/v1/session", lambda route: route.abort())
        page.get_by_role("textbox", name="Comment").fill("again")
        page.get_by_role("button", name="Add the comment").click()
        expect(page.get_by_text("nothing was sent")).to_be_visible()
        assert len(comments(seed)) == 1

    def test_a_part_that_could_not_be_fetched_is_fetched_again(
        self, watched: Watched, node: Face, seed: Seed
    ) -> None:
        page = watched.page
        opened(watched, node, "officer", "/breaks")
        expect(page.locator("[data-row]")).to_have_count(3)
        page.route("**/breaks", lambda route: route.fulfill(status=503, body=""))
        with seed.engine.begin() as connection:
            seed.pair(connection, 1, Kind.FEE, "NEW", 500, "amount", day=START.date())
            seed.close_block(connection)
        with page.expect_response("**/breaks"):
            node.notifier.publish(seed.block)
        page.unroute("**/breaks")
        expect(page.locator("[data-row]")).to_have_count(4)

    @pytest.mark.parametrize("character", ["汉", "😀"])
    def test_the_longest_comment_is_taken_in_any_script(
        self, watched: Watched, node: Face, seed: Seed, character: str
    ) -> None:
        page = watched.page
        opened(watched, node, "officer", "/breaks/1")
        text = f"begin{character * (3990 // len(character.encode('utf-16-le')) * 2)}end"
        page.get_by_role("textbox", name="Comment").fill(text)
        page.get_by_role("button", name="Add the comment").click()
        expect(page.get_by_role("list", name="Comments")).to_contain_text("begin")

    @pytest.mark.parametrize(
        ("role", "path", "fields", "button"),
        [
            ("officer", "/breaks", {"Keep this filter as": "mine"}, "Save the view"),
            (
                "administrator",
                "/administration/keys",
                {"Who will use it": "core", "Your authenticator’s code": "123456"},
                "Make",
            ),
        ],
    )
    def test_over_a_slow_line_a_form_of_the_browser_is_sent_once_and_shows_that_it_works(
        self,
        watched: Watched,
        node: Face,
        role: str,
        path: str,
        fields: dict[str, str],
        button: str,
    ) -> None:
        page = watched.page
        opened(watched, node, role, path)
        for label, text in fields.items():
            page.get_by_label(label).fill(text)
        posts: list[str] = []
        page.on(
            "request",
            lambda request: posts.append(request.url) if request.method == "POST" else None,
        )
        pressed = page.get_by_role("button", name=button)
        with page.expect_navigation():
            assert pressed.evaluate(
                "one => (one.click(), one.click(), one.hasAttribute('data-sending'))"
            )
        expect(page.locator("[data-sending]")).to_have_count(0)
        assert len(posts) == 1

    def test_a_form_that_is_sent_twice_counts_once(
        self, watched: Watched, node: Face, seed: Seed
    ) -> None:
        page = watched.page
        opened(watched, node, "officer", "/breaks/1")
        page.get_by_role("textbox", name="Comment").fill("once")
        page.get_by_role("button", name="Add the comment").dblclick()
        expect(page.get_by_role("list", name="Comments")).to_contain_text("once")
        assert len(comments(seed)) == 1


def test_a_language_chosen_in_one_tab_does_not_mix_into_the_other(
    browser: Browser, node: Face, seed: Seed
) -> None:
    context = browser.new_context(locale="en-GB")
    sign_in(context, node, node.person("officer"))
    first, second = context.new_page(), context.new_page()
    first.goto(f"{node.url}/breaks")
    expect(first.locator("[data-row]")).to_have_count(3)
    second.goto(f"{node.url}/days")
    second.get_by_role("button", name="简体中文").click()
    expect(second.locator("html")).to_have_attribute("lang", re.compile("zh"))
    with seed.engine.begin() as connection:
        seed.pair(connection, 1, Kind.FEE, "NEW", 500, "amount", day=START.date())
        seed.close_block(connection)
    node.notifier.publish(seed.block)
    expect(first.locator("[data-row]")).to_have_count(4)
    first.evaluate("connect()")
    next_block(seed, node)
    expect(first.locator("[data-block]")).to_have_text(str(seed.block))
    expect(first.locator(".pill.good")).to_have_text("Live")
    assert not re.search("[\u4e00-\u9fff]", first.locator("#content").inner_text())
    context.close()
