"""A forecast corrected by the last reading: what is so now is likely to stay so for a while."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# How much of the last error is left after an hour [1].
KEEPS = 0.55


def correct(forecast: Floats, expected: Floats, measured: Floats, hours: Floats) -> Floats:
    """Return the forecast scaled by the last reading over what was expected of it, fading with lead.

    forecast: (members, N). expected, measured: of the step just over, (members,). hours: [h], (N,).
    A member with no reading (NaN), or with nothing expected, keeps its forecast.
    """
    known = (
        np.isfinite(measured)
        & (expected > 0.02 * forecast.max(axis=1, initial=0.0))
        & (expected > 0)
    )
    ratio = np.where(known, measured / np.where(known, expected, 1.0), 1.0)
    ratio = np.clip(ratio, 0.2, 3.0)
    fade = KEEPS ** (np.cumsum(hours) - hours / 2)
    return forecast * (1.0 + (ratio[:, None] - 1.0) * fade[None, :])


def hold(forecast: Floats, measured: Floats, hours: Floats, lasts: float) -> Floats:
    """Return the forecast, no higher than what is measured now for the next `lasts` [h].

    forecast: (members, N). measured: of now, (members,); NaN where there is no reading. hours: [h], (N,).
    """
    soon = np.cumsum(hours) - hours < lasts
    cap = np.where(np.isnan(measured), np.inf, measured)[:, None]
    return np.where(soon[None, :], np.minimum(forecast, cap), forecast)
