"""A bank makes its keys itself, outside every network's folder, and is admitted by them."""

from __future__ import annotations

import json
import shlex
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from app.cli.consortium import consortium
from app.config import load_config
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.errors import ContractReverted
from app.domain.errors import TallyError, UsageFault
from app.keys.errors import KeyUnusable
from app.keys.keystore import create_keys, load_account, load_secret, public_keys
from app.node.bank import Bank, open_bank
from tests.integration.posting import LEAD, PARTNERS, Net

SIGNING = ("operator", "approver", "recovery")


def tally(*arguments: str, fails: type[TallyError] | None = None) -> Result:
    cli = Typer(pretty_exceptions_enable=False)
    cli.add_typer(consortium, name="consortium")
    result = CliRunner().invoke(cli, ["consortium", *arguments], env={"COLUMNS": "80"})
    if fails is None:
        assert result.exit_code == 0, (result.output, result.exception)
    else:
        assert isinstance(result.exception, fails), (result.output, result.exception)
    return result


def made(folder: Path, *arguments: str, name: str = "nanfeng") -> Result:
    return tally("keys", "create", "--dir", str(folder), "--name", name, *arguments)


class TestCreate:
    @pytest.mark.parametrize("lies", ["keys", "a stranger's file"])
    def test_nothing_is_ever_overwritten(self, tmp_path: Path, lies: str) -> None:
        folder = tmp_path / "keys"
        if lies == "keys":
            create_keys(folder, development=True)
        else:
            folder.mkdir()
            (folder / "notes.txt").write_text("mine")
        before = {path: path.read_bytes() for path in folder.iterdir()}
        arguments = ("keys", "create", "--dir", str(folder), "--name", "nanfeng")
        fault = tally(*arguments, fails=KeyUnusable).exception
        assert "never overwritten" in str(fault)
        assert {path: path.read_bytes() for path in folder.iterdir()} == before
        assert list(tmp_path.iterdir()) == [folder]

    def test_a_place_where_no_folder_can_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        arguments = ("keys", "create", "--name", "nanfeng", "--dir")
        tally(*arguments, str(tmp_path / "file"), fails=KeyUnusable)
        tally(*arguments, str(tmp_path / "file" / "keys"), fails=KeyUnusable)

    @pytest.mark.parametrize("name", ["", "a\nb", "x" * 65])
    def test_a_name_that_no_bank_can_have(self, tmp_path: Path, name: str) -> None:
        arguments = ("keys", "create", "--dir", str(tmp_path / "keys"), "--name", name)
        tally(*arguments, fails=UsageFault)
        assert not (tmp_path / "keys").exists()

    def test_what_a_run_that_was_killed_has_left_is_told(self, tmp_path: Path) -> None:
        left = tmp_path / "keys.0a1b2c3d.new"
        left.mkdir()
        said = made(tmp_path / "keys", "--development").stderr
        assert f"{left}wasleft" in "".join(said.split())
        assert left.exists()

    def test_they_are_the_owners_alone_and_no_secret_is_printed(self, tmp_path: Path) -> None:
        folder = tmp_path / "keys"
        folder.mkdir(mode=0o755)  # an empty one may be there
        output = made(folder).output
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
        secrets = [
            bytes(load_account(folder, name, development=False).key).hex() for name in SIGNING
        ]
        for name in ("sealing", "storage"):
            secrets.append(load_secret(folder / f"{name}.json", development=False).hex())
        secrets.append((folder / "passphrase").read_text())
        assert not [secret for secret in secrets if secret.lower() in output.lower()]
        public = public_keys(folder)
        for half in (public.operator, public.approver, public.recovery, public.sealing.hex()):
            assert half in output

    def test_development_keys_say_so_and_open_nowhere_else(self, tmp_path: Path) -> None:
        folder = tmp_path / "keys"
        assert "development = true" in made(folder, "--development").stderr
        with pytest.raises(KeyUnusable, match="development key"):
            load_account(folder, "operator", development=False)

    def test_without_a_consortium_there_is_no_line(self, tmp_path: Path) -> None:
        result = made(tmp_path / "keys", "--development", "--json")
        assert json.loads(result.stdout)["propose"] is None
        shown = tally("keys", "show", "--dir", str(tmp_path / "keys"), "--name", "nanfeng")
        assert "propose admit" not in shown.stdout
        assert "--manifest" in shown.stderr

    def test_json_is_one_object_and_the_line_stands_whole(self, net: Net, tmp_path: Path) -> None:
        network = ("--manifest", str(net.folder.manifest))
        result = made(tmp_path / "keys", "--development", "--json", "--role", "auditor", *network)
        public = public_keys(tmp_path / "keys")
        body = json.loads(result.stdout)
        line = body.pop("propose")
        assert line.endswith(f" --proof {body.pop('proof')}")
        assert body == {
            "name": "nanfeng",
            "role": "auditor",
            "operator": public.operator,
            "approver": public.approver,
            "recovery": public.recovery,
            "sealing_key": public.sealing.hex(),
        }
        shown = tally("keys", "show", "--dir", str(tmp_path / "keys"), "--name", "nanfeng",
                      "--role", "auditor", *network)  # fmt: skip
        assert line in shown.stdout.splitlines()


class TestShow:
    def test_bad_input(self, tmp_path: Path) -> None:
        tally("keys", "show", "--dir", str(tmp_path), fails=UsageFault)
        tally("keys", "show", "--dir", str(tmp_path), "--name", "nanfeng", fails=KeyUnusable)

    def test_by_folder_and_by_bank_toml_alike(self, net: Net) -> None:
        """Of a bank that is at work: what another consortium would be given."""
        config, folder = net.folder.config(LEAD), net.folder.keys(LEAD)
        network = ("--manifest", str(net.folder.manifest))
        by_folder = tally("keys", "show", "--dir", str(folder), "--name", LEAD, "--json", *network)
        by_config = tally("keys", "show", "--config", str(config), "--json")
        assert by_config.stdout == by_folder.stdout
        assert json.loads(by_config.stdout)["operator"] == public_keys(folder).operator


@pytest.fixture
def newcomer(net: Net, tmp_path: Path) -> Iterator[Callable[[], Bank]]:
    """nanfeng's own machine: its keys and bank.toml, and of the consortium the manifest alone."""
    opened: list[Bank] = []
    (tmp_path / "network.json").write_bytes(net.folder.manifest.read_bytes())
    (tmp_path / "bank.toml").write_text(
        'name = "nanfeng"\nkeys = "keys"\ndatabase_url = "sqlite:///node.db"\n'
        f'manifest = "network.json"\nrpc = "{net.url}"\ninbox = "inbox"\n'
    )

    def open_() -> Bank:
        opened.append(open_bank(load_config(tmp_path / "bank.toml")))
        return opened[-1]

    yield open_
    for bank in opened:
        bank.posting.rpc.close()
        bank.engine.dispose()


def test_a_newcomer_is_admitted_by_the_line_and_its_node_opens(
    net: Net, newcomer: Callable[[], Bank], tmp_path: Path
) -> None:
    network = ("--manifest", str(tmp_path / "network.json"))
    line = json.loads(made(tmp_path / "keys", "--json", *network).stdout)["propose"]
    with pytest.raises(TallyError, match="nanfeng"):
        newcomer()
    program, group, *arguments = shlex.split(line)
    assert (program, group) == ("tally", "consortium")
    lead = ("--config", str(net.folder.config(LEAD)))
    as_lead = ["lead" if one == "partner" else one for one in arguments]
    refused = tally(*as_lead, "--reason", "altered", *lead, fails=ContractReverted).exception
    assert "has not signed" in str(refused)
    tally(*arguments, "--reason", "minutes of 3 March", *lead)
    for partner in PARTNERS:
        net.catch_up(net.bank(partner))  # who votes has read what it votes on
        outcome = tally("vote", "1", "yes", "--config", str(net.folder.config(partner))).output
    assert "enacted" in outcome

    bank = newcomer()
    bank.follower.index()
    assert bank.member == len(PARTNERS) + 2
    assert (
        ConsortiumRegistry(net.rpc, net.manifest.addresses["ConsortiumRegistry"]).role(bank.member)
        == "partner"
    )
