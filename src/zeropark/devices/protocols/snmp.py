"""SNMP v2c and v3 (RFC 3416, RFC 3414): numbers of halls, UPSs and power strips; only read.

A point's address is an object identifier, such as `1.3.6.1.2.1.33.1.2.4.0`. Without `user` the wire
is v2c and the secret its community (`public` where none is named); with `user` it is v3, and the
secret is the pass phrase of authentication (SHA-256) and privacy (AES-128).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    get_cmd,
    usmAesCfb128Protocol,
    usmHMAC192SHA256AuthProtocol,
)

from zeropark.devices.catalogue import DeviceError
from zeropark.devices.discover import FoundDevice
from zeropark.devices.polled import PolledDriver, SilentError, fitting
from zeropark.devices.shared import Shared
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.wire import Clock, Wire
from zeropark.units.text import Text

LISTENS = False
PORT, TLS_PORT = 161, 161
_IDENTIFIER = re.compile(r"^\d+(\.\d+){2,}$")
_COMMUNITY = "public"
# Numbers asked for with one message: it must fit into one datagram.
_AT_ONCE = 20
_WRONG_ADDRESS = Text(
    "'{given}' is no object identifier; write its numbers, such as 1.3.6.1.2.1.33.1.2.4.0",
    "“{given}”不是对象标识符；请写数字，例如 1.3.6.1.2.1.33.1.2.4.0",
)
_ONLY_READ = Text("SNMP is only read here; take write out", "此处 SNMP 只读；删去 write")
_NO_ANSWER = Text(
    "{host}:{port} says nothing by SNMP ({said}); check address, community or user, and who may "
    "ask it",
    "{host}:{port} 没有 SNMP 应答（{said}）；检查地址、团体名或用户以及访问许可",
)


def wrong_points(template: Template) -> Iterable[tuple[str, Text]]:
    """Yield (place, sentence) of each point that is no identifier, or is written."""
    for index, point in enumerate(template.points):
        if not _IDENTIFIER.match(str(point.address)):
            yield f"points.{index}.address", _WRONG_ADDRESS.format(given=point.address)
        if point.write:
            yield f"points.{index}.write", _ONLY_READ


# What every agent says of itself: its description, its name and what its maker calls the model.
_SYSTEM = Template.model_validate(
    {
        "brand": "IETF",
        "model": "system",
        "title": ("What an agent says of itself", "代理自述"),
        "protocol": "snmp",
        "source": "RFC 3418",
        "watchdog": "none",
        "tested_by": ("Ask it.", "询问。"),
        "points": [
            {
                "name": name,
                "means": (name, name),
                "address": f"1.3.6.1.2.1.1.{place}.0",
                "unit": "1",
            }
            for name, place in (("description", 1), ("name", 5), ("object", 2))
        ],
    }
)


class _Engine(Shared):
    """The engine of this process, which all agents share: it costs a while to make."""

    def __init__(self) -> None:
        super().__init__("engine")
        self.engine = SnmpEngine()

    async def _close(self) -> None:
        self.engine.close_dispatcher()
        # The transport is torn down by the loop: give it the turn it needs.
        await asyncio.sleep(0)


class SnmpDriver(PolledDriver):
    """An agent that is asked for its objects."""

    def __init__(self, template: Template, wire: Wire, clock: Clock) -> None:
        super().__init__(template, wire, clock)
        self._engine: _Engine | None = None

    def _who(self) -> CommunityData | UsmUserData:
        wire = self._wire
        if wire.user is None:
            return CommunityData(wire.password or _COMMUNITY, mpModel=1)  # noqa: S508 - only read
        return UsmUserData(
            wire.user,
            authKey=wire.password,
            privKey=wire.password,
            authProtocol=usmHMAC192SHA256AuthProtocol,
            privProtocol=usmAesCfb128Protocol,
        )

    async def _ask(self, points: Sequence[PointTemplate]) -> Mapping[str, float]:
        return _numbers(points, await self.objects(points))

    async def objects(self, points: Sequence[PointTemplate]) -> list[Any]:
        """Return the values of objects, in their order; raises `SilentError`."""
        wire = self._wire
        if self._engine is None:
            self._engine = _Engine.join("engine", self, _Engine)
        found: list[Any] = []
        try:
            target = await UdpTransportTarget.create(
                (wire.host, wire.port), timeout=wire.timeout, retries=0
            )
            for first in range(0, len(points), _AT_ONCE):
                some = points[first : first + _AT_ONCE]
                error, status, _, answered = await get_cmd(
                    self._engine.engine,
                    self._who(),
                    target,
                    ContextData(),
                    *(ObjectType(ObjectIdentity(str(point.address))) for point in some),
                    lookupMib=False,
                )
                if error is not None:
                    raise self._silent(error)
                found += [None] * len(some) if status else [value for _, value in answered]
        except PySnmpError as error:
            raise self._silent(error) from None
        return found

    def _silent(self, said: object) -> SilentError:
        wire = self._wire
        return SilentError(_NO_ANSWER.format(host=wire.host, port=wire.port, said=said))

    async def _hang_up(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.leave(self)


def _numbers(points: Sequence[PointTemplate], answered: Sequence[Any]) -> dict[str, float]:
    """Return the numbers among what was answered; an object that is not there has none."""
    found = {}
    for point, value in zip(points, answered, strict=True):
        if value is None:
            continue
        try:
            # A number may come as an integer or as its digits in a string of octets.
            found[point.name] = float(value.prettyPrint())
        except ValueError:
            continue
    return found


async def discover(host: str, port: int, unit_id: int, seconds: float) -> FoundDevice:
    """Return what an SNMP agent that lets `public` ask says of itself (RFC 3418, system).

    unit_id: nothing here. Raises `DeviceError` where none answers.
    """
    del unit_id
    wire = Wire(host, port, timeout=seconds)
    asking = SnmpDriver(_SYSTEM, wire, time.time)
    try:
        answered = await asking.objects(_SYSTEM.points)
    except (SilentError, OSError) as error:
        said = (
            error.said
            if isinstance(error, SilentError)
            else _NO_ANSWER.format(host=host, port=port, said=error)
        )
        raise DeviceError(said) from None
    finally:
        await asking.close()
    words = [str(value.prettyPrint()).strip() for value in answered]
    found = await fitting("snmp", lambda template: SnmpDriver(template, wire, time.time))
    return FoundDevice(words[0], words[1], words[2], (words[2],), found)


def driver(template: Template, wire: Wire, clock: Clock) -> SnmpDriver:
    """Return the driver of an SNMP agent."""
    return SnmpDriver(template, wire, clock)
