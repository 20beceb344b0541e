"""What the live stream of a node costs while many people look on."""

import asyncio
import multiprocessing
import time
from multiprocessing.synchronize import Semaphore
from typing import Any
from urllib.parse import urlsplit

from tests.bench.history import History
from tests.integration.faces import face

_VIEWERS = 50
_EVENTS_A_SECOND = 50
_SECONDS = 20


def viewers(history: History) -> dict[str, Any]:
    """The share of a core that a node takes for 50 people's streams, while 50 events arrive in a
    block each second. The people are another process, and what writes the blocks is not counted."""
    spawned = multiprocessing.get_context("spawn")
    with face(history.engine) as node, node.signed_in("officer") as officer:
        [(name, token)] = officer.cookies.items()
        looking = spawned.Semaphore(0)
        people = spawned.Process(target=look_on, args=(node.url, f"{name}={token}", looking))
        people.start()
        try:
            for _ in range(_VIEWERS):
                assert looking.acquire(timeout=60), "a viewer has seen nothing"
            written = 0.0
            began, used = time.perf_counter(), time.process_time()
            for second in range(1, _SECONDS + 1):
                before = time.thread_time()
                history.arrive(_EVENTS_A_SECOND // 2)
                node.notifier.publish(history.block)
                written += time.thread_time() - before
                time.sleep(max(0.0, began + second - time.perf_counter()))
            took = time.perf_counter() - began
            used = time.process_time() - used - written
        finally:
            people.kill()
            people.join()
    return {"viewers": _VIEWERS, "events_a_second": _EVENTS_A_SECOND, "of_a_core": used / took}


def look_on(url: str, cookie: str, looking: Semaphore) -> None:
    """Fifty open streams, read for ever; `looking` counts those that have begun."""
    address = urlsplit(url)

    async def one() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(
            f"GET /live HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: {cookie}\r\n\r\n".encode()
        )
        await reader.readuntil(b"event: alerts")
        looking.release()
        while await reader.read(65536):
            pass

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(_VIEWERS)))

    asyncio.run(all_of_them())
