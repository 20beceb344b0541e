"""Who may seal the next block, as the cursor's row keeps it: one JSON text for one set."""

import json

from app.verify.validators import ValidatorSet


def to_text(found: ValidatorSet | None) -> str | None:
    """The same text for the same set, whatever its order."""
    if found is None:
        return None
    return json.dumps(
        {
            "validators": sorted(one.hex() for one in found.validators),
            "votes": sorted([subject.hex(), voter.hex()] for subject, voter in found.votes),
        }
    )


def from_text(text: str | None) -> ValidatorSet | None:
    """The set of such a text."""
    if text is None:
        return None
    kept = json.loads(text)
    return ValidatorSet(
        frozenset(bytes.fromhex(one) for one in kept["validators"]),
        frozenset((bytes.fromhex(one), bytes.fromhex(other)) for one, other in kept["votes"]),
    )
