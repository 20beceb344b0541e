"""Who is asked before a decision is signed, and who is not."""

from __future__ import annotations

import pytest
from typer import Typer
from typer.testing import CliRunner

from app.cli.shared.confirmation import YesOption, confirm, confirm_always

CASES = [
    # attended, --yes, answer: signed with `confirm`, with `confirm_always`
    (True, False, "n\n", False, False),
    (True, False, "", False, False),
    (True, False, "y\n", True, True),
    (True, True, "", True, True),
    (False, False, "", True, False),
    (False, True, "", True, True),
]


@pytest.mark.parametrize(("attended", "yes", "answer", "scripted", "always"), CASES)
def test_a_person_is_asked_and_a_script_goes_on_where_it_may(
    attended: bool,
    yes: bool,
    answer: str,
    scripted: bool,
    always: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.cli.shared.confirmation.is_attended", lambda: attended)
    for ask, signed in ((confirm, scripted), (confirm_always, always)):
        command = Typer()

        @command.command()
        def sign(yes: YesOption = False) -> None:
            ask(yes, "Sign it?")  # noqa: B023
            print("signed")

        result = CliRunner().invoke(command, ["--yes"] if yes else [], input=answer)
        assert ("signed" in result.stdout, result.exit_code) == (signed, 0 if signed else 1)
