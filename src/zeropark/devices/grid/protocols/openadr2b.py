"""OpenADR 2.0b as VEN, by pull: the VTN is polled, and each event answered by opting in or out.

The library is openleadr, whose pins are narrow; it is loaded only by the process that hears this
caller. The VTN is at `host`, `port` and `path`, `user` is our VEN name. A signal LOAD_DISPATCH of
type delta, in powerReal (W with its scale), asks for less import below 0 and for more above. TLS
is as for any caller; messages are not signed. Nothing is reported but the opt: what was delivered
is agreed on elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
from openleadr import OpenADRClient

from zeropark.devices.catalogue import DeviceError
from zeropark.devices.contract import Health
from zeropark.devices.grid.contract import Fate, Form, Heard, Told, Unfit, Wanted, finite_power
from zeropark.devices.grid.openadr3_events import must_be_ahead, overlapped
from zeropark.devices.tls import why_no_handshake
from zeropark.devices.wire import Clock, Pace, Wire
from zeropark.model.caller import CallerLine
from zeropark.units.text import Text

LISTENS = False
PORT, TLS_PORT = 8080, 443
# The library says on its own log what shows here as health.
logging.getLogger("openleadr").addHandler(logging.NullHandler())
logging.getLogger("openleadr").propagate = False
_OPTS = {Fate.TAKEN: "optIn", Fate.DECLINED: "optOut", Fate.DONE: "optIn"}
_SIGNAL, _TYPE, _QUANTITY, _UNIT = "LOAD_DISPATCH", "delta", "powerReal", "W"
_SCALES = {"none": 1e-6, "k": 1e-3, "M": 1.0}
_GONE = frozenset({"cancelled", "completed"})
# How long a VTN waits for our word at most, and how often we say that nobody answers [s].
_PATIENCE, _SILENT = 30.0, 30.0

_NO_USER = Text(
    "{name}: openadr2b needs user, the name of our VEN",
    "{name}：openadr2b 需要 user，即我方 VEN 名称",
)
_NO_VTN = Text(
    "no VTN of OpenADR 2.0b answers at {host}:{port}{path}",
    "{host}:{port}{path} 没有 OpenADR 2.0b VTN 应答",
)
_NO_SIGNAL = Text(
    "event {id} has the signals {given}; allowed: LOAD_DISPATCH of type delta",
    "事件 {id} 的信号为 {given}；可用：delta 型 LOAD_DISPATCH",
)
_NO_UNIT = Text(
    "event {id}: LOAD_DISPATCH is in {given}; allowed: powerReal in W, with scale none, k or M",
    "事件 {id}：LOAD_DISPATCH 的单位为 {given}；可用：powerReal，单位 W，倍率 none、k 或 M",
)
_NOT_A_NUMBER = Text(
    "{id}: '{given}' is no finite number other than 0", "{id}：“{given}”不是非零的有限数"
)
_NOTHING = Text("{id} lasts nothing; write a duration", "{id} 的时长为零；写明时长")
_OVERLAPS = Text(
    "{id} overlaps {other}; end one before the other begins", "{id} 与 {other} 重叠；先结束其一"
)


class Ven:
    """Our side of a VTN of OpenADR 2.0b."""

    listens = True

    def __init__(self, line: CallerLine, wire: Wire, clock: Clock) -> None:
        self._line, self._wire = line, wire
        self._pace = Pace(clock)
        self._clock = clock
        self._client: OpenADRClient | None = None
        self._begun: asyncio.Task[None] | None = None
        self._events: dict[str, Mapping[str, Any]] = {}
        self._opts: dict[str, asyncio.Future[str]] = {}
        self._taken: dict[str, set[str]] = {}
        self._heard_at = float("-inf")

    async def hear(self, now: float) -> Heard | None:
        """Return what the events in force ask."""
        if not await self._open():
            return None
        wanted: list[Wanted] = []
        unfit: list[Unfit] = []
        for event in self._events.values():
            for each in understood(event):
                late = None if isinstance(each, Unfit) else must_be_ahead(each, now)
                if isinstance(each, Unfit):
                    unfit.append(each)
                elif late is not None:
                    unfit.append(Unfit(each.id, late))
                elif (other := overlapped(each, wanted)) is not None:
                    unfit.append(Unfit(each.id, _OVERLAPS.format(id=each.id, other=other.id)))
                else:
                    wanted.append(each)
        return Heard(wanted, unfit)

    async def tell(self, wanted: Wanted | Unfit, told: Told) -> bool:
        """Opt out of an event as soon as a part of it is declined, in once all of it is taken."""
        event = wanted.id.partition("/")[0]
        waiting = self._opts.get(event)
        if waiting is None or waiting.done():
            return True
        taken = self._taken.setdefault(event, set())
        taken |= {wanted.id} if told.fate is not Fate.DECLINED else set()
        if told.fate is Fate.DECLINED or len(taken) == len(understood(self._events[event])):
            waiting.set_result(_OPTS[told.fate])
        return True

    async def show(self, status: Mapping[str, Any]) -> None:
        """Show nothing: no report was agreed on."""

    def health(self) -> Health:
        """Return how the VTN answers."""
        return self._pace.health()

    async def close(self) -> None:
        """End polling."""
        client, self._client = self._client, None
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await begun
        if client is not None:
            if client.scheduler.running:
                client.scheduler.shutdown()
            await client.client_session.close()
            # aiohttp's transports end at the next turn of the loop.
            await asyncio.sleep(0)

    async def _open(self) -> bool:
        """Return whether the VTN answers; asks it anew where it does not, as often as is due."""
        if self._client is not None and self._clock() - self._heard_at <= _SILENT:
            self._pace.answered()
            return True
        if not self._pace.due:
            return False
        if self._client is None or self._begun is None or self._begun.done():
            await self.close()
            await self._begin()
            await asyncio.sleep(0)
        place = {"host": self._wire.host, "port": self._wire.port, "path": self._line.path}
        if self._clock() - self._heard_at > _SILENT:
            said = None
            if self._wire.tls is not None:
                said = await why_no_handshake(
                    self._wire.host, self._wire.port, self._wire.tls, self._wire.timeout
                )
            self._pace.missed(said or _NO_VTN.format(**place))
            return False
        self._pace.answered()
        return True

    async def _begin(self) -> None:
        scheme = "http" if self._wire.tls is None else "https"
        url = f"{scheme}://{self._wire.host}:{self._wire.port}{self._line.path}"
        client = OpenADRClient(
            ven_name=self._line.user, vtn_url=url, disable_signature=True, allow_jitter=False
        )
        client.client_session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._wire.tls or False),
            headers={"content-type": "application/xml"},
            timeout=aiohttp.ClientTimeout(total=self._wire.timeout),
        )
        client.add_handler("on_event", self._on_event)
        client.add_handler("on_update_event", self._on_event)
        client.add_hook("after_receive_xml", self._answered)
        self._client = client
        self._begun = asyncio.create_task(client.run())

    def _answered(self, said: str) -> None:
        del said
        self._heard_at = self._clock()

    async def _on_event(self, event: Mapping[str, Any]) -> str:
        """Keep an event, and answer the VTN once somebody has decided."""
        descriptor = event["event_descriptor"]
        id_ = str(descriptor["event_id"])
        if descriptor["event_status"] in _GONE:
            self._events.pop(id_, None)
            self._taken.pop(id_, None)
            return _OPTS[Fate.TAKEN]
        self._events[id_] = event
        waiting = asyncio.get_running_loop().create_future()
        self._opts[id_] = waiting
        try:
            async with asyncio.timeout(_PATIENCE):
                return str(await waiting)
        except TimeoutError:
            return _OPTS[Fate.DECLINED]


def understood(event: Mapping[str, Any]) -> list[Wanted | Unfit]:
    """Return what each interval of an event asks; one sentence for an event that asks nothing."""
    id_ = str(event["event_descriptor"]["event_id"])
    signals = event["event_signals"]
    signal = next(
        (s for s in signals if (s["signal_name"], s["signal_type"]) == (_SIGNAL, _TYPE)), None
    )
    if signal is None:
        given = ", ".join(f"{s['signal_name']} ({s['signal_type']})" for s in signals) or "-"
        return [Unfit(id_, _NO_SIGNAL.format(id=id_, given=given))]
    measured = signal.get("measurement") or {}
    name, unit = measured.get("name"), measured.get("unit")
    factor = _SCALES.get(str(measured.get("scale")))
    if name != _QUANTITY or unit != _UNIT or factor is None:
        given = " ".join(str(each) for each in (name, measured.get("scale"), unit) if each) or "-"
        return [Unfit(id_, _NO_UNIT.format(id=id_, given=given))]
    begin = event["active_period"]["dtstart"]
    found: list[Wanted | Unfit] = []
    for number, interval in enumerate(signal["intervals"]):
        own = f"{id_}/{number}"
        begin = interval.get("dtstart") or begin
        found.append(_interval(own, begin, interval, factor))
        begin += interval["duration"]
    return found


def _interval(
    id_: str, begin: dt.datetime, interval: Mapping[str, Any], factor: float
) -> Wanted | Unfit:
    given = interval["signal_payload"]
    number = finite_power(given)
    if not number:
        return Unfit(id_, _NOT_A_NUMBER.format(id=id_, given=given))
    hours = interval["duration"].total_seconds() / 3600.0
    if hours <= 0.0:
        return Unfit(id_, _NOTHING.format(id=id_))
    form = Form.LESS if number < 0.0 else Form.MORE
    return Wanted(id_, form, begin.timestamp(), hours, abs(number) * factor)


def side(line: CallerLine, wire: Wire, clock: Clock) -> Ven:
    """Return our side of a VTN; raises `DeviceError` where the line lacks what it needs."""
    if not line.user:
        raise DeviceError(_NO_USER.format(name=line.name))
    return Ven(line, wire, clock)
