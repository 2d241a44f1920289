"""Weather as a plain table: any columns of it by time, from a logger, a station or a spreadsheet.

What a column means is guessed from its name and confirmed in the park file; what the file does not
say, of a column or of the time before a run, comes from a typical year, and a finding says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import Finding
from zeropark.data.meaning import event_columns, time_column, unit_in_name, words_of
from zeropark.data.series import gap, too_short
from zeropark.data.table import Table, read_table, wrong
from zeropark.data.timed import rows_in_time, wrong_cells
from zeropark.data.times import Order, Times, local_time, parse_times
from zeropark.data.weather import air
from zeropark.data.weather.assemble import Reading, weather_from_columns
from zeropark.data.weather.weather import Weather
from zeropark.model.mistakes import ParkError
from zeropark.model.park import Series
from zeropark.units.place import Place
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]

_SUN = {"W/m2": 1.0, "W/m²": 1.0, "kW/m2": 1e3, "kW/m²": 1e3}
_WARM = {"degC": 1.0, "°C": 1.0, "℃": 1.0}
# Units a column may be in, and their size in ours: W/m2, degC, share, kPa, m/s.
_UNITS = {
    "ghi": _SUN,
    "dni": _SUN,
    "dhi": _SUN,
    "t_air": _WARM,
    "t_dew": _WARM,
    "rh": {"%": 0.01, "1": 1.0},
    "pressure": {"kPa": 1.0, "hPa": 0.1, "mbar": 0.1, "Pa": 1e-3},
    "wind_speed": {"m/s": 1.0, "km/h": 1 / 3.6},
}
# A humidity above this is in percent; a pressure above these is in Pa or hPa, as no air has more.
_SHARE, _PASCAL, _HECTOPASCAL = 1.5, 2000.0, 200.0
_NO_WEATHER = Text(
    "no column of weather was found; name them in the park file: columns: {{ghi: one of {known}}}",
    "找不到气象列；在园区文件写 columns: {{ghi: …}}，可选：{known}",
)
_WRONG_UNIT = Text(
    "column '{column}' is in {given}; allowed: {allowed}",
    "列“{column}”单位是 {given}；可用：{allowed}",
)
_TAKEN_AS = Text("column '{column}' was taken to be in {unit}", "列“{column}”按 {unit} 读取")
_OFF_STEP = Text(
    "{given} is no whole number of {step:g} min after the first time; rows must be equally far "
    "apart",
    "{given} 与首行相隔不是 {step:g} min 的整数倍；各行间隔必须相等",
)
_PAST = Text(
    "{file} does not hold all the days before {first}; the typical year stands for what is missing",
    "{file} 不含 {first} 之前的全部数据；缺失部分以典型年代替",
)


@dataclass(frozen=True)
class WeatherRows:
    """Weather by time as a person's table gives it, gaps and all.

    starts: of each interval, datetime64[s] UTC, rising, whole steps of `hours` [h] apart.
    columns: of `ghi, dni, dhi` [W/m2], `t_air, t_dew` [degC], `rh` [1], `pressure` [kPa],
    `wind_speed` [m/s], shape (N,), NaN where a cell is empty. names: meaning -> column of the file.
    units: meaning -> unit in the file. zone: of the times. stamps: whether they are starts or ends.
    dates: order of day and month. decimal: sign.
    """

    file: str
    starts: Times
    hours: float
    columns: dict[str, Floats]
    time: str
    names: dict[str, str]
    units: dict[str, str]
    zone: str
    stamps: str
    dates: Order
    decimal: str
    findings: tuple[Finding, ...]

    @property
    def end(self) -> np.datetime64:
        """End of the last interval, UTC."""
        last: np.datetime64 = self.starts[-1]
        return last + _seconds(self.hours)

    def gaps(self) -> list[tuple[np.datetime64, np.datetime64]]:
        """Return from when to when some column has no value, UTC."""
        grid, columns = self._on_own_steps(self.starts[0], self.end)
        return _spans(grid, np.any([np.isnan(values) for values in columns.values()], axis=0))

    def weather(
        self, whole: TimeGrid, run: TimeGrid, place: Place, typical: Callable[[], Weather]
    ) -> Reading:
        """Return the weather on `whole`; of `run`, its last part, each given column must be there.

        typical: returns what stands for columns the file does not have and for the time before the
        run that it does not tell. Raises `DataError` or `ParkError` where the run is not covered.
        """
        if self.starts[0] > run.start or self.end < run.end:
            raise too_short(self.file, (self.starts[0], self.end), run)
        grid, columns = self._on_own_steps(whole.start, whole.end)
        missing = np.any([np.isnan(values) for values in columns.values()], axis=0)
        needed = grid.starts + _seconds(self.hours) > run.start
        gaps = _spans(grid, missing & needed)
        if gaps:
            raise ParkError([gap(self.file, *span, run.zone) for span in gaps])
        findings = list(self.findings)
        fill = None
        if missing.any():
            fill = typical().resample(grid)
            columns = {name: _filled(name, v, fill) for name, v in columns.items()}
            first = local_time(grid.starts[np.flatnonzero(missing)[-1] + 1], run.zone)
            findings.append(past_is_typical(self.file, first))
        elif not {"ghi", "t_air", "wind_speed"} <= columns.keys() or not (
            {"rh", "t_dew"} & columns.keys()
        ):
            fill = typical()
        reading = weather_from_columns(grid, place, columns, fill=fill)
        return Reading(reading.weather.resample(whole), findings + reading.findings)

    def _on_own_steps(
        self, first: np.datetime64, last: np.datetime64
    ) -> tuple[TimeGrid, dict[str, Floats]]:
        """Return the columns on the file's own steps around [first, last), NaN where it has none.

        A step more on either side, where the file has it, tells how a value goes on.
        """
        step = int(_seconds(self.hours).astype(np.int64))
        zero = self.starts[0]
        before = int(np.floor((first - zero).astype(np.int64) / step))
        after = int(np.ceil((last - zero).astype(np.int64) / step))
        at = (self.starts - zero).astype(np.int64) // step
        full = at[np.all([np.isfinite(values) for values in self.columns.values()], axis=0)]
        before -= int(before - 1 in full)
        after += int(after in full)
        start = zero + np.timedelta64(before * step, "s")
        grid = TimeGrid.regular(start, after - before, step / 60, self.zone)
        inside = (at >= before) & (at < after)
        found = {}
        for name, values in self.columns.items():
            column = np.full(len(grid), np.nan)
            column[at[inside] - before] = values[inside]
            found[name] = column
        return grid, found


def read_rows(path: Path, zone: str, said: Series | None = None) -> WeatherRows:
    """Return the weather in a person's table.

    zone: the park's, where neither file nor park file says another. said: what the park file
    confirms. Raises `ParkError` with every mistake, by line.
    """
    table = read_table(path, said.decimal if said else None)
    time = time_column(table, said)
    names = dict(event_columns(table, "weather", said).columns)
    if not names:
        known = ", ".join(name for name in table.columns if name != time)
        raise wrong(table.file, "no_column", _NO_WEATHER.format(known=known))
    clock = parse_times(table.columns[time], said.dates if said else None)
    mistakes = wrong_cells(table, time, tuple(names.values()), clock)
    if mistakes:
        raise ParkError(mistakes)
    findings = list(table.findings)
    raw = {name: table.numbers(column) for name, column in names.items()}
    units = {name: _unit(table, name, names[name], raw[name], findings) for name in names}
    there = np.any([np.isfinite(values) for values in raw.values()], axis=0)
    rows = rows_in_time(table, time, clock, there, zone, said, findings)
    _check_steps(table, rows.starts, rows.hours, rows.zone)
    columns = {name: values[rows.order] * _UNITS[name][units[name]] for name, values in raw.items()}
    return WeatherRows(
        table.file, rows.starts, rows.hours, columns, time, names, units, rows.zone, rows.stamps,
        clock.order, table.decimal, tuple(findings),
    )  # fmt: skip


def past_is_typical(file: str, first: str) -> Finding:
    """Return the finding that the typical year stands for days before the local time `first`."""
    return Finding("past_typical", _PAST.format(file=file, first=first))


def _unit(table: Table, meaning: str, column: str, values: Floats, findings: list[Finding]) -> str:
    """Return the unit of a column: as its name says, else the one its values can only be in."""
    allowed = _UNITS[meaning]
    given = _last_word(column, meaning) or unit_in_name(column)
    if given in allowed:
        return given
    if given is not None:
        text = _WRONG_UNIT.format(column=column, given=given, allowed=", ".join(allowed))
        raise wrong(table.file, "wrong_unit", text)
    if meaning not in {"rh", "pressure"}:
        return next(iter(allowed))
    middle = float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0
    if meaning == "rh":
        unit = "%" if middle > _SHARE else "1"
    else:
        unit = "Pa" if middle > _PASCAL else "hPa" if middle > _HECTOPASCAL else "kPa"
    findings.append(Finding("unit_taken", _TAKEN_AS.format(column=column, unit=unit)))
    return unit


def _last_word(column: str, meaning: str) -> str | None:
    """Return the unit a name such as `pressure_hpa` or `wind_speed_m_s` ends with."""
    words = words_of(column)
    for unit in _UNITS[meaning]:
        tail = words_of(unit.replace("/", " "))
        if len(tail) > 1 and words.endswith(f" {tail}"):
            return unit
    return "degC" if meaning in {"t_air", "t_dew"} and words.endswith(" c") else None


def _check_steps(table: Table, starts: Times, hours: float, zone: str) -> None:
    off = (starts - starts[0]).astype(np.int64) % int(_seconds(hours).astype(np.int64))
    if off.any():
        at = starts[int(np.argmax(off > 0))]
        text = _OFF_STEP.format(given=local_time(at, zone), step=hours * 60)
        raise wrong(table.file, "time_off_step", text)


def _filled(name: str, values: Floats, fill: Weather) -> Floats:
    if name == "rh":
        other = np.minimum(air.relative_humidity(fill.t_air, fill.t_dew), 1.0)
    else:
        other = getattr(fill, name)
    return np.where(np.isnan(values), other, values)


def _spans(grid: TimeGrid, at: npt.NDArray[np.bool_]) -> list[tuple[np.datetime64, np.datetime64]]:
    """Return from when to when `at` holds, UTC."""
    turns = np.flatnonzero(np.diff(np.concatenate([[False], at, [False]]).astype(int)))
    bounds = np.append(grid.starts, grid.end)
    return [(bounds[a], bounds[b]) for a, b in zip(turns[::2], turns[1::2], strict=True)]


def _seconds(hours: float) -> np.timedelta64:
    return np.timedelta64(round(hours * 3600), "s")
