"""Every page, in both languages and colour schemes: what keeps people out, what a page weighs."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from app.db.engine import create
from app.domain.kinds import Kind
from app.people.sessions import csrf_token
from tests.e2e.browsing import Watched, sign_in
from tests.integration.faces import Face, face
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

AXE = Path(__file__).parents[1] / "axe/node_modules/axe-core/axe.min.js"
FIRST_LOAD = 200_000
"""Bytes of the first page with all that it loads."""
MARKUP = "<img src=x onerror=alert(1)>'\"&amp;{{7*7}}"
WIDE = "汉" * 64

PAGES = {
    "officer": [
        "/", "/breaks", "/breaks/1", "/accounts/WLD-2016-A/huarui", "/legs", "/legs/1", "/days",
        "/days/close", "/feeds", "/feeds/rows", "/acts", "/consortium", "/breaks/999",
        "/forecast", "/forecast/WLD-2016-A/huarui", "/facilities", "/facilities/WLD-2016-A",
        "/wall", "/reports", "/consortium/acts", "/new-facility", "/design", "/sessions",
    ],
    "administrator": [
        "/administration", "/administration/sessions", "/administration/keys",
        "/administration/audit",
    ],
    "": ["/login", "/enrol"],
}  # fmt: skip


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    engine = create(f"sqlite:///{tmp_path_factory.mktemp('pages') / 'bank.sqlite'}", vault=VAULT)
    seed = Seed(engine)
    seed.fill(40)
    with engine.begin() as connection:
        for event_ref in (MARKUP, WIDE):
            seed.pair(connection, 1, Kind.FEE, event_ref, 500, "amount", day=START.date())
        seed.close_block(connection)
    with face(engine) as served:
        yield served
    engine.dispose()


def open_as(node: Face, browser: Browser, role: str, **context: object) -> Watched:
    watched = Watched(browser, viewport={"width": 1280, "height": 900}, **context)
    if role:
        sign_in(watched.page.context, node, node.person(role))
    return watched


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("role", PAGES, ids=lambda role: role or "nobody")
def test_no_page_keeps_anybody_out(node: Face, browser: Browser, role: str, scheme: str) -> None:
    """Of axe-core's findings, none that is serious or critical."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (make test-tools)")
    locale = "zh-CN" if scheme == "dark" else "en-GB"
    watched = open_as(node, browser, role, color_scheme=scheme, locale=locale)
    found = {}
    for address in PAGES[role]:
        watched.page.goto(f"{node.url}{address}")
        if findings := look(watched.page):
            found[address] = findings
    watched.close()
    assert found == {}
    assert [one for one in watched.complaints if "404" not in one] == []


def look(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    return page.evaluate(  # type: ignore[no-any-return]
        """async () => {
            const found = await axe.run(document, { resultTypes: ["violations"] });
            return found.violations
                .filter((one) => ["serious", "critical"].includes(one.impact))
                .map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120))}`);
        }"""
    )


@pytest.mark.parametrize(("role", "address"), [("", "/login"), ("viewer", "/")])
def test_the_first_page_is_light(node: Face, browser: Browser, role: str, address: str) -> None:
    """Of a browser that has nothing of ours yet."""
    watched = open_as(node, browser, role)
    sizes: list[int] = []
    watched.page.on(
        "requestfinished",
        lambda request: sizes.append(
            request.sizes()["responseBodySize"] + request.sizes()["responseHeadersSize"]
        ),
    )
    watched.page.goto(f"{node.url}{address}")
    watched.page.wait_for_function("document.fonts.status === 'loaded'")
    watched.close()
    assert len(sizes) >= 3
    assert sum(sizes) < FIRST_LOAD


def test_wide_and_hostile_texts_are_shown_as_they_are(node: Face, browser: Browser) -> None:
    """In what feeds bring, in what people write, and in an address."""
    officer = node.signed_in("officer")
    officer.headers["X-CSRF-Token"] = csrf_token(officer.cookies["tally_session_1"])
    newest = officer.get("/v1/breaks", params={"limit": 2}).json()["items"]
    assert {one["event_ref"] for one in newest} == {MARKUP, WIDE}
    for text in (MARKUP, WIDE * 4):
        for one in newest:
            said = officer.post(f"/v1/breaks/{one['number']}/comments", json={"text": text})
            assert said.status_code == 201
        kept = {"name": text[:60], "query": f"?{urlencode({'text': MARKUP})}"}
        assert officer.post("/v1/views", json=kept).status_code == 201
    watched = Watched(browser)
    dialogs: list[str] = []
    watched.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    cookie = {"name": "tally_session_1", "value": officer.cookies["tally_session_1"]}
    watched.page.context.add_cookies([cookie | {"url": node.url}])  # type: ignore[list-item]
    searches = [f"/breaks?{urlencode({'text': MARKUP})}", f"/legs?{urlencode({'q': MARKUP})}"]
    numbers = [one["number"] for one in newest]
    pages = [*(f"/{name}/{one}" for name in ("breaks", "legs") for one in numbers)]
    wider = {}
    for address in ("/", "/breaks", "/legs", "/accounts/WLD-2016-A/huarui", *pages, *searches):
        watched.page.goto(f"{node.url}{address}")
        assert watched.page.locator("img[src=x]").count() == 0, address
        for width in (1280, 820, 390):
            watched.page.set_viewport_size({"width": width, "height": 900})
            over = watched.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if over > 0:
                wider[address, width] = over
    watched.page.goto(f"{node.url}/breaks")
    expect(watched.page.locator("#breaks-list")).to_contain_text(MARKUP)
    assert watched.complaints == []
    watched.close()
    assert (dialogs, wider) == ([], {})


def test_ages_are_the_nodes_whatever_the_browsers_clock_says(node: Face, browser: Browser) -> None:
    watched = open_as(node, browser, "viewer")
    page = watched.page
    page.goto(f"{node.url}/")
    age = page.locator(".block time").text_content()
    page.clock.set_fixed_time("2001-01-01T00:00:00Z")
    page.goto(f"{node.url}/")
    expect(page.locator(".block time")).to_have_text(age or "")
    watched.close()


def test_paper_is_light_and_says_whose_figures_it_shows(node: Face, browser: Browser) -> None:
    """A curve is drawn anew: it knows no style sheet."""
    watched = open_as(node, browser, "officer", color_scheme="dark")
    page = watched.page
    page.goto(f"{node.url}/accounts/WLD-2016-A/huarui")
    marker = page.locator(".chart .u-marker").nth(1)
    on_screen = marker.evaluate("(one) => getComputedStyle(one).borderColor")
    page.emulate_media(media="print", color_scheme="dark")
    expect(marker).to_have_css("border-top-color", "rgb(11, 95, 89)")
    assert on_screen == "rgb(92, 201, 189)"
    expect(page.get_by_role("navigation", name="Pages")).to_be_hidden()
    expect(page.locator(".who")).to_contain_text("webank")
    as_of = "(one) => getComputedStyle(one, '::after').content"
    assert page.locator(".block time").evaluate(as_of).startswith('"2026-')
    watched.close()


def test_all_is_reached_by_keyboard_and_nothing_moves_for_who_asks_so(
    node: Face, browser: Browser
) -> None:
    watched = open_as(node, browser, "officer", reduced_motion="reduce")
    page = watched.page
    page.goto(f"{node.url}/legs")
    wanted = page.evaluate(
        """() => {
            const all = [...document.querySelectorAll("a[href], button, input, select, summary")];
            window.wanted = all.filter((one) => one.checkVisibility() && one.type !== "hidden");
            return window.wanted.length;
        }"""
    )
    for _ in range(wanted + 2):
        page.keyboard.press("Tab")
        page.evaluate("window.wanted = window.wanted.filter((e) => e !== document.activeElement)")
    assert page.evaluate("window.wanted.map((one) => one.outerHTML)") == []
    moving = """() => [...document.querySelectorAll("*")].filter((one) => {
        const style = getComputedStyle(one);
        return parseFloat(style.transitionDuration) > 0 || parseFloat(style.animationDuration) > 0;
    }).map((one) => one.className)"""
    assert page.evaluate(moving) == []
    watched.close()
