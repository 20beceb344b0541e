"""Work that waits for the chain, which may stand still for longer than anybody waits."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

_ANSWER_WITHIN_S = 8.0


def answer_within(work: Callable[[], None], name: str) -> None:
    """Work in a thread of this name, and come back after some seconds at the latest; the work goes
    on then."""
    answer: Future[None] = Future()

    def run() -> None:
        try:
            work()
            answer.set_result(None)
        except BaseException as fault:
            answer.set_exception(fault)

    threading.Thread(target=run, name=name, daemon=True).start()
    with suppress(TimeoutError):
        answer.result(_ANSWER_WITHIN_S)
