"""The intake against the oracle: random feeds that crowd into the corners of INTERFACES."""

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from app.db.engine import create, upgrade
from app.domain.facility import Facility
from app.domain.kinds import Kind
from app.intake import accept
from app.intake.accept import Intake
from app.intake.facility_file import load_facility
from app.intake.reader import open_feed
from app.intake.results import Verdict
from app.intake.store import EventStore
from app.intake.tables import events
from app.intake.validation import Validator
from tests.integration.vaults import VAULT
from tests.reference import oracle, random_feeds

SEEDS = [
    *range(12),
    *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 150)),
]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_bank_takes_in_what_the_oracle_says(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept, "CHUNK_ROWS", random.Random(seed).choice([1, 7, 2000]))
    case = random_feeds.generate(tmp_path, seed, lead_may_split=True)
    terms = oracle.load_facility(case.facility)
    facility = load_facility(case.facility)
    today = datetime.now(UTC)
    for bank, path in {facility.lead: case.lead, **case.partners}.items():
        want = oracle.take_in(path, bank, terms, today.date())
        engine = create(f"sqlite:///{tmp_path / path.stem}.sqlite", vault=VAULT)
        upgrade(engine)
        verdicts: list[Verdict] = []
        intake = Intake(EventStore(engine), Validator(facility, bank), clock=lambda: today)
        with open_feed(path, facility, bank) as rows:
            result = intake.submit(rows, str(path), "file", verdicts=verdicts.extend)
        with engine.connect() as connection:
            kept = connection.execute(select(events).order_by(events.c.id)).all()
        engine.dispose()

        aside = [
            (path.name, verdict.row, verdict.field)
            for verdict in verdicts
            if verdict.status == "quarantined"
        ]
        assert sorted(aside) == want.quarantine
        assert (result.rows_in, result.accepted, result.duplicate, result.quarantined) == tuple(
            want.rows[sum_] for sum_ in ("in", "accepted", "duplicate", "quarantined")
        )
        for duplicate_leg, expected in ((False, want.standing), (True, want.duplicate_legs)):
            assert [
                (
                    event.event_id,
                    Kind(event.kind).feed_name,
                    event.partner,
                    event.event_ref,
                    event.amount,
                    event.value_day,
                    event.business_day,
                    event.parts,
                    event.reversed,
                )
                for event in kept
                if event.duplicate_leg == duplicate_leg
            ] == [
                (
                    event.event_id,
                    event.kind,
                    _number(facility, bank, event.partner),
                    event.event_ref,
                    event.amount,
                    event.value_date.toordinal(),
                    event.business_date.toordinal(),
                    len(event.parts),
                    event.reversed_by is not None,
                )
                for event in expected
            ]


def _number(facility: Facility, bank: str, partner: str | None) -> int:
    """The partner's number; 0 for the lead's shared events."""
    named = facility.partner(partner or bank)
    return named.number if named else 0
