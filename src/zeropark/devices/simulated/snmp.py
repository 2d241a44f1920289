"""Simulated SNMP v2c agents; the messages are coded by pysnmp."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Mapping

from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pysnmp.proto import api

from zeropark.devices.simulated.device import Fault, PointDevice
from zeropark.devices.template import Template
from zeropark.devices.wire import Clock

BY_UNIT = False
# How late a slow agent is [s], and how often a flooding one says the same.
_SLOW, _FLOOD = 3.0, 100
_GENERAL_ERROR = 5
_V2C = api.PROTOCOL_MODULES[1]


def simulated(template: Template, clock: Clock, spans: Mapping[str, float]) -> PointDevice:
    """Return an agent of the template with nothing shown yet; spans are of no use here."""
    del spans
    return PointDevice(template, clock)


class _Agent(asyncio.DatagramProtocol):
    """Answers for one device."""

    def __init__(self, device: PointDevice) -> None:
        self._device = device
        self._by_address = {str(p.address): p.name for p in device.template.points}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """Take the socket."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a question; what is none is dropped."""
        device, transport = self._device, self._transport
        if device.silent or device.has(Fault.SLOW) or transport is None:
            # A slow agent answers when nobody waits any more: nothing else could be seen.
            return
        try:
            asked, _ = decoder.decode(data, asn1Spec=_V2C.Message())
        except PyAsn1Error:
            return
        said = encoder.encode(self._answer(asked))
        times = _FLOOD if device.has(Fault.FLOOD) else 2 if device.has(Fault.DUPLICATE) else 1
        for _ in range(times):
            transport.sendto(said, addr)

    def _answer(self, asked: object) -> object:
        message = _V2C.apiMessage.get_response(asked)
        pdu = _V2C.apiMessage.get_pdu(message)
        wanted = _V2C.apiPDU.get_varbinds(_V2C.apiMessage.get_pdu(asked))
        if self._device.has(Fault.REFUSE):
            _V2C.apiPDU.set_error_status(pdu, _GENERAL_ERROR)
            _V2C.apiPDU.set_varbinds(pdu, wanted)
        else:
            _V2C.apiPDU.set_varbinds(pdu, [(oid, self._value(str(oid))) for oid, _ in wanted])
        return message

    def _value(self, identifier: str) -> object:
        raw = self._device.raw.get(self._by_address.get(identifier, ""), math.nan)
        return _V2C.Integer(round(raw)) if math.isfinite(raw) else _V2C.NoSuchInstance("")


class Host:
    """An agent at an address of its own."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        assert tls is None, "SNMP is not simulated in TLS"
        self._at = (host, port)
        self._device: PointDevice | None = None
        self._transport: asyncio.DatagramTransport | None = None

    def add(self, unit_id: int, topic: str, device: PointDevice) -> None:
        """Have a device answer here; unit id and topic are of no use."""
        del unit_id, topic
        self._device = device

    @property
    def port(self) -> int:
        """The port it listens at; the one the system chose where 0 was asked for."""
        assert self._transport is not None, "asked of a host that listens"
        return int(self._transport.get_extra_info("sockname")[1])

    async def start(self) -> None:
        """Listen; raises `OSError` where the port is taken."""
        device = self._device
        assert device is not None, "a device was added"
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Agent(device), local_addr=self._at
        )

    async def stop(self) -> None:
        """Stop listening."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
            await asyncio.sleep(0)

    async def say(self) -> None:
        """Nothing: an agent speaks when it is asked."""
