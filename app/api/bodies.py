"""JSON bodies of a fixed shape."""

from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from app.http.body import JSON, only, read_body

Shape = TypeVar("Shape", bound=BaseModel)


async def json_body(request: Request, shape: type[Shape], most: int) -> Shape:
    """The body, which is read only after the key was checked. Raises problems: 415 for another
    type, 413 beyond `most` bytes, 422 for another shape."""
    only(request, JSON)
    body = await read_body(request, most)
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from None


def described(shape: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a body of that shape."""
    schema = shape.model_json_schema()
    whole = _in_full(schema, schema.pop("$defs", {}))
    return {"requestBody": {"required": True, "content": {JSON: {"schema": whole}}}}


def _in_full(part: Any, shapes: dict[str, Any]) -> Any:
    """A schema whose parts stand where they are used: a reference would look for them elsewhere."""
    if isinstance(part, list):
        return [_in_full(one, shapes) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _in_full(shapes[part["$ref"].removeprefix("#/$defs/")], shapes)
    return {key: _in_full(one, shapes) for key, one in part.items() if key != "discriminator"}
