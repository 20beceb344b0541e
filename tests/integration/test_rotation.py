"""A bank goes on posting with a fresh operator key, and what it posted before stays as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.chain.contracts import ConsortiumRegistry
from app.chain.keystore import load_account
from app.chain.rotation import rotate
from tests.integration.posting import BASE, LEAD, Net


@pytest.fixture
def kept_keys(net: Net) -> Iterator[None]:
    """The chain is put back after the test, so are the keys' files."""
    folder = net.folder.keys(LEAD)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    yield
    for path in folder.iterdir():
        path.unlink()
    for path, octets in before.items():
        path.write_bytes(octets)


@pytest.mark.usefixtures("kept_keys")
def test_posting_goes_on_with_the_new_key(net: Net, sqlite_url: str) -> None:
    bank = net.fresh_bank(sqlite_url)
    net.feed(bank, 3)
    net.drain(bank)
    registry = ConsortiumRegistry(net.rpc, net.manifest.addresses["ConsortiumRegistry"])
    rotated = rotate(
        net.rpc,
        registry,
        bank.member,
        net.folder.keys(LEAD),
        "operator",
        signed_by="approver",
        development=True,
    )
    assert load_account(net.folder.keys(LEAD), "operator", development=True).address == rotated.key

    restarted = net.bank(LEAD, sqlite_url)
    assert restarted.member == bank.member
    net.feed(restarted, 2)
    net.drain(restarted)
    assert net.head(restarted)[0] == 2
    account = net.account(restarted)
    assert account.books.lead_book == 5 * BASE
    assert account.proof == 0


@pytest.mark.usefixtures("kept_keys")
def test_a_batch_of_the_old_key_goes_out_under_the_new_one(net: Net, sqlite_url: str) -> None:
    """Fixed and signed before the rotation, never mined: the same bytes under the new key."""
    bank = net.fresh_bank(sqlite_url)
    net.feed(bank, 2)
    net.mining(False)
    bank.tick()
    registry = ConsortiumRegistry(net.rpc, net.manifest.addresses["ConsortiumRegistry"])
    net.rpc.call("anvil_dropAllTransactions", [])
    net.mining(True)
    rotate(
        net.rpc,
        registry,
        bank.member,
        net.folder.keys(LEAD),
        "operator",
        signed_by="recovery",
        development=True,
    )
    restarted = net.bank(LEAD, sqlite_url)
    net.drain(restarted)
    net.assert_exactly_once(restarted, 2)
    assert any("new operator key" in detail for _, _, detail in net.history(restarted))
