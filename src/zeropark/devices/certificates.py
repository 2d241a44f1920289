"""Whom to believe where a protocol shows certificates outside TLS: same rules, same words."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from zeropark.devices.tls import EXPIRED, NOT_YET, UNKNOWN_CA, WRONG_NAME
from zeropark.units.text import Text


def why_not_believed(shown: bytes, authority: Path, host: str, now: float) -> Text | None:
    """Return why a certificate (DER) is not believed; None where it is.

    authority: who signs it (PEM), or the certificate itself. host: whose it must be, as a name or
    an address in its alternative names. now: POSIX s. Raises `OSError` where the file cannot be
    read, `ValueError` where either is no certificate.
    """
    certificate = x509.load_der_x509_certificate(shown)
    signer = x509.load_pem_x509_certificate(authority.read_bytes())
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    if signer != certificate:
        try:
            certificate.verify_directly_issued_by(signer)
        except (ValueError, TypeError, InvalidSignature):
            return UNKNOWN_CA.format(host=host)
    if moment > certificate.not_valid_after_utc:
        return EXPIRED.format(host=host)
    if moment < certificate.not_valid_before_utc:
        return NOT_YET.format(host=host)
    return None if _is_of(certificate, host) else WRONG_NAME.format(host=host)


def ends(shown: bytes) -> float:
    """Return when a certificate (DER) expires, POSIX seconds."""
    return x509.load_der_x509_certificate(shown).not_valid_after_utc.timestamp()


def _is_of(certificate: x509.Certificate, host: str) -> bool:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() in [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    return address in names.get_values_for_type(x509.IPAddress)


def uri_of(certificate: Path) -> str | None:
    """Return the application URI of a certificate of ours (PEM); None where it names none."""
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return uris[0] if uris else None
