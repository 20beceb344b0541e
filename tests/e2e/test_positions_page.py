"""Positions, one account, its forecast and the wall, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from app.db.engine import create
from app.domain.kinds import Kind
from app.http.context import NodeHealth
from tests.e2e.browsing import Watched, place_of, sign_in
from tests.integration.faces import Face, face
from tests.integration.seeded import Seed
from tests.integration.vaults import VAULT


@pytest.fixture
def seed(tmp_path: Path) -> Iterator[Seed]:
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}", vault=VAULT)
    made = Seed(engine)
    today = datetime.now(UTC).date()
    with engine.begin() as connection:
        for back in range(40, 0, -1):
            day = today - timedelta(days=back)
            made.pair(connection, 1, Kind.TOP_UP, f"H-{back}", 100_00, "matched", day=day)
        made.close_block(connection)
    yield made
    engine.dispose()


@pytest.fixture
def node(seed: Seed) -> Iterator[Face]:
    with face(seed.engine) as served:
        yield served


def top_up(seed: Seed, node: Face, ref: str) -> None:
    """A block with a top-up of 500.00 for huarui."""
    with seed.engine.begin() as connection:
        day = datetime.now(UTC).date()
        seed.pair(connection, 1, Kind.TOP_UP, ref, 500_00, "matched", day=day)
        block = seed.close_block(connection)
    node.notifier.publish(block)


def treasurers(browser: Browser, node: Face) -> Watched:
    """A treasurer's browser, signed in."""
    watched = Watched(browser, viewport={"width": 1280, "height": 900})
    sign_in(watched.page.context, node, node.person("treasury"))
    return watched


def test_what_changed_since_it_was_seen_is_marked_and_nothing_moves(
    browser: Browser, seed: Seed, node: Face
) -> None:
    watched = treasurers(browser, node)
    page = watched.page
    page.goto(node.url)
    agreed = page.locator('[data-figure="1-huarui-agreed"]')
    expect(agreed).to_have_text("4,000.00")
    place = place_of(page, "#accounts")
    page.get_by_role("button", name="Mark as seen").click()
    expect(page.get_by_text("Nothing has changed since")).to_be_visible()

    top_up(seed, node, "IN-1")
    expect(agreed).to_have_text("4,500.00")
    changed = page.locator('[data-figure="1-huarui-agreed"].changed')
    expect(changed).to_be_visible()
    expect(agreed).to_have_attribute("title", "4,000.00")
    expect(page.locator('[data-figure="1-wuxi-agreed"].changed')).to_have_count(0)
    assert place_of(page, "#accounts") == place
    page.reload()
    expect(changed).to_be_visible()
    page.get_by_role("button", name="Mark as seen").click()
    expect(page.locator(".changed")).to_have_count(0)
    assert place_of(page, "#accounts") == place
    assert watched.complaints == []
    watched.close()


def test_an_account_is_drawn_and_each_figure_leads_to_its_legs(
    browser: Browser, seed: Seed, node: Face
) -> None:
    top_up(seed, node, "IN-2")
    watched = treasurers(browser, node)
    page = watched.page
    page.goto(f"{node.url}/accounts/WLD-2016-A/huarui")
    expect(page.locator("#subject canvas")).to_have_count(2)
    top_up(seed, node, "IN-3")
    expect(page.locator('[data-figure="agreed"]')).to_have_text("5,000.00")
    expect(page.locator("#subject canvas")).to_have_count(2)
    page.get_by_role("table", name="Movements by day").get_by_text("+1,000.00").click()
    expect(page.locator("tbody tr")).to_have_count(4)  # two top-ups of two halves
    page.goto(f"{node.url}/forecast")
    page.get_by_role("link", name="huarui").click()
    expect(page.locator("#subject canvas")).to_have_count(1)
    expect(page.get_by_role("heading", name="How good it was")).to_be_visible()
    assert watched.complaints == []
    watched.close()


def test_what_changes_while_a_part_is_fetched_is_fetched_too(
    browser: Browser, seed: Seed, node: Face
) -> None:
    watched = treasurers(browser, node)
    page = watched.page
    page.goto(f"{node.url}/accounts/WLD-2016-A/huarui")
    expect(page.locator("#subject canvas")).to_have_count(2)
    page.evaluate("addEventListener('live:accounts', () => (window.told = 1 + (window.told ?? 0)))")
    held: list[Route] = []

    def hold(route: Route) -> None:
        answer = route.fetch()
        held.append(route)
        if len(held) == 1:  # the page is fetched, and not there yet
            heard = page.evaluate("window.told")
            top_up(seed, node, "IN-6")
            while page.evaluate("window.told") == heard:
                page.wait_for_timeout(20)
        route.fulfill(response=answer)

    page.route("**/accounts/WLD-2016-A/huarui", hold)
    top_up(seed, node, "IN-5")
    expect(page.locator('[data-figure="agreed"]')).to_have_text("5,000.00")
    assert len(held) >= 2
    page.unroute_all(behavior="wait")  # the first may still be held
    watched.close()


def test_the_wall_is_signed_in_to_once_and_moves_by_itself(
    browser: Browser, seed: Seed, node: Face
) -> None:
    watched = Watched(browser, viewport={"width": 1920, "height": 1080}, color_scheme="dark")
    page = watched.page
    page.goto(f"{node.url}/wall")
    page.get_by_label("API key").fill(node.key("read"))
    page.get_by_role("button", name="Show the positions").click()
    figure = page.locator('[data-figure="wall-1-huarui"]')
    expect(figure).to_have_text("4,000.00")
    # Asked until it holds: a frame of the live page may be just taking the figure's place.
    page.wait_for_function(
        "parseFloat(getComputedStyle(document.querySelector("
        "'[data-figure=\"wall-1-huarui\"]')).fontSize) >= 56"
    )
    top_up(seed, node, "IN-4")
    expect(figure).to_have_text("4,500.00")
    assert page.locator("button, input, select, a").count() == 0
    # The answer of the page before the key was given is a 401.
    assert [one for one in watched.complaints if "401" not in one] == []
    watched.close()


def test_whose_figures_these_are_is_read_whole_on_a_phone(
    browser: Browser, seed: Seed, node: Face
) -> None:
    node.health = NodeHealth(head=101, endpoint="https://chain.webank.example:8545")
    watched = Watched(browser, viewport={"width": 390, "height": 844})
    page = watched.page
    sign_in(page.context, node, node.person("treasury"))
    page.goto(node.url)
    named = page.locator(".unverified")
    expect(named).to_contain_text("(https://chain.webank.example:8545)")
    line = place_of(page, ".unverified")
    assert 0 < line["bottom"] <= 844
    assert line["whole"] <= line["shown"]
    page.evaluate("showLost(true)")
    assert 0 < place_of(page, "#lost")["bottom"] <= place_of(page, "#state")["top"]
    watched.close()


def test_the_figures_of_all_cards_on_the_wall_stand_in_the_same_places(
    browser: Browser, seed: Seed, node: Face
) -> None:
    with seed.engine.begin() as connection:
        day = datetime.now(UTC).date()
        seed.pair(connection, 1, Kind.TOP_UP, "MUCH", 4_812_345_678_90, "matched", day=day)
        seed.close_block(connection)
    watched = Watched(browser, viewport={"width": 1600, "height": 900})
    page = watched.page
    page.goto(f"{node.url}/wall")
    page.get_by_label("API key").fill(node.key("read"))
    page.get_by_role("button").click()
    expect(page.locator(".wall-account")).to_have_count(3)
    places = page.locator(".wall-account dl").evaluate_all(
        """lists => lists.map(list => [...list.querySelectorAll("dt")].map(one => {
            const [a, b] = [one.getBoundingClientRect(), list.getBoundingClientRect()];
            return [a.top - b.top, a.left - b.left].map(Math.round).join();
        }).join(" "))"""
    )
    assert len(set(places)) == 1, places
    watched.close()
