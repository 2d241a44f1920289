"""A person's series: read as written, put onto any grid without losing energy, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeropark.data.errors import DataError
from zeropark.data.series import UserSeries, read_series
from zeropark.model.mistakes import ParkError
from zeropark.model.park import Series
from zeropark.units.timegrid import TimeGrid

SHARED = Path(__file__).parents[3] / "shared" / "data"
ZONE = "Asia/Shanghai"
HOURLY = "time,load_kw\n2026-01-01 00:00,100\n2026-01-01 01:00,200\n2026-01-01 02:00,300\n"


def shared(name: str) -> Path:
    """Return a file of real data, or skip where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path.name} is not at hand")
    return path


def read(tmp_path: Path, text: str, of: str = "load", said: Series | None = None) -> UserSeries:
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    return read_series(path, of, ZONE, said)


def sentences(tmp_path: Path, text: str, of: str = "load", said: Series | None = None) -> list[str]:
    """Return the mistakes of a file as a person reads them."""
    with pytest.raises(ParkError) as caught:
        read(tmp_path, text, of, said)
    return [mistake.sentence() for mistake in caught.value.mistakes]


def day(steps: int, minutes: float, start: str = "2025-12-31T16:00:00") -> TimeGrid:
    return TimeGrid.regular(np.datetime64(start), steps, minutes, ZONE)


def said(**fields: object) -> Series:
    return Series.model_validate({"name": "mine", "of": "load", "file": "data.csv", **fields})


def test_a_power_keeps_its_value_in_finer_steps_and_its_mean_in_coarser_ones(
    tmp_path: Path,
) -> None:
    series = read(tmp_path, HOURLY)
    assert series.on_grid(day(4, 30)).tolist() == [0.1, 0.1, 0.2, 0.2]
    assert series.on_grid(day(1, 180)).tolist() == pytest.approx([0.2])
    # 00:30 to 01:30 is half an hour at 100 kW and half at 200 kW.
    assert series.on_grid(day(1, 60, "2025-12-31T16:30:00")).tolist() == pytest.approx([0.15])


def test_an_energy_of_an_interval_becomes_its_mean_power(tmp_path: Path) -> None:
    text = "time,Usage_kWh\n2026-01-01 00:00,25\n2026-01-01 00:15,50\n"
    assert read(tmp_path, text).values.tolist() == pytest.approx([0.1, 0.2])


@given(
    values=st.lists(st.floats(0, 1e4), min_size=8, max_size=8),
    minutes=st.sampled_from([5, 15, 20, 30, 60, 120]),
)
def test_no_step_length_loses_energy(values: list[float], minutes: int) -> None:
    starts = np.datetime64("2026-01-01T00:00:00") + np.arange(8) * np.timedelta64(1800, "s")
    series = UserSeries(
        "f", "load", starts, 0.5, np.array(values), "c", "t", "MW", ZONE, "start", "year-first", "."
    )
    grid = TimeGrid.regular(starts[0], 240 // minutes, minutes, ZONE)
    assert series.on_grid(grid) @ grid.hours == pytest.approx(sum(values) * 0.5, abs=1e-6)


FORMS = {
    "semicolons and decimal commas": (
        "Zeit;Last [kW]\n01.01.2026 00:00;1.234,5\n01.01.2026 01:00;100,0\n",
        [1.2345, 0.1],
    ),
    "tabs": ("time\tload_MW\n2026-01-01T00:00\t1\n2026-01-01T01:00\t2\n", [1.0, 2.0]),
    "a byte-order mark": ("\ufeff" + HOURLY, [0.1, 0.2, 0.3]),
    "newest first": (
        "time,load_kw\n2026-01-01 02:00,300\n2026-01-01 01:00,200\n2026-01-01 00:00,100\n",
        [0.1, 0.2, 0.3],
    ),
    "Chinese": (
        "时间,负荷（千瓦）\n2026年1月1日 00:00,100\n2026年1月1日 01:00,200\n",
        [0.1, 0.2],
    ),
    "an American clock": (
        "time,load_kw\n1/13/2026 11:00 PM,100\n1/14/2026 12:00 AM,200\n",
        [0.1, 0.2],
    ),
    "24:00": ("time,load_kw\n2026-01-01 23:00,100\n2026-01-01 24:00,200\n", [0.1, 0.2]),
    "lines of comment": ("# from the meter\n\n" + HOURLY, [0.1, 0.2, 0.3]),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_read_as_people_write_it(tmp_path: Path, form: str) -> None:
    text, values = FORMS[form]
    assert read(tmp_path, text).values.tolist() == pytest.approx(values)


def test_a_file_without_a_header_is_read_by_column_numbers(tmp_path: Path) -> None:
    text = "2026-01-01 00:00,7,100\n2026-01-01 01:00,8,200\n"
    series = read(tmp_path, text, said=said(time="1", column="3", unit="kW"))
    assert series.values.tolist() == [0.1, 0.2]


def test_parquet_is_read_like_text(tmp_path: Path) -> None:
    times = np.array(["2026-01-01T00:00", "2026-01-01T01:00"], dtype="datetime64[s]")
    pq.write_table(pa.table({"time": times, "load_kw": [100.0, 200.0]}), tmp_path / "data.parquet")
    series = read_series(tmp_path / "data.parquet", "load", ZONE)
    assert series.values.tolist() == [0.1, 0.2]
    assert series.starts[0] == np.datetime64("2025-12-31T16:00:00")


def test_an_offset_in_the_text_or_utc_in_the_name_decides_the_zone(tmp_path: Path) -> None:
    offset = "time,load_kw\n2026-01-01 00:00+01:00,1\n2026-01-01 01:00+01:00,2\n"
    assert read(tmp_path, offset).starts[0] == np.datetime64("2025-12-31T23:00:00")
    named = HOURLY.replace("time,", "Datetime (UTC),")
    assert read(tmp_path, named).starts[0] == np.datetime64("2026-01-01T00:00:00")
    assert read(tmp_path, HOURLY).starts[0] == np.datetime64("2025-12-31T16:00:00")
    stated = read(tmp_path, HOURLY, said=said(zone="Europe/Berlin"))
    assert stated.starts[0] == np.datetime64("2025-12-31T23:00:00")


def test_the_hour_that_a_clock_shows_twice_has_two_instants(tmp_path: Path) -> None:
    rows = ["01:00,1", "02:00,2", "02:00,3", "03:00,4"]
    text = "time,load_kw\n" + "".join(f"2025-10-26 {row}\n" for row in rows)
    for order in (text, "time,load_kw\n" + "".join(f"2025-10-26 {row}\n" for row in rows[::-1])):
        series = read(tmp_path, order, said=said(zone="Europe/Berlin"))
        assert series.values.tolist() == pytest.approx([0.001, 0.002, 0.003, 0.004])
        assert set(np.diff(series.starts)) == {np.timedelta64(3600, "s")}


def test_times_of_interval_ends_are_told_by_a_first_one_past_midnight(tmp_path: Path) -> None:
    times = [f"2026-01-01 {hour:02d}:00" for hour in range(1, 24)] + ["2026-01-02 00:00"]
    text = "time,load_kw\n" + "".join(f"{time},1\n" for time in times)
    series = read(tmp_path, text)
    assert series.stamps == "end"
    assert series.starts[0] == np.datetime64("2025-12-31T16:00:00")
    assert read(tmp_path, text, said=said(stamps="start")).stamps == "start"


def test_a_price_in_yuan_per_kilowatt_hour_is_read(tmp_path: Path) -> None:
    text = "时间,电价（元/千瓦时）\n2026-01-01 00:00,0.5868\n2026-01-01 01:00,-0.01\n"
    assert read(tmp_path, text, "price").values.tolist() == pytest.approx([586.8, -10.0])


REFUSED = {
    "a value that is no number": (
        HOURLY.replace("200", "much"),
        [
            (
                "data.csv:3: column 'load_kw': 'much' is not a number; mend the value or take "
                "the row out"
            )
        ],
    ),
    "a time that is none": (
        HOURLY.replace("2026-01-01 01:00", "2026-13-01 01:00"),
        ["data.csv:3: '2026-13-01 01:00' is not a time"],
    ),
    "a day no month has": (
        HOURLY.replace("2026-01-01 01:00", "2026-02-30 01:00"),
        ["data.csv:3: '2026-02-30 01:00' is not a time"],
    ),
    "a time twice": (
        HOURLY.replace("02:00", "01:00"),
        ["data.csv:4: the time 2026-01-01 01:00 stands on line 3 too; leave one"],
    ),
    "no unit": (
        HOURLY.replace("load_kw", "load"),
        ["data.csv: column 'load' names no unit; write it in the park file: unit: kW"],
    ),
    "a unit that is no load": (
        HOURLY.replace("load_kw", "load [kg]"),
        [
            (
                "data.csv: column 'load [kg]' is in kg, which is no unit of load here; write in "
                "the park file unit: kW, and scale: where values must be multiplied"
            )
        ],
    ),
    "no times": (
        "a,load_kw\nx,1\ny,2\n",
        [
            (
                "data.csv: no column of times was found; name it in the park file: time: one "
                "of a, load_kw"
            )
        ],
    ),
    "two loads": (
        "time,load a kW,load b kW\n2026-01-01 00:00,1,2\n2026-01-01 01:00,1,2\n",
        [
            (
                "data.csv: 2 columns could be load; name one in the park file: column: one of "
                "load a kW, load b kW"
            )
        ],
    ),
    "one row": (
        "time,load_kw\n2026-01-01 00:00,1\n",
        ["data.csv: two rows of times are needed at least"],
    ),
    "no rows": ("time,load_kw\n", ["data.csv: the file holds no rows of data"]),
    "nothing": ("", ["data.csv: the file holds no rows of data"]),
    "a ragged row": (
        HOURLY + "2026-01-01 03:00\n",
        ["data.csv:5: this row has 1 cells where the first has 2; mend the row"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_a_sentence(tmp_path: Path, case: str) -> None:
    text, wanted = REFUSED[case]
    assert sentences(tmp_path, text) == wanted


def test_an_hour_the_clock_skips_is_refused(tmp_path: Path) -> None:
    text = "time,load_kw\n2025-03-30 01:00,1\n2025-03-30 02:00,2\n2025-03-30 03:00,3\n"
    assert sentences(tmp_path, text, said=said(zone="Europe/Berlin")) == [
        (
            "data.csv:3: 2025-03-30 02:00 does not exist in Europe/Berlin, whose clock skips "
            "it; if the "
            "times are of another zone, write zone: in the park file"
        )
    ]


def test_a_column_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path) -> None:
    assert sentences(tmp_path, HOURLY, said=said(column="lod_kw", unit="kW")) == [
        "data.csv: there is no column 'lod_kw'. Did you mean 'load_kw'? Columns: time, load_kw"
    ]


def test_money_of_another_land_needs_a_scale(tmp_path: Path) -> None:
    text = "time,Price (EUR/MWh)\n2026-01-01 00:00,10\n2026-01-01 01:00,20\n"
    assert "EUR/MWh" in sentences(tmp_path, text, "price")[0]
    told = said(of="price", unit="CNY/MWh", scale=7.5)
    assert read(tmp_path, text, "price", told).values.tolist() == [75.0, 150.0]


def test_a_file_too_short_for_a_run_says_what_it_holds(tmp_path: Path) -> None:
    series = read(tmp_path, HOURLY)
    assert not series.covers(day(96, 15))
    with pytest.raises(DataError) as caught:
        series.on_grid(day(96, 15))
    assert str(caught.value) == (
        "data.csv holds 2026-01-01 00:00 to 2026-01-01 03:00; the run needs 2026-01-01 00:00 to "
        "2026-01-02 00:00. Choose another --start or add data"
    )


@pytest.mark.parametrize("row", ["", "2026-01-01 03:00,\n", "2026-01-01 03:00,nan\n"])
def test_a_gap_refuses_only_the_runs_that_need_it(tmp_path: Path, row: str) -> None:
    text = HOURLY + row + "2026-01-01 04:00,500\n2026-01-01 05:00,600\n"
    series = read(tmp_path, text)
    assert series.covers(day(3, 60))
    assert series.on_grid(day(2, 60, "2025-12-31T20:00:00")).tolist() == pytest.approx([0.5, 0.6])
    assert not series.covers(day(6, 60))
    with pytest.raises(ParkError) as caught:
        series.on_grid(day(6, 60))
    assert str(caught.value) == (
        "data.csv: values are missing from 2026-01-01 03:00 to 2026-01-01 04:00 (1 h); fill the gap"
    )


def test_the_steel_works_are_read_whole() -> None:
    """Day-first dates, energies by quarter-hour, ends of intervals, and a 00:00 of the "
    "wrong date."""
    series = read_series(shared("load/uci_steel_industry_15min.csv"), "load", ZONE)
    assert (series.column, series.unit, series.stamps, series.dates) == (
        "Usage_kWh",
        "kWh",
        "end",
        "day-first",
    )
    assert len(series.values) == 35_040
    assert series.gaps() == []
    assert series.starts[0] == np.datetime64("2017-12-31T16:00:00")
    # 959.6 MWh in the year is the sum of the column.
    assert series.values.sum() * 0.25 == pytest.approx(959.6, abs=0.2)


def test_a_profile_in_a_zone_with_summer_time_has_no_gap() -> None:
    path = shared("load/simbench_commercial_loadprofiles_15min_2016.csv.gz")
    told = said(column="G0-A_pload", unit="MW", zone="Europe/Berlin")
    series = read_series(path, "load", ZONE, told)
    assert len(series.values) == 366 * 96
    assert series.gaps() == []


def test_negative_prices_stay_negative() -> None:
    told = said(of="price", unit="CNY/MWh", scale=7.8, zone="UTC")
    series = read_series(shared("price/price_DE-LU_2023.csv"), "price", ZONE, told)
    assert series.values[0] == pytest.approx(-5.17 * 7.8)
    assert len(series.values) == 8760


def test_the_storage_record_is_sorted_and_its_gaps_are_named() -> None:
    told = said(unit="kW", zone="America/Los_Angeles")
    series = read_series(shared("battery/ucsd_BatteryStorage.csv"), "load", ZONE, told)
    assert (np.diff(series.starts) > np.timedelta64(0, "s")).all()
    assert {finding.key for finding in series.findings} >= {"sorted", "values_empty"}
    assert series.gaps()
