"""The printable page of a certificate, whose QR code is the SHA-256 of the certificate's file."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import orjson
import segno

from app.locale import _, said
from app.readmodel.pairs.shapes import DUPLICATE_TYPES, MATCHED_TYPES
from app.reports.certificate import Facts, digest_of
from app.reports.model import word
from app.reports.pdf_pages import Pages

_QR_MM = 34.0

_ORDER = (
    "certificate",
    "facility",
    "lead",
    "partner",
    "currency",
    "kind",
    "event_ref",
    "not_opened",
    "opened_by_grant",
    "reference",
    "target",
    "day",
    "state",
    "result",
    "difference",
    "agreed_on",
    "halves",
    "opening",
    "movement",
    "closing",
    "open",
    "resolution",
    "signers",
    "rules",
)


_WORDS = (
    "kind",
    "result",
    "state",
    "action",
    "side",
    "accepted_in",
    "not_opened",
    "opened_by_grant",
)
"""Facts whose values are words of ours."""


def write_certificate_page(certificate: bytes, path: Path) -> None:
    """Write the printable page of a certificate, in the current language."""
    facts = orjson.loads(certificate)
    digest = digest_of(certificate)
    pages = Pages(
        _title(facts),
        # Nothing on the page tells when it was made.
        datetime.fromisoformat("2000-01-01T00:00:00Z"),
        foot=f"SHA-256 {digest}",
        portrait=True,
    )
    _draw(pages, digest)
    pages.text_line(
        _("The code is the SHA-256 of the certificate’s JSON file, %(digest)s.", digest=digest)
        + "\n"
        + _("The same certificate made by the other bank, or by an auditor, has the same digest.")
        + "\n"
        + _(
            "The banks signed acts on the chain, not this page: it proves nothing alone, and does "
            "not tell what came later. Have another node make it anew, and compare the digests."
        )
    )
    pages.facts(_lines(facts), label_mm=62)
    pages.output(str(path))


def _title(facts: Facts) -> str:
    """By the state that it tells: people read no further than to the title."""
    if facts["certificate"] == "day":
        if facts["state"] == "closed":
            return _("Certificate of a closed day")
        return _("Statement of a day, not closed")
    if any(half.get("reversed") for half in facts["halves"].values()):
        return _("Certificate of a reversed pair")
    if "resolution" in facts:
        return _("Certificate of a resolved break")
    if facts["result"] in MATCHED_TYPES:
        return _("Match certificate")
    if facts["result"] in DUPLICATE_TYPES:
        return _("Certificate of a duplicate leg")
    return _("Certificate of an open break")


def _lines(facts: Facts, before: str = "") -> Iterator[tuple[str, str]]:
    """All facts, a line each; those that people look for first."""
    keys = sorted(facts, key=lambda key: (_ORDER.index(key) if key in _ORDER else 99, key))
    for key in keys:
        value, name = facts[key], before + said(key.replace("_", " "))
        shown = word if key in _WORDS else _as_text
        if isinstance(value, dict):
            yield from _lines(value, f"{name}: ")
        elif isinstance(value, list):
            for place, one in enumerate(value, start=1):
                if isinstance(one, dict):
                    yield from _lines(one, f"{name} {place}: ")
                else:
                    yield f"{name} {place}", shown(one)
        elif value is not None:
            yield name, shown(value)


def _as_text(value: object) -> str:
    return word("yes") if value is True else str(value)


def _draw(pages: Pages, text: str) -> None:
    """A QR code of the text, below which the page goes on."""
    matrix = segno.make(text, error="m", micro=False).matrix
    size, top = _QR_MM / len(matrix), pages.get_y()
    pages.set_fill_color(0)
    for row, dots in enumerate(matrix):
        for column, dot in enumerate(dots):
            if dot:
                pages.rect(pages.l_margin + column * size, top + row * size, size, size, style="F")
    pages.set_y(top + _QR_MM + 2)
