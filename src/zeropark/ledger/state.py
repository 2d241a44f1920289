"""What is kept of every point: its newest reading, its limits, and where its gaps are."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from zeropark.ledger import rowform
from zeropark.ledger.reading import Ints
from zeropark.ledger.rowform import Rows

Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Spell = tuple[int, int, int]
"""A time without a gap in the readings of a point: point, start, end [ms]."""


class Held(Protocol):
    """Finds what the ledger holds, for readings that do not simply go on in time."""

    def versions(self, points: Ints, first: int, last: int) -> Rows:
        """Return rows of `points` that start from `first` to `last` [ms], in order of arrival."""
        ...

    def spells(self, point: int, first: int, last: int) -> list[Spell]:
        """Return spells of a point, but its newest, that touch the time `first` to `last` [ms]."""
        ...


STATE = np.dtype(
    [
        ("start", "<i8"),
        ("length", "<i8"),
        ("value", "<i8"),
        ("before", "<i8"),
        ("known_at", "<i8"),
        ("sequence", "<i8"),
        ("run_start", "<i8"),
        ("run_end", "<i8"),
        ("repeats", "<i4"),
        ("flags", "<u4"),
        ("source", "<u2"),
        ("quality", "<u1"),
        ("used", "<u1"),
    ]
)
"""What is kept of each point: its newest reading, the value before it, how often the value came
again, and the newest spell without a gap, run_start to run_end [ms]. used: 1 once
it had a reading."""

LIMITS = np.dtype(
    [
        ("interval", "<i8"),
        ("low", "<i8"),
        ("high", "<i8"),
        ("jump", "<i8"),
        ("freeze_after", "<i8"),
        ("roll_over", "<i8"),
        ("late_after", "<i8"),
        ("exchanged_at", "<i8"),
        ("counter", "<u1"),
    ]
)
"""What a point can be, from the register; 0 means no limit in all but low and high."""


def unused(count: int) -> npt.NDArray[np.void]:
    """Return the state of points that never had a reading, shape (count,)."""
    state: npt.NDArray[np.void] = np.zeros(count, STATE)
    for name in ("value", "before"):
        state[name] = rowform.NO_VALUE
    # Before all time, so that any reading goes on from here.
    state["run_end"] = np.iinfo(np.int64).min
    return state
