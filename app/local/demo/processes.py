"""The demonstration's nodes: a process of its own for each member."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.domain.errors import TallyError
from deploy.consortium import ConsortiumFolder, Member

_TETHER = Path(__file__).parents[3] / "ganache" / "tether.py"
_READY_S = 60.0
_STOP_S = 15.0
_POLL_S = 0.1


@dataclass(slots=True)
class NodeProcess:
    """A running `tally node`; `url` is its page."""

    name: str
    url: str
    log: Path
    process: subprocess.Popen[bytes]


def start_node(folder: ConsortiumFolder, member: Member, port: int) -> NodeProcess:
    """Start a member's node in the background. It ends with this process."""
    config = folder.config(member.name)
    log = config.with_name("node.log")
    tally = [sys.executable, "-m", "app", "node", "--config", str(config)]
    tied = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *tally]
    with log.open("ab") as out:
        process = subprocess.Popen(
            tied,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # the terminal's Ctrl-C is for the demonstration
        )
    return NodeProcess(member.name, f"http://127.0.0.1:{port}", log, process)


def await_ready(node: NodeProcess) -> None:
    """Wait until a node answers. Raises TallyError with the end of its log when it does not."""
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and node.process.poll() is None:
        try:
            if httpx.get(f"{node.url}/health", timeout=2).status_code < httpx.codes.BAD_REQUEST:
                return
        except httpx.TransportError:
            pass
        time.sleep(_POLL_S)
    tail = node.log.read_text(errors="replace")[-1000:]
    raise TallyError(f"the node did not come up; its log ends with:\n{tail}", where=node.name)


def stop_nodes(nodes: list[NodeProcess]) -> None:
    """Ask all to end, then wait; what does not end in time is killed."""
    for node in nodes:
        node.process.terminate()
    deadline = time.monotonic() + _STOP_S
    for node in nodes:
        try:
            node.process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            node.process.kill()
            node.process.wait()
