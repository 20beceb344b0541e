"""Which addresses webhooks may go to: none within the bank's own network, unless it allows them."""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from app.domain.errors import UsageFault

Network = IPv4Network | IPv6Network
_LONGEST = 2_000
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(Exception):
    """Nothing is sent to such an address; the text says why."""


def check_url(url: str, *, development: bool) -> SplitResult:
    """The parts of an endpoint's URL: https, or http of a development node; without a user.
    Raises UsageFault."""
    allowed = ("https", "http") if development else ("https",)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageFault("the URL cannot be read") from None
    is_plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= _LONGEST
    if not is_plain or parts.scheme not in allowed or not parts.hostname or port == 0:
        raise UsageFault(
            "an endpoint's URL begins with "
            f"{' or '.join(f'{one}://' for one in allowed)} and names a host, in at most "
            f"{_LONGEST:,} ASCII characters"
        )
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise UsageFault("an endpoint's URL has no user, password or fragment")
    return parts


def resolved(parts: SplitResult, allowed: Sequence[Network]) -> tuple[str, int]:
    """One address and the port to connect to. Every address of the host is looked at: one that is
    not public must lie in an `allowed` network. Raises AddressRefused, and OSError where the name
    leads nowhere."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    for address in addresses:
        ip = _destination(address)
        is_allowed = any(ip in network for network in allowed if network.version == ip.version)
        if not is_allowed and not _is_public(ip):
            raise AddressRefused(f"{address} is no public address, and none that the bank allows")
    return addresses[0], port


def _destination(address: str) -> IPv4Address | IPv6Address:
    """Where an address leads to: an IPv6 one may hold an IPv4 one that a gateway sends it on to."""
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return ip
    translated = IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in _NAT64 else None
    return ip.ipv4_mapped or ip.sixtofour or translated or ip


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    is_unicast = not ip.is_multicast if isinstance(ip, IPv4Address) else ip in _GLOBAL_UNICAST
    return is_unicast and ip.is_global
