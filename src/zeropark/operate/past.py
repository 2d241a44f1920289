"""What was before a run where a person's file does not say: like days of the file, or a profile."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import Finding
from zeropark.data.series import UserSeries
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
_WEEK, _DAY = 168.0, 24.0
_PART = Text(
    "{file} holds {days:.1f} of the {all:.0f} days before the run; the others repeat them",
    "{file} 含运行前 {all:.0f} 天中的 {days:.1f} 天；其余各天重复这些天",
)
_NONE = Text(
    "{file} holds nothing of the days before the run; the park file's profile, at the level of the "
    "file's first value, stands for them",
    "{file} 不含运行前的数据；以园区文件的曲线按文件首值的水平代替",
)
_FIRST_DAY = Text(
    "{file} holds nothing of the days before the run; its first day stands for them",
    "{file} 不含运行前的数据；以其首日代替",
)


def with_past(
    series: UserSeries,
    whole: TimeGrid,
    run: TimeGrid,
    typical: Floats | None = None,
    published: int = 0,
) -> tuple[Floats, list[Finding]]:
    """Return a series on the whole grid; the run must be covered, the past before it need not be.

    What the file does not say of the past is repeated from what it does, by whole weeks or days. Of
    the run itself only its first value is used for that, and what was `published` of it when it
    began [steps]. typical: what stands for the past of a file that begins with the run, (N,) of
    `whole`, at the level of that first value. Raises `DataError` or `ParkError` where the run is
    not covered.
    """
    first = len(whole) - len(run)
    values = np.concatenate([_covered(series, whole.window(0, first)), series.on_grid(run)])
    known = ~np.isnan(values[:first])
    if known.all():
        return values, []
    _repeat(values, first, first + published, whole.step_hours)
    if np.isnan(values[:first]).all():
        values[:first] = _like(typical, values[first], first)
    at = np.arange(first)
    there = ~np.isnan(values[:first])
    values[:first] = np.interp(at, at[there], values[:first][there])
    return values, [_finding(series.file, whole.hours[:first], known, published)]


def _repeat(values: Floats, first: int, known: int, step: float) -> None:
    """Fill gaps before step `first` with what was a week or a day later, before step `known`."""
    for hours in (_WEEK, _DAY):
        back = round(hours / step)
        for i in range(first - 1, -1, -1):
            if np.isnan(values[i]) and i + back < known:
                values[i] = values[i + back]


def _like(typical: Floats | None, value: float, first: int) -> Floats:
    """Return a typical past at the level of a first value; that value where there is none."""
    if typical is None or np.isnan(typical[: first + 1]).any():
        return np.full(first, value)
    scale = value / typical[first] if value > 0 and typical[first] > 0 else 1.0
    return typical[:first] * scale


def _finding(file: str, hours: Floats, known: npt.NDArray[np.bool_], published: int) -> Finding:
    if known.any():
        days = {"days": float(hours[known].sum()) / _DAY, "all": float(hours.sum()) / _DAY}
        return Finding("past_repeated", _PART.format(file=file, **days))
    text = _FIRST_DAY if published else _NONE
    return Finding("past_unknown", text.format(file=file))


def _covered(series: UserSeries, grid: TimeGrid) -> Floats:
    """Return the series where the file holds the grid's steps, NaN elsewhere."""
    held = _held(series, grid)
    found = np.full(len(grid), np.nan)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], held, [False]]).astype(int)))
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        found[first:last] = series.on_grid(grid.window(first, last))
    return found


def _held(series: UserSeries, grid: TimeGrid) -> npt.NDArray[np.bool_]:
    """Return which steps of the grid lie wholly in the file and in none of its gaps."""
    ends = grid.starts + np.rint(grid.hours * 3600).astype("timedelta64[s]")
    inside = (grid.starts >= series.starts[0]) & (ends <= series.end)
    for first, last in series.gaps():
        inside &= (ends <= first) | (grid.starts >= last)
    return np.asarray(inside)
