"""The treasury page in a real browser: against two running nodes, and in states that are rare."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import insert

from app.db.engine import create
from app.domain.kinds import Kind
from app.http.context import NodeHealth
from app.readmodel import tables
from tests.e2e.browsing import CONTRASTS, Watched, sign_in
from tests.e2e.two_nodes import FACILITY_ID, TwoNodes, two_nodes
from tests.feeds import row_now
from tests.integration.faces import Face, enrolled, face
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

expect.set_options(timeout=20_000)

SHOTS = os.environ.get("TALLY_SHOTS")
"""A folder for screenshots, to be looked at."""

UPDATE_S = 1.0
"""A page shows a block within so long; the block's own clock counts whole seconds."""


@pytest.fixture(scope="module")
def nodes(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    with two_nodes(tmp_path_factory.mktemp("two-nodes")) as running:
        yield running


@pytest.fixture
def seed(tmp_path: Path) -> Iterator[Seed]:
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}", vault=VAULT)
    yield Seed(engine)
    engine.dispose()


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    opened = Watched(browser, viewport={"width": 1280, "height": 900})
    yield opened
    opened.close()


def event(ref: str, amount: str, **changes: str) -> dict[str, Any]:
    cells = {"facility": FACILITY_ID, "event_ref": ref, "kind": "top_up", "amount": amount}
    return row_now(f"{ref}-{amount}", **cells | changes)


def account(page: Page, partner: str) -> Any:
    return page.locator(f'tbody[data-partner="{partner}"]')


class TestTwoNodes:
    def test_both_pages_follow_both_banks_without_a_reload(
        self, browser: Browser, nodes: TwoNodes
    ) -> None:
        lead, partner = (Watched(browser), Watched(browser))
        for watched, node in ((lead, nodes.lead), (partner, nodes.partner)):
            watched.page.goto(node.url)
            watched.page.evaluate("document.body.dataset.loaded = 'once'")
            expect(watched.page.locator(".pill.good")).to_have_text("Live")
            expect(watched.page.locator(".who")).to_contain_text(node.bank)

        nodes.lead.push(event("FUND-1", "500000.00", partner="huarui"))
        for watched in (lead, partner):
            row = account(watched.page, "huarui")
            expect(row.get_by_text("1 missing at partner")).to_be_visible(timeout=15_000)
            cells = row.locator("td")
            expect(cells.nth(0)).to_have_text("0.00")
            expect(cells.nth(1)).to_have_text("500,000.00")
            expect(cells.nth(2)).to_have_text("0.00")
            expect(cells.nth(3)).to_have_text("0.00")
            expect(cells.nth(4)).to_have_text("0.00")
            expect(cells.nth(6)).to_contain_text("0.00 (proved)")
            expect(cells.nth(7)).to_have_text("1")
            expect(row.get_by_text("Low balance")).to_be_visible()

        nodes.partner.push(event("FUND-1", "500000.00"))
        for watched in (lead, partner):
            row = account(watched.page, "huarui")
            expect(row.locator("td").nth(2)).to_have_text("500,000.00")
            expect(row.locator("td").nth(0)).to_have_text("500,000.00")
            expect(row.locator("td").nth(7)).to_have_text("0")
            expect(row.get_by_text("Low balance")).to_have_count(0)
            assert watched.page.evaluate("document.body.dataset.loaded") == "once"
            assert watched.complaints == []
        assert lead.hosts == {httpx.URL(nodes.lead.url).netloc.decode()}
        assert partner.hosts == {httpx.URL(nodes.partner.url).netloc.decode()}
        lead.close()
        partner.close()

    def test_a_block_is_on_the_page_within_a_second(
        self, watched: Watched, nodes: TwoNodes
    ) -> None:
        page = watched.page
        page.goto(nodes.lead.url)
        ages: list[float] = page.evaluate(
            """() => new Promise((done) => {
                const seen = [];
                let last = document.querySelector("#state time").dateTime;
                new MutationObserver(() => {
                    const time = document.querySelector("#state time");
                    if (!time || time.dateTime === last) return;
                    last = time.dateTime;
                    seen.push((Date.now() - Date.parse(last)) / 1000);
                    if (seen.length === 7) done(seen);
                }).observe(document.getElementById("state"), {childList: true, subtree: true});
            })"""
        )
        # A block's clock tells whole seconds: up to one of these is the block's, not the page's.
        assert median(ages) < 1 + UPDATE_S, ages

    def test_a_node_that_is_gone_is_said_to_be_gone(
        self, watched: Watched, nodes: TwoNodes
    ) -> None:
        page = watched.page
        page.goto(nodes.partner.url)
        expect(page.locator("#lost")).to_be_hidden()
        nodes.partner.process.process.terminate()
        nodes.partner.process.process.wait(15)
        expect(page.locator("#lost")).to_be_visible(timeout=10_000)
        expect(page.locator("#lost")).to_contain_text("stand as of block")


class TestSigningIn:
    """Outside a development network nothing is shown to whoever is not signed in."""

    @pytest.fixture
    def node(self, seed: Seed) -> Iterator[Face]:
        with face(seed.engine) as served:
            yield served

    def test_nothing_is_open_without_a_session(self, node: Face) -> None:
        client = node.client(None)
        answer = client.get("/?partner=huarui")
        to = "/login?next=%2F%3Fpartner%3Dhuarui"
        assert (answer.status_code, answer.headers["location"]) == (303, to)
        refused = client.get("/live")
        assert refused.status_code == 401
        assert refused.headers["hx-redirect"] == "/login"
        for forged in ("x", "InRrIg.aaaa.bbbb"):
            forged_cookie = {"Cookie": f"tally_session_1={forged}"}
            assert client.get("/", headers=forged_cookie).status_code == 303

    def test_what_is_no_form_of_ours(self, node: Face) -> None:
        client = node.client(None)
        assert client.post("/login", json={"name": "x"}).status_code == 415
        assert client.post("/login", data={"name": "x" * 20_000}).status_code == 413
        many = {f"f{number}": "1" for number in range(300)}
        assert client.post("/login", data=many).status_code == 422
        assert client.post("/login", data={"name": "a\0"}).status_code == 422

    def test_a_development_page_opens_to_this_machine_only(self, seed: Seed) -> None:
        with face(seed.engine, development=True) as node:
            client = node.client(None)
            assert "Development network" in client.get("/").text
            # A name that another site made lead here.
            assert client.get("/", headers={"Host": "evil.example"}).status_code == 303
            # A reader behind a proxy on this machine.
            assert client.get("/", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 303

    def test_in_the_browser(self, node: Face, watched: Watched) -> None:
        page = watched.page
        page.goto(f"{node.url}/days")
        somebody = enrolled(node.engine, "viewer").form()
        for password in ("wrong", somebody["password"]):
            page.get_by_label("Name").fill(somebody["name"])
            page.get_by_label("Password").fill(password)
            page.get_by_label("Code", exact=True).fill(somebody["code"])
            page.get_by_role("button", name="Sign in").click()
            if password == "wrong":
                expect(page.get_by_role("alert")).to_contain_text("name, password or code")
        expect(page.get_by_role("heading", name="Days")).to_be_visible()
        page.get_by_role("link", name="Positions").click()
        expect(page.get_by_role("heading", name="Reserves")).to_be_visible()
        expect(page.get_by_text("Development network")).to_have_count(0)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Password")).to_be_visible()
        assert [one for one in watched.complaints if "401" not in one] == []


class TestStates:
    """What the page says when something is not as it should be."""

    @pytest.fixture
    def node(self, seed: Seed) -> Iterator[Face]:
        with face(seed.engine, development=True) as served:
            yield served

    def change(self, seed: Seed, node: Face) -> None:
        with seed.engine.begin() as connection:
            seed.close_block(connection)
        node.notifier.publish(seed.block)

    def test_the_chain_behind_stalled_and_away(
        self, node: Face, seed: Seed, watched: Watched
    ) -> None:
        page = watched.page
        page.goto(node.url)
        for health, words in (
            (NodeHealth(seed.block + 40), "40 blocks behind"),
            (NodeHealth(seed.block, stalled=True), "Chain stalled"),
            (NodeHealth(None), "Chain unreachable"),
            (NodeHealth(seed.block), "Live"),
        ):
            node.health = health
            expect(page.locator("[data-state]")).to_have_text(words)
            expect(page.locator("#announce")).not_to_be_empty()

    def test_ages_tick_between_blocks(self, node: Face, seed: Seed, watched: Watched) -> None:
        seed.now = int(time.time()) - 10
        self.change(seed, node)
        watched.page.goto(node.url)
        age = watched.page.locator("#state time")
        shown = age.inner_text()
        expect(age).not_to_have_text(shown)
        assert int(age.inner_text().split()[0]) > int(shown.split()[0])

    def test_shortfall_wrong_proof_and_incident(
        self, node: Face, seed: Seed, watched: Watched
    ) -> None:
        page = watched.page
        page.goto(node.url)
        expect(account(page, "huarui").locator(".proof.good")).to_have_count(1)
        with seed.engine.begin() as connection:
            seed.pair(connection, 1, Kind.DRAWDOWN, "D-1", 1_234_567, "matched", day=START.date())
            connection.execute(
                insert(tables.incidents).values(
                    what="books_differ",
                    place="WLD-2016-A, wuxi: <b>lead</b>",
                    block=7,
                    noticed_at=int(time.time()),
                )
            )
        seed.accounts[2].partner_book += 5
        self.change(seed, node)
        row = account(page, "huarui")
        expect(row.get_by_text("Shortfall")).to_be_visible()
        expect(row.locator("td").nth(2)).to_have_text("−12,345.67")
        expect(account(page, "wuxi").locator(".proof.bad")).to_contain_text("0.05 (NOT proved)")
        expect(page.locator(".notice.bad")).to_contain_text("Block 7: WLD-2016-A, wuxi: <b>lead")
        expect(page.locator(".tile.bad")).to_have_count(2)

    def test_what_is_pressed_stays_until_it_is_let_go(
        self, node: Face, seed: Seed, watched: Watched
    ) -> None:
        """The list is fetched anew while somebody clicks: the click would be lost with the link."""
        with seed.engine.begin() as connection:
            for number in range(60):
                seed.pair(connection, 1, Kind.FEE, f"F-{number}", 5, "amount", day=START.date())
            seed.close_block(connection)
        page = watched.page
        page.goto(f"{node.url}/breaks")
        rows = page.locator("#breaks-list tbody tr")
        expect(rows).to_have_count(50)
        held: list[Route] = []
        page.route("**/breaks", lambda route: held.append(route))
        with page.expect_request("**/breaks"):
            with seed.engine.begin() as connection:
                seed.pair(connection, 1, Kind.FEE, "F-60", 5, "amount", day=START.date())
            self.change(seed, node)
        link = page.get_by_role("link", name="Next page")
        link.scroll_into_view_if_needed()
        link.hover()
        page.mouse.down()
        with page.expect_response("**/breaks"):
            held.pop().continue_()
        page.evaluate("new Promise((done) => setTimeout(done, 100))")  # as long as a click takes
        page.mouse.up()
        expect(rows).to_have_count(10)

    def test_breaks_are_filtered_and_paged(self, node: Face, seed: Seed, watched: Watched) -> None:
        with seed.engine.begin() as connection:
            for number in range(70):
                type_ = "date" if number % 7 == 0 else "missing_at_lead"
                seed.pair(
                    connection,
                    1 + number % 2,
                    Kind.PRINCIPAL,
                    f"<i>REF</i>-{number:03}",
                    100,
                    type_,
                    day=START.date(),
                    first_posted_at=seed.now - int(timedelta(days=2).total_seconds()),
                )
            seed.close_block(connection)
        page = watched.page
        page.goto(f"{node.url}/breaks")
        rows = page.locator("#breaks-list tbody tr")
        expect(rows).to_have_count(50)
        expect(rows.first).to_contain_text("<i>REF</i>-069")
        page.get_by_role("link", name="Next page").click()
        expect(rows).to_have_count(20)
        expect(rows.last).to_contain_text("REF</i>-000")
        self.change(seed, node)
        expect(page.locator("[data-block]")).to_have_text(str(seed.block))
        expect(rows).to_have_count(20)
        page.get_by_role("link", name="First page").click()
        expect(rows).to_have_count(50)

        page.get_by_label("Type").select_option("Date")
        expect(rows).to_have_count(10)
        expect(rows.first).to_contain_text("+1 day")
        page.get_by_label("Partner").select_option("wuxi")
        expect(rows).to_have_count(5)
        page.get_by_label("Reference").press_sequentially("ref</I>-04")
        expect(rows).to_have_count(1)
        expect(page.locator("#announce")).to_have_text("1 break")
        assert "type=date" in page.url
        page.reload()
        expect(rows).to_have_count(1)
        expect(page.get_by_label("Partner")).to_have_value("wuxi")
        page.get_by_label("Reference").fill("")
        page.get_by_label("Overdue only").check()
        expect(page.locator("#breaks-list")).to_contain_text("No break fits this filter")
        page.get_by_label("Type").select_option("All")
        expect(rows.locator(".mark.bad")).to_have_count(30)
        assert watched.complaints == []

    def test_a_type_in_an_account_leads_to_its_breaks(
        self, node: Face, seed: Seed, watched: Watched
    ) -> None:
        with seed.engine.begin() as connection:
            for type_ in ("date", "amount", "amount"):
                seed.pair(connection, 1, Kind.FEE, f"F-{seed.number}", 100, type_, day=START.date())
            seed.close_block(connection)
        page = watched.page
        page.goto(node.url)
        account(page, "huarui").get_by_role("link", name="2 amount").click()
        expect(page.locator("#breaks-list tbody tr")).to_have_count(2)
        expect(page.get_by_label("Type")).to_have_value("amount")

    def test_a_break_and_its_account_have_pages_of_their_own(
        self, node: Face, seed: Seed, watched: Watched
    ) -> None:
        with seed.engine.begin() as connection:
            seed.pair(connection, 1, Kind.FEE, "F-1", 100_00, "amount", day=START.date())
            seed.close_block(connection)
        page = watched.page
        page.goto(f"{node.url}/breaks")
        page.locator("#breaks-list").get_by_role("link", name="F-1").click()
        expect(page.get_by_role("row", name="Amount differs")).to_contain_text("103.17")
        page.get_by_label("Where this is").get_by_role("link", name="huarui").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("huarui")
        page.evaluate("document.body.dataset.loaded = 'once'")
        with seed.engine.begin() as connection:
            seed.pair(connection, 1, Kind.TOP_UP, "T-1", 9_000_000_00, "matched", day=START.date())
        self.change(seed, node)
        expect(page.locator("[data-figure=agreed]")).to_have_text("9,000,000.00")
        assert page.evaluate("document.body.dataset.loaded") == "once"
        for name in ("Days", "Consortium", "Positions"):
            page.get_by_label("Pages").get_by_role("link", name=name).click()
            expect(page.get_by_label("Pages").locator("[aria-current=page]")).to_have_text(name)
        assert watched.complaints == []

    def test_breaks_are_worked_by_keyboard(self, node: Face, seed: Seed, watched: Watched) -> None:
        with seed.engine.begin() as connection:
            for number in range(60):
                seed.pair(
                    connection, 1, Kind.FEE, f"F-{number:02}", 100, "amount", day=START.date()
                )
            seed.close_block(connection)
        other = enrolled(seed.engine, "officer").person
        page = watched.page
        sign_in(page.context, node, node.person("officer"))
        page.goto(f"{node.url}/breaks")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("next break")
        page.keyboard.press("Escape")
        for key in "jjjkxjx":
            page.keyboard.press(key)
        expect(page.locator("#break-58")).to_be_focused()
        expect(page.locator("#selected")).to_have_text("2 selected")
        page.keyboard.press("/")
        page.keyboard.type("xaj?")
        expect(page.get_by_label("Reference")).to_have_value("xaj?")
        expect(page.locator("#breaks-list")).to_contain_text("No break fits this filter")
        page.get_by_label("Reference").fill("")
        expect(page.locator("[data-row]")).to_have_count(50)

        # What is selected outlives a list that renews itself.
        page.keyboard.press("Tab")
        page.locator("#break-60").focus()
        page.keyboard.press("x")
        self.change(seed, node)
        with seed.engine.begin() as connection:
            seed.pair(connection, 1, Kind.FEE, "NEW", 100, "amount", day=START.date())
            seed.close_block(connection)
        node.notifier.publish(seed.block)
        expect(page.locator("#break-61")).to_be_visible()
        expect(page.locator("#break-60")).to_be_focused()
        expect(page.locator("#selected")).to_have_text("1 selected")
        page.keyboard.press("a")
        expect(page.get_by_label("Assign to")).to_be_focused()
        page.get_by_label("Assign to").select_option(other.display_name)
        page.get_by_role("button", name="Assign").click()
        expect(page.get_by_text(f"1 break is now assigned to {other.display_name}")).to_be_visible()
        page.get_by_label("All 61 that match").check()
        page.get_by_role("button", name="Assign").click()
        expect(page.get_by_text("61 breaks are now assigned")).to_be_visible()
        page.get_by_role("link", name="Mine").click()
        expect(page.locator("#breaks-count")).to_have_text("61 breaks")
        page.get_by_label("Keep this filter as").fill("<b>my work</b>")
        page.get_by_role("button", name="Save the view").click()
        expect(page.get_by_role("link", name="<b>my work</b>")).to_have_attribute(
            "href", "/breaks?assignee=me"
        )
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/work-list.png", full_page=True)
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page.get_by_text("assigned to P-")).to_be_visible()
        page.get_by_role("textbox", name="Comment").fill("<script>alert(1)</script> asked huarui")
        page.get_by_role("button", name="Add the comment").click()
        expect(page.get_by_role("list", name="Comments")).to_contain_text(
            "<script>alert(1)</script> asked"
        )
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/work-break.png", full_page=True)
        assert page.evaluate(CONTRASTS) == []
        assert watched.complaints == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [1280, 420])
    def test_it_fits_and_can_be_read_by_all(
        self, node: Face, seed: Seed, browser: Browser, width: int, scheme: Any
    ) -> None:
        seed.fill(40)
        node.health = NodeHealth(head=101, endpoint="https://chain-rpc.nanfeng-bank.example:8545")
        watched = Watched(browser, viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = watched.page
        page.goto(node.url)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        # The tables stay tables to a screen reader, whatever they look like.
        expect(
            page.get_by_role("table", name="Reserve accounts of WLD-2016-A in CNY")
        ).to_be_visible()
        expect(page.get_by_role("rowheader", name="huarui").first).to_be_visible()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        for path in ("", "breaks", "breaks/1", "accounts/WLD-2016-A/huarui", "days", "consortium"):
            page.goto(f"{node.url}/{path}")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            faint = page.evaluate(CONTRASTS)
            assert faint == [], (path, faint)
        assert watched.complaints == []
        watched.close()
