"""The names that grants open, from postings that were kept sealed: a few postings at a time, beside
the indexer and outside its transaction, so that many grants delay nobody."""

import math
import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    delete,
    func,
    select,
    tuple_,
    update,
)

from app.db.upsert import insert_into
from app.domain.identifiers import reference
from app.domain.legs import unpack
from app.indexer.names import is_name
from app.keys.sealing import open_batch_keys, open_reference_key, open_with_key
from app.readmodel.disclosures.tables import (
    detail_grants,
    granted_names,
    granted_openings,
    sealed_postings,
)
from app.readmodel.facilities.tables import facilities

_BATCHES_A_STEP = 8
_FORGOTTEN_A_STEP = 4_000


def open_granted(
    engine: Engine, sealing_keys: Iterable[bytes], for_seconds: float = math.inf
) -> bool:
    """Open what was granted to this node's member, and forget what was revoked, until all is done
    or the time is over. Whether there is more to do; the next call goes on from there."""
    until = time.monotonic() + for_seconds
    while _step(engine, sealing_keys):
        if time.monotonic() > until:
            return True
    return False


def _step(engine: Engine, sealing_keys: Iterable[bytes]) -> bool:
    """One short transaction, for the grant of which the fewest batches were opened: a grant of
    many keeps no other waiting. False where nothing is left to do."""
    o, g, f = granted_openings.c, detail_grants.c, facilities.c
    with engine.connect() as connection:
        work = connection.execute(
            select(granted_openings, g.facility, g.member, g.from_day, g.to_day)
            .add_columns(f.sealed_reference_key)
            .join(detail_grants, g.number == o.number)
            .outerjoin(facilities, f.number == g.facility)
            .order_by(o.opened, o.number)
            .limit(1)
        ).one_or_none()
        if work is None:
            return False
        if work.sealed_keys is not None:
            keys = {
                sequence: key
                for sequence, key in open_batch_keys(bytes(work.sealed_keys), sealing_keys).items()
                if sequence <= work.posted
            }
            some = sorted(keys)[work.opened : work.opened + _BATCHES_A_STEP]
            names = _names(connection, work, {one: keys[one] for one in some}, sealing_keys)
    with engine.begin() as connection:
        if work.sealed_keys is None:
            _forget(connection, work.number)
        else:
            opened = work.opened + len(some)
            _keep(connection, work, names, opened, is_all=opened == len(keys))
    return True


def _names(
    connection: Connection,
    work: Row[Any],
    keys: dict[int, bytes],
    sealing_keys: Iterable[bytes],
) -> dict[bytes, str]:
    """The names of some batches, by reference. Their bank may have sealed anything: what is no name
    is left out, and where this node has the reference key, what does not hash to its reference. Of
    two names for one reference the first stands."""
    c = sealed_postings.c
    sealed_key = work.sealed_reference_key
    reference_key = None if sealed_key is None else open_reference_key(sealed_key, sealing_keys)
    found: dict[bytes, str] = {}
    for row in connection.execute(
        select(sealed_postings)
        .where(c.facility == work.facility, c.member == work.member, c.sequence.in_(keys))
        .order_by(c.sequence)
    ):
        details = open_with_key(bytes(row.sealed), keys[row.sequence]) or []
        for leg, values in zip(unpack(bytes(row.legs)), details, strict=False):
            name = values[0] if values else None
            if not work.from_day <= leg.business_day <= work.to_day or not is_name(name):
                continue
            if reference_key is None or reference(reference_key, name) == leg.reference:
                found.setdefault(leg.reference, name)
    return found


def _keep(
    connection: Connection, work: Row[Any], names: dict[bytes, str], opened: int, *, is_all: bool
) -> None:
    """Keep the names of a step, unless the grant was revoked, or the view is made anew, since."""
    o, n = granted_openings.c, granted_names.c
    kept = connection.execute(
        update(granted_openings)
        .where(o.number == work.number, o.opened == work.opened, o.sealed_keys.is_not(None))
        .values(opened=opened)
    )
    if kept.rowcount != 1:
        return
    if names:
        connection.execute(
            insert_into(connection, granted_names).on_conflict_do_nothing(),
            [
                {"facility": work.facility, "ref": ref, "grant": work.number, "event_ref": name}
                for ref, name in names.items()
            ],
        )
    if is_all:
        count = select(func.count()).where(n.grant == work.number).scalar_subquery()
        connection.execute(
            update(detail_grants).where(detail_grants.c.number == work.number).values(names=count)
        )
        connection.execute(delete(granted_openings).where(o.number == work.number))


def _forget(connection: Connection, number: int) -> None:
    """Forget some names of a revoked grant."""
    n = granted_names.c
    some = select(n.facility, n.ref).where(n.grant == number).limit(_FORGOTTEN_A_STEP)
    deleted = connection.execute(
        delete(granted_names).where(n.grant == number, tuple_(n.facility, n.ref).in_(some))
    )
    if deleted.rowcount < _FORGOTTEN_A_STEP:
        connection.execute(delete(granted_openings).where(granted_openings.c.number == number))
