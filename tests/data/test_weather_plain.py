"""Weather as a plain table: what its columns mean, what is missing, and what stands for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zeropark.data.describe import describe
from zeropark.data.errors import DataError
from zeropark.data.weather import Weather
from zeropark.data.weather.plain import WeatherRows, read_rows
from zeropark.model.mistakes import ParkError
from zeropark.model.park import Series
from zeropark.units.place import Place
from zeropark.units.timegrid import TimeGrid

XINING = Place(36.6, 101.8, 2260.0, "Asia/Shanghai")
HEAD = "time,GHI [W/m2],Air temperature (°C),RH,Pressure,wind_speed_m_s"
RUN = TimeGrid.local_days("2026-04-12", 1, 15, XINING.zone)
WHOLE = TimeGrid.local_days("2026-04-11", 2, 15, XINING.zone)


def rows(first: str = "2026-04-11T00:00", hours: int = 49) -> list[str]:
    """Return hours at 10, 10.25, 10.5, ... degC, 50 % humidity, 770 hPa, 3 m/s, without sun."""
    times = np.datetime64(first) + np.arange(hours) * np.timedelta64(1, "h")
    return [f"{time},0,{10 + i / 4},50,770,3" for i, time in enumerate(times)]


def file(folder: Path, lines: list[str], head: str = HEAD) -> Path:
    path = folder / "wx.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def read(path: Path, said: Series | None = None) -> WeatherRows:
    return read_rows(path, XINING.zone, said)


def typical() -> Weather:
    """Return a year that is always at -5 degC, so that it shows where it stands in."""
    grid = TimeGrid.regular(np.datetime64("2025-12-31T16:00:00"), 8760, 60, XINING.zone)
    level = {"t_air": -5.0, "t_dew": -10.0, "pressure": 77.0, "wind_speed": 9.0}
    columns = {name: np.full(8760, value) for name, value in level.items()}
    sun = dict.fromkeys(("ghi", "dni", "dhi"), np.zeros(8760))
    return Weather.of(grid, XINING, {**sun, **columns}, typical=True)


def never() -> Weather:
    raise AssertionError("nothing is missing, nobody asks for a typical year")


def test_columns_and_units_are_found_by_name_and_by_size(tmp_path: Path) -> None:
    found = read(file(tmp_path, rows()))
    assert found.units == {
        "ghi": "W/m2", "t_air": "degC", "rh": "%", "pressure": "hPa", "wind_speed": "m/s",
    }  # fmt: skip
    assert found.columns["rh"][0] == pytest.approx(0.5)
    assert found.columns["pressure"][0] == pytest.approx(77.0)
    assert [finding.text.en for finding in found.findings] == [
        "column 'RH' was taken to be in %",
        "column 'Pressure' was taken to be in hPa",
        "times were read in the park's zone, Asia/Shanghai",
    ]


def test_a_file_that_holds_everything_is_the_weather(tmp_path: Path) -> None:
    reading = read(file(tmp_path, rows("2026-04-10T23:00", 51))).weather(WHOLE, RUN, XINING, never)
    weather = reading.weather
    assert weather.grid == WHOLE
    # 10.25 degC over the first hour: its quarters lie on the line from 10 to 10.5.
    assert weather.t_air[:4].tolist() == pytest.approx([10.15625, 10.21875, 10.28125, 10.34375])
    assert weather.pressure.tolist() == pytest.approx([77.0] * len(WHOLE))


def test_days_before_the_run_that_are_missing_come_from_the_typical_year(tmp_path: Path) -> None:
    reading = read(file(tmp_path, rows("2026-04-12T00:00", 25))).weather(
        WHOLE, RUN, XINING, typical
    )
    assert reading.weather.t_air[:90].tolist() == pytest.approx([-5.0] * 90)
    assert reading.weather.t_air[98] == pytest.approx(10.03125)
    assert (
        "wx.csv does not hold all the days before 2026-04-12 00:00; the typical year stands for "
        "what is missing"
    ) in [finding.text.en for finding in reading.findings]


def test_a_column_the_file_does_not_have_comes_from_the_typical_year(tmp_path: Path) -> None:
    lines = [line.rpartition(",")[0] for line in rows()]
    reading = read(file(tmp_path, lines, HEAD.rpartition(",")[0])).weather(
        WHOLE, RUN, XINING, typical
    )
    assert reading.weather.wind_speed.tolist() == pytest.approx([9.0] * len(WHOLE))
    assert "not in the file, taken from the typical year: wind_speed (wind speed)" in [
        finding.text.en for finding in reading.findings
    ]


def test_a_gap_in_the_run_is_refused_and_says_how_long(tmp_path: Path) -> None:
    lines = rows()
    table = read(file(tmp_path, lines[:30] + lines[33:]))
    with pytest.raises(ParkError) as caught:
        table.weather(WHOLE, RUN, XINING, typical)
    assert str(caught.value) == (
        "wx.csv: values are missing from 2026-04-12 06:00 to 2026-04-12 09:00 (3 h); fill the gap"
    )


def test_an_empty_cell_is_a_gap_and_no_zero(tmp_path: Path) -> None:
    lines = rows()
    lines[30] = lines[30].replace(",0,", ",,", 1)
    table = read(file(tmp_path, lines))
    assert np.isnan(table.columns["ghi"][30])
    with pytest.raises(ParkError, match=r"2026-04-12 06:00 to 2026-04-12 07:00 \(1 h\)"):
        table.weather(WHOLE, RUN, XINING, typical)


def test_a_file_too_short_for_the_run_says_what_it_holds(tmp_path: Path) -> None:
    table = read(file(tmp_path, rows(hours=30)))
    with pytest.raises(DataError) as caught:
        table.weather(WHOLE, RUN, XINING, typical)
    assert str(caught.value) == (
        "wx.csv holds 2026-04-11 00:00 to 2026-04-12 06:00; the run needs 2026-04-12 00:00 to "
        "2026-04-13 00:00. Choose another --start or add data"
    )


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        (
            HEAD.replace("(°C)", "(°F)"),
            "wx.csv: column 'Air temperature (°F)' is in °F; allowed: degC, °C, ℃",
        ),
        (
            "time,a,b,c,d,e",
            (
                "wx.csv: no column of weather was found; name them in the park file: "
                "columns: {ghi: one of a, b, c, d, e}"
            ),
        ),
    ],
)
def test_what_a_column_cannot_be_is_a_sentence(tmp_path: Path, head: str, sentence: str) -> None:
    with pytest.raises(ParkError) as caught:
        read(file(tmp_path, rows(), head))
    assert str(caught.value) == sentence


def test_cells_that_are_no_numbers_are_named_by_line(tmp_path: Path) -> None:
    lines = rows()
    lines[1] = lines[1].replace(",50,", ",wet,")
    with pytest.raises(ParkError) as caught:
        read(file(tmp_path, lines))
    assert str(caught.value) == (
        "wx.csv:3: column 'RH': 'wet' is not a number; mend the value or take the row out"
    )


def test_rows_that_are_not_equally_far_apart_are_refused(tmp_path: Path) -> None:
    lines = rows()
    lines[40] = lines[40].replace(":00,", ":20,", 1)
    with pytest.raises(ParkError) as caught:
        read(file(tmp_path, lines))
    assert str(caught.value) == (
        "wx.csv: 2026-04-12 16:20 is no whole number of 60 min after the first time; rows must be "
        "equally far apart"
    )


def test_the_dry_run_shows_what_the_run_reads(tmp_path: Path) -> None:
    path = file(tmp_path, rows())
    shown = describe(path, "weather", XINING.zone, RUN.start)
    read_again = read(path)
    assert {name: meaning for meaning, name in read_again.names.items()}.keys() == {
        name for name, _, unit in shown.columns if unit
    }
    assert (shown.rows, shown.step_minutes, shown.first) == (49, 60.0, "2026-04-11 00:00")
    assert "    t_air: Air temperature (°C)" in shown.confirm.splitlines()
