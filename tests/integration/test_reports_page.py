"""Reports asked for through the page: made in the background, downloaded, deleted, bounded."""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Connection, Engine, insert, select, update

from app.audit.tables import audit_trail
from app.db.engine import create
from app.readmodel.tables import accounts
from app.report_jobs import making, store
from app.report_jobs.files import ReportFiles, Schedule
from app.report_jobs.making import ReportMaker
from app.report_jobs.tables import report_jobs
from app.reports.catalogue import REPORTS
from app.web.reports import TITLES
from tests.integration.faces import Face, csrf_of, face
from tests.integration.seeded import Seed
from tests.integration.vaults import VAULT

FORM = {
    "report": "reconciliation",
    "facility": "WLD-2016-A",
    "first": "2026-03-02",
    "last": "2026-03-02",
    "format": "csv",
    "language": "en",
}


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = create(database_url, vault=VAULT)
    Seed(opened).fill(20)
    yield opened
    opened.dispose()


@pytest.fixture
def files(tmp_path: Path) -> ReportFiles:
    (tmp_path / "scheduled").mkdir()
    return ReportFiles(
        tmp_path / "report-files", Schedule(tmp_path / "scheduled", ("limits",), ("csv",), 2)
    )


@pytest.fixture
def node(engine: Engine, files: ReportFiles) -> Iterator[Face]:
    with face(engine, report_files=files) as served:
        yield served


@pytest.fixture
def auditor(node: Face) -> httpx.Client:
    return node.signed_in("auditor")


@pytest.fixture
def maker(engine: Engine, files: ReportFiles) -> ReportMaker:
    return ReportMaker(engine, files, 0)


def post(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    csrf = csrf_of(client.get("/reports").text)
    return client.post(path, data={"csrf": csrf, **fields}, follow_redirects=True)


def job_of(page: str) -> str:
    found = re.search(r"/reports/([0-9a-f]{16})/", page)
    assert found is not None
    return found[1]


def trail(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(
            select(audit_trail.c.act, audit_trail.c.outcome)
            .where(audit_trail.c.act.in_(("export", "report.make", "report.delete")))
            .order_by(audit_trail.c.number)
        )
        return [(row.act, row.outcome) for row in rows]


def test_a_report_is_made_downloaded_and_deleted(
    auditor: httpx.Client, maker: ReportMaker, files: ReportFiles, engine: Engine
) -> None:
    assert "Nobody has asked" in auditor.get("/reports").text
    page = post(auditor, "/reports", **FORM).text
    job = job_of(page)
    assert ">Waiting<" in page
    assert auditor.get(f"/reports/{job}/file").status_code == 404
    maker.look()
    path = files.of_job(job)
    assert [one.name for one in files.folder.iterdir()] == [job]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700
    content = auditor.get(f"/reports/{job}/file")
    assert content.headers["content-disposition"].endswith('_2026-03-02_2026-03-02.csv"')
    assert content.content == path.read_bytes()
    page = auditor.get("/reports").text
    assert ">Done<" in page
    assert hashlib.sha256(content.content).hexdigest() in page
    assert "No facility" not in post(auditor, f"/reports/{job}/delete").text
    assert not path.exists()
    assert auditor.get(f"/reports/{job}/file").status_code == 404
    assert trail(engine) == [("report.make", "done"), ("export", "done"), ("report.delete", "done")]


def test_what_cannot_be_made_is_refused_or_says_why(
    auditor: httpx.Client, node: Face, maker: ReportMaker, engine: Engine
) -> None:
    for changes, why in (
        ({"first": "2026-03-03"}, "before it begins"),
        ({"last": "tomorrow"}, "is no date"),
        ({"block": "9" * 18}, "was not read yet"),
        ({"block": "-1"}, "is no number"),
        ({"facility": "<b>"}, "is not on this chain"),
        ({"partner": "nobody"}, "is no partner"),
        ({"report": "../x"}, "is none of ours"),
        ({"format": "doc"}, "is none of ours"),
        ({"language": "fr"}, "is none of ours"),
    ):
        answer = post(auditor, "/reports", **{**FORM, **changes})
        assert (answer.status_code, why in answer.text) == (422, True), changes
    assert node.signed_in("viewer").get("/reports").status_code == 403
    assert auditor.post("/reports", data=FORM).status_code == 403
    post(auditor, "/reports", **FORM)
    with engine.begin() as connection:  # the node's view is behind the contract's books
        connection.execute(update(accounts).values(last_block=accounts.c.last_block + 1))
    maker.look()
    page = auditor.get("/reports").text
    assert ">Failed<" in page
    assert "caught up" in page
    assert ">Waiting<" in post(auditor, f"/reports/{job_of(page)}/again").text
    assert trail(engine) == [("report.make", "failed"), ("report.delete", "done")]


def test_one_that_the_node_did_not_end_is_said_so_and_made_again(
    auditor: httpx.Client, maker: ReportMaker, files: ReportFiles, engine: Engine
) -> None:
    job = job_of(post(auditor, "/reports", **FORM).text)
    with engine.begin() as connection:
        assert store.take(connection) is not None
    files.folder.mkdir()
    files.of_job(job).write_text("half")
    (files.folder / f".{job}").write_text("half")
    maker.look()
    assert "the node ended" in auditor.get("/reports").text
    assert list(files.folder.iterdir()) == []
    post(auditor, f"/reports/{job}/again")
    maker.look()
    assert ">Done<" in auditor.get("/reports").text


def test_one_that_is_deleted_while_it_is_made_ends(
    auditor: httpx.Client,
    maker: ReportMaker,
    files: ReportFiles,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(making, "_TOLD_EVERY_S", 0)
    job = job_of(post(auditor, "/reports", **FORM).text)

    def deleted_meanwhile(connection: Connection) -> None:
        assert ">Being made<" in auditor.get("/reports").text
        post(auditor, f"/reports/{job}/delete")

    monkeypatch.setattr(store, "check_room", deleted_meanwhile)
    maker.look()
    assert list(files.folder.iterdir()) == []
    assert trail(engine) == [("report.delete", "done")]


def test_what_waits_and_what_is_kept_is_bounded(
    auditor: httpx.Client, maker: ReportMaker, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(store.MOST_WAITING):
        assert post(auditor, "/reports", **FORM).status_code == 200
    assert "10 reports wait already" in post(auditor, "/reports", **FORM).text
    monkeypatch.setattr(store, "MOST_BYTES", 10)
    maker.look()
    assert auditor.get("/reports").text.count("would have more than 10 bytes") == 10
    with engine.begin() as connection:
        connection.execute(update(report_jobs).values(size=store.MOST_BYTES_KEPT // 10 + 1))
    assert "bytes already" in post(auditor, "/reports", **FORM).text
    with engine.begin() as connection:
        row = dict(connection.execute(select(report_jobs)).mappings().first() or {})
        for number in range(store.MOST_KEPT):
            row |= {"id": f"{number:016x}", "number": 1000 + number}
            connection.execute(insert(report_jobs).values(**row))
    assert "are kept already" in post(auditor, "/reports", **FORM).text


def test_every_report_has_a_title() -> None:
    assert list(TITLES) == list(REPORTS)


def test_the_schedule_and_its_files_alone_are_shown(
    auditor: httpx.Client, files: ReportFiles, engine: Engine
) -> None:
    assert files.schedule is not None
    folder = files.schedule.folder
    (folder / "limits_WLD_2026-03-01_2026-03-01.csv").write_text("x")
    (folder / "secret.csv").write_text("x")
    (folder / "limits_link.csv").symlink_to(folder / "secret.csv")
    page = auditor.get("/reports").text
    assert "Limits as csv, 2 hours after each cut-off" in page
    assert re.findall(r"/reports/scheduled/([^\"]*)", page) == [
        "limits_WLD_2026-03-01_2026-03-01.csv"
    ]
    address = "/reports/scheduled/"
    assert auditor.get(f"{address}limits_WLD_2026-03-01_2026-03-01.csv").text == "x"
    for name in ("secret.csv", "limits_link.csv", "..%2Fbank.sqlite"):
        assert auditor.get(address + name).status_code == 404
    assert trail(engine) == [("export", "done")]


def test_a_certificate_is_downloaded_from_its_page(node: Face, auditor: httpx.Client) -> None:
    auditor.headers["Accept-Language"] = "zh-CN"
    page = auditor.get("/breaks/1").text
    addresses = re.findall(r'href="(/v1/[^"]+)" download', page)
    types = [auditor.get(one.replace("&amp;", "&")).headers["content-type"] for one in addresses]
    assert types == ["application/pdf", "application/json"]
    assert "language=zh-Hans" in addresses[0]
    assert "/certificate" not in node.signed_in("viewer").get("/breaks/1").text
