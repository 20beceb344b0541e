"""The channel supervisor: opens one channel of a node, and tries again until that has worked."""

import threading
from collections.abc import Callable

import structlog
from sqlalchemy import Engine
from structlog.contextvars import bind_contextvars, bound_contextvars

from app.config import BankConfig
from app.domain.errors import TallyError
from app.http.channels import ChannelState, Opened
from app.node.application import bank_application
from app.node.channel import Channel, open_channel

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 10.0
"""Opening keys and a database costs; so long at most a channel waits after its trouble is over."""

_OPENING_ENDS_S = 3.0

_BUILDING = threading.Lock()
"""FastAPI silences pydantic's warnings for the whole process while it builds an application: one of
two that are built at once would let the other's through."""

_log = structlog.get_logger()


class ChannelSupervisor:
    """Opens a channel beside the others, and again after each failure until that has worked."""

    def __init__(
        self,
        name: str,
        config: BankConfig,
        check: Callable[[], None],
        admit: Callable[[Engine], None],
    ) -> None:
        """`check` before anything is opened, and `admit` once the database is, raise TallyError
        where the channel would share with another what it must have alone."""
        self._name = name
        self._config = config
        self._check = check
        self._admit = admit
        self._state = ChannelState(config.name, None)
        self._channel: Channel | None = None
        self._ending = threading.Event()
        self._opening = threading.Thread(target=self._open, name=f"channel {name}", daemon=True)

    def start(self) -> None:
        """Begin to try."""
        self._opening.start()

    def state(self) -> ChannelState:
        """As it is now; waits for nothing."""
        return self._state

    def end_streams(self) -> None:
        """End the pages' event streams."""
        if self._channel is not None:
            self._channel.notifier.close()

    def stop(self) -> bool:
        """End the channel's work; False where something was still at work after some seconds."""
        self._ending.set()
        self._opening.join(_OPENING_ENDS_S)
        if self._opening.is_alive():
            return False
        with bound_contextvars(channel=self._name):
            return self._channel.stop() if self._channel is not None else True

    def _open(self) -> None:
        bind_contextvars(channel=self._name)  # of this thread, and what it begins
        wait_s = _FIRST_WAIT_S
        while not self._ending.is_set():
            try:
                self._check()
                channel = open_channel(self._config, self._name, self._admit)
            except TallyError as fault:
                where = f"{fault.where}: " if fault.where else ""
                self._note_failure(where + fault.what, fault.remedy)
            except Exception as fault:  # one channel's trouble is not the node's
                _log.exception("channel failed to open")
                self._note_failure(f"{type(fault).__name__}; see the log", "")
            else:
                self._channel = channel
                channel.start()
                with _BUILDING:
                    application = bank_application(channel.context)
                self._state = ChannelState(self._config.name, Opened(channel.context, application))
                _log.info("channel open")
                return
            self._ending.wait(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _note_failure(self, why: str, remedy: str) -> None:
        if self._state.closed_because != why:
            _log.warning("channel waits", why=why, remedy=remedy)
        self._state = ChannelState(self._config.name, None, why, remedy)
