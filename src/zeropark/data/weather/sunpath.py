"""Where the sun stands: geometry only, from a time grid and a place.

A rolling horizon asks for nearly the same instants at every step, and the next run for the same
ones again; so positions are made in blocks of days, kept in memory and in the cache. Only making a
block imports pvlib, which takes seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zeropark.data.cache import Arrays, cached
from zeropark.units.place import Place
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
Seconds = npt.NDArray[np.int64]

_BLOCK = 64 * 86400  # [s] 64 days: a year is six blocks, and most step lengths divide it
_NAMES = ("zenith", "apparent_zenith", "azimuth", "extra_normal", "day_of_year")


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


@lru_cache(maxsize=8)
def sun_path(grid: TimeGrid, place: Place) -> SunPath:
    """Return the sun at the middle of each step of `grid` over `place`."""
    lengths = np.rint(grid.hours * 3600).astype(np.int64)
    middles = grid.starts.astype("datetime64[s]").astype(np.int64) + lengths // 2
    found = np.empty((len(_NAMES), len(grid)))
    # Not `np.unique`, here and below: its first call imports masked arrays, which takes long.
    for length in sorted(set(lengths.tolist())):
        of_it = np.flatnonzero(lengths == length)
        found[:, of_it] = sun_at(middles[of_it], int(length), place)
    return SunPath(*found)


def sun_at(instants: Seconds, step: int, place: Place) -> Floats:
    """Return the fields of `SunPath` at `instants` [s since 1970 UTC] in rows, shape (5, N).

    step: all instants are whole multiples of it apart [s].
    """
    if _BLOCK % step:
        return _positions(instants, place)
    block, inside = np.divmod(instants, _BLOCK)
    phase = int(inside[0] % step)
    assert np.all(inside % step == phase), "instants stand whole steps apart"
    at = (inside - phase) // step
    found = np.empty((len(_NAMES), len(instants)))
    for number in sorted(set(block.tolist())):
        here = block == number
        found[:, here] = _block(number, step, phase, place)[:, at[here]]
    return found


@lru_cache(maxsize=32)
def _block(number: int, step: int, phase: int, place: Place) -> Floats:
    def make() -> Arrays:
        instants = number * _BLOCK + phase + np.arange(_BLOCK // step, dtype=np.int64) * step
        return {"sun": _positions(instants, place)}

    code = (Path(__file__),)
    return np.asarray(cached(("sun", number, step, phase, place), make, code=code)["sun"])


def _positions(instants: Seconds, place: Place) -> Floats:
    """Return the fields of `SunPath` at `instants` in rows.

    NREL's SPA as pvlib has it, Reda and Andreas 2004, doi:10.1016/j.solener.2003.12.003; refraction
    at the standard pressure of the place's altitude. Irradiance outside the air after Spencer 1971.
    """
    import pandas as pd  # noqa: PLC0415 - slow to import, see above
    from pvlib import irradiance, solarposition  # noqa: PLC0415 - slow to import, see above

    times = instants.astype("datetime64[s]")
    index = pd.DatetimeIndex(times).tz_localize("UTC")
    found = solarposition.spa_python(index, place.latitude, place.longitude, place.altitude)
    angles = [found[name].to_numpy(dtype=np.float64) for name in _NAMES[:3]]
    days = times.astype("datetime64[D]")
    day = (days - days.astype("datetime64[Y]")).astype(np.float64) + 1
    return np.stack([*angles, irradiance.get_extra_radiation(day), day])
