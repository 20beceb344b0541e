"""Signed bytes are kept without their batch's calldata, and come back byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.outbox.signed import whole, without


@given(before=st.binary(max_size=40), calldata=st.binary(max_size=200), after=st.binary())
def test_what_is_put_together_is_what_was_signed(
    before: bytes, calldata: bytes, after: bytes
) -> None:
    raw = before + calldata + after
    kept, at = without(raw, calldata)
    assert len(kept) == len(raw) - (0 if at is None else len(calldata))
    assert whole(kept, at, calldata) == raw


@pytest.mark.parametrize("calldata", [b"", b"another"])
def test_what_does_not_hold_it_is_kept_whole(calldata: bytes) -> None:
    assert without(b"signed", calldata) == (b"signed", None)
    assert whole(b"signed", None, None) == b"signed"
