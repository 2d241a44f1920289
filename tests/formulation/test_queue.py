"""Waiting work between two curves: the curves are right, and what they leave open can be kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from zeropark.formulation.queue import (
    Work,
    envelopes,
    most_at_once,
    must_do,
    ramps,
    split_by_laxity,
)

Floats = npt.NDArray[np.float64]


def _work(
    amount: list[float], rate: list[float], arrival: list[float], deadline: list[float]
) -> Work:
    return Work(
        np.zeros(len(amount), dtype=np.intp),
        np.array(amount),
        np.array(rate),
        np.array(arrival),
        np.array(deadline),
    )


def test_one_job_by_hand() -> None:
    """6 units at 2 an hour, 5 h to go: it takes 3 h and can wait 2 h."""
    latest, earliest = envelopes(_work([6], [2], [0], [5]), 1, np.arange(1.0, 7.0))
    assert earliest[0].tolist() == [2, 4, 6, 6, 6, 6]
    assert latest[0].tolist() == [0, 0, 2, 4, 6, 6]


def test_a_job_that_comes_later_counts_from_its_arrival() -> None:
    latest, earliest = envelopes(_work([2], [4], [1.5], [3.0]), 1, np.arange(0.5, 3.5, 0.5))
    assert earliest[0].tolist() == pytest.approx([0, 0, 0, 2, 2, 2])
    assert latest[0].tolist() == pytest.approx([0, 0, 0, 0, 0, 2])


def test_a_job_whose_deadline_is_lost_runs_flat_out() -> None:
    late, soon = envelopes(_work([6], [2], [0], [1]), 1, np.arange(1.0, 4.0))
    assert late.tolist() == soon.tolist() == [[2, 4, 6]]


def test_what_cannot_be_served_in_time_is_cut_off() -> None:
    assert _work([6, 1], [2, 2], [0, 1], [1, 4]).servable().amount.tolist() == [2, 1]


def test_a_step_counts_at_its_own_time() -> None:
    found = ramps(
        np.array([0]), np.array([2.0]), np.zeros(1), np.array([5.0]), 1, np.array([1.0, 2.0, 3.0])
    )
    assert found.tolist() == [[0, 5, 5]]


def test_no_step_does_more_than_the_rates_of_who_is_there() -> None:
    """At 2 an hour from 0.5 h on for good, and at 3 an hour from now to 1 h."""
    work = _work([9, 3], [2, 3], [0.5, 0], [9, 1])
    found = most_at_once(work, np.array([np.inf, 1.0]), 1, np.array([1.0, 2.0, 2.0, 3.0]))
    assert found[0].tolist() == pytest.approx([4, 2, 0, 2])


def test_steps_without_length_repeat_the_last_value() -> None:
    ends = np.array([1.0, 2.0, 2.0, 2.0])
    latest, earliest = envelopes(_work([6], [2], [0], [3]), 1, ends)
    assert earliest[0].tolist() == [2, 4, 4, 4]
    assert latest[0].tolist() == [2, 4, 4, 4]


@st.composite
def works(draw: st.DrawFn, *, here: bool = False) -> Work:
    count = draw(st.integers(1, 12))
    tenths = st.integers(1, 80).map(lambda n: n / 10)
    arrival = [0.0 if here else draw(st.integers(-20, 60)) / 10 for _ in range(count)]
    amount = [draw(tenths) for _ in range(count)]
    rate = [draw(tenths) for _ in range(count)]
    wait = [draw(st.integers(0, 60)) / 10 for _ in range(count)]
    deadline = [
        max(a, 0.0) + w / r + x for a, w, r, x in zip(arrival, amount, rate, wait, strict=True)
    ]
    return _work(amount, rate, arrival, deadline)


@given(works())
def test_curves_are_the_sums_of_the_jobs_own(work: Work) -> None:
    ends = np.linspace(0.25, 14.75, 59)
    latest, earliest = envelopes(work, 1, ends)
    soon = np.zeros(len(ends))
    late = np.zeros(len(ends))
    for amount, rate, begin, end in zip(
        work.amount, work.rate, work.begin, work.deadline, strict=True
    ):
        soon += np.clip(rate * (ends - begin), 0.0, amount)
        late += np.clip(amount - rate * (end - ends), 0.0, amount)
    assert earliest[0] == pytest.approx(soon, abs=1e-9)
    assert latest[0] == pytest.approx(late, abs=1e-9)
    assert np.all(latest <= earliest)
    assert np.all(np.diff(earliest) >= 0)


@given(works(here=True), st.floats(0.1, 2.0))
def test_the_first_step_can_be_split_exactly(work: Work, hours: float) -> None:
    latest, earliest = envelopes(work, 1, np.array([hours]))
    must = must_do(work.amount, work.rate, work.deadline, hours)
    most = np.minimum(work.amount, work.rate * hours)
    assert latest[0, 0] == pytest.approx(must.sum(), abs=1e-9)
    assert earliest[0, 0] == pytest.approx(most.sum(), abs=1e-9)
    for share in (0.0, 0.3, 1.0):
        total = latest[0, 0] + share * (earliest[0, 0] - latest[0, 0])
        given_ = split_by_laxity(total, work.amount, work.rate, work.laxity, hours)
        assert given_.sum() == pytest.approx(total, abs=1e-9)
        assert np.all(given_ >= must - 1e-9)
        assert np.all(given_ <= most + 1e-9)


def test_the_least_laxity_is_raised_first_and_shared_work_ends_level() -> None:
    """Laxities 1, 2, 5 h at rates 1, 2, 1: two units raise the first to 2 h, both to 2.33 h."""
    amount, rate, laxity = np.full(3, 9.0), np.array([1.0, 2.0, 1.0]), np.array([1.0, 2.0, 5.0])
    shares = split_by_laxity(2.0, amount, rate, laxity, 4.0)
    assert shares.tolist() == pytest.approx([4 / 3, 2 / 3, 0])


@settings(max_examples=150, deadline=None)
@given(works(here=True), st.integers(0, 10_000), st.floats(1.0, 1.6))
def test_nothing_that_can_be_met_is_missed_whatever_the_plan_chooses(
    work: Work, seed: int, room: float
) -> None:
    """All work is at hand, one limit holds for all of it together, and just suffices.

    A plan may choose any amount that keeps the latest curve within reach; the split by least laxity
    and new curves at each step bring every piece home.
    """
    hours, steps = 0.5, 60
    ends = np.linspace(hours, hours * steps, steps)
    latest, _ = envelopes(work, 1, ends)
    assume(latest[0, -1] == pytest.approx(work.amount.sum()))
    limit = room * float(np.max(latest[0] / ends))
    random = np.random.default_rng(seed)
    left, now = work.amount.copy(), 0.0
    for step in range(steps):
        there = left > 1e-9
        rest = _work(
            left[there].tolist(),
            work.rate[there].tolist(),
            [0.0] * int(there.sum()),
            (work.deadline[there] - now).tolist(),
        )
        latest, earliest = envelopes(rest, 1, ends[: steps - step])
        least = float(np.max(latest[0] - limit * (ends[: steps - step] - hours), initial=0.0))
        most = min(float(earliest[0, 0]), limit * hours)
        assert least <= most + 1e-7, "the plan still has a way"
        total = min(
            most, least + float(random.choice([0.0, random.uniform(), 1.0])) * (most - least)
        )
        left[there] -= split_by_laxity(total, rest.amount, rest.rate, rest.laxity, hours)
        now += hours
        assert np.all(left[work.deadline <= now + 1e-9] <= 1e-6)


def test_least_laxity_meets_what_the_order_of_deadlines_misses() -> None:
    """Two short jobs due first and a long one due last that fills its time; two units of room."""
    work = _work([0.9, 0.9, 2.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.9, 1.9, 2.0])
    left, by_deadline = work.amount.copy(), work.amount.copy()
    for hour in (0.0, 1.0):
        laxity = work.deadline - hour - left / work.rate
        left -= split_by_laxity(2.0, left, work.rate, laxity, 1.0)
        room = 2.0
        for piece in np.argsort(work.deadline, kind="stable"):
            share = min(room, float(by_deadline[piece]), float(work.rate[piece]))
            by_deadline[piece] -= share
            room -= share
    assert left == pytest.approx(np.zeros(3), abs=1e-9)
    assert by_deadline[2] > 0.5
