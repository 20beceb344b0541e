"""A treasurer sees a shortfall come and, with a top-up, go, without touching the page; an officer
looks after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.alerts.judge import NodeFacts, Stopped
from app.db.engine import create
from tests.e2e.browsing import CONTRASTS, Watched, launched, sign_in
from tests.integration.faces import Face, face
from tests.integration.test_alerts import HOSTILE, Bank
from tests.integration.vaults import VAULT

expect.set_options(timeout=20_000)

SHOTS = os.environ.get("TALLY_SHOTS")
"""A folder for screenshots of each step, to be looked at."""


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}", vault=VAULT)
    yield Bank(engine)
    engine.dispose()


@pytest.fixture
def node(bank: Bank) -> Iterator[Face]:
    with face(bank.engine) as served:
        yield served


def test_a_top_up_ends_a_shortfall_on_screen(bank: Bank, node: Face, chromium_path: str) -> None:
    with launched(chromium_path) as browser:
        watched = Watched(browser, viewport={"width": 1280, "height": 800})
        page = watched.page
        sign_in(page.context, node, node.person("officer"))
        page.goto(f"{node.url}/alerts")
        expect(page.get_by_text("Nothing is the matter.")).to_be_visible()
        page.wait_for_function("document.querySelector('#live') !== null")

        def shot(name: str) -> None:
            assert page.evaluate(CONTRASTS) == []
            if SHOTS:
                page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)

        bank.known = NodeFacts(feeds={}, stopped=[Stopped("", f"{HOSTILE} refused it")])
        bank.top_up(-1_234_567_00)
        rows = page.locator("[data-alert]")
        expect(rows).to_have_count(2)
        expect(page.locator("#alerts-count")).to_contain_text("2")
        expect(page.locator("[data-alert=shortfall]")).to_contain_text("1,234,367.00 CNY")
        expect(page.locator("[data-alert=batch_stopped]")).to_contain_text(HOSTILE)
        shot("alerts")
        page.emulate_media(color_scheme="dark")
        shot("alerts-dark")
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        shot("alerts-phone")
        page.set_viewport_size({"width": 1280, "height": 800})
        page.emulate_media(color_scheme="light")

        page.get_by_role("button", name="Acknowledge: Postings stopped").click()
        expect(page.locator("[data-alert=batch_stopped]")).to_contain_text("Acknowledged")
        expect(page.locator("#alerts-count")).to_contain_text("1")
        bank.top_up(2_000_000_00)
        expect(rows).to_have_count(1)
        expect(page.locator("#alerts-count")).to_be_hidden()

        page.get_by_role("link", name="Postings stopped").click()
        expect(page.get_by_role("heading", name="Look after it")).to_be_visible()
        shot("alert")
        page.goto(f"{node.url}/alerts/rules")
        shot("rules")
        page.goto(f"{node.url}/alerts")
        expect(page.get_by_role("table", name="Alerts that ended")).to_contain_text("Shortfall")
        assert watched.complaints == []
        watched.close()
