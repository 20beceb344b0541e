"""The feed folder: whole files are taken in once and moved aside, whatever else lies there."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import structlog

from app.domain.errors import DatabaseBusy, FeedFault, UsageFault
from app.node.jobs import feed_folder
from app.node.jobs.feed_folder import FeedFolder
from tests.integration.posting import FACILITY, LEAD, Net


class Desk:
    """Takes files in and remembers which; fails as it is told."""

    def __init__(self, inbox: Path) -> None:
        self.inbox = inbox
        self.folder = FeedFolder(inbox, self.take)
        self.taken: list[tuple[str, str, str]] = []
        self.fault: Exception | None = None

    def take(self, facility: str, path: Path) -> str:
        if self.fault is not None:
            raise self.fault
        self.taken.append((facility, path.name, path.read_text()))
        return "1 in"

    def put(self, name: str, content: str = "rows", facility: str = FACILITY) -> Path:
        path = self.inbox / facility / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        settled(path)
        return path

    def files(self) -> set[str]:
        return {
            str(path.relative_to(self.inbox)) for path in self.inbox.rglob("*") if path.is_file()
        }


def settled(path: Path) -> None:
    """Nobody has written to it for a while."""
    past = time.time() - 60
    os.utime(path, (past, past))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "inbox")


def test_an_inbox_that_is_not_there_is_empty(desk: Desk) -> None:
    assert desk.folder.scan() == 0


def test_a_file_is_taken_in_and_moved_aside(desk: Desk) -> None:
    desk.put("b.csv")
    desk.put("a.csv")
    desk.put("c.jsonl", facility="OTHER")
    assert desk.folder.scan() == 3
    assert [(facility, name) for facility, name, _ in desk.taken] == [
        ("OTHER", "c.jsonl"),
        (FACILITY, "a.csv"),
        (FACILITY, "b.csv"),
    ]
    assert desk.files() == {
        f"done/{FACILITY}/a.csv",
        f"done/{FACILITY}/b.csv",
        "done/OTHER/c.jsonl",
    }
    assert desk.folder.scan() == 0


def test_files_of_one_name_do_not_overwrite_each_other(desk: Desk) -> None:
    for content in ("one", "two", "three"):
        desk.put("feed.csv", content)
        desk.folder.scan()
    done = desk.inbox / "done" / FACILITY
    assert {path.name: path.read_text() for path in done.iterdir()} == {
        "feed.csv": "one",
        "feed~2.csv": "two",
        "feed~3.csv": "three",
    }


@pytest.mark.parametrize("name", [".feed.csv", "feed.csv.part", ".feed.csv.swp"])
def test_what_is_still_being_written_is_left_alone(desk: Desk, name: str) -> None:
    desk.put(name)
    assert desk.folder.scan() == 0
    assert desk.files() == {f"{FACILITY}/{name}"}


def test_a_file_that_has_just_changed_is_left_for_later(desk: Desk) -> None:
    path = desk.put("feed.csv")
    path.touch()
    assert desk.folder.scan() == 0
    settled(path)
    assert desk.folder.scan() == 1


def test_a_file_from_the_future_is_taken(desk: Desk) -> None:
    path = desk.put("feed.csv")
    future = time.time() + 3600
    os.utime(path, (future, future))
    assert desk.folder.scan() == 1


def test_a_file_that_grows_while_it_is_read_is_read_again(desk: Desk) -> None:
    path = desk.put("feed.csv", "one\n")
    take = desk.take

    def grow(facility: str, file: Path) -> str:
        said = take(facility, file)
        if len(desk.taken) == 1:
            with path.open("a") as writer:
                writer.write("two\n")
            settled(path)
        return said

    desk.folder = FeedFolder(desk.inbox, grow)
    desk.folder.scan()
    assert desk.files() == {f"{FACILITY}/feed.csv"}
    desk.folder.scan()
    assert [content for _, _, content in desk.taken] == ["one\n", "one\ntwo\n"]
    assert desk.files() == {f"done/{FACILITY}/feed.csv"}


def test_what_lies_beside_the_folders_of_facilities_is_left_alone(desk: Desk) -> None:
    desk.put("feed.csv")
    (desk.inbox / "stray.csv").write_text("x")
    (desk.inbox / FACILITY / "subfolder").mkdir()
    assert desk.folder.scan() == 1
    assert desk.files() == {"stray.csv", f"done/{FACILITY}/feed.csv"}


def test_a_file_that_cannot_be_read_goes_aside_with_its_reason(desk: Desk) -> None:
    desk.put("bad.csv", "garbage")
    desk.fault = FeedFault("has no header", where="bad.csv", remedy="Add one")
    assert desk.folder.scan() == 0
    failed = desk.inbox / "failed" / FACILITY
    assert (failed / "bad.csv").read_text() == "garbage"
    assert (failed / "bad.csv.reason.txt").read_text() == "bad.csv: has no header. Add one\n"
    desk.fault = None
    assert desk.folder.scan() == 0


def test_what_is_not_the_files_fault_leaves_it_for_later_and_is_said_once(desk: Desk) -> None:
    desk.put("feed.csv")
    desk.fault = DatabaseBusy("locked")
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            assert desk.folder.scan() == 0
        desk.fault = UsageFault("facility is not in force")
        desk.folder.scan()
    assert [log["why"] for log in logs] == ["locked", "facility is not in force"]
    assert desk.files() == {f"{FACILITY}/feed.csv"}
    desk.fault = None
    assert desk.folder.scan() == 1


def test_one_bad_file_does_not_hold_up_the_others(desk: Desk) -> None:
    desk.put("1.csv")
    desk.put("2.csv")
    take = desk.take

    def picky(facility: str, path: Path) -> str:
        if path.name == "1.csv":
            raise FeedFault("no")
        return take(facility, path)

    desk.folder = FeedFolder(desk.inbox, picky)
    assert desk.folder.scan() == 1
    assert desk.taken[0][1] == "2.csv"


def test_a_file_that_vanishes_does_not_hold_up_the_others(desk: Desk) -> None:
    desk.put("1.csv")
    desk.put("2.csv")
    take = desk.take

    def vanishing(facility: str, path: Path) -> str:
        said = take(facility, path)
        if path.name == "1.csv":
            path.unlink()
        return said

    desk.folder = FeedFolder(desk.inbox, vanishing)
    assert desk.folder.scan() == 1
    assert desk.files() == {f"done/{FACILITY}/2.csv"}


def test_a_file_that_cannot_be_moved_aside_is_not_taken_in_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.put("feed.csv")
    with monkeypatch.context() as full:
        full.setattr(feed_folder.FeedFolder, "_move", lambda *_: (_ for _ in ()).throw(OSError(28)))
        for _ in range(3):
            assert desk.folder.scan() == 0
    assert len(desk.taken) == 1
    assert desk.folder.scan() == 1
    assert len(desk.taken) == 1


def test_a_crash_before_the_file_was_moved_makes_duplicates_and_nothing_else(
    net: Net, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a real bank behind it."""
    bank = net.fresh_bank(sqlite_url)
    said: list[str] = []

    def take(facility: str, path: Path) -> str:
        taken = bank.intakes.take_in(facility, path, lambda rows: None, lambda text: None)
        said.append(f"{taken.accepted} accepted, {taken.duplicate} duplicate")
        return said[-1]

    inbox = tmp_path / "inbox"
    (inbox / FACILITY).mkdir(parents=True)
    feed, _ = net.feed_file(LEAD, 3)
    settled(feed.rename(inbox / FACILITY / "feed.csv"))
    with monkeypatch.context() as crash:
        crash.setattr(FeedFolder, "_move", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        FeedFolder(inbox, take).scan()
    assert FeedFolder(inbox, take).scan() == 1
    assert said == ["3 accepted, 0 duplicate", "0 accepted, 3 duplicate"]
    net.drain(bank)
    net.assert_exactly_once(bank, 3)
