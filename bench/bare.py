"""The yardstick: the problem as arrays written by hand and given to HiGHS, nothing between.

`plan` hands a problem over cold. `Ring` keeps one solver warm while the window moves: a slot for
each step of one day more than the horizon, coefficients fixed; a slot that fell out is used again.
Flows are energy per slot [MWh].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt

from bench.planned import Planned
from bench.shapes import ELECTRICITY, HEAT, Classes, Floats, Ints, Park, Problem, Step, Stores

Index = npt.NDArray[np.int32]
SINGLE = ("import", "export", "pv", "wind", "heat_pump", "low_heat", "boiler")
COLD: dict[str, object] = {"presolve": "off"}
WARM: dict[str, object] = {"presolve": "off", "simplex_dual_edge_weight_strategy": 1}


@dataclass(frozen=True)
class Layout:
    """Where columns and rows lie. flex_row, flex_slot: row and slot of each flexible column."""

    slots: int
    stores: int
    flexible: int
    flex_row: Ints
    flex_slot: Ints

    def single(self, name: str) -> Ints:
        """Return the columns of one of `SINGLE`, one per slot."""
        return SINGLE.index(name) * self.slots + np.arange(self.slots)

    def store(self, part: int) -> Ints:
        """Return the columns of charge (0), discharge (1) or content (2), shape (stores, slots)."""
        size = self.stores * self.slots
        return (len(SINGLE) * self.slots + part * size + np.arange(size)).reshape(-1, self.slots)

    @property
    def flex(self) -> Ints:
        """The flexible columns."""
        return (
            len(SINGLE) * self.slots + 3 * self.stores * self.slots + np.arange(len(self.flex_row))
        )

    @property
    def peak(self) -> int:
        """The column of the highest import."""
        return self.columns - 1

    @property
    def columns(self) -> int:
        """Number of columns."""
        return (len(SINGLE) + 3 * self.stores) * self.slots + len(self.flex_row) + 1

    def rows(self, family: int) -> Ints:
        """Return the rows of electricity (0), heat (1), low heat (2) or peak (3), one per slot."""
        return family * self.slots + np.arange(self.slots)

    @property
    def store_rows(self) -> Ints:
        """Rows of the stores' contents, shape (stores, slots)."""
        size = self.stores * self.slots
        return (4 * self.slots + np.arange(size)).reshape(-1, self.slots)

    @property
    def flex_rows(self) -> Ints:
        """Rows of the flexible energies."""
        return (4 + self.stores) * self.slots + np.arange(self.flexible)

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return (4 + self.stores) * self.slots + self.flexible


@dataclass(frozen=True)
class Matrix:
    """Coefficients by row, and where the two that follow the heat pump's cop lie."""

    start: Index
    index: Index
    value: Floats
    heat_of_pump: Ints
    low_heat_of_pump: Ints


def matrix(at: Layout, stores: Stores, cop: Floats, hours: float, *, ring: bool) -> Matrix:
    """Return the coefficients; in a ring the content before the first slot is that of the last."""
    ones, power = np.ones(at.slots), stores.node == ELECTRICITY
    charge, dispatch, content = at.store(0), at.store(1), at.store(2)
    parts: list[tuple[Ints, Ints, Floats]] = [
        (at.rows(0), at.single("import"), ones),
        (at.rows(0), at.single("export"), -ones),
        (at.rows(0), at.single("pv"), ones),
        (at.rows(0), at.single("wind"), ones),
        (at.rows(0), at.single("heat_pump"), -ones),
        (at.flex_slot, at.flex, -np.ones(len(at.flex))),
        (at.rows(1), at.single("heat_pump"), cop),
        (at.rows(1), at.single("boiler"), ones),
        (at.rows(2), at.single("low_heat"), ones),
        (at.rows(2), at.single("heat_pump"), 1.0 - cop),
        (at.rows(3), at.single("import"), ones),
        (at.rows(3), np.full(at.slots, at.peak), -hours * ones),
    ]
    for family, these in ((0, power), (1, stores.node == HEAT)):
        rows = np.tile(at.rows(family), int(these.sum()))
        parts.append((rows, charge[these].ravel(), -np.ones(len(rows))))
        parts.append((rows, dispatch[these].ravel(), np.ones(len(rows))))
    keep = np.broadcast_to((1.0 - stores.standing_loss[:, None]) ** hours, content.shape)
    stored = np.broadcast_to(stores.efficiency_store[:, None], content.shape)
    drawn = np.broadcast_to(1.0 / stores.efficiency_dispatch[:, None], content.shape)
    first = 0 if ring else 1
    parts += [
        (at.store_rows.ravel(), content.ravel(), np.ones(content.size)),
        (at.store_rows.ravel(), charge.ravel(), -stored.ravel()),
        (at.store_rows.ravel(), dispatch.ravel(), drawn.ravel()),
        (
            at.store_rows[:, first:].ravel(),
            np.roll(content, 1, axis=1)[:, first:].ravel(),
            -keep[:, first:].ravel(),
        ),
        (at.flex_rows[at.flex_row], at.flex, np.ones(len(at.flex))),
    ]
    rows = np.concatenate([part[0] for part in parts])
    order = np.argsort(rows, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    begins = np.cumsum([0] + [len(part[0]) for part in parts])
    start = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=at.row_count))])
    return Matrix(
        start=start[:-1].astype(np.int32),
        index=np.concatenate([part[1] for part in parts])[order].astype(np.int32),
        value=np.concatenate([part[2] for part in parts])[order],
        heat_of_pump=place[begins[6] : begins[7]],
        low_heat_of_pump=place[begins[9] : begins[10]],
    )


@dataclass
class Numbers:
    """Costs and bounds of columns, bounds of rows."""

    cost: Floats
    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats


def numbers(at: Layout, p: Problem, slots: Ints) -> Numbers:
    """Return the numbers of problem `p`, whose steps lie in `slots`; other slots are shut.

    Flexible columns are left shut: their place depends on the layout.
    """
    n = Numbers(
        np.zeros(at.columns),
        np.zeros(at.columns),
        np.zeros(at.columns),
        np.zeros(at.row_count),
        np.zeros(at.row_count),
    )
    hours, ever = p.hours, np.ones(p.steps)
    for name, most, cost in (
        ("import", p.import_cap * ever, p.price_import),
        ("export", p.export_cap * ever, -p.price_export),
        ("pv", p.pv, None),
        ("wind", p.wind, None),
        ("heat_pump", p.heat_pump_nom * ever, None),
        ("low_heat", p.waste_heat, None),
        ("boiler", p.boiler_nom * ever, p.boiler_cost * ever),
    ):
        columns = at.single(name)[slots]
        n.upper[columns] = most * hours
        if cost is not None:
            n.cost[columns] = cost
    stores = p.stores
    for part in (0, 1):
        n.upper[at.store(part)[:, slots]] = (stores.p_nom * hours)[:, None]
    n.cost[at.store(1)[:, slots]] = stores.wear[:, None]
    n.upper[at.store(2)[:, slots]] = stores.e_nom[:, None]
    n.lower[at.store(2)[:, slots[-1]]] = stores.e_end
    n.lower[at.peak], n.upper[at.peak], n.cost[at.peak] = (
        p.peak_so_far,
        p.import_cap,
        p.demand_charge,
    )
    for bounds in (n.row_lower, n.row_upper):
        bounds[at.rows(0)[slots]] = p.load * hours
        bounds[at.rows(1)[slots]] = p.heat_load * hours
    n.row_lower[at.rows(3)] = -np.inf
    return n


def quiet(options: dict[str, object]) -> Any:
    """Return a silent HiGHS on one thread; untyped, as highspy's own types know only half of it."""
    highs: Any = highspy.Highs()
    for name, value in {"output_flag": False, "threads": 1, **options}.items():
        highs.setOptionValue(name, value)
    return highs


def hand_over(highs: Any, at: Layout, m: Matrix, n: Numbers) -> None:
    """Give the whole problem to HiGHS."""
    status = highs.passModel(
        at.columns,
        at.row_count,
        len(m.value),
        int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMinimize),
        0.0,
        n.cost,
        n.lower,
        n.upper,
        n.row_lower,
        n.row_upper,
        m.start,
        m.index,
        m.value,
        np.zeros(at.columns, dtype=np.int32),
    )
    assert status == highspy.HighsStatus.kOk, "hand-built arrays are consistent"


def optimum(highs: Any) -> tuple[float, Floats]:
    """Solve, and return the objective [CNY] and the columns."""
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal, "every shape can be met"
    columns = np.asarray(highs.getSolution().col_value)
    return float(highs.getInfo().objective_function_value), columns


class Cold:
    """A problem as arrays, with no column that can never be used."""

    def __init__(self, p: Problem) -> None:
        flex_row, flex_slot = np.nonzero(p.flexible.power > 0.0)
        self.hours = p.hours
        self.at = Layout(p.steps, len(p.stores), len(p.flexible), flex_row, flex_slot)
        self.matrix = matrix(self.at, p.stores, p.cop, p.hours, ring=False)
        self.numbers = self.numbers_of(p)

    def numbers_of(self, p: Problem) -> Numbers:
        """Return the numbers of another course of the same problem."""
        at = self.at
        n = numbers(at, p, np.arange(p.steps))
        n.upper[at.flex] = p.flexible.power[at.flex_row, at.flex_slot] * p.hours
        n.row_lower[at.flex_rows] = p.flexible.least
        n.row_upper[at.flex_rows] = p.flexible.most
        keep = (1.0 - p.stores.standing_loss) ** p.hours
        n.row_lower[at.store_rows[:, 0]] = n.row_upper[at.store_rows[:, 0]] = (
            keep * p.stores.e_start
        )
        return n

    def planned(self, objective: float, columns: Floats) -> Planned:
        """Return what a solve found."""
        return Planned(objective, columns[self.at.single("import")] / self.hours)

    def first_step(self, columns: Floats) -> Step:
        """Return what the first step of a solution does."""
        at = self.at
        taken = np.zeros(at.flexible)
        now = at.flex_slot == 0
        taken[at.flex_row[now]] = columns[at.flex[now]]
        return Step(float(columns[at.single("import")[0]]), columns[at.store(2)[:, 0]], taken)


def plan(p: Problem, options: dict[str, object] | None = None) -> Planned:
    """Plan cold: build, hand over, solve, read; HiGHS as it comes unless options say else."""
    cold = Cold(p)
    highs = quiet(options or {})
    hand_over(highs, cold.at, cold.matrix, cold.numbers)
    return cold.planned(*optimum(highs))


def plan_without_presolve(p: Problem) -> Planned:
    """Plan cold with presolve off, the best setting for a day."""
    return plan(p, COLD)


class Chain:
    """Courses of one plan solved one after the other, each from the last one's basis."""

    def __init__(self, p: Problem) -> None:
        self.cold = Cold(p)
        self.highs = quiet(COLD)
        hand_over(self.highs, self.cold.at, self.cold.matrix, self.cold.numbers)
        self.every_column = np.arange(self.cold.at.columns, dtype=np.int32)
        self.every_row = np.arange(self.cold.at.row_count, dtype=np.int32)

    def plan(self, p: Problem) -> Planned:
        """Plan another course of the same problem: sun, wind and loads differ."""
        n = self.cold.numbers_of(p)
        _change(self.highs, self.every_column, self.every_row, n)
        return self.cold.planned(*optimum(self.highs))


def _change(highs: Any, every_column: Index, every_row: Index, n: Numbers) -> None:
    highs.changeColsBounds(len(every_column), every_column, n.lower, n.upper)
    highs.changeColsCost(len(every_column), every_column, n.cost)
    highs.changeRowsBounds(len(every_row), every_row, n.row_lower, n.row_upper)


class Ring:
    """One warm solver for a window that moves step by step."""

    def __init__(self, park: Park) -> None:
        self.day = park.size.day_steps
        self.slots = park.size.steps + self.day
        self.turns = self.slots // self.day
        self.flex_row, self.flex_slot, self.columns_of = _ring_places(
            park.classes, self.day, self.turns
        )
        rows = self.turns * len(park.classes)
        self.at = Layout(self.slots, len(park.stores), rows, self.flex_row, self.flex_slot)
        self.cop = np.ones(self.slots)
        self.matrix = matrix(self.at, park.stores, self.cop, park.hours, ring=True)
        self.highs = quiet(WARM)
        self.every_column = np.arange(self.at.columns, dtype=np.int32)
        self.every_row = np.arange(self.at.row_count, dtype=np.int32)
        self.fresh = True

    def plan(self, p: Problem) -> Planned:
        """Plan from where the window now stands."""
        slots = (p.first + np.arange(p.steps)) % self.slots
        n = self._numbers(p, slots)
        if self.fresh:
            self.cop[slots] = p.cop
            self.matrix.value[self.matrix.heat_of_pump] = self.cop
            self.matrix.value[self.matrix.low_heat_of_pump] = 1.0 - self.cop
            hand_over(self.highs, self.at, self.matrix, n)
            self.fresh = False
        else:
            self._change_cop(p.cop, slots)
            _change(self.highs, self.every_column, self.every_row, n)
        objective, columns = optimum(self.highs)
        return Planned(objective, columns[self.at.single("import")[slots]] / p.hours)

    def _numbers(self, p: Problem, slots: Ints) -> Numbers:
        at = self.at
        n = numbers(at, p, slots)
        content, before = at.store(2), (p.first - 1) % self.slots
        shut = np.setdiff1d(np.arange(self.slots), slots)
        n.row_lower[at.store_rows[:, shut]], n.row_upper[at.store_rows[:, shut]] = -np.inf, np.inf
        n.lower[content[:, before]] = n.upper[content[:, before]] = p.stores.e_start
        rows, steps = np.nonzero(p.flexible.power > 0.0)
        place = (p.flexible.opened % self.turns, p.flexible.group)
        columns = at.flex[self.columns_of[place[0][rows], place[1][rows], slots[steps]]]
        n.upper[columns] = p.flexible.power[rows, steps] * p.hours
        taken = at.flex_rows[place[0] * (at.flexible // self.turns) + place[1]]
        n.row_lower[taken], n.row_upper[taken] = p.flexible.least, p.flexible.most
        return n

    def _change_cop(self, cop: Floats, slots: Ints) -> None:
        at = self.at
        for step in np.flatnonzero(self.cop[slots] != cop):
            slot, pump = int(slots[step]), int(at.single("heat_pump")[slots[step]])
            self.highs.changeCoeff(int(at.rows(1)[slot]), pump, float(cop[step]))
            self.highs.changeCoeff(int(at.rows(2)[slot]), pump, 1.0 - float(cop[step]))
        self.cop[slots] = cop


def _ring_places(classes: Classes, day: int, turns: int) -> tuple[Ints, Ints, Ints]:
    """Return row and slot of each flexible column, and the place of (turn, class, slot)."""
    rows, slots = [], []
    for turn in range(turns):
        for group in range(len(classes)):
            window = np.arange(turn * day + classes.begin[group], turn * day + classes.end[group])
            rows.append(np.full(len(window), turn * len(classes) + group))
            slots.append(window % (turns * day))
    flex_row, flex_slot = np.concatenate(rows), np.concatenate(slots)
    columns = np.full((turns * len(classes), turns * day), -1, dtype=np.int64)
    columns[flex_row, flex_slot] = np.arange(len(flex_row))
    return flex_row, flex_slot, columns.reshape(turns, len(classes), turns * day)
