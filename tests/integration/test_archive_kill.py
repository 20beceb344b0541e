"""Kill -9 while closed days leave the tables, beside a node that writes and people who read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from app.indexer.rebuild import digest, rebuild
from app.proof.make import make
from app.readmodel.pairs.tables import pairs
from app.readmodel.tables import incidents
from app.reports.source import Request, open_source
from tests.every_pair import every_pair
from tests.integration.archiving import (
    FIRST,
    PARTNER,
    POINTS,
    TODAY,
    Closed,
    archiving_until,
    await_kill,
    close_days,
)
from tests.integration.posting import FACILITY, LEAD, Net


def all_numbers(closed: Closed) -> list[int]:
    with closed.lead.engine.connect() as connection:
        return [one.number for one in every_pair(connection)]


def test_kill_9_beside_a_node_that_writes(net: Net, database_url: str, tmp_path: Path) -> None:
    closed = close_days(net, database_url, tmp_path)
    count = len(all_numbers(closed))
    for place, point in enumerate(POINTS):
        process = archiving_until(closed, point)
        # The node takes in new events, and takes back one whose pair may be on its way.
        reverses = f"back{place},back{place},reversal,top_up/Stop_up{place},{PARTNER}"
        closed.post(LEAD, f"new{place},new{place},top_up,,{PARTNER} {reverses}")
        while process.is_alive():
            numbers = all_numbers(closed)
            assert len(numbers) == len(set(numbers)) == count + 2 * (place + 1)
            process.join(0.1)
        await_kill(process)
        assert closed.faults() == []
    closed.archive()
    assert closed.faults() == []
    assert len(all_numbers(closed)) == count + 2 * len(POINTS)
    in_table = net.rows(closed.lead, select(pairs.c.event_ref).where(pairs.c.lead_reversed))
    assert {row.event_ref for row in in_table} == {f"Stop_up{n}" for n in range(len(POINTS))}
    assert net.account(closed.lead).proof == 0
    # What a bundle proves from the chain's blocks is what the database says with its archives.
    request = Request(
        facility=FACILITY, first=TODAY + timedelta(days=FIRST), last=TODAY - timedelta(days=2)
    )
    with open_source(closed.lead.engine, request) as source:
        assert make(source, net.rpc, net.manifest).proved.postings > 0
    now = digest(closed.lead.engine)
    rebuild(closed.lead.follower.indexer)
    assert digest(closed.lead.engine) == now
    assert not net.rows(closed.lead, select(incidents))
