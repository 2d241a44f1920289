"""Issues of a forecast, each wrong by chance of its own, say more together than the newest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from zeropark.data.weather import Weather
from zeropark.forecast.weather import WeatherErrors, blend, error_size, foresee
from zeropark.units.place import Place
from zeropark.units.timegrid import TimeGrid

XINING = Place(36.6, 101.8, 2260.0, "Asia/Shanghai")
ERRORS = WeatherErrors(temperature=1.75, clearness=0.2, wind=0.3, correlation=0.8)


def _weather(begin: str, hours: int, sun: float) -> Weather:
    grid = TimeGrid.regular(np.datetime64(begin, "s"), hours * 4, 15, "Asia/Shanghai")
    return _on(grid, sun)


def _on(grid: TimeGrid, sun: float) -> Weather:
    flat = np.ones(len(grid))
    columns = {"ghi": sun * flat, "dni": sun * flat, "dhi": 0.2 * sun * flat, "t_air": 10.0 * flat}
    columns |= {"t_wet": 5.0 * flat, "t_dew": 0.0 * flat, "pressure": 78.0 * flat}
    return Weather.of(grid, XINING, columns | {"wind_speed": 3.0 * flat})


def test_an_error_grows_with_its_lead_up_to_two_days() -> None:
    sizes = error_size(np.array([0.0, 6.0, 24.0, 48.0, 100.0]))
    assert sizes.tolist() == pytest.approx([0.35, 0.675, 1.0, 1.2692388, 1.2692388])


def test_issues_are_weighed_by_one_over_their_error_squared() -> None:
    """At its own start 0.35 of the day-ahead error, six hours later 0.675 of it: 8.163 to 2.195."""
    new, old = _weather("2026-06-01T06:00", 12, 100.0), _weather("2026-06-01T00:00", 12, 200.0)
    both = blend([new, old])
    assert both.grid == new.grid
    assert both.ghi[0] == pytest.approx((8.163265 * 100.0 + 2.194787 * 200.0) / 10.358052)
    # The older one ends after six of the twelve hours.
    assert both.ghi[23] > 100.0
    assert both.ghi[24:].tolist() == pytest.approx([100.0] * 24)
    assert both.t_air.tolist() == pytest.approx([10.0] * 48)


def test_one_issue_stays_what_it_says() -> None:
    one = _weather("2026-06-01T06:00", 6, 310.0)
    for name in ("ghi", "t_air", "wind_speed"):
        assert getattr(blend([one]), name).tolist() == pytest.approx(getattr(one, name).tolist())


def test_an_issue_that_is_over_says_nothing() -> None:
    new, old = _weather("2026-06-02T06:00", 6, 100.0), _weather("2026-06-01T00:00", 6, 200.0)
    assert blend([new, old]).ghi.tolist() == pytest.approx([100.0] * 24)


def test_together_they_err_less_than_the_newest_alone() -> None:
    truth = _on(
        TimeGrid.regular(np.datetime64("2026-06-01T00:00", "s"), 96 * 4, 15, "Asia/Shanghai"), 600.0
    )
    alone, together = [], []
    for seed in range(40):
        issues = [
            foresee(truth.window(at, at + 54 * 4), ERRORS, np.random.default_rng([seed, at]))
            for at in (96, 72, 48, 24, 0)
        ]
        alone.append(_error(issues[0], truth))
        together.append(_error(blend(issues), truth))
    # Of five at 24 h and older: 1 / Σ 1/size² against the newest's; less than two thirds at most.
    assert np.sqrt(np.mean(together)) < 0.66 * np.sqrt(np.mean(alone))


def test_the_blend_of_true_forecasts_is_true() -> None:
    truth = _weather("2026-06-01T00:00", 24, 400.0)
    none = replace(ERRORS, temperature=0.0, clearness=0.0, wind=0.0)
    issues = [foresee(truth.window(at, 96), none, np.random.default_rng(1)) for at in (48, 24, 0)]
    assert blend(issues).ghi.tolist() == pytest.approx([400.0] * 48)


def _error(forecast: Weather, truth: Weather) -> npt.NDArray[np.float64]:
    first = round(float((forecast.grid.start - truth.grid.start) / np.timedelta64(900, "s")))
    off = forecast.ghi[: 24 * 4] / truth.ghi[first : first + 24 * 4] - 1.0
    return np.asarray(off**2)
