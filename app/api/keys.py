"""API keys by REST, for keys of role admin; people ask for them (`app.api.people`)."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import Connection

from app.api.bodies import described, json_body
from app.api.etags import RECORDED
from app.api.responses import WITH_BODY
from app.api.security import ADMIN, ADMINISTERED
from app.http import keys
from app.http.acting import writing
from app.http.context import Context
from app.http.problems import Problem
from app.presentation.keys import KeyIn, KeyOut, KeysOut, NewKeyOut

_MAX_BYTES = 4 * 1024

router = APIRouter(prefix="/v1/keys", tags=["keys"])


@router.get("", dependencies=[ADMINISTERED, RECORDED], summary="API keys")
def list_keys(request: Request) -> KeysOut:
    """All keys, revoked ones too, oldest first; never their text."""
    context: Context = request.app.state.context
    with context.engine.connect() as connection:
        return KeysOut(items=[KeyOut.of(key) for key in keys.list_keys(connection)])


@router.post(
    "",
    status_code=201,
    summary="Make an API key",
    responses=WITH_BODY,
    openapi_extra=described(KeyIn),
)
async def create_key(request: Request, by: Annotated[keys.Key, ADMIN]) -> NewKeyOut:
    """The key's text is in this answer and nowhere else: it is kept as a hash."""
    wanted = await json_body(request, KeyIn, _MAX_BYTES)

    def create(connection: Connection) -> NewKeyOut:
        key, text = keys.create(connection, wanted.name, wanted.role)
        return NewKeyOut.of(key, key=text)

    return await writing(request, by, create)


@router.delete("/{key_id}", status_code=204, summary="Revoke an API key")
async def revoke_key(
    request: Request, by: Annotated[keys.Key, ADMIN], key_id: str = Path(max_length=12)
) -> Response:
    """It opens nothing from now on."""

    def revoke(connection: Connection) -> None:
        if not keys.revoke(connection, key_id):
            raise Problem(404, "unknown-key", f"no open key has the id {key_id!r}")

    await writing(request, by, revoke)
    return Response(status_code=204)
