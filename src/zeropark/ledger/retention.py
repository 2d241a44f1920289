"""Rows that expire: by a policy that is an entry, named by an entry, never in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from zeropark.data.errors import DataError
from zeropark.ledger.database import Database
from zeropark.ledger.log import Log
from zeropark.ledger.rollup import Counted, digest, keep_rollups, kept_rollups, whole_months
from zeropark.ledger.seal import sweep
from zeropark.ledger.sealing import HOUR_MS
from zeropark.ledger.store import Store
from zeropark.units.text import Text

DAY_MS = 24 * HOUR_MS
_EVER = 1 << 62
_NO_DAYS = Text(
    "a policy keeps rows for {given} days; allowed: 1 to 36500",
    "策略保留 {given} 天；可用：1 至 36500",
)
_LONGEST_DAYS = 36_500
_NONE = Text(
    "no policy lets rows expire; state one first (zeropark keeps everything by default)",
    "没有允许到期的策略；先声明（默认永久保留）",
)


@dataclass(frozen=True)
class Expired:
    """What expired. size: of the log with the entry; rows, batches: how many."""

    size: int
    rows: int
    batches: int


def state_policy(store: Store, days: int, why: str) -> int:
    """State for how long rows are kept [days]; return the size of the log with it.

    Without a policy nothing expires. Postings, commands, decisions and heads never do, and no
    batch that an entry names as what it rests on. Raises `DataError`.
    """
    if not 1 <= days <= _LONGEST_DAYS:
        raise DataError("policy_days", _NO_DAYS.format(given=days))
    return store.note("policy", {"of": "readings", "days": days, "why": why}, "readings")


def policy(store: Store) -> tuple[int, int] | None:
    """Return (size of the log with it, days) of the policy that holds; None where there is none."""
    rows = store.database.rows("SELECT max(size) FROM entry WHERE kind = 'policy'")
    size = rows[0][0]
    return None if size is None else (size, int(store.log.entries([size])[0]["days"]))


def hold(store: Store, batches: list[int], why: str) -> int:
    """Note that batches (sizes of the log with them) are what a claim or settlement rests on."""
    return store.note("hold", {"batches": batches, "why": why}, "readings")


def expire(store: Store) -> Expired:
    """Let the rows expire that the policy no longer keeps; the entry names all that went.

    The entry holds the batches (their places in the log, from 0), their roots by the log itself,
    the span, the policy, and the digest of the roll-ups that remain. It is durable before a row
    goes. Raises `DataError` where no policy was stated.
    """
    stated = policy(store)
    if stated is None:
        raise DataError("no_policy", _NONE)
    size, days = stated
    with store.lock:
        before = store.clock.now().known_at - days * DAY_MS
        kept = _held(store)
        parts = [
            part
            for part in _over(store, before)
            if not any(part.row <= row < part.row + part.rows for row in kept)
        ]
        if not parts:
            return Expired(store.log.size, 0, 0)
        first, last = min(p.start for p in parts), max(p.end for p in parts) + 1
        keep_rollups(store, first, last, counted(store.log, store.database))
        # A day and a month begin before the first row that goes, and their sums remain too.
        remaining = digest(kept_rollups(store.database, *whole_months(first, last)))
        batches = [batch for part in parts for batch in _batches(store, part)]
        body = {
            "batches": [batch - 1 for batch in batches],
            "start": first,
            "end": last,
            "policy": size,
            "rollups": remaining,
        }
        with store.writing():
            entry = store.enter([("expiry", body, "readings")])
            for path in (part.path for part in parts if part.path):
                store.database.run("DELETE FROM sealed WHERE path = ?", (path,))
                store.database.run("INSERT INTO gone VALUES (?)", (path,))
            store.database.many(
                "UPDATE batch SET held = NULL WHERE size = ?", [(batch,) for batch in batches]
            )
    sweep(store)
    return Expired(entry, sum(part.rows for part in parts), len(batches))


class _Part(NamedTuple):
    """Rows that go together: of a sealed file, or of a batch that is in none (path empty then).

    row, rows: the first row and how many. start, end: their first and last start [ms].
    """

    path: str
    row: int
    rows: int
    start: int
    end: int


def _over(store: Store, before: int) -> list[_Part]:
    """Return the parts of which all is from before a moment [ms], in order of arrival."""
    asked = (before, before)
    files = store.database.rows(
        "SELECT path, first_row, row_count, start_min, start_max FROM sealed "
        "WHERE known_max < ? AND start_max < ?",
        asked,
    )
    hot = store.database.rows(
        "SELECT '', first_row, row_count, start_min, start_max FROM batch "
        "WHERE held IS NOT NULL AND known_at < ? AND start_max < ?",
        asked,
    )
    return sorted((_Part(*each) for each in (*files, *hot)), key=lambda part: part.row)


def _batches(store: Store, part: _Part) -> list[int]:
    """Return the batches whose rows a part holds, as sizes of the log with them."""
    sizes = store.database.rows(
        "SELECT size FROM batch WHERE first_row >= ? AND first_row < ? ORDER BY size",
        (part.row, part.row + part.rows),
    )
    return [int(size) for (size,) in sizes]


def expired_in(log: Log, database: Database, first: int, last: int) -> list[dict[str, Any]]:
    """Return the entries of what expired of [first, last) [ms]: there were rows, and they went."""
    sizes = database.rows("SELECT size FROM entry WHERE kind = 'expiry' ORDER BY size")
    entries = log.entries(size for (size,) in sizes)
    return [e for e in entries if int(e["start"]) < last and int(e["end"]) > first]


def counted(log: Log, database: Database) -> Counted:
    """Return what says when the roll-ups of a day or month were last written, by its expiries."""
    entries = expired_in(log, database, -_EVER, _EVER)
    days = [(_day(int(e["start"])), _day(int(e["end"]) - 1) + DAY_MS) for e in entries]
    whole = [whole_months(*span) for span in days]

    def last_written(start: int, end: int) -> int | None:
        spans = days if end - start == DAY_MS else whole
        return max(
            (int(e["at"]) for e, (a, b) in zip(entries, spans, strict=True) if a <= start < b),
            default=None,
        )

    return last_written


def _day(at: int) -> int:
    return at // DAY_MS * DAY_MS


def _held(store: Store) -> list[int]:
    """Return the first rows of all batches on which an entry rests."""
    sizes = store.database.rows("SELECT size FROM entry WHERE kind = 'hold'")
    named = [int(b) for e in store.log.entries(s for (s,) in sizes) for b in e["batches"]]
    return [
        int(row)
        for batch in named
        for (row,) in store.database.rows("SELECT first_row FROM batch WHERE size = ?", (batch,))
    ]
