"""Who prepares and signs."""

from dataclasses import dataclass
from typing import Literal

Right = Literal["prepare", "sign"]

_RIGHTS: dict[str, Right] = {"officer": "prepare", "approver": "sign"}


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the bank, and the roles that the person has."""

    id: str
    name: str
    display_name: str
    roles: frozenset[str]

    def may(self, right: Right) -> bool:
        return right in {_RIGHTS.get(role) for role in self.roles}
