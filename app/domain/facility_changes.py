"""New versions of a facility's shares and rules: what is named changes, all else stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time

from app.domain.errors import UsageFault
from app.domain.facility import Shares

_WHOLE_BPS = 10_000


@dataclass(frozen=True, slots=True)
class RulesContent:
    """A version of the rules. `amount_tolerance` in minor units."""

    amount_tolerance: int
    date_window_days: int
    match_deadline_seconds: int
    cut_off: time

    @property
    def cut_off_seconds(self) -> int:
        """Seconds since local midnight."""
        return self.cut_off.hour * 3600 + self.cut_off.minute * 60 + self.cut_off.second


def parse_share(text: str) -> tuple[str, Shares]:
    """`NAME=BPS` for all components alike, or `NAME=PRINCIPAL/INTEREST/FEE`, in basis points.

    Raises UsageFault.
    """
    name, equals, given = text.rpartition("=")
    parts = given.split("/")
    good = len(parts) in (1, 3) and all(
        part.isascii() and part.isdigit() and int(part) <= _WHOLE_BPS for part in parts
    )
    if not (name and equals and good):
        raise UsageFault(
            f"{text!r} is no share",
            where="--share",
            remedy="Write NAME=4000, or NAME=4000/3000/0 for principal, interest and fee, in basis "
            "points up to 10000",
        )
    principal, interest, fee = [int(part) for part in parts * (3 // len(parts))]
    return name, Shares(principal, interest, fee)


def next_shares(
    partners: Sequence[str], newest: Sequence[Shares], named: Mapping[str, Shares]
) -> list[Shares]:
    """Each partner's next shares: those named, else those of the newest version.

    Raises UsageFault for a name that is no partner's, or where nothing would change.
    """
    strangers = [name for name in named if name not in partners]
    if strangers:
        raise UsageFault(
            f"{', '.join(strangers)} is no partner of this facility",
            where="--share",
            remedy=f"Its partners are {', '.join(partners)}; the rest is the lead's",
        )
    found = [named.get(name, old) for name, old in zip(partners, newest, strict=True)]
    if found == list(newest):
        raise UsageFault("nothing would change", remedy="Name a partner's new shares with --share")
    return found
