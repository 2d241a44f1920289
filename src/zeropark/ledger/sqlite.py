"""The ledger's database in one file: SQLite through apsw, WAL, full sync of all it acknowledges."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw

from zeropark.data.errors import DataError
from zeropark.ledger.database import DiskFullError
from zeropark.ledger.lease import Lease
from zeropark.units.text import Text

SNAPSHOT_S = 4.5
"""How long a question may last [s]: a longer one keeps the WAL growing."""
LONGEST_S = 5.0
"""How long a reading process may hold one state at the most [s], also when it was stopped."""
_PATIENCE_MS = 5_000
_WAL_PAGES = 2_000  # 8 MB before the pages go into the main file
_WAL_KEPT = 64 << 20  # [byte] on disk after a checkpoint that found it larger
_ROWS_OF_PATIENCE = 10_000  # steps of SQLite's machine between two looks at the clock
TOO_LONG = Text(
    "the question took longer than {seconds:g} s and was ended, so that writing goes on; "
    "ask for less time or fewer points",
    "查询超过 {seconds:g} 秒，已终止以便写入继续；缩短时间或减少测点",
)
_DAMAGED = Text(
    "{path}: the file of the store is damaged ({said})", "{path}：账本文件已损坏（{said}）"
)
_BUSY = Text(
    "{path}: another process keeps the store busy; try again", "{path}：账本被另一进程占用；请重试"
)


class SqliteDatabase:
    """One SQLite file.

    write: whether it may be changed. vfs: through which the file is reached, the system's where
    empty. sync: FULL for all real use; tests show what NORMAL loses. mortal: whether this process
    ends where it holds one state longer than `LONGEST_S`, as a stopped one would.
    """

    types = ("INTEGER", "BLOB")

    def __init__(
        self,
        path: Path,
        *,
        write: bool,
        vfs: str = "",
        sync: str = "FULL",
        mortal: bool = False,
    ) -> None:
        self._path = path
        self._lease = Lease() if mortal else None
        flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if write else 0)
        # A reader needs to write the WAL's index, so that read-only is a promise, not a flag.
        with self._told():
            self._connection = apsw.Connection(str(path), flags=flags, vfs=vfs or None)
            self._connection.set_busy_timeout(_PATIENCE_MS)
            self._pragmas(sync, write=write)

    def _pragmas(self, sync: str, *, write: bool) -> None:
        wanted = ["mmap_size=0", "temp_store=MEMORY", "cache_size=-16384"]
        if write:
            wanted = ["page_size=8192", "journal_mode=WAL", f"synchronous={sync}", *wanted]
            wanted += [f"wal_autocheckpoint={_WAL_PAGES}", f"journal_size_limit={_WAL_KEPT}"]
        else:
            wanted += ["query_only=ON"]
        for pragma in wanted:
            self._connection.execute(f"PRAGMA {pragma}").fetchall()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except apsw.FullError:
            raise DiskFullError(str(self._path)) from None
        except apsw.InterruptError:
            raise DataError("question_long", TOO_LONG.format(seconds=SNAPSHOT_S)) from None
        except (apsw.CorruptError, apsw.NotADBError) as error:
            text = _DAMAGED.format(path=self._path, said=error)
            raise DataError("store_damaged", text) from None
        except apsw.BusyError:
            raise DataError("store_busy", _BUSY.format(path=self._path)) from None

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a question; none stays open behind it."""
        alone = self._lease is not None and not self._connection.in_transaction
        # SQLite's own check of a whole file takes what it takes.
        with self._bounded() if alone and not sql.startswith("PRAGMA") else self._told():
            return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run a statement that answers nothing."""
        with self._told():
            self._connection.execute(sql, values)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of values."""
        with self._told():
            self._connection.executemany(sql, rows)

    def make(self, statements: Iterable[str]) -> None:
        """Make the tables of a new store."""
        for statement in statements:
            self.run(statement)

    def day(self, known_at: int) -> None:
        """Have room for batches of the day of a moment [ms]; here it is always there."""

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside the block hold together, or none of them; raises `DiskFullError`.

        Durable when the block ends without an error.
        """
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """All questions inside the block see one state, which ends after 5 s at the latest."""
        with self._bounded():
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.set_progress_handler(None)
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """All questions inside the block see one state; for a copy, which nobody writes."""
        with self._told():
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _bounded(self) -> Iterator[None]:
        """End what takes too long inside the block: the question, or else this process."""
        end = time.monotonic() + SNAPSHOT_S
        held = contextlib.nullcontext() if self._lease is None else self._lease(LONGEST_S)
        with held, self._told():
            self._connection.set_progress_handler(lambda: time.monotonic() > end, _ROWS_OF_PATIENCE)
            try:
                yield
            finally:
                self._connection.set_progress_handler(None)

    def back_up(self, to: Path) -> None:
        """Copy the whole database into the new file `to` while others write on."""
        with self._told():
            other = apsw.Connection(str(to))
            with other.backup("main", self._connection, "main") as copying:
                while not copying.done:
                    copying.step(1024)
            other.execute("PRAGMA journal_mode=DELETE").fetchall()
            other.close()

    def sound(self) -> bool:
        """Return whether SQLite finds its own file in order."""
        with self._told():
            return self.rows("PRAGMA integrity_check") == [("ok",)]

    def reopen(self) -> None:
        """Do nothing: a file of this machine is not lost."""

    def close(self) -> None:
        """Let go."""
        self._connection.close()
        if self._lease is not None:
            self._lease.close()
