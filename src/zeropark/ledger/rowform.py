"""The bytes of a reading: a fixed, versioned binary row that never changes once it is hashed.

docs/reference/row-layout.md is the same table for those who read the rows without zeropark. A new
layout gets a new number and stands beside the old ones; old rows keep their bytes and their hashes.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError
from zeropark.units.text import Text

VERSION = 1
"""The layout that is written."""

ROW = np.dtype(
    [
        ("version", "<u1"),
        ("quality", "<u1"),
        ("source", "<u2"),
        ("point", "<u4"),
        ("start", "<i8"),
        ("length", "<i8"),
        ("value", "<i8"),
        ("known_at", "<i8"),
        ("sequence", "<i8"),
        ("flags", "<u4"),
    ]
)
"""Layout 1, 52 bytes, little-endian, without gaps.

version: 1. quality: a `Quality`. source: number of who delivered it, in the store's register.
point: number of `asset/port` in the store's register, which states its unit. start: of the interval
[ms since 1970-01-01 UTC]. length: of the interval [ms], 0 for a state at a moment. value: integer
of the point's smallest unit, into the node +, meters import +; `NO_VALUE` where quality is missing.
known_at: when the store learned it [ms since 1970-01-01 UTC]. sequence: place in the order of
arrival, from 0. flags: `Flag` bits.
"""
WIDTH = ROW.itemsize
"""Bytes of one row."""
NO_VALUE = int(np.iinfo(np.int64).min)
"""The value of a reading that has none; it counts nowhere and never as zero."""

Rows = npt.NDArray[np.void]


class Quality(IntEnum):
    """How a reading came to be."""

    MEASURED = 1
    ESTIMATED = 2
    SUBSTITUTED = 3
    ENTERED = 4
    SUSPECT = 5
    MISSING = 6


class Flag(IntFlag):
    """What is to be known about a row beside its value."""

    KNOWN_AT_UNCERTAIN = 1 << 0
    """Our own clock was not synchronised, or had been stepped."""
    CORRECTS = 1 << 1
    """Supersedes an earlier reading of the same point and interval; both stay."""
    AFTER_GAP = 1 << 2
    FROZEN = 1 << 3
    SPIKE = 1 << 4
    OUT_OF_RANGE = 1 << 5
    CLOCK_AHEAD = 1 << 6
    CLOCK_BEHIND = 1 << 7
    ROLLED_OVER = 1 << 8
    METER_EXCHANGED = 1 << 9


_ALL_FLAGS = int(sum(Flag))
_CUT = Text(
    "{given} bytes are no whole number of rows of {width}; the file is cut, bring the whole one",
    "{given} 字节不是 {width} 字节行的整数倍；文件不完整，换完整的文件",
)
_VERSION = Text(
    "row {row}: layout {given} is not known here; this zeropark reads layout {known}. Use the "
    "version that wrote it, or a newer one",
    "第 {row} 行：不认识布局 {given}；本版本读布局 {known}。用写它的版本或更新的版本",
)
_QUALITY = Text(
    "row {row}: quality {given} is not known; allowed: {known}",
    "第 {row} 行：质量 {given} 不可用；可用：{known}",
)
_FLAGS = Text(
    "row {row}: flags {given} hold a bit without a meaning; known bits: {known}",
    "第 {row} 行：标志 {given} 含无意义的位；可用的位：{known}",
)
_LENGTH = Text(
    "row {row}: an interval of {given} ms; allowed: 0 (a moment) or more, its end below 2^63",
    "第 {row} 行：区间 {given} 毫秒；可用：0（一个时刻）或更大，终点不过 2^63 毫秒",
)
_VALUE = Text(
    "row {row}: a reading of quality missing has no value, and any other has one",
    "第 {row} 行：质量为缺失的读数没有值，其他读数都有值",
)


def blank(count: int) -> Rows:
    """Return `count` rows of the layout that is written, all of quality missing, to be filled."""
    rows: Rows = np.zeros(count, dtype=ROW)
    rows["version"] = VERSION
    rows["quality"] = Quality.MISSING
    rows["value"] = NO_VALUE
    return rows


def encode(rows: Rows) -> bytes:
    """Return the rows' bytes, `WIDTH` each, in order.

    Raises `DataError` where a row says what the layout has no place for.
    """
    assert rows.dtype == ROW, "rows of this layout"
    _check(rows)
    return rows.tobytes()


def decode(written: bytes) -> Rows:
    """Return the rows that `encode` wrote, read-only.

    Raises `DataError` where the bytes are cut, of an unknown layout, or say what no row can.
    """
    if written and written[0] != VERSION:
        raise DataError("row-version", _VERSION.format(row=0, given=written[0], known=VERSION))
    if len(written) % WIDTH:
        raise DataError("rows-cut", _CUT.format(given=len(written), width=WIDTH))
    rows: Rows = np.frombuffer(written, dtype=ROW)
    _check(rows)
    return rows


def _check(rows: Rows) -> None:
    """Refuse the first row that no reading can be."""
    quality, missing = rows["quality"], rows["quality"] == Quality.MISSING
    _refuse("row-version", _VERSION, rows, "version", rows["version"] != VERSION, VERSION)
    known = (quality >= min(Quality)) & (quality <= max(Quality))
    names = ", ".join(f"{each.value} {each.name.lower()}" for each in Quality)
    _refuse("row-quality", _QUALITY, rows, "quality", ~known, names)
    strange = (rows["flags"] & ~np.uint32(_ALL_FLAGS)) != 0
    _refuse("row-flags", _FLAGS, rows, "flags", strange, _ALL_FLAGS)
    start, length = rows["start"], rows["length"]
    endless = (length < 0) | (start > np.iinfo(np.int64).max - length)
    _refuse("row-length", _LENGTH, rows, "length", endless, 0)
    _refuse("row-value", _VALUE, rows, "value", missing != (rows["value"] == NO_VALUE), NO_VALUE)


def _refuse(
    key: str, text: Text, rows: Rows, field: str, wrong: npt.NDArray[np.bool_], known: object
) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(key, text.format(row=row, given=int(rows[field][row]), known=known))
