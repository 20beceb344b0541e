"""The loans of this bank's own posted legs, from what it has accepted."""

from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy import Connection, select

from app.db.vault import vault_of
from app.intake.tables import events
from app.outbox.tables import batches
from app.readmodel.pairs.suggestions import LegPlace


def loan_refs(connection: Connection, places: Sequence[LegPlace]) -> Mapping[LegPlace, str]:
    """The loan_ref of each leg that has one, as far as this database holds its event. Raises
    StorageFault for what does not open with this bank's storage key."""
    wanted = set(places)
    posted = {
        row.id: (row.facility, row.sequence)
        for row in connection.execute(
            select(batches.c.id, batches.c.facility, batches.c.sequence).where(
                batches.c.facility.in_({one.facility for one in wanted}),
                batches.c.sequence.in_({one.sequence for one in wanted}),
            )
        )
    }
    rows = connection.execute(
        select(events.c.batch_id, events.c.leg_index, events.c.details).where(
            events.c.batch_id.in_(posted),
            events.c.leg_index.in_({one.word for one in wanted}),
            events.c.details.is_not(None),
        )
    )
    vault = vault_of(connection)
    found: dict[LegPlace, str] = {}
    for batch, word, details in rows:
        place = LegPlace(*posted[batch], word)
        if place in wanted and (loan := orjson.loads(vault.open(details)).get("loan_ref")):
            found[place] = loan
    return found
