"""Global irradiance into direct and diffuse, and whether a file's three fit each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zeropark.data.weather.sunpath import SunPath

Floats = npt.NDArray[np.float64]


def split_global(ghi: Floats, path: SunPath) -> tuple[Floats, Floats]:
    """Return direct normal and diffuse horizontal irradiance [W/m2] of global `ghi` [W/m2].

    Erbs, Klein and Duffie 1982, doi:10.1016/0038-092X(82)90302-4, as pvlib has it: from 87 deg
    zenith on, all of it is diffuse. A beam never exceeds the one outside the air; the rest is
    diffuse.
    """
    from pvlib import irradiance  # noqa: PLC0415 - takes seconds to import

    parts = irradiance.erbs(ghi, path.zenith, path.day_of_year)
    direct = np.asarray(parts["dni"], dtype=np.float64)
    diffuse = np.asarray(parts["dhi"], dtype=np.float64)
    much = direct > path.extra_normal
    kept = np.where(much, path.extra_normal, direct)
    return kept, np.where(much, ghi - kept * path.cos_zenith, diffuse)


def closure(ghi: Floats, dni: Floats, dhi: Floats, path: SunPath) -> float:
    """Return (direct on the horizontal + diffuse) over global, as sums of the series [1].

    Measured or modelled well it is 1; NaN where there is no global irradiance.
    """
    total = float(ghi.sum())
    if total <= 0:
        return float("nan")
    return float((dni * path.cos_zenith + dhi).sum()) / total
