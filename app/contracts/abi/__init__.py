"""The contracts' ABIs: NAME.json here, written by `python -m deploy.compile` (`make setup`).

They are package data: what runs a node needs no compiler.
"""

import json
from functools import cache
from pathlib import Path
from typing import cast

from eth_typing import ABI

from app.domain.errors import ConfigFault

FOLDER = Path(__file__).parent


@cache
def load_abi(contract: str) -> ABI:
    """The ABI of a contract by its name. Raises ConfigFault where it was not written yet."""
    path = FOLDER / f"{contract}.json"
    try:
        return cast(ABI, json.loads(path.read_text()))
    except FileNotFoundError:
        raise ConfigFault(
            "the contract's ABI is missing",
            where=str(path),
            remedy="Run `make setup`, or `python -m deploy.compile`, which writes it",
        ) from None
