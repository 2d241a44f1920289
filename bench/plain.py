"""The same readings in plain tables of SQLite, DuckDB and PostgreSQL: rows in, questions out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import apsw
import duckdb
import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa

Values = npt.NDArray[np.int64]
HOUR = 3_600_000
_READING = (
    "CREATE TABLE reading (start_at BIGINT, meter INTEGER, value BIGINT, quality SMALLINT, "
    "PRIMARY KEY (start_at, meter))"
)
_LATEST = "CREATE TABLE latest (meter INTEGER PRIMARY KEY, start_at BIGINT, value BIGINT)"
_KEEP = "INSERT INTO latest"
_NEWER = "ON CONFLICT (meter) DO UPDATE SET start_at = excluded.start_at, value = excluded.value"
QUESTIONS = {
    "hourly sums of a day": (
        f"SELECT meter, start_at - start_at % {HOUR} AS at, sum(value) FROM reading "  # noqa: S608 - ours
        "WHERE start_at >= {first} AND start_at < {last} GROUP BY 1, 2 ORDER BY 1, 2"
    ),
    "newest of every meter": "SELECT meter, start_at, value FROM latest ORDER BY meter",
    "a month's sums by meter": (
        "SELECT meter, sum(value) FROM reading "
        "WHERE start_at >= {first} AND start_at < {last} GROUP BY 1 ORDER BY 1"
    ),
}
"""Questions over the time from {first} to {last} [ms], in words all three understand."""


class Plain(Protocol):
    """A database that keeps rows of readings, and nothing that proves or judges them."""

    def take(self, at: int, values: Values) -> None:
        """Write a value of each meter at a moment [ms], synced when this returns."""
        ...

    def fill(self, at: Values, meters: Values, values: Values) -> None:
        """Write many rows at once, newest last."""
        ...

    def ask(self, sql: str) -> Sequence[tuple[Any, ...]]:
        """Return the rows of a question."""
        ...

    def bytes(self) -> int:
        """Return how much room it takes up [byte]."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class PlainSqlite:
    """SQLite through apsw, WAL, full sync: readings by time and meter, and newest values."""

    def __init__(self, place: Path) -> None:
        self._path = place.with_suffix(".db")
        self._connection = apsw.Connection(str(self._path))
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._connection.execute(f"PRAGMA {pragma}").fetchall()
        self._connection.execute(f"{_READING} WITHOUT ROWID")
        self._connection.execute(_LATEST)

    def take(self, at: int, values: Values) -> None:
        """Write a value of each meter at a moment [ms], synced when this returns."""
        with self._connection:
            rows = [(at, meter, value) for meter, value in enumerate(values.tolist())]
            self._connection.executemany("INSERT INTO reading VALUES (?, ?, ?, 1)", rows)
            self._newest([(meter, at, value) for at, meter, value in rows])

    def _newest(self, rows: list[tuple[int, int, int]]) -> None:
        self._connection.executemany(f"{_KEEP} VALUES (?, ?, ?) {_NEWER}", rows)

    def fill(self, at: Values, meters: Values, values: Values) -> None:
        """Write many rows at once, newest last."""
        columns = (at.tolist(), meters.tolist(), values.tolist())
        with self._connection:
            rows = zip(*columns, strict=True)
            self._connection.executemany("INSERT INTO reading VALUES (?, ?, ?, 1)", rows)
            newest = {m: (m, t, v) for t, m, v in zip(*columns, strict=True)}
            self._newest(list(newest.values()))

    def ask(self, sql: str) -> Sequence[tuple[Any, ...]]:
        """Return the rows of a question."""
        return self._connection.execute(sql).fetchall()

    def bytes(self) -> int:
        """Return how much room it takes up [byte]."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return self._path.stat().st_size

    def close(self) -> None:
        """Let go."""
        self._connection.close()


class PlainDuckdb:
    """DuckDB on one thread: a table in the order of arrival, newest values asked of it."""

    def __init__(self, place: Path) -> None:
        self._path = place.with_suffix(".duckdb")
        self._connection = duckdb.connect(str(self._path), config={"threads": 1})
        self._connection.execute(
            "CREATE TABLE reading (start_at BIGINT, meter INTEGER, value BIGINT)"
        )
        self._connection.execute(
            "CREATE VIEW latest AS SELECT meter, max(start_at) AS start_at, "
            "arg_max(value, start_at) AS value FROM reading GROUP BY meter"
        )

    def take(self, at: int, values: Values) -> None:
        """Write a value of each meter at a moment [ms], synced when this returns."""
        self.fill(np.full(len(values), at), np.arange(len(values)), values)

    def fill(self, at: Values, meters: Values, values: Values) -> None:
        """Write many rows at once, newest last."""
        batch = pa.table({"start_at": at, "meter": meters.astype(np.int32), "value": values})
        self._connection.register("batch", batch)
        self._connection.execute("INSERT INTO reading SELECT * FROM batch")

    def ask(self, sql: str) -> Sequence[tuple[Any, ...]]:
        """Return the rows of a question."""
        return self._connection.execute(sql).fetchall()

    def bytes(self) -> int:
        """Return how much room it takes up [byte]."""
        self._connection.execute("CHECKPOINT")
        return self._path.stat().st_size

    def close(self) -> None:
        """Let go."""
        self._connection.close()


class PlainPostgres:
    """PostgreSQL on this machine: rows by COPY and newest values, in a schema of its own."""

    def __init__(self, address: str) -> None:
        self._connection = psycopg.connect(address)
        self._connection.execute(_READING)
        self._connection.execute(_LATEST)
        self._connection.commit()

    def take(self, at: int, values: Values) -> None:
        """Write a value of each meter at a moment [ms], synced when this returns."""
        self.fill(np.full(len(values), at), np.arange(len(values)), values)

    def fill(self, at: Values, meters: Values, values: Values) -> None:
        """Write many rows at once, newest last."""
        columns = (at.tolist(), meters.tolist(), values.tolist())
        with self._connection.cursor() as cursor:
            with cursor.copy("COPY reading FROM STDIN") as copy:
                copy.write("".join(f"{t}\t{m}\t{v}\t1\n" for t, m, v in zip(*columns, strict=True)))
            newest = {m: (t, v) for t, m, v in zip(*columns, strict=True)}
            times, found = zip(*newest.values(), strict=True)
            cursor.execute(
                f"{_KEEP} SELECT * FROM "  # noqa: S608 - ours
                f"unnest(%s::integer[], %s::bigint[], %s::bigint[]) {_NEWER}",
                (list(newest), list(times), list(found)),
            )
        self._connection.commit()

    def ask(self, sql: str) -> Sequence[tuple[Any, ...]]:
        """Return the rows of a question."""
        return self._connection.execute(sql).fetchall()

    def bytes(self) -> int:
        """Return how much room it takes up [byte]."""
        asked = "SELECT pg_total_relation_size('reading') + pg_total_relation_size('latest')"
        return int(self.ask(asked)[0][0])

    def close(self) -> None:
        """Let go."""
        self._connection.close()
