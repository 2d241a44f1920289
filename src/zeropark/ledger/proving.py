"""Finds in a store what a person asks to have proven, and proves it under the newest head."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from zeropark.data.errors import DataError
from zeropark.ledger import canonical, heads, proof, signing
from zeropark.ledger.proof import Item
from zeropark.ledger.reader import Reader
from zeropark.ledger.retention import expired_in
from zeropark.ledger.rowform import Rows
from zeropark.ledger.signed import Signed
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

_LEAF, _SPAN = "leaf:", ".."
_NO_HEAD = Text(
    "the store has no signed head yet; 'zeropark ledger key sign' makes one",
    "账本还没有签名头；用“zeropark ledger key sign”签一个",
)
_BEYOND = Text(
    "{given}: came after the newest head ({size} leaves); sign a new one with 'zeropark ledger key "
    "sign'",
    "{given}：晚于最新签名头（{size} 个叶）；用“zeropark ledger key sign”签新的",
)
_UNKNOWN = Text(
    "{given}: nothing of this id is in the log; write POINT@TIME, the id of a posting or an entry, "
    "or leaf:N",
    "{given}：日志中没有此编号；写 测点@时刻、过账或记录的编号，或 leaf:N",
)
_POINT = Text("'{given}' is no point of this store{meant}", "账本没有测点“{given}”{meant}")
_TIME = Text(
    "'{given}' is no moment with its zone; write the interval's start, such as 2026-04-17T12:00Z",
    "“{given}”不是带时区的时刻；写区间起点，例如 2026-04-17T12:00Z",
)
_NO_READING = Text(
    "{point}: no reading starts at {moment}; see 'zeropark ledger query'",
    "{point}：没有始于 {moment} 的读数；见“zeropark ledger query”",
)


def prove(reader: Reader, asked: Sequence[str], earlier: Iterable[Signed] = ()) -> dict[str, Any]:
    """Return the proof of what is asked under the store's newest head, ready for JSON.

    asked: each `POINT@TIME` (all versions of the reading that starts then), `POINT@FROM..TO` (of
    all that start from then and before), the id of a posting, the subject of an entry, or `leaf:N`
    (from 0). earlier: heads somebody kept, whose consistency
    is shown. Raises `DataError` where something is not there.
    """
    head = signing.latest_head(reader.database, reader.log)
    if head is None:
        raise DataError("proof-head", _NO_HEAD)
    size = heads.read(head, "head").size
    items: dict[int, Item] = {}
    for each in asked:
        for item in _items(reader, each):
            if item.index >= size:
                raise DataError("proof-beyond", _BEYOND.format(given=each, size=size))
            items[item.index] = _joined(items.get(item.index), item)
    return proof.document(
        signing.tree(reader.log, size),
        head,
        reader.log.body(1),
        signing.statements(reader.database, reader.log),
        [items[index] for index in sorted(items)],
        earlier,
    )


def _joined(known: Item | None, item: Item) -> Item:
    """Return one item of two that ask for rows of one batch."""
    if known is None or known.chosen is None or item.chosen is None:
        return item if known is None or item.chosen is None else known
    return Item(item.index, item.leaf, item.rows, sorted({*known.chosen, *item.chosen}))


def _items(reader: Reader, asked: str) -> list[Item]:
    if asked.startswith(_LEAF):
        digits = asked.removeprefix(_LEAF)
        if not digits.isascii() or not digits.isdecimal() or int(digits) >= reader.log.size:
            raise DataError("proof-unknown", _UNKNOWN.format(given=asked))
        return [_leaf(reader, int(digits) + 1, None)]
    if "@" in asked:
        return _readings(reader, *asked.rsplit("@", 1))
    sizes = reader.database.rows(
        "SELECT size FROM transfer WHERE id = ? UNION SELECT size FROM entry WHERE subject = ?",
        (asked, asked),
    )
    if not sizes:
        raise DataError("proof-unknown", _UNKNOWN.format(given=asked))
    return [_leaf(reader, int(size), None) for (size,) in sizes]


def _leaf(reader: Reader, size: int, chosen: Sequence[int] | None) -> Item:
    """Return a leaf as an item, with its rows where it is a batch."""
    found = reader.database.rows(
        "SELECT first_row, row_count, start_min, start_max FROM batch WHERE size = ?", (size,)
    )
    # Of an expired batch the leaf alone is left; it says so by what is not there.
    rows = _batch(reader, *found[0]).tobytes() if found else b""
    return Item(size - 1, reader.log.body(size), rows, chosen)


def _batch(reader: Reader, first: int, count: int, start_min: int, start_max: int) -> Rows:
    """Return the rows of a batch in order of arrival."""
    rows = reader.history.rows(None, start_min, start_max + 1, every=True)
    mine = rows[(rows["sequence"] >= first) & (rows["sequence"] < first + count)]
    return mine[np.argsort(mine["sequence"], kind="stable")]


def _readings(reader: Reader, name: str, moment: str) -> list[Item]:
    """Return all versions of the readings of a point that start at a moment, or in A..B."""
    numbers = dict(reader.database.rows("SELECT name, number FROM point"))
    if name not in numbers:
        text = with_meant(_POINT, meant(name, numbers), given=name)
        raise DataError("point_unknown", text)
    begin, span, end = moment.partition(_SPAN)
    first = _start(begin)
    last = _start(end) if span else first + 1
    rows = reader.history.rows([numbers[name]], first, last, every=True)
    # What the number of the point means, its unit among it, is a leaf of its own.
    ((size,),) = reader.database.rows("SELECT size FROM point WHERE name = ?", (name,))
    point = _leaf(reader, int(size), None)
    gone = expired_in(reader.log, reader.database, first, last)
    if not len(rows) and not gone:
        raise DataError("proof-no-reading", _NO_READING.format(point=name, moment=moment))
    return [point, *_chosen(reader, rows), *_gone(reader, first, last, gone)]


def _chosen(reader: Reader, rows: Rows) -> list[Item]:
    """Return the batches in which rows lie, each with the places of those rows in it."""
    places: dict[int, list[int]] = {}
    for sequence in np.sort(rows["sequence"]).tolist():
        ((size, first),) = reader.database.rows(
            "SELECT size, first_row FROM batch WHERE first_row <= ? "
            "ORDER BY first_row DESC LIMIT 1",
            (sequence,),
        )
        places.setdefault(int(size), []).append(sequence - int(first))
    return [_leaf(reader, size, chosen) for size, chosen in places.items()]


def _gone(reader: Reader, first: int, last: int, expiries: Sequence[dict[str, Any]]) -> list[Item]:
    """Return what remains to prove of readings that expired: batches, expiry and policy.

    The rows are gone, so which batch held them cannot be told: all that span their time are there.
    """
    sizes: set[int] = set()
    for said in expiries:
        ((entry,),) = reader.database.rows(
            "SELECT size FROM entry WHERE kind = 'expiry' AND at = ?", (int(said["at"]),)
        )
        sizes |= {int(entry), int(said["policy"])}
        for index in said["batches"]:
            size = int(index) + 1
            batch = canonical.loads(reader.log.body(size))
            if int(batch["start"]) < last and int(batch["end"]) > first:
                sizes.add(size)
    return [Item(size - 1, reader.log.body(size)) for size in sorted(sizes)]


def _start(given: str) -> int:
    try:
        found = dt.datetime.fromisoformat(given)
    except ValueError as error:
        raise DataError("proof-time", _TIME.format(given=given)) from error
    if found.tzinfo is None:
        raise DataError("proof-time", _TIME.format(given=given))
    return round(found.timestamp() * 1000)
