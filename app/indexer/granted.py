"""The names that a grant opens: from postings that were kept sealed."""

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Connection, select

from app.domain.identifiers import reference
from app.domain.legs import unpack
from app.indexer.names import is_name
from app.indexer.projection import OpenedGrant
from app.keys.sealing import open_with_key
from app.readmodel.disclosures.tables import sealed_postings

_POSTINGS_A_TIME = 50


def names_of(connection: Connection, grant: OpenedGrant) -> dict[bytes, str]:
    """The names that a grant opens, by reference. Its bank may have sealed anything: what is no
    name is left out, and where this node has the reference key, what does not hash to its
    reference. Of two names for one reference the first stands."""
    found: dict[bytes, str] = {}
    for legs, sealed, batch_key in _postings(connection, grant):
        rows = open_with_key(sealed, batch_key) or []
        for leg, row in zip(unpack(legs), rows, strict=False):
            name = row[0] if row else None
            if not grant.first <= leg.business_day <= grant.last or not is_name(name):
                continue
            key = grant.reference_key
            if key is None or reference(key, name) == leg.reference:
                found.setdefault(leg.reference, name)
    return found


def _postings(connection: Connection, grant: OpenedGrant) -> Iterator[tuple[bytes, bytes, bytes]]:
    c = sealed_postings.c
    remaining = iter(sorted(grant.keys))
    while some := list(islice(remaining, _POSTINGS_A_TIME)):
        for row in connection.execute(
            select(c.sequence, c.legs, c.sealed)
            .where(c.facility == grant.facility, c.member == grant.member, c.sequence.in_(some))
            .order_by(c.sequence)
        ):
            yield row.legs, row.sealed, grant.keys[row.sequence]
