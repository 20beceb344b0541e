"""Structured logs: one line of key=value (or JSON) on standard error for each happening.

An event is followed by what its lines share. Lines that concern many events list them, because a
line an event would cost more than posting it:

  accepted        facility, feed, events [row, event_id]
  batch sealed    facility, sequence, legs [word, event_id, reference]
  batch broadcast facility, sequence, transaction
  batch final     facility, sequence, transaction, block
  act             act, subject, bank, key, address, outcome, transaction, block (app.actions.act)
  quarantine      step, facility, feed, by, rows [number] and how many of them became what
  matched         facility, pairs [partner, kind, reference, status, sequence, event_id]

`reference` is the keyed hash that stands on the chain: both banks' lines have it, and nobody
without the facility's key can read an event_ref from it. docs/runbook.md shows how to follow one.
"""

import logging
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MOST_LISTED = 100
"""Most events a line: collectors cut lines at some 16 kB."""

_SECRETS = re.compile(
    r"(tk_[0-9a-f]{12}_)[0-9a-f]{64}"  # an API key: its id is no secret
    r"|(://)[^/@\s\"']+@"  # a URL's user and password
    r"|((?:password|passphrase|secret)[\\\"']*\s*[=:]\s*[\\\"']*)[^\s\\\"',;&]+",
    re.IGNORECASE,
)

Listed = TypeVar("Listed")


def configure_logs(level: int = logging.WARNING) -> None:
    """Key=value lines on a terminal, JSON lines elsewhere; times in UTC.

    Everything goes through here: lines of libraries and Python's warnings, too, and no line holds a
    secret.
    """
    renderer: Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*common, renderer, _without_secrets],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *common],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                renderer,
                _without_secrets,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)


def listed(items: Sequence[Listed]) -> Iterator[Sequence[Listed]]:
    """As many at a time as one line may list."""
    for start in range(0, len(items), MOST_LISTED):
        yield items[start : start + MOST_LISTED]


def _without_secrets(_logger: WrappedLogger, _name: str, line: EventDict | str) -> str:
    return _SECRETS.sub(lambda found: f"{found[1] or found[2] or found[3]}***", str(line))
