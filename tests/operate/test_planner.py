"""There is always a plan, and it says how it came to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from zeropark.formulation.plan import Plan
from zeropark.formulation.solver import Grade, NoPlanError
from zeropark.operate.controllers import Planned
from zeropark.operate.run import Run

from .conftest import park_of, request_of, silent, small_assets


def _stalled(controller: Planned, index: int, readings: Mapping[str, Any]) -> Plan | None:
    """Plan once with HiGHS stopped by force after one iteration."""
    solver = controller.planner.solver
    solver.use({"simplex_iteration_limit": 0})
    plan = controller.plan(index, readings)
    solver.use({"simplex_iteration_limit": 2_147_483_647})
    return plan


def test_a_stopped_solver_is_no_plan_but_the_last_good_one_is() -> None:
    run = Run(request_of(park_of(small_assets())))
    controller, plant = run.planned(), run.plant()
    first = controller.plan(0, plant.read())
    assert first is not None
    assert first.grade is Grade.OPTIMAL
    said = controller.planner.setpoints(first, 0)
    plant.write(said)
    plant.step(0)
    second = _stalled(controller, 1, plant.read())
    assert second is not None
    assert second.grade is Grade.LAST_GOOD
    meant = first.amounts("battery", "discharge")[0, 1] - first.amounts("battery", "charge")[0, 1]
    assert controller.planner.setpoints(second, 1)["bat"]["p"] == pytest.approx(meant / 0.25)


def test_the_last_good_plan_is_held_within_todays_limits() -> None:
    run = Run(request_of(park_of(small_assets())))
    controller, plant = run.planned(), run.plant()
    first = controller.plan(36, plant.read())  # 9:00, the cheap hours begin: it charges
    assert first is not None
    assert first.amounts("battery", "charge")[0, 1] > 0.02  # more than 0.08 MW in the second step
    controller.forecaster.issued(36).signals["battery"]["charge_limit"][:] = 0.05
    second = _stalled(controller, 37, plant.read())
    assert second is not None
    assert controller.planner.setpoints(second, 37)["bat"]["p"] == pytest.approx(-0.05)


def test_without_any_good_plan_the_rules_decide() -> None:
    run = Run(request_of(park_of(small_assets())))
    controller, plant = run.planned(), run.plant()
    controller.planner.deadline = 0.0
    readings = plant.read()
    assert controller.plan(0, readings) is None
    assert controller.decide(0, readings) == run.rules().decide(0, readings)
    assert controller.planner.grades[Grade.RULES] == 2


def test_the_solver_says_when_it_was_stopped() -> None:
    run = Run(request_of(park_of(small_assets())))
    controller = run.planned()
    assert controller.plan(0, run.plant().read()) is not None
    with pytest.raises(NoPlanError):
        controller.planner.solver.solve(deadline_seconds=0.0)


def test_five_thousand_plans_with_a_deadline_each_stalled_once() -> None:
    """HiGHS counts time over a warm object's life: a naive limit stops after a few plans."""
    run = Run(request_of(park_of(small_assets()), days=53, horizon_hours=6.0))
    controller, plant = run.planned(), run.plant()
    controller.planner.deadline = 0.05
    readings = plant.read()
    assert controller.plan(0, readings) is not None
    grades = controller.planner.grades
    for index in range(1, 5001):
        stalled = _stalled(controller, index, readings)
        assert stalled is not None
        plan = controller.plan(index, readings)
        assert plan is not None
        assert plan.made_at == index
        plant.write(controller.planner.setpoints(plan, index))
        plant.step(index)
        readings = plant.read()
    # A machine that pauses for 50 ms may cost an optimum or two; a cumulative limit costs them all.
    assert grades[Grade.OPTIMAL] >= 4_950
    assert grades[Grade.RULES] == 0


def test_a_grown_horizon_plans_as_well_as_equal_steps() -> None:
    park = park_of(small_assets())
    costs = {}
    for fine, coarse in ((48.0, 0.0), (12.0, 36.0)):
        run = Run(request_of(park, days=2, horizon_hours=fine, coarse_hours=coarse))
        outcome = run.live("plan", run.planned(), None, silent)
        costs[fine] = sum(outcome.costs.values())
        assert np.isfinite(costs[fine])
    assert costs[12.0] == pytest.approx(costs[48.0], rel=0.01)


def _grown() -> Run:
    """A run whose plans look two hours ahead by quarter-hours, then six by the hour."""
    return Run(request_of(park_of(small_assets()), horizon_hours=2.0, coarse_hours=6.0))


@pytest.mark.parametrize("first", [36, 37, 39])
def test_a_stopped_plan_of_growing_steps_falls_back_as_far_as_its_fine_steps_reach(
    first: int,
) -> None:
    """Of a plan made within an hour, the fine steps ahead are those to the end of the second."""
    run = _grown()
    controller, readings = run.planned(), run.plant().read()
    made = controller.plan(first, readings)
    assert made is not None
    assert made.grade is Grade.OPTIMAL
    reach = 8 - first % 4
    for later in range(1, reach):
        held = _stalled(controller, first + later, readings)
        assert held is not None
        assert held.grade is Grade.LAST_GOOD
        meant = made.amounts("battery", "discharge") - made.amounts("battery", "charge")
        said = controller.planner.setpoints(held, first + later)["bat"]["p"]
        assert said == pytest.approx(meant[0, later] / 0.25, abs=1e-6)
    assert _stalled(controller, first + reach, readings) is None
    assert controller.decide(first + reach, readings).keys() == readings.keys()


def test_a_plan_of_growing_steps_is_none_the_worse_for_those_that_were_stopped() -> None:
    """Its basis went on from slot to slot, over an hour's refill, without a solve between."""
    run = _grown()
    stopped, fresh, readings = run.planned(), run.planned(), run.plant().read()
    assert stopped.plan(36, readings) is not None
    for index in range(37, 43):
        _stalled(stopped, index, readings)
        fresh.forecaster.window(index, fresh.planner.steps, readings)
    warm, cold = stopped.plan(43, readings), fresh.plan(43, readings)
    assert warm is not None
    assert cold is not None
    assert warm.grade is cold.grade is Grade.OPTIMAL
    assert warm.solution.objective == pytest.approx(cold.solution.objective, rel=1e-6)


def test_no_time_at_all_leaves_a_plan_of_growing_steps_to_the_rules() -> None:
    run = _grown()
    controller, readings = run.planned(), run.plant().read()
    controller.planner.deadline = 0.0
    assert controller.plan(36, readings) is None
    assert controller.decide(37, readings) == controller.rules.decide(37, readings)
    controller.planner.deadline = np.inf
    after = controller.plan(38, readings)
    assert after is not None
    assert after.grade is Grade.OPTIMAL
