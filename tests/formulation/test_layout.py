"""Where the steps of a horizon lie among its slots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeropark.formulation.layout import Layout

steps = st.integers(1, 12)
lags = st.integers(1, 5)
turns = st.integers(0, 60)


def test_a_new_layout_has_its_closed_slots_first() -> None:
    layout = Layout(np.ones(3), lag=2)
    assert (layout.steps, layout.slots, layout.first) == (3, 5, 2)
    assert layout.closed().tolist() == [0, 1]
    assert layout.open().tolist() == [2, 3, 4]


def test_a_step_forward_gives_the_oldest_slot_to_the_newest_step() -> None:
    layout = Layout(np.ones(3), lag=2)
    layout.advance(1)
    assert layout.closed().tolist() == [1, 2]
    assert layout.open().tolist() == [3, 4, 0]


def test_numbers_go_to_the_slot_of_their_step_and_closed_ones_repeat_the_first() -> None:
    layout = Layout(np.ones(3), lag=2)
    in_time = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert layout.by_slot(in_time).tolist() == [[1, 1, 1, 2, 3], [4, 4, 4, 5, 6]]
    layout.advance(2)  # now at slot 4; slots 2 and 3 are closed
    assert layout.by_slot(in_time).tolist() == [[2, 3, 1, 1, 1], [5, 6, 4, 4, 4]]


@given(steps, lags, turns)
def test_every_slot_is_open_or_closed_wherever_the_ring_has_turned(
    n: int, lag: int, turn: int
) -> None:
    layout = Layout(np.ones(n), lag=lag)
    layout.advance(turn)
    assert sorted([*layout.open(), *layout.closed()]) == list(range(n + lag))
    assert layout.closed()[-1] == (layout.open()[0] - 1) % layout.slots


@given(steps, lags, turns)
def test_what_is_laid_by_slot_is_read_back_in_time(n: int, lag: int, turn: int) -> None:
    layout = Layout(np.ones(n), lag=lag)
    layout.advance(turn)
    in_time = np.arange(2.0 * n).reshape(2, n)
    assert layout.by_slot(in_time)[:, layout.open()].tolist() == in_time.tolist()


@given(steps, lags, turns)
def test_turning_step_by_step_is_turning_at_once(n: int, lag: int, turn: int) -> None:
    slowly, at_once = Layout(np.ones(n), lag=lag), Layout(np.ones(n), lag=lag)
    for _ in range(turn):
        slowly.advance(1)
    at_once.advance(turn)
    assert slowly.first == at_once.first


def test_growing_steps_are_no_ring() -> None:
    layout = Layout(np.array([0.25, 0.25, 1.0]))
    assert not layout.equal
    with pytest.raises(AssertionError, match="laid anew"):
        layout.advance(1)


def test_the_slot_before_now_is_always_there() -> None:
    with pytest.raises(AssertionError, match="holds the state"):
        Layout(np.ones(3), lag=0)
