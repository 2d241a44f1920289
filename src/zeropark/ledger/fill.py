"""Fills gaps in what a point measured, where somebody asks, by a method that is named.

Nothing fills by itself. The method is the source of the readings it makes, so that each says by its
source what it is, and the log says when that source was first used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError
from zeropark.ledger.history import COUNTED
from zeropark.ledger.reading import Ints, Manner, Offered
from zeropark.ledger.rowform import Quality, Rows
from zeropark.ledger.store import FILLED_BY, Store, Taken
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

_NEAR = 96
"""How many intervals beyond the span are looked at for the neighbours of a gap."""
_METHOD = Text(
    "'{given}' is no method of filling{meant} Allowed: {known}",
    "“{given}”不是补数方法{meant}可用：{known}",
)
_IRREGULAR = Text(
    "point '{name}' has readings of any length, so that nobody knows what is missing; state its "
    "interval first",
    "测点“{name}”读数时长不定，无法知道缺什么；先登记其时段",
)
_COUNTER = Text(
    "point '{name}' is a counter, whose next reading says what flowed in the gap; fill what is "
    "made of it",
    "测点“{name}”是计数器，缺口中的量由下一读数给出；请补由它得出的测点",
)
_BESIDE = Text(
    "the method 'beside' needs another point with the same unit and interval, not '{given}'",
    "方法 beside 需要单位与时段相同的另一测点，“{given}”不是",
)


@dataclass(frozen=True)
class Method:
    """A way of filling. claim: whether what it makes may count for a claim."""

    words: Text
    quality: Quality
    claim: bool


METHODS: Mapping[str, Method] = {
    "last": Method(
        Text("the reading before the gap", "缺口前的读数"), Quality.ESTIMATED, claim=False
    ),
    "mean": Method(
        Text(
            "the mean of the readings on both sides, half to even", "两侧读数的平均，四舍六入五成双"
        ),
        Quality.ESTIMATED,
        claim=False,
    ),
    "beside": Method(
        Text("what another meter measured in the same interval", "另一表计同一时段的读数"),
        Quality.SUBSTITUTED,
        claim=True,
    ),
}


@dataclass(frozen=True)
class Filled:
    """What filling made. start [ms], value: of each; left: gaps the method knows nothing for."""

    start: Ints
    value: Ints
    left: int
    taken: Taken | None = None


def may_be_claimed(sources: Mapping[str, int]) -> list[int]:
    """Return the numbers of those sources that fill by a method which may count for a claim."""
    named = ((f"{FILLED_BY}{name}", method) for name, method in METHODS.items())
    return [sources[name] for name, method in named if method.claim and name in sources]


def fill(
    store: Store,
    name: str,
    first: int,
    last: int,
    by: str,
    beside: str = "",
    *,
    dry_run: bool = False,
) -> Filled:
    """Fill the gaps of a point between `first` and `last` [ms]; those that stay are counted.

    A gap is an interval without a reading, or with one of quality missing; a suspect reading is
    none. by: one of `METHODS`; beside: the other point of the method of that name. Raises
    `DataError` where there is no such point or method, or it does not fit.
    """
    if by not in METHODS:
        text = with_meant(_METHOD, meant(by, METHODS), given=by, known=", ".join(METHODS))
        raise DataError("fill_method", text)
    registry = store.registry
    number = registry.number(name)
    point = registry[number]
    if not point.interval:
        raise DataError("fill_irregular", _IRREGULAR.format(name=name))
    if point.measures == "counter":
        raise DataError("fill_counter", _COUNTER.format(name=name))
    wide = _NEAR * point.interval
    rows = store.history.rows([number], first - wide, last + wide, every=True)
    starts, versions = _gaps(rows, first, last, point.interval)
    there = _newest(rows)
    if by == "beside":
        other = registry[registry.number(beside)] if beside else None
        alike = other and (other.unit, other.measures, other.interval)
        if other is None or alike != (point.unit, point.measures, point.interval):
            raise DataError("fill_beside", _BESIDE.format(given=beside))
        there = _newest(store.history.rows([registry.number(beside)], first, last))
    values = [_value(by, there, start, point.interval) for start in starts.tolist()]
    known = np.array([value is not None for value in values], np.bool_)
    made = np.array([value for value in values if value is not None], np.int64)
    filled = Filled(starts[known], made, int((~known).sum()))
    if dry_run or not len(made):
        return filled
    source = store.source(f"{FILLED_BY}{by}", filling=True)
    quality = int(METHODS[by].quality)
    offered = Offered.of(
        number, filled.start, point.interval, made, quality, source, versions[known]
    )
    return Filled(filled.start, made, filled.left, store.accept(offered, Manner.BY_HAND))


def _gaps(rows: Rows, first: int, last: int, interval: int) -> tuple[Ints, Ints]:
    """Return where intervals begin that have no value [ms], and how many readings each has."""
    starts = np.arange(-(-first // interval) * interval, last, interval, dtype=np.int64)
    held, times = np.unique(rows["start"], return_counts=True)
    count = dict(zip(held.tolist(), times.tolist(), strict=True))
    newest = {int(row["start"]): int(row["quality"]) for row in _in_order(rows)}
    empty = [newest.get(s, int(Quality.MISSING)) == Quality.MISSING for s in starts.tolist()]
    gaps = starts[np.array(empty, np.bool_)]
    return gaps, np.array([count.get(s, 0) for s in gaps.tolist()], np.int64)


def _in_order(rows: Rows) -> npt.NDArray[np.void]:
    return rows[np.argsort(rows["sequence"], kind="stable")]


def _newest(rows: Rows) -> dict[int, int]:
    """Return by start what holds of each interval, where it counts."""
    found: dict[int, int] = {}
    for row in _in_order(rows):
        found.pop(int(row["start"]), None)
        if int(row["quality"]) in _COUNTING:
            found[int(row["start"])] = int(row["value"])
    return found


_COUNTING = {int(each) for each in COUNTED}


def _value(by: str, there: Mapping[int, int], start: int, interval: int) -> int | None:
    """Return what a method makes of an interval, None where it knows nothing for it."""
    if by == "beside":
        return there.get(start)
    before = _near(there, (start - k * interval for k in range(1, _NEAR)))
    if by == "last":
        return before
    after = _near(there, (start + k * interval for k in range(1, _NEAR)))
    if before is None or after is None:
        return None
    half, odd = divmod(before + after, 2)
    return half + (half & 1 if odd else 0)


def _near(there: Mapping[int, int], starts: Iterable[int]) -> int | None:
    return next((there[start] for start in starts if start in there), None)
