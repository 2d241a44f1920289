"""Simulated chargers: they call the central system, again and again, and say what they meter."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import math
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from ocpp.exceptions import OCPPError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from zeropark.devices.central import PROFILE
from zeropark.devices.simulated.device import Fault, PointDevice
from zeropark.devices.template import Template
from zeropark.devices.wire import Clock

# How often a charger meters, and how long it waits before it calls again [s].
_EVERY, _AGAIN = 1.0, 0.2
# How late a slow charger is [s], and how often a flooding one says the same.
_SLOW, _FLOOD = 3.0, 100
_UNITS = {"%": "Percent"}


def simulated(template: Template, clock: Clock, spans: Mapping[str, float]) -> PointDevice:
    """Return a connector of the template with nothing shown yet; spans are of no use here."""
    del spans
    return PointDevice(template, clock)


class Line(Protocol):
    """A charger on the line, in its version's own words."""

    async def start(self) -> None:
        """Hear the central system until it hangs up."""

    async def boot(self) -> None:
        """Say that it has just started."""

    async def meter(self) -> None:
        """Say what it meters at every connector."""


class Connectors:
    """The connectors of one charger, by number, and what faults make of its answers."""

    def __init__(self, devices: Mapping[int, PointDevice]) -> None:
        self.devices = devices

    @property
    def silent(self) -> bool:
        """Whether the charger is not there: its connectors share one line."""
        return any(device.silent for device in self.devices.values())

    async def refuses(self, number: int) -> bool:
        """Return whether it refuses what is asked of a connector, after its delay."""
        device = self.devices.get(number)
        if device is not None and device.has(Fault.SLOW):
            await asyncio.sleep(_SLOW)
        return device is None or device.has(Fault.REFUSE)

    def samples(self, number: int) -> dict[str, tuple[float, str]]:
        """Return (raw number, unit) by measurand, of what a connector meters now."""
        device = self.devices[number]
        return {
            str(point.address): (raw, _UNITS.get(point.unit, point.unit))
            for point in device.template.points
            if point.reads and math.isfinite(raw := device.raw[point.name])
        }

    def times(self, number: int) -> int:
        """Return how often it says the same."""
        device = self.devices[number]
        if device.has(Fault.FLOOD):
            return _FLOOD
        return 2 if device.has(Fault.DUPLICATE) else 1

    def take(self, number: int, limit: float | None, seconds: float | None) -> None:
        """Take a limit at a connector, None to let go of it."""
        device = self.devices[number]
        device.take(_set_by_profile(device.template), limit, seconds)

    def limit(self, number: int) -> float | None:
        """Return the limit a connector holds; None where there is none."""
        device = self.devices[number]
        device.setpoints()
        return device.held.get(_set_by_profile(device.template))


def _set_by_profile(template: Template) -> str:
    return next(p.name for p in template.points if PROFILE in (p.address, p.set_address))


class CallingHost(ABC):
    """Chargers that call one address."""

    SUBPROTOCOL: ClassVar[str]

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._at = (host, port)
        self._tls = tls
        self._devices: dict[str, dict[int, PointDevice]] = {}
        self._calls: list[asyncio.Task[None]] = []
        self.passwords: dict[str, str] = {}
        self.lines: dict[str, Line] = {}
        self.called: dict[str, asyncio.Event] = {}

    @abstractmethod
    def line(self, name: str, connection: ClientConnection, connectors: Connectors) -> Line:
        """Return a charger on a line."""

    def add(self, unit_id: int, topic: str, device: PointDevice) -> None:
        """Have a device answer as a connector of the charger `topic`."""
        self._devices.setdefault(topic, {})[unit_id] = device
        self.called[topic] = asyncio.Event()

    @property
    def port(self) -> int:
        """The port it calls."""
        return self._at[1]

    async def start(self) -> None:
        """Begin to call."""
        self._calls = [
            asyncio.create_task(self._call(name, Connectors(devices)))
            for name, devices in self._devices.items()
        ]

    async def stop(self) -> None:
        """Hang up and call no more."""
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        self._calls = []

    async def say(self) -> None:
        """Have every charger that is on the line say what it meters now."""
        for line in list(self.lines.values()):
            await line.meter()

    async def _call(self, name: str, connectors: Connectors) -> None:
        while True:
            if not connectors.silent:
                with contextlib.suppress(OSError, WebSocketException, InvalidHandshake, OCPPError):
                    await self._on_the_line(name, connectors)
            await asyncio.sleep(_AGAIN)

    async def _on_the_line(self, name: str, connectors: Connectors) -> None:
        host, port = self._at
        scheme = "ws" if self._tls is None else "wss"
        told: dict[str, Any] = {}
        if name in self.passwords:
            word = base64.b64encode(f"{name}:{self.passwords[name]}".encode()).decode()
            told["additional_headers"] = {"Authorization": f"Basic {word}"}
        async with connect(
            f"{scheme}://{host}:{port}/{name}",
            subprotocols=[self.SUBPROTOCOL],  # type: ignore[list-item] # a NewType of str
            ssl=self._tls,
            proxy=None,
            **told,
        ) as connection:
            line = self.line(name, connection, connectors)
            hearing = asyncio.create_task(line.start())
            try:
                await line.boot()
                self.lines[name] = line
                self.called[name].set()
                while not (connectors.silent or hearing.done()):
                    await line.meter()
                    await asyncio.wait([hearing], timeout=_EVERY)
            finally:
                self.lines.pop(name, None)
                self.called[name].clear()
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)
