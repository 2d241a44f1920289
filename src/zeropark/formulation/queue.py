"""Waiting work as two curves: how much can be done by a time, and how much must be.

A piece of work has an amount, the fastest rate it can be served at, an arrival and a deadline.
Served from its arrival on at full rate it follows its earliest curve, a ramp; put off as long as
can be it follows the same ramp, later by its laxity. Summed over pieces, the work done since now
must stay between the two sums. Proof and limits:
`docs/decisions/0003-because-envelopes-are-exact.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zeropark.formulation.linear import Linear, Term

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
# A ramp shorter than this [h] is a step.
_STEP = 1e-9


@dataclass(frozen=True)
class Work:
    """Pieces of work, each array of shape (pieces,).

    member: whose it is (row of the curves). amount: what is left to do [MWh, kcore-h]. rate: the
    most that can be done of it in an hour. arrival, deadline: [h from now].
    """

    member: Indices
    amount: Floats
    rate: Floats
    arrival: Floats
    deadline: Floats

    @property
    def begin(self) -> Floats:
        """When it can begin [h from now], never before now."""
        return np.maximum(self.arrival, 0.0)

    @property
    def length(self) -> Floats:
        """How long it takes at full rate [h]."""
        return self.amount / self.rate

    @property
    def laxity(self) -> Floats:
        """How long it can still wait [h]; 0 where its deadline can no more be met."""
        return np.maximum(0.0, self.deadline - self.begin - self.length)

    def servable(self) -> Work:
        """Return the work that can be done by its deadline; what is beyond is lost anyway."""
        most = self.rate * np.maximum(0.0, self.deadline - self.begin)
        return Work(
            self.member, np.minimum(self.amount, most), self.rate, self.arrival, self.deadline
        )

    def some(self, which: npt.NDArray[np.bool_]) -> Work:
        """Return the chosen pieces."""
        return Work(
            self.member[which],
            self.amount[which],
            self.rate[which],
            self.arrival[which],
            self.deadline[which],
        )

    def join(self, other: Work) -> Work:
        """Return the pieces of both."""
        return Work(
            np.concatenate([self.member, other.member]),
            np.concatenate([self.amount, other.amount]),
            np.concatenate([self.rate, other.rate]),
            np.concatenate([self.arrival, other.arrival]),
            np.concatenate([self.deadline, other.deadline]),
        )


def envelopes(work: Work, members: int, ends: Floats) -> tuple[Floats, Floats]:
    """Return (latest, earliest): what must and what can be done by each time since now.

    ends: end of each step [h from now], not falling, shape (N,). Both results have shape (members,
    N), do not fall along it, and latest ≤ earliest.
    """
    return two_ramps(work, work.begin, work.laxity, work.length, work.amount, members, ends)


def two_ramps(
    work: Work,
    begin: Floats,
    wait: Floats,
    length: Floats,
    amount: Floats,
    members: int,
    ends: Floats,
) -> tuple[Floats, Floats]:
    """Return (latest, earliest) sums of ramps that begin `wait` [h] after `begin`, and at it.

    Each has the shape (members, N); latest ≤ earliest. As `ramps`, both in one pass.
    """
    both = ramps(
        np.concatenate([work.member, work.member + members]),
        np.concatenate([begin, begin + wait]),
        np.concatenate([length, length]),
        np.concatenate([amount, amount]),
        2 * members,
        ends,
    )
    earliest = both[:members]
    return np.minimum(both[members:], earliest), earliest


def most_at_once(work: Work, until: Floats, members: int, ends: Floats) -> Floats:
    """Return what all pieces at full rate could do in each step, shape (members, N).

    until: when each piece is gone [h from now]; inf for one that stays. Between the two curves a
    plan might catch up on a piece faster than its rate; this bound keeps it from most of that.
    """
    length = np.maximum(0.0, np.minimum(until, ends[-1]) - work.begin)
    total = ramps(work.member, work.begin, length, work.rate * length, members, ends)
    return np.diff(total, axis=1, prepend=0.0)


def ramps(
    member: Indices, begin: Floats, length: Floats, amount: Floats, members: int, ends: Floats
) -> Floats:
    """Return the sum of ramps at `ends`, shape (members, N).

    Ramp i rises from 0 at `begin` to `amount` at `begin + length`; one of no length is a step that
    counts at its own time. Takes time in proportion to pieces plus steps, not to their product.
    """
    count = len(ends)
    steep = length < _STEP
    slope = np.where(steep, 0.0, amount / np.where(steep, 1.0, length))
    times = np.concatenate([begin, begin + length])
    bend = np.concatenate([slope, -slope])
    row = np.concatenate([member, member]) * (count + 1)
    at = row + np.searchsorted(ends, times)
    size = members * (count + 1)
    rise = np.bincount(at, bend, size).reshape(members, -1)[:, :count].cumsum(axis=1)
    past = np.bincount(at, bend * times, size).reshape(members, -1)[:, :count].cumsum(axis=1)
    total = rise * ends - past
    if steep.any():
        # Half a millisecond of tolerance: a step is due at an end, not just after it.
        at = member[steep] * (count + 1) + np.searchsorted(ends, begin[steep] - 1e-7)
        jump = np.bincount(at, amount[steep], size).reshape(members, -1)[:, :count]
        total = total + jump.cumsum(axis=1)
    # What the bends leave of rounding must not make a curve fall or start below nothing.
    return np.maximum.accumulate(np.maximum(total, 0.0), axis=1)


def must_do(amount: Floats, rate: Floats, left: Floats, hours: float) -> Floats:
    """Return what must be done of each piece in a step of `hours` [h], shape (pieces,).

    left: time to the deadline [h]. Never more than can be done in the step.
    """
    after = np.maximum(0.0, left - hours)
    return np.minimum(np.maximum(0.0, amount - rate * after), rate * hours)


def split_by_laxity(
    total: float, amount: Floats, rate: Floats, laxity: Floats, hours: Floats | float
) -> Floats:
    """Split `total` among pieces for a step of `hours` [h], the least laxity raised first.

    A share x of a piece raises its laxity by x / rate; all pieces served in part end level, which
    keeps every continuation open that any split keeps open. Returns shares of shape (pieces,), each
    at most min(amount, rate · hours); their sum is `total`, or less where all are served in full.
    """
    most = np.minimum(hours, amount / rate)
    if total >= float(rate @ most):
        return rate * most
    marks = np.concatenate([laxity, laxity + most])
    bend = np.concatenate([rate, -rate])
    order = np.argsort(marks)
    marks, slope = marks[order], np.cumsum(bend[order])
    given = np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(marks))])
    level = float(np.interp(total, given, marks))
    return rate * np.clip(level - laxity, 0.0, most)


def lag_each(expression: Linear, slots: Sequence[int]) -> Linear:
    """Return a column block `slots[i]` slots earlier in row i, as `Linear.lag` for each member."""
    terms = []
    for term in expression.terms:
        rows = [np.roll(row, lag) for row, lag in zip(term.columns, slots, strict=True)]
        terms.append(Term(np.stack(rows), term.coefficient, term.summed))
    return Linear(terms, expression.constant)
