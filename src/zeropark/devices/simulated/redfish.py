"""Simulated Redfish services: the resources a template names, over HTTP or HTTPS."""

from __future__ import annotations

import asyncio
import base64
import http
import json
import math
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping, Sequence
from typing import Any

from zeropark.devices.protocols.redfish import place_of
from zeropark.devices.simulated.device import Fault, PointDevice
from zeropark.devices.template import Template
from zeropark.devices.wire import Clock

BY_UNIT = False
# How late a slow service is [s].
_SLOW = 3.0


def simulated(template: Template, clock: Clock, spans: Mapping[str, float]) -> PointDevice:
    """Return a service of the template with nothing shown yet; spans are of no use here."""
    del spans
    return PointDevice(template, clock)


class Host:
    """A service at an address of its own. account: (user, password) it asks for; None for none."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._at, self._tls = (host, port), tls
        self._device: PointDevice | None = None
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self.account: tuple[str, str] | None = None

    def add(self, unit_id: int, topic: str, device: PointDevice) -> None:
        """Have a device answer here; unit id and topic are of no use."""
        del unit_id, topic
        self._device = device

    @property
    def port(self) -> int:
        """The port it listens at; the one the system chose where 0 was asked for."""
        assert self._server is not None, "asked of a host that listens"
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen; raises `OSError` where the port is taken."""
        self._server = await asyncio.start_server(self._heard, *self._at, ssl=self._tls)

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for call in list(self._calls):
                call.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)
            await asyncio.sleep(0)

    async def say(self) -> None:
        """Nothing: a service speaks when it is asked."""

    async def _heard(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection is served by a task"
        self._calls.add(task)
        try:
            asked = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, body = await self._answer(asked)
            said = json.dumps(body).encode()
            head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: application/json\r\n"
            head += f"Content-Length: {len(said)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + said)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # A service whose client hung up, or that is switched off, owes nobody a word.
            pass
        finally:
            self._calls.discard(task)
            writer.close()

    async def _answer(self, asked: str) -> tuple[http.HTTPStatus, Any]:
        device = self._device
        assert device is not None, "a device was added"
        if device.silent or device.has(Fault.SLOW):
            await asyncio.sleep(_SLOW)
        if device.has(Fault.REFUSE):
            return http.HTTPStatus.SERVICE_UNAVAILABLE, {"error": "busy"}
        if self.account is not None:
            word = base64.b64encode(":".join(self.account).encode()).decode()
            if f"Authorization: Basic {word}\r\n" not in asked:
                return http.HTTPStatus.UNAUTHORIZED, {"error": "who are you"}
        resource = asked.split(" ")[1]
        body: Any = None
        for point in device.template.points:
            there, way = place_of(point.address)
            if there == resource:
                raw = device.raw[point.name]
                body = _with(body, way, raw if math.isfinite(raw) else None)
        return (http.HTTPStatus.NOT_FOUND, {}) if body is None else (http.HTTPStatus.OK, body)


def _with(body: Any, way: Sequence[str], number: float | None) -> Any:
    """Return JSON with a number at the end of a way."""
    if not way:
        return number
    key, rest = way[0], way[1:]
    if key.isdecimal():
        found = list(body or [])
        found += [{}] * (int(key) + 1 - len(found))
        found[int(key)] = _with(found[int(key)], rest, number)
        return found
    whole = dict(body or {})
    whole[key] = _with(whole.get(key), rest, number)
    return whole
