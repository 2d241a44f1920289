"""A copy of a store while it is written, and a store made from a copy, verified.

Keys lie outside a store, so no copy holds one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from zeropark.data.errors import DataError
from zeropark.ledger import merkle
from zeropark.ledger.clock import OwnClock
from zeropark.ledger.copying import Copying, begun, compared
from zeropark.ledger.database import Database
from zeropark.ledger.log import Log
from zeropark.ledger.move import held
from zeropark.ledger.place import FILE, Place, folder_of, reserve_at, shown
from zeropark.ledger.reader import Reader
from zeropark.ledger.reserve import RESERVE_BYTES
from zeropark.ledger.sqlite import SqliteDatabase
from zeropark.ledger.store import Store, body_of
from zeropark.units.text import Text

Progress = Callable[[int, int], None]
RESTORED = "restored"
"""Kind of the entry that a store was made from a copy."""
_OCCUPIED = Text(
    "{path}: something is there already; choose a place that is not",
    "{path}：已有内容；请选择尚不存在的位置",
)
_FILE = Text(
    "{path}: the sealed file is missing or not what the manifest says; this copy cannot be "
    "restored",
    "{path}：封存文件缺失或与清单不符；此副本无法恢复",
)
_ROOT = Text(
    "{path}: the leaves do not come to the root that is kept; this copy cannot be restored",
    "{path}：叶与所存的根不符；此副本无法恢复",
)
_SOUND = Text(
    "{path}: the database of this copy is damaged; it cannot be restored",
    "{path}：此副本的数据库已损坏；无法恢复",
)


def back_up(place: Place, to: Path, progress: Progress = lambda _done, _all: None) -> int:
    """Copy the store in `place` into the new folder `to`; return the size of the log copied.

    Another process may write on; the copy is the store of one moment. Raises `DataError`.
    """
    if to.exists():
        raise DataError("place_occupied", _OCCUPIED.format(path=to))
    beside = to.with_name(f".{to.name}.part-{os.getpid()}")
    beside.mkdir(parents=True)
    try:
        if isinstance(place, Path):
            size = _from_folder(place, beside, progress)
        else:
            size = _from_server(place, beside, progress)
        _sync(beside / FILE)
        beside.rename(to)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return size


def _from_folder(folder: Path, beside: Path, progress: Progress) -> int:
    with Reader(folder, older=True) as reader, reader.history.kept_in_place():
        database = SqliteDatabase(folder / FILE, write=False)
        database.back_up(beside / FILE)
        database.close()
        return _copy_sealed(folder, beside, progress)


def _from_server(address: str, beside: Path, progress: Progress) -> int:
    with Reader(address) as reader, reader.database.still(), held(beside, "backup") as fresh:
        begun(fresh, beside, reader.about)
        Copying(reader.database, fresh, address).all(progress)
        size = compared(reader.database, fresh, beside).size
    (beside / "writer.lock").unlink()
    return size


def _copy_sealed(folder: Path, beside: Path, progress: Progress) -> int:
    """Copy the sealed files that the copied manifest names; return the size of its log."""
    with Reader(beside, older=True) as copy:
        listed = copy.database.rows("SELECT path, sha256 FROM sealed ORDER BY path")
        size = copy.log.size
    for i, (path, digest) in enumerate(listed, 1):
        (beside / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, beside / path)
        _sync(beside / path)
        _check_file(beside / path, digest)
        progress(i, len(listed))
    for name in (f"{FILE}-wal", f"{FILE}-shm", "readers.lock"):
        (beside / name).unlink(missing_ok=True)
    return size


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _check_file(path: Path, digest: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        found = ""
    if found != digest:
        raise DataError("copy_damaged", _FILE.format(path=path))


def restore(
    backup: Place,
    to: Place,
    progress: Progress = lambda _done, _all: None,
    reserve: int = RESERVE_BYTES,
) -> int:
    """Make a store in the new place `to` from a copy; return the log's size in the copy.

    The copy is verified first: its leaves come to its root, its files are whole. The new store says
    in its log that it was restored, to which size and root; what the store it was copied from
    wrote later is a branch that was left, and a head of it will be named as a fork. reserve: [byte]
    kept in the new place. Raises `DataError` where something is in `to` or the copy does not hold.
    """
    if isinstance(backup, Path) and isinstance(to, Path):
        return _into_folder(backup, to, progress, reserve)
    return _leaf_by_leaf(backup, to, progress, reserve)


def _into_folder(backup: Path, to: Path, progress: Progress, reserve: int) -> int:
    if to.exists():
        raise DataError("place_occupied", _OCCUPIED.format(path=to))
    size, root = check_copy(backup, progress)
    beside = to.with_name(f".{to.name}.part-{os.getpid()}")
    try:
        ignored = shutil.ignore_patterns("*-wal", "*-shm", "*.lock", "reserve")
        shutil.copytree(backup, beside, ignore=ignored)
        for path in beside.rglob("*.parquet"):
            _sync(path)
        _sync(beside / FILE)
        with Store(beside, "restore", reserve=reserve) as store:
            store.note(RESTORED, {"size": size, "root": root.hex()})
            store.reserve.take()
        beside.rename(to)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return size


def _leaf_by_leaf(backup: Place, to: Place, progress: Progress, reserve: int) -> int:
    """Restore from a server or into one; killed, it goes on at the next call."""
    size, root = check_copy(backup, lambda _done, _all: None)
    moment = OwnClock().now()

    def note(fresh: Database, log: Log) -> None:
        body = body_of(RESTORED, {"size": size, "root": root.hex()}, moment)
        at = log.append([body]) + 1
        fresh.run("INSERT INTO entry VALUES (?, ?, ?, '')", (at, RESTORED, moment.known_at))

    if isinstance(to, Path):
        to.mkdir(parents=True, exist_ok=True)
    with Reader(backup) as reader, reader.database.still(), held(to, "restore") as fresh:
        if not begun(fresh, to, reader.about):
            raise DataError("place_occupied", _OCCUPIED.format(path=shown(to)))
        Copying(reader.database, fresh, backup).all(progress, note)
        reserve_at(to, fresh, reserve).take()
    return size


def check_copy(backup: Place, progress: Progress) -> tuple[int, bytes]:
    """Return size and root of the log of a copy; raises `DataError` where it does not hold."""
    with Reader(backup) as reader:
        database = reader.database
        if isinstance(database, SqliteDatabase) and not database.sound():
            raise DataError("copy_damaged", _SOUND.format(path=backup))
        frontier = merkle.Frontier()
        for _size, body in reader.log.leaves():
            frontier.append(merkle.leaf_hash(body))
        if frontier.root() != reader.log.root():
            raise DataError("copy_damaged", _ROOT.format(path=shown(backup)))
        listed = database.rows("SELECT path, sha256 FROM sealed ORDER BY path")
        for i, (path, digest) in enumerate(listed, 1):
            _check_file(folder_of(backup) / path, digest)
            progress(i, len(listed))
        return frontier.size, frontier.root()
