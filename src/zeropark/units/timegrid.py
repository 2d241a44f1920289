"""Time: steps that may grow, in UTC inside and in the park's zone at the edge."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class TimeGrid:
    """Consecutive intervals, each named by its start.

    start: the first interval's start, datetime64[s], UTC. hours: length of each step [h], shape
    (N,). zone: the park's zone, an IANA name; it decides local hours, days and months, never the
    steps.
    """

    start: np.datetime64
    hours: Floats
    zone: str

    @classmethod
    def regular(cls, start: np.datetime64, steps: int, minutes: float, zone: str) -> TimeGrid:
        """Return `steps` equal intervals of `minutes` [min] from `start` (UTC)."""
        return cls(start.astype("datetime64[s]"), np.full(steps, minutes / 60), zone)

    @classmethod
    def local_days(cls, date: str, days: int, minutes: float, zone: str) -> TimeGrid:
        """Return the steps of `days` whole local days from `date` (YYYY-MM-DD) in `zone`.

        A day of 23 or 25 hours has four quarter-hours fewer or more.
        """
        first = to_utc(np.datetime64(date, "s"), zone)
        last = to_utc(
            np.datetime64(date, "D").astype("datetime64[s]") + np.timedelta64(days, "D"), zone
        )
        steps = round((last - first) / np.timedelta64(1, "s") / (minutes * 60))
        return cls.regular(first, steps, minutes, zone)

    def __len__(self) -> int:
        return len(self.hours)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TimeGrid)
            and self.start == other.start
            and self.zone == other.zone
            and np.array_equal(self.hours, other.hours)
        )

    def __hash__(self) -> int:
        return hash((self.start, self.zone, self.hours.tobytes()))

    @cached_property
    def starts(self) -> Times:
        """Start of each step, datetime64[s] UTC, shape (N,)."""
        seconds = np.rint(np.concatenate([[0.0], np.cumsum(self.hours[:-1])]) * 3600)
        starts: Times = self.start.astype("datetime64[s]") + seconds.astype("timedelta64[s]")
        return starts

    @cached_property
    def end(self) -> np.datetime64:
        """End of the last step, datetime64[s] UTC."""
        return self.start + np.timedelta64(round(float(self.hours.sum()) * 3600), "s")

    @cached_property
    def _local(self) -> Times:
        return to_local(self.starts, self.zone)

    def local(self) -> Times:
        """Return the local wall clock of each step's start, datetime64[s], shape (N,)."""
        return self._local

    @cached_property
    def local_hour(self) -> Floats:
        """Local hour of the day of each step's start [h], 0 ≤ h < 24, shape (N,)."""
        local = self._local
        hours: Floats = (local - local.astype("datetime64[D]")) / np.timedelta64(3600, "s")
        return hours

    @cached_property
    def local_month(self) -> npt.NDArray[np.int64]:
        """Months since 1970-01 of each step's local start, shape (N,)."""
        return self._local.astype("datetime64[M]").astype(np.int64)

    @cached_property
    def local_day(self) -> npt.NDArray[np.int64]:
        """Days since 1970-01-01 of each step's local start, shape (N,)."""
        return self._local.astype("datetime64[D]").astype(np.int64)

    @property
    def step_hours(self) -> float:
        """Length of the first step [h]."""
        return float(self.hours[0])

    def window(self, first: int, last: int) -> TimeGrid:
        """Return the steps `first` to `last` (exclusive) as a grid of its own."""
        found = TimeGrid(self.starts[first], self.hours[first:last], self.zone)
        # What was reckoned once for the whole holds for its parts: a run looks ahead at every step.
        known = [(name, numbers) for name, numbers in vars(self).items() if name in _BY_STEP]
        vars(found).update({name: numbers[first:last] for name, numbers in known})
        return found

    def days_of_month(self, index: int) -> int:
        """Return how many days the local month of step `index` has."""
        month = self._local[index].astype("datetime64[M]")
        return int(
            ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(int)
        )


# What a grid keeps of each of its steps once asked.
_BY_STEP = frozenset({"starts", "_local", "local_hour", "local_month", "local_day"})


def offsets(utc: Times, zone: str) -> npt.NDArray[np.timedelta64]:
    """Return local minus UTC for each instant, timedelta64[s].

    Zones change on whole quarter-hours, so each distinct one is asked for once.
    """
    quarter = utc.astype("datetime64[s]").astype(np.int64) // 900
    distinct, where = np.unique(quarter, return_inverse=True)
    tz = ZoneInfo(zone)
    seconds = _distinct_offsets(distinct, tz)
    return seconds[where].astype("timedelta64[s]")


def _distinct_offsets(quarters: npt.NDArray[np.int64], tz: ZoneInfo) -> npt.NDArray[np.int64]:
    """Return the offset [s] at each sorted quarter-hour, asking only where it may have changed."""
    import datetime as dt  # noqa: PLC0415 - keeps the name `datetime` out of the module

    def ask(quarter: int) -> int:
        moment = dt.datetime.fromtimestamp(int(quarter) * 900, dt.UTC).astimezone(tz)
        offset = moment.utcoffset()
        assert offset is not None, "an aware datetime has an offset"
        return int(offset.total_seconds())

    found = np.empty(len(quarters), dtype=np.int64)
    _fill(found, quarters, 0, len(quarters) - 1, ask)
    return found


def _fill(
    found: npt.NDArray[np.int64], quarters: npt.NDArray[np.int64], i: int, j: int, ask: Any
) -> None:
    """Fill found[i..j]; a stretch under 20 days with equal ends has no change inside it."""
    found[i], found[j] = ask(quarters[i]), ask(quarters[j])
    if j <= i + 1:
        return
    if found[i] == found[j] and quarters[j] - quarters[i] < 20 * 96:
        found[i : j + 1] = found[i]
        return
    middle = (i + j) // 2
    _fill(found, quarters, i, middle, ask)
    _fill(found, quarters, middle, j, ask)


def to_local(utc: Times, zone: str) -> Times:
    """Return the wall clock in `zone` of each UTC instant, datetime64[s]."""
    if len(utc) == 0:
        return utc.astype("datetime64[s]")
    local: Times = np.add(utc.astype("datetime64[s]"), offsets(utc, zone))
    return local


def to_utc(local: np.datetime64, zone: str) -> np.datetime64:
    """Return the UTC instant of a wall clock in `zone`; of two, the earlier one."""
    import datetime as dt  # noqa: PLC0415 - keeps the name `datetime` out of the module

    wall = dt.datetime.fromisoformat(str(local.astype("datetime64[s]"))).replace(
        tzinfo=ZoneInfo(zone)
    )
    return np.datetime64(wall.astimezone(dt.UTC).replace(tzinfo=None), "s")
