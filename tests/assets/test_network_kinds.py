"""Lines, transformers, bases and heat links by themselves: published forms, edges, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.assets.yard import NODES, day, outlook_of, parse, program_of
from zeropark.assets import kinds
from zeropark.assets.absorption_chiller import absorption_cop
from zeropark.assets.converter import root
from zeropark.assets.heat_link import log_mean
from zeropark.assets.kind import Kind
from zeropark.assets.link import FINE_TOUCHES, TOUCHES, Carries, LinkDevice
from zeropark.formulation.plan import Plan
from zeropark.formulation.solver import Solver
from zeropark.model.warmth import Warmth
from zeropark.operate.plant import Plant


def _asset(kind: str, **fields: Any) -> Kind:
    return kinds()[kind].model_validate({"name": "it", **fields})


def _device(asset: Kind, seed: int = 1) -> Any:
    return asset.device(outlook_of(day()), np.random.default_rng(seed))


def _gate(**fields: Any) -> Any:
    return _device(_asset("remote_base", node="base", out="far", p_nom=2.0, flicker=0.0, **fields))


# -- lines and transformers -----------------------------------------------------------------------

LINE = Carries("near", 2.0, 2.0, 2.0, loss=0.1, loss_load=0.08, charge=50.0)


def test_a_line_carries_what_the_far_node_has_over_or_lacks() -> None:
    line = LinkDevice(LINE)
    # 1 MW sent: 0.9 arrive, less 0.08 · 1² / 2.
    assert line.step(0, 0.5, {}, {"node": 1.0}) == pytest.approx({"node": -1.0, "near": 0.86})
    assert line.costs["energy"] == pytest.approx(1.0 * 0.9 * 0.5 * 50.0)
    # 0.9 lacking: 1 is sent from the near end, which also feeds the ohmic loss.
    assert line.step(1, 0.5, {}, {"node": -0.9}) == pytest.approx({"node": 0.9, "near": -1.04})
    assert line.read()["p"] == pytest.approx(-1.0)
    assert line.account().lost == pytest.approx(0.5 * 0.14 + 0.5 * 0.14)


@pytest.mark.parametrize(("over", "sent"), [(1.9, 1.9), (2.0, 2.0), (2.1, 2.0), (-5.0, -2.0)])
def test_a_line_carries_no_more_than_its_rating(over: float, sent: float) -> None:
    line = LinkDevice(LINE)
    line.step(0, 0.25, {}, {"node": over})
    assert line.p == pytest.approx(sent)


def test_a_line_of_one_way_carries_nothing_back() -> None:
    wire = _device(_asset("line", node="far", near="bus", p_nom=1.0))
    assert wire.step(0, 0.25, {}, {"node": -1.0}) == {"node": 0.0, "near": 0.0}
    lead = _device(_asset("line", node="far", near="bus", p_nom=1.0, ways="outwards"))
    assert lead.step(0, 0.25, {}, {"node": 1.0}) == {"node": 0.0, "near": 0.0}


@given(sent=st.floats(-2, 2), change=st.floats(-3, 3))
def test_a_line_asked_at_its_near_end_carries_less_and_never_the_other_way(
    sent: float, change: float
) -> None:
    line = LinkDevice(LINE)
    before = line.step(0, 0.25, {}, {"node": sent if sent > 0 else sent * 0.9})["near"]
    done = line.adjust("near", change, 0.25)
    assert abs(line.p) <= abs(sent) + 1e-12
    assert line.p * sent >= 0.0
    assert done == pytest.approx(line.flows["near"] - before)
    towards_nothing = change if before * change < 0 else 0.0
    assert done == pytest.approx(np.sign(change) * min(abs(towards_nothing), abs(before)), abs=1e-9)
    # What was given up in a step is not taken back in it.
    left = abs(line.p)
    line.adjust("node", -np.sign(sent) * 5.0, 0.25)
    if abs(done) > 0.0:
        assert abs(line.p) <= left + 1e-12


def test_a_dead_transformer_takes_nothing() -> None:
    device = LinkDevice(Carries("up", 2.0, 2.0, 2.0, idle=0.01))
    assert device.step(0, 0.25, {}, {"node": -1.0})["up"] == pytest.approx(-1.01)
    assert device.adjust("up", 1.005, 0.25) == pytest.approx(1.005)
    assert device.flows == pytest.approx({"node": 0.0, "up": -0.005})
    assert device.adjust("up", 1.0, 0.25) == pytest.approx(0.005)
    assert device.step(1, 0.25, {}, {"node": 0.0})["up"] == pytest.approx(-0.01)


@given(x=st.floats(0, 1))
def test_the_pieces_of_the_ohmic_loss_lie_below_it_and_near(x: float) -> None:
    for touches, near in ((TOUCHES, 0.05), (FINE_TOUCHES, 0.003)):
        piece = max(0.0, *(2 * at * x - at * at for at in touches))
        assert piece <= x * x + 1e-15
        assert x * x - piece <= near


@given(x=st.floats(0, 5), straight=st.floats(0.5, 2), square=st.floats(-0.05, 1))
def test_the_root_is_the_one_that_was_put_in(x: float, straight: float, square: float) -> None:
    assert root(straight * x + square * x * x, straight, square) == pytest.approx(x, abs=1e-6)


# -- remote base ----------------------------------------------------------------------------------


def test_a_base_rises_no_faster_than_it_may_and_is_told_of_falls() -> None:
    gate = _gate(ramp_up=2.0, ramp_down=2.0)
    assert gate.step(0, 0.25, {}, {"node": 1.5})["out"] == pytest.approx(0.5)
    assert gate.step(1, 0.25, {}, {"node": 0.9})["out"] == pytest.approx(0.9)
    assert gate.read()["kept"] == 1.0
    # From 0.9 it may fall to 0.4; there is 0.1: it asks for 0.4 and is given no storage.
    assert gate.step(2, 0.25, {}, {"node": 0.1})["node"] == pytest.approx(-0.4)
    assert gate.adjust("node", 0.3, 0.25) == pytest.approx(0.3)
    assert gate.read()["p"] == pytest.approx(0.1)
    assert gate.read()["kept"] == pytest.approx(2 / 3)
    assert gate.read()["steps_kept"] == 2.0


def test_a_base_stays_near_its_smoothed_mean() -> None:
    gate = _gate(band=0.3, band_time=1.0, start=0.5)
    assert gate.step(0, 1.0, {}, {"node": 2.0})["out"] == pytest.approx(1.3)
    assert gate.read()["mean"] == pytest.approx(1.0 + 0.3 * (1 - np.exp(-1)))
    assert gate.step(1, 1.0, {}, {"node": 0.0})["out"] == pytest.approx(gate._mean_before - 0.3)


def test_a_base_delivers_no_more_than_its_limit_or_what_a_hand_sets() -> None:
    gate = _gate(start=1.0)
    assert gate.step(0, 0.25, {}, {"node": 5.0})["out"] == 2.0
    assert gate.step(1, 0.25, {"limit": 0.7}, {"node": 5.0})["out"] == pytest.approx(0.7)
    assert gate.adjust("node", -1.0, 0.25) == pytest.approx(0.0)
    assert gate.adjust("out", -0.2, 0.25) == pytest.approx(-0.2)
    assert gate.adjust("node", -1.0, 0.25) == pytest.approx(0.0)


def test_within_a_step_a_base_rises_by_the_minute() -> None:
    gate = _gate(minute_up=0.1, minute_down=0.1)
    # 15 minutes that rise by 0.1 from 0.1 on: 0.1, 0.2 … 1.0, then 1.0: (5.5 + 5 · 1) / 15.
    assert gate.step(0, 0.25, {}, {"node": 1.0})["out"] == pytest.approx(10.5 / 15)
    assert gate.read()["kept_minutes"] == 1.0
    # It falls at once: one minute of the thirty does not keep the limit, and nothing is lost by it.
    assert gate.step(1, 0.25, {}, {"node": 0.5})["out"] == pytest.approx(0.5)
    assert gate.read()["kept_minutes"] == pytest.approx(29 / 30)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_base_never_breaks_its_upward_limits(seed: int) -> None:
    random = np.random.default_rng(seed)
    base = _asset(
        "remote_base", node="base", out="far", p_nom=2.0, ramp_up=1.5, band=0.5, minute_up=0.05,
        flicker=0.2,
    )  # fmt: skip
    gate, before, mean = _device(base, seed), 0.0, 0.0
    for index in range(48):
        gate.step(index, 0.25, {}, {"node": float(random.uniform(-0.5, 3.0))})
        if random.random() < 0.5:
            gate.adjust("node", float(random.uniform(-1.0, 1.0)), 0.25)
        assert 0.0 <= gate.p <= min(2.0, before + 1.5 * 0.25, mean + 0.5) + 1e-12
        before, mean = gate.p, gate.mean


# -- heat -----------------------------------------------------------------------------------------


def test_the_logarithmic_mean_is_that_of_the_text_books() -> None:
    # VDI Heat Atlas C1: ends of 60 and 20 K have a mean of 36.41 K, equal ends their own.
    found = log_mean(np.array([60.0, 30.0]), np.array([20.0, 30.0]))
    assert found.tolist() == pytest.approx([36.41, 30.0], abs=0.005)


def test_an_exchanger_passes_what_pinch_and_returns_leave() -> None:
    plates = _asset("heat_exchanger", node="steam", heat="warm", q_nom=2.0)
    most, share = plates.passes(outlook_of(day(1)))  # type: ignore[attr-defined]
    # Steam at 150 degC is cooled to 55 of the 30 it could be: 95 of 120 K.
    assert share.tolist() == pytest.approx([95 / 120])
    assert most.tolist() == [2.0]
    upwards = _asset("heat_exchanger", node="mild", heat="warm", q_nom=2.0)
    assert upwards.passes(outlook_of(day(1)))[0].tolist() == [0.0]  # type: ignore[attr-defined]


def test_heat_passes_only_in_the_steps_in_which_its_end_is_cooler() -> None:
    """A network at 80 degC feeds one that goes from 95 to 65 degC as it gets warmer outside."""
    curve = {"supply": [95.0, 65.0], "air": [-15.0, 15.0], "return": 50.0}
    warmths = {
        "bath": Warmth.model_validate({"supply": [80.0], "return": 55.0}),
        "warm": Warmth.model_validate(curve),
    }
    outlook = replace(outlook_of(day()), warmths=warmths)
    assert outlook.weather is not None
    air = outlook.weather.t_air
    # 80 - (80 - air) ≥ 5 from 5 degC on; a pipe needs no difference, and a chiller 75 degC.
    plates = _asset("heat_exchanger", node="bath", heat="warm", q_nom=1.0).signals(outlook)["most"]
    pipe = _asset("heat_pipe", node="bath", heat="warm", q_nom=1.0, length=1.0).signals(outlook)
    back = _asset("heat_pipe", node="warm", heat="bath", q_nom=1.0, length=1.0).signals(outlook)
    ab = _asset("absorption_chiller", node="bus", heat="warm", cooling="cold", q_drive=1.0,
                t_supply=12.0).signals(outlook)  # fmt: skip
    assert ((plates[0] > 0) == (air >= 5.0)).all()
    assert 0 < (air >= 5.0).sum() < 96
    assert ((pipe["most"][0] > 0) == (air >= 0.0)).all()
    assert ((back["most"][0] > 0) == (air <= 0.0)).all()
    assert ((ab["most"][0] > 0) == (air <= 5.0)).all()


def test_an_exchanger_takes_more_than_it_gives_and_counts_the_rest() -> None:
    plates = _device(_asset("heat_exchanger", node="steam", heat="warm", q_nom=2.0, fouling=0.0))
    flows = plates.step(0, 0.5, {}, {"heat": -0.95})
    assert flows == pytest.approx({"heat": 0.95, "node": -1.2})
    assert plates.read()["lost_sum"] == pytest.approx(0.125)
    assert plates.adjust("node", 0.6, 0.5) == pytest.approx(0.6)
    assert plates.adjust("heat", 1.0, 0.5) == 0.0, "what the steam lacked is not taken again"


def test_a_pipe_goes_cold_when_nothing_can_warm_it() -> None:
    pipe = _asset(
        "heat_pipe", node="warm", heat="mild", q_nom=1.0, length=1e3, leak=1.0, ground=10.0,
        damp=0.0, price_cold=1_000.0,
    )  # fmt: skip
    main = _device(pipe)
    assert main.step(0, 0.5, {}, {"heat": -0.4})["node"] == pytest.approx(-0.505)
    assert main.adjust("node", 0.6, 0.5) == pytest.approx(0.505)
    assert main.read()["cold"] == pytest.approx(0.105)
    assert main.costs["unserved"] == pytest.approx(0.105 * 0.5 * 1_000.0)
    main.step(1, 0.5, {}, {"heat": 0.0})
    assert main.costs["unserved"] == pytest.approx(52.5)


def test_a_header_vents_what_nothing_takes_and_says_how_much() -> None:
    header = _device(
        _asset("steam_header", node="steam", heat="warm", q_nom=1.0, content=0.5, leak=0.1)
    )
    assert header.step(0, 0.5, {}, {"heat": 0.0})["heat"] == pytest.approx(0.1), "it leaks"
    assert header.adjust("node", -0.4, 0.5) == pytest.approx(-0.4)
    assert header.read()["vented"] == pytest.approx(0.4 * 0.5 / 0.5)
    assert header.costs["energy"] == pytest.approx(0.4 * 12.0)
    assert header.adjust("node", 0.45, 0.5) == pytest.approx(0.45)
    assert header.read()["vent"] == 0.0
    assert header.read()["q"] == pytest.approx(0.05)


def test_an_absorption_chiller_has_the_cop_of_its_share_of_the_reversible() -> None:
    # 95, 32 and 7 degC: (63 / 368.15) · (280.15 / 25) = 1.918, of which 0.37.
    found = absorption_cop(np.array([95.0]), np.array([32.0]), 7.0, 0.37)
    assert found.tolist() == pytest.approx([0.7095], abs=5e-4)
    assert absorption_cop(np.array([30.0]), np.array([32.0]), 7.0, 0.37).tolist() == [0.0]


def test_a_willans_line_burns_its_idle_share_at_no_load() -> None:
    engine = _device(
        _asset("generator", node="bus", p_nom=1.0, fuel_price=100.0, idle=0.2, efficiency_best=0.4)
    )
    for p, fuel in ((1.0, 2.5), (0.5, (0.5 + 0.1) / 0.4), (0.0, 0.0), (2.0, 2.5)):
        engine.step(0, 1.0, {"p": p}, {})
        assert engine.read()["fuel"] == pytest.approx(fuel)


def test_an_electrolyser_at_full_load_has_its_full_load_efficiency() -> None:
    cells = _device(_asset("electrolyser", node="bus", p_nom=2.0, price=500.0))
    assert cells.step(0, 1.0, {"p": 2.0}, {})["hydrogen"] == pytest.approx(1.24)
    assert cells.read()["made"] == pytest.approx(1.24 / 33.32)
    assert cells.costs["energy"] == pytest.approx(-620.0)
    fed = _device(_asset("electrolyser", node="bus", p_nom=2.0, hydrogen="h2"))
    assert fed.step(0, 1.0, {}, {"hydrogen": -0.5})["hydrogen"] == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(4))
def test_a_seller_delivers_between_the_ratios_of_its_contract(seed: int) -> None:
    contract = _asset(
        "green_power_contract", shape={"constant": 2.0}, price=5.0, least=0.8, most=1.05
    )
    given_ = contract.chance(outlook_of(day()), np.random.default_rng(seed))["delivered"]
    assert given_.min() >= 1.6
    assert given_.max() <= 2.1
    assert np.ptp(given_) > 0.05


# -- together -------------------------------------------------------------------------------------

WHOLE = """
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 3 MW, export_max: 0.5 MW, tariff: simple}
  - {kind: load, name: works, node: site, profile: {constant: 1 MW}}
  - {kind: load, name: shops, node: sub, profile: {constant: 0.5 MW}}
  - {kind: transformer, name: a, node: bus2, up: bus, p_nom: 4 MW}
  - {kind: transformer, name: b, node: sub, up: bus2, p_nom: 3 MW}
  - {kind: transformer, name: c, node: site, up: sub, p_nom: 2 MW}
  - {kind: pv, name: field, node: base, p_nom: 6 MW, arrays: [{tilt: 30 deg}]}
  - {kind: battery, name: cells, node: base, p_nom: 1 MW, e_nom: 2 MWh}
  - {kind: remote_base, name: gate, node: base, out: far, p_nom: 4 MW, ramp_up: 2 MW/h,
     ramp_down: 2 MW/h}
  - {kind: line, name: wire, node: far, near: bus2, p_nom: 5 MW, loss: 2 %, loss_load: 3 %}
  - {kind: boiler, name: kettle, node: sub, heat: steam, p_nom: 1 MW}
  - {kind: steam_header, name: header, node: steam, heat: warm, q_nom: 0.4 MW}
  - {kind: heat_exchanger, name: plates, node: steam, heat: warm, q_nom: 0.4 MW}
  - {kind: heat_load, name: offices, node: warm, profile: {constant: 0.4 MW}}
  - {kind: heat_pipe, name: main, node: warm, heat: mild, q_nom: 0.4 MW, length: 500 m}
  - {kind: heat_load, name: town, node: mild, profile: {constant: 0.2 MW}}
"""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("told", [True, False], ids=["planned", "alone"])
def test_three_levels_a_base_and_a_heat_chain_balance_in_the_plant(seed: int, told: bool) -> None:
    """With the plan's set-points and with none; the export cap makes the base curtail at noon."""
    assets = parse(WHOLE.replace("bus2", "it_bus"))
    nodes = [*NODES, type(NODES[0])("it_bus", "electricity")]
    outlook = outlook_of(day())
    program = program_of(assets, outlook, nodes=nodes)
    plan = Plan.read(program, Solver(program).solve(), 0)
    columns = {"boiler": "use", "heat_exchanger": "give", "heat_pipe": "give"}
    plant = Plant(assets, outlook, {n.name: n.spill_cost is not None for n in nodes}, seed)
    curtailed = 0.0
    for index in range(96):
        said = {
            asset.name: {
                "p" if asset.kind == "boiler" else "q": float(
                    plan.amounts(asset.kind, columns[asset.kind])[0, index] / 0.25
                )
            }
            for asset in assets
            if told and asset.kind in columns
        }
        plant.write(said)
        plant.step(index)
        readings = plant.read()
        assert plant.residual <= 1e-6, (index, plant.flows)
        assert abs(readings["a"]["p"]) <= 4.0 + 1e-9
        assert readings["works"]["unserved"] <= 1e-6
        assert readings["offices"]["unserved"] <= 1e-6
        assert readings["town"]["unserved"] <= 1e-6
        curtailed += readings["field"]["available"] - readings["field"]["p"]
    assert curtailed > 1.0
    assert 0.0 < plant.read()["gate"]["kept"] <= 1.0


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        (
            "line",
            {"node": "bus", "near": "bus", "p_nom": 1.0},
            "both ends are node 'bus'; a line goes from one node to another",
        ),
        (
            "line",
            {"node": "far", "near": "bus", "p_nom": 1.0, "loss": -0.01},
            "Input should be greater than or equal to 0",
        ),
        (
            "transformer",
            {"node": "bus", "up": "bus", "p_nom": 1.0},
            "both sides are node 'bus'; a transformer stands between two nodes",
        ),
        (
            "remote_base",
            {"node": "base", "out": "base", "p_nom": 1.0},
            "the base feeds the node 'base' it stands on; let out be the sending end of its line",
        ),
        (
            "generator",
            {"node": "bus", "p_nom": 1.0, "fuel_price": 1.0, "efficiency": 0.41},
            "0.41 is above efficiency_best 0.4; allowed: efficiency ≤ efficiency_best",
        ),
        (
            "generator",
            {"node": "bus", "p_nom": 1.0, "fuel_price": 1.0, "heat_ratio": 1.6},
            (
                "power and heat would be 1.04 of the fuel; allowed: efficiency_best · "
                "(1 + heat_ratio) ≤ 1"
            ),
        ),
        (
            "electrolyser",
            {"node": "bus", "p_nom": 1.0},
            "hydrogen goes to a node or is sold; write one of hydrogen, price",
        ),
        (
            "electrolyser",
            {"node": "bus", "p_nom": 1.0, "price": 1.0, "efficiency": 0.71},
            "0.71 is not between efficiency_full 0.62 and efficiency_best 0.7; write them in order",
        ),
        (
            "green_power_contract",
            {"shape": {"constant": 1.0}, "price": 5.0, "least": 1.1, "most": 0.9},
            "the ratios contradict: least 1.1, expected 1, most 0.9; allowed: least ≤ 1 ≤ most",
        ),
        (
            "green_power_contract",
            {"shape": {"series": "curve"}, "price": 5.0},
            "the shape of a contract is constant or weekday; write one of them",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    kind: str, fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        _asset(kind, **fields)
    assert [error["msg"] for error in refused.value.errors()] == [sentence]


# -- the best case --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_at_its_best_no_kind_is_worse_than_its_plant(seed: int) -> None:
    """Rate by rate: fuel for power, hydrogen, heat exchanged, lost by a pipe, given by a seller."""
    outlook = outlook_of(day())
    best = outlook.at_its_best()
    engine = _asset("generator", node="bus", p_nom=1.0, fuel_price=100.0)
    cells = _asset("electrolyser", node="bus", p_nom=1.0, price=500.0)
    plates = _asset("heat_exchanger", node="steam", heat="warm", q_nom=1.0)
    pipe = _asset("heat_pipe", node="warm", heat="mild", q_nom=1.0, length=1e3)
    chiller = _asset("absorption_chiller", node="bus", heat="steam", cooling="cold", q_drive=1.0,
                     t_supply=12.0)  # fmt: skip
    seller = _asset("green_power_contract", shape={"constant": 1.0}, price=5.0)
    gate = _asset("remote_base", node="base", out="far", p_nom=1.0, ramp_down=0.1)
    burns = _device(engine, seed)
    makes, gives, leaks = (_device(a, seed) for a in (cells, plates, pipe))
    cools, sells = _device(chiller, seed), _device(seller, seed)
    for p in (0.05, 0.4, 1.0):
        burns.step(0, 1.0, {"p": p}, {})
        assert burns.read()["fuel"] >= p / engine.signals(best)["efficiency"][0, 0] - 1e-12
        made = makes.step(0, 1.0, {"p": p}, {})["hydrogen"]
        assert made <= p * cells.signals(best)["efficiency"][0, 0] + 1e-12
        flows = cools.step(0, 1.0, {"drive": p}, {})
        assert flows["cooling"] <= p * chiller.signals(best)["cop"][0, 0] + 1e-12
        assert -flows["node"] >= 0.02 * flows["cooling"] - 1e-12
    assert gives.step(0, 1.0, {"q": 9.0}, {})["heat"] <= plates.signals(best)["most"][0, 0]
    leaks.step(0, 1.0, {"q": 0.0}, {})
    assert leaks.read()["lost"] >= pipe.signals(best)["loss"][0, 0] - 1e-12
    sells.step(0, 1.0, {}, {})
    assert sells.read()["delivered"] >= seller.signals(best)["delivered"][0, 0] - 1e-12
    assert gate.signals(best)["loose"].min() >= 1.0, "a fall of all it delivers binds nobody"
    assert gate.signals(outlook)["loose"].max() == 0.0
