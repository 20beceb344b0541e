"""Feeds and legs in a real browser: a file is dropped, looked at, taken in, and what was wrong with
it is mended, dismissed, and found again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.db.engine import create
from tests.e2e.browsing import CONTRASTS, sign_in
from tests.feeds import csv_bytes
from tests.integration.faces import Face, face
from tests.integration.seeded import Seed
from tests.integration.test_api_events import event
from tests.integration.vaults import VAULT

expect.set_options(timeout=20_000)

DROP = """async ([text, name]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  document.getElementById("drop").dispatchEvent(
    new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Face]:
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}", vault=VAULT)
    Seed(engine).fill(12)
    with face(engine) as served:
        yield served
    engine.dispose()


def opened(browser: Browser, node: Face, role: str, **options: Any) -> BrowserContext:
    """A browser in which somebody of that role is signed in."""
    context = browser.new_context(**options)
    sign_in(context, node, node.person(role))
    return context


def complaints(page: Page) -> list[str]:
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text))
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def test_a_file_is_dropped_taken_in_mended_and_found(browser: Browser, node: Face) -> None:
    context = opened(browser, node, "officer")
    page = context.new_page()
    heard = complaints(page)
    page.goto(f"{node.url}/feeds")
    rows = [event(1), event(2, amount="2,00"), event(3, amount="3,00"), event(4, event_ref="NULL")]
    text = csv_bytes(rows).decode()

    page.evaluate(DROP, [text.encode().decode("utf-8").replace(",", ";"), "semicolons.csv"])
    expect(page.get_by_role("alert")).to_contain_text("separated by semicolons")
    page.evaluate(DROP, [text, "feed.csv"])
    result = page.locator("#upload-result")
    expect(result).to_contain_text("4 rows in; 2 would be accepted, 0 duplicate, 2 quarantined")
    expect(result).to_contain_text("'NULL' looks like a value that is absent")
    expect(page.get_by_text("Nothing was sent to this node yet")).to_be_visible()
    page.get_by_role("button", name="Take it in").click()
    expect(result).to_contain_text("2 accepted")
    page.get_by_role("link", name="See the feeds").click()

    page.get_by_role("link", name="amount is not digits").click()
    page.get_by_role("link", name="Line 3").click()
    page.get_by_label("amount").fill("2.00")
    page.get_by_role("button", name="Mend").click()
    expect(page.get_by_text("Nothing is at fault any more")).to_be_visible()
    page.get_by_role("button", name="Replay").click()
    expect(page.locator(".pill", has_text="Accepted")).to_be_visible()
    expect(page.get_by_text("2,00 → 2.00")).to_be_visible()

    page.goto(f"{node.url}/feeds/rows?field=amount")
    page.get_by_label("Why", exact=True).fill("sent twice by the core")
    page.get_by_role("button", name="Dismiss all").click()
    expect(page.locator("p.notice")).to_contain_text("1 changed")
    expect(page.get_by_text("No row waits")).to_be_visible()
    page.get_by_role("link", name="dismissed rows").click()
    page.get_by_role("link", name="Line").click()
    expect(page.get_by_text("sent twice by the core")).to_be_visible()
    page.get_by_label("Why", exact=True).fill("it was not")
    page.get_by_role("button", name="Restore").click()
    expect(page.locator(".pill", has_text="Faulty")).to_be_visible()

    page.get_by_role("link", name="Legs").click()
    page.get_by_label("Reference, amount, transaction or block").fill("FUND-1")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="FUND-1", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("FUND-1")
    expect(page.get_by_text("Judged by the contract: matched")).to_be_visible()
    assert heard == []
    context.close()


def test_a_session_ends_while_a_reason_is_typed(browser: Browser, node: Face) -> None:
    node.client("feeds").post(
        "/v1/facilities/WLD-2016-A/events:bulk", json=[event(1, amount="x"), event(2, amount="y")]
    )
    context = opened(browser, node, "officer")
    cookies: Any = context.cookies()
    page = context.new_page()
    for path, button, done in (
        ("feeds/rows/1", "Dismiss", "Dismissed by"),
        ("feeds/rows?field=amount", "Dismiss all", "1 changed"),
    ):
        page.goto(f"{node.url}/{path}")
        why = page.get_by_label("Why", exact=True)
        why.fill(" ")
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("alert").filter(has_text="a reason of 1 to 500")).to_be_visible()
        assert page.url == f"{node.url}/{path}"
        why.fill("sent twice")
        context.clear_cookies()
        page.get_by_role("button", name=button).click()
        expect(page.get_by_text("Your session has ended; what you typed here")).to_be_visible()
        expect(why).to_have_value("sent twice")
        context.add_cookies(cookies)  # signed in again in another tab
        page.evaluate("window.dispatchEvent(new Event('focus'))")
        expect(page.locator("#expired")).to_be_hidden()
        page.get_by_role("button", name=button).click()
        expect(page.locator("#content")).to_contain_text(done)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 420])
def test_they_fit_and_can_be_read_by_all(
    browser: Browser, node: Face, width: int, scheme: Any
) -> None:
    client = node.client("feeds")
    faulty = [event(9, amount="1,000.00", memo="还款 " * 40), event(10, event_ref="W" * 65)]
    client.post("/v1/facilities/WLD-2016-A/events:bulk", json=faulty)
    size = {"width": width, "height": 900}
    context = opened(browser, node, "officer", viewport=size, color_scheme=scheme)
    page = context.new_page()
    for path in ("feeds", "feeds/rows?feed_id=1", "feeds/rows/1", "legs", "legs/1", "legs?q=none"):
        page.goto(f"{node.url}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate(CONTRASTS) == [], path
    context.close()
