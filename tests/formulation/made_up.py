"""Parks in a world made up by chance: what a program is told, without weather, files or devices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from zeropark.assets.kind import Horizon
from zeropark.formulation.block import Block, Formulated
from zeropark.formulation.layout import Layout
from zeropark.formulation.linear import Rule
from zeropark.formulation.plan import Plan
from zeropark.formulation.program import Balance, Inputs, Program
from zeropark.formulation.solver import Solution
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
Signals = Mapping[str, Mapping[str, Floats]]
Readings = Mapping[str, Mapping[str, Any]]
ZONE = "Asia/Shanghai"
NODES = (Balance("bus", "electricity"), Balance("warm", "heat", spill_cost=1.0))


class Asked(Formulated, Protocol):
    """What a made-up park asks of an asset beside its rules."""

    @property
    def kind(self) -> str: ...

    def lookback(self, hours: float) -> int: ...

    def situation(self, readings: Mapping[str, Any], horizon: Horizon) -> Inputs: ...


@dataclass(frozen=True)
class Stubborn:
    """A use, or where negative a source, that nobody can cut: it makes limits give way."""

    name: str
    node: str = "bus"
    kind: str = "stubborn"

    def members(self) -> Sequence[tuple[str, object]]:
        return [("", self)]

    def port_nodes(self) -> Mapping[str, str | None]:
        return {"node": self.node}

    def lookback(self, hours: float) -> int:
        del hours
        return 1

    def situation(self, readings: Mapping[str, Any], horizon: Horizon) -> Inputs:
        del readings, horizon
        return Inputs()

    def rules(self, m: Block) -> Iterable[tuple[str, Rule]]:
        amount = m.signal("amount") * m.hours
        m.into("node", -m.flow("amount", lower=amount, upper=amount))
        return ()


@dataclass(frozen=True)
class MadeUp:
    """Assets, and what is said of them on a grid: signals by asset and name, each (1, N)."""

    assets: Sequence[Asked]
    grid: TimeGrid
    signals: Signals
    end_price: float = 400.0

    @property
    def kinds(self) -> dict[str, list[Formulated]]:
        """The assets by kind, as a program wants them."""
        found: dict[str, list[Formulated]] = {}
        for asset in self.assets:
            found.setdefault(asset.kind, []).append(asset)
        return found

    def program(self, steps: int) -> Program:
        """A program for the first `steps` of the grid; its numbers are still to come."""
        hours = self.grid.hours[:steps]
        lag = max(asset.lookback(float(hours.min())) for asset in self.assets)
        return Program(NODES, self.kinds, Layout(hours, lag))

    def inputs(self, readings: Readings, first: int, steps: int) -> dict[str, Inputs]:
        """What an update at step `first` tells each kind."""
        horizon = Horizon(self.grid.window(first, first + steps), self.end_price)
        found: dict[str, list[Inputs]] = {}
        for asset in self.assets:
            own = asset.situation(readings.get(asset.name, {}), horizon)
            said = self.signals[asset.name].items()
            ahead = {name: numbers[:, first : first + steps] for name, numbers in said}
            found.setdefault(asset.kind, []).append(Inputs({**ahead, **own.signals}, own.figures))
        return {kind: _joined(parts) for kind, parts in found.items()}

    def told(self, readings: Readings, steps: int | None = None) -> Program:
        """A program compiled and told at once."""
        count = len(self.grid) if steps is None else steps
        program = self.program(count)
        program.update(self.inputs(readings, 0, count))
        return program


def _joined(parts: Sequence[Inputs]) -> Inputs:
    signals = {n: np.vstack([p.signals[n] for p in parts]) for n in parts[0].signals}
    figures = {n: np.concatenate([p.figures[n] for p in parts]) for n in parts[0].figures}
    return Inputs(signals, figures)


def flat(count: int, **numbers: float | Sequence[float] | Floats) -> dict[str, Floats]:
    """Signals of one asset: a number for all steps, or one for each."""
    return {
        name: np.broadcast_to(np.asarray(number, dtype=float), (1, count)).copy()
        for name, number in numbers.items()
    }


def battery_says(count: int, **changes: float | Sequence[float] | Floats) -> dict[str, Floats]:
    """What a battery's signals are in mild weather."""
    mild: dict[str, Any] = {"charge_limit": 1.0, "discharge_limit": 1.0, "efficiency": 0.9}
    return flat(count, **{**mild, "keep": 0.999, **changes})


def tie_says(count: int, **changes: float | Sequence[float] | Floats) -> dict[str, Floats]:
    """What a tie's signals are on a quiet day."""
    quiet: dict[str, Any] = {"price_import": 400.0, "price_export": 100.0}
    return flat(count, **{**quiet, "available": 1.0, "month_price": 0.0, **changes})


def tie_shows(**changes: float) -> dict[str, float]:
    """What a tie's meters show when the month has drawn nothing and demand is free."""
    quiet = {"drawn": 0.0, "interval": 0.25, "peak_even": 0.0, "peak_odd": 0.0}
    demand = {"demand_price_even": 0.0, "demand_price_odd": 0.0}
    left = {"left_even": 24.0 * 30, "left_odd": 24.0 * 30}
    return {**quiet, **demand, **left, **changes}


def breach(program: Program, x: Floats) -> float:
    """By how much `x` breaks a bound or a row of the program, relative to the row's size."""
    lower, upper, row_lower, row_upper = program.shut()
    matrix = csr_array(
        (program.value, program.index, program.start), shape=(program.row_count, len(x))
    )
    activity, size = matrix @ x, np.maximum(1.0, abs(matrix) @ np.abs(x))
    rows = np.maximum(row_lower - activity, activity - row_upper) / size
    return float(max((lower - x).max(), (x - upper).max(), rows.max()))


def carried(source: Program, x: Floats, target: Program) -> Floats:
    """The same plan in the order of another program of the same park at the same time."""
    found = np.zeros(target.column_count)
    slots = np.concatenate([source.layout.closed(), source.layout.open()])
    places = np.concatenate([target.layout.closed(), target.layout.open()])
    blocks = zip(
        (*source.blocks.values(), source.node_block),
        (*target.blocks.values(), target.node_block),
        strict=True,
    )
    for ours, theirs in blocks:
        for mine, yours in zip(ours.columns, theirs.columns, strict=True):
            if mine.columns.shape[1] == 1:
                found[yours.columns] = x[mine.columns]
            else:
                found[yours.columns[:, places]] = x[mine.columns[:, slots]]
    return found


def plan_of(program: Program, solution: Solution) -> Plan:
    """The plan of a solution, made now."""
    return Plan.read(program, solution, 0)
