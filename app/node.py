"""One bank's node: its machinery, its clockwork, its API and page, in one process."""

import socket
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import structlog
import uvicorn

from app.api.app import create_app
from app.api.context import ChainHealth, Context
from app.api.models import EndpointOut
from app.api.notifier import Notifier
from app.bootstrap import Bank
from app.domain.errors import ChainUnreachable, ConfigFault, WrongChain
from app.feeds.rest import RestFeeds
from app.jobs.ageing import Ageing
from app.jobs.feed_folder import FeedFolder
from app.jobs.scheduler import Jobs, Scheduler

_log = structlog.get_logger()

_STALLED_AFTER_S = 10.0


class Node:
    """Runs a bank until it is told to stop. `serve` blocks."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._notifier = Notifier()
        self._head: int | None = None
        self._stalled = False
        self._troubles: list[str] = []
        self._moved_at = time.monotonic()
        self._feeds = FeedFolder(bank.config.inbox, self._take_in)
        self._scheduler = Scheduler(
            Jobs(
                submit=self._submit,
                index=self._index,
                feed_folder=self._feeds.scan,
                ageing=Ageing(bank.engine).look,
            )
        )

    def serve(self, ready: Callable[[str], None]) -> None:
        """Listen, call `ready` with the page's address, and work until the process is told to end.

        Raises ConfigFault when the address is taken.
        """
        config = self._bank.config
        listener = _listen(config.host, config.port)
        app = create_app(
            Context(
                engine=self._bank.engine,
                bank=self._bank.name,
                member=self._bank.member,
                role=self._bank.role(),
                notifier=self._notifier,
                health=self._health,
                inlet=RestFeeds(self._bank.intake),
                development=config.development,
            )
        )
        server = _Server(
            uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3), self._notifier
        )
        self._scheduler.start()
        try:
            ready(f"http://{config.host}:{listener.getsockname()[1]}")
            server.run(sockets=[listener])
        finally:
            self._scheduler.stop()
            self._bank.close()

    def _health(self) -> ChainHealth:
        return ChainHealth(
            self._head,
            self._stalled,
            posting_stopped=bool(self._troubles),
            endpoints=[EndpointOut(**asdict(one)) for one in self._bank.endpoints.health()],
        )

    def _submit(self) -> None:
        self._bank.submit()
        troubles = self._bank.troubles()
        for why in troubles:
            if why not in self._troubles:
                _log.error("posting stopped", why=why)
        if self._troubles and not troubles:
            _log.info("posting goes on")
        self._troubles = troubles

    def _index(self) -> None:
        try:
            head = self._bank.head()
            if head != self._head:
                self._moved_at = time.monotonic()
            self._head = head
            self._note_stall(
                time.monotonic() - self._moved_at > _STALLED_AFTER_S and self._bank.in_flight()
            )
            self._bank.index()
        except (ChainUnreachable, WrongChain):
            self._head, self._stalled = None, True
            raise
        self._notifier.publish(self._bank.indexed_block())

    def _note_stall(self, stalled: bool) -> None:
        if stalled and not self._stalled:
            _log.warning("chain stalled", block=self._head, why="batches wait and no block comes")
        elif self._stalled and not stalled:
            _log.info("chain goes on", block=self._head)
        self._stalled = stalled

    def _take_in(self, facility: str, path: Path) -> str:
        taken = self._bank.take_in(
            facility,
            path,
            rows_done=lambda rows: None,
            warn=lambda text: _log.warning("feed", why=text),
        )
        return (
            f"{taken.rows_in} in, {taken.accepted} accepted, {taken.duplicate} duplicate, "
            f"{taken.quarantined} quarantined"
        )


class _Server(uvicorn.Server):
    """Ends the pages' event streams when it is told to stop; they would hold it up."""

    def __init__(self, config: uvicorn.Config, notifier: Notifier) -> None:
        super().__init__(config)
        self._notifier = notifier

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._notifier.close()
        await super().shutdown(sockets=sockets)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # now, not later: until then another could bind the same port
    except OSError as fault:
        listener.close()
        raise ConfigFault(
            f"cannot listen on {host}:{port} ({fault.strerror})",
            remedy="Free the port, or choose another under [api] in bank.toml",
        ) from None
    return listener
