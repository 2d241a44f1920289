"""Perfect foresight is a bound: nothing that is lived in the same world costs less."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from zeropark.assets.kind import Kind, Readings
from zeropark.assets.pv import Pv, PvArray
from zeropark.operate.loop import Outcome
from zeropark.operate.planner import Setpoints
from zeropark.operate.run import Run

from .conftest import park_of, random_generator, request_of, silent, small_assets

CENT = 0.01  # [CNY] on a day of thousands: the solver's tolerance


class Whim:
    """A policy that gives the battery any power it likes."""

    def __init__(self, seed: int) -> None:
        self._random = random_generator(seed)

    def decide(self, index: int, readings: Mapping[str, Readings]) -> Setpoints:
        del index, readings
        return {"bat": {"p": float(self._random.normal(0.0, 1.0))}}


def _random_run(seed: int) -> Run:
    random = random_generator(seed)
    assets: list[Kind] = small_assets(
        load_mw=float(random.uniform(0.3, 1.5)),
        p_nom=float(random.uniform(0.2, 2.0)),
        e_nom=float(random.uniform(0.5, 5.0)),
    )
    size = float(random.uniform(0.0, 4.0))
    assets.append(Pv(name="roof", node="bus", p_nom=size + 0.1, arrays=(PvArray(tilt=30.0),)))
    park = park_of(assets, demand=float(random.uniform(0.0, 40_000.0)))
    day = int(random.integers(1, 28))
    month = int(random.integers(1, 13))
    return Run(request_of(park, start=f"2026-{month:02d}-{day:02d}", seed=seed))


def _total(outcome: Outcome) -> float:
    return sum(outcome.costs.values())


@pytest.mark.parametrize("seed", range(20))
def test_plan_rules_and_whims_never_cost_less_than_foresight(seed: int) -> None:
    run = _random_run(seed)
    best = sum(run.foresight().costs.values())
    lived = [
        run.live("plan", run.planned(), None, silent),
        run.live("rules", run.rules(), None, silent),
        *(run.live("whim", Whim(100 * seed + i), None, silent) for i in range(10)),
    ]
    for outcome in lived:
        assert _total(outcome) >= best - CENT


def test_doubling_a_run_does_not_turn_the_ranking() -> None:
    for days in (2, 4):
        run = Run(request_of(park_of(small_assets()), days=days))
        plan = _total(run.live("plan", run.planned(), None, silent))
        rules = _total(run.live("rules", run.rules(), None, silent))
        best = sum(run.foresight().costs.values())
        assert best < plan < rules


def test_all_policies_start_from_one_state_and_are_settled_at_one_price() -> None:
    run = Run(request_of(park_of(small_assets())))
    assert run.plant().read() == run.plant().read()
    # The day after costs 8 h x 586.8, 8 h x 241.2, 8 h x 416.7: a mean of 414.9 CNY/MWh.
    assert run.world.end_price == pytest.approx((586.8 + 241.2 + 416.7) / 3)
    outcome = run.live("rules", run.rules(), None, silent)
    start = float(run.plant().read()["bat"]["energy"])
    grown = float(outcome.readings["bat"]["energy"]) - start
    assert outcome.costs["ends"] == pytest.approx(-grown * 0.927 * run.world.end_price)


def test_energy_closes_over_a_run() -> None:
    run = _random_run(3)
    outcome = run.live("plan", run.planned(), None, silent)
    sums = outcome.figures
    made = sums.made["roof", "electricity"]
    grown = sums.stored - 0.5 * next(a for a in run.world.assets if a.name == "bat").e_nom  # type: ignore[attr-defined]
    assert made + sums.imported - sums.exported == pytest.approx(
        sums.used + sums.lost + grown, abs=1e-9
    )
    assert sums.residual <= 1e-9
    assert np.isfinite(sums.lost)
    assert sums.lost > 0
