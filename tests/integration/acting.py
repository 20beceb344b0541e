"""Banks whose people act through their nodes' REST interface and pages, on a real chain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from eth_utils.address import to_checksum_address
from sqlalchemy import Engine

from app.actions.view import View
from app.db.engine import create, upgrade
from app.keys.keystore import create_keys, load_account
from app.keys.possession import Registry, prove_admission, signing_accounts
from app.prepared_acts.preparing import PreparedActs
from app.prepared_acts.signing import Signing
from tests.integration.faces import Credentials, Face, enrolled, face, with_token
from tests.integration.posted import World
from tests.integration.vaults import VAULT


@dataclass
class Colleague:
    """Somebody of a bank who is signed in. `codes` are second factors that were not used yet."""

    client: httpx.Client
    credentials: Credentials
    codes: list[str]

    @property
    def shown_as(self) -> str:
        return self.credentials.person.display_name

    def prepare(self, act: str, **asked: Any) -> httpx.Response:
        return self.client.post("/v1/acts", json={"act": act, **asked})

    def sign(self, act: dict[str, Any], **changes: str) -> httpx.Response:
        code = changes.get("code") or self.codes.pop()
        body = {"hash": act["hash"], "code": code} | changes
        return self.client.post(f"/v1/acts/{act['number']}/sign", json=body)

    def withdraw(self, act: dict[str, Any]) -> httpx.Response:
        return self.client.post(f"/v1/acts/{act['number']}/withdraw")


@dataclass
class ActingBank:
    """A bank's node, and who works there."""

    world: World
    name: str
    engine: Engine
    signing: Signing
    face: Face = field(init=False)

    def read(self) -> None:
        """What its node would do at each block."""
        self.world.indexer(self.name, self.engine).advance()
        self.face.notifier.publish(int(self.world.rpc.call("eth_blockNumber", []), 16))

    def colleague(self, *roles: str) -> Colleague:
        found = enrolled(self.engine, *roles)
        client = with_token(self.face.client_of(found.person))
        return Colleague(client, found, list(found.recovery))


@contextmanager
def acting_bank(
    world: World, name: str, folder: Path, *, signs: bool = True
) -> Iterator[ActingBank]:
    """A bank's node, served; it reads the chain when it is told to."""
    engine = create(f"sqlite:///{folder / f'{name}.sqlite'}", vault=VAULT)
    upgrade(engine)
    view = View(engine, name, lambda: world.sealing_keys(name), world.manifest.addresses)

    def approver() -> Any:
        return load_account(world.folder.keys(name), "approver", development=True)

    def operator() -> Any:
        return load_account(world.folder.keys(name), "operator", development=True)

    signing = Signing(view, world.rpc, world.manifest, approver if signs else None, operator)
    bank = ActingBank(world, name, engine, signing)
    role = "lead" if name == world.lead else "partner"
    try:
        with face(
            engine,
            bank=name,
            member=world.numbers[name],
            role=role,
            acts=PreparedActs(view, world.rpc, signs=signs),
            signing=signing,
        ) as served:
            bank.face = served
            bank.read()
            yield bank
    finally:
        engine.dispose()


def newcomer_file(
    world: World, folder: Path, name: str, registry: str | None = None
) -> dict[str, Any]:
    """As `tally consortium keys show --json` makes it."""
    keys = folder / f"{name}-{registry}"
    public = create_keys(keys, development=True)
    where = Registry(
        world.manifest.chain_id,
        to_checksum_address(registry or world.manifest.addresses["ConsortiumRegistry"]),
    )
    signers = signing_accounts(keys, development=True)
    return {
        "name": name,
        "role": "partner",
        "operator": public.operator,
        "approver": public.approver,
        "recovery": public.recovery,
        "sealing_key": public.sealing.hex(),
        "proof": "0x" + prove_admission(where, name, 2, public, signers).hex(),
    }
