"""A market price ahead: as published for the next day, beyond it as on like days of the past."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zeropark.data.published import fact
from zeropark.forecast.profile import like_days
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]


def published_steps(ahead: TimeGrid) -> int:
    """Return of how many steps of `ahead` a day-ahead price is known at its start.

    Those of the local day in which it starts, and from the hour of publication on those of the
    next.
    """
    today = int(ahead.local_day[0])
    day = np.datetime64(today, "D").item()
    out = fact("day_ahead_publication", day).in_unit("h")
    last = today + int(float(ahead.local_hour[0]) >= out)
    return int((ahead.local_day <= last).sum())


def foresee_price(history: Floats, past: TimeGrid, truth: Floats, ahead: TimeGrid) -> Floats:
    """Return a day-ahead price as one may know it at the start of `ahead` [CNY/MWh], shape (N,).

    history: on `past`, which ends where `ahead` starts. truth: on `ahead`; of it only what is
    published is looked at.
    """
    known = published_steps(ahead)
    told = truth[:known]
    if known == len(ahead):
        return told
    seen = TimeGrid(past.start, np.concatenate([past.hours, ahead.hours[:known]]), past.zone)
    rest = like_days(np.concatenate([history, told]), seen, ahead.window(known, len(ahead)))
    return np.concatenate([told, rest])
