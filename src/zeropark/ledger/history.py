"""Questions about what happened: hot rows and sealed files together, as they were known then."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeropark.data.errors import DataError
from zeropark.ledger import rowform
from zeropark.ledger.database import Database
from zeropark.ledger.pages import read_pages
from zeropark.ledger.place import Place, folder_of, reading
from zeropark.ledger.reading import Ints
from zeropark.ledger.rowform import Flag, Quality, Rows
from zeropark.ledger.sealing import as_rows, as_table
from zeropark.units.text import Text

COUNTED = (Quality.MEASURED, Quality.ESTIMATED, Quality.SUBSTITUTED, Quality.ENTERED)
"""What counts in a sum; suspect and missing never do."""
READ_FROM_METERS = (Quality.MEASURED, Quality.ENTERED)
"""What counts for a claim: nothing that was filled."""
_ALWAYS = 1 << 62
_COLUMNS = ", ".join(name for name in rowform.ROW.names or () if name != "version")
_AHEAD = Text(
    "'as of' lies ahead of all that is known ({known}); ask for a past moment",
    "“as of”晚于已知的一切（{known}）；请用过去的时刻",
)


@dataclass(frozen=True)
class Sums:
    """Sums over steps, arrays (N,) by point and step.

    point, start: of a step [ms since 1970-01-01 UTC]. total: sum of whole numbers; low, high: the
    least and the largest; times: readings that count; covered: how much of the step they cover
    [ms]. A step without one is not there: it is unknown, not zero.
    """

    point: Ints
    start: Ints
    total: npt.NDArray[np.object_]
    low: Ints
    high: Ints
    times: Ints
    covered: Ints


class History:
    """What a store holds of readings, for whoever may read it.

    place: of the store; sealed files lie in its folder.
    """

    def __init__(self, database: Database, place: Place) -> None:
        self._database = database
        self._place = place
        self._engine: Any = None
        self._one = threading.RLock()

    def _asked(self) -> Any:
        if self._engine is None:
            self._engine = duckdb.connect(":memory:", config={"threads": 2})
            self._engine.execute("SET enable_progress_bar = false")
        return self._engine

    def known(self) -> int:
        """Return when the newest reading became known [ms]; 0 where there is none."""
        ((known,),) = self._database.rows("SELECT coalesce(max(known_at), 0) FROM batch")
        return int(known)

    def latest(self) -> npt.NDArray[np.void]:
        """Return the newest reading of every point, by number, of dtype `state.STATE`."""
        with self._database.snapshot():
            return read_pages(self._database)

    def rows(
        self,
        points: Sequence[int] | Ints | None = None,
        first: int = -_ALWAYS,
        last: int = _ALWAYS,
        *,
        as_of: int | None = None,
        every: bool = False,
    ) -> Rows:
        """Return rows by point and start, as they were known at a past moment.

        points: numbers, all where None. first, last: intervals that start in [first, last) [ms].
        as_of: [ms], now where None; raises `DataError` where it lies ahead. every: superseded rows
        too, by order of arrival.
        """
        with self._relation(points, first, last, as_of) as (source, doubled):
            picked = source if every or not doubled else _newest(source)
            ordered = f"SELECT * FROM ({picked}) ORDER BY point, start, sequence"  # noqa: S608 - ours
            table = self._asked().sql(ordered)
            return as_rows(table.to_arrow_table())

    def sums(
        self,
        points: Sequence[int] | Ints | None,
        first: int,
        last: int,
        step: int,
        *,
        as_of: int | None = None,
        qualities: Sequence[Quality] = COUNTED,
        sources: Sequence[int] = (),
    ) -> Sums:
        """Return sums over steps of `step` [ms] that begin at multiples of it (UTC).

        An interval counts in the step it starts in. qualities: that count; sources: whose readings
        count too. Other parameters as of `rows`.
        """
        with self._relation(points, first, last, as_of) as (source, doubled):
            picked = _newest(source) if doubled else source
            counted = f"quality IN ({', '.join(str(int(each)) for each in qualities)})"
            if sources:
                counted += f" OR source IN ({', '.join(map(str, sources))})"
            asked = self._asked().sql(
                f"SELECT point, start - (start % {step} + {step}) % {step} AS at, "  # noqa: S608 - numbers of ours
                "sum(value::HUGEINT) AS total, min(value) AS low, max(value) AS high, "
                "count(*) AS times, sum(length)::BIGINT AS covered "
                f"FROM ({picked}) WHERE {counted} GROUP BY ALL ORDER BY ALL"
            )
            found = asked.fetchnumpy()
        ints = {n: np.asarray(found[n], np.int64) for n in ("point", "at", "low", "high")}
        total = np.array([int(each) for each in found["total"].tolist()], np.object_)
        times, covered = (np.asarray(found[n], np.int64) for n in ("times", "covered"))
        return Sums(ints["point"], ints["at"], total, ints["low"], ints["high"], times, covered)

    def kept_in_place(self) -> contextlib.AbstractContextManager[None]:
        """Keep every sealed file that the manifest names now until the block ends."""
        return reading(self._place)

    @contextlib.contextmanager
    def _relation(
        self, points: Sequence[int] | Ints | None, first: int, last: int, as_of: int | None
    ) -> Iterator[tuple[str, bool]]:
        """Yield the rows of a question as a relation, and whether a correction may be among them.

        No sealed file it names can go before the block ends.
        """
        asked = None if points is None else np.unique(np.asarray(points, np.int64))
        with self._one, reading(self._place):
            moment, hot, files, doubled = self._found(first, last, as_of)
            rows = np.frombuffer(hot, rowform.ROW)
            inside = (rows["start"] >= first) & (rows["start"] < last)
            where = [f"start >= {first}", f"start < {last}", f"known_at <= {moment}"]
            if asked is not None:
                inside &= np.isin(rows["point"], asked)
                self._asked().register("asked", pa.table({"point": asked}))
                where.append("point IN (SELECT point FROM asked)")
            self._asked().register("hot", as_table(rows[inside]))
            parts = [f"SELECT {_COLUMNS} FROM hot"]  # noqa: S608 - names of ours
            if files:
                quoted = (str(folder_of(self._place) / path).replace("'", "''") for path in files)
                listed = ", ".join(f"'{path}'" for path in quoted)
                parquet = f"read_parquet([{listed}], hive_partitioning = false)"
                parts.append(f"SELECT {_COLUMNS} FROM {parquet}")  # noqa: S608 - as above
            union = " UNION ALL ".join(parts)
            condition = " AND ".join(where)
            yield f"SELECT * FROM ({union}) WHERE {condition}", doubled  # noqa: S608 - as above

    def _found(
        self, first: int, last: int, as_of: int | None
    ) -> tuple[int, bytes, list[str], bool]:
        """Return the moment asked of, hot rows, sealed files, and whether there is a correction."""
        with self._database.snapshot():
            moment = self.moment(as_of)
            asked = (first, last, moment)
            hot = self._database.rows(
                "SELECT held FROM batch WHERE held IS NOT NULL AND start_max >= ? "
                "AND start_min < ? AND known_at <= ? ORDER BY size",
                asked,
            )
            files = self._database.rows(
                "SELECT path FROM sealed WHERE start_max >= ? AND start_min < ? "
                "AND known_min <= ? ORDER BY first_row",
                asked,
            )
            ((corrected,),) = self._database.rows(
                "SELECT count(*) FROM batch WHERE corrections > 0 AND start_max >= ? "
                "AND start_min < ? AND known_at <= ?",
                asked,
            )
        written = b"".join(bytes(held) for (held,) in hot)
        return moment, written, [path for (path,) in files], bool(corrected)

    def moment(self, as_of: int | None) -> int:
        """Return the moment a question is asked of [ms]; raises `DataError` where it is ahead."""
        known = self.known()
        if as_of is None:
            return known
        if as_of > known:
            shown = np.datetime64(known, "ms")
            raise DataError("as_of_ahead", _AHEAD.format(known=f"{shown}Z"))
        return as_of


def _newest(source: str) -> str:
    """Return the question for the reading that holds of each interval."""
    return (
        f"SELECT * FROM ({source}) "  # noqa: S608 - ours
        "QUALIFY row_number() OVER (PARTITION BY point, start ORDER BY sequence DESC) = 1"
    )


def corrections(rows: Rows) -> int:
    """Return how many rows supersede another."""
    return int(((rows["flags"] & Flag.CORRECTS) != 0).sum())
