"""Simulated devices that speak by a broker: each publishes below its branch and hears its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import aiomqtt

from zeropark.devices.protocols.mqtt import way_of
from zeropark.devices.simulated.device import Fault, PointDevice
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.wire import Clock

BY_UNIT = False
# How often a device publishes on the site's clock [s]; how often it looks at that, and how long it
# waits before it seeks its broker again, on ours [s].
_EVERY, _LOOKS, _AGAIN = 1.0, 0.1, 0.2
# How long its answers are waited for, also to a good-bye [s].
_PATIENCE = 2.0
# How late a slow device is [s], and how often a flooding one says the same.
_SLOW, _FLOOD = 3.0, 100


def simulated(template: Template, clock: Clock, spans: Mapping[str, float]) -> PointDevice:
    """Return a device of the template with nothing shown yet; spans are of no use here."""
    del spans
    return PointDevice(template, clock)


class Host:
    """Devices at one broker, by their branch; a broker that goes away is sought again.

    there: whether it is at its broker. heard: how many messages came for its devices.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._at = (host, port)
        self._tls = tls
        self._devices: dict[str, PointDevice] = {}
        self._client: aiomqtt.Client | None = None
        self._living: asyncio.Task[None] | None = None
        self.there = asyncio.Event()
        self.heard = 0
        self._ending = False
        self._said_at: dict[str, float] = {}

    def add(self, unit_id: int, topic: str, device: PointDevice) -> None:
        """Have a device speak below `topic`."""
        del unit_id
        self._devices[topic] = device

    @property
    def port(self) -> int:
        """The port of the broker."""
        return self._at[1]

    async def start(self) -> None:
        """Begin to seek the broker."""
        self._ending = False
        self._living = asyncio.create_task(self._live())

    async def stop(self) -> None:
        """Leave the broker."""
        living, self._living, self._ending = self._living, None, True
        if living is not None:
            living.cancel()
            while not living.done():
                # What a library makes of a cancellation is not always an end.
                await asyncio.wait([living], timeout=_PATIENCE)
                living.cancel()

    async def say(self) -> None:
        """Have every device publish what it shows now; the broker keeps the last of it."""
        for topic, device in self._devices.items():
            if self._client is None or device.silent:
                continue
            self._said_at[topic] = device.now
            for below, said in _messages(device).items():
                for _ in range(_times(device)):
                    where = f"{topic}/{below}"
                    await self._client.publish(where, json.dumps(said), retain=True)

    @property
    def _is_due(self) -> bool:
        """Whether some device has said nothing for a while of its clock, which may be set back."""
        never = -math.inf
        return any(
            abs(device.now - self._said_at.get(topic, never)) >= _EVERY
            for topic, device in self._devices.items()
        )

    async def _live(self) -> None:
        # An error of leaving may stand in the place of a cancellation: it must end all the same.
        while not self._ending:
            with contextlib.suppress(aiomqtt.MqttError, OSError):
                await self._at_broker()
            await asyncio.sleep(_AGAIN)

    async def _at_broker(self) -> None:
        host, port = self._at
        async with aiomqtt.Client(host, port, tls_context=self._tls, timeout=_PATIENCE) as client:
            for topic, device in self._devices.items():
                for below in {way_of(p.set_address or p.address)[0] for p in _set(device)}:
                    await client.subscribe(f"{topic}/{below}", qos=1)
            hearing = asyncio.create_task(self._hear(client))
            self._client = client
            self._said_at.clear()
            self.there.set()
            try:
                while not hearing.done():
                    if self._is_due:
                        await self.say()
                    await asyncio.wait([hearing], timeout=_LOOKS)
            finally:
                self._client = None
                self.there.clear()
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            for topic, device in self._devices.items():
                below = str(message.topic).removeprefix(f"{topic}/")
                if below == str(message.topic):
                    continue
                if device.has(Fault.SLOW):
                    await asyncio.sleep(_SLOW)
                if not (device.silent or device.has(Fault.REFUSE)):
                    _take(device, below, bytes(message.payload or b""))
                self.heard += 1


def _set(device: PointDevice) -> Iterator[PointTemplate]:
    points = device.template.points
    beside = {name for each in points for name in (*each.along, *each.release)}
    return (each for each in points if each.write or each.name in beside)


def _take(device: PointDevice, below: str, payload: bytes) -> None:
    """Take a message as the device understands it; what is no number lets go."""
    try:
        whole = json.loads(payload)
    except ValueError:
        return
    for point in device.template.points:
        topic, way = way_of(point.set_address or point.address)
        if topic != below or not point.write:
            continue
        said = whole
        for key in way:
            said = said.get(key) if isinstance(said, dict) else None
        number = isinstance(said, int | float) and not isinstance(said, bool)
        device.take(point.name, float(said) if number else None)


def _messages(device: PointDevice) -> dict[str, Any]:
    """Return what a device publishes now, by topic below its branch."""
    template = device.template
    numbers: list[tuple[int | str, float]] = [
        (point.address, device.raw[point.name]) for point in template.points if point.reads
    ]
    if template.stamp is not None:
        numbers.append((template.stamp, device.now + device.clock_error))
    found: dict[str, Any] = {}
    for address, raw in numbers:
        topic, way = way_of(address)
        said = raw if math.isfinite(raw) else None
        if not way:
            found[topic] = said
            continue
        inner = found.setdefault(topic, {})
        for key in way[:-1]:
            inner = inner.setdefault(key, {})
        inner[way[-1]] = said
    return found


def _times(device: PointDevice) -> int:
    if device.has(Fault.FLOOD):
        return _FLOOD
    return 2 if device.has(Fault.DUPLICATE) else 1
