"""A proof bundle of blocks that four Edge validators sealed, checked alone by both verifiers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.chain.rpc import Rpc
from app.config import load_config
from app.node.bank import client_tls
from app.proof.file import Block, Bundle, pack, unpack
from app.verify.headers import decode_header, read_header
from app.verify.seals import IBFT
from deploy.network.layout import Network
from tests.network.conftest import LEAD
from tests.network.running import reconcile, tally, write_feed
from tests.network.test_reconcile import facility_file
from tests.tampering import both_refuse, both_verify


def first_validators(network: Network) -> list[str]:
    config = load_config(network.folder.config(LEAD))
    rpc = Rpc(config.rpc[0], tls=client_tls(config))
    try:
        first = read_header(rpc.call("eth_getBlockByNumber", ["0x0", False]))
    finally:
        rpc.close()
    return ["0x" + one.hex() for one in IBFT.read(first).listed]


@pytest.mark.slow
def test_what_validators_sealed_is_proved_and_a_forged_seal_is_not(
    running: Network, tmp_path: Path
) -> None:
    rows = [("drawdown", "D1", "1000.00"), ("principal", "P1", "100.00")]
    lead = write_feed(tmp_path / "ceska.csv", "PROOF-1", rows)
    partner = write_feed(
        tmp_path / "brno.csv",
        "PROOF-1",
        [("drawdown", "D1", "800.00"), ("principal", "P1", "80.01")],
    )
    facility = facility_file(tmp_path, "PROOF-1")
    assert reconcile(running, facility, lead, {"brno": partner}, tmp_path / "out").code == 1

    file, trusted = tmp_path / "day.proof", tmp_path / "validators.json"
    config = running.folder.config("brno")
    made = tally(
        "report", "prove", "--config", config, "--facility", "PROOF-1",
        "--from", "2024-01-05", "--to", "2024-01-05", "--out", file,
    )  # fmt: skip
    assert made.code == 0, made.stderr
    first = first_validators(running)
    trusted.write_text(json.dumps(first))
    told = tally("verify", file, "--trust", trusted)
    assert told.code == 0, told.stderr
    assert "2 lines of PROOF-1" in told.stdout
    assert "sealed by a quorum" in told.stdout
    assert f"{file} verifies." in told.stdout.splitlines()
    both_verify(file.read_bytes(), frozenset(bytes.fromhex(one[2:]) for one in first))

    whole = unpack(file.read_bytes())
    header = whole.blocks[-1].header
    seal = IBFT.read(decode_header(header)).seals[0]
    forged = Block(header.replace(seal, seal[:-2] + bytes([seal[-2] ^ 1]) + seal[-1:]))
    file.write_bytes(pack(Bundle(whole.statement, [*whole.blocks[:-1], forged])))
    told = tally("verify", file)
    assert told.code == 1
    assert "seal" in told.stderr
    for why in both_refuse(file.read_bytes()):
        assert "seal" in why
