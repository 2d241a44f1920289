"""Days before a call, from the ledger, and which published method foretells them best."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from zeropark.operate.baseline import METHODS, baseline, errors, gaming
from zeropark.operate.lived import Meters

Floats = npt.NDArray[np.float64]
_DAY = 86_400.0
# How far back days are looked for, and how many of them are taken.
_LOOK_BACK, _MOST = 45, 20
_FRIDAY = 4
PLAN = "plan"
"""The baseline where too few days are known: what the plan at the award reckoned with."""
GAMED_FROM = 3.0
"""From so many deviations above the usual the hours before a call look gamed [1]."""


@dataclass(frozen=True)
class Usual:
    """Days like the call's, and the call's day up to its begin.

    days: (days, steps), oldest first, whole and without a call. today: (steps,), NaN from the
    call's begin on and where nobody metered. called: steps of the call. errors: of each method that
    has enough days [1 of the mean]. method: of least error; `plan` where no method has enough.
    """

    days: Floats
    today: Floats
    called: slice
    errors: dict[str, float] = field(default_factory=dict)
    method: str = PLAN

    def baseline(self, method: str, planned: Floats) -> Floats:
        """Return a method's baseline over the call [MW]; `planned` for the plan's."""
        if method == PLAN or len(self.days) < METHODS[method].days:
            return planned
        known = np.where(np.isfinite(self.today), self.today, self.days.mean(axis=0))
        return baseline(method, self.days, known, self.called)

    @property
    def gamed(self) -> float:
        """Return by how many deviations the hours before the call were above their usual [1]."""
        if not len(self.days) or np.isnan(self.today[: self.called.start]).any():
            return float("nan")
        return gaming(self.days, self.today, self.called)


def usual(
    meters: Meters,
    asset: str,
    span: tuple[float, float],
    step: float,
    zone: str,
    taken: Sequence[tuple[float, float]],
) -> Usual:
    """Return the days before a call at a tie.

    span: begin and end of the call [POSIX s]. step: of plans [s]. taken: spans of other calls;
    their days are left out. Days are of one sort with the call's: Monday to Friday, or the rest.
    """
    place, (begin, end) = ZoneInfo(zone), span
    midnight = _midnight(begin, place)
    width = round(_DAY / step) * (1 if end <= midnight + _DAY else 2)
    first = midnight - _LOOK_BACK * _DAY
    count = round((midnight + _DAY * 2 - first) / step)
    values = meters.means(asset, "p", first, count, step)
    sort = _workday(begin, place)
    rows = []
    for back in range(_LOOK_BACK, 0, -1):
        start = midnight - back * _DAY
        at = round((start - first) / step)
        row = values[at : at + width]
        ends = start + width * step
        free = not any(b < ends and start < e for b, e in taken)
        if _workday(start, place) == sort and free and ends <= begin and np.isfinite(row).all():
            rows.append(row)
    days = np.array(rows[-_MOST:]).reshape(-1, width)
    called = slice(round((begin - midnight) / step), round((end - midnight) / step))
    at = round((midnight - first) / step)
    today = values[at : at + width].copy()
    today[called.start :] = np.nan
    found = errors(days, called)
    method = min(found, key=lambda name: (found[name], name)) if found else PLAN
    return Usual(days, today, called, found, method)


def _midnight(at: float, zone: ZoneInfo) -> float:
    local = dt.datetime.fromtimestamp(at, zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _workday(at: float, zone: ZoneInfo) -> bool:
    return dt.datetime.fromtimestamp(at, zone).weekday() <= _FRIDAY
