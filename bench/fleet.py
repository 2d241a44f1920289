"""A day's plan with a fleet beside the park: thousands of single cars and batteries."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace

import numpy as np

from bench import bare, ours
from bench.cases import Effort, say
from bench.findings import Findings, Table
from bench.planned import Planned, RunClock, measure, peak_memory_mb
from bench.process import run_module
from bench.shapes import P5_SIZES, TINY, Flexible, Park, Problem, Size, Stores
from zeropark.formulation.fleet import Batteries, Cars
from zeropark.formulation.fleet_plan import FleetPlan, plan_fleet

SIZES = (*P5_SIZES, Size("P5 20000", fleet=20_000))
HEADLINE = "P5 5000"
# Up to so many devices the whole program is solved beside it.
_BARE_TO = 1000
_TOLERANCE = 1e-7  # [MWh]


@dataclass(frozen=True)
class Measured:
    """A fleet planned once. cpu, run_cpu [s]; gap [1]; wrong: most a device breaks a limit by."""

    cpu: float
    wall: float
    run_cpu: float
    gap: float
    wrong: float
    cost: float
    bound: float
    uncontrolled: float
    least: float | None
    least_cpu: float
    memory_mb: float


def apart(p: Problem, size: Size) -> tuple[Problem, Cars, Batteries]:
    """Return the park without its fleet, and the fleet."""
    kept = 2  # the large battery and the heat store
    mine = p.flexible.group >= size.jobs + size.cars
    park = replace(
        p,
        stores=Stores(*(each[:kept] for each in vars(p.stores).values())),
        flexible=Flexible(
            p.flexible.group[~mine],
            p.flexible.opened[~mine],
            p.flexible.power[~mine],
            p.flexible.least[~mine],
            p.flexible.most[~mine],
        ),
    )
    least, asked = p.flexible.least[mine], p.flexible.most[mine]
    none, one = np.zeros(len(asked)), np.ones(len(asked))
    cars = Cars(p.flexible.power[mine] * p.hours, least, asked, none, one)
    s = Stores(*(each[kept:] for each in vars(p.stores).values()))
    empty = np.zeros(len(s))
    batteries = Batteries(
        p_nom=s.p_nom,
        low=empty,
        high=s.e_nom,
        start=s.e_start,
        last=s.e_end,
        efficiency_in=s.efficiency_store,
        efficiency_out=s.efficiency_dispatch,
        keep=1.0 - s.standing_loss,
        wear=s.wear,
        worth=empty,
    )
    return park, cars, batteries


def wrong_by(found: FleetPlan, cars: Cars, batteries: Batteries, hours: float) -> float:
    """Return the most by which any device's set-points break one of its limits [MWh]."""
    steps = np.full(found.cars.shape[1], hours)
    taken = found.cars.sum(axis=1)
    stored = batteries.follow(
        found.charge * batteries.efficiency_in[:, None],
        found.discharge / batteries.efficiency_out[:, None],
        steps,
    )
    power = batteries.p_nom[:, None] * hours
    over = (
        -found.cars,
        found.cars - cars.most,
        cars.least - taken,
        taken - cars.asked,
        found.charge - power,
        found.discharge - power,
        -found.charge,
        -found.discharge,
        np.minimum(found.charge, found.discharge),
        batteries.floor(steps) - stored,
        stored - batteries.high[:, None],
        batteries.last - stored[:, -1],
    )
    return max(float(each.max(initial=0.0)) for each in over)


def once(size: Size) -> Measured:
    """Plan a park and its fleet, in this process."""
    whole = Park(size).problem()
    park, cars, batteries = apart(whole, size)
    plans: list[FleetPlan] = []

    def plan() -> Planned:
        mine = ours.day(park)
        mine.program.update(mine.inputs(park))
        found = plan_fleet(mine.program, ours.NODES[0], cars, batteries)
        plans.append(found)
        return Planned(found.cost, found.prices)

    with RunClock() as clock:
        taken = measure(clock, plan)
        memory = peak_memory_mb()
        least = None
        if size.fleet <= _BARE_TO:
            least = measure(clock, lambda: bare.plan_without_presolve(whole))
    found = plans[0]
    return Measured(
        cpu=taken.total_cpu,
        wall=taken.total,
        run_cpu=taken.run_cpu,
        gap=found.gap,
        wrong=wrong_by(found, cars, batteries, park.hours),
        cost=found.cost,
        bound=found.bound,
        uncontrolled=found.uncontrolled,
        least=None if least is None else least.objective,
        least_cpu=0.0 if least is None else least.total_cpu,
        memory_mb=memory,
    )


def fleet(effort: Effort) -> Findings:
    """Plan fleets of several sizes, each in a fresh process; the median by CPU time counts."""
    sizes = (replace(TINY, fleet=20),) if effort.small else SIZES
    rows: list[tuple[str, ...]] = []
    numbers: dict[str, float] = {}
    for size in sizes:
        done = []
        for repeat in range(min(effort.repeats, 3)):
            say(f"a fleet of {size.fleet}, {repeat + 1}")
            done.append(Measured(**run_module("bench.fleet", size)))
        found = sorted(done, key=lambda each: each.cpu)[len(done) // 2]
        _hold(found, size)
        rows.append(_row(found, size))
        numbers[f"fleet/{size.fleet}/cpu_s"] = found.cpu
        if size.name == HEADLINE:
            numbers |= {"fleet/cpu_s": found.cpu, "fleet/gap_percent": 100.0 * found.gap}
    few, many = (numbers.get(f"fleet/{n}/cpu_s") for n in (5000, 20_000))
    if few is not None and many is not None:
        numbers["fleet/four_times_the_devices"] = many / few
    words = (
        "The day of P1 with single batteries and cars beside it, half of each, no two alike; from "
        "arrays in memory to set-points of each device. Gap: proven, by the bound, of what the "
        "fleet can save (cars as they come and batteries at rest, less the least cost). Missed: "
        "of the same, against the whole program solved by HiGHS, where that was run. Every "
        f"device's set-points keep its limits to {_TOLERANCE:g} MWh. Median of "
        f"{min(effort.repeats, 3)} processes by CPU time."
    )
    header = (
        *("devices", "CPU s", "wall s", "of it HiGHS, CPU s", "gap %", "missed %"),
        *("whole program, CPU s", "can save CNY", "peak MB"),
    )
    return Findings([Table("A day's plan with a fleet", words, header, rows)], numbers)


def _hold(found: Measured, size: Size) -> None:
    """Raise where a device could not do as planned, or the bound is none."""
    if found.wrong > _TOLERANCE:
        raise RuntimeError(f"{size.name}: a device breaks a limit by {found.wrong:g} MWh")
    near = 1e-6 * abs(found.cost)
    if found.least is not None and not found.bound - near <= found.least <= found.cost + near:
        raise RuntimeError(f"{size.name}: the optimum is not between bound and cost")


def _row(found: Measured, size: Size) -> tuple[str, ...]:
    saves = found.uncontrolled - found.bound
    missed = "-" if found.least is None else f"{100 * (found.cost - found.least) / saves:.2f}"
    whole = "-" if found.least is None else f"{found.least_cpu:.2f}"
    return (
        f"{size.fleet:,}",
        f"{found.cpu:.2f}",
        f"{found.wall:.2f}",
        f"{found.run_cpu:.2f}",
        f"{100 * found.gap:.2f}",
        missed,
        whole,
        f"{saves:,.0f}",
        f"{found.memory_mb:.0f}",
    )


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(asdict(once(Size(**json.loads(sys.argv[1]))))) + "\n")
