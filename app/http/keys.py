"""API keys: made once, shown once, kept as SHA-256 hashes.

A key reads `tk_<id>_<secret>`: the id (12 hex digits) finds the row, the secret is 256 random bits.
Nobody guesses those: a slow hash would protect nothing, and hold up everybody whenever somebody
tries wrong keys (docs/decisions/0030-api-keys.md). Each request checks the hash and that the key is
not revoked.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Engine, insert, select, update

from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.db.clock import now, stamp
from app.domain.errors import UsageFault
from app.http.tables import api_keys

Role = Literal["feeds", "read", "metrics", "admin"]
"""`feeds` pushes events, `read` reads, `metrics` scrapes /metrics and sees nothing else, `admin`
does all of it and manages keys."""

ROLES: tuple[Role, ...] = ("feeds", "read", "metrics", "admin")

LONGEST_NAME = 100
_SHAPE = re.compile(r"tk_([0-9a-f]{12})_[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it may be shown: everything but its secret. Times are ISO 8601, UTC."""

    id: str
    name: str
    role: Role
    created_at: str
    revoked_at: str | None

    @property
    def actor(self) -> str:
        """As the audit trail names this key."""
        return f"key:{self.id}"


def checked_role(role: str) -> Role:
    """The role by this name. Raises UsageFault."""
    for known in ROLES:
        if known == role:
            return known
    raise UsageFault("choose what the key may do", remedy=f"One of {', '.join(ROLES)}")


def create(connection: Connection, name: str, role: Role) -> tuple[Key, str]:
    """Make a key and return it with its text, which is nowhere kept and cannot be shown again.
    Raises UsageFault."""
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise UsageFault(f"a key's name has 1 to {LONGEST_NAME} characters")
    key = Key(secrets.token_hex(6), name, role, stamp(now()), None)
    text = f"tk_{key.id}_{secrets.token_hex(32)}"
    connection.execute(
        insert(api_keys).values(
            id=key.id,
            name=key.name,
            role=key.role,
            hash=_hash(text),
            created_at=key.created_at,
        )
    )
    details = {"name": key.name, "role": key.role}
    append(connection, Entry(current_actor.get(), "key.create", key.id, details=details))
    return key, text


def revoke(connection: Connection, key_id: str) -> bool:
    """Close a key from now on; False when there is none by that id that is open."""
    changed = connection.execute(
        update(api_keys)
        .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=stamp(now()))
    )
    if changed.rowcount:
        append(connection, Entry(current_actor.get(), "key.revoke", key_id))
    return changed.rowcount == 1


def list_keys(connection: Connection) -> list[Key]:
    """All keys, revoked ones too, oldest first."""
    rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))
    return [Key(row.id, row.name, row.role, row.created_at, row.revoked_at) for row in rows]


class Keyring:
    """Verifies keys against the database. Safe for threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def verify(self, text: str) -> Key | None:
        """The open key that `text` is, or None."""
        shape = _SHAPE.fullmatch(text)
        if shape is None:
            return None
        found = self._row(shape[1])
        if found is None:
            return None
        key, hashed = found
        return key if hmac.compare_digest(hashed, _hash(text)) else None

    def open_key(self, key_id: str) -> Key | None:
        """The key by that id while it is not revoked: for a session that it has opened."""
        found = self._row(key_id)
        return found[0] if found else None

    def screen_token(self, text: str) -> str | None:
        """What a screen on a wall keeps of a key of role `read`: it opens the wall's page alone,
        while the key does; None for any other text."""
        key = self.verify(text)
        return _screen_token(key.id, _hash(text)) if key and key.role == "read" else None

    def screen(self, token: str) -> Key | None:
        """The open key of a screen's token, or None."""
        found = self._row(token.partition(".")[0])
        if found is None:
            return None
        key, hashed = found
        expected = _screen_token(key.id, hashed)
        return key if hmac.compare_digest(token.encode(), expected.encode()) else None

    def _row(self, key_id: str) -> tuple[Key, str] | None:
        with self._engine.connect() as connection:
            row = connection.execute(
                select(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
            ).one_or_none()
        if row is None:
            return None
        return Key(row.id, row.name, row.role, row.created_at, None), row.hash


def _screen_token(key_id: str, hashed: str) -> str:
    return f"{key_id}.{hmac.new(hashed.encode(), b'screen', hashlib.sha256).hexdigest()}"


def _hash(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
