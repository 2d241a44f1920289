"""`zeropark plan --study` of windows: a long time lived with and without what a year tells."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from zeropark.assets.kind import Kind
from zeropark.faces.cli.progress import Progress
from zeropark.faces.cli.year_told import coarse_year
from zeropark.model.park import Park, Study
from zeropark.operate.build import RunRequest
from zeropark.operate.controllers import Controller
from zeropark.operate.loop import Outcome
from zeropark.operate.result import captured
from zeropark.operate.run import Run
from zeropark.plan.carried import Learned, YearPlan, usual_worth

_PARTS = ("energy", "demand", "wear", "unserved", "ends")


def windowed(park: Park, study: Study, request: RunRequest, progress: Progress) -> dict[str, Any]:
    """Return what the time costs by rules, by windows without and with a year, and at the least.

    The coarse year has a weather and a chance of its own: those of the next seed.
    """
    assert study.coarse is not None, "a study of windows says the steps of its year"
    begun = time.perf_counter()
    progress("world", 0, 1)
    run = Run(request)
    start = run.plant().read()
    year = coarse_year(request, round(study.coarse * 60), request.seed + 1)
    plan = YearPlan(lambda: year)
    progress("world", 1, 1)
    carried = run.planned()
    carried.year = plan
    lived: dict[str, dict[str, Any]] = {}
    controllers: dict[str, Controller] = {
        "rules": run.rules(), "without": run.planned(), "with": carried,
    }  # fmt: skip
    for name, controller in controllers.items():
        outcome = run.live(name, controller, None, progress)
        if outcome.figures.interrupted:
            raise KeyboardInterrupt
        lived[name] = _outcome(outcome)
    progress("foresight", 0, 1)
    costs = run.foresight().costs
    progress("foresight", 1, 1)
    best = sum(costs.values())
    worst = lived["rules"]["cost_cny"]["total"]
    return {
        "park": park.name,
        "park_label": park.shown._asdict(),
        "study": study.name,
        "start": request.start,
        "days": request.days,
        "step_minutes": request.step_minutes,
        "horizon_hours": request.horizon_hours,
        "coarse_minutes": round(study.coarse * 60),
        "seed": request.seed,
        "policies": lived,
        "foresight": {
            "relaxed": True,
            "cost_cny": {**{part: costs.get(part, 0.0) for part in _PARTS}, "total": best},
        },
        "captured": {
            name: captured([worst], [lived[name]["cost_cny"]["total"]], [best])
            for name in ("without", "with")
        },
        "learned": [_learned(each) for each in plan.learned],
        "usual_worth": {
            a.name: usual_worth(a, start[a.name], run.world.end_price) for a in _storing(run)
        },
        "times": {"wall_s": time.perf_counter() - begun},
    }


def _storing(run: Run) -> list[Kind]:
    readings = run.plant().read()
    return [a for a in run.world.assets if {"stock", "energy"} & set(readings[a.name])]


def _outcome(outcome: Outcome) -> dict[str, Any]:
    costs, figures = outcome.costs, outcome.figures
    return {
        "cost_cny": {**costs, "total": sum(costs.values())},
        "clean_share": figures.clean_share(),
        "grid_peak_mw": figures.peak,
        "direct_supply": figures.direct_supply(),
        "gave_way": len(outcome.gave_way),
    }


def _learned(learned: Learned) -> dict[str, Any]:
    return {
        "from": f"{learned.grid.start}Z",
        "peaks_mw": {str(np.datetime64(month, "M")): peak for month, peak in learned.peaks.items()},
        "worth": {name: float(prices.mean()) for name, prices in learned.worth.items()},
    }
