"""Who signs a batch sees all that the signature is over."""

from datetime import date
from types import SimpleNamespace

import pytest

from app.web.site import Site

MARCH, APRIL = date(2026, 3, 2), date(2026, 4, 2)


def act(reason: str, day: date) -> SimpleNamespace:
    asked = SimpleNamespace(reason=reason, business_date=day)
    out = SimpleNamespace(
        number=1, pair=1, batch=1, note="", prepared_by="Mei", signed_by=None, asked=asked
    )
    return SimpleNamespace(
        out=out, title="Propose", about="break 1", moves=(), changed=(), tone="", label="",
        may_sign=True, prepared_at="2026-03-02T10:00:00Z",
    )  # fmt: skip


def shown(*acts: SimpleNamespace) -> str:
    text = '{% import "act_parts.html" as parts with context %}{{ parts.batch(acts) }}'
    return Site("").templates.from_string(text).render(acts=acts)


@pytest.mark.parametrize(
    "other", [act("another reason", MARCH), act("SMALL", MARCH), act("small", APRIL)]
)
def test_what_differs_stands_beside_each(other: SimpleNamespace) -> None:
    page = shown(act("small", MARCH), other)
    for one in ("small", other.out.asked.reason):
        assert f"<blockquote>{one}</blockquote>" in page
    assert "2026-03-02" in page and str(other.out.asked.business_date) in page


def test_what_is_the_same_of_all_stands_once() -> None:
    page = shown(act("small", MARCH), act("small", MARCH))
    assert page.count("<blockquote>small</blockquote>") == 1
    assert page.count("Books move on 2026-03-02") == 1
