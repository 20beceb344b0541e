"""Who gets through a rendered network's proxies to the chain's RPC, as the registry has it now.

OUT/proxies/admitted.map, which every proxy's configuration includes. A proxy reads it when it
starts.
"""

from collections.abc import Sequence
from pathlib import Path

from app.domain.errors import ConfigFault
from deploy.consortium import replace_file
from deploy.proxy import nginx


def write_admitted(names: Sequence[str], proxies: Path) -> list[str]:
    """Write the certificates' names; returns the services of the proxies that ask for certificates.

    Raises ConfigFault, before it writes, for a proxy that asks for them and does not include the
    list.
    """
    asking = [path for path in sorted(proxies.glob("*.conf")) if nginx.ASKS in path.read_text()]
    for path in asking:
        if nginx.ADMITS not in path.read_text():
            raise ConfigFault(
                "this proxy asks for certificates and does not list who gets through",
                where=str(path),
                remedy="Delete it, render the network again, then run this again",
            )
    # A container's user is another one.
    replace_file(proxies / nginx.ADMITTED, nginx.admitted(names), mode=0o644)
    return [f"{path.stem}-proxy" for path in asking]
