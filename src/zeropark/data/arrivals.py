"""A person's jobs, cars and outages as the tables that a run lives through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError
from zeropark.data.events import Cars, Jobs, Outages
from zeropark.data.jobs import JobTable, hours_since_1970
from zeropark.data.series import too_short
from zeropark.data.sessions import SessionTable
from zeropark.data.times import Times, local_time
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
Table = TypeVar("Table", JobTable, SessionTable)
_KILO = 1e3
_DAY = np.timedelta64(1, "D")
# Nobody may come for so long; a file that ends earlier does not tell of a run's last days.
_WEEKEND = np.timedelta64(2, "D")
# A car is given the slowest connector that serves it within this share of its stay [1].
_COMFORTABLE = 0.9
# A car asks for no more than its connector can give in this share of its stay [1].
_MOST = 0.98
_NONE_IN = Text(
    "{file} holds arrivals from {first} to {last} and none in the run, {start} to {end}. "
    "Choose another --start",
    "{file}的到达在 {first} 至 {last}，运行期 {start} 至 {end} 内没有。换 --start",
)

_NO_CLASS = Text(
    "{file}: the pool has no class of jobs that can wait, as these do; add one to its classes",
    "{file}：作业池没有可等待的作业类别；在 classes 中补上",
)


class Class(Protocol):
    """What is asked of a class of jobs; `assets.job_pool.JobClass` is one."""

    @property
    def name(self) -> str: ...  # noqa: D102 - the class says it
    @property
    def online(self) -> bool: ...  # noqa: D102
    @property
    def run_time(self) -> float: ...  # noqa: D102
    @property
    def slack(self) -> float: ...  # noqa: D102


def job_table(
    file: str, jobs: Jobs, classes: Sequence[Class], drawn: JobTable, run: TimeGrid
) -> JobTable:
    """Return a person's jobs as the table of a pool with `classes`.

    A job belongs to the class of its own name, else to the one that waits whose typical run is
    nearest to its estimate. One without a deadline has its class's slack. drawn: what chance drew;
    it gives the online demand, which no job file holds, and what came before the run where the file
    does not say (see `history_begins`). Raises `DataError` where nothing arrives in the run.
    """
    whole = drawn.grid
    inside = _inside(jobs.arrival, whole, run, file)
    names = [each.name for each in classes]
    queued = np.array([i for i, each in enumerate(classes) if not each.online], dtype=np.intp)
    if not len(queued):
        raise DataError("no_class", _NO_CLASS.format(file=file))
    typical = np.log([classes[i].run_time for i in queued.tolist()])
    estimate, hours = jobs.estimate[inside], jobs.hours[inside]
    nearest = queued[np.argmin(np.abs(np.log(estimate)[:, None] - typical[None, :]), axis=1)]
    groups = [jobs.group[i] for i in inside.tolist()]
    member = np.array(
        [names.index(g) if g in names else n for g, n in zip(groups, nearest, strict=True)],
        dtype=np.intp,
    )
    arrival = hours_since_1970(jobs.arrival[inside])
    slack = np.array([each.slack for each in classes])[member]
    given = jobs.deadline[inside]
    deadline = np.where(np.isnat(given), arrival + estimate + slack, hours_since_1970(given))
    kcores = jobs.cores[inside] / _KILO
    work = kcores * hours, kcores * estimate
    begin = history_begins(jobs.arrival, whole, run)
    grid = whole if begin is None else whole.window(begin, len(whole))
    online = drawn.online[:, len(whole) - len(grid) :]
    table = JobTable(grid, member, arrival, deadline, kcores, *work, online)
    return _after(drawn, table, run) if begin is None else table


def session_table(
    file: str,
    cars: Cars,
    connectors: Sequence[tuple[str, float]],
    drawn: SessionTable,
    run: TimeGrid,
) -> SessionTable:
    """Return a person's sessions as the table of a hub.

    connectors: name and power [MW at the car] of each type. A session is at the connector its file
    names, else at the slowest type that serves it in time. drawn: what chance drew, for what came
    before the run where the file does not say (see `history_begins`). Raises `DataError` where
    nobody comes in the run.
    """
    whole = drawn.grid
    inside = _inside(cars.arrival, whole, run, file)
    names = [name for name, _ in connectors]
    powers = np.array([power for _, power in connectors])
    arrival = hours_since_1970(cars.arrival[inside])
    departure = hours_since_1970(cars.departure[inside])
    stated = hours_since_1970(cars.stated[inside])
    stay = np.minimum(stated, departure) - arrival
    energy = cars.energy[inside]
    order = np.argsort(powers, kind="stable")
    enough = powers[order][None, :] * stay[:, None] * _COMFORTABLE >= energy[:, None]
    slowest = np.where(enough.any(axis=1), order[np.argmax(enough, axis=1)], order[-1])
    stations = [cars.station[i] for i in inside.tolist()]
    connector = np.array(
        [names.index(s) if s in names else k for s, k in zip(stations, slowest, strict=True)],
        dtype=np.intp,
    )
    rate = powers[connector]
    energy = np.minimum(energy, _MOST * rate * (departure - arrival))
    begin = history_begins(cars.arrival, whole, run)
    grid = whole if begin is None else whole.window(begin, len(whole))
    table = SessionTable(grid, arrival, departure, stated, energy, rate, connector)
    return _after(drawn, table, run) if begin is None else table


def history_begins(arrival: Times, whole: TimeGrid, run: TimeGrid) -> int | None:
    """Return the step of `whole` from which a file's arrivals are all there was before the run.

    None where the file holds less than a day before it: then what chance drew stands for the past.
    """
    first = arrival.min()
    if run.start - first < _DAY:
        return None
    return int(max(0, np.searchsorted(whole.starts, first, side="right") - 1))


def _after(drawn: Table, table: Table, run: TimeGrid) -> Table:
    """Return a table in which what chance drew comes first, up to the file's beginning."""
    begin = min(float(hours_since_1970(run.start)), float(table.arrival.min(initial=np.inf)))
    before = drawn.arrival < begin
    columns: dict[str, Any] = {
        each.name: np.concatenate([getattr(drawn, each.name)[before], getattr(table, each.name)])
        for each in fields(table)
        if each.name not in {"grid", "online"}
    }
    return replace(table, **columns)


def availability(outages: Outages, grid: TimeGrid) -> tuple[Floats, Floats]:
    """Return the share of each step in which the tie is there [1].

    Truly, and as announced, both (N,).
    """
    begin = hours_since_1970(grid.starts)
    end = begin + grid.hours
    truly, announced = np.ones(len(grid)), np.ones(len(grid))
    first, last = hours_since_1970(outages.first), hours_since_1970(outages.last)
    for start, stop, known in zip(first, last, outages.announced, strict=True):
        gone = np.clip(np.minimum(end, stop) - np.maximum(begin, start), 0.0, None) / grid.hours
        truly -= gone
        if known:
            announced -= gone
    return np.clip(truly, 0.0, 1.0), np.clip(announced, 0.0, 1.0)


def _inside(arrival: Times, whole: TimeGrid, run: TimeGrid, file: str) -> npt.NDArray[np.intp]:
    """Return the arrivals before and in the run; refuses a file that is not of the run's days."""
    if arrival.min() >= run.end or arrival.max() < run.start:
        span = {"first": arrival.min(), "last": arrival.max(), "start": run.start, "end": run.end}
        shown = {name: local_time(moment, run.zone) for name, moment in span.items()}
        raise DataError("no_arrivals", _NONE_IN.format(file=file, **shown))
    if arrival.max() < run.end - _WEEKEND:
        raise too_short(file, (arrival.min(), arrival.max()), run)
    return np.flatnonzero((arrival >= whole.start) & (arrival < whole.end))
