"""Readings: once each, late and doubled as they come, corrected and never edited."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger.conftest import BOTH, NOON
from tests.ledger.made_up import (
    AIR,
    CAR,
    HOUR,
    MINUTE,
    PV,
    QUARTER,
    TIE,
    WORKS,
    Hand,
    missing,
    offer,
    outcomes,
)
from zeropark.data.errors import DataError
from zeropark.ledger import store as kept_store
from zeropark.ledger.intake import AHEAD_MS
from zeropark.ledger.reading import Manner, Offered, Outcome
from zeropark.ledger.registry import Point
from zeropark.ledger.rowform import NO_VALUE, Flag, Quality
from zeropark.ledger.seal import compact, seal
from zeropark.ledger.store import Store

FROM = NOON - 6 * HOUR


@pytest.fixture(params=BOTH)
def back_end(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def values(store: Store, point: int, as_of: int | None = None) -> list[int]:
    return [int(v) for v in store.history.rows([point], as_of=as_of)["value"]]


def test_a_reading_is_there_when_it_is_acknowledged(store: Store) -> None:
    assert outcomes(offer(store, PV, FROM, 1_200)) == [Outcome.ACCEPTED]
    (row,) = store.history.rows([PV])
    assert (row["start"], row["length"], row["value"]) == (FROM, QUARTER, 1_200)
    assert row["quality"] == Quality.MEASURED
    assert row["flags"] == 0


def test_the_same_again_is_no_new_reading(store: Store) -> None:
    offer(store, PV, FROM, 1_200)
    size = store.log.size
    assert outcomes(offer(store, PV, FROM, 1_200)) == [Outcome.EXISTS]
    assert store.log.size == size
    assert len(store.history.rows(every=True)) == 1


def test_the_same_interval_with_another_value_is_refused_by_name(store: Store) -> None:
    offer(store, PV, FROM, 1_200)
    assert outcomes(offer(store, PV, FROM, 1_201)) == [Outcome.EXISTS_WITH_ANOTHER_BODY]
    assert values(store, PV) == [1_200]


def test_a_correction_supersedes_and_both_stay(store: Store) -> None:
    offer(store, PV, FROM, 1_200)
    before = store.history.known()
    assert outcomes(offer(store, PV, FROM, 900, revision=1)) == [Outcome.CORRECTED]
    assert values(store, PV) == [900]
    assert [int(v) for v in store.history.rows([PV], every=True)["value"]] == [1_200, 900]
    assert values(store, PV, as_of=before) == [1_200]
    assert outcomes(offer(store, PV, FROM, 900, revision=1)) == [Outcome.EXISTS]
    assert outcomes(offer(store, PV, FROM, 1_200)) == [Outcome.EXISTS]
    assert outcomes(offer(store, PV, FROM, 901, revision=1)) == [Outcome.EXISTS_WITH_ANOTHER_BODY]
    assert outcomes(offer(store, PV, FROM, 901, revision=3)) == [Outcome.EARLIER_REVISION_MISSING]


def test_late_and_out_of_order_readings_fill_their_gap(store: Store) -> None:
    later = [FROM + 4 * QUARTER, FROM + 2 * QUARTER, FROM, FROM + 3 * QUARTER, FROM + QUARTER]
    for start in later:
        assert outcomes(offer(store, WORKS, start, start % 977)) == [Outcome.ACCEPTED]
    assert [int(r["start"]) for r in store.history.rows([WORKS])] == sorted(later)
    for start in later:
        assert outcomes(offer(store, WORKS, start, start % 977)) == [Outcome.EXISTS]


def test_many_intervals_of_a_point_come_in_one_batch_in_any_order(store: Store) -> None:
    starts = [FROM + k * QUARTER for k in (3, 0, 2, 1)]
    assert set(outcomes(offer(store, WORKS, starts, [3, 10, 2, 1]))) == {Outcome.ACCEPTED}
    assert values(store, WORKS) == [10, 1, 2, 3]
    doubled = offer(store, WORKS, [FROM + 4 * QUARTER] * 2, [7, 7])
    assert outcomes(doubled) == [Outcome.ACCEPTED, Outcome.EXISTS]


@pytest.mark.parametrize(
    ("start", "length", "outcome"),
    [
        (FROM, QUARTER, Outcome.ACCEPTED),
        (FROM + 1, QUARTER, Outcome.INTERVAL_OFF_ITS_GRID),
        (FROM, QUARTER - 1, Outcome.INTERVAL_OF_ANOTHER_LENGTH),
        (FROM, 0, Outcome.INTERVAL_OF_ANOTHER_LENGTH),
        (FROM, -1, Outcome.INTERVAL_OF_ANOTHER_LENGTH),
        (NOON, QUARTER, Outcome.FROM_THE_FUTURE),
    ],
)
def test_an_interval_is_the_points_own(
    store: Store, start: int, length: int, outcome: Outcome
) -> None:
    assert outcomes(offer(store, PV, start, 1, length)) == [outcome]


def test_a_device_ahead_of_our_clock_is_told_and_refused_beyond_a_minute(store: Store) -> None:
    now = NOON + 10
    store.clock.wall = lambda: now
    ends = {0: 0, 1: Flag.CLOCK_AHEAD, AHEAD_MS: Flag.CLOCK_AHEAD}
    for ahead, flag in ends.items():
        now += 1_000
        (became,) = outcomes(offer(store, CAR, now + ahead - 5, 1, 5))
        assert became is Outcome.ACCEPTED
        assert int(store.history.latest()["flags"][CAR]) & Flag.CLOCK_AHEAD == flag
        now += AHEAD_MS
    assert outcomes(offer(store, CAR, now + AHEAD_MS + 2, 1, 0)) == [Outcome.FROM_THE_FUTURE]


def test_sessions_of_any_length_may_not_overlap(store: Store) -> None:
    assert offer(store, CAR, [FROM, FROM + 100], [5, 6], 100).whole
    overlapping = [(FROM + 50, 100), (FROM - 50, 51), (FROM + 199, 1), (FROM - 1, 300)]
    for start, length in overlapping:
        became = outcomes(offer(store, CAR, start, 1, length))
        assert became == [Outcome.INTERVAL_OVERLAPS], (start, length)
    for start, length in [(FROM - 50, 50), (FROM + 200, 1)]:
        assert outcomes(offer(store, CAR, start, 1, length)) == [Outcome.ACCEPTED]


def test_a_bad_reading_from_the_field_costs_no_good_one(store: Store) -> None:
    points = [PV, WORKS, 99, AIR]
    starts, lengths = [FROM] * 4, [QUARTER, QUARTER, QUARTER, MINUTE]
    offered = Offered.of(points, starts, lengths, [-1, 5, 5, -40_000])
    became = outcomes(store.accept(offered))
    expected = [Outcome.KEPT_AS_SUSPECT, Outcome.ACCEPTED, Outcome.POINT_UNKNOWN, Outcome.ACCEPTED]
    assert became == expected
    assert store.history.rows([PV])["quality"].tolist() == [Quality.SUSPECT]
    assert store.history.sums([PV], FROM, NOON, HOUR).times.size == 0
    ((reason, raw),) = store.database.rows("SELECT reason, raw FROM quarantine")
    assert reason == Outcome.POINT_UNKNOWN
    assert np.frombuffer(raw, "<i8").tolist() == [99, FROM, QUARTER, 5, Quality.MEASURED, 0, 0]


def test_only_the_newest_refused_readings_are_kept_raw(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_store, "_QUARANTINE", 3)
    for k in range(5):
        offer(store, [99, 99], [FROM + k * QUARTER] * 2, [k, k])
    raw = store.database.rows("SELECT raw FROM quarantine ORDER BY number")
    # Seven 64-bit numbers each: point, start, length, value, …; two of k = 4, the newer of k = 3.
    assert [np.frombuffer(bytes(row), "<i8")[3] for (row,) in raw] == [3, 4, 4]


@pytest.mark.parametrize(("late", "told"), [(0, False), (1, True)])
def test_both_edges_of_a_clock_that_is_behind(
    store: Store, hand: Hand, late: int, *, told: bool
) -> None:
    hand.runs = False
    store.register([Point("slow/p", "Wh", interval=QUARTER, late_after=HOUR)])
    number = store.registry.number("slow/p")
    hand.now = NOON + QUARTER + HOUR + late
    offer(store, number, NOON, 1)
    assert bool(store.history.rows([number])["flags"][0] & Flag.CLOCK_BEHIND) == told


@pytest.mark.parametrize(
    ("value", "outcome"), [(-1, Outcome.KEPT_AS_SUSPECT), (0, Outcome.ACCEPTED)]
)
def test_a_negative_counter_never_counts(store: Store, value: int, outcome: Outcome) -> None:
    assert outcomes(offer(store, TIE, FROM, value)) == [outcome]


def test_a_file_by_hand_is_taken_whole_or_not_at_all(store: Store) -> None:
    starts = [FROM, FROM + QUARTER]
    size = store.log.size
    bad = offer(store, PV, starts, [5, 10_001], manner=Manner.BY_HAND)
    assert outcomes(bad) == [Outcome.ACCEPTED, Outcome.OUT_OF_RANGE]
    assert not bad.whole
    assert store.log.size == size
    assert not len(store.history.rows())
    assert offer(store, PV, starts, [5_000, 10_000], manner=Manner.BY_HAND).whole
    assert values(store, PV) == [5_000, 10_000]


def test_absent_is_kept_as_absent(store: Store) -> None:
    assert missing(store, PV, FROM).whole
    (row,) = store.history.rows([PV])
    assert row["value"] == NO_VALUE
    assert store.history.sums([PV], FROM, NOON, HOUR).times.size == 0
    became = outcomes(offer(store, PV, FROM + QUARTER, NO_VALUE))
    assert became == [Outcome.VALUE_MISSING]
    became = outcomes(offer(store, PV, FROM + QUARTER, 5, quality=Quality.MISSING))
    assert became == [Outcome.VALUE_MISSING]


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (-1, Outcome.KEPT_AS_SUSPECT),
        (0, Outcome.ACCEPTED),
        (10_000, Outcome.ACCEPTED),
        (10_001, Outcome.KEPT_AS_SUSPECT),
        (2**63 - 1, Outcome.KEPT_AS_SUSPECT),
        (-(2**63) + 1, Outcome.KEPT_AS_SUSPECT),
    ],
)
def test_both_edges_of_the_physical_range(store: Store, value: int, outcome: Outcome) -> None:
    assert outcomes(offer(store, PV, FROM, value)) == [outcome]


def test_a_spike_is_suspect_and_what_follows_is_not(store: Store) -> None:
    series = [100, 5_100, 100, 100, 9_000, 9_100, 9_000]
    starts = [FROM + k * QUARTER for k in range(len(series))]
    together = outcomes(offer(store, PV, starts, series))
    suspect = [k for k, each in enumerate(together) if each is Outcome.KEPT_AS_SUSPECT]
    assert suspect == [4]
    # A step that stays: its first reading is a spike, its second agrees with it.
    assert outcomes(offer(store, PV, FROM + 7 * QUARTER, 100)) == [Outcome.KEPT_AS_SUSPECT]
    assert outcomes(offer(store, PV, FROM + 8 * QUARTER, 100)) == [Outcome.ACCEPTED]


def test_health_is_the_same_one_by_one_and_together(store: Store) -> None:
    series = [0, 0, 0, 0, 0, 7, 7, 7, 7, 7, 0, 7, 7]
    starts = [FROM + k * QUARTER for k in range(len(series))]
    one_by_one = [
        outcomes(offer(store, WORKS, at, v))[0] for at, v in zip(starts, series, strict=True)
    ]
    frozen = [k for k, each in enumerate(one_by_one) if each is Outcome.KEPT_AS_SUSPECT]
    # Three repeats of a value other than 0 are frozen: the fourth and the fifth 7.
    assert frozen == [8, 9]
    store.register([store.registry[WORKS].__class__("other/node", "Wh", freeze_after=3)])
    again = outcomes(offer(store, len(store.registry) - 1, starts, series))
    assert again == one_by_one


def test_a_gap_is_told_and_filled_by_nobody(store: Store) -> None:
    offer(store, WORKS, FROM, 1)
    offer(store, WORKS, FROM + 4 * QUARTER, 2)
    flags = store.history.rows([WORKS])["flags"].tolist()
    assert flags == [0, Flag.AFTER_GAP]
    found = store.database.rows("SELECT point, flag, times FROM finding")
    assert found == [(WORKS, int(Flag.AFTER_GAP), 1)]
    sums = store.history.sums([WORKS], FROM, FROM + 2 * HOUR, HOUR)
    assert sums.covered.tolist() == [QUARTER, QUARTER]


def test_a_counter_rolls_over_and_never_goes_back(store: Store) -> None:
    series = {999_000: 0, 500: Flag.ROLLED_OVER, 700: 0, 300: Flag.METER_EXCHANGED}
    for k, (value, flag) in enumerate(series.items()):
        offer(store, TIE, FROM + k * QUARTER, value)
        assert store.history.latest()["flags"][TIE] == flag, value
    assert store.history.latest()["quality"][TIE] == Quality.SUSPECT
    assert outcomes(offer(store, TIE, FROM + 4 * QUARTER, -1)) == [Outcome.KEPT_AS_SUSPECT]


def test_an_exchange_that_was_noted_is_no_fault(store: Store) -> None:
    offer(store, TIE, FROM, 700_000)
    store.register([store.registry.exchanged("tie/import", "B-2", FROM + QUARTER)])
    assert outcomes(offer(store, TIE, FROM + QUARTER, 12)) == [Outcome.ACCEPTED]
    assert store.history.latest()["flags"][TIE] == Flag.METER_EXCHANGED


def test_a_question_as_of_a_past_moment_gives_the_same_bytes_then_as_now(
    store: Store, hand: Hand
) -> None:
    answers: dict[int, bytes] = {}
    for k in range(6):
        offer(store, PV, FROM + k * QUARTER, 10 * k)
        offer(store, PV, FROM, 100 + k, revision=k + 1)
        moment = store.history.known()
        answers[moment] = store.history.rows().tobytes()
        hand.now += HOUR
        seal(store)
    hand.now += 48 * HOUR
    seal(store)
    assert compact(store) or not isinstance(store.place, Path)
    for moment, answer in answers.items():
        assert store.history.rows(as_of=moment).tobytes() == answer
    with pytest.raises(DataError, match="lies ahead of all that is known"):
        store.history.rows(as_of=store.history.known() + 1)


def test_known_at_never_goes_back_and_says_when_it_is_uncertain(store: Store, hand: Hand) -> None:
    offer(store, PV, FROM, 1)
    first = store.history.known()
    hand.now -= 2 * HOUR
    offer(store, PV, FROM + QUARTER, 2)
    rows = store.history.rows([PV])
    assert rows["known_at"][1] == first + 1
    assert rows["flags"].tolist() == [0, Flag.KNOWN_AT_UNCERTAIN]


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError, match="whole numbers"):
        Offered.of([0], [0], [0], [1.5])


def test_every_outcome_is_a_sentence_in_both_languages() -> None:
    words = [each.words for each in Outcome]
    assert len({text.en for text in words}) == len({text.zh for text in words}) == len(Outcome)


@settings(max_examples=15)
@given(st.data())
def test_any_order_and_any_doubles_come_to_the_same_ledger(data: st.DataObject) -> None:
    from pathlib import Path  # noqa: PLC0415 - a folder for each example
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    from tests.ledger.made_up import clock_at  # noqa: PLC0415
    from zeropark.ledger.registry import Point  # noqa: PLC0415
    from zeropark.ledger.store import create  # noqa: PLC0415

    due = {k: 10 + k for k in range(8)}
    sent = data.draw(st.lists(st.sampled_from(sorted(due)), min_size=1, max_size=20))
    cuts = data.draw(st.lists(st.integers(1, len(sent)), max_size=3))
    with TemporaryDirectory() as place:
        folder, clock = Path(place) / "s", clock_at(Hand(NOON))
        create(folder, "simulated", clock, reserve=4_096)
        with Store(folder, "test", clock=clock, reserve=4_096) as store:
            store.register([Point("a/b", "Wh", interval=QUARTER)])
            store.source("x")
            edges = [0, *sorted(cuts), len(sent)]
            for a, b in pairwise(edges):
                batch = sent[a:b]
                if batch:
                    starts = [FROM + k * QUARTER for k in batch]
                    assert offer(store, 0, starts, [due[k] for k in batch]).whole
            rows = store.history.rows(every=True)
            assert rows["value"].tolist() == [due[k] for k in sorted(set(sent))]
            assert sorted(rows["sequence"].tolist()) == list(range(len(set(sent))))


def test_what_waits_is_taken_in_order_as_batches_of_their_own(store: Store) -> None:
    size = store.log.size
    waiting = [Offered.of(PV, NOON - HOUR + k * QUARTER, QUARTER, k) for k in (0, 1, 2, 1)]
    taken = store.accept_all(waiting)
    assert [outcomes(each) for each in taken] == [*[[Outcome.ACCEPTED]] * 3, [Outcome.EXISTS]]
    assert [each.size for each in taken] == [size + 1, size + 2, size + 3, size + 3]
    assert store.history.rows([PV])["value"].tolist() == [0, 1, 2]
