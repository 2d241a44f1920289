"""Readings and clocks that tests make up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zeropark.ledger.clock import OwnClock
from zeropark.ledger.reading import Manner, Offered, Outcome
from zeropark.ledger.rowform import NO_VALUE, Quality
from zeropark.ledger.store import Store, Taken

MINUTE, QUARTER, HOUR = 60_000, 900_000, 3_600_000
PV, WORKS, AIR, TIE, CAR = range(5)


@dataclass
class Hand:
    """Moves a clock. now: what it shows [ms]; runs: whether each look takes a millisecond."""

    now: int
    runs: bool = True

    def wall(self) -> int:
        self.now += self.runs
        return self.now


def clock_at(hand: Hand, *, synchronised: bool = True) -> OwnClock:
    """Return a clock whose wall and steady time both follow the hand."""
    return OwnClock(0, hand.wall, lambda: hand.now, lambda: synchronised)


def offer(
    store: Store,
    point: int | Sequence[int],
    start: int | Sequence[int],
    value: int | Sequence[int],
    length: int = QUARTER,
    quality: int = Quality.MEASURED,
    source: int = 0,
    revision: int = 0,
    manner: Manner = Manner.FIELD,
) -> Taken:
    """Offer readings to a store."""
    columns = Offered.of(point, start, length, value, quality, source, revision)
    return store.accept(columns, manner)


def outcomes(taken: Taken) -> list[Outcome]:
    """Return what became of each reading."""
    return [Outcome(each) for each in taken.outcomes.tolist()]


def missing(store: Store, point: int, start: int) -> Taken:
    """Offer a reading that says that there is none."""
    return offer(store, point, start, NO_VALUE, quality=Quality.MISSING)
