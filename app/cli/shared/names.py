"""Names of members that a command is given."""

from app.domain.errors import UsageFault
from app.domain.facility import MAX_NAME


def check_names(names: list[str]) -> None:
    """Raises UsageFault for a name that no member can have, and for one that is given twice."""
    for name in names:
        if not (0 < len(name) <= MAX_NAME and name.isprintable()):
            raise UsageFault(
                f"{name!r} is no name", remedy=f"Use 1 to {MAX_NAME} printable characters"
            )
        if names.count(name) > 1:
            raise UsageFault(f"{name!r} is given twice", remedy="Name each member once")
