"""Moist air at station pressure: pure functions on arrays.

Equations: ASHRAE Handbook Fundamentals 2017, chapter 1. PsychroLib 2.5 is the oracle of the tests;
it answers for one point in about 2 ms, so a year needs these array forms.
Temperatures [degC], pressures [kPa], humidity ratio [kg water / kg dry air], relative humidity [1].
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_KELVIN = 273.15
_TRIPLE_POINT = 0.01  # [degC]; the two saturation curves meet here, not at 0 degC
_GAS_CONSTANT = 0.287042  # [kJ/(kg K)] of dry air
_WATER_TO_AIR = 0.621945  # ratio of molar masses
_DRIEST = 1e-7  # humidity ratio below which the equations lose their meaning (PsychroLib)
_COLDEST, _HOTTEST = -100.0, 200.0  # range of the saturation equations [degC]
_HALVINGS = 19  # a 60 K bracket shrinks to 0.0001 K


def saturation_pressure(t: npt.ArrayLike) -> Floats:
    """Return the vapour pressure of saturated air [kPa] at `t` [degC].

    Over ice up to the triple point, over water above it (ASHRAE eq. 5 and 6); -100 to 200 degC.
    """
    celsius = np.asarray(t, dtype=np.float64)
    k = celsius + _KELVIN
    log_k = np.log(k)
    ice = (
        -5674.5359 / k
        + 6.3925247
        + k * (-9.677843e-3 + k * (6.2215701e-7 + k * (2.0747825e-9 - 9.484024e-13 * k)))
        + 4.1635019 * log_k
    )
    water = (
        -5800.2206 / k
        + 1.3914993
        + k * (-4.8640239e-2 + k * (4.1764768e-5 - 1.4452093e-8 * k))
        + 6.5459673 * log_k
    )
    return np.exp(np.where(celsius <= _TRIPLE_POINT, ice, water)) * 1e-3


def _log_slope(t: Floats) -> Floats:
    """Return d ln(saturation pressure) / dt [1/K]."""
    k = t + _KELVIN
    ice = (
        5674.5359 / k**2
        - 9.677843e-3
        + k * (2 * 6.2215701e-7 + k * (3 * 2.0747825e-9 - 4 * 9.484024e-13 * k))
        + 4.1635019 / k
    )
    water = (
        5800.2206 / k**2
        - 4.8640239e-2
        + k * (2 * 4.1764768e-5 - 3 * 1.4452093e-8 * k)
        + 6.5459673 / k
    )
    return np.asarray(np.where(t <= _TRIPLE_POINT, ice, water), dtype=np.float64)


def humidity_ratio(t_dew: npt.ArrayLike, pressure: npt.ArrayLike) -> Floats:
    """Return the humidity ratio [kg/kg] of air with dew point `t_dew` [degC] at `pressure` [kPa].

    ASHRAE eq. 20. With the dry-bulb temperature in the place of `t_dew` it is that of saturation.
    """
    vapour = saturation_pressure(t_dew)
    ratio = _WATER_TO_AIR * vapour / (np.asarray(pressure, dtype=np.float64) - vapour)
    return np.asarray(np.maximum(ratio, _DRIEST), dtype=np.float64)


def relative_humidity(t_air: npt.ArrayLike, t_dew: npt.ArrayLike) -> Floats:
    """Return the relative humidity [1] of air at `t_air` [degC] with dew point `t_dew` [degC]."""
    return saturation_pressure(t_dew) / saturation_pressure(t_air)


def dew_point(t_air: npt.ArrayLike, rh: npt.ArrayLike) -> Floats:
    """Return the dew point (below 0.01 degC the frost point) [degC], never above `t_air`.

    t_air [degC], rh: relative humidity [1], above 0. Newton's method on the logarithm of the vapour
    pressure, as PsychroLib does; it starts from the Magnus form, so four steps reach 1e-9 K.
    """
    celsius, share = np.broadcast_arrays(
        np.asarray(t_air, dtype=np.float64), np.asarray(rh, dtype=np.float64)
    )
    if np.any(share <= 0):
        raise ValueError("relative humidity must be above 0")
    log_vapour = np.log(saturation_pressure(celsius) * share)
    magnus = log_vapour - np.log(0.6112)
    t = np.clip(243.04 * magnus / (17.625 - magnus), _COLDEST, _HOTTEST)
    for _ in range(6):
        t = np.clip(
            t - (np.log(saturation_pressure(t)) - log_vapour) / _log_slope(t), _COLDEST, _HOTTEST
        )
    return np.asarray(np.minimum(t, celsius), dtype=np.float64)


def wet_bulb(t_air: npt.ArrayLike, t_dew: npt.ArrayLike, pressure: npt.ArrayLike) -> Floats:
    """Return the thermodynamic wet-bulb temperature [degC].

    t_air, t_dew [degC], pressure [kPa]. ASHRAE eq. 33 (water) and 35 (ice) solved by bisection
    between dew point and dry bulb. Bisection, not Newton: where the bulb freezes at 0 degC the
    equation jumps, and dry air then has one root on each side; halving the same bracket as
    PsychroLib meets the same one of the two. Error of the root below 0.0005 K.
    """
    t, dew, p = np.broadcast_arrays(
        np.asarray(t_air, dtype=np.float64),
        np.asarray(t_dew, dtype=np.float64),
        np.asarray(pressure, dtype=np.float64),
    )
    wanted = humidity_ratio(dew, p)
    low, high = np.minimum(dew, t).astype(np.float64), t.astype(np.float64)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = _ratio_at_wet_bulb(t, middle, p) > wanted
        high = np.where(above, middle, high)
        low = np.where(above, low, middle)
    return np.asarray((low + high) / 2, dtype=np.float64)


def _ratio_at_wet_bulb(t: Floats, bulb: Floats, pressure: Floats) -> Floats:
    """Return the humidity ratio of air at `t` whose wet bulb shows `bulb` (ASHRAE eq. 33, 35)."""
    full = humidity_ratio(bulb, pressure)
    sensible = 1.006 * (t - bulb)
    water = ((2501.0 - 2.326 * bulb) * full - sensible) / (2501.0 + 1.86 * t - 4.186 * bulb)
    ice = ((2830.0 - 0.24 * bulb) * full - sensible) / (2830.0 + 1.86 * t - 2.1 * bulb)
    return np.asarray(np.maximum(np.where(bulb >= 0, water, ice), _DRIEST), dtype=np.float64)


def density(
    t_air: npt.ArrayLike, pressure: npt.ArrayLike, t_dew: npt.ArrayLike | None = None
) -> Floats:
    """Return the density of air [kg/m3] at `t_air` [degC], `pressure` [kPa].

    Dry without a dew point; with `t_dew` [degC] moist (ASHRAE eq. 26).
    """
    k = np.asarray(t_air, dtype=np.float64) + _KELVIN
    dry = np.asarray(pressure, dtype=np.float64) / (_GAS_CONSTANT * k)
    if t_dew is None:
        return np.asarray(dry, dtype=np.float64)
    ratio = humidity_ratio(t_dew, pressure)
    return np.asarray(dry * (1 + ratio) / (1 + 1.607858 * ratio), dtype=np.float64)


def standard_pressure(altitude: npt.ArrayLike) -> Floats:
    """Return the pressure of the standard atmosphere [kPa] at `altitude` [m] (ASHRAE eq. 3)."""
    height = np.asarray(altitude, dtype=np.float64)
    return np.asarray(101.325 * (1 - 2.25577e-5 * height) ** 5.2559, dtype=np.float64)
