"""BACnet/IP (ASHRAE 135, annex J): present values of objects, read and written.

A point's address is an object, such as `analog-value 12`. A set-point is written with priority 10,
below whoever operates by hand (8); letting go writes Null there, and the device does as without us.
BACnet/IP has no authentication.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

from bacpypes3.apdu import AbortPDU, ErrorRejectAbortNack
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import Null, ObjectIdentifier, Real

from zeropark.devices.catalogue import DeviceError
from zeropark.devices.discover import FoundDevice
from zeropark.devices.polled import PolledDriver, RefusedError, SilentError, fitting
from zeropark.devices.shared import Shared
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.wire import Clock, Wire
from zeropark.units.text import Text

LISTENS = False
PORT, TLS_PORT = 47808, 47808
PRIORITY = 10
_VALUE = "present-value"
_ADDRESS = re.compile(
    r"^(analog-input|analog-output|analog-value|multi-state-input|multi-state-value) (\d{1,7})$"
)
_WRITTEN = ("analog-output", "analog-value")
# Instance numbers have 22 bits, of which the last means "none" (ASHRAE 135, 20.2.14).
_LAST_INSTANCE = 4_194_302
# Ours; any device may have any, and nobody asks us.
_OUR_INSTANCE, _VENDOR = 4_194_302, 999
_WRONG_ADDRESS = Text(
    "'{given}' is no object; write analog-input, analog-output, analog-value, multi-state-input or "
    "multi-state-value and its number, such as analog-value 12",
    "“{given}”不是对象；请写 analog-input、analog-output、analog-value、multi-state-input 或 "
    "multi-state-value 加编号，例如 analog-value 12",
)
_NOT_WRITTEN = Text(
    "'{given}' takes no set-point; write one to an analog-output or analog-value",
    "“{given}”不接受设定值；请写入 analog-output 或 analog-value",
)
_NOBODY = Text(
    "no BACnet device answers at {host}:{port} within {seconds} s; check address and network",
    "{host}:{port} 在 {seconds} 秒内没有 BACnet 设备应答；检查地址与网络",
)


def wrong_points(template: Template) -> Iterable[tuple[str, Text]]:
    """Yield (place, sentence) of each address that is no object, or takes no set-point."""
    for index, point in enumerate(template.points):
        for field, address in (("address", point.address), ("set_address", point.set_address)):
            found = _ADDRESS.match(str(address))
            if address is None:
                continue
            if found is None or int(found[2]) > _LAST_INSTANCE:
                yield f"points.{index}.{field}", _WRONG_ADDRESS.format(given=address)
            elif field == _set_field(point) and found[1] not in _WRITTEN:
                yield f"points.{index}.{field}", _NOT_WRITTEN.format(given=address)


def _set_field(point: PointTemplate) -> str:
    if not point.write:
        return ""
    return "address" if point.set_address is None else "set_address"


def object_of(address: int | str) -> ObjectIdentifier:
    """Return the object of an address."""
    found = _ADDRESS.match(str(address))
    assert found is not None, "a template with a wrong address is refused when it is read"
    return ObjectIdentifier(f"{found[1]},{found[2]}")


async def opened(application: NormalApplication) -> None:
    """Wait until the socket of an application is open: the library opens it beside."""
    await application.normal.server._local_transport_ready.wait()  # noqa: SLF001 - shown nowhere


async def closed(application: NormalApplication) -> None:
    """Close the socket of an application, and give the loop the turns it needs for that."""
    await opened(application)
    application.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)


# "Any device" (ASHRAE 135, 12.11): whoever hears it, answers for itself.
_ANY_DEVICE = ObjectIdentifier("device,4194303")
_NOTHING = Template.model_validate(
    {
        "brand": "ASHRAE",
        "model": "device",
        "title": ("What a device says of itself", "设备自述"),
        "protocol": "bacnet",
        "source": "ASHRAE 135",
        "watchdog": "none",
        "tested_by": ("Ask it.", "询问。"),
        "points": [
            {"name": "one", "means": ("one", "一"), "address": "analog-input 1", "unit": "1"}
        ],
    }
)


class _Own(Shared):
    """Our own end: one socket for all devices that are reached over one interface."""

    def __init__(self, own: str, timeout: float) -> None:
        super().__init__(own)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.bind((own, 0))
            port = wire.getsockname()[1]
        device = DeviceObject(
            objectIdentifier=("device", _OUR_INSTANCE),
            objectName="zeropark",
            maxApduLengthAccepted=1024,
            segmentationSupported="no-segmentation",
            vendorIdentifier=_VENDOR,
            apduTimeout=round(timeout * 1000),
            # One try: back-off is ours.
            numberOfApduRetries=0,
        )
        self.application = NormalApplication(device, IPv4Address(f"{own}:{port}"))

    @classmethod
    def towards(cls, wire: Wire, who: object) -> _Own:
        """Return our end on the way to a device, shared by `who`; raises `OSError`."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.connect((wire.host, wire.port))
            own = str(way.getsockname()[0])
        return cls.join(own, who, lambda: cls(own, wire.timeout))

    async def _close(self) -> None:
        await closed(self.application)


class BacnetDriver(PolledDriver):
    """A device whose points are objects."""

    def __init__(self, template: Template, wire: Wire, clock: Clock) -> None:
        super().__init__(template, wire, clock)
        self._own: _Own | None = None
        self._at: Address | None = None

    async def _opened(self) -> NormalApplication:
        wire = self._wire
        if self._own is None or self._at is None:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(wire.host, wire.port, family=socket.AF_INET)
            self._at = Address(f"{found[0][4][0]}:{wire.port}")
            self._own = _Own.towards(wire, self)
            await opened(self._own.application)
        return self._own.application

    async def _ask(self, points: Sequence[PointTemplate]) -> Mapping[str, float]:
        application = await self._opened()
        answers = await asyncio.gather(
            *(
                self._answer(application.read_property(self._at, object_of(p.address), _VALUE))
                for p in points
            )
        )
        return {
            point.name: float(answer)
            for point, answer in zip(points, answers, strict=True)
            if isinstance(answer, int | float)
        }

    async def about(self, name: str) -> str:
        """Return a property of the device itself, as words; raises `SilentError`."""
        application = await self._opened()
        answer = await self._answer(application.read_property(self._at, _ANY_DEVICE, name))
        return "" if isinstance(answer, RefusedError) else str(answer).strip()

    async def _answer(self, asked: Coroutine[Any, Any, Any]) -> object:
        """Return what was answered; None for an error. Raises `SilentError` where nothing was."""
        wire = self._wire
        silent = SilentError(
            _NOBODY.format(host=wire.host, port=wire.port, seconds=f"{wire.timeout:g}")
        )
        try:
            async with asyncio.timeout(2.0 * wire.timeout):
                answer: object = await asked
        except TimeoutError:
            raise silent from None
        except ErrorRejectAbortNack as refused:
            # The library raises what is no Exception.
            answer = refused
        if isinstance(answer, AbortPDU):
            raise silent
        return RefusedError() if isinstance(answer, ErrorRejectAbortNack) else answer

    async def _send(self, point: PointTemplate, raw: float | None) -> None:
        application = await self._opened()
        place = object_of(point.set_address or point.address)
        value = Null(()) if raw is None else Real(raw)
        answer = await self._answer(
            application.write_property(self._at, place, _VALUE, value, priority=PRIORITY)
        )
        if isinstance(answer, RefusedError):
            raise answer

    async def _shown(self, point: PointTemplate) -> float | None:
        there = point.model_copy(update={"address": point.set_address or point.address})
        return (await self._ask([there])).get(point.name)

    async def _hang_up(self) -> None:
        own, self._own, self._at = self._own, None, None
        if own is not None:
            await own.leave(self)


async def discover(host: str, port: int, unit_id: int, seconds: float) -> FoundDevice:
    """Return what a BACnet device says of itself, asked by the instance that means any.

    unit_id: nothing here. Raises `DeviceError` where none answers.
    """
    del unit_id
    wire = Wire(host, port, timeout=seconds)
    asking = BacnetDriver(_NOTHING, wire, time.time)
    try:
        words = [await asking.about(name) for name in ("vendor-name", "model-name", "object-name")]
    except (SilentError, OSError) as error:
        silent = _NOBODY.format(host=host, port=port, seconds=f"{seconds:g}")
        raise DeviceError(error.said if isinstance(error, SilentError) else silent) from None
    finally:
        await asking.close()
    found = await fitting("bacnet", lambda template: BacnetDriver(template, wire, time.time))
    return FoundDevice(words[0], words[1], words[2], (), found)


def driver(template: Template, wire: Wire, clock: Clock) -> BacnetDriver:
    """Return the driver of a BACnet device."""
    return BacnetDriver(template, wire, clock)
