"""Where a store lies: in a folder of this machine, or in a database of PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from zeropark.data.errors import DataError
from zeropark.ledger.database import Database
from zeropark.ledger.lock import ReadersLock, WriterLock
from zeropark.ledger.reserve import Reserve, ServerReserve
from zeropark.ledger.sqlite import SqliteDatabase
from zeropark.units.text import Text

FILE = "ledger.db"
SCHEMES = ("postgresql", "postgres")
Place = Path | str
"""A folder, or the address of a database: postgresql://user@host/database."""
ABSENT = Text(
    "{path}: no store is there; make one, or check the path",
    "{path}：没有账本；新建一个，或检查路径",
)
_FOLDER = Text(
    "{path}: this needs a store in a folder; move it into one first (zeropark ledger move)",
    "{path}：此操作需要文件夹中的账本；先移入文件夹（zeropark ledger move）",
)


class Closes(Protocol):
    """Something that is held until closed."""

    def close(self) -> None:
        """Let go."""
        ...


def place_of(said: str) -> Place:
    """Return the place that a person names: a URL of PostgreSQL stays one, all else is a folder."""
    return said if is_url(said) else Path(said)


def is_url(place: Place) -> bool:
    """Return whether a place is the address of a database."""
    return isinstance(place, str) and urlsplit(place).scheme in SCHEMES


def shown(place: Place) -> str:
    """Return a place as it may be printed: without a password."""
    if isinstance(place, Path):
        return str(place)
    parts = urlsplit(place)
    user, at, host = parts.netloc.rpartition("@")
    # Which of several stores of a database it is stands in the options.
    said = [(name, value) for name, value in parse_qsl(parts.query) if name == "options"]
    query = f"?{urlencode(said, quote_via=quote)}" if said else ""
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}{query}"


def in_schema(address: str, schema: str) -> str:
    """Return the address of the store in another schema of the same database."""
    parts = urlsplit(address)
    said = [(name, value) for name, value in parse_qsl(parts.query) if name != "options"]
    said.append(("options", f"-csearch_path={schema}"))
    return urlunsplit(parts._replace(query=urlencode(said, quote_via=quote)))


def folder_of(place: Place) -> Path:
    """Return the folder of a store; raises `DataError` where it lies in a database."""
    if isinstance(place, Path):
        return place
    raise DataError("store_no_folder", _FOLDER.format(path=shown(place)))


def there(place: Place) -> bool:
    """Return whether a store, whole or on its way, is in a place. Raises `DataError`."""
    if isinstance(place, Path):
        return (place / FILE).exists()
    database = connected(place, write=False)
    try:
        return bool(database.rows("SELECT to_regclass('about') IS NOT NULL")[0][0])
    finally:
        database.close()


def connected(
    place: Place, *, write: bool, vfs: str = "", sync: str = "FULL", mortal: bool = False
) -> Database:
    """Return a connection to the database of a place; raises `DataError` where there is none.

    vfs, sync, mortal: of SQLite; a server ends a question by itself.
    """
    if isinstance(place, Path):
        return SqliteDatabase(place / FILE, write=write, vfs=vfs, sync=sync, mortal=mortal)
    # Who keeps a store in a folder does not wait for the driver.
    from zeropark.ledger.postgres import PostgresDatabase  # noqa: PLC0415

    return PostgresDatabase(place, shown(place), write=write)


@contextlib.contextmanager
def _freed(held: Closes) -> Iterator[None]:
    """Let go of what is held where the block fails."""
    try:
        yield
    except BaseException:
        held.close()
        raise


def writing(
    place: Place,
    name: str,
    *,
    vfs: str = "",
    sync: str = "FULL",
    patience: float | None = None,
) -> tuple[Database, Closes]:
    """Return a connection that writes, and the hold on the store that goes with it.

    name: of the process. patience: longest wait for a server's answer [s], None for ever. Raises
    `DataError` where another process holds the store.
    """
    if isinstance(place, Path):
        lock = WriterLock(place, name)
        with _freed(lock):
            return connected(place, write=True, vfs=vfs, sync=sync), lock
    from zeropark.ledger.postgres import PostgresDatabase  # noqa: PLC0415 - as above

    database = PostgresDatabase(place, shown(place), write=True, patience=patience)
    with _freed(database):
        database.hold(name)
    return database, database


def reserve_at(place: Place, database: Database, size: int) -> Reserve:
    """Return the room of `size` [byte] that is kept where a store lies. database: that writes."""
    if isinstance(place, Path):
        return Reserve(place, size)
    from zeropark.ledger.postgres import PostgresDatabase  # noqa: PLC0415 - as above

    assert isinstance(database, PostgresDatabase), "an address is of a server"
    return ServerReserve(database, size)


def reading(place: Place) -> contextlib.AbstractContextManager[None]:
    """Keep every sealed file of a store in place inside the block."""
    if isinstance(place, Path):
        return ReadersLock(place).reading()
    return contextlib.nullcontext()
