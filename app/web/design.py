"""The design system on a page of its own: the tokens of page.css and the components of
components.html, each in every state."""

import re
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from app.web.pages import Pages
from app.web.reserves import Tile
from app.web.sparkline import Sparkline

_SHEET = Path(__file__).parent / "static" / "page.css"
_EXAMPLE = {"facility": "WLD-2016-A", "amount": "1,234,567.89", "currency": "CNY"}


def add_design(router: APIRouter, pages: Pages) -> None:
    """Its route."""

    @router.get("/design")
    def design(request: Request) -> Response:
        return pages.show(
            request,
            "design.html",
            lambda connection, now: {
                "colours": _colours(),
                "sizes": _sizes("text"),
                "spaces": _sizes("space"),
                "tile": Tile,
                "example": _EXAMPLE,
                "curve": Sparkline("0,22 24,18 48,20 72,9 96,12 120,4", 25, 0, 0, 0),
            },
        )


@cache
def _tokens() -> list[dict[str, str]]:
    """The values of page.css by name, of each block that sets some: light, dark, then paper."""
    blocks = re.findall(r":root \{(.*?)\}", _SHEET.read_text(), re.DOTALL)
    return [dict(re.findall(r"--([\w-]+): ([^;]+);", block)) for block in blocks]


def _colours() -> list[tuple[str, str, str]]:
    """Name, light and dark of each colour."""
    light, dark = _tokens()[:2]
    return [(name, value, dark[name]) for name, value in light.items() if value.startswith("#")]


def _sizes(of: str) -> list[tuple[str, float]]:
    """Name and pixels of each size of text or space."""
    return [
        (name, float(value.removesuffix("rem")) * 16)
        for name, value in _tokens()[0].items()
        if name.startswith(f"{of}-")
    ]
