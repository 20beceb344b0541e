"""What a check says."""

from dataclasses import dataclass
from typing import Literal

from app.domain.errors import TallyError

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome. `remedy` is empty where nothing needs to be done."""

    check: str
    level: Level
    what: str
    remedy: str = ""


def ok(check: str, what: str) -> Finding:
    return Finding(check, "ok", what)


def warn(check: str, what: str, remedy: str) -> Finding:
    return Finding(check, "warn", what, remedy)


def fail(check: str, what: str, remedy: str) -> Finding:
    return Finding(check, "fail", what, remedy)


def failed(check: str, fault: TallyError) -> Finding:
    """An error that is a finding; where it was seen is not said twice."""
    what = fault.what if fault.where in check else f"{fault.where}: {fault.what}"
    return fail(check, what, fault.remedy or "Mend what it names")
