"""`tally doctor`: every fault that it knows is made for real, and it says what to do."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from shlex import quote

import psycopg
import pytest
import typer
from sqlalchemy import text, update
from typer.testing import CliRunner, Result

from app.cli.doctor import doctor
from app.config import load_config
from app.db.backup import copy_sqlite
from app.doctor.machine import check_port
from app.intake.tables import events
from app.keys.keystore import create_keys
from app.node.bank import Bank
from app.outbox.dead_letters import add_dead_letter
from app.outbox.history import log_state
from app.outbox.lifecycle import STOPPED
from app.outbox.tables import leases
from app.processes import free_port
from ganache.launcher import start
from tests.e2e.running import ROOT
from tests.integration.nodes import Nodes, begin_anew, live
from tests.integration.posting import FACILITY, LEAD, PARTNERS, Net

CLI = typer.Typer()
CLI.command()(doctor)


def run(config: Path, *options: str) -> Result:
    return CliRunner().invoke(CLI, ["--config", str(config), *options])


def checks(config: Path) -> dict[str, dict[str, str]]:
    """By the check's name; the words are the same as the lines', and so is the exit code."""
    answer = run(config, "--json")
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    told = json.loads(answer.stdout)
    failed = any(one["level"] == "fail" for one in told["checks"])
    assert answer.exit_code == int(failed)
    assert told["healthy"] is not failed
    for one in told["checks"]:
        assert bool(one["remedy"]) == (one["level"] != "ok"), one
    found: dict[str, dict[str, str]] = {}
    for one in told["checks"]:
        if found.get(one["check"], one)["level"] in ("ok", one["level"]):
            found[one["check"]] = one
    return found


def troubles(config: Path) -> dict[str, str]:
    """What is not ok: the check and its level."""
    return {name: one["level"] for name, one in checks(config).items() if one["level"] != "ok"}


@pytest.fixture
def config(net: Net, sqlite_url: str) -> Path:
    """The configuration of a bank that has posted and is well."""
    bank = net.fresh_bank(sqlite_url)
    net.feed(bank, 3, memo="sealed")
    net.drain(bank)
    net.catch_up(bank)
    bank.close()
    return net.folder.config(LEAD)


@pytest.fixture
def own_keys(net: Net, config: Path, tmp_path: Path) -> Path:
    """A copy of the bank's keys that a test may break."""
    keys = Path(shutil.copytree(net.folder.keys(LEAD), tmp_path / "keys"))
    set_(config, "keys", str(keys))
    return keys


def set_(config: Path, name: str, value: object) -> None:
    """Change a setting of bank.toml, or add it."""
    lines = [
        line for line in config.read_text().splitlines() if line.partition("=")[0].strip() != name
    ]
    place = lines.index("[api]") + 1 if name in ("host", "port") else 0
    lines.insert(place, f"{name} = {json.dumps(value)}")
    config.write_text("\n".join(lines) + "\n")


def opened(net: Net) -> Bank:
    return net.bank(LEAD)


def test_a_bank_that_is_well(config: Path) -> None:
    assert troubles(config) == {}
    lines = run(config).stdout.splitlines()
    assert all(line.startswith("ok  ") for line in lines)
    assert len(lines) > 15


def test_one_line_a_check_with_its_remedy(config: Path) -> None:
    set_(config, "min_free_disk_mb", 1_000_000_000)
    answer = run(config)
    assert answer.exit_code == 1
    (line,) = (line for line in answer.stdout.splitlines() if not line.startswith("ok"))
    assert line.startswith("FAIL  disk: ")
    assert "Free space" in line


def test_a_configuration_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "bank.toml"
    assert troubles(path) == {"configuration": "fail"}
    path.write_text("name = ")
    assert troubles(path) == {"configuration": "fail"}
    path.write_text('name = "webank"\n')
    assert "keys" in checks(path)["configuration"]["what"]


@pytest.mark.parametrize("name", ["operator", "sealing", "storage"])
def test_a_key_that_is_missing(config: Path, own_keys: Path, name: str) -> None:
    (own_keys / f"{name}.json").unlink()
    assert troubles(config)[f"key {name}"] == "fail"


def test_a_wrong_passphrase(config: Path, own_keys: Path) -> None:
    (own_keys / "passphrase").write_text("another")
    found = troubles(config)
    assert {found[f"key {name}"] for name in ("operator", "sealing", "storage")} == {"fail"}
    assert "another" not in run(config).stdout


def test_keys_that_others_may_read(config: Path, own_keys: Path) -> None:
    (own_keys / "passphrase").chmod(0o644)
    assert troubles(config) == {"key files": "fail"}
    assert "chmod" in checks(config)["key files"]["remedy"]


def test_keys_that_are_rendered_for_containers(config: Path, own_keys: Path) -> None:
    """Any user may read the files, and only their owner may enter the folder around them."""
    for path in own_keys.iterdir():
        path.chmod(0o444)
    assert troubles(config) == {}
    own_keys.chmod(0o755)
    assert troubles(config) == {"key files": "fail"}


def test_keys_that_a_container_is_given(config: Path, own_keys: Path, tmp_path: Path) -> None:
    """As an engine does: each file is mounted into a folder that any of its users may enter."""
    given = tmp_path / "given"
    own_keys.rename(given)
    own_keys.mkdir(mode=0o755)
    mounting = ["set -e"]
    for path in given.iterdir():
        path.chmod(0o444)
        (own_keys / path.name).touch()
        mounting.append(f"mount --bind {quote(str(path))} {quote(str(own_keys / path.name))}")
    call = [sys.executable, "-m", "app", "doctor", "--json", "--config", str(config)]
    mounting.append(f"exec {' '.join(map(quote, call))}")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", "\n".join(mounting)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout:
        pytest.skip(f"nothing may be mounted here: {done.stderr}")
    said = {one["check"]: one for one in json.loads(done.stdout)["checks"]}
    assert said["key files"]["level"] == "ok", said["key files"]
    assert done.returncode == 0, said


def test_its_own_chain_node_takes_votes(config: Path, net: Net) -> None:
    manifest = net.folder.manifest
    described = manifest.read_text()
    with config.open("a") as file:
        file.write('\n[validator]\ncontrol = ["ws://127.0.0.1:1"]\n')
    assert troubles(config) == {"own chain nodes": "fail"}
    try:
        manifest.write_text(described.replace('"anvil"', '"besu"'))
        assert troubles(config)["own chain node at ws://127.0.0.1:1"] == "fail"
    finally:
        manifest.write_text(described)


def test_development_keys_in_production(config: Path, own_keys: Path) -> None:
    set_(config, "development", False)
    assert "development key" in checks(config)["key operator"]["what"]
    assert troubles(config)["recovery key"] == "warn"


def test_keys_that_are_nobodys_on_the_chain(config: Path, own_keys: Path) -> None:
    shutil.rmtree(own_keys)
    create_keys(own_keys, development=True)
    found = troubles(config)
    assert found["operator on the chain"] == "fail"
    assert found[f"facility {FACILITY}"] == "fail"
    assert found["sealing key"] == "fail"
    assert found["encrypted details"] == "fail"


def test_another_banks_keys(net: Net, config: Path) -> None:
    set_(config, "keys", str(net.folder.keys(PARTNERS[0])))
    assert f"operator key of {PARTNERS[0]}" in checks(config)["operator on the chain"]["what"]


def test_a_manifest_that_is_missing_or_anothers(config: Path, tmp_path: Path, net: Net) -> None:
    set_(config, "manifest", str(tmp_path / "none.json"))
    assert troubles(config)["manifest"] == "fail"
    other = json.loads(net.folder.manifest.read_text()) | {"chain_id": 4}
    (tmp_path / "other.json").write_text(json.dumps(other))
    set_(config, "manifest", str(tmp_path / "other.json"))
    found = checks(config)
    assert "this network is chain 4" in found[f"chain at {net.url}"]["what"]
    assert found["read model"]["level"] == "fail"


def test_a_chain_that_is_down_and_one_that_is_another(
    config: Path, net: Net, tmp_path: Path
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    set_(config, "rpc", nobody)
    assert troubles(config) == {f"chain at {nobody}": "fail"}
    with start("anvil", state_dir=tmp_path / "other", keep_state=False) as other:
        set_(config, "rpc", [net.url, other.process.url])
        found = checks(config)
        assert found[f"chain at {net.url}"]["level"] == "ok"
        assert "another chain" in found[f"chain at {other.process.url}"]["what"]


def test_a_clock_that_is_behind_the_blocks(config: Path, net: Net) -> None:
    net.rpc.call("evm_increaseTime", [3600])
    net.rpc.call("evm_mine", [])
    assert troubles(config) == {"clock": "fail"}


def test_a_read_model_that_is_behind(config: Path, net: Net) -> None:
    net.rpc.call("anvil_mine", ["0x8"])
    assert troubles(config)["read model"] == "warn"


def test_a_chain_that_took_blocks_back(config: Path, net: Net) -> None:
    with net.lost_blocks():
        bank = opened(net)
        net.feed(bank, 1)
        net.drain(bank)
        net.catch_up(bank)
        bank.close()
    assert troubles(config)["finality"] == "warn"


def test_databases_that_are_not_there(config: Path, tmp_path: Path) -> None:
    set_(config, "database_url", f"sqlite:///{tmp_path}/none.db")
    assert troubles(config) == {"database": "warn"}
    assert not (tmp_path / "none.db").exists()
    set_(config, "database_url", f"sqlite:///{tmp_path}/nowhere/none.db")
    assert troubles(config)["database"] == "fail"
    set_(config, "database_url", f"postgresql://u:hunter2@127.0.0.1:{free_port()}/bank")
    assert troubles(config)["database"] == "fail"
    assert "hunter2" not in run(config).stdout
    set_(config, "database_url", "oracle://db")
    assert troubles(config)["database"] == "fail"


def test_a_server_without_the_database_or_the_inbox(
    config: Path, postgres_url: str, tmp_path: Path
) -> None:
    """What lacks is named once, with the command that makes it."""
    set_(config, "database_url", f"{postgres_url}_none")
    set_(config, "inbox", str(tmp_path / "none"))
    found = checks(config)
    assert troubles(config) == {"database": "fail", "inbox": "fail"}
    assert "createdb" in found["database"]["remedy"]
    assert f"mkdir {tmp_path / 'none'}" in found["inbox"]["remedy"]


def test_a_database_that_is_held(config: Path, sqlite_url: str) -> None:
    file = sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "locked by another writer" in checks(config)["database"]["what"]
    assert troubles(config) == {}


def test_a_postgresql_that_may_only_be_read(net: Net, postgres_url: str) -> None:
    bank = net.fresh_bank(postgres_url)
    bank.close()
    config = net.folder.config(LEAD)
    assert troubles(config) == {}
    with psycopg.connect(postgres_url, autocommit=True) as server:
        name = server.info.dbname
        server.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    assert troubles(config) == {"database": "fail"}


@pytest.mark.parametrize(("revision", "level"), [(None, "warn"), ("of the future", "fail")])
def test_another_schema(config: Path, net: Net, revision: str | None, level: str) -> None:
    bank = opened(net)
    with bank.engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if revision:
            connection.execute(
                text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision}
            )
    bank.engine.dispose()
    assert troubles(config) == {"schema": level}


def test_an_outbox_that_is_stuck(config: Path, net: Net) -> None:
    bank = opened(net)
    net.feed(bank, 2)
    with bank.engine.begin() as connection:
        connection.execute(update(events).values(accepted_at="2026-03-02T00:00:00.000+00:00"))
    assert troubles(config) == {"outbox": "fail"}


def test_letters_and_stopped_batches(config: Path, net: Net) -> None:
    bank = opened(net)
    with bank.engine.begin() as connection:
        add_dead_letter(connection, 1, "too large")
        log_state(connection, [1], STOPPED, "5 attempts failed")
    found = checks(config)
    assert found["dead letters"]["level"] == "warn"
    assert "5 attempts failed" in found[f"facility {FACILITY}"]["what"]


def test_an_older_database(config: Path, net: Net, sqlite_url: str, tmp_path: Path) -> None:
    copy_sqlite(Path(sqlite_url.removeprefix("sqlite:///")), tmp_path / "older.db")
    bank = opened(net)
    net.feed(bank, 1)
    net.drain(bank)
    bank.close()
    set_(config, "database_url", f"sqlite:///{tmp_path / 'older.db'}")
    found = checks(config)[f"postings to {FACILITY}"]
    assert found["level"] == "fail"
    assert "tally restore" in found["remedy"]


def test_whose_the_lease_is(config: Path, net: Net) -> None:
    bank = opened(net)
    bank.posting.tick()
    assert "on this machine posts" in checks(config)["lease"]["what"]
    later = time.time_ns() // 1_000_000 + 60_000

    def held_by(holder: str) -> dict[str, str]:
        with bank.engine.begin() as connection:
            connection.execute(update(leases).values(holder=holder, expires_at=later))
        return checks(config)["lease"]

    assert held_by("elsewhere/1/2")["level"] == "warn"
    assert "elsewhere" in held_by("elsewhere/1/2")["what"]
    assert "is gone" in held_by(f"{socket.gethostname()[:30]}/99999999/2")["what"]


def test_the_port(config: Path, net: Net) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        set_(config, "port", port)
        assert troubles(config) == {f"port {port}": "fail"}
    assert troubles(config) == {}


def test_beside_the_running_node(net: Net, nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    begin_anew(net)
    node = nodes()
    node.await_health(live)
    node.await_unready()
    config = net.folder.config(LEAD)
    found = checks(config)
    assert {name: one for name, one in found.items() if one["level"] != "ok"} == {}
    assert "is ready" in found[f"port {node.port}"]["what"]
    with monkeypatch.context() as environment:
        environment.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # its own node is not behind it
        assert "is ready" in check_port(load_config(config)).what
    set_(config, "name", PARTNERS[0])
    assert f"the node of {LEAD}" in checks(config)[f"port {node.port}"]["what"]


def test_an_inbox_that_is_missing(config: Path, tmp_path: Path) -> None:
    set_(config, "inbox", str(tmp_path / "none"))
    assert troubles(config) == {"inbox": "fail"}


def test_a_folder_for_archives_that_is_none(config: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    set_(config, "archive", str(tmp_path / "file" / "archive"))
    assert troubles(config) == {}, "nobody asked this node to archive"
    set_(config, "archive_after_days", 90)
    assert troubles(config) == {"archive": "fail"}
    set_(config, "archive", str(tmp_path / "made" / "later"))
    assert troubles(config) == {}
