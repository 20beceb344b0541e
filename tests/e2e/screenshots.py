"""Pictures of each page for the docs, of a demonstration's lead after some work.

They differ from run to run in dates and hashes alone.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from shutil import which
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser
from pylopdf_fonts_zh_cn import sans_path

from app.client.node import NodeClient, Session
from app.domain.facility import Facility
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
LEFT = {"luoyang": Decimal(1_080_000), "changsha": Decimal(90_000)}
"""What two partners have left in their accounts: a little more than the threshold, and some days'
drawdowns."""
WITHDRAWN = timedelta(days=25)
"""How long ago: before what the chart of a forecast shows."""
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


def pictures(terms: Facility, number: int, act: int, day: int) -> list[Picture]:
    """Every page once; some in the dark, on a phone or in Chinese besides."""
    facility, partners = terms.id, [one.name for one in terms.partners]
    account = f"/accounts/{facility}/{partners[0]}"
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
        Picture("day", f"/days/{day}"),
        Picture("close-a-day", "/days/close"),
        Picture("holds", "/holds"),
        Picture("feeds", "/feeds"),
        Picture("quarantine", "/feeds/rows"),
        Picture("to-sign", "/acts", role="approver"),
        Picture("sign", f"/acts/{act}", role="approver"),
        Picture("sign-phone", f"/acts/{act}", role="approver", size=PHONE),
        Picture("alerts", "/alerts"),
        Picture("forecast", "/forecast"),
        Picture("account-forecast", f"/forecast/{facility}/{partners[-1]}"),
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
        withdraw(demo)
        day = close_days(demo)
        number, act = work(demo, lead)
        for one in pictures(demo.facility, number, act, day):
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


def close_days(demo: Demo) -> int:
    """The last weekday but one is closed by both banks of each account; the last one was stated by
    the lead, by a partner, or by the lead and disputed. The number of what the partner stated."""
    facility = demo.facility
    lead, *partners = demo.nodes[: len(facility.banks)]
    today = datetime.now(facility.zone).date()
    last, earlier = [
        day for day in (today - timedelta(days=ago) for ago in range(1, 8)) if day.weekday() < 5
    ][:2]
    for node in partners:
        state_day(lead, node, facility.id, node.name, earlier)
        answer = {"act": "days.confirm", "facility": facility.id, "partner": node.name}
        do(node, **answer, statement_hash=stated(node, facility.id, node.name, earlier))
        await_true(
            lambda node=node: newest_day(lead, facility.id, node.name)["state"] == "closed",  # type: ignore[misc]
            "the day closed",
            60,
        )
    first, second, third = partners
    state_day(lead, first, facility.id, first.name, last)
    state_day(second, lead, facility.id, second.name, last)
    state_day(lead, third, facility.id, third.name, last)
    do(
        third,
        act="days.dispute",
        facility=facility.id,
        partner=third.name,
        statement_hash=stated(third, facility.id, third.name, last),
        reason="Two repayments of that day were booked late at our side.",
    )
    number: int = newest_day(lead, facility.id, second.name)["number"]
    return number


def withdraw(demo: Demo) -> None:
    """One partner took so much back some weeks ago that its account is about to fall below its
    threshold, another so much that it is about to run out: that is what forecasts are for."""
    facility = demo.facility
    with person(demo.nodes[0], "officer") as officer:
        found = officer.get("/v1/balances").json()["items"]
    available = {one["partner"]: Decimal(one["available"]) for one in found}
    booked = datetime.now(UTC) - WITHDRAWN
    for node in demo.nodes[2 : len(facility.banks)]:
        left = LEFT[node.name]
        row = {
            "event_id": f"W-{node.name}", "facility": facility.id, "event_ref": f"WD-{node.name}",
            "kind": "withdrawal", "amount": f"{available[node.name] - left:.2f}",
            "currency": facility.currency, "booked_at": f"{booked:%Y-%m-%dT%H:%M:%SZ}",
            "value_date": f"{booked.astimezone(facility.zone).date()}",
        }  # fmt: skip
        for bank, more in ((demo.nodes[0], {"partner": node.name}), (node, {})):
            with closing(core_banking(bank)) as client:
                assert client.push(facility.id, [row | more]).rows.accepted == 1
    demo.settle()


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
        with closing(core_banking(lead)) as client:
            client.push(facility, [bad, bad | {"event_id": "X-2", "kind": "repayed"}])
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


def core_banking(node: NodeProcess) -> NodeClient:
    """What pushes a bank's feeds."""
    return NodeClient(node.url, key=node.log.with_name("feeds.key").read_text())


def state_day(by: NodeProcess, other: NodeProcess, facility: str, partner: str, day: date) -> None:
    """One bank states a day's close, and the other's node has read it."""
    do(by, act="days.propose", facility=facility, partner=partner, day=f"{day}")
    await_true(lambda: stated(other, facility, partner, day) != "", "the statement read", 60)


def stated(node: NodeProcess, facility: str, partner: str, day: date) -> str:
    """The hash of the statement of a day that waits; empty where a node has read none."""
    found = newest_day(node, facility, partner)
    waits = found.get("day") == f"{day}" and found["state"] == "proposed"
    return found["statement_hash"] if waits else ""


def newest_day(node: NodeProcess, facility: str, partner: str) -> dict[str, Any]:
    with person(node, "officer") as officer:
        asked = {"facility": facility, "partner": partner}
        return next(iter(officer.get("/v1/day-closes", params=asked).json()["items"]), {})


def do(node: NodeProcess, **asked: Any) -> None:
    """What a bank decides: prepared by one of its people, signed by another, on the chain."""
    with person(node, "officer") as officer, person(node, "approver") as approver:
        sign(approver, post(officer, "/v1/acts", **asked))


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
