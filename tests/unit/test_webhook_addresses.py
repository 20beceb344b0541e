"""Signatures of webhooks, and where they may go."""

from __future__ import annotations

import base64
import socket
from ipaddress import ip_network
from typing import Any

import pytest

from app.domain.errors import UsageFault
from app.webhooks.address import AddressRefused, check_url, resolved
from app.webhooks.signing import new_secret, signature


def test_the_signature_is_the_conventions() -> None:
    """The example of the Standard Webhooks specification's own libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    id_, payload = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature([secret], id_, 1614265330, payload) == expected
    both = signature([new_secret(), secret], id_, 1614265330, payload).split(" ")
    assert len(both) == 2 and both[1] == expected


def test_a_secret_has_its_prefix_and_256_bits() -> None:
    secret = new_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32


@pytest.mark.parametrize(
    "url",
    [
        "", "bank.example", "http://bank.example/", "ftp://bank.example", "https://", "https:///x",
        "https://u:p@bank.example/", "https://u@bank.example/", "https://bank.example/#a",
        "https://bank.example:0/", "https://bank.example:99999/", "https://bank.example/a b",
        "https://bank.example/\r\nX: y", "https://bänk.example/", "https://[::1", "file:///etc",
        "https://bank.example/" + "a" * 2_000,
    ],
)  # fmt: skip
def test_a_url_that_is_no_endpoints_is_refused(url: str) -> None:
    with pytest.raises(UsageFault):
        check_url(url, development=False)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "10.0.0.1", "172.16.0.1",
        "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "[::1]", "[::]", "[fe80::1]",
        "[fc00::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[ff02::1]", "localhost",
        "[64:ff9b::a00:1]", "[64:ff9b:1::a00:1]", "[2002:a00:1::1]", "[::127.0.0.1]", "[fec0::1]",
    ],
)  # fmt: skip
def test_nothing_goes_into_the_banks_own_network(host: str) -> None:
    with pytest.raises((AddressRefused, OSError)):
        resolved(check_url(f"https://{host}/", development=False), [])


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_public_addresses_are_taken(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    assert resolved(check_url(f"https://{host}/", development=False), []) == (address, 443)


def test_unless_the_bank_allows_it() -> None:
    parts = check_url("http://10.2.3.4:8080/hook", development=True)
    assert resolved(parts, [ip_network("10.2.0.0/16")]) == ("10.2.3.4", 8080)
    with pytest.raises(AddressRefused):
        resolved(parts, [ip_network("10.3.0.0/16"), ip_network("fc00::/7")])


def test_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(*_: Any, **__: Any) -> list[Any]:
        return [(0, 0, 0, "", ("93.184.216.34", 443)), (0, 0, 0, "", ("10.0.0.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    with pytest.raises(AddressRefused):
        resolved(check_url("https://bank.example/", development=False), [])
