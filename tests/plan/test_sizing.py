"""What is to be built: toys worked out by hand, laws of the frontier, what cannot be left free."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.plan.years import year_of
from zeropark.data.errors import DataError
from zeropark.plan.free import Wanted
from zeropark.plan.sizing import size
from zeropark.plan.year import Year

IDEAL = (
    "efficiency: 1, efficiency_best: 1, floor: 0, ceiling: 1, standing_loss: 0, "
    "wear_cost: 0 CNY/MWh"
)
STORE = f"""
assets:
  - {{kind: grid_tie, name: tie, node: bus, import_max: 10 MW, tariff: simple}}
  - {{kind: load, name: works, node: bus, profile: {{constant: 1 MW}}}}
  - {{kind: battery, name: bat, node: bus, p_nom: 1 MW, e_nom: 2 MWh, start: 0, {IDEAL}}}
"""
SUN = """
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 10 MW, tariff: simple}
  - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
  - {kind: pv, name: roof, node: bus, p_nom: 1 MW, arrays: [{tilt: 30 deg}]}
"""
DAY = [300.0] * 24


def test_a_store_is_built_as_far_as_the_spread_pays_for_it() -> None:
    """Buying at 100 for the hour of 500 saves 400 a MWh: more than 251, less than 2 x 251."""
    year = year_of(STORE, {"tie/price_import": [100.0, 300.0, 500.0]})
    wanted = [Wanted("bat", "p_nom", 0.0, 5.0, 1.0), Wanted("bat", "e_nom", 0.0, 5.0, 250.0)]
    answer = size(year, wanted, points=2).answer
    # The hour of 300 would save 200 with another MWh: not worth 251. Bought: 2 x 100 + 300.
    assert answer.capacities == pytest.approx({"bat.p_nom": 1.0, "bat.e_nom": 1.0}, abs=1e-7)
    assert answer.costs["energy"] == pytest.approx(500.0)
    assert answer.costs["capital"] == pytest.approx(251.0)
    assert answer.cost == pytest.approx(751.0)


@pytest.mark.parametrize(("price", "built"), [(399.0, 1.0), (401.0, 0.0)])
def test_both_edges_of_what_pays(price: float, built: float) -> None:
    year = year_of(STORE, {"tie/price_import": [100.0, 300.0, 500.0]})
    (bat,) = [Wanted("bat", "e_nom", 0.0, 5.0, price)]
    answer = size(year, [bat], points=2).answer
    assert answer.capacities["bat.e_nom"] == pytest.approx(built, abs=1e-7)


def test_what_stands_in_store_at_the_start_is_bought_at_the_price_of_the_end() -> None:
    """Half of e_nom is there at first: bought at 350 a MWh and used at 500 it gains 75."""
    text = STORE.replace("start: 0", "start: 0.5")
    year = dataclasses.replace(
        year_of(text, {"tie/price_import": [500.0, 500.0, 500.0]}), end_price=350.0
    )
    paid = [size(year, [Wanted("bat", "e_nom", 0.0, 1.0, p)], points=2).answer for p in (74, 76)]
    assert [a.capacities["bat.e_nom"] for a in paid] == pytest.approx([1.0, 0.0], abs=1e-7)
    assert paid[0].costs["ends"] == pytest.approx(175.0)
    assert paid[0].cost == pytest.approx(1500.0 - 75.0 + 74.0)


def _sunny() -> tuple[Year, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """A day, and what one MW of modules gives in each of its hours [MW]."""
    year = year_of(SUN, {"tie/price_import": DAY})
    roof = next(asset for asset in year.assets if asset.name == "roof")
    return year, roof.signals(year.truth)["available"][0]


def test_a_clean_share_is_reached_to_a_millionth_by_the_least_roof() -> None:
    year, gives = _sunny()
    found = size(year, [Wanted("roof", "p_nom", 0.0, 50.0, 5e3)], clean_share=0.3, points=2)
    assert found.reached
    assert found.answer.clean_share == pytest.approx(0.3, abs=1e-6)
    p_nom = found.answer.capacities["roof.p_nom"]
    # What a roof of that size gives to a load of 1 MW, hour by hour.
    assert np.minimum(1.0, gives * p_nom).sum() == pytest.approx(0.3 * 24, abs=1e-5)
    assert found.answer.costs["energy"] == pytest.approx(0.7 * 24 * 300.0, rel=1e-6)


def test_a_share_out_of_reach_is_answered_by_how_far_a_plan_gets() -> None:
    year, gives = _sunny()
    found = size(year, [Wanted("roof", "p_nom", 0.0, 2.0, 1.0)], clean_share=0.9, points=2)
    possible = np.minimum(1.0, gives * 2.0).sum() / 24
    assert 0.1 < possible < 0.9
    assert not found.reached
    assert found.answer.clean_share == pytest.approx(possible, abs=1e-6)
    assert found.frontier[-1].clean_share == pytest.approx(possible, abs=1e-6)
    assert found.answer.capacities["roof.p_nom"] == pytest.approx(2.0)


def test_a_share_that_the_cheapest_plan_has_costs_nothing_more() -> None:
    year, _ = _sunny()
    wanted = [Wanted("roof", "p_nom", 0.0, 2.0, 1.0)]
    asked = size(year, wanted, clean_share=0.05, points=2)
    assert asked.reached
    assert asked.answer == asked.frontier[0]


def test_a_wish_for_clean_power_is_no_cost_of_a_sizing() -> None:
    year, _ = _sunny()
    wishing = year_of(
        SUN.replace("import_max", "clean_premium: 50 CNY/MWh, import_max"),
        {"tie/price_import": DAY},
    )
    wanted = [Wanted("roof", "p_nom", 0.0, 2.0, 1700.0)]
    plain, other = (size(each, wanted, points=2).answer for each in (year, wishing))
    assert other.costs == pytest.approx(plain.costs)
    assert other.capacities == pytest.approx(plain.capacities)


def test_the_frontier_rises_and_bends_upward() -> None:
    year, _ = _sunny()
    found = size(year, [Wanted("roof", "p_nom", 0.0, 20.0, 2e3)], points=6)
    shares = np.array([point.clean_share for point in found.frontier], dtype=float)
    costs = np.array([point.cost for point in found.frontier])
    assert len(shares) == 6
    assert np.diff(shares) == pytest.approx(np.full(5, np.ptp(shares) / 5), abs=1e-5)
    slopes = np.diff(costs) / np.diff(shares)
    assert np.all(slopes > 0.0)
    assert np.all(np.diff(slopes) > -1e-6 * slopes[1:])


def test_each_month_pays_for_its_own_peak() -> None:
    """March, April and May at 1 MW and 30 CNY/MW-month: three peaks, not two."""
    hours = (31 + 30 + 31) * 24
    year = year_of(
        SUN.rpartition("  - {kind: pv")[0], {"tie/price_import": [0.0] * hours},
        "30 CNY/MW-month", np.datetime64("2026-02-28T16:00:00"),
    )  # fmt: skip
    answer = size(year, [Wanted("tie", "import_max", 0.0, 5.0, 1.0)], points=2).answer
    assert answer.capacities["tie.import_max"] == pytest.approx(1.0)
    assert answer.costs["demand"] == pytest.approx(90.0)


@pytest.mark.parametrize(
    ("text", "parameter", "key", "part"),
    [
        (STORE, "efficiency", "free_coefficient", "efficiency of 'bat' multiplies what is decided"),
        (STORE, "wear_cost", "free_coefficient", "wear_cost of 'bat' multiplies what is decided"),
        (SUN.replace("p_nom: 1 MW,", "p_nom: 1 MW, p_inverter: 1 MW,"), "p_nom", "free_bent",
         "the limits of 'roof' do not move in proportion to p_nom between its bounds"),
    ],
)  # fmt: skip
def test_what_cannot_be_free_is_refused_in_a_sentence(
    text: str, parameter: str, key: str, part: str
) -> None:
    year = year_of(text, {"tie/price_import": DAY})
    asset = "bat" if text == STORE else "roof"
    with pytest.raises(DataError) as refused:
        size(year, [Wanted(asset, parameter, 0.5, 5.0, 1.0)], points=2)
    assert refused.value.key == key
    assert part in refused.value.text.en
    assert asset in refused.value.text.zh
