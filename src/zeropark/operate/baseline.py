"""Baselines: what would have been taken without a call, by published methods, from days before it.

Powers are means of the intervals of a day [MW, use +], one row a day, the most recent last. No
method looks at the called interval itself or at anything after its begin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError
from zeropark.units.text import Text

Floats = npt.NDArray[np.float64]
_TOO_FEW = Text(
    "baseline '{method}' needs {need} days without a call before it; there are {there}",
    "基线“{method}”需要此前 {need} 个无调用日；现有 {there} 个",
)
# How far a same-day adjustment may go either way [1] [NAESB, as CAISO's day-of adjustment].
_MOST_ADJUSTED = 0.2
# Hours before a call that a method may look at [h].
_HOURS_BEFORE = 3
# Weight of a day in a baseline that rolls on, the days before it keep the rest [1] [ISO-NE].
_NEWEST = 0.1
_FIRST_MEAN, _NEAREST = 5, 3

# From days, the day's own intervals, which come before the call, and the called ones.
How = Callable[[Floats, Floats, slice, slice], Floats]


@dataclass(frozen=True)
class Method:
    """A baseline method. days: how many it needs. source: who published it. how: what it does."""

    title: Text
    days: int
    source: str
    how: How


def _mean(days: Floats, today: Floats, before: slice, called: slice) -> Floats:
    del today, before
    found: Floats = days[:, called].mean(axis=0)
    return found


def _adjusted(days: Floats, today: Floats, before: slice, called: slice) -> Floats:
    found, usual = _mean(days, today, before, called), float(days[:, before].mean())
    if before.stop <= before.start or usual <= 0.0:
        return found
    ratio = float(today[before].mean()) / usual
    return found * min(1.0 + _MOST_ADJUSTED, max(1.0 - _MOST_ADJUSTED, ratio))


def _kept(first: int, last: int | None) -> How:
    """Return the mean of some days in the order of what they took over the called intervals."""

    def how(days: Floats, today: Floats, before: slice, called: slice) -> Floats:
        order = np.argsort(days[:, called].mean(axis=1), kind="stable")
        return _mean(days[np.sort(order[first:last])], today, before, called)

    return how


def _matching(days: Floats, today: Floats, before: slice, called: slice) -> Floats:
    """Return the mean of the days whose hours before the call were nearest to this one's."""
    if before.stop <= before.start:
        return _mean(days, today, before, called)
    far = np.abs(days[:, before] - today[before]).mean(axis=1)
    return _mean(days[np.argsort(far, kind="stable")[:_NEAREST]], today, before, called)


def _regression(days: Floats, today: Floats, before: slice, called: slice) -> Floats:
    """Return each interval by a line through the days, from their mean before the call."""
    known = days[:, before].mean(axis=1) if before.stop > before.start else np.zeros(len(days))
    spread = known - known.mean()
    if float(spread @ spread) < _ALIKE:
        return _mean(days, today, before, called)
    slope = spread @ (days[:, called] - days[:, called].mean(axis=0)) / float(spread @ spread)
    shift = float(today[before].mean()) - float(known.mean())
    found: Floats = days[:, called].mean(axis=0) + slope * shift
    return found


def _rolling(days: Floats, today: Floats, before: slice, called: slice) -> Floats:
    found = _mean(days[:_FIRST_MEAN], today, before, called)
    for day in days[_FIRST_MEAN:]:
        found = (1.0 - _NEWEST) * found + _NEWEST * day[called]
    return found


# Days that differ by less before a call say nothing about it [MW²].
_ALIKE = 1e-12
METHODS: Mapping[str, Method] = {
    "mean_10": Method(Text("mean of ten days", "前十日均值"), 10, "CAISO 10-in-10", _mean),
    "mean_10_adjusted": Method(
        Text("mean of ten days, adjusted on the day", "前十日均值，当日修正"),
        10,
        "CAISO 10-in-10 with day-of adjustment of at most 20 %",
        _adjusted,
    ),
    "high_5_of_10": Method(
        Text("highest five of ten days", "十日取高五日"), 10, "NYISO high 5 of 10", _kept(5, None)
    ),
    "middle_4_of_6": Method(
        Text("middle four of six days", "六日取中四日"), 6, "middle 4 of 6", _kept(1, 5)
    ),
    "matching_3_of_10": Method(
        Text("the three most like days of ten", "十日中最相似三日"),
        10,
        "ERCOT matching day pair, with three days",
        _matching,
    ),
    "regression_10": Method(
        Text("line through ten days from the hours before", "以调用前负荷对十日回归"),
        10,
        "ERCOT statistical regression, with the load before the call alone",
        _regression,
    ),
    "rolling_10": Method(
        Text("rolling, a tenth of each new day", "滚动，新日占一成"),
        10,
        "ISO-NE 90/10 rolling baseline",
        _rolling,
    ),
}


def baseline(method: str, days: Floats, today: Floats, called: slice) -> Floats:
    """Return the baseline over the called intervals [MW], shape (called,).

    days: (days, intervals), without a call in them, none NaN. today: the day's intervals before the
    call. Raises `DataError` where there are too few days.
    """
    said = METHODS[method]
    if len(days) < said.days:
        text = _TOO_FEW.format(method=method, need=said.days, there=len(days))
        raise DataError("baseline_days", text)
    before = slice(max(0, called.start - _hours(days, _HOURS_BEFORE)), called.start)
    return said.how(days[-said.days :], today, before, called)


def _hours(days: Floats, hours: int) -> int:
    return max(1, round(int(days.shape[1]) * hours / 24))


def errors(days: Floats, called: slice) -> dict[str, float]:
    """Return each method's mean absolute error on days without a call, in shares of their mean.

    Every day that has enough before it is foretold from those. Methods that have too few are left
    out.
    """
    found = {}
    for name, said in METHODS.items():
        missed = [
            float(np.abs(baseline(name, days[:i], days[i], called) - days[i, called]).mean())
            for i in range(said.days, len(days))
        ]
        if missed:
            found[name] = float(np.mean(missed)) / max(float(np.abs(days[:, called]).mean()), 1e-9)
    return found


def best_method(days: Floats, called: slice) -> str:
    """Return the method with the least error on these days; raises `DataError` for too few."""
    found = errors(days, called)
    if not found:
        need = min(said.days for said in METHODS.values()) + 1
        raise DataError("baseline_days", _TOO_FEW.format(method="any", need=need, there=len(days)))
    return min(found, key=lambda name: (found[name], name))


def gaming(days: Floats, today: Floats, called: slice) -> float:
    """Return by how many deviations the hours before a call were above their usual [1].

    Who takes more just before a call lifts an adjusted baseline. Above 3 it is worth a look; NaN
    where nothing can be said.
    """
    before = slice(max(0, called.start - _hours(days, _HOURS_BEFORE)), called.start)
    if called.start == 0 or len(days) < 3:  # noqa: PLR2004 - a spread of two days says nothing
        return float("nan")
    usual = days[:, before].mean(axis=1)
    spread = float(usual.std(ddof=1))
    return (float(today[before].mean()) - float(usual.mean())) / max(spread, 1e-9)
