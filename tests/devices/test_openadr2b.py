"""Our VEN of OpenADR 2.0b against a VTN of the same library, over real HTTP."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from openleadr import OpenADRServer, objects

from tests.devices.served import LOOPBACK, Certified, certify, run, server_context
from zeropark.devices.catalogue import DeviceError
from zeropark.devices.grid.contract import Fate, Form, Heard, Told, Unfit, Wanted
from zeropark.devices.grid.protocols import openadr2b
from zeropark.devices.tls import context
from zeropark.devices.wire import Wire
from zeropark.model.caller import CallerLine
from zeropark.units.text import Text

# The library's server, which only tests start, uses aiohttp as it was before.
pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")
PATH = "/OpenADR2/Simple/2.0b"
AT_10_KV = objects.PowerAttributes(hertz=50, voltage=10_000, ac=True)
KW = objects.Measurement("powerReal", "RealPower", "W", ["W"], "k", AT_10_KV)


@dataclass
class Held:
    """A VTN and what it was told. opts: by event."""

    server: OpenADRServer
    port: int
    opts: dict[str, str] = field(default_factory=dict)

    def publish(self, id_: str, *intervals: tuple[float, float], **changes: Any) -> None:
        """Publish an event of intervals (hours, kW) that begins in an hour."""
        begin = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=1)
        spans: list[objects.Interval] = []
        for i, (hours, kw) in enumerate(intervals):
            after = begin + sum((span.duration for span in spans), dt.timedelta())
            spans.append(objects.Interval(after, dt.timedelta(hours=hours), kw, i))
        told: dict[str, Any] = {
            "signal_name": "LOAD_DISPATCH",
            "signal_type": "delta",
            "measurement": KW,
        } | changes
        signal = objects.EventSignal(intervals=spans, signal_id="s1", **told)
        whole = sum((span.duration for span in spans), dt.timedelta())
        event = objects.Event(
            objects.EventDescriptor(id_, 0, "http://market", "far", created_date_time=begin),
            [signal],
            targets=[objects.Target(ven_id="ven-1")],
            active_period=objects.ActivePeriod(begin, whole),
        )
        self.server.add_raw_event("ven-1", event, self._opted)

    async def _opted(self, ven_id: str, event_id: str, opt_type: str) -> None:
        assert ven_id == "ven-1"
        self.opts[event_id] = opt_type


@asynccontextmanager
async def served(tls: Certified | None = None) -> AsyncIterator[Held]:
    """Serve a VTN on a free port of loopback."""
    server = OpenADRServer(
        vtn_id="VTN", http_host=LOOPBACK, http_port=0, requested_poll_freq=dt.timedelta(seconds=1)
    )
    if tls is not None:
        server.ssl_context = server_context(tls)

    async def registered(said: Any) -> tuple[str, str] | bool:
        return ("ven-1", "registration-1") if said["ven_name"] == "park" else False

    server.add_handler("on_create_party_registration", registered)
    await server.run()
    try:
        yield Held(server, server.app_runner.addresses[0][1])
    finally:
        await server.stop()


@asynccontextmanager
async def ven(port: int, **wire: Any) -> AsyncIterator[openadr2b.Ven]:
    line = CallerLine(
        name="grid", protocol="openadr2b", asset="tie", host=LOOPBACK, path=PATH, user="park"
    )
    side = openadr2b.side(line, Wire(LOOPBACK, port, timeout=5.0, **wire), time.time)
    try:
        yield side
    finally:
        await side.close()


async def heard(side: openadr2b.Ven, fits: Callable[[Heard], bool]) -> Heard:
    """Hear until something fits; a test that waits in vain fails."""
    for _ in range(2_000):
        found = await side.hear(time.time())
        if found is not None and fits(found):
            return found
        side._pace._health = side.health().__class__(answering=False, since=0.0)
        await asyncio.sleep(0.01)
    raise AssertionError("never came")


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never came")


def told(fate: Fate) -> Told:
    return Told(fate, Text("so", "如此"), {})


def test_events_are_heard_and_opted_in_or_out_of() -> None:
    async def live() -> None:
        async with served() as held:
            held.publish("e1", (1.0, -500.0), (0.5, 200.0))
            async with ven(held.port) as side:
                found = await heard(side, lambda h: bool(h.wanted))
                assert not found.unfit
                assert [(w.id, w.form, w.hours, w.power) for w in found.wanted] == [
                    ("e1/0", Form.LESS, 1.0, 0.5),
                    ("e1/1", Form.MORE, 0.5, 0.2),
                ]
                first, second = found.wanted
                assert second.begin == first.end
                assert held.opts == {}
                assert await side.tell(first, told(Fate.TAKEN))
                await asyncio.sleep(0.05)
                assert held.opts == {}
                assert await side.tell(second, told(Fate.TAKEN))
                await until(lambda: held.opts == {"e1": "optIn"})
                held.publish("e2", (1.0, 0.0))
                found = await heard(side, lambda h: bool(h.unfit))
                (unfit,) = found.unfit
                assert unfit.text.en == "e2/0: '0.0' is no finite number other than 0"
                await side.tell(unfit, told(Fate.DECLINED))
                await until(lambda: held.opts.get("e2") == "optOut")
                assert side.health().answering

    run(live())


def test_an_event_that_is_cancelled_is_no_longer_in_force() -> None:
    async def live() -> None:
        async with served() as held:
            held.publish("e1", (1.0, -500.0))
            async with ven(held.port) as side:
                found = await heard(side, lambda h: bool(h.wanted))
                await side.tell(found.wanted[0], told(Fate.TAKEN))
                await until(lambda: held.opts == {"e1": "optIn"})
                held.server.cancel_event("ven-1", "e1")
                await heard(side, lambda h: not h.wanted)

    run(live())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"signal_name": "ELECTRICITY_PRICE", "signal_type": "price", "measurement": None},
            "event e1 has the signals ELECTRICITY_PRICE (price); allowed: LOAD_DISPATCH of",
        ),
        ({"measurement": None}, "event e1: LOAD_DISPATCH is in -; allowed: powerReal in W, with"),
        (
            {"measurement": objects.Measurement("energyReal", "RealEnergy", "Wh", ["Wh"], "k")},
            "event e1: LOAD_DISPATCH is in energyReal k Wh; allowed: powerReal in W, with scale",
        ),
    ],
)
def test_an_event_that_asks_for_something_else_is_a_sentence(
    change: dict[str, Any], said: str
) -> None:
    async def live() -> Unfit:
        async with served() as held:
            held.publish("e1", (1.0, -500.0), **change)
            async with ven(held.port) as side:
                found = await heard(side, lambda h: bool(h.unfit))
                return found.unfit[0]

    unfit = run(live())
    assert unfit.text.en.startswith(said)
    assert unfit.text.zh != unfit.text.en


def test_a_vtn_that_is_not_there_is_named() -> None:
    async def live() -> str:
        async with served() as held:
            port = held.port
        async with ven(port) as side:
            assert await side.hear(time.time()) is None
            said = side.health().said
            return str(said and said.en).replace(str(port), "PORT")

    assert run(live()) == f"no VTN of OpenADR 2.0b answers at 127.0.0.1:PORT{PATH}"


@pytest.mark.parametrize(
    ("certified", "stranger", "said"),
    [
        ({}, False, ""),
        ({"days": -1}, False, "the device's certificate has expired"),
        ({"name": "other.example"}, False, "the device's certificate is for another name"),
        ({}, True, "the device's certificate is signed by nobody we trust"),
    ],
)
def test_a_vtn_in_tls_is_believed_by_its_certificate(
    tmp_path: Path, certified: Any, stranger: Any, said: str
) -> None:
    own = certify(tmp_path / "own", **certified)
    believed = certify(tmp_path / "stranger").authority if stranger else own.authority

    async def live() -> None:
        async with served(own) as held, ven(held.port, tls=context(believed)) as side:
            if said:
                assert await side.hear(time.time()) is None
                shown = side.health().said
                assert str(shown and shown.en).startswith(said)
            else:
                assert await heard(side, lambda h: h.whole) == Heard([], [])

    run(live())


def test_a_line_without_a_name_of_ours_is_refused() -> None:
    line = CallerLine(name="grid", protocol="openadr2b", asset="tie", host=LOOPBACK)
    with pytest.raises(DeviceError, match="grid: openadr2b needs user, the name of our VEN"):
        openadr2b.side(line, Wire(LOOPBACK, 1), time.time)


def test_what_lasts_nothing_is_a_sentence() -> None:
    now = dt.datetime.now(dt.UTC)
    interval = {"dtstart": now, "duration": dt.timedelta(), "signal_payload": -1.0}
    found = openadr2b._interval("e/0", now, interval, 1.0)
    assert isinstance(found, Unfit)
    assert found.text.en == "e/0 lasts nothing; write a duration"
    assert not isinstance(found, Wanted)
