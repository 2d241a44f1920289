"""What a store says of itself, and where it went."""

from __future__ import annotations

from dataclasses import dataclass

from zeropark.data.errors import DataError
from zeropark.ledger import schema
from zeropark.ledger.database import Database
from zeropark.ledger.leaf import Nature
from zeropark.ledger.place import ABSENT, Place, shown
from zeropark.units.text import Text

_NEWER = Text(
    "{path}: the store has form {given}; this version reads up to {known}. Use a newer zeropark",
    "{path}：账本格式为 {given}；本版本最高读 {known}。请用更新的 zeropark",
)
_OLDER = Text(
    "{path}: the store has the old form {given}; lift it with zeropark ledger upgrade",
    "{path}：账本为旧格式 {given}；用 zeropark ledger upgrade 升级",
)
_MOVING = Text(
    "{path}: a store is on its way here and is not whole yet; run zeropark ledger move, or "
    "restore, again",
    "{path}：账本正在移入此处，尚不完整；请再次运行 zeropark ledger move 或 restore",
)
_MOVED = Text(
    "{path}: this store was moved to {to} and takes nothing more; write there",
    "{path}：此账本已移至 {to}，不再写入；请写入该处",
)
MOVING, MOVED = "moving", "moved"
"""What `about` says of a store that is not whole yet, and of one that went elsewhere."""


@dataclass(frozen=True)
class About:
    """What a store says of itself. id: its own; nature: field or simulated, for good.

    moved: where it went, empty where it is still here.
    """

    id: str
    nature: Nature
    form: int
    moved: str = ""


def about(database: Database, place: Place, *, older: bool = False) -> About:
    """Return what a store says of itself; raises `DataError` where it is none we can read.

    older: whether one of an older form is read too, to be copied.
    """
    path = shown(place)
    try:
        said = dict(database.rows("SELECT name, body FROM about"))
        form = int(said["form"])
    except Exception as error:
        if isinstance(error, DataError) and error.key != "store_refused":
            raise
        raise DataError("store_absent", ABSENT.format(path=path)) from None
    if form > schema.FORMAT:
        text = _NEWER.format(path=path, given=form, known=schema.FORMAT)
        raise DataError("store_newer", text)
    if form < schema.FORMAT and not older:
        raise DataError("store_older", _OLDER.format(path=path, given=form))
    if MOVING in said:
        raise DataError("store_moving", _MOVING.format(path=path))
    nature: Nature = "field" if said["nature"] == "field" else "simulated"
    return About(said["id"], nature, form, said.get(MOVED, ""))


def here(database: Database, place: Place) -> About:
    """Return what a store says of itself; raises `DataError` where it went elsewhere."""
    found = about(database, place)
    if found.moved:
        raise DataError("store_moved", _MOVED.format(path=shown(place), to=found.moved))
    return found
