"""Who may import whom (docs/architecture.md), read from the source of every module."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ENTRY_POINTS = frozenset({"node", "local", "doctor", "cli", "__main__"})
"""What starts a process, and what wires it; only another entry point imports one."""

PACKAGES: dict[str, frozenset[str]] = {
    "domain": frozenset(),
    "verify": frozenset(),
    "processes": frozenset(),
    "keys": frozenset({"domain"}),
    "db": frozenset({"domain"}),
    "chain": frozenset({"domain", "verify"}),
    "contracts": frozenset({"domain", "chain"}),
    "readmodel": frozenset({"domain", "db"}),
    "intake": frozenset({"domain", "db", "readmodel", "audit"}),
    "indexer": frozenset({"domain", "db", "chain", "contracts", "keys", "verify", "readmodel"}),
    # What the contracts refused and what they hold of this bank stands in the read model alone.
    # It knows nothing of the outbox: what waits there is asked of the outbox.
    "outbox": frozenset(
        {"domain", "db", "chain", "contracts", "keys", "intake", "readmodel", "verify"}
    ),
    "actions": frozenset({"domain", "chain", "contracts", "keys", "readmodel", "outbox", "audit"}),
    "prepared_acts": frozenset(
        {"domain", "db", "chain", "contracts", "keys", "readmodel", "actions", "people", "audit"}
    ),
    "presentation": frozenset(
        {
            "domain",
            "outbox",
            "readmodel",
            "actions",
            "prepared_acts",
            "worklist",
            "alerts",
            "webhooks",
            "report_jobs",
            "people",
            "locale",
        }
    ),
    "worklist": frozenset({"domain", "db", "readmodel", "prepared_acts", "people", "audit"}),
    "audit": frozenset({"db"}),
    "people": frozenset({"domain", "db", "audit"}),
    "webhooks": frozenset({"domain", "db", "outbox", "readmodel", "people", "audit"}),
    "alerts": frozenset(
        {"domain", "db", "intake", "readmodel", "webhooks", "people", "audit", "locale"}
    ),
    "http": frozenset(
        {
            "domain",
            "db",
            "intake",
            "outbox",
            "readmodel",
            "prepared_acts",
            "presentation",
            "report_jobs",
            "people",
            "audit",
            "locale",
        }
    ),
    "api": frozenset(
        {
            "domain",
            "intake",
            "outbox",
            "readmodel",
            "prepared_acts",
            "presentation",
            "http",
            "reports",
            "report_jobs",
            "worklist",
            "alerts",
            "webhooks",
            "people",
            "audit",
            "locale",
        }
    ),
    "web": frozenset(
        {
            "domain",
            "intake",
            "outbox",
            "readmodel",
            "prepared_acts",
            "presentation",
            "http",
            "reports",
            "report_jobs",
            "worklist",
            "people",
            "alerts",
            "webhooks",
            "audit",
            "locale",
        }
    ),
    "archive": frozenset(
        {"domain", "chain", "contracts", "db", "intake", "outbox", "readmodel", "audit"}
    ),
    "client": frozenset({"domain", "presentation"}),
    "reports": frozenset({"domain", "db", "intake", "outbox", "readmodel", "locale"}),
    "report_jobs": frozenset({"domain", "db", "reports", "people", "audit", "locale"}),
    "proof": frozenset(
        {"domain", "chain", "contracts", "verify", "indexer", "readmodel", "reports"}
    ),
    "config": frozenset({"domain"}),
    "logs": frozenset(),
    "locale": frozenset(),
}
"""The entry points, which are not here, may import every package."""

BESIDE_APP = {
    "deploy": {"local", "cli"},
    "ganache": {"local", "cli"},
    "tests": set[str](),
}
EVERYWHERE = frozenset({"logs"})
"""Packages that any other may import."""

LIBRARIES = {
    "web3": {"chain", "contracts"},
    "requests": {"chain"},
    "websockets": {"chain"},
    "nacl": {"keys", "db"},
    "eth_account": {"contracts", "keys", "actions", "outbox", "prepared_acts", "node"},
    "fastapi": {"http", "api", "web", "node"},
    "starlette": {"http", "api", "web"},
    "uvicorn": {"node"},
    "prometheus_client": {"http", "api"},
    "pandas": set(),
    "apscheduler": {"node"},
    "typer": {"cli"},
    "rapidfuzz": {"domain"},
    "argon2": {"people"},
    "pyotp": {"people"},
    "authlib": {"people"},
    "joserfc": {"people"},
    "rich": {"cli"},
    "babel": {"locale"},
    "httpx": {"client", "local", "doctor", "people"},
}
"""Which packages alone may import a library."""

NO_DATABASE = frozenset({"domain", "verify", "chain", "contracts", "keys"})


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


def faults(package: str, source: str) -> list[str]:
    """What a module of a package imports against the rules."""
    found = []
    for name in imports(source):
        top, *rest = name.split(".")
        if top == "app":
            other = rest[0]
            if other == package or other in EVERYWHERE or package not in PACKAGES:
                continue
            if other not in PACKAGES[package]:
                found.append(f"{package} imports {name}")
        elif top in BESIDE_APP:
            if package not in BESIDE_APP[top]:
                found.append(f"{package} imports {name}")
        elif (top in LIBRARIES and package not in LIBRARIES[top]) or (
            top in ("sqlalchemy", "alembic", "psycopg", "sqlite3") and package in NO_DATABASE
        ):
            found.append(f"{package} imports {name}")
    return found


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the application with its package."""
    for path in sorted((ROOT / "app").rglob("*.py")):
        parts = path.relative_to(ROOT / "app").with_suffix("").parts
        if "node_modules" not in parts and parts != ("__init__",):
            yield parts[0], path


@pytest.mark.parametrize(
    ("package", "path"), [pytest.param(*one, id=str(one[1].relative_to(ROOT))) for one in modules()]
)
def test_who_imports_whom(package: str, path: Path) -> None:
    assert faults(package, path.read_text()) == []


def test_every_package_has_its_rule() -> None:
    assert {package for package, _ in modules()} <= PACKAGES.keys() | ENTRY_POINTS


def test_the_page_names_every_package() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    rules = page[page.index("## Who may import whom") :]
    for package in PACKAGES.keys() | ENTRY_POINTS - {"__main__"}:
        assert f"`{package}`" in rules, package


def test_the_page_walks_an_event_through_at_most_ten_files_that_are_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    walked = re.findall(r"^\d+\. `(.+?)`", page, re.MULTILINE)
    assert 8 <= len(walked) <= 10
    assert [file for file in walked if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("domain", "import app.readmodel.tables"),
        ("domain", "from app import db"),
        ("domain", "import sqlalchemy"),
        ("verify", "from app.domain.money import format_amount"),
        ("intake", "def later():\n    from app.indexer import scan"),
        ("contracts", "import sqlalchemy"),
        ("chain", "from app.db.engine import create"),
        ("chain", "import sqlalchemy"),
        ("readmodel", "from app.outbox.tables import batches"),
        ("outbox", "from app.indexer.scan import Scanner"),
        ("indexer", "import fastapi"),
        ("api", "from app.node.bank import Bank"),
        ("web", "from app.api.security import READ"),
        ("api", "from app.web.site import Site"),
        ("actions", "from app.api.app import create_app"),
        ("node", "from tests.conftest import engine"),
        ("intake", "from deploy.compile import load_artifact"),
        ("cli", "import web3"),
    ],
)
def test_what_is_against_the_rules_is_found(package: str, line: str) -> None:
    assert len(faults(package, line)) == 1


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("outbox", "from app.intake.tables import events"),
        ("local", "from app.cli.shared.run_result import account_results"),
        ("outbox", "from eth_account import Account"),
        ("domain", "from app.domain.money import format_amount"),
    ],
)
def test_what_is_allowed_is_not(package: str, line: str) -> None:
    assert faults(package, line) == []


def test_packages_form_no_circle() -> None:
    remaining = {package: set(others) for package, others in PACKAGES.items()}
    while remaining:
        free = [package for package, others in remaining.items() if not others & remaining.keys()]
        assert free, f"circle among {sorted(remaining)}"
        for package in free:
            del remaining[package]


def test_a_node_loads_no_compiler_and_nothing_of_deploy() -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package, path in modules()
        if package == "node"
    ]
    script = f"import sys, {', '.join(names)}; print(*sys.modules, sep='\\n')"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    loaded = ran.stdout.split()
    packages = {name.partition(".")[0] for name in loaded}
    assert "app" in packages
    assert not packages & {"deploy", "solcx"}
    # Nor the curve of keys that no bank has, which takes long to compute.
    assert not [name for name in loaded if name.startswith("py_ecc.optimized")]


def test_the_fold_knows_no_database_and_no_chain() -> None:
    """What it imports of ours, and what that imports, is the domain, `verify` or its like."""
    left, seen = ["app.indexer.fold"], set[str]()
    while left:
        name = left.pop()
        seen.add(name)
        source = (ROOT / name.replace(".", "/")).with_suffix(".py").read_text()
        for other in imports(source):
            assert other.split(".")[0] not in ("sqlalchemy", "web3", "requests", "nacl"), name
            if other.startswith("app.") and not other.startswith(("app.domain", "app.verify")):
                assert other.startswith("app.indexer."), f"{name} imports {other}"
                left += {other} - seen
