"""The channels of a node, asked all at once: one that hangs must not hold up the others."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Literal, TypeVar

import structlog
from sqlalchemy import Engine
from starlette.types import ASGIApp

from app.http.context import Context
from app.http.health import health_of
from app.presentation.health import ChannelOut, TroubleOut

_ANSWER_S = 3.0
_MOST_AT_WORK = 4
"""Questions that a channel may have unanswered; one more it is not asked."""

Answer = TypeVar("Answer")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Opened:
    """An open channel: its context, and its REST interface and page."""

    context: Context
    application: ASGIApp


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A channel of the node, opened or not. `closed_because` says why it cannot be opened, and
    `remedy` what to do; both are empty while nothing is wrong."""

    bank: str
    opened: Opened | None
    closed_because: str = ""
    remedy: str = ""


class ChannelAggregator:
    """The channels by their names, and questions to all of them. Safe for threads."""

    def __init__(self, channels: Mapping[str, Callable[[], ChannelState]]) -> None:
        self._channels = channels
        self._at_work = dict.fromkeys(channels, 0)
        self._lock = threading.Lock()

    def states(self) -> dict[str, ChannelState]:
        """Each channel as it is now."""
        return {name: state() for name, state in self._channels.items()}

    def state(self, name: str) -> ChannelState | None:
        """A channel as it is now; None where there is none of that name."""
        found = self._channels.get(name)
        return None if found is None else found()

    def ask(
        self, states: Mapping[str, ChannelState], question: Callable[[Context], Answer]
    ) -> dict[str, Answer | None]:
        """The answers of the channels that are open; None of one that does not answer in time."""
        asked = {
            name: self._begin(name, question, one.opened.context)
            for name, one in states.items()
            if one.opened is not None
        }
        wait(asked.values(), timeout=_ANSWER_S)
        return {
            name: answer.result() if answer.done() and answer.exception() is None else None
            for name, answer in asked.items()
        }

    def describe(self) -> list[ChannelOut]:
        """How each channel is, in the order of the configuration."""
        states = self.states()
        healths = self.ask(states, health_of)
        found = []
        for name, one in states.items():
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
        threading.Thread(target=work, name=f"ask {name}", daemon=True).start()
        return answer


@dataclass(frozen=True, slots=True)
class NodeContext:
    """What a node of several channels gives to its REST interface and its page."""

    engine: Engine
    """The node's own database: it holds the node's API keys and nothing else."""
    bank: str
    channels: ChannelAggregator
    development: bool = False
    """Only development networks: the node's page is open to this machine, without a key."""


def _state(one: ChannelState, *, answered: bool) -> Literal["open", "opening", "closed", "silent"]:
    if one.opened is not None:
        return "open" if answered else "silent"
    return "closed" if one.closed_because else "opening"


def _trouble(one: ChannelState) -> TroubleOut:
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
