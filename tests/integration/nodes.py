"""A node as a process: `python -m app node`, from its start to its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from app.processes import free_port
from deploy.consortium import write_config
from tests.integration.posting import FACILITY, LEAD, PARTNERS, Net, await_true
from tests.plain_http import NO_TLS

ROOT = Path(__file__).resolve().parents[2]
_END_S = 60.0
"""A node that hangs is told from one on a machine that is busy; how fast it ends proves nothing."""
_STARTS_S = 0.1
START_S = 90  # a new interpreter on a machine that does much else


class Node:
    """A running node of one bank; `settings` are lines of its bank.toml besides the usual ones."""

    def __init__(
        self,
        net: Net,
        name: str,
        rpc: str | None = None,
        settings: str = "",
        database_url: str = "",
    ) -> None:
        self.port = free_port()
        self.folder = net.folder.config(name).parent
        write_config(net.folder, name, rpc=rpc or net.url, port=self.port)
        config = net.folder.config(name)
        text = config.read_text().replace("\n[api]", f"{settings}\n\n[api]")
        if database_url:
            text = re.sub("database_url = .*", f'database_url = "{database_url}"', text)
        config.write_text(text)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.folder / "node.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "node", "--config", str(net.folder.config(name))],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def health(self) -> dict[str, Any]:
        try:
            answer = httpx.get(f"{self.url}/health", timeout=5, verify=NO_TLS)
        except httpx.TransportError:
            return {}
        found: dict[str, Any] = answer.json()
        return found

    def await_health(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        def there() -> bool:
            assert self.process.poll() is None, self.said()
            health = self.health()
            if not health:  # it is starting, for seconds, which asking all the time makes longer
                time.sleep(_STARTS_S)
            return bool(health) and wanted(health)

        await_true(there, "the node's health", wait_s=START_S)

    def unready(self) -> list[str]:
        """The names of what keeps it from its work; empty when it is ready."""
        answer = httpx.get(f"{self.url}/ready", timeout=5, verify=NO_TLS)
        problems = answer.json()["problems"]
        assert (answer.status_code == httpx.codes.OK) == (not problems)
        return [problem["name"] for problem in problems]

    def await_unready(self, *names: str) -> None:
        """Wait until just these things keep it from its work."""
        await_true(lambda: self.unready() == list(names), f"unready for {names}", wait_s=40)

    def put(self, net: Net, bank: str, rows: int) -> None:
        """Put a feed into the inbox, as another program would."""
        path, _ = net.feed_file(bank, rows)
        inbox = self.folder / "inbox" / FACILITY
        inbox.mkdir(parents=True, exist_ok=True)
        past = time.time() - 60
        os.utime(path, (past, past))
        path.rename(inbox / path.name)

    def said(self) -> str:
        return self.log.read_text()

    def ends(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=_END_S)


def begin_anew(net: Net) -> None:
    """Every bank has its own configuration and an empty database."""
    for name in (LEAD, *PARTNERS):
        write_config(net.folder, name, rpc=net.url, port=0)
        for file in net.folder.config(name).parent.glob("node.db*"):
            file.unlink()


Nodes = Callable[..., Node]


def live(health: dict[str, Any]) -> bool:
    return bool(health["status"] == "live")
