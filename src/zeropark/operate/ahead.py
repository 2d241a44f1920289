"""What a plan says of the days ahead, taken out of it while it stands: series, reasons, figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zeropark.formulation.plan import Plan, costs_by_part
from zeropark.formulation.reasons import explain_steps
from zeropark.operate.controllers import Asked
from zeropark.operate.figures import Columns
from zeropark.operate.foresight import series_of
from zeropark.operate.loop import Gave, new_figures
from zeropark.operate.planner import Planner
from zeropark.operate.result import gave_json, reasons_json
from zeropark.operate.world import World
from zeropark.units.timegrid import TimeGrid

# What a plan pays for certain; its objective also weighs chances.
_CERTAIN = ("energy", "demand", "wear")


@dataclass(frozen=True)
class Ahead:
    """A plan as it was when it was made.

    made_at: index of its first step in the run. grid: its steps. columns: by the names of
    `series.parquet`, and each port's flow [MW], (N,). reasons, gave_way: as in `run.json`. grade:
    how it came to be. seconds: wall time of making it. gap: by how much its cost may be above the
    least [1]. figures: of the whole horizon by the names of `run.json`; `cost_cny` is what the
    plan pays for certain, `objective_cny` all that it weighs: what is stored, owed or lost too.
    """

    made_at: int
    grid: TimeGrid
    columns: Columns
    reasons: tuple[Mapping[str, Any], ...]
    gave_way: tuple[Mapping[str, Any], ...]
    grade: str
    seconds: float
    gap: float
    figures: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.grid)


def look(world: World, planner: Planner, plan: Plan, asked: Asked) -> Ahead:
    """Return what `plan` says, before the planner makes its next one.

    asked: what the plan was asked from; its horizon must end within the world.
    """
    grid, first = asked.horizon.grid, plan.made_at
    columns = dict(series_of(planner, plan, grid))
    steps = range(len(grid))
    reasons = explain_steps(plan, steps)
    spells = reasons_json(world, ((first + at, each) for at in steps for each in reasons[at]))
    gave = [
        Gave(g.asset, g.limit, first + g.first, first + g.last, g.amount) for g in plan.gave_way
    ]
    figures = new_figures(world, asked.readings)
    columns["park/clean_share_pu"] = figures.add(columns, grid.hours)
    parts = costs_by_part(planner.program, plan.solution.columns)
    cost = {part: parts.get(part, 0.0) for part in _CERTAIN}
    return Ahead(
        made_at=first,
        grid=grid,
        columns={name: np.asarray(values, dtype=float) for name, values in columns.items()},
        reasons=tuple(spells),
        gave_way=tuple(gave_json(world, each) for each in gave),
        grade=plan.grade.value,
        seconds=planner.timing.steps[-1],
        gap=plan.gap,
        figures={
            "clean_share": figures.clean_share(),
            "grid_import_mwh": figures.imported,
            "grid_export_mwh": figures.exported,
            "grid_peak_mw": figures.peak,
            "served_mwh": figures.used,
            "cost_cny": {"total": sum(cost.values()), **cost},
            "objective_cny": sum(parts.values()),
        },
    )
