"""A consortium's own certificate authority, and the certificates of its members.

FOLDER/ca.pem, ca.key             the authority: whoever holds its key can admit to every endpoint
FOLDER/NAME/server.pem, .key      what NAME's proxies show
FOLDER/NAME/client.pem, .key      what NAME's node shows to proxies
FOLDER/NAME/server.csr, client.csr   where another has yet to sign them
"""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_AUTHORITY_VALID = timedelta(days=3650)
_MEMBER_VALID = timedelta(days=397)
_CLOCKS_DIFFER_BY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where one member's certificates lie; its node is given `ca` and the client's pair."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def make_authority(folder: Path) -> None:
    """Make the authority, unless it is there."""
    if (folder / "ca.pem").exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Tallystick consortium")
    certificate = (
        _builder(name, name, key.public_key(), _AUTHORITY_VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_key(folder / "ca.key", key)
    _write_certificate(folder / "ca.pem", certificate)


def issue(folder: Path, member: str, place: Path, hosts: Sequence[str]) -> Certificates:
    """Make a member's two certificates anew under the authority in `folder`, in `place`.

    `member` names it to proxies: letters, digits, dots, dashes. `hosts`: the names and addresses
    under which its own proxies are reached. They hold for 397 days; those that they replace stay
    valid until their own end.
    """
    ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    ca_key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = certificates(folder, place)
    for path, key_path, purpose in (
        (made.server, made.server_key, ExtendedKeyUsageOID.SERVER_AUTH),
        (made.client, made.client_key, ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(_name(member), ca.subject, key.public_key(), _MEMBER_VALID)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        )
        if purpose == ExtendedKeyUsageOID.SERVER_AUTH:
            names = x509.SubjectAlternativeName([_host(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        _write_key(key_path, key)
        _write_certificate(path, builder.sign(ca_key, hashes.SHA256()))
    return made


def request(member: str, made: Certificates, hosts: Sequence[str]) -> None:
    """Make a member's two keys and, beside each, what asks the authority's holder to sign for it
    (*.csr, with the server's `hosts`)."""
    made.server.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for key_path, certificate in ((made.server_key, made.server), (made.client_key, made.client)):
        key = ec.generate_private_key(ec.SECP256R1())
        builder = x509.CertificateSigningRequestBuilder().subject_name(_name(member))
        if certificate == made.server:
            names = x509.SubjectAlternativeName([_host(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        asked = builder.sign(key, hashes.SHA256())
        _write_key(key_path, key)
        certificate.with_suffix(".csr").write_bytes(asked.public_bytes(serialization.Encoding.PEM))


def certificates(folder: Path, place: Path) -> Certificates:
    """Where the certificates in `place` lie, of the authority in `folder`."""
    return Certificates(
        folder / "ca.pem",
        place / "server.pem",
        place / "server.key",
        place / "client.pem",
        place / "client.key",
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, valid: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER_BY)
        .not_valid_after(now + valid)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write_certificate(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
