"""The series of a run as the page draws them: the columns it needs, thinned where there are too many.

Times are hours since the run's first step, so that days of 23 and 25 hours keep their length; the
clock of the park stands beside them. An absent value stays absent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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

_HOURLY_FROM_DAYS = 14.0
_DIGITS = 5


@dataclass(frozen=True)
class Curves:
    """One run's series on one regular grid.

    starts: of each step, UTC, (N,). minutes: step as drawn [min]. recorded: steps that the file holds,
    of the run itself, before thinning. expected: steps that the run asked for.
    columns: policy -> column -> values (N,), NaN where absent.
    """

    starts: Times
    minutes: float
    zone: str
    recorded: int
    expected: int
    columns: Mapping[str, Mapping[str, Floats]]

    @property
    def hours(self) -> Floats:
        """Hours from the first step to the start of each, and to the end of the last, (N + 1,)."""
        return np.arange(len(self.starts) + 1) * (self.minutes / 60)

    @property
    def local(self) -> Times:
        """The park's clock at each step's start and at the end of the last, (N + 1,)."""
        length = np.timedelta64(round(self.minutes * 60), "s")
        return to_local(np.append(self.starts, self.starts[-1:] + length), self.zone)

    def get(self, policy: str, *names: str) -> Floats | None:
        """Return the first of the columns `names` that `policy` has; None where it has none."""
        there = self.columns.get(policy, {})
        return next((there[name] for name in names if name in there), None)


def read_curves(path: Path, run: Mapping[str, Any]) -> Curves:
    """Read the columns of `series.parquet` that the page draws.

    path: the file. run: what `run.json` holds. Runs longer than 14 days are thinned to hourly means: an
    hour is absent where any of its steps is.
    """
    wanted = [name for name in pq.read_schema(path).names if _is_drawn(name)]
    table = pq.read_table(path, columns=["policy", "at", *wanted])
    step = float(run["step_minutes"])
    zone = run["place"]["zone"]
    starts, columns, recorded = np.array([], dtype="datetime64[s]"), {}, 0
    for policy in dict.fromkeys([run["policy"], "rules"]):
        rows = table.filter(pc.equal(table["policy"], policy))
        if not len(rows):
            continue
        times = rows["at"].cast(pa.timestamp("s", tz="UTC")).to_numpy().astype("datetime64[s]")
        if not len(starts):
            starts, recorded = _regular(times, step), len(np.unique(times))
        places = ((times - starts[0]) // np.timedelta64(round(step * 60), "s")).astype(int)
        columns[policy] = _on_grid(rows, wanted, places, len(starts))
    expected = _expected(run, starts, step)
    minutes = step
    if len(starts) * step / 1440 > _HOURLY_FROM_DAYS and step < 60:  # noqa: PLR2004 - an hour
        group = round(60 / step)
        columns = {
            policy: {name: thinned(name, values, group) for name, values in each.items()}
            for policy, each in columns.items()
        }
        starts, minutes = starts[::group], step * group
    return Curves(starts, minutes, zone, recorded, expected, columns)


def thinned(name: str, values: Floats, group: int) -> Floats:
    """Return one value per `group` steps: the mean; of a state the last; of a code the most frequent.

    A last group that is not whole stands for what it has.
    """
    padded = np.full(-(-len(values) // group) * group, np.nan)
    padded[: len(values)] = values
    if len(values) % group:
        padded[len(values) :] = values[-1]
    rows = padded.reshape(-1, group)
    if name.endswith("/soc_pu"):
        return np.asarray(rows[:, -1])
    if name.endswith("/cooling_mode"):
        return np.array([_most_frequent(row) for row in rows])
    found: Floats = rows.mean(axis=1)
    if len(values) % group:
        found[-1] = values[len(values) // group * group :].mean()
    return found


def ticks(curves: Curves) -> list[dict[str, Any]]:
    """Return where the time axis has labels: {at [h], en, zh, bold} at whole hours, days or months."""
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
    """Return (from, to, code) of each stretch of equal codes; a stretch without reading has None."""
    filled = np.where(np.isnan(values), -1, values).astype(int)
    cuts = np.flatnonzero(np.diff(filled)) + 1
    bounds = [0, *cuts.tolist(), len(filled)]
    return [
        (
            round(float(hours[a]), 4),
            round(float(hours[b]), 4),
            None if filled[a] < 0 else int(filled[a]),
        )
        for a, b in zip(bounds, bounds[1:], strict=False)
        if b > a
    ]


def matching(names: Iterable[str], asset: str, suffix: str) -> list[str]:
    """Return the columns of `asset` that end in `suffix`."""
    return [name for name in names if name.startswith(f"{asset}/") and name.endswith(suffix)]


_DRAWN_ENDS = ("_mw", "/soc_pu", "/cooling_mode", "_kcore", "/clean_share_pu", "_air_c", "_wet_c")
_DRAWN_PRICES = ("/price_cny_per_mwh", "/price_import_cny_per_mwh")


def _is_drawn(name: str) -> bool:
    return "/" in name and name.endswith((*_DRAWN_ENDS, *_DRAWN_PRICES))


def _regular(times: Times, step: float) -> Times:
    """Return every step from the first to the last time, those without a row included."""
    length = round(step * 60)
    count = int((times.max() - times.min()) / np.timedelta64(length, "s")) + 1
    offsets = (np.arange(count) * length).astype("timedelta64[s]")
    return np.asarray(times.min() + offsets)


def _on_grid(
    rows: pa.Table, names: Sequence[str], places: npt.NDArray[np.int_], count: int
) -> dict[str, Floats]:
    inside = (places >= 0) & (places < count)
    # A power without a single reading is shown as absent; a price or a state that no one has is not drawn.
    found = {}
    for name in names:
        values = rows[name].to_numpy().astype(float)
        if np.isnan(values).all() and not name.endswith("_mw"):
            continue
        column = np.full(count, np.nan)
        column[places[inside]] = values[inside]
        found[name] = column
    return found


def _expected(run: Mapping[str, Any], starts: Times, step: float) -> int:
    """Return how many steps there are from the first row to the run's end."""
    if not len(starts):
        return 0
    end = np.datetime64(instant(run["end"]).replace(tzinfo=None), "s")
    return round((end - starts[0]) / np.timedelta64(1, "s") / (step * 60))


def _most_frequent(row: Floats) -> float:
    there = row[~np.isnan(row)]
    if not len(there):
        return float("nan")
    codes, counts = np.unique(there, return_counts=True)
    return float(codes[np.argmax(counts)])


def _rounded(value: float) -> float:
    found = float(f"{value:.{_DIGITS}g}")
    return 0.0 if found == 0 else found
