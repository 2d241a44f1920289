"""One plan of the days ahead: forecasts in, set-points, prices and reasons out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zeropark import __version__
from zeropark.formulation.plan import Plan, costs_by_part
from zeropark.formulation.reasons import explain_steps
from zeropark.operate.build import RunRequest
from zeropark.operate.figures import flow_name, is_flow_name
from zeropark.operate.foresight import series_of
from zeropark.operate.loop import Gave
from zeropark.operate.planner import Planner
from zeropark.operate.result import assets_json, both, gave_json, reasons_json
from zeropark.operate.run import Run
from zeropark.operate.world import World

# Beyond this many decimals a number of a plan says nothing (a watt, a hundredth of a fen).
_DECIMALS = 6
# What a plan pays for certain; its objective also weighs chances, and leaves constants out.
_PARTS = ("energy", "demand", "wear")
_ROLES = ("source", "use", "store", "grid")


def plan_once(request: RunRequest, began: Callable[[str], None]) -> dict[str, Any]:
    """Return the plan for all days of the request as `plan.json` holds it.

    It is the one a run makes at its first step: on forecasts and on what the meters show then.
    began: told the name of each stage as it begins: world, plan. Series are [MW], prices
    [CNY per unit], per step. Raises `ParkError` or `DataError` for files that do not tell what
    they must.
    """
    begun = time.perf_counter()
    began("world")
    run = Run(request)
    planned = run.planned()
    began("plan")
    plan = planned.plan(0, run.plant().read())
    assert plan is not None, "without a deadline there is always a plan"
    found = _as_json(run.world, planned.planner, plan, request)
    found["times"]["wall_s"] = time.perf_counter() - begun
    return found


def _as_json(world: World, planner: Planner, plan: Plan, request: RunRequest) -> dict[str, Any]:
    grid, timing, program = world.grid, planner.timing, planner.program
    series = series_of(planner, plan, grid)
    steps = range(len(grid))
    parts, reasons = costs_by_part(program, plan.solution.columns), explain_steps(plan, steps)
    gave = [Gave(g.asset, g.limit, g.first, g.last, g.amount) for g in plan.gave_way]
    return {
        "version": __version__,
        "park": request.park.name,
        "park_label": both(request.park.shown),
        "start": request.start,
        "days": request.days,
        "step_minutes": request.step_minutes,
        "seed": request.seed,
        "zone": grid.zone,
        "starts": [f"{start}Z" for start in grid.starts],
        "local": [str(at.astype("datetime64[m]")) for at in grid.local()],
        "grade": plan.grade.value,
        "cost_cny": {part: parts.get(part, 0.0) for part in _PARTS},
        "objective_cny": sum(parts.values()),
        "electricity_mw": _by_role(world, series),
        "price_cny_per_mwh": _list(_electric_price(planner, plan)),
        "set_points": _set_points(planner, plan, world),
        "reasons": list(reasons_json(world, ((at, each) for at in steps for each in reasons[at]))),
        "gave_way": [gave_json(world, each) for each in gave],
        "series": {
            name: _list(values) for name, values in series.items() if not is_flow_name(name)
        },
        "assets": assets_json(world),
        "nodes": [{"name": node.name, "carrier": node.carrier} for node in program.nodes],
        "findings": [{"key": each.key, **both(each.text)} for each in world.findings],
        "size": {
            "columns": program.column_count,
            "rows": program.row_count,
            "nonzeros": len(program.value),
        },
        "times": {
            "build_s": timing.build,
            "update_s": timing.update,
            "solve_s": timing.highs,
            "around_solve_s": timing.solve - timing.highs,
            "read_s": timing.read,
        },
    }


def _list(values: Any) -> list[float]:
    return [float(x) for x in np.round(values, _DECIMALS).tolist()]


def _by_role(world: World, series: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return the electricity that sources give, uses take, stores and grid bring in [MW]."""
    total = {role: np.zeros(len(world.grid)) for role in _ROLES}
    for asset in world.assets:
        role = asset.role if asset.role in total else "use"
        for port, meaning in asset.ports().items():
            name = flow_name(asset.name, port)
            if meaning.carrier == "electricity" and name in series:
                total[role] += -series[name] if role == "use" else series[name]
    return {role: _list(values) for role, values in total.items()}


def _electric_price(planner: Planner, plan: Plan) -> Any:
    """Return the mean price over the electric nodes [CNY/MWh], shape (steps,)."""
    electric = [node.carrier == "electricity" for node in planner.program.nodes]
    return plan.prices()[electric].mean(axis=0)


def _set_points(planner: Planner, plan: Plan, world: World) -> list[dict[str, Any]]:
    """Return every set-point with its words and its values; None where the device is left alone."""
    steps = [planner.setpoints(plan, step) for step in range(len(world.grid))]
    found: list[dict[str, Any]] = []
    for asset in world.assets:
        points = {point.name: point for point in asset.shown_points()}
        # A device may take more than its points: how it follows a plan between two of them.
        given = dict.fromkeys(name for step in steps for name in step[asset.name] if name in points)
        for name in given:
            values = [step[asset.name].get(name) for step in steps]
            found.append(
                {
                    "asset": asset.name,
                    "label": both(asset.shown),
                    "point": name,
                    "means": both(points[name].means),
                    "unit": points[name].unit,
                    "values": [None if v is None else round(float(v), _DECIMALS) for v in values],
                }
            )
    return found
