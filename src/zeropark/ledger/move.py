"""Moves a store to another place; the old one says where it went, and takes nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zeropark.data.errors import DataError
from zeropark.ledger.about import MOVED, about
from zeropark.ledger.copying import Copied, Copying, Progress, begun, compared
from zeropark.ledger.database import Database
from zeropark.ledger.place import ABSENT, Place, reserve_at, shown, there, writing
from zeropark.ledger.reserve import RESERVE_BYTES
from zeropark.units.text import Text

_SAME = Text(
    "{path}: a store cannot be moved to where it is; name another place",
    "{path}：账本不能移到原处；请写其他位置",
)
_WENT = Text(
    "{path}: this store was moved to {to} already; nothing is left to move",
    "{path}：此账本已移至 {to}；无可再移",
)


def move(
    source: Place,
    to: Place,
    progress: Progress = lambda _done, _all: None,
    reserve: int = RESERVE_BYTES,
) -> Copied:
    """Move the store in `source` to `to`, where none is; killed, it goes on at the next call.

    progress: told leaves done and in all. reserve: [byte] kept in the new place. Raises
    `DataError`.
    """
    if source == to:
        raise DataError("move_same", _SAME.format(path=shown(to)))
    if not there(source):
        raise DataError("store_absent", ABSENT.format(path=shown(source)))
    with held(source, "move") as old:
        known = about(old, source)
        if known.moved and known.moved != shown(to):
            raise DataError("moved", _WENT.format(path=shown(source), to=known.moved))
        if isinstance(to, Path):
            to.mkdir(parents=True, exist_ok=True)
        with held(to, "move") as fresh:
            if begun(fresh, to, known):
                Copying(old, fresh, source).all(progress)
            done = compared(old, fresh, to)
            reserve_at(to, fresh, reserve).take()
        with old.transaction():
            old.run("DELETE FROM about WHERE name = ?", (MOVED,))
            old.run("INSERT INTO about VALUES (?, ?)", (MOVED, shown(to)))
    return done


@contextmanager
def held(place: Place, name: str) -> Iterator[Database]:
    """Yield a connection that writes, held against all others. name: of what is done."""
    database, hold = writing(place, name)
    try:
        yield database
    finally:
        database.close()
        hold.close()
