"""Copies a store to another place, from a folder to a server or back, leaf by leaf and proven.

A leaf's bytes and a row's bytes stay what they are, so size, root and every head hold in the new
place. What is copied is durable part by part; killed, it goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zeropark.data.errors import DataError
from zeropark.ledger import canonical, merkle, rowform, schema
from zeropark.ledger.about import MOVING, About
from zeropark.ledger.database import Database
from zeropark.ledger.log import Log
from zeropark.ledger.place import Place, folder_of, shown
from zeropark.ledger.rowform import Rows
from zeropark.ledger.sealing import read_sealed
from zeropark.units.text import Text

Progress = Callable[[int, int], None]
_LEAVES_AT_ONCE = 256
_BY_SIZE = {"entry": 4, "point": 3, "source": 3, "account": 10, "transfer": 5}
"""Tables whose rows name the leaf that made them: how many columns each has."""
_AT_THE_END = {"latest": 2, "spell": 3, "finding": 6, "quarantine": 4, "rollup": 8}
_OTHER = Text(
    "{path}: another store is there already; choose another place",
    "{path}：已有别的账本；请选择其他位置",
)
_ROWS = Text(
    "{path}: the rows of leaf {index} are not what was written; restore the store from a backup, "
    "then take that",
    "{path}：叶 {index} 的行与当初所写不符；请从备份恢复后再用",
)
_ROOT = Text(
    "{path}: the leaves that came do not come to the root of the store; verify the store first",
    "{path}：所得的叶与账本的根不符；请先校验账本",
)


@dataclass(frozen=True)
class Copied:
    """What was copied. size, root: of the log, alike in both places. rows: readings that came."""

    size: int
    root: bytes
    rows: int


def begun(fresh: Database, to: Place, known: About) -> bool:
    """Have the tables of the new place; return whether there is something to copy yet.

    Raises `DataError` where another store is there.
    """
    if not _has_tables(fresh):
        whole, data = fresh.types
        said = {"id": known.id, "nature": known.nature, "form": str(known.form), MOVING: known.id}
        with fresh.transaction():
            fresh.make(schema.statements(whole, data))
            fresh.many("INSERT INTO about VALUES (?, ?)", said.items())
        return True
    said = dict(fresh.rows("SELECT name, body FROM about"))
    if said.get("id") != known.id:
        raise DataError("move_other", _OTHER.format(path=shown(to)))
    return MOVING in said


def _has_tables(database: Database) -> bool:
    try:
        database.rows("SELECT name FROM about")
    except Exception as error:
        if isinstance(error, DataError) and error.key != "store_refused":
            raise
        return False
    return True


def compared(old: Database, fresh: Database, to: Place) -> Copied:
    """Return what is in both places; raises `DataError` where they are not alike."""
    was, now = Log(old), Log(fresh)
    counted = "SELECT coalesce(sum(row_count), 0), count(*) FROM batch WHERE size <= ?"
    batches = [tuple(map(int, each.rows(counted, (was.size,))[0])) for each in (old, fresh)]
    if (was.size, was.root()) != (now.size, now.root()) or batches[0] != batches[1]:
        raise DataError("move_root", _ROOT.format(path=shown(to)))
    return Copied(now.size, now.root(), batches[1][0])


class Copying:
    """Copies what a store holds, part by part, behind what is there.

    old: of which nothing changes meanwhile; its rows that lie in files are in the folder `source`.
    """

    def __init__(self, old: Database, fresh: Database, source: Place) -> None:
        self._old, self._fresh, self._source = old, fresh, source
        self._log, self._came = Log(old), Log(fresh)
        expiries = old.rows("SELECT size FROM entry WHERE kind = 'expiry'")
        entries = self._log.entries(size for (size,) in expiries)
        self._expired = {int(index) + 1 for said in entries for index in said["batches"]}
        self._file: tuple[str, Rows] = ("", np.zeros(0, rowform.ROW))

    def all(
        self, progress: Progress, last: Callable[[Database, Log], None] = lambda _to, _log: None
    ) -> None:
        """Copy all that is missing; whole and open to its readers at the end.

        progress: told leaves done and in all. last: what else is written when all has come.
        """
        size = self._log.size
        while self._came.size < size:
            self._part(self._came.size, min(self._came.size + _LEAVES_AT_ONCE, size))
            progress(self._came.size, size)
        with self._fresh.transaction():
            for table, columns in _AT_THE_END.items():
                self._fresh.run(f"DELETE FROM {table}")  # noqa: S608 - names of ours
                self._copy(table, columns, f"SELECT * FROM {table}", ())  # noqa: S608 - as above
            last(self._fresh, self._came)
            self._fresh.run("DELETE FROM about WHERE name = ?", (MOVING,))

    def _part(self, after: int, last: int) -> None:
        """Copy leaves `after` to `last` with all that they made, in one transaction."""
        span = (after, last)
        leaves = self._old.rows(
            "SELECT size FROM leaf WHERE size > ? AND size <= ? ORDER BY size", span
        )
        bodies = {int(size): self._log.body(int(size)) for (size,) in leaves}
        batches = self._old.rows(
            "SELECT * FROM batch WHERE size > ? AND size <= ? ORDER BY size", span
        )
        with self._fresh.transaction():
            self._came.append(list(bodies.values()))
            for table, columns in _BY_SIZE.items():
                asked = f"SELECT * FROM {table} WHERE size > ? AND size <= ?"  # noqa: S608 - as above
                self._copy(table, columns, asked, span)
            rows = [self._batch(batch, bodies) for batch in batches]
            for _, _, _, known_at, *_ in rows:
                self._fresh.day(int(known_at))
            self._fresh.many("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _copy(self, table: str, columns: int, asked: str, values: Sequence[Any]) -> None:
        places = ", ".join("?" * columns)
        rows = self._old.rows(asked, values)
        self._fresh.many(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608 - as above

    def _batch(self, batch: Sequence[Any], bodies: dict[int, bytes]) -> tuple[Any, ...]:
        """Return a batch with its rows, wherever they lie, as its leaf says they are."""
        size, first, count, *rest, held = batch
        if held is None and size in self._expired:
            return tuple(batch)
        rows = self._sealed(int(first), int(count)) if held is None else bytes(held)
        said = canonical.loads(bodies[int(size)])
        if merkle.row_root(rows, rowform.WIDTH).hex() != said["root"]:
            path = shown(self._source)
            raise DataError("move_rows", _ROWS.format(path=path, index=size - 1))
        return (size, first, count, *rest, rows)

    def _sealed(self, first: int, count: int) -> bytes:
        """Return rows that lie in sealed files, in order of arrival."""
        found = self._old.rows(
            "SELECT path, first_row FROM sealed WHERE first_row <= ? "
            "ORDER BY first_row DESC LIMIT 1",
            (first,),
        )
        if not found:
            return b""
        path, begun = str(found[0][0]), int(found[0][1])
        if self._file[0] != path:
            try:
                rows = read_sealed(folder_of(self._source) / path)
            except (OSError, ValueError):
                return b""
            self._file = (path, rows[np.argsort(rows["sequence"], kind="stable")])
        return self._file[1][first - begun : first - begun + count].tobytes()
