"""Roles and what each may do: the one matrix, published in docs/people.md."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from app.domain.errors import UsageFault

Role = Literal["viewer", "treasury", "officer", "approver", "auditor", "administrator"]

Right = Literal["view", "export", "work", "prepare", "sign", "read_audit", "administer"]
"""view: every page of figures. export: reports and other files. work: comments, assignments, feeds,
quarantine. prepare: an act of the bank, for another person's signature. sign: what another person
has prepared. read_audit: the audit trail. administer: people, roles, sessions, API keys."""

ROLES: tuple[Role, ...] = get_args(Role)
RIGHTS: tuple[Right, ...] = get_args(Right)

MATRIX: Mapping[Role, frozenset[Right]] = {
    "viewer": frozenset({"view"}),
    "treasury": frozenset({"view", "export"}),
    "officer": frozenset({"view", "export", "work", "prepare"}),
    "approver": frozenset({"view", "export", "sign"}),
    "auditor": frozenset({"view", "export", "read_audit"}),
    "administrator": frozenset({"view", "read_audit", "administer"}),
}

POWERFUL: frozenset[Role] = frozenset(
    role for role in ROLES if MATRIX[role] & {"prepare", "sign", "administer"}
)
"""Roles that one administrator asks for and another confirms."""

_NOT_TOGETHER: tuple[tuple[Role, Role], ...] = (
    ("administrator", "officer"),
    ("administrator", "approver"),
)
"""Who gives roles moves no money."""


def rights_of(roles: Iterable[Role]) -> frozenset[Right]:
    """What a person of these roles may do."""
    return frozenset().union(*(MATRIX[role] for role in roles))


def checked_roles(roles: Iterable[str]) -> frozenset[Role]:
    """Roles that a person may have together. Raises UsageFault."""
    found = frozenset(role for role in ROLES if role in roles)
    unknown = sorted(set(roles) - found)
    if unknown:
        raise UsageFault(
            f"there is no role {', '.join(unknown)}", remedy=f"Give one of {', '.join(ROLES)}"
        )
    if not found:
        raise UsageFault("a person needs a role", remedy=f"Give one of {', '.join(ROLES)}")
    for one, other in _NOT_TOGETHER:
        if {one, other} <= found:
            raise UsageFault(
                f"nobody is {one} and {other} at once",
                remedy="Give the roles to two people: who gives roles moves no money",
            )
    return found
