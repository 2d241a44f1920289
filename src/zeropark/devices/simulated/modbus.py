"""Simulated devices behind Modbus TCP, plain or in TLS: the server is pymodbus's."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import partial

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.server import ModbusTcpServer, ModbusTlsServer
from pymodbus.simulator import DataType, SimData, SimDevice

from zeropark.devices.protocols import modbus
from zeropark.devices.simulated.device import Fault, RegisterDevice
from zeropark.devices.template import Template
from zeropark.devices.wire import Clock

BY_UNIT = True
# How late a slow device is [s], and how often a flooding one says the same.
_SLOW, _FLOOD = 3.0, 100
_UNIT_AT = 6
"""Where the unit id stands in a frame (Modbus Messaging on TCP/IP 1.0b, 3.1.3)."""
_WRITES = {6, 16}


def simulated(template: Template, clock: Clock, spans: Mapping[str, float]) -> RegisterDevice:
    """Return a device of the template with nothing shown yet.

    spans: the largest value a point will show [unit used inside], by point; here nothing depends on
    it.
    """
    del spans
    device = RegisterDevice(template, modbus.place(template), clock)
    device.blank()
    return device


class Host:
    """Devices behind one port, by unit id."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._at = (host, port)
        self._tls = tls
        self._devices: dict[int, RegisterDevice] = {}
        self._server: ModbusTcpServer | None = None

    def add(self, unit_id: int, topic: str, device: RegisterDevice) -> None:
        """Have a device answer at a unit id; a topic is of no use here."""
        del topic
        self._devices[unit_id] = device

    @property
    def port(self) -> int:
        """The port it listens at; the one the system chose where 0 was asked for."""
        assert self._server is not None, "asked of a host that listens"
        server = self._server.transport
        assert isinstance(server, asyncio.Server), "a listening transport is a server"
        return int(server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen; raises `OSError` where the port is taken."""
        context = [_as_sim(unit, device) for unit, device in self._devices.items()]
        if self._tls is None:
            self._server = ModbusTcpServer(
                context, address=self._at, ignore_missing_devices=True, trace_packet=self._traced
            )
        else:
            self._server = ModbusTlsServer(
                context,
                address=self._at,
                ignore_missing_devices=True,
                trace_packet=self._traced,
                sslctx=self._tls,
            )
        try:
            await self._server.serve_forever(background=True)
        except RuntimeError as error:
            raise OSError(f"{self._at[0]}:{self._at[1]}") from error

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        server, self._server = self._server, None
        if server is not None:
            await server.shutdown()  # type: ignore[no-untyped-call] # pymodbus types it not
            await asyncio.sleep(0)

    async def say(self) -> None:
        """Nothing: a device behind Modbus speaks when it is asked."""

    def _traced(self, sending: bool, packet: bytes) -> bytes:  # noqa: FBT001 - pymodbus calls it
        device = self._devices.get(packet[_UNIT_AT]) if len(packet) > _UNIT_AT else None
        if not sending or device is None:
            return packet
        if device.has(Fault.FLOOD):
            return packet * _FLOOD
        return packet * 2 if device.has(Fault.DUPLICATE) else packet


def _as_sim(unit_id: int, device: RegisterDevice) -> SimDevice:
    """Return a device as pymodbus serves it: registers it does not have are refused."""
    spans = _spans(device)
    data = [
        SimData(first, values=[0] * count, datatype=DataType.REGISTERS) for first, count in spans
    ]
    return SimDevice(unit_id, data, action=partial(_act, device))


def _spans(device: RegisterDevice) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for register in sorted({register for _, register in device.registers}):
        if found and register == found[-1][0] + found[-1][1]:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((register, 1))
    return found


async def _act(
    device: RegisterDevice,
    function: int,
    start: int,
    address: int,
    count: int,
    registers: list[int],
    written: list[int] | list[bool] | None,
) -> ExcCodes | None:
    """Answer a request as the device would."""
    if device.silent:
        raise NoSuchIdException
    if device.has(Fault.SLOW):
        await asyncio.sleep(_SLOW)
    if device.has(Fault.REFUSE):
        return ExcCodes.DEVICE_BUSY
    if written is not None:
        if function not in _WRITES:
            return ExcCodes.ILLEGAL_FUNCTION
        return None if device.take(address, [int(w) for w in written]) else ExcCodes.ILLEGAL_ADDRESS
    table = "input" if function == 4 else "holding"  # noqa: PLR2004 - Modbus names it by number
    at = address - start
    registers[at : at + count] = [
        device.registers.get((table, address + i), 0) for i in range(count)
    ]
    return None
