"""A chain that took back what it had said: the view is rebuilt, and an incident tells of it.

Engines with finality never come here. A development chain does, when it was killed before its last
seconds were on disk; it is small, so the view is read again from the start.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from app.chain.errors import ChainAnswer
from app.chain.rpc import Rpc
from app.domain.errors import ChainUnreachable
from app.indexer.changes import Incident
from app.indexer.scan import Scanner
from app.indexer.state import State
from app.readmodel import tables as t

_BLOCKS_AT_A_TIME = 200


def has_other_blocks(connection: Connection, scanner: Scanner, head: int) -> bool:
    """Whether a chain that is shorter than the view is not only behind: it has another block where
    the view kept one."""
    c = t.blocks.c
    kept = connection.execute(
        select(t.blocks).where(c.number <= head).order_by(c.number.desc()).limit(1)
    ).first()
    if kept is None:
        return False
    header = scanner.header(kept.number)
    return header is not None and header.hash != kept.hash


def has_block(endpoints: Iterable[Rpc], state: State) -> bool:
    """Whether one of these endpoints has the view's newest block as the view has it."""
    if state.block_number is None or state.block_hash is None:
        return False
    request = [hex(state.block_number), False]
    for endpoint in endpoints:
        try:
            block = endpoint.call("eth_getBlockByNumber", request)
        except (ChainUnreachable, ChainAnswer):
            continue
        if block is not None and block["hash"] == "0x" + state.block_hash.hex():
            return True
    return False


def describe(connection: Connection, scanner: Scanner, state: State) -> Incident:
    """The incident of a reorganisation: what of the view the chain still has, and what is lost."""
    common = _last_common(connection, scanner)
    c = t.postings.c
    lost = connection.execute(
        select(func.count()).select_from(t.postings).where(c.block_number > common)
    ).scalar_one()
    since = f"block {common}" if common else "the first block"
    place = (
        f"block {state.block_number} was 0x{(state.block_hash or b'').hex()} and is no more; "
        f"{lost} postings since {since} were taken back"
    )
    return Incident("rewind", place, state.block_number or 0)


def _last_common(connection: Connection, scanner: Scanner) -> int:
    """The newest kept block whose hash the chain still gives; 0 = none."""
    c = t.blocks.c
    before: int | None = None
    while True:
        query = select(t.blocks).order_by(c.number.desc()).limit(_BLOCKS_AT_A_TIME)
        rows = connection.execute(query if before is None else query.where(c.number < before)).all()
        if not rows:
            return 0
        for row in rows:
            header = scanner.header(row.number)
            if header is not None and header.hash == row.hash:
                return int(row.number)
        before = rows[-1].number
