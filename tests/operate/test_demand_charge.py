"""A run's demand charge by hand: price x highest quarter-hour x share of the month, month by month.

One load and one tie, so that the highest demand is the load's. Price 36 CNY/kW-month.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zeropark.assets.grid_tie import GridTie
from zeropark.assets.load import Load
from zeropark.model.series import Profile
from zeropark.operate.loop import costs_of
from zeropark.operate.run import Run

from .conftest import park_of, request_of

PRICE = 36_000.0  # [CNY/MW-month]


def _run(
    start: str, days: int, minutes: int, demand: np.ndarray, peak_so_far: float = 0.0
) -> float:
    """Return the demand part of a run whose load is `demand` [MW] per step."""
    assets = [
        GridTie(name="tie", node="bus", import_max=9.0, tariff="simple"),
        Load(name="works", node="bus", profile=Profile(constant=1.0)),
    ]
    park = park_of(assets, demand=PRICE)
    run = Run(
        request_of(park, start=start, days=days, step_minutes=minutes, peak_so_far=peak_so_far)
    )
    series = {**run.world.truth.series, "works/demand": demand}
    run.world = replace(run.world, truth=replace(run.world.truth, series=series))
    plant = run.plant()
    for index in range(len(run.world.grid)):
        plant.step(index)
    return costs_of(run.world, plant, plant.read(), plant.read())["demand"]


def test_one_day_pays_a_thirtieth_of_april() -> None:
    demand = np.full(96, 1.0)
    demand[40] = 2.5
    assert _run("2026-04-17", 1, 15, demand) == pytest.approx(PRICE * 2.5 / 30)


def test_two_months_have_one_peak_each() -> None:
    # 30 April at 2 MW, 1 May at 3 MW: one day of 30 and one of 31.
    demand = np.concatenate([np.full(96, 2.0), np.full(96, 3.0)])
    assert _run("2026-04-30", 2, 15, demand) == pytest.approx(PRICE * (2.0 / 30 + 3.0 / 31))


@pytest.mark.parametrize(("so_far", "pays"), [(2.0, 2.5), (2.5, 2.5), (4.0, 4.0)])
def test_the_peak_so_far_counts(so_far: float, pays: float) -> None:
    demand = np.full(96, 1.0)
    demand[40] = 2.5
    assert _run("2026-04-17", 1, 15, demand, so_far) == pytest.approx(PRICE * pays / 30)


def test_the_peak_so_far_is_of_the_first_month_only() -> None:
    demand = np.full(192, 1.0)
    expected = PRICE * (4.0 / 30 + 1.0 / 31)
    assert _run("2026-04-30", 2, 15, demand, 4.0) == pytest.approx(expected)


def test_five_minute_steps_are_averaged_over_the_quarter_hour() -> None:
    demand = np.full(288, 1.0)
    demand[120:123] = [1.0, 4.0, 2.5]  # 10:00, 10:05, 10:10: mean 2.5
    assert _run("2026-04-17", 1, 5, demand) == pytest.approx(PRICE * 2.5 / 30)


def test_five_minutes_across_a_quarter_hour_do_not_count_together() -> None:
    demand = np.full(288, 1.0)
    demand[122:124] = 4.0  # the last of one quarter-hour and the first of the next: mean 2 each
    assert _run("2026-04-17", 1, 5, demand) == pytest.approx(PRICE * 2.0 / 30)


def test_an_hour_stands_for_its_quarter_hours() -> None:
    demand = np.full(24, 1.0)
    demand[10] = 2.0
    assert _run("2026-04-17", 1, 60, demand) == pytest.approx(PRICE * 2.0 / 30)


@pytest.mark.parametrize(("interval", "highest"), [(0.25, 2.0), (0.5, 1.75), (1.0, 1.5)])
def test_a_plan_pays_for_the_interval_of_its_tariff(interval: float, highest: float) -> None:
    """Quarters of 1, 1, 1.5, 2 MW hour by hour, and one hour of four times 1.5 MW.

    So the highest half-hour has a mean of 1.75 MW, and the highest hour is the one of 1.5 MW.
    """
    demand = np.tile([1.0, 1.0, 1.5, 2.0], 24)
    demand[40:44] = 1.5
    assets = [
        GridTie(name="tie", node="bus", import_max=9.0, tariff="simple"),
        Load(name="works", node="bus", profile=Profile(constant=1.0)),
    ]
    park = park_of(assets, demand=PRICE, interval=interval)
    run = Run(request_of(park, start="2026-04-17", days=1, step_minutes=15))
    series = {**run.world.truth.series, "works/demand": demand}
    run.world = replace(run.world, truth=replace(run.world.truth, series=series))
    assert run.foresight().costs["demand"] == pytest.approx(PRICE * highest / 30)
    lived = run.live("rules", run.rules(), None, lambda *_: None)
    assert lived.costs["demand"] == pytest.approx(PRICE * highest / 30)
