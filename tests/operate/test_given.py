"""A run lives what a person's files say: in any zone and step, with what is missing told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import yaml

from zeropark.assets import kinds
from zeropark.assets.kind import Floats, Kind
from zeropark.assets.load import Load
from zeropark.data.describe import describe
from zeropark.data.errors import DataError
from zeropark.data.sessions import SessionTable
from zeropark.model.mistakes import ParkError
from zeropark.model.park import Park
from zeropark.model.parkfile import parse_park
from zeropark.operate.build import RunRequest, build_world
from zeropark.operate.result import Results, as_json
from zeropark.operate.run import Run
from zeropark.operate.world import World

from .conftest import silent

SHARED = Path(__file__).parents[3] / "shared" / "data"
MARKET = SHARED / "price" / "price_DE-LU_2023.csv"
PARK = """\
name: tiny
place: {{latitude: 52.5 deg, longitude: 13.4 deg, altitude: 40 m, zone: {zone}}}
nodes:
  - {{name: bus, carrier: electricity}}
tariffs:
  - name: simple
    energy:
      - {{from: 2020-01-01, bands: [{{name: all, hours: [0-24], price: 0.4 CNY/kWh}}]}}
assets:
  - {{kind: grid_tie, name: tie, node: bus, import_max: 5 MW, tariff: simple}}
  - {{kind: load, name: works, node: bus, profile: {{constant: 1 MW}}}}
  - {{kind: battery, name: bat, node: bus, p_nom: 1 MW, e_nom: 2 MWh}}
"""
YARD = "  - {kind: load, name: yard, node: bus, profile: {constant: 1 MW}}\n"
HUB = """\
  - kind: ev_hub
    name: hub
    node: bus
    p_nom: 500 kW
    connectors: [{name: ac, count: 20, p_nom: 7 kW}]
    visits:
      - {name: staff, connector: ac, weekday: 30, restday: 30, stay: 6 h, energy: 10 kWh,
         p_max: 7 kW,
         arrivals: [0, 0, 0, 0, 0, 0, 2, 9, 9, 9, 9, 4, 4, 3, 2, 2, 2, 2, 3, 5, 2, 0, 0, 0]}
"""


def park(
    more: str = "", zone: str = "Europe/Berlin", known: Mapping[str, Any] | None = None
) -> Park:
    return parse_park(PARK.format(zone=zone) + more, known or kinds())


def request(the: Park, start: str, files: Mapping[str, Path], step: int = 60) -> RunRequest:
    folder = next(iter(files.values())).parent if files else Path()
    return RunRequest(the, folder, start, step_minutes=step, files=files, compare=False)


def write(path: Path, head: str, first: str, values: Sequence[float], minutes: int = 60) -> Path:
    """Write values by UTC time from `first` on."""
    times = np.datetime64(first, "m") + np.arange(len(values)) * np.timedelta64(minutes, "m")
    rows = [f"{time}Z,{value}" for time, value in zip(times, values, strict=True)]
    path.write_text(f"time,{head}\n" + "\n".join(rows) + "\n")
    return path


def told(world: World) -> list[str]:
    return [finding.text.en for finding in world.findings]


# -- whose a file is --------------------------------------------------------------------------


def test_a_commands_file_takes_the_place_of_the_parks_own_for_its_asset_only(
    tmp_path: Path,
) -> None:
    for name, level in (("a.csv", 1000), ("b.csv", 2000)):
        write(tmp_path / name, "load_kw", "2026-03-01T00:00", [level] * 48)
    (tmp_path / "new").mkdir()
    mine = write(tmp_path / "new" / "b.csv", "load_kw", "2026-03-01T00:00", [4000] * 48)
    two = park(
        YARD + "series:\n  - {name: a, of: load, file: a.csv, asset: works}\n"
        "  - {name: b, of: load, file: b.csv, asset: yard}\n"
    )
    files = {"load": mine}
    run = RunRequest(two, tmp_path, "2026-03-02", step_minutes=60, files=files, compare=False)
    truth = build_world(run).truth.series
    assert [truth["works/demand"][0], truth["yard/demand"][0]] == pytest.approx([1.0, 4.0])


def test_two_files_for_one_asset_are_refused(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        write(tmp_path / name, "load_kw", "2026-03-01T00:00", [1000] * 48)
    both = park(
        "series:\n  - {name: a, of: load, file: a.csv}\n  - {name: b, of: load, file: b.csv}\n"
    )
    with pytest.raises(DataError) as caught:
        build_world(RunRequest(both, tmp_path, "2026-03-02", step_minutes=60))
    assert str(caught.value) == "b.csv: another file of load is for works too, a.csv; leave one"


def test_an_asset_that_takes_no_such_file_is_named_with_those_that_do(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "load_kw", "2026-03-01T00:00", [1000] * 48)
    wrong = park("series:\n  - {name: a, of: load, file: a.csv, asset: bat}\n")
    with pytest.raises(DataError) as caught:
        build_world(RunRequest(wrong, tmp_path, "2026-03-02", step_minutes=60))
    assert str(caught.value) == "a.csv: asset 'bat' takes no file of load. Allowed: works"


def test_a_profile_of_a_series_without_a_file_is_refused_and_never_zero() -> None:
    text = PARK.replace("{{constant: 1 MW}}", "{{series: mine}}").format(zone="UTC")
    silent_load = text + "series:\n  - {name: mine, of: load, generated: true}\n"
    with pytest.raises(DataError) as caught:
        build_world(RunRequest(parse_park(silent_load, kinds()), Path(), "2026-03-02"))
    assert str(caught.value) == (
        "works: the profile names a series without a file; give it file: in the park file's "
        "series, or bring one with --load"
    )


class Furnace(Load):
    """A kind nobody here knew: it has a price of its own."""

    kind: ClassVar[str] = "furnace"
    takes: ClassVar[Mapping[str, str]] = {"price": "price_fuel"}


def test_a_new_kind_says_itself_which_files_it_takes(tmp_path: Path) -> None:
    prices = np.where(np.arange(96) < 72, 100.0, 900.0)
    write(tmp_path / "gas.csv", "price [CNY/MWh]", "2026-02-28T23:00", prices.tolist())
    text = PARK.format(zone="Europe/Berlin").replace("kind: load", "kind: furnace")
    mine = parse_park(
        text + "series:\n  - {name: gas, of: price, file: gas.csv, asset: works}\n",
        {**kinds(), "furnace": Furnace},
    )
    world = build_world(RunRequest(mine, tmp_path, "2026-03-03", days=2, step_minutes=60))
    assert world.truth.series["works/price_fuel"].tolist() == [100.0] * 24 + [900.0] * 24
    # The second day's price is published at noon of the first.
    assert world.foreseen_series(11, 48)["works/price_fuel"][13:].tolist() == [100.0] * 24
    assert world.foreseen_series(12, 48)["works/price_fuel"][12:].tolist() == [900.0] * 24


# -- what is missing is told ------------------------------------------------------------------


def test_what_was_noticed_stands_in_the_result_in_both_languages(tmp_path: Path) -> None:
    path = tmp_path / "meter.csv"
    rows = [f"2026-03-{day:02d} {hour:02d}:00,{hour}" for day in (1, 2) for hour in range(24)]
    path.write_text("time,load_kw\n" + "\n".join(rows) + "\n")
    run = Run(request(park(), "2026-03-02", {"load": path}))
    results = Results(run.request, run.world)
    results.outcomes["plan"] = run.live("plan", run.rules(), None, silent)
    found = as_json(results)["findings"]
    assert {"en", "zh"} == set(found[0])
    assert [each["en"] for each in found][-2:] == [
        "meter.csv: times were read in the park's zone, Europe/Berlin",
        "meter.csv holds 1.0 of the 28 days before the run; the others repeat them",
    ]


def test_a_load_that_begins_with_the_run_has_its_profile_for_a_past(tmp_path: Path) -> None:
    shape = "{mean: 1 MW, weekday: [" + ", ".join(["1"] * 12 + ["3"] * 12) + "]}"
    mine = parse_park(PARK.format(zone="UTC").replace("{constant: 1 MW}", shape), kinds())
    path = write(tmp_path / "meter.csv", "load_kw", "2026-03-02T00:00", [100] * 24)
    world = build_world(request(mine, "2026-03-02", {"load": path}))
    past = world.past.series["works/demand"].reshape(28, 24)
    # At midnight the file has 0.1 MW; the profile has 0.5 then, and three times it from noon on.
    assert past[:, :12].mean() == pytest.approx(0.1, rel=0.1)
    assert past[:, 12:].mean() == pytest.approx(0.3, rel=0.1)
    assert told(world)[-1] == (
        "meter.csv holds nothing of the days before the run; the park file's profile, at the level "
        "of the file's first value, stands for them"
    )


def test_a_gap_in_the_run_is_refused_and_one_before_it_is_filled(tmp_path: Path) -> None:
    values = [float(hour % 24) for hour in range(96)]
    path = write(tmp_path / "meter.csv", "load_kw", "2026-02-28T23:00", values)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:30] + lines[34:]) + "\n")
    with pytest.raises(ParkError) as caught:
        build_world(request(park(), "2026-03-02", {"load": path}))
    assert str(caught.value) == (
        "meter.csv: values are missing from 2026-03-02 05:00 to 2026-03-02 09:00 (4 h); "
        "fill the gap"
    )
    world = build_world(request(park(), "2026-03-03", {"load": path}))
    past = world.past.series["works/demand"]
    assert past[-24:-10].tolist() == pytest.approx([hour / 1000 for hour in range(14)])


def test_a_file_of_another_year_says_its_days_and_what_to_choose(tmp_path: Path) -> None:
    path = write(tmp_path / "meter.csv", "load_kw", "2018-12-31T23:00", [100] * 8760)
    with pytest.raises(DataError) as caught:
        build_world(request(park(), "2026-03-02", {"load": path}))
    assert str(caught.value) == (
        "meter.csv holds 2019-01-01 00:00 to 2020-01-01 00:00; the run needs 2026-03-02 00:00 to "
        "2026-03-03 00:00. Choose another --start or add data"
    )


def test_what_stands_after_the_run_values_its_end(tmp_path: Path) -> None:
    prices = [100.0] * 48 + [300.0] * 24
    path = write(tmp_path / "p.csv", "price [CNY/MWh]", "2026-02-28T23:00", prices)
    files = {"price": path}
    assert build_world(request(park(), "2026-03-02", files)).end_price == pytest.approx(300.0)
    assert build_world(request(park(), "2026-03-03", files)).end_price == pytest.approx(300.0)
    assert build_world(request(park(), "2026-03-01", files)).end_price == pytest.approx(100.0)


def sessions(folder: Path, first: str, days: int) -> Path:
    """Write one car a day: from 9 to 17 o'clock UTC, 20 kWh."""
    arrivals = np.datetime64(first, "m") + np.arange(days) * np.timedelta64(1440, "m")
    rows = [f"{at}Z,{at + np.timedelta64(480, 'm')}Z,20" for at in arrivals]
    path = folder / "cars.csv"
    path.write_text("arrival,departure,energy_kwh\n" + "\n".join(rows) + "\n")
    return path


def test_cars_are_expected_as_the_file_had_them_before_the_run(tmp_path: Path) -> None:
    path = sessions(tmp_path, "2026-03-01T09:00", 12)
    world = build_world(request(park(HUB, "UTC"), "2026-03-11", {"cars": path}))
    table = world.truth.tables["hub"]
    assert isinstance(table, SessionTable)
    assert len(table.arrival) == 11
    # Nine or ten days tell, not four weeks with nobody in most of them: 20 kWh a day.
    expected = world.foreseen_arrivals(0, 24)["hub"]
    assert expected.amount.sum() == pytest.approx(0.02, rel=0.1)
    assert told(world)[-1] == (
        "cars.csv begins 9.6 days before the run; what to expect is learned from these"
    )


def test_cars_that_begin_with_the_run_are_expected_as_the_park_file_has_them(
    tmp_path: Path,
) -> None:
    path = sessions(tmp_path, "2026-03-11T09:00", 3)
    world = build_world(request(park(HUB, "UTC"), "2026-03-11", {"cars": path}))
    expected = world.foreseen_arrivals(0, 24)["hub"]
    assert 0.1 < expected.amount.sum() < 0.5  # 30 visits of about 10 kWh
    start = world.grid.start.astype(np.int64) / 3600
    assert (world.truth.tables["hub"].arrival >= start).sum() == 1
    assert told(world)[-1] == (
        "cars.csv holds nothing of the days before the run; what the park file expects stands for "
        "them"
    )


def test_cars_of_a_file_that_ends_early_are_refused(tmp_path: Path) -> None:
    path = sessions(tmp_path, "2026-03-01T09:00", 12)
    long = RunRequest(park(HUB, "UTC"), tmp_path, "2026-03-11", days=7, files={"cars": path})
    with pytest.raises(DataError) as caught:
        build_world(long)
    assert str(caught.value) == (
        "cars.csv holds 2026-03-01 09:00 to 2026-03-12 09:00; the run needs 2026-03-11 00:00 to "
        "2026-03-18 00:00. Choose another --start or add data"
    )


def test_a_file_without_an_outage_in_the_run_says_so(tmp_path: Path) -> None:
    path = tmp_path / "outages.csv"
    path.write_text("from,to\n2025-03-29 10:00,2025-03-29 14:00\n")
    world = build_world(request(park(), "2026-03-29", {"outages": path}))
    assert told(world)[-1] == (
        "outages.csv holds no outage between 2026-03-29 00:00 and 2026-03-30 00:00"
    )


# -- the same guess -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "text"),
    [
        ("load", "Datum;Last [kW]\n01.03.2026 00:00;1,5\n13.03.2026 00:00;2,5\n"),
        ("price", "time,电价（元/千瓦时）\n2026-03-01 00:00,0.3\n2026-03-13 00:00,0.5\n"),
    ],
)
def test_a_run_reads_what_the_dry_run_shows(tmp_path: Path, of: str, text: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    the = park()
    shown = describe(path, of, the.place.zone, np.datetime64("2026-03-02"))
    (entry,) = yaml.safe_load(shown.confirm)["series"]
    confirmed = park(yaml.safe_dump({"series": [{**entry, "asset": WHOSE[of]}]}))
    guessed = build_world(request(the, "2026-03-02", {of: path})).truth.series
    agreed = build_world(RunRequest(confirmed, tmp_path, "2026-03-02", step_minutes=60))
    for name, values in agreed.truth.series.items():
        assert values.tolist() == guessed[name].tolist()
    assert not [line for line in told(agreed) if "park's zone" in line]


WHOSE = {"load": "works", "price": "tie"}


# -- other zones, steps and prices --------------------------------------------------------------


def market(folder: Path, zone: str) -> Park:
    """Return a park in the market's zone, its 2023 prices at 7.8 CNY/EUR beside it, or skip."""
    if not MARKET.exists():
        pytest.skip(f"{MARKET.name} is not at hand")
    # Its clock has 24 hours on every day: the hour that Berlin skips is taken out.
    lines = MARKET.read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("2023-03-26 02")) + "\n"
    (folder / "market.csv").write_text(text)
    return park(
        "series:\n  - {name: market, of: price, file: market.csv, unit: CNY/MWh, scale: 7.8, "
        "zone: Europe/Berlin}\n",
        zone,
    )


@pytest.mark.parametrize(
    ("start", "step", "zone", "steps"),
    [
        ("2023-07-02", 15, "Europe/Berlin", 96),  # down to -500 EUR/MWh in the afternoon
        ("2023-03-26", 60, "Europe/Berlin", 23),
        ("2023-07-02", 5, "Europe/Berlin", 288),
        ("2023-07-02", 30, "Asia/Kathmandu", 48),
    ],
)
def test_a_run_holds_at_prices_below_zero_and_no_store_turns_in_circles(
    tmp_path: Path, start: str, step: int, zone: str, steps: int
) -> None:
    the = market(tmp_path, zone)
    run = Run(RunRequest(the, tmp_path, start, step_minutes=step, horizon_hours=24, compare=False))
    assert len(run.world.grid) == steps
    controller, plant = run.planned(), run.plant()
    readings = plant.read()
    for index in range(steps):
        plant.write(controller.decide(index, readings))
        plan = controller.planner.last_good
        assert plan is not None
        assert plan.made_at == index
        both = np.minimum(*(plan.amounts("battery", way) for way in ("charge", "discharge")))
        assert both.max() <= 1e-9
        plant.step(index)
        readings = plant.read()
        assert plant.residual <= 1e-6
    if start == "2023-07-02":
        # All day the import pays: the battery ends no poorer in money than one that stands still.
        assert run.world.truth.series["tie/price_import"].min() == pytest.approx(-3900.0)
        assert float(plant.devices["tie"].costs["energy"]) < _still(run)


def _still(run: Run) -> float:
    """Return what the load's import alone costs [CNY]."""
    series, hours = run.world.truth.series, run.world.grid.hours
    return float((series["tie/price_import"] * series["works/demand"]) @ hours)


def test_an_hour_a_clock_shows_twice_and_a_file_once_is_a_gap(tmp_path: Path) -> None:
    the = market(tmp_path, "Europe/Berlin")
    with pytest.raises(ParkError) as caught:
        build_world(RunRequest(the, tmp_path, "2023-10-29", step_minutes=60))
    assert str(caught.value) == (
        "market.csv: values are missing from 2023-10-29 02:00 to 2023-10-29 03:00 (1 h); "
        "fill the gap"
    )


@pytest.mark.parametrize(("step", "count"), [(60, 25), (5, 300)])
def test_a_day_of_25_hours_is_lived_hour_by_hour(tmp_path: Path, step: int, count: int) -> None:
    first = "2025-10-24T22:00"
    path = write(tmp_path / "p.csv", "price [CNY/MWh]", first, [float(h) for h in range(49 + 24)])
    run = Run(request(park(), "2025-10-26", {"price": path}, step))
    assert len(run.world.grid) == count
    hourly = run.world.truth.series["tie/price_import"].reshape(25, -1).mean(axis=1)
    assert hourly.tolist() == [float(hour) for hour in range(24, 49)]
    outcome = run.live("plan", run.planned(), None, silent)
    assert outcome.figures.residual <= 1e-6


def test_what_is_true_after_now_changes_no_foreseen_price(tmp_path: Path) -> None:
    values: Floats = np.random.default_rng(1).uniform(-100.0, 900.0, 96)
    path = write(tmp_path / "p.csv", "price [CNY/MWh]", "2026-02-28T23:00", values.tolist())
    the = request(park(), "2026-03-02", {"price": path})
    two_days = RunRequest(the.park, the.folder, "2026-03-02", 2, 60, files=the.files)
    world = build_world(two_days)
    later = np.where(np.arange(96) < 48, values, 0.0)
    write(path, "price [CNY/MWh]", "2026-02-28T23:00", later.tolist())
    other = build_world(two_days)
    name = "tie/price_import"
    assert world.truth.series[name].tolist() != other.truth.series[name].tolist()
    for at in (0, 6, 11):
        assert world.foreseen_series(at, 48)[name].tolist() == (
            other.foreseen_series(at, 48)[name].tolist()
        )


def test_every_kinds_files_become_series_or_arrivals() -> None:
    for kind in kinds().values():
        assert issubclass(kind, Kind)
        for said, becomes in kind.takes.items():
            assert said in {"load", "price", "outages", "jobs", "cars"}
            assert (becomes == "arrivals") == (said in {"jobs", "cars"})
