"""The vault of databases that tests make: one key for all."""

from app.db.vault import KEY_BYTES, Vault

VAULT = Vault([bytes(KEY_BYTES)])
