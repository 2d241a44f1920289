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


@dataclass(frozen=True)
class Method:
    """A baseline method. days: how many it looks back. of: how many of these it keeps.

    pick: which it keeps: the highest, the middle ones or all. source: who published it. adjusted:
    whether it is scaled by what the hours before the call showed.
    """

    title: Text
    days: int
    of: int
    pick: str
    source: str
    adjusted: bool = False


METHODS: Mapping[str, Method] = {
    "mean_10": Method(
        Text("mean of ten days", "前十日均值"), 10, 10, "all", "CAISO 10-in-10, unadjusted"
    ),
    "mean_10_adjusted": Method(
        Text("mean of ten days, adjusted on the day", "前十日均值，当日修正"),
        10,
        10,
        "all",
        "CAISO 10-in-10 with day-of adjustment of at most 20 %",
        adjusted=True,
    ),
    "high_5_of_10": Method(
        Text("highest five of ten days", "十日取高五日"), 10, 5, "high", "NYISO high 5 of 10"
    ),
    "middle_4_of_6": Method(
        Text("middle four of six days", "六日取中四日"), 6, 4, "middle", "middle 4 of 6"
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
    recent = days[-said.days :]
    order = np.argsort(recent[:, called].mean(axis=1), kind="stable")
    kept = _PICKS[said.pick](order, said.of)
    mean: Floats = recent[np.sort(kept)].mean(axis=0)
    found = mean[called]
    if said.adjusted and called.start > 0:
        before = slice(max(0, called.start - _hours(days, 3)), called.start)
        usual = float(mean[before].mean())
        if usual > 0.0 and len(today[before]):
            ratio = float(today[before].mean()) / usual
            found = found * min(1.0 + _MOST_ADJUSTED, max(1.0 - _MOST_ADJUSTED, ratio))
    return found


def _hours(days: Floats, hours: int) -> int:
    return max(1, round(int(days.shape[1]) * hours / 24))


_PICKS: Mapping[str, Callable[[npt.NDArray[np.intp], int], npt.NDArray[np.intp]]] = {
    "all": lambda order, of: order[:of],
    "high": lambda order, of: order[-of:],
    "middle": lambda order, of: order[(len(order) - of) // 2 :][:of],
}


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
            found[name] = float(np.mean(missed)) / max(float(days[:, called].mean()), 1e-9)
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
    before = slice(max(0, called.start - _hours(days, 3)), called.start)
    if called.start == 0 or len(days) < 3:  # noqa: PLR2004 - a spread of two days says nothing
        return float("nan")
    usual = days[:, before].mean(axis=1)
    spread = float(usual.std(ddof=1))
    return (float(today[before].mean()) - float(usual.mean())) / max(spread, 1e-9)
