"""A command loads nothing that it does not need: the libraries behind some take a second."""

import subprocess
import sys

import pytest

_CHAIN = {"web3", "eth_account", "requests", "websockets"}
_SERVER = {"fastapi", "starlette", "uvicorn", "apscheduler", "prometheus_client", "jinja2"}
_FILES = {"xlsxwriter", "httpx", "cryptography", "solcx", "psutil"}
_PRINT_MODULES = "\nimport sys; sys.stderr.write(' '.join(sys.modules))"


def loaded_by(*arguments: str) -> set[str]:
    """The top-level modules after a command line."""
    code = f"""
import sys
sys.argv = ["tally", *{list(arguments)!r}]
from app.cli import main
try:
    main()
except SystemExit:
    pass
"""
    done = subprocess.run(
        [sys.executable, "-c", code + _PRINT_MODULES], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stderr.rsplit("\n", 1)[-1].split()}


def test_the_help_needs_no_library_of_any_verb() -> None:
    unneeded = _CHAIN | _SERVER | _FILES | {"sqlalchemy", "alembic", "nacl", "pydantic"}
    assert not loaded_by("--help") & unneeded


@pytest.mark.parametrize(
    "arguments", [("breaks",), ("balances",), ("facility", "list"), ("dead-letters", "list")]
)
def test_what_only_reads_needs_no_chain_and_no_server(arguments: tuple[str, ...]) -> None:
    loaded = loaded_by(*arguments, "--config", "nowhere.toml")
    assert "sqlalchemy" in loaded
    assert not loaded & (_CHAIN | _SERVER | _FILES | {"alembic"})
