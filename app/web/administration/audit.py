"""The page of the audit trail."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from app.audit.listing import Recorded, recorded
from app.locale import said
from app.web.pages import Pages

_ROWS = 50
_WORDS = ("state", "role", "roles", "key")
"""Details whose values are words of ours."""


def add_audit(router: APIRouter, pages: Pages) -> None:
    """Its route."""

    @router.get("/administration/audit")
    def page(
        request: Request,
        actor: Annotated[str, Query(max_length=100)] = "",
        before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
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
                "rows": [(row, _details(row)) for row in rows[:_ROWS]],
                "next_query": f"?{urlencode(of_actor | older)}" if older else "",
            }

        return pages.show(request, "audit.html", look, right="read_audit")


def _details(row: Recorded) -> str:
    """What else a row says, in one line."""
    parts = []
    for name, value in row.details.items():
        label = "assigned to" if name == "to" else name.replace("_", " ")
        values = [str(one) for one in (value if isinstance(value, list) else [value])]
        shown = map(said, values) if name in _WORDS else values
        parts.append(f"{said(label)} {', '.join(shown)}")
    return "; ".join(parts)
