"""Simulated BACnet/IP devices; the stack is bacpypes3."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
from collections.abc import Mapping
from typing import Any

from bacpypes3.apdu import (
    ErrorPDU,
    ReadPropertyACK,
    ReadPropertyRequest,
    SimpleAckPDU,
    WritePropertyRequest,
)
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import IPv4Address
from bacpypes3.primitivedata import ObjectIdentifier, ObjectType, Real

from zeropark.devices.protocols.bacnet import closed, object_of, opened
from zeropark.devices.simulated.device import Fault, PointDevice
from zeropark.devices.template import Template
from zeropark.devices.wire import Clock

BY_UNIT = False
# How late a slow device is [s], and how often a flooding one says the same.
_SLOW, _FLOOD = 3.0, 100
_INSTANCE, _VENDOR = 1, 999


def simulated(template: Template, clock: Clock, spans: Mapping[str, float]) -> PointDevice:
    """Return a device of the template with nothing shown yet; spans are of no use here."""
    del spans
    return PointDevice(template, clock)


class _Application(NormalApplication):  # type: ignore[misc] # the library ships no types
    """Answers for a simulated device, which knows its objects by its template."""

    def __init__(self, device: PointDevice, at: str) -> None:
        about = DeviceObject(
            objectIdentifier=("device", _INSTANCE),
            objectName="simulated",
            maxApduLengthAccepted=1024,
            segmentationSupported="no-segmentation",
            vendorIdentifier=_VENDOR,
            vendorName="zeropark",
            modelName=device.template.model,
        )
        super().__init__(about, IPv4Address(at))
        self._simulated = device
        self._read, self._set = {}, {}
        for point in device.template.points:
            self._read[object_of(point.address)] = point.name
            if point.write:
                self._set[object_of(point.set_address or point.address)] = point.name

    async def _may_answer(self) -> bool:
        device = self._simulated
        if device.has(Fault.SLOW):
            await asyncio.sleep(_SLOW)
        return not device.silent

    async def _say(self, answer: Any) -> None:
        device = self._simulated
        times = _FLOOD if device.has(Fault.FLOOD) else 2 if device.has(Fault.DUPLICATE) else 1
        for _ in range(times):
            await self.response(answer)

    def _error(self, asked: Any) -> Any:
        return ErrorPDU(errorClass="object", errorCode="unknown-object", context=asked)

    async def do_ReadPropertyRequest(self, apdu: ReadPropertyRequest) -> None:  # noqa: N802 - bacpypes3 names it
        """Answer with what the device shows, or with what it holds where it shows nothing else."""
        if not await self._may_answer():
            return
        device, place = self._simulated, apdu.objectIdentifier
        if place[0] == ObjectType.device:
            apdu.objectIdentifier = ObjectIdentifier(f"device,{_INSTANCE}")
            await super().do_ReadPropertyRequest(apdu)
            return
        raw = device.raw.get(self._read.get(place, ""), math.nan)
        if place in self._set:
            device.setpoints()
            raw = device.held.get(self._set[place], raw)
        if device.has(Fault.REFUSE) or not math.isfinite(raw):
            await self._say(self._error(apdu))
            return
        await self._say(
            ReadPropertyACK(
                objectIdentifier=place,
                propertyIdentifier=apdu.propertyIdentifier,
                propertyValue=Real(raw),
                context=apdu,
            )
        )

    async def do_WritePropertyRequest(self, apdu: WritePropertyRequest) -> None:  # noqa: N802 - as above
        """Take a set-point, or let go of it."""
        if not await self._may_answer():
            return
        device, name = self._simulated, self._set.get(apdu.objectIdentifier)
        if name is None or device.has(Fault.REFUSE):
            await self._say(self._error(apdu))
            return
        value = apdu.propertyValue.cast_out(Real, null=True)
        device.take(name, float(value) if isinstance(value, float) else None)
        await self._say(SimpleAckPDU(context=apdu))


class Host:
    """A device at an address of its own: BACnet/IP knows no units behind a port."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        assert tls is None, "BACnet/IP has no TLS"
        self._host, self._port = host, port
        self._device: PointDevice | None = None
        self._application: _Application | None = None

    def add(self, unit_id: int, topic: str, device: PointDevice) -> None:
        """Have a device answer here; unit id and topic are of no use."""
        del unit_id, topic
        self._device = device

    @property
    def port(self) -> int:
        """The port it listens at."""
        return self._port

    async def start(self) -> None:
        """Listen; raises `OSError` where the port is taken."""
        assert self._device is not None, "a device was added"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.bind((self._host, self._port))
            self._port = wire.getsockname()[1]
        self._application = _Application(self._device, f"{self._host}:{self._port}")
        await opened(self._application)

    async def stop(self) -> None:
        """Stop listening."""
        application, self._application = self._application, None
        if application is not None:
            await closed(application)

    async def say(self) -> None:
        """Nothing: a device speaks when it is asked."""
