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

from tests.formulation.random_parks import ZONE, program_for
from zeropark.assets import kinds
from zeropark.assets.kind import Horizon, Kind
from zeropark.formulation.program import Inputs
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
        matrix: dict[str, list[Floats]] = {"=": [], "<": []}
        bounds: dict[str, list[float]] = {"=": [], "<": []}
        for terms, sense, bound in self.rows:
            line = np.zeros(len(names))
            for name, coefficient in terms.items():
                line[at[name]] += coefficient
            sign = -1.0 if sense == ">" else 1.0
            matrix["=" if sense == "=" else "<"].append(line * sign)
            bounds["=" if sense == "=" else "<"].append(bound * sign)
        found = linprog(
            [self.cost[name] for name in names],
            matrix["<"] or None,
            bounds["<"] or None,
            matrix["="] or None,
            bounds["="] or None,
            [self.most[name] for name in names],
        )
        assert found.status == 0, found.message
        return float(found.fun)


def _asset(kind: str, **fields: object) -> Kind:
    return kinds()[kind].model_validate({"name": f"a-{kind}", **fields})


# -- demand by the calendar -----------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(seed=seeds, minutes=st.sampled_from([5, 15, 30, 60]))
def test_demand_is_reckoned_by_the_clock_and_the_month(seed: int, minutes: int) -> None:
    random = np.random.default_rng(seed)
    # Local midnight of 1 May is 16:00 UTC; steps of 5 min begin within a demand interval.
    before = {5: 40, 15: 60, 30: 90, 60: 240}[minutes]
    start = np.datetime64("2026-04-30T16:00:00") - np.timedelta64(before, "m")
    grid = TimeGrid.regular(start, 16, minutes, ZONE)
    hours, count = minutes / 60, 16
    demand = np.round(random.uniform(0, 3, count), 3)
    price = np.round(random.uniform(50, 800, count), 1)
    cap, share = round(float(random.uniform(1, 3)), 3), round(float(random.uniform(0.1, 0.9)), 3)
    months = {"odd": "april", "even": "may"}  # April 2026 is the 675th since 1970
    inside = {
        "april": [t for t in range(count) if t * minutes < before],
        "may": [t for t in range(count) if t * minutes >= before],
    }
    peak = {month: round(float(random.uniform(0, 1)), 3) for month in inside}
    due = {month: round(float(random.uniform(0, 2000)), 1) for month in inside}
    left = {month: len(steps) * hours * random.uniform(1, 3) for month, steps in inside.items()}
    drawn = round(float(random.uniform(0, 0.2)), 3) if minutes == 5 else 0.0

    tie = _asset("grid_tie", node="bus", import_max=cap, tariff="simple")
    mill = _asset("curtailable_load", node="bus", profile={"constant": 1.0}, share=share,
                  price_curtailed=500.0, response=1.0)  # fmt: skip
    readings = {"drawn": drawn, "interval": 0.25}
    for parity, month in months.items():
        readings |= {
            f"peak_{parity}": peak[month],
            f"demand_price_{parity}": due[month],
            f"left_{parity}": left[month],
        }
    own = tie.situation(readings, Horizon(grid, 0.0))
    ones, zeros = np.ones((1, count)), np.zeros((1, count))
    tariff = {"price_import": price[None, :], "price_export": zeros, "available": ones}
    program = program_for([tie, mill], grid.hours)
    program.update(
        {
            "grid_tie": Inputs({**tariff, **own.signals}, own.figures),
            "curtailable_load": Inputs(
                {"demand": demand[None, :], "curtailable": share * demand[None, :]}
            ),
        }
    )

    sheet = Sheet()
    for month, steps in inside.items():
        seen = min(1.0, len(steps) * hours / left[month])
        sheet.column(f"peak {month}", peak[month], np.inf, due[month] * seen)
    for t in range(count):
        sheet.column(f"buy {t}", 0.0, cap * hours, float(price[t]))
        sheet.column(f"curtail {t}", 0.0, share * demand[t] * hours, 500.0)
        sheet.column(f"lose {t}", 0.0, demand[t] * hours, 20_000.0)
        served = {f"buy {t}": 1.0, f"curtail {t}": 1.0, f"lose {t}": 1.0}
        sheet.row(served, "=", demand[t] * hours)
    for month, steps in inside.items():
        intervals: dict[int, list[int]] = {}
        for t in steps:
            # Minutes from local midnight, in which the quarter-hours are counted.
            intervals.setdefault((t * minutes - before) // max(15, minutes), []).append(t)
        for number, (_, members) in enumerate(sorted(intervals.items())):
            first = month == "april" and number == 0
            if len(members) * minutes < 15 and not first:
                continue  # the last interval goes on beyond the horizon
            length = max(0.25, hours)
            already = drawn if first else 0.0
            means = {f"buy {t}": 1.0 / length for t in members}
            sheet.row({**means, f"peak {month}": -1.0}, "<", -already / length)
    assert Solver(program).solve().objective == pytest.approx(sheet.least(), rel=1e-6, abs=1e-6)


# -- waiting work ---------------------------------------------------------------------------------

COUNT, STEP = 8, 0.5


def _curves(random: np.random.Generator, members: int, size: float) -> tuple[Floats, Floats]:
    """Curves a plan can always keep: what must be done has come two steps before."""
    earliest = np.cumsum(random.uniform(0, size, (members, COUNT)), axis=1)
    earliest = np.asarray(np.round(earliest, 6), dtype=np.float64)
    return np.hstack([np.zeros((members, 2)), earliest[:, :-2]]), earliest


@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_jobs_in_a_hall_are_planned_as_a_second_sheet_plans_them(seed: int) -> None:
    random = np.random.default_rng(seed)
    price = np.round(random.uniform(50, 800, COUNT), 1)
    classes = [
        {"name": "pause", "mean": 0.0, "parallel": 1e3, "run_time": 1.0, "slack": 9.0,
         "preemptible": True},
        {"name": "whole", "mean": 0.0, "parallel": 1e3, "run_time": 1.5, "slack": 9.0,
         "estimate": 1.0},
    ]  # fmt: skip
    runs = [1, 3]  # slots a start keeps its cores: 1.5 h are three half-hours
    hall = _asset("data_hall", node="bus", compute="it", p_nom=2.0, p_idle=0.2, cores=180e3)
    jobs = _asset("job_pool", node="it", cores=180e3, classes=classes)
    tie = _asset("grid_tie", node="bus", import_max=50.0, tariff="simple")
    program = program_for([tie, hall, jobs], np.full(COUNT, STEP))
    pieces = sum(c.name.startswith("piece_") for c in program.blocks["data_hall"].columns)
    latest, earliest = _curves(random, 2, 3.0)
    length = np.array([1.0, round(float(random.uniform(0.5, 2)), 3)])
    running = np.round(random.uniform(0, 5, (2, COUNT)), 3)
    end_value = np.round(random.uniform(0, 6, 2), 3)
    slopes = np.sort(np.round(random.uniform(1.0, 1.6, pieces), 4))
    free = np.round(random.uniform(0, 2.0, COUNT), 3)
    per_heat = np.round(random.uniform(0.1, 0.4, COUNT), 4)
    standing = np.round(random.uniform(0.1, 0.5, COUNT), 4)
    width = round(1.8 / pieces, 6)

    def each(values: Floats | float) -> Floats:
        return np.broadcast_to(np.asarray(values, dtype=float), (1, COUNT))

    ones = np.ones((2, COUNT))
    program.update(
        {
            "grid_tie": Inputs({"price_import": each(price), **_no_demand()}, _no_peaks()),
            "data_hall": Inputs(
                {"standing": each(standing), "per_heat": each(per_heat), "free": each(free)}
                | {f"slope_{k}": each(slopes[k]) for k in range(pieces)}
                | {f"width_{k}": each(width) for k in range(pieces)}
            ),
            "job_pool": Inputs(
                {
                    "start_limit": ones * 1e3, "run_limit": ones * 90.0, "running": running,
                    "latest": latest, "earliest": earliest, "length": ones * length[:, None],
                    "late_price": ones * 0.0, "end_value": ones * end_value[:, None],
                },
                {name: np.full(2, 0.0) for name in ("begun", "fluid", "owed", "owed_price")}
                | {"work_per_start": np.ones(2)},
            ),
        }
    )  # fmt: skip

    sheet = Sheet()
    for t in range(COUNT):
        sheet.column(f"buy {t}", 0.0, np.inf, float(price[t]))
        sheet.column(f"compressor {t}", 0.0, 2.0 * STEP)
        for k in range(pieces):
            sheet.column(f"it {k} {t}", 0.0, width * STEP)
        work = {}
        for j in range(2):
            sheet.column(f"begun {j} {t}", latest[j, t], earliest[j, t])
            sheet.column(f"run {j} {t}", 0.0, 90.0, -float(end_value[j]))
            grown = {f"begun {j} {t}": 1.0} | ({f"begun {j} {t - 1}": -1.0} if t else {})
            sheet.row(grown, ">", 0.0)
            # What was begun less than the run time ago runs.
            now = {f"run {j} {t}": 1.0, f"begun {j} {t}": -length[j]}
            if t >= runs[j]:
                now[f"begun {j} {t - runs[j]}"] = length[j]
            sheet.row(now, "=", float(running[j, t]))
            work[f"run {j} {t}"] = 1.0
        it = {f"it {k} {t}": 1.0 for k in range(pieces)}
        # 1.8 MW carry 180 kcores: a kcore takes 10 kW.
        sheet.row(it | dict.fromkeys(work, -0.01), "=", 0.0)
        heat = dict.fromkeys(it, -1.0) | {f"compressor {t}": 1.0}
        sheet.row(heat, ">", (0.2 - float(free[t])) * STEP)
        power = {f"it {k} {t}": -float(slopes[k]) for k in range(pieces)}
        power |= {f"compressor {t}": -float(per_heat[t]), f"buy {t}": 1.0}
        sheet.row(power, "=", float(standing[t]) * STEP)
    solution = Solver(program).solve()
    assert not solution.elastic
    assert solution.objective == pytest.approx(sheet.least(), rel=1e-6, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_cars_are_planned_as_a_second_sheet_plans_them(seed: int) -> None:
    random = np.random.default_rng(seed)
    price = np.round(random.uniform(50, 800, COUNT), 1)
    latest, earliest = _curves(random, 1, 0.4)
    limit = 0.6
    end_value, risk = (
        round(float(random.uniform(0, 400)), 1),
        round(float(random.uniform(0, 0.05)), 4),
    )
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
                    "efficiency": one * 0.9, "end_value": one * end_value, "risk": one * risk,
                },
                {name: np.zeros(1) for name in ("settled", "owed", "owed_price", "lost")},
            ),
        }
    )  # fmt: skip

    sheet = Sheet()
    for t in range(COUNT):
        sheet.column(f"charge {t}", 0.0, limit, float(price[t]) / 0.9 - end_value)
        sheet.column(f"done {t}", latest[0, t], earliest[0, t], -risk * 3_000.0)
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
