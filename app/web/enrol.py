"""The page on which a person enrols with a one-time code."""

import asyncio
from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from app.domain.errors import UsageFault
from app.http.context import Context
from app.http.signed_in import address_of
from app.http.state import sign_in_of
from app.locale import N_, _
from app.people.attempts import address_key
from app.people.enrolment import Enrolment, enrol, open_enrolment
from app.people.second_factor import enrolment_uri
from app.people.sign_in import SignIn, TooManyAttempts
from app.web.attempts import CROWDED, Turns, crowded
from app.web.forms import Form, read_form
from app.web.site import Site
from app.web.text import sentence


def add_enrol(router: APIRouter, context: Context, site: Site, turns: Turns) -> None:
    """Its routes."""

    def enrol_page(
        found: Enrolment | None, code: str = "", status: int = 200, error: str = ""
    ) -> HTMLResponse:
        uri = enrolment_uri(found.totp_secret, found.name, context.bank) if found else ""
        return site.html(
            "enrol.html",
            status,
            error=error,
            enrolment=found,
            code=code,
            image=_qr_image(uri) if uri else "",
        )

    @router.get("/enrol")
    def enrol_first() -> HTMLResponse:
        return enrol_page(None)

    @router.post("/enrol")
    async def enrol_now(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        sign_in, address = sign_in_of(request), address_of(request)
        try:
            async with turns.of(address_key(address)):
                await asyncio.sleep(await run_in_threadpool(sign_in.wait, "", address))
                return await run_in_threadpool(answer_enrolment, form, address, sign_in)
        except TooManyAttempts:
            return crowded(enrol_page(None, status=429, error=_(CROWDED)))

    def answer_enrolment(form: Form, address: str, sign_in: SignIn) -> HTMLResponse:
        code = form.text("enrolment")
        with context.engine.begin() as connection:
            found = open_enrolment(connection, code)
            if found is not None and form.text("step") == "finish":
                try:
                    if form.text("password") != form.text("again"):
                        raise UsageFault(N_("the two passwords are not the same"))
                    codes = enrol(
                        connection, found, form.text("password"), form.text("code"), address=address
                    )
                except UsageFault as fault:
                    return enrol_page(found, code, 422, sentence(str(fault)))
                return site.html("recovery_codes.html", codes=codes, person_name=found.name)
        if found is None:
            sign_in.note_wrong_enrolment(address)
            return enrol_page(None, status=401, error=_("This code opens nothing, or no more."))
        return enrol_page(found, code)


def _qr_image(text: str) -> str:
    """A QR code that the page holds itself: a data URI (SVG)."""
    return str(
        segno.make(text, micro=False).svg_data_uri(scale=4, border=2, dark="#000", light="#fff")
    )
