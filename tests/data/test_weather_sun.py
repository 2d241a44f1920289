"""Sun and wind as a resource: pvlib and windpowerlib are the oracles, Xining's year the check."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pvlib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from windpowerlib import power_output

from zeropark.data.weather import Weather, air
from zeropark.data.weather.assemble import Reading
from zeropark.data.weather.sun import (
    ac_power_pu,
    cell_temperature,
    dc_power_pu,
    let_in,
    plane_of_array,
    pv_power_pu,
)
from zeropark.data.weather.sunpath import SunPath, sun_at, sun_path
from zeropark.data.weather.wind import hub_speed, power_curve_pu
from zeropark.units.place import Place
from zeropark.units.timegrid import TimeGrid

CHAIN = {"albedo": 0.2, "losses": 0.14, "temp_coeff": -0.0035}
INVERTER = 0.96


@pytest.fixture(scope="module")
def fortnight(year: Weather) -> Weather:
    grid = TimeGrid.regular(np.datetime64("2025-03-20T16:00:00"), 14 * 96, 15, "Asia/Shanghai")
    return year.resample(grid)


def _index(grid: TimeGrid) -> pd.DatetimeIndex:
    middles = grid.starts + np.rint(grid.hours * 1800).astype("timedelta64[s]")
    return pd.DatetimeIndex(middles).tz_localize("UTC")


def test_sun_stands_where_pvlib_says(fortnight: Weather) -> None:
    place, path = fortnight.place, sun_path(fortnight.grid, fortnight.place)
    theirs = pvlib.solarposition.spa_python(
        _index(fortnight.grid), place.latitude, place.longitude, place.altitude
    )
    for name in ("zenith", "apparent_zenith", "azimuth"):
        np.testing.assert_allclose(getattr(path, name), theirs[name], atol=1e-9)
    day = np.array([moment.timetuple().tm_yday for moment in _index(fortnight.grid)])
    np.testing.assert_array_equal(path.day_of_year, day)
    extra = pvlib.irradiance.get_extra_radiation(day)
    np.testing.assert_allclose(path.extra_normal, extra, atol=1e-9)


@pytest.mark.parametrize("minutes", [5, 7, 15, 45, 60, 300])
@pytest.mark.parametrize("start", ["2025-01-05T23:30:00", "2024-12-30T00:00:00"])
def test_sun_is_the_same_from_blocks_and_alone(nanchuan: Place, minutes: int, start: str) -> None:
    grid = TimeGrid.regular(np.datetime64(start), 700, minutes, "Asia/Shanghai")
    alone = pvlib.solarposition.spa_python(
        _index(grid), nanchuan.latitude, nanchuan.longitude, nanchuan.altitude
    )
    path = sun_path(grid, nanchuan)
    np.testing.assert_allclose(path.zenith, alone["zenith"], atol=1e-9)


def test_growing_steps_have_the_sun_in_their_middles(nanchuan: Place) -> None:
    hours = np.array([0.25] * 8 + [1.0] * 5 + [3.0] * 3)
    grid = TimeGrid(np.datetime64("2025-06-01T02:00:00"), hours, "Asia/Shanghai")
    alone = pvlib.solarposition.spa_python(
        _index(grid), nanchuan.latitude, nanchuan.longitude, nanchuan.altitude
    )
    np.testing.assert_allclose(sun_path(grid, nanchuan).azimuth, alone["azimuth"], atol=1e-9)


def test_instants_that_are_no_whole_steps_apart_are_our_mistake(nanchuan: Place) -> None:
    with pytest.raises(AssertionError, match="whole steps apart"):
        sun_at(np.array([0, 901], dtype=np.int64), 900, nanchuan)


@pytest.mark.parametrize(("tilt", "azimuth"), [(0, 180), (30, 180), (10, 90), (10, 270), (90, 0)])
def test_light_on_a_plane_is_pvlibs_hay_and_davies(
    fortnight: Weather, tilt: float, azimuth: float
) -> None:
    path = sun_path(fortnight.grid, fortnight.place)
    theirs = pvlib.irradiance.get_total_irradiance(
        tilt,
        azimuth,
        path.apparent_zenith,
        path.azimuth,
        fortnight.dni,
        fortnight.ghi,
        fortnight.dhi,
        dni_extra=path.extra_normal,
        albedo=0.2,
        model="haydavies",
    )
    ours = plane_of_array(fortnight, tilt, azimuth, 0.2)
    np.testing.assert_allclose(ours, theirs["poa_global"], atol=1e-9)
    assert (ours >= 0).all()


def test_glass_lets_in_what_pvlib_says() -> None:
    angles = np.linspace(0, 180, 181)
    ours = let_in(np.cos(np.radians(angles)))
    np.testing.assert_allclose(ours, pvlib.iam.physical(angles), atol=1e-9)
    assert ours[0] == pytest.approx(1.0)
    assert ours[90:] == pytest.approx(0.0, abs=1e-9)


def test_cells_are_as_warm_as_pvlib_says() -> None:
    light, t, v = (
        np.array([0.0, 400.0, 1000.0]),
        np.array([-10.0, 5.0, 30.0]),
        np.array([0, 2, 9.0]),
    )
    np.testing.assert_allclose(
        cell_temperature(light, t, v), pvlib.temperature.faiman(light, t, v), atol=1e-9
    )


@given(dc=st.just(0.0) | st.floats(1e-9, 1.5))
def test_inverter_gives_what_pvlib_says(dc: float) -> None:
    given_dc = np.array([dc])
    theirs = pvlib.inverter.pvwatts(given_dc, 1.0, eta_inv_nom=INVERTER)
    np.testing.assert_allclose(ac_power_pu(given_dc, INVERTER), theirs, atol=1e-9)


def test_panel_at_standard_light_and_temperature_gives_its_nameplate(nanchuan: Place) -> None:
    # By hand: a plane that faces 1000 W/m2 of beam with cells at 25 degC loses only the 14 %.
    grid = TimeGrid.regular(np.datetime64("2025-06-21T05:00:00"), 1, 15, "Asia/Shanghai")
    path = sun_path(grid, nanchuan)
    columns = {
        "ghi": 1000.0 * path.cos_zenith, "dni": np.array([1000.0]), "dhi": np.zeros(1),
        "t_air": np.array([25.0 - 1000.0 / (25.0 + 6.84 * 2.0)]), "t_dew": np.array([-60.0]),
        "pressure": np.array([77.0]), "wind_speed": np.array([2.0]),
    }  # fmt: skip
    weather = Weather.of(grid, nanchuan, columns)
    tilt, azimuth = float(path.apparent_zenith[0]), float(path.azimuth[0])
    dc = dc_power_pu(weather, tilt, azimuth, albedo=0.0, losses=0.14, temp_coeff=-0.0035)
    assert dc[0] == pytest.approx(0.86, abs=1e-4)


def test_fixed_tilt_at_xining_yields_15_to_16_percent(xining: Reading) -> None:
    tilt = xining.weather.place.latitude - 3
    power = pv_power_pu(xining.weather, tilt, 180, **CHAIN, inverter_efficiency=INVERTER)
    assert 0.15 <= power.mean() <= 0.16
    assert power.max() <= INVERTER
    assert power.min() == 0


def test_typical_year_yields_what_the_measured_file_yields(xining: Reading, year: Weather) -> None:
    tilt = xining.weather.place.latitude - 3
    of_file = pv_power_pu(xining.weather, tilt, 180, **CHAIN, inverter_efficiency=INVERTER).mean()
    of_year = pv_power_pu(year, tilt, 180, **CHAIN, inverter_efficiency=INVERTER).mean()
    assert of_year == pytest.approx(of_file, abs=0.004)


def test_step_length_hardly_changes_the_yield(year: Weather) -> None:
    hourly = year.resample(TimeGrid.regular(year.grid.start, 8760, 60, year.grid.zone))
    fine, coarse = (
        pv_power_pu(weather, 30, 180, **CHAIN, inverter_efficiency=INVERTER).mean()
        for weather in (year, hourly)
    )
    assert coarse == pytest.approx(fine, rel=0.01)


# A 10 kW turbine: cubic between 2.5 and 11 m/s, off above 25 m/s.
SPEEDS = np.array([2.5, 3, 4, 5, 6, 7, 8, 9, 10, 11, 25])
POWER = np.clip((SPEEDS**3 - 2.5**3) / (11**3 - 2.5**3), 0, 1)


def test_thin_air_stretches_the_power_curve_as_windpowerlib_does() -> None:
    rng = np.random.default_rng(5)
    speed, density = rng.uniform(0, 30, 500), rng.uniform(0.75, 1.3, 500)
    theirs = power_output.power_curve_density_correction(
        pd.Series(speed), SPEEDS, POWER, pd.Series(density)
    )
    ours = power_curve_pu(speed, density, SPEEDS, POWER)
    np.testing.assert_allclose(ours, np.asarray(theirs), atol=1e-9)


def test_power_curve_at_sea_level_is_the_curve_with_both_its_edges() -> None:
    speed = np.array([0.0, 2.49, 2.5, 3.0, 10.5, 11.0, 25.0, 25.01])
    sea = np.full(len(speed), 1.225)
    expected = np.interp(speed, SPEEDS, POWER, left=0, right=0)
    np.testing.assert_allclose(power_curve_pu(speed, sea, SPEEDS, POWER), expected, atol=1e-12)


def test_wind_rises_with_height_by_the_power_law() -> None:
    # By hand: (30/10)^0.2 = 1.2457.
    assert hub_speed(np.array([4.0]), 30.0, 0.2)[0] == pytest.approx(4 * 1.2457, abs=1e-3)
    assert hub_speed(np.array([4.0]), 10.0, 0.2)[0] == 4.0


def test_small_turbine_at_xining_yields_about_one_percent(xining: Reading) -> None:
    w = xining.weather
    density = air.density(w.t_air, w.pressure, w.t_dew)
    low, high = (
        power_curve_pu(hub_speed(w.wind_speed, h, 0.2), density, SPEEDS, POWER).mean()
        for h in (18.0, 30.0)
    )
    assert low == pytest.approx(0.007, abs=0.001)
    assert high == pytest.approx(0.010, abs=0.001)
    sea = power_curve_pu(
        hub_speed(w.wind_speed, 30.0, 0.2), np.full(len(density), 1.225), SPEEDS, POWER
    )
    assert sea.mean() > 1.25 * high


def test_sun_path_knows_night(nanchuan: Place) -> None:
    grid = TimeGrid.regular(np.datetime64("2025-06-21T16:00:00"), 96, 15, "Asia/Shanghai")
    path = sun_path(grid, nanchuan)
    assert isinstance(path, SunPath)
    assert path.extra_horizontal[0] == 0
    assert path.extra_horizontal.max() > 1200
