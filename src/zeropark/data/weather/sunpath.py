"""Where the sun stands: geometry only, from a time grid and a place.

pvlib is imported when first needed: it takes seconds, and cached results need none of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from zeropark.units.place import Place
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class SunPath:
    """The sun at N instants.

    zenith: true angle from the vertical [deg]; apparent_zenith: with refraction [deg];
    azimuth: clockwise from north [deg]; extra_normal: irradiance outside the air on a plane that
    faces the sun [W/m2]; day_of_year: 1 to 366, UTC. Shape (N,) each.
    """

    zenith: Floats
    apparent_zenith: Floats
    azimuth: Floats
    extra_normal: Floats
    day_of_year: Floats

    @cached_property
    def cos_zenith(self) -> Floats:
        """Cosine of the true zenith angle, 0 while the sun is below the horizon, shape (N,)."""
        return np.asarray(np.maximum(np.cos(np.radians(self.zenith)), 0.0), dtype=np.float64)

    @cached_property
    def extra_horizontal(self) -> Floats:
        """Irradiance outside the air on the horizontal [W/m2], shape (N,)."""
        return self.extra_normal * self.cos_zenith


def sun_at(instants: Times, place: Place) -> SunPath:
    """Return the sun at UTC `instants` (datetime64, shape (N,)) over `place`.

    NREL's SPA as pvlib has it, Reda and Andreas 2004, doi:10.1016/j.solener.2003.12.003; refraction at
    the standard pressure of the place's altitude. Extraterrestrial irradiance after Spencer 1971.
    """
    import pandas as pd  # noqa: PLC0415 - slow to import, see above
    from pvlib import irradiance, solarposition  # noqa: PLC0415 - slow to import, see above

    index = pd.DatetimeIndex(instants.astype("datetime64[s]")).tz_localize("UTC")
    found = solarposition.spa_python(index, place.latitude, place.longitude, place.altitude)
    days = instants.astype("datetime64[D]")
    day = (days - days.astype("datetime64[Y]")).astype(np.float64) + 1
    return SunPath(
        zenith=found["zenith"].to_numpy(dtype=np.float64),
        apparent_zenith=found["apparent_zenith"].to_numpy(dtype=np.float64),
        azimuth=found["azimuth"].to_numpy(dtype=np.float64),
        extra_normal=np.asarray(irradiance.get_extra_radiation(day), dtype=np.float64),
        day_of_year=day,
    )


@lru_cache(maxsize=8)
def sun_path(grid: TimeGrid, place: Place) -> SunPath:
    """Return the sun at the middle of each step of `grid`; computed once per grid and place."""
    return sun_at(grid.starts + half_steps(grid), place)


def half_steps(grid: TimeGrid) -> npt.NDArray[np.timedelta64]:
    """Return half of each step's length, timedelta64[s], shape (N,)."""
    return np.rint(grid.hours * 1800).astype("timedelta64[s]")
