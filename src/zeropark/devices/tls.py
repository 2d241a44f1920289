"""TLS to a device: whom to believe, who we are, and why a handshake failed."""

from __future__ import annotations

import asyncio
import errno
import ssl
from pathlib import Path
from typing import Protocol

from cryptography import x509

from zeropark.units.text import Text

EXPIRED = Text("the device's certificate has expired; have it renewed", "设备证书已过期；更换证书")
NOT_YET = Text(
    "the device's certificate is not valid yet; check both clocks",
    "设备证书尚未生效；核对双方时钟",
)
WRONG_NAME = Text(
    "the device's certificate is for another name than {host}; name the host as in the certificate",
    "设备证书不属于 {host}；按证书中的名称填写 host",
)
UNKNOWN_CA = Text(
    "the device's certificate is signed by nobody we trust; name its authority in the park file",
    "设备证书的签发者不受信任；在园区文件中写明其 authority",
)
_REFUSED = Text("the TLS handshake failed ({said})", "TLS 握手失败（{said}）")
# OpenSSL's X509_V_ERR codes (x509_vfy.h).
_NOT_YET_VALID, _HAS_EXPIRED, _HOST, _IP = 9, 10, 62, 64
_BY_CODE = {_NOT_YET_VALID: NOT_YET, _HAS_EXPIRED: EXPIRED, _HOST: WRONG_NAME, _IP: WRONG_NAME}


class _HasExtra(Protocol):
    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return what a transport knows of its wire."""


def context(authority: Path, certificate: Path | None = None) -> ssl.SSLContext:
    """Return how we speak TLS: to whom `authority` (PEM) has signed, at least 1.2, name checked.

    certificate: ours with its key (PEM), where the device asks who we are. Raises `OSError` where a
    file cannot be read.
    """
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    found.load_verify_locations(authority)
    if certificate is not None:
        found.load_cert_chain(certificate)
    return found


def serving_context(certificate: Path, authority: Path | None = None) -> ssl.SSLContext:
    """Return how we speak TLS to those who call us: with our certificate and key (PEM), from 1.2.

    authority: who signs their certificates, where they are asked for one. Raises `OSError` where a
    file cannot be read.
    """
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    found.load_cert_chain(certificate)
    if authority is not None:
        found.load_verify_locations(authority)
        found.verify_mode = ssl.CERT_REQUIRED
    return found


def own_ends(certificate: Path) -> float:
    """Return when a certificate of ours (PEM) expires, POSIX seconds; raises `OSError`."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except ValueError as error:
        raise OSError(errno.EINVAL, "no certificate", str(certificate)) from error
    return found.not_valid_after_utc.timestamp()


def common_name(transport: _HasExtra | None) -> str | None:
    """Return whose name the peer's certificate is in; None where it showed none."""
    shown = None if transport is None else transport.get_extra_info("peercert")
    parts = shown.get("subject", ()) if isinstance(shown, dict) else ()
    return next((v for part in parts for key, v in part if key == "commonName"), None)


def certificate_ends(transport: _HasExtra | None) -> float | None:
    """Return when the peer's certificate expires, POSIX seconds; None where it showed none."""
    shown = None if transport is None else transport.get_extra_info("peercert")
    return _ends(shown)


def peer_ends(wire: object) -> float | None:
    """Return when the certificate at the other end of a socket expires; as `certificate_ends`."""
    return _ends(wire.getpeercert()) if isinstance(wire, ssl.SSLSocket) else None


def _ends(shown: object) -> float | None:
    ends = shown.get("notAfter") if isinstance(shown, dict) else None
    return ssl.cert_time_to_seconds(ends) if isinstance(ends, str) else None


async def why_no_handshake(
    host: str, port: int, with_: ssl.SSLContext, seconds: float
) -> Text | None:
    """Return why TLS to `host` fails, trying once more for `seconds`; None where it does not.

    A library that opens the wire says only that it failed.
    """
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port, ssl=with_)
    except ssl.SSLCertVerificationError as error:
        return _BY_CODE.get(error.verify_code, UNKNOWN_CA).format(host=host)
    except ssl.SSLError as error:
        return _REFUSED.format(said=error.reason or "TLS")
    except (OSError, TimeoutError):
        return None
    writer.close()
    return None
