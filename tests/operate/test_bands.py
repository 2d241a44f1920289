"""Controllers as cycle tables: what an image shows, what is wished, what may be written."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeropark.assets.battery import Battery
from zeropark.assets.grid_tie import GridTie
from zeropark.assets.kind import Kind
from zeropark.assets.load import Load
from zeropark.assets.pv import Pv
from zeropark.assets.remote_base import RemoteBase
from zeropark.assets.transformer import Transformer
from zeropark.model.series import Profile
from zeropark.operate.bands import (
    Bands,
    Orders,
    as_setpoints,
    guards_of,
    levers_of,
    wishes,
)
from zeropark.operate.image import Image, State
from zeropark.operate.safety import Bumpless, in_order

TIE = GridTie(name="tie", node="bus", import_max=5.0, export_max=4.0, tariff="simple")
WORKS = Load(name="works", node="bus", profile=Profile(constant=1.0))
BAT = Battery(name="bat", node="bus", p_nom=1.0, e_nom=2.0)
ROOF = Pv.model_validate({"name": "roof", "node": "bus", "p_nom": 6.0, "arrays": [{"tilt": 30.0}]})
PARK: tuple[Kind, ...] = (TIE, WORKS, BAT, ROOF)
Shown = Mapping[str, Mapping[str, float]]


def image_of(shown: Shown) -> Image:
    points = [(asset, point) for asset, found in shown.items() for point in found]
    values = np.array([shown[asset][point] for asset, point in points])
    state = np.where(np.isfinite(values), State.GOOD, State.MISSING).astype(np.uint8)
    index = {key: i for i, key in enumerate(points)}
    return Image(0.0, 0.0, index, values, state, np.zeros(len(points)))


def shown(**changes: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """A calm moment: the tie brings 1 MW for the works, the battery is half full, no sun."""
    calm: dict[str, dict[str, float]] = {
        "tie": {"p": 1.0},
        "works": {"p": 1.0, "demand": 1.0, "unserved": 0.0},
        "bat": {"p": 0.0, "energy": 1.0, "soc": 0.5},
        "roof": {"p": 0.0, "available": 0.0},
    }
    for asset, points in changes.items():
        calm[asset] = {**calm[asset], **points}
    return calm


def cycle(
    seen: Shown,
    wish: Mapping[str, Mapping[str, float]],
    orders: Orders | None = None,
    park: tuple[Kind, ...] = PARK,
) -> dict[str, dict[str, float]]:
    """What one cycle would write."""
    levers = levers_of(park)
    orders = orders or Orders()
    image = image_of(seen)
    bands = Bands(levers, image, wishes(levers, wish, orders.hand))
    _, controllers = in_order(guards_of(park, levers), orders, {}, 1.0)
    for controller in controllers:
        controller.narrow(image, bands)
    return as_setpoints(bands)


CHARGE = {"bat": {"p": -1.0}}
GIVE = {"bat": {"p": 1.0}}


@pytest.mark.parametrize(
    ("changes", "wish", "bat"),
    [
        ({}, GIVE, 1.0),
        ({}, CHARGE, -1.0),
        # The tie carries 5 MW: at 4.5 MW only half a MW more may be charged.
        ({"tie": {"p": 4.5}}, CHARGE, -0.5),
        ({"tie": {"p": 4.0}}, CHARGE, -1.0),
        ({"tie": {"p": 4.0 + 1e-6}}, CHARGE, -1.0 + 1e-6),
        # Already charging half a MW: 4.5 MW holds that half, so all of 1 MW is 5 MW.
        ({"tie": {"p": 4.5}, "bat": {"p": -0.5}}, CHARGE, -1.0),
        # Beyond the limit the battery gives though it was told to charge.
        ({"tie": {"p": 5.7}}, CHARGE, 0.7),
        # Export 4 MW is the limit: at 3.6 MW out the battery may give 0.4 MW.
        ({"tie": {"p": -3.6}}, GIVE, 0.4),
        ({"tie": {"p": -4.5}}, GIVE, -0.5),
        # At the floor (10 %) it gives nothing, at the ceiling (95 %) it takes nothing.
        ({"bat": {"soc": 0.1, "energy": 0.2}}, GIVE, 0.0),
        ({"bat": {"soc": 0.05, "energy": 0.1}}, GIVE, 0.0),
        ({"bat": {"soc": 0.95, "energy": 1.9}}, CHARGE, 0.0),
        ({"bat": {"soc": 1.0, "energy": 2.0}}, CHARGE, 0.0),
        # 10 s at 1 MW are 2.8 kWh: with 1 kWh above the floor it gives at most 0.36 MW.
        ({"bat": {"soc": 0.1005, "energy": 0.201}}, GIVE, 0.36),
        # Nobody knows the charge: it rests. Nobody sees the tie: only towards rest.
        ({"bat": {"soc": np.nan}}, GIVE, 0.0),
        ({"bat": {"energy": np.nan}}, GIVE, 0.0),
        ({"tie": {"p": np.nan}}, CHARGE, 0.0),
        ({"tie": {"p": np.nan}, "bat": {"p": -0.4}}, CHARGE, -0.4),
    ],
)
def test_the_battery_in_a_cycle(
    changes: dict[str, dict[str, float]], wish: dict[str, dict[str, float]], bat: float
) -> None:
    found = cycle(shown(**changes), wish | {"roof": {"limit": 0.0}})
    assert found["bat"]["p"] == pytest.approx(bat, abs=1e-9)


def test_sun_is_limited_only_where_the_battery_cannot_take_it() -> None:
    seen = shown(tie={"p": -4.5}, roof={"p": 5.5, "available": 5.5})
    found = cycle(seen, {"bat": {"p": 0.0}})
    # The free part of the limit goes first, then the battery takes half a MW, the sun stays.
    assert found["bat"]["p"] == pytest.approx(-0.5)
    assert found["roof"]["limit"] == pytest.approx(5.5)
    full = shown(
        tie={"p": -4.5},
        roof={"p": 5.5, "available": 5.5},
        bat={"soc": 0.95, "energy": 1.9},
    )
    assert cycle(full, {})["roof"]["limit"] == pytest.approx(5.0)


def test_load_is_shed_last_and_only_by_what_is_missing() -> None:
    seen = shown(tie={"p": 6.5}, works={"p": 6.5, "demand": 6.5})
    found = cycle(seen, {})
    assert found["bat"]["p"] == pytest.approx(1.0)
    assert found["works"]["shed"] == pytest.approx(0.5)
    assert cycle(shown(tie={"p": 5.9}, works={"demand": 5.9}), {})["works"]["shed"] == 0.0


def test_the_grid_operator_limits_import_and_forbids_export() -> None:
    orders = Orders(limits={"tie": (0.0, 0.6)})
    assert cycle(shown(), CHARGE, orders)["bat"]["p"] == pytest.approx(0.4)
    sunny = shown(tie={"p": -0.5}, roof={"p": 1.5, "available": 1.5})
    found = cycle(sunny, GIVE, orders)
    assert found["bat"]["p"] == pytest.approx(-0.5)
    # An operator's limit above what the tie carries does not widen it.
    wide = Orders(limits={"tie": (-100.0, 100.0)})
    assert cycle(shown(tie={"p": 4.5}), CHARGE, wide)["bat"]["p"] == pytest.approx(-0.5)


def test_stores_keep_a_margin_free_and_loads_are_not_shed_for_it() -> None:
    park = (TIE, WORKS, BAT)
    levers = levers_of(park)
    for tie, charge, shed in ((4.5, -0.4, 0.0), (4.95, 0.05, 0.0), (6.05, 1.0, 0.05)):
        image = image_of(shown(tie={"p": tie}, works={"demand": tie}))
        bands = Bands(levers, image, wishes(levers, CHARGE, {}))
        _, controllers = in_order(guards_of(park, levers), Orders(), {}, 1.0, margin=0.02)
        for controller in controllers:
            controller.narrow(image, bands)
        # 2 % of 5 MW are 0.1 MW.
        found = as_setpoints(bands)
        assert found["bat"]["p"] == pytest.approx(charge)
        assert found["works"]["shed"] == pytest.approx(shed)


def test_a_stop_brings_the_battery_to_rest_whatever_is_wished() -> None:
    assert cycle(shown(), GIVE, Orders(stopped=True))["bat"]["p"] == 0.0
    by_hand = Orders(stopped=True, hand={("bat", "p"): 1.0})
    assert cycle(shown(), {}, by_hand)["bat"]["p"] == 0.0


def test_a_hand_goes_before_the_plan_and_behind_safety() -> None:
    orders = Orders(hand={("bat", "p"): -1.0})
    assert cycle(shown(), GIVE, orders)["bat"]["p"] == -1.0
    assert cycle(shown(tie={"p": 5.7}), GIVE, orders)["bat"]["p"] == pytest.approx(0.7)


def test_a_locked_device_rests_even_where_a_limit_breaks() -> None:
    found = cycle(shown(tie={"p": 5.7}, works={"demand": 5.7}), GIVE, Orders(locked={"bat"}))
    assert found["bat"]["p"] == 0.0
    assert found["works"]["shed"] == pytest.approx(0.7)


def test_a_transformer_is_kept_by_what_lies_below_it() -> None:
    inside = Battery(name="inside", node="site", p_nom=1.0, e_nom=2.0)
    outside = Battery(name="outside", node="bus", p_nom=1.0, e_nom=2.0)
    trafo = Transformer(name="trafo", node="site", up="bus", p_nom=2.0)
    seen = {
        "tie": {"p": 2.3},
        "trafo": {"p": -2.3},
        "inside": {"p": 0.0, "energy": 1.0, "soc": 0.5},
        "outside": {"p": 0.0, "energy": 1.0, "soc": 0.5},
    }
    found = cycle(seen, {}, park=(TIE, trafo, inside, outside))
    assert found["inside"]["p"] == pytest.approx(0.3)
    assert found["outside"]["p"] == 0.0


def test_a_base_rises_no_faster_than_agreed() -> None:
    gate = RemoteBase(name="gate", node="base", out="far", p_nom=10.0, ramp_up=3.6)
    seen = {"gate": {"p": 5.0}, "tie": {"p": 0.0}}
    found = cycle(seen, {}, park=(TIE, gate))
    # 3.6 MW an hour are 1 kW a second.
    assert found["gate"]["limit"] == pytest.approx(5.001)


def test_a_setpoint_moves_in_stated_steps_but_safety_does_not_wait() -> None:
    levers = levers_of((TIE, BAT))
    for tie, expected in ((1.0, 0.1), (5.7, 0.7)):
        image = image_of(shown(tie={"p": tie}))
        bands = Bands(levers, image, np.array([1.0 if tie < 5 else -1.0]))
        _, controllers = in_order(guards_of((TIE, BAT), levers), Orders(), {}, 1.0)
        for controller in [*controllers, Bumpless(np.array([0.0]), np.array([0.1]))]:
            controller.narrow(image, bands)
        assert bands.meant[0] == pytest.approx(expected)


numbers = st.floats(-20.0, 20.0) | st.just(float("nan"))


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "tie": st.fixed_dictionaries({"p": numbers}),
            "works": st.fixed_dictionaries({"demand": numbers, "unserved": numbers}),
            "bat": st.fixed_dictionaries(
                {"p": numbers, "energy": numbers, "soc": st.floats(-0.5, 1.5)}
            ),
            "roof": st.fixed_dictionaries({"p": numbers}),
        }
    ),
    numbers,
    st.booleans(),
    st.booleans(),
    st.none() | st.tuples(numbers, numbers),
)
def test_no_controller_widens_a_band_whatever_it_sees(
    seen: Shown, wish: float, stopped: bool, locked: bool, limit: tuple[float, float] | None
) -> None:
    levers = levers_of(PARK)
    orders = Orders(
        stopped=stopped,
        locked={"bat"} if locked else set(),
        limits={} if limit is None or np.isnan(sum(limit)) else {"tie": limit},
    )
    image = image_of(seen)
    bands = Bands(levers, image, wishes(levers, {"bat": {"p": wish}}, {}))
    standing = {("bat", "p"): (-0.2, 0.3)}
    _, controllers = in_order(guards_of(PARK, levers), orders, standing, 1.0)
    last = np.full(len(levers), 0.05)
    for controller in [*controllers, Bumpless(last, np.full(len(levers), 0.1))]:
        low, high = bands.low.copy(), bands.high.copy()
        controller.narrow(image, bands)
        assert (bands.low >= low).all()
        assert (bands.high <= high).all()
        assert (bands.low <= bands.high).all()
    assert np.isfinite(bands.meant).all()


def test_what_may_stand_for_ever_is_all_a_device_without_a_watchdog_gets() -> None:
    levers = levers_of((BAT,))
    image = image_of(shown())
    bands = Bands(levers, image, np.array([-1.0]))
    _, controllers = in_order([], Orders(), {("bat", "p"): (0.0, 0.0)}, 1.0)
    for controller in controllers:
        controller.narrow(image, bands)
    assert bands.meant[0] == 0.0
