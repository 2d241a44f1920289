"""Free cooling: the published table of Xining, the criterion beside each number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from zeropark.data.weather import Weather, air
from zeropark.data.weather.assemble import Reading
from zeropark.data.weather.cooling import direct_air, free_days, free_hours, indirect, waterside

Floats = npt.NDArray[np.float64]
Way = Callable[[Weather, Floats], Floats]


def _direct(t_air_max: float, t_dew_max: float | None = None) -> Way:
    return lambda w, _: direct_air(w.t_air, w.t_dew, t_air_max=t_air_max, t_dew_max=t_dew_max)


def _water(t_supply: float) -> Way:
    return lambda _, t_wet: waterside(t_wet, approach=6, t_supply=t_supply, t_return=t_supply + 6)


EXCHANGER = {"effectiveness": 0.7, "t_return": 36.0, "t_supply": 24.0}
TABLE: list[tuple[str, Way, int, int]] = [
    ("direct air, dry bulb up to 24 degC", _direct(24), 8534, 313),
    ("direct air, dry bulb up to 26 degC", _direct(26), 8654, 337),
    ("the same and dew point up to 15 degC", _direct(26, 15), 8567, 327),
    ("indirect dry, 0.7, 36 to 24 degC", lambda w, _: indirect(w.t_air, **EXCHANGER), 7869, 244),
    ("indirect evaporative, same", lambda _, t_wet: indirect(t_wet, **EXCHANGER), 8749, 361),
    ("waterside, wet bulb + 6 up to 18 degC", _water(18), 7474, 271),
    ("waterside, wet bulb + 6 up to 20 degC", _water(20), 8186, 297),
    ("waterside, wet bulb + 6 up to 12 degC", _water(12), 5292, 172),
]


def _days(weather: Weather) -> npt.NDArray[np.int64]:
    """Return the local day of each row's middle: the file's rows stand around whole hours."""
    middle = weather.grid.local() + np.timedelta64(30, "m")
    return middle.astype("datetime64[D]").astype(np.int64)


@pytest.mark.parametrize(("criterion", "way", "hours", "days"), TABLE, ids=[r[0] for r in TABLE])
def test_table_of_xining_holds(
    xining: Reading, criterion: str, way: Way, hours: int, days: int
) -> None:
    weather = xining.weather
    share = way(weather, weather.t_wet)
    assert free_hours(share, weather.grid.hours) == pytest.approx(hours, abs=5), criterion
    assert free_days(share, _days(weather)) == pytest.approx(days, abs=5), criterion


@pytest.mark.parametrize(("t_supply", "hours"), [(18.0, 7474), (20.0, 8186), (12.0, 5292)])
def test_pressure_of_the_sea_gives_another_answer(
    xining: Reading, t_supply: float, hours: int
) -> None:
    weather = xining.weather
    at_sea = air.wet_bulb(weather.t_air, weather.t_dew, 101.325)
    share = waterside(at_sea, approach=6, t_supply=t_supply, t_return=t_supply + 6)
    assert free_hours(share, weather.grid.hours) < hours - 100


def test_direct_air_holds_at_both_limits() -> None:
    t, dew = np.array([24.0, 24.01, 10.0, 10.0]), np.array([5.0, 5.0, 15.0, 15.01])
    np.testing.assert_array_equal(direct_air(t, dew, t_air_max=24, t_dew_max=15), [1, 0, 1, 0])
    np.testing.assert_array_equal(direct_air(t, dew, t_air_max=24), [1, 0, 1, 1])


def test_exchanger_does_a_share_of_the_cooling() -> None:
    # By hand: 0.7 (36 - t) = 12 K at t = 18.857 degC; half of it at 27.43 degC; none at 36 degC.
    t = np.array([18.857, 27.4286, 36.0, 40.0, -20.0])
    np.testing.assert_allclose(indirect(t, **EXCHANGER), [1, 0.5, 0, 0, 1], atol=1e-4)


def test_tower_does_a_share_of_the_cooling() -> None:
    # 18/24 degC water, 6 K approach: all at 12 degC wet bulb, half at 15, none from 18 on.
    t_wet = np.array([12.0, 12.01, 15.0, 18.0, 25.0])
    share = waterside(t_wet, approach=6, t_supply=18, t_return=24)
    np.testing.assert_allclose(share, [1, 0.99833, 0.5, 0, 0], atol=1e-4)


def test_day_with_one_hour_short_is_not_free() -> None:
    share = np.array([1.0, 1.0, 1.0, 0.99])
    assert free_days(share, np.array([7, 7, 8, 8])) == 1
    assert free_hours(share, np.array([0.25, 0.25, 1.0, 1.0])) == 1.5
