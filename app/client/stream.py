"""The event stream as a node sends it: lines into events."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.presentation.common import Model
from app.presentation.stream import (
    ActChangedOut,
    AlertChangedOut,
    BlockReadOut,
    NoteAddedOut,
    OpenedOut,
    ResetOut,
)

_DATA: dict[str, type[Model]] = {
    "open": OpenedOut,
    "block": BlockReadOut,
    "alert": AlertChangedOut,
    "act": ActChangedOut,
    "note": NoteAddedOut,
    "reset": ResetOut,
}


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """`id`: from where to go on. `name`: open, block, alert, act, note; reset where what was
    missed cannot be told. `data`: its shape in `app.presentation.stream`."""

    id: str
    name: str
    data: Model


def events_of(lines: Iterable[str]) -> Iterator[StreamEvent]:
    """The events in the lines of a stream; of a kind that is not known here, none."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        shape = _DATA.get(fields.get("event", ""))
        if shape is not None:
            data = shape.model_validate_json(fields["data"])
            yield StreamEvent(fields["id"], fields["event"], data)
        fields = {}
