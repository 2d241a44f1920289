"""Moist air: PsychroLib is the oracle, at pressures from Tibet to the sea."""

from __future__ import annotations

import numpy as np
import psychrolib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeropark.data.weather import air

psychrolib.SetUnitSystem(psychrolib.SI)


def _samples(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.uniform(-35, 45, count), rng.uniform(0.02, 1, count), rng.uniform(60, 105, count)


def test_wet_bulb_agrees_with_psychrolib_above_and_below_freezing() -> None:
    t, rh, pressure = _samples(400)
    ours = air.wet_bulb(t, air.dew_point(t, rh), pressure)
    theirs = [
        psychrolib.GetTWetBulbFromRelHum(*point)
        for point in zip(t, rh, pressure * 1000, strict=True)
    ]
    assert (t < 0).sum() > 100
    np.testing.assert_allclose(ours, theirs, atol=0.01)


def test_dew_point_agrees_with_psychrolib() -> None:
    t, rh, _ = _samples(400)
    theirs = [psychrolib.GetTDewPointFromRelHum(*point) for point in zip(t, rh, strict=True)]
    np.testing.assert_allclose(air.dew_point(t, rh), theirs, atol=0.002)


def test_relative_humidity_is_the_way_back_from_dew_point() -> None:
    t, rh, _ = _samples(400)
    np.testing.assert_allclose(air.relative_humidity(t, air.dew_point(t, rh)), rh, atol=1e-9)


def test_humidity_ratio_agrees_with_psychrolib() -> None:
    assert air.humidity_ratio(10.0, 77.2) == pytest.approx(
        psychrolib.GetHumRatioFromTDewPoint(10.0, 77200.0), rel=1e-9
    )


def test_moist_density_agrees_with_psychrolib_and_is_below_dry_density() -> None:
    ratio = psychrolib.GetHumRatioFromTDewPoint(15.0, 77200.0)
    moist = psychrolib.GetMoistAirDensity(25.0, ratio, 77200.0)
    assert air.density(25.0, 77.2, 15.0) == pytest.approx(moist, rel=1e-5)
    assert air.density(25.0, 77.2, 15.0) < air.density(25.0, 77.2)


def test_dry_air_at_xining_weighs_a_fifth_less_than_at_the_sea() -> None:
    # facts: 0.965 kg/m3 at 77.2 kPa and 5.9 degC; by hand 77.2 / (0.287042 * 279.05) = 0.9638.
    assert air.density(5.9, 77.2) == pytest.approx(0.9638, abs=5e-4)


def test_standard_pressure_is_that_of_the_standard_atmosphere() -> None:
    # ASHRAE 2017 chapter 1, table 1: 0 m 101.325 kPa, 2000 m 79.495, 3000 m 70.108.
    np.testing.assert_allclose(
        air.standard_pressure([0.0, 2000.0, 3000.0]), [101.325, 79.495, 70.108], atol=0.01
    )


def test_saturated_air_has_one_temperature() -> None:
    t = np.linspace(-35, 45, 81)
    np.testing.assert_allclose(air.wet_bulb(t, t, 77.2), t, atol=1e-9)


def test_humidity_of_zero_has_no_dew_point() -> None:
    with pytest.raises(ValueError, match="relative humidity must be above 0"):
        air.dew_point([20.0, 20.0], [0.5, 0.0])


@given(
    t=st.floats(-35, 45),
    spread=st.floats(0, 40),
    pressure=st.floats(60, 105),
)
def test_wet_bulb_lies_between_dew_point_and_dry_bulb(
    t: float, spread: float, pressure: float
) -> None:
    bulb = air.wet_bulb(t, t - spread, pressure)
    assert t - spread <= bulb <= t
