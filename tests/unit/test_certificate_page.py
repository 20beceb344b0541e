"""What the printed page of a certificate promises to somebody who reads only its title."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pypdfium2
import pytest

from app.reports.certificate_page import write_certificate_page

HALF = {"bank": "webank", "amount": "1.00"}
BOTH = {"lead": HALF, "partner": HALF}


def printed(facts: Mapping[str, Any], path: Path) -> str:
    write_certificate_page(orjson.dumps(facts), path)
    with closing(pypdfium2.PdfDocument(path)) as document:
        return "".join(one.get_textpage().get_text_bounded() for one in document)


def pair(result: str, **more: Any) -> dict[str, Any]:
    return {"certificate": "pair", "result": result, "halves": BOTH} | more


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        (pair("matched"), "Match certificate"),
        (pair("within_tolerance"), "Match certificate"),
        (pair("amount"), "Certificate of an open break"),
        (pair("missing_at_partner", halves={"lead": HALF}), "Certificate of an open break"),
        (pair("amount", resolution={"action": "adjust"}), "Certificate of a resolved break"),
        (pair("duplicate_at_lead", halves={"lead": HALF}), "Certificate of a duplicate leg"),
        (
            pair("matched", halves={"lead": HALF | {"reversed": True}, "partner": HALF}),
            "Certificate of a reversed pair",
        ),
        ({"certificate": "day", "state": "closed"}, "Certificate of a closed day"),
        *(
            ({"certificate": "day", "state": state}, "Statement of a day, not closed")
            for state in ("proposed", "replaced", "withdrawn", "disputed", "reopened")
        ),
    ],
)
def test_the_title_is_of_the_state_that_it_tells(
    facts: dict[str, Any], title: str, tmp_path: Path
) -> None:
    text = printed(facts, tmp_path / "page.pdf")
    assert text.splitlines()[0].strip() == title
    assert "it proves nothing alone" in text.replace("\r\n", " ")


def test_a_name_is_printed_as_it_is_and_never_as_another(tmp_path: Path) -> None:
    """`{nb}` became the number of pages, and letters that the font lacks all looked alike."""
    names = ("PAY-{nb}", "PAY-\N{GRINNING FACE}", "PAY-\N{PARTY POPPER}", "PAY-\u3164", "合同")
    found = [
        printed(pair("matched", event_ref=name), tmp_path / f"{place}.pdf")
        for place, name in enumerate(names)
    ]
    shown = ("PAY-{nb}", "PAY-<U+1F600>", "PAY-<U+1F389>", "PAY-<U+3164>", "合同")
    for text, name in zip(found, shown, strict=True):
        assert name in text
        assert "1 / 1" in text
