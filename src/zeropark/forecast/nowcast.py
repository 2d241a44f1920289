"""A forecast corrected by the last reading: what is so now is likely to stay so for a while."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# How much of an error is left after an hour [1]: forecasts err for hours, clouds pass in minutes,
# and the mean of an hour's readings is still partly clouds.
KEEPS = 0.5
# How much of what the last hour showed is error, and not clouds that are over [1].
GAIN = 0.5
_HARDLY = 0.03


def correct(forecast: Floats, expected: Floats, measured: Floats, hours: Floats) -> Floats:
    """Return the forecast scaled by what was read over what was expected of it, fading with lead.

    forecast: (members, N). expected, measured: of the last steps, (steps, members), NaN where there
    is no reading. hours: of the forecast's steps [h], (N,). A member with no reading, or of which
    next to nothing was expected, keeps its forecast.
    """
    there = np.isfinite(measured)
    shown = np.where(there, measured, 0.0).sum(axis=0)
    meant = np.where(there, expected, 0.0).sum(axis=0)
    known = meant > 0.02 * forecast.max(axis=1, initial=0.0) * np.maximum(1, there.sum(axis=0))
    ratio = np.where(known, shown / np.where(known, meant, 1.0), 1.0)
    ratio = np.clip(ratio, 0.2, 3.0)
    fade = KEEPS ** (np.cumsum(hours) - hours / 2)
    # What hardly changes is left alone: a warm plan then has little to move.
    fade = np.where(fade < _HARDLY, 0.0, fade)
    return forecast * (1.0 + (ratio[:, None] - 1.0) * GAIN * fade[None, :])


def hold(forecast: Floats, measured: Floats, hours: Floats, lasts: float) -> Floats:
    """Return the forecast, no higher than what is measured now for the next `lasts` [h].

    forecast: (members, N). measured: of now, (members,); NaN where there is no reading.
    hours: [h], (N,).
    """
    soon = np.cumsum(hours) - hours < lasts
    cap = np.where(np.isnan(measured), np.inf, measured)[:, None]
    return np.where(soon[None, :], np.minimum(forecast, cap), forecast)
