"""A node that names a block its newest one before it has stored it, as Besu does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from eth_account import Account

from app.chain import newest
from app.chain.identity import check_chain
from app.chain.newest import newest_block, newest_state
from app.chain.rpc import Rpc
from app.domain.errors import ChainUnreachable
from app.keys.keystore import load_account
from app.local.consortium import Consortium
from tests.integration.posting import LEAD, Net
from tests.proxy import Proxy

EMPTY = {"eth_getTransactionCount": "0x0", "eth_getCode": None, "eth_getStorageAt": None}


class Storing:
    """Whoever asks for the newest block's state finds it not stored yet, and every other time not
    the block either."""

    def __init__(self) -> None:
        self.shows_block = True

    def __call__(self, method: str, params: list[Any], result: Any) -> Any:
        if "latest" not in params:
            return result
        if method == "eth_getBlockByNumber":
            self.shows_block = not self.shows_block
            return result if self.shows_block else None
        return EMPTY.get(method, result)


@pytest.fixture
def own(net: Net) -> Iterator[Proxy]:
    with Proxy(net.url) as proxy:
        proxy.tamper = Storing()
        yield proxy


@pytest.fixture
def rpc(own: Proxy) -> Iterator[Rpc]:
    with closing(Rpc(own.url)) as opened:
        yield opened


def test_its_state_and_its_block_are_read_all_the_same(net: Net, rpc: Rpc) -> None:
    approver = load_account(net.folder.keys(LEAD), "approver", development=True)
    proxy = net.manifest.addresses["ReserveLedger"]
    for method, *params in (
        ("eth_getTransactionCount", approver.address),
        ("eth_getCode", proxy),
        ("eth_getStorageAt", proxy, "0x0"),
    ):
        told = net.rpc.call(method, [*params, "latest"])
        assert newest_state(rpc, method, *params) == told, method
    assert int(newest_state(rpc, "eth_getTransactionCount", approver.address), 16) > 0
    assert newest_block(rpc)["number"] == net.rpc.call("eth_blockNumber", [])


def test_what_is_not_there_is_not_there(rpc: Rpc) -> None:
    stranger = Account.create().address
    assert int(newest_state(rpc, "eth_getTransactionCount", stranger), 16) == 0
    assert newest_state(rpc, "eth_getCode", stranger) == "0x"


def test_it_serves_this_networks_chain(net: Net, rpc: Rpc) -> None:
    assert check_chain(rpc, net.manifest) == net.consortium.height()


def test_acts_are_signed_after_what_their_keys_have_signed_before(net: Net, rpc: Rpc) -> None:
    net.consortium = Consortium(net.folder, rpc)
    terms = net.agree("AGREED-MEANWHILE")
    assert terms.id == "AGREED-MEANWHILE"


def test_a_node_that_never_shows_its_newest_block_does_not_answer(
    own: Proxy, rpc: Rpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest, "_STORED_WITHIN_S", 0.1)
    own.tamper = lambda method, params, result: None
    with pytest.raises(ChainUnreachable, match="does not show its newest block"):
        newest_state(rpc, "eth_getCode", "0x" + "1" * 40)
