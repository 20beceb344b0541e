"""Asks all channels of a node at once: one that hangs must not hold up the others' answers."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import structlog
from sqlalchemy import Engine
from starlette.types import ASGIApp

from app.api.context import Context
from app.api.health import look
from app.presentation.channel_models import ChannelOut
from app.presentation.models import TroubleOut

_ANSWER_S = 3.0
_MOST_AT_WORK = 4
"""Questions that a channel may have before it; one more it is not asked."""

Answer = TypeVar("Answer")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Opened:
    """An open channel: what its faces stand on, and the faces."""

    context: Context
    faces: ASGIApp


@dataclass(frozen=True, slots=True)
class Standing:
    """How a channel stands. `closed_because` it cannot be opened, and the `remedy`; empty while
    nothing is known against it."""

    bank: str
    opened: Opened | None
    closed_because: str = ""
    remedy: str = ""


class ServedChannel(Protocol):
    """A channel of the node, opened or not."""

    def standing(self) -> Standing:
        """As it is now; waits for nothing."""


class Panel:
    """The channels by their names, and questions to all of them. Safe for threads."""

    def __init__(self, channels: Mapping[str, ServedChannel]) -> None:
        self._channels = channels
        self._at_work = dict.fromkeys(channels, 0)
        self._lock = threading.Lock()

    def standings(self) -> dict[str, Standing]:
        """How each channel stands."""
        return {name: one.standing() for name, one in self._channels.items()}

    def standing(self, name: str) -> Standing | None:
        """How a channel stands; None where there is none of that name."""
        found = self._channels.get(name)
        return None if found is None else found.standing()

    def ask(
        self, standings: Mapping[str, Standing], question: Callable[[Context], Answer]
    ) -> dict[str, Answer | None]:
        """The answers of the channels that are open; None of one that does not answer in time."""
        asked = {
            name: self._begin(name, question, one.opened.context)
            for name, one in standings.items()
            if one.opened is not None
        }
        wait(asked.values(), timeout=_ANSWER_S)
        return {
            name: answer.result() if answer.done() and answer.exception() is None else None
            for name, answer in asked.items()
        }

    def look(self) -> list[ChannelOut]:
        """How each channel is, in the order of the configuration."""
        standings = self.standings()
        healths = self.ask(standings, look)
        found = []
        for name, one in standings.items():
            health = healths.get(name)
            found.append(
                ChannelOut(
                    name=name,
                    bank=one.bank,
                    state=_state(one, answered=health is not None),
                    address=f"/channels/{name}/",
                    health=health,
                    problems=health.problems if health else [_trouble(one)],
                    warnings=health.warnings if health else [],
                )
            )
        return found

    def _begin(
        self, name: str, question: Callable[[Context], Answer], context: Context
    ) -> Future[Answer]:
        answer: Future[Answer] = Future()
        with self._lock:
            if self._at_work[name] >= _MOST_AT_WORK:
                return answer
            self._at_work[name] += 1

        def work() -> None:
            try:
                answer.set_result(question(context))
            except Exception as fault:  # one channel's trouble is not the node's
                _log.exception("channel not read", channel=name)
                answer.set_exception(fault)
            finally:
                with self._lock:
                    self._at_work[name] -= 1

        # A thread of its own that the process need not wait for: it may hang with its database.
        threading.Thread(target=work, name=f"panel {name}", daemon=True).start()
        return answer


@dataclass(frozen=True, slots=True)
class NodeContext:
    """What the faces of a node of several channels stand on."""

    engine: Engine
    """The node's own database: it holds the node's API keys and nothing else."""
    bank: str
    panel: Panel
    development: bool = False
    """Only development networks: the node's page is open to this machine, without a key."""


def _state(one: Standing, *, answered: bool) -> Literal["open", "opening", "closed", "silent"]:
    if one.opened is not None:
        return "open" if answered else "silent"
    return "closed" if one.closed_because else "opening"


def _trouble(one: Standing) -> TroubleOut:
    if one.opened is not None:
        return TroubleOut(
            name="channel-silent",
            detail=f"the channel does not answer within {_ANSWER_S:.0f} s",
            remedy="See that its database answers; its log lines and `tally doctor` tell more",
        )
    if one.closed_because:
        remedy = one.remedy or "`tally doctor` with the channel's bank.toml tells what to do"
        return TroubleOut(name="channel-closed", detail=one.closed_because, remedy=remedy)
    return TroubleOut(
        name="starting", detail="the channel is being opened", remedy="Wait some seconds"
    )
