"""A person's own series: load or price by time, from their file onto any time grid.

A power is averaged over a step, an energy is spread so that its sum stays, a price is the mean of
what holds in the step. What cannot be used is a mistake with its line; what was understood is a
finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError, Finding
from zeropark.data.meaning import is_known, time_column, unit_in_name, value_column
from zeropark.data.table import Table, read_table, wrong
from zeropark.data.timed import TOO_FEW, rows_in_time, wrong_cells
from zeropark.data.times import Order, Times, local_time, parse_times
from zeropark.model.mistakes import Mistake, ParkError
from zeropark.model.park import Series
from zeropark.units.quantity import convert, parse_unit
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
_SHOWN = 5
_POWER, _ENERGY, _PRICE = (parse_unit(unit)[0] for unit in ("MW", "MWh", "CNY/MWh"))

_EMPTY = Text(
    "{count} values are empty, first on line {line}; a run over them is refused",
    "{count} 个值为空，首个在第 {line} 行；覆盖它们的运行会被拒绝",
)
_GAP = Text(
    "values are missing from {first} to {last} ({hours:g} h); fill the gap",
    "{first} 至 {last}（{hours:g} h）缺值；请补齐",
)
_NO_UNIT = Text(
    "column '{column}' names no unit; write it in the park file: unit: {example}",
    "列“{column}”没有写单位；在园区文件写 unit: {example}",
)
_WRONG_UNIT = Text(
    "column '{column}' is in {given}, which is no unit of {what} here; write in the park file "
    "unit: {example}, and scale: where values must be multiplied",
    "列“{column}”单位是 {given}，不能作{what}；在园区文件写 unit: {example}，需换算时再写 scale:",
)
_SHORT = Text(
    "{file} holds {first} to {last}; the run needs {start} to {end}. "
    "Choose another --start or add data",
    "{file} 的数据为 {first} 至 {last}；运行需要 {start} 至 {end}。换 --start，或补充数据",
)


@dataclass(frozen=True)
class UserSeries:
    """Values by time as a person's file gives them, gaps and all.

    starts: of each interval, datetime64[s] UTC, rising. hours: length of an interval [h].
    values: load [MW] or price [CNY/MWh], shape (N,). column, unit: as in the file. zone: of the
    times.
    """

    file: str
    what: str
    starts: Times
    hours: float
    values: Floats
    column: str
    time: str
    unit: str
    zone: str
    stamps: str
    dates: Order
    decimal: str
    findings: tuple[Finding, ...] = field(default=())

    @property
    def end(self) -> np.datetime64:
        """End of the last interval, UTC."""
        last: np.datetime64 = self.starts[-1]
        return last + np.timedelta64(round(self.hours * 3600), "s")

    def gaps(self) -> list[tuple[np.datetime64, np.datetime64]]:
        """Return from when to when no value is, UTC."""
        ends = self.starts + np.timedelta64(round(self.hours * 3600), "s")
        at = np.flatnonzero(self.starts[1:] > ends[:-1])
        return [(ends[i], self.starts[i + 1]) for i in at.tolist()]

    def covers(self, grid: TimeGrid) -> bool:
        """Return whether there is a value for every moment of the grid."""
        inside = bool(self.starts[0] <= grid.start and self.end >= grid.end)
        return inside and not self._gaps_in(grid)

    def on_grid(self, grid: TimeGrid) -> Floats:
        """Return the mean over each step [MW or CNY/MWh], shape (N,).

        Raises `DataError` where the file is too short and `ParkError` where it has gaps in the
        grid.
        """
        if self.starts[0] > grid.start or self.end < grid.end:
            raise too_short(self.file, (self.starts[0], self.end), grid)
        gaps = self._gaps_in(grid)
        if gaps:
            raise ParkError([gap(self.file, first, last, grid.zone) for first, last in gaps])
        seconds = (self.starts - self.starts[0]).astype(np.int64).astype(float)
        # The integral over time is exact at the intervals' edges and straight between them; what
        # stands over a gap is never asked for.
        edges = np.append(seconds, seconds[-1] + self.hours * 3600.0)
        total = np.concatenate([[0.0], np.cumsum(self.values * np.diff(edges))])
        begin = (grid.starts - self.starts[0]).astype(np.int64).astype(float)
        bounds = np.append(begin, begin[-1] + grid.hours[-1] * 3600.0)
        mean: Floats = np.diff(np.interp(bounds, edges, total)) / np.diff(bounds)
        return mean

    def _gaps_in(self, grid: TimeGrid) -> list[tuple[np.datetime64, np.datetime64]]:
        return [(a, b) for a, b in self.gaps() if a < grid.end and b > grid.start]


def too_short(file: str, span: tuple[np.datetime64, np.datetime64], run: TimeGrid) -> DataError:
    """Return the error of a file that holds `span` [UTC] where a run needs more."""
    moments = dict(zip(("first", "last"), span, strict=True), start=run.start, end=run.end)
    shown = {name: local_time(moment, run.zone) for name, moment in moments.items()}
    return DataError("series_short", _SHORT.format(file=file, **shown))


def gap(file: str, first: np.datetime64, last: np.datetime64, zone: str) -> Mistake:
    """Return the mistake of values missing from `first` to `last` [UTC] of a file."""
    hours = float((last - first) / np.timedelta64(3600, "s"))
    text = _GAP.format(first=local_time(first, zone), last=local_time(last, zone), hours=hours)
    return Mistake(file, 0, "", text, "series_gap")


def read_series(path: Path, what: str, zone: str, said: Series | None = None) -> UserSeries:
    """Return the load or price in a person's file.

    what: `load` or `price`. zone: the park's, where neither file nor park file says another.
    said: what the park file confirms about it. Raises `ParkError` with every mistake, by line.
    """
    table = read_table(path, said.decimal if said else None)
    time = time_column(table, said)
    column = value_column(table, what, said)
    unit = _unit(table, column, what, said)
    values = table.numbers(column)
    clock = parse_times(table.columns[time], said.dates if said else None)
    mistakes = wrong_cells(table, time, (column,), clock)
    if mistakes:
        raise ParkError(mistakes)
    findings = list(table.findings)
    empty = np.flatnonzero(~np.isfinite(values))
    if len(empty):
        line = table.line(int(empty[0]))
        findings.append(Finding("values_empty", _EMPTY.format(count=len(empty), line=line)))
    rows = rows_in_time(table, time, clock, np.isfinite(values), zone, said, findings)
    starts, values, hours = rows.starts, values[rows.order], rows.hours
    # An empty cell is a gap like a row that is not there; the step is known from all times.
    starts, values = starts[np.isfinite(values)], values[np.isfinite(values)]
    values = _inside(values * (said.scale if said else 1.0), unit, hours)
    if not len(values):
        raise wrong(table.file, "series_short", TOO_FEW)
    return UserSeries(
        table.file, what, starts, hours, values, column, time, unit, rows.zone, rows.stamps,
        clock.order, table.decimal, tuple(findings),
    )  # fmt: skip


def _unit(table: Table, column: str, what: str, said: Series | None) -> str:
    example = "kW" if what == "load" else "CNY/kWh"
    unit = said.unit if said and said.unit else unit_in_name(column)
    if unit is None:
        raise wrong(table.file, "unit_missing", _NO_UNIT.format(column=column, example=example))
    allowed = (_POWER, _ENERGY) if what == "load" else (_PRICE,)
    if not is_known(unit) or parse_unit(unit)[0] not in allowed:
        words = Text("load", "负荷") if what == "load" else Text("price", "电价")
        text = Text(
            _WRONG_UNIT.en.format(column=column, given=unit, what=words.en, example=example),
            _WRONG_UNIT.zh.format(column=column, given=unit, what=words.zh, example=example),
        )
        raise wrong(table.file, "wrong_unit", text)
    return unit


def _inside(values: Floats, unit: str, hours: float) -> Floats:
    """Return values in MW or CNY/MWh; an energy of an interval becomes its mean power."""
    dimension = parse_unit(unit)[0]
    if dimension == _ENERGY:
        return values * convert(1.0, unit, "MWh") / hours
    return values * convert(1.0, unit, "MW" if dimension == _POWER else "CNY/MWh")
