"""Who gets through a rendered network's proxies to the chain's RPC, as the registry has it now.

OUT/proxies/NAME.conf: the names in it; the rest of each file stays. A proxy reads its file when it
starts.
"""

from collections.abc import Sequence
from pathlib import Path

from app.domain.errors import ConfigFault
from deploy.consortium import replace_file
from deploy.proxy import nginx


def write_admitted(names: Sequence[str], proxies: Path) -> list[str]:
    """Write the certificates' names into every proxy that asks for them; returns those proxies'
    services. Raises ConfigFault for a file in which they have no place, before any is written."""
    written = {}
    for path in sorted(proxies.glob("*.conf")):
        text = path.read_text()
        try:
            fresh = nginx.with_admitted(text, names)
        except ValueError:
            raise ConfigFault(
                "this proxy asks for certificates and does not list who gets through",
                where=str(path),
                remedy="Delete it, render the network again, then run this again",
            ) from None
        if fresh is not None:
            written[path] = fresh
    for path, text in written.items():
        replace_file(path, text)
    return [f"{path.stem}-proxy" for path in written]
