"""A node's file: the channels that it lists, and what two of them must not share."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import BankConfig, NodeConfig, load_config, load_node
from app.domain.errors import ConfigFault
from app.keys.keystore import create_keys
from app.node.isolation import DatabaseOwners, check_isolation
from tests.unit.test_config import MANIFEST, written


def channel(folder: Path, number: int, **changes: str | None) -> Path:
    """The folder of a channel with all that it needs for itself."""
    place = folder / f"c{number}"
    place.mkdir(exist_ok=True)
    create_keys(place / "keys", development=True)
    own = MANIFEST.addresses | {"ConsortiumRegistry": f"0x{number:040x}"}
    replace(MANIFEST, addresses=own).write(place / "network.json")
    written(place, "", None, **({"manifest": '"network.json"'} | changes))
    return place


def node_file(folder: Path, tail: str = "", **channels: str) -> Path:
    path = folder / "node.toml"
    lines = [f'[channels.{name}]\nconfig = "{config}"\n' for name, config in channels.items()]
    path.write_text(tail + "".join(lines))
    return path


def two(folder: Path, tail: str = "", **second: str | None) -> NodeConfig:
    """A node of two channels; `second` changes the second one's bank.toml."""
    channel(folder, 1)
    channel(folder, 2, **second)
    loaded = load_node(node_file(folder, tail, c1="c1/bank.toml", c2="c2/bank.toml"))
    assert isinstance(loaded, NodeConfig)
    return loaded


def refused(config: NodeConfig) -> ConfigFault:
    with pytest.raises(ConfigFault) as fault:
        check_isolation(config)
    assert fault.value.where == str(config.path)
    return fault.value


def test_channels_are_the_banks_own_files(tmp_path: Path) -> None:
    config = two(tmp_path, '[api]\nhost = "0.0.0.0"\nport = 9000\n')
    assert (config.api.host, config.api.port) == ("0.0.0.0", 9000)
    assert config.database_url == f"sqlite:///{tmp_path / 'node-keys.db'}"
    assert config.channels["c2"] == load_config(tmp_path / "c2" / "bank.toml")
    check_isolation(config)


def test_a_bank_toml_is_a_node_of_one_channel(tmp_path: Path) -> None:
    place = channel(tmp_path, 1)
    assert isinstance(load_node(place / "bank.toml"), BankConfig)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[channels]\n", "channels: Dictionary should have at least 1 item"),
        ('[channels.Big]\nconfig = "c1/bank.toml"\n', "String should match pattern"),
        ('[channels."../x"]\nconfig = "c1/bank.toml"\n', "String should match pattern"),
        ("[channels.c1]\n", "channels.c1.config: Field required"),
        ('[channels.c1]\nconfig = "c1/bank.toml"\nkeys = "k"\n', "channels.c1.keys: Extra inputs"),
        ('name = "webank"\n[channels.c1]\nconfig = "c1/bank.toml"\n', "name: Extra inputs"),
    ],
)
def test_what_is_wrong_in_it_is_named(tmp_path: Path, text: str, said: str) -> None:
    channel(tmp_path, 1)
    path = tmp_path / "node.toml"
    path.write_text(text)
    with pytest.raises(ConfigFault) as fault:
        load_node(path)
    assert fault.value.where == str(path)
    assert said in fault.value.what


def test_a_channels_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = node_file(tmp_path, c1="c1/bank.toml")
    with pytest.raises(ConfigFault) as fault:
        load_node(path)
    assert fault.value.where == str(tmp_path / "c1" / "bank.toml")


def test_what_is_for_one_channel_does_not_take_the_nodes_file(tmp_path: Path) -> None:
    two(tmp_path)
    with pytest.raises(ConfigFault, match="is a node's file") as fault:
        load_config(tmp_path / "node.toml")
    assert "bank.toml of one of the channels" in fault.value.remedy


def test_one_bank_toml_twice(tmp_path: Path) -> None:
    channel(tmp_path, 1)
    config = load_node(node_file(tmp_path, c1="c1/bank.toml", c2="c1/../c1/bank.toml"))
    assert isinstance(config, NodeConfig)
    assert "channel c2 has the same bank.toml as channel c1" in refused(config).what


@pytest.mark.parametrize(
    ("shared", "what"),
    [
        ({"keys": '"../c1/keys"'}, "keys folder"),
        ({"database_url": '"sqlite:///../c1/node.db"'}, "database"),
        ({"manifest": '"../c1/network.json"'}, "network"),
    ],
)
def test_two_channels_with_one_thing(tmp_path: Path, shared: dict[str, str], what: str) -> None:
    fault = refused(two(tmp_path, **shared))
    assert fault.what == f"channel c2 has the same {what} as channel c1"
    assert str(tmp_path / "c2" / "bank.toml") in fault.remedy


@pytest.mark.parametrize("inbox", ["../c1/inbox", "../c1/inbox/WLD-2016-A", ".."])
def test_an_inbox_is_a_channels_own(tmp_path: Path, inbox: str) -> None:
    assert "inbox of channel" in refused(two(tmp_path, inbox=f'"{inbox}"')).what


def test_a_copy_of_a_channels_keys_is_its_lane(tmp_path: Path) -> None:
    config = two(tmp_path)
    shutil.rmtree(tmp_path / "c2" / "keys")
    check_isolation(config)  # keys that are not there: that is the channel's own trouble
    shutil.copytree(tmp_path / "c1" / "keys", tmp_path / "c2" / "keys")
    assert refused(config).what == "channel c2 has the same operator key as channel c1"


def test_a_link_to_a_database_is_that_database(tmp_path: Path) -> None:
    config = two(tmp_path)
    (tmp_path / "c2" / "node.db").symlink_to(tmp_path / "c1" / "node.db")
    assert "channel c2 has the same database" in refused(config).what


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("postgresql://a@db/bank", "postgresql+psycopg://b@DB:5432/bank", True),
        ("postgresql://a@db/bank", "postgresql://a@db/bank?options=-csearch_path%3Dpublic", True),
        ("postgresql://a@db/bank", "postgresql://a@db/bank?options=-csearch_path%3Dc_2", False),
        ("postgresql://a@db/bank", "postgresql://a@db:5433/bank", False),
    ],
)
def test_a_schema_makes_a_database_another(
    tmp_path: Path, one: str, other: str, same: bool
) -> None:
    config = two(tmp_path)
    first, second = config.channels.values()
    channels = {
        "c1": first.model_copy(update={"database_url": one}),
        "c2": second.model_copy(update={"database_url": other}),
    }
    config = config.model_copy(update={"channels": channels})
    if same:
        assert "channel c2 has the same database and schema as channel c1" in refused(config).what
    else:
        check_isolation(config)


def test_the_nodes_own_keys_are_in_no_channels_database(tmp_path: Path) -> None:
    fault = refused(two(tmp_path, 'database_url = "sqlite:///c2/node.db"\n'))
    assert fault.what == "channel c2 has the same database as the node itself"


def test_a_database_of_two_addresses_is_given_once() -> None:
    databases = DatabaseOwners()
    databases.claim(("started", 1), "c1")
    databases.claim(("started", 1), "c1")  # opened again
    databases.claim(("started", 2), "c2")
    with pytest.raises(ConfigFault, match="channel c3 has the same database as channel c2"):
        databases.claim(("started", 2), "c3")
