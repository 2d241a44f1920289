"""Weather files: what each row means is found out, what does not fit is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from zeropark.data.errors import DataError
from zeropark.data.weather import Weather, air
from zeropark.data.weather.assemble import Reading, stamp_offset, weather_from_columns
from zeropark.data.weather.climate import climate
from zeropark.data.weather.readers import fixed_zone, read_weather, weather_format
from zeropark.data.weather.split import closure, split_global
from zeropark.data.weather.stored import stored_reading, stored_year
from zeropark.data.weather.sunpath import sun_path
from zeropark.units.place import Place
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
ZONE = "Asia/Shanghai"


def _keys(reading: Reading) -> list[str]:
    return [finding.key for finding in reading.findings]


def _same_wet_bulb(one: Weather, other: Weather) -> None:
    """At 0 degC the wet bulb freezes and jumps: hours differ there from means of quarters."""
    unfrozen = np.abs(other.t_wet) > 1.5
    np.testing.assert_allclose(one.t_wet[unfrozen], other.t_wet[unfrozen], atol=0.02)


@pytest.fixture(scope="module")
def centred(year: Weather) -> Weather:
    """The year in hours around whole local hours: what Chinese Standard Weather Data rows mean."""
    start = np.datetime64("2000-12-31T15:30:00")
    return year.resample(TimeGrid.regular(start, 8760, 60, ZONE))


def write_epw(path: Path, weather: Weather, *, late: int = 0, **changed: Floats) -> Path:
    """Write an EPW whose first row is the first hour of `weather`, its sun `late` hours after."""
    humid = 100 * air.relative_humidity(weather.t_air, weather.t_dew)
    columns: dict[str, Floats] = {
        "t_air": weather.t_air,
        "t_dew": weather.t_dew,
        "rh": humid,
        "pressure": weather.pressure * 1000,
        "ghi": np.roll(weather.ghi, late),
        "dni": np.roll(weather.dni, late),
        "dhi": np.roll(weather.dhi, late),
        "wind": weather.wind_speed,
    } | changed
    head = "LOCATION,Nanchuan,Qinghai,CHN,test,0,36.60,101.70,8.0,2260.0"
    rest = [f"HEAD {n},0" for n in range(7)]
    start = np.datetime64("2001-01-01T00:00")
    rows = []
    for i in range(len(weather.ghi)):
        day = str(start + np.timedelta64(i, "h"))
        c = {name: f"{values[i]:.4f}" for name, values in columns.items()}
        rows.append(
            f"2001,{int(day[5:7])},{int(day[8:10])},{int(day[11:13]) + 1},0,?9,{c['t_air']},"
            f"{c['t_dew']},{c['rh']},{c['pressure']},9999,9999,262,{c['ghi']},{c['dni']},"
            f"{c['dhi']},999900,999900,999900,99990,233,{c['wind']},9,9,999.0,999,9,999999999,0,"
            "0.0,0,88,999.0,999.0,99.0"
        )
    path.write_text("\n".join([head, *rest, *rows]) + "\n", encoding="utf-8")
    return path


def test_epw_rows_that_name_the_middle_are_read_so(tmp_path: Path, centred: Weather) -> None:
    reading = read_weather(write_epw(tmp_path / "a.epw", centred), ZONE)
    assert _keys(reading) == []
    assert reading.weather.typical
    assert reading.weather.grid == centred.grid
    np.testing.assert_allclose(reading.weather.ghi, centred.ghi, atol=1e-4)
    np.testing.assert_allclose(reading.weather.pressure, centred.pressure, atol=1e-6)
    _same_wet_bulb(reading.weather, centred)


def test_epw_rows_that_name_the_end_are_read_so(tmp_path: Path, year: Weather) -> None:
    hours = year.resample(TimeGrid.regular(year.grid.start, 8760, 60, ZONE))
    reading = read_weather(write_epw(tmp_path / "a.epw", hours), ZONE)
    assert _keys(reading) == ["rows_name_hour_ends"]
    assert reading.weather.grid == hours.grid
    np.testing.assert_allclose(reading.weather.ghi, hours.ghi, atol=1e-4)


@pytest.mark.parametrize(("late", "key"), [(1, "sun_stamped_late"), (-1, "sun_stamped_early")])
def test_sun_an_hour_off_is_found(tmp_path: Path, centred: Weather, late: int, key: str) -> None:
    reading = read_weather(write_epw(tmp_path / "a.epw", centred, late=late), ZONE)
    assert key in _keys(reading)
    text = reading.findings[_keys(reading).index(key)].text
    side = "after" if late > 0 else "before"
    assert f"min {side} the true sun" in text.en


def test_epw_without_a_zone_gets_its_own_offset(tmp_path: Path, centred: Weather) -> None:
    assert read_weather(write_epw(tmp_path / "a.epw", centred)).weather.grid.zone == "Etc/GMT-8"


@pytest.mark.parametrize(
    ("clock", "zone"), [(8.0, "Etc/GMT-8"), (-5.0, "Etc/GMT+5"), (0.0, "UTC"), (5.5, "UTC")]
)
def test_fixed_zones_count_westward(clock: float, zone: str) -> None:
    assert fixed_zone(clock) == zone


def test_direct_light_that_does_not_close_is_made_anew(tmp_path: Path, centred: Weather) -> None:
    file = write_epw(tmp_path / "a.epw", centred, dni=centred.dni * 0.7)
    reading = read_weather(file, ZONE)
    assert _keys(reading) == ["sun_split_again"]
    path = sun_path(reading.weather.grid, reading.weather.place)
    w = reading.weather
    assert closure(w.ghi, w.dni, w.dhi, path) == pytest.approx(1.0, abs=1e-9)


def test_missing_direct_light_is_made_and_missing_temperature_is_refused(
    tmp_path: Path, centred: Weather
) -> None:
    gap = np.full(8760, 9999.0)
    made = read_weather(write_epw(tmp_path / "a.epw", centred, dni=gap, dhi=gap), ZONE)
    assert _keys(made) == ["sun_split"]
    t_air = centred.t_air.copy()
    t_air[100] = 99.9
    with pytest.raises(DataError, match=r"t_air \(air temperature\): no value at"):
        read_weather(write_epw(tmp_path / "b.epw", centred, t_air=t_air), ZONE)


def test_missing_pressure_is_the_standard_one_of_the_altitude(
    tmp_path: Path, centred: Weather
) -> None:
    reading = read_weather(
        write_epw(tmp_path / "a.epw", centred, pressure=np.full(8760, 999999.0)), ZONE
    )
    assert _keys(reading) == ["pressure_standard"]
    np.testing.assert_allclose(reading.weather.pressure, air.standard_pressure(2260.0))


def test_missing_dew_point_comes_from_the_humidity(tmp_path: Path, centred: Weather) -> None:
    reading = read_weather(write_epw(tmp_path / "a.epw", centred, t_dew=np.full(8760, 99.9)), ZONE)
    np.testing.assert_allclose(reading.weather.t_dew, centred.t_dew, atol=0.02)


def test_short_file_says_how_many_rows(tmp_path: Path, centred: Weather) -> None:
    file = write_epw(tmp_path / "a.epw", centred)
    file.write_text("\n".join(file.read_text().splitlines()[:-10]) + "\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_weather(file)
    assert caught.value.text.en == f"{file}: 8750 rows; a typical year has 8760"


def test_file_that_is_not_there_and_file_of_no_known_kind_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(DataError) as absent:
        read_weather(tmp_path / "none.epw")
    assert absent.value.text.en == f"{tmp_path / 'none.epw'}: No such file or directory"
    table = tmp_path / "table.csv"
    table.write_text("time,ghi\n2025-01-01,0\n", encoding="utf-8")
    assert weather_format(table) is None
    with pytest.raises(DataError, match="not an EPW, PVGIS or NASA POWER file"):
        read_weather(table)


def test_broken_file_says_what_it_claimed_to_be(tmp_path: Path) -> None:
    file = tmp_path / "a.epw"
    file.write_text("LOCATION,here,there\n" * 12, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_weather(file)
    assert caught.value.key == "weather_file_broken"


def _pvgis_csv(path: Path, weather: Weather) -> Path:
    rows = _pvgis_rows(weather)
    head = [
        "Latitude (decimal degrees): 36.600",
        "Longitude (decimal degrees): 101.700",
        "Elevation (m): 2260.0",
        "Irradiance Time Offset (h): 0.0",
        "month,year",
        *(f"{month},{2005 + month}" for month in range(1, 13)),
        ",".join(rows[0]),
    ]
    body = [",".join(str(value) for value in row.values()) for row in rows]
    path.write_bytes(("\r\n".join([*head, *body]) + "\r\n").encode())
    return path


def _pvgis_json(path: Path, weather: Weather) -> Path:
    place = {"latitude": 36.6, "longitude": 101.7, "elevation": 2260.0}
    tree = {
        "inputs": {"location": place},
        "outputs": {
            "months_selected": [{"month": m, "year": 2005 + m} for m in range(1, 13)],
            "tmy_hourly": _pvgis_rows(weather),
        },
        "meta": {"inputs": {}, "outputs": {}},
    }
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def _pvgis_rows(weather: Weather) -> list[dict[str, str | float]]:
    humid = 100 * air.relative_humidity(weather.t_air, weather.t_dew)
    start = np.datetime64("2001-01-01T00:00")
    rows: list[dict[str, str | float]] = []
    for i in range(8760):
        at = str(start + np.timedelta64(i, "h"))
        rows.append(
            {
                "time(UTC)": f"{2005 + int(at[5:7])}{at[5:7]}{at[8:10]}:{at[11:13]}00",
                "T2m": round(float(weather.t_air[i]), 4),
                "RH": round(float(humid[i]), 4),
                "G(h)": round(float(weather.ghi[i]), 4),
                "Gb(n)": round(float(weather.dni[i]), 4),
                "Gd(h)": round(float(weather.dhi[i]), 4),
                "IR(h)": 262.0,
                "WS10m": round(float(weather.wind_speed[i]), 4),
                "WD10m": 180.0,
                "SP": round(float(weather.pressure[i]) * 1000, 2),
            }
        )
    return rows


@pytest.mark.parametrize(("name", "write"), [("a.csv", _pvgis_csv), ("a.json", _pvgis_json)])
def test_pvgis_year_stands_at_its_times(
    tmp_path: Path, year: Weather, name: str, write: Callable[[Path, Weather], Path]
) -> None:
    grid = TimeGrid.regular(np.datetime64("2000-12-31T23:30:00"), 8760, 60, "UTC")
    hours = year.resample(grid)
    reading = read_weather(write(tmp_path / name, hours), ZONE)
    assert reading.weather.grid.start == grid.start
    assert reading.weather.typical
    assert _keys(reading) == []
    np.testing.assert_allclose(reading.weather.ghi, hours.ghi, atol=1e-3)
    _same_wet_bulb(reading.weather, hours)


def _power_csv(path: Path, weather: Weather, clock: str, first: str) -> Path:
    head = [
        "-BEGIN HEADER-",
        "NASA/POWER Source Native Resolution Hourly Data",
        f"Dates (month/day/year): 06/01/2023 through 06/03/2023 in {clock}",
        "Location: latitude  36.6   longitude 101.7",
        "elevation from MERRA-2: Average for 0.5 x 0.625 degree lat/lon region = 2885.12 meters",
        "The value for missing source data is: -999",
        "-END HEADER-",
        "YEAR,MO,DY,HR,ALLSKY_SFC_SW_DWN,ALLSKY_SFC_SW_DNI,ALLSKY_SFC_SW_DIFF,T2M,T2MDEW,RH2M,PS,WS10M",
    ]
    humid = 100 * air.relative_humidity(weather.t_air, weather.t_dew)
    rows = []
    for i in range(len(weather.ghi)):
        at = str(np.datetime64(first) + np.timedelta64(i, "h"))
        numbers = (
            weather.ghi[i], weather.dni[i], weather.dhi[i], weather.t_air[i],
            weather.t_dew[i], humid[i], weather.pressure[i], weather.wind_speed[i],
        )  # fmt: skip
        rows.append(
            f"{at[:4]},{int(at[5:7])},{int(at[8:10])},{int(at[11:13])},"
            + ",".join(f"{number:.4f}" for number in numbers)
        )
    path.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("clock", "first"), [("UTC", "2023-06-01T00:00"), ("LST", "2023-06-01T07:00")]
)
def test_nasa_power_hours_start_at_their_times(
    tmp_path: Path, year: Weather, clock: str, first: str
) -> None:
    grid = TimeGrid.regular(np.datetime64("2023-06-01T00:00:00"), 72, 60, "UTC")
    hours = year.resample(grid)
    reading = read_weather(_power_csv(tmp_path / "a.csv", hours, clock, first))
    assert reading.weather.grid == grid
    assert reading.weather.place == Place(36.6, 101.7, 2885.12, "UTC")
    assert not reading.weather.typical
    assert _keys(reading) == []
    np.testing.assert_allclose(reading.weather.ghi, hours.ghi, atol=1e-3)


def test_nasa_power_hours_with_a_gap_or_a_missing_value_are_refused(
    tmp_path: Path, year: Weather
) -> None:
    grid = TimeGrid.regular(np.datetime64("2023-06-01T00:00:00"), 72, 60, "UTC")
    file = _power_csv(tmp_path / "a.csv", year.resample(grid), "UTC", "2023-06-01T00:00")
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:20] + lines[21:]) + "\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_weather(file)
    assert caught.value.text.en == (
        f"{file}: after 2023-06-01 11:00 UTC comes 2023-06-01 13:00 UTC; the hours must follow"
        " each other (1 such places)"
    )
    fields = lines[20].split(",")
    fields[7] = "-999"
    file.write_text(
        "\n".join([*lines[:20], ",".join(fields), *lines[21:]]) + "\n", encoding="utf-8"
    )
    with pytest.raises(DataError, match=r"t_air \(air temperature\): no value at 2023-06-01 12:00"):
        read_weather(file)


def test_columns_that_are_absent_are_named_or_filled(year: Weather, nanchuan: Place) -> None:
    grid = TimeGrid.regular(np.datetime64("2025-06-01T00:00:00"), 48, 60, ZONE)
    own = year.resample(grid)
    columns = {"ghi": own.ghi, "t_air": own.t_air + 1, "pressure": own.pressure}
    with pytest.raises(DataError) as caught:
        weather_from_columns(grid, nanchuan, columns)
    assert caught.value.text.en == (
        "the weather has no t_dew (dew point), wind_speed (wind speed); give these columns, or name"
        " a typical year to take them from"
    )
    reading = weather_from_columns(grid, nanchuan, columns, fill=year)
    assert _keys(reading) == ["weather_filled", "sun_split"]
    np.testing.assert_array_equal(reading.weather.wind_speed, own.wind_speed)


@pytest.mark.parametrize("rh", [0.0, -0.1, 1.06, np.nan])
def test_impossible_humidity_is_refused(nanchuan: Place, rh: float) -> None:
    grid = TimeGrid.regular(np.datetime64("2025-06-01T00:00:00"), 2, 60, ZONE)
    columns = {
        "ghi": np.zeros(2), "t_air": np.full(2, 10.0), "rh": np.array([0.5, rh]),
        "wind_speed": np.ones(2),
    }  # fmt: skip
    with pytest.raises(DataError, match=r"rh \(relative humidity\): .* at 2025-06-01 09:00"):
        weather_from_columns(grid, nanchuan, columns)


def test_files_of_the_weather_service_show_their_traps(
    xining: Reading, gangca: Reading, shanghai: Reading
) -> None:
    assert "sun_split_again" in _keys(xining)
    assert "sun_split_again" in _keys(gangca)
    assert "sun_split_again" not in _keys(shanghai)
    for reading in (xining, gangca, shanghai):
        w = reading.weather
        assert abs(stamp_offset(w.ghi, w.grid, w.place, sun_path(w.grid, w.place))) < 0.1
        assert not {"sun_stamped_late", "sun_stamped_early"} & set(_keys(reading))
    assert xining.weather.pressure.mean() == pytest.approx(77.2, abs=0.1)


def test_night_has_no_offset_and_no_closure(nanchuan: Place) -> None:
    grid = TimeGrid.regular(np.datetime64("2025-06-01T16:00:00"), 4, 60, ZONE)
    dark, path = np.zeros(4), sun_path(grid, nanchuan)
    assert np.isnan(stamp_offset(dark, grid, nanchuan, path))
    assert np.isnan(closure(dark, dark, dark, path))


def test_split_light_closes_and_keeps_to_what_comes_in(nanchuan: Place) -> None:
    grid = TimeGrid.regular(np.datetime64("2025-06-01T00:00:00"), 96, 15, ZONE)
    path = sun_path(grid, nanchuan)
    ghi = path.extra_horizontal + 60.0  # brighter than the sun: low light over snow
    dni, dhi = split_global(ghi, path)
    np.testing.assert_allclose(dni * path.cos_zenith + dhi, ghi, atol=1e-9)
    assert (dni <= path.extra_normal).all()
    assert (dhi >= 0).all()


def test_kept_reading_and_kept_year_are_the_same_as_fresh_ones(
    tmp_path: Path, centred: Weather, year: Weather, nanchuan: Place
) -> None:
    file = write_epw(tmp_path / "a.epw", centred, dni=centred.dni * 0.7)
    fresh = read_weather(file, ZONE)
    for _ in range(2):
        kept = stored_reading(file, ZONE)
        assert kept.findings == fresh.findings
        assert kept.weather.grid == fresh.weather.grid
        assert kept.weather.place == fresh.weather.place
        np.testing.assert_array_equal(kept.weather.ghi, fresh.weather.ghi)
        again = stored_year(climate("xining"), nanchuan)
        assert again.typical
        np.testing.assert_array_equal(again.t_air, year.t_air)


def test_changed_weather_file_never_meets_what_was_kept(tmp_path: Path, centred: Weather) -> None:
    file = write_epw(tmp_path / "a.epw", centred)
    before = stored_reading(file, ZONE).weather
    write_epw(file, centred, wind=centred.wind_speed + 1)
    after = stored_reading(file, ZONE).weather
    np.testing.assert_allclose(after.wind_speed - before.wind_speed, 1.0, atol=1e-3)


def test_kept_reading_of_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file or directory"):
        stored_reading(tmp_path / "none.epw")
