"""A load's forecast from its own history: the mean of like days at the same time of day."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
_THURSDAY = 3  # 1970-01-01
_SATURDAY = 5


def like_days(history: Floats, past: TimeGrid, ahead: TimeGrid, slots: int = 96) -> Floats:
    """Return what `history` (on `past`, any unit) lets expect at each step of `ahead`, shape (N,).

    Workdays are foreseen from workdays and rest days from rest days; where one of them is not in
    the history, from all days. A reading that is absent (NaN) does not count; where nothing counts
    the answer is NaN.
    """
    rest_past, at_past = _kind_of_day(past), _slot(past, slots)
    rest_ahead, at_ahead = _kind_of_day(ahead), _slot(ahead, slots)
    there = ~np.isnan(history)
    everything = _mean_by_slot(history, at_past, there, slots)
    found = np.full(len(ahead), np.nan)
    for rest in (False, True):
        like = _mean_by_slot(history, at_past, there & (rest_past == rest), slots)
        like = np.where(np.isnan(like), everything, like)
        found = np.where(rest_ahead == rest, like[at_ahead], found)
    return found


def _mean_by_slot(
    history: Floats, at: npt.NDArray[np.intp], use: npt.NDArray[np.bool_], slots: int
) -> Floats:
    count = np.bincount(at[use], minlength=slots)
    total = np.bincount(at[use], weights=history[use], minlength=slots)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _kind_of_day(grid: TimeGrid) -> npt.NDArray[np.bool_]:
    return (grid.local_day + _THURSDAY) % 7 >= _SATURDAY


def _slot(grid: TimeGrid, slots: int) -> npt.NDArray[np.intp]:
    return np.floor(grid.local_hour * (slots / 24.0)).astype(np.intp)
