"""`docs/errors.md`: every custom error, what causes it and what to do.

Made from the contracts' ABIs and `app.contracts.error_catalogue` by `make snapshots`; a test
compares the page with what would be made now.
"""

import re
from pathlib import Path
from typing import Any

from app.contracts.error_catalogue import ACCESS, REJECTIONS, REMEDIES
from app.domain.consortium import CONTRACTS
from deploy.compile import CONTRACTS as SOURCES
from deploy.compile import compile_contracts, load_artifact

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"

_HEAD = """# Errors of the contracts

Made by `make snapshots` from the contracts' ABIs and `app/contracts/error_catalogue.py`.
Words in {braces} are the error's own arguments. Where the commands and the API meet one of these
errors, they show its cause and its remedy; in Python it is a `ContractReverted` of the family that
its name begins with, or an `AccessRefused` where it is marked *access*.
"""


def errors() -> dict[str, dict[str, Any]]:
    """Each error of the ABIs by its name; `contracts` names those that may throw it themselves.

    Raises ValueError where one name stands for two signatures.
    """
    found: dict[str, dict[str, Any]] = {}
    for contract in CONTRACTS:
        for entry in load_artifact(contract)["abi"]:
            if entry["type"] != "error":
                continue
            known = found.setdefault(entry["name"], {"inputs": entry["inputs"], "contracts": []})
            if known["inputs"] != entry["inputs"]:
                raise ValueError(f"{entry['name']} has two signatures: rename one")
            known["contracts"].append(contract)
    return found


def reasons() -> list[str]:
    """The names of Solidity's `Reason`, in the order of their numbers from 1."""
    text = (SOURCES / "types" / "LegTypes.sol").read_text()
    body = re.search(r"enum Reason \{([^}]*)\}", text)
    if body is None:
        raise ValueError("types/LegTypes.sol has no enum Reason")
    return re.findall(r"\w+", re.sub(r"//.*", "", body[1]))[1:]


def page() -> str:
    """The text of the page as it should be now. Raises KeyError for an error without an entry."""
    found = errors()
    everywhere = [name for name, entry in found.items() if len(entry["contracts"]) > 1]
    parts = [_HEAD, _section("Several contracts", everywhere, found)]
    for contract in CONTRACTS:
        own = [name for name, entry in found.items() if entry["contracts"] == [contract]]
        if own:
            parts.append(_section(contract, own, found))
    rows = [
        _row(f"{number} {reason}", *REJECTIONS[reason])
        for number, reason in enumerate(reasons(), 1)
    ]
    parts.append(
        "## Legs rejected\nOne bad leg does not sink its batch: `LegRejected` says which leg of "
        "which batch, and why.\n\n| reason | cause | remedy |\n|---|---|---|\n" + "".join(rows)
    )
    return "\n".join(parts)


def _section(title: str, names: list[str], found: dict[str, dict[str, Any]]) -> str:
    rows = []
    for name in sorted(names):
        arguments = ", ".join(f"{each['type']} {each['name']}" for each in found[name]["inputs"])
        mark = " *access*" if name in ACCESS else ""
        rows.append(_row(f"`{name}({arguments})`{mark}", *REMEDIES[name]))
    return f"## {title}\n| error | cause | remedy |\n|---|---|---|\n" + "".join(rows)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def main() -> None:
    """Write the page."""
    compile_contracts()
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
