"""All checks, in the order in which a person would make them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from app.config import BankConfig, NodeConfig, load_node
from app.doctor import machine, network, storage
from app.doctor.finding import Finding, fail, failed, ok, warn
from app.domain.errors import ConfigFault, StorageFault
from app.node.bank import read_manifest
from app.node.isolation import check_isolation


def examine(path: Path) -> Iterator[Finding]:
    """Look at a node's configuration and all that it names, channel by channel. Nothing is changed,
    and nothing that cannot be looked at ends the rest."""
    try:
        config = load_node(path)
    except ConfigFault as fault:
        remedy = fault.remedy or "Mend it; README.md shows one"
        yield fail("configuration", f"{path}: {fault.what}", remedy)
        return
    yield ok("configuration", str(path))
    yield machine.check_port(config)
    if isinstance(config, BankConfig):
        yield from _bank(config)
        return
    yield _isolation(config)
    for name, channel in config.channels.items():
        for finding in _bank(channel):
            yield replace(finding, check=f"{name}: {finding.check}")


def _isolation(config: NodeConfig) -> Finding:
    try:
        check_isolation(config)
    except ConfigFault as fault:
        return failed("channels", fault)
    return ok("channels", f"the {len(config.channels)} share nothing that each must have alone")


def _bank(config: BankConfig) -> Iterator[Finding]:
    yield from machine.check_keys(config)
    yield machine.check_inbox(config)
    yield from machine.check_archive(config)
    yield from _beyond(config)


def _beyond(config: BankConfig) -> Iterator[Finding]:
    manifest = chain = None
    try:
        manifest = read_manifest(config.manifest)
    except ConfigFault as fault:
        yield failed("manifest", fault)
    else:
        yield ok("manifest", f"chain {manifest.chain_id}, engine {manifest.engine}")
        chain, found = network.check_endpoints(config, manifest)
        yield from found
    try:
        if chain is not None and manifest is not None:
            yield from network.check_clock(chain, manifest)
            yield network.check_membership(config, manifest, chain)
        if manifest is not None:
            yield from network.check_own_nodes(config, manifest)
        engine, found = storage.check_database(config)
        yield from found
        if any(one.check == "database" and "URL" in one.what for one in found):
            return
        yield from machine.check_disk(config, storage.folder_of(config))
        if engine is None:
            return
        try:
            yield storage.check_storage_key(config, engine)
            if manifest is not None:
                yield from storage.check_read_model(engine, manifest, chain)
                yield from storage.check_outbox(config, engine, manifest, chain)
            yield from storage.check_facilities(config, engine)
            yield storage.check_lease(config, engine)
        except StorageFault as fault:
            yield failed("database", fault)
        except ConfigFault:
            yield warn("lease", "cannot be looked up without the keys", "Mend the keys first")
        finally:
            engine.dispose()
    finally:
        if chain is not None:
            chain.rpc.close()
