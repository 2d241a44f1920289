"""What was understood of a person's file: shown before it is used, confirmed in the park file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from zeropark.data.errors import Finding
from zeropark.data.events import Cars, Jobs, Outages, read_cars, read_jobs, read_outages
from zeropark.data.series import UserSeries, read_series
from zeropark.data.times import local_time
from zeropark.data.weather.plain import WeatherRows, read_rows
from zeropark.data.weather.readers import weather_format
from zeropark.data.weather.stored import stored_reading
from zeropark.data.weather.weather import COLUMNS
from zeropark.model.park import Series
from zeropark.units.text import Text

KINDS_OF_FILE = ("weather", "load", "price", "jobs", "cars", "outages")
_MEANINGS = {
    "time": Text("time", "时间"),
    "rh": Text("relative humidity", "相对湿度"),
    "load": Text("load", "负荷"),
    "price": Text("price", "电价"),
    "arrival": Text("arrival", "到达"),
    "end": Text("end", "结束"),
    "hours": Text("run time", "运行时间"),
    "cores": Text("cores", "核数"),
    "deadline": Text("deadline", "截止时间"),
    "slack": Text("time to spare", "可等待时间"),
    "estimate": Text("estimated run time", "估计运行时间"),
    "class": Text("class", "类别"),
    "departure": Text("departure", "离开"),
    "stated": Text("stated departure", "预计离开"),
    "delivered": Text("energy delivered", "充电量"),
    "requested": Text("energy requested", "需求电量"),
    "station": Text("connector", "充电桩"),
    "from": Text("beginning", "开始"),
    "to": Text("end", "结束"),
    "announced": Text("announced", "是否预告"),
}


@dataclass(frozen=True)
class Understood:
    """A person's file as it would be read.

    columns: (name in the file, meaning, unit). zone: of its times. first, last: local times it
    spans. rows: how many. step_minutes: of a series; None for events. gaps: (from, to) without a
    value. confirm: the lines that say the same in a park file.
    """

    of: str
    file: str
    columns: tuple[tuple[str, Text, str], ...]
    zone: str
    first: str
    last: str
    rows: int
    step_minutes: float | None
    gaps: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]
    confirm: str


def describe(
    path: Path, of: str, zone: str, begin: np.datetime64, said: Series | None = None
) -> Understood:
    """Return what is understood of the file at `path`.

    of: weather, load, price, jobs, cars or outages. zone: the park's. begin: the moment a file's
    own 0 is put at. said: what the park file confirms already. Raises `ParkError` or `DataError`
    with the mistakes.
    """
    if of == "weather":
        return _weather(path, zone, said)
    if of in {"load", "price"}:
        return _series(path, read_series(path, of, zone, said))
    if of == "jobs":
        return _jobs(path, read_jobs(path, zone, begin, said), zone)
    if of == "cars":
        return _cars(path, read_cars(path, zone, said), zone)
    assert of == "outages", "the command offers no other kind of file"
    return _outages(path, read_outages(path, zone, said), zone)


def _weather(path: Path, zone: str, said: Series | None) -> Understood:
    if weather_format(path) is None:
        return _plain_weather(path, read_rows(path, zone, said))
    reading = stored_reading(path, (said.zone if said else None) or zone)
    weather = reading.weather
    grid = weather.grid
    columns = tuple((name, column.title, column.unit) for name, column in COLUMNS.items())
    first, last = local_time(grid.start, grid.zone), local_time(grid.end, grid.zone)
    lines = _lines({"name": "weather", "of": "weather", "file": path.name})
    return Understood(
        "weather", path.name, columns, grid.zone, first, last, len(grid), grid.step_hours * 60, (),
        tuple(reading.findings), lines,
    )  # fmt: skip


def _plain_weather(path: Path, rows: WeatherRows) -> Understood:
    titles = {**{name: column.title for name, column in COLUMNS.items()}, **_MEANINGS}
    columns = (
        (rows.time, _MEANINGS["time"], ""),
        *((column, titles[name], rows.units[name]) for name, column in rows.names.items()),
    )
    confirm: dict[str, Any] = {
        "name": "weather",
        "of": "weather",
        "file": path.name,
        "time": rows.time,
        "zone": rows.zone,
        "stamps": rows.stamps,
        "columns": dict(rows.names),
    }
    _not_usual(confirm, rows.dates, rows.decimal)
    gaps = tuple((local_time(a, rows.zone), local_time(b, rows.zone)) for a, b in rows.gaps())
    first, last = local_time(rows.starts[0], rows.zone), local_time(rows.end, rows.zone)
    return Understood(
        "weather", path.name, columns, rows.zone, first, last, len(rows.starts), rows.hours * 60,
        gaps, rows.findings, _lines(confirm),
    )  # fmt: skip


def _series(path: Path, series: UserSeries) -> Understood:
    columns = (
        (series.time, _MEANINGS["time"], ""),
        (series.column, _MEANINGS[series.what], series.unit),
    )
    zone = series.zone
    confirm = {
        "name": f"my_{series.what}",
        "of": series.what,
        "file": path.name,
        "time": series.time,
        "column": series.column,
        "unit": series.unit,
        "zone": zone,
        "stamps": series.stamps,
    }
    _not_usual(confirm, series.dates, series.decimal)
    gaps = tuple((local_time(a, zone), local_time(b, zone)) for a, b in series.gaps())
    first, last = local_time(series.starts[0], zone), local_time(series.end, zone)
    return Understood(
        series.what, path.name, columns, zone, first, last, len(series.values), series.hours * 60,
        gaps, series.findings, _lines(confirm),
    )  # fmt: skip


def _not_usual(confirm: dict[str, Any], dates: str, decimal: str) -> None:
    """Add an order of dates and a decimal sign that are not the usual ones."""
    if dates != "year-first":
        confirm["dates"] = dates
    if decimal != ".":
        confirm["decimal"] = decimal


def _jobs(path: Path, jobs: Jobs, zone: str) -> Understood:
    return _events(path, "jobs", jobs, zone, jobs.arrival)


def _cars(path: Path, cars: Cars, zone: str) -> Understood:
    return _events(path, "cars", cars, zone, np.concatenate([cars.arrival[:1], cars.departure]))


def _outages(path: Path, outages: Outages, zone: str) -> Understood:
    return _events(path, "outages", outages, zone, np.concatenate([outages.first, outages.last]))


def _events(
    path: Path, of: str, events: Jobs | Cars | Outages, zone: str, times: Any
) -> Understood:
    meaning = events.meaning
    columns = tuple(
        (column, _MEANINGS[name], meaning.units.get(name) or "")
        for name, column in meaning.columns.items()
    )
    confirm = {
        "name": f"my_{of}",
        "of": of,
        "file": path.name,
        "zone": zone,
        "columns": dict(meaning.columns),
    }
    unit = meaning.units.get("arrival")
    if unit:
        confirm["unit"] = unit
    rows = len(events.first) if isinstance(events, Outages) else len(events.arrival)
    first, last = local_time(times.min(), zone), local_time(times.max(), zone)
    return Understood(
        of, path.name, columns, zone, first, last, rows, None, (), events.findings, _lines(confirm)
    )


def _lines(entry: dict[str, Any]) -> str:
    """Return the entry as the park file's `series:` would hold it."""
    text: str = yaml.safe_dump({"series": [entry]}, sort_keys=False, allow_unicode=True, width=96)
    return text.rstrip("\n")
