"""A bank's keys: encrypted keystore files (Web3 Secret Storage) in one folder.

`operator` posts, `approver` agrees (facilities, votes, resolutions), `recovery` replaces lost
keys, `sealing` (X25519) opens details, `storage` what lies encrypted in the bank's database. The
passphrase is read from a file beside them that only its owner may read, and which production
replaces by a mounted secret.
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keyfile.keyfile import create_keyfile_json, decode_keyfile_json
from eth_typing import ChecksumAddress
from nacl.public import PrivateKey

from app.keys.errors import KeyUnusable

SIGNING_KEYS = ("operator", "approver", "recovery")
SEALING = "sealing"
STORAGE = "storage"
_STORAGE_KEY_BYTES = 32
_PASSPHRASE = "passphrase"
_NEXT = "next"
_MAKING = ".new"
_RETIRED = "retired"
_PRODUCTION_SCRYPT_N = 1 << 18
_PUBLIC = re.compile("0x[0-9A-Fa-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """What others may know of a bank's keys."""

    operator: ChecksumAddress
    approver: ChecksumAddress
    recovery: ChecksumAddress
    sealing: bytes

    @property
    def accounts(self) -> list[ChecksumAddress]:
        """Those that send transactions."""
        return [self.operator, self.approver, self.recovery]


def create_keys(folder: Path, *, development: bool) -> PublicKeys:
    """Make a bank's keys under a random passphrase, in a folder that is new or empty. Development
    keys are marked and cheap to open; outside development they are refused. Raises KeyUnusable
    when there is anything already, and where no folder can be made."""
    # Made aside and then named, so that a folder that was cut off in the making is no key folder.
    making = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}{_MAKING}")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise KeyUnusable(
                f"{folder} is there already; keys are never overwritten",
                remedy="Name a new folder; `tally consortium keys show` tells what keys lie in one",
            )
        making.mkdir(parents=True, mode=0o700)
        passphrase = secrets.token_urlsafe(32)
        _write_private(making / _PASSPHRASE, passphrase)
        for name in (*SIGNING_KEYS, SEALING, STORAGE):
            secret = _MAKERS.get(name, _new_signing_key)()
            _store(making / f"{name}.json", name, secret, passphrase.encode(), development)
        making.rename(folder)
    except OSError as fault:
        raise KeyUnusable(f"{folder}: no keys can be made there ({fault.strerror})") from None
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return public_keys(folder)


def unfinished(folder: Path) -> list[Path]:
    """What making a folder's keys has left beside it where it was killed: keys that nobody uses."""
    name = re.compile(re.escape(folder.name) + r"\.[0-9a-f]{8}" + re.escape(_MAKING))
    return sorted(one for one in folder.parent.glob("*") if name.fullmatch(one.name))


def prepare_successor(folder: Path, name: str, *, development: bool) -> str:
    """Make the key that is to follow one, in a file beside it; its public half.

    One that was made before and has not taken its place yet is found again, so that a rotation
    that was cut off goes on with the same key. Raises KeyUnusable.
    """
    successor = f"{name}.{_NEXT}"
    path = folder / f"{successor}.json"
    if not path.exists():
        secret = _MAKERS.get(name, _new_signing_key)()
        # Whole or not at all, like every key file.
        making = folder / f"{successor}.{secrets.token_hex(4)}{_MAKING}"
        _store(making, name, secret, _passphrase(folder / _PASSPHRASE), development)
        making.rename(path)
    # Opened once before anybody relies on it.
    load_secret(path, development=development)
    return public_half(path)


def load_successor(folder: Path, name: str, *, development: bool) -> LocalAccount:
    """Decrypt the signing key that is to follow one. Raises KeyUnusable."""
    return load_account(folder, f"{name}.{_NEXT}", development=development)


def install_successor(folder: Path, name: str) -> Path:
    """Let the successor take its key's place; returns where the old key lies from now on."""
    current = folder / f"{name}.json"
    old = folder / f"{name}.{_RETIRED}-{public_half(current)}.json"
    if not old.exists():
        os.link(current, old)
    (folder / f"{name}.{_NEXT}.json").replace(current)
    return old


def public_keys(folder: Path) -> PublicKeys:
    """Read the public halves without the passphrase."""
    operator, approver, recovery = (
        cast(ChecksumAddress, public_half(folder / f"{name}.json")) for name in SIGNING_KEYS
    )
    sealing = public_half(folder / f"{SEALING}.json")
    return PublicKeys(operator, approver, recovery, bytes.fromhex(sealing))


def public_half(path: Path) -> str:
    """What a key file says of its key in clear. Raises KeyUnusable."""
    return str(_stored(path)["public"])


def standing(folder: Path, name: str) -> list[Path]:
    """The files of a key that serves, and of the one that is to follow it, as far as they exist."""
    paths = (folder / f"{name}.json", folder / f"{name}.{_NEXT}.json")
    return [path for path in paths if path.exists()]


def retired(folder: Path, name: str) -> list[Path]:
    """The files of the keys that served before."""
    return sorted(folder.glob(f"{name}.{_RETIRED}-*.json"))


def load_account(folder: Path, name: str, *, development: bool) -> LocalAccount:
    """Decrypt a signing key. Raises KeyUnusable with the remedy."""
    return load_account_file(folder / f"{name}.json", None, development=development)


def load_account_file(
    path: Path, passphrase_file: Path | None, *, development: bool
) -> LocalAccount:
    """Decrypt a signing key, with a passphrase that may lie elsewhere than beside it. Raises
    KeyUnusable with the remedy."""
    secret = load_secret(path, development=development, passphrase_file=passphrase_file)
    return cast(LocalAccount, Account.from_key(secret))


def load_secret(path: Path, *, development: bool, passphrase_file: Path | None = None) -> bytes:
    """Decrypt a key file. Raises KeyUnusable with the remedy."""
    stored = _stored(path)
    if stored.get("development") and not development:
        raise KeyUnusable(
            f"{path} is a development key; make a production key for a production network",
            remedy="`tally consortium keys create` makes a bank's keys, without --development",
        )
    passphrase = _passphrase(passphrase_file or path.with_name(_PASSPHRASE))
    try:
        return decode_keyfile_json(stored, passphrase)
    except (ValueError, KeyError, TypeError, NotImplementedError):
        # The cause is left out on purpose: it may quote what it tried to decrypt.
        where = "beside it" if passphrase_file is None else f"in {passphrase_file}"
        raise KeyUnusable(f"{path} does not open with the passphrase {where}") from None


def _new_signing_key() -> bytes:
    return bytes(Account.create().key)


_MAKERS: dict[str, Callable[[], bytes]] = {
    SEALING: lambda: bytes(PrivateKey.generate()),
    STORAGE: lambda: secrets.token_bytes(_STORAGE_KEY_BYTES),
}


def _store(path: Path, name: str, secret: bytes, passphrase: bytes, development: bool) -> None:
    if development:  # eth_keyfile's scrypt takes milliseconds even where it does no work
        stored = create_keyfile_json(secret, passphrase, kdf="pbkdf2", iterations=1)
    else:
        stored = create_keyfile_json(
            secret, passphrase, kdf="scrypt", iterations=_PRODUCTION_SCRYPT_N
        )
    about = {"public": _public_half(name, secret), "development": development}
    _write_private(path, json.dumps(stored | about, indent=2))


def _public_half(name: str, secret: bytes) -> str:
    """What the file says of the key in clear; a storage key has nothing public but a digest."""
    if name == SEALING:
        return bytes(PrivateKey(secret).public_key).hex()
    if name == STORAGE:
        return sha256(b"tallystick storage key" + secret).hexdigest()
    return str(Account.from_key(secret).address)


def _stored(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text())
    except FileNotFoundError:
        raise KeyUnusable(f"{path}: no such key; restore it from the bank's backup") from None
    except OSError as fault:
        raise KeyUnusable(f"{path}: cannot be read ({fault.strerror})") from None
    except ValueError:
        stored = None
    public = stored.get("public") if isinstance(stored, dict) else None
    if not isinstance(public, str) or not _PUBLIC.fullmatch(public):
        raise KeyUnusable(f"{path}: not a key file of this application")
    return cast(dict[str, Any], stored)


def _passphrase(file: Path) -> bytes:
    try:
        # A secret that was written by hand ends in a line feed.
        return file.read_bytes().rstrip(b"\r\n")
    except OSError as fault:
        raise KeyUnusable(f"{file}: cannot be read ({fault.strerror})") from None


def _write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
