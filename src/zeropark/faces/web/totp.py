"""Codes of an authenticator: HOTP [RFC 4226, 5.3] of the time in steps [RFC 6238, 4.2]."""

from __future__ import annotations

import base64
import hmac
import secrets
from urllib.parse import quote

STEP_S = 30
DIGITS = 6
_SKEW = 1
"""Steps a clock may be off, either way [RFC 6238, 5.2 recommends at most one]."""


def new_secret() -> bytes:
    """Return a new secret of the length of its hash [RFC 4226, 4: 160 bits recommended]."""
    return secrets.token_bytes(20)


def code_at(secret: bytes, seconds: float, digits: int = DIGITS, digest: str = "sha1") -> str:
    """Return the code at a time [s since 1970]."""
    return _hotp(secret, int(seconds // STEP_S), digits, digest)


def _hotp(secret: bytes, counter: int, digits: int, digest: str) -> str:
    mac = hmac.digest(secret, counter.to_bytes(8, "big"), digest)
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def step_of(secret: bytes, code: str, seconds: float, after: int) -> int | None:
    """Return the step whose code this is, one step of skew allowed; None where it is none.

    after: the newest step whose code was taken: a code is good once.
    """
    now = int(seconds // STEP_S)
    for step in range(now - _SKEW, now + _SKEW + 1):
        expected = _hotp(secret, step, DIGITS, "sha1") if step >= 0 else ""
        if step > after and hmac.compare_digest(expected.encode(), code.encode()):
            return step
    return None


def shown(secret: bytes) -> str:
    """Return a secret as a person types it."""
    return base64.b32encode(secret).decode()


def address(secret: bytes, name: str) -> str:
    """Return what an authenticator reads, as `otpauth:`."""
    return f"otpauth://totp/zeropark:{quote(name)}?secret={shown(secret)}&issuer=zeropark"
