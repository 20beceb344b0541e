"""How core banking pushes to a node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from tests.integration.posting import await_true
from tests.plain_http import NO_TLS

_WAIT_S = 60


def push_events(url: str, facility: str, key: str, events: Sequence[dict[str, Any]]) -> None:
    """Push events; each must be accepted. A node that has just opened still reads the chain, and
    does not know the facility yet."""

    def taken() -> bool:
        answer = httpx.post(
            f"{url}/v1/facilities/{facility}/events:bulk",
            json=list(events),
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
            verify=NO_TLS,
        )
        if "still being read" in answer.text:
            return False
        assert answer.status_code == httpx.codes.OK, answer.text
        assert answer.json()["rows"]["accepted"] == len(events), answer.text
        return True

    await_true(taken, "the node takes the events", _WAIT_S)
