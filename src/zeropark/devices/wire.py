"""Where a device is, how long it is waited for, and when it is tried again."""

from __future__ import annotations

import math
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from zeropark.devices.contract import Health
from zeropark.devices.template import Template
from zeropark.units.text import Text

Clock = Callable[[], float]
"""The time now, POSIX seconds UTC; a scaled one where a site is simulated faster than it is."""

_UNCONFIRMED = Text(
    "its template was held to no document of the maker; it may only be read",
    "其模板未与厂家文件核对；只允许读取",
)
_OPEN = Text(
    "its wire has no authentication; it may only be read until its template says commands_open and "
    "the park file names its segment",
    "线路无身份认证；在模板写明 commands_open 且园区文件写明 segment 之前只允许读取",
)


def always(seconds: float) -> bool:
    """Let set-points be sent: who operates a park alone leads it."""
    del seconds
    return True


@dataclass(frozen=True)
class Wire:
    """How a device is reached.

    timeout: longest wait for one answer [s], in wall time. unit_id: behind a gateway. topic: its
    branch at a broker. tls: None for a wire in the clear. client_certified, user, password: how we
    prove who we are; the password comes from a secret. certificate_ends: when our own certificate
    expires, POSIX seconds; None where we have none. segment: the network segment it lies in.
    authority, certificate: the files behind tls, for a protocol with certificates of its own.
    may_send: asked before each message that sets something, with how long it can take [s, wall
    time]; nothing is sent where it says no.
    """

    host: str
    port: int
    unit_id: int = 1
    timeout: float = 1.0
    topic: str = ""
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    client_certified: bool = False
    certificate_ends: float | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    segment: str | None = None
    authority: Path | None = None
    certificate: Path | None = None
    may_send: Callable[[float], bool] = field(default=always, repr=False)

    @property
    def authenticated(self) -> bool:
        """Whether the device can know that it is us."""
        return self.tls is not None and (self.client_certified or self.password is not None)


def why_only_read(template: Template, wire: Wire) -> Text | None:
    """Return why a device may not be commanded here; None where it may."""
    if not template.confirmed:
        return _UNCONFIRMED
    if not wire.authenticated and not (template.commands_open and wire.segment):
        return _OPEN
    return None


def soonest(theirs: float | None, wire: Wire) -> float | None:
    """Return when the first certificate of a wire expires, POSIX seconds; None without any."""
    return min((e for e in (theirs, wire.certificate_ends) if e is not None), default=None)


# Seconds before a silent device is tried again: doubled with each miss, up to the last.
_FIRST, _LAST = 1.0, 60.0


class Pace:
    """Counts what was answered and what was not, and says when a try is due again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._health = Health(answering=False, since=math.nan)
        self.certificate_ends: float | None = None

    @property
    def due(self) -> bool:
        """Whether a try is due."""
        # A clock that was set back must not keep a device silent: it waits no longer than the last.
        wait = self._health.next_try - self._clock()
        return wait <= 0.0 or wait > _LAST

    def answered(self) -> None:
        """Note an answer."""
        before = self._health
        if not before.answering or before.misses:
            since = before.since if before.answering else self._clock()
            self._health = Health(answering=True, since=since)

    def noted(self, said: Text) -> None:
        """Note what a device that answers does wrong."""
        self._health = replace(self._health, said=said)

    def missed(self, said: Text) -> None:
        """Note a try without an answer, and why."""
        before, now = self._health, self._clock()
        misses = before.misses + 1
        since = now if before.answering or math.isnan(before.since) else before.since
        wait = min(_LAST, _FIRST * 2.0 ** (misses - 1))
        self._health = Health(
            answering=False, since=since, misses=misses, next_try=now + wait, said=said
        )

    def health(self) -> Health:
        """Return how things stand."""
        h = self._health
        ends = self.certificate_ends
        return Health(h.answering, h.since, h.misses, h.next_try, h.said, ends)
