"""What a coarse year tells plans of days: worth of stocks, the months' peaks, the year's supply.

A window of two days sees none of them. The year is planned once in long steps, as a linear program
with all of it known; its prices and sums stand for the time behind a window. It is planned anew as
the year goes, from what has truly become of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from zeropark.assets.direct_supply import supply_of
from zeropark.assets.kind import Readings
from zeropark.assets.told import by_kind, signals_of
from zeropark.formulation.carried import Carried, Supply
from zeropark.formulation.linear import Linear
from zeropark.formulation.program import Program
from zeropark.formulation.solver import Option, Solver
from zeropark.formulation.value import Value
from zeropark.plan.year import Year
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
# What is in store by the name of its state, and the rule that balances it.
_BALANCES = {"energy": "balance", "stock": "stock"}
# Without crossover: a price in the middle of all that are right, not one at their edge.
_SETTINGS: dict[str, Option] = {"solver": "ipx", "presolve": "choose", "run_crossover": "off"}


@dataclass(frozen=True)
class Learned:
    """A planned year.

    grid: its steps. worth: price of a unit more in store at each step's end, by asset, (N,)
    [CNY/MWh, CNY/t]. peaks: highest import by month [MW], months since 1970. supply: own, bought,
    sent, available of each step [MWh], (4, N).
    """

    grid: TimeGrid
    worth: Mapping[str, Floats]
    peaks: Mapping[int, float]
    supply: Floats

    def carried(self, until: np.datetime64, known: Carried) -> Carried:
        """Return what a window that ends at `until` is told; known: what was lived before it.

        Where the year ends with it, stocks are worth what they usually are.
        """
        after = (until - self.grid.start) / np.timedelta64(1, "s") / 3600.0
        ends = np.cumsum(self.grid.hours)
        left = np.clip((ends - after) / self.grid.hours, 0.0, 1.0)
        rest = Supply(*(self.supply @ left).tolist())
        if after >= ends[-1]:
            return replace(known, rest=known.lived + rest, peaks=self.peaks)
        step = int(np.searchsorted(ends, after - 1e-9))
        worth = {name: float(prices[step]) for name, prices in self.worth.items()}
        return replace(known, rest=known.lived + rest, worth=worth, peaks=self.peaks)


class YearPlan:
    """Tells windows of a run what a coarse year says, and plans it anew when a month begins.

    year: of long steps, from the run's first to its last, with a weather that is not the run's.
    """

    def __init__(self, year: Year) -> None:
        self._year = year
        self._month = -1
        self.learned: list[Learned] = []

    def carried(self, steps: TimeGrid, known: Carried, readings: Mapping[str, Readings]) -> Carried:
        """Return what the window `steps` is told; known: what was lived since the run began."""
        month = int(steps.local_month[0])
        grid = self._year.truth.grid
        first = int(np.searchsorted(grid.starts, steps.start))
        if month != self._month and first < len(grid):
            self._month = month
            left = replace(
                self._year,
                truth=self._year.truth.window(first, len(grid)),
                readings=readings,
                carried=replace(known, rest=known.lived),
            )
            self.learned.append(learn(left))
        return self.learned[-1].carried(steps.end, known)


def learn(year: Year) -> Learned:
    """Return what the least cost of a year comes to, whole numbers broken, and its prices.

    Raises `NoPlanError` where the solver finds none.
    """
    program = year.program(year.lag)
    solver = Solver(program, _SETTINGS)
    solver.one_way = False
    solution = solver.solve()
    grid, ahead = year.truth.grid, program.layout.open()
    parts = supply_of(program.blocks)
    supply = [
        _by_step(parts[name], program, solution.columns) for name in ("own", "bought", "sent")
    ]
    bought = supply[1] / grid.hours
    months = grid.local_month
    return Learned(
        grid,
        _worth(program, solution.duals, ahead),
        {int(month): float(bought[months == month].max()) for month in dict.fromkeys(months)},
        np.array([*supply, _available(year)]),
    )


def _worth(program: Program, duals: Floats, ahead: npt.NDArray[np.intp]) -> dict[str, Floats]:
    """Return the price of a unit more in store at each step's end, by asset.

    It is that of a unit which the next step finds: one that this step is given saves filling too.
    """
    found: dict[str, Floats] = {}
    rows = {each.name: each for each in program.rows}
    for kind, block in program.blocks.items():
        states = {column.name for column in block.columns if column.state}
        for state, rule in _BALANCES.items():
            balance = rows.get(f"{kind}-{rule}")
            if state in states and balance is not None:
                prices = -duals[balance.numbers[:, ahead]]
                prices = np.hstack([prices[:, 1:], prices[:, -1:]])
                found |= dict(zip(block.names, prices, strict=True))
    return found


def _by_step(parts: Sequence[Linear], program: Program, columns: Floats) -> Floats:
    """Return what sums over assets and slots come to in each open step [MWh], shape (N,)."""
    layout = program.layout
    total = np.zeros(layout.slots)
    fixed = 0.0
    for part in parts:
        for term in part.terms:
            factor = term.coefficient
            weights = factor.array if isinstance(factor, Value) else factor
            total += (columns[term.columns] * weights).reshape(-1, layout.slots).sum(axis=0)
        if isinstance(part.constant, Value):
            fixed += float(part.constant.array[0, 0])
    found: Floats = total[layout.open()] + fixed * layout.hours / layout.hours.sum()
    return found


def _available(year: Year) -> Floats:
    """Return what clean sources can give in each step [MWh], shape (N,)."""
    kinds = by_kind(year.assets)
    signals = signals_of(kinds, year.truth)
    hours = year.truth.grid.hours
    total = np.zeros(len(hours))
    for kind, assets in kinds.items():
        if assets[0].role == "source" and assets[0].clean and "available" in signals[kind]:
            total += signals[kind]["available"].sum(axis=0) * hours
    return total
