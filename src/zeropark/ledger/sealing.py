"""Sealed files: rows of whole hours by arrival in Parquet, written so that they are there or not.

A file holds the rows that became known in one hour or one day (UTC), so a sealed one never changes;
a reading that comes late lies in a later file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from zeropark.ledger import rowform
from zeropark.ledger.rowform import Rows

HOUR_MS = 3_600_000
_KEPT = tuple(name for name in rowform.ROW.names or () if name != "version")
_PACKED = dict.fromkeys(("start", "value", "known_at", "sequence"), "DELTA_BINARY_PACKED")
_LISTED = ["point", "length", "quality", "source", "flags"]
_ROWS_IN_GROUP = 131_072


def hour_of(known_at: int) -> tuple[str, int]:
    """Return the day (UTC) and the hour in it of a moment [ms since 1970-01-01 UTC]."""
    moment = np.datetime64(known_at, "ms")
    day = moment.astype("datetime64[D]")
    return str(day), int((moment - day) / np.timedelta64(1, "h"))


def as_table(rows: Rows) -> pa.Table:
    """Return rows as columns."""
    return pa.table({name: pa.array(np.ascontiguousarray(rows[name])) for name in _KEPT})


def as_rows(table: pa.Table) -> Rows:
    """Return columns as rows of the layout that is written, in the table's order."""
    rows = rowform.blank(len(table))
    for name in _KEPT:
        rows[name] = table.column(name).to_numpy()
    return rows


def write_sealed(rows: Rows, folder: Path, name: str) -> tuple[int, str]:
    """Write rows into the new file `name` below `folder`; return its size [byte] and SHA-256.

    Written beside, synced, renamed, and the folder synced: after a failure of power the whole file
    is there or none.
    """
    place = folder / name
    made = [parent for parent in (place.parent, *place.parent.parents) if not parent.exists()]
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_suffix(".part")
    order = np.lexsort((rows["sequence"], rows["start"], rows["point"]))
    pq.write_table(
        as_table(rows[order]), beside, compression="zstd", compression_level=6,
        use_dictionary=_LISTED, column_encoding=_PACKED, row_group_size=_ROWS_IN_GROUP,
        write_page_index=True,
    )  # fmt: skip
    with beside.open("rb+") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
        os.fsync(file.fileno())
    beside.rename(place)
    for parent in {place.parent, *(each.parent for each in made)}:
        _sync_folder(parent)
    return size, digest


def _sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_sealed(path: Path) -> Rows:
    """Return all rows of a sealed file, by point, start and order of arrival."""
    return as_rows(pq.read_table(path, partitioning=None))


def by_hour(batches: list[tuple[int, int]]) -> Iterator[tuple[tuple[str, int], int, int]]:
    """Yield ((day, hour), first, last) of neighbouring batches that became known in one hour.

    batches: (number, known_at [ms]) in order of arrival; first, last: their numbers.
    """
    first = 0
    for i in range(1, len(batches) + 1):
        here = hour_of(batches[first][1])
        if i == len(batches) or hour_of(batches[i][1]) != here:
            yield here, batches[first][0], batches[i - 1][0]
            first = i
