"""The table of kinds in INTERFACES."""

import pytest

from app.domain.kinds import BY_FEED_NAME, Component, Kind, effect

TABLE = [
    ("drawdown", 1, -1, Component.PRINCIPAL),
    ("principal", 2, 1, Component.PRINCIPAL),
    ("interest", 3, 1, Component.INTEREST),
    ("penalty", 4, 1, Component.INTEREST),
    ("fee", 5, 1, Component.FEE),
    ("top_up", 6, 1, None),
    ("reserve_interest", 7, 1, None),
    ("other_in", 8, 1, None),
    ("withdrawal", 9, -1, None),
    ("service_fee", 10, -1, None),
    ("other_out", 11, -1, None),
]


@pytest.mark.parametrize(("name", "number", "sign", "component"), TABLE)
def test_every_kind_of_the_table(
    name: str, number: int, sign: int, component: Component | None
) -> None:
    kind = BY_FEED_NAME[name]
    assert (kind.value, kind.effect, kind.component) == (number, sign, component)
    assert (kind.shared, kind.one_partner) == (component is not None, component is None)
    assert effect(Kind.REVERSAL, kind) == -sign


def test_feeds_know_reversals_and_no_corrections() -> None:
    assert set(BY_FEED_NAME) == {row[0] for row in TABLE} | {"reversal"}
    assert not Kind.REVERSAL.shared
    assert not Kind.REVERSAL.one_partner


@pytest.mark.parametrize("kind", [Kind.REVERSAL, Kind.CORRECTION])
def test_the_effect_of_a_kind_that_depends_on_another_is_not_guessed(kind: Kind) -> None:
    with pytest.raises(ValueError, match="target"):
        effect(kind)
