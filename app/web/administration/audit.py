"""The page of the audit trail."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from app.alerts.kinds import AlertKind
from app.alerts.texts import kind_title
from app.audit.listing import Recorded, recorded
from app.http.parameters import Number
from app.locale import _, said
from app.web.pages import Pages

_ROWS = 50
_WORDS = ("act", "key", "role", "roles", "state")
"""Details whose values are words of ours."""
_WORDED = (
    "breaks", "consortium", "days", "dead-letters", "export", "facilities", "grants", "holds",
    "keys", "quarantine",
)  # fmt: skip
"""The acts, by their first words, that are about things of ours."""


def add_audit(router: APIRouter, pages: Pages) -> None:
    """Its route."""

    @router.get("/administration/audit")
    def page(
        request: Request,
        actor: Annotated[str, Query(max_length=100)] = "",
        before: Number | None = None,
    ) -> Response:
        def look(connection: Connection, _: object) -> dict[str, Any]:
            rows = recorded(connection, actor=actor or None, before=before, limit=_ROWS + 1)
            older = {"before": rows[_ROWS - 1].number} if len(rows) > _ROWS else {}
            of_actor = {"actor": actor} if actor else {}
            return {
                "tab": "audit",
                "to_confirm": 0,
                "actor": actor,
                "is_newest": before is None,
                "who": _who,
                "subject": _subject,
                "rows": [(row, _details(row)) for row in rows[:_ROWS]],
                "next_query": f"?{urlencode(of_actor | older)}" if older else "",
            }

        return pages.show(request, "audit.html", look, right="read_audit")


def _who(actor: str) -> str:
    """An actor of `audit.actor` in words; a person by name."""
    kind, named, name = actor.partition(":")
    if not named:
        return said(actor)
    if kind == "key":
        return _("API key %(id)s", id=name)
    return _("command of %(user)s", user=name) if kind == "command" else name


def _subject(row: Recorded) -> str:
    """What an act was about: a thing of ours by its number or id, or somebody's or something's
    name, which is no word."""
    if row.act == "alert.rule":
        return said(kind_title(AlertKind(row.subject)))
    is_worded = row.act.split(".")[0] in _WORDED and not row.act.endswith("-view")
    return said(row.subject.replace("_", " ")) if is_worded else row.subject


def _details(row: Recorded) -> str:
    """What else a row says, in one line."""
    worded = (*_WORDS, "before", "after") if row.act == "person.roles" else _WORDS
    return "; ".join(
        f"{_label(name)} {_value(value, is_word=name in worded)}"
        for name, value in row.details.items()
    )


def _label(name: str) -> str:
    return said("assigned to" if name == "to" else name.replace("_", " "))


def _value(value: object, *, is_word: bool) -> str:
    match value:
        case None | [] | "":
            return "—"
        case bool():
            return _("yes") if value else _("no")
        case list():
            return ", ".join(_value(one, is_word=is_word) for one in value)
        case dict():
            return ", ".join(
                f"{_label(name)} {_value(one, is_word=name == 'escalate_to')}"
                for name, one in value.items()
            )
        case _:
            return said(str(value)) if is_word else str(value)
