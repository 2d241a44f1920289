"""Redfish (DMTF DSP0266): servers, racks and power strips of a hall, as JSON over HTTPS; only read.

A point's address is a resource and the way into its JSON, such as
`/redfish/v1/Chassis/1/Power#PowerControl.0.PowerConsumedWatts`. `user` and `secret` are an account
there. Every resource is asked for once in a pass.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zeropark.devices.grid.http import Answer, ask
from zeropark.devices.polled import PolledDriver, SilentError
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.wire import Clock, Wire, soonest
from zeropark.units.text import Text

LISTENS = False
PORT, TLS_PORT = 80, 443
_ADDRESS = re.compile(r"^(/redfish/v1(?:/[A-Za-z0-9._-]+)*)#([A-Za-z0-9_@]+(?:\.[A-Za-z0-9_@]+)*)$")
_UNAUTHORISED = (401, 403)
_WRONG_ADDRESS = Text(
    "'{given}' is no Redfish number; write a resource and behind # the way into its JSON, such as "
    "/redfish/v1/Chassis/1/Power#PowerControl.0.PowerConsumedWatts",
    "“{given}”不是 Redfish 数值；请写资源，并在 # 之后写其 JSON 中的位置，例如 "
    "/redfish/v1/Chassis/1/Power#PowerControl.0.PowerConsumedWatts",
)
_ONLY_READ = Text("Redfish is only read here; take write out", "此处 Redfish 只读；删去 write")
_NOT_LET_IN = Text(
    "{host}:{port} does not let us in; check user and secret, and what the account may see",
    "{host}:{port} 拒绝我方登录；检查 user 与 secret 以及账户的权限",
)


def wrong_points(template: Template) -> Iterable[tuple[str, Text]]:
    """Yield (place, sentence) of each point that is no number of Redfish, or is written."""
    for index, point in enumerate(template.points):
        if not _ADDRESS.match(str(point.address)):
            yield f"points.{index}.address", _WRONG_ADDRESS.format(given=point.address)
        if point.write:
            yield f"points.{index}.write", _ONLY_READ


def place_of(address: int | str) -> tuple[str, tuple[str, ...]]:
    """Return (resource, way into its JSON) of an address."""
    found = _ADDRESS.match(str(address))
    assert found is not None, "a template with a wrong address is refused when it is read"
    return found[1], tuple(found[2].split("."))


class RedfishDriver(PolledDriver):
    """A service that is asked for its resources."""

    async def _ask(self, points: Sequence[PointTemplate]) -> Mapping[str, float]:
        places = {point.name: place_of(point.address) for point in points}
        resources = sorted({resource for resource, _ in places.values()})
        answers = await asyncio.gather(*(self._answer(resource) for resource in resources))
        bodies = dict(zip(resources, answers, strict=True))
        found = {}
        for name, (resource, way) in places.items():
            number = _number(bodies[resource], way)
            if number is not None:
                found[name] = number
        return found

    async def _answer(self, resource: str) -> Any:
        """Return a resource's body; None where there is none. Raises `SilentError`."""
        wire = self._wire
        basic = (wire.user or "", wire.password) if wire.password is not None else None
        answer: Answer = await ask(wire, "GET", resource, basic=basic)
        if wire.tls is not None and answer.status:
            self._pace.certificate_ends = soonest(answer.certificate_ends, wire)
        if answer.status in _UNAUTHORISED:
            raise SilentError(_NOT_LET_IN.format(host=wire.host, port=wire.port))
        if answer.said is not None:
            raise SilentError(answer.said)
        return answer.body if answer.good else None

    async def _hang_up(self) -> None:
        """Nothing: every question is a connection of its own."""


def _number(body: Any, way: Sequence[str]) -> float | None:
    """Return the number at the end of a way into JSON; None where there is none."""
    for key in way:
        if isinstance(body, list):
            body = body[int(key)] if key.isdecimal() and int(key) < len(body) else None
        else:
            body = body.get(key) if isinstance(body, dict) else None
    is_number = isinstance(body, int | float) and not isinstance(body, bool)
    return float(body) if is_number and math.isfinite(body) else None


def driver(template: Template, wire: Wire, clock: Clock) -> RedfishDriver:
    """Return the driver of a Redfish service."""
    return RedfishDriver(template, wire, clock)
