"""What each simple kind is by itself: published values, both edges of its limits, its refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.assets.yard import WHOLE, day, outlook_of, parse, program_of
from zeropark.assets import kinds
from zeropark.assets.chiller import cooling_eer
from zeropark.assets.converter import PartLoad
from zeropark.assets.heat_pump import heating_cop
from zeropark.assets.kind import Kind
from zeropark.formulation.plan import Plan
from zeropark.formulation.solver import Solver
from zeropark.operate.plant import Plant

CURVE = {"curve_speeds": [3, 12], "curve_powers": [0.0, 1.0]}


def _asset(kind: str, **fields: Any) -> Kind:
    return kinds()[kind].model_validate({"name": "it", **fields})


def _device(asset: Kind) -> Any:
    return asset.device(outlook_of(day()), np.random.default_rng(1))


# -- conversion -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("sink", "source", "cop"), [(65, 35, 5.64), (75, 30, 3.87)])
def test_a_heat_pump_has_the_cop_that_oemof_gives(sink: float, source: float, cop: float) -> None:
    assert heating_cop(sink, source, 0.5) == pytest.approx(cop, abs=0.005)


def test_a_chiller_has_the_eer_of_its_carnot_share() -> None:
    # 285.15 K over 18 K at half of Carnot.
    assert cooling_eer(12, 30, 0.5) == pytest.approx(7.92, abs=0.005)


def test_no_lift_is_so_small_that_the_form_runs_away() -> None:
    assert heating_cop(30, 29, 0.5) == heating_cop(30, 20, 0.5)
    assert cooling_eer(12, 12, 0.5) == cooling_eer(12, 22, 0.5)


@given(power=st.floats(0, 5), rate=st.floats(1, 9), loss=st.floats(0, 0.5), kept=st.floats(0, 0.4))
def test_the_power_for_a_product_makes_that_product(
    power: float, rate: float, loss: float, kept: float
) -> None:
    part = PartLoad(5.0, loss)
    made = part.product(power, rate) - kept * power
    assert part.power(made, rate, kept) == pytest.approx(power, abs=1e-9)


@pytest.mark.parametrize("kind", ["boiler", "heat_pump", "chiller"])
def test_a_converter_without_a_set_point_makes_what_its_node_lacks(kind: str) -> None:
    asset = next(a for a in parse(kinds()[kind].example) if a.kind == kind)
    device = _device(asset)
    product = "cooling" if kind == "chiller" else "heat"
    assert device.step(48, 0.25, {}, {product: -0.3})[product] == pytest.approx(0.3)
    assert device.step(49, 0.25, {}, {product: 0.3})[product] == 0.0


def test_a_heat_pump_takes_no_more_than_its_source_has() -> None:
    pump = _asset("heat_pump", node="bus", heat="warm", source="mild", p_nom=1.0, t_sink=65.0,
                  t_source=35.0)  # fmt: skip
    device = _device(pump)
    flows = device.step(0, 0.25, {"p": 1.0}, {"source": 0.5})
    assert flows["source"] == pytest.approx(-0.5)
    assert flows["heat"] + flows["node"] + flows["source"] == pytest.approx(0.0, abs=1e-12)
    assert device.step(1, 0.25, {"p": 1.0}, {"source": -0.1})["heat"] == 0.0


def test_power_taken_from_a_converter_in_a_step_is_not_taken_back_for_heat() -> None:
    device = _device(_asset("boiler", node="bus", heat="warm", p_nom=1.0))
    device.step(0, 0.25, {"p": 0.8}, {})
    assert device.adjust("node", 0.5, 0.25) == pytest.approx(0.5)
    assert device.adjust("heat", 0.4, 0.25) == 0.0
    device.step(1, 0.25, {"p": 0.8}, {})
    assert device.p == 0.8


# -- stores ---------------------------------------------------------------------------------------


def test_a_tank_loses_in_a_day_what_its_nameplate_says_at_20_degrees() -> None:
    tank = _asset("thermal_store", node="warm", q_nom=1.0, e_nom=4.0, standing_loss=0.1, start=1.0)
    device = tank.device(outlook_of(day()), np.random.default_rng(1))
    for index in range(96):
        device.step(index, 0.25, {"q": 0.0}, {})
    # The day is 10 degC on average, the water 52.5: it loses (42.5 / 32.5) times the stated rate.
    assert device.read()["soc"] == pytest.approx(0.9 ** (42.5 / 32.5), abs=1e-4)


@pytest.mark.parametrize("q", [-9.0, 9.0])
def test_a_tank_never_leaves_its_band(q: float) -> None:
    tank = _asset("thermal_store", node="warm", q_nom=2.0, e_nom=1.0)
    device = _device(tank)
    for index in range(96):
        device.step(index, 0.25, {"q": q}, {})
        assert -1e-12 <= device.energy <= 1.0 + 1e-12


def test_a_battery_settled_again_in_a_step_is_as_if_settled_once() -> None:
    battery = _asset("battery", node="bus", p_nom=1.0, e_nom=2.0)
    once, again = _device(battery), _device(battery)
    once.step(0, 0.25, {"p": 0.4}, {})
    again.step(0, 0.25, {"p": -0.7}, {})
    again.adjust("node", 1.1, 0.25)
    assert again.read() == pytest.approx(once.read())
    assert again.costs == pytest.approx(once.costs)


# -- sources --------------------------------------------------------------------------------------


def test_a_source_obeys_its_limit_and_gives_all_without_one() -> None:
    for kind in ("pv", "wind"):
        asset = next(a for a in parse(kinds()[kind].example) if a.kind == kind)
        device = _device(asset)
        able = device.step(48, 0.25, {}, {})["node"]
        assert able > 0.0
        assert device.step(48, 0.25, {"limit": able / 2}, {})["node"] == able / 2
        assert device.step(48, 0.25, {"limit": -1.0}, {})["node"] == 0.0
        assert device.step(48, 0.25, {"limit": 2 * able}, {})["node"] == able
        assert device.adjust("node", -able / 4, 0.25) == pytest.approx(-able / 4)


def test_an_inverter_cuts_what_it_cannot_carry() -> None:
    fields = {"node": "bus", "p_nom": 2.0, "arrays": [{"tilt": 30.0}]}
    outlook = outlook_of(day())
    wide = _asset("pv", **fields).signals(outlook)["available"][0]
    narrow = _asset("pv", **fields, p_inverter=0.8).signals(outlook)["available"][0]
    assert wide.max() > 1.0
    assert narrow.max() == pytest.approx(0.8)
    # Below its rating the smaller inverter is the better loaded one, by a little.
    assert np.all(np.abs(narrow - wide)[wide < 0.7] < 0.03)


def test_thin_air_takes_a_turbine_power_below_its_rating() -> None:
    wind = _asset("wind", node="bus", hub_height=80.0, **CURVE)
    outlook = outlook_of(day())
    at_sea = np.interp(outlook.weather.wind_speed * 8**0.2, [3, 12], [0, 1])  # type: ignore[union-attr]
    here = wind.signals(outlook.at_its_best())["available"][0]
    some = (at_sea > 0.05) & (at_sea < 0.95)
    assert np.all(here[some] < at_sea[some])


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        (
            "pv",
            {"node": "bus", "p_nom": 1.0, "arrays": [{"share": 0.5, "tilt": 30.0}]},
            "the shares of the arrays sum to 0.5; allowed: 1, which is the whole plant",
        ),
        (
            "wind",
            {"node": "bus", "hub_height": 80.0, "curve_speeds": [3, 4], "curve_powers": [1, 2, 3]},
            "2 speeds stand against 3 powers; write one power for each speed",
        ),
        (
            "wind",
            {"node": "bus", "hub_height": 80.0, "curve_speeds": [4, 3], "curve_powers": [1, 2]},
            "speed 3 m/s stands after 4 m/s; write rising speeds",
        ),
        (
            "wind",
            {"node": "bus", "hub_height": 80.0, "curve_speeds": [3, 4], "curve_powers": [-1, 2]},
            "a power below zero; allowed: 0 and more",
        ),
        (
            "battery",
            {"node": "bus", "p_nom": 1.0, "e_nom": 1.0, "floor": 0.9, "ceiling": 0.9},
            "0.9 is not below ceiling 0.9; allowed: floor < ceiling",
        ),
        (
            "boiler",
            {"node": "bus", "heat": "warm", "p_nom": 1.0, "efficiency": 0.999},
            "0.999 is above efficiency_best 0.995; allowed: efficiency ≤ efficiency_best",
        ),
        (
            "thermal_store",
            {"node": "warm", "q_nom": 1.0, "e_nom": 1.0, "t_supply": 40.0},
            "40 degC is not above t_return 40 degC; allowed: t_return < t_supply",
        ),
        (
            "heat_pump",
            {"node": "bus", "heat": "warm", "source": "mild", "p_nom": 1.0, "t_sink": 55.0},
            "a heat pump on a source node needs t_source; write it, such as 35 degC",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    kind: str, fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        _asset(kind, **fields)
    assert [error["msg"] for error in refused.value.errors()] == [sentence]


# -- together -------------------------------------------------------------------------------------


def test_a_planned_yard_is_lived_through_and_every_node_balances() -> None:
    """The plan's first day in the plant: nothing is left over, and heat and cooling are served."""
    assets = parse(WHOLE)
    outlook = outlook_of(day())
    program = program_of(assets, outlook)
    plan = Plan.read(program, Solver(program).solve(), 0)
    plant = Plant(assets, outlook, {"bus": False, "warm": True, "cold": True}, seed=3)
    columns = {"boiler": "use", "heat_pump": "use", "chiller": "use"}
    used = {asset.name: asset for asset in assets}
    for index in range(96):
        said: dict[str, dict[str, float]] = {}
        for name, asset in used.items():
            if asset.kind in columns:
                p = plan.amounts(asset.kind, columns[asset.kind])[0, index] / 0.25
                said[name] = {"p": float(p)}
        said["tank"] = {"q": float(plan.amounts("thermal_store", "give")[0, index] / 0.25)}
        plant.write(said)
        plant.step(index)
        assert plant.residual <= 1e-6
        readings = plant.read()
        assert readings["offices"]["unserved"] <= 1e-6
        assert readings["labs"]["unserved"] <= 1e-6
