"""Keys are replaced while a bank's node works: it goes on, and what was sealed stays open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from app.actions import keys as rotation
from app.actions.keys import Rotated, RotateKey, rotate
from app.actions.sender import Signer
from app.cli import vault as vault_command
from app.contracts.consortium_registry import ConsortiumRegistry
from app.db import reseal
from app.db.vault import vault_of
from app.domain.errors import StorageFault
from app.intake.tables import events, quarantine
from app.keys.keystore import load_account, public_keys, retired
from app.local.reconcile import tick
from app.node.bank import Bank
from app.people.tables import people
from app.readmodel.pairs import queries
from tests.integration.faces import enrolled
from tests.integration.posting import BASE, FACILITY, LEAD, PARTNERS, Net


@pytest.fixture(autouse=True)
def kept_keys(net: Net) -> Iterator[None]:
    """The chain is put back after the test, so are the keys' files."""
    folders = [net.folder.keys(bank) for bank in (LEAD, PARTNERS[0])]
    before = {path: path.read_bytes() for folder in folders for path in folder.iterdir()}
    yield
    for folder in folders:
        for path in folder.iterdir():
            path.unlink()
    for path, octets in before.items():
        path.write_bytes(octets)


def replace(net: Net, bank: Bank, purpose: str, signed_by: str = "approver") -> Rotated:
    registry = ConsortiumRegistry(net.rpc, net.manifest.addresses["ConsortiumRegistry"])
    keys = net.folder.keys(bank.name)
    signer = Signer.load(net.rpc, keys, signed_by, bank=bank.name, development=True)
    return rotate(RotateKey(purpose, keys, development=True), bank.view, registry, signer)


def test_posting_goes_on_with_the_new_operator_key(net: Net, sqlite_url: str) -> None:
    bank = net.fresh_bank(sqlite_url)
    net.feed(bank, 3)
    net.drain(bank)
    rotated = replace(net, bank, "operator")
    assert load_account(net.folder.keys(LEAD), "operator", development=True).address == rotated.key

    net.feed(bank, 2)
    net.drain(bank)
    restarted = net.bank(LEAD, sqlite_url)
    assert restarted.member == bank.member
    net.feed(restarted, 2)
    net.drain(restarted)
    assert net.head(restarted)[0] == 3
    account = net.account(restarted)
    assert account.books.lead_book == 7 * BASE
    assert account.proof == 0


def test_a_batch_of_the_old_key_goes_out_under_the_new_one(net: Net, sqlite_url: str) -> None:
    """Fixed and signed before the rotation, never mined: the same bytes under the new key."""
    bank = net.fresh_bank(sqlite_url)
    net.feed(bank, 2)
    net.mining(False)
    tick(bank)
    net.rpc.call("anvil_dropAllTransactions", [])
    net.mining(True)
    replace(net, bank, "operator", signed_by="recovery")
    net.drain(bank)
    net.assert_exactly_once(bank, 2)
    assert any("new operator key" in detail for _, _, detail in net.history(bank))


def test_a_rotation_that_was_cut_off_stops_no_posting(
    net: Net, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry has taken the new key, its file has not taken its place."""

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    bank = net.fresh_bank(sqlite_url)
    with monkeypatch.context() as cut, pytest.raises(KeyboardInterrupt):
        cut.setattr(rotation, "install_successor", cut_off)
        replace(net, bank, "operator")
    net.feed(bank, 2)
    net.drain(bank)
    finished = replace(net, bank, "operator")
    assert finished.receipts == ()
    net.feed(bank, 2)
    net.drain(bank)
    net.assert_exactly_once(bank, 4)


def test_details_sealed_to_the_old_and_the_new_sealing_key_open(net: Net, sqlite_url: str) -> None:
    partner = net.bank(PARTNERS[0])
    lead = net.fresh_bank(sqlite_url)
    before = net.feed(lead, 1, memo="before")
    net.drain(lead)
    replace(net, partner, "sealing")
    lead.follower.index()  # from here on the lead seals to the new key
    after = net.feed(lead, 1, memo="after")
    net.drain(lead)
    partner.follower.index()
    assert named(partner) == {one.replace("E", "R") for one in (*before, *after)}
    # What is sealed to it later: the reference key of a facility.
    net.agree("AFTER-ROTATION")
    partner.follower.index()
    opened = {one.id: one.reference_key for one in partner.posting.facilities.current()}
    assert len(opened["AFTER-ROTATION"]) == len(opened[FACILITY]) == 32
    assert len(retired(net.folder.keys(partner.name), "sealing")) == 1


def named(bank: Bank) -> set[str]:
    """The event_refs that a bank's view could open."""
    with bank.engine.connect() as connection:
        found = queries.pairs(connection, queries.Filter(facility=FACILITY), limit=10).items
    return {one.event_ref for one in found if one.event_ref is not None}


def test_the_storage_key_is_replaced_under_a_running_node(
    net: Net, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reseal, "_CHUNK_ROWS", 2)
    bank = net.fresh_bank(database_url)
    net.feed(bank, 5, memo="kept")
    path, _ = net.feed_file(LEAD, 1, amount="nonsense")
    bank.intakes.take_in(FACILITY, path, lambda rows: None, lambda text: None)
    secret = enrolled(bank.engine, "viewer").secret.encode()
    was = sealed_values(bank)

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut, pytest.raises(KeyboardInterrupt):
        cut.setattr(vault_command, "install_successor", cut_off)
        vault_command.rotate(bank.config.path)
    net.feed(bank, 2, memo="kept")
    assert all(b"kept" in one or one in (b"nonsense", secret) for one in opened(bank))
    vault_command.rotate(bank.config.path)
    net.feed(bank, 1, memo="kept")

    (old,) = retired(net.folder.keys(LEAD), "storage")
    assert len(opened(bank)) == len(was) + 3
    assert not set(was) & set(sealed_values(bank))
    old.unlink()
    assert len(opened(net.bank(LEAD, database_url))) == len(was) + 3
    net.drain(bank)
    net.assert_exactly_once(bank, 8)


def test_a_lost_storage_key_is_told(net: Net, sqlite_url: str) -> None:
    bank = net.fresh_bank(sqlite_url)
    net.feed(bank, 1, memo="lost")
    vault_command.rotate(bank.config.path)
    (old,) = retired(net.folder.keys(LEAD), "storage")
    old.replace(net.folder.keys(LEAD) / "storage.json")
    with pytest.raises(StorageFault, match="does not open with this bank's storage key"):
        opened(net.bank(LEAD, sqlite_url))


def sealed_values(bank: Bank) -> list[bytes]:
    with bank.engine.connect() as connection:
        details = connection.execute(select(events.c.details)).scalars().all()
        secrets = connection.execute(select(people.c.totp_secret)).scalars()
        return [*details, *connection.execute(select(quarantine.c.value)).scalars(), *secrets]


def opened(bank: Bank) -> list[bytes]:
    with bank.engine.connect() as connection:
        vault = vault_of(connection)
        return [vault.open(one) for one in sealed_values(bank)]


def test_public_halves_are_those_of_the_keys_in_use(net: Net) -> None:
    partner = net.bank(PARTNERS[0])
    before = public_keys(net.folder.keys(partner.name))
    rotated = replace(net, partner, "sealing")
    now = public_keys(net.folder.keys(partner.name))
    assert now.sealing.hex() == rotated.key != before.sealing.hex()
    assert now.operator == before.operator
