"""Values that the ABI's types can hold, and that nobody means well by."""

from __future__ import annotations

import random
from typing import Any


class HostileValues:
    """The same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def bytes(self, most: int = 200) -> bytes:
        length = self.chance.choice([0, 1, 31, 32, 33, self.chance.randint(0, most)])
        kind = self.chance.random()
        if kind < 0.2:
            return bytes(length)
        if kind < 0.4:
            return b"\0\xff\xed\xa0\x80\x1b[31m<script>\n"[:length]
        return self.chance.randbytes(length)

    def any(self, kind: str) -> Any:
        """A value that a type can hold, the extremes more often than not."""
        if kind in ("bytes", "string"):
            return self.bytes()
        if kind == "bytes32":
            return self.chance.randbytes(32)
        if kind == "address":
            return "0x" + self.chance.randbytes(20).hex()
        if kind == "bool":
            return self.chance.random() < 0.5
        signed = kind.startswith("int")
        bits = int(kind.removeprefix("u").removeprefix("int"))
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        return self.chance.choice([low, high, 0, 1, self.chance.randint(low, high)])

    def fill(self, argument: Any, given: Any) -> Any:
        """An argument's value: as given by name, else anything."""
        kind = argument["type"]
        if kind.endswith("[]"):
            one = {**argument, "type": kind[:-2]}
            items = given if given is not None else [None] * self.chance.randint(0, 3)
            return [self.fill(one, item) for item in items]
        if kind == "tuple":
            named = given or {}
            return tuple(self.fill(one, named.get(one["name"])) for one in argument["components"])
        return self.any(kind) if given is None else given


_WRONG: tuple[Any, ...] = (
    None, True, -1, 1 << 70, 1.5, "", "0x", "0x0", "0x00", "-0x1", "zz", "0x" + "f" * 64,
    "0x" + "00" * 20, "0x" + "77" * 32, "\0\x1b[2J", [], {}, [None], [[[]]], {"a": []},
)  # fmt: skip


def spoiled_answer(chance: random.Random, answer: Any) -> Any:
    """What a node answers, with one of its parts replaced, dropped or repeated."""
    if isinstance(answer, dict) and answer and chance.random() < 0.9:
        name = chance.choice(sorted(answer))
        return {**answer, name: spoiled_answer(chance, answer[name])}
    if isinstance(answer, list) and answer and chance.random() < 0.9:
        place = chance.randrange(len(answer))
        kept = [answer[place]] * chance.choice([0, 2])
        spoiled = kept if chance.random() < 0.3 else [spoiled_answer(chance, answer[place])]
        return [*answer[:place], *spoiled, *answer[place + 1 :]]
    if isinstance(answer, str) and len(answer) > 3 and chance.random() < 0.4:
        at = chance.randrange(2, len(answer))
        return answer[:at] + chance.choice("0123456789abcdef") + answer[at + 1 :]
    return chance.choice(_WRONG)
