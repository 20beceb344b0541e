"""What time it is for jobs that go by the chain's clock."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Engine

from app.readmodel.chain import position
from app.readmodel.facilities.agreed import AgreedFacility, agreed_facilities
from app.readmodel.facilities.sight import in_sight


def business_days(engine: Engine, ago: timedelta) -> Sequence[tuple[AgreedFacility, int]]:
    """Each facility that is in sight, in any state, and the business date (an ordinal) in which the
    time that long before the last block read falls; none before the first block."""
    with engine.connect() as connection:
        read = position(connection)
        facilities = agreed_facilities(connection, in_sight())
    if read is None:
        return []
    at = read.block_time - ago
    return [(one, one.terms.business_day(at)) for one in facilities]
