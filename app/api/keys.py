"""API keys by REST, for keys of role admin; people ask for them (`app.api.people`)."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from app.api.bodies import body, takes
from app.api.etags import RECORDED
from app.api.reading import reading
from app.api.security import ADMIN, ADMINISTERED
from app.http import keys
from app.http.acting import writing
from app.http.problems import Problem
from app.presentation.people import KeyIn, KeyOut, KeysOut, NewKeyOut

router = APIRouter(prefix="/v1/keys", tags=["keys"])


@router.get("", dependencies=[ADMINISTERED, RECORDED], summary="API keys")
def list_keys(request: Request) -> KeysOut:
    """All keys, revoked ones too, oldest first; never their text."""
    with reading(request) as connection:
        return KeysOut(items=[KeyOut.of(key) for key in keys.list_keys(connection)])


@router.post("", status_code=201, summary="Make an API key", **takes(KeyIn))
def create_key(
    request: Request, by: Annotated[keys.Key, ADMIN], wanted: Annotated[KeyIn, body(KeyIn)]
) -> NewKeyOut:
    """The key's text is in this answer and nowhere else: it is kept as a hash."""
    with writing(request, by) as connection:
        key, text = keys.create(connection, wanted.name, wanted.role)
    return NewKeyOut.of(key, key=text)


@router.delete("/{key_id}", status_code=204, summary="Revoke an API key")
def revoke_key(
    request: Request, by: Annotated[keys.Key, ADMIN], key_id: str = Path(max_length=12)
) -> None:
    """It opens nothing from now on."""
    with writing(request, by) as connection:
        if not keys.revoke(connection, key_id):
            raise Problem(404, "unknown-key", f"no open key has the id {key_id!r}")
