"""The series of a run as the page draws them: the columns it needs, thinned where too many.

Times are hours since the run's first step, so that days of 23 and 25 hours keep their length; the
clock of the park stands beside them. An absent value stays absent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zeropark.faces.report.shown import instant, short_day
from zeropark.units.timegrid import to_local

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int_]

_HOURLY_FROM = np.timedelta64(14, "D")
_DAILY_FROM = np.timedelta64(60, "D")
_DIGITS = 5
_DAY_MINUTES = 1440.0
_SHORTEST_DAY_MINUTES = 1380.0


@dataclass(frozen=True)
class Curves:
    """One run's series on one grid.

    starts: of each step, UTC, (N,); end: of the last. zone: the park's. recorded: steps of the run
    itself that the file holds, before thinning. expected: steps that the run asked for.
    columns: policy -> column -> values (N,), NaN where absent.
    """

    starts: Times
    end: np.datetime64
    zone: str
    recorded: int
    expected: int
    columns: Mapping[str, Mapping[str, Floats]]

    @property
    def hours(self) -> Floats:
        """Hours from the first step to the start of each, and to the end of the last, (N + 1,)."""
        found: Floats = (self._edges() - self.starts[0]) / np.timedelta64(3600, "s")
        return found

    @property
    def local(self) -> Times:
        """The park's clock at each step's start and at the end of the last, (N + 1,)."""
        return to_local(self._edges(), self.zone)

    @property
    def minutes(self) -> float:
        """Length of the first step [min]; a day counts 1,440 also where it has 23 or 25 hours."""
        length = float(self.hours[1] * 60)
        return _DAY_MINUTES if length >= _SHORTEST_DAY_MINUTES else length

    def get(self, policy: str, *names: str) -> Floats | None:
        """Return the first of the columns `names` that `policy` has; None where it has none."""
        there = self.columns.get(policy, {})
        return next((there[name] for name in names if name in there), None)

    def _edges(self) -> Times:
        return np.append(self.starts, self.end)


def read_curves(path: Path, run: Mapping[str, Any]) -> Curves:
    """Read the columns of `series.parquet` that the page draws.

    path: the file. run: what `run.json` holds. Runs longer than 14 days are thinned
    to hourly means: an hour is absent where any of its steps is. Columns are read and thinned one
    by one, so that a year is never whole in memory.
    """
    length = np.timedelta64(round(float(run["step_minutes"]) * 60), "s")
    zone = run["place"]["zone"]
    with pq.ParquetFile(path) as file:
        wanted = [name for name in file.schema_arrow.names if _is_drawn(name)]
        times = _times(file, dict.fromkeys([run["policy"], "rules"]))
        if not times:
            starts: Times = np.array([], dtype="datetime64[s]")
            return Curves(starts, np.datetime64("NaT"), zone, 0, 0, {})
        own = next(iter(times.values()))[1]
        starts = np.arange(own.min(), own.max() + length, length)
        places = {
            policy: (rows, ((at - starts[0]) // length).astype(int))
            for policy, (rows, at) in times.items()
        }
        hour = np.timedelta64(3600, "s")
        long = len(starts) * length > _HOURLY_FROM and length < hour
        firsts = np.arange(0, len(starts), int(hour // length) if long else 1)
        columns = _columns(file, wanted, places, len(starts), firsts if long else None)
    end = np.datetime64(instant(run["end"]).replace(tzinfo=None), "s")
    expected = round((end - starts[0]) / length)
    return Curves(starts[firsts], starts[-1] + length, zone, len(own), expected, columns)


def _times(file: pq.ParquetFile, policies: Iterable[str]) -> dict[str, tuple[Ints, Times]]:
    """Return the rows of each policy that is there, and their times."""
    table = file.read(columns=["policy", "at"])
    found = {}
    for policy in policies:
        rows = np.flatnonzero(pc.equal(table["policy"], policy).to_numpy())
        if len(rows):
            at = table["at"].take(pa.array(rows)).cast(pa.timestamp("s", tz="UTC"))
            found[policy] = rows, at.to_numpy().astype("datetime64[s]")
    return found


def _columns(
    file: pq.ParquetFile,
    names: Sequence[str],
    places: Mapping[str, tuple[Ints, Ints]],
    count: int,
    firsts: Ints | None,
) -> dict[str, dict[str, Floats]]:
    """Return each policy's columns on the grid of `count` steps, thinned where `firsts` says so."""
    found: dict[str, dict[str, Floats]] = {policy: {} for policy in places}
    for name in names:
        every = file.read(columns=[name])[name].to_numpy().astype(float)
        for policy, (rows, at) in places.items():
            column = _on_grid(name, every[rows], at, count)
            if column is not None:
                found[policy][name] = column if firsts is None else _one_each(name, column, firsts)
    return found


def by_day(curves: Curves) -> Curves:
    """Return the daily means of a long run, by the park's days; one of up to 60 days as it is."""
    if curves.end - curves.starts[0] <= _DAILY_FROM:
        return curves
    days = curves.local[:-1].astype("datetime64[D]")
    return thinned(curves, np.flatnonzero(np.diff(days, prepend=days[:1] - 1)))


def thinned(curves: Curves, firsts: Ints) -> Curves:
    """Return one value per group of steps; `firsts` are the indices at which the groups begin.

    The mean; of a code the one that stood longest. A group with an absent value is absent.
    """
    columns = {
        policy: {name: _one_each(name, values, firsts) for name, values in each.items()}
        for policy, each in curves.columns.items()
    }
    return replace(curves, starts=curves.starts[firsts], columns=columns)


def _one_each(name: str, values: Floats, firsts: Ints) -> Floats:
    if name.endswith("/cooling_mode"):
        return np.array([_most_frequent(part) for part in np.split(values, firsts[1:])])
    counts = np.diff(np.append(firsts, len(values)))
    return np.asarray(np.add.reduceat(values, firsts) / counts)


def year_map(curves: Curves, values: Floats) -> dict[str, Any]:
    """Return hourly values as a map of days by hours of the park's clock.

    first: the first day, as minutes of its midnight. cells: [day, hour, value] with None where
    absent; an hour that the clock leaves out has no cell, one that it doubles the later value.
    """
    local = curves.local[:-1]
    midnight = local.astype("datetime64[D]")
    day = (midnight - midnight[0]).astype(int)
    hour = ((local - midnight) // np.timedelta64(3600, "s")).astype(int)
    cells = zip(day.tolist(), hour.tolist(), plain(values) or [], strict=True)
    first = int(midnight[0].astype("datetime64[m]").astype(int))
    return {"first": first, "days": int(day[-1]) + 1, "cells": [list(cell) for cell in cells]}


def ticks(curves: Curves) -> list[dict[str, Any]]:
    """Return where the time axis has labels: at [h], en, zh, bold."""
    local, hours = curves.local, curves.hours
    days = hours[-1] / 24
    seconds = (local - local.astype("datetime64[D]")) // np.timedelta64(1, "s")
    midnight = seconds == 0
    if days <= 3.2:  # noqa: PLR2004 - three days and the hour that a clock change adds
        every = 3 if days <= 1.1 else 6  # noqa: PLR2004 - as above
        at = np.flatnonzero(seconds.astype(int) % (every * 3600) == 0)
    elif days <= 120:  # noqa: PLR2004 - beyond it, months
        at = np.flatnonzero(midnight)
        at = at[:: max(1, round(len(at) / 12))]
    else:
        first = (
            local.astype("datetime64[M]").astype("datetime64[D]").astype("datetime64[s]") == local
        )
        at = np.flatnonzero(first)
    return [_tick(local, hours, int(index), days) for index in at]


def _tick(local: Times, hours: Floats, index: int, days: float) -> dict[str, Any]:
    moment = local[index].astype("datetime64[s]").astype(dt.datetime)
    if (moment.hour, moment.minute) != (0, 0) or days <= 1.1:  # noqa: PLR2004 - one day
        last = index == len(hours) - 1 and (moment.hour, moment.minute) == (0, 0)
        text = "24:00" if last else f"{moment:%H:%M}"
        return {"at": round(float(hours[index]), 4), "en": text, "zh": text, "bold": False}
    both = short_day(moment.date())
    return {"at": round(float(hours[index]), 4), "en": both.en, "zh": both.zh, "bold": True}


def plain(values: Floats | None) -> list[float | None] | None:
    """Return values for JSON: five digits, None where absent."""
    if values is None:
        return None
    return [None if np.isnan(v) else _rounded(v) for v in values.tolist()]


def spells(values: Floats, hours: Floats) -> list[tuple[float, float, int | None]]:
    """Return (from, to, code) of each stretch of equal codes; None is without reading."""
    filled = np.where(np.isnan(values), -1, values).astype(int)
    cuts = np.flatnonzero(np.diff(filled)) + 1
    bounds = [0, *cuts.tolist(), len(filled)]
    return [
        (
            round(float(hours[a]), 4),
            round(float(hours[b]), 4),
            None if filled[a] < 0 else int(filled[a]),
        )
        for a, b in pairwise(bounds)
    ]


def matching(names: Iterable[str], asset: str, suffix: str) -> list[str]:
    """Return the columns of `asset` that end in `suffix`."""
    return [name for name in names if name.startswith(f"{asset}/") and name.endswith(suffix)]


_DRAWN_ENDS = (
    "_mw",
    "/soc_pu",
    "/cooling_mode",
    "_core",
    "_cores",
    "_kcore",
    "/clean_share_pu",
    "_air_c",
    "_wet_c",
)
_DRAWN_PRICES = ("/price_cny_per_mwh", "/price_import_cny_per_mwh")


def _is_drawn(name: str) -> bool:
    return "/" in name and name.endswith((*_DRAWN_ENDS, *_DRAWN_PRICES))


def _on_grid(name: str, values: Floats, places: Ints, count: int) -> Floats | None:
    """Return values at their places, (count,), NaN elsewhere; None for what is not to be drawn.

    A power without any reading is shown as absent; a price or state that none has is not drawn.
    """
    if np.isnan(values).all() and not name.endswith("_mw"):
        return None
    inside = (places >= 0) & (places < count)
    column = np.full(count, np.nan)
    column[places[inside]] = values[inside]
    return column


def _most_frequent(row: Floats) -> float:
    there = row[~np.isnan(row)]
    if not len(there):
        return float("nan")
    codes, counts = np.unique(there, return_counts=True)
    return float(codes[np.argmax(counts)])


def _rounded(value: float) -> float:
    found = float(f"{value:.{_DIGITS}g}")
    return 0.0 if found == 0 else found
