"""Random sequences for a year that repeats, and the calendar they live on.

A year has 365 days of 96 quarter-hours. Sequences close on themselves: 31 December leads into
1 January, so that a typical year can follow itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

DAYS = 365
QUARTERS = 96
_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTH_OF_DAY: Indices = np.repeat(np.arange(12), _MONTH_LENGTHS)
_MONTH_MEANS: Floats = (
    np.equal.outer(np.arange(12), MONTH_OF_DAY) / np.array(_MONTH_LENGTHS)[:, None]
)


def autoregression(shocks: Floats, lag: float) -> Floats:
    """Return x with x[i] = lag · x[i-1] + shocks[i] around the closed year, any length."""
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(len(shocks)))
    closed = np.fft.irfft(np.fft.rfft(shocks) / (1 - lag * turn), len(shocks))
    return np.asarray(closed, dtype=np.float64)


def noise(rng: np.random.Generator, count: int, lag: float) -> Floats:
    """Return a standard normal sequence whose neighbours correlate by `lag`."""
    own = math.sqrt(1 - lag**2)
    return autoregression(rng.standard_normal(count), lag) * own


def quarter_lag(hour_lag: float) -> float:
    """Return the lag between quarter-hours that gives their hourly means the lag `hour_lag`."""
    lag = np.linspace(0.0, 0.9999, 10_000)
    next_hour = sum((4 - abs(4 - k)) * lag**k for k in range(1, 8))
    same_hour = 4 + 2 * (3 * lag + 2 * lag**2 + lag**3)
    return float(np.interp(hour_lag, next_hour / same_hour, lag))


@lru_cache(maxsize=1)
def _month_to_day() -> Floats:
    """Return the matrix (365, 12) of straight lines between the middles of the months."""
    ends = np.cumsum(_MONTH_LENGTHS)
    middles = ends - np.array(_MONTH_LENGTHS) / 2
    day = np.arange(DAYS) + 0.5
    unit = np.eye(12)
    return np.stack([np.interp(day, middles, row, period=DAYS) for row in unit], axis=1)


def between_months(values: Floats) -> Floats:
    """Return monthly `values` (12, …) on each day (365, …), straight from middle to middle."""
    return np.asarray(_month_to_day() @ values, dtype=np.float64)


def season(monthly: Floats) -> Floats:
    """Return a value for each day (365,) whose means over the months are `monthly` (12,)."""
    nodes = np.asarray(np.linalg.solve(_MONTH_MEANS @ _month_to_day(), monthly), dtype=np.float64)
    return between_months(nodes)


def month_means(daily: Floats) -> Floats:
    """Return the mean of each month (12,) of a value for each day (365,)."""
    return np.asarray(_MONTH_MEANS @ daily, dtype=np.float64)


def standardised(daily: Floats) -> Floats:
    """Return `daily` with a mean of 0 in every month and a standard deviation of 1 in the year."""
    centred = daily - season(month_means(daily))
    return np.asarray(centred / centred.std(), dtype=np.float64)


def quarters(daily: Floats) -> Floats:
    """Return a value for each quarter-hour (35040,) that is continuous and has the days' means."""
    # A line from noon to noon averages to 1/8, 3/4, 1/8 of three days; undo that first.
    blur = 0.75 + 0.25 * np.cos(2 * np.pi * np.fft.rfftfreq(DAYS))
    nodes = np.fft.irfft(np.fft.rfft(daily) / blur, DAYS)
    middle = (np.arange(DAYS * QUARTERS) + 0.5) / QUARTERS
    return np.interp(middle, np.arange(DAYS) + 0.5, nodes, period=DAYS)


def by_rank(drivers: Floats, month: Indices, quantile: Callable[[int, Floats], Floats]) -> Floats:
    """Return a sequence ordered in time as `drivers`, distributed in each month as wanted.

    drivers, month: shape (N,). quantile(m, u): the wanted quantiles of month m (0 to 11) at levels
    u. Levels are evenly spread, so that every month has its distribution, not a sample of it.
    """
    result = np.empty(len(drivers))
    for m in range(12):
        where = np.flatnonzero(month == m)
        order = where[np.argsort(drivers[where], kind="stable")]
        result[order] = quantile(m, (np.arange(len(where)) + 0.5) / len(where))
    return result


def beta_quantile(u: Floats, mean: float, std: float, low: float, high: float) -> Floats:
    """Return the quantiles at levels `u` of the Beta distribution on [low, high].

    Its mean and standard deviation are those given; integrated numerically on 4000 points.
    """
    m, v = (mean - low) / (high - low), (std / (high - low)) ** 2
    total = m * (1 - m) / v - 1
    if total <= 0:
        raise ValueError("the standard deviation does not fit between the bounds")
    x = (np.arange(4000) + 0.5) / 4000
    log_density = (m * total - 1) * np.log(x) + ((1 - m) * total - 1) * np.log1p(-x)
    mass = np.cumsum(np.exp(log_density - log_density.max()))
    return np.asarray(low + (high - low) * np.interp(u, mass / mass[-1], x), dtype=np.float64)


def weibull_quantile(u: Floats, shape: float, scale: float) -> Floats:
    """Return the quantiles at levels `u` of the Weibull distribution."""
    return np.asarray(scale * (-np.log1p(-u)) ** (1 / shape), dtype=np.float64)
