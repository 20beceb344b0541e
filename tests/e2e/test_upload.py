"""A file is sent through the page on bad days: cut midway, slowly, by somebody whose session ends,
two at a time, or not where it belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import delete, func, select

from app.db.engine import create
from app.intake.tables import events, feeds
from app.people.person import Person
from app.people.tables import sessions
from tests.e2e.browsing import Watched, sign_in
from tests.e2e.relay import Relay, relay
from tests.feeds import csv_bytes
from tests.integration.faces import Face, face
from tests.integration.seeded import Seed
from tests.integration.test_api_events import event
from tests.integration.vaults import VAULT

expect.set_options(timeout=20_000)

DROP = """([on, files]) => {
  const data = new DataTransfer();
  for (const [text, name] of files) data.items.add(new File([text], name));
  const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  return document.querySelector(on).dispatchEvent(drop);
}"""
"""Whether the browser would still do what it does with a file by itself: leave the page for it."""

ONE, TWO = (csv_bytes([event(number)]).decode() for number in (1, 2))
ROWS = 5_000
SLOW_BYTES_PER_S = 150_000
LINE = {"offline": False, "latency": 0, "downloadThroughput": -1}
SOME = re.compile(r"^0\.[1-9]")
"""Of what is to be sent, some is."""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Face]:
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}", vault=VAULT)
    Seed(engine).fill(12)
    with face(engine) as served:
        yield served
    engine.dispose()


@pytest.fixture
def line(node: Face) -> Iterator[Relay]:
    with relay(node.url) as made:
        yield made


@pytest.fixture
def page(browser: Browser, node: Face, line: Relay, officer: Person) -> Iterator[Page]:
    watched = Watched(browser, viewport={"width": 1280, "height": 900})
    sign_in(watched.page.context, node, officer)
    watched.page.goto(f"{line.url}/feeds")
    yield watched.page
    watched.close()


@pytest.fixture
def officer(node: Face) -> Person:
    return node.person("officer")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that takes seconds over a slow line."""
    path = tmp_path_factory.mktemp("feeds") / "large.csv"
    path.write_bytes(csv_bytes([event(number) for number in range(1, ROWS + 1)]))
    return path


def slow(page: Page) -> None:
    """The browser sends slowly from now on."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("Network.enable")
    cdp.send(
        "Network.emulateNetworkConditions",
        LINE | {"uploadThroughput": SLOW_BYTES_PER_S},
    )


def choose(page: Page, path: Path) -> None:
    page.locator("#upload-file").set_input_files(path)


def taken(node: Face) -> tuple[int, int]:
    """How many events and feeds this node has."""
    with node.engine.connect() as connection:
        found = [
            connection.execute(select(func.count()).select_from(t)).scalar_one()
            for t in (events, feeds)
        ]
    return found[0], found[1]


def test_a_file_that_is_cut_midway_is_said_kept_and_sent_again(
    page: Page, node: Face, line: Relay, large: Path
) -> None:
    before = taken(node)
    slow(page)
    choose(page, large)
    progress = page.get_by_role("progressbar")
    expect(progress).to_have_attribute("value", SOME)
    line.cut()
    step = page.locator("#upload-step")
    expect(step).to_have_text(
        "large.csv did not reach this node: nothing of it was taken in. It is still chosen here."
    )
    line.join()
    again, take = (page.get_by_role("button", name=one) for one in ("Try again", "Take it in"))
    again.click()
    take.click()
    expect(take).to_be_disabled()
    expect(progress).to_have_attribute("value", SOME)
    line.cut()
    expect(step).to_contain_text("large.csv may have been taken in or not. It is still chosen here")
    assert taken(node) == before
    line.join()
    again.click()
    expect(page.locator("#upload-result")).to_contain_text(f"{ROWS:,} accepted")
    assert taken(node) == (before[0] + ROWS, before[1] + 1)


def test_what_was_sent_whole_and_not_answered_may_have_been_taken_in(
    page: Page, node: Face
) -> None:
    page.evaluate(DROP, ["#drop", [[ONE, "one.csv"]]])
    take = page.get_by_role("button", name="Take it in")
    take.wait_for()

    def lost(route: Route) -> None:
        """The node has done it, and nobody hears."""
        route.fetch()
        route.abort()

    page.route("**/feeds/upload?*", lost)
    take.click()
    expect(page.get_by_text("one.csv may have been taken in or not")).to_be_visible()
    page.unroute("**/feeds/upload?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#upload-result")).to_contain_text("0 accepted, 1 duplicate")


def test_it_is_stopped(page: Page, node: Face, large: Path) -> None:
    before = taken(node)
    slow(page)
    choose(page, large)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("large.csv did not reach this node")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    assert taken(node) == before


@pytest.mark.parametrize("take", [False, True])
def test_a_session_ends_while_a_file_waits(
    page: Page, node: Face, officer: Person, take: bool
) -> None:
    before = taken(node)

    def end() -> None:
        with node.engine.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.person == officer.id))

    def ended(route: Route) -> None:
        """While the file is on its way: without one the page would leave for the sign-in page."""
        end()
        route.continue_()

    if take:
        page.evaluate(DROP, ["#drop", [[ONE, "one.csv"]]])
        page.get_by_role("button", name="Take it in").wait_for()
        end()
        page.get_by_role("button", name="Take it in").click()
    else:
        page.route("**/feeds/upload?*", ended, times=1)
        page.evaluate(DROP, ["#drop", [[ONE, "one.csv"]]])
    expect(page.get_by_text("Your session has ended; what you typed here is kept")).to_be_visible()
    expect(page.get_by_text("one.csv did not reach this node")).to_be_visible()
    assert taken(node) == before
    sign_in(page.context, node, officer)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("#expired")).to_be_hidden()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#upload-result")).to_contain_text(
        "1 accepted" if take else "1 would be accepted"
    )


def test_the_newest_chosen_file_is_the_one_that_is_looked_at(page: Page, node: Face) -> None:
    """The first one's answer comes last."""
    held: list[Route] = []
    page.route("**/feeds/upload?*name=first.csv*", lambda route: held.append(route))
    page.evaluate(DROP, ["#drop", [[ONE, "first.csv"]]])
    expect(page.locator("#upload-step")).to_have_text("Checking first.csv…")
    while not held:
        page.wait_for_load_state()
    page.evaluate(DROP, ["#drop", [[f"{ONE}{TWO.splitlines()[1]}\n", "second.csv"]]])
    result = page.locator("#upload-result")
    expect(result).to_contain_text("second.csv: 2 rows in")
    held[0].abort()
    page.get_by_role("button", name="Take it in").click()
    expect(result).to_contain_text("second.csv: 2 rows in; 2 accepted")
    expect(page.locator("#upload-under-way")).to_be_hidden()


def test_of_several_files_none_is_sent_and_what_was_given_before_stays(
    page: Page, node: Face
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.evaluate(DROP, ["#drop", [[ONE, "one.csv"], [TWO, "two.csv"]]])
    expect(page.get_by_text("One file at a time, please")).to_be_visible()
    assert not [one for one in sent if "/feeds/upload" in one]
    page.evaluate(DROP, ["#drop", [[ONE, "one.csv"]]])
    page.get_by_role("button", name="Take it in").wait_for()
    expect(page.get_by_text("One file at a time, please")).to_be_hidden()
    page.evaluate(DROP, ["#drop", [[ONE, "one.csv"], [TWO, "two.csv"]]])
    expect(page.get_by_text("One file at a time, please")).to_be_visible()
    page.get_by_role("button", name="Take it in").click()
    expect(page.locator("#upload-result")).to_contain_text("one.csv: 1 rows in; 1 accepted")


def test_a_file_dropped_beside_the_field_neither_leaves_the_page_nor_is_sent(
    page: Page, node: Face
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    assert page.evaluate(DROP, ["h1", [[ONE, "one.csv"]]]) is False
    page.evaluate(DROP, ["#drop", [[TWO, "two.csv"]]])
    expect(page.locator("#upload-result")).to_contain_text("two.csv: 1 rows in")
    assert len([one for one in sent if "/feeds/upload" in one]) == 1


def test_the_same_file_is_chosen_again_once_it_is_mended(
    page: Page, node: Face, tmp_path: Path
) -> None:
    path = tmp_path / "feed.csv"
    path.write_text(ONE.replace(",", ";"))
    choose(page, path)
    expect(page.get_by_text("separated by semicolons")).to_be_visible()
    path.write_text(ONE)
    choose(page, path)
    take = page.get_by_role("button", name="Take it in")
    take.wait_for()
    path.write_text(ONE + TWO.splitlines()[1])  # what was looked at is no more
    take.click()
    expect(page.get_by_text("feed.csv cannot be read here: it has changed")).to_be_visible()
