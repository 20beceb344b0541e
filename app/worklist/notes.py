"""Who works on a break, and what people write about it: kept in this bank's database alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select

from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.db.clock import now, stamp
from app.db.vault import vault_of
from app.domain.errors import UsageFault
from app.people.person import Person
from app.people.roles import MATRIX
from app.people.tables import people, person_roles
from app.worklist.lines import MOST_SELECTED, Assignee, existing
from app.worklist.tables import break_assignments, break_notes

MOST_COMMENT_CHARACTERS = 4_000
MOST_COMMENTS = 500
"""Of one break: its page shows all of them."""
MOST_ASSIGNMENTS = 200
"""Of one break; the audit trail has the older ones too."""
_CHUNK = 500
_MOST_NAMED = 100
"""As many numbers of breaks stand in one row of the audit trail."""


@dataclass(frozen=True, slots=True)
class Note:
    """`what`: comment, assigned or unassigned; `text` is the comment, or the name of who was
    assigned. `at` is ISO 8601, UTC."""

    id: int
    what: str
    author: str
    text: str
    at: str


def comment(connection: Connection, number: int, author: str, text: str) -> Note:
    """Add a comment to a break. Raises UsageFault for a break that there is not, for a text that
    nobody can read, and for more comments than are kept."""
    text = text.replace("\r\n", "\n").strip()
    if not text or len(text) > MOST_COMMENT_CHARACTERS or "\0" in text:
        raise UsageFault(
            f"a comment has 1 to {MOST_COMMENT_CHARACTERS:,} characters", remedy="Write something"
        )
    _check_all_there(connection, [number])
    n = break_notes.c
    kept = select(func.count()).where(n.pair == number, n.what == "comment")
    if connection.execute(kept).scalar_one() >= MOST_COMMENTS:
        raise UsageFault(
            f"{MOST_COMMENTS} comments on one break are kept",
            remedy="Go on in the bank's own system",
        )
    _add(connection, [number], "comment", author, text)
    append(connection, Entry(current_actor.get(), "breaks.comment", f"break {number}"))
    return notes(connection, number)[-1]


def assign(
    connection: Connection, numbers: Sequence[int], author: str, person: Person | None
) -> int:
    """Let a person work on breaks; None: nobody. Returns how many of them were somebody else's
    before. Raises UsageFault for a person who may not work on breaks, and a break that there is
    not."""
    if len(numbers) > MOST_SELECTED:
        raise UsageFault(
            f"{len(numbers):,} breaks are more than {MOST_SELECTED:,}", remedy="Narrow the filter"
        )
    if person is not None and not person.may("work"):
        raise UsageFault(
            f"{person.display_name} does not work on breaks",
            remedy="An administrator gives the role officer",
        )
    changed: list[int] = []
    for start in range(0, len(numbers), _CHUNK):
        some = numbers[start : start + _CHUNK]
        _check_all_there(connection, some)
        c = break_assignments.c
        before = {
            row.pair: row.person
            for row in connection.execute(select(break_assignments).where(c.pair.in_(some)))
        }
        to = None if person is None else person.id
        moved = [one for one in some if before.get(one) != to]
        connection.execute(delete(break_assignments).where(c.pair.in_(moved)))
        if person is not None and moved:
            connection.execute(
                insert(break_assignments), [{"pair": one, "person": to} for one in moved]
            )
        what = "unassigned" if person is None else "assigned"
        name = "" if person is None else person.display_name
        _forget_oldest(connection, moved)
        _add(connection, moved, what, author, name)
        changed += moved
    if changed:
        subject = f"break {changed[0]}" if len(changed) == 1 else f"{len(changed):,} breaks"
        entry = Entry(current_actor.get(), "breaks.assign", subject)
        named = {"breaks": changed} if len(changed) <= _MOST_NAMED else {}
        to_name = None if person is None else person.name
        append(connection, entry.with_details(to=to_name, **named))
    return len(changed)


def notes(connection: Connection, number: int) -> list[Note]:
    """What people noted about a break, oldest first."""
    rows = connection.execute(
        select(break_notes).where(break_notes.c.pair == number).order_by(break_notes.c.id)
    )
    vault = vault_of(connection)
    return [
        Note(row.id, row.what, row.author, vault.open(bytes(row.sealed)).decode(), row.at)
        for row in rows
    ]


def newest_note(connection: Connection) -> int:
    """Grows with every note."""
    query = select(func.coalesce(func.max(break_notes.c.id), 0))
    return int(connection.execute(query).scalar_one())


def workers(connection: Connection) -> list[Assignee]:
    """Who may work on breaks, by name."""
    roles = [role for role, rights in MATRIX.items() if "work" in rights]
    rows = connection.execute(
        select(people.c.id, people.c.display_name)
        .join(person_roles, person_roles.c.person == people.c.id)
        .where(person_roles.c.role.in_(roles), people.c.disabled_at.is_(None))
        .distinct()
        .order_by(people.c.display_name, people.c.id)
    )
    return [Assignee(row.id, row.display_name) for row in rows]


def _check_all_there(connection: Connection, numbers: Sequence[int]) -> None:
    missing = sorted(set(numbers) - set(existing(connection, numbers)))
    if missing:
        raise UsageFault(
            f"there is no break {missing[0]} here",
            remedy="The bank's node reads new ones from the chain",
        )


def _forget_oldest(connection: Connection, numbers: Sequence[int]) -> None:
    """Make room for one assignment more of each of these breaks."""
    n = break_notes.c
    oldest = (
        select(func.min(n.id))
        .where(n.pair.in_(numbers), n.what != "comment")
        .group_by(n.pair)
        .having(func.count() >= MOST_ASSIGNMENTS)
    )
    connection.execute(delete(break_notes).where(n.id.in_(oldest)))


def _add(connection: Connection, numbers: Sequence[int], what: str, author: str, text: str) -> None:
    if not numbers:
        return
    at = stamp(now())
    seal = vault_of(connection).sealer()
    connection.execute(
        insert(break_notes),
        [
            {"pair": one, "what": what, "author": author, "sealed": seal(text.encode()), "at": at}
            for one in numbers
        ],
    )
