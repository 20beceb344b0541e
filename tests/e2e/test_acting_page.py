"""Two banks in two browsers resolve a break together and close a day together, four people at work;
and what must hold while somebody fills a form in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import delete

from app.domain.kinds import Kind
from app.people.tables import sessions
from ganache.launcher import start
from tests.e2e.browsing import CONTRASTS, Watched, sign_in
from tests.integration.acting import ActingBank, acting_bank, newcomer_file
from tests.integration.faces import Credentials, enrolled
from tests.integration.posted import TODAY, Event, World, new_world

expect.set_options(timeout=20_000)

DAY = date.fromordinal(TODAY).isoformat()
PRESSED_TWICE = "one => (one.click(), one.click(), one.hasAttribute('data-sending'))"
"""Whether a button shows at once that it works."""
SHOTS = os.environ.get("TALLY_SHOTS")
"""A folder for screenshots of each step, to be looked at."""


@pytest.fixture(scope="module")
def founded(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with start("anvil", state_dir=folder / "chain", keep_state=False) as chain:
        yield new_world(chain.process.url, folder)


@pytest.fixture
def world(founded: World) -> Iterator[World]:
    founded.sequences.clear()
    snapshot = founded.rpc.call("evm_snapshot", [])
    yield founded
    assert founded.rpc.call("evm_revert", [snapshot])


@pytest.fixture
def lead(world: World, tmp_path: Path) -> Iterator[ActingBank]:
    world.post(
        "webank", Event(Kind.TOP_UP, "AMOUNT", 100_00, 1), Event(Kind.TOP_UP, "ALONE", 7_00, 1)
    )
    world.post("huarui", Event(Kind.TOP_UP, "AMOUNT", 110_00))
    with acting_bank(world, "webank", tmp_path) as bank:
        yield bank


@pytest.fixture
def partner(world: World, lead: ActingBank, tmp_path: Path) -> Iterator[ActingBank]:
    with acting_bank(world, "huarui", tmp_path) as bank:
        yield bank


class Somebody:
    """Somebody of a bank at a browser of their own."""

    def __init__(self, browser: Browser, bank: ActingBank, *roles: str) -> None:
        self.bank = bank
        self.credentials: Credentials = enrolled(bank.engine, *roles)
        self.codes = list(self.credentials.recovery)
        self.watched = Watched(browser, viewport={"width": 1280, "height": 900})
        self.sign_in()

    @property
    def page(self) -> Page:
        return self.watched.page

    @property
    def shown_as(self) -> str:
        return self.credentials.person.display_name

    def sign_in(self) -> None:
        sign_in(self.page.context, self.bank.face, self.credentials.person)

    def signed_out(self) -> None:
        """The session ends on the server."""
        with self.bank.engine.begin() as connection:
            connection.execute(
                delete(sessions).where(sessions.c.person == self.credentials.person.id)
            )

    def goes(self, path: str) -> None:
        self.page.goto(f"{self.bank.face.url}/{path}")

    def sign(self) -> None:
        self.page.get_by_label("Your code").fill(self.codes.pop())
        self.page.get_by_role("button", name="Sign with the bank’s key").click()
        expect(self.page.locator(".pill", has_text="Signed")).to_be_visible()

    def shot(self, name: str) -> None:
        if SHOTS:
            self.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)

    def break_number(self, event_ref: str) -> int:
        client = self.bank.face.client("read")
        (found,) = [
            one["number"] for one in client.get("/v1/pairs").json()["items"]
            if one["event_ref"] == event_ref
        ]  # fmt: skip
        return int(found)


def checked(*people: Somebody) -> None:
    """No page complained, loaded anything from elsewhere, or has text that is hard to read."""
    for one in people:
        assert one.page.evaluate(CONTRASTS) == []
        assert one.watched.complaints == []
        assert one.watched.hosts == {httpx.URL(one.bank.face.url).netloc.decode()}


def act(
    officer: Somebody, approver: Somebody, choice: str, reason: str = "", shot: str = "act"
) -> None:
    """Prepare what is chosen on the page that the officer sees, and sign it from the list."""
    officer.page.locator(".option", has_text=choice).click()
    if reason:
        officer.page.get_by_label("Reason").fill(reason)
    officer.page.get_by_role("button", name="Prepare").click()
    expect(officer.page.get_by_text("You prepared it: another person")).to_be_visible()
    officer.shot(f"{shot}-prepared")
    approver.page.locator("nav.pages").get_by_role("link", name="To sign").click()
    approver.page.locator("tr", has_text="for you to sign").get_by_role("link").click()
    approver.shot(f"{shot}-to-sign")
    approver.sign()
    approver.shot(f"{shot}-signed")


def read(*banks: ActingBank) -> None:
    for bank in banks:
        bank.read()


@pytest.fixture
def officer(browser: Browser, lead: ActingBank) -> Iterator[Somebody]:
    found = Somebody(browser, lead, "officer")
    yield found
    found.watched.close()


@pytest.fixture
def approver(browser: Browser, lead: ActingBank) -> Iterator[Somebody]:
    found = Somebody(browser, lead, "approver")
    yield found
    found.watched.close()


@pytest.fixture
def theirs(browser: Browser, partner: ActingBank) -> Iterator[tuple[Somebody, Somebody]]:
    """The partner's officer and approver."""
    found = (Somebody(browser, partner, "officer"), Somebody(browser, partner, "approver"))
    yield found
    for one in found:
        one.watched.close()


def test_two_banks_resolve_a_break(
    officer: Somebody, approver: Somebody, theirs: tuple[Somebody, Somebody]
) -> None:
    their_officer, their_approver = theirs
    lead, partner = officer.bank, their_officer.bank
    approver.goes("acts")
    expect(approver.page.get_by_text("Nothing waits for a signature.")).to_be_visible()
    officer.goes(f"breaks/{officer.break_number('AMOUNT')}")
    choice = officer.page.locator(".option", has_text="Adjust at the lead")
    expect(choice).to_contain_text("Lead book +10.00")
    expect(choice).to_contain_text("Agreed +110.00")
    officer.shot("break-propose")
    act(officer, approver, "Adjust at the lead", "we booked the fee twice", "break")
    read(lead, partner)
    expect(officer.page.get_by_text("Our proposal waits for the other bank")).to_be_visible()

    their_officer.goes(f"breaks/{their_officer.break_number('AMOUNT')}")
    expect(their_officer.page.get_by_text("“we booked the fee twice”")).to_be_visible()
    their_officer.shot("break-answer")
    their_approver.goes("")
    expect(their_approver.page.locator("#to-sign")).to_be_hidden()
    act(their_officer, their_approver, "Accept it", shot="break-accept")
    expect(their_approver.page.locator(".seen")).to_contain_text("we booked the fee twice")
    expect(their_approver.page.locator(".section-head")).to_contain_text("break 1, AMOUNT")
    read(lead, partner)
    for one in (officer, their_officer):
        expect(one.page.get_by_text("Resolved by both banks: adjust")).to_be_visible()
        expect(one.page.locator(".acts")).to_contain_text("Signed")
    checked(officer, approver, *theirs)


def test_two_banks_close_a_day(
    officer: Somebody, approver: Somebody, theirs: tuple[Somebody, Somebody]
) -> None:
    lead, partner = officer.bank, theirs[0].bank
    page = theirs[0].page
    theirs[0].goes("days")
    page.get_by_role("link", name="State a day’s close").click()
    page.get_by_label("Account").select_option("WLD-2016-A / huarui")
    page.get_by_label("Business date").fill(DAY)
    page.get_by_role("button", name="Show the statement").click()
    expect(page.locator(".sums .total")).to_contain_text("107.00")
    theirs[0].shot("day-statement")
    page.get_by_role("button", name="Prepare").click()
    expect(page.get_by_text("You prepared it: another person")).to_be_visible()
    theirs[1].goes("acts")
    theirs[1].page.get_by_role("link", name="Propose to close the day").click()
    theirs[1].shot("day-to-sign")
    theirs[1].sign()
    read(lead, partner)
    officer.goes("days")
    officer.page.get_by_role("link", name=DAY).click()
    expect(officer.page.get_by_text("Our own legs come to the same.")).to_be_visible()
    officer.shot("day-answer")
    approver.goes("")
    act(officer, approver, "Confirm it", shot="day-confirm")
    read(lead, partner)
    expect(officer.page.locator("h1 + p .pill")).to_have_text("Closed")
    expect(officer.page.get_by_role("heading", name="Open the day again")).to_be_visible()
    officer.shot("day-closed")
    checked(officer, approver, *theirs)


def test_many_breaks_are_proposed_and_signed_at_once(
    world: World, lead: ActingBank, officer: Somebody, approver: Somebody
) -> None:
    page = officer.page
    officer.goes("breaks")
    page.get_by_label("Select these 2").check()
    page.get_by_label("Propose").select_option("adjust lead")
    page.get_by_role("textbox", name="Reason").fill("booked by the old core")
    page.get_by_role("button", name="Prepare").click()
    expect(page.get_by_text("1 proposal is prepared. For 1 nothing")).to_be_visible()
    expect(page.locator(".notice li")).to_contain_text("break 2")
    officer.shot("bulk-proposed")
    page.get_by_role("link", name="See them, and who signs them").click()
    expect(page.get_by_text("You prepared them: another person")).to_be_visible()
    approver.goes("acts/batches/1")
    approver.shot("bulk-to-sign")
    approver.page.get_by_label("Your code").fill(approver.codes.pop())
    approver.page.get_by_role("button", name="Sign 1 with the bank’s key").click()
    expect(approver.page.locator(".pill", has_text="Signed")).to_be_visible()
    lead.read()
    officer.goes("breaks?state=proposed")
    expect(page.locator("[data-row]")).to_have_count(1)
    checked(officer, approver)


def test_a_hold_and_a_vote_by_two_people(
    world: World, lead: ActingBank, officer: Somebody, approver: Somebody
) -> None:
    for place, name in enumerate(world.partners, start=1):
        world.post("webank", Event(Kind.TOP_UP, f"FUND-{name}", 1_000_00, place))
        world.post(name, Event(Kind.TOP_UP, f"FUND-{name}", 1_000_00))
    lead.read()
    page = officer.page
    officer.goes("holds")
    page.get_by_role("textbox", name="Drawdown").fill("L-4711")
    page.get_by_role("textbox", name="Amount").fill("10000000.00")
    page.get_by_role("button", name="Prepare").click()
    expect(page.get_by_text("You prepared it: another person")).to_be_visible()
    expect(page.locator(".seen")).to_contain_text("Part of huarui")
    approver.goes("acts/1")
    approver.page.get_by_label("Your code").fill(approver.codes.pop())
    approver.page.get_by_role("button", name="Sign with the bank’s key").click()
    with approver.page.expect_response("**/acts/1"):  # it is still said when the page moves on
        approver.page.evaluate("htmx.trigger('#subject', 'live:acts')")
    expect(approver.page.get_by_text("Refused").first).to_be_visible()
    expect(approver.page.get_by_role("alert")).to_contain_text("available")
    approver.watched.complaints.clear()  # of the refusal
    officer.goes("holds")
    page.get_by_role("textbox", name="Drawdown").fill("L-4711")
    page.get_by_role("textbox", name="Amount").fill("500.00")
    page.get_by_role("button", name="Prepare").click()
    expect(page.get_by_text("You prepared it: another person")).to_be_visible()
    officer.shot("hold-prepared")
    approver.goes("acts/2")
    approver.sign()
    with approver.page.expect_response("**/acts/2"):
        # As the browser does for who pulls a text box larger: a style that the policy lets no
        # markup bring, and that no swap may take over.
        approver.page.evaluate("document.getElementById('subject').style.height = '900px'")
        approver.page.evaluate("htmx.trigger('#subject', 'live:acts')")
    lead.read()
    officer.goes("holds")
    expect(page.get_by_role("table", name="Holds")).to_contain_text("226.65")
    expect(page.get_by_role("heading", name="Release #")).to_be_visible()
    officer.shot("holds")

    officer.goes("consortium/acts")
    form = page.get_by_role("region", name="Propose to the consortium")
    form.locator(".option", has_text="Suspend a member").click()
    form.get_by_role("combobox", name="Member").select_option("wuxi")
    form.get_by_role("textbox", name="Reason").fill("its key was stolen")
    form.get_by_role("button", name="Prepare").click()
    expect(page.locator(".card", has_text="What is signed")).to_contain_text("Member wuxi")
    approver.goes("acts/3")
    approver.sign()
    lead.read()
    officer.goes("consortium/acts")
    expect(page.get_by_role("heading", name="Proposal 1: suspend")).to_be_visible()
    officer.shot("consortium-acts")
    officer.goes("facilities/WLD-2016-A/acts")
    form = page.get_by_role("region", name="Stop or close it")
    form.locator(".option", has_text="Stop the posting").click()
    form.get_by_role("textbox", name="Reason").fill("figures look wrong")
    officer.shot("facility-acts")
    form.get_by_role("button", name="Prepare").click()
    expect(page.get_by_text("You prepared it: another person")).to_be_visible()
    approver.goes("acts/4")
    approver.sign()
    checked(officer, approver)


def test_a_newcomer_and_a_facility_are_proposed_by_two_people(
    world: World, lead: ActingBank, officer: Somebody, approver: Somebody, tmp_path: Path
) -> None:
    page = officer.page
    made = newcomer_file(world, tmp_path, "zlin")
    officer.goes("consortium/acts")
    expect(page.get_by_role("table", name="Keys of this bank")).to_contain_text(
        "tally consortium keys rotate operator"
    )
    officer.shot("consortium-forms")
    form = page.get_by_role("region", name="Admit a newcomer")
    for changed, says in ((made | {"role": "lead"}, "have not signed this admission"), (made, "")):
        (tmp_path / "zlin.json").write_text(json.dumps(changed))
        with page.expect_file_chooser() as choosing:  # as a person: what has the focus stays
            form.get_by_label("Choose the file").click()
        choosing.value.set_files(tmp_path / "zlin.json")
        expect(form.get_by_role("textbox", name="The newcomer’s file")).to_have_value(
            json.dumps(changed)
        )
        form.get_by_role("textbox", name="Reason").fill("minutes of 3 March")
        form.get_by_role("button", name="Prepare").click()
        if says:
            expect(form.get_by_role("alert")).to_contain_text(says)
            officer.watched.complaints.clear()  # of the refusal
    expect(page.locator(".card", has_text="What is signed")).to_contain_text("Name zlin")
    officer.shot("admission-prepared")
    approver.goes("acts/1")
    approver.sign()

    officer.goes("facilities")
    page.get_by_role("link", name="Propose a new one").click()
    for name, text in {
        "id": "NEW-1", "currency": "CNY", "time_zone": "Asia/Shanghai", "cut_off": "18:00:00",
        "amount_tolerance": "0.01", "date_window_days": "2", "match_deadline_hours": "24",
        "partners": "huarui=8000/7000/0 50000.00\nnobody=9000",
    }.items():  # fmt: skip
        page.locator(f".prepare [name={name}]").fill(text)
    officer.shot("new-facility")
    page.get_by_role("button", name="Prepare").click()
    expect(page.get_by_role("alert")).to_contain_text("principal shares add up to 17000")
    officer.watched.complaints.clear()  # of the refusal
    page.locator("[name=partners]").fill("huarui=8000/7000/0 50000.00")
    page.get_by_role("button", name="Prepare").click()
    expect(page.locator(".card", has_text="What is signed")).to_contain_text(
        "warned below 50000.00"
    )
    officer.shot("facility-prepared")
    approver.goes("acts/2")
    approver.sign()
    lead.read()
    officer.goes("facilities/NEW-1/acts")
    expect(page.get_by_text("Still to accept it")).to_be_visible()
    checked(officer, approver)


def test_a_second_person_is_told_and_keeps_what_was_typed(
    browser: Browser, lead: ActingBank, officer: Somebody
) -> None:
    other = Somebody(browser, lead, "officer")
    number = officer.break_number("ALONE")
    for one in (officer, other):
        one.goes(f"breaks/{number}")
        one.page.locator(".option", has_text="Void").click()
        one.page.get_by_label("Reason").fill(f"as {one.shown_as} sees it")
    officer.page.get_by_role("button", name="Prepare").click()
    expect(officer.page.get_by_text("You prepared it: another person")).to_be_visible()
    # The other one's page has learnt of it, and has left the form alone.
    expect(other.page.get_by_text("has changed since this form was shown")).to_be_visible()
    other.shot("second-person")
    expect(other.page.get_by_label("Reason")).to_have_value(f"as {other.shown_as} sees it")
    other.page.get_by_role("button", name="Prepare").click()
    expect(other.page.locator(".act .notice.bad")).to_contain_text(
        f"waits already, prepared by {officer.shown_as}"
    )
    expect(other.page.locator("blockquote")).to_have_text(f"as {officer.shown_as} sees it")
    expect(other.page.get_by_label("Reason")).to_have_value(f"as {other.shown_as} sees it")
    other.shot("second-person-refused")
    other.watched.close()


def test_a_late_half_comes_while_a_proposal_is_written(
    world: World, lead: ActingBank, officer: Somebody, approver: Somebody
) -> None:
    officer.goes(f"breaks/{officer.break_number('ALONE')}")
    officer.page.locator(".option", has_text="Write off").click()
    officer.page.get_by_label("Reason").fill("they never sent it")
    world.post("huarui", Event(Kind.TOP_UP, "ALONE", 7_50))
    lead.read()
    expect(officer.page.get_by_text("has changed since this form was shown")).to_be_visible()
    expect(officer.page.locator(".halves")).to_contain_text("7.50")
    expect(officer.page.get_by_label("Reason")).to_have_value("they never sent it")
    officer.page.get_by_role("button", name="Prepare").click()
    expect(officer.page.locator(".act .notice.bad")).to_contain_text(
        "The partner's half was none and is now 7.50 CNY"
    )
    expect(officer.page.get_by_label("Reason")).to_have_value("they never sent it")
    officer.shot("late-half")
    officer.page.locator(".option", has_text="Force").click()
    officer.page.get_by_role("button", name="Prepare").click()
    expect(officer.page.get_by_text("You prepared it: another person")).to_be_visible()


def test_it_is_overtaken_before_it_is_signed(
    world: World, lead: ActingBank, officer: Somebody, approver: Somebody
) -> None:
    officer.goes(f"breaks/{officer.break_number('ALONE')}")
    officer.page.locator(".option", has_text="Void").click()
    officer.page.get_by_label("Reason").fill("ours alone")
    officer.page.get_by_role("button", name="Prepare").click()
    expect(officer.page.get_by_text("You prepared it: another person")).to_be_visible()
    approver.goes("acts/1")
    expect(approver.page.get_by_label("Your code")).to_be_visible()
    world.post("huarui", Event(Kind.TOP_UP, "ALONE", 7_50))
    lead.read()
    expect(approver.page.get_by_text("It was overtaken and can no more be signed")).to_be_visible()
    expect(approver.page.get_by_label("Your code")).to_have_count(0)
    approver.shot("overtaken")


def test_it_is_overtaken_while_the_code_is_typed(
    world: World, lead: ActingBank, officer: Somebody, approver: Somebody
) -> None:
    """What a code was typed for is not signed in another shape: the form goes, and says why."""
    officer.goes(f"breaks/{officer.break_number('ALONE')}")
    officer.page.locator(".option", has_text="Void").click()
    officer.page.get_by_label("Reason").fill("ours alone")
    officer.page.get_by_role("button", name="Prepare").click()
    expect(officer.page.get_by_text("You prepared it: another person")).to_be_visible()
    page = approver.page
    approver.goes("acts/1")
    page.get_by_label("Your code").fill(approver.codes[-1])
    world.post("huarui", Event(Kind.TOP_UP, "ALONE", 7_50))
    lead.read()
    expect(page.get_by_text("What you were about to sign has changed")).to_be_visible()
    expect(page.get_by_text("It was overtaken and can no more be signed")).to_contain_text(
        "The partner's half was none and is now 7.50 CNY"
    )
    expect(page.get_by_label("Your code")).to_have_count(0)
    approver.shot("overtaken-while-typing")


def test_the_other_bank_takes_its_proposal_back_while_the_answer_is_signed(
    officer: Somebody, approver: Somebody, theirs: tuple[Somebody, Somebody]
) -> None:
    their_officer, their_approver = theirs
    lead, partner = officer.bank, their_officer.bank
    number = officer.break_number("AMOUNT")
    officer.goes(f"breaks/{number}")
    approver.goes("")
    act(officer, approver, "Adjust at the lead", "we booked the fee twice")
    read(lead, partner)
    their_officer.goes(f"breaks/{number}")
    their_officer.page.locator(".option", has_text="Accept it").click()
    their_officer.page.get_by_role("button", name="Prepare").click()
    expect(their_officer.page.get_by_text("You prepared it: another person")).to_be_visible()
    page = their_approver.page
    their_approver.goes(f"breaks/{number}")
    page.get_by_label("Your code").fill(their_approver.codes[-1])

    officer.page.get_by_role("button", name="Prepare: take it back").click()
    expect(officer.page.get_by_text("You prepared it: another person")).to_be_visible()
    approver.goes("acts/2")
    approver.sign()
    read(lead, partner)
    expect(page.get_by_text("What you were about to sign has changed")).to_be_visible()
    expect(page.get_by_text("It was overtaken and can no more be signed")).to_be_visible()
    expect(page.get_by_label("Your code")).to_have_count(0)
    their_approver.shot("taken-back-while-typing")


def test_back_after_signing_shows_what_is_now_and_signs_nothing_again(
    officer: Somebody, approver: Somebody
) -> None:
    officer.goes(f"breaks/{officer.break_number('AMOUNT')}")
    officer.page.locator(".option", has_text="Force").click()
    officer.page.get_by_label("Reason").fill("small enough")
    officer.page.get_by_role("button", name="Prepare").click()
    expect(officer.page.get_by_text("You prepared it: another person")).to_be_visible()
    page = approver.page
    approver.goes("acts")
    page.get_by_role("table").get_by_role("link", name="Propose").first.click()
    signatures: list[str] = []
    page.on(
        "request",
        lambda request: signatures.append(request.url) if request.method == "POST" else None,
    )
    approver.sign()
    page.go_back()
    expect(page.locator(".pill", has_text="Signed")).to_be_visible()
    expect(page.get_by_label("Your code")).to_have_count(0)
    page.go_back()
    expect(page.get_by_text("Nothing waits for a signature.")).to_be_visible()
    page.go_forward()
    expect(page.locator(".pill", has_text="Signed")).to_be_visible()
    assert len(signatures) == 1


def test_over_a_slow_line_a_button_shows_that_it_works_and_signs_once(
    officer: Somebody, approver: Somebody
) -> None:
    officer.goes(f"breaks/{officer.break_number('AMOUNT')}")
    officer.page.locator(".option", has_text="Force").click()
    officer.page.get_by_label("Reason").fill("small enough")
    officer.page.get_by_role("button", name="Prepare").click()
    expect(officer.page.get_by_text("You prepared it: another person")).to_be_visible()
    page = approver.page
    approver.goes("acts/1")
    signatures: list[str] = []
    page.on(
        "request",
        lambda request: signatures.append(request.url) if request.method == "POST" else None,
    )
    page.get_by_label("Your code").fill(approver.codes.pop())
    assert page.get_by_role("button", name="Sign with the bank’s key").evaluate(PRESSED_TWICE)
    expect(page.locator(".pill", has_text="Signed")).to_be_visible()
    assert len(signatures) == 1


def test_a_wrong_code_signs_nothing(
    world: World, lead: ActingBank, officer: Somebody, approver: Somebody
) -> None:
    streams: list[Route] = []
    officer.page.route("**/live*", lambda route: streams.append(route))
    officer.goes(f"breaks/{officer.break_number('AMOUNT')}")
    officer.page.locator(".option", has_text="Force").click()
    officer.page.get_by_role("button", name="Prepare").click()
    expect(officer.page.get_by_text("the reason is missing")).to_be_visible()
    # What the live stream brings then, here its first frame, takes nothing away.
    world.post("huarui", Event(Kind.TOP_UP, "LATER", 1_00))
    lead.read()
    for stream in streams:
        stream.continue_()
    block = int(world.rpc.call("eth_blockNumber", []), 16)
    expect(officer.page.locator("[data-block]")).to_have_text(str(block))
    expect(officer.page.locator(".option", has_text="Force").locator("input")).to_be_checked()
    officer.page.get_by_label("Reason").fill("small enough")
    officer.page.get_by_role("button", name="Prepare").click()
    expect(officer.page.get_by_text("You prepared it: another person")).to_be_visible()
    approver.goes("acts/1")
    approver.page.get_by_label("Your code").fill("123456")
    approver.page.get_by_role("button", name="Sign with the bank’s key").click()
    expect(approver.page.get_by_role("alert").filter(has_text="code is not right")).to_be_visible()
    approver.shot("wrong-code")
    approver.sign()


def test_a_session_ends_while_a_form_is_filled(lead: ActingBank, officer: Somebody) -> None:
    officer.goes(f"breaks/{officer.break_number('AMOUNT')}")
    officer.page.locator(".option", has_text="Force").click()
    officer.page.get_by_label("Reason").fill("a long and careful reason")
    officer.signed_out()
    officer.page.get_by_role("button", name="Prepare").click()
    expect(officer.page.get_by_text("Your session has ended; what you typed here")).to_be_visible()
    expect(officer.page.get_by_label("Reason")).to_have_value("a long and careful reason")
    officer.shot("session-ended")
    officer.sign_in()  # in another tab
    officer.page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(officer.page.locator("#expired")).to_be_hidden()
    officer.page.get_by_role("button", name="Prepare").click()
    expect(officer.page.get_by_text("You prepared it: another person")).to_be_visible()
    expect(officer.page.locator("blockquote")).to_have_text("a long and careful reason")
