"""A call from its offer to its settlement, and the baselines it is held to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from zeropark.data.errors import DataError
from zeropark.ledger.postings import Postings
from zeropark.ledger.store import Store, create
from zeropark.operate.baseline import METHODS, baseline, best_method, errors, gaming
from zeropark.operate.calls import Call, Calls, Stage, Terms, capped, settlement, shared
from zeropark.operate.envelope import Ability

HOUR = slice(12, 14)
TERMS = Terms("demand_response", price=3_000.0, penalty=1_500.0, least=0.5)
ABLE = Ability("park", 3_600.0, 2.0, 0.8, 0.5, 120.0, 80.0)


def flat(*levels: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Days of 24 hours, each at one level [MW]."""
    return np.repeat(np.array(levels)[:, None], 24, axis=1)


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("mean_10", 5.5),  # mean of 1 to 10
        ("high_5_of_10", 8.0),  # of 6 to 10
        ("middle_4_of_6", 7.5),  # of the last six, 5 to 10, without 5 and 10
        ("mean_10_adjusted", 5.5 * 1.1),  # the morning was 10 % above its usual
    ],
)
def test_a_baseline_by_hand(method: str, answer: float) -> None:
    days, today = flat(*range(1, 11)), np.full(24, 5.5 * 1.1)
    assert baseline(method, days, today, HOUR) == pytest.approx([answer, answer])


def test_an_adjustment_goes_so_far_and_no_further() -> None:
    days = flat(*[5.0] * 10)
    for morning, factor in (
        (5.9, 1.18),
        (6.0, 1.2),
        (6.1, 1.2),
        (9.0, 1.2),
        (4.0, 0.8),
        (1.0, 0.8),
    ):
        found = baseline("mean_10_adjusted", days, np.full(24, morning), HOUR)
        assert found == pytest.approx([5.0 * factor] * 2)


@pytest.mark.parametrize("method", METHODS)
def test_no_baseline_looks_at_the_call_or_after_it(method: str) -> None:
    random = np.random.default_rng(1)
    days, today = random.uniform(1.0, 5.0, (12, 24)), random.uniform(1.0, 5.0, 24)
    before = baseline(method, days, today, HOUR)
    today[12:] = 99.0
    assert (baseline(method, days, today, HOUR) == before).all()


def test_too_few_days_are_a_sentence_and_enough_are_enough() -> None:
    baseline("mean_10", flat(*[1.0] * 10), np.ones(24), HOUR)
    with pytest.raises(
        DataError, match="'mean_10' needs 10 days without a call before it; there are 9"
    ):
        baseline("mean_10", flat(*[1.0] * 9), np.ones(24), HOUR)


def test_the_method_is_chosen_by_measured_error() -> None:
    # Every fifth day is high: the mean of ten is nearest by square, the middle four by absolute.
    days = flat(*[1.0, 1.0, 1.0, 1.0, 6.0] * 5)
    found = errors(days, HOUR)
    assert set(found) == set(METHODS)
    assert best_method(days, HOUR) == min(found, key=lambda name: found[name])
    # Hours before tell the day's level: the adjusted one wins where days wander together.
    wander = flat(*(3.0 + 0.5 * np.sin(np.arange(25))))
    assert best_method(wander, HOUR) == "mean_10_adjusted"
    with pytest.raises(DataError, match="needs 7 days"):
        best_method(flat(1.0, 1.0), HOUR)


def test_who_takes_more_before_a_call_is_seen() -> None:
    days = flat(*(5.0 + 0.1 * np.array([-1, 1, -1, 1, -1, 1, -1, 1, -1, 1])))
    assert gaming(days, np.full(24, 5.0), HOUR) == pytest.approx(0.0, abs=1e-9)
    assert gaming(days, np.full(24, 6.0), HOUR) > 3.0
    assert np.isnan(gaming(flat(5.0, 5.0), np.full(24, 5.0), HOUR))


# -- the call ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metered", "delivered", "paid", "penalty"),
    [
        ([1.5, 1.5], 1.0, 3_000.0, 0.0),
        ([1.0, 1.0], 1.0, 3_000.0, 0.0),  # more than called earns no more
        ([1.0, 2.0], 0.5, 1_500.0, 750.0),  # and makes up for nothing
        ([1.0, 2.0 + 1e-6], 0.5, 1_500.0, 750.0),
        ([1.5001, 2.0], 0.4999, 0.0, 750.15),  # below half nothing is paid
        ([2.5, 2.5], 0.0, 0.0, 1_500.0),
    ],
)
def test_a_settlement_by_hand(
    metered: list[float], delivered: float, paid: float, penalty: float
) -> None:
    # Half a MW for two hours below a baseline of 2 MW.
    call = Call("c", TERMS, 0.0, 2.0, 0.5)
    found = settlement(call, np.array([2.0, 2.0]), np.array(metered))
    assert found.delivered == pytest.approx(delivered)
    assert (found.paid, found.penalty) == pytest.approx((paid, penalty))


def test_shares_are_whole_and_add_up() -> None:
    assert shared(100, {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}) == {"a": 34, "b": 33, "c": 33}
    assert shared(0, {"a": 0.5, "b": 0.5}) == {"a": 0, "b": 0}
    assert shared(1, {"a": 0.2, "b": 0.8}) == {"a": 0, "b": 1}


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    create(tmp_path / "store", "simulated", reserve=4_096)
    with Store(tmp_path / "store", "operate", reserve=4_096) as store:
        yield Calls(store, Postings(store), "tie", {"park": 0.6, "works": 0.4})


def test_a_call_lives_from_its_offer_to_its_settlement(calls: Calls) -> None:
    call = calls.offer(TERMS, ABLE, 0.5, now=0.0)
    assert calls.limits(4_000.0) == {}
    calls.award(call.id, baseline=2.0)
    assert calls.limits(3_599.0) == {}
    assert calls.limits(3_600.0) == {"tie": 1.5}
    assert calls.limits(3_600.0 + 7_199.0) == {"tie": 1.5}
    assert calls.limits(3_600.0 + 7_200.0) == {}
    caps = capped(list(calls.calls.values()), 0.0, 1_800.0, 8)
    assert caps.tolist() == [np.inf, np.inf, 1.5, 1.5, 1.5, 1.5, np.inf, np.inf]
    calls.deliver(call.id)
    found = calls.settle(call.id, np.array([2.0, 2.0]), np.array([1.5, 1.7]))
    # 0.8 MWh at 3,000 less 0.2 MWh at 1,500: 2,100 CNY, 60 % of it the park's.
    assert found.paid - found.penalty == pytest.approx(2_100.0)
    assert calls.postings.balance("park/call-money").posted == 126_000
    assert calls.postings.balance("works/call-money").posted == 84_000
    assert calls.postings.balance("grid/call-energy").posted == 800_000
    sizes = calls.store.database.rows("SELECT size FROM entry WHERE kind = 'call' ORDER BY size")
    stages = [entry["stage"] for entry in calls.store.log.entries(size for (size,) in sizes)]
    assert stages == ["offered", "awarded", "delivered", "settled"]
    with pytest.raises(DataError, match="is settled; this needs one that is delivered"):
        calls.settle(call.id, np.array([2.0]), np.array([1.5]))


def test_a_call_that_fails_costs_its_parties(calls: Calls) -> None:
    call = calls.offer(TERMS, ABLE, 0.5, now=0.0)
    calls.award(call.id, baseline=2.0)
    calls.deliver(call.id)
    calls.settle(call.id, np.array([2.0, 2.0]), np.array([2.5, 2.5]))
    assert calls.postings.balance("park/call-money").posted == -90_000
    assert calls.postings.balance("works/call-money").posted == -60_000


@pytest.mark.parametrize(
    ("power", "now", "sentence"),
    [
        (0.8000001, 0.0, "call of 0.8 MW; allowed: more than 0, at most 0.8 MW as offered"),
        (0.0, 0.0, "call of 0 MW"),
        (float("nan"), 0.0, "call of nan MW"),
        (0.5, 3_601.0, "allowed: begins after 1970-01-01T01:00"),
    ],
)
def test_what_cannot_be_offered_is_refused(
    calls: Calls, power: float, now: float, sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        calls.offer(TERMS, ABLE, power, now)
    assert calls.calls == {}


def test_calls_do_not_overlap_and_all_of_the_envelope_may_be_sold(calls: Calls) -> None:
    first = calls.offer(TERMS, ABLE, 0.8, now=3_600.0)
    with pytest.raises(DataError, match=f"call overlaps call {first.id}"):
        calls.offer(TERMS, ABLE, 0.1, now=0.0)
    after = Ability("park", first.end, 1.0, 0.8, 0.5, 1.0, 1.0)
    assert calls.offer(TERMS, after, 0.1, now=0.0).stage is Stage.OFFERED
    with pytest.raises(DataError, match=r"add up to 0\.9; they must be 1"):
        Calls(calls.store, calls.postings, "tie", {"park": 0.5, "works": 0.4})
