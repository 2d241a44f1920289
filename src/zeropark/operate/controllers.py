"""Who decides the set-points of a step: the rolling plan, the rules, or a plan with foresight."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from zeropark.assets.direct_supply import lived
from zeropark.assets.kind import Horizon, Readings, RuleView
from zeropark.formulation.carried import Carried
from zeropark.formulation.plan import Plan
from zeropark.operate.called import Called, called_in
from zeropark.operate.courses import Courses, shares
from zeropark.operate.forecaster import Forecaster, Signals
from zeropark.operate.planner import Planner, Setpoints
from zeropark.operate.product import Promise
from zeropark.operate.world import World
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
# How long after an outage a store may take to rebuild its reserve [h].
REBUILDING = 12.0
# By how much a step's sun and wind may fall short of their forecast [1]; see decision 0006.
DOUBT = 0.2
# Signals that say what a device is able to do; without it a plan asks nothing of it.
_MEANS = frozenset({"charge_limit", "discharge_limit"})


class Controller(Protocol):
    """Decides the set-points of step `index` from what the meters show."""

    def decide(self, index: int, readings: Mapping[str, Readings]) -> Setpoints:
        """Return set-points by asset and point."""


@dataclass(frozen=True)
class Thresholds:
    """The three numbers of the rules.

    target: highest import the operator allows, as a share of the contract [1]. fill: state of
    charge up to which the battery is filled from the grid at a low price [1]. start_surplus:
    surplus from which waiting work is started, as a share of the contract [1].
    """

    target: float = 0.1
    fill: float = 0.95
    start_surplus: float = 0.2


class Beyond(Protocol):
    """What a planned year knows of the time that a plan's window does not see."""

    def carried(self, steps: TimeGrid, known: Carried, readings: Mapping[str, Readings]) -> Carried:
        """Return what the window `steps` is told; known: what was lived since the run began."""


class Advice(Protocol):
    """A planned year as a run is given it."""

    def beyond(self) -> Beyond:
        """Return what tells one policy's windows; each policy has its own."""

    def settle(self, world: World) -> World:
        """Return the world with what is left in stock settled as the year values it."""

    def account(self) -> dict[str, Any]:
        """Return what was told, as `run.json` says it."""

    def sentence(self) -> Text:
        """Return what a report says of it."""


class Rules:
    """A good operator without an optimiser: green first, cheap hours for what waits, a target."""

    def __init__(self, world: World, thresholds: Thresholds) -> None:
        self._assets = world.assets
        ties = [asset for asset in world.assets if asset.role == "grid"]
        self._contract = sum(float(getattr(tie, "contract_limit", 0.0)) for tie in ties)
        self._thresholds = thresholds
        prices = np.mean([tie.signals(world.truth)["price_import"][0] for tie in ties], axis=0)
        self._bands = price_bands(prices, world.grid)
        self._sources = [asset.name for asset in world.assets if asset.role == "source"]

    def decide(self, index: int, readings: Mapping[str, Readings]) -> Setpoints:
        """Return each asset's set-points by its own rule."""
        exported = sum(float(readings[a.name]["export"]) for a in self._assets if a.role == "grid")
        bought = sum(float(readings[a.name]["import"]) for a in self._assets if a.role == "grid")
        stores = [
            float(readings[a.name]["p"])
            for a in self._assets
            if a.role == "store" and "p" in readings[a.name]
        ]
        charging = sum(max(0.0, -power) for power in stores)
        spare = sum(
            max(0.0, float(readings[name].get("available", 0.0)) - float(readings[name]["p"]))
            for name in self._sources
        )
        target = self._thresholds.target * self._contract
        view = RuleView(
            band=self._bands[index],
            surplus=exported + spare + (charging if self._bands[index] != "low" else 0.0),
            target=target,
            fill=self._thresholds.fill,
            start_surplus=self._thresholds.start_surplus * self._contract,
            room=target - bought - sum(stores) + exported + spare,
        )
        return {asset.name: asset.by_rule(readings[asset.name], view) for asset in self._assets}


def price_bands(prices: Floats, grid: TimeGrid) -> list[str]:
    """Return for each step whether its price is among its day's low, middle or high ones.

    A day with one price only is all middle.
    """
    bands = np.full(len(prices), "middle", dtype=object)
    # Not `np.unique`: its first call imports masked arrays, which a plan need not wait for.
    for day in dict.fromkeys(grid.local_day.tolist()):
        at = grid.local_day == day
        low, high = float(prices[at].min()), float(prices[at].max())
        if high > low:
            third = (high - low) / 3
            bands[at & (prices <= low + third)] = "low"
            bands[at & (prices >= high - third)] = "high"
    return [str(band) for band in bands]


@dataclass(frozen=True)
class Asked:
    """What a plan was asked from: the step it begins at, what was foreseen, read, and looked over.

    signals: by kind and name, (members, steps).
    """

    index: int
    signals: Signals
    readings: Mapping[str, Readings]
    horizon: Horizon


@dataclass
class Planned:
    """The rolling plan: forecasts in, set-points out; where no plan can be had, the rules.

    without: assets that a plan may not count on: their means to act are taken as nothing. promises:
    what calls ask of the first tie and of stores. asked: of the newest plan, for
    who wants to try what another would be. each_side: for how many smaller and how many larger
    amounts of sun the first step is also planned; courses: what that came to for the newest plan,
    None where it was not. year: what a window does not see; None where no year
    was planned.
    """

    world: World
    planner: Planner
    forecaster: Forecaster
    rules: Rules
    plans: list[Plan] = field(default_factory=list)
    keep: int = 0
    without: frozenset[str] = frozenset()
    promises: Sequence[Promise] = ()
    asked: Asked | None = None
    each_side: int = 0
    courses: Courses | None = None
    year: Beyond | None = None
    known: Carried = field(default_factory=Carried)

    def decide(self, index: int, readings: Mapping[str, Readings]) -> Setpoints:
        """Plan from here to the horizon or the run's end; return the first step's set-points."""
        plan = self.plan(index, readings)
        self.courses = None
        if plan is None:
            return self.rules.decide(index, readings)
        if self.each_side and self.asked is not None:
            hours = self.asked.horizon.grid.hours
            self.courses = self.planner.courses(
                plan, self.asked.signals, hours, shares(self.each_side)
            )
        if len(self.plans) < self.keep:
            self.plans.append(plan)
        return self.planner.setpoints(plan, index)

    def plan(self, index: int, readings: Mapping[str, Readings]) -> Plan | None:
        """Return the plan made at step `index`."""
        steps = self.planner.steps
        signals, expected = self.forecaster.window(index, steps, readings)
        if self.without:
            signals = self._left_out(signals)
        ahead = steps.grid(self.world.grid, index)
        called = Called()
        if self.promises:
            called = called_in(self.promises, self.world.assets, ahead)
            signals = self._kept_free(signals, called.kept)
        exposed = self._exposed(signals, ahead)
        doubt = self._doubt(signals)
        self._note(index, readings)
        told = self.known if self.year is None else self.year.carried(ahead, self.known, readings)
        horizon = Horizon(
            ahead,
            self.world.end_price,
            expected,
            exposed,
            doubt,
            carried=told,
            promised=called.promised,
            kept=called.kept,
            lasts=called.lasts,
        )
        self.asked = Asked(index, signals, readings, horizon)
        return self.planner.plan(index, signals, readings, horizon)

    def _kept_free(self, signals: Signals, kept: Mapping[str, Floats]) -> Signals:
        """Return the signals with stores that keep power free to give."""
        found = {kind: dict(own) for kind, own in signals.items()}
        for kind, assets in self.planner.kinds.items():
            for i, asset in enumerate(assets):
                power = kept.get(asset.name)
                if power is None or "discharge_limit" not in found[kind]:
                    continue
                there = found[kind]["discharge_limit"] = found[kind]["discharge_limit"].copy()
                rated = float(getattr(asset, "p_nom", np.inf))
                there[i] = np.maximum(0.0, there[i] - power / rated)
        return found

    def _left_out(self, signals: Signals) -> Signals:
        """Return the signals with nothing able of what is left out."""
        found = {kind: dict(own) for kind, own in signals.items()}
        for kind, assets in self.planner.kinds.items():
            gone = [i for i, asset in enumerate(assets) if asset.name in self.without]
            for name in _MEANS & set(found[kind]) if gone else ():
                if found[kind][name].shape[0] == len(assets):
                    found[kind][name] = found[kind][name].copy()
                    found[kind][name][gone] = 0.0
        return found

    def _note(self, index: int, readings: Mapping[str, Readings]) -> None:
        """Add the step that is over to what was lived."""
        if index > 0:
            hours = float(self.world.grid.hours[index - 1])
            supply = lived(self.world.assets, readings, hours)
            total = self.known.lived + supply
            self.known = replace(self.known, lived=total, hours=self.known.hours + hours)

    def _doubt(self, signals: Signals) -> Floats:
        """Return how much less than foreseen sun and wind may give in each step [MW]."""
        kinds = {asset.kind for asset in self.world.assets if asset.role == "source"}
        steps = len(self.planner.steps)
        given = sum((signals[kind]["available"].sum(axis=0) for kind in kinds), np.zeros(steps))
        return DOUBT * given

    def _exposed(self, signals: Signals, ahead: TimeGrid) -> npt.NDArray[np.bool_]:
        """Return where a reserve is to be held: the grid is there, and has been for a while."""
        kinds = {asset.kind for asset in self.world.assets if asset.role == "grid"}
        there = np.ones(len(ahead), dtype=bool)
        for kind in kinds:
            there &= (signals[kind]["available"] > 0).any(axis=0)
        after = np.cumsum(ahead.hours)
        away = np.where(there, -np.inf, after)
        return after - np.maximum.accumulate(away) > REBUILDING


class Played:
    """A plan made beforehand, sent through the plant step by step."""

    def __init__(self, setpoints: Sequence[Setpoints], starts: Sequence[int]) -> None:
        self._setpoints = setpoints
        self._starts = starts

    def decide(self, index: int, readings: Mapping[str, Readings]) -> Setpoints:
        """Return the set-points of the plan's step that covers step `index`."""
        del readings
        return self._setpoints[bisect.bisect_right(self._starts, index) - 1]
