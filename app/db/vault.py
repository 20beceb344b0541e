"""What lies encrypted in the database: customers' details, and the values of quarantined rows.

The key is a keystore file of the bank's (`storage.json`) and never in the database, so that a copy
of the database, or a backup, tells nothing of borrowers.
"""

import itertools
import os
from collections.abc import Callable, Iterable

from nacl.bindings import crypto_secretbox_easy, crypto_secretbox_open_easy
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from sqlalchemy import Connection

from app.domain.errors import ConfigFault, StorageFault

KEY_BYTES = SecretBox.KEY_SIZE
_OPTION = "vault"


class Vault:
    """Encrypts single values (XSalsa20-Poly1305, a nonce each)."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        """`keys` of KEY_BYTES, asked for each time: the one in use first, then those that older
        values may be sealed with."""
        self._keys = keys
        self._opened_before: bytes | None = None

    def sealer(self) -> Callable[[bytes], bytes]:
        """Seals the values of one transaction, with the key that is in use now. Their nonces are
        16 bytes drawn for the transaction, which no other has, and a count."""
        key = bytes(SecretBox(next(iter(self._keys))))
        drawn, numbers = os.urandom(SecretBox.NONCE_SIZE - 8), itertools.count()

        def seal(clear: bytes) -> bytes:
            nonce = drawn + next(numbers).to_bytes(8)
            return nonce + crypto_secretbox_easy(clear, nonce, key)

        return seal

    def open(self, sealed: bytes) -> bytes:
        """Raises StorageFault for what another key has sealed, or what was changed."""
        if self._opened_before is not None:  # most values share a key with the one before
            try:
                return _opened(sealed, self._opened_before)
            except CryptoError:
                pass
        for key in self._keys:
            try:
                opened = _opened(sealed, key)
            except CryptoError:
                continue
            self._opened_before = key
            return opened
        raise StorageFault(
            "what is encrypted in the database does not open with this bank's storage key",
            remedy="Restore storage.json from the backup that belongs to this database",
        )


def _opened(sealed: bytes, key: bytes) -> bytes:
    """Raises CryptoError."""
    nonce_bytes = SecretBox.NONCE_SIZE
    return crypto_secretbox_open_easy(sealed[nonce_bytes:], sealed[:nonce_bytes], key)


def vault_option(vault: Vault | None) -> dict[str, Vault | None]:
    """The engine's execution option that carries its vault to where rows are written and read."""
    return {_OPTION: vault}


def vault_of(connection: Connection) -> Vault:
    """The vault of a connection's engine. Raises ConfigFault where it was opened without one."""
    vault = connection.get_execution_options().get(_OPTION)
    if not isinstance(vault, Vault):
        raise ConfigFault(
            "this database was opened without its storage key",
            remedy="Run the command with the bank's --config",
        )
    return vault
