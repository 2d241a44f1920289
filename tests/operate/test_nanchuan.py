"""A day of the whole park, by the hour: it closes, nothing gives way, and it costs less."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.operate.conftest import silent
from zeropark.assets import kinds
from zeropark.model.parkfile import read_park
from zeropark.operate.build import RunRequest
from zeropark.operate.loop import Outcome
from zeropark.operate.result import Results, figures
from zeropark.operate.run import Run

PARK = Path(__file__).parents[2] / "parks/nanchuan/park.yaml"


@pytest.fixture(scope="module")
def run() -> Run:
    park = read_park(PARK, kinds())
    return Run(RunRequest(park, PARK.parent, "2026-01-17", step_minutes=60, horizon_hours=24))


@pytest.fixture(scope="module")
def lived(run: Run) -> dict[str, Outcome]:
    planned = run.planned()
    found = {
        "plan": run.live("plan", planned, None, silent),
        "rules": run.live("rules", run.rules(), None, silent),
    }
    plan = planned.planner.last_good
    assert plan is not None
    program = plan.program
    _, _, least, most = program.shut()
    flows = program.value * plan.solution.columns[program.index]
    for row in program.balances.numbers[:, plan.open].ravel().tolist():
        there = flows[program.start[row] : program.start[row + 1]]
        size = max(1.0, float(np.abs(there).max(initial=0.0)))
        assert least[row] - 1e-6 * size <= there.sum() <= most[row] + 1e-6 * size
    return found


def test_energy_closes_at_every_node_and_step(lived: dict[str, Outcome]) -> None:
    for outcome in lived.values():
        assert outcome.figures.residual <= 1e-6


def test_nothing_gives_way_on_a_normal_day(lived: dict[str, Outcome]) -> None:
    assert lived["plan"].gave_way == []


def test_the_plan_costs_less_than_the_rules(lived: dict[str, Outcome]) -> None:
    plan, rules = (sum(lived[name].costs.values()) for name in ("plan", "rules"))
    assert plan < rules


def test_what_a_days_ends_cost_is_what_the_day_changed(run: Run, lived: dict[str, Outcome]) -> None:
    assets, price = run.world.assets, run.world.end_price
    start = run.plant().read()
    outcome = lived["plan"]
    changed = sum(
        asset.end_cost(outcome.readings[asset.name], price)
        - asset.end_cost(start[asset.name], price)
        for asset in assets
    )
    assert outcome.costs["ends"] == pytest.approx(changed)


def test_the_run_tells_smoothness_and_direct_supply(run: Run, lived: dict[str, Outcome]) -> None:
    outcome = lived["plan"]
    told = figures(Results(run.request, run.world, {"plan": outcome}), outcome)
    base = told["base"]
    assert base["ramp_kept_share"] >= base["kept_without_share"]
    assert base["smoothing_cny_per_mwh"] > 96.0
    direct, sums = told["direct_supply"], outcome.figures
    own = sums.used - sums.imported
    assert direct["load_share"] <= own / sums.used
    assert direct["self_use_share"] + direct["export_share"] <= 1.0
    assert direct["export_share"] == pytest.approx(sums.exported / sums.available)
    assert (direct["self_use_share_limit"], direct["load_share_limit"]) == (0.60, 0.30)
    assert direct["export_share_limit"] == 0.20


def test_the_base_lies_under_a_sky_of_its_own(run: Run) -> None:
    truth = run.world.truth
    here, there = truth.sky("grid330"), truth.sky("base")
    assert here is truth.weather
    assert there is not None
    assert here is not None
    # Some 640 m higher it is colder, and its wind is another one.
    assert float(there.t_air.mean()) < float(here.t_air.mean())
    assert abs(float(np.corrcoef(there.wind_speed, here.wind_speed)[0, 1])) < 0.9
    assert there.place.altitude == 2900.0
