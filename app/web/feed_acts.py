"""What people do about quarantined rows and dead letters through the pages' forms."""

from collections.abc import Callable
from typing import NoReturn

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.errors import InputFault, UsageFault
from app.http.acting import acting, name_of, writing
from app.http.context import Context
from app.http.dead_letters import retry
from app.http.parameters import Number
from app.http.problems import Problem
from app.http.signed_in import Worker
from app.intake.cells import COLUMNS
from app.intake.quarantine.dismiss import dismiss, restore
from app.intake.quarantine.mend import mend, reread
from app.intake.quarantine.queries import Selection
from app.intake.quarantine.replay import replay
from app.locale import said
from app.web.feeds import show_row, show_rows
from app.web.feeds_page import RowFilters, row_page
from app.web.forms import Filled, Form, number_of
from app.web.pages import Pages
from app.web.site import Site


def add_row_acts(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    """The form of one row."""

    @router.post("/feeds/rows/{number}")
    def act_on_row(request: Request, number: Number, person: Worker, form: Filled) -> Response:
        """What is typed stays in the form where it is refused."""
        act, why = form.text("act"), form.text("why")
        typed = {column: form.text(column) for column in COLUMNS if form.texts(column)}

        def mended() -> None:
            with context.engine.connect() as connection:
                says = row_page(connection, number, None).found.columns
            changed = {
                column: value or None
                for column, value in typed.items()
                # Browsers send every line end as CR LF.
                if value.replace("\r\n", "\n") != says.get(column, "").replace("\r\n", "\n")
            }
            mend(context.engine, context.feeds.intake, number, changed, by)

        by, where = name_of(person), Selection(numbers=[number])
        acts: dict[str, Callable[[], object]] = {
            "mend": mended,
            "replay": lambda: replay(context.engine, context.feeds.intake, where, by),
            "dismiss": lambda: dismiss(context.engine, where, why, by),
            "restore": lambda: restore(context.engine, where, why, by),
        }

        try:
            with acting(request, person):
                acts.get(act, _nothing)()
        except InputFault as fault:
            shown = typed if act == "mend" else None
            return show_row(pages, request, number, said(str(fault)), shown, why)
        return RedirectResponse(f"{site.root}/feeds/rows/{number}", 303)


def add_group_acts(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    """The forms of many rows, and of dead letters."""

    @router.post("/feeds/rows")
    def act_on_rows(request: Request, person: Worker, form: Filled) -> Response:
        """All rows of a reason, a file, a facility."""
        act, why = form.text("act"), form.text("why")
        where = _selected(form)

        def work() -> str:
            by = name_of(person)
            if act == "replay":
                done = replay(context.engine, context.feeds.intake, where, by)
                return f"accepted={done.accepted}&duplicate={done.duplicate}&faulty={done.faulty}"
            if act == "reread" and where.feed_id is not None:
                read = reread(
                    context.engine, context.feeds.intake, where.feed_id, form.text("encoding"), by
                )
                return f"changed={read.ready + read.faulty}"
            decide = {"dismiss": dismiss, "restore": restore}.get(act)
            if decide is None:
                return _nothing()
            return f"changed={decide(context.engine, where, why, by).rows}"

        try:
            with acting(request, person):
                done = work()
        except InputFault as fault:
            show = "dismissed" if act == "restore" else "waiting"
            shown = RowFilters(where.facility, where.feed_id, where.field, where.reason, show)
            return show_rows(pages, request, shown, None, said(str(fault)), why)
        return RedirectResponse(f"{site.root}/feeds?{done}", 303)

    @router.post("/feeds/dead-letters")
    def act_on_letters(request: Request, person: Worker, form: Filled) -> Response:
        """Events and stopped batches are tried again; the node posts them."""
        event_id = form.text("event_id")
        with writing(request, person) as connection:
            changed = sum(retry(connection, [event_id] if event_id else None))
        return RedirectResponse(f"{site.root}/feeds?changed={changed}", 303)


def _selected(form: Form) -> Selection:
    """Which rows a form names. An empty reason is one, too: that of rows without a fault."""

    def given(name: str) -> str | None:
        return form.text(name) if form.texts(name) else None

    feed = given("feed_id")
    feed_id = None if feed is None else number_of(feed)
    if feed is not None and feed_id is None:
        raise Problem(422, "invalid-request", "a feed has a number")
    where = Selection(
        given("facility"),
        feed_id,
        given("field"),
        given("reason"),
    )
    if where == Selection():
        raise Problem(422, "invalid-request", "the form does not say which rows")
    return where


def _nothing() -> NoReturn:
    raise UsageFault("this form asks for nothing that there is")
