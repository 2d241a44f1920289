"""Computing jobs that arrive: their table, a stream made by chance, and what a history lets expect.

Inside, cores are counted in thousands [kcore] and work in thousands of core-hours [kcore-h]; times
are hours since 1970-01-01 UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from zeropark.units.timegrid import TimeGrid, Times

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
# The online demand's wander about its typical day: correlation over an hour [1].
_ONLINE_CORRELATION = 0.8
# Where a drawn job says when it comes.
_ARRIVAL = 1
_NOTHING = 1e-9  # [kcore-h]
# Sizes of jobs about the typical one; their mean is 1 [1].
_SIZES = np.array([0.5, 0.75, 1.0, 1.75])


class Stream(Protocol):
    """What chance needs to know of a class of jobs; `assets.job_pool.JobClass` is one.

    online: requests that are served as they come, a load on the cores and no queue. kcores: mean of
    busy cores [kcore]. kcores_job: of a typical job [kcore]. run_time: of a typical job, truly [h].
    spread: of run times, the standard deviation of their logarithm [1]; online, of the demand [1].
    estimate: the user's estimate over the true run time, on average [1]. slack: how long a job may
    wait [h]. shape: 24 hourly weights of arrivals or demand, mean 1.
    """

    @property
    def online(self) -> bool: ...  # noqa: D102 - the class says it
    @property
    def kcores(self) -> float: ...  # noqa: D102
    @property
    def kcores_job(self) -> float: ...  # noqa: D102
    @property
    def run_time(self) -> float: ...  # noqa: D102
    @property
    def spread(self) -> float: ...  # noqa: D102
    @property
    def estimate(self) -> float: ...  # noqa: D102
    @property
    def slack(self) -> float: ...  # noqa: D102
    @property
    def hourly(self) -> Floats: ...  # noqa: D102


@dataclass(frozen=True)
class JobTable:
    """Jobs in the order of arrival, arrays of shape (jobs,), and online demand on a grid.

    member: index of the class. arrival, deadline: [h since 1970]. kcores: most in parallel [kcore].
    work, estimate: what it truly takes, and what its user says [kcore-h]. online: demand of each
    class on `grid` [kcore], shape (classes, N), 0 for classes with jobs.
    """

    grid: TimeGrid
    member: Indices
    arrival: Floats
    deadline: Floats
    kcores: Floats
    work: Floats
    estimate: Floats
    online: Floats

    def __post_init__(self) -> None:
        assert np.all(np.diff(self.arrival) >= 0), "jobs stand in the order of arrival"

    def between(self, first: float, last: float) -> slice:
        """Return which jobs arrive from `first` on and before `last` [h since 1970]."""
        begin, end = np.searchsorted(self.arrival, [first, last]).tolist()
        return slice(begin, end)


@dataclass(frozen=True)
class ExpectedJobs:
    """Work that is expected to arrive, as pieces (see `formulation.queue.Work`), and online demand.

    member, amount [kcore-h], rate [kcore], arrival, deadline [h since 1970]: shape (pieces,). grid,
    online: as in `JobTable`. ratio: what jobs took of their users' estimates, by class [1], shape
    (classes,). true: whether this is no expectation but what truly comes, all of it.
    """

    grid: TimeGrid
    member: Indices
    amount: Floats
    rate: Floats
    arrival: Floats
    deadline: Floats
    online: Floats
    ratio: Floats
    true: bool = False

    def online_on(self, now: float, ends: Floats) -> Floats:
        """Return the online work of the steps that end `ends` [h] after `now` [kcore-h].

        Past the grid's end the last demand stands.
        """
        begin = hours_since_1970(self.grid.start)
        marks = begin + np.concatenate(
            [[0.0], np.cumsum(self.grid.hours), [self.grid.hours.sum() + 1e4]]
        )
        at = now + np.concatenate([[0.0], ends])
        found = np.empty((len(self.online), len(ends)))
        for i, demand in enumerate(self.online):
            amount = np.append(demand * self.grid.hours, demand[-1] * 1e4)
            found[i] = np.diff(np.interp(at, marks, np.concatenate([[0.0], np.cumsum(amount)])))
        return found


def hours_since_1970(moments: Times | np.datetime64) -> Floats:
    """Return instants (datetime64, UTC) as hours since 1970 [h]."""
    return np.asarray(moments.astype("datetime64[s]").astype(np.int64) / 3600.0)


def draw_jobs(streams: Sequence[Stream], grid: TimeGrid, random: np.random.Generator) -> JobTable:
    """Return jobs that come over `grid` by chance, as many as keep the classes' cores busy.

    Arrivals are Poisson by the hour of the local day; run times are lognormal; a user's estimate is
    never below the true run time by more than a tenth.
    """
    begin = hours_since_1970(grid.starts)
    weights = grid.local_hour.astype(int)
    parts: list[tuple[Floats, ...]] = []
    online = np.zeros((len(streams), len(grid)))
    for i, stream in enumerate(streams):
        if stream.online:
            online[i] = _draw_online(stream, grid, random)
            continue
        mean_work = stream.kcores_job * stream.run_time
        rate = stream.kcores * stream.hourly[weights] / mean_work
        step = np.repeat(np.arange(len(grid)), random.poisson(rate * grid.hours))
        count = len(step)
        arrival = begin[step] + random.uniform(0.0, 1.0, count) * grid.hours[step]
        sigma = stream.spread
        run_time = stream.run_time * np.exp(sigma * random.standard_normal(count) - sigma**2 / 2)
        run_time = np.clip(run_time, stream.run_time / 5, stream.run_time * 5)
        said = run_time * (1.0 + (stream.estimate - 1.0) * random.uniform(-0.1, 2.1, count))
        kcores = stream.kcores_job * random.choice(_SIZES, count)
        deadline = arrival + said + stream.slack
        parts.append(
            (np.full(count, float(i)), arrival, deadline, kcores, kcores * run_time, kcores * said)
        )
    order = np.argsort(_joined(parts, _ARRIVAL), kind="stable")
    member, arrival, deadline, kcores, work, estimate = (
        _joined(parts, column)[order] for column in range(6)
    )
    members = member.astype(np.intp)
    return JobTable(grid, members, arrival, deadline, kcores, work, estimate, online)


def _joined(parts: Sequence[tuple[Floats, ...]], column: int) -> Floats:
    """Return one column of all parts, one at a time: a year's jobs are many."""
    return np.concatenate([np.zeros(0), *(part[column] for part in parts)])


def _draw_online(stream: Stream, grid: TimeGrid, random: np.random.Generator) -> Floats:
    keep = _ONLINE_CORRELATION**grid.hours
    shocks = random.standard_normal(len(grid)) * np.sqrt(1.0 - keep**2)
    level, wander = 0.0, np.empty(len(grid))
    for i, (stay, shock) in enumerate(zip(keep.tolist(), shocks.tolist(), strict=True)):
        level = level * stay + shock
        wander[i] = level
    typical = stream.kcores * stream.hourly[grid.local_hour.astype(int)]
    drawn: Floats = np.maximum(0.0, typical * (1.0 + stream.spread * wander))
    return drawn


def expect_jobs(
    streams: Sequence[Stream], table: JobTable, ahead: TimeGrid, history_hours: float = 672.0
) -> ExpectedJobs:
    """Return what the arrivals before `ahead` let expect on it: nothing later is looked at.

    The work of each class that came in each hour of the local day over the last `history_hours` [h]
    is expected to come again, an hour's work as one piece in the middle of the hour.
    """
    now = float(hours_since_1970(ahead.start))
    past = table.between(now - history_hours, now)
    days = min(history_hours, now - float(hours_since_1970(table.grid.start))) / 24.0
    size = len(streams) * 24
    per_hour = np.zeros(size)
    if days > 0:
        hour = _local_hours(table.arrival[past], table.grid)
        per_hour = np.bincount(table.member[past] * 24 + hour, table.work[past], size) / days
    starts = hours_since_1970(ahead.starts)
    group = max(1, round(1.0 / float(ahead.hours.max())))
    firsts = np.arange(0, len(ahead), group)
    length = np.add.reduceat(ahead.hours, firsts)
    at = ahead.local_hour[firsts].astype(int)
    pieces = []
    for i, stream in enumerate(streams):
        if stream.online:
            continue
        amount = per_hour[i * 24 + at] * length
        run_time = stream.run_time * stream.estimate
        arrival = starts[firsts] + length / 2
        some = amount > 0
        pieces.append(
            (
                np.full(int(some.sum()), float(i)),
                amount[some],
                amount[some] / run_time,
                arrival[some],
                arrival[some] + run_time + stream.slack,
            )
        )
    empty = tuple(np.zeros(0) for _ in range(5))
    columns = [np.concatenate(column) for column in zip(empty, *pieces, strict=True)]
    member, amount, rate, arrival, deadline = columns
    online = _expect_online(table, ahead, now, history_hours)
    ratio = _ratio(table, len(streams), now, history_hours)
    members = member.astype(np.intp)
    return ExpectedJobs(ahead, members, amount, rate, arrival, deadline, online, ratio)


def _ratio(table: JobTable, classes: int, now: float, history_hours: float) -> Floats:
    """Return what the jobs of the history that must be done by now took of their estimates [1]."""
    past = table.between(now - history_hours, now)
    over = table.deadline[past] < now
    member = table.member[past][over]
    said = np.bincount(member, table.estimate[past][over], classes)
    took = np.bincount(member, table.work[past][over], classes)
    return np.where(said > 0, took / np.where(said > 0, said, 1.0), 1.0)


def _expect_online(table: JobTable, ahead: TimeGrid, now: float, history_hours: float) -> Floats:
    """Return the mean of the history's online demand at the same hour of the local day [kcore]."""
    grid = table.grid
    before = hours_since_1970(grid.starts)
    last = int(np.searchsorted(before, now - 1e-9))
    first = int(np.searchsorted(before, now - history_hours - 1e-9))
    hour = grid.local_hour[first:last].astype(int)
    count = np.maximum(1, np.bincount(hour, minlength=24))
    at = ahead.local_hour.astype(int)
    return np.array(
        [
            (np.bincount(hour, demand[first:last], 24) / count)[at]
            if demand.any()
            else np.zeros(len(ahead))
            for demand in table.online
        ]
    ).reshape(len(table.online), len(ahead))


def _local_hours(moments: Floats, grid: TimeGrid) -> Indices:
    """Return the hour of the local day of instants on `grid` [h since 1970]."""
    at = np.searchsorted(hours_since_1970(grid.starts), moments, side="right") - 1
    return grid.local_hour[np.clip(at, 0, len(grid) - 1)].astype(np.intp)


def arrived_jobs(table: JobTable, grid: TimeGrid) -> ExpectedJobs:
    """Return what truly is to be done on `grid`: jobs that come, and what is there at its start.

    Of a job that came before, that part is left which a pool that serves at once has left. Where
    `grid` is coarser than the table's, a deadline counts that much later, so that what was in time
    there is in time here.
    """
    now, end = float(hours_since_1970(grid.start)), float(hours_since_1970(grid.end))
    left = left_at(table, now)
    mine = (left > 0) & (table.arrival < end)
    later = float(grid.hours.max() - table.grid.hours.max())
    online = np.array([mean_on(table.grid, demand, grid) for demand in table.online])
    return ExpectedJobs(
        grid,
        table.member[mine],
        left[mine],
        table.kcores[mine],
        table.arrival[mine],
        table.deadline[mine] + max(0.0, later),
        online.reshape(len(table.online), len(grid)),
        np.ones(len(table.online)),
        true=True,
    )


def left_at(table: JobTable, now: float) -> Floats:
    """Return what is left of each job at `now` [kcore-h] where all were served as they came."""
    served = table.kcores * np.maximum(0.0, now - table.arrival)
    left = np.maximum(0.0, table.work - served)
    return np.where(left > _NOTHING, left, 0.0)


def mean_on(fine: TimeGrid, values: Floats, grid: TimeGrid) -> Floats:
    """Return `values`, means over steps of `fine`, as means over steps of `grid`, shape (N,)."""
    marks = hours_since_1970(fine.start) + np.concatenate([[0.0], np.cumsum(fine.hours)])
    total = np.concatenate([[0.0], np.cumsum(values * fine.hours)])
    begin = hours_since_1970(grid.start) + np.concatenate([[0.0], np.cumsum(grid.hours)])
    means: Floats = np.diff(np.interp(begin, marks, total))
    return means / np.where(grid.hours > 0, grid.hours, 1.0)
