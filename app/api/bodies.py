"""JSON bodies of a fixed shape."""

from typing import Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from app.api.responses import WITH_BODY, Responses
from app.http.body import JSON, only, read_body


def body(shape: type[BaseModel], most: int = 4 * 1024) -> Any:
    """A dependency: the request's body, as `Annotated[Shape, body(Shape)]`. It is read after the
    parameters that stand before it were checked: who asks comes first. Problems: 415 for another
    type, 413 beyond `most` bytes, 422 for another shape."""

    async def read(request: Request) -> BaseModel:
        only(request, JSON)
        octets = await read_body(request, most)
        try:
            return shape.model_validate_json(octets)
        except ValidationError as error:
            faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
            raise RequestValidationError(faults) from None

    return Depends(read)


def takes(shape: type[BaseModel], also: Responses | None = None) -> dict[str, Any]:
    """What a route with such a body is declared with: what OpenAPI says of the body, and the
    answers that it may have besides; `also`: others."""
    schema = shape.model_json_schema()
    whole = _in_full(schema, schema.pop("$defs", {}))
    body_ = {"required": True, "content": {JSON: {"schema": whole}}}
    return {"responses": WITH_BODY | (also or {}), "openapi_extra": {"requestBody": body_}}


def _in_full(part: Any, shapes: dict[str, Any]) -> Any:
    """A schema whose parts stand where they are used: a reference would look for them elsewhere."""
    if isinstance(part, list):
        return [_in_full(one, shapes) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _in_full(shapes[part["$ref"].removeprefix("#/$defs/")], shapes)
    return {key: _in_full(one, shapes) for key, one in part.items() if key != "discriminator"}
