"""What the sun gives: light on a tilted plane, and the power of photovoltaic modules under it.

pvlib is imported when first needed: it takes seconds, and cached results need none of it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zeropark.data.weather.sunpath import sun_path
from zeropark.data.weather.weather import Weather

Floats = npt.NDArray[np.float64]

_STANDARD_LIGHT = 1000.0  # [W/m2] irradiance of the nameplate (IEC 60904-3)
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
    from pvlib import irradiance  # noqa: PLC0415 - takes seconds to import

    path = sun_path(weather.grid, weather.place)
    parts = irradiance.get_total_irradiance(
        tilt,
        azimuth,
        path.apparent_zenith,
        path.azimuth,
        weather.dni,
        weather.ghi,
        weather.dhi,
        dni_extra=path.extra_normal,
        albedo=albedo,
        model="haydavies",
    )
    beam, rest = parts["poa_direct"], parts["poa_diffuse"]
    return np.asarray(beam, dtype=np.float64), np.asarray(rest, dtype=np.float64)


def cell_temperature(light: Floats, t_air: Floats, wind_speed: Floats) -> Floats:
    """Return the temperature of the cells [degC] (Faiman 2008, doi:10.1002/pip.813).

    light: on the plane [W/m2], t_air [degC], wind_speed [m/s]. Coefficients 25 W/(m2 K) and
    6.84 W s/(m3 K), as pvlib has them.
    """
    return np.asarray(t_air + light / (25.0 + 6.84 * wind_speed), dtype=np.float64)


def dc_power_pu(
    weather: Weather, tilt: float, azimuth: float, *, albedo: float, losses: float, temp_coeff: float
) -> Floats:
    """Return the DC power of a field per unit of its nameplate [1], shape (N,), ≥ 0.

    tilt, azimuth [deg], albedo [1] as in `plane_of_array`; losses: share lost between cell and inverter
    (soiling, wires, mismatch) [1]; temp_coeff: change of power with cell temperature [1/K], negative.
    PVWatts version 5, Dobos 2014, doi:10.2172/1158421: glass reflects part of the beam that falls in
    aslant, heat takes power away.
    """
    from pvlib import iam, irradiance  # noqa: PLC0415 - takes seconds to import

    path = sun_path(weather.grid, weather.place)
    beam, rest = _on_plane(weather, tilt, azimuth, albedo)
    slant = irradiance.aoi(tilt, azimuth, path.apparent_zenith, path.azimuth)
    light = beam * np.asarray(iam.physical(slant), dtype=np.float64) + rest
    warm = cell_temperature(light, weather.t_air, weather.wind_speed) - _STANDARD_CELL
    dc = light / _STANDARD_LIGHT * (1 + temp_coeff * warm) * (1 - losses)
    return np.asarray(np.maximum(dc, 0.0), dtype=np.float64)


def ac_power_pu(dc: Floats, inverter_efficiency: float) -> Floats:
    """Return what an inverter makes of `dc`, both per unit of the most DC it takes [1], shape (N,).

    Cut at the nominal efficiency [1]; worse at part load (PVWatts version 5, as in `dc_power_pu`).
    """
    from pvlib import inverter  # noqa: PLC0415 - takes seconds to import

    ac = inverter.pvwatts(dc, 1.0, eta_inv_nom=inverter_efficiency)
    return np.asarray(np.maximum(ac, 0.0), dtype=np.float64)


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
