"""The storage layout of each contract, as it is kept in `snapshots/layout.json`.

A proxy's storage outlives its code: what stands there stays, and what is new takes free bytes.
`make snapshots` writes what was added and refuses anything else; who founds the chains anew deletes
the file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.domain.consortium import CONTRACTS
from deploy.compile import compile_contracts, load_artifact

SNAPSHOT = Path(__file__).with_name("snapshots") / "layout.json"

_VARIABLES = "variables"

Layout = dict[str, dict[str, list[str]]]
"""Contract -> "variables" or the name of a struct -> lines "slot+offset name type", in order."""


def layouts() -> Layout:
    """The layouts of the contracts as they are now."""
    compile_contracts()
    return {name: described(load_artifact(name)["storageLayout"]) for name in CONTRACTS}


def described(layout: dict[str, Any]) -> dict[str, list[str]]:
    """One contract's layout by solc as lines to read and to compare."""
    types = layout["types"] or {}
    held = {_VARIABLES: layout["storage"]}
    held |= {entry["label"]: entry["members"] for entry in types.values() if "members" in entry}
    return {
        name: [
            f"{each['slot']}+{each['offset']} {each['label']} {types[each['type']]['label']}"
            for each in members
        ]
        for name, members in sorted(held.items())
    }


def conflicts(kept: Layout, now: Layout) -> list[str]:
    """What a proxy that was written under `kept` would read wrong under `now`."""
    found = []
    for contract, groups in kept.items():
        for group, lines in groups.items():
            after = now.get(contract, {}).get(group, [])
            place = f"{contract}, {group}"
            found_by = {word: line for line in after for word in line.split(" ")[:2]}
            for line in lines:
                position, name, _ = line.split(" ", 2)
                instead = found_by.get(position, found_by.get(name))
                if instead is None:
                    found.append(f"{place}: {line} is gone")
                elif line != instead:
                    found.append(f"{place}: {line} became {instead}")
            if len(after) > len(lines) and _is_held_inline(group, now[contract]):
                found.append(f"{place}: grew, and what lies behind it in storage moved")
    return found


def _is_held_inline(group: str, groups: dict[str, list[str]]) -> bool:
    """Whether a struct lies in an array, another struct or a variable, not in a mapping alone."""
    types = [line.split(" ", 2)[2] for lines in groups.values() for line in lines]
    return any(f"{group}[" in type_ or type_ == group for type_ in types)


def kept() -> Layout:
    """The layouts as they were committed; empty where there are none."""
    layout: Layout = json.loads(SNAPSHOT.read_text()) if SNAPSHOT.exists() else {}
    return layout


def main() -> int:
    """Write the snapshot; 1 when something else than an addition would be written."""
    now = layouts()
    wrong = conflicts(kept(), now)
    for line in wrong:
        print(line)
    if wrong:
        print(f"proxies would read wrong. Only for chains founded anew: delete {SNAPSHOT.name}")
        return 1
    SNAPSHOT.parent.mkdir(exist_ok=True)
    SNAPSHOT.write_text(json.dumps(now, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
