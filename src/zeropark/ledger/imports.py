"""A person's file on its way into a store: what it would take, refuse, and why, before it does.

Three forms are read: the ledger's own (point, start, length, value), a table of values by time
(meters, plants, batteries), and charging sessions. Whose car it was is not taken over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError, Finding
from zeropark.data.meaning import event_columns, time_column, unit_in_name
from zeropark.data.table import Table, is_empty, read_table
from zeropark.data.timed import rows_in_time, wrong_cells
from zeropark.data.times import looks_like_time, parse_times, place_in_zone
from zeropark.ledger.people import People, note_sessions
from zeropark.ledger.reading import Ints, Manner, Offered, Outcome
from zeropark.ledger.registry import SMALLEST, Point, Registry
from zeropark.ledger.rowform import NO_VALUE, Quality
from zeropark.ledger.store import Store, Taken
from zeropark.model.mistakes import Mistake, ParkError
from zeropark.model.park import Series
from zeropark.units.quantity import UnitError
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

_SHOWN = 20
_LIMIT = 2.0**63
_WHOLE = re.compile(r"[-+]?\d+")
_OWN = ("point", "start", "length_ms", "value")
_KEPT_AS = (
    "Wh", "W", "mW/m2", "mdegC", "mfen/kWh", "fen", "g", "Pa", "mm/s", "core-s", "ppm",
)  # fmt: skip
"""Units a column may be kept in, the first that measures the same."""
_STATES = {"W", "mW/m2", "mdegC", "mfen/kWh", "Pa", "mm/s", "ppm"}

_NO_UNIT = Text(
    "column '{column}' names no unit; say it with --unit {column}=kWh",
    "列“{column}”没有单位；用 --unit {column}=kWh 说明",
)
_STRANGE_UNIT = Text(
    "column '{column}' is in {unit}, which no point is kept in; leave it, or say another with "
    "--unit",
    "列“{column}”单位为 {unit}，测点无此单位；忽略，或用 --unit 另行说明",
)
_NOTHING = Text(
    "no column can be taken; say units with --unit COLUMN=UNIT. Columns: {known}",
    "没有可导入的列；用 --unit 列=单位 说明。列：{known}",
)
_COLUMN = Text(
    "there is no column '{given}'{meant} Columns: {known}", "没有列“{given}”{meant}列：{known}"
)
_NOT_WHOLE = Text(
    "column '{column}': '{given}' is no whole number of the smallest unit",
    "列“{column}”：“{given}”不是最小单位的整数",
)
_NO_ZONE = Text(
    "column '{column}': '{given}' is no time with its zone, such as 2026-01-31T08:00:00Z",
    "列“{column}”：“{given}”不是带时区的时间，例如 2026-01-31T08:00:00Z",
)
_QUALITY = Text(
    "column 'quality': '{given}' is not known; allowed: {known}",
    "列“quality”：“{given}”不可用；可用：{known}",
)
_LARGE = Text(
    "column '{column}': '{given}' is beyond 64 bits in {unit}",
    "列“{column}”：“{given}”以 {unit} 计超出 64 位",
)
_REFUSED = Text("{point}: {why}", "{point}：{why}")
_EMPTY = Text(
    "column '{column}': {count} cells are empty and stay a gap",
    "列“{column}”：{count} 格为空，保持缺失",
)
_SESSION = Text(
    "column '{column}': '{given}' ends before it begins", "列“{column}”：“{given}”结束早于开始"
)
_WRONG_POINT = Text(
    "point '{name}' is kept in {held}; the file's '{column}' is in {given}, which measures "
    "something else",
    "测点“{name}”单位为 {held}；文件的“{column}”单位为 {given}，量纲不同",
)


@dataclass(frozen=True)
class Asked:
    """How a person's file is to be read.

    asset: whose values they are. zone: of times that name none. units: of columns that name none or
    another, by column. source: who delivers. points: name of the point a column goes to, where it
    is not `asset/column`. stamps: whether a row's time is the `start` or the `end` of its interval;
    found from the file where None. person: the column that says whose a session was, where taken.
    """

    asset: str
    zone: str
    units: Mapping[str, str] = field(default_factory=dict)
    points: Mapping[str, str] = field(default_factory=dict)
    stamps: Literal["start", "end"] | None = None
    person: str = ""


@dataclass(frozen=True)
class Import:
    """What a file holds, ready to be offered.

    points: that it speaks of. which: the point of each reading, a number into `points`. lines:
    where each stands in the file. skipped: columns that are not taken, and why.
    persons: whose each reading was, by name; empty where nobody asked.
    """

    file: str
    points: tuple[Point, ...]
    which: Ints
    start: Ints
    length: Ints
    value: Ints
    quality: Ints
    revision: Ints
    lines: Ints
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Text, ...] = ()
    persons: tuple[str, ...] = ()

    def offered(self, registry: Registry, source: int) -> Offered:
        """Return the readings with the numbers of a store's register."""
        numbers = np.array([registry.number(point.name) for point in self.points], np.int64)
        sources = np.full(len(self.which), source, np.int64)
        return Offered(
            numbers[self.which], self.start, self.length, self.value, self.quality, sources,
            self.revision,
        )  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What a store makes of a file. counts: readings by outcome; refused: with place and reason."""

    counts: Mapping[Outcome, int]
    refused: tuple[Mistake, ...]
    taken: Taken | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is refused."""
        return all(outcome.kept for outcome in self.counts)


def read_import(path: Path, asked: Asked) -> Import:
    """Return what the file at `path` holds; raises `ParkError` with every mistake, by line."""
    table = read_table(path)
    for name in (*asked.units, *asked.points, *filter(None, [asked.person])):
        if name not in table.columns:
            text = with_meant(
                _COLUMN, meant(name, table.columns), given=name, known=", ".join(table.columns)
            )
            raise ParkError([Mistake(table.file, 0, "", text, "column_unknown")])
    if set(_OWN) <= set(table.columns):
        return _own(table)
    if _is_sessions(table):
        return _sessions(table, asked)
    return _by_time(table, asked)


def judge_import(store: Store, read: Import, source: str) -> Verdict:
    """Return what the store would make of a file; writes nothing.

    Raises `DataError` where a point is kept in another unit.
    """
    check_units(store.registry, read.points)
    trial = store.trial(read.points)
    offered = read.offered(trial, store.sources.get(source, len(store.sources)))
    return _verdict(read, store.preview(offered, trial), None)


def take_import(store: Store, read: Import, source: str, people: People | None = None) -> Verdict:
    """Take a file into a store, whole or not at all; return what became of it.

    people: where names are kept apart from the log, which holds their pseudonyms.
    """
    before = judge_import(store, read, source)
    if not before.whole:
        return before
    fresh = [point for point in read.points if not store.registry.knows(point.name)]
    if fresh:
        store.register(fresh)
    taken = store.accept(read.offered(store.registry, store.source(source)), Manner.BY_HAND)
    if people is not None and read.persons:
        named = [
            (read.points[int(point)].name, start, person)
            for point, start, person in zip(
                read.which, read.start.tolist(), read.persons, strict=True
            )
            if person
        ]
        note_sessions(store, people, named)
    return _verdict(read, taken.outcomes, taken)


def _verdict(read: Import, outcomes: npt.NDArray[np.uint8], taken: Taken | None) -> Verdict:
    found, times = np.unique(outcomes, return_counts=True)
    counts = {Outcome(f): int(t) for f, t in zip(found.tolist(), times, strict=True)}
    bad = np.flatnonzero(outcomes > Outcome.KEPT_AS_SUSPECT)[:_SHOWN].tolist()
    refused = []
    for i in bad:
        outcome = Outcome(int(outcomes[i]))
        name, why = read.points[int(read.which[i])].name, outcome.words
        text = Text(
            _REFUSED.en.format(point=name, why=why.en), _REFUSED.zh.format(point=name, why=why.zh)
        )
        refused.append(Mistake(read.file, int(read.lines[i]), "", text, outcome.name.lower()))
    return Verdict(counts, tuple(refused), taken)


# -- the ledger's own form -----------------------------------------------------------------------


def _own(table: Table) -> Import:
    """Return a table of point, start, length_ms and value, with unit, quality and revision."""
    count = len(table)
    mistakes: list[Mistake] = []
    clock = parse_times(table.columns["start"])
    for row in range(count):
        cell = table.columns["start"][row]
        zoned = cell.strip().endswith("Z") or re.search(r"[+-]\d\d:?\d\d$", cell.strip())
        if np.isnat(clock.times[row]) or not zoned:
            text = _NO_ZONE.format(column="start", given=cell)
            mistakes.append(Mistake(table.file, table.line(row), "", text, "time_zone"))
    value = _wholes(table, "value", mistakes, empty=NO_VALUE)
    length = _wholes(table, "length_ms", mistakes)
    revision = _wholes(table, "revision", mistakes) if "revision" in table.columns else None
    quality = _qualities(table, value, mistakes)
    names = table.columns["point"]
    points: dict[str, int] = {}
    which = np.array([points.setdefault(name, len(points)) for name in names], np.int64)
    units = table.columns.get("unit", [""] * count)
    measures = table.columns.get("measures", ["interval"] * count)
    made = []
    for name in points:
        first = names.index(name)
        try:
            made.append(
                Point.from_entry({"name": name, "unit": units[first], "measures": measures[first]})
            )
        except DataError as error:
            line = table.line(first)
            mistakes.append(Mistake(table.file, line, "", error.text, error.key))
    if mistakes:
        raise ParkError(mistakes[:_SHOWN])
    start = clock.times.astype("datetime64[ms]").astype(np.int64)
    lines = np.array([table.line(row) for row in range(count)], np.int64)
    revisions = np.zeros(count, np.int64) if revision is None else revision
    return Import(
        table.file, tuple(made), which, start, length, value, quality, revisions, lines,
        table.findings,
    )  # fmt: skip


def _wholes(table: Table, column: str, mistakes: list[Mistake], empty: int | None = None) -> Ints:
    found = np.zeros(len(table), np.int64)
    for row, cell in enumerate(table.columns[column]):
        if empty is not None and is_empty(cell):
            found[row] = empty
        elif _WHOLE.fullmatch(cell.strip()) and -_LIMIT < int(cell) < _LIMIT:
            found[row] = int(cell)
        else:
            text = _NOT_WHOLE.format(column=column, given=cell)
            mistakes.append(Mistake(table.file, table.line(row), "", text, "not_whole"))
    return found


def _qualities(table: Table, value: Ints, mistakes: list[Mistake]) -> Ints:
    entered = np.where(value == NO_VALUE, Quality.MISSING, Quality.ENTERED).astype(np.int64)
    if "quality" not in table.columns:
        return entered
    names = {each.name.lower(): int(each) for each in Quality}
    found = np.zeros(len(table), np.int64)
    for row, cell in enumerate(table.columns["quality"]):
        found[row] = names.get(cell.strip().lower(), 0)
        if not found[row]:
            text = _QUALITY.format(given=cell, known=", ".join(names))
            mistakes.append(Mistake(table.file, table.line(row), "", text, "quality"))
    return found


# -- values by time ------------------------------------------------------------------------------


def _by_time(table: Table, asked: Asked) -> Import:
    """Return a table of values by time, a point for each column that names its unit."""
    time = time_column(table, None)
    chosen, skipped = _columns(table, time, asked)
    clock = parse_times(table.columns[time])
    mistakes = wrong_cells(table, time, list(chosen), clock)
    if mistakes:
        raise ParkError(mistakes)
    numbers = {name: table.numbers(name) for name in chosen}
    there = np.any([np.isfinite(values) for values in numbers.values()], axis=0)
    findings = list(table.findings)
    said = Series(name="import", of="load", file=table.file, stamps=asked.stamps)
    rows = rows_in_time(table, time, clock, there, asked.zone, said, findings)
    starts = rows.starts.astype("datetime64[ms]").astype(np.int64)
    length = round(rows.hours * 3_600_000)
    parts: list[tuple[Ints, ...]] = []
    points = []
    for number, (name, (point, scale)) in enumerate(chosen.items()):
        values = numbers[name][rows.order]
        kept = np.isfinite(values)
        if not kept.all():
            count = int((~kept).sum())
            findings.append(Finding("cells_empty", _EMPTY.format(column=name, count=count)))
        whole = _rounded(table, name, values[kept] * scale, rows.order[kept], point.unit)
        lines = np.array([table.line(int(row)) for row in rows.order[kept]], np.int64)
        parts.append((np.full(len(whole), number), starts[kept], whole, lines))
        points.append(_regular(point, starts, length))
    which, start, value, lines = (np.concatenate(each) for each in zip(*parts, strict=True))
    count = len(which)
    return Import(
        table.file, tuple(points), which, start, np.full(count, length), value,
        np.full(count, int(Quality.MEASURED)), np.zeros(count, np.int64), lines,
        tuple(findings), tuple(skipped),
    )  # fmt: skip


def _regular(point: Point, starts: Ints, length: int) -> Point:
    """Return the point with its interval, where all its intervals lie on one grid."""
    regular = length > 0 and not (starts % length).any()
    return Point(point.name, point.unit, point.measures, interval=length if regular else 0)


def _columns(
    table: Table, time: str, asked: Asked
) -> tuple[dict[str, tuple[Point, float]], list[Text]]:
    """Return each column that is taken with its point and factor, and why others are not."""
    chosen: dict[str, tuple[Point, float]] = {}
    skipped = []
    for name in table.columns:
        cells = table.columns[name][:50]
        if name == time or looks_like_time(cells) or not table.is_numeric(name):
            continue
        unit = asked.units.get(name) or unit_in_name(name)
        if unit is None:
            skipped.append(_NO_UNIT.format(column=name))
            continue
        point = _point(name, unit, asked)
        if point is None:
            skipped.append(_STRANGE_UNIT.format(column=name, unit=unit))
        else:
            chosen[name] = (point, point.scale(unit))
    if not chosen:
        text = _NOTHING.format(known=", ".join(table.columns))
        raise ParkError([Mistake(table.file, 0, "", text, "no_column")])
    return chosen, skipped


def _point(column: str, unit: str, asked: Asked) -> Point | None:
    """Return the point a column goes to, None where no unit of ours measures it."""
    port = re.sub(r"[^0-9A-Za-z\u4e00-\u9fff]+", "-", column).strip("-").lower()
    name = asked.points.get(column, f"{asked.asset}/{port}")
    for kept in (unit, *_KEPT_AS) if unit in SMALLEST else _KEPT_AS:
        point = Point(name, kept, "state" if kept in _STATES else "interval")
        if _fits(point, unit):
            return point
    return None


def _fits(point: Point, unit: str) -> bool:
    try:
        return point.fits(unit)
    except UnitError:
        return False


def _rounded(
    table: Table, column: str, values: npt.NDArray[np.float64], rows: Any, unit: str
) -> Ints:
    """Return values as whole numbers, half to even; raises `ParkError` beyond 64 bits."""
    far = np.flatnonzero(np.abs(values) >= _LIMIT)
    if len(far):
        row = int(rows[far[0]])
        given = table.columns[column][row]
        text = _LARGE.format(column=column, given=given, unit=unit)
        raise ParkError([Mistake(table.file, table.line(row), "", text, "value_large")])
    whole: Ints = np.rint(values).astype(np.int64)
    return whole


# -- charging sessions ---------------------------------------------------------------------------


def _is_sessions(table: Table) -> bool:
    try:
        meaning = event_columns(table, "cars", None)
    except ParkError:
        return False
    dated = [meaning.columns[name] for name in ("arrival", "departure")]
    return "delivered" in meaning.columns and all(
        looks_like_time(table.columns[name][:50]) for name in dated
    )


def _sessions(table: Table, asked: Asked) -> Import:
    """Return charging sessions: at each station's point, what each delivered from plug to plug."""
    meaning = event_columns(table, "cars", None)
    moments = []
    for what in ("arrival", "departure"):
        column = meaning.columns[what]
        clock = parse_times(table.columns[column])
        mistakes = wrong_cells(table, column, [meaning.columns["delivered"]], clock)
        if mistakes:
            raise ParkError(mistakes)
        utc = clock.times if clock.zoned else place_in_zone(clock.times, asked.zone).utc
        moments.append(utc.astype("datetime64[ms]").astype(np.int64))
    arrival, departure = moments
    backwards = np.flatnonzero(departure <= arrival)
    if len(backwards):
        column = meaning.columns["departure"]
        raise ParkError(
            Mistake(
                table.file, table.line(row), "",
                _SESSION.format(column=column, given=table.columns[column][row]), "session_end",
            )
            for row in backwards[:_SHOWN].tolist()
        )  # fmt: skip
    delivered = meaning.columns["delivered"]
    unit = asked.units.get(delivered) or meaning.units.get("delivered") or "kWh"
    stations = (
        table.columns[meaning.columns["station"]]
        if "station" in meaning.columns
        else [asked.asset] * len(table)
    )
    names: dict[str, int] = {}
    which = np.array([names.setdefault(each.strip(), len(names)) for each in stations], np.int64)
    points = tuple(Point(f"{asked.asset}/{name or 'station'}", "Wh") for name in names)
    values = table.numbers(delivered)
    kept = np.isfinite(values)
    rows = np.flatnonzero(kept)
    whole = _rounded(table, delivered, values[kept] * points[0].scale(unit), rows, "Wh")
    lines = np.array([table.line(int(row)) for row in rows], np.int64)
    count = len(rows)
    return Import(
        table.file, points, which[kept], arrival[kept], (departure - arrival)[kept], whole,
        np.full(count, int(Quality.MEASURED)), np.zeros(count, np.int64), lines, table.findings,
        persons=tuple(table.columns[asked.person][i] for i in rows) if asked.person else (),
    )  # fmt: skip


def check_units(registry: Registry, points: Sequence[Point]) -> None:
    """Raise `DataError` where a registered point is kept in another unit than a file brings."""
    for point in points:
        if registry.knows(point.name):
            held = registry[registry.number(point.name)]
            if held.unit != point.unit:
                text = _WRONG_POINT.format(
                    name=point.name, held=held.unit, column=point.name, given=point.unit
                )
                raise DataError("unit_differs", text)
