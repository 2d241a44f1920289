"""Sums that remain: quarter-hours, hours, days and months by point, each with its coverage.

They are derived from rows, so whoever doubts one computes it again; once the rows have expired they
are what is left, and the expiry in the log holds their digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from zeropark.ledger import canonical
from zeropark.ledger.database import Database
from zeropark.ledger.history import History
from zeropark.ledger.store import Store

STEPS_MS = {"quarter": 900_000, "hour": 3_600_000, "day": 86_400_000}
"""Lengths of the levels that have one; a month is a calendar month of UTC."""
LEVELS = (*STEPS_MS, "month")
_NOTHING = (0, 0, 0, 0, 0)
Rollup = tuple[str, int, int, int, int, int, int, int]
"""level, point, start [ms], total, low, high, times, covered [ms]."""


def rolled_up(
    history: History, first: int, last: int, *, as_of: int | None = None
) -> Iterator[Rollup]:
    """Yield the roll-ups of all points over [first, last) [ms], whole steps of every level.

    total, low, high: of readings that count, in the point's unit. times: how many; covered: how
    much of the step they cover [ms]. A step without any is not there. as_of: as of `History.sums`.
    """
    yield from _steps(history, first, last, as_of)
    for start, end in months(first, last):
        yield from _month(history, start, end, as_of)


def _steps(history: History, first: int, last: int, as_of: int | None) -> Iterator[Rollup]:
    """Yield the roll-ups of the levels that have a length."""
    for level, step in STEPS_MS.items():
        found = history.sums(None, first, last, step, as_of=as_of)
        for row in zip(
            found.point, found.start, found.total, found.low, found.high, found.times,
            found.covered, strict=True,
        ):  # fmt: skip
            yield level, *(int(each) for each in row)  # type: ignore[misc] # seven numbers


def _month(history: History, start: int, end: int, as_of: int | None) -> Iterator[Rollup]:
    """Yield the roll-ups of a calendar month."""
    found = history.sums(None, start, end, 1 << 62, as_of=as_of)
    for row in zip(
        found.point, found.total, found.low, found.high, found.times, found.covered, strict=True
    ):
        point, *rest = (int(each) for each in row)
        yield "month", point, start, *rest  # type: ignore[misc] # as above


def months(first: int, last: int) -> list[tuple[int, int]]:
    """Return (start, end) [ms] of the calendar months (UTC) that touch [first, last)."""
    begin = np.datetime64(first, "ms").astype("datetime64[M]")
    end = np.datetime64(last - 1, "ms").astype("datetime64[M]")
    edges = np.arange(begin, end + 2).astype("datetime64[ms]").astype(np.int64).tolist()
    return list(pairwise(edges))


def whole_months(first: int, last: int) -> tuple[int, int]:
    """Return start and end [ms] of the calendar months (UTC) that touch [first, last)."""
    spans = months(first, last)
    return spans[0][0], spans[-1][1]


Counted = Callable[[int, int], int | None]
"""Says when the kept roll-ups of [start, end) [ms] were last written [ms]; None: never."""


def rollups(
    history: History, database: Database, first: int, last: int, counted: Counted
) -> list[Rollup]:
    """Return the roll-ups of the days and months that touch [first, last) [ms], all of them whole.

    Rows that kept roll-ups count may have expired since, and nothing of an expired interval can be
    corrected: to what was kept is added what became known later. low and high are the least and the
    largest that ever counted, where rows expired.
    """
    day = STEPS_MS["day"]
    first, last = first // day * day, -(-last // day) * day
    found: list[Rollup] = []
    begun = first
    for at in range(first, last, day):
        moment = counted(at, at + day)
        if at + day < last and counted(at + day, at + 2 * day) == moment:
            continue
        found += _since(history, database, begun, at + day, _steps, moment)
        begun = at + day
    for start, end in months(first, last):
        found += _since(history, database, start, end, _month, counted(start, end))
    return found


def _since(
    history: History,
    database: Database,
    first: int,
    last: int,
    rolled: Callable[[History, int, int, int | None], Iterator[Rollup]],
    moment: int | None,
) -> list[Rollup]:
    """Return roll-ups of rows, and of those that were kept at a moment where there is one."""
    now = {row[:3]: row for row in rolled(history, first, last, None)}
    if moment is None:
        return list(now.values())
    then = {row[:3]: row for row in rolled(history, first, last, min(moment, history.known()))}
    levels = ("month",) if rolled is _month else tuple(STEPS_MS)
    kept = {row[:3]: row for row in kept_rollups(database, first, last) if row[0] in levels}
    found = {**now, **kept}
    for step in kept.keys() & (then.keys() | now.keys()):
        # What counted and was corrected to what does not counts no more.
        at, was = now.get(step), then.get(step)
        more, less = at[3:] if at else _NOTHING, was[3:] if was else _NOTHING
        total, low, high, times, covered = kept[step][3:]
        found[step] = (
            *step, total + more[0] - less[0], min(low, more[1]) if at else low,
            max(high, more[2]) if at else high, times + more[3] - less[3],
            covered + more[4] - less[4],
        )  # fmt: skip
    return list(found.values())


def keep_rollups(store: Store, first: int, last: int, counted: Counted) -> int:
    """Write the roll-ups of the days in [first, last) [ms] anew; return how many there are."""
    day = STEPS_MS["day"]
    first, last = first // day * day, -(-last // day) * day
    with store.lock:
        rows = rollups(store.history, store.database, first, last, counted)
        with store.writing():
            store.database.run(
                "DELETE FROM rollup WHERE level <> 'month' AND start_at >= ? AND start_at < ?",
                (first, last),
            )
            for start, _ in months(first, last):
                store.database.run(
                    "DELETE FROM rollup WHERE level = 'month' AND start_at = ?", (start,)
                )
            store.database.many(
                "INSERT INTO rollup VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                ((level, p, at, str(total), *rest) for level, p, at, total, *rest in rows),
            )
    return len(rows)


def kept_rollups(database: Database, first: int, last: int) -> list[Rollup]:
    """Return the roll-ups that are kept of [first, last) [ms], in a fixed order."""
    rows = database.rows(
        "SELECT level, point, start_at, total, low, high, times, covered FROM rollup "
        "WHERE start_at >= ? AND start_at < ? ORDER BY level, point, start_at",
        (first, last),
    )
    return [(level, p, at, int(total), *rest) for level, p, at, total, *rest in rows]


def digest(rollups: list[Rollup]) -> str:
    """Return the SHA-256 of roll-ups as canonical JSON."""
    return hashlib.sha256(canonical.dumps(rollups)).hexdigest()
