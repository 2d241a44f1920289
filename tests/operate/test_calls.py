"""A call from its offer to its settlement, and the baselines it is held to."""

from __future__ import annotations

import multiprocessing
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.operate.call_keeper import keep
from zeropark.data.errors import DataError
from zeropark.ledger.postings import Postings
from zeropark.ledger.store import Store, create
from zeropark.operate.baseline import METHODS, baseline, best_method, errors, gaming
from zeropark.operate.calls import Calls, Stage, shared
from zeropark.operate.envelope import Ability
from zeropark.operate.product import Asked, Terms, Way, by_energy
from zeropark.operate.products import called
from zeropark.operate.told_calls import calls_in, told
from zeropark.units.text import Text

HOUR = slice(12, 14)
USC = Path(__file__).parents[3] / "shared/data/dr/usc_dr_events_obs_baselines.tar.gz"
TERMS = Terms("emergency_response", price=3_000.0, penalty=1_500.0, least=0.5)
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
        ("matching_3_of_10", 6.0),  # 6.05 is nearest to 5, 6 and 7
        ("regression_10", 6.05),  # what comes is what was before
        ("rolling_10", 3.0 * 0.9**5 + 0.1 * (6 * 0.9**4 + 7 * 0.9**3 + 8 * 0.81 + 9 * 0.9 + 10)),
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
    assert best_method(wander, HOUR) == "regression_10"
    assert errors(wander, HOUR)["mean_10_adjusted"] < errors(wander, HOUR)["mean_10"]
    with pytest.raises(DataError, match="needs 7 days"):
        best_method(flat(1.0, 1.0), HOUR)


def test_who_takes_more_before_a_call_is_seen() -> None:
    days = flat(*(5.0 + 0.1 * np.array([-1, 1, -1, 1, -1, 1, -1, 1, -1, 1])))
    assert gaming(days, np.full(24, 5.0), HOUR) == pytest.approx(0.0, abs=1e-9)
    assert gaming(days, np.full(24, 6.0), HOUR) > 3.0
    assert np.isnan(gaming(flat(5.0, 5.0), np.full(24, 5.0), HOUR))


def usc_days(building: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the weekdays of 2012 of a building [kWh a quarter], in the order of the file."""
    with tarfile.open(USC) as archive:
        member = archive.extractfile(f"makedatasets/NonDRdataset/{building}-2012.csv")
        assert member is not None
        found = np.genfromtxt(member, delimiter=",", skip_header=1)
    whole = np.isfinite(found[:, :96]).all(axis=1) & (found[:, -7:].argmax(axis=1) < 5)
    return found[whole, :96]


@pytest.mark.skipif(not USC.exists(), reason="the USC events are not at hand")
def test_methods_on_real_buildings_of_usc() -> None:
    """Baselines of weekdays from 13:15 to 17:15, the hours of the university's own events."""
    found = [errors(usc_days(name), slice(53, 69)) for name in ("BKS", "ALM", "LVL", "MHP")]
    assert all(set(each) == set(METHODS) for each in found)
    mean = {name: float(np.mean([each[name] for each in found])) for name in METHODS}
    # What the hours before say helps on real days too: nearer than what looks at days alone.
    assert min(mean, key=lambda name: mean[name]) in {"matching_3_of_10", "regression_10",
                                                      "mean_10_adjusted"}  # fmt: skip
    assert mean["mean_10_adjusted"] < mean["mean_10"] < mean["high_5_of_10"] * 1.5


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
        ([1.5, np.nan], 0.5, 1_500.0, 750.0),  # what nobody metered was not delivered
    ],
)
def test_a_settlement_by_hand(
    metered: list[float], delivered: float, paid: float, penalty: float
) -> None:
    # Half a MW for two hours below a baseline of 2 MW; and the same above it.
    below = by_energy(Asked(TERMS, Way.LESS, 0.5, 2.0), np.array([2.0, 2.0]), np.array(metered))
    above = by_energy(
        Asked(TERMS, Way.MORE, 0.5, 2.0), np.array([2.0, 2.0]), 4.0 - np.array(metered)
    )
    for found in (below, above):
        assert found.delivered == pytest.approx(delivered)
        assert found.missing == pytest.approx(1.0 - delivered)
        assert (found.paid, found.penalty) == pytest.approx((paid, penalty))


def test_a_reserve_and_a_limit_are_settled_by_hand() -> None:
    reserve = called("spinning_reserve").settle
    limit = called("grid_limit").settle
    assert reserve is not None
    assert limit is not None
    terms = Terms("spinning_reserve", price=40.0, penalty=100.0)
    # 2 MW for two hours; held in full, then half of it: 3 of 4 MWh are there.
    found = reserve(Asked(terms, Way.LESS, 2.0, 2.0), np.zeros(2), np.array([2.5, 1.0]))
    assert (found.asked, found.delivered) == pytest.approx((4.0, 3.0))
    assert (found.paid, found.penalty) == pytest.approx((120.0, 100.0))
    # At most 1 MW of import for two hours: exactly kept, then 0.2 MWh beyond it.
    fined = Terms("grid_limit", 0.0, 500.0)
    found = limit(Asked(fined, Way.LESS, 1.0, 2.0), np.zeros(2), np.array([1.0, 1.2]))
    assert (found.delivered, found.missing, found.penalty) == pytest.approx((1.0, 0.2, 100.0))
    # At most 1 MW of export.
    found = limit(Asked(fined, Way.MORE, 1.0, 2.0), np.zeros(2), np.array([-1.0, -1.2]))
    assert (found.delivered, found.missing) == pytest.approx((1.0, 0.2))


def test_shares_are_whole_and_add_up() -> None:
    assert shared(100, {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}) == {"a": 34, "b": 33, "c": 33}
    assert shared(0, {"a": 0.5, "b": 0.5}) == {"a": 0, "b": 0}
    assert shared(1, {"a": 0.2, "b": 0.8}) == {"a": 0, "b": 1}


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    create(tmp_path / "store", "simulated", reserve=4_096)
    with Store(tmp_path / "store", "operate", reserve=4_096) as store:
        yield Calls(store, Postings(store), ["park", "works"])


def offered(calls: Calls, power: float = 0.5, now: float = 0.0, way: Way = Way.LESS) -> str:
    return calls.offer(TERMS, way, ABLE, power, now, step=3_600.0).id


SHARES = {"park": 0.6, "works": 0.4}


def test_a_call_lives_from_its_offer_to_its_last_fen(calls: Calls) -> None:
    id_ = offered(calls)
    assert calls.promises() == []
    calls.award(id_, np.array([2.0, 2.2]), 0.0)
    first, second = calls.promises()
    assert (first.begin, first.end, first.most) == (3_600.0, 7_200.0, 1.5)
    assert (second.begin, second.end) == (7_200.0, 10_800.0)
    assert second.most == pytest.approx(1.7)
    calls.planned(id_, {"grade": "optimal"}, 900.0)
    assert len(calls.promises()) == 2
    calls.deliver(id_, np.array([1.5, 1.9]), 10_800.0)
    assert calls.promises() == []
    calls.measure(id_, np.array([2.0, 2.2]), {"method": "plan", "gamed": "unknown"}, 10_800.0)
    found = calls.settle(id_, 10_800.0)
    # 0.8 MWh at 3,000 less 0.2 MWh at 1,500: 2,100 CNY, 60 % of it the park's.
    assert found.earned == pytest.approx(2_100.0)
    assert calls.share(id_, SHARES, "rated", 10_800.0) == {"park": 126_000, "works": 84_000}
    assert calls.postings.balance("park/call-money").posted == 126_000
    assert calls.postings.balance("works/call-money").posted == 84_000
    assert calls.postings.balance("grid/call-energy").posted == 800_000
    (read,) = calls_in(calls.store.database, calls.store.log)
    assert [step.stage.value for step in read.steps] == [
        "offered", "awarded", "planned", "delivered", "measured", "settled", "shared",
    ]  # fmt: skip
    assert [step.at for step in read.steps] == [0.0, 0.0, 900.0, *[10_800.0] * 4]
    shown = told(read.call)
    assert shown["delivered_mwh"] == pytest.approx(0.8)
    assert shown["earned_cny"] == pytest.approx(2_100.0)
    assert shown["shares_cny"] == {"park": 1_260.0, "works": 840.0}
    assert shown["cap_mw"] == [1.5, pytest.approx(1.7)]
    assert calls.confidence().asked == 1
    with pytest.raises(DataError, match="is shared to parties; this needs one that is held to its"):
        calls.settle(id_, 10_800.0)


def test_a_call_for_more_import_is_the_mirror(calls: Calls) -> None:
    id_ = offered(calls, 0.5, way=Way.MORE)
    calls.award(id_, np.array([2.0, 2.0]), 0.0)
    assert [promise.least for promise in calls.promises()] == [2.5, 2.5]
    calls.deliver(id_, np.array([2.5, 2.5]), 10_800.0)
    calls.measure(id_, np.array([2.0, 2.0]), {"method": "plan", "gamed": "no"}, 10_800.0)
    assert calls.settle(id_, 10_800.0).earned == pytest.approx(3_000.0)
    with pytest.raises(DataError, match=r"call of 0\.51 MW; allowed: more than 0, at most 0\.5 MW"):
        offered(calls, 0.51, way=Way.MORE)


def test_a_call_that_fails_costs_its_parties(calls: Calls) -> None:
    id_ = offered(calls)
    calls.award(id_, np.array([2.0, 2.0]), 0.0)
    calls.deliver(id_, np.array([2.5, np.nan]), 10_800.0)
    calls.measure(id_, np.array([2.0, 2.0]), {"method": "plan", "gamed": "no"}, 10_800.0)
    calls.settle(id_, 10_800.0)
    calls.share(id_, SHARES, "rated", 10_800.0)
    assert calls.postings.balance("park/call-money").posted == -90_000
    assert calls.postings.balance("works/call-money").posted == -60_000
    assert calls.confidence().delivered == 0


@pytest.mark.parametrize(
    ("power", "now", "sentence"),
    [
        (0.8000001, 0.0, "call of 0.8 MW; allowed: more than 0, at most 0.8 MW as offered"),
        (0.0, 0.0, "call of 0 MW"),
        (float("nan"), 0.0, "call of nan MW"),
        (float("inf"), 0.0, "call of inf MW"),
        (0.5, 3_601.0, "allowed: begins after 1970-01-01T01:00"),
    ],
)
def test_what_cannot_be_offered_is_refused(
    calls: Calls, power: float, now: float, sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        offered(calls, power, now)
    assert calls.calls == {}


def test_a_product_is_called_in_time_and_its_way(calls: Calls) -> None:
    zone = "Asia/Shanghai"  # 16:00 UTC is midnight there
    tonight = Ability("park", 17 * 3_600.0, 1.0, 0.8, 0.5, 1.0, 1.0)
    local = Calls(calls.store, calls.postings, ["park"], zone)
    day_ahead, hour_ahead = (
        Terms(f"{name}_ahead_response", 500.0, 0.0) for name in ("day", "hour")
    )
    local.could(day_ahead, Way.LESS, tonight, 0.5, 16 * 3_600.0 - 1.0)
    with pytest.raises(DataError, match="it must be called on an earlier day"):
        local.could(day_ahead, Way.LESS, tonight, 0.5, 16 * 3_600.0)
    local.could(hour_ahead, Way.MORE, tonight, 0.5, 16 * 3_600.0)
    with pytest.raises(DataError, match="it must be called 1 h before or earlier"):
        local.could(hour_ahead, Way.MORE, tonight, 0.5, 16 * 3_600.0 + 1.0)
    with pytest.raises(DataError, match="peak_cutting: way 'more'; allowed: less"):
        local.could(Terms("peak_cutting", 1.0, 0.0), Way.MORE, tonight, 0.5, 0.0)
    with pytest.raises(DataError, match="Did you mean 'peak_cutting'"):
        called("peak_cuting")


def test_calls_do_not_overlap_and_all_of_the_envelope_may_be_sold(calls: Calls) -> None:
    first = offered(calls, 0.8, now=3_600.0)
    with pytest.raises(DataError, match=f"call overlaps call {first}"):
        offered(calls, 0.1)
    # What the grid operator limits overlaps anything, and asks for no envelope.
    limit = Terms("grid_limit", 0.0, 0.0)
    id_ = calls.offer(limit, Way.LESS, ABLE, 3.0, 0.0, step=3_600.0).id
    calls.award(id_, np.array([2.0, 2.0]), 0.0)
    assert all(each.firm and each.most == 3.0 for each in calls.promises())
    after = Ability("park", 10_800.0, 1.0, 0.8, 0.5, 1.0, 1.0)
    assert calls.offer(TERMS, Way.LESS, after, 0.1, now=0.0).stage is Stage.OFFERED
    refused = calls.refuse(TERMS, Way.LESS, 0.0, 1.0, float("nan"), Text("no", "不"), 0.0)
    assert told(refused)["because_zh"] == "不"


def test_a_call_outlives_a_kill_after_any_of_its_entries(tmp_path: Path) -> None:
    """Killed after every entry in turn, one call comes to the same last fen as undisturbed."""
    create(tmp_path, "simulated", reserve=4_096)
    stages = ["offered", "awarded", "planned", "delivered", "measured", "settled", "shared"]
    # One process imports what is needed; each that is killed is a fork of it.
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.operate.call_keeper"])
    for stage in stages:
        process = forks.Process(target=keep, args=(tmp_path, stage))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    keep(tmp_path, "")
    with Store(tmp_path, "operate", reserve=4_096) as store:
        (read,) = calls_in(store.database, store.log)
        assert [step.stage.value for step in read.steps] == stages
        # 0.5, 0.4, nothing metered and 0.5 MW over quarters: 0.35 of 0.5 MWh.
        shown = told(read.call)
        assert shown["metered_mw"] == [1.5, 1.6, None, 1.4]
        assert shown["delivered_mwh"] == pytest.approx(0.35)
        assert shown["earned_cny"] == pytest.approx(0.35 * 2_000.0 - 0.15 * 500.0)
        balances = Postings(store)
        money = [balances.balance(f"{party}/call-money").posted for party in ("park", "works")]
        assert money == [37_500, 25_000]
        # The leaf of every step is in the log: an outsider can check it.
        for step in read.steps:
            assert b'"stage":"' + step.stage.value.encode() in store.log.body(step.leaf)
