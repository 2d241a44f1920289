"""Within a step the set-points follow the sun, on the line between the plans for less and more."""

from __future__ import annotations

import numpy as np
import pytest

from zeropark.assets.pv import Pv, PvArray
from zeropark.operate.courses import Courses, shares
from zeropark.operate.run import Run

from .conftest import park_of, request_of, silent, small_assets

NOON = 48
LESS, MORE = {"bat": {"p": -1.0, "worth": 300.0}}, {"bat": {"p": -3.0, "worth": 200.0}}


def _run() -> Run:
    roof = Pv(name="roof", node="bus", p_nom=3.0, arrays=(PvArray(tilt=30.0),))
    return Run(request_of(park_of([*small_assets(e_nom=6.0, p_nom=3.0), roof])))


def test_between_two_suns_the_set_points_lie_on_a_line() -> None:
    courses = Courses(["roof"], [2.0, 4.0], [LESS, MORE])
    assert courses.at(3.0) == {"bat": {"p": -2.0, "worth": 250.0}}
    assert courses.at(3.5)["bat"]["p"] == pytest.approx(-2.5)
    assert courses.at(2.0) == LESS
    assert courses.at(4.0) == MORE


def test_beyond_the_suns_that_were_planned_for_the_nearest_holds() -> None:
    courses = Courses(["roof"], [2.0, 4.0], [LESS, MORE])
    assert courses.at(0.0) == LESS
    assert courses.at(9.0) == MORE


def test_what_only_one_neighbour_says_holds_as_it_says_it() -> None:
    endless = float("inf")
    low = {"roof": {}, "tie": {"target": endless}}
    high = {"roof": {"limit": 3.5}, "tie": {"target": endless}}
    found = Courses(["roof"], [2.0, 4.0], [low, high]).at(3.0)
    assert found == {"roof": {"limit": 3.5}, "tie": {"target": endless}}


@pytest.mark.parametrize(
    ("each_side", "found"), [(0, []), (1, [1.5, 0.5]), (2, [1.25, 1.5, 0.5, 0.75])]
)
def test_suns_are_spread_evenly_to_half_and_one_and_a_half(
    each_side: int, found: list[float]
) -> None:
    assert shares(each_side) == found


def test_each_course_is_the_plan_for_that_sun() -> None:
    run = _run()
    planned, readings = run.planned(), run.plant().read()
    plan = planned.plan(NOON, readings)
    assert plan is not None
    asked = planned.asked
    assert asked is not None
    courses = planned.planner.courses(plan, asked.signals, asked.horizon.grid.hours, shares(2))
    assert courses is not None
    foreseen = float(asked.signals["pv"]["available"][0, 0])
    assert list(courses.offered) == pytest.approx([s * foreseen for s in (0.5, 0.75, 1, 1.25, 1.5)])
    for offered, told in zip(courses.offered, courses.setpoints, strict=True):
        sunny = run.planned()
        signals = {kind: dict(own) for kind, own in asked.signals.items()}
        signals["pv"]["available"] = asked.signals["pv"]["available"].copy()
        signals["pv"]["available"][0, 0] = offered
        other = sunny.planner.plan(NOON, signals, readings, asked.horizon)
        assert other is not None
        alone = sunny.planner.setpoints(other, NOON)
        # The tie takes what the others leave, so that equal cost is equal import at one price.
        assert told["tie"]["import"] == pytest.approx(alone["tie"]["import"], abs=1e-5)
        assert told["bat"]["p"] == pytest.approx(alone["bat"]["p"], abs=1e-5)


def test_the_plan_and_its_prices_stay_as_they_were() -> None:
    run = _run()
    planned, readings = run.planned(), run.plant().read()
    plan = planned.plan(NOON, readings)
    assert plan is not None
    asked = planned.asked
    assert asked is not None
    before, bounds = plan.prices().copy(), [b.copy() for b in plan.program.shut()]
    planned.planner.courses(plan, asked.signals, asked.horizon.grid.hours, shares(2))
    assert planned.planner.last_good is plan
    assert np.array_equal(plan.prices(), before)
    for now, then in zip(plan.program.shut(), bounds, strict=True):
        assert np.array_equal(now, then)


def test_at_night_and_without_time_there_is_one_course() -> None:
    run = _run()
    planned, readings = run.planned(), run.plant().read()
    night, noon = planned.plan(0, readings), None
    assert night is not None
    assert planned.asked is not None
    hours = planned.asked.horizon.grid.hours
    assert planned.planner.courses(night, planned.asked.signals, hours, shares(2)) is None
    noon = planned.plan(NOON, readings)
    assert noon is not None
    planned.planner.deadline = 0.0
    assert planned.planner.courses(noon, planned.asked.signals, hours, shares(2)) is None


def test_the_plant_holds_the_course_of_the_sun_it_has() -> None:
    run = _run()
    plant = run.plant()
    for index in range(NOON):
        plant.write({})
        plant.step(index)
    able = run.world.assets[-1].signals(run.world.truth)["available"][0, NOON]
    low, high = {"bat": {"p": 0.0}}, {"bat": {"p": -0.4}}
    plant.write({"bat": {"p": 0.3}}, Courses(["roof"], [able - 0.1, able + 0.3], [low, high]))
    plant.step(NOON)
    assert plant.held["bat"]["p"] == pytest.approx(-0.1)
    assert plant.read()["bat"]["p"] == pytest.approx(-0.1)
    # They were of that step only.
    plant.write({"bat": {"p": -0.2}})
    plant.step(NOON + 1)
    assert plant.read()["bat"]["p"] == pytest.approx(-0.2)


def test_a_day_that_follows_the_sun_costs_less() -> None:
    found = []
    for each_side in (0, 2):
        run = _run()
        controller = run.planned()
        controller.each_side = each_side
        found.append(sum(run.live("plan", controller, None, silent).costs.values()))
    one, several = found
    assert several < one
