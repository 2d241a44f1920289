"""The wires of a park in one cycle: all devices read at once, written at once, none waited for.

A device that has not answered within its time is silent in this cycle; its answer is taken when it
comes, and until then nobody calls it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zeropark.devices.contract import Driver, Outcome, Readout, Written, nothing_read

# How long a device that does not follow is left alone at first, and at most [s].
_FIRST_REST, _LONGEST_REST = 120.0, 3_600.0


def _no_heartbeat(count: int) -> Mapping[str, float]:
    """Return nothing: any write keeps the device's watchdog quiet."""
    del count
    return {}


@dataclass
class Wire:
    """A device: its driver, the gateway it lies behind, and its own watchdog.

    watchdog: silence after which it goes to its safe value [s]; None where it has none. heartbeat:
    returns what keeps that quiet, by point, from a count.
    """

    driver: Driver
    gateway: str = ""
    watchdog: float | None = None
    heartbeat: Callable[[int], Mapping[str, float]] = _no_heartbeat
    _call: asyncio.Task[Any] | None = None
    _late: asyncio.Task[Readout] | None = None
    _late_write: tuple[Mapping[str, float | None], asyncio.Task[dict[str, Written]]] | None = None

    @property
    def busy(self) -> bool:
        """Whether an earlier call is still under way."""
        return self._call is not None and not self._call.done()

    def reading(self) -> asyncio.Task[Readout]:
        """Begin to read."""
        task = asyncio.ensure_future(self.driver.read())
        self._call = task
        return task

    def showing(self) -> asyncio.Task[dict[str, float]]:
        """Begin to ask what set-points it holds."""
        task = asyncio.ensure_future(self.driver.held())
        self._call = task
        return task

    def left(self, task: asyncio.Task[Readout]) -> None:
        """Remember a reading that nobody waits for any longer."""
        self._late = task

    def came_late(self) -> Readout | None:
        """Return, once, what a reading brought that nobody waited for; its stamps tell its age."""
        task = self._late
        if task is None or not task.done():
            return None
        self._late = None
        return None if task.cancelled() or task.exception() is not None else task.result()

    def left_writing(
        self, asked: Mapping[str, float | None], task: asyncio.Task[dict[str, Written]]
    ) -> None:
        """Remember a writing that nobody waits for any longer."""
        self._late_write = asked, task

    def written_late(self, setpoints: Mapping[str, float | None]) -> dict[str, Written] | None:
        """Return, once, what became of these set-points where they were written and came late."""
        if self._late_write is None or not self._late_write[1].done():
            return None
        (asked, task), self._late_write = self._late_write, None
        beats = self.heartbeat(0)
        same = {n: v for n, v in asked.items() if n not in beats} == {
            n: v for n, v in setpoints.items() if n not in beats
        }
        if not same or task.cancelled() or task.exception() is not None:
            return None
        return task.result()

    def writing(self, setpoints: Mapping[str, float | None]) -> asyncio.Task[dict[str, Written]]:
        """Begin to write."""
        self._late_write = None
        task = asyncio.ensure_future(self.driver.write(setpoints))
        self._call = task
        return task


@dataclass
class Fleet:
    """All wires of a park, by asset. patience: wall time of one pass of calls [s]."""

    wires: Mapping[str, Wire]
    patience: float

    @property
    def names(self) -> dict[str, Sequence[str]]:
        """The points of each device, in the order of its readouts."""
        return {asset: wire.driver.names for asset, wire in self.wires.items()}

    @property
    def gateways(self) -> dict[str, str]:
        """The gateway of each device that lies behind one."""
        return {asset: wire.gateway for asset, wire in self.wires.items() if wire.gateway}

    async def read(self) -> dict[str, Readout]:
        """Return what every device shows; one that does not answer in time shows nothing."""
        free = {asset: wire for asset, wire in self.wires.items() if not wire.busy}
        calls = {asset: wire.reading() for asset, wire in free.items()}
        await self._wait(list(calls.values()))
        found: dict[str, Readout] = {}
        for asset, wire in self.wires.items():
            call, late = calls.get(asset), wire.came_late()
            if call is not None and call.done() and call.exception() is None:
                found[asset] = call.result()
            else:
                found[asset] = late or nothing_read(tuple(wire.driver.names))
            if call is not None and not call.done():
                wire.left(call)
        return found

    async def write(
        self, setpoints: Mapping[str, Mapping[str, float | None]]
    ) -> dict[str, dict[str, Written]]:
        """Write set-points by asset; a device that is busy or late has not answered."""
        found: dict[str, dict[str, Written]] = {}
        calls = {}
        for asset, points in setpoints.items():
            wire = self.wires.get(asset)
            late = None if wire is None else wire.written_late(points)
            if late is not None:
                found[asset] = late
            elif wire is not None and not wire.busy:
                calls[asset] = wire.writing(points)
        await self._wait(list(calls.values()))
        for asset, points in setpoints.items():
            call = calls.get(asset)
            if call is not None and not call.done():
                self.wires[asset].left_writing(points, call)
            done = call is not None and call.done() and call.exception() is None
            silent = dict.fromkeys(points, Written(Outcome.NO_ANSWER))
            found.setdefault(asset, call.result() if done and call is not None else silent)
        return found

    async def held(self) -> dict[str, dict[str, float]]:
        """Return the set-points that devices hold, by asset; nothing of one that is silent."""
        calls = {asset: wire.showing() for asset, wire in self.wires.items() if not wire.busy}
        await self._wait(list(calls.values()))
        return {
            asset: call.result()
            for asset, call in calls.items()
            if call.done() and call.exception() is None
        }

    async def _wait(self, calls: Sequence[asyncio.Task[Any]]) -> None:
        if calls:
            await asyncio.wait(calls, timeout=self.patience)

    async def close(self) -> None:
        """Let go of all wires."""
        for wire in self.wires.values():
            await wire.driver.close()


@dataclass
class BackOff:
    """When a device that does not follow is tried again: later after every vain try."""

    until: dict[str, float] = field(default_factory=dict)
    _rest: dict[str, float] = field(default_factory=dict)

    def leave(self, asset: str, steady: float) -> None:
        """Leave a device alone for a while from `steady` [s] on."""
        rest = self._rest.get(asset, _FIRST_REST)
        self.until[asset] = steady + rest
        self._rest[asset] = min(_LONGEST_REST, 2.0 * rest)

    def resting(self, steady: float) -> set[str]:
        """Return the devices that are left alone at this moment."""
        return {asset for asset, until in self.until.items() if steady < until}

    def follows(self, asset: str) -> None:
        """Let a device that follows be as any other."""
        self.until.pop(asset, None)
        self._rest.pop(asset, None)
