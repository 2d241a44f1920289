"""Registers: raw 16-bit words to values and back, a block of them at a time."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from zeropark.devices.contract import Bytes, Floats, Quality
from zeropark.devices.template import PointTemplate

# Most registers one request may ask for (Modbus application protocol V1.1b3, 6.3), and how many
# that nobody wants are read along rather than asking twice.
_MOST, _GAP = 125, 16

TYPES = {
    "uint16": "H",
    "int16": "h",
    "uint32": "I",
    "int32": "i",
    "uint64": "Q",
    "int64": "q",
    "float32": "f",
    "float64": "d",
}
"""How a raw number is coded, by name: the struct code, big-endian.

With `_swapped` behind its name the low word comes first.
"""
_SWAPPED = "_swapped"


@dataclass(frozen=True)
class Placed:
    """A point at its registers.

    register: the first, from 0. table: holding or input. type: of `TYPES`. scale_at: register of
    a power of ten (an int16) the raw number is multiplied by; None where there is none. missing:
    raw numbers that mean there is no value.
    """

    point: PointTemplate
    register: int
    type: str
    table: str = "holding"
    scale_at: int | None = None
    missing: tuple[float, ...] = ()

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return struct.calcsize(TYPES[self.type.removesuffix(_SWAPPED)]) // 2


@dataclass(frozen=True)
class Block:
    """Registers read with one request. table: holding or input."""

    table: str
    first: int
    count: int


def code(type_: str, raw: float) -> list[int]:
    """Return a raw number as registers; raises `struct.error` or `OverflowError` out of range."""
    letter = TYPES[type_.removesuffix(_SWAPPED)]
    number = raw if letter in "fd" else int(raw)
    packed = struct.pack(f">{letter}", number)
    words = list(struct.unpack(f">{len(packed) // 2}H", packed))
    return words[::-1] if type_.endswith(_SWAPPED) else words


def decode(type_: str, words: Sequence[int]) -> float:
    """Return the raw number in registers."""
    ordered = words[::-1] if type_.endswith(_SWAPPED) else words
    letter = TYPES[type_.removesuffix(_SWAPPED)]
    return float(struct.unpack(f">{letter}", struct.pack(f">{len(ordered)}H", *ordered))[0])


class Decoded(NamedTuple):
    """What registers say: values in the units used inside, and their quality."""

    values: Floats
    quality: Bytes


class Layout:
    """All points of a device at their registers: which blocks to read, and what they say.

    sets: where the set-points of those that are written go, by point. gap: most registers that are
    read along although nobody wants them.
    """

    def __init__(
        self, placed: Sequence[Placed], sets: Mapping[str, Placed], gap: int = _GAP
    ) -> None:
        self.gap = gap
        self.sets = dict(sets)
        self.placed = tuple(placed)
        self.names = tuple(p.point.name for p in placed if p.point.reads)
        self._read = [p for p in placed if p.point.reads]
        self.by_name = {p.point.name: p for p in placed} | self.sets
        self.blocks = _blocks(self._read, gap)
        self._const = np.array([worth_of_one(p.point) for p in self._read])
        self._low = np.array([_limit(p.point, 0, -math.inf) for p in self._read])
        self._high = np.array([_limit(p.point, 1, math.inf) for p in self._read])
        self._missing = [(i, p.missing) for i, p in enumerate(self._read) if p.missing]
        index = {name: i for i, name in enumerate(self.names)}
        shares = [(i, index[p.point.of]) for i, p in enumerate(self._read) if p.point.of]
        self._share = np.array([i for i, _ in shares], dtype=int)
        self._of = np.array([of for _, of in shares], dtype=int)

    def gapless(self) -> Layout:
        """Return the same points, read without registers that nobody wants.

        Some devices refuse a request that touches a register they do not have.
        """
        return Layout(self.placed, self.sets, gap=0)

    @cached_property
    def _scales(self) -> list[int]:
        return sorted({p.scale_at for p in self._read if p.scale_at is not None})

    @cached_property
    def _plan(self) -> tuple[list[struct.Struct], list[int], list[int]]:
        """Return how to take each block apart, and where in that each point and scale then lies.

        One pass of `struct` over a block gives all its numbers; swapped ones are put right first.
        """
        structs: list[struct.Struct] = []
        where: dict[tuple[str, int, str], int] = {}
        for block in self.blocks:
            wanted = [(p.register, p.type, p.words) for p in self._inside(block)]
            wanted += [(at, "int16", 1) for at in self._scales_in(block)]
            text, at = ">", block.first
            for register, type_, words in sorted(set(wanted)):
                text += f"{(register - at) * 2}x{TYPES[type_.removesuffix(_SWAPPED)]}"
                where[(block.table, register, type_)] = len(where)
                at = register + words
            structs.append(struct.Struct(f"{text}{(block.first + block.count - at) * 2}x"))
        points = [where[(p.table, p.register, p.type)] for p in self._read]
        scales = [
            -1 if p.scale_at is None else where[(p.table, p.scale_at, "int16")] for p in self._read
        ]
        return structs, points, scales

    @cached_property
    def _swaps(self) -> list[list[tuple[int, int]]]:
        """Return, per block, the (offset, words) of numbers whose words come low first."""
        return [
            [
                (p.register - block.first, p.words)
                for p in self._inside(block)
                if p.type.endswith(_SWAPPED)
            ]
            for block in self.blocks
        ]

    def _inside(self, block: Block) -> Iterable[Placed]:
        end = block.first + block.count
        return [p for p in self._read if p.table == block.table and block.first <= p.register < end]

    def _scales_in(self, block: Block) -> list[int]:
        end = block.first + block.count
        holding = {p.scale_at for p in self._read if p.table == block.table}
        return [at for at in self._scales if at in holding and block.first <= at < end]

    def values(self, blocks: Sequence[Sequence[int] | None]) -> Decoded:
        """Return what the registers of `self.blocks` say; None for a block the device refused."""
        structs, points, scales = self._plan
        numbers: list[float] = []
        for taken, swaps, words, block in zip(
            structs, self._swaps, blocks, self.blocks, strict=True
        ):
            ordered = [0] * block.count if words is None else list(words)
            for at, count in swaps:
                ordered[at : at + count] = ordered[at : at + count][::-1]
            numbers += taken.unpack(struct.pack(f">{len(ordered)}H", *ordered))
        every = np.array(numbers, dtype=np.float64)
        raw = every[points]
        quality = np.where(np.isfinite(raw), Quality.GOOD, Quality.MISSING).astype(np.uint8)
        for index, codes in self._missing:
            if raw[index] in codes:
                quality[index] = Quality.MISSING
        for block, words in zip(self.blocks, blocks, strict=True):
            if words is None:
                inside = {p.point.name for p in self._inside(block)}
                quality[[name in inside for name in self.names]] = Quality.MISSING
        values = raw * self._const
        if self._scales:
            power = np.array([0.0 if i < 0 else every[i] for i in scales])
            unknown = np.abs(power) > _LARGEST_POWER
            quality[unknown] = Quality.MISSING
            power[unknown] = 0.0
            values = values * 10.0**power
        if len(self._share):
            values[self._share] = values[self._share] * values[self._of]
            gone = quality[self._of] == Quality.MISSING
            quality[self._share[gone]] = Quality.MISSING
        values[quality == Quality.MISSING] = np.nan
        beyond = (values < self._low) | (values > self._high)
        quality[beyond] = Quality.SUSPECT
        return Decoded(values, quality)


# A SunSpec scale factor lies within -10 and 10 (SunSpec Device Information Model, 4.2.8).
_LARGEST_POWER = 10.0
_ROUND = 1e-9


def code_value(placed: Placed, raw: float) -> list[int] | None:
    """Return a raw number as registers, rounded where it is whole; None where it does not fit."""
    whole = TYPES[placed.type.removesuffix(_SWAPPED)] not in "fd"
    if whole and not math.isfinite(raw):
        return None
    try:
        words = code(placed.type, round(raw) if whole else raw)
    except (struct.error, OverflowError):
        return None
    taken = decode(placed.type, words)
    return None if taken in placed.missing else words


def within(point: PointTemplate, value: float) -> bool:
    """Return whether a value [unit used inside] lies within the point's limits."""
    low, high = _limit(point, 0, -math.inf), _limit(point, 1, math.inf)
    slack = _ROUND * max(1.0, abs(value))
    return low - slack <= value <= high + slack


def worth_of_one(point: PointTemplate) -> float:
    """Return what one of a point's raw number is worth [unit used inside].

    Of a share of another point: the share [1].
    """
    return point.sign * point.scale * point.factor


def _limit(point: PointTemplate, side: int, none: float) -> float:
    # Of a share of another point the limits are in per cent, while its value is in the other's
    # unit: only a write, which knows the whole, can be held to them.
    if point.limits is None or point.of is not None:
        return none
    return point.limits[side] * point.factor


def _blocks(placed: Sequence[Placed], gap: int) -> tuple[Block, ...]:
    """Return the fewest requests that read all points and their scales."""
    spans = [(p.table, p.register, p.register + p.words) for p in placed]
    spans += [(p.table, p.scale_at, p.scale_at + 1) for p in placed if p.scale_at is not None]
    found: list[Block] = []
    for table, first, end in sorted(set(spans)):
        last = found[-1] if found else None
        if (
            last is not None
            and last.table == table
            and first - (last.first + last.count) <= gap
            and end - last.first <= _MOST
        ):
            count = max(last.count, end - last.first)
            found[-1] = Block(table, last.first, count)
        else:
            found.append(Block(table, first, end - first))
    return tuple(found)
