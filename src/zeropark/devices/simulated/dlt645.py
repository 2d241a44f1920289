"""Simulated DL/T 645-2007 meters behind a serial converter in TCP; the frames are ours."""

from __future__ import annotations

import asyncio
import math
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping

from zeropark.devices.protocols.dlt645 import (
    ANSWER,
    ANYBODY,
    ERROR,
    READ,
    WHO,
    WHO_ANSWER,
    Frame,
    bytes_of,
    packed,
    unpacked,
)
from zeropark.devices.simulated.device import Fault, PointDevice
from zeropark.devices.template import Template
from zeropark.devices.wire import Clock

BY_UNIT = False
# How late a slow meter is [s], and how often a flooding one says the same.
_SLOW, _FLOOD = 3.0, 100
# What the error byte says where there is no such data (7.1 of the standard: bit 1).
_NO_SUCH_DATA = b"\x02"


def simulated(template: Template, clock: Clock, spans: Mapping[str, float]) -> PointDevice:
    """Return a meter of the template with nothing shown yet; spans are of no use here."""
    del spans
    return PointDevice(template, clock)


class Host:
    """Meters behind one converter, by their numbers."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        assert tls is None, "a serial converter has no TLS"
        self._at = (host, port)
        self._meters: dict[str, PointDevice] = {}
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()

    def add(self, unit_id: int, topic: str, device: PointDevice) -> None:
        """Have a device answer as the meter of a number; a unit id is of no use here."""
        del unit_id
        self._meters[topic] = device

    @property
    def port(self) -> int:
        """The port it listens at; the one the system chose where 0 was asked for."""
        assert self._server is not None, "asked of a host that listens"
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen; raises `OSError` where the port is taken."""
        self._server = await asyncio.start_server(self._heard, *self._at)

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for call in list(self._calls):
                call.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)

    async def say(self) -> None:
        """Nothing: a meter speaks when it is asked."""

    async def _heard(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection is served by a task"
        self._calls.add(task)
        received = b""
        try:
            while came := await reader.read(256):
                received += came
                frame, received = unpacked(received)
                if frame is not None:
                    writer.write(await self._answer(frame))
        except (ConnectionError, asyncio.CancelledError):
            # A converter whose master hung up, or that is switched off, owes nobody a word.
            pass
        finally:
            self._calls.discard(task)
            writer.close()

    async def _answer(self, frame: Frame) -> bytes:
        if (frame.number, frame.control) == (ANYBODY, WHO) and len(self._meters) == 1:
            (number,) = self._meters
            return packed(Frame(number, WHO_ANSWER, bytes.fromhex(number)[::-1]))
        meter = self._meters.get(frame.number)
        if meter is None or meter.silent or frame.control != READ:
            return b""
        if meter.has(Fault.SLOW):
            await asyncio.sleep(_SLOW)
        data = None if meter.has(Fault.REFUSE) else _data(meter, frame.data[::-1].hex())
        if data is None:
            said = packed(Frame(frame.number, ERROR, _NO_SUCH_DATA))
        else:
            said = packed(Frame(frame.number, ANSWER, frame.data + data))
        if meter.has(Fault.FLOOD):
            return said * _FLOOD
        return said * 2 if meter.has(Fault.DUPLICATE) else said


def _data(meter: PointDevice, identifier: str) -> bytes | None:
    """Return what a meter says at an identifier; None where it has no number there."""
    for point in meter.template.points:
        if str(point.address).lower() == identifier:
            raw = meter.raw[point.name]
            return bytes_of(point.type, raw) if math.isfinite(raw) else None
    return None
