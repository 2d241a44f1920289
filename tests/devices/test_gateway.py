"""Devices behind one gateway: one connection, each in its turn, and nobody storms a lost one."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.devices.served import LOOPBACK, Hand, driver_of, free_port, run
from zeropark.devices.contract import Driver, Outcome, Quality
from zeropark.devices.simulated.device import Fault
from zeropark.devices.simulated.modbus import Host, simulated
from zeropark.devices.standard import standard_template
from zeropark.model.asset import Point
from zeropark.units.text import Text

WORDS = Text("x", "x")
STANDARD = standard_template("battery", [Point("p", "MW", WORDS, writable=True)])
MANY = 20


@asynccontextmanager
async def gateway(port: int = 0) -> AsyncIterator[tuple[Host, list[Any], list[Driver], Hand]]:
    """Serve many devices behind one port, and a driver for each."""
    clock, host = Hand(), Host(LOOPBACK, port)
    devices = [simulated(STANDARD, clock, {}) for _ in range(MANY)]
    for unit, device in enumerate(devices, start=1):
        device.show({"p": unit / 10.0})
        host.add(unit, "", device)
    await host.start()
    drivers = [driver_of(STANDARD, host.port, clock, unit_id=unit) for unit in range(1, MANY + 1)]
    try:
        yield host, devices, drivers, clock
    finally:
        for driver in drivers:
            await driver.close()
        await host.stop()


async def powers(drivers: list[Driver]) -> list[float | None]:
    readouts = await asyncio.gather(*(driver.read() for driver in drivers))
    return [readout.reading("p").value for readout in readouts]


def connections(host: Host) -> int:
    assert host._server is not None
    return len(host._server.active_connections)


def test_all_devices_share_one_connection_and_nobody_gets_anothers_answer() -> None:
    async def live() -> None:
        async with gateway() as (host, devices, drivers, _):
            assert await powers(drivers) == pytest.approx([u / 10.0 for u in range(1, MANY + 1)])
            wanted = [{"p": u / 100.0} for u in range(MANY)]
            written = await asyncio.gather(
                *(driver.write(asked) for driver, asked in zip(drivers, wanted, strict=True))
            )
            assert {each["p"].outcome for each in written} == {Outcome.TAKEN}
            assert [device.setpoints() for device in devices] == [
                {"p": pytest.approx(each["p"])} for each in wanted
            ]
            assert connections(host) == 1
            # The last one who leaves closes it.
            for driver in drivers[1:]:
                await driver.close()
            assert (await drivers[0].read()).reading("p").value == pytest.approx(0.1)
            assert connections(host) == 1

    run(live())


def test_a_silent_device_takes_no_other_with_it_and_the_wire_stays() -> None:
    async def live() -> None:
        async with gateway() as (host, devices, drivers, _):
            await powers(drivers)
            devices[3].inject(Fault.SILENCE, 60.0)
            found = await powers(drivers)
            assert [i for i, value in enumerate(found) if value is None] == [3]
            assert drivers[3]._gateway.opened == 1  # type: ignore[attr-defined]
            assert [d.health().answering for d in drivers].count(False) == 1
            assert connections(host) == 1

    run(live())


def test_a_gateway_that_comes_back_is_opened_once_for_all() -> None:
    async def live() -> None:
        port = free_port()
        async with gateway(port) as (host, _, drivers, clock):
            await powers(drivers)
            await host.stop()
            assert await powers(drivers) == [None] * MANY
            assert await drivers[0].held() == {}
            said = {str(driver.health().said) for driver in drivers}
            assert any("no connection to" in each for each in said)
            await host.start()
            # Nobody tries before the pause of the gateway is over.
            assert await powers(drivers) == [None] * MANY
            assert connections(host) == 0
            clock.now += 60.0
            assert None not in await powers(drivers)
            assert connections(host) == 1

    run(live())


class Raw:
    """A gateway by hand, which counts who calls. answer: what it says behind a request's head."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.calls = self.asked = self.over = 0
        self.quiet = asyncio.Event()

    async def __call__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.calls += 1
        self.over += 1
        try:
            while head := await reader.readexactly(7):
                self.asked += 1
                body = await reader.readexactly(int.from_bytes(head[4:6]) - 1)
                if self.answer is not None:
                    said = bytes([body[0] | 0x80]) + self.answer
                    length = (len(said) + 1).to_bytes(2)
                    writer.write(head[:4] + length + head[6:7] + said)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
        finally:
            self.over -= 1
            self.quiet.set()


@asynccontextmanager
async def by_hand(answer: bytes | None) -> AsyncIterator[tuple[Raw, list[Driver], Hand]]:
    raw, clock = Raw(answer), Hand()
    server = await asyncio.start_server(raw, LOOPBACK, 0)
    port = server.sockets[0].getsockname()[1]
    drivers = [
        driver_of(STANDARD, port, clock, unit_id=unit, timeout=0.05) for unit in range(1, MANY + 1)
    ]
    try:
        yield raw, drivers, clock
    finally:
        for driver in drivers:
            await driver.close()
        server.close()
        while raw.over:
            raw.quiet.clear()
            await raw.quiet.wait()
        await asyncio.sleep(0)


def test_a_gateway_that_hangs_is_tried_by_three_and_the_others_hear_of_it() -> None:
    async def live() -> None:
        async with by_hand(None) as (raw, drivers, clock):
            assert await powers(drivers) == [None] * MANY
            assert (raw.calls, raw.asked) == (2, 3)
            said = drivers[-1].health().said
            assert said is not None
            assert said.en.endswith(
                "is connected, and none of its devices answers; look at the gateway"
            )
            await powers(drivers)
            assert raw.asked == 3
            clock.now += 1.0
            await powers(drivers)
            assert (raw.calls, raw.asked) == (3, 4)

    run(live())


def test_set_points_for_a_gateway_that_hangs_wait_for_one_answer_and_not_for_all() -> None:
    async def live() -> None:
        async with by_hand(None) as (raw, drivers, _):
            await powers(drivers)
            written = await asyncio.gather(*(driver.write({"p": 0.1}) for driver in drivers))
            assert {each["p"].outcome for each in written} == {Outcome.NO_ANSWER}
            assert raw.asked == 3
            # A second later the next set-point is tried, whatever the pause says.
            drivers[0]._gateway._tried -= 1.0  # type: ignore[attr-defined]
            await asyncio.gather(*(driver.write({"p": 0.1}) for driver in drivers))
            assert raw.asked == 4

    run(live())


@pytest.mark.parametrize("code", [b"\x0a", b"\x0b"])
def test_a_gateway_that_answers_for_a_silent_device_is_not_blamed(code: bytes) -> None:
    """Exception codes 0A and 0B (Modbus application protocol V1.1b3, 7)."""

    async def live() -> None:
        async with by_hand(code) as (raw, drivers, _):
            readout = await drivers[4].read()
            assert readout.reading("p").quality == Quality.NO_ANSWER
            assert drivers[4].health().said == Text(
                "the gateway answers, unit 5 behind it does not; check its line and number",
                "网关有应答，其下单元 5 无应答；检查线路与单元号",
            )
            assert (await drivers[4].write({"p": 0.1}))["p"].outcome is Outcome.NO_ANSWER
            await powers(drivers[:4])
            assert raw.calls == 1

    run(live())


def test_another_exception_is_a_refusal() -> None:
    async def live() -> None:
        async with by_hand(b"\x02") as (_, drivers, _):
            readout = await drivers[0].read()
            assert readout.reading("p").quality == Quality.MISSING
            assert (await drivers[0].write({"p": 0.1}))["p"].outcome is Outcome.REFUSED

    run(live())
