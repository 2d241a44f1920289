"""The simulated plant in this process, behind the same contract as a device on a wire.

It has physics and meters of its own, a watchdog at every device, a log of what truly happened, and
faults on command. Nothing of the truth reaches whoever operates it but what the meters show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from zeropark.assets.grid_tie import GridTie
from zeropark.assets.kind import Kind
from zeropark.devices.contract import Health, Outcome, Quality, Readout, Written, nothing_read
from zeropark.operate.build import RunRequest, build_world
from zeropark.operate.clock import Clock
from zeropark.operate.plant import Plant
from zeropark.operate.world import World
from zeropark.units.text import Text

# How many times its limit a tie carries here: a limit is only kept by whoever operates the park,
# and what breaks it must be seen [1].
_OVERLOAD = 20.0
_SILENT = Text("no answer within the time-out", "超时无应答")


@dataclass
class Faults:
    """What is wrong with the simulated devices, by asset.

    silent: no answer. slow: asset -> seconds it takes to answer. refusing: no set-point is taken.
    deaf: set-points are acknowledged and shown, and not obeyed. frozen: shows what it showed.
    factors: asset -> what its meters are wrong by [1]. blank: shows no number.
    """

    silent: set[str] = field(default_factory=set)
    slow: dict[str, float] = field(default_factory=dict)
    refusing: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    factors: dict[str, float] = field(default_factory=dict)
    blank: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Truth:
    """What truly was at a moment. at: POSIX s. power: by tie [MW, import +]. soc: by store."""

    at: float
    power: Mapping[str, float]
    soc: Mapping[str, float]


class Watching(Protocol):
    """Whoever writes down what truly happens."""

    def begin(self, plant: Plant) -> None:
        """Look at the plant before it lives."""

    def minute(
        self, at: float, plant: Plant, told: Mapping[str, Mapping[str, float]], seconds: float
    ) -> None:
        """Look at it after a step from `at` [POSIX s] on, `seconds` long, with these set-points."""


class NearSite:
    """A park's simulated plant that lives by `clock`, a device for each asset that has points.

    watchdog: after so long without a write [s] a device goes to its safe value. watching: told each
    step of the plant.
    """

    def __init__(
        self,
        world: World,
        spills: Mapping[str, bool],
        clock: Clock,
        watchdog: float,
        watching: Watching | None = None,
    ) -> None:
        self._clock, self._watching = clock, watching
        self.watchdog = watchdog
        self.assets = world.assets
        assets = [_carrying_more(asset) for asset in world.assets]
        self._plant = Plant(assets, world.truth, spills, world.seed)
        self._starts = world.grid.starts.astype(np.int64).tolist()
        self._next = 0
        self._safe = {a.name: {s.point: s.rest for s in a.steered()} for a in assets}
        self.told: dict[str, dict[str, float]] = {}
        self._heard: dict[str, float] = {}
        self.faults = Faults()
        self.log: list[Truth] = []
        self._ties = [a.name for a in assets if a.role == "grid"]
        self._stores = [a.name for a in assets if a.role == "store"]
        self._seconds = world.grid.step_hours * 3600.0
        self.drivers: dict[str, NearDriver] = {a.name: NearDriver(self, a) for a in assets}
        if watching is not None:
            watching.begin(self._plant)
        self.advance()

    @property
    def ended(self) -> bool:
        """Whether the weather and loads it was made with are over."""
        return self._next >= len(self._starts)

    def advance(self) -> None:
        """Live through all steps that have begun."""
        now = self._clock.now()
        while self._next < len(self._starts) and self._starts[self._next] <= now:
            obeyed = self._obeyed()
            self._plant.write(obeyed)
            self._plant.step(self._next)
            shown = self._plant.read()
            if self._watching is not None:
                at = float(self._starts[self._next])
                self._watching.minute(at, self._plant, obeyed, self._seconds)
            self.log.append(
                Truth(
                    float(self._starts[self._next]),
                    {name: float(shown[name]["p"]) for name in self._ties},
                    {
                        name: float(shown[name]["soc"])
                        for name in self._stores
                        if "soc" in shown[name]
                    },
                )
            )
            self._next += 1

    def _obeyed(self) -> dict[str, dict[str, float]]:
        """Return what devices do: what they were told, or their safe value after a silence."""
        steady, found = self._clock.steady(), {}
        for name, told in self.told.items():
            silent = steady - self._heard[name] > self.watchdog
            if silent:
                found[name] = {point: self._safe[name].get(point, told[point]) for point in told}
            elif name not in self.faults.deaf:
                found[name] = dict(told)
        return found

    def hear(self, asset: str, setpoints: Mapping[str, float]) -> None:
        """Take set-points and start the device's watchdog anew."""
        self.told.setdefault(asset, {}).update(setpoints)
        self._heard[asset] = self._clock.steady()

    def counting(self, asset: str) -> dict[str, float]:
        """Return the set-points of an asset that its watchdog has not let go of."""
        silent = self._clock.steady() - self._heard.get(asset, -np.inf) > self.watchdog
        return {} if silent else dict(self.told.get(asset, {}))

    def release(self, asset: str, point: str) -> None:
        """Let a device do as without us."""
        self.told.get(asset, {}).pop(point, None)

    def shown(self, asset: str) -> Mapping[str, object]:
        """Return what the meters of an asset show."""
        self.advance()
        return self._plant.devices[asset].read()

    def now(self) -> float:
        """Return the clock of the devices [POSIX s]."""
        return self._clock.now()


def _carrying_more(asset: Kind) -> Kind:
    if not isinstance(asset, GridTie):
        return asset
    more = {"import_max": asset.import_max * _OVERLOAD, "export_max": asset.export_max * _OVERLOAD}
    return asset.model_copy(update=more)


class NearDriver:
    """One asset of the simulated plant, as a driver."""

    def __init__(self, site: NearSite, asset: Kind) -> None:
        self._site, self._asset = site, asset.name
        self._writable = {steered.point for steered in asset.steered()} | {
            point.name for point in asset.shown_points() if point.writable
        }
        self._names = tuple(
            point.name
            for point in asset.shown_points()
            if not point.writable or _is_shown(asset, point.name)
        )
        self._last: Readout | None = None
        self._misses, self._since, self._answering = 0, np.nan, False

    @property
    def names(self) -> tuple[str, ...]:
        """The points that show something."""
        return self._names

    async def read(self) -> Readout:
        """Return all points in one pass."""
        faults, now = self._site.faults, self._site.now()
        if not await self._answers():
            return nothing_read(self._names)
        if self._asset in faults.frozen and self._last is not None:
            last = self._last
            return Readout(last.names, last.values, last.quality, np.full(len(last.names), now))
        shown = self._site.shown(self._asset)
        factor = faults.factors.get(self._asset, 1.0)
        values = np.array([_number(shown.get(name)) * factor for name in self._names])
        if self._asset in faults.blank:
            values[:] = np.nan
        quality = np.where(np.isfinite(values), Quality.GOOD, Quality.MISSING).astype(np.uint8)
        self._last = Readout(self._names, values, quality, np.full(len(self._names), now))
        return self._last

    async def write(self, setpoints: Mapping[str, float | None]) -> dict[str, Written]:
        """Take set-points, as the device would."""
        if not await self._answers():
            return dict.fromkeys(setpoints, Written(Outcome.NO_ANSWER))
        found: dict[str, Written] = {}
        taken: dict[str, float] = {}
        for point, value in setpoints.items():
            if point not in self._writable:
                found[point] = Written(Outcome.POINT_UNKNOWN)
            elif value is None:
                self._site.release(self._asset, point)
                found[point] = Written(Outcome.TAKEN)
            elif not np.isfinite(value):
                found[point] = Written(Outcome.NOT_A_NUMBER)
            elif self._asset in self._site.faults.refusing:
                found[point] = Written(Outcome.REFUSED)
            else:
                taken[point] = value
                found[point] = Written(Outcome.TAKEN, value)
        if taken:
            self._site.hear(self._asset, taken)
        return found

    async def held(self) -> dict[str, float]:
        """Return the set-points that count now."""
        if not await self._answers():
            return {}
        return self._site.counting(self._asset)

    async def _answers(self) -> bool:
        wait = self._site.faults.slow.get(self._asset, 0.0)
        if wait:
            await asyncio.sleep(wait)
        answering = self._asset not in self._site.faults.silent
        if answering != self._answering or np.isnan(self._since):
            self._since = self._site.now()
        self._answering = answering
        self._misses = 0 if answering else self._misses + 1
        return answering

    def health(self) -> Health:
        """Return whether it answers."""
        said = None if self._answering else _SILENT
        return Health(self._answering, float(self._since), self._misses, said=said)

    async def close(self) -> None:
        """Let go of nothing: the plant is in this process."""


def _is_shown(asset: Kind, point: str) -> bool:
    return any(steered.shown_by == point for steered in asset.steered())


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float | np.number) else np.nan


def near_site(
    request: RunRequest,
    clock: Clock,
    spills: Mapping[str, bool],
    watchdog: float,
    watching: Watching | None = None,
) -> NearSite:
    """Return the simulated plant of a request; its step is the request's."""
    return NearSite(build_world(request), spills, clock, watchdog, watching)


def breaches(
    log: Sequence[Truth], limits: Mapping[str, tuple[float, float]], tolerance: float
) -> list[tuple[str, float, float]]:
    """Return the spells in which a tie was beyond its limits: (tie, from, until) [POSIX s].

    limits: (least, most) power by tie [MW, import +]. tolerance: [MW] that meters cannot tell.
    """
    found: list[tuple[str, float, float]] = []
    for tie, (least, most) in limits.items():
        open_since: float | None = None
        for each in log:
            beyond = not least - tolerance <= each.power[tie] <= most + tolerance
            if beyond and open_since is None:
                open_since = each.at
            elif not beyond and open_since is not None:
                found.append((tie, open_since, each.at))
                open_since = None
        if open_since is not None:
            found.append((tie, open_since, log[-1].at))
    return found
