"""What is decided now depends on what was measured and forecast, on nothing yet to happen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zeropark.operate.controllers import Planned
from zeropark.operate.forecaster import Forecaster
from zeropark.operate.run import Run
from zeropark.operate.world import World

from .conftest import park_of, request_of, small_assets


class Frozen(Forecaster):
    """A forecaster whose issued forecasts are given."""

    def __init__(self, like: Forecaster, world: World) -> None:
        self.__dict__.update(like.__dict__)
        self._world = world


@pytest.mark.parametrize("now", [1, 23, 24, 70, 95])
def test_what_is_true_after_now_changes_no_set_point_now(now: int) -> None:
    run = Run(request_of(park_of(small_assets())))
    controller, plant = run.planned(), run.plant()
    readings = plant.read()
    for index in range(now):
        plant.write(controller.decide(index, readings))
        plant.step(index)
        readings = plant.read()
    controller.forecaster.issued(now)
    other = _swapped_after(run.world, now)
    assert not np.array_equal(
        other.truth.series["works/demand"], run.world.truth.series["works/demand"]
    )
    blind = Planned(other, run.planned().planner, Frozen(controller.forecaster, other), run.rules())
    fresh = Planned(
        run.world, run.planned().planner, Frozen(controller.forecaster, run.world), run.rules()
    )
    assert blind.decide(now, readings) == fresh.decide(now, readings)


def _swapped_after(world: World, now: int) -> World:
    """Return the world with everything true from step `now` on made otherwise."""
    series = {name: values.copy() for name, values in world.truth.series.items()}
    for values in series.values():
        values[now:] = values[now:] * 0.5 + 0.123
    weather = world.truth.weather
    assert weather is not None
    warmer = weather.t_air.copy()
    warmer[now:] += 7.0
    return replace(
        world, truth=replace(world.truth, series=series, weather=replace(weather, t_air=warmer))
    )
