"""The ledger's database on a server: PostgreSQL 15 or newer, batches in partitions by the day.

One schema holds one store (the first of the connection's `search_path`). Hot and old rows lie in
one table, a partition for each day (UTC) on which they became known; nothing is sealed into files.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from zeropark.data.errors import DataError
from zeropark.ledger.database import DiskFullError
from zeropark.ledger.sqlite import SNAPSHOT_S, TOO_LONG
from zeropark.units.text import Text

DAY_MS = 86_400_000
_OLDEST = 150_000
_UNSAID: dict[str, Any] = {
    "application_name": "zeropark",
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 11_000,
}
"""What holds of a connection where its address says nothing: s, s, s, times, ms.

After about 11 s without a sign of life a server is gone. Without this a writing process waits a
quarter of an hour for a machine whose cable was pulled.
"""
# The least that libpq takes for a time-out of connecting [s].
_SOONEST_S = 2
_PAGE = 8_192
_PART = "PARTITION BY RANGE (known_at)"
_UNREACHABLE = Text(
    "{path}: the database does not answer ({said}); start it, or check address and password",
    "{path}：数据库无应答（{said}）；启动它，或检查地址与密码",
)
_REFUSED = Text(
    "{path}: the database refused this ({said}); nothing of it was written",
    "{path}：数据库拒绝了此操作（{said}）；未写入任何内容",
)
_OLD = Text(
    "{path}: the server is PostgreSQL {given}; a store needs 15 or newer",
    "{path}：服务器为 PostgreSQL {given}；账本需要 15 或更新版本",
)
_UNSAFE = Text(
    "{path}: the server has {name} = off, so that what is acknowledged could be lost; turn it on",
    "{path}：服务器的 {name} 为 off，已确认的内容可能丢失；请打开",
)
_HELD = Text(
    "{path}: '{name}' (server process {pid}, from {host}) has been writing here since {since}; "
    "stop it first, or read without writing",
    "{path}：“{name}”（服务器进程 {pid}，来自 {host}）自 {since} 起在此写入；先停止它，或只读",
)
_ID = "('x' || substr(md5('zeropark ' || current_schema()), 1, 15))::bit(60)::bigint"
"""The number of the lock of this schema's store."""
_HOLDERS = (
    "SELECT a.application_name, a.pid, coalesce(host(a.client_addr), '-'), "  # noqa: S608 - ours
    "to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
    "FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
    f"AND (l.classid::bigint << 32 | l.objid::bigint) = {_ID}"
)


class _Patient(psycopg.Connection[Any]):
    """A connection that is given up where one answer takes longer than `patience` [s].

    What a wire drops one way only, keepalives do not see: the other end's kernel answers them.
    """

    patience: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer; see psycopg."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError as error:
            # What the server itself says, as that its disk is full, is an answer.
            if error.sqlstate is None:
                self.pgconn.finish()
            raise


class PostgresDatabase:
    """One connection. address: of the database; shown: the same as it may be printed.

    write: whether it may change anything. patience: longest wait for one answer [s], after which
    the connection is given up; None for as long as the server lives. Calls may come from several
    threads.
    """

    types = ("BIGINT", "BYTEA")

    def __init__(
        self, address: str, shown: str, *, write: bool, patience: float | None = None
    ) -> None:
        self._shown = shown
        self._one = threading.RLock()
        self._days: set[int] = set()
        # What the address says of itself holds.
        unsaid = _UNSAID if patience is None else {**_UNSAID, "connect_timeout": _SOONEST_S}
        self._given = make_conninfo(**{**unsaid, **conninfo_to_dict(address)})
        self._write, self._patience, self._holding = write, patience, ""
        self._connection = self._opened()

    def _opened(self) -> psycopg.Connection[Any]:
        with self._told():
            found = _Patient.connect(self._given, autocommit=True)
        found.patience = self._patience
        self._connection = found
        try:
            self._begin(write=self._write)
        except BaseException:
            found.close()
            raise
        return found

    def reopen(self) -> None:
        """Open the connection anew where it was lost, and hold again what it held.

        Raises `DataError` while the server does not answer, or where another process holds it now.
        """
        with self._one:
            if not self._connection.closed:
                return
            self._days.clear()
            self._connection.close()
            self._connection = self._opened()
            if self._holding:
                try:
                    self.hold(self._holding)
                except BaseException:
                    self._connection.close()
                    raise

    def cut_off(self) -> None:
        """End what other processes hold of this store on the server, whatever state they are in."""
        self.rows(f"SELECT pg_terminate_backend(h.pid) FROM ({_HOLDERS}) h")  # noqa: S608 - ours

    def _begin(self, *, write: bool) -> None:
        if self._connection.info.server_version < _OLDEST:
            given = self._connection.info.server_version // 10_000
            raise DataError("server_old", _OLD.format(path=self._shown, given=given))
        if not write:
            self.run("SET default_transaction_read_only = on")
            return
        for name in ("fsync", "full_page_writes"):
            ((found,),) = self.rows(f"SHOW {name}")
            if found != "on":
                raise DataError("server_unsafe", _UNSAFE.format(path=self._shown, name=name))
        # A server that confirms from a second machine (remote_apply and its kind) is left to.
        ((found,),) = self.rows("SHOW synchronous_commit")
        if found in {"off", "local"}:
            self.run("SET synchronous_commit = on")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        with self._one:
            try:
                yield
            except errors.DiskFull:
                raise DiskFullError(self._shown) from None
            except errors.QueryCanceled:
                raise DataError("question_long", TOO_LONG.format(seconds=SNAPSHOT_S)) from None
            except errors.IdleInTransactionSessionTimeout:
                raise DataError("question_long", TOO_LONG.format(seconds=SNAPSHOT_S)) from None
            except psycopg.OperationalError as error:
                raise DataError("store_unreachable", self._said(_UNREACHABLE, error)) from None
            except psycopg.Error as error:
                raise DataError("store_refused", self._said(_REFUSED, error)) from None

    def _said(self, text: Text, error: psycopg.Error) -> Text:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        return text.format(path=self._shown, said=first)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a question; none stays open behind it."""
        with self._told():
            return self._connection.execute(_words(sql), values or None).fetchall()

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run a statement that answers nothing."""
        with self._told():
            self._connection.execute(_words(sql), values or None)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of values, without waiting for each answer."""
        with self._told(), self._connection.cursor() as cursor:
            cursor.executemany(_words(sql), rows)

    def make(self, statements: Iterable[str]) -> None:
        """Make the tables of a new store, batches in partitions by the day."""
        self.run("SELECT 1")
        for statement in statements:
            self.run(_partitioned(statement))

    def day(self, known_at: int) -> None:
        """Have the partition of the day of a moment [ms], inside a transaction."""
        day = known_at // DAY_MS
        if day in self._days:
            return
        name = f"batch_{np.datetime64(day, 'D')}".replace("-", "_")
        ((there,),) = self.rows("SELECT to_regclass(?) IS NOT NULL", (name,))
        if not there:
            # Made beside and attached, so that questions go on meanwhile.
            self.run(f"CREATE TABLE {name} (LIKE batch INCLUDING ALL)")
            self.run(
                f"ALTER TABLE batch ATTACH PARTITION {name} "
                f"FOR VALUES FROM ({day * DAY_MS}) TO ({(day + 1) * DAY_MS})"
            )
        self._days.add(day)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside the block hold together, or none of them; raises `DiskFullError`.

        Durable when the block ends without an error.
        """
        with self._told():
            self._connection.execute("BEGIN")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # A partition made in it is gone with it.
                self._days.clear()
                self._roll_back()
                raise

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """All questions inside the block see one state, which ends after 5 s at the latest.

        The server ends it, so that a reader which was stopped is ended too.
        """
        limit = f"{int(SNAPSHOT_S * 1000) or 1}ms"
        with self._told():
            self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                self.run(f"SET LOCAL statement_timeout = '{limit}'")
                self.run(f"SET LOCAL idle_in_transaction_session_timeout = '{limit}'")
                yield
            finally:
                self._roll_back()

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """All questions inside the block see one state, for as long as a copy of it takes."""
        with self._told():
            self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield
            finally:
                self._roll_back()

    def kept(self) -> int:
        """Return how much room is kept for commands on a full disk [byte]."""
        ((size,),) = self.rows("SELECT coalesce(pg_relation_size(to_regclass('reserve')), 0)")
        return int(size)

    def keep(self, size: int) -> None:
        """Keep room [byte] where half as much again is free; raises `DiskFullError`.

        In a table that no log of the server's repeats: writing it costs no log, and a server that
        broke down because its log had no room left empties it before it comes back.
        """
        pages = -(-size // _PAGE)
        with self.transaction():
            self.run("DROP TABLE IF EXISTS reserve")
            for name, count in (("reserve", pages), ("reserve_beside", -(-pages // 2))):
                self.run(f"CREATE UNLOGGED TABLE {name} (body BYTEA)")
                # As it is, a row to a page.
                self.run(f"ALTER TABLE {name} ALTER body SET STORAGE PLAIN")
                self.run(
                    f"INSERT INTO {name} SELECT decode(repeat('00', ?), 'hex') "  # noqa: S608 - ours
                    "FROM generate_series(1, ?)",
                    (_PAGE - 200, count),
                )
            self.run("DROP TABLE reserve_beside")

    def give_up(self) -> None:
        """Give the room back."""
        self.run("DROP TABLE IF EXISTS reserve")

    def copy_beside(self, name: str) -> None:
        """Copy all tables of this schema as they are into a new one, inside a transaction."""
        ((schema,),) = self.rows("SELECT current_schema()")
        tables = self.rows(
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
            "AND relkind IN ('r', 'p') AND NOT relispartition AND relpersistence = 'p'"
        )
        self.run(f'CREATE SCHEMA "{name}"')
        for (table,) in tables:
            here, there = f'"{schema}"."{table}"', f'"{name}"."{table}"'
            self.run(f"CREATE TABLE {there} (LIKE {here} INCLUDING ALL)")
            self.run(f"INSERT INTO {there} SELECT * FROM {here}")  # noqa: S608 - names of ours

    def _roll_back(self) -> None:
        # Where the connection is lost, the server has rolled back.
        with contextlib.suppress(psycopg.OperationalError):
            self._connection.execute("ROLLBACK")

    def hold(self, name: str) -> None:
        """Hold the store for this writing process until the connection ends, however it ends.

        What a killed process had under way on the server ends before another one can write. Raises
        `DataError` where another process holds it, with the name it gave.
        """
        self._holding = name
        self.rows("SELECT set_config('application_name', ?, false)", (f"zeropark {name}"[:63],))
        ((taken,),) = self.rows(f"SELECT pg_try_advisory_lock({_ID})")
        if taken:
            return
        holders = self.rows(_HOLDERS)
        who, pid, host, since = holders[0] if holders else ("?",) * 4
        called = str(who).removeprefix("zeropark ")
        text = _HELD.format(path=self._shown, name=called, pid=pid, host=host, since=since)
        raise DataError("store_held", text)

    def close(self) -> None:
        """Let go."""
        self._connection.close()


def _words(sql: str) -> Any:
    """Return a statement with its values marked as the driver wants them."""
    return sql.replace("%", "%%").replace("?", "%s") if "?" in sql else sql


def _partitioned(statement: str) -> str:
    """Return a statement of the schema as this database wants it."""
    if not statement.startswith("CREATE TABLE batch "):
        return statement
    keyed = statement.replace("size BIGINT PRIMARY KEY", "size BIGINT NOT NULL")
    return f"{keyed.rstrip()[:-1]}, PRIMARY KEY (size, known_at)) {_PART}"
