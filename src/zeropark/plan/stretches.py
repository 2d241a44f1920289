"""A year too large to be planned at once: stretches of months, each from where the last one ends.

What is in store at the end of a stretch is worth what the months behind it say, not what the end of
a run pays: so a stretch sees a month more than is kept of it. A store that lasts longer than that
is seen by no stretch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from zeropark.assets.kind import Kind
from zeropark.formulation.carried import Supply
from zeropark.formulation.plan import Plan
from zeropark.plan.year import Year

# Asset-steps that interior points take at once, some minutes of one core, and months kept and seen
# where a year has more: a year of the microgrid in steps of four hours is below it, one of a park
# of sixty assets is not.
_AT_ONCE = 60_000
_KEPT_MONTHS, _SEEN_MONTHS = 2, 3


def stretch(year: Year) -> tuple[int, int]:
    """Return how many of its first steps are kept of a stretch, and how many it sees."""
    grid = year.truth.grid
    steps = len(grid)
    if steps * len(year.assets) <= _AT_ONCE:
        return steps, steps
    months = grid.local_month - grid.local_month[0]
    if int(months[-1]) < _SEEN_MONTHS:
        return steps, steps
    return int(np.searchsorted(months, _KEPT_MONTHS)), int(np.searchsorted(months, _SEEN_MONTHS))


def behind(year: Year, plan: Plan, kept: int, lived: Supply) -> Year:
    """Return the year behind the `kept` first steps of a plan, in the state it leads to.

    lived: supply of those steps. What no plan says, such as cars that wait, is as at the start of a
    run.
    """
    truth = year.truth.window(kept, len(year.truth.grid))
    readings: dict[str, dict[str, Any]] = {}
    for asset in year.assets:
        shown = dict(asset.device(truth, np.random.default_rng(0)).read())
        planned = _planned(asset, plan, year, kept)
        readings[asset.name] = {**shown, **{k: v for k, v in planned.items() if k in shown}}
    hours = year.carried.hours + float(year.truth.grid.hours[:kept].sum())
    known = replace(year.carried, lived=year.carried.lived + lived, hours=hours)
    if known.rest is not None:
        known = replace(known, rest=known.lived)
    return replace(year, truth=truth, readings=readings, carried=known)


def _planned(asset: Kind, plan: Plan, year: Year, kept: int) -> dict[str, float]:
    """Return what an asset's points show at the end of the `kept` first steps of a plan."""
    block = plan.program.blocks[asset.kind]
    own = [i for i, (owner, _, _) in enumerate(block.members) if owner is asset]
    names = [*(column.name for column in block.columns), *block.shown]
    amounts = {name: _in_time(plan, asset.kind, name)[own] for name in names}
    hours = year.truth.grid.hours[: len(plan.open)]
    points = asset.planned_points(amounts, hours)
    return {name: float(values[kept - 1]) for name, values in points.items()}


def _in_time(plan: Plan, kind: str, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    block = plan.program.blocks[kind]
    column = next((each for each in block.columns if each.name == name), None)
    if column is not None and column.columns.shape[1] == 1:
        return plan.solution.columns[column.columns]
    return plan.amounts(kind, name)
