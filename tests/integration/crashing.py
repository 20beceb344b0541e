"""A bank in a process of its own, which dies at a chosen point.

It does what a node does, then kills itself with SIGKILL, as the kernel would: nothing is closed,
nothing is rolled back by hand.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.chain.rpc import Rpc
from app.config import load_config
from app.indexer.errors import OtherView
from app.local.reconcile import tick
from app.node.bank import open_bank
from app.outbox import lease
from app.outbox.broadcast import Broadcaster
from app.outbox.nonce_queue import NonceQueue
from app.outbox.settle import Settler

POINTS = (
    "sealing",  # before the transaction that seals a batch is committed
    "sealed",  # stored, nothing sent
    "half sent",  # one of several transactions sent
    "sent",  # all sent, nothing recorded
    "broadcast",  # recorded as broadcast, mined, no receipt seen
    "proven",  # the receipts were seen, nothing recorded
    "indexed",  # the read model was written, dead letters were not yet collected
)


def die(*_: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def after(function: Callable[..., Any], then: Callable[[], Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any) -> Any:
        result = function(*arguments)
        then()
        return result

    return wrapped


def arm(point: str) -> None:
    answers = Rpc.batch_answers

    def sending(only: int | None) -> Callable[..., Any]:
        def send(self: Rpc, requests: list[tuple[str, list[Any]]]) -> Any:
            if requests and requests[0][0] == "eth_sendRawTransaction":
                answers(self, requests[:only])
                die()
            return answers(self, requests)

        return send

    patches: dict[str, tuple[type, str, Any]] = {
        "sealing": (NonceQueue, "sign", after(NonceQueue.sign, die)),
        "sealed": (Broadcaster, "broadcast", die),
        "half sent": (Rpc, "batch_answers", sending(1)),
        "sent": (Rpc, "batch_answers", sending(None)),
        "broadcast": (Broadcaster, "broadcast", after(Broadcaster.broadcast, die)),
        "proven": (Settler, "_finalise", die),
    }
    if point in patches:
        setattr(*patches[point])


def _work(config: Path, point: str, told: Connection) -> None:
    lease.LEASE_MS = 300  # a successor need not wait long
    try:
        bank = open_bank(load_config(config))
        bank.follower.index()
        if point.startswith("disk "):  # no file may grow beyond so many bytes
            limit = int(point.removeprefix("disk "))
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        arm(point)
        if point == "indexed":
            setattr(bank.follower, "_collect", die)  # noqa: B010
        told.send("ready")
        while True:
            with suppress(OtherView):  # another process was faster; a node, too, tries again
                tick(bank)
            time.sleep(0.01)
    except Exception as fault:
        told.send(f"{type(fault).__name__}: {fault}")


class Mortal:
    """The process. `point`: where it dies (one of POINTS), "never", or "disk N"."""

    def __init__(self, config: Path, point: str) -> None:
        # A server that has imported everything already: a new interpreter would take seconds.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self._told, end = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(config, point, end), daemon=True)
        self._process.start()
        end.close()

    def says(self) -> str:
        """The next that it says: "ready", then what made it fail."""
        assert self._told.poll(60)
        said: str = self._told.recv()
        return said

    def kill(self) -> None:
        self._process.kill()

    def await_death(self) -> None:
        """Returns once it was killed; fails when it ended by itself."""
        self._process.join(60)
        code = self._process.exitcode
        last = self.says() if code == 0 else ""
        assert code == -signal.SIGKILL, last
        self._told.close()
