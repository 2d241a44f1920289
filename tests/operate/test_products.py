"""Every product is called, kept by plan and cycle, metered and paid, at the simulated plant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.operate.called_park import CalledPark
from tests.operate.test_bands import BAT, TIE
from zeropark.data.errors import DataError
from zeropark.operate.called import called_in
from zeropark.operate.product import Promise
from zeropark.operate.products import products
from zeropark.units.timegrid import TimeGrid


@pytest.fixture
def park(tmp_path: Path) -> Iterator[CalledPark]:
    found = CalledPark(tmp_path / "store", hour=10.0)
    yield found
    found.store.close()


@pytest.mark.parametrize("product", products().values(), ids=lambda each: each.key)
def test_a_product_says_all_that_it_is(product: object) -> None:
    found = products()[getattr(product, "key", "")]
    for text in (found.title, found.adds, found.measured, found.settled):
        assert text.en
        assert text.zh
        assert text.en != text.zh
    assert found.equation
    assert found.source
    assert found.called == (found.settle is not None) == (found.holds is not None)
    assert found.called != (found.earns is not None)


def test_calls_of_every_sort_are_kept_and_paid(park: CalledPark) -> None:
    park.start()
    park.live(3)
    asked = [
        ("valley_filling", "more", 0.3, 0.5),
        ("hour_ahead_response", "less", 0.3, 2.0),
        ("spinning_reserve", "less", 0.2, 3.5),
        ("grid_limit", "less", 0.8, 5.0),
    ]
    for product, way, power, after in asked:
        park.call(product=product, way=way, power=power, after=after, hours=1.0, price=1_000.0)
    park.live(60 * 6 + 20)
    done = {call["product"]: call for call in park.calls()}
    assert {call["stage"] for call in done.values()} == {"shared"}
    for name in ("valley_filling", "hour_ahead_response", "spinning_reserve"):
        assert done[name]["delivered_share"] >= 0.9, name
        assert done[name]["earned_cny"] == pytest.approx(
            1_000.0 * done[name]["delivered_mwh"] - 100.0 * done[name]["missing_mwh"], abs=0.01
        )

    # Judged by the site's own truth, past the minutes that set-points take.
    def inside(name: str) -> list[float]:
        begin = done[name]["begin"]
        return park.truth(begin + 180.0, begin + 3_600.0)

    assert min(inside("valley_filling")) >= min(done["valley_filling"]["floor_mw"]) - 0.02
    assert max(inside("grid_limit")) <= 0.8 + 0.02
    assert done["grid_limit"]["earned_cny"] == pytest.approx(
        -100.0 * done["grid_limit"]["missing_mwh"], abs=0.01
    )
    assert park.service.called()["confidence"]["asked"] == 3


def test_a_restart_in_a_call_changes_nothing_but_what_nobody_metered(park: CalledPark) -> None:
    park.start()
    park.live(3)
    park.call(product="peak_cutting", power=0.3, after=0.5, hours=1.0)
    park.live(45)
    (before,) = park.calls()
    park.restart()
    assert park.calls() == [before]
    park.live(60)
    (call,) = park.calls()
    assert call["stage"] == "shared"
    assert call["delivered_share"] >= 0.9
    begin = call["begin"]
    # After the restart the cap is kept again as before.
    assert max(park.truth(begin + 1_500.0, begin + 3_600.0)) <= max(call["cap_mw"]) + 0.02


def test_the_baseline_is_a_published_one_where_days_are_known(park: CalledPark) -> None:
    park.remember(20, 1.0, before=0.3)
    park.start()
    park.live(3)
    park.call(product="peak_cutting", power=0.2, after=0.5, hours=1.0)
    park.live(110)
    (call,) = park.calls()
    assert call["stage"] == "shared"
    assert call["baseline_method"] != "plan"
    # 0.3 MW more just before it, where a day differs by 0.02 MW: named.
    assert call["gamed"] == "yes"
    honest = CalledPark(park.folder.parent / "honest", hour=10.0)
    honest.remember(20, 1.0)
    honest.start()
    honest.live(3)
    honest.call(product="peak_cutting", power=0.2, after=0.5, hours=1.0)
    honest.live(110)
    (call,) = honest.calls()
    assert (call["baseline_method"] != "plan", call["gamed"]) == (True, "no")
    assert call["baseline_mw"] == pytest.approx([1.0] * 4, abs=0.05)
    honest.store.close()


def test_what_cannot_be_is_a_sentence_and_changes_nothing(park: CalledPark) -> None:
    park.start()
    with pytest.raises(DataError, match="there is no plan yet"):
        park.call(power=0.2)
    park.live(3)
    now = park.clock.now()
    for said, sentence in (
        ({"power": 5.0}, "call of 5 MW; allowed: more than 0, at most"),
        ({"power": 0.0}, "call of 0 MW"),
        ({"power": float("nan")}, "power 'nan' is not a number"),
        ({"power": 0.2, "begin": now - 3_600.0}, "which is past"),
        ({"power": 0.2, "hours": 100.0}, "the plan reaches"),
        ({"power": 0.2, "product": "arbitrage"}, "product 'arbitrage' is not known"),
        ({"power": 0.2, "way": "up"}, "way 'up'; allowed: less, more"),
        ({"power": 0.2, "way": "more", "product": "peak_cutting"}, "way 'more'; allowed: less"),
        ({"power": 0.2, "product": "day_ahead_response"}, "called on an earlier day"),
        ({"power": 0.2, "product": "spinning_reserve"}, "has no usual price; name one"),
    ):
        with pytest.raises(DataError, match=sentence):
            park.call(**said)
    park.call(power=0.2, after=1.0)
    park.live(1)
    with pytest.raises(DataError, match="overlaps"):
        park.call(power=0.2, after=1.5)
    assert {call["stage"] for call in park.calls()} == {"refused", "awarded"}
    assert park.service.caller is not None
    assert len(park.service.caller.calls.promises()) == 4


def test_what_calls_ask_of_a_plan_by_hand() -> None:
    grid = TimeGrid.local_days("2026-04-17", 1, 60, "Asia/Shanghai").window(0, 4)
    start = float(grid.start.astype("datetime64[s]").astype(np.int64))
    promises = [
        Promise(start + 3_600.0, start + 7_200.0, most=1.5),
        Promise(start + 3_600.0, start + 7_200.0, most=2.0, kept=0.5),
        Promise(start + 9_000.0, start + 10_800.0, least=3.0),
    ]
    found = called_in(promises, (TIE, BAT), grid)
    least, most = found.promised["tie"]
    assert most.tolist() == [np.inf, 1.5, np.inf, np.inf]
    assert least.tolist() == [-np.inf, -np.inf, 3.0, -np.inf]
    assert found.kept["bat"].tolist() == [0.0, 0.5, 0.0, 0.0]
    assert found.lasts == 1.0
