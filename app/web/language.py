"""In which language a page is read: as chosen, else as the browser prefers."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from app.http.context import Context
from app.http.signed_in import check_csrf, open_session
from app.locale import LANGUAGES, accepted_language, set_language
from app.people.person import keep_language
from app.web.forms import Form, read_form
from app.web.site import Site

_COOKIE = "tally_language"
_YEAR = 31_536_000


async def set_reader_language(request: Request) -> None:
    """Set for the request. The person's choice comes as a cookie, so that the page before signing
    in has it too and no page costs another query. Parts of a page that is open come in the page's
    own language, which it says: another one may have been chosen in another tab."""
    page_s = request.headers.get("x-page-language") or request.query_params.get("language")
    chosen = page_s or request.cookies.get(_COOKIE, "")
    if chosen not in LANGUAGES:
        chosen = accepted_language(request.headers.get("accept-language", ""))
    set_language(chosen)


def page_router() -> APIRouter:
    """A router of pages: each is read in its reader's language."""
    return APIRouter(include_in_schema=False, dependencies=[Depends(set_reader_language)])


def remember_language(site: Site, answer: Response, request: Request, chosen: str | None) -> None:
    """Have the browser remember what its reader has chosen, if anything."""
    if chosen in LANGUAGES:
        site.set_cookie(answer, request, _COOKIE, str(chosen), _YEAR, path="/")


def add_language(router: APIRouter, site: Site, context: Context | None = None) -> None:
    """The form that changes it. `context`: of a site that people sign in to; it is kept with the
    person there."""

    @router.post("/language")
    async def choose(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        chosen = form.text("language")
        if context is not None:
            await run_in_threadpool(keep, context, request, form, chosen)
        answer = RedirectResponse(_came_from(request, site.root), 303)
        remember_language(site, answer, request, chosen)
        return answer

    def keep(context: Context, request: Request, form: Form, chosen: str) -> None:
        session = open_session(request)
        if session is None or chosen not in LANGUAGES:
            return
        check_csrf(request, form.text("csrf"))
        with context.engine.begin() as connection:
            keep_language(connection, session.person.id, chosen)


def _came_from(request: Request, root: str) -> str:
    """The page of this site whose form it was."""
    from_page = urlsplit(request.headers.get("referer", ""))
    is_ours = from_page.netloc == request.headers.get("host")
    if not is_ours or not from_page.path.startswith(f"{root}/") or "//" in from_page.path:
        return f"{root}/"
    return from_page.path + (f"?{from_page.query}" if from_page.query else "")
