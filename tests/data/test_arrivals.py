"""A person's jobs, cars and outages as the tables a run lives through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from zeropark.data.arrivals import availability, job_table, session_table
from zeropark.data.errors import DataError
from zeropark.data.events import Cars, Jobs, Outages
from zeropark.data.jobs import JobTable, hours_since_1970
from zeropark.data.meaning import Meaning
from zeropark.data.sessions import SessionTable
from zeropark.units.timegrid import TimeGrid

START = np.datetime64("2026-01-01T00:00:00")
GRID = TimeGrid.regular(START, 24, 60, "UTC")
MEANING = Meaning({}, {})
HOUR = np.timedelta64(3600, "s")
ZERO = float(hours_since_1970(START))


@dataclass(frozen=True)
class Class:
    name: str
    online: bool
    run_time: float
    slack: float


CLASSES = (
    Class("web", online=True, run_time=0.0, slack=0.0),
    Class("short", online=False, run_time=1.0, slack=4.0),
    Class("long", online=False, run_time=10.0, slack=24.0),
)
NOTHING = np.zeros(0)
DRAWN = JobTable(
    GRID,
    NOTHING.astype(np.intp),
    NOTHING,
    NOTHING,
    NOTHING,
    NOTHING,
    NOTHING,
    np.full((3, 24), 7.0),
)
NO_CARS = SessionTable(GRID, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING.astype(np.intp))


def jobs(*rows: tuple[float, float, float, float, str]) -> Jobs:
    """Return jobs of (arrival [h], run time [h], cores, deadline [h] or NaN, group)."""
    at, hours, cores, due, group = zip(*rows, strict=True)
    deadline = START + np.nan_to_num(np.array(due)).astype(int) * HOUR
    deadline[np.isnan(due)] = np.datetime64("NaT")
    arrival = START + np.array(at).astype(int) * HOUR
    run = np.array(hours)
    return Jobs(arrival, run, np.array(cores), run * 1.5, deadline, tuple(group), MEANING)


def test_a_job_belongs_to_its_named_class_else_to_the_nearest_by_run_time() -> None:
    table = job_table(
        "f",
        jobs(
            (1, 0.5, 100, np.nan, ""),
            (2, 8.0, 100, np.nan, ""),
            (3, 8.0, 100, np.nan, "short"),
        ),
        CLASSES,
        DRAWN,
        GRID,
    )
    assert table.member.tolist() == [1, 2, 1]


def test_a_job_keeps_its_work_and_its_deadline_or_gets_its_classs_slack() -> None:
    table = job_table(
        "f", jobs((1, 2.0, 500, 20, "long"), (2, 2.0, 500, np.nan, "long")), CLASSES, DRAWN, GRID
    )
    assert table.work.tolist() == [1.0, 1.0]  # 500 cores for 2 h are one thousand core-hours.
    assert table.estimate.tolist() == [1.5, 1.5]
    # Given: 20:00. Not given: arrival 2, estimate 3 h, slack 24 h.
    assert (table.deadline - ZERO).tolist() == pytest.approx([20.0, 29.0])
    assert np.array_equal(table.online, DRAWN.online)


def test_jobs_outside_the_run_are_left_out_and_none_at_all_is_refused() -> None:
    table = job_table(
        "f", jobs((1, 1.0, 9, np.nan, ""), (24, 1.0, 9, np.nan, "")), CLASSES, DRAWN, GRID
    )
    assert len(table.arrival) == 1
    with pytest.raises(DataError) as caught:
        job_table("jobs.csv", jobs((24, 1.0, 9, np.nan, "")), CLASSES, DRAWN, GRID)
    assert str(caught.value) == (
        "jobs.csv holds arrivals from 2026-01-02 00:00 to 2026-01-02 00:00 and none in the run, "
        "2026-01-01 00:00 to 2026-01-02 00:00. Choose another --start"
    )


def cars(*rows: tuple[float, float, float, str]) -> Cars:
    """Return sessions of (arrival [h], departure [h], energy [MWh], station)."""
    at, off, energy, station = zip(*rows, strict=True)
    arrival, departure = (START + np.array(x).astype(int) * HOUR for x in (at, off))
    asked = np.full(len(at), np.nan)
    return Cars(arrival, departure, departure, np.array(energy), asked, tuple(station), MEANING)


def test_a_car_is_at_its_station_else_at_the_slowest_connector_in_time() -> None:
    connectors = [("dc", 0.12), ("ac", 0.007)]
    came = cars((1, 9, 0.02, ""), (1, 2, 0.02, ""), (1, 9, 0.02, "dc"))
    table = session_table("f", came, connectors, NO_CARS, GRID)
    assert table.connector.tolist() == [1, 0, 0]
    assert table.rate.tolist() == [0.007, 0.12, 0.12]


def test_no_car_asks_for_more_than_its_connector_can_give() -> None:
    table = session_table("f", cars((1, 2, 0.5, "")), [("dc", 0.12)], NO_CARS, GRID)
    assert table.energy.tolist() == pytest.approx([0.98 * 0.12])


def test_an_outage_takes_its_share_of_each_step() -> None:
    minutes = np.timedelta64(60, "s")
    outages = Outages(
        np.array([START + 90 * minutes, START + 600 * minutes]),
        np.array([START + 180 * minutes, START + 660 * minutes]),
        np.array([True, False]),
        MEANING,
    )
    truly, announced = availability(outages, GRID)
    assert truly[:4].tolist() == pytest.approx([1.0, 0.5, 0.0, 1.0])
    assert truly[10] == 0.0
    assert announced[:4].tolist() == pytest.approx([1.0, 0.5, 0.0, 1.0])
    assert announced[10] == 1.0
