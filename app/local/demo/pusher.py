"""Pushes sample rows to a bank's node by REST, as its core banking would."""

from dataclasses import dataclass

from app.client.node import NodeClient
from app.local.demo.sample import Row, chunks

_BULK_ROWS = 1_000


@dataclass(slots=True)
class Sums:
    """Rows pushed so far: in = accepted + duplicate + quarantined."""

    rows_in: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0


class Pusher:
    """One bank's client. `sums` adds up what the node answered."""

    def __init__(self, url: str, key: str, facility: str) -> None:
        self._client = NodeClient(url, key=key)
        self._facility = facility
        self.sums = Sums()

    def push(self, rows: list[Row]) -> None:
        """Push rows in bulks. Raises TallyError when the node refuses or does not answer."""
        for bulk in chunks(rows, _BULK_ROWS):
            made = self._client.push(self._facility, bulk).rows
            self.sums.rows_in += made.rows_in
            self.sums.accepted += made.accepted
            self.sums.duplicate += made.duplicate
            self.sums.quarantined += made.quarantined

    def close(self) -> None:
        self._client.close()
