"""bank.toml and network.json: what is wrong in them is named, with the file and the key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from sqlalchemy import create_engine

from app.chain.manifest import Manifest
from app.config import BankConfig, load_config
from app.domain.consortium import CONTRACTS
from app.domain.errors import ConfigFault
from app.keys.keystore import create_keys
from app.node.bank import approver_key, openid_sign_in, read_manifest, session_lengths
from app.node.jobs.alerts import certificate_files
from app.people.sessions import STANDARD_LENGTHS, SessionLengths
from deploy.consortium import ConsortiumFolder, write_config

GOOD = {
    "name": '"webank"',
    "keys": '"keys"',
    "database_url": '"sqlite:///node.db"',
    "manifest": '"../../network.json"',
    "rpc": '"http://127.0.0.1:8545"',
    "inbox": '"inbox"',
}
MANIFEST = Manifest(
    engine="anvil",
    chain_id=31337,
    genesis="0x" + "ab" * 32,
    addresses=dict.fromkeys(CONTRACTS, "0x5FbDB2315678afecb367f032d93F642f64180aa3"),
    first_block=1,
)


def written(
    folder: Path, tail: str = "", without: str | None = None, **changes: str | None
) -> Path:
    """A good bank.toml, with changes, and without one of its keys."""
    path = folder / "bank.toml"
    lines = [
        f"{key} = {value}"
        for key, value in (GOOD | changes).items()
        if value is not None and key != without
    ]
    path.write_text("\n".join(lines) + "\n" + tail)
    return path


def fault_of(path: Path) -> ConfigFault:
    with pytest.raises(ConfigFault) as fault:
        load_config(path)
    assert fault.value.where == str(path)
    return fault.value


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path)
    monkeypatch.chdir("/")
    config = load_config(tmp_path / "bank.toml")
    assert config.keys == tmp_path / "keys"
    assert config.inbox == tmp_path / "inbox"
    assert config.database_url == f"sqlite:///{tmp_path / 'node.db'}"
    assert config.manifest.resolve() == tmp_path.parent.parent / "network.json"
    assert (config.api.host, config.api.port, config.development) == ("127.0.0.1", 8700, False)


@pytest.mark.parametrize("url", ["sqlite:////var/lib/node.db", "postgresql://bank@db/node"])
def test_other_database_urls_stay_as_they_are(tmp_path: Path, url: str) -> None:
    assert load_config(written(tmp_path, database_url=f'"{url}"')).database_url == url


@pytest.mark.parametrize("key", GOOD)
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    assert fault_of(written(tmp_path, without=key)).what.startswith(f"{key}: ")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", '""'),
        ("name", f'"{"x" * 65}"'),
        ("name", "5"),
        ("rpc", '"127.0.0.1:8545"'),
        ("rpc", '"ws://127.0.0.1"'),
        ("development", '"often"'),
        ("keys", "[]"),
    ],
)
def test_a_value_that_is_none_is_named(tmp_path: Path, key: str, value: str) -> None:
    assert re.search(rf"{key}(\.0)?: ", fault_of(written(tmp_path, **{key: value})).what)


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    assert "prot: " in fault_of(written(tmp_path, prot="5")).what
    assert "api.prot: " in fault_of(written(tmp_path, "[api]\nprot = 5\n")).what


@pytest.mark.parametrize("port", ["-1", "65536", '"x"'])
def test_a_port_that_is_none(tmp_path: Path, port: str) -> None:
    assert "api.port: " in fault_of(written(tmp_path, f"[api]\nport = {port}\n")).what


def test_several_faults_are_told_together(tmp_path: Path) -> None:
    what = fault_of(written(tmp_path, rpc=None, inbox=None)).what
    assert "rpc: " in what and "inbox: " in what


def test_no_fault_shows_a_value(tmp_path: Path) -> None:
    path = written(tmp_path, database_url="5", rpc='"postgresql://bank:geheim@db"')
    assert "geheim" not in str(fault_of(path))


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe", b"{}"])
def test_what_is_no_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bank.toml"
    path.write_bytes(content)
    assert fault_of(path).what.startswith("not TOML")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    fault = fault_of(tmp_path / "bank.toml")
    assert "No such file" in fault.what and "bank.toml" in fault.remedy
    assert "cannot be read" in fault_of(tmp_path).what  # a folder


def test_what_is_written_for_a_member_can_be_read(tmp_path: Path) -> None:
    folder = ConsortiumFolder(tmp_path)
    write_config(folder, 'a "bank" / № 1', rpc="http://127.0.0.1:1", port=0)
    config = load_config(folder.config('a "bank" / № 1'))
    assert config.name == 'a "bank" / № 1'
    assert config.development
    assert config.manifest.resolve() == folder.manifest


def test_one_endpoint_or_several(tmp_path: Path) -> None:
    assert load_config(written(tmp_path)).rpc == ("http://127.0.0.1:8545",)
    both = '["http://127.0.0.1:8546", "https://other", "http://127.0.0.1:8546"]'
    assert load_config(written(tmp_path, rpc=both)).rpc == (
        "http://127.0.0.1:8546",
        "https://other",
    )
    assert "rpc: " in fault_of(written(tmp_path, rpc="[]")).what
    assert "rpc.1: " in fault_of(written(tmp_path, rpc='["http://a", "b"]')).what


# The manifest


def manifest_fault(tmp_path: Path, content: bytes) -> str:
    (tmp_path / "network.json").write_bytes(content)
    config = load_config(written(tmp_path, manifest='"network.json"'))
    with pytest.raises(ConfigFault) as fault:
        read_manifest(config.manifest)
    assert fault.value.where == str(tmp_path / "network.json")
    return str(fault.value)


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    MANIFEST.write(tmp_path / "network.json")
    assert Manifest.read(tmp_path / "network.json") == MANIFEST
    assert [file.name for file in tmp_path.iterdir()] == ["network.json"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"engine": "besu2"}, "unknown chain engine 'besu2'"),
        ({"engine": None}, "engine"),
        ({"chain_id": "31337"}, "chain_id"),
        ({"chain_id": 0}, "chain_id"),
        ({"chain_id": True}, "chain_id"),
        ({"first_block": -1}, "first_block"),
        ({"genesis": "0xab"}, "genesis"),
        ({"genesis": 5}, "genesis"),
        ({"addresses": {}}, "addresses.ConsortiumRegistry"),
        ({"addresses": []}, "addresses"),
        ({"addresses": MANIFEST.addresses | {"Reconciliation": "0x12"}}, "addresses.Reconcil"),
        (
            {"addresses": MANIFEST.addresses | {"ReserveLedger": "0x" + "ab" * 20}},
            "addresses.ReserveLedger is not a checksummed address",
        ),
    ],
)
def test_a_fault_in_a_manifest_is_named(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    said = manifest_fault(tmp_path, json.dumps(asdict(MANIFEST) | change).encode())
    assert named in said
    assert "take it from the bank that founded the network" in said


@pytest.mark.parametrize("key", list(asdict(MANIFEST)))
def test_a_manifest_without_a_key(tmp_path: Path, key: str) -> None:
    whole = asdict(MANIFEST)
    del whole[key]
    assert key in manifest_fault(tmp_path, json.dumps(whole).encode())


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"engine"', b"\xff"])
def test_what_is_no_manifest(tmp_path: Path, content: bytes) -> None:
    assert "is not a network manifest" in manifest_fault(tmp_path, content)


def test_a_manifest_that_is_not_there(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, manifest='"network.json"'))
    with pytest.raises(ConfigFault, match="cannot be read") as fault:
        read_manifest(config.manifest)
    assert "Found the network first" in fault.value.remedy


def test_keys_of_a_later_version_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    path.write_text(json.dumps(asdict(MANIFEST) | {"peers": []}))
    assert Manifest.read(path) == MANIFEST


def test_the_approvers_key_is_off_unless_its_files_are_named(tmp_path: Path) -> None:
    assert load_config(written(tmp_path)).approver is None
    tail = '[approver]\nkeystore = "approver.json"\npassphrase = "secret"\n'
    approver = load_config(written(tmp_path, tail)).approver
    assert approver is not None
    assert (approver.keystore, approver.passphrase) == (
        tmp_path / "approver.json",
        tmp_path / "secret",
    )
    without = '[approver]\nkeystore = "approver.json"\n'
    assert "approver.passphrase" in fault_of(written(tmp_path, without)).what


def test_the_operators_key_is_no_approver(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    made = create_keys(keys, development=True)
    for name, development, match in (
        ("approver", True, None),
        ("approver", False, "development key"),
        ("operator", True, "the operator's key approves nothing"),
        ("absent", True, "no such key"),
    ):
        tail = f'[approver]\nkeystore = "keys/{name}.json"\npassphrase = "keys/passphrase"\n'
        config = load_config(written(tmp_path, tail, development=str(development).lower()))
        if match is None:
            opened = approver_key(config, made.operator)
            assert opened is not None
            assert opened().address == made.approver
        else:
            with pytest.raises(ConfigFault, match=match):
                approver_key(config, made.operator)
    assert approver_key(load_config(written(tmp_path)), made.operator) is None


OIDC = """
[oidc]
issuer = "https://login.bank.example"
client_id = "tallystick"
client_secret = "secret"
redirect_uri = "https://bank.example/login/oidc/callback"
[oidc.roles]
"loans" = ["officer", "treasury"]
"it" = "administrator"
"""


class TestOpenIdProvider:
    def config(self, folder: Path, change: tuple[str, str] = ("", ""), **keys: str) -> Path:
        (folder / "secret").write_text("s3cret")
        return written(folder, OIDC.replace(*change), **keys)

    def test_groups_and_scopes(self, tmp_path: Path) -> None:
        named = load_config(self.config(tmp_path)).oidc
        assert named is not None
        assert named.roles == {"loans": ("officer", "treasury"), "it": ("administrator",)}
        assert named.scopes == ("openid", "profile")
        assert named.client_secret == tmp_path / "secret"

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (('"https://login', '"http://login'), "http://login.bank.example is not https"),
            (('"https://bank', '"http://bank'), "is not https"),
            (("/callback", "/elsewhere"), "oidc.redirect_uri"),
            (('client_id = "tallystick"', 'scopes = ["profile"]'), "openid is one of them"),
            (('"secret"', '"none"'), "client_secret: there is no file"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, tmp_path: Path, change: tuple[str, str], said: str
    ) -> None:
        assert said in str(fault_of(self.config(tmp_path, change)))

    @pytest.mark.parametrize("roles", ['["administrator", "officer"]', '"king"'])
    def test_roles_that_nobody_has(self, tmp_path: Path, roles: str) -> None:
        config = load_config(self.config(tmp_path, ('["officer", "treasury"]', roles)))
        with pytest.raises(ConfigFault, match=r"\[oidc.roles\]"):
            openid_sign_in(config, create_engine("sqlite://"), STANDARD_LENGTHS)

    def test_a_development_network_may_do_without_tls(self, tmp_path: Path) -> None:
        change = ('"https://login', '"http://localhost')
        assert load_config(self.config(tmp_path, change, development="true")).oidc is not None


@pytest.mark.parametrize(
    ("key", "value"), [("idle_minutes", 4), ("idle_minutes", 241), ("hours", 0), ("hours", 25)]
)
def test_sessions_last_within_bounds(tmp_path: Path, key: str, value: int) -> None:
    assert f"sessions.{key}" in str(fault_of(written(tmp_path, f"[sessions]\n{key} = {value}\n")))
    good = load_config(written(tmp_path, "[sessions]\nidle_minutes = 15\n"))
    assert session_lengths(good) == SessionLengths(timedelta(minutes=15), timedelta(hours=12))


def test_every_file_of_certificates_is_watched_for_its_end(tmp_path: Path) -> None:
    """Whatever `bank.toml` may name, and whoever adds to it."""
    named = {
        f"{place}{key}"
        for place, table in _tables()
        for key in table.model_fields
        if key.removeprefix("rpc_") in ("ca", "cert")
    }
    assert certificate_files(load_config(written(tmp_path))).keys() == named


def _tables() -> Iterator[tuple[str, type[BaseModel]]]:
    yield "", BankConfig
    for key, field in BankConfig.model_fields.items():
        for one in (field.annotation, *get_args(field.annotation)):
            if isinstance(one, type) and issubclass(one, BaseModel):
                yield f"[{key}] ", one
