"""The log: leaves that are only ever appended, and the root over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from zeropark.data.errors import DataError
from zeropark.ledger import canonical, merkle
from zeropark.ledger.database import Database
from zeropark.units.text import Text

_AT_ONCE = 4_096
_TORN = Text(
    "the log holds {leaves} leaves and its tree {size}; restore the store from a backup",
    "日志有 {leaves} 个叶，其树有 {size} 个；请从备份恢复",
)
_DAMAGED = Text(
    "leaf {index} of the log is not what was written: {said}; restore the store from a backup",
    "日志的叶 {index} 与当初所写不符：{said}；请从备份恢复",
)


class Log:
    """The leaves of a store, numbered by the size of the log once each is in: the first is 1."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._frontier = merkle.Frontier()
        self.reload()

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._frontier.size

    def root(self) -> bytes:
        """Return the root over all leaves, 32 bytes."""
        return self._frontier.root()

    def frontier(self) -> merkle.Frontier:
        """Return the right edge of the tree as it stands, apart from what is appended later."""
        return merkle.Frontier.from_bytes(self._frontier.to_bytes())

    def reload(self) -> None:
        """Take the state from the database, as after a transaction that did not hold."""
        kept = self._database.rows("SELECT state FROM frontier WHERE one = 1")
        self._frontier = (
            merkle.Frontier.from_bytes(bytes(kept[0][0])) if kept else merkle.Frontier()
        )
        ((leaves,),) = self._database.rows("SELECT coalesce(max(size), 0) FROM leaf")
        if leaves != self._frontier.size:
            text = _TORN.format(leaves=leaves, size=self._frontier.size)
            raise DataError("log_torn", text)

    def append(self, bodies: Sequence[bytes]) -> int:
        """Append leaves inside a transaction; return the size before them."""
        before = self._frontier.size
        for body in bodies:
            self._frontier.append(merkle.leaf_hash(body))
        numbered = ((before + i, body) for i, body in enumerate(bodies, 1))
        self._database.many("INSERT INTO leaf VALUES (?, ?)", numbered)
        assert self._frontier.size == before + len(bodies), "every leaf is in the tree"
        self._database.run(
            "INSERT INTO frontier VALUES (1, ?) "
            "ON CONFLICT (one) DO UPDATE SET state = excluded.state",
            (self._frontier.to_bytes(),),
        )
        return before

    def body(self, size: int) -> bytes:
        """Return the bytes of the leaf with which the log had `size` leaves.

        Raises `DataError` where it is not there or no longer bytes.
        """
        found = self._database.rows("SELECT body FROM leaf WHERE size = ?", (size,))
        return _bytes(size, found[0][0] if found else None)

    def leaves(self, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield (size, bytes) of all leaves behind the first `after`, in order.

        Raises `DataError` where one is no longer bytes.
        """
        while True:
            rows = self._database.rows(
                "SELECT size, body FROM leaf WHERE size > ? ORDER BY size LIMIT ?",
                (after, _AT_ONCE),
            )
            if not rows:
                return
            for size, body in rows:
                yield size, _bytes(size, body)
            after = rows[-1][0]

    def entries(self, sizes: Iterable[int]) -> list[dict[str, Any]]:
        """Return what the leaves at these sizes say; raises `DataError` where one is damaged."""
        return [self._entry(size) for size in sizes]

    def _entry(self, size: int) -> dict[str, Any]:
        body = self.body(size)
        try:
            said = canonical.loads(body)
        except DataError as error:
            raise _damaged(size, error) from error
        if not isinstance(said, dict):
            raise _damaged(size, type(said).__name__)
        return said


def _bytes(size: int, body: object) -> bytes:
    """Return the bytes of a cell, which a damaged file may show as text or not at all."""
    if isinstance(body, bytes | memoryview | bytearray):
        return bytes(body)
    raise _damaged(size, "-" if body is None else type(body).__name__)


def _damaged(size: int, said: object) -> DataError:
    return DataError("leaf_damaged", _DAMAGED.format(index=size - 1, said=said))
