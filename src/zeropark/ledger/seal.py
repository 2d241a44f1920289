"""Moves whole hours by arrival out of the database into sealed files, and days into one file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from zeropark.data.errors import DataError
from zeropark.ledger import rowform
from zeropark.ledger.history import corrections
from zeropark.ledger.lock import ReadersLock
from zeropark.ledger.rowform import Rows
from zeropark.ledger.sealing import HOUR_MS, by_hour, hour_of, read_sealed, write_sealed
from zeropark.ledger.store import Store
from zeropark.units.text import Text

FOLDER = "sealed"
_WHOLE_DAY = -1
_ROWS_IN_FILE = 8_000_000
Progress = Callable[[int, int], None]
_LOST = Text(
    "{path}: the sealed file is missing or damaged; restore the store from a backup",
    "{path}：封存文件缺失或损坏；请从备份恢复",
)


def seal(store: Store, progress: Progress = lambda _done, _all: None) -> list[str]:
    """Seal every hour that is over; return the files made, below the store's folder.

    A file's name tells its first row, so that a second try after a stop writes the same file. A
    store in a database keeps its rows there, in partitions by the day: nothing is sealed.
    """
    if not isinstance(store.place, Path):
        return []
    with store.lock:
        over = store.clock.now().known_at // HOUR_MS * HOUR_MS
        hot = store.database.rows(
            "SELECT size, known_at, row_count FROM batch WHERE held IS NOT NULL AND known_at < ? "
            "ORDER BY size",
            (over,),
        )
    counts = {size: count for size, _, count in hot}
    made = []
    total = sum(counts.values())
    done = 0
    for hour, first, last in by_hour([(size, known) for size, known, _ in hot]):
        for a, b in _parts([s for s in counts if first <= s <= last], counts):
            made.append(_seal_batches(store, hour, a, b))
            done += sum(count for size, count in counts.items() if a <= size <= b)
            progress(done, total)
    return made


def _parts(sizes: list[int], counts: dict[int, int]) -> list[tuple[int, int]]:
    """Return runs of batches that fit a file each."""
    parts: list[tuple[int, int]] = []
    rows = 0
    for size in sizes:
        rows += counts[size]
        if not parts or rows > _ROWS_IN_FILE:
            parts.append((size, size))
            rows = counts[size]
        else:
            parts[-1] = (parts[-1][0], size)
    return parts


def _seal_batches(store: Store, hour: tuple[str, int], first: int, last: int) -> str:
    with store.lock:
        held = store.database.rows(
            "SELECT held FROM batch WHERE size BETWEEN ? AND ? ORDER BY size", (first, last)
        )
    rows = np.frombuffer(b"".join(bytes(each) for (each,) in held), rowform.ROW)
    day, number = hour
    name = f"{FOLDER}/{day}/{number:02d}-{rows['sequence'][0]}.parquet"
    listed = _listed(rows, store.folder, name, day, number)
    with store.lock, store.writing():
        store.database.run(_INSERT, listed)
        store.database.run("UPDATE batch SET held = NULL WHERE size BETWEEN ? AND ?", (first, last))
    return name


_INSERT = "INSERT INTO sealed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def _listed(rows: Rows, folder: Path, name: str, day: str, hour: int) -> tuple[object, ...]:
    """Write a sealed file and return its row of the manifest."""
    size, digest = write_sealed(rows, folder, name)
    return (
        name, day, hour, int(rows["sequence"].min()), len(rows), int(rows["known_at"].min()),
        int(rows["known_at"].max()), int(rows["start"].min()), int(rows["start"].max()),
        corrections(rows), size, digest,
    )  # fmt: skip


def compact(store: Store, progress: Progress = lambda _done, _all: None) -> list[str]:
    """Put the hours of each day that is over into one file; return the files made.

    The manifest changes in one transaction; the hours' files go when nobody reads.
    """
    with store.lock:
        today = hour_of(store.clock.now().known_at)[0]
        hot = store.database.rows("SELECT min(known_at) FROM batch WHERE held IS NOT NULL")
        days = store.database.rows(
            "SELECT day, sum(row_count) FROM sealed WHERE hour >= 0 AND day < ? "
            "GROUP BY day ORDER BY day",
            (today,),
        )
    # A day of which a part is still in the database would come to two files.
    open_day = hour_of(int(hot[0][0]))[0] if hot[0][0] is not None else today
    wanted = [day for day, rows in days if day < open_day and rows <= _ROWS_IN_FILE]
    made = []
    for i, day in enumerate(wanted, 1):
        made.append(_compact_day(store, day))
        progress(i, len(wanted))
    sweep(store)
    return made


def _compact_day(store: Store, day: str) -> str:
    with store.lock:
        paths = [
            path
            for (path,) in store.database.rows(
                "SELECT path FROM sealed WHERE day = ? AND hour >= 0 ORDER BY first_row", (day,)
            )
        ]
    rows = np.concatenate([_read(store.folder / path) for path in paths])
    name = f"{FOLDER}/{day}-{rows['sequence'].min()}.parquet"
    listed = _listed(rows, store.folder, name, day, _WHOLE_DAY)
    with store.lock, store.writing():
        for path in paths:
            store.database.run("DELETE FROM sealed WHERE path = ?", (path,))
            store.database.run("INSERT INTO gone VALUES (?)", (path,))
        store.database.run(_INSERT, listed)
    return name


def _read(path: Path) -> Rows:
    try:
        return read_sealed(path)
    except (OSError, ValueError) as error:
        raise DataError("sealed_lost", _LOST.format(path=path)) from error


def sweep(store: Store) -> int:
    """Remove files that no manifest names, where nobody reads; return how many went."""
    if not isinstance(store.place, Path):
        return 0
    with store.lock, ReadersLock(store.folder).alone() as alone:
        if not alone:
            return 0
        paths = [path for (path,) in store.database.rows("SELECT path FROM gone")]
        for path in paths:
            (store.folder / path).unlink(missing_ok=True)
            folder = (store.folder / path).parent
            if folder.name != FOLDER and not any(folder.iterdir()):
                folder.rmdir()
        if paths:
            with store.writing():
                store.database.run("DELETE FROM gone")
        return len(paths)
