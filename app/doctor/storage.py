"""The bank's database, and what stands in it: schema, read model, outbox, lease."""

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
from sqlalchemy import Connection, Engine, func, make_url, select

from app.chain.manifest import Manifest
from app.config import BankConfig
from app.contracts.reconciliation import Reconciliation
from app.db import engine as db
from app.db.probe import check_writable
from app.db.vault import Vault
from app.doctor.finding import Finding, fail, failed, ok, warn
from app.doctor.network import Chain
from app.domain.errors import ChainFault, ConfigFault, StorageFault
from app.http.health import BEHIND_BLOCKS
from app.intake.tables import events, quarantine
from app.keys.keystore import SEALING, STORAGE, public_keys
from app.keys.sealing import open_reference_key
from app.keys.versions import KeyVersions
from app.outbox.dead_letters import stopped_batches
from app.outbox.pending import backlog
from app.outbox.tables import batches, leases
from app.readmodel.facilities.agreed import AgreedFacility, facilities_of
from app.readmodel.facilities.sight import ever_in_force
from app.readmodel.tables import cursor, incidents, members

_BUSY_MS = 3_000
STUCK_S = 120
"""So old the oldest event that is not on the chain may be while the chain answers."""


def folder_of(config: BankConfig) -> Path:
    """Where the database's file lies; the inbox where a server keeps it."""
    file = _file(config)
    return config.inbox if file is None else file.parent


def _file(config: BankConfig) -> Path | None:
    url = make_url(config.database_url)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def check_database(config: BankConfig) -> tuple[Engine | None, list[Finding]]:
    """Whether it is there, of this version, and may be written to; opened where it can be read."""
    try:
        file = _file(config)
        engine = db.create(config.database_url, busy_timeout_ms=_BUSY_MS)
    except (ConfigFault, ValueError) as fault:
        remedy = fault.remedy if isinstance(fault, ConfigFault) else "Mend it in bank.toml"
        return None, [fail("database", "the database URL cannot be read", remedy)]
    if file is not None and not file.exists():
        if file.parent.is_dir():
            start = "Start the node: it makes one. If there was one, restore it (docs/runbook.md)"
            return None, [warn("database", f"{file} is not there", start)]
        return None, [
            fail("database", f"{file.parent} is no folder", "Mend `database_url` in bank.toml")
        ]
    try:
        state = db.schema_state(engine)
        found = [_schema(state, db.schema_of(engine.url))]
        if state in ("current", "older"):
            found.append(_writable(engine))
    except StorageFault as fault:
        engine.dispose()
        return None, [failed("database", fault)]
    if state != "current":
        engine.dispose()
        return None, found
    return engine, found


def _schema(state: db.SchemaState, name: str | None) -> Finding:
    check = f"schema {name}" if name else "schema"
    if state == "current":
        return ok(check, "is of this version")
    if state == "newer":
        return fail(
            check,
            "a newer Tallystick has used this database",
            "Run the version that last used it, or a newer one",
        )
    what = "is empty" if state == "empty" else "is of an older version"
    return warn(check, what, "Start the node: it brings it up to date; make a backup before")


def _writable(engine: Engine) -> Finding:
    try:
        check_writable(engine)
    except StorageFault as fault:
        return failed("database", fault)
    return ok("database", "can be read and written")


def check_storage_key(config: BankConfig, engine: Engine) -> Finding:
    """The storage key opens what lies encrypted in this database."""
    with engine.connect() as connection:
        found = (
            connection.execute(select(column).where(column.is_not(None)).limit(1)).scalar()
            for column in (events.c.details, quarantine.c.value)
        )
        sealed = next((one for one in found if one is not None), None)
    if sealed is None:
        return ok("encrypted details", "there are none yet")
    try:
        Vault(KeyVersions(config.keys, STORAGE, development=config.development)).open(sealed)
    except (ConfigFault, StorageFault) as fault:
        return failed("encrypted details", fault)
    return ok("encrypted details", "open with the storage key")


def check_read_model(engine: Engine, manifest: Manifest, chain: Chain | None) -> Iterator[Finding]:
    """How far it is, of which chain, and whether its last block is still the chain's."""
    with engine.connect() as connection:
        at = connection.execute(select(cursor)).one_or_none()
        seen = connection.execute(select(func.count()).select_from(incidents)).scalar_one()
    if at is None:
        yield warn("read model", "no block has been read yet", "Start the node")
        return
    if at.chain_id != manifest.chain_id:
        yield fail(
            "read model",
            f"is that of chain {at.chain_id}, this network is chain {manifest.chain_id}",
            "Name this bank's own database, or rebuild the view with `tally rebuild`",
        )
        return
    if chain is not None:
        behind = chain.head - at.block_number
        if behind > BEHIND_BLOCKS:
            yield warn(
                "read model",
                f"is {behind:,} blocks behind the chain",
                "Start the node, or wait: it catches up; its log says why where it does not",
            )
        else:
            yield ok("read model", f"holds block {at.block_number:,}")
        yield _finality(chain, at.block_number, bytes(at.block_hash))
    if seen:
        yield warn(
            "incidents",
            f"{seen:,} are recorded: the chain took blocks back, or an answer did not add up",
            "Look at the table `incidents`; `tally rebuild` proves the view",
        )
    else:
        yield ok("incidents", "none")


def _finality(chain: Chain, number: int, hash_: bytes) -> Finding:
    try:
        block = chain.rpc.call("eth_getBlockByNumber", [hex(number), False])
    except ChainFault as fault:
        return failed("finality", fault)
    if block is None:
        return warn(
            "finality",
            f"the chain does not have block {number:,} that was read as final",
            "It was restored from an older state, or this endpoint lags; the view rewinds by "
            "itself and the outbox offers again what was lost",
        )
    if bytes.fromhex(block["hash"][2:]) != hash_:
        return warn(
            "finality",
            f"block {number:,} is another one than was read as final",
            "The view rewinds by itself, and the outbox offers again what was lost; find out "
            "what the chain's operators did",
        )
    return ok("finality", "the last block read is still the chain's")


def check_facilities(config: BankConfig, engine: Engine) -> Iterator[Finding]:
    """The reference key of each of this bank's facilities that have legs opens: a lead may propose
    others with any key."""
    try:
        secrets = KeyVersions(config.keys, SEALING, development=config.development)
    except ConfigFault:
        return  # told already
    with engine.connect() as connection:
        agreed = facilities_of(connection, config.name, ever_in_force())
        registered = connection.execute(
            select(members.c.sealing_key).where(members.c.name == config.name)
        ).scalar_one_or_none()
    if registered is not None and bytes(registered) != public_keys(config.keys).sealing:
        yield fail(
            "sealing key",
            "is not the one that the registry has for this bank",
            "Restore the newest keys folder; others seal to the registered key",
        )
    for one in agreed:
        check = f"facility {one.terms.id}"
        sealed = one.sealed_reference_key
        if sealed and open_reference_key(sealed, secrets) is None:
            yield fail(
                check,
                "its reference key does not open with this bank's sealing key",
                f"Restore {config.keys / 'sealing.json'} from the backup",
            )
        else:
            yield ok(check, "its reference key opens")


def check_outbox(
    config: BankConfig, engine: Engine, manifest: Manifest, chain: Chain | None
) -> Iterator[Finding]:
    """What waits, what has stopped, and whether the chain counts only what is in this database."""
    with engine.connect() as connection:
        waiting = backlog(connection)
        stopped = stopped_batches(connection)
        agreed = facilities_of(connection, config.name, ever_in_force())
        if chain is not None:
            yield from _heads(connection, chain, manifest, agreed)
    age = 0
    if waiting.oldest_at is not None:
        since = datetime.fromisoformat(waiting.oldest_at)
        age = int((datetime.now(UTC) - since).total_seconds())
    said = (
        f"{waiting.waiting:,} events wait, {waiting.sealed:,} batches are sealed, "
        f"{waiting.broadcast:,} broadcast; the oldest event is {age:,} s old"
    )
    if chain is not None and age > STUCK_S:
        yield fail(
            "outbox",
            said,
            "See that the node runs; its log says what it waits for (`batch failed`, `job waits`)",
        )
    else:
        yield ok("outbox", said)
    for batch in stopped:
        yield fail(
            f"facility {batch.facility}",
            f"batch {batch.sequence} has stopped: {batch.why}",
            "Mend the cause, then `tally dead-letters replay`",
        )
    if waiting.dead_letters:
        yield warn(
            "dead letters",
            f"{waiting.dead_letters:,} accepted events could not be posted",
            "`tally dead-letters list` says why, `replay` tries them again",
        )
    else:
        yield ok("dead letters", "none")


def _heads(
    connection: Connection, chain: Chain, manifest: Manifest, agreed: list[AgreedFacility]
) -> Iterator[Finding]:
    contract = Reconciliation(chain.rpc, manifest.addresses["Reconciliation"])
    member = connection.execute(select(cursor.c.member)).scalar_one_or_none()
    if member is None:
        return
    for one in agreed:
        check = f"postings to {one.terms.id}"
        try:
            head = contract.head(chain.rpc.call(*contract.head_request(one.number, member)))
        except ChainFault as fault:
            yield failed(check, fault)
            continue
        ours = connection.execute(
            select(batches.c.digest).where(
                batches.c.facility == one.terms.id, batches.c.sequence == head.sequence
            )
        ).scalar_one_or_none()
        if head.sequence and (ours is None or bytes(ours) != head.digest):
            yield fail(
                check,
                f"the chain's batch {head.sequence} is not this database's, so nothing is posted",
                "Was an older database restored? `tally restore` reads back what it lacks. "
                "Otherwise another process posts with this bank's key: stop it, then restore",
            )
        else:
            yield ok(check, f"the chain's batch {head.sequence} is this database's")


def check_lease(config: BankConfig, engine: Engine) -> Finding:
    """Who posts for this bank."""
    with engine.connect() as connection:
        row = connection.execute(
            select(leases).where(leases.c.operator == public_keys(config.keys).operator)
        ).one_or_none()
    if row is None or row.expires_at <= time.time_ns() // 1_000_000:
        return ok("lease", "nobody holds it: no node posts for this bank now")
    host, _, rest = str(row.holder).partition("/")
    pid = rest.partition("/")[0]
    here = host == socket.gethostname()[:30]
    if here and pid.isdigit() and psutil.pid_exists(int(pid)):
        return ok("lease", f"process {pid} on this machine posts for this bank")
    where = (
        f"process {pid} on {host}, which is gone,"
        if here
        else f"another machine or container ({host})"
    )
    return warn(
        "lease",
        f"{where} holds it",
        "After a crash it runs out in seconds. Let one node alone run for this bank: see that "
        "none runs elsewhere",
    )
