"""Lifts a store of an older form: a copy first, then one transaction for each step.

A leaf's bytes are never written again, so heads signed before still verify; what a step changes is
tables derived from leaves and rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from zeropark.data.errors import DataError
from zeropark.ledger import schema
from zeropark.ledger.backup import back_up
from zeropark.ledger.database import Database
from zeropark.ledger.lock import WriterLock
from zeropark.ledger.place import ABSENT, FILE
from zeropark.ledger.sqlite import SqliteDatabase
from zeropark.units.text import Text

_NO_WAY = Text(
    "{path}: no step leads from form {given} to {wanted}; use the zeropark that wrote it first",
    "{path}：没有从格式 {given} 到 {wanted} 的步骤；先用写它的 zeropark",
)


@dataclass(frozen=True)
class Lift:
    """A step from one form to the next. words: what it does; work: inside one transaction."""

    words: Text
    work: Callable[[Database], None]


LIFTS: Mapping[int, Lift] = {}
"""The step from each form to the next. There is one form yet."""


@dataclass(frozen=True)
class Upgrade:
    """What an upgrade would do, or did. copy: where the store was copied to before, if it was."""

    form: int
    wanted: int
    steps: tuple[Text, ...]
    copy: Path | None = None


def form_of(folder: Path) -> int:
    """Return the form of a store; raises `DataError` where none is there."""
    if not (folder / FILE).exists():
        raise DataError("store_absent", ABSENT.format(path=folder))
    database = SqliteDatabase(folder / FILE, write=False)
    try:
        ((form,),) = database.rows("SELECT body FROM about WHERE name = 'form'")
    finally:
        database.close()
    return int(form)


def upgrade(
    folder: Path, *, dry_run: bool, lifts: Mapping[int, Lift] = LIFTS, wanted: int = schema.FORMAT
) -> Upgrade:
    """Lift the store in `folder` to the form that is written; killed, it goes on at the next call.

    The way back is `restore` from the copy, which is made once, before the first step. Raises
    `DataError` where there is no way.
    """
    form = form_of(folder)
    missing = [step for step in range(form, wanted) if step not in lifts]
    if missing or form > wanted:
        text = _NO_WAY.format(path=folder, given=form, wanted=wanted)
        raise DataError("no_way", text)
    steps = tuple(lifts[step].words for step in range(form, wanted))
    if dry_run or not steps:
        return Upgrade(form, wanted, steps)
    lock = WriterLock(folder, "upgrade")
    database = SqliteDatabase(folder / FILE, write=True)
    try:
        copy = _copied(database, folder, form)
        for step in range(form, wanted):
            with database.transaction():
                lifts[step].work(database)
                database.run("UPDATE about SET body = ? WHERE name = 'form'", (str(step + 1),))
                if step + 1 == wanted:
                    database.run("DELETE FROM about WHERE name = 'copy'")
    finally:
        database.close()
        lock.close()
    return Upgrade(form, wanted, steps, copy)


def _copied(database: Database, folder: Path, form: int) -> Path:
    """Return where the store was copied to before the first step; copies it where it was not."""
    known = database.rows("SELECT body FROM about WHERE name = 'copy'")
    if known:
        return folder.with_name(str(known[0][0]))
    copy = folder.with_name(f"{folder.name}.form-{form}")
    if not copy.exists():
        back_up(folder, copy)
    with database.transaction():
        database.run("INSERT INTO about VALUES ('copy', ?)", (copy.name,))
    return copy
