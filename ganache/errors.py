"""What can go wrong when a development chain is started.

LauncherError
├── EngineMissing   the engine is unknown, or its npm package or Node is not installed
├── PortTaken       something that we did not start listens on the asked port
├── StateInUse      another running chain holds the state directory
├── StateMismatch   the state directory belongs to another engine or chain id
└── ChainFailed     the process started but did not become a healthy chain
    └── DumpUnusable    and might from its blocks alone
"""

from pathlib import Path


class LauncherError(Exception):
    """A development chain could not be started; the message says why and what to do."""


class EngineMissing(LauncherError):
    """The engine is unknown, or what it needs is not installed."""


class PortTaken(LauncherError):
    """The asked port belongs to a process that this launcher did not start."""


class StateInUse(LauncherError):
    """Another running chain holds the state directory."""


class StateMismatch(LauncherError):
    """The state directory was made by another engine or for another chain id."""


class ChainFailed(LauncherError):
    """The process did not become a healthy chain; the message ends with its log."""


class DumpUnusable(ChainFailed):
    """The stored state at `path` is damaged, or is not this chain's."""

    def __init__(self, path: Path, why: Exception) -> None:
        super().__init__(f"{path} cannot be gone on from: {why}")
        self.path = path
