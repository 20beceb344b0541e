"""Signed bytes, kept without what lies beside them already: an attempt leaves out its batch's
calldata, which is nearly all of it, and is put together again, byte for byte, when it is sent."""


def without(raw: bytes, calldata: bytes) -> tuple[bytes, int | None]:
    """What is kept of a signed transaction, and where the calldata stood in it; None where it is
    kept whole."""
    at = raw.find(calldata) if calldata else -1
    return (raw, None) if at < 0 else (raw[:at] + raw[at + len(calldata) :], at)


def whole(kept: bytes, calldata_at: int | None, calldata: bytes | None) -> bytes:
    """The signed transaction; the inverse of `without`."""
    if calldata_at is None:
        return kept
    assert calldata is not None  # it is a batch's
    return kept[:calldata_at] + calldata + kept[calldata_at:]
