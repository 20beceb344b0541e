"""A rendered folder's chain nodes and proxies as processes on this machine, without containers.

Every file, option and secret is as rendered; only where things are is translated: a container's
paths to folders of this test run, its addresses and ports to free ports of the loopback address.
"""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import psutil
import pytest

from app import processes
from app.processes import HOST
from deploy.compose.folder import Rendered, secret_files
from deploy.compose.render import render
from deploy.compose.services import Service
from deploy.consortium import ConsortiumFolder, Member, create
from deploy.network.layout import Network, Validator
from deploy.proxy import nginx

_TEXTS = (".toml", ".json", ".conf", ".map")
_TEMPORARY = "/tmp"


def skip_without_besu() -> None:
    """Besu is in no package registry: where there is none, what is rendered is not run."""
    if shutil.which("besu") is None:
        pytest.skip("there is no Besu on the PATH (hyperledger/besu 25.11, Java 21)")
    if nginx.find() is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")


def rendered_for(root: Path, members: list[Member], seats: list[tuple[str, int]]) -> Rendered:
    """A consortium rendered for Besu, with development keys, which are quick to make. `seats`:
    each validator's bank, and its number there."""
    folder = ConsortiumFolder(root / "net")
    folder.root.mkdir()
    folder.write_members(members)
    validators = [Validator(f"{bank}-{n}", bank, "0x" + "0" * 40, "", 1, 2, 3) for bank, n in seats]
    create(ConsortiumFolder(root / "out"), members)
    return render(Network(folder, 4_711, validators), root / "out")


class Loopback:
    """The services of `rendered` in `work`; `stop` ends what was started."""

    def __init__(self, rendered: Rendered, work: Path) -> None:
        self.services = {one.name: one for one in rendered.services() if one.kind != "node"}
        self._all = rendered.services()
        self._root = rendered.folder.root
        self._secrets = secret_files(rendered)
        self._work = work
        every = [(one.name, port) for one in self._all for port in one.ports]
        self.ports = dict(zip(every, processes.free_ports(len(every)), strict=True))
        self.stand_ins: dict[tuple[str, int], str] = {}
        """Where something else answers for a service's port: host:port."""
        self._running: dict[str, psutil.Popen] = {}

    def start(self, name: str) -> psutil.Popen:
        """Start a service and wait until it listens on all its ports."""
        process = self._launch(name)
        self._await_ports(name)
        return process

    def start_all(self) -> None:
        """Start every service, beside each other: a Besu takes long until it listens."""
        for name in self.services:
            self._launch(name)
        for name in self.services:
            self._await_ports(name)

    def stop(self, name: str | None = None) -> None:
        """End one service, or all."""
        names = [name] if name else list(self._running)
        processes.stop([self._running.pop(one) for one in names])

    def kill(self, name: str) -> None:
        """As `kill -9`, with what it has started."""
        process = self._running.pop(name)
        family = [process, *process.children(recursive=True)]
        for one in family:
            one.kill()
        psutil.wait_procs(family)

    def command(self, name: str) -> list[str]:
        """What runs it here."""
        service = self.services[name]
        words = [self.translate(service, word) for word in service.command]
        if service.kind == "besu":
            variables = [f"{key}={value}" for key, value in service.environment.items()]
            # The starter wants whole paths.
            return [shutil.which("env") or "env", *variables, "besu", *words]
        return [nginx.find() or "nginx", *words[1:]]

    def lay_out(self, name: str) -> None:
        """Put its mounts and secrets where it finds them; again after they were written anew."""
        service = self.services[name]
        self._place(service, _TEMPORARY).mkdir(parents=True, exist_ok=True)
        for mount in service.mounts:
            target = self._place(service, mount.target)
            target.mkdir(parents=True, exist_ok=True)
            if not mount.is_volume:
                for path in sorted((self._root / mount.source).iterdir()):
                    self._copy(service, path, target / path.name)
        for place, secret in service.secrets.items():
            target = self._place(service, place)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._root / self._secrets[secret], target)

    def configuration(self, name: str) -> dict[str, Any]:
        """A chain node's own, as it is laid out."""
        (option,) = self.command(name)[-1:]
        return tomllib.loads(Path(option.removeprefix("--config-file=")).read_text())

    def translate(self, service: Service, text: str) -> str:
        """A text of a service's as it is here."""
        inside = [*(one.target for one in service.mounts), *service.secrets, _TEMPORARY]
        ordered = sorted(inside, key=len, reverse=True)
        paths = "|".join(rf"{re.escape(one)}(?![\w.-])" for one in ordered)
        text = re.sub(paths, lambda found: str(self._place(service, found[0])), text)
        for one in self._all:
            hosts = [one.name, *(address for address in one.networks.values() if address)]
            for port in one.ports:
                place = (one.name, port)
                here = self.stand_ins.get(place, f"{HOST}:{self.ports[place]}")
                for host in hosts:
                    text = re.sub(rf"(?<![\w.-]){re.escape(host)}:{port}(?!\d)", here, text)
        return text

    def _launch(self, name: str) -> psutil.Popen:
        self.lay_out(name)
        process = processes.start(self.command(name), self._folder(name) / "log")
        self._running[name] = process
        return process

    def _await_ports(self, name: str) -> None:
        ports = [self.ports[name, port] for port in self.services[name].ports]
        ready = processes.await_ready(
            self._running[name], lambda: not any(map(processes.is_free, ports)), within_s=300
        )
        assert ready, processes.tail(self._folder(name) / "log")

    def _copy(self, service: Service, source: Path, target: Path) -> None:
        if source.suffix not in _TEXTS:
            shutil.copyfile(source, target)
            return
        text = self.translate(service, source.read_text())
        if service.kind == "besu" and source.name == f"{service.name}.toml":
            text = self._listening(service, text)
        elif source.suffix == ".conf" and source.stem == service.name.removesuffix("-proxy"):
            for port in service.ports:
                here = f"listen {HOST}:{self.ports[service.name, port]} ssl;"
                text = text.replace(f"listen {port} ssl;", here)
        target.write_text(text)

    def _listening(self, service: Service, text: str) -> str:
        values = tomllib.loads(text)
        for option, value in values.items():
            if option.endswith("-port"):
                values[option] = self.ports[service.name, value]
            elif option.endswith("-host"):
                values[option] = HOST
        values["p2p-interface"] = HOST
        return "".join(f"{option}={json.dumps(value)}\n" for option, value in values.items())

    def _folder(self, name: str) -> Path:
        return self._work / name

    def _place(self, service: Service, inside: str) -> Path:
        return self._folder(service.name) / inside.lstrip("/")
