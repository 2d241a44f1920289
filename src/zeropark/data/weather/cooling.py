"""When cold air cools for free: shares of the cooling each way can do, from the weather alone.

A share is 0 to 1 per step: of the heat a hall gives off, how much the way can carry without a
compressor. Limits are the caller's; nothing here knows a standard.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def direct_air(
    t_air: Floats, t_dew: Floats, *, t_air_max: float, t_dew_max: float | None = None
) -> Floats:
    """Return 1 where outside air may be blown into the hall, else 0, shape (N,).

    t_air, t_dew [degC]; t_air_max: the supply limit less what the fan adds [degC]; t_dew_max: the
    moisture limit [degC], None for none. Air that is too cold is mixed with the hall's own.
    """
    fits = t_air <= t_air_max
    if t_dew_max is not None:
        fits &= t_dew <= t_dew_max
    return fits.astype(np.float64)


def indirect(
    t_outside: Floats, *, effectiveness: float, t_return: float, t_supply: float
) -> Floats:
    """Return the share of the cooling an air-to-air exchanger does, shape (N,).

    t_outside: of the outside air [degC]; dry-bulb for a dry exchanger, wet-bulb for a sprayed one.
    effectiveness [1]; t_return, t_supply: hall air into and out of the exchanger [degC]. The
    exchanger cools by effectiveness x (t_return - t_outside); 1 where that reaches `t_supply`.
    """
    reached = effectiveness * (t_return - t_outside) / (t_return - t_supply)
    return np.clip(reached, 0.0, 1.0)


def waterside(t_wet: Floats, *, approach: float, t_supply: float, t_return: float) -> Floats:
    """Return the share of the cooling a tower with a plate exchanger does, shape (N,).

    t_wet [degC]; approach: of tower and exchanger together [K]; t_supply, t_return: the chilled
    water's [degC]. 1 where t_wet + approach is at or below `t_supply`, 0 from `t_return` on.
    """
    return np.clip((t_return - t_wet - approach) / (t_return - t_supply), 0.0, 1.0)


def free_hours(share: Floats, hours: Floats) -> float:
    """Return for how long the way does all of the cooling [h]; hours: step lengths [h]."""
    return float(hours[share >= 1.0].sum())


def free_days(share: Floats, local_day: npt.NDArray[np.int64]) -> int:
    """Return on how many local days the way does all of the cooling in every step."""
    _, where = np.unique(local_day, return_inverse=True)
    return int((np.bincount(where, share < 1.0) == 0).sum())
