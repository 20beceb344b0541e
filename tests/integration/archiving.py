"""A lead and a partner with matched pairs and closed days, whose lead archives them."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from app.actions import days
from app.actions.sender import Signer
from app.archive import move, run
from app.archive.run import Archived
from app.archive.verify import verify
from app.config import load_config
from app.contracts.day_close import DayClose
from app.node.bank import Bank, open_bank
from app.readmodel.pairs.tables import pairs
from tests.integration.crashing import after, die
from tests.integration.posting import FACILITY, LEAD, PARTNERS, Net

PARTNER = PARTNERS[0]
TODAY = datetime.now(UTC).date()
ROWS, MATCHED, OPEN = 40, 48, 2
FIRST = -70
"""The first business day, from today: the rows lie in two months or three."""
BREAK = "never-answered"


@dataclass
class Closed:
    """A lead and a partner with matched pairs, one break, and closed days before `before`."""

    net: Net
    lead: Bank
    partner: Bank
    before: date

    def archive(self) -> list[Archived]:
        done: list[Archived] = []
        lead = self.lead
        run.archive(
            lead.engine,
            self.net.rpc,
            self.net.manifest,
            lead.member,
            lead.config.archive,
            FACILITY,
            self.before,
            done.append,
        )
        return done

    def faults(self) -> list[str]:
        found: list[str] = []
        verify(
            self.lead.engine,
            self.net.rpc,
            self.net.manifest,
            lambda _, faults: found.extend(faults),
        )
        return found

    def count(self, query: Any) -> int:
        return int(self.net.rows(self.lead, query)[0][0])

    def in_table(self) -> int:
        return self.count(select(func.count()).select_from(pairs))

    def post(self, name: str, rows: str) -> Any:
        """Take in lines of a feed (id, ref, kind, reverses, partner) of 100.00 each, and post
        them."""
        bank = self.lead if name == LEAD else self.partner
        path = self.net.root / "more.csv"
        header = "event_id,facility,event_ref,kind,amount,currency,value_date,booked_at,partner"
        day = TODAY.isoformat()
        lines = [f"{header},reverses"]
        for row in rows.split():
            id_, ref, kind, reverses, partner = row.split(",")
            cells = (id_, FACILITY, ref, kind, "100.00", "CNY", day, f"{day}T00:00:00Z", partner)
            lines.append(",".join((*cells, reverses)))
        path.write_text("\n".join(lines) + "\n")
        taken = bank.intakes.take_in(FACILITY, path, lambda _: None, lambda _: None)
        self.net.drain(bank)
        self.net.catch_up(self.lead)
        return taken


def close_days(net: Net, database_url: str, tmp_path: Path) -> Closed:
    """The lead's database is the one at `database_url`; its archives will be in `tmp_path`."""
    lead = net.fresh_bank(database_url)
    others = {
        name: net.fresh_bank(f"sqlite:///{tmp_path / name}.db", name=name) for name in PARTNERS
    }
    lead = replace(lead, config=lead.config.model_copy(update={"archive": tmp_path / "archive"}))
    for bank in (lead, others[PARTNER]):
        net.spread(bank, ROWS, kind="top_up", first_day=FIRST)
        net.spread(bank, 6, kind="withdrawal", first_day=FIRST)
        booked = (TODAY + timedelta(days=FIRST)).isoformat()
        net.feed(bank, 1, event_ref="noted", booked_at=f"{booked}T00:00:00Z", memo="a loan")
        # Of two partners, one answers.
        amount = "100.00" if bank is lead else "40.00"
        cells = {"kind": "drawdown", "amount": amount, "partner": ""}
        net.feed(bank, 1, event_ref="both", booked_at=f"{booked}T00:00:00Z", **cells)
        net.drain(bank)
    net.feed(lead, 1, event_ref=BREAK, memo="who knows")
    net.drain(lead)
    for bank in (lead, *others.values()):
        net.catch_up(bank)
    yesterday = TODAY.toordinal() - 1
    for name, bank in others.items():
        contract = DayClose(net.rpc, net.manifest.addresses["DayClose"])
        signers = [
            Signer.load(net.rpc, net.folder.keys(one), "approver", bank=one, development=True)
            for one in (LEAD, name)
        ]
        account = days.find_account(lead.view, FACILITY, name)
        statement = days.own_statement(lead.view, account, yesterday)
        days.propose(days.ProposeDay(account, statement), lead.view, contract, signers[0])
        net.catch_up(bank)
        seen = days.day_to_answer(bank.view, account)
        confirmed = days.ConfirmDay(account, seen.statement_hash)
        days.confirm(confirmed, bank.view, contract, signers[1])
        net.catch_up(lead)
    return Closed(net, lead, others[PARTNER], date.fromordinal(yesterday - 1))


POINTS: dict[str, tuple[Any, str, int]] = {
    "its folder has its name": (run, "put_in_place", 1),
    "pairs move": (move, "_pairs", 2),
    "batches move": (move, "_batches", 1),
}
"""After which step a process dies, at its how manieth call: those of a move in the middle of a
transaction."""


def archiving_until(closed: Closed, point: str) -> BaseProcess:
    """A process that archives as `tally archive` does, and kills itself with SIGKILL at a point."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    lead = closed.lead.config
    config = closed.net.folder.config(LEAD)
    process = context.Process(
        target=_archive_until, args=(config, lead.archive, closed.before, point), daemon=True
    )
    process.start()
    return process


def await_kill(process: BaseProcess) -> None:
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def _archive_until(config: Path, root: Path, before: date, point: str) -> None:
    move._ROWS_A_TRANSACTION = 7
    where, name, last = POINTS[point]
    calls = iter(range(1, 1_000))
    step: Callable[..., Any] = getattr(where, name)
    setattr(where, name, after(step, lambda: die() if next(calls) == last else None))
    bank = open_bank(load_config(config))
    run.archive(
        bank.engine,
        bank.endpoints.client(),
        bank.manifest,
        bank.member,
        root,
        FACILITY,
        before,
        lambda _: None,
    )
