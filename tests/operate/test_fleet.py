"""What a device brings after its cycle stopped waiting, by a driver that answers when it is let."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import numpy as np

from zeropark.devices.contract import Health, Outcome, Quality, Readout, Written
from zeropark.operate.fleet import Fleet, Wire


class Slow:
    """A driver that answers when `let` is set; each readout is stamped with its number."""

    names = ("p",)

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.reads = 0
        self.wrote: list[Mapping[str, float | None]] = []

    async def read(self) -> Readout:
        self.reads += 1
        at = float(self.reads)
        await self.let.wait()
        quality = np.array([Quality.GOOD], dtype=np.uint8)
        return Readout(self.names, np.array([0.5]), quality, np.array([at]))

    async def write(self, setpoints: Mapping[str, float | None]) -> dict[str, Written]:
        self.wrote.append(setpoints)
        await self.let.wait()
        return {name: Written(Outcome.TAKEN, value) for name, value in setpoints.items()}

    async def held(self) -> dict[str, float]:
        return {}

    def health(self) -> Health:
        return Health(answering=True, since=0.0)

    async def close(self) -> None:
        self.let.set()


def fleet_of(driver: Slow) -> Fleet:
    return Fleet({"bat": Wire(driver, heartbeat=lambda n: {"heartbeat": float(n)})}, 0.01)


def test_a_reading_that_comes_late_is_taken_once_with_its_own_stamp() -> None:
    async def live() -> None:
        driver = Slow()
        fleet = fleet_of(driver)
        assert (await fleet.read())["bat"].reading("p").quality == Quality.NO_ANSWER
        # Until it comes nobody calls the device again.
        assert (await fleet.read())["bat"].reading("p").quality == Quality.NO_ANSWER
        assert driver.reads == 1
        driver.let.set()
        await asyncio.sleep(0)
        driver.let.clear()
        assert (await fleet.read())["bat"].reading("p") == (0.5, Quality.GOOD, 1.0)
        assert (await fleet.read())["bat"].reading("p").quality == Quality.NO_ANSWER
        await fleet.close()

    asyncio.run(live())


def test_a_set_point_that_is_taken_late_is_not_written_again() -> None:
    async def live() -> None:
        driver = Slow()
        fleet = fleet_of(driver)
        first = await fleet.write({"bat": {"p": 0.5, "heartbeat": 1.0}})
        assert first["bat"]["p"].outcome is Outcome.NO_ANSWER
        driver.let.set()
        await asyncio.sleep(0)
        again = await fleet.write({"bat": {"p": 0.5, "heartbeat": 2.0}})
        assert again["bat"]["p"] == (Outcome.TAKEN, 0.5)
        assert len(driver.wrote) == 1
        # Said once: the next is a write of its own.
        await fleet.write({"bat": {"p": 0.5, "heartbeat": 3.0}})
        assert len(driver.wrote) == 2

    asyncio.run(live())


def test_what_was_taken_late_does_not_stand_for_another_set_point() -> None:
    async def live() -> None:
        driver = Slow()
        fleet = fleet_of(driver)
        await fleet.write({"bat": {"p": 0.5}})
        driver.let.set()
        await asyncio.sleep(0)
        other = await fleet.write({"bat": {"p": 0.4}})
        assert other["bat"]["p"] == (Outcome.TAKEN, 0.4)
        assert driver.wrote == [{"p": 0.5}, {"p": 0.4}]

    asyncio.run(live())
