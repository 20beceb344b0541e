"""What grants open is opened beside the indexer: step by step, and to the same end however it was
interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from nacl.public import PrivateKey, SealedBox
from sqlalchemy import Engine, delete, insert, select, update

from app.domain.legs import Leg, pack
from app.indexer.granted import open_granted
from app.indexer.rebuild import digest
from app.keys.sealing import batch_key, open_with_key, seal_batch_keys, seal_details
from app.readmodel import tables as t

FACILITY, LEAD, HUARUI, READER = 1, 1, 2, 5
DAY = 739_000
BATCHES = 20
_BANK, _READER = PrivateKey.generate(), PrivateKey.generate()
KEYS = [bytes(_READER)]


def ref(number: int) -> bytes:
    return number.to_bytes(20)


@pytest.fixture
def sealed(database: Engine) -> dict[int, bytes]:
    """The keys of twenty batches of each of two banks, two legs each: of the day, and of another;
    they are kept sealed here, and a word of each name says whose it is."""
    keys: dict[int, bytes] = {}
    with database.begin() as connection:
        for member in (LEAD, HUARUI):
            for sequence in range(1, BATCHES + 1):
                legs = [
                    Leg(1, 1, 5, day, day, 0, ref(2 * sequence + place))
                    for place, day in enumerate((DAY, DAY - 9))
                ]
                details = [[f"D-{member}-{sequence}"], [f"OLD-{sequence}"]]
                box = seal_details(details, {member: bytes(_BANK.public_key)})
                assert box is not None
                keys[member * 100 + sequence] = batch_key(box, member, [bytes(_BANK)]) or b""
                connection.execute(
                    insert(t.sealed_postings).values(
                        facility=FACILITY,
                        member=member,
                        sequence=sequence,
                        legs=pack(legs)[0],
                        sealed=box,
                    )
                )
    return keys


def grant(
    engine: Engine, number: int, member: int, keys: dict[int, bytes], of: Sequence[int]
) -> None:
    """As the indexer writes a grant that this node's member got."""
    sealed = seal_batch_keys(
        {sequence: keys[member * 100 + sequence] for sequence in of}, bytes(_READER.public_key)
    )
    with engine.begin() as connection:
        connection.execute(
            insert(t.detail_grants).values(
                number=number,
                facility=FACILITY,
                member=member,
                reader=READER,
                from_day=DAY - 1,
                to_day=DAY,
                granted_at=0,
                tx_hash=bytes(32),
            )
        )
        connection.execute(
            insert(t.granted_openings).values(
                number=number, sealed_keys=sealed, posted=BATCHES - 1, opened=0
            )
        )


def revoke(engine: Engine, number: int) -> None:
    with engine.begin() as connection:
        g, o = t.detail_grants.c, t.granted_openings.c
        connection.execute(
            update(t.detail_grants).where(g.number == number).values(revoked_at=1, names=0)
        )
        connection.execute(delete(t.granted_openings).where(o.number == number))
        connection.execute(insert(t.granted_openings).values(number=number, posted=0, opened=0))


def names(engine: Engine, number: int) -> list[str]:
    n = t.granted_names.c
    with engine.connect() as connection:
        return list(
            connection.scalars(select(n.event_ref).where(n.grant == number).order_by(n.ref))
        )


def step(engine: Engine) -> bool:
    return open_granted(engine, KEYS, for_seconds=-1)


def test_in_steps_and_to_the_same_end_however_it_is_interrupted(
    database: Engine, sealed: dict[int, bytes]
) -> None:
    every = range(1, BATCHES + 1)
    grant(database, 1, LEAD, sealed, every)
    grant(database, 2, LEAD, sealed, every)
    grant(database, 3, HUARUI, sealed, (3,))
    assert step(database)
    assert names(database, 1) == [f"D-1-{one}" for one in range(1, 9)]
    # the one of a single batch does not wait until the long ones are done
    assert step(database)
    assert step(database)
    assert names(database, 3) == ["D-2-3"]
    revoke(database, 1)
    assert not open_granted(database, KEYS)
    assert names(database, 1) == []
    # what was posted after the grant, the last batch, is not of it
    assert names(database, 2) == [f"D-1-{one}" for one in every[:-1]]
    with database.connect() as connection:
        g = t.detail_grants.c
        counts = connection.scalars(select(g.names).order_by(g.number)).all()
    assert counts == [0, BATCHES - 1, 1]
    before = digest(database)

    with database.begin() as connection:
        for table in (t.detail_grants, t.granted_openings, t.granted_names):
            connection.execute(delete(table))
    for number, member, of in ((1, LEAD, every), (2, LEAD, every), (3, HUARUI, (3,))):
        grant(database, number, member, sealed, of)
    revoke(database, 1)
    assert not open_granted(database, KEYS)
    assert digest(database) == before


def test_nobody_who_writes_waits_for_what_is_opened(
    database: Engine, sealed: dict[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a batch is opened, the grant is revoked: nothing of that step is kept."""
    real = open_with_key

    def revoked_meanwhile(*arguments: Any) -> Any:
        if not names(database, 1):
            revoke(database, 1)
        return real(*arguments)

    grant(database, 1, LEAD, sealed, (1, 2))
    monkeypatch.setattr("app.indexer.granted.open_with_key", revoked_meanwhile)
    assert step(database)
    assert names(database, 1) == []
    assert not open_granted(database, KEYS)
    assert names(database, 1) == []


@pytest.mark.parametrize(
    "box",
    [
        pytest.param(b"rubbish", id="no box"),
        pytest.param(SealedBox(_READER.public_key).encrypt(b"x" * 41), id="a byte too many"),
    ],
)
def test_what_is_no_list_of_keys_opens_nothing(
    database: Engine, sealed: dict[int, bytes], box: bytes
) -> None:
    grant(database, 1, LEAD, sealed, (1,))
    with database.begin() as connection:
        connection.execute(update(t.granted_openings).values(sealed_keys=box))
    assert not open_granted(database, KEYS)
    assert names(database, 1) == []
