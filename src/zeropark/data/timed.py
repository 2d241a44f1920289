"""The rows of a person's table in time: sorted, in UTC, with the step they follow each other by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import Finding
from zeropark.data.meaning import words_of
from zeropark.data.table import Table, is_empty, wrong
from zeropark.data.times import Clock, Times, as_written, local_time, place_in_zone
from zeropark.model.mistakes import Mistake, ParkError
from zeropark.model.park import Series
from zeropark.units.text import Text
from zeropark.units.timegrid import to_local

_SHOWN = 5
_DAY = np.timedelta64(86_400, "s")
_NOT_TIME = Text("'{given}' is not a time", "“{given}”不是时间")
_NOT_NUMBER = Text(
    "column '{column}': '{given}' is not a number; mend the value or take the row out",
    "列“{column}”：“{given}”不是数；改值，或删去此行",
)
_ALSO = Text("{count} more rows like this", "另有 {count} 行如此")
_TWICE = Text(
    "the time {given} stands on line {first} too; leave one",
    "时间 {given} 第 {first} 行也有；留一处",
)
_HIDDEN_HOUR = Text(
    "{given} does not exist in {zone}, whose clock skips it; if the times are of another zone, "
    "write zone: in the park file",
    "{zone} 的时钟跳过 {given}；若时间属于其他时区，在园区文件写 zone:",
)
TOO_FEW = Text("two rows of times are needed at least", "至少需要两行时间")
_SORTED = Text("rows were not in order of time; they were sorted", "行未按时间先后；已排序")
_MIDNIGHT = Text(
    "{count} rows at 00:00 stand at the end of their date; they were read as 24:00",
    "{count} 行 00:00 写在当日末尾；按 24:00 读取",
)
_ENDS = Text("times were read as ends of intervals", "时间按时段末读取")
_ZONE_GUESSED = Text("times were read in the park's zone, {zone}", "时间按园区时区 {zone} 读取")
_DOUBLED = Text(
    "{count} times of the hour that {zone} shows twice stand once; taken as the first",
    "{zone} 重复的一小时中有 {count} 个时间只出现一次；取前一次",
)
_DAY_ORDER = Text(
    "dates were read {order}; no date tells which", "日期按 {order} 读取；没有日期能区分"
)


@dataclass(frozen=True)
class Rows:
    """Where the rows of a table stand in time.

    order: rows of the table by rising time, (N,). starts: of each interval, datetime64[s] UTC, in
    that order. hours: length of an interval [h]. zone: the times were read in. stamps: whether they
    were the intervals' starts or ends.
    """

    order: npt.NDArray[np.intp]
    starts: Times
    hours: float
    zone: str
    stamps: str


def rows_in_time(
    table: Table,
    time: str,
    clock: Clock,
    there: npt.NDArray[np.bool_],
    zone: str,
    said: Series | None,
    findings: list[Finding],
) -> Rows:
    """Return where the rows stand in time; adds to `findings` what was guessed.

    time: name of the column of times, read as `clock`. there: rows that hold a value, of which no
    two may have one time, (N,). zone: the park's. said: what the park file confirms. Raises
    `ParkError` with every mistake, by line.
    """
    if not clock.sure:
        findings.append(Finding("dates_guessed", _DAY_ORDER.format(order=clock.order)))
    local = _midnights(clock.times, findings)
    utc, of = _instants(table, time, local, clock, zone, said, findings)
    order = np.argsort(utc, kind="stable")
    if (np.diff(order) != 1).any():
        findings.append(Finding("sorted", _SORTED))
    _check_twice(table, utc, order[there[order]], of)
    starts = utc[order]
    step = _step(table, starts)
    stamps = _stamps(starts, step, of, said, findings)
    if stamps == "end":
        starts = starts - step
    return Rows(order, starts, float(step / np.timedelta64(3600, "s")), of, stamps)


def wrong_cells(table: Table, time: str, columns: Sequence[str], clock: Clock) -> list[Mistake]:
    """Return cells that are no time or no number, by line, of each column the first few.

    time: name of the column of times, read as `clock`. An empty cell of a number is none of them.
    """
    found = _cells(table, time, np.flatnonzero(np.isnat(clock.times)), "not_a_time", _NOT_TIME)
    for column in columns:
        cells = table.columns[column]
        unread = np.flatnonzero(~np.isfinite(table.numbers(column)))
        filled = np.array([row for row in unread.tolist() if not is_empty(cells[row])], np.intp)
        found += _cells(table, column, filled, "not_a_number", _NOT_NUMBER)
    return found


def _cells(
    table: Table, column: str, rows: npt.NDArray[np.intp], code: str, text: Text
) -> list[Mistake]:
    cells, found = table.columns[column], []
    for row in rows[:_SHOWN].tolist():
        said = text.format(given=cells[row], column=column)
        found.append(Mistake(table.file, table.line(row), "", said, code))
    if len(rows) > _SHOWN:
        line = table.line(int(rows[_SHOWN]))
        said = _ALSO.format(count=len(rows) - _SHOWN)
        found.append(Mistake(table.file, line, "", said, code))
    return found


def _midnights(local: Times, findings: list[Finding]) -> Times:
    """Return times with a 00:00 that closes its own date moved to the next one."""
    midnight = local == local.astype("datetime64[D]")
    before = np.concatenate([[local[0]], local[:-1]])
    jump = before - local
    closes = midnight & (jump > np.timedelta64(0, "s")) & (jump < _DAY)
    count = int(closes.sum())
    # Newest-first files jump back at every row; only a lone jump among rising ones is a closing
    # 00:00.
    if not count or count * 2 > int((jump > np.timedelta64(0, "s")).sum()) * 3:
        return local
    if int((jump > np.timedelta64(0, "s")).sum()) > count:
        return local
    findings.append(Finding("midnight", _MIDNIGHT.format(count=count)))
    return np.where(closes, local + _DAY, local)


def _instants(
    table: Table,
    time: str,
    local: Times,
    clock: Clock,
    zone: str,
    said: Series | None,
    findings: list[Finding],
) -> tuple[Times, str]:
    """Return the times as UTC and the zone they were read in."""
    if clock.zoned:
        return local, "UTC"
    of = said.zone if said and said.zone else None
    if of is None and "utc" in words_of(time).split():
        return local, "UTC"
    if of is None:
        of = zone
        findings.append(Finding("zone_guessed", _ZONE_GUESSED.format(zone=zone)))
    placed = place_in_zone(local, of)
    if len(placed.missing):
        raise ParkError(
            Mistake(
                table.file, table.line(row), "",
                _HIDDEN_HOUR.format(given=as_written(local[row]), zone=of), "hour_missing",
            )
            for row in placed.missing[:_SHOWN].tolist()
        )  # fmt: skip
    if len(placed.doubled):
        findings.append(
            Finding("hour_doubled", _DOUBLED.format(count=len(placed.doubled), zone=of))
        )
    return placed.utc, of


def _check_twice(table: Table, utc: Times, order: npt.NDArray[np.intp], zone: str) -> None:
    found: list[Mistake] = []
    for i in np.flatnonzero(np.diff(utc[order]) == np.timedelta64(0, "s"))[:_SHOWN].tolist():
        first, second = sorted(order[i : i + 2].tolist())
        said = _TWICE.format(given=local_time(utc[first], zone), first=table.line(first))
        found.append(Mistake(table.file, table.line(second), "", said, "time_twice"))
    if found:
        raise ParkError(found)


def _step(table: Table, starts: Times) -> np.timedelta64:
    if len(starts) < 2:  # noqa: PLR2004 - a step lies between two times
        raise wrong(table.file, "series_short", TOO_FEW)
    steps, counts = np.unique(np.diff(starts), return_counts=True)
    step: np.timedelta64 = steps[np.argmax(counts)]
    return step


def _stamps(
    starts: Times, step: np.timedelta64, zone: str, said: Series | None, findings: list[Finding]
) -> str:
    """Return whether times are starts or ends.

    A file from a step past midnight to midnight has ends.
    """
    if said is not None and said.stamps is not None:
        return said.stamps
    ends = to_local(np.array([starts[0] - step, starts[-1]]), zone)
    begins = to_local(np.array([starts[0]]), zone)
    whole = (ends == ends.astype("datetime64[D]")).all()
    if whole and begins[0] != begins[0].astype("datetime64[D]"):
        findings.append(Finding("stamps_end", _ENDS))
        return "end"
    return "start"
