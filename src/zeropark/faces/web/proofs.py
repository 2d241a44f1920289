"""Follows a point's readings down to the leaf of the log they lie in, and recomputes the way up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zeropark.data.errors import DataError
from zeropark.ledger import merkle, signing
from zeropark.ledger.place import Place
from zeropark.ledger.reader import Reader
from zeropark.ledger.rowform import NO_VALUE, Quality
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

_UNKNOWN = Text(
    "'{given}' is no point of this store{meant} Write asset/port.",
    "账本没有测点“{given}”{meant}写作 资产/端口。",
)
_MOST = 24


@dataclass(frozen=True)
class Row:
    """A reading. start, known_at: UTC. value: whole number of `unit`; None where it has none."""

    start: np.datetime64
    minutes: float
    value: int | None
    quality: Quality
    known_at: np.datetime64
    leaf: int


@dataclass(frozen=True)
class Chain:
    """From readings to the root.

    point, unit: of the readings. rows: the newest first. leaf: place in the log of the newest
    one's batch, from 0. leaves: how many the log holds. path: how many hashes lead from leaf to
    root. root: hex. holds: whether the way up, computed again, gives the root. signed: whether
    a signed head of the log is there.
    """

    point: str
    unit: str
    rows: tuple[Row, ...]
    leaf: int
    leaves: int
    path: int
    root: str
    holds: bool
    signed: bool


def chain(place: Place, point: str) -> Chain:
    """Return a point's newest readings and the proof of the newest one.

    Raises `DataError` for a point that is not registered.
    """
    with Reader(place) as reader:
        registry = reader.registry()
        if not registry.knows(point):
            names = [each.name for each in registry]
            near = meant(point, names)
            raise DataError("point_unknown", with_meant(_UNKNOWN, near, given=point[:60]))
        number = registry.number(point)
        found = reader.history.rows([number])[-_MOST:][::-1]
        rows = tuple(_row(reader, row) for row in found)
        tree = signing.tree(reader.log)
        leaf = rows[0].leaf if rows else 0
        path = tree.inclusion(leaf, tree.size)
        hashed = merkle.leaf_hash(reader.log.body(leaf + 1))
        head = signing.latest_head(reader.database, reader.log)
        root = tree.root()
        return Chain(
            point, registry[number].unit, rows, leaf, tree.size, len(path), root.hex(),
            merkle.verify_inclusion(hashed, leaf, tree.size, path, root),
            head is not None,
        )  # fmt: skip


def _row(reader: Reader, row: np.void) -> Row:
    ((size,),) = reader.database.rows(
        "SELECT size FROM batch WHERE first_row <= ? ORDER BY first_row DESC LIMIT 1",
        (int(row["sequence"]),),
    )
    value = int(row["value"])
    return Row(
        np.datetime64(int(row["start"]), "ms").astype("datetime64[s]"),
        int(row["length"]) / 60_000,
        None if value == NO_VALUE else value,
        Quality(int(row["quality"])),
        np.datetime64(int(row["known_at"]), "ms").astype("datetime64[s]"),
        int(size) - 1,
    )
