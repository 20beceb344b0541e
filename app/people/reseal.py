"""Authenticators' secrets, sealed anew when the bank's storage key rotates."""

from sqlalchemy import Engine, select, update

from app.db.vault import Vault
from app.people.tables import enrolments, people


def reseal_secrets(engine: Engine, vault: Vault) -> None:
    """Open each and seal it with the vault's first key, all in one transaction. Raises StorageFault
    for one that none of the vault's keys opens."""
    seal = vault.sealer()
    with engine.begin() as connection:
        for table, key in ((people, people.c.id), (enrolments, enrolments.c.person)):
            rows = connection.execute(
                select(key, table.c.totp_secret).where(table.c.totp_secret.is_not(None))
            ).all()
            for owner, sealed in rows:
                anew = seal(vault.open(sealed))
                connection.execute(update(table).where(key == owner).values(totp_secret=anew))
