"""Keystores: who may read the files, what is refused, and that no fault tells a secret."""

from __future__ import annotations

import json
import stat
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from nacl.public import PrivateKey

from app.keys import keystore
from app.keys.errors import KeyUnusable
from app.keys.keystore import (
    SEALING,
    SIGNING_KEYS,
    create_keys,
    load_account,
    load_account_file,
    load_secret,
    public_keys,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bank") / "keys"
    create_keys(folder, development=True)
    return folder


@pytest.fixture
def keys(made: Path, tmp_path: Path) -> Path:
    """A copy of a bank's keys that a test may damage."""
    folder = tmp_path / "keys"
    folder.mkdir()
    for file in made.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_only_the_owner_may_read(made: Path) -> None:
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    keys = (*SIGNING_KEYS, "sealing", "storage")
    names = {"passphrase", *(f"{name}.json" for name in keys)}
    assert {file.name for file in made.iterdir()} == names
    for file in made.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_keys_open_to_what_is_public_of_them(made: Path) -> None:
    public = public_keys(made)
    for name in SIGNING_KEYS:
        assert load_account(made, name, development=True).address == getattr(public, name)
    assert len({public.operator, public.approver, public.recovery}) == 3
    assert len(load_secret(made / f"{SEALING}.json", development=True)) == 32


def test_no_secret_lies_in_a_file_in_clear(made: Path) -> None:
    secrets = [bytes(load_account(made, name, development=True).key) for name in SIGNING_KEYS]
    secrets.append(load_secret(made / f"{SEALING}.json", development=True))
    for file in made.iterdir():
        content = file.read_bytes()
        for secret in secrets:
            assert secret not in content and secret.hex().encode() not in content


def test_keys_are_never_overwritten(made: Path) -> None:
    before = (made / "operator.json").read_bytes()
    with pytest.raises(KeyUnusable, match="never overwritten"):
        create_keys(made, development=True)
    assert (made / "operator.json").read_bytes() == before


def test_keys_that_were_cut_off_in_the_making_are_no_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut, pytest.raises(KeyboardInterrupt):
        cut.setattr(PrivateKey, "generate", fail)
        create_keys(tmp_path / "keys", development=True)
    assert list(tmp_path.iterdir()) == []
    create_keys(tmp_path / "keys", development=True)
    assert load_account(tmp_path / "keys", "operator", development=True)


def test_development_keys_are_refused_outside_development(made: Path) -> None:
    for load in (
        lambda: load_account(made, "operator", development=False),
        lambda: load_secret(made / f"{SEALING}.json", development=False),
    ):
        with pytest.raises(KeyUnusable, match="development key; make a production key"):
            load()


def test_production_keys(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys", development=False)
    assert load_account(tmp_path / "keys", "operator", development=False)
    stored = json.loads((tmp_path / "keys" / "operator.json").read_text())
    assert stored["development"] is False
    assert stored["crypto"]["kdf"] == "scrypt"


def test_the_work_to_open_production_keys_is_the_usual_one(
    tmp_path: Path, real_scrypt_n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keystore, "_PRODUCTION_SCRYPT_N", real_scrypt_n)
    keystore._store(tmp_path / "key.json", "operator", b"\1" * 32, b"a passphrase", False)
    stored = json.loads((tmp_path / "key.json").read_text())
    assert stored["crypto"]["kdfparams"]["n"] == 262_144


def test_a_passphrase_that_ends_in_a_line_feed(keys: Path) -> None:
    passphrase = (keys / "passphrase").read_text()
    (keys / "passphrase").write_text(passphrase + "\n")
    assert load_account(keys, "operator", development=True)


def test_a_wrong_passphrase_tells_no_secret(keys: Path) -> None:
    (keys / "passphrase").write_text("hunter2-hunter2")
    stored = json.loads((keys / "operator.json").read_text())
    with pytest.raises(KeyUnusable, match="does not open with the passphrase") as fault:
        load_account(keys, "operator", development=True)
    said = "".join(traceback.format_exception(fault.value))
    for secret in ("hunter2", stored["crypto"]["ciphertext"], stored["crypto"]["mac"]):
        assert secret not in said


def test_a_missing_key_and_a_missing_passphrase(keys: Path) -> None:
    (keys / "approver.json").unlink()
    with pytest.raises(KeyUnusable, match=r"approver\.json: no such key; restore it"):
        load_account(keys, "approver", development=True)
    (keys / "passphrase").unlink()
    with pytest.raises(KeyUnusable, match="passphrase: cannot be read"):
        load_account(keys, "operator", development=True)


DAMAGE: dict[str, Callable[[dict[str, Any]], object]] = {
    "no object": lambda stored: [1],
    "no public half": lambda stored: {key: stored[key] for key in stored if key != "public"},
    "public half no text": lambda stored: stored | {"public": 5},
    "public half no key": lambda stored: stored | {"public": "0xnothing"},
    "no ciphertext": lambda stored: stored | {"crypto": {}},
    "other cipher": lambda stored: stored | {"crypto": stored["crypto"] | {"kdf": "none"}},
    "broken mac": lambda stored: stored | {"crypto": stored["crypto"] | {"mac": "00" * 32}},
    "another version": lambda stored: stored | {"version": 9},
    "no version": lambda stored: {key: stored[key] for key in stored if key != "version"},
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_key_file(keys: Path, damage: str) -> None:
    path = keys / "operator.json"
    path.write_text(json.dumps(DAMAGE[damage](json.loads(path.read_text()))))
    with pytest.raises(KeyUnusable, match=r"operator\.json"):
        load_account(keys, "operator", development=True)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"null"])
def test_a_file_that_is_no_key_file(keys: Path, content: bytes) -> None:
    (keys / "sealing.json").write_bytes(content)
    with pytest.raises(KeyUnusable, match="not a key file"):
        load_secret(keys / f"{SEALING}.json", development=True)
    with pytest.raises(KeyUnusable, match="not a key file"):
        public_keys(keys)


def test_a_folder_in_place_of_a_key_file(keys: Path) -> None:
    (keys / "operator.json").unlink()
    (keys / "operator.json").mkdir()
    with pytest.raises(KeyUnusable, match="cannot be read"):
        load_account(keys, "operator", development=True)


def test_accounts_do_not_show_their_key(made: Path) -> None:
    account = load_account(made, "operator", development=True)
    assert bytes(account.key).hex() not in repr(account)
    assert isinstance(account, type(Account.create()))


def test_a_passphrase_that_lies_elsewhere(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys", development=True)
    elsewhere = tmp_path / "secret"
    (tmp_path / "keys" / "passphrase").rename(elsewhere)
    path = tmp_path / "keys" / "approver.json"
    opened = load_account_file(path, elsewhere, development=True)
    assert opened.address == public_keys(tmp_path / "keys").approver
    with pytest.raises(KeyUnusable, match="development key"):
        load_account_file(path, elsewhere, development=False)
    elsewhere.write_text("another")
    with pytest.raises(KeyUnusable, match="does not open with the passphrase in"):
        load_account_file(path, elsewhere, development=True)
