"""The demonstration's nodes: a process of its own for each member."""

import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from app import processes
from app.domain.errors import TallyError
from deploy.consortium import ConsortiumFolder, Member

_READY_S = 60.0


@dataclass(slots=True)
class NodeProcess:
    """A running `tally node`; `url` is its page."""

    name: str
    url: str
    log: Path
    process: psutil.Popen


def start_node(folder: ConsortiumFolder, member: Member, port: int) -> NodeProcess:
    """Start a member's node in the background. It ends with this process."""
    config = folder.config(member.name)
    log = config.with_name("node.log")
    command = [sys.executable, "-m", "app", "node", "--config", str(config)]
    process = processes.start(command, log)
    return NodeProcess(member.name, f"http://{processes.HOST}:{port}", log, process)


def await_ready(node: NodeProcess) -> None:
    """Wait until a node answers. Raises TallyError with the end of its log when it does not."""

    def answers() -> bool:
        try:
            return client.get(f"{node.url}/health").status_code < httpx.codes.BAD_REQUEST
        except httpx.TransportError:
            return False

    with httpx.Client(timeout=2) as client:
        ready = processes.await_ready(node.process, answers, _READY_S)
    if not ready:
        log = processes.tail(node.log)
        raise TallyError(f"the node did not come up; its log ends with:\n{log}", where=node.name)
