"""The feed folder: whole files are taken in once and moved aside, whatever else lies there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

import pytest
import structlog

from app.domain.errors import DatabaseBusy, FeedFault, UsageFault
from app.intake.reader import check_header
from app.node.jobs import feed_folder
from app.node.jobs.feed_folder import FeedFolder
from tests.integration.posting import FACILITY, LEAD, Net


class Inbox:
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

    def put(self, name: str, content: str = "rows\n", facility: str = FACILITY) -> Path:
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
def box(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "inbox")


def test_an_inbox_that_is_not_there_is_a_trouble_said_once(box: Inbox) -> None:
    with structlog.testing.capture_logs() as said:
        assert [box.folder.scan(), box.folder.scan()] == [0, 0]
    assert str(box.inbox) in box.folder.trouble
    assert [one["event"] for one in said] == ["inbox unusable"]
    box.put("late.csv")
    with structlog.testing.capture_logs() as said:
        assert box.folder.scan() == 1
    assert box.folder.trouble == ""
    assert said[0]["event"] == "inbox usable again"


def test_a_file_is_taken_in_and_moved_aside(box: Inbox) -> None:
    box.put("b.csv")
    box.put("a.csv")
    box.put("c.jsonl", facility="OTHER")
    assert box.folder.scan() == 3
    assert [(facility, name) for facility, name, _ in box.taken] == [
        ("OTHER", "c.jsonl"),
        (FACILITY, "a.csv"),
        (FACILITY, "b.csv"),
    ]
    assert box.files() == {
        f"done/{FACILITY}/a.csv",
        f"done/{FACILITY}/b.csv",
        "done/OTHER/c.jsonl",
    }
    assert box.folder.scan() == 0


def test_files_of_one_name_do_not_overwrite_each_other(box: Inbox) -> None:
    for content in ("one\n", "two\n", "three\n"):
        box.put("feed.csv", content)
        box.folder.scan()
    done = box.inbox / "done" / FACILITY
    assert {path.name: path.read_text() for path in done.iterdir()} == {
        "feed.csv": "one\n",
        "feed~2.csv": "two\n",
        "feed~3.csv": "three\n",
    }


@pytest.mark.parametrize(
    "name",
    [
        ".feed.csv",
        "feed.csv.part",
        ".feed.csv.swp",
        "feed.csv.filepart",
        "feed.csv.TMP",
        "feed.crdownload",
        "~feed.csv",
        "feed.csv~",
        "feed.csv.done",
    ],
)
def test_what_is_still_being_written_is_left_alone(box: Inbox, name: str) -> None:
    box.put(name)
    assert box.folder.scan() == 0
    assert box.files() == {f"{FACILITY}/{name}"}


def test_a_file_that_has_just_changed_is_left_for_later(box: Inbox) -> None:
    path = box.put("feed.csv")
    path.touch()
    assert box.folder.scan() == 0
    settled(path)
    assert box.folder.scan() == 1


def test_a_file_from_the_future_is_taken(box: Inbox) -> None:
    path = box.put("feed.csv")
    future = time.time() + 3600
    os.utime(path, (future, future))
    assert box.folder.scan() == 1


def test_a_file_that_stalls_within_a_row_waits_and_says_why(box: Inbox) -> None:
    path = box.put("feed.csv", "row\nE1,1000000.0")
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            assert box.folder.scan() == 0
    assert ["feed.csv.done beside it" in log["why"] for log in logs] == [True]
    with path.open("a") as writer:
        writer.write("0\n")
    settled(path)
    assert box.folder.scan() == 1
    assert box.taken[0][2] == "row\nE1,1000000.00\n"


def test_a_file_that_a_process_has_open_for_writing_waits(box: Inbox) -> None:
    path = box.put("feed.csv")
    program = "import sys; open(sys.argv[1], 'a'); print('open', flush=True); sys.stdin.read()"
    writer = subprocess.Popen(
        [sys.executable, "-c", program.replace("open(", "f = open(", 1), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    assert box.folder.scan() == 0
    writer.communicate()
    with path.open("rb"):  # whoever reads it is no hindrance
        assert box.folder.scan() == 1


def test_a_file_that_was_renamed_is_complete_whatever_its_end(box: Inbox) -> None:
    path = box.put("feed.csv.part", "rows, the last without a line end")
    assert box.folder.scan() == 0
    path.rename(path.with_suffix("")).touch()
    assert box.folder.scan() == 1


@pytest.mark.parametrize("mark", ["feed.csv.done", "feed.done"])
def test_a_file_is_complete_when_a_mark_beside_it_says_so(box: Inbox, mark: str) -> None:
    path = box.put("feed.csv", "rows, the last without a line end")
    assert box.folder.scan() == 0
    path.touch()
    path.with_name(mark).touch()
    assert box.folder.scan() == 1
    assert box.files() == {f"done/{FACILITY}/feed.csv"}


def test_a_file_is_complete_when_its_trailer_counts_its_rows(box: Inbox) -> None:
    box.put("feed.csv", "header\nrow\n#rows=1").touch()
    box.put("other.csv", "header\nrow\n#rows=x")
    assert box.folder.scan() == 1


def test_what_changes_while_it_is_taken_is_not_booked(
    box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = box.put("feed.csv", "one\n")
    copy = shutil.copyfileobj

    def grow(source: BinaryIO, target: BinaryIO, size: int) -> None:
        copy(source, target, size)
        with Path(source.name).open("a") as writer:
            writer.write("two\n")

    monkeypatch.setattr(shutil, "copyfileobj", grow)
    with structlog.testing.capture_logs() as logs:
        assert box.folder.scan() == 0
    assert box.taken == []
    assert not path.exists()
    failed = box.inbox / "failed" / FACILITY
    assert (failed / "feed.csv").read_text() == "one\ntwo\n"
    assert "nothing of it was booked" in (failed / "feed.csv.reason.txt").read_text()
    assert "nothing of it was booked" in logs[0]["why"]


def test_what_is_written_after_it_was_taken_is_not_booked_and_said(box: Inbox) -> None:
    path = box.put("feed.csv", "one\n")
    take = box.take
    late = os.open(path, os.O_RDONLY)

    def grow(facility: str, file: Path) -> str:
        said = take(facility, file)
        with Path(f"/proc/self/fd/{late}").open("a") as writer:
            writer.write("two\n")
        return said

    box.folder = FeedFolder(box.inbox, grow)
    assert box.folder.scan() == 1
    os.close(late)
    assert [content for _, _, content in box.taken] == ["one\n"]
    reason = box.inbox / "failed" / FACILITY / "feed.csv.reason.txt"
    assert "changed after it was taken" in reason.read_text()


def test_a_name_that_is_not_utf8_is_a_name_like_any_other(box: Inbox) -> None:
    path = box.put("b.csv")
    path.rename(os.fsdecode(os.fsencode(path.parent) + b"/\xb7\xc5.csv"))
    box.put("a.csv")
    box.put("c.csv", facility="OTHER")
    (box.inbox / os.fsdecode(b"F\xe9")).mkdir()
    box.put("d.csv", facility=os.fsdecode(b"F\xe9"))
    with structlog.testing.capture_logs() as logs:
        assert box.folder.scan() == 3
    for log in logs:
        str(log).encode()
    assert {name for _, name, _ in box.taken} == {"a.csv", "c.csv", "\\xb7\\xc5.csv"}
    assert os.fsdecode(b"\xb7\xc5.csv") in os.listdir(box.inbox / "done" / FACILITY)  # noqa: PTH208


def test_a_long_name_is_refused_with_its_reason_too(box: Inbox) -> None:
    name = "x" * 251 + ".csv"
    box.fault = FeedFault("no")
    for _ in range(2):
        box.put(name)
        box.folder.scan()
    assert len(list((box.inbox / "failed" / FACILITY).glob("*.csv"))) == 2


def test_what_is_no_regular_file_is_refused_by_name(
    box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = box.put("feed.csv").parent
    os.mkfifo(folder / "pipe.csv")
    (folder / "link.csv").symlink_to(folder / "feed.csv")
    (folder / "folder.csv").mkdir()
    monkeypatch.chdir(folder)  # a socket's path may have some 100 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.csv")
        with structlog.testing.capture_logs() as logs:
            for _ in range(2):
                box.folder.scan()
    assert [content for _, _, content in box.taken] == ["rows\n"]
    why = {log["file"]: log["why"] for log in logs if log["event"] == "feed refused"}
    assert {name: said.split(":")[0] for name, said in why.items()} == {
        "pipe.csv": "it is a pipe",
        "link.csv": "it is a symbolic link",
        "socket.csv": "it is a socket",
        "folder.csv": "it is a directory",
    }
    reasons = {path.name for path in (box.inbox / "failed" / FACILITY).glob("*.reason.txt")}
    assert reasons == {f"{name}.csv.reason.txt" for name in ("pipe", "link", "socket")}


def test_what_lies_beside_the_folders_of_facilities_is_left_alone(box: Inbox) -> None:
    box.put("feed.csv")
    (box.inbox / "stray.csv").write_text("x")
    (box.inbox / "stray.csv.part").write_text("x")
    (box.inbox / FACILITY / "subfolder").mkdir()
    with structlog.testing.capture_logs() as said:
        assert box.folder.scan() == 1
        assert box.folder.scan() == 0
    assert [one["event"] for one in said if one["file"].startswith("stray")] == ["feed stays"]
    assert box.files() == {"stray.csv", "stray.csv.part", f"done/{FACILITY}/feed.csv"}


def test_a_file_that_cannot_be_read_goes_aside_with_its_reason(box: Inbox) -> None:
    box.put("bad.csv", "garbage\n")
    box.fault = FeedFault("has no header", where="bad.csv", remedy="Add one")
    assert box.folder.scan() == 0
    failed = box.inbox / "failed" / FACILITY
    assert (failed / "bad.csv").read_text() == "garbage\n"
    assert (failed / "bad.csv.reason.txt").read_text() == "bad.csv: has no header. Add one\n"
    box.fault = None
    assert box.folder.scan() == 0


def test_a_reason_names_the_file_and_not_the_copy_that_was_read(box: Inbox) -> None:
    path = box.put("bad.csv", "x;y\n1;2\n")

    def take(_: str, copy: Path) -> str:
        check_header(copy)
        return ""

    assert FeedFolder(box.inbox, take).scan() == 0
    reason = (box.inbox / "failed" / FACILITY / "bad.csv.reason.txt").read_text()
    assert reason.startswith("bad.csv: ")
    assert str(path.parent.parent) not in reason


def test_what_is_not_the_files_fault_leaves_it_for_later_and_is_said_once(box: Inbox) -> None:
    box.put("feed.csv")
    box.fault = DatabaseBusy("locked")
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            assert box.folder.scan() == 0
        box.fault = UsageFault("facility is not in force")
        box.folder.scan()
    assert [log["why"] for log in logs] == ["locked", "facility is not in force"]
    assert box.files() == {f"{FACILITY}/feed.csv"}
    box.fault = None
    assert box.folder.scan() == 1


def test_one_bad_file_does_not_hold_up_the_others(box: Inbox) -> None:
    box.put("1.csv")
    box.put("2.csv")
    take = box.take

    def picky(facility: str, path: Path) -> str:
        if path.name == "1.csv":
            raise FeedFault("no")
        return take(facility, path)

    box.folder = FeedFolder(box.inbox, picky)
    assert box.folder.scan() == 1
    assert box.taken[0][1] == "2.csv"


def test_a_file_that_vanishes_does_not_hold_up_the_others(
    box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = box.put("1.csv")
    box.put("2.csv")
    found = box.folder._waiting

    def vanishing() -> list[tuple[str, Path]]:
        waiting = list(found())
        first.unlink(missing_ok=True)
        return waiting

    monkeypatch.setattr(box.folder, "_waiting", vanishing)
    assert box.folder.scan() == 1
    assert box.files() == {f"done/{FACILITY}/2.csv"}


def test_a_file_on_which_the_program_fails_does_not_hold_up_the_others(box: Inbox) -> None:
    box.put("1.csv")
    box.put("2.csv")
    take = box.take

    def failing(facility: str, path: Path) -> str:
        if path.name == "1.csv":
            raise UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")
        return take(facility, path)

    box.folder = FeedFolder(box.inbox, failing)
    with structlog.testing.capture_logs() as logs:
        assert [box.folder.scan(), box.folder.scan()] == [1, 0]
    assert [log["event"] for log in logs] == ["feed stays", "feed taken in"]


def test_a_file_that_cannot_be_moved_aside_is_not_taken_in_again(
    box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.put("feed.csv")
    with monkeypatch.context() as full:
        full.setattr(feed_folder.FeedFolder, "_move", lambda *_: (_ for _ in ()).throw(OSError(28)))
        for _ in range(3):
            assert box.folder.scan() == 0
    assert len(box.taken) == 1
    assert box.folder.scan() == 1
    assert len(box.taken) == 1


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
