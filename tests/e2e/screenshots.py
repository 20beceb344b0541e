"""Pictures of each page for the docs, of a demonstration's lead after some work.

They differ from run to run in dates and hashes alone.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from shutil import which
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser
from pylopdf_fonts_zh_cn import sans_path

from app.client.node import NodeClient, Session
from app.local.demo.environment import own_chain
from app.local.demo.nodes import NodeProcess
from app.local.demo.run import Demo, running_demo
from app.people.development import DEVELOPMENT_PASSWORD
from app.people.second_factor import DEVELOPMENT_CODE
from tests.conftest import CHROMIUM_NAMES
from tests.e2e.browsing import Watched, launched
from tests.integration.posting import await_true
from tests.plain_http import NO_TLS

OUT = Path(__file__).parents[2] / "docs/screenshots"
EVENTS = 1_500
COLORS = 96
"""Of each picture: the pages have few, and the files stay small."""
DESKTOP, PHONE, WALL = (1280, 800), (390, 844), (1600, 900)


@dataclass(frozen=True)
class Picture:
    """What is shown to whom; `role` empty: nobody is signed in."""

    name: str
    path: str
    role: str = "officer"
    dark: bool = False
    locale: str = "en-GB"
    size: tuple[int, int] = DESKTOP


def pictures(facility: str, partner: str, number: int, act: int) -> list[Picture]:
    """Every page once; some in the dark, on a phone or in Chinese besides."""
    account = f"/accounts/{facility}/{partner}"
    return [
        Picture("sign-in", "/login", role=""),
        Picture("positions", "/"),
        Picture("positions-dark", "/", dark=True),
        Picture("positions-phone", "/", size=PHONE),
        Picture("positions-chinese", "/", locale="zh-CN"),
        Picture("wall", "/wall", size=WALL, dark=True),
        Picture("account", account),
        Picture("breaks", "/breaks"),
        Picture("break", f"/breaks/{number}"),
        Picture("break-dark", f"/breaks/{number}", dark=True),
        Picture("legs", "/legs"),
        Picture("leg", f"/legs/{number}"),
        Picture("days", "/days"),
        Picture("close-a-day", "/days/close"),
        Picture("holds", "/holds"),
        Picture("feeds", "/feeds"),
        Picture("quarantine", "/feeds/rows"),
        Picture("to-sign", "/acts", role="approver"),
        Picture("sign", f"/acts/{act}", role="approver"),
        Picture("sign-phone", f"/acts/{act}", role="approver", size=PHONE),
        Picture("alerts", "/alerts"),
        Picture("forecast", "/forecast"),
        Picture("facilities", "/facilities"),
        Picture("facility", f"/facilities/{facility}"),
        Picture("consortium", "/consortium"),
        Picture("reports", "/reports", role="auditor"),
        Picture("people", "/administration", role="administrator"),
        Picture("api-keys", "/administration/keys", role="administrator"),
        Picture("webhooks", "/administration/webhooks", role="administrator"),
        Picture("audit-trail", "/administration/audit", role="administrator"),
        Picture("design", "/design"),
    ]


def main() -> None:
    chromium = next((found for name in CHROMIUM_NAMES if (found := which(name))), None)
    if chromium is None:
        sys.exit("chromium is needed: make test-tools")
    OUT.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        chinese_font(Path(folder)),
        own_chain(Path(folder) / "demo", say) as environment,
        running_demo(environment, say) as demo,
        launched(chromium) as browser,
    ):
        demo.push(EVENTS)
        demo.settle()
        lead = demo.nodes[0]
        number, act = work(demo, lead)
        partner = demo.facility.partners[0].name
        for one in pictures(demo.facility.id, partner, number, act):
            take(browser, lead, one)
            say(one.name)


@contextmanager
def chinese_font(folder: Path) -> Iterator[None]:
    """Browsers that are started meanwhile have a font with Chinese: the one of printed reports."""
    (folder / "fonts.conf").write_text(
        '<?xml version="1.0"?><fontconfig><include>/etc/fonts/fonts.conf</include>'
        f"<dir>{Path(sans_path()).parent}</dir><cachedir>{folder / 'fonts'}</cachedir></fontconfig>"
    )
    os.environ["FONTCONFIG_FILE"] = str(folder / "fonts.conf")
    try:
        yield
    finally:
        del os.environ["FONTCONFIG_FILE"]


def work(demo: Demo, lead: NodeProcess) -> tuple[int, int]:
    """What people of both banks might have done by now; a break with a proposal, and the act that
    waits for a signature."""
    facility = demo.facility.id
    with person(lead, "officer") as officer, person(lead, "approver") as approver:
        found = officer.get("/v1/breaks", params={"type": "amount"})
        numbers = [one["number"] for one in found.json()["items"]]
        me = officer.get("/v1/session").json()["id"]
        post(officer, "/v1/breaks:assign", breaks=numbers[:4], assignee=me)
        post(officer, f"/v1/breaks/{numbers[0]}/comments", text="Asked their operations desk.")
        proposal = {"act": "breaks.propose", "action": "adjust", "side": "lead"}
        proposed = post(
            officer, "/v1/acts", **proposal, pair=numbers[0], reason="We booked the fee twice."
        )
        sign(approver, proposed)
        waiting = post(
            officer, "/v1/acts", **proposal, pair=numbers[1], reason="Our core rounded up."
        )
        drawdown = {"facility": facility, "event_ref": "DRAW-7001", "amount": "250000.00"}
        sign(approver, post(officer, "/v1/acts", act="holds.place", **drawdown))
        bad = {"event_id": "X-1", "facility": facility, "event_ref": "RP-9001", "amount": "12,5"}
        feeds_key = lead.log.with_name("feeds.key").read_text()
        with closing(NodeClient(lead.url, key=feeds_key)) as core_banking:
            core_banking.push(facility, [bad, bad | {"event_id": "X-2", "kind": "repayed"}])
    with person(lead, "auditor") as auditor:
        today = auditor.get("/v1/balances").json()["as_of"]["time"][:10]
        dates = {"from": today, "to": today}
        for name, form in (("reconciliation", "pdf"), ("break-ageing", "xlsx")):
            post(auditor, "/v1/report-jobs", report=name, facility=facility, format=form, **dates)
        await_true(
            lambda: all(
                one["state"] == "made" for one in auditor.get("/v1/report-jobs").json()["items"]
            ),
            "the reports",
            60,
        )
    return numbers[0], waiting["number"]


def sign(approver: httpx.Client, act: dict[str, Any]) -> None:
    """Sign an act, and wait until it is on the chain."""
    address = f"/v1/acts/{act['number']}"
    post(approver, f"{address}/sign", hash=act["hash"], code=DEVELOPMENT_CODE)
    await_true(lambda: approver.get(address).json()["state"] == "signed", "the act signed", 60)


def post(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.is_success, f"{path}: {answer.text}"
    made: dict[str, Any] = answer.json()
    return made


def session(node: NodeProcess, role: str) -> Session:
    """Of the development person of a role."""
    with NodeClient(node.url) as client:
        return client.sign_in(role, DEVELOPMENT_PASSWORD, DEVELOPMENT_CODE)


@contextmanager
def person(node: NodeProcess, role: str) -> Iterator[httpx.Client]:
    """The same, for REST."""
    opened = session(node, role)
    with httpx.Client(
        base_url=node.url,
        cookies={opened.cookie: opened.token},
        headers={"X-CSRF-Token": opened.csrf},
        timeout=60,
        verify=NO_TLS,
    ) as client:
        yield client


def take(browser: Browser, node: NodeProcess, picture: Picture) -> None:
    """Write one picture."""
    width, height = picture.size
    watched = Watched(
        browser,
        viewport={"width": width, "height": height},
        color_scheme="dark" if picture.dark else "light",
        locale=picture.locale,
        reduced_motion="reduce",
    )
    page = watched.page
    if picture.role:
        opened = session(node, picture.role)
        page.context.add_cookies([{"name": opened.cookie, "value": opened.token, "url": node.url}])
    page.goto(f"{node.url}{picture.path}")
    page.wait_for_function("document.fonts.status === 'loaded'")
    with Image.open(BytesIO(page.screenshot())) as shot:
        few = shot.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    few.save(OUT / f"{picture.name}.png", optimize=True)
    watched.close()


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
