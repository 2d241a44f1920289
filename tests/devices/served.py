"""Devices on loopback, a clock that a test moves, and certificates of a test's own authority."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from zeropark.devices.catalogue import protocol
from zeropark.devices.contract import Driver
from zeropark.devices.simulated import end_of
from zeropark.devices.template import Template
from zeropark.devices.wire import Wire

LOOPBACK = "127.0.0.1"
# What a charger calls itself, and the number of a meter.
TOPIC, METER = "cp1", "000000000161"
T = TypeVar("T")


def free_port() -> int:
    """Return a port nobody listens at."""
    with socket.socket() as wire:
        wire.bind((LOOPBACK, 0))
        return int(wire.getsockname()[1])


class Hand:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def run(lived: Coroutine[Any, Any, T]) -> T:
    """Live through a coroutine."""
    return asyncio.run(lived)


class Pair(NamedTuple):
    """A driver and the simulated device at the other end."""

    driver: Driver
    device: Any
    clock: Hand
    host: Any


@asynccontextmanager
async def pair(
    template: Template, spans: Mapping[str, float] | None = None, **wire: Any
) -> AsyncIterator[Pair]:
    """Serve a simulated device of a template and open a driver to it."""
    listens, end = protocol(template.protocol).LISTENS, end_of(template.protocol, "test")
    clock, host = Hand(), end.Host(LOOPBACK, free_port() if listens else 0)
    device = end.simulated(template, clock, spans or {})
    wire = {"topic": METER if template.protocol == "dlt645" else TOPIC} | wire
    host.add(1, wire["topic"], device)
    if not listens:
        await host.start()
    driver = driver_of(template, host.port, clock, **wire)
    if listens:
        await driver.read()
        await host.start()
        await host.called[TOPIC].wait()
    try:
        yield Pair(driver, device, clock, host)
    finally:
        await driver.close()
        await host.stop()


def driver_of(template: Template, port: int, clock: Hand, **wire: Any) -> Driver:
    """Return the driver a template's protocol gives."""
    told: dict[str, Any] = {"host": LOOPBACK, "timeout": 0.25, "segment": "test", "topic": TOPIC}
    told |= wire
    found: Driver = protocol(template.protocol).driver(template, Wire(port=port, **told), clock)
    return found


class Certified(NamedTuple):
    """Files of a test authority: its own certificate, and one with its key."""

    authority: Path
    certificate: Path


def certify(
    folder: Path, *, name: str = LOOPBACK, days: int = 90, uri: str | None = None
) -> Certified:
    """Make an authority and a certificate for `name` that ends in `days`, before now where < 0.

    uri: an application's, as OPC UA has it, whose keys are RSA.
    """
    folder.mkdir(exist_ok=True)
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = ec.generate_private_key(ec.SECP256R1())
    ca = ec.generate_private_key(ec.SECP256R1())
    if uri is not None:
        key = rsa.generate_private_key(65537, 2048)
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test authority {folder.name}")])
    now = dt.datetime.now(dt.UTC)
    root = (
        _about(issuer, issuer, ca, now - dt.timedelta(days=400), now + dt.timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca.public_key()), critical=False)
        .add_extension(_usage(signs=True), critical=True)
        .sign(ca, hashes.SHA256())
    )
    ends = now + dt.timedelta(days=days)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [_general(name), *([] if uri is None else [x509.UniformResourceIdentifier(uri)])]
    alternative = x509.SubjectAlternativeName(names)
    own = (
        _about(subject, issuer, key, min(now, ends) - dt.timedelta(days=30), ends)
        .add_extension(alternative, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key()), critical=False
        )
        .sign(ca, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.pem").write_bytes(root.public_bytes(pem))
    (folder / "device.pem").write_bytes(own.public_bytes(pem) + key.private_bytes(pem, *plain))
    return Certified(folder / "ca.pem", folder / "device.pem")


def _about(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    begins: dt.datetime,
    ends: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def server_context(certified: Certified, clients: Path | None = None) -> ssl.SSLContext:
    """Return how a device speaks TLS. clients: the authority of those it lets in."""
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(certified.certificate)
    if clients is not None:
        found.load_verify_locations(clients)
        found.verify_mode = ssl.CERT_REQUIRED
    return found
