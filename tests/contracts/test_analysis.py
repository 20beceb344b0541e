"""When Slither and halmos run, and when the record of what they have passed is enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import analysis

MAKEFILE = "halmos-anew:\n\t@echo >> ran\n\t@test ! -e counterexample\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose halmos notes each run, and fails where there is a counterexample."""
    for folder in (".venv-halmos", "records", "deploy/setup"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "Makefile").write_text(MAKEFILE)
    (tmp_path / "deploy/setup/halmos.lock").write_text("halmos==1")
    monkeypatch.setattr(analysis, "ROOT", tmp_path)
    monkeypatch.setattr(analysis, "_RECORDS", tmp_path / "records")
    monkeypatch.delenv("ANALYSE_ANEW", raising=False)
    return tmp_path


def runs(project: Path) -> int:
    made = project / "ran"
    return len(made.read_text().splitlines()) if made.exists() else 0


def test_what_has_passed_is_not_looked_at_again(project: Path) -> None:
    assert [analysis.main("halmos"), runs(project)] == [0, 1]
    assert [analysis.main("halmos"), runs(project)] == [0, 1]


def test_what_has_changed_is_looked_at(project: Path) -> None:
    analysis.main("halmos")
    (project / "deploy/setup/halmos.lock").write_text("halmos==2")
    assert [analysis.main("halmos"), runs(project)] == [0, 2]


def test_what_fails_is_not_recorded(project: Path) -> None:
    (project / "counterexample").touch()
    assert analysis.main("halmos") != 0
    assert not analysis.record_of("halmos").exists()
    assert analysis.main("halmos") != 0
    assert runs(project) == 2


def test_the_record_of_others_is_not_believed_where_it_must_not_be(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis.record_of("halmos").write_text(analysis.digest("halmos") + "\n")
    assert [analysis.main("halmos"), runs(project)] == [0, 0]
    monkeypatch.setenv("ANALYSE_ANEW", "1")
    assert [analysis.main("halmos"), runs(project)] == [0, 1]
    assert [analysis.main("halmos"), runs(project)] == [0, 1]  # it has passed in this folder
