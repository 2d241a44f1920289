"""What a coarse year tells plans of days: worth of stocks, the months' peaks, the year's supply.

A window of two days sees none of them. The year is planned once in long steps, as a linear program
with all of it known; its prices and sums stand for the time behind a window. It is planned anew as
the year goes, from what has truly become of it. A year too large to be planned at once is planned
in stretches of months, `plan.stretches`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from zeropark.assets.direct_supply import supply_of
from zeropark.assets.kind import Kind, Readings
from zeropark.assets.told import by_kind, signals_of
from zeropark.formulation.carried import Carried, Supply
from zeropark.formulation.linear import Linear
from zeropark.formulation.plan import Plan
from zeropark.formulation.program import Program
from zeropark.formulation.solver import Option, Solver
from zeropark.formulation.value import Value
from zeropark.plan.stretches import behind, stretch
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
        worth = self.worth_at(until)
        return replace(known, rest=known.lived + rest, worth=worth, peaks=self.peaks)

    def worth_at(self, moment: np.datetime64) -> dict[str, float]:
        """Return the price of a unit in store at a moment, by asset; nothing behind the year."""
        after = (moment - self.grid.start) / np.timedelta64(1, "s") / 3600.0
        ends = np.cumsum(self.grid.hours)
        if after >= ends[-1]:
            return {}
        step = int(np.searchsorted(ends, after - 1e-9))
        return {name: float(prices[step]) for name, prices in self.worth.items()}

    def first(self, steps: int) -> Learned:
        """Return what was learned of so many steps."""
        return self._window(0, steps)

    def last(self, steps: int) -> Learned:
        """Return what was learned of the last so many steps."""
        return self._window(len(self.grid) - steps, len(self.grid))

    def _window(self, begin: int, end: int) -> Learned:
        grid = self.grid.window(begin, end)
        months = set(grid.local_month.tolist())
        return Learned(
            grid,
            {name: prices[begin:end] for name, prices in self.worth.items()},
            {month: peak for month, peak in self.peaks.items() if month in months},
            self.supply[:, begin:end],
        )

    def then(self, other: Learned) -> Learned:
        """Return this and what was learned of the time behind it."""
        both = self.worth.keys() & other.worth.keys()
        months = [*self.peaks, *(month for month in other.peaks if month not in self.peaks)]
        return Learned(
            replace(self.grid, hours=np.concatenate([self.grid.hours, other.grid.hours])),
            {n: np.concatenate([p, other.worth[n]]) for n, p in self.worth.items() if n in both},
            {m: max(each.peaks.get(m, 0.0) for each in (self, other)) for m in months},
            np.hstack([self.supply, other.supply]),
        )

    def lived_until(self, moment: np.datetime64) -> Supply:
        """Return the supply of the steps that are over at `moment`, as the year has it."""
        after = (moment - self.grid.start) / np.timedelta64(1, "s") / 3600.0
        over = np.clip(1.0 + (after - np.cumsum(self.grid.hours)) / self.grid.hours, 0.0, 1.0)
        return Supply(*(self.supply @ over).tolist())


class YearPlan:
    """Tells windows of a run what a coarse year says, and plans it anew when a month begins.

    year: returns one of long steps with a weather that is not the run's, asked once it is to be
    planned; None for one that stays as it is known. known: what was learned of it before; with it
    the first month is not planned here.
    """

    def __init__(self, year: Callable[[], Year] | None, known: Learned | None = None) -> None:
        self._ask = year
        self._asked: Year | None = None
        self._month: int | None = None
        self._before = Supply()
        self.learned: list[Learned] = [] if known is None else [known]

    def carried(self, steps: TimeGrid, known: Carried, readings: Mapping[str, Readings]) -> Carried:
        """Return what the window `steps` is told; known: what was lived since the run began."""
        month = int(steps.local_month[0])
        if self._month is None and self.learned:
            # What was before the run nobody has metered: the year's plan stands for it.
            self._before = self.learned[0].lived_until(steps.start)
            self._month = month
        known = replace(known, lived=self._before + known.lived)
        if month != self._month and self._ask is not None:
            self._month = month
            self._learn(self._ask, steps, known, readings)
        return self.learned[-1].carried(steps.end, known)

    def _learn(
        self,
        ask: Callable[[], Year],
        steps: TimeGrid,
        known: Carried,
        readings: Mapping[str, Readings],
    ) -> None:
        year = self._asked = self._asked or ask()
        grid = year.truth.grid
        first = int(np.searchsorted(grid.starts, steps.start))
        if first == len(grid):
            return
        left = replace(
            year,
            truth=year.truth.window(first, len(grid)),
            readings=readings,
            carried=replace(known, rest=known.lived),
        )
        self.learned.append(learn(left, self.learned[-1] if self.learned else None))


def learn(year: Year, known: Learned | None = None) -> Learned:
    """Return what the least cost of a year comes to, whole numbers broken, and its prices.

    known: what was learned of it before; it stands for what is behind the first stretch of a year
    that is too large to be planned at once. Raises `NoPlanError` where the solver finds none.
    """
    found: Learned | None = None
    while True:
        kept, seen = stretch(year)
        part, plan = _learned(year.until(seen))
        part = part.first(kept)
        found = part if found is None else found.then(part)
        left = len(year.truth.grid) - kept
        if left == 0:
            return found
        if known is not None and len(known.grid) >= left:
            return found.then(known.last(left))
        year = behind(year, plan, kept, Supply(*part.supply.sum(axis=1).tolist()))


def _learned(year: Year) -> tuple[Learned, Plan]:
    """Return what the least cost of a time comes to, planned at once, and the plan."""
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
    worth = _worth(program, solution.duals, ahead)
    learned = Learned(
        grid,
        {name: _no_scarcity(year, name, prices) for name, prices in worth.items()},
        {int(month): float(bought[months == month].max()) for month in dict.fromkeys(months)},
        np.array([*supply, _available(year)]),
    )
    return learned, Plan.read(program, solution, 0)


def usual_worth(asset: Kind, readings: Readings, end_price: float) -> float:
    """Return what the end of a run pays for a unit more in store [CNY/MWh, CNY/t]."""
    state = "stock" if "stock" in readings else "energy"
    more = {**readings, state: float(readings[state]) + 1.0}
    return asset.end_cost(readings, end_price) - asset.end_cost(more, end_price)


def _no_scarcity(year: Year, name: str, prices: Floats) -> Floats:
    """Return prices of a unit in store within what its electricity costs at its dearest.

    A step in which a limit gives way has the price of that limit, which says what was given up and
    not what a unit saves: who is told of it would buy at any price.
    """
    dearest = _dearest(year)
    asset = next((each for each in year.assets if each.name == name), None)
    if asset is None or not np.isfinite(dearest):
        return prices
    most = usual_worth(asset, year.readings[name], 1.0) * dearest
    return np.clip(prices, -most, most)


def _dearest(year: Year) -> float:
    """Return the highest import price of the year [CNY/MWh]; infinite without a tie."""
    ties = [asset for asset in year.assets if asset.role == "grid"]
    prices = [float(tie.signals(year.truth)["price_import"].max()) for tie in ties]
    premiums = [float(getattr(tie, "clean_premium", 0.0)) for tie in ties]
    return max((p + c for p, c in zip(prices, premiums, strict=True)), default=np.inf)


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
