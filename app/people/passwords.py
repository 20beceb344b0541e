"""Passwords: which are taken, and their argon2id hashes."""

import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.domain.errors import UsageFault

SHORTEST, LONGEST = 12, 256
_FEWEST_CHARACTERS = 5

# argon2-cffi's defaults: argon2id, 64 MiB, 3 passes (RFC 9106, the second recommended option).
_hasher = PasswordHasher()
# Each takes its 64 MiB: sign-ins that come together must not take all memory.
_at_once = threading.BoundedSemaphore(2)


def checked_password(password: str, name: str) -> str:
    """The password, if a person of that name may have it. Raises UsageFault, which says why not."""
    if len(password) < SHORTEST:
        raise UsageFault(f"the password is too short: at least {SHORTEST} characters")
    if len(password) > LONGEST:
        raise UsageFault(f"the password is too long: at most {LONGEST} characters")
    folded = password.casefold()
    if name.casefold() in folded or "tallystick" in folded:
        raise UsageFault("the password holds your name or the program's")
    if len(set(folded)) < _FEWEST_CHARACTERS:
        raise UsageFault(
            f"the password is too plain: at least {_FEWEST_CHARACTERS} different characters"
        )
    return password


def hashed(password: str) -> str:
    """Its argon2id hash, with salt and parameters."""
    with _at_once:
        return _hasher.hash(_normal(password))


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed. It takes as long where there is none."""
    with _at_once:
        nobodys = (
            _nobodys()
        )  # in any case: the first sign-in must not tell whether the name is known
        try:
            _hasher.verify(password_hash or nobodys, _normal(password[: LONGEST + 1]))
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


@cache
def _nobodys() -> str:
    return _hasher.hash("what a password is held against when the name is nobody's")


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
