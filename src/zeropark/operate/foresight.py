"""Perfect foresight: one plan on what truly happens, with every plant at its best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Horizon, Readings
from zeropark.assets.told import signals_of
from zeropark.data.outlook import Outlook
from zeropark.formulation.linear import Linear
from zeropark.formulation.plan import Plan, costs_by_part
from zeropark.formulation.program import Balance
from zeropark.formulation.value import Value
from zeropark.operate.figures import flow_name
from zeropark.operate.horizon import Steps
from zeropark.operate.planner import Planner, Setpoints
from zeropark.operate.record import column_name
from zeropark.operate.world import World
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
# Beyond this the year is planned by the hour: the quarter-hours of a year would not fit a memory.
QUARTER_HOURS_TO = 31.0
# From so many steps on the interior point method is faster than the simplex.
_LONG = 3000


@dataclass
class Foresight:
    """The plan with foresight and what it comes to.

    grid: its steps. columns: series by column name as the plan has them, flows among them.
    costs: [CNY] by part. setpoints: per step of `grid`.
    """

    plan: Plan
    grid: TimeGrid
    columns: dict[str, Floats]
    costs: dict[str, float]
    setpoints: list[Setpoints]


def look_ahead(world: World, nodes: list[Balance], readings: Mapping[str, Readings]) -> Foresight:
    """Return the best that could have been done from the state `readings` with everything known."""
    truth = (
        coarsen(world.truth)
        if float(world.grid.hours.sum()) / 24 > QUARTER_HOURS_TO
        else world.truth
    )
    best = truth.at_its_best()
    year = len(best.grid) >= _LONG
    steps = Steps(best.grid.step_hours, len(best.grid))
    planner = Planner(world.assets, nodes, steps, exact=True)
    # A bound may waste what no plant can, and break what is whole: to forbid either would raise it
    # above the least cost.
    planner.solver.one_way = False
    planner.commitments.relaxed = True
    if year:
        planner.solver.use({"solver": "ipx", "presolve": "choose"})
    signals = signals_of(planner.kinds, best)
    arrivals = {
        asset.name: asset.arrived(world.truth.tables[asset.name], best.grid)
        for asset in world.assets
        if asset.name in world.truth.tables
    }
    # Who knows all outages holds no reserve against any.
    exposed = np.zeros(len(best.grid), dtype=bool)
    same = best.grid.step_hours == world.grid.step_hours
    horizon = Horizon(best.grid, world.end_price, arrivals, exposed, exact=same)
    plan = planner.plan(0, signals, readings, horizon)
    assert plan is not None, "without a deadline there is always a plan"
    costs = costs_by_part(planner.program, plan.solution.columns)
    begun = sum(a.end_cost(readings[a.name], world.end_price) for a in world.assets)
    costs["ends"] = costs.get("ends", 0.0) - begun
    setpoints = [planner.setpoints(plan, step) for step in range(len(best.grid))]
    return Foresight(
        plan,
        best.grid,
        series_of(planner, plan, best.grid),
        costs,
        setpoints,
    )


def coarsen(outlook: Outlook) -> Outlook:
    """Return the same world by the hour: means of its steps."""
    grid = outlook.grid
    group = max(1, round(1.0 / grid.step_hours))
    whole = len(grid) // group * group
    hourly = TimeGrid(grid.start, grid.hours[:whole].reshape(-1, group).sum(axis=1), grid.zone)
    weather = None if outlook.weather is None else outlook.weather.window(0, whole).resample(hourly)
    skies = {n: sky.window(0, whole).resample(hourly) for n, sky in outlook.skies.items()}
    series = {name: s[:whole].reshape(-1, group).mean(axis=1) for name, s in outlook.series.items()}
    return replace(outlook, grid=hourly, weather=weather, skies=skies, series=series)


def series_of(planner: Planner, plan: Plan, grid: TimeGrid) -> dict[str, Floats]:
    """Return what the meters would show, and the flows into nodes [MW], if the plan came true."""
    found: dict[str, Floats] = {}
    columns = plan.solution.columns
    for asset, own, at, _ in planner.places:
        block = planner.program.blocks[asset.kind]
        amounts = {
            name: columns[where[:, plan.open] if where.shape[1] > 1 else where]
            for name, where in at.items()
        }
        amounts |= {name: plan.amounts(asset.kind, name)[own] for name in block.shown}
        points = {point.name: point for point in asset.shown_points()}
        for name, values in asset.planned_points(amounts, grid.hours).items():
            found[column_name(asset.name, name, points[name].unit)] = values
        for into in block.intos:
            flow = evaluate(into.expression, columns, len(block), planner.program.layout.slots)
            name = flow_name(asset.name, into.port)
            found[name] = found.get(name, 0.0) + flow[own][:, plan.open].sum(axis=0) / grid.hours
        available = block.signals.get("available")
        if asset.role == "source" and available is not None:
            found[column_name(asset.name, "available", "MW")] = available.array[own][0, plan.open]
    for node, prices in zip(planner.program.nodes, plan.prices(), strict=True):
        found[f"{node.name}/price_cny_per_mwh"] = prices
    return found


def evaluate(expression: Linear, columns: Floats, members: int, slots: int) -> Floats:
    """Return an expression's amounts for a solution's columns, shape (members, slots)."""
    total = np.zeros((members, slots))
    for term in expression.terms:
        factor = term.coefficient.array if isinstance(term.coefficient, Value) else term.coefficient
        total = total + columns[term.columns] * factor
    constant = expression.constant
    return total + (constant.array if isinstance(constant, Value) else constant)
