"""A typical year: its months are the normals', its days and hours hang together as measured.

Bounds are those of `docs/explanation/weather.md`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from zeropark.data.errors import DataError
from zeropark.data.weather import Weather, air, chance
from zeropark.data.weather.assemble import Reading
from zeropark.data.weather.climate import Climate, climate, climates, nearest_climate
from zeropark.data.weather.generate import typical_year
from zeropark.data.weather.sunpath import sun_path
from zeropark.units.place import Place
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module", params=["xining", "gonghe_base", "gangca"])
def site(request: pytest.FixtureRequest) -> Climate:
    return climate(str(request.param))


@pytest.fixture(scope="module")
def years(site: Climate) -> list[Weather]:
    return [typical_year(site, site.place, seed=seed) for seed in SEEDS]


def _days(values: Floats) -> Floats:
    return np.asarray(values.reshape(365, -1).mean(axis=1), dtype=np.float64)


def _months(values: Floats) -> Floats:
    return chance.month_means(_days(values))


def _hourly(year: Weather) -> Weather:
    return year.resample(TimeGrid.regular(year.grid.start, 8760, 60, year.grid.zone))


def _anomaly(daily: Floats) -> Floats:
    """Return daily values about a season of three harmonics, as the normals were computed."""
    turn = np.arange(365) / 365 * 2 * np.pi
    waves = [f(k * turn) for k in (1, 2, 3) for f in (np.sin, np.cos)]
    season = np.stack([np.ones(365), *waves], axis=1)
    return np.asarray(daily - season @ np.linalg.lstsq(season, daily, rcond=None)[0])


def _lag(values: Floats) -> float:
    return float(np.corrcoef(values, np.roll(values, 1))[0, 1])


def sun_deviation(weather: Weather, month: npt.NDArray[np.int64]) -> Floats:
    """Return the clear-sky index of each step about its day's level [1], NaN under 10 deg.

    The clear sky is Haurwitz's; the mean shape of each month's day is taken out first. Shape
    (365, steps of a day).
    """
    path = sun_path(weather.grid, weather.place)
    cos = np.maximum(path.cos_zenith, 1e-3)
    index = weather.ghi / (1098 * cos * np.exp(-0.057 / cos))
    per_day = np.where(path.zenith < 80, index, np.nan).reshape(365, -1)
    for m in range(12):
        days = month == m
        lit = np.isfinite(per_day[days]).any(axis=0)
        shape = np.nanmean(per_day[days][:, lit], axis=0)
        per_day[np.ix_(days, lit)] /= shape
    deviation = per_day / np.nanmean(per_day, axis=1, keepdims=True) - 1
    return np.asarray(deviation, dtype=np.float64)


def neighbours_correlate(deviation: Floats, steps: int = 1) -> float:
    """Return the correlation of the deviation `steps` apart within the days."""
    one, other = deviation[:, :-steps].ravel(), deviation[:, steps:].ravel()
    both = np.isfinite(one) & np.isfinite(other)
    return float(np.corrcoef(one[both], other[both])[0, 1])


def test_monthly_temperature_is_the_normal(site: Climate, years: list[Weather]) -> None:
    for year in years:
        np.testing.assert_allclose(_months(year.t_air), site["tdb_mean_c"], atol=0.05)


def test_monthly_sun_is_the_normal(site: Climate, years: list[Weather]) -> None:
    for year in years:
        np.testing.assert_allclose(_months(year.ghi) * 0.024, site["ghi_kwh_m2_d"], rtol=0.03)


def test_yearly_sun_is_the_normal(site: Climate, years: list[Weather]) -> None:
    lengths = np.bincount(chance.MONTH_OF_DAY)
    for year in years:
        wanted = float((site["ghi_kwh_m2_d"] * lengths).sum())
        assert year.ghi.sum() / 4000 == pytest.approx(wanted, rel=0.01)


def test_monthly_moisture_is_the_normal(site: Climate, years: list[Weather]) -> None:
    for year in years:
        np.testing.assert_allclose(_months(year.t_dew), site["tdp_mean_c"], atol=0.1)
        np.testing.assert_allclose(_months(year.t_wet), site["twb_mean_c"], atol=0.6)
        share = 100 * _months(air.relative_humidity(year.t_air, year.t_dew))
        np.testing.assert_allclose(share, site["rh_mean_pct"], atol=7)


def test_monthly_pressure_and_wind_are_the_normal(site: Climate, years: list[Weather]) -> None:
    for year in years:
        np.testing.assert_allclose(_months(year.pressure), site["p_mean_kpa"], atol=0.05)
        np.testing.assert_allclose(_months(year.wind_speed), site["wind_mean_ms"], atol=0.05)


def test_daily_extremes_are_near_the_normal(site: Climate, years: list[Weather]) -> None:
    days = [_hourly(year).t_air.reshape(365, 24) for year in years]
    top = np.mean([day.max(axis=1) for day in days], axis=0)
    low = np.mean([day.min(axis=1) for day in days], axis=0)
    np.testing.assert_allclose(chance.month_means(top), site["tdb_dmax_c"], atol=1.0)
    np.testing.assert_allclose(chance.month_means(low), site["tdb_dmin_c"], atol=1.2)


def test_calm_hours_and_strong_wind_have_their_share(site: Climate, years: list[Weather]) -> None:
    for year in years:
        calm = [(year.wind_speed[_month_steps(m)] == 0).mean() for m in range(12)]
        np.testing.assert_allclose(calm, site["calm_share"], atol=0.01)
        spread = [year.wind_speed[_month_steps(m)].std() for m in range(12)]
        np.testing.assert_allclose(spread, site["wind_std_ms"], rtol=0.25)


def _month_steps(m: int) -> npt.NDArray[np.bool_]:
    return np.repeat(m == chance.MONTH_OF_DAY, 96)


def test_days_remember_the_day_before(site: Climate, years: list[Weather]) -> None:
    recipe = site.recipe
    t = float(np.mean([_lag(_anomaly(_days(year.t_air))) for year in years]))
    dew = float(np.mean([_lag(_anomaly(_days(year.t_dew))) for year in years]))
    assert t == pytest.approx(recipe["t_day_lag"], abs=0.1)
    assert dew == pytest.approx(recipe["dew_day_lag"], abs=0.15)


def test_clearness_of_days_has_the_normals_spread_and_memory(
    site: Climate, years: list[Weather]
) -> None:
    lags, ties = [], []
    for year in years:
        outside = _days(sun_path(year.grid, year.place).extra_horizontal)
        kt = _days(year.ghi) / outside
        spread = [kt[m == chance.MONTH_OF_DAY].std() for m in range(12)]
        np.testing.assert_allclose(spread, site["kt_std"], atol=0.02)
        bright = chance.standardised(kt)
        lags.append(_lag(bright))
        ties.append(np.corrcoef(bright, np.roll(_anomaly(_days(year.t_air)), -1))[0, 1])
    assert np.mean(lags) == pytest.approx(site.recipe["kt_day_lag"], abs=0.12)
    assert np.mean(ties) == pytest.approx(0.32, abs=0.12)  # a bright day warms the next one


def test_hour_to_hour_sun_is_gangcas(years: list[Weather]) -> None:
    for year in years:
        deviation = sun_deviation(_hourly(year), chance.MONTH_OF_DAY)
        assert neighbours_correlate(deviation) == pytest.approx(0.57, abs=0.1)


def test_quarter_hours_have_their_own_texture(years: list[Weather]) -> None:
    for year in years:
        deviation = sun_deviation(year, chance.MONTH_OF_DAY)
        assert neighbours_correlate(deviation) == pytest.approx(0.74, abs=0.1)
        assert neighbours_correlate(deviation, 4) == pytest.approx(0.31, abs=0.15)


def test_measured_sun_of_gangca_has_that_memory_and_xinings_has_none(
    gangca: Reading, xining: Reading
) -> None:
    # The row of 0 h stands first; its middle is 0 h, so days are rows 0 to 23.
    at_gangca = sun_deviation(gangca.weather, chance.MONTH_OF_DAY)
    at_xining = sun_deviation(xining.weather, chance.MONTH_OF_DAY)
    assert neighbours_correlate(at_gangca) == pytest.approx(0.57, abs=0.05)
    assert abs(neighbours_correlate(at_xining)) < 0.15


def test_year_of_xining_has_the_months_of_the_measured_file(year: Weather, xining: Reading) -> None:
    measured = xining.weather
    np.testing.assert_allclose(_months(year.t_air), _months(measured.t_air), atol=0.3)
    np.testing.assert_allclose(_months(year.t_wet), _months(measured.t_wet), atol=0.6)
    np.testing.assert_allclose(_months(year.ghi), _months(measured.ghi), rtol=0.05)
    np.testing.assert_allclose(_months(year.wind_speed), _months(measured.wind_speed), atol=0.1)
    # The park lies 35 m below the station: 0.3 kPa more.
    np.testing.assert_allclose(_months(year.pressure) - _months(measured.pressure), 0.34, atol=0.1)


def test_light_closes_and_never_exceeds_what_comes_in(years: list[Weather]) -> None:
    for year in years:
        path = sun_path(year.grid, year.place)
        np.testing.assert_allclose(year.dni * path.cos_zenith + year.dhi, year.ghi, atol=1e-6)
        assert (year.dni <= path.extra_normal).all()
        assert year.ghi[path.extra_horizontal == 0].max() == 0


def test_same_seed_is_the_same_year_and_another_is_not(nanchuan: Place) -> None:
    site = climate("xining")
    first, again = (typical_year(site, nanchuan, seed=5) for _ in range(2))
    other = typical_year(site, nanchuan, seed=6)
    np.testing.assert_array_equal(first.ghi, again.ghi)
    np.testing.assert_array_equal(first.wind_speed, again.wind_speed)
    assert np.abs(first.t_air - other.t_air).max() > 1


def test_hourly_year_is_the_mean_of_the_quarter_hours(year: Weather, nanchuan: Place) -> None:
    hourly = typical_year(climate("xining"), nanchuan, minutes=60)
    assert hourly.typical
    np.testing.assert_allclose(hourly.ghi, year.ghi.reshape(-1, 4).mean(axis=1), atol=1e-9)
    np.testing.assert_allclose(hourly.t_air, year.t_air.reshape(-1, 4).mean(axis=1), atol=1e-9)


def test_year_leads_into_itself(year: Weather) -> None:
    step = abs(year.t_air[0] - year.t_air[-1])
    assert step < np.abs(np.diff(year.t_air)).max()


def test_zone_moves_the_clock_not_the_sun(year: Weather) -> None:
    elsewhere = Place(36.60, 101.70, 2260.0, "Europe/Berlin")
    other = typical_year(climate("xining"), elsewhere)
    assert other.grid.start == year.grid.start
    np.testing.assert_array_equal(other.ghi, year.ghi)


def test_nearest_normals_are_xinings_for_the_park(nanchuan: Place) -> None:
    site = nearest_climate(nanchuan)
    assert site.name == "xining"
    assert site.findings_at(nanchuan) == []


def test_normals_of_another_valley_are_pointed_out() -> None:
    coast = Place(31.2, 121.5, 4.0, "Asia/Shanghai")
    (finding,) = nearest_climate(coast).findings_at(coast)
    assert finding.key == "climate_far_away"
    assert "km away" in finding.text.en
    assert "km" in finding.text.zh


def test_unknown_site_names_the_known_ones() -> None:
    with pytest.raises(DataError) as caught:
        climate("atlantis")
    assert caught.value.text.en == (
        "no monthly normals for 'atlantis'; there are: gangca, gonghe_base, xining"
    )
    assert climates() == ("gangca", "gonghe_base", "xining")


def test_beta_days_have_the_wanted_mean_and_spread() -> None:
    u = (np.arange(10_000) + 0.5) / 10_000
    days = chance.beta_quantile(u, 0.5, 0.15, 0.1, 0.8)
    assert days.mean() == pytest.approx(0.5, abs=1e-3)
    assert days.std() == pytest.approx(0.15, abs=1e-3)
    assert days.min() >= 0.1
    assert days.max() <= 0.8


def test_spread_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit between the bounds"):
        chance.beta_quantile(np.array([0.5]), 0.5, 0.36, 0.1, 0.8)


def test_weibull_of_shape_one_is_exponential() -> None:
    assert chance.weibull_quantile(np.array([0.5]), 1.0, 3.0)[0] == pytest.approx(3 * np.log(2))


def test_lines_between_months_keep_the_months() -> None:
    values = np.array([-6.8, -4.9, 2.3, 8.2, 12.2, 15.7, 17.7, 16.0, 11.9, 5.9, -1.2, -6.3])
    np.testing.assert_allclose(chance.month_means(chance.season(values)), values, atol=1e-9)


def test_lines_between_days_keep_the_days() -> None:
    daily = np.random.default_rng(3).standard_normal(365)
    np.testing.assert_allclose(_days(chance.quarters(daily)), daily, atol=2e-4)


@pytest.mark.parametrize("lag", [0.3, 0.65, 0.95])
def test_hourly_means_have_the_lag_that_was_asked_for(lag: float) -> None:
    quarters = chance.noise(np.random.default_rng(4), 400_000, chance.quarter_lag(lag))
    assert _lag(quarters.reshape(-1, 4).mean(axis=1)) == pytest.approx(lag, abs=0.01)
    assert quarters.std() == pytest.approx(1.0, abs=0.02)


def test_order_follows_the_drivers_and_values_the_wanted_distribution() -> None:
    drivers = np.array([3.0, 1.0, 2.0, 9.0, 8.0])
    month = np.array([0, 0, 0, 1, 1])
    values = chance.by_rank(drivers, month, lambda m, u: 10 * m + u)
    np.testing.assert_allclose(values, [5 / 6, 1 / 6, 0.5, 10.75, 10.25])
