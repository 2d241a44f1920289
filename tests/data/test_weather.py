"""Weather on a grid: it refuses what cannot be, and changes grids without losing the sun."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeropark.data.errors import DataError
from zeropark.data.weather import Weather
from zeropark.data.weather.sunpath import sun_path
from zeropark.units.place import Place
from zeropark.units.timegrid import TimeGrid

PLACE = Place(36.60, 101.70, 2260.0, "Asia/Shanghai")
HOURS = 72


def _grid(start: str, steps: int, minutes: float, zone: str = "Asia/Shanghai") -> TimeGrid:
    return TimeGrid.regular(np.datetime64(start, "s"), steps, minutes, zone)


def _weather(grid: TimeGrid, **given_columns: np.ndarray) -> Weather:
    """Weather under a sky of clearness 0.6 with a fifth of the light diffuse."""
    path = sun_path(grid, PLACE)
    ghi = 0.6 * path.extra_horizontal
    n = len(grid)
    columns = {
        "ghi": ghi,
        "dni": 0.48 * path.extra_normal * (path.cos_zenith > 0),
        "dhi": 0.2 * ghi,
        "t_air": 10 + 8 * np.sin(np.arange(n) / n * 20),
        "t_dew": np.full(n, -3.0),
        "pressure": np.full(n, 77.2),
        "wind_speed": np.linspace(0, 6, n),
    }
    return Weather.of(grid, PLACE, columns | given_columns)


@pytest.fixture(scope="module")
def hourly() -> Weather:
    return _weather(_grid("2025-03-01T00:00", HOURS, 60))


def test_quarter_hours_keep_the_hours_sun(hourly: Weather) -> None:
    fine = hourly.resample(_grid("2025-03-01T00:00", HOURS * 4, 15))
    for name in ("ghi", "dni", "dhi"):
        means = getattr(fine, name).reshape(-1, 4).mean(axis=1)
        np.testing.assert_allclose(
            means, getattr(hourly, name), atol=2.0 if name == "dni" else 1e-9
        )


def test_quarter_hours_follow_the_sun_inside_the_hour(hourly: Weather) -> None:
    grid = _grid("2025-03-01T00:00", HOURS * 4, 15)
    fine, sun = hourly.resample(grid), sun_path(grid, PLACE).extra_horizontal
    high = sun > 300
    np.testing.assert_allclose(fine.ghi[high] / sun[high], 0.6, rtol=0.01)
    assert fine.ghi[sun == 0].max() < 1e-3


def test_direct_and_diffuse_still_make_the_global_in_quarter_hours(hourly: Weather) -> None:
    grid = _grid("2025-03-01T00:00", HOURS * 4, 15)
    fine, cos = hourly.resample(grid), sun_path(grid, PLACE).cos_zenith
    np.testing.assert_allclose(fine.dni * cos + fine.dhi, fine.ghi, atol=12.0)


def test_there_and_back_is_the_same_sun(hourly: Weather) -> None:
    fine = hourly.resample(_grid("2025-03-01T00:00", HOURS * 4, 15))
    back = fine.resample(hourly.grid)
    np.testing.assert_allclose(back.ghi, hourly.ghi, atol=1e-9)
    np.testing.assert_allclose(back.t_air, hourly.t_air, atol=0.3)  # lines cut the corners


def test_states_are_straight_between_the_middles_of_hours() -> None:
    hourly = _weather(_grid("2025-03-01T00:00", 3, 60), t_air=np.array([0.0, 4.0, 4.0]))
    fine = hourly.resample(_grid("2025-03-01T00:30", 8, 15))
    # Middles of the hours at 0:30 and 1:30; quarters' middles from 0:37:30 on, 1 K each.
    np.testing.assert_allclose(fine.t_air[:4], [0.5, 1.5, 2.5, 3.5])
    np.testing.assert_allclose(fine.t_air[4:], 4.0)


def test_same_grid_is_the_same_weather(hourly: Weather) -> None:
    assert hourly.resample(hourly.grid) is hourly


@pytest.mark.parametrize("minutes", [5, 10, 15, 20, 30, 60, 120, 180])
def test_daily_sun_is_kept_at_any_step(hourly: Weather, minutes: int) -> None:
    other = hourly.resample(_grid("2025-03-01T00:00", HOURS * 60 // minutes, minutes))
    per_day = 24 * 60 // minutes
    np.testing.assert_allclose(
        other.ghi.reshape(3, per_day).mean(axis=1), hourly.ghi.reshape(3, 24).mean(axis=1)
    )


def test_growing_steps_keep_the_sun(hourly: Weather) -> None:
    hours = np.concatenate([np.full(24, 0.25), np.full(6, 1.0), np.full(6, 2.0)])
    grown = hourly.resample(TimeGrid(np.datetime64("2025-03-01T00:00:00"), hours, "Asia/Shanghai"))
    assert (grown.ghi * hours).sum() == pytest.approx(hourly.ghi[:24].sum())


@settings(max_examples=25, deadline=None)
@given(offset=st.integers(0, 8759), leap=st.booleans(), minutes=st.sampled_from([15, 30, 60]))
def test_typical_year_answers_for_any_day_of_any_year(
    year: Weather, offset: int, leap: bool, minutes: int
) -> None:
    start = np.datetime64("2024-01-01T00:00:00" if leap else "2026-01-01T00:00:00")
    grid = TimeGrid.regular(start + np.timedelta64(offset, "h"), 48, minutes, "Asia/Shanghai")
    part = year.resample(grid)
    assert np.isfinite(part.ghi).all()
    lit = sun_path(grid, part.place).extra_horizontal
    assert part.ghi[lit == 0].max(initial=0.0) < 20.0
    assert (part.t_dew <= part.t_air + 1e-9).all()


def test_a_typical_year_goes_on_over_its_end(year: Weather) -> None:
    """Half an hour before its end and after its start lie on the line between the two."""
    one = year.resample(_grid("2025-12-31T15:30", 4, 15)).pressure
    last, first = year.pressure[-1], year.pressure[0]
    middles = (np.arange(4) - 1.5) * 0.25
    step = year.grid.step_hours
    ends = [-1.5 * step, -0.5 * step, 0.5 * step, 1.5 * step]
    around = [year.pressure[-2], last, first, year.pressure[1]]
    assert one == pytest.approx(np.interp(middles, ends, around))


def test_typical_year_repeats_itself(year: Weather) -> None:
    one = year.resample(_grid("2025-06-16T16:00", 96, 15))
    other = year.resample(_grid("2031-06-16T16:00", 96, 15))
    np.testing.assert_array_equal(one.ghi, other.ghi)
    np.testing.assert_array_equal(one.t_wet, other.t_wet)


def test_leap_day_is_the_day_before_again(year: Weather) -> None:
    days = year.resample(_grid("2024-02-28T00:00", 3 * 96, 15))
    np.testing.assert_allclose(days.t_air[:96], days.t_air[96:192])
    after = year.resample(_grid("2025-03-01T00:00", 96, 15))
    np.testing.assert_allclose(days.t_air[192:], after.t_air)


def test_whole_year_on_another_grid_is_still_typical(year: Weather) -> None:
    assert year.resample(_grid("2001-01-01T00:00", 8760, 60)).typical
    assert not year.resample(_grid("2001-01-01T00:00", 24, 60)).typical


@pytest.mark.parametrize(
    ("day", "steps"), [("2025-03-30", 92), ("2025-10-26", 100), ("2025-07-01", 96)]
)
def test_short_and_long_days_have_their_own_number_of_steps(
    year: Weather, day: str, steps: int
) -> None:
    grid = TimeGrid.local_days(day, 1, 15, "Europe/Berlin")
    assert len(year.resample(grid).ghi) == steps


def test_weather_that_does_not_reach_says_what_it_covers(hourly: Weather) -> None:
    with pytest.raises(DataError) as caught:
        hourly.resample(_grid("2025-03-03T00:00", 48, 60))
    assert caught.value.text.en == (
        "the weather covers 2025-03-01 00:00 to 2025-03-04 00:00 UTC, the run needs"
        " 2025-03-03 00:00 to 2025-03-05 00:00 UTC; give weather for those days or choose others"
    )


@pytest.mark.parametrize("start", ["2025-02-28T23:59", "2025-03-01T00:01"])
def test_weather_may_not_miss_a_minute_at_either_end(hourly: Weather, start: str) -> None:
    with pytest.raises(DataError):
        hourly.resample(_grid(start, HOURS, 60))


def test_impossible_value_is_named_with_column_time_value_and_range(hourly: Weather) -> None:
    hot = hourly.t_air.copy()
    hot[5:7] = 75.0
    with pytest.raises(DataError) as caught:
        replace(hourly, t_air=hot)
    assert caught.value.key == "weather_impossible"
    assert caught.value.text.en == (
        "t_air (air temperature): 75 degC at 2025-03-01 13:00 Asia/Shanghai;"
        " allowed -90 to 60 degC (2 such values)"
    )
    assert caught.value.text.zh == (
        "t_air（气温）：2025-03-01 13:00 Asia/Shanghai 的值为 75 degC；"
        "允许 -90 到 60 degC（共 2 个）"
    )


def test_missing_value_is_never_zero(hourly: Weather) -> None:
    gap = hourly.ghi.copy()
    gap[3] = np.nan
    with pytest.raises(DataError, match=r"ghi \(global irradiance\): no value at 2025-03-01 11:00"):
        replace(hourly, ghi=gap)


@pytest.mark.parametrize(
    ("column", "edge", "beyond"),
    [
        ("ghi", 0.0, -0.01),
        ("ghi", 1800.0, 1800.01),
        ("dni", 1420.0, 1420.01),
        ("pressure", 40.0, 39.99),
        ("pressure", 110.0, np.inf),
        ("wind_speed", 0.0, -0.01),
        ("wind_speed", 115.0, 115.01),
        ("t_air", 60.0, 60.01),
    ],
)
def test_both_edges_of_a_range_hold(
    hourly: Weather, column: str, edge: float, beyond: float
) -> None:
    values = getattr(hourly, column).copy()
    values[0] = edge
    replace(hourly, **{column: values})
    values[0] = beyond
    with pytest.raises(DataError, match=column):
        replace(hourly, **{column: values})


def test_all_wrong_columns_are_named_at_once(hourly: Weather) -> None:
    bad = np.full(HOURS, -999.0)
    with pytest.raises(DataError) as caught:
        replace(hourly, ghi=bad, wind_speed=bad)
    assert caught.value.text.en.count("\n") == 1


def test_dew_point_above_the_air_is_refused(hourly: Weather) -> None:
    with pytest.raises(DataError, match=r"t_dew .* is above the air's"):
        replace(hourly, t_dew=hourly.t_air + 0.1)


def test_window_is_a_part_on_its_own_grid(hourly: Weather) -> None:
    part = hourly.window(24, 30)
    assert part.grid == _grid("2025-03-02T00:00", 6, 60)
    np.testing.assert_array_equal(part.wind_speed, hourly.wind_speed[24:30])


def test_thin_air_cools_the_wet_bulb() -> None:
    grid = _grid("2025-07-01T00:00", 24, 60)
    high = _weather(grid, t_air=np.full(24, 25.0))
    low = _weather(grid, t_air=np.full(24, 25.0), pressure=np.full(24, 101.325))
    assert (low.t_wet - high.t_wet > 0.5).all()
