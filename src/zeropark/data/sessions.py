"""Cars that come to charge: their table, visits made by chance, and what a history lets expect.

Times are hours since 1970-01-01 UTC, energy is what the car takes in [MWh], power [MW].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from zeropark.data.jobs import hours_since_1970
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
_THURSDAY = 3  # 1970-01-01
_SATURDAY = 5
_HISTORY = 672.0  # [h] four weeks
# A stay shorter than this is no visit [h].
_SHORTEST = 0.2
_TOLERANCE = 1e-6  # [h]


class Visitors(Protocol):
    """What chance needs to know of a sort of visit; `assets.ev_hub.Visit` is one.

    weekday, restday: visits a day. hourly: 24 weights of arrivals, sum 1. stay: median [h];
    stay_spread: standard deviation of its logarithm. energy: median asked for [MWh]; energy_spread
    likewise. p_max: of the vehicle [MW]. early: share that leaves before the stated time [1].
    """

    @property
    def weekday(self) -> float: ...  # noqa: D102 - the class says it
    @property
    def restday(self) -> float: ...  # noqa: D102
    @property
    def hourly(self) -> Floats: ...  # noqa: D102
    @property
    def stay(self) -> float: ...  # noqa: D102
    @property
    def stay_spread(self) -> float: ...  # noqa: D102
    @property
    def energy(self) -> float: ...  # noqa: D102
    @property
    def energy_spread(self) -> float: ...  # noqa: D102
    @property
    def p_max(self) -> float: ...  # noqa: D102
    @property
    def early(self) -> float: ...  # noqa: D102


@dataclass(frozen=True)
class SessionTable:
    """Charging sessions in the order of arrival, arrays of shape (sessions,).

    arrival, departure, stated: plugged in, unplugged, and the departure its driver stated [h since
    1970]. energy: asked for [MWh at the car]. rate: most the car and its connector take [MW at the
    car]. connector: index of the connector's type.
    """

    grid: TimeGrid
    arrival: Floats
    departure: Floats
    stated: Floats
    energy: Floats
    rate: Floats
    connector: Indices

    def __post_init__(self) -> None:
        assert np.all(np.diff(self.arrival) >= 0), "sessions stand in the order of arrival"
        assert np.all(self.departure > self.arrival), "a car leaves after it came"

    def some(self, which: npt.NDArray[np.bool_]) -> SessionTable:
        """Return the chosen sessions."""
        return SessionTable(
            self.grid,
            self.arrival[which],
            self.departure[which],
            self.stated[which],
            self.energy[which],
            self.rate[which],
            self.connector[which],
        )


@dataclass(frozen=True)
class ExpectedSessions:
    """Charging that is expected to come, as pieces (see `formulation.queue.Work`).

    amount [MWh], rate [MW], arrival, deadline [h since 1970]: shape (pieces,). leave_rate: chance
    that a car leaves in the next hour, before its stated time [1/h]. sure_stay: share of the stated
    stay that each car of the past stayed [1]. true: whether it is no expectation but what truly
    comes, all of it.
    """

    amount: Floats
    rate: Floats
    arrival: Floats
    deadline: Floats
    leave_rate: float = 0.0
    sure_stay: float = 1.0
    true: bool = False


def draw_sessions(
    visits: Sequence[tuple[Visitors, int]],
    connectors: Sequence[tuple[int, float]],
    grid: TimeGrid,
    random: np.random.Generator,
) -> SessionTable:
    """Return sessions made by chance over `grid`.

    visits: each with the index of its connector's type. connectors: (count, power [MW at the car])
    of each type. A visitor who finds all connectors taken drives on. Arrivals are Poisson by local
    hour, stays and energies lognormal; nobody asks for more than his stay can give at nine tenths
    of the rate.
    """
    rest = (grid.local_day + _THURSDAY) % 7 >= _SATURDAY
    hour = grid.local_hour.astype(int)
    begin = hours_since_1970(grid.starts)
    parts = []
    for visit, connector in visits:
        per_hour = np.where(rest, visit.restday, visit.weekday) * visit.hourly[hour]
        step = np.repeat(np.arange(len(grid)), random.poisson(per_hour * grid.hours))
        count = len(step)
        arrival = begin[step] + random.uniform(0.0, 1.0, count) * grid.hours[step]
        stay = visit.stay * np.exp(visit.stay_spread * random.standard_normal(count))
        stay = np.clip(stay, _SHORTEST, 20.0)
        rate = np.full(count, min(visit.p_max, connectors[connector][1]))
        energy = visit.energy * np.exp(visit.energy_spread * random.standard_normal(count))
        energy = np.minimum(energy, 0.8 * rate * stay)
        leaves_early = random.uniform(0.0, 1.0, count) < visit.early
        off = np.where(
            leaves_early, random.uniform(0.6, 1.0, count), random.uniform(1.0, 1.15, count)
        )
        parts.append(
            (
                arrival,
                arrival + stay * off,
                arrival + stay,
                energy,
                rate,
                np.full(count, float(connector)),
            )
        )
    empty = tuple(np.zeros(0) for _ in range(6))
    columns = [np.concatenate(column) for column in zip(empty, *parts, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    arrival, departure, stated, energy, rate, connector_of = (column[order] for column in columns)
    table = SessionTable(
        grid, arrival, departure, stated, energy, rate, connector_of.astype(np.intp)
    )
    return table.some(_who_finds_one(table, [count for count, _ in connectors]))


def _who_finds_one(table: SessionTable, counts: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Return which sessions find a free connector of their type when they come."""
    busy: list[list[float]] = [[] for _ in counts]
    found = np.zeros(len(table.arrival), dtype=bool)
    rows = zip(
        table.arrival.tolist(), table.departure.tolist(), table.connector.tolist(), strict=True
    )
    for i, (arrival, departure, connector) in enumerate(rows):
        taken = [until for until in busy[connector] if until > arrival]
        if len(taken) < counts[connector]:
            found[i] = True
            taken.append(departure)
        busy[connector] = taken
    return found


def expect_sessions(table: SessionTable, ahead: TimeGrid) -> ExpectedSessions:
    """Return what the arrivals of the four weeks before `ahead` let expect on it.

    For workdays and rest days apart, the mean energy that came in each hour of the local day is one
    piece in the middle of that hour, with the mean rate and stay of those who came.
    """
    now = float(hours_since_1970(ahead.start))
    past = table.some((table.arrival >= now - _HISTORY) & (table.arrival < now))
    at = np.searchsorted(hours_since_1970(table.grid.starts), past.arrival, side="right") - 1
    at = np.clip(at, 0, len(table.grid) - 1)
    slot = _slots(table.grid)[at]
    energy, stay = (
        np.bincount(slot, weights, 48)
        for weights in (past.energy, past.energy * (past.stated - past.arrival))
    )
    power = np.bincount(slot, past.energy * past.rate, 48)
    days = _days_of_each(table.grid, now)
    firsts = np.arange(0, len(ahead), max(1, round(1.0 / float(ahead.hours.max()))))
    where = _slots(ahead)[firsts]
    length = np.add.reduceat(ahead.hours, firsts)
    amount = energy[where] / np.maximum(1.0, days[where // 24]) * length
    some = amount > 0
    where, amount, length = where[some], amount[some], length[some]
    arrival = hours_since_1970(ahead.starts)[firsts][some] + length / 2
    each = energy[where]
    # Several cars share an hour: together they take as much as each at its own rate.
    typical = np.maximum(1e-9, each / np.maximum(1.0, np.bincount(slot, minlength=48)[where]))
    rate = power[where] / each * np.maximum(1.0, amount / typical)
    leaves, sure = _leave_rate(past, now), _sure_stay(past, now)
    return ExpectedSessions(amount, rate, arrival, arrival + stay[where] / each, leaves, sure)


def _sure_stay(past: SessionTable, now: float) -> float:
    """Return the share of the stated stay that all who have left had stayed [1]."""
    seen = past.some(past.departure < now)
    if not len(seen.arrival):
        return 1.0
    stayed = (seen.departure - seen.arrival) / (seen.stated - seen.arrival)
    return min(1.0, float(stayed.min()))


def _leave_rate(past: SessionTable, now: float) -> float:
    """Return the chance that a MWh's car leaves in an hour before its stated time [1/h].

    Weighted by energy, as a truck's early leaving costs more than a car's.
    """
    seen = past.some(past.departure < now)
    hours = float(((seen.departure - seen.arrival) * seen.energy).sum())
    early = float(seen.energy[seen.departure < seen.stated - _TOLERANCE].sum())
    return early / hours if hours > 0 else 0.0


def _slots(grid: TimeGrid) -> Indices:
    """Return the hour of the local day of each step, 24 more on a rest day."""
    rest = (grid.local_day + _THURSDAY) % 7 >= _SATURDAY
    return (grid.local_hour.astype(np.intp) + 24 * rest).astype(np.intp)


def _days_of_each(grid: TimeGrid, now: float) -> Floats:
    """Return how many workdays and rest days of the four weeks before `now` lie on `grid`."""
    begin = hours_since_1970(grid.starts)
    inside = (begin >= now - _HISTORY) & (begin < now - 1e-9)
    rest = (grid.local_day[inside] + _THURSDAY) % 7 >= _SATURDAY
    hours = grid.hours[inside]
    return np.array([float(hours[~rest].sum()), float(hours[rest].sum())]) / 24.0


def arrived_sessions(table: SessionTable, grid: TimeGrid) -> ExpectedSessions:
    """Return the sessions that truly charge on `grid`, with what is left to charge at its start.

    A car that came before has charged at full rate since. Where `grid` is coarser than the table's,
    a departure counts that much later, so that what could be charged there can be charged here.
    """
    now, end = float(hours_since_1970(grid.start)), float(hours_since_1970(grid.end))
    left = energy_left(table, now)
    mine = (left > 0) & (table.departure > now) & (table.arrival < end)
    later = max(0.0, float(grid.hours.max() - table.grid.hours.max()))
    return ExpectedSessions(
        left[mine], table.rate[mine], table.arrival[mine], table.departure[mine] + later, true=True
    )


def energy_left(table: SessionTable, now: float) -> Floats:
    """Return what each car still asks for at `now` [MWh] where all charged at full rate."""
    charged = table.rate * np.maximum(0.0, np.minimum(now, table.departure) - table.arrival)
    return np.maximum(0.0, table.energy - charged)
