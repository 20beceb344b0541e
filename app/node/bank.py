"""Wires one bank's parts together, from its configuration."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from sqlalchemy import Engine

from app.actions.sender import Signer
from app.actions.validators import ValidatorVotes
from app.actions.view import View
from app.chain.failover import Endpoints
from app.chain.manifest import Manifest
from app.chain.rpc import ClientTls
from app.chain.validators import chain_nodes
from app.config import BankConfig
from app.db import engine as db
from app.db.vault import Vault
from app.domain.errors import ConfigFault, UsageFault
from app.indexer.follower import ChainFollower
from app.intake.facilities import Intakes
from app.keys.keystore import SEALING, STORAGE, load_account, load_account_file
from app.keys.versions import KeyVersions
from app.outbox.dead_letters import collect
from app.outbox.posting import Posting
from app.people.oidc.provider import Provider
from app.people.oidc.sign_in import OidcSignIn
from app.people.roles import checked_roles
from app.people.sessions import SessionLengths
from app.prepared_acts.preparing import PreparedActs
from app.prepared_acts.signing import Signing


@dataclass(frozen=True, slots=True)
class Bank:
    """One bank's parts. Close it at the end."""

    config: BankConfig
    manifest: Manifest
    engine: Engine
    endpoints: Endpoints
    member: int
    view: View
    intakes: Intakes
    posting: Posting
    follower: ChainFollower
    validator_votes: ValidatorVotes
    acts: PreparedActs
    signing: Signing
    session_lengths: SessionLengths
    oidc: OidcSignIn | None

    @property
    def name(self) -> str:
        return self.config.name

    def operator(self) -> Signer:
        """The operator key in use, in turn with the postings."""
        return Signer(
            self.posting.rpc, self.posting.operator, self.name, "operator", outbox=self.engine
        )

    def close(self) -> None:
        """Let a successor post at once, and close the connections to the database and the chain."""
        try:
            self.posting.release()
        finally:
            _disconnect(self.engine, self.endpoints)


def open_bank(config: BankConfig) -> Bank:
    """Raises ConfigFault, KeyUnusable, WrongChain or ChainUnreachable when a bank cannot be set
    up."""
    manifest = read_manifest(config.manifest)
    lengths = session_lengths(config)
    operator = load_account(config.keys, "operator", development=config.development)
    approver = approver_key(config, operator.address)
    storage_keys = KeyVersions(config.keys, STORAGE, development=config.development)
    engine = db.create(config.database_url, vault=Vault(storage_keys))
    endpoints = Endpoints(config.rpc, manifest, client_tls(config))
    try:
        db.upgrade(engine)
        sealing_keys = KeyVersions(config.keys, SEALING, development=config.development)
        view = View(engine, config.name, lambda: sealing_keys, manifest.addresses)
        # Submitting, reading, voting and what people sign go on beside each other: each has a
        # client of its own.
        follower = ChainFollower(
            engine,
            endpoints.client(),
            manifest,
            config.name,
            operator.address,
            sealing_keys,
            collect=partial(collect, engine),
        )
        posting = Posting(
            engine,
            endpoints.client(),
            manifest,
            bank=config.name,
            member=follower.member,
            operator=operator,
            keys=config.keys,
            sealing_keys=sealing_keys,
            development=config.development,
        )
        acts_rpc = endpoints.client()
        return Bank(
            config=config,
            manifest=manifest,
            engine=engine,
            endpoints=endpoints,
            member=follower.member,
            view=view,
            intakes=Intakes(engine, config.name, follower.is_behind),
            posting=posting,
            follower=follower,
            validator_votes=_validator_votes(config, manifest, view, follower.member),
            acts=PreparedActs(view, acts_rpc, signs=approver is not None),
            signing=Signing(view, acts_rpc, manifest, approver, lambda: posting.operator),
            session_lengths=lengths,
            oidc=openid_sign_in(config, engine, lengths),
        )
    except BaseException:
        _disconnect(engine, endpoints)
        raise


def approver_key(
    config: BankConfig, operator: ChecksumAddress
) -> Callable[[], LocalAccount] | None:
    """Opens the key that signs what people have signed, and which was seen to open; None where the
    configuration names none. Raises KeyUnusable, and ConfigFault for the operator's key."""
    named = config.approver
    if named is None:
        return None
    opened = partial(
        load_account_file, named.keystore, named.passphrase, development=config.development
    )
    if opened().address == operator:
        raise ConfigFault(
            "[approver]: the operator's key approves nothing",
            where=str(config.path),
            remedy="Name the keystore of the approver key",
        )
    return opened


def session_lengths(config: BankConfig) -> SessionLengths:
    """As the configuration has them."""
    set_to = config.sessions
    return SessionLengths(timedelta(minutes=set_to.idle_minutes), timedelta(hours=set_to.hours))


def openid_sign_in(
    config: BankConfig, engine: Engine, lengths: SessionLengths
) -> OidcSignIn | None:
    """Signing in at the bank's provider; None where the configuration names none. Raises
    ConfigFault for roles that there are not, or that nobody has together."""
    named = config.oidc
    if named is None:
        return None
    try:
        roles = {group: checked_roles(given) for group, given in named.roles.items()}
    except UsageFault as fault:
        where = str(config.path)
        raise ConfigFault(f"[oidc.roles]: {fault.what}", where=where, remedy=fault.remedy) from None
    try:
        trust = ssl.create_default_context(cafile=named.ca) if named.ca else None
    except ssl.SSLError:
        raise ConfigFault("[oidc]: ca holds no certificate", where=str(named.ca)) from None
    provider = Provider(
        named.issuer,
        named.client_id,
        named.client_secret,
        named.redirect_uri,
        named.scopes,
        trust,
    )
    return OidcSignIn(engine, provider, named.groups_claim, roles, lengths)


def _validator_votes(
    config: BankConfig, manifest: Manifest, view: View, member: int
) -> ValidatorVotes:
    own = config.validator
    try:
        nodes = chain_nodes(manifest.engine, own.control, own.engine) if own else []
    except ValueError as fault:
        raise ConfigFault(f"[validator]: {fault}", where=str(config.path)) from None
    return ValidatorVotes(view, member, nodes)


def read_manifest(path: Path) -> Manifest:
    """The network that a file describes. Raises ConfigFault."""
    try:
        return Manifest.read(path)
    except OSError as fault:
        raise ConfigFault(
            f"the network manifest cannot be read ({fault.strerror})",
            where=str(path),
            remedy="Found the network first, or copy network.json from the bank that did",
        ) from None
    except ValueError as fault:
        raise ConfigFault(str(fault), where=str(path)) from None


def client_tls(config: BankConfig) -> ClientTls:
    """What this bank's node trusts and shows at https endpoints."""
    return ClientTls(config.rpc_ca, config.rpc_cert, config.rpc_key)


def _disconnect(engine: Engine, endpoints: Endpoints) -> None:
    engine.dispose()
    endpoints.close()
