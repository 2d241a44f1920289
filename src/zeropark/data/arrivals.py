"""A person's jobs, cars and outages as the tables that a run lives through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError
from zeropark.data.events import Cars, Jobs, Outages
from zeropark.data.jobs import JobTable, hours_since_1970
from zeropark.data.sessions import SessionTable
from zeropark.data.times import Times, local_time
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
_KILO = 1e3
# A car is given the slowest connector that serves it within this share of its stay [1].
_COMFORTABLE = 0.9
# A car asks for no more than its connector can give in this share of its stay [1].
_MOST = 0.98
_NONE_IN = Text(
    "{file} holds arrivals from {first} to {last} and none in the run, {start} to {end}. "
    "Choose another --start",
    "{file}的到达在 {first} 至 {last}，运行期 {start} 至 {end} 内没有。换 --start",
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


def job_table(file: str, jobs: Jobs, classes: Sequence[Class], drawn: JobTable) -> JobTable:
    """Return a person's jobs as the table of a pool with `classes`.

    A job belongs to the class of its own name, else to the one that waits whose typical run is
    nearest to its estimate. One without a deadline has its class's slack. drawn: gives the grid
    and the online demand, which no job file holds. Raises `DataError` where nothing arrives on the
    grid.
    """
    inside = _inside(jobs.arrival, drawn.grid, file)
    names = [each.name for each in classes]
    queued = np.array([i for i, each in enumerate(classes) if not each.online], dtype=np.intp)
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
    return JobTable(
        drawn.grid,
        member,
        arrival,
        deadline,
        kcores,
        kcores * hours,
        kcores * estimate,
        drawn.online,
    )


def session_table(
    file: str, cars: Cars, connectors: Sequence[tuple[str, float]], grid: TimeGrid
) -> SessionTable:
    """Return a person's sessions as the table of a hub.

    connectors: name and power [MW at the car] of each type.
    A session is at the connector its file names, else at the slowest type that serves it in time.
    Raises `DataError` where nobody comes on the grid.
    """
    inside = _inside(cars.arrival, grid, file)
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
    return SessionTable(grid, arrival, departure, stated, energy, rate, connector)


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


def _inside(arrival: Times, grid: TimeGrid, file: str) -> npt.NDArray[np.intp]:
    inside = np.flatnonzero((arrival >= grid.start) & (arrival < grid.end))
    if not len(inside):
        span = {"first": arrival.min(), "last": arrival.max(), "start": grid.start, "end": grid.end}
        shown = {name: local_time(moment, grid.zone) for name, moment in span.items()}
        raise DataError("no_arrivals", _NONE_IN.format(file=file, **shown))
    return inside
