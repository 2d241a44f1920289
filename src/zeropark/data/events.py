"""A person's own events: computing jobs, charging sessions, outages of the tie, from their files.

Times become UTC, work becomes hours on cores, energy becomes MWh. Hours or seconds counted from a
file's own beginning are put on the calendar from a given moment on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import Finding
from zeropark.data.meaning import Meaning, event_columns, is_known
from zeropark.data.table import Table, is_empty, read_table
from zeropark.data.times import Times, local_time, looks_like_time, parse_times, place_in_zone
from zeropark.model.mistakes import Mistake, ParkError
from zeropark.model.park import Series
from zeropark.units.quantity import convert
from zeropark.units.text import Text

Floats = npt.NDArray[np.float64]
_SHOWN = 5
# A file's arrivals counted from 0 that go beyond a leap year's hours are counted in seconds.
_HOURS_OF_A_YEAR = 8784.0
_MILLI = 1000.0
# Columns of the Standard Workload Format 2.2 (Feitelson), which has no header.
_SWF = {"arrival": "2", "hours": "4", "cores": "5", "estimate": "9", "class": "15"}
_SWF_WIDTH = 18

_NOT_TIME = Text("column '{column}': '{given}' is not a time", "列“{column}”：“{given}”不是时间")
_NOT_NUMBER = Text("column '{column}': '{given}' is not a number", "列“{column}”：“{given}”不是数")
_DEADLINE = Text(
    "deadline {last} is not after arrival {first}; a deadline must come later",
    "截止 {last} 不晚于到达 {first}；截止必须更晚",
)
_DEPARTURE = Text(
    "departure {last} is not after arrival {first}; a departure must come later",
    "离开 {last} 不晚于到达 {first}；离开必须更晚",
)
_OUTAGE = Text(
    "the end {last} is not after the beginning {first}; an outage must last",
    "结束 {last} 不晚于开始 {first}；停电须有时长",
)
_NEGATIVE = Text(
    "column '{column}': {given} is negative; allowed: 0 or more",
    "列“{column}”：{given} 为负；可用：不小于 0",
)
_DROPPED = Text(
    "{count} jobs without run time or cores were left out",
    "{count} 个作业没有运行时间或核数，已略去",
)
_NO_RUN = Text(
    "no column of run times was found; name it in the park file: "
    "columns: {{hours: one of {known}}}",
    "找不到运行时间列；在园区文件写 columns: {{hours: …}}，可选：{known}",
)
_NO_ENERGY = Text(
    "no column of energy was found; name it in the park file: "
    "columns: {{delivered: one of {known}}}",
    "找不到充电量列；在园区文件写 columns: {{delivered: …}}，可选：{known}",
)
_RELATIVE = Text(
    "arrivals are counted in {unit} from the file's beginning", "到达时间从文件起点按 {unit} 计"
)
_NO_ESTIMATE = Text(
    "no estimate of run time is given; the true one stands for it", "没有运行时间估计；以真实值代替"
)
_NO_STATED = Text(
    "no stated departure is given; the true one stands for it", "没有预计离开时间；以真实值代替"
)
_ZONE_GUESSED = Text("times were read in the park's zone, {zone}", "时间按园区时区 {zone} 读取")
_YES = frozenset({"yes", "y", "true", "1", "是", "announced", "planned", "计划"})


@dataclass(frozen=True)
class Jobs:
    """Computing jobs, in order of arrival, arrays of shape (N,).

    arrival, deadline: datetime64[s] UTC, a deadline NaT where none is given. hours: true run time
    on `cores` [h]. cores: [core]. estimate: run time as the user states it [h]. group: the file's
    class.
    """

    arrival: Times
    hours: Floats
    cores: Floats
    estimate: Floats
    deadline: Times
    group: tuple[str, ...]
    meaning: Meaning
    findings: tuple[Finding, ...] = ()

    @property
    def work(self) -> Floats:
        """Core-hours of each job [core-h]."""
        return self.hours * self.cores


@dataclass(frozen=True)
class Cars:
    """Charging sessions, in order of arrival, arrays of shape (N,).

    arrival, departure: datetime64[s] UTC as they truly were; stated: departure as stated at
    arrival. energy: taken [MWh]. requested: asked for [MWh], NaN where the file does not say.
    station: its name.
    """

    arrival: Times
    departure: Times
    stated: Times
    energy: Floats
    requested: Floats
    station: tuple[str, ...]
    meaning: Meaning
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Outages:
    """Outages of the tie, in order. first, last: datetime64[s] UTC. announced: known beforehand."""

    first: Times
    last: Times
    announced: npt.NDArray[np.bool_]
    meaning: Meaning
    findings: tuple[Finding, ...] = ()


@dataclass
class _Reader:
    """A table of events with what its columns mean, and what is found wrong on the way."""

    table: Table
    meaning: Meaning
    zone: str
    said: Series | None
    findings: list[Finding]
    mistakes: list[Mistake]

    def has(self, meaning: str) -> bool:
        return meaning in self.meaning.columns

    def cells(self, meaning: str) -> list[str]:
        return self.table.columns[self.meaning.columns[meaning]]

    def wrong(
        self, code: str, text: Text, rows: npt.NDArray[np.intp], **values: str | list[str] | Times
    ) -> None:
        """Note the first rows of a mistake; a list or times in `values` has one entry per row."""
        for row in rows[:_SHOWN].tolist():
            given = {name: self._shown(value, row) for name, value in values.items()}
            said = text.format(**given)
            self.mistakes.append(Mistake(self.table.file, self.table.line(row), "", said, code))

    def _shown(self, value: str | list[str] | Times, row: int) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return value[row]
        return local_time(value[row], (self.said.zone if self.said else None) or self.zone)

    def numbers(self, meaning: str) -> Floats:
        """Return a column's numbers; an empty cell is NaN, another that is no number a mistake."""
        column = self.meaning.columns[meaning]
        found = self.table.numbers(column)
        cells = self.table.columns[column]
        unread = [row for row in np.flatnonzero(np.isnan(found)) if not is_empty(cells[row])]
        at = np.array(unread, dtype=np.intp)
        self.wrong("not_a_number", _NOT_NUMBER, at, given=cells, column=column)
        return found

    def clock(self, meaning: str) -> Times:
        """Return a column of dates as UTC; NaT where a cell is empty."""
        column, cells = self.meaning.columns[meaning], self.cells(meaning)
        clock = parse_times(cells, self.said.dates if self.said else None)
        unread = [row for row in np.flatnonzero(np.isnat(clock.times)) if not is_empty(cells[row])]
        at = np.array(unread, dtype=np.intp)
        self.wrong("not_a_time", _NOT_TIME, at, given=cells, column=column)
        if clock.zoned:
            return clock.times
        told = self.said.zone if self.said else None
        if told is None and not any(f.key == "zone_guessed" for f in self.findings):
            self.findings.append(Finding("zone_guessed", _ZONE_GUESSED.format(zone=self.zone)))
        return place_in_zone(clock.times, told or self.zone).utc

    def done(self) -> tuple[Finding, ...]:
        """Return the findings; raises `ParkError` with the mistakes, where there are any."""
        if self.mistakes:
            raise ParkError(self.mistakes)
        return tuple(self.findings)


def read_jobs(path: Path, zone: str, begin: np.datetime64, said: Series | None = None) -> Jobs:
    """Return the jobs in a person's file, CSV of any make or the Standard Workload Format.

    zone: the park's. begin: the moment a file's own 0 is put at [datetime64, UTC]. said: what the
    park file confirms. Raises `ParkError` with every mistake, by line.
    """
    reader = _open(path, "jobs", zone, said)
    arrival, unit = _arrivals(reader, begin)
    cores = reader.numbers("cores")
    if "milli" in reader.meaning.columns["cores"].lower():
        cores = cores / _MILLI
    hours = _run_times(reader, arrival, begin, unit)
    estimate = _durations(reader, "estimate", unit) if reader.has("estimate") else hours
    if not reader.has("estimate"):
        reader.findings.append(Finding("no_estimate", _NO_ESTIMATE))
    deadline = _deadlines(reader, arrival, unit, begin)
    known = ~np.isnat(arrival) & (hours > 0) & (cores > 0)
    late = np.flatnonzero(known & ~np.isnat(deadline) & (deadline <= arrival))
    reader.wrong("deadline_early", _DEADLINE, late, first=arrival, last=deadline)
    if not known.all():
        count = int((~known).sum())
        reader.findings.append(Finding("jobs_dropped", _DROPPED.format(count=count)))
    findings = reader.done()
    meaning = Meaning(reader.meaning.columns, {**reader.meaning.units, **_counted(reader, unit)})
    groups = reader.cells("class") if reader.has("class") else [""] * len(arrival)
    order = np.flatnonzero(known)
    order = order[np.argsort(arrival[order], kind="stable")]
    stated = np.where(estimate > 0, estimate, hours)
    return Jobs(
        arrival[order], hours[order], cores[order], stated[order], deadline[order],
        tuple(groups[i] for i in order.tolist()), meaning, findings,
    )  # fmt: skip


def read_cars(path: Path, zone: str, said: Series | None = None) -> Cars:
    """Return the charging sessions in a person's file, such as one of ACN-Data.

    zone: the park's. said: what the park file confirms. Raises `ParkError` with every mistake.
    """
    reader = _open(path, "cars", zone, said)
    arrival, departure = reader.clock("arrival"), reader.clock("departure")
    stated = reader.clock("stated") if reader.has("stated") else departure
    if not reader.has("stated"):
        reader.findings.append(Finding("no_stated", _NO_STATED))
    stated = np.where(np.isnat(stated), departure, stated)
    for leaves in (departure, stated):
        early = np.flatnonzero(leaves <= arrival)
        reader.wrong(
            "departure_early",
            _DEPARTURE,
            early,
            first=arrival,
            last=leaves,
        )
    energies = {name: _energy(reader, name) for name in ("delivered", "requested")}
    energy = next((e for e in energies.values() if e is not None), None)
    if energy is None:
        text = _NO_ENERGY.format(known=", ".join(reader.table.columns))
        raise ParkError([Mistake(reader.table.file, 0, "", text, "no_column")])
    asked = energies["requested"]
    findings = reader.done()
    names = reader.cells("station") if reader.has("station") else [""] * len(arrival)
    order = np.argsort(arrival, kind="stable")
    requested = np.full(len(arrival), np.nan) if asked is None else asked
    return Cars(
        arrival[order], departure[order], stated[order], energy[order], requested[order],
        tuple(names[i] for i in order.tolist()), reader.meaning, findings,
    )  # fmt: skip


def read_outages(path: Path, zone: str, said: Series | None = None) -> Outages:
    """Return the outages in a person's file; one that is not said to be announced is not.

    zone: the park's. said: what the park file confirms. Raises `ParkError` with every mistake.
    """
    reader = _open(path, "outages", zone, said)
    first, last = reader.clock("from"), reader.clock("to")
    short = np.flatnonzero(last <= first)
    reader.wrong("outage_short", _OUTAGE, short, first=first, last=last)
    findings = reader.done()
    said_so = reader.cells("announced") if reader.has("announced") else [""] * len(first)
    announced = np.array([cell.strip().lower() in _YES for cell in said_so], dtype=bool)
    order = np.argsort(first, kind="stable")
    return Outages(first[order], last[order], announced[order], reader.meaning, findings)


def _open(path: Path, what: str, zone: str, said: Series | None) -> _Reader:
    table = read_table(path, said.decimal if said else None)
    swf = what == "jobs" and len(table.columns) == _SWF_WIDTH and next(iter(table.columns)) == "1"
    if swf and (said is None or not said.columns):
        meaning = Meaning(_SWF, dict.fromkeys(("arrival", "hours", "estimate"), "s"))
    else:
        meaning = event_columns(table, what, said)
    return _Reader(table, meaning, zone, said, list(table.findings), [])


def _arrivals(reader: _Reader, begin: np.datetime64) -> tuple[Times, str]:
    """Return the arrivals as UTC, and the unit in which the file counts time where it counts."""
    if looks_like_time(reader.cells("arrival")[:50]):
        return reader.clock("arrival"), _unit(reader, "hours", "h")
    counted = reader.numbers("arrival")
    beyond = bool(np.nanmax(counted, initial=0.0) > _HOURS_OF_A_YEAR)
    unit = _unit(reader, "arrival", "s" if beyond else "h")
    reader.findings.append(Finding("arrivals_relative", _RELATIVE.format(unit=unit)))
    return _moments(counted, unit, begin), unit


def _counted(reader: _Reader, unit: str) -> dict[str, str]:
    """Return the unit of each column that counts time, where the arrivals do."""
    if not any(finding.key == "arrivals_relative" for finding in reader.findings):
        return {}
    counting = ("arrival", "end", "hours", "estimate", "deadline", "slack")
    return {name: reader.meaning.units.get(name) or unit for name in counting if reader.has(name)}


def _moments(counted: Floats, unit: str, begin: np.datetime64) -> Times:
    seconds = counted * convert(1.0, unit, "s")
    found: Times = begin.astype("datetime64[s]") + np.nan_to_num(np.rint(seconds)).astype(
        "timedelta64[s]"
    )
    found[np.isnan(counted)] = np.datetime64("NaT")
    return found


def _unit(reader: _Reader, meaning: str, otherwise: str) -> str:
    said = reader.said.unit if reader.said else None
    return said or reader.meaning.units.get(meaning) or otherwise


def _durations(reader: _Reader, meaning: str, unit: str) -> Floats:
    own = _unit(reader, meaning, unit)
    return reader.numbers(meaning) * convert(1.0, own, "h")


def _run_times(reader: _Reader, arrival: Times, begin: np.datetime64, unit: str) -> Floats:
    """Return run times [h]: given, or from arrival to end."""
    if reader.has("hours"):
        return _durations(reader, "hours", unit)
    if not reader.has("end"):
        text = _NO_RUN.format(known=", ".join(reader.table.columns))
        raise ParkError([Mistake(reader.table.file, 0, "", text, "no_column")])
    if looks_like_time(reader.cells("end")[:50]):
        end = reader.clock("end")
    else:
        end = _moments(reader.numbers("end"), unit, begin)
    hours: Floats = (end - arrival) / np.timedelta64(3600, "s")
    return hours


def _deadlines(reader: _Reader, arrival: Times, unit: str, begin: np.datetime64) -> Times:
    """Return deadlines: given, or arrival plus slack, or NaT."""
    if reader.has("deadline"):
        if looks_like_time([c for c in reader.cells("deadline") if not is_empty(c)][:50]):
            return reader.clock("deadline")
        return _moments(reader.numbers("deadline"), unit, begin)
    if reader.has("slack"):
        hours = _durations(reader, "slack", unit)
        negative = np.flatnonzero(hours < 0)
        column = reader.meaning.columns["slack"]
        reader.wrong(
            "slack_negative", _NEGATIVE, negative, given=reader.cells("slack"), column=column
        )
        seconds = np.nan_to_num(np.rint(hours * 3600)).astype("timedelta64[s]")
        due: Times = np.where(np.isnan(hours), np.datetime64("NaT"), arrival + seconds)
        return due
    return np.full(len(arrival), np.datetime64("NaT", "s"))


def _energy(reader: _Reader, meaning: str) -> Floats | None:
    if not reader.has(meaning):
        return None
    values = reader.numbers(meaning)
    column = reader.meaning.columns[meaning]
    negative = np.flatnonzero(values < 0)
    reader.wrong("energy_negative", _NEGATIVE, negative, given=reader.cells(meaning), column=column)
    unit = reader.meaning.units.get(meaning) or "kWh"
    return values * convert(1.0, unit if is_known(unit) else "kWh", "MWh")
