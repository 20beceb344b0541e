"""What a check of `tally doctor` says of an error."""

from app.doctor.finding import failed
from app.domain.errors import ChainUnreachable


def test_where_it_was_seen_is_said_once() -> None:
    fault = ChainUnreachable("does not answer", where="http://127.0.0.1:1", remedy="Start it")
    assert failed("chain at http://127.0.0.1:1", fault).what == "does not answer"
    assert failed("clock", fault).what == "http://127.0.0.1:1: does not answer"
    assert failed("clock", ChainUnreachable("is slow")).what == "is slow"
