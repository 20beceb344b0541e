"""Ports on the loopback address that a network can keep for good."""

import random
import socket
from collections.abc import Collection, Iterator

from app.domain.errors import ChainFault
from deploy.network.layout import HOST

# Below the range from which systems take the ports of outgoing connections: one of those would
# now and then hold a validator's port while it is down.
_FIRST, _LAST = 20_000, 32_000


def free_ports(count: int, promised: Collection[int] = ()) -> list[int]:
    """Ports that nobody listens on now and that are not `promised`, in no order.

    Raises ChainFault when there are too few.
    """
    found: list[int] = []
    for port in _shuffled():
        if port not in promised and is_free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise ChainFault(
        f"{count} free ports between {_FIRST} and {_LAST} are needed",
        where=HOST,
        remedy="Stop what listens there",
    )


def is_free(port: int) -> bool:
    """Whether a server could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _shuffled() -> Iterator[int]:
    """At random, so that two networks that are made at once do not choose the same."""
    ports = list(range(_FIRST, _LAST))
    random.SystemRandom().shuffle(ports)
    return iter(ports)
