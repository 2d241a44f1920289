"""Times as people write them, and the zone they are in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from zeropark.units.timegrid import to_local

Times = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]
Order = Literal["year-first", "day-first", "month-first"]
_TIME = re.compile(
    r"^\s*(\d{1,4})[-/.年](\d{1,2})[-/.月](\d{1,4})日?"
    r"(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([AaPp][Mm])?)?"
    r"\s*(Z|UTC|[+-]\d{2}:?\d{2})?\s*$"
)
_LONGEST_DAY = 31
_MONTHS = 12
_YEAR_DIGITS = 1000
_NOON = 12


@dataclass(frozen=True)
class Clock:
    """Times of a column.

    times: datetime64[s], NaT where a cell is no time; UTC where `zoned`, else wall clock.
    order: of day and month. sure: whether the order follows from the file itself.
    """

    times: Times
    order: Order
    sure: bool
    zoned: bool


def looks_like_time(cells: Sequence[str]) -> bool:
    """Return whether at least half of the cells are dates, with or without a time."""
    return bool(cells) and 2 * sum(bool(_TIME.match(cell)) for cell in cells) >= len(cells)


def parse_times(cells: Sequence[str], order: Order | None = None) -> Clock:
    """Return the times in `cells`; `order` of day and month where it is known.

    An offset in the text (`+08:00`, `Z`) makes the times UTC. `24:00` is the end of its day.
    """
    parts = np.zeros((len(cells), 7), dtype=np.int64)
    good = np.zeros(len(cells), dtype=bool)
    zoned = 0
    for i, cell in enumerate(cells):
        found = _TIME.match(cell)
        if found:
            good[i] = True
            zoned += found[8] is not None
            parts[i] = _numbers(found)
    meant, sure = (order, True) if order else _order(parts[good])
    year, month, day = _split(parts, meant)
    good &= (month >= 1) & (month <= _MONTHS) & (day >= 1) & (day <= _LONGEST_DAY)
    safe_month, safe_day = np.where(good, month, 1), np.where(good, day, 1)
    months = (np.where(good, year, 1970) - 1970) * _MONTHS + safe_month - 1
    dates = months.astype("datetime64[M]").astype("datetime64[D]") + (safe_day - 1)
    # The 31st of a short month would slide into the next one.
    good &= dates.astype("datetime64[M]") == months.astype("datetime64[M]")
    seconds = parts[:, 3] * 3600 + parts[:, 4] * 60 + parts[:, 5] - parts[:, 6]
    times = dates.astype("datetime64[s]") + seconds.astype("timedelta64[s]")
    times[~good] = np.datetime64("NaT")
    return Clock(times, meant, sure, zoned=zoned > 0 and zoned == int(good.sum()))


def _numbers(found: re.Match[str]) -> tuple[int, ...]:
    """Return first, middle, last of the date, hour, minute, second and the offset [s]."""
    hour = int(found[4] or 0)
    if found[7]:
        hour = hour % _NOON + (_NOON if found[7].lower() == "pm" else 0)
    offset = 0
    if found[8] and found[8] not in {"Z", "UTC"}:
        digits = found[8][1:].replace(":", "")
        offset = (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * (-1 if found[8][0] == "-" else 1)
    date = int(found[1]), int(found[2]), int(found[3])
    return (*date, hour, int(found[5] or 0), int(found[6] or 0), offset)


def _order(parts: Ints) -> tuple[Order, bool]:
    """Return the order of day and month, and whether the dates leave no other."""
    if not len(parts) or parts[0, 0] >= _YEAR_DIGITS:
        return "year-first", True
    if (parts[:, 0] > _MONTHS).any():
        return "day-first", True
    if (parts[:, 1] > _MONTHS).any():
        return "month-first", True
    # Of rows in order of time, the day moves more often than the month.
    days_first = np.count_nonzero(np.diff(parts[:, 0]))
    months_first = np.count_nonzero(np.diff(parts[:, 1]))
    return ("day-first" if days_first >= months_first else "month-first"), False


def _split(parts: Ints, order: Order) -> tuple[Ints, Ints, Ints]:
    first, middle, last = parts[:, 0], parts[:, 1], parts[:, 2]
    if order == "year-first":
        return first, middle, last
    short = last < 100  # noqa: PLR2004 - a year of two digits is of this century
    year = np.where(short, last + 2000, last)
    return (year, middle, first) if order == "day-first" else (year, first, middle)


@dataclass(frozen=True)
class Placed:
    """Wall-clock times as instants.

    utc: datetime64[s], NaT where the zone's clock never shows the time. missing: rows of those.
    doubled: rows whose time the clock shows twice, with nothing to tell which is meant.
    """

    utc: Times
    missing: Ints
    doubled: Ints


def place_in_zone(local: Times, zone: str) -> Placed:
    """Return wall-clock times of `zone` as UTC.

    Where the clock is set back, the first of two equal times (the last, in a newest-first file) is
    the earlier instant; an only one is
    taken as the earlier and named in `doubled`.
    """
    # Only who brings a file waits for pandas, which knows folds and gaps of whole columns.
    import pandas as pd  # noqa: PLC0415

    index = pd.DatetimeIndex(local)
    tz = ZoneInfo(zone)
    early = index.tz_localize(tz, ambiguous=np.ones(len(local), dtype=bool), nonexistent="NaT")
    late = index.tz_localize(tz, ambiguous=np.zeros(len(local), dtype=bool), nonexistent="NaT")
    utc, second = _plain(early), _plain(late)
    missing = np.flatnonzero(np.isnat(utc) & ~np.isnat(local))
    twice = np.flatnonzero((utc != second) & ~np.isnat(utc))
    seen: dict[np.datetime64, int] = {}
    backward = len(local) > 1 and local[0] > local[-1]
    for row in twice.tolist()[:: -1 if backward else 1]:
        if local[row] in seen:
            utc[row] = second[row]
        seen[local[row]] = seen.get(local[row], 0) + 1
    doubled = [row for row in twice.tolist() if seen[local[row]] == 1]
    return Placed(utc, missing, np.array(doubled, dtype=np.int64))


def _plain(index: object) -> Times:
    plain: Times = np.asarray(
        index.tz_convert("UTC").tz_localize(None)  # type: ignore[attr-defined] # a DatetimeIndex
    ).astype("datetime64[s]")
    return plain.copy()


def local_time(moment: np.datetime64, zone: str) -> str:
    """Return an instant (UTC) as a person in `zone` reads it: 2026-01-31 08:15."""
    return as_written(to_local(np.array([moment]), zone)[0])


def as_written(moment: np.datetime64) -> str:
    """Return a wall-clock time as a person writes it: 2026-01-31 08:15."""
    return str(moment.astype("datetime64[m]")).replace("T", " ")
