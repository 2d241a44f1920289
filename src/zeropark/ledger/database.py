"""What the ledger asks of a database: rows in one transaction, acknowledged means durable.

The ledger's SQL is the part that SQLite and PostgreSQL have alike, with `?` for values; what they
have not alike stands in the file of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from zeropark.data.errors import DataError
from zeropark.units.text import Text

FULL = Text(
    "{path}: the disk is full; nothing of this was taken, what was there is kept; make room, "
    "and it goes on",
    "{path}：磁盘已满；本次未收，已有的保留；腾出空间后继续",
)


class DiskFullError(DataError):
    """The disk refused to take more; what was acknowledged before is kept."""

    def __init__(self, path: str) -> None:
        super().__init__("disk_full", FULL.format(path=path))


class Database(Protocol):
    """A connection that may write, or only read.

    A transaction is durable when its block ends: after a power failure it is still there.
    """

    types: tuple[str, str]
    """Words of this database for whole numbers of 64 bits and for bytes."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a question; none stays open behind it."""
        ...

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run a statement that answers nothing."""
        ...

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of values."""
        ...

    def make(self, statements: Iterable[str]) -> None:
        """Make the tables of a new store inside a transaction."""
        ...

    def day(self, known_at: int) -> None:
        """Have room for batches of the day of a moment [ms], inside a transaction."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All statements inside the block hold together, or none of them; raises `DiskFullError`.

        Durable when the block ends without an error.
        """
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """All questions inside the block see one state, which ends after 5 s at the latest."""
        ...

    def still(self) -> AbstractContextManager[None]:
        """All questions inside the block see one state, for as long as a copy of it takes."""
        ...

    def reopen(self) -> None:
        """Open the connection anew where it was lost; raises `DataError` where it cannot be."""
        ...

    def close(self) -> None:
        """Let go."""
        ...
