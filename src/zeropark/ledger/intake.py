"""Judges readings on the way in: who they are, whether they are known, whether they are healthy.

Nothing here touches a disk. What comes in order of time, as nearly all does, is judged as arrays;
what comes late, twice or as a correction is looked up one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zeropark.ledger import rowform
from zeropark.ledger.late import Late
from zeropark.ledger.reading import Ints, Manner, Offered, Outcome
from zeropark.ledger.rowform import Flag, Quality, Rows
from zeropark.ledger.state import Bools, Held, Places, Spell

AHEAD_MS = 60_000
"""How far a device's clock may be ahead before its readings are refused [ms]."""
ANY_TIME_MS = 1 << 60
"""The same for a simulation, which lives on any day [ms]."""
_ROLLED_WITHIN = 10  # a roll-over leads from the last tenth of the counter to its first


@dataclass
class Judged:
    """What is to be written of an offer.

    rows: as they will be hashed, in the order offered, still without `sequence` and `known_at`.
    which: their places in the offer. outcomes: of every reading offered; reasons: why one is
    suspect, 0 where it is not. points: whose newest reading changed; state: their new one; latest:
    the place of it in the offer. closed, opened: spells (point, start, end) to keep and to forget.
    """

    rows: Rows
    which: Places
    outcomes: npt.NDArray[np.uint8]
    reasons: npt.NDArray[np.uint8]
    points: Ints
    state: npt.NDArray[np.void]
    latest: Places
    closed: list[Spell]
    opened: list[Spell]


def judge(
    offered: Offered,
    manner: Manner,
    state: npt.NDArray[np.void],
    limits: npt.NDArray[np.void],
    sources: int,
    now: int,
    held: Held,
    ahead: int = AHEAD_MS,
) -> Judged:
    """Return what becomes of readings offered at `now` [ms].

    state, limits: of all points, by number. sources: how many are registered. held: finds what the
    ledger holds. ahead: by how much an interval may end after `now` [ms]. Readings that are late,
    doubled or corrections are checked for their range only.
    """
    outcomes = _refused(offered, limits, sources, now + ahead)
    order = _in_order(offered, np.flatnonzero(outcomes == 0))
    fast, slow = _apart(offered, order, state)
    flags = np.zeros(len(offered), np.uint32)
    reasons = np.zeros(len(offered), np.uint8)
    walk = _Walk.over(offered, fast, state)
    if len(fast):
        _look(offered, walk, state, limits, now, flags, reasons)
    closed = walk.closed(offered, state)
    points, fresh = walk.newest(offered, state)
    latest, opened = fast[walk.last], list[Spell]()
    if len(slow):
        late = Late(offered, state, held, outcomes, flags)
        _range(offered, slow, limits, flags, reasons)
        changed, newer, at = late.judge(slow.tolist())
        points, latest = np.concatenate([points, changed]), np.concatenate([latest, at])
        fresh = np.concatenate([fresh, newer])
        closed, opened = closed + late.closed(), late.opened()
    suspect = (reasons > 0) & np.isin(outcomes, (Outcome.ACCEPTED, Outcome.CORRECTED))
    outcomes[suspect] = reasons[suspect] if manner is Manner.BY_HAND else Outcome.KEPT_AS_SUSPECT
    which = np.flatnonzero((outcomes <= Outcome.KEPT_AS_SUSPECT) & (outcomes != Outcome.EXISTS))
    rows = _rows(offered, which, flags, suspect)
    return Judged(rows, which, outcomes, reasons, points, fresh, latest, closed, opened)


def _rows(offered: Offered, which: Places, flags: npt.NDArray[np.uint32], suspect: Bools) -> Rows:
    """Return what is kept of the offer as rows."""
    rows = rowform.blank(len(which))
    rows["point"], rows["source"] = offered.point[which], offered.source[which]
    rows["start"], rows["length"] = offered.start[which], offered.length[which]
    rows["value"], rows["flags"] = offered.value[which], flags[which]
    rows["quality"] = np.where(suspect[which], Quality.SUSPECT, offered.quality[which])
    return rows


def _refused(
    offered: Offered, limits: npt.NDArray[np.void], sources: int, latest: int
) -> npt.NDArray[np.uint8]:
    """Return outcomes of readings that no neighbour is needed to refuse, 0 for the others."""
    outcomes = np.zeros(len(offered), np.uint8)
    unknown = (offered.point < 0) | (offered.point >= len(limits))
    known = np.where(unknown, 0, offered.point)
    interval = limits["interval"][known] if len(limits) else np.zeros(len(offered), np.int64)
    missing = offered.quality == Quality.MISSING
    bad_quality = (offered.quality < min(Quality)) | (offered.quality > max(Quality))
    negative = offered.length < 0
    regular = interval > 0
    wrong_length = (regular & (offered.length != interval)) | negative
    off_grid = regular & ~wrong_length & (offered.start % np.maximum(interval, 1) != 0)
    future = offered.start + offered.length > latest
    strange = (offered.source < 0) | (offered.source >= sources)
    for wrong, outcome in (
        (future, Outcome.FROM_THE_FUTURE),
        (off_grid, Outcome.INTERVAL_OFF_ITS_GRID),
        (wrong_length, Outcome.INTERVAL_OF_ANOTHER_LENGTH),
        (missing != (offered.value == rowform.NO_VALUE), Outcome.VALUE_MISSING),
        (bad_quality, Outcome.QUALITY_UNKNOWN),
        (strange, Outcome.SOURCE_UNKNOWN),
        (unknown, Outcome.POINT_UNKNOWN),
    ):
        outcomes[wrong] = outcome
    return outcomes


def _in_order(offered: Offered, which: Places) -> Places:
    """Return places by point, start and revision."""
    point = offered.point[which]
    if (point[1:] > point[:-1]).all():
        return which
    keys = (offered.revision[which], offered.start[which], point)
    return which[np.lexsort(keys)]


def _apart(offered: Offered, order: Places, state: npt.NDArray[np.void]) -> tuple[Places, Places]:
    """Return places of points that only go on in time, and of points with anything else."""
    point, start = offered.point[order], offered.start[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = point[1:] != point[:-1]
    before = np.empty(len(order), np.int64)
    before[1:] = _ends(offered, order)[:-1]
    before[first] = state["run_end"][point[first]]
    late = (start < before) | (offered.revision[order] != 0)
    if not late.any():
        return order, order[:0]
    slow = np.isin(point, point[late])
    return order[~slow], order[slow]


def _ends(offered: Offered, places: Places) -> Ints:
    """Return where the intervals end [ms]; a moment takes up one millisecond."""
    ends: Ints = offered.start[places] + np.maximum(offered.length[places], 1)
    return ends


@dataclass(frozen=True)
class _Walk:
    """Readings by point and time, with what stood before each.

    first, last: whether one is its point's first or last here. before, before_that: the two values
    before it; prior: whether there was one. end: where the spell before it ended.
    """

    places: Places
    point: Ints
    first: Bools
    last: Bools
    end: Ints
    before: Ints
    before_that: Ints
    prior: Bools

    @classmethod
    def over(cls, offered: Offered, places: Places, state: npt.NDArray[np.void]) -> _Walk:
        point, value = offered.point[places], offered.value[places]
        count = len(places)
        first, last = np.ones(count, np.bool_), np.ones(count, np.bool_)
        first[1:] = point[1:] != point[:-1]
        last[:-1] = first[1:]
        end, before, before_that = (np.empty(count, np.int64) for _ in range(3))
        end[1:] = _ends(offered, places)[:-1]
        before[1:] = value[:-1]
        before_that[2:] = value[:-2]
        mine = state[point]
        end[first], before[first] = mine["run_end"][first], mine["value"][first]
        second = np.zeros(count, np.bool_)
        second[1:] = first[:-1] & ~first[1:]
        before_that[first] = mine["before"][first]
        before_that[second] = mine["value"][second]
        prior = ~first | (mine["used"] == 1)
        return cls(places, point, first, last, end, before, before_that, prior)

    def repeats(self, same: Bools, state: npt.NDArray[np.void]) -> Ints:
        """Return how often the value of each repeated before it."""
        here = np.arange(len(self.places))
        broken = np.maximum.accumulate(np.where(same, -1, here))
        begin = np.maximum.accumulate(np.where(self.first, here, 0))
        inside: Ints = here - np.maximum(broken, begin)
        carried = (broken < begin) & same[begin]
        inside[carried] += 1 + state["repeats"][self.point[carried]]
        return inside

    def closed(self, offered: Offered, state: npt.NDArray[np.void]) -> list[tuple[int, int, int]]:
        """Return spells that end before a gap: (point, start, end) [ms]."""
        gap = self.prior & (offered.start[self.places] > self.end)
        found: list[tuple[int, int, int]] = []
        begun: dict[int, int] = {}
        for i in np.flatnonzero(gap).tolist():
            point = int(self.point[i])
            begin = begun.get(point)
            if begin is None:
                begin = self._begun(offered, state, i)
            found.append((point, begin, int(self.end[i])))
            begun[point] = int(offered.start[self.places[i]])
        return found

    def _begun(self, offered: Offered, state: npt.NDArray[np.void], i: int) -> int:
        """Return where the spell before the place `i` began [ms]."""
        point = int(self.point[i])
        if state["used"][point]:
            return int(state["run_start"][point])
        head = int(np.searchsorted(self.point, point))
        return int(offered.start[self.places[head]])

    def newest(
        self, offered: Offered, state: npt.NDArray[np.void]
    ) -> tuple[Ints, npt.NDArray[np.void]]:
        """Return points touched and their new state, apart from what the store adds."""
        places, points = self.places[self.last], self.point[self.last]
        fresh = state[points]
        here = np.arange(len(self.places))
        gap = ~self.prior | (offered.start[self.places] > self.end)
        opened = np.maximum.accumulate(np.where(gap, here, -1))[self.last]
        new = opened >= np.maximum.accumulate(np.where(self.first, here, 0))[self.last]
        fresh["run_start"][new] = offered.start[self.places[opened[new]]]
        fresh["run_end"] = _ends(offered, places)
        fresh["before"] = self.before[self.last]
        fresh["repeats"] = self.repeats(self.same(offered), state)[self.last]
        fresh["start"], fresh["length"] = offered.start[places], offered.length[places]
        fresh["value"], fresh["used"] = offered.value[places], 1
        return points, fresh

    def same(self, offered: Offered) -> Bools:
        """Return whether each repeats the value before it; 0 at night is no frozen meter."""
        value = offered.value[self.places]
        same: Bools = (value == self.before) & (value != 0) & (value != rowform.NO_VALUE)
        return same


def _look(
    offered: Offered,
    walk: _Walk,
    state: npt.NDArray[np.void],
    limits: npt.NDArray[np.void],
    now: int,
    flags: npt.NDArray[np.uint32],
    reasons: npt.NDArray[np.uint8],
) -> None:
    """Note what is strange about readings that go on in time."""
    places = walk.places
    mine = limits[walk.point]
    value, start = offered.value[places], offered.start[places]
    end = start + offered.length[places]
    there = value != rowform.NO_VALUE
    beside = walk.prior & (walk.before != rowform.NO_VALUE)
    further = beside & (walk.before_that != rowform.NO_VALUE)
    found = np.zeros(len(places), np.uint32)
    found[walk.prior & (start > walk.end)] |= np.uint32(Flag.AFTER_GAP)
    found[end > now] |= np.uint32(Flag.CLOCK_AHEAD)
    found[(mine["late_after"] > 0) & (now - end > mine["late_after"])] |= np.uint32(
        Flag.CLOCK_BEHIND
    )
    out = there & ((value < mine["low"]) | (value > mine["high"]))
    jump = mine["jump"]
    # Unsigned distances, so that no difference of two 64-bit values can turn over.
    far = beside & (_distance(value, walk.before) > jump)
    far &= ~further | (_distance(value, walk.before_that) > jump)
    spike = there & (jump > 0) & far
    frozen = mine["freeze_after"] > 0
    if frozen.any():
        frozen &= walk.repeats(walk.same(offered), state) >= mine["freeze_after"]
    back = there & beside & (mine["counter"] == 1) & (value < walk.before)
    rolled = back & _rolled(value, walk.before, mine["roll_over"])
    exchanged = back & ~rolled & (mine["exchanged_at"] > start - offered.length[places])
    exchanged &= mine["exchanged_at"] <= end
    for wrong, flag, reason in (
        (frozen, Flag.FROZEN, Outcome.FROZEN),
        (spike & ~back, Flag.SPIKE, Outcome.SPIKE),
        (back & ~rolled & ~exchanged, Flag.METER_EXCHANGED, Outcome.COUNTER_WENT_BACK),
        (out, Flag.OUT_OF_RANGE, Outcome.OUT_OF_RANGE),
    ):
        if wrong.any():
            found[wrong] |= np.uint32(flag)
            reasons[places[wrong]] = reason
    found[rolled] |= np.uint32(Flag.ROLLED_OVER)
    found[exchanged] |= np.uint32(Flag.METER_EXCHANGED)
    flags[places] = found


def _distance(a: Ints, b: Ints) -> Ints:
    """Return how far apart values are, at most 2^63 - 1."""
    apart = np.where(a > b, a.astype(np.uint64) - b.astype(np.uint64), 0)
    apart = np.where(b > a, b.astype(np.uint64) - a.astype(np.uint64), apart)
    capped: Ints = np.minimum(apart, np.uint64(np.iinfo(np.int64).max)).astype(np.int64)
    return capped


def _rolled(value: Ints, before: Ints, modulus: Ints) -> Bools:
    """Return whether a counter went over its end: from its last tenth to its first."""
    edge = modulus // _ROLLED_WITHIN
    return (modulus > 0) & (before >= modulus - edge) & (value <= edge)


def _range(
    offered: Offered,
    places: Places,
    limits: npt.NDArray[np.void],
    flags: npt.NDArray[np.uint32],
    reasons: npt.NDArray[np.uint8],
) -> None:
    """Note what is outside the physical range among readings that are looked up one by one."""
    value, mine = offered.value[places], limits[offered.point[places]]
    out = (value != rowform.NO_VALUE) & ((value < mine["low"]) | (value > mine["high"]))
    flags[places[out]] |= np.uint32(Flag.OUT_OF_RANGE)
    reasons[places[out]] = Outcome.OUT_OF_RANGE
