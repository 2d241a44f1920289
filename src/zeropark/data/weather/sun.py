"""What the sun gives: light on a tilted plane, and the power of photovoltaic modules under it.

The equations are pvlib's, as plain array forms: a rolling horizon asks for them at every step, and
importing pvlib takes seconds. The tests hold each to pvlib's own answer to 1e-9.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zeropark.data.weather.sunpath import SunPath, sun_path
from zeropark.data.weather.weather import Weather

Floats = npt.NDArray[np.float64]

_STANDARD_LIGHT = 1000.0  # [W/m2] irradiance of the nameplate (IEC 60904-3)
_LOWEST_SUN = 0.01745  # cosine of 89 deg: below it the light around the sun is not tilted further
_REFRACTION = 1.526  # index of glass
_GLASS = 4.0 * 0.002  # extinction [1/m] times thickness [m]
_REFERENCE_INVERTER = 0.9637  # efficiency of the inverter the part-load curve was measured on
_NO_LOAD = 1e-6
_STANDARD_CELL = 25.0  # [degC] cell temperature of the nameplate


def plane_of_array(weather: Weather, tilt: float, azimuth: float, albedo: float) -> Floats:
    """Return the irradiance on a plane [W/m2], shape (N,).

    tilt: from the horizontal [deg]; azimuth: where it faces, clockwise from north [deg]; albedo of
    the ground [1]. Hay and Davies 1980 as pvlib has it; the sun stands as in the middle of the
    step.
    """
    beam, rest = _on_plane(weather, tilt, azimuth, albedo)
    return beam + rest


def _on_plane(
    weather: Weather, tilt: float, azimuth: float, albedo: float
) -> tuple[Floats, Floats]:
    """Return the direct and the other irradiance on a plane [W/m2]."""
    path = sun_path(weather.grid, weather.place)
    up = np.cos(np.radians(tilt))
    facing = np.maximum(_cos_incidence(path, tilt, azimuth), 0.0)
    ratio = facing / np.maximum(np.cos(np.radians(path.apparent_zenith)), _LOWEST_SUN)
    around_sun = weather.dni / path.extra_normal
    sky = weather.dhi * ((1 - around_sun) * (1 + up) / 2 + around_sun * ratio)
    ground = weather.ghi * albedo * (1 - up) / 2
    return weather.dni * facing, sky + ground


def _cos_incidence(path: SunPath, tilt: float, azimuth: float) -> Floats:
    """Return the cosine of the angle between the sun and the plane's normal."""
    zenith, slope = np.radians(path.apparent_zenith), np.radians(tilt)
    turn = np.radians(path.azimuth - azimuth)
    cos = np.cos(slope) * np.cos(zenith) + np.sin(slope) * np.sin(zenith) * np.cos(turn)
    return np.asarray(np.clip(cos, -1.0, 1.0), dtype=np.float64)


def let_in(cos_incidence: Floats) -> Floats:
    """Return the share of a beam that gets through the glass, relative to a square one [1].

    cos_incidence: cosine of the angle from the normal [1]; 0 from behind. Snell, Fresnel and
    Bouguer with refractive index 1.526, 2 mm of glass that takes 4 per m: De Soto et al. 2006,
    doi:10.1016/j.solener.2005.06.010, the form pvlib has.
    """
    cos = np.maximum(cos_incidence, 0.0)
    inside = np.sqrt(1 - (1 - cos**2) / _REFRACTION**2)
    across = ((cos - _REFRACTION * inside) / (cos + _REFRACTION * inside)) ** 2
    along = ((inside - _REFRACTION * cos) / (inside + _REFRACTION * cos)) ** 2
    square = 1 - ((1 - _REFRACTION) / (1 + _REFRACTION)) ** 2
    through = (1 - (across + along) / 2) * np.exp(-_GLASS / inside)
    return np.asarray(through / (square * np.exp(-_GLASS)), dtype=np.float64)


def cell_temperature(light: Floats, t_air: Floats, wind_speed: Floats) -> Floats:
    """Return the temperature of the cells [degC] (Faiman 2008, doi:10.1002/pip.813).

    light: on the plane [W/m2], t_air [degC], wind_speed [m/s]. Coefficients 25 W/(m2 K) and
    6.84 W s/(m3 K), as pvlib has them.
    """
    return np.asarray(t_air + light / (25.0 + 6.84 * wind_speed), dtype=np.float64)


def dc_power_pu(
    weather: Weather,
    tilt: float,
    azimuth: float,
    *,
    albedo: float,
    losses: float,
    temp_coeff: float,
) -> Floats:
    """Return the DC power of a field per unit of its nameplate [1], shape (N,), ≥ 0.

    tilt, azimuth [deg], albedo [1] as in `plane_of_array`; losses: share lost between cell and
    inverter (soiling, wires, mismatch) [1]; temp_coeff: change of power with cell temperature
    [1/K], negative. PVWatts version 5, Dobos 2014, doi:10.2172/1158421: glass reflects part of the
    beam that falls in aslant, heat takes power away.
    """
    path = sun_path(weather.grid, weather.place)
    beam, rest = _on_plane(weather, tilt, azimuth, albedo)
    light = beam * let_in(_cos_incidence(path, tilt, azimuth)) + rest
    warm = cell_temperature(light, weather.t_air, weather.wind_speed) - _STANDARD_CELL
    dc = light / _STANDARD_LIGHT * (1 + temp_coeff * warm) * (1 - losses)
    return np.asarray(np.maximum(dc, 0.0), dtype=np.float64)


def ac_power_pu(dc: Floats, inverter_efficiency: float) -> Floats:
    """Return what an inverter makes of `dc`, both per unit of the most DC it takes [1], shape (N,).

    Cut at the nominal efficiency [1]; worse at part load (PVWatts version 5, as in `dc_power_pu`).
    """
    load = np.maximum(dc, _NO_LOAD)
    efficiency = (
        inverter_efficiency / _REFERENCE_INVERTER * (0.9858 - 0.0162 * load - 0.0059 / load)
    )
    return np.asarray(np.clip(efficiency * dc, 0.0, inverter_efficiency), dtype=np.float64)


def pv_power_pu(
    weather: Weather,
    tilt: float,
    azimuth: float,
    *,
    albedo: float,
    losses: float,
    temp_coeff: float,
    inverter_efficiency: float,
) -> Floats:
    """Return the AC power of a field per unit of its DC nameplate [1], shape (N,), 0 to efficiency.

    `dc_power_pu` through an inverter as large as the field.
    """
    dc = dc_power_pu(weather, tilt, azimuth, albedo=albedo, losses=losses, temp_coeff=temp_coeff)
    return ac_power_pu(dc, inverter_efficiency)
