"""A lead's node on two channels: neither partner can learn anything of the other's, whatever it
tries with everything that it has."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from app.db.schema import full_metadata
from app.db.vault import vault_of
from app.readmodel.tables import pairs
from tests.e2e.browsing import CONTRASTS, Watched
from tests.e2e.two_channels import LEAD, ROOT, TALLY, Channel, TwoChannels, digits, two_channels

FIRST_BYTES = 20_000
SESSION_PATHS = {"/breaks", "/v1/views", "/v1/session", "/v1/alert-mails", "/channel-list"}
"""What takes a session; the last of a node of several channels."""


@pytest.fixture(scope="module")
def lead(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoChannels]:
    with two_channels(tmp_path_factory.mktemp("channels")) as running:
        yield running


def words(channel: Channel) -> set[str]:
    """What nobody outside a channel may find: each in all the ways in which it is written."""
    found = {channel.name, channel.facility, channel.partner, channel.word}
    for amount in (channel.whole, channel.part, channel.top_up):
        minor = digits(amount)
        whole, _, fraction = amount.partition(".")
        found |= {amount, f"{int(whole):,}.{fraction}", str(minor), f"{minor:014x}"}
    folder = channel.consortium.folder
    for bank in (LEAD, channel.partner):
        public = folder.public_keys(bank)
        found |= {public.operator[2:], public.approver[2:], public.sealing.hex()}
    with channel.database(LEAD) as engine, engine.connect() as connection:
        found |= {one.hex() for one in connection.execute(select(pairs.c.ref)).scalars()}
    found.add(channel.consortium.manifest().genesis[2:])
    found.add(channel.consortium.rpc.url.removeprefix("http://"))
    found |= {one.encode().hex() for one in (channel.facility, channel.partner, channel.word)}
    return {one.lower() for one in found} - {channel.name}


def found_in(text: str, channel: Channel) -> set[str]:
    text = text.lower()
    return {one for one in words(channel) if one in text}


def chain(channel: Channel) -> str:
    """Everything that a member can read at its chain's RPC: blocks, calldata, receipts, logs, all
    accounts' code and storage, the pool."""

    def ask(method: str, *params: Any) -> Any:
        return channel.consortium.rpc.call(method, list(params))

    seen: list[Any] = [ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})]
    for number in range(int(ask("eth_blockNumber"), 16) + 1):
        block = ask("eth_getBlockByNumber", hex(number), True)
        seen.append(block)
        seen += [ask("eth_getTransactionReceipt", one["hash"]) for one in block["transactions"]]
    state = gzip.decompress(bytes.fromhex(ask("anvil_dumpState")[2:])).decode()
    return json.dumps([*seen, ask("txpool_content"), ask("anvil_nodeInfo")]) + state


def database(channel: Channel) -> str:
    """A partner's database: its file's bytes, and every cell of every table, opened with its own
    storage key."""
    seen: list[str] = []
    with channel.database(channel.partner) as engine, engine.connect() as connection:
        vault = vault_of(connection)
        for table in full_metadata().sorted_tables:
            for row in connection.execute(select(table)):
                for cell in row:
                    seen.append(cell.hex() if isinstance(cell, bytes) else str(cell))
                    if isinstance(cell, bytes):
                        with suppress(Exception):
                            seen.append(vault.open(cell).decode())
        files = [Path(f"{engine.url.database}{end}") for end in ("", "-wal")]
    seen += [file.read_bytes().decode("latin-1") for file in files if file.exists()]
    return "\n".join(seen)


def faces(url: str, facility: str, key: str | None) -> dict[str, httpx.Response]:
    """Every GET of a node, with a key that may be of another channel; by its path."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    today = datetime.now(UTC)
    days = [(today + timedelta(days=shift)).date().isoformat() for shift in (-2, 2)]
    known = {"facility": facility, "number": "1", "from": days[0], "to": days[1]}
    known |= {"name": "reconciliation", "reason_hash": "0x" + "00" * 32, "id": "0" * 16}
    told: dict[str, httpx.Response] = {}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        described = client.get("/openapi.json")
        told["/openapi.json"] = described
        paths = described.json()["paths"] if described.status_code == httpx.codes.OK else {}
        for path, methods in paths.items():
            if "get" in methods:
                asked = [one for one in methods["get"].get("parameters", ()) if one["required"]]
                assert {one["name"] for one in asked} <= known.keys(), f"teach this test {path}"
                query = {one["name"]: known[one["name"]] for one in asked if one["in"] == "query"}
                if path == "/v1/stream":
                    told[path] = beginning(client, path)
                else:
                    told[path] = client.get(path.format_map(known), params=query)
        for path in ("/", "/login", *SESSION_PATHS, "/static/page.js"):
            told[path] = client.get(path)
    return told


def beginning(client: httpx.Client, path: str) -> httpx.Response:
    """What the event stream tells first, from the first block on; or what is answered instead."""
    text = ""
    with client.stream("GET", path, headers={"Last-Event-ID": "0--0-0-0"}) as answer:
        if answer.status_code != httpx.codes.OK:
            answer.read()
            return answer
        for part in answer.iter_text():
            text += part
            if "event: block" in text and text.endswith("\n\n"):
                break
    return httpx.Response(answer.status_code, text=text)


def page(url: str, session: dict[str, str]) -> str:
    """The treasury page and the beginning of its stream."""
    with httpx.Client(base_url=url, cookies=session, timeout=30) as client:
        text = client.get("/").text
        with client.stream("GET", "/live") as stream:
            for part in stream.iter_text():
                text += part
                if "event: breaks" in text or len(text) > FIRST_BYTES:
                    break
    return text


def texts(answers: dict[str, httpx.Response]) -> str:
    return "\n".join(f"{one.status_code} {one.headers} {one.text}" for one in answers.values())


def everything(lead: TwoChannels, own: Channel, other: Channel) -> dict[str, str]:
    """All that the partner of `own` comes to see, with the strongest key that the lead could give
    it, trying the other channel's doors with it."""
    mine, given = own.key(own.partner, "admin"), own.key(LEAD, "admin")
    at_home, at_the_lead = (faces(url, own.facility, key) for url, key in
                            ((own.node.url, mine), (own.url, given)))  # fmt: skip
    for answers in (at_home, at_the_lead):
        refused = {path for path, one in answers.items() if one.status_code in (401, 403, 422)}
        assert refused <= SESSION_PATHS, refused
    session = own.session(LEAD)
    shown = page(own.url, session)
    doors = {
        f"{place} {path}": answer
        for place, url in (("node", lead.url), ("other channel", other.url))
        for key in (given, mine, None)
        for path, answer in faces(url, own.facility, key).items()
    }
    for path in ("v1/balances", "v1/pairs", "v1/keys", "health", "ready", "metrics", "live"):
        for way in (f"c1/../{other.name}", f"c1/%2e%2e/{other.name}", f"{other.name}/"):
            with httpx.Client(headers={"Authorization": f"Bearer {given}"}) as client:
                raw = httpx.URL(lead.url, raw_path=f"/channels/{way}/{path}".encode())
                doors[f"{way} {path}"] = client.get(raw)
    for path in ("", "breaks", "live", "v1/balances"):
        for url in (other.url, lead.url):
            answer = httpx.get(f"{url}/{path}", cookies=session)
            assert answer.status_code != httpx.codes.OK, answer.text
            doors[f"session {url} {path}"] = answer
    event = own.event(LEAD, "stray", "top_up", "1.00")
    for key in (given, own.key(LEAD, "feeds")):
        pushed = httpx.post(
            f"{other.url}/v1/facilities/{own.facility}/events",
            json=event,
            headers={"Authorization": f"Bearer {key}"},
        )
        assert pushed.status_code == httpx.codes.UNAUTHORIZED
        doors[f"push {key}"] = pushed
    return {
        "chain": chain(own),
        "database": database(own),
        "node": texts(at_home),
        "log": own.node.log.read_text(),
        "lead's channel": texts(at_the_lead) + shown,
        "other doors": texts(doors),
    }


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_partner_learns_nothing_of_the_other_channel(lead: TwoChannels, mirrored: bool) -> None:
    own, other = (lead.second, lead.first) if mirrored else (lead.first, lead.second)
    seen = everything(lead, own, other)
    for place, text in seen.items():
        assert found_in(text, other) == set(), place
    # The same look does find what is the partner's own.
    must = {own.facility, own.partner, own.word}
    minor = {f"{digits(one):014x}" for one in (own.whole, own.part, own.top_up)}
    assert minor | {own.facility.encode().hex()} <= found_in(seen["chain"], own)
    assert {one.lower() for one in must} <= found_in(seen["database"], own)
    for place in ("node", "lead's channel"):
        assert {one.lower() for one in must} | {own.part, own.top_up} <= found_in(seen[place], own)
    assert own.facility.lower() in found_in(seen["log"], own)


def test_without_a_key_of_the_node_nothing_names_a_channel(lead: TwoChannels) -> None:
    given = lead.first.key(LEAD, "admin")
    for key in (None, given):
        answers = faces(lead.url, "F", key)
        assert answers["/health"].json() == {"channels": 2, "ready": 2}
        assert answers["/ready"].status_code == httpx.codes.OK
        for path in ("/channels", "/metrics", "/channel-list"):
            assert answers[path].status_code == httpx.codes.UNAUTHORIZED, path
        assert answers["/"].headers["location"] == "/login"
        for name in ("c1", "c2"):
            assert f"channels/{name}" not in texts(answers)
    for path in ("health", "ready", "metrics", "v1/balances"):
        assert httpx.get(f"{lead.first.url}/{path}").status_code == httpx.codes.UNAUTHORIZED


def test_keys_of_the_node_tell_how_its_channels_are(lead: TwoChannels) -> None:
    reading = {"Authorization": f"Bearer {lead.key('read')}"}
    items = httpx.get(f"{lead.url}/channels", headers=reading).json()["items"]
    assert [(one["name"], one["state"], one["problems"]) for one in items] == [
        ("c1", "open", []),
        ("c2", "open", []),
    ]
    assert [one["health"]["role"] for one in items] == ["lead", "lead"]
    # And open no channel.
    for path in ("v1/balances", "health", "v1/keys"):
        answer = httpx.get(f"{lead.first.url}/{path}", headers=reading)
        assert answer.status_code == httpx.codes.UNAUTHORIZED
    told = httpx.get(
        f"{lead.url}/metrics", headers={"Authorization": f"Bearer {lead.key('metrics')}"}
    )
    lines = told.text.splitlines()
    for one in (lead.first, lead.second):
        assert f'tally_ready{{channel="{one.name}"}} 1.0' in lines
        labels = f'channel="{one.name}",facility="{one.facility}",partner="{one.partner}"'
        assert f"tally_reserve_proof_minor_units{{{labels}}} 0.0" in lines
    assert sum(line.startswith("# TYPE tally_ready ") for line in lines) == 1
    assert sum(line.startswith("process_start_time_seconds ") for line in lines) == 1


def test_feeds_are_pushed_to_the_nodes_channel(lead: TwoChannels, tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text(json.dumps(lead.second.event(LEAD, "cli", "top_up", "12.00")) + "\n")

    def submit(channel: Channel, key: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "key"
        file.write_text(key)
        return subprocess.run(
            [*TALLY, "feed", "submit", str(feed), "--node", channel.url, "--key-file", str(file)],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )

    strange = submit(lead.second, lead.first.key(LEAD, "feeds"))
    assert strange.returncode == 2
    assert "this API key opens" in strange.stderr
    done = submit(lead.second, lead.second.key(LEAD, "feeds"))
    assert (done.returncode, done.stdout) == (
        0,
        "1 rows in: 1 accepted, 0 duplicate, 0 quarantined\n",
    ), done.stderr


def test_its_log_names_the_channel_of_each_line(lead: TwoChannels) -> None:
    said = [json.loads(line) for line in lead.log.read_text().splitlines()[1:]]
    for one, other in ((lead.first, lead.second), (lead.second, lead.first)):
        its = [line for line in said if line.get("facility") == one.facility]
        happened = {line["event"] for line in its}
        assert {"accepted", "batch sealed", "batch broadcast", "batch final", "matched"} <= happened
        assert {line["channel"] for line in its} == {one.name}
        assert not found_in("".join(map(str, its)), other)


class TestInTheBrowser:
    def test_a_channels_page_works_below_its_address(
        self, lead: TwoChannels, browser: Browser
    ) -> None:
        own = lead.first
        watched = Watched(browser, viewport={"width": 1280, "height": 900})
        page = watched.page
        page.goto(own.url)
        expect(page.get_by_label("Password")).to_be_visible()
        [(name, token)] = own.session(LEAD).items()
        page.context.add_cookies([{"name": name, "value": token, "url": own.url}])
        page.goto(own.url)
        expect(page.locator(".pill.good")).to_have_text("Live")
        expect(page.locator(".who")).to_contain_text("channel c1")
        expect(page.locator("#lost")).to_be_hidden()
        page.get_by_role("link", name="1 missing at partner").click()
        assert httpx.URL(page.url).path == "/channels/c1/breaks"
        expect(page.locator(".pill.good")).to_have_text("Live")
        listed = page.locator("#breaks-list tbody tr")
        expect(listed).to_have_count(1)
        page.get_by_label("Reference").fill("no such")
        expect(listed).to_have_count(0)
        assert httpx.URL(page.url).path == "/channels/c1/breaks"
        page.goto(own.url)
        own.push(LEAD, own.event(LEAD, "later", "top_up", "5.00"))
        expect(page.get_by_role("link", name="2 missing at partner")).to_be_visible(timeout=20_000)
        assert watched.complaints == []
        assert {path for path in watched.paths if not path.startswith("/channels/c1")} == set()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Password")).to_be_visible()
        watched.close()

    @pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (420, "dark")])
    def test_the_nodes_page_leads_to_them(
        self, lead: TwoChannels, browser: Browser, width: int, scheme: Any
    ) -> None:
        watched = Watched(browser, viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = watched.page
        page.goto(lead.url)
        expect(page.get_by_role("heading", name="Channels of webank")).to_be_visible()
        page.get_by_label("API key").fill(lead.key("read"))
        page.get_by_role("button", name="Sign in").click()
        rows = page.locator("#channel-list tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.locator(".pill.good")).to_have_text(["Live", "Live"])
        with page.expect_response("**/channel-list") as renewed:
            pass
        assert renewed.value.ok
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(CONTRASTS) == []
        page.get_by_role("link", name="c2").click()
        expect(page.get_by_role("heading", name="Treasury of webank")).to_be_visible()
        assert httpx.URL(page.url).path == "/channels/c2/login"
        assert watched.complaints == []
        watched.close()
