"""Pushes sample rows to a bank's node by REST, as its core banking would."""

from app.client.node import NodeClient
from app.domain.chunks import chunks
from app.intake.results import RowCounts
from app.local.demo.sample import Row

_BULK_ROWS = 1_000


class Pusher:
    """One bank's client. `sums` adds up what the node answered."""

    def __init__(self, url: str, key: str, facility: str) -> None:
        self._client = NodeClient(url, key=key)
        self._facility = facility
        self.sums = RowCounts()

    def push(self, rows: list[Row]) -> None:
        """Push rows in bulks. Raises TallyError when the node refuses or does not answer."""
        for bulk in chunks(rows, _BULK_ROWS):
            made = self._client.push(self._facility, bulk).rows
            self.sums.add(RowCounts(made.rows_in, made.accepted, made.duplicate, made.quarantined))

    def close(self) -> None:
        self._client.close()
