"""Weather files: EnergyPlus EPW, PVGIS typical years, NASA POWER hours.

Which moment a row means differs by source, and the sun in the file tells: an EPW row labelled hour
H stands for the middle H - 1 in Chinese Standard Weather Data and for H - 0.5 elsewhere.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError, Finding
from zeropark.data.weather import air
from zeropark.data.weather.assemble import Reading, stamp_offset, weather_from_columns
from zeropark.data.weather.generate import YEAR
from zeropark.data.weather.sunpath import sun_path
from zeropark.units.place import Place
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
T = TypeVar("T")

_HOURS = 8760
_HALF_HOUR = np.timedelta64(30, "m")
_QUARTER = 0.25  # [h] nearer to the middle of an hour than to its edge
# pvlib's name, ours, the value from which on a reading is missing (EPW data dictionary), our size.
_EPW = (
    ("ghi", "ghi", 9999.0, 1.0),
    ("dni", "dni", 9999.0, 1.0),
    ("dhi", "dhi", 9999.0, 1.0),
    ("temp_air", "t_air", 99.9, 1.0),
    ("temp_dew", "t_dew", 99.9, 1.0),
    ("relative_humidity", "rh", 999.0, 0.01),
    ("atmospheric_pressure", "pressure", 999999.0, 0.001),
    ("wind_speed", "wind_speed", 999.0, 1.0),
)
_PVGIS = (
    ("ghi", "ghi", 1.0),
    ("dni", "dni", 1.0),
    ("dhi", "dhi", 1.0),
    ("temp_air", "t_air", 1.0),
    ("relative_humidity", "rh", 0.01),
    ("pressure", "pressure", 0.001),
    ("wind_speed", "wind_speed", 1.0),
)
_POWER = (
    ("ALLSKY_SFC_SW_DWN", "ghi", 1.0),
    ("ALLSKY_SFC_SW_DNI", "dni", 1.0),
    ("ALLSKY_SFC_SW_DIFF", "dhi", 1.0),
    ("T2M", "t_air", 1.0),
    ("T2MDEW", "t_dew", 1.0),
    ("RH2M", "rh", 0.01),
    ("PS", "pressure", 1.0),
    ("WS10M", "wind_speed", 1.0),
)
_POWER_MISSING = -999.0
_MAY_BE_MADE = (
    "dni",
    "dhi",
    "pressure",
)  # columns that can be derived where a file has gaps in them


def read_weather(path: Path, zone: str | None = None) -> Reading:
    """Return the weather in a file of any kind known here, told by its first line.

    zone: the clock to show its times in; without one, the file's own offset. Raises `DataError`.
    """
    kind = weather_format(path)
    if kind is None:
        raise DataError(
            "weather_format_unknown",
            Text(
                "{path}: by its first line not an EPW, PVGIS or NASA POWER file; name its columns"
                " in the park file to use it as a plain table",
                "{path}：从首行看不是 EPW、PVGIS 或 NASA POWER 文件；"
                "如作为普通表格使用，请在园区文件中说明各列",
            ).format(path=path),
        )
    return _READERS[kind](path, zone)


def weather_format(path: Path) -> str | None:
    """Return `epw`, `pvgis` or `nasa_power`; None for any other file.

    Raises `DataError` where the file cannot be opened.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            first = file.read(4096)
    except OSError as error:
        raise DataError(
            "file_unreadable",
            Text("{path}: {why}", "{path}：{why}").format(path=path, why=error.strerror),
        ) from error
    if first.startswith("LOCATION,"):
        return "epw"
    if first.startswith("Latitude (decimal degrees)") or (
        path.suffix.lower() == ".json" and '"inputs"' in first
    ):
        return "pvgis"
    return "nasa_power" if first.startswith("-BEGIN HEADER-") else None


def read_epw(path: Path, zone: str | None = None) -> Reading:
    """Return the typical year of an EPW file, at its station pressure.

    Where the file's sun fits rows that mean H - 0.5 better than H - 1, that is how they are read,
    and a finding says so.
    """
    from pvlib.iotools import epw  # noqa: PLC0415 - takes seconds to import

    data, meta = _parsed(path, lambda: epw.read_epw(str(path), coerce_year=YEAR))
    if len(data) != _HOURS:
        raise _wrong_rows(path, len(data))
    clock = float(meta["TZ"])
    place = Place(meta["latitude"], meta["longitude"], meta["altitude"], zone or fixed_zone(clock))
    columns = {}
    for theirs, ours, missing, size in _EPW:
        values = data[theirs].to_numpy(dtype=np.float64)
        columns[ours] = np.where(values >= missing, np.nan, values * size)
    findings = _mended_humidity(columns)
    start = np.datetime64(f"{YEAR}-01-01T00:00:00") - np.timedelta64(round(clock * 60), "m")
    grid = TimeGrid.regular(start - _HALF_HOUR, _HOURS, 60, place.zone)
    offset = stamp_offset(np.nan_to_num(columns["ghi"]), grid, place, sun_path(grid, place))
    if -3 * _QUARTER < offset < -_QUARTER:
        grid = TimeGrid.regular(start, _HOURS, 60, place.zone)
        findings.append(_ends_of_hours())
    return _with(findings, _made(grid, place, columns, typical=True))


def read_pvgis(path: Path, zone: str | None = None) -> Reading:
    """Return the typical year of a PVGIS file (csv or json), whose values stand at their times."""
    from pvlib.iotools import pvgis  # noqa: PLC0415 - takes seconds to import

    data, meta = _parsed(path, lambda: pvgis.read_pvgis_tmy(str(path)))
    if len(data) != _HOURS:
        raise _wrong_rows(path, len(data))
    where = meta["inputs"].get("location", meta["inputs"])
    place = Place(where["latitude"], where["longitude"], where["elevation"], zone or "UTC")
    columns = {ours: data[name].to_numpy(dtype=np.float64) * size for name, ours, size in _PVGIS}
    start = np.datetime64(f"{YEAR}-01-01T00:00:00")
    grid = TimeGrid.regular(start - _HALF_HOUR, _HOURS, 60, place.zone)
    return _made(grid, place, columns, typical=True)


def read_nasa_power(path: Path, zone: str | None = None) -> Reading:
    """Return the hours of a NASA POWER csv file: means over the hour from the time on.

    Local solar time in the file is UTC and a whole number of hours by longitude.
    """
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    head, rows = _parsed(path, lambda: _power_parts(lines))
    latitude, longitude, altitude, solar = head
    place = Place(latitude, longitude, altitude, zone or "UTC")
    names = rows[0]
    table = _parsed(path, lambda: np.array(rows[1:], dtype=np.float64))
    at = {name: table[:, index] for index, name in enumerate(names)}
    starts = [
        np.datetime64(f"{int(y):04d}-{int(m):02d}-{int(d):02d}T{int(h):02d}:00:00")
        for y, m, d, h in zip(at["YEAR"], at["MO"], at["DY"], at["HR"], strict=True)
    ]
    times = np.array(starts) - np.timedelta64(round(longitude / 15) if solar else 0, "h")
    _hourly(path, times)
    columns = {
        ours: np.where(at[name] == _POWER_MISSING, np.nan, at[name] * size)
        for name, ours, size in _POWER
        if name in at
    }
    return _made(TimeGrid.regular(times[0], len(times), 60, place.zone), place, columns)


def fixed_zone(clock: float) -> str:
    """Return the name of a zone always `clock` [h] ahead of UTC; UTC itself where none is whole."""
    hours = round(clock)
    if hours != clock or hours == 0:
        return "UTC"
    return f"Etc/GMT{-hours:+d}"  # The names of these zones count westward.


def _power_parts(
    lines: list[str],
) -> tuple[tuple[float, float, float, bool], list[list[str]]]:
    end = lines.index("-END HEADER-")
    head = "\n".join(lines[:end])
    place = re.search(r"latitude\s+(-?[\d.]+)\s+longitude\s+(-?[\d.]+)", head, re.IGNORECASE)
    high = re.search(r"elevation.*=\s*(-?[\d.]+)\s*meters", head, re.IGNORECASE)
    if place is None or high is None:
        raise ValueError("its header has no location or elevation")
    rows = [row for row in csv.reader(lines[end + 1 :]) if row]
    return (float(place[1]), float(place[2]), float(high[1]), "in LST" in head), rows


def _hourly(path: Path, times: npt.NDArray[np.datetime64]) -> None:
    jumps = np.flatnonzero(np.diff(times) != np.timedelta64(3600, "s"))
    if len(jumps):
        at = int(jumps[0])
        raise DataError(
            "weather_not_hourly",
            Text(
                "{path}: after {first} UTC comes {then} UTC; the hours must follow each other"
                " ({count} such places)",
                "{path}：{first}（UTC）之后是 {then}（UTC）；各小时必须连续（共 {count} 处）",
            ).format(
                path=path,
                first=str(times[at])[:16].replace("T", " "),
                then=str(times[at + 1])[:16].replace("T", " "),
                count=len(jumps),
            ),
        )


def _made(
    grid: TimeGrid, place: Place, columns: dict[str, Floats], *, typical: bool = False
) -> Reading:
    """Return the weather; a column with gaps that can be derived whole is derived whole."""
    whole = {
        name: values
        for name, values in columns.items()
        if name not in _MAY_BE_MADE or not np.isnan(values).any()
    }
    return weather_from_columns(grid, place, whole, typical=typical)


def _with(findings: list[Finding], reading: Reading) -> Reading:
    return Reading(reading.weather, findings + reading.findings)


def _mended_humidity(columns: dict[str, Floats]) -> list[Finding]:
    """Take the humidity from the dew point where the file's is none, and the other way round."""
    rh, dew = columns["rh"], columns["t_dew"]
    if np.isnan(dew).any():
        del columns["t_dew"]
        return []
    unfit = ~((rh > 0) & (rh <= 1))
    if not unfit.any():
        return []
    told = np.minimum(air.relative_humidity(columns["t_air"], dew), 1.0)
    columns["rh"] = np.where(unfit, told, rh)
    text = Text(
        "{count} relative humidities were not above 0 and up to 100 %; there the dew point"
        " tells it",
        "有 {count} 个相对湿度不在 0 以上至 100 % 之间；改由露点推算",
    ).format(count=int(unfit.sum()))
    return [Finding("humidity_from_dew_point", text)]


def _ends_of_hours() -> Finding:
    text = Text(
        "the file's sun fits rows that name the end of their hour; they are read so",
        "文件中的太阳与“行标为小时末”相符；按此读取",
    )
    return Finding("rows_name_hour_ends", text)


def _parsed(path: Path, parse: Callable[[], T]) -> T:
    """Return what `parse` returns; a file it cannot take apart is a `DataError` with its reason."""
    try:
        return parse()
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise DataError(
            "weather_file_broken",
            Text(
                "{path}: cannot be read as the weather file its first line says it is ({why})",
                "{path}：无法按其首行所示的气象文件格式读取（{why}）",
            ).format(path=path, why=error),
        ) from error


def _wrong_rows(path: Path, count: int) -> DataError:
    return DataError(
        "weather_rows",
        Text(
            "{path}: {count} rows; a typical year has {wanted}",
            "{path}：共 {count} 行；典型年应为 {wanted} 行",
        ).format(path=path, count=count, wanted=_HOURS),
    )


_READERS: dict[str, Callable[[Path, str | None], Reading]] = {
    "epw": read_epw,
    "pvgis": read_pvgis,
    "nasa_power": read_nasa_power,
}
