"""Sums that remain: quarter-hours, hours, days and months by point, each with its coverage.

They are derived from rows, so whoever doubts one computes it again; once the rows have expired they
are what is left, and the expiry in the log holds their digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from zeropark.ledger import canonical
from zeropark.ledger.database import Database
from zeropark.ledger.history import History
from zeropark.ledger.store import Store

STEPS_MS = {"quarter": 900_000, "hour": 3_600_000, "day": 86_400_000}
"""Lengths of the levels that have one; a month is a calendar month of UTC."""
LEVELS = (*STEPS_MS, "month")
Rollup = tuple[str, int, int, int, int, int, int, int]
"""level, point, start [ms], total, low, high, times, covered [ms]."""


def rolled_up(history: History, first: int, last: int) -> Iterator[Rollup]:
    """Yield the roll-ups of all points over [first, last) [ms], whole steps of every level.

    total, low, high: of readings that count, in the point's unit. times: how many; covered: how
    much of the step they cover [ms]. A step without any is not there.
    """
    for level, step in STEPS_MS.items():
        found = history.sums(None, first, last, step)
        for row in zip(
            found.point, found.start, found.total, found.low, found.high, found.times,
            found.covered, strict=True,
        ):  # fmt: skip
            yield level, *(int(each) for each in row)  # type: ignore[misc] # seven numbers
    for start, end in months(first, last):
        found = history.sums(None, start, end, 1 << 62)
        for row in zip(
            found.point, found.total, found.low, found.high, found.times, found.covered,
            strict=True,
        ):  # fmt: skip
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


def keep_rollups(store: Store, first: int, last: int) -> int:
    """Write the roll-ups of the days in [first, last) [ms] anew; return how many there are."""
    day = STEPS_MS["day"]
    first, last = first // day * day, -(-last // day) * day
    rows = list(rolled_up(store.history, first, last))
    starts = [start for start, _ in months(first, last)]
    with store.lock, store.writing():
        store.database.run(
            "DELETE FROM rollup WHERE level <> 'month' AND start_at >= ? AND start_at < ?",
            (first, last),
        )
        for start in starts:
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
