"""Simulated devices at a broker: read, set and faulted as those on any other wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from tests.devices.served import LOOPBACK, Hand, driver_of, run
from tests.devices.test_mqtt import STORE, broker
from zeropark.devices.contract import Driver, Outcome, Quality
from zeropark.devices.simulated.device import Fault
from zeropark.devices.simulated.mqtt import Host, simulated


class Wired(NamedTuple):
    driver: Driver
    device: Any
    clock: Hand
    host: Host


@asynccontextmanager
async def wired(port: int) -> AsyncIterator[Wired]:
    """Have a simulated device and a driver meet at the broker of a port."""
    clock, host = Hand(), Host(LOOPBACK, port)
    device = simulated(STORE, clock, {})
    host.add(1, "site/bat", device)
    driver = driver_of(STORE, port, clock, topic="site/bat", timeout=2.0)
    device.show({"p": 0.25, "soc": 0.5})
    await host.start()
    await host.there.wait()
    try:
        yield Wired(driver, device, clock, host)
    finally:
        await driver.close()
        await host.stop()


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never came")


async def read_at(driver: Driver, at: float) -> tuple[float | None, Quality]:
    """Return what is read of the power once it is of this time."""
    for _ in range(1000):
        reading = (await driver.read()).reading("p")
        if reading.at == at:
            return reading.value, reading.quality
        await asyncio.sleep(0.01)
    raise AssertionError("never came")


def test_a_device_at_a_broker_is_read_and_set() -> None:
    async def live() -> None:
        async with broker() as port, wired(port) as (driver, device, clock, _):
            assert await read_at(driver, clock.now) == (0.25, Quality.GOOD)
            assert (await driver.write({"p": 0.1}))["p"].outcome is Outcome.SENT
            await until(lambda: device.setpoints() == {"p": pytest.approx(0.1)})
            await driver.write({"p": None})
            await until(lambda: device.setpoints() == {})

    run(live())


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        (Fault.WRONG_SCALE, (2.5, Quality.SUSPECT)),
        (Fault.FROZEN, (0.25, Quality.GOOD)),
        (Fault.DUPLICATE, (0.3, Quality.GOOD)),
        (Fault.FLOOD, (0.3, Quality.GOOD)),
    ],
)
def test_a_fault_shows_at_a_broker(fault: Fault, shown: tuple[float, Quality]) -> None:
    async def live() -> None:
        async with broker() as port, wired(port) as (driver, device, clock, _):
            await read_at(driver, clock.now)
            device.inject(fault, 60.0)
            clock.now += 1.0
            device.show({"p": 0.25 if fault is Fault.WRONG_SCALE else 0.3, "soc": 0.5})
            value, quality = await read_at(driver, clock.now)
            assert value == pytest.approx(shown[0])
            assert quality is shown[1]
            # What comes in order behind a flood says that the flood is over.
            clock.now += 61.0
            device.show({"p": 0.25, "soc": 0.5})
            assert await read_at(driver, clock.now) == (0.25, Quality.GOOD)

    run(live())


def test_a_device_that_says_it_has_no_value_says_so_at_a_broker() -> None:
    async def live() -> None:
        async with broker() as port, wired(port) as (driver, device, clock, host):
            await read_at(driver, clock.now)
            device.inject(Fault.NAN, 60.0)
            device.show({"p": 0.3, "soc": 0.5})
            await host.say()
            readout = await driver.read()
            for _ in range(1000):
                if readout.reading("p").quality is Quality.MISSING:
                    return
                await asyncio.sleep(0.01)
                readout = await driver.read()
            raise AssertionError("never came")

    run(live())


def test_a_clock_that_jumps_shows_in_the_stamps_of_a_broker() -> None:
    async def live() -> None:
        async with broker() as port, wired(port) as (driver, device, clock, host):
            device.inject(Fault.CLOCK_JUMP, 60.0)
            await host.say()
            assert await read_at(driver, clock.now + 3600.0) == (0.25, Quality.GOOD)

    run(live())


@pytest.mark.parametrize("fault", [Fault.LOST_WRITE, Fault.REFUSE, Fault.SILENCE, Fault.REBOOT])
def test_a_set_point_that_a_broker_took_may_not_be_held(fault: Fault) -> None:
    async def live() -> None:
        async with broker() as port, wired(port) as (driver, device, clock, host):
            device.inject(fault, 60.0)
            assert (await driver.write({"p": 0.1}))["p"].outcome is Outcome.SENT
            await until(lambda: host.heard == 1)
            clock.now += 61.0
            await driver.write({"p": 0.2})
            await until(lambda: device.setpoints() != {})
            assert device.setpoints() == {"p": pytest.approx(0.2)}

    run(live())


def test_a_broker_that_was_away_is_sought_again_from_both_ends() -> None:
    async def live() -> None:
        async with broker() as port:
            wire = wired(port)
            driver, device, clock, host = await wire.__aenter__()
            await read_at(driver, clock.now)
        assert not host.there.is_set() or await gone(host)
        async with broker(port=port):
            await host.there.wait()
            clock.now += 60.0
            assert await read_at(driver, clock.now) == (0.25, Quality.GOOD)
            await driver.write({"p": 0.1})
            await until(lambda: device.setpoints() == {"p": pytest.approx(0.1)})
            await wire.__aexit__(None, None, None)

    async def gone(host: Host) -> bool:
        await until(lambda: not host.there.is_set())
        return True

    run(live())
