"""Pushes sample rows to a bank's node by REST, as its core banking would."""

from dataclasses import dataclass

import httpx

from app.domain.errors import TallyError
from app.local.demo.sample import Row, chunks

_BULK_ROWS = 1_000
_TIMEOUT_S = 60.0


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
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=_TIMEOUT_S
        )
        self._path = f"/v1/facilities/{facility}/events:bulk"
        self.sums = Sums()

    def push(self, rows: list[Row]) -> None:
        """Push rows in bulks. Raises TallyError when the node refuses or does not answer."""
        for bulk in chunks(rows, _BULK_ROWS):
            try:
                answer = self._client.post(self._path, json=bulk)
            except httpx.TransportError as fault:
                raise TallyError(
                    f"the node does not answer ({type(fault).__name__})",
                    where=str(self._client.base_url),
                ) from fault
            if answer.status_code >= httpx.codes.BAD_REQUEST:
                raise TallyError(answer.text, where=str(self._client.base_url))
            body = answer.json()
            self.sums.rows_in += body["rows"]["in"]
            self.sums.accepted += body["rows"]["accepted"]
            self.sums.duplicate += body["rows"]["duplicate"]
            self.sums.quarantined += body["rows"]["quarantined"]

    def close(self) -> None:
        self._client.close()
