"""MQTT 3.1.1: a device's branch at a broker, as numbers or as JSON.

A point's address is `topic` below the device's own branch, whose message is a number, or
`topic#key.key`, a number within a JSON object. A set-point is published once, with the broker's
acknowledgement (QoS 1), never retained: what a broker keeps would reach a device that comes back
long after it was meant.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import aiomqtt
import numpy as np

from zeropark.devices.coding import within, worth_of_one
from zeropark.devices.contract import Health, Outcome, Quality, Readout, Written, nothing_read
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.tls import peer_ends, why_no_handshake
from zeropark.devices.wire import Clock, Pace, Wire, soonest, why_only_read
from zeropark.units.text import Text

LISTENS = False
PORT, TLS_PORT = 1883, 8883
_ADDRESS = re.compile(r"^[^#+/][^#+]*(?:#[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)?$")
_WRONG_ADDRESS = Text(
    "'{given}' is no topic; write a topic below the device's branch, such as state, and behind # "
    "the way into its JSON, such as state#battery.soc",
    "“{given}”不是主题；写设备分支下的主题，例如 state；JSON 中的位置写在 # 之后，例如 "
    "state#battery.soc",
)
_NO_BROKER = Text("no broker at {host}:{port}: {said}", "{host}:{port} 没有消息代理：{said}")
_NOT_YET = Text(
    "the broker answers, the device has said nothing below {topic}",
    "消息代理有应答，设备在 {topic} 下尚无消息",
)


def wrong_points(template: Template) -> Iterable[tuple[str, Text]]:
    """Yield (place, sentence) of each address that is no topic."""
    places: list[tuple[str, int | str | None]] = [("stamp", template.stamp)]
    for index, point in enumerate(template.points):
        places.append((f"points.{index}.address", point.address))
        places.append((f"points.{index}.set_address", point.set_address))
    for place, address in places:
        if address is not None and not _ADDRESS.match(str(address)):
            yield place, _WRONG_ADDRESS.format(given=address)


def way_of(address: int | str) -> tuple[str, tuple[str, ...]]:
    """Return (topic below the branch, keys of the way into its JSON) of an address."""
    topic, _, way = str(address).partition("#")
    return topic, tuple(way.split(".")) if way else ()


class MqttDriver:
    """A device that publishes below one branch; what it said last is what a pass reads."""

    def __init__(self, template: Template, wire: Wire, clock: Clock) -> None:
        self.template = template
        self._wire = wire
        self._clock = clock
        self._pace = Pace(clock)
        self._points = [point for point in template.points if point.reads]
        self.names = tuple(point.name for point in self._points)
        self._said: dict[str, tuple[Any, float]] = {}
        self._client: aiomqtt.Client | None = None
        self._listening: asyncio.Task[None] | None = None
        self._heard = asyncio.Event()

    # -- the contract ---------------------------------------------------------------------------

    async def read(self) -> Readout:
        """Return what the device said last, with the time it said it."""
        if not await self._opened():
            return nothing_read(self.names)
        if not self._said:
            # What the broker keeps comes at once; a device that speaks by itself comes later.
            await self._wait()
        if not self._said:
            self._pace.missed(_NOT_YET.format(topic=self._wire.topic))
            return nothing_read(self.names)
        count = len(self._points)
        values, at = np.full(count, np.nan), np.full(count, np.nan)
        quality = np.full(count, Quality.MISSING, dtype=np.uint8)
        stamp = self._stamp()
        for index, point in enumerate(self._points):
            found = self._number(point.address)
            if found is not None:
                raw, heard = found
                values[index], quality[index] = self._value(point, raw)
                at[index] = heard if stamp is None else stamp
        return Readout(self.names, values, quality, at)

    async def write(self, setpoints: Mapping[str, float | None]) -> dict[str, Written]:
        """Publish set-points; the broker's acknowledgement is all that comes back."""
        found: dict[str, Written] = {}
        for name, value in setpoints.items():
            refused = self._why_not(name, value)
            if refused is None:
                refused = await self._publish(self.template.by_name[name], value)
            found[name] = Written(refused)
        return found

    async def held(self) -> dict[str, float]:
        """Return nothing: a set-point is published once and never shown back."""
        return {}

    def health(self) -> Health:
        """Return how the driver stands with its device."""
        return self._pace.health()

    async def close(self) -> None:
        """Leave the broker."""
        task, self._listening, self._client = self._listening, None, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # -- the wire -------------------------------------------------------------------------------

    async def _opened(self, *, at_once: bool = False) -> bool:
        """Return whether the broker is there, connecting where a try is due, or at once."""
        if self._listening is not None and not self._listening.done():
            return self._client is not None
        if not (at_once or self._pace.due):
            return False
        await self.close()
        self._heard.clear()
        self._said.clear()
        ready: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen(ready))
        return await ready

    async def _listen(self, ready: asyncio.Future[bool]) -> None:
        wire = self._wire
        if wire.tls is not None:
            # Asked before: paho says only that it failed, and leaves its socket open then.
            why = await why_no_handshake(wire.host, wire.port, wire.tls, wire.timeout)
            if why is not None:
                self._pace.missed(why)
                ready.set_result(False)
                return
        try:
            async with aiomqtt.Client(
                wire.host,
                wire.port,
                username=wire.user,
                password=wire.password,
                tls_context=wire.tls,
                timeout=wire.timeout,
            ) as client:
                await client.subscribe(f"{wire.topic}/#", qos=1)
                self._client = client
                if wire.tls is not None:
                    paho = client._client  # noqa: SLF001 - aiomqtt shows the wire nowhere
                    self._pace.certificate_ends = soonest(peer_ends(paho.socket()), wire)
                ready.set_result(True)
                async for message in client.messages:
                    self._take(message)
        except (aiomqtt.MqttError, OSError) as error:
            self._client = None
            said = _NO_BROKER.format(host=wire.host, port=wire.port, said=error)
            self._pace.missed(said)
            if not ready.done():
                ready.set_result(False)

    def _take(self, message: aiomqtt.Message) -> None:
        topic = str(message.topic).removeprefix(f"{self._wire.topic}/")
        try:
            said = json.loads(message.payload)
        except ValueError:
            # What is no JSON is no number either: the point has no value from now on.
            said = None
        self._said[topic] = (said, self._clock())
        self._pace.answered()
        self._heard.set()

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._heard.wait(), self._wire.timeout)
        except TimeoutError:
            return

    # -- numbers --------------------------------------------------------------------------------

    def _number(self, address: int | str) -> tuple[float, float] | None:
        """Return (number, when it was heard) at an address; None where there is none."""
        topic, way = way_of(address)
        said, heard = self._said.get(topic, (None, math.nan))
        for key in way:
            said = said.get(key) if isinstance(said, dict) else None
        if isinstance(said, bool):
            said = int(said)
        if not isinstance(said, int | float) or not math.isfinite(said):
            return None
        return float(said), heard

    def _stamp(self) -> float | None:
        if self.template.stamp is None:
            return None
        found = self._number(self.template.stamp)
        return None if found is None else found[0]

    def _value(self, point: PointTemplate, raw: float) -> tuple[float, Quality]:
        if raw in point.missing:
            return math.nan, Quality.MISSING
        value = raw * worth_of_one(point)
        if point.of is not None:
            whole = self._number(self.template.by_name[point.of].address)
            if whole is None:
                return math.nan, Quality.MISSING
            return value * whole[0] * worth_of_one(self.template.by_name[point.of]), Quality.GOOD
        return value, Quality.GOOD if within(point, value) else Quality.SUSPECT

    # -- writing --------------------------------------------------------------------------------

    def _why_not(self, name: str, value: float | None) -> Outcome | None:
        point = self.template.by_name.get(name)
        if point is None:
            return Outcome.POINT_UNKNOWN
        if not point.write or point.of is not None:
            return Outcome.NOT_WRITABLE
        if why_only_read(self.template, self._wire) is not None:
            return Outcome.NOT_ALLOWED
        if value is None:
            return None if point.release else Outcome.NOT_A_NUMBER
        if not math.isfinite(value):
            return Outcome.NOT_A_NUMBER
        return None if within(point, value) else Outcome.OUT_OF_LIMITS

    async def _publish(self, point: PointTemplate, value: float | None) -> Outcome:
        if not await self._opened(at_once=True) or self._client is None:
            return Outcome.NO_ANSWER
        by_name = self.template.by_name
        if value is None:
            sent = [(by_name[name], float(raw)) for name, raw in point.release.items()]
        else:
            sent = [(point, value / worth_of_one(point))]
            sent += [(by_name[name], raw) for name, raw in point.along.items()]
        try:
            for each, raw in sent:
                if not self._wire.may_send(self._wire.timeout):
                    return Outcome.NOT_LEADING
                topic, way = way_of(each.set_address or each.address)
                await self._client.publish(f"{self._wire.topic}/{topic}", _message(way, raw), qos=1)
        except aiomqtt.MqttError:
            return Outcome.NO_ANSWER
        return Outcome.SENT


def _message(way: tuple[str, ...], raw: float) -> str:
    """Return a number as a message; NaN, which JSON does not have, as null."""
    said: Any = None if math.isnan(raw) else raw
    for key in reversed(way):
        said = {key: said}
    return json.dumps(said)


def driver(template: Template, wire: Wire, clock: Clock) -> MqttDriver:
    """Return the driver of a device that speaks by a broker."""
    return MqttDriver(template, wire, clock)
