"""Our own clock: never believed blindly, never going back, never waited for without end."""

from __future__ import annotations

import pytest

from tests.ledger.made_up import Hand
from zeropark.data.errors import DataError
from zeropark.ledger import sqlite
from zeropark.ledger.clock import ClockState, OwnClock, kernel_synchronised
from zeropark.ledger.store import Store

WALL = 1_776_427_200_000


def test_moments_rise_and_are_certain_where_the_kernel_says_so() -> None:
    hand = Hand(WALL)
    clock = OwnClock(0, hand.wall, lambda: hand.now, lambda: True)
    moments = [clock.now() for _ in range(5)]
    assert [m.known_at for m in moments] == sorted({m.known_at for m in moments})
    assert {m.state for m in moments} == {ClockState.SYNCHRONISED}


def test_an_unsynchronised_clock_says_so() -> None:
    hand = Hand(WALL)
    clock = OwnClock(0, hand.wall, lambda: hand.now, lambda: False)
    assert clock.now().state is ClockState.UNSYNCHRONISED


@pytest.mark.parametrize(
    ("by", "state"),
    [
        (0, ClockState.SYNCHRONISED),
        (1_000, ClockState.SYNCHRONISED),
        (1_001, ClockState.STEPPED),
        (-1_001, ClockState.STEPPED),
    ],
)
def test_a_clock_that_was_set_says_so_once(by: int, state: ClockState) -> None:
    wall, steady = [WALL], [0]
    clock = OwnClock(0, lambda: wall[0], lambda: steady[0], lambda: True)
    clock.now()
    # Three seconds pass; the wall clock shows `by` more or less.
    wall[0] += 3_000 + by
    steady[0] += 3_000
    assert clock.now().state is state
    wall[0] += 5_000
    steady[0] += 5_000
    assert clock.now().state is ClockState.SYNCHRONISED


def test_a_clock_behind_the_ledger_never_takes_it_back() -> None:
    hand = Hand(WALL)
    clock = OwnClock(WALL + 60_000, hand.wall, lambda: hand.now, lambda: True)
    first, second = clock.now(), clock.now()
    assert (first.known_at, second.known_at) == (WALL + 60_001, WALL + 60_002)
    assert first.state is ClockState.WENT_BACK


def test_a_clock_that_stands_still_is_not_waited_for_without_end() -> None:
    clock = OwnClock(0, lambda: WALL, lambda: 0, lambda: True)
    assert [clock.now().known_at for _ in range(3)] == [WALL, WALL + 1, WALL + 2]


def test_the_kernel_is_asked() -> None:
    assert kernel_synchronised() in {True, False}


def test_every_state_is_a_sentence_in_both_languages() -> None:
    assert len({state.words.en for state in ClockState}) == len(ClockState)
    assert len({state.words.zh for state in ClockState}) == len(ClockState)


def test_a_question_that_takes_too_long_is_ended_by_sentence(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "SNAPSHOT_S", 0.0)
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )
    database = store.history._database
    with pytest.raises(DataError, match="was ended, so that writing goes on"), database.snapshot():
        database.rows(endless)
    assert database.rows("SELECT 1") == [(1,)]
