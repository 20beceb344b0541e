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
    return {
        "requestBody": {"required": True, "content": {JSON: {"schema": shape.model_json_schema()}}}
    }
