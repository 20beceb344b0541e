"""What must not change without being looked at: gas and the layout of storage."""

import json

from tests.contracts import gas, layout


def test_a_pair_costs_what_it_did() -> None:
    now = gas.snapshot()
    assert now == json.loads(gas.SNAPSHOT.read_text()), (
        "explain the change in the commit and run `make snapshots`"
    )
    assert now["10 partners, 4 batches"] <= now["one partner"] <= 31_600


def test_storage_is_only_appended_to() -> None:
    now = layout.layouts()
    assert not layout.conflicts(layout.kept(), now)
    assert now == layout.kept(), "something was appended: run `make snapshots`"


def _described(*variables: str, **structs: list[str]) -> layout.Layout:
    held = {f"struct {name}": lines for name, lines in structs.items()}
    return {"C": {"variables": list(variables)} | held}


KEPT = _described("0+0 _a uint16", "1+0 _b mapping(uint16 => struct S)", S=["0+0 x uint8"])


def test_a_variable_may_be_appended() -> None:
    variables = [*KEPT["C"]["variables"], "2+0 _c uint256"]
    assert not layout.conflicts(KEPT, _described(*variables, S=["0+0 x uint8"]))


def test_a_struct_may_use_free_bytes() -> None:
    kept = _described("0+0 _b mapping(uint16 => struct S)", S=["0+0 x uint8", "1+0 z uint256"])
    within = ["0+0 x uint8", "0+1 y uint8", "1+0 z uint256"]
    assert not layout.conflicts(kept, _described("0+0 _b mapping(uint16 => struct S)", S=within))


def test_a_variable_may_not_move_change_or_go() -> None:
    _, b = KEPT["C"]["variables"]
    for first in ("0+2 _a uint16", "0+0 _a uint24", "0+0 _z uint16"):
        (conflict,) = layout.conflicts(KEPT, _described(first, b, S=["0+0 x uint8"]))
        assert "_a uint16 became" in conflict
    assert layout.conflicts(KEPT, _described("0+0 _a uint16", S=["0+0 x uint8"]))
    assert layout.conflicts(KEPT, {})


def test_a_struct_may_grow_in_a_mapping_and_nowhere_else() -> None:
    grown = ["0+0 x uint8", "0+1 y uint8"]
    a, b = KEPT["C"]["variables"]
    assert not layout.conflicts(KEPT, _described(a, b, S=grown))
    for holder in ("2+0 _c struct S", "2+0 _c struct S[]", "2+0 _c mapping(uint8 => struct S[2])"):
        assert layout.conflicts(KEPT, _described(a, b, holder, S=grown))
