"""A meter beside its parts, out of what the ledger holds: the difference is a line of its own."""

from __future__ import annotations

import numpy as np

from zeropark.data.errors import DataError
from zeropark.ledger.history import History
from zeropark.ledger.reading import Ints
from zeropark.ledger.registry import Registry, Residual, residual
from zeropark.units.text import Text

_NO_PARTS = Text(
    "point '{name}' has no parts; state it as the parent of others first",
    "测点“{name}”没有下级；先把它登记为其他测点的上级",
)
_UNLIKE = Text(
    "point '{name}' measures {given}, the meter '{meter}' {due}; a difference needs amounts of one "
    "unit, by the interval",
    "测点“{name}”测 {given}，总表“{meter}”测 {due}；求差须为同单位的分时段量",
)


def residual_of(
    history: History,
    registry: Registry,
    name: str,
    first: int,
    last: int,
    *,
    as_of: int | None = None,
) -> tuple[Ints, Residual]:
    """Return starts [ms], and what the meter `name` shows beyond its parts in its own intervals.

    first, last: intervals that start in [first, last) [ms]. Known is an interval that the readings
    of the meter and of each part cover whole; parts may have shorter intervals. as_of: as of
    `History.rows`. Raises `DataError` where the meter has no parts, or not of its unit.
    """
    number = registry.number(name)
    meter, parts = registry[number], registry.parts(name)
    if not parts:
        raise DataError("no_parts", _NO_PARTS.format(name=name))
    due = (meter.unit, "interval")
    for each in (meter, *parts):
        if (each.unit, each.measures) != due or not each.interval:
            given = f"{each.unit} ({each.measures}, {each.interval} ms)"
            text = _UNLIKE.format(name=each.name, given=given, meter=name, due=", ".join(due))
            raise DataError("parts_unlike", text)
    numbers = [number, *(registry.number(part.name) for part in parts)]
    found = history.sums(numbers, first, last, meter.interval, as_of=as_of)
    starts = np.unique(found.start[found.point == number])
    value = np.zeros((len(numbers), len(starts)), np.int64)
    known = np.zeros(value.shape, np.bool_)
    for row, one in enumerate(numbers):
        mine = (found.point == one) & (found.covered == meter.interval)
        places = np.searchsorted(starts, found.start[mine])
        there = (places < len(starts)) & (
            starts[np.minimum(places, len(starts) - 1)] == found.start[mine]
        )
        value[row, places[there]] = found.total[mine][there].astype(np.int64)
        known[row, places[there]] = True
    return starts, residual(value[0], value[1:], known, meter.tolerance)
