"""A second formulation, written row by row, for what PyPSA cannot say.

Demand by the calendar, job classes, data halls and charging hubs: random numbers, two ways to state
the same park, one optimum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

from tests.formulation.random_parks import ZONE, program_for
from zeropark.assets import kinds
from zeropark.assets.kind import Horizon, Kind
from zeropark.formulation.program import Inputs, Program
from zeropark.formulation.solver import Solver
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)


@dataclass
class Sheet:
    """A linear program as one writes it by hand: named columns, rows as sums of them."""

    cost: dict[str, float] = field(default_factory=dict)
    most: dict[str, tuple[float, float]] = field(default_factory=dict)
    rows: list[tuple[dict[str, float], str, float]] = field(default_factory=list)

    def column(self, name: str, low: float, high: float, cost: float = 0.0) -> str:
        self.cost[name], self.most[name] = cost, (low, high)
        return name

    def row(self, terms: Mapping[str, float], sense: str, bound: float) -> None:
        self.rows.append((dict(terms), sense, bound))

    def least(self) -> float:
        names = list(self.cost)
        at = {name: i for i, name in enumerate(names)}
        bounds: dict[str, list[float]] = {"=": [], "<": []}
        entries: dict[str, list[tuple[float, int, int]]] = {"=": [], "<": []}
        for terms, sense, bound in self.rows:
            kind, sign = ("=" if sense == "=" else "<"), (-1.0 if sense == ">" else 1.0)
            line = len(bounds[kind])
            entries[kind] += [(sign * value, line, at[name]) for name, value in terms.items()]
            bounds[kind].append(bound * sign)
        found = linprog(
            [self.cost[name] for name in names],
            _matrix(entries["<"], len(bounds["<"]), len(names)),
            bounds["<"] or None,
            _matrix(entries["="], len(bounds["="]), len(names)),
            bounds["="] or None,
            [self.most[name] for name in names],
        )
        assert found.status == 0, found.message
        return float(found.fun)


def _matrix(entries: list[tuple[float, int, int]], rows: int, columns: int) -> csr_array | None:
    if not rows:
        return None
    values, lines, places = zip(*entries, strict=True)
    return csr_array((values, (lines, places)), shape=(rows, columns))


def _asset(kind: str, **fields: object) -> Kind:
    return kinds()[kind].model_validate({"name": f"a-{kind}", **fields})


# -- demand by the calendar -----------------------------------------------------------------------


@dataclass
class Night:
    """Sixteen steps around the local midnight of 1 May, with two months' demand in them."""

    minutes: int
    demand: Floats
    price: Floats
    cap: float
    share: float
    peak: dict[str, float]
    due: dict[str, float]
    left: dict[str, float]
    drawn: float

    @classmethod
    def of(cls, seed: int, minutes: int) -> Night:
        random = np.random.default_rng(seed)

        def drawn(low: float, high: float) -> float:
            return round(float(random.uniform(low, high)), 3)

        night = cls(
            minutes=minutes,
            demand=np.round(random.uniform(0, 3, 16), 3),
            price=np.round(random.uniform(50, 800, 16), 1),
            cap=drawn(1, 3),
            share=drawn(0.1, 0.9),
            peak={month: drawn(0, 1) for month in ("april", "may")},
            due={month: drawn(0, 2000) for month in ("april", "may")},
            left={},
            drawn=drawn(0, 0.2) if minutes == 5 else 0.0,
        )
        for month, steps in night.inside().items():
            night.left[month] = len(steps) * night.hours * drawn(1, 3)
        return night

    @property
    def hours(self) -> float:
        return self.minutes / 60

    @property
    def before(self) -> int:
        """Minutes of April; steps of 5 min begin within a demand interval."""
        return {5: 40, 15: 60, 30: 90, 60: 240}[self.minutes]

    def inside(self) -> dict[str, range]:
        first_of_may = -(-self.before // self.minutes)
        return {"april": range(first_of_may), "may": range(first_of_may, 16)}

    def intervals(self, month: str) -> list[list[int]]:
        """The month's demand intervals, each as its steps, counted from local midnight."""
        found: dict[int, list[int]] = {}
        for t in self.inside()[month]:
            number = (t * self.minutes - self.before) // max(15, self.minutes)
            found.setdefault(number, []).append(t)
        return [found[number] for number in sorted(found)]


def _night_in_blocks(night: Night) -> Program:
    # Local midnight of 1 May is 16:00 UTC.
    start = np.datetime64("2026-04-30T16:00:00") - np.timedelta64(night.before, "m")
    grid = TimeGrid.regular(start, 16, night.minutes, ZONE)
    tie = _asset("grid_tie", node="bus", import_max=night.cap, tariff="simple")
    mill = _asset("curtailable_load", node="bus", profile={"constant": 1.0}, share=night.share,
                  price_curtailed=500.0, response=1.0)  # fmt: skip
    readings = {"drawn": night.drawn, "interval": 0.25}
    # April 2026 is the 675th month since 1970.
    for parity, month in {"odd": "april", "even": "may"}.items():
        readings |= {
            f"peak_{parity}": night.peak[month],
            f"demand_price_{parity}": night.due[month],
            f"left_{parity}": night.left[month],
        }
    own = tie.situation(readings, Horizon(grid, 0.0))
    ones, zeros = np.ones((1, 16)), np.zeros((1, 16))
    tariff = {"price_import": night.price[None, :], "price_export": zeros, "available": ones}
    demand = night.demand[None, :]
    program = program_for([tie, mill], grid.hours)
    program.update(
        {
            "grid_tie": Inputs({**tariff, **own.signals}, own.figures),
            "curtailable_load": Inputs({"demand": demand, "curtailable": night.share * demand}),
        }
    )
    return program


def _night_on_a_sheet(night: Night) -> Sheet:
    sheet, hours = Sheet(), night.hours
    for month, steps in night.inside().items():
        seen = min(1.0, len(steps) * hours / night.left[month])
        sheet.column(f"peak {month}", night.peak[month], np.inf, night.due[month] * seen)
    for t, demand in enumerate(night.demand.tolist()):
        sheet.column(f"buy {t}", 0.0, night.cap * hours, float(night.price[t]))
        sheet.column(f"curtail {t}", 0.0, night.share * demand * hours, 500.0)
        sheet.column(f"lose {t}", 0.0, demand * hours, 20_000.0)
        served = {f"buy {t}": 1.0, f"curtail {t}": 1.0, f"lose {t}": 1.0}
        sheet.row(served, "=", demand * hours)
    for month in night.inside():
        for number, members in enumerate(night.intervals(month)):
            first = month == "april" and number == 0
            if len(members) * night.minutes < 15 and not first:
                continue  # the last interval goes on beyond the horizon
            length = max(0.25, hours)
            already = night.drawn if first else 0.0
            means = {f"buy {t}": 1.0 / length for t in members}
            sheet.row({**means, f"peak {month}": -1.0}, "<", -already / length)
    return sheet


@settings(max_examples=60, deadline=None)
@given(seed=seeds, minutes=st.sampled_from([5, 15, 30, 60]))
def test_demand_is_reckoned_by_the_clock_and_the_month(seed: int, minutes: int) -> None:
    night = Night.of(seed, minutes)
    least = _night_on_a_sheet(night).least()
    found = Solver(_night_in_blocks(night)).solve().objective
    assert found == pytest.approx(least, rel=1e-6, abs=1e-6)


# -- waiting work ---------------------------------------------------------------------------------

COUNT, STEP = 8, 0.5


def curves(random: np.random.Generator, members: int, size: float) -> tuple[Floats, Floats]:
    """Curves a plan can always keep: what must be done has come two steps before."""
    earliest = np.cumsum(random.uniform(0, size, (members, COUNT)), axis=1)
    earliest = np.asarray(np.round(earliest, 6), dtype=np.float64)
    return np.hstack([np.zeros((members, 2)), earliest[:, :-2]]), earliest


CLASSES = [
    {"name": "pause", "mean": 0.0, "parallel": 1e3, "run_time": 1.0, "slack": 9.0,
     "preemptible": True},
    {"name": "whole", "mean": 0.0, "parallel": 1e3, "run_time": 1.5, "slack": 9.0,
     "estimate": 1.0},
]  # fmt: skip
RUNS = [1, 3]  # slots a start keeps its cores: 1.5 h are three half-hours


@dataclass
class Shift:
    """Eight half-hours of two job classes in one hall, of `pieces` fan segments."""

    program: Program
    pieces: int
    price: Floats
    latest: Floats
    earliest: Floats
    length: Floats
    running: Floats
    end_value: Floats
    slopes: Floats
    free: Floats
    per_heat: Floats
    standing: Floats

    @classmethod
    def of(cls, seed: int) -> Shift:
        random = np.random.default_rng(seed)
        hall = _asset("data_hall", node="bus", compute="it", p_nom=2.0, p_idle=0.2, cores=180e3)
        jobs = _asset("job_pool", node="it", cores=180e3, classes=CLASSES)
        tie = _asset("grid_tie", node="bus", import_max=50.0, tariff="simple")
        program = program_for([tie, hall, jobs], np.full(COUNT, STEP))
        pieces = sum(c.name.startswith("piece_") for c in program.blocks["data_hall"].columns)
        latest, earliest = curves(random, 2, 3.0)
        return cls(
            program=program,
            pieces=pieces,
            price=np.round(random.uniform(50, 800, COUNT), 1),
            latest=latest,
            earliest=earliest,
            length=np.array([1.0, round(float(random.uniform(0.5, 2)), 3)]),
            running=np.round(random.uniform(0, 5, (2, COUNT)), 3),
            end_value=np.round(random.uniform(0, 6, 2), 3),
            slopes=np.sort(np.round(random.uniform(1.0, 1.6, pieces), 4)),
            free=np.round(random.uniform(0, 2.0, COUNT), 3),
            per_heat=np.round(random.uniform(0.1, 0.4, COUNT), 4),
            standing=np.round(random.uniform(0.1, 0.5, COUNT), 4),
        )

    @property
    def width(self) -> float:
        return round(1.8 / self.pieces, 6)


def _fill_blocks(shift: Shift) -> None:
    def each(values: Floats | float) -> Floats:
        return np.broadcast_to(np.asarray(values, dtype=float), (1, COUNT))

    ones, pieces = np.ones((2, COUNT)), range(shift.pieces)
    shift.program.update(
        {
            "grid_tie": Inputs({"price_import": each(shift.price), **_no_demand()}, _no_peaks()),
            "data_hall": Inputs(
                {"standing": each(shift.standing), "per_heat": each(shift.per_heat),
                 "free": each(shift.free)}
                | {f"slope_{k}": each(shift.slopes[k]) for k in pieces}
                | {f"width_{k}": each(shift.width) for k in pieces}
            ),
            "job_pool": Inputs(
                {
                    "start_limit": ones * 1e3, "run_limit": ones * 90.0, "running": shift.running,
                    "latest": shift.latest, "earliest": shift.earliest,
                    "length": ones * shift.length[:, None], "late_price": ones * 0.0,
                    "end_value": ones * shift.end_value[:, None],
                },
                {name: np.full(2, 0.0) for name in ("settled", "fluid", "owed", "owed_price")}
                | {"work_per_start": np.ones(2)},
            ),
        }
    )  # fmt: skip


def _write_jobs(sheet: Sheet, shift: Shift, t: int) -> list[str]:
    """Write the step's starts and return the columns of its running work."""
    for j, runs in enumerate(RUNS):
        sheet.column(f"begun {j} {t}", shift.latest[j, t], shift.earliest[j, t])
        sheet.column(f"run {j} {t}", 0.0, 90.0, -float(shift.end_value[j]))
        grown = {f"begun {j} {t}": 1.0} | ({f"begun {j} {t - 1}": -1.0} if t else {})
        sheet.row(grown, ">", 0.0)
        # What was begun less than the run time ago runs.
        now = {f"run {j} {t}": 1.0, f"begun {j} {t}": -shift.length[j]}
        if t >= runs:
            now[f"begun {j} {t - runs}"] = shift.length[j]
        sheet.row(now, "=", float(shift.running[j, t]))
    return [f"run {j} {t}" for j in range(len(RUNS))]


def _write_hall(sheet: Sheet, shift: Shift, t: int, work: list[str]) -> None:
    sheet.column(f"buy {t}", 0.0, np.inf, float(shift.price[t]))
    sheet.column(f"compressor {t}", 0.0, 2.0 * STEP)
    it = [sheet.column(f"it {k} {t}", 0.0, shift.width * STEP) for k in range(shift.pieces)]
    # 1.8 MW carry 180 kcores: a kcore takes 10 kW.
    sheet.row(dict.fromkeys(it, 1.0) | dict.fromkeys(work, -0.01), "=", 0.0)
    heat = dict.fromkeys(it, -1.0) | {f"compressor {t}": 1.0}
    sheet.row(heat, ">", (0.2 - float(shift.free[t])) * STEP)
    power = {name: -float(shift.slopes[k]) for k, name in enumerate(it)}
    power |= {f"compressor {t}": -float(shift.per_heat[t]), f"buy {t}": 1.0}
    sheet.row(power, "=", float(shift.standing[t]) * STEP)


@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_jobs_in_a_hall_are_planned_as_a_second_sheet_plans_them(seed: int) -> None:
    shift, sheet = Shift.of(seed), Sheet()
    _fill_blocks(shift)
    for t in range(COUNT):
        _write_hall(sheet, shift, t, _write_jobs(sheet, shift, t))
    solution = Solver(shift.program).solve()
    assert not solution.elastic
    # What runs for sure is settled whatever the plan; its worth at the end is no part of its cost.
    given = float(shift.end_value @ shift.running.sum(axis=1))
    assert solution.objective - given == pytest.approx(sheet.least(), rel=1e-6, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_cars_are_planned_as_a_second_sheet_plans_them(seed: int) -> None:
    random = np.random.default_rng(seed)
    price = np.round(random.uniform(50, 800, COUNT), 1)
    latest, earliest = curves(random, 1, 0.4)
    limit = 0.6
    end_value = round(float(random.uniform(0, 400)), 1)
    hub = _asset(
        "ev_hub", node="bus", p_nom=1.2, connectors=[{"name": "dc", "count": 9, "p_nom": 0.1}]
    )
    tie = _asset("grid_tie", node="bus", import_max=50.0, tariff="simple")
    program = program_for([tie, hub], np.full(COUNT, STEP))
    one = np.ones((1, COUNT))
    program.update(
        {
            "grid_tie": Inputs({"price_import": price[None, :], **_no_demand()}, _no_peaks()),
            "ev_hub": Inputs(
                {
                    "latest": latest, "earliest": earliest, "limit": one * limit,
                    "efficiency": one * 0.9, "end_value": one * end_value, "sure_stay": one,
                },
                {name: np.zeros(1) for name in ("settled", "owed", "owed_price", "lost")},
            ),
        }
    )  # fmt: skip

    sheet = Sheet()
    for t in range(COUNT):
        sheet.column(f"charge {t}", 0.0, limit, float(price[t]) / 0.9 - end_value)
        sheet.column(f"done {t}", latest[0, t], earliest[0, t])
        grown = {f"done {t}": 1.0, f"charge {t}": -1.0}
        sheet.row(grown | ({f"done {t - 1}": -1.0} if t else {}), "=", 0.0)
    solution = Solver(program).solve()
    assert not solution.elastic
    assert solution.objective == pytest.approx(sheet.least(), rel=1e-6, abs=1e-6)


def _no_demand() -> dict[str, Floats]:
    zeros, ones = np.zeros((1, COUNT)), np.ones((1, COUNT))
    free = {"demand_free": np.full((1, COUNT), np.inf), "demand_drawn": zeros, "demand_0": zeros}
    return {"price_export": zeros, "available": ones, "in_even": zeros, "in_odd": ones, **free}


def _no_peaks() -> dict[str, Floats]:
    names = ("peak_even", "peak_odd", "demand_price_even", "demand_price_odd")
    return {name: np.zeros(1) for name in names}
