"""The vault: what is sealed opens again, and no two values have the same nonce."""

from __future__ import annotations

from nacl.secret import SecretBox

from app.db.vault import KEY_BYTES, Vault


def test_no_nonce_is_used_twice_and_all_opens() -> None:
    vault = Vault([bytes(KEY_BYTES)])
    clear = [f"borrower {number}".encode() for number in range(500)]
    sealed = [seal(one) for seal in (vault.sealer(), vault.sealer()) for one in clear]
    assert len({one[: SecretBox.NONCE_SIZE] for one in sealed}) == len(sealed)
    assert [vault.open(one) for one in sealed] == clear + clear
