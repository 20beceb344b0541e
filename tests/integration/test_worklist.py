"""The work list of breaks: its lines, who works on what, and what people note about them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text

from app.audit.tables import audit_trail
from app.db.engine import create
from app.domain.kinds import Kind
from app.people.person import Person
from app.worklist import notes
from app.worklist.lines import NOBODY, WorkFilter, WorkList
from app.worklist.notes import assign
from app.worklist.tables import break_notes
from tests.integration.faces import Face, add_test_person, face, with_token
from tests.integration.posting import await_true
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

DAY_S = int(timedelta(days=1).total_seconds())


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def seed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Seed]:
    url = f"sqlite:///{tmp_path_factory.mktemp('work') / 'bank.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_cluster").url("postgres")
    engine = create(url, vault=VAULT)
    made = Seed(engine)
    with engine.begin() as connection:
        for name, amount, type_, days in (
            ("OLD", 500, "missing_at_partner", 9),
            ("BIG", 90_000, "missing_at_lead", 2),
            ("SMALL", 100, "amount", 0),
            ("FINE", 100, "matched", 0),
        ):
            made.pair(
                connection, 1, Kind.FEE, name, amount, type_, day=START.date(),
                first_posted_at=made.now - days * DAY_S,
            )  # fmt: skip
        made.close_block(connection)
    yield made
    engine.dispose()


@pytest.fixture
def node(seed: Seed) -> Iterator[Face]:
    with face(seed.engine) as served:
        yield served


def person(engine: Engine, *roles: str) -> Person:
    with engine.begin() as connection:
        return add_test_person(connection, roles)


def listed(seed: Seed, sort: str = "newest", **where: object) -> list[int]:
    with seed.engine.connect() as connection:
        found: list[int] = []
        after: str | None = None
        while True:
            page = WorkList(connection, 1).page(WorkFilter(**where), sort, 1, after)  # type: ignore[arg-type]
            found += [one.pair.number for one in page.lines]
            if page.following is None:
                assert page.total == len(found) or sort == "difference"
                return found
            after = page.following


def test_it_is_sorted_and_narrowed_page_by_page(seed: Seed) -> None:
    assert listed(seed) == [3, 2, 1]
    assert listed(seed, "oldest") == [1, 2, 3]
    assert listed(seed, "difference") == [2, 1, 3]
    assert listed(seed, age="up_to_3_days") == [2]
    assert listed(seed, age="up_to_30_days") == [1]
    assert listed(seed, overdue=True) == [2, 1]
    assert listed(seed, type="amount", text="mal") == [3]
    assert listed(seed, standing="nothing") == [3, 2, 1]
    assert listed(seed, standing="to_answer") == []
    with seed.engine.connect() as connection:
        for after in ("x", "1.2.3", "-1", "9" * 40):
            page = WorkList(connection, 1).page(WorkFilter(), "newest", 5, after)
            assert len(page.lines) == 3


def test_who_works_on_what(seed: Seed) -> None:
    mei, kai = person(seed.engine, "officer"), person(seed.engine, "approver")
    with seed.engine.begin() as connection:
        assert assign(connection, [1, 2], "Mei", mei) == 2
        assert assign(connection, [1, 2], "Mei", mei) == 0
        with pytest.raises(Exception, match="does not work on breaks"):
            assign(connection, [3], "Mei", kai)
        with pytest.raises(Exception, match="there is no break 77"):
            assign(connection, [3, 77], "Mei", mei)
    assert listed(seed, assignee=mei.id) == [2, 1]
    assert listed(seed, assignee=NOBODY) == [3]
    with seed.engine.begin() as connection:
        assert assign(connection, [1, 2], "Mei", None) == 2
    assert listed(seed, assignee=NOBODY) == [3, 2, 1]


def test_by_rest(node: Face, seed: Seed) -> None:
    officer, viewer = with_token(node.signed_in("officer")), with_token(node.signed_in("viewer"))
    refused = viewer.post("/v1/breaks/1/comments", json={"text": "no"})
    assert refused.status_code == 403
    text = "<script>alert(1)</script> 客户 asked"
    made = officer.post("/v1/breaks/1/comments", json={"text": text})
    assert (made.status_code, made.json()["text"]) == (201, text)
    for path, body in (
        ("/v1/breaks/1/comments", {"text": "  "}),
        ("/v1/breaks/1/comments", {"text": "x" * 5_000}),
        ("/v1/breaks/77/comments", {"text": "nothing"}),
        ("/v1/breaks:assign", {"breaks": [1], "assignee": "nobody"}),
        ("/v1/breaks:assign", {"breaks": [], "assignee": None}),
        ("/v1/views", {"name": "a", "query": "//evil.example"}),
    ):
        assert officer.post(path, json=body).status_code == 422, body
    assert viewer.get("/v1/breaks/1/notes").json()["items"][-1]["text"] == text
    with seed.engine.connect() as connection:  # it lies sealed, and the trail does not quote it
        kept = connection.execute(select(break_notes.c.sealed)).scalars()
        assert all(b"script" not in bytes(one) for one in kept)
        trail = connection.execute(
            select(audit_trail.c.subject).where(audit_trail.c.act == "breaks.comment")
        ).scalars()
        assert list(trail) == ["break 1"]
    line = viewer.get("/v1/worklist?sort=oldest&limit=1").json()
    assert line["items"][0]["comments"] == 1
    assert (line["total"], line["next"]) == (3, "0.1")
    assert viewer.get("/v1/worklist?type=matched").status_code == 422

    view = officer.post("/v1/views", json={"name": "late", "query": "?overdue=true"}).json()
    assert officer.get("/v1/views").json()["items"] == [view]
    assert viewer.get("/v1/views").json()["items"] == []
    assert viewer.delete(f"/v1/views/{view['id']}").status_code == 404
    assert officer.delete(f"/v1/views/{view['id']}").status_code == 204
    with seed.engine.connect() as connection:
        counted = select(func.count()).where(audit_trail.c.act == "breaks.save-view")
        assert connection.execute(counted).scalar_one() == 1


def test_who_changes_the_same_at_the_same_moment_is_asked_to_send_it_again(
    node: Face, seed: Seed
) -> None:
    """PostgreSQL's writers come to the same row together, SQLite's one after the other."""
    officer, mei = with_token(node.signed_in("officer")), person(seed.engine, "officer")
    is_together = seed.engine.dialect.name == "postgresql"

    def send() -> int:
        return officer.post(
            "/v1/breaks:assign", json={"breaks": [3], "assignee": mei.id}
        ).status_code

    def is_held_up() -> bool:
        with seed.engine.connect() as connection:
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(connection.execute(waiting).scalar_one())

    with ThreadPoolExecutor(1) as pool:
        with seed.engine.begin() as connection:
            assign(connection, [3], "Mei", mei)
            sent = pool.submit(send)
            if is_together:
                await_true(is_held_up, "the second one waits")
        assert sent.result() == (503 if is_together else 200)
    assert send() == 200
    with seed.engine.begin() as connection:
        assign(connection, [3], "Mei", None)


def test_a_break_takes_so_many_comments(seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "MOST_COMMENTS", 2)
    with seed.engine.begin() as connection:
        for text in ("one", "two"):
            notes.comment(connection, 3, "Mei", text)
        with pytest.raises(Exception, match="2 comments on one break"):
            notes.comment(connection, 3, "Mei", "three")
        notes.comment(connection, 2, "Mei", "another break's")


def test_of_many_assignments_the_newest_are_kept(
    seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "MOST_ASSIGNMENTS", 2)
    mei = person(seed.engine, "officer")
    with seed.engine.begin() as connection:
        remark = notes.comment(connection, 3, "Mei", "stays")
        for author, to in (("1", mei), ("2", None), ("3", mei)):
            assign(connection, [2, 3], author, to)
        kept = notes.notes(connection, 3)
    assert remark in kept
    assert [one.author for one in kept if one.what != "comment"] == ["2", "3"]


def test_ten_thousand_breaks_are_selected_and_assigned(tmp_path: Path) -> None:
    engine = create(f"sqlite:///{tmp_path / 'many.sqlite'}", vault=VAULT)
    many = Seed(engine)
    with engine.begin() as connection:
        for number in range(10_001):
            many.pair(connection, 1, Kind.FEE, f"F-{number}", 100, "amount", day=START.date())
        many.close_block(connection)
    mei = person(engine, "officer")
    with engine.begin() as connection:
        work = WorkList(connection, 1)
        assert work.count(WorkFilter()) == 10_001
        numbers = work.numbers(WorkFilter())
        assert assign(connection, numbers, "Mei", mei) == 10_000
        with pytest.raises(Exception, match="more than 10,000"):
            assign(connection, [*numbers, 1], "Mei", mei)
        assert work.count(WorkFilter(assignee=mei.id)) == 10_000
    engine.dispose()
