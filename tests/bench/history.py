"""What requests, ticks, statements and closings cost with a long history beside a short one.

The pairs are made by the indexer's own fold and written as it writes them; no chain is asked. One
pair in a hundred ends within tolerance; the last ones are breaks, as many however long the history:
one half of them differ in their amounts, the others miss the partner's half.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
from nacl.public import PrivateKey
from sqlalchemy import Connection, Engine, event, insert, text, update

from app.contracts.posting import next_digest
from app.db.engine import create
from app.domain.identifiers import reference
from app.domain.legs import Leg, pack
from app.indexer.load import BOOKS, load
from app.indexer.pairs_table import load_pairs, not_at_hand
from app.indexer.postings import Judgement, Posting
from app.indexer.project import project
from app.indexer.projection import Projection
from app.indexer.scan import Header, Range
from app.indexer.state import View
from app.indexer.write import write, written
from app.keys.sealing import seal_details
from app.node.jobs.ageing import Ageing
from app.outbox.dead_letters import collect
from app.readmodel import tables
from app.readmodel.accounts.balances import balances
from app.readmodel.accounts.movements import movements
from app.readmodel.days.queries import last_closed, own_statement
from app.readmodel.directory import directory
from app.readmodel.pairs import queries
from app.readmodel.values import to_date
from app.reports.run_files import write_pairs
from tests.integration.seeded import REFERENCE_KEY, START, Seed
from tests.integration.vaults import VAULT

SHORT = 10_000
PAIRS_A_DAY = 10_000
_POSTING = 500
_POSTINGS_A_RANGE = 16
_BREAKS = 200
_RUNS = 7
_KINDS = 8
_SHARED = 5
_SHARE_BPS = 4533
_LEAD, _PARTNER = 1, 2
_WITHIN_TOLERANCE_EVERY = 100


class History:
    """A bank's read model with `pairs` pairs of one account, the last `breaks` of them broken."""

    def __init__(self, url: str, pairs: int, breaks: int = _BREAKS) -> None:
        self.engine = create(url, vault=VAULT)
        self.pairs = pairs
        self._first_missing = pairs - breaks // 2
        self._first_break = pairs - breaks
        self._open_legs = pairs - self._first_missing + 2 * (breaks - breaks // 2)
        self.last_day = START.date().toordinal() + (pairs - 1) // PAIRS_A_DAY
        seed = Seed(self.engine, partners=("huarui",))
        self._secret = PrivateKey.generate()
        self._heads = {_LEAD: (0, bytes(32)), _PARTNER: (0, bytes(32))}
        with self.engine.begin() as connection:
            connection.execute(update(tables.facilities).values(sealed_reference_key=b"sealed"))
        with self.engine.connect() as connection:
            self._state = load(
                connection,
                View(_LEAD, "lead", [bytes(self._secret)]),
                31337,
                lambda _: REFERENCE_KEY,
            )
        self.block = seed.block
        size = _POSTING * _POSTINGS_A_RANGE
        for first in range(0, self.pairs, size):
            ends = {_LEAD: self.pairs, _PARTNER: self._first_missing}
            self._write({member: (first, min(first + size, end)) for member, end in ends.items()})
        self._finish()

    def arrive(self, count: int) -> None:
        """So many pairs more, matched, in a block of their own."""
        numbers = self.pairs, self.pairs + count
        self._write({_LEAD: numbers, _PARTNER: numbers})
        self.pairs += count
        self._take_contract_books()

    def _write(self, legs: dict[int, tuple[int, int]]) -> None:
        """A block with the legs of these pairs (from, to) by member."""
        self.block += 1
        header = Header(
            self.block, self.block.to_bytes(32), bytes(32), int(START.timestamp()) + self.block
        )
        made = [
            self._posting(member, at, min(at + _POSTING, end), self.block)
            for member, (first, end) in legs.items()
            for at in range(first, end, _POSTING)
        ]
        sealed = {posting.tx_hash: details for posting, details in made}
        events = [posting for posting, _ in made]
        self._apply(Range(self.block, header, [*events], {self.block: header}, sealed, False, None))

    def _posting(self, member: int, first: int, end: int, block: int) -> tuple[Posting, bytes]:
        legs, details = [], []
        judgements: dict[int, Judgement] = {}
        for number in range(first, end):
            kind = 1 + number % _KINDS
            amount, name = 100_000 + number, f"R-{number:08d}"
            partner = 0 if kind <= _SHARED else 1
            if member == _PARTNER:
                amount = amount * _SHARE_BPS // 10_000 if kind <= _SHARED else amount
                partner = 1
                if self._first_break <= number < self._first_missing:
                    amount += 7
                    judgements[number - first] = Judgement("amount", 1)
                elif number % _WITHIN_TOLERANCE_EVERY == 0:
                    amount += 1
                    judgements[number - first] = Judgement("within_tolerance", 1)
            day = START.date().toordinal() + number // PAIRS_A_DAY
            legs.append(Leg(kind, partner, amount, day, day, 0, reference(REFERENCE_KEY, name)))
            details.append([name, None, f"E{number}", "", None, None, None])
        stream, words = pack(legs)
        sequence, digest = self._heads[member]
        head = self._heads[member] = sequence + 1, next_digest(digest, stream)
        sealed = seal_details(details, {_LEAD: bytes(self._secret.public_key)})
        assert sealed is not None
        tx_hash = "0x" + (member << 64 | head[0]).to_bytes(32).hex()
        judged = {(words[at], 1): judgement for at, judgement in judgements.items()}
        posting = Posting(1, member, *head, stream, block, tx_hash, {}, {}, judged)
        return posting, sealed

    def _apply(self, found: Range) -> None:
        state = self._state
        projection = Projection(state, found.headers, lambda _: REFERENCE_KEY)
        project(projection, found.events, found.sealed)
        with self.engine.connect() as connection:
            wanted = not_at_hand(connection, state, projection.touched)
            load_pairs(connection, state.accounts, wanted)
        for step in projection.steps:
            step()
        assert not projection.changes.incidents, projection.changes.incidents[0]
        with self.engine.begin() as connection:
            write(connection, [written(state, projection, found)])
        state.range_folded(found.last.number, projection.touched)
        state.let_go()
        state.block_number, state.block_hash = found.last.number, found.last.hash
        state.block_time = found.last.timestamp

    def _finish(self) -> None:
        """The contract's books as the indexer would have read them; all days but the last closed;
        what the planner should know."""
        self._take_contract_books()
        with self.engine.begin() as connection:
            sums = {
                name: 0
                for name in (one.name for one in tables.day_closes.columns)
                if name.split("_")[-1] in ("lead", "partner", "agreed", "difference")
                and name != "partner"
            }
            connection.execute(
                insert(tables.day_closes).values(
                    number=1, facility=1, partner=1, day=self.last_day - 1, state="closed",
                    proposed_by=1, proposed_block=1, proposed_at=0, proposed_tx=bytes(32),
                    statement_hash=bytes(32), open_legs=0, carried_forward=b"", **sums,
                )
            )  # fmt: skip
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))

    def _take_contract_books(self) -> None:
        a = tables.accounts.c
        with self.engine.begin() as connection:
            connection.execute(
                update(tables.accounts).values(
                    contract_block=a.last_block,
                    contract_open_legs=self._open_legs,
                    contract_closed_through=self.last_day - 1,
                    **{f"contract_{name}": a[name] for name in BOOKS},
                )
            )

    def acts(self) -> dict[str, Callable[[], object]]:
        """What a node does again and again, by name."""
        middle = reference(REFERENCE_KEY, f"R-{self.pairs // 2:08d}")
        day = to_date(self.last_day)

        def close(connection: Connection) -> object:
            last = last_closed(connection, "WLD-2016-A", "huarui")
            facility = directory(connection).facilities[1]
            return own_statement(connection, facility, 1, last, self.last_day)

        def statement(connection: Connection) -> object:
            return movements(connection, directory(connection).facilities[1], day, day)

        reads: dict[str, Callable[[Connection], object]] = {
            "balances": balances,
            "breaks": lambda c: queries.breaks(c, limit=50),
            "pairs": queries.pairs,
            "matches of an account": lambda c: queries.matches(
                c, queries.Filter(facility="WLD-2016-A", partner="huarui")
            ),
            "pairs of a reference": lambda c: queries.pairs(c, queries.Filter(references=[middle])),
            "pairs of a text": lambda c: queries.pairs(c, queries.Filter(text="nowhere")),
            "legs": queries.legs,
            "statement of a day": statement,
            "closing a day": close,
        }
        acts = {name: self._reading(read) for name, read in reads.items()}
        return acts | {
            "tick: ageing": Ageing(self.engine).look,
            "tick: refused legs": lambda: collect(self.engine, _LEAD),
        }

    def _reading(self, read: Callable[[Connection], object]) -> Callable[[], object]:
        def act() -> object:
            with self.engine.connect() as connection:
                return read(connection)

        return act

    def measure(self) -> dict[str, tuple[float, int]]:
        """Each act's CPU time in ms, the median of some runs, and what it read: steps of SQLite's
        machine, or rows in PostgreSQL."""
        found = {}
        for name, act in self.acts().items():
            act()
            took = []
            for _ in range(_RUNS):
                began = time.process_time()
                act()
                took.append((time.process_time() - began) * 1000)
            with _counted(self.engine) as read:
                act()
            found[name] = round(median(took), 2), read[0]
        return found


@contextmanager
def _counted(engine: Engine) -> Iterator[list[int]]:
    """What is read while this is open, once it is closed."""
    read = [0]
    if engine.dialect.name == "sqlite":

        def count() -> int:
            read[0] += 100
            return 0

        def watch(connection: Any, *_: object) -> None:
            connection.set_progress_handler(count, 100)

        event.listen(engine, "checkout", watch)
        try:
            yield read
        finally:
            event.remove(engine, "checkout", watch)
            with engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                driver.set_progress_handler(None, 0)
        return
    before = _rows_read(engine)
    yield read
    read[0] = _rows_read(engine) - before


def _rows_read(engine: Engine) -> int:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        return int(
            connection.execute(
                text(
                    "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))"
                    " FROM pg_stat_user_tables"
                )
            ).scalar_one()
        )


def written_beside_pandas(history: History, folder: Path) -> dict[str, int]:
    """Lines a CPU second of matched.csv, from the database, and of pandas' `to_csv` of the same
    lines, from memory."""
    began = time.process_time()
    write_pairs(history.engine, "WLD-2016-A", folder)
    ours = time.process_time() - began
    frame = pd.read_csv(folder / "matched.csv", dtype=str, keep_default_na=False)
    began = time.process_time()
    frame.to_csv(folder / "pandas.csv", index=False)
    theirs = time.process_time() - began
    return {
        "csv_lines_per_cpu_s": round(len(frame) / ours),
        "pandas_lines_per_cpu_s": round(len(frame) / theirs),
    }
