"""Buildings ask for heat as the air is cold, in their season only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.assets.yard import day, outlook_of, parse
from zeropark.assets.space_heating import SpaceHeating
from zeropark.data.outlook import Outlook


def _heating(**changes: object) -> SpaceHeating:
    words = {
        "name": "flats",
        "node": "warm",
        "q_nom": 10.0,
        "t_design": -12.0,
        "season_from": 288,
        "season_until": 105,
        "swing": 0.0,
    }
    return SpaceHeating.model_validate(words | changes)


def _in_air(t_air: float, start: str) -> Outlook:
    outlook = outlook_of(day(start=start))
    assert outlook.weather is not None
    air = np.full(len(outlook.grid), t_air)
    cold: dict[str, Any] = {"t_air": air, "t_wet": air - 3.0, "t_dew": air - 8.0}
    return replace(outlook, weather=replace(outlook.weather, **cold))


@pytest.mark.parametrize(
    ("t_air", "asked"), [(-30.0, 10.0), (-12.0, 10.0), (3.0, 5.0), (18.0, 0.0), (30.0, 0.0)]
)
def test_demand_falls_straight_from_design_to_limit(t_air: float, asked: float) -> None:
    demand = _heating().demand(_in_air(t_air, "2026-01-16T16:00:00"))
    np.testing.assert_allclose(demand, asked)


@pytest.mark.parametrize(
    ("start", "on"),
    [
        ("2026-10-13T16:00:00", False),  # 14 October, day 287
        ("2026-10-14T16:00:00", True),
        ("2026-04-14T16:00:00", True),  # 15 April, day 105
        ("2026-04-15T16:00:00", False),
    ],
)
def test_the_season_goes_over_new_year_and_keeps_both_its_days(start: str, *, on: bool) -> None:
    assert bool((_heating().demand(_in_air(0.0, start)) > 0).all()) is on


def test_the_swing_is_least_in_the_warm_of_the_day_and_leaves_the_mean() -> None:
    demand = _heating(swing=0.2).demand(_in_air(3.0, "2026-01-16T16:00:00"))
    assert demand.mean() == pytest.approx(5.0)
    # 14:45 to 15:15 is around the least: steps 59 and 60 of the local day.
    assert set(np.argsort(demand)[:2].tolist()) == {59, 60}


def test_a_limit_that_is_no_warmer_than_the_design_is_refused() -> None:
    with pytest.raises(ValueError, match="not below t_limit"):
        _heating(t_limit=-12.0)
    assert _heating(t_limit=-11.9).t_limit == -11.9


def test_what_a_plan_cannot_know_wanders_about_the_usual() -> None:
    heating = parse(SpaceHeating.example)[2]
    grid = day(steps=96 * 28)
    wander = heating.chance(outlook_of(grid), np.random.default_rng(1))["wander"]
    assert wander.mean() == pytest.approx(1.0, abs=0.01)
    assert wander.std() == pytest.approx(0.04, rel=0.2)
