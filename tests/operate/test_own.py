"""A person's own files in a run: whose they are, and what is known of the past."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zeropark.assets import kinds
from zeropark.data.errors import DataError
from zeropark.data.series import UserSeries
from zeropark.model.park import Park
from zeropark.model.parkfile import parse_park
from zeropark.operate.build import RunRequest, build_world
from zeropark.operate.past import with_past
from zeropark.units.timegrid import TimeGrid

PARK = """\
name: tiny
place: {latitude: 36.6 deg, longitude: 101.8 deg, altitude: 2260 m, zone: Asia/Shanghai}
nodes:
  - {name: bus, carrier: electricity}
tariffs:
  - name: simple
    energy:
      - {from: 2020-01-01, bands: [{name: all, hours: [0-24], price: 0.4 CNY/kWh}]}
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 5 MW, tariff: simple}
  - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
"""
DAYS = 40


def park(more: str = "") -> Park:
    return parse_park(PARK + more, kinds())


def meter(folder: Path, name: str = "meter.csv") -> Path:
    """Write hourly loads that count the hours since 1 March 2026, for 40 days."""
    first = np.datetime64("2026-03-01T00:00")
    times = [first + np.timedelta64(hour, "h") for hour in range(DAYS * 24)]
    rows = [f"{time},{hour}" for hour, time in enumerate(times)]
    path = folder / name
    path.write_text("time,load_kw\n" + "\n".join(rows) + "\n")
    return path


def series(first: str, hours: int) -> UserSeries:
    starts = np.datetime64(first, "s") + np.arange(hours) * np.timedelta64(3600, "s")
    values = np.arange(hours, dtype=float)
    return UserSeries(
        "f", "load", starts, 1.0, values, "c", "t", "MW", "UTC", "start", "year-first", "."
    )


def grids(days_before: int) -> tuple[TimeGrid, TimeGrid]:
    run = TimeGrid.regular(np.datetime64("2026-03-29T00:00:00"), 24, 60, "UTC")
    start = run.start - np.timedelta64(days_before, "D")
    return TimeGrid.regular(start, (days_before + 1) * 24, 60, "UTC"), run


def test_a_load_file_is_the_truth_and_its_past_is_the_history(tmp_path: Path) -> None:
    request = RunRequest(
        park(), tmp_path, "2026-03-29", step_minutes=60, files={"load": meter(tmp_path)}
    )
    world = build_world(request)
    assert world.truth.series["works/demand"][:3].tolist() == pytest.approx([0.672, 0.673, 0.674])
    assert world.past.series["works/demand"][-1] == pytest.approx(0.671)
    assert world.past.series["works/demand"][0] == pytest.approx(0.0)


def test_a_past_the_file_does_not_hold_repeats_what_it_does() -> None:
    whole, run = grids(days_before=28)
    values, _findings = with_past(series("2026-03-20T00:00:00", 10 * 24), whole, run)
    first = 28 * 24
    assert values[first:].tolist() == list(range(9 * 24, 10 * 24))
    # Nine days are held; the hour a week before the first of them is that hour of the week.
    assert values[first - 9 * 24 - 1] == values[first - 2 * 24 - 1]
    assert not np.isnan(values).any()


def test_a_file_that_begins_with_the_run_knows_nothing_of_the_past_but_its_first_value() -> None:
    whole, run = grids(days_before=28)
    values, _findings = with_past(series("2026-03-29T00:00:00", 24), whole, run)
    assert set(values[: 28 * 24]) == {0.0}
    later, _findings = with_past(series("2026-03-29T00:00:00", 48), whole, run)
    assert later.tolist() == values.tolist()


def test_the_park_files_own_series_is_used_without_an_option(tmp_path: Path) -> None:
    meter(tmp_path)
    mine = "series:\n  - {name: mine, of: load, file: meter.csv, unit: MW}\n"
    text = (PARK + mine).replace("{constant: 1 MW}", "{series: mine}")
    request = RunRequest(
        parse_park(text, kinds(), folder=tmp_path), tmp_path, "2026-03-29", step_minutes=60
    )
    assert build_world(request).truth.series["works/demand"][0] == pytest.approx(672.0)


def test_an_outage_is_foreseen_only_where_it_is_announced(tmp_path: Path) -> None:
    path = tmp_path / "outages.csv"
    path.write_text(
        "from,to,announced\n2026-03-29 10:00,2026-03-29 14:00,yes\n"
        "2026-03-29 18:00,2026-03-29 19:00,no\n"
    )
    request = RunRequest(park(), tmp_path, "2026-03-29", step_minutes=60, files={"outages": path})
    world = build_world(request)
    truly = np.flatnonzero(world.truth.series["tie/available"] == 0.0)
    foreseen = np.flatnonzero(world.foreseen_series(0, 24)["tie/available"] == 0.0)
    assert truly.tolist() == [10, 11, 12, 13, 18]
    assert foreseen.tolist() == [10, 11, 12, 13]


def test_a_file_two_assets_could_mean_asks_whose_it_is(tmp_path: Path) -> None:
    two = park("  - {kind: load, name: yard, node: bus, profile: {constant: 1 MW}}\n")
    request = RunRequest(
        two, tmp_path, "2026-03-29", step_minutes=60, files={"load": meter(tmp_path)}
    )
    with pytest.raises(DataError) as caught:
        build_world(request)
    assert str(caught.value) == (
        "meter.csv: 2 assets could be meant by a file of load; write asset: in the park's series, "
        "one of works, yard"
    )


def test_a_file_for_nobody_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cars.csv"
    path.write_text("arrival,departure,energy_kwh\n2026-03-29 10:00,2026-03-29 14:00,9\n")
    request = RunRequest(park(), tmp_path, "2026-03-29", step_minutes=60, files={"cars": path})
    with pytest.raises(DataError) as caught:
        build_world(request)
    assert str(caught.value) == (
        "cars.csv: the park has no asset that a file of cars is for; add one"
    )
