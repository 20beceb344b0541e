"""The page as readers reach it in production: through nginx with the configuration that is rendered
for containers, over TLS."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from app.db.engine import create as open_database
from app.processes import free_ports
from app.readmodel import tables
from deploy.compose.render import render
from deploy.consortium import ConsortiumFolder, Member, create
from deploy.network.layout import Network, Validator
from deploy.proxy import nginx
from tests.integration.faces import Face, csrf_of, enrolled, face
from tests.integration.seeded import Seed
from tests.integration.vaults import VAULT

FOREIGN = {"Origin": "https://page.example"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('node') / 'bank.db'}", vault=VAULT)
    Seed(engine)
    with face(engine) as served:
        yield served
    engine.dispose()


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("compose")
    folder = ConsortiumFolder(root / "net")
    create(folder, [Member("webank", "lead"), Member("huarui", "partner")])
    validator = Validator("webank-1", "webank", "0x" + "0" * 40, "", 1, 2, 3)
    render(Network(folder, 4_711, [validator]), root / "out")
    return root / "out"


@pytest.fixture(scope="module")
def proxy(
    node: Face, rendered: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The address of what stands for each port of webank's proxy."""
    program = nginx.find()
    if program is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    place = tmp_path_factory.mktemp("proxy")
    made = rendered / "banks" / "webank" / "tls"
    text = (rendered / "proxies" / "webank.conf").read_text()
    for inside, outside in (
        ("/tmp/", f"{place}/"),
        ("/run/secrets/server.pem", made / "server.pem"),
        ("/run/secrets/server.key", made / "server.key"),
        ("/run/secrets/consortium-ca", rendered / "tls" / "ca.pem"),
    ):
        text = text.replace(inside, str(outside))
    inside_ports = re.findall(r"listen (\d+) ssl;", text)
    addresses = {}
    for inside, port in zip(inside_ports, free_ports(len(inside_ports)), strict=True):
        text = text.replace(f"listen {inside} ssl;", f"listen 127.0.0.1:{port} ssl;")
        addresses[inside] = f"https://127.0.0.1:{port}"
    text, changed = re.subn(r"http://172\.30\.128\.\d+:8700", node.url, text)
    assert changed == 1
    (place / "nginx.conf").write_text(text)
    shutil.copy(rendered / "proxies" / nginx.ADMITTED, place)
    command = [program, "-c", str(place / "nginx.conf"), "-e", str(place / "error.log")]
    with subprocess.Popen(command) as process:
        try:
            await_listening(process, addresses["8443"])
            yield addresses
        finally:
            process.terminate()


def await_listening(process: subprocess.Popen[bytes], url: str) -> None:
    while process.poll() is None:
        try:
            httpx.get(f"{url}/login", verify=False, trust_env=False)
            return
        except httpx.ConnectError:
            continue
    raise AssertionError("nginx has ended")


@pytest.fixture
def reader(proxy: dict[str, str], rendered: Path) -> Iterator[httpx.Client]:
    trusted = ssl.create_default_context(cafile=rendered / "tls" / "ca.pem")
    with httpx.Client(
        base_url=proxy["8443"], verify=trusted, trust_env=False, timeout=30
    ) as client:
        yield client


def test_a_form_of_another_site_signs_nobody_in_or_out(node: Face, reader: httpx.Client) -> None:
    somebody = enrolled(node.engine, "viewer")
    for origin in (FOREIGN, {"Origin": "null"}, {"Origin": "http://["}):
        assert reader.post("/login", data=somebody.form(), headers=origin).status_code == 403
    assert dict(reader.cookies) == {}
    ours = {"Origin": str(reader.base_url).rstrip("/")}
    assert reader.post("/login", data=somebody.form(), headers=ours).status_code == 303
    form = {"csrf": csrf_of(reader.get("/").text)}
    assert reader.post("/logout", data=form, headers=FOREIGN).status_code == 403
    assert reader.get("/").status_code == 200
    assert reader.post("/logout", data=form, headers=ours).status_code == 303
    assert reader.get("/").status_code == 303


def test_the_cookie_is_for_tls_whatever_the_reader_says(node: Face, reader: httpx.Client) -> None:
    lies = {"X-Forwarded-Proto": "http", "X-Forwarded-For": "127.0.0.1"}
    form = enrolled(node.engine, "viewer").form()
    answer = reader.post("/login", data=form, headers=lies)
    flags = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")}
    assert {"secure", "httponly", "samesite=strict"} <= flags
    assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]
    for name, value in {
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "x-frame-options": "DENY",
    }.items():
        assert answer.headers[name] == value
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_the_live_stream_is_not_held_back(node: Face, reader: httpx.Client) -> None:
    assert reader.get("/live").status_code == 401
    reader.post("/login", data=enrolled(node.engine, "viewer").form())
    with reader.stream("GET", "/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert any(line.startswith("event:") for line in lines)
        with node.engine.begin() as connection:
            connection.execute(update(tables.facilities).values(state="closed"))
        node.notifier.publish(102)
        # The stream has not ended: what changes still comes.
        assert any("Closed" in line for line in lines)


def test_what_is_measured_and_the_chain_are_not_for_outside(
    node: Face, reader: httpx.Client, proxy: dict[str, str]
) -> None:
    key = {"Authorization": f"Bearer {node.key('metrics')}"}
    assert reader.get("/metrics", headers=key).status_code == 404
    [rpc] = [url for inside, url in proxy.items() if inside != "8443"]
    answer = reader.post(f"{rpc}/", json={"method": "eth_chainId"})
    assert answer.status_code == 400
    assert "certificate" in answer.text
