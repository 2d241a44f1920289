"""A person's jobs, charging sessions and outages: their times, their work, their mistakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zeropark.data.events import read_cars, read_jobs, read_outages
from zeropark.model.mistakes import ParkError
from zeropark.model.park import Series

SHARED = Path(__file__).parents[3] / "shared" / "data"
ZONE = "Asia/Shanghai"
BEGIN = np.datetime64("2026-01-01T00:00:00")
JOBS = "arrival,runtime_h,cores,deadline,class\n2026-01-01 08:00,2,64,2026-01-01 20:00,batch\n"
CARS = "arrival,departure,delivered_energy (kWh)\n2026-01-01 08:00,2026-01-01 17:00,20\n"
OUTAGES = "from,to,announced\n2026-01-01 08:00,2026-01-01 12:00,yes\n"


def shared(name: str) -> Path:
    """Return a file of real data, or skip where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path.name} is not at hand")
    return path


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_job_has_work_in_core_hours_and_a_deadline_in_utc(tmp_path: Path) -> None:
    jobs = read_jobs(written(tmp_path, JOBS), ZONE, BEGIN)
    assert jobs.arrival.tolist() == [np.datetime64("2026-01-01T00:00:00").item()]
    assert jobs.deadline.tolist() == [np.datetime64("2026-01-01T12:00:00").item()]
    assert jobs.work.tolist() == [128.0]
    assert jobs.estimate.tolist() == [2.0]
    assert jobs.group == ("batch",)


def test_slack_counts_from_arrival(tmp_path: Path) -> None:
    text = "arrival,runtime_h,cores,slack_h\n2026-01-01 08:00,2,64,6\n2026-01-01 09:00,2,64,\n"
    jobs = read_jobs(written(tmp_path, text), ZONE, BEGIN)
    assert jobs.deadline[0] == np.datetime64("2026-01-01T06:00:00")
    assert np.isnat(jobs.deadline[1])


def test_times_counted_from_the_files_beginning_are_put_on_the_calendar(tmp_path: Path) -> None:
    text = "arrival_time,length,cpus\n0.5,1.0,4\n2.0,3.0,8\n"
    jobs = read_jobs(written(tmp_path, text), ZONE, BEGIN)
    assert jobs.arrival[1] == np.datetime64("2026-01-01T02:00:00")
    assert jobs.hours.tolist() == [1.0, 3.0]
    said = Series(name="mine", of="jobs", file="data.csv", unit="min")
    in_minutes = read_jobs(written(tmp_path, text), ZONE, BEGIN, said)
    assert in_minutes.arrival[1] == np.datetime64("2026-01-01T00:02:00")
    assert in_minutes.hours.tolist() == pytest.approx([1 / 60, 3 / 60])


def test_a_deadline_before_arrival_is_refused_with_its_line(tmp_path: Path) -> None:
    text = JOBS + "2026-01-02 08:00,2,64,2026-01-02 07:00,batch\n"
    with pytest.raises(ParkError) as caught:
        read_jobs(written(tmp_path, text), ZONE, BEGIN)
    assert str(caught.value) == (
        "data.csv:3: deadline 2026-01-02 07:00 is not after arrival 2026-01-02 08:00; "
        "a deadline must come later"
    )


def test_a_departure_before_arrival_is_refused_with_its_line(tmp_path: Path) -> None:
    text = CARS.replace("17:00", "07:00")
    with pytest.raises(ParkError) as caught:
        read_cars(written(tmp_path, text), "UTC")
    assert caught.value.mistakes[0].sentence() == (
        "data.csv:2: departure 2026-01-01 07:00 is not after arrival 2026-01-01 08:00; "
        "a departure must come later"
    )


def test_an_outage_that_ends_before_it_begins_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParkError) as caught:
        read_outages(written(tmp_path, OUTAGES.replace("12:00", "08:00")), "UTC")
    assert str(caught.value) == (
        "data.csv:2: the end 2026-01-01 08:00 is not after the beginning 2026-01-01 08:00; "
        "an outage must last"
    )


def test_an_outage_is_unannounced_unless_the_file_says_so(tmp_path: Path) -> None:
    text = OUTAGES + "2026-01-03 08:00,2026-01-03 09:00,\n2026-01-02 08:00,2026-01-02 09:00,no\n"
    outages = read_outages(written(tmp_path, text), ZONE)
    assert outages.announced.tolist() == [True, False, False]
    assert (np.diff(outages.first) > np.timedelta64(0, "s")).all()
    assert outages.last[0] == np.datetime64("2026-01-01T04:00:00")


def test_a_number_that_is_none_and_a_time_that_is_none_are_told_together(tmp_path: Path) -> None:
    text = JOBS + "soon,2,many,2026-01-02 07:00,batch\n"
    with pytest.raises(ParkError) as caught:
        read_jobs(written(tmp_path, text), ZONE, BEGIN)
    assert [mistake.sentence() for mistake in caught.value.mistakes] == [
        "data.csv:3: column 'arrival': 'soon' is not a time",
        "data.csv:3: column 'cores': 'many' is not a number",
    ]


@pytest.mark.parametrize(
    ("text", "needed"),
    [("cores,length\n1,2\n", "arrival"), ("arrival_time,length\n1,2\n", "cores")],
)
def test_a_needed_column_that_is_missing_is_named(tmp_path: Path, text: str, needed: str) -> None:
    with pytest.raises(ParkError, match=f"no column for {needed} was found") as caught:
        read_jobs(written(tmp_path, text), ZONE, BEGIN)
    assert [mistake.code for mistake in caught.value.mistakes] == ["no_column"]


def test_the_real_jobs_of_a_year_keep_their_core_hours() -> None:
    jobs = read_jobs(shared("jobs/gaia_pai-100k.csv"), ZONE, BEGIN)
    assert len(jobs.arrival) == 99_998
    assert jobs.work.sum() == pytest.approx(1_011_246, rel=1e-6)
    assert jobs.arrival[-1] < np.datetime64("2027-01-01T00:00:00")


def test_a_week_counted_in_seconds_is_a_week() -> None:
    jobs = read_jobs(shared("jobs/gaia_pai_1k.csv"), ZONE, BEGIN)
    assert jobs.arrival[-1] - jobs.arrival[0] < np.timedelta64(7, "D")
    assert jobs.arrival[-1] - jobs.arrival[0] > np.timedelta64(6, "D")


def test_the_standard_workload_format_is_known_by_its_columns() -> None:
    jobs = read_jobs(shared("jobs/lublin_256.swf"), ZONE, BEGIN)
    assert len(jobs.arrival) == 10_000
    assert jobs.arrival[0] == BEGIN + np.timedelta64(5094, "s")
    assert jobs.work[0] == pytest.approx(12_072 / 3600 * 16)


def test_pods_are_jobs_from_their_creation_to_their_deletion() -> None:
    jobs = read_jobs(shared("jobs/alibaba2023_openb_pod_list_default.csv"), ZONE, BEGIN)
    assert jobs.cores[0] == 12.0
    assert set(jobs.group) == {"LS", "BE", "Burstable", "Guaranteed"}


def test_real_sessions_know_what_was_stated_and_what_was_true() -> None:
    cars = read_cars(shared("ev/acn_caltech_2019-05-01_2019-08-31.csv.gz"), ZONE)
    assert len(cars.arrival) == 3527
    assert cars.energy[0] == pytest.approx(0.044069)
    assert cars.stated[0] == np.datetime64("2019-05-01T16:20:45")
    assert (cars.departure > cars.arrival).all()
