"""Who may import whom (docs/architecture.md), read from the source of every module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FACE = frozenset({"domain", "services", "db", "readmodel"})
ENTRANCES = frozenset(
    {"bootstrap", "consortium", "node", "workers", "demo", "doctor", "cli", "__main__"}
)
LOWER = frozenset(
    {"domain", "services", "db", "chain", "readmodel", "feeds", "indexer", "outbox", "statements"}
)
ROOMS: dict[str, frozenset[str]] = {
    "domain": frozenset(),
    "services": frozenset({"domain"}),
    "db": frozenset({"domain"}),
    "chain": frozenset({"domain"}),
    "readmodel": frozenset({"domain", "db"}),
    "feeds": frozenset({"domain", "services", "db"}),
    "indexer": frozenset({"domain", "services", "db", "chain", "readmodel"}),
    "outbox": frozenset({"domain", "services", "db", "chain"}),
    "statements": frozenset({"domain", "services", "db", "readmodel"}),
    "api": FACE | {"web"},
    "web": FACE | {"api"},
    "jobs": FACE,
    "reports": FACE,
    "config": frozenset({"domain"}),
    "logs": frozenset(),
    "desks": LOWER,
    "bootstrap": LOWER | {"config", "desks"},
}
"""The entrances that are not here may import every room."""

TABLES_ONLY = {("outbox", "feeds"), ("outbox", "readmodel")}
BESIDE_APP = {
    "deploy": {"chain", *ENTRANCES - {"bootstrap"}},
    "ganache": {"consortium", "demo", "cli"},
    "tests": set[str](),
}
EVERYWHERE = frozenset({"logs"})
"""Rooms that any other may import."""

LIBRARIES = {
    "web3": {"chain", "indexer"},
    "requests": {"chain"},
    "websockets": {"chain"},
    "nacl": {"chain", "db"},
    "eth_account": {"chain", "outbox", "desks", "bootstrap"},
    "fastapi": {"api", "web"},
    "starlette": {"api", "web"},
    "uvicorn": {"node"},
    "prometheus_client": {"api"},
    "pandas": {"feeds", "statements", "reports"},
    "apscheduler": {"jobs"},
    "typer": {"cli"},
    "rich": {"cli"},
    "httpx": {"cli", "demo", "doctor"},
}
"""Which rooms alone may import a library."""

NO_DATABASE = frozenset({"domain", "services", "chain"})


def imports(source: str) -> Iterator[str]:
    """Full names of what a module imports, wherever in it: `a.b` for `from a.b import c` too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            if node.module == "app":
                yield from (f"app.{alias.name}" for alias in node.names)
            else:
                yield node.module


def faults(room: str, source: str) -> list[str]:
    """What a module of a room imports against the rules."""
    found = []
    for name in imports(source):
        top, *rest = name.split(".")
        if top == "app":
            other = rest[0]
            if other == room or other in EVERYWHERE or room not in ROOMS:
                continue
            is_table = (room, other) in TABLES_ONLY and rest[1:] == ["tables"]
            if other not in ROOMS[room] and not is_table:
                found.append(f"{room} imports {name}")
        elif top in BESIDE_APP:
            if room not in BESIDE_APP[top]:
                found.append(f"{room} imports {name}")
        elif (top in LIBRARIES and room not in LIBRARIES[top]) or (
            top in ("sqlalchemy", "alembic", "psycopg", "sqlite3") and room in NO_DATABASE
        ):
            found.append(f"{room} imports {name}")
    return found


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the application with its room."""
    for path in sorted((ROOT / "app").rglob("*.py")):
        parts = path.relative_to(ROOT / "app").with_suffix("").parts
        if "node_modules" not in parts and parts != ("__init__",):
            yield parts[0], path


@pytest.mark.parametrize(
    ("room", "path"), [pytest.param(*one, id=str(one[1].relative_to(ROOT))) for one in modules()]
)
def test_who_imports_whom(room: str, path: Path) -> None:
    assert faults(room, path.read_text()) == []


def test_every_room_has_its_rule() -> None:
    assert {room for room, _ in modules()} <= ROOMS.keys() | ENTRANCES


def test_the_page_names_every_room() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    rules = page[page.index("## Who may import whom") :]
    for room in ROOMS.keys() | ENTRANCES - {"__main__"}:
        assert f"`{room}`" in rules, room


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("domain", "import app.services.intake"),
        ("domain", "from app import services"),
        ("domain", "import sqlalchemy"),
        ("services", "def later():\n    from app.feeds import reader"),
        ("services", "from web3 import Web3"),
        ("chain", "from app.db.engine import create"),
        ("chain", "import sqlalchemy"),
        ("outbox", "from app.feeds.store import EventStore"),
        ("outbox", "from app.readmodel.queries import cursor"),
        ("indexer", "import fastapi"),
        ("api", "from app.bootstrap import Bank"),
        ("web", "from app.outbox.tables import batches"),
        ("jobs", "from app.chain.rpc import Rpc"),
        ("bootstrap", "from app.api.app import create_app"),
        ("bootstrap", "import pandas"),
        ("node", "from tests.conftest import engine"),
        ("feeds", "from deploy.compile import load_artifact"),
        ("cli", "import web3"),
    ],
)
def test_what_is_against_the_rules_is_found(room: str, line: str) -> None:
    assert len(faults(room, line)) == 1


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("outbox", "from app.feeds.tables import events"),
        ("outbox", "from app.readmodel.tables import rejections"),
        ("chain", "from deploy.compile import load_artifact"),
        ("demo", "from app.cli.run_result import account_results"),
        ("reports", "import pandas as pd"),
        ("domain", "from app.domain.money import format_amount"),
    ],
)
def test_what_is_allowed_is_not(room: str, line: str) -> None:
    assert faults(room, line) == []
