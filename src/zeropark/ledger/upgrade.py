"""Lifts a store of an older form: a copy first, then one transaction for each step.

A leaf's bytes are never written again, so heads signed before still verify; what a step changes is
tables derived from leaves and rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zeropark.data.errors import DataError
from zeropark.ledger import schema
from zeropark.ledger.backup import back_up
from zeropark.ledger.database import Database
from zeropark.ledger.move import held
from zeropark.ledger.place import ABSENT, Place, connected, in_schema, shown, there
from zeropark.ledger.postgres import PostgresDatabase
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
    copy: Place | None = None


def form_of(place: Place) -> int:
    """Return the form of a store; raises `DataError` where none is there."""
    if not there(place):
        raise DataError("store_absent", ABSENT.format(path=shown(place)))
    database = connected(place, write=False)
    try:
        ((form,),) = database.rows("SELECT body FROM about WHERE name = 'form'")
    finally:
        database.close()
    return int(form)


def upgrade(
    place: Place, *, dry_run: bool, lifts: Mapping[int, Lift] = LIFTS, wanted: int = schema.FORMAT
) -> Upgrade:
    """Lift the store in `place` to the form that is written; killed, it goes on at the next call.

    The way back is `restore` from the copy, which is made once, before the first step: beside the
    folder, or in a schema beside that of the store. Raises `DataError` where there is no way.
    """
    form = form_of(place)
    missing = [step for step in range(form, wanted) if step not in lifts]
    if missing or form > wanted:
        text = _NO_WAY.format(path=shown(place), given=form, wanted=wanted)
        raise DataError("no_way", text)
    steps = tuple(lifts[step].words for step in range(form, wanted))
    if dry_run or not steps:
        return Upgrade(form, wanted, steps)
    with held(place, "upgrade") as database:
        copy = _copied(database, place, form)
        for step in range(form, wanted):
            with database.transaction():
                lifts[step].work(database)
                database.run("UPDATE about SET body = ? WHERE name = 'form'", (str(step + 1),))
                if step + 1 == wanted:
                    database.run("DELETE FROM about WHERE name = 'copy'")
    return Upgrade(form, wanted, steps, copy)


def _copied(database: Database, place: Place, form: int) -> Place:
    """Return where the store was copied to before the first step; copies it where it was not."""
    known = database.rows("SELECT body FROM about WHERE name = 'copy'")
    if isinstance(place, str):
        assert isinstance(database, PostgresDatabase), "an address is of a server"
        return in_schema(place, str(known[0][0]) if known else _schema_beside(database, form))
    if known:
        return place.with_name(str(known[0][0]))
    copy = place.with_name(f"{place.name}.form-{form}")
    if not copy.exists():
        back_up(place, copy)
    with database.transaction():
        database.run("INSERT INTO about VALUES ('copy', ?)", (copy.name,))
    return copy


def _schema_beside(database: PostgresDatabase, form: int) -> str:
    """Copy a store on a server into a schema beside its own; return the schema's name."""
    with database.transaction():
        ((schema_of,),) = database.rows("SELECT current_schema()")
        name = f"{schema_of}_form_{form}"
        database.copy_beside(name)
        database.run("INSERT INTO about VALUES ('copy', ?)", (name,))
    return name
