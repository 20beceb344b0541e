"""Python's cycle collector, paused where tens of thousands of rows are made that all live on."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Without the cycle collector for as long as a range takes.

    A range is some ten thousand rows that live until they are written and form no cycles; looking
    through them again and again took a quarter of the time. They must be gone at the end, or they
    are looked through then.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
