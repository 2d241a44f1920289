"""A fleet of batteries: every one can do its share, and little is lost by planning pools."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.assets.yard import day, outlook_of, parse, program_of
from zeropark.assets.battery_fleet import BatteryFleet, FleetDevice
from zeropark.assets.kind import Horizon, Kind
from zeropark.formulation.program import Balance
from zeropark.formulation.solver import Solver
from zeropark.operate.horizon import Steps
from zeropark.operate.planner import Planner

TIE = "{kind: grid_tie, name: tie, node: bus, import_max: 5 MW, export_max: 5 MW, tariff: simple}"
LOAD = "{kind: load, name: works, node: bus, profile: {constant: 0.2 MW}}"
MAKE = "{name: a, count: 3, p_nom: 100 kW, e_nom: 200 kWh, efficiency: 90 %, efficiency_best: 90 %"


def _fleet(makes: str, more: str = "") -> BatteryFleet:
    text = f"assets: [{{kind: battery_fleet, name: f, node: bus, makes: [{makes}]{more}}}]"
    (found,) = parse(text)
    assert isinstance(found, BatteryFleet)
    return found


def test_states_lie_evenly_about_the_mean_and_in_the_band() -> None:
    fleet = _fleet(MAKE + ", start: 20 %, spread: 30 %}")
    assert fleet.starts().tolist() == pytest.approx([0.02, 0.04, 0.1])
    one = _fleet("{name: a, count: 1, p_nom: 1 MW, e_nom: 2 MWh, start: 50 %, spread: 30 %}")
    assert one.starts().tolist() == [1.0]


def test_pools_are_as_large_as_their_share_of_all_by_hand() -> None:
    """Three of 0.2 MWh at 0, 1/2 and 1 of their band: one and a half full ones, as many empty."""
    fleet = _fleet(MAKE + ", start: 50 %, spread: 50 %}", ", floor: 0, ceiling: 1")
    horizon = Horizon(day(2, 60), 100.0)
    found = fleet.situation(fleet.device(None, None).read(), horizon)  # type: ignore[arg-type]
    assert found.figures["units"].tolist() == pytest.approx([1.5, 1.5])
    assert found.figures["energy"].tolist() == pytest.approx([0.0, 0.3])
    assert found.figures["whole"].tolist() == [0.0, 3.0]
    assert found.figures["all_energy"].tolist() == pytest.approx([0.0, 0.3])
    powers = fleet.split({"a-empty": -0.15, "a-full": 0.03}, fleet.starts())
    assert powers.tolist() == pytest.approx([-0.1, -0.05 + 0.01, 0.02])


@pytest.mark.parametrize("seed", range(4))
def test_every_battery_does_what_the_plan_tells_it(seed: int) -> None:
    """Planned and lived again and again for a day: no battery stops short of its set-point."""
    random = np.random.default_rng(seed)
    makes = ", ".join(
        f"{{name: m{i}, count: {random.integers(1, 9)}, p_nom: {random.uniform(20, 90):.1f} kW, "
        f"e_nom: {random.uniform(50, 300):.1f} kWh, efficiency: 92 %, efficiency_best: 92 %, "
        f"start: {random.uniform(20, 80):.0f} %, spread: {random.uniform(0, 40):.0f} %}}"
        for i in range(3)
    )
    fleet = _fleet(makes)
    assets: list[Kind] = [*parse(f"assets: [{TIE}, {LOAD}]"), fleet]
    outlook = outlook_of(day(24, 60))
    nodes = [Balance("bus", "electricity")]
    planner = Planner(assets, nodes, Steps(1.0, 12))
    devices = {a.name: a.device(outlook, random) for a in assets}
    mine = devices["f"]
    assert isinstance(mine, FleetDevice)
    for step in range(12):
        ahead = outlook.window(step, step + 12)
        signals: dict[str, dict[str, Any]] = {}
        for kind, own in planner.kinds.items():
            parts = [asset.signals(ahead) for asset in own]
            signals[kind] = {name: np.vstack([p[name] for p in parts]) for name in parts[0]}
        readings = {name: device.read() for name, device in devices.items()}
        plan = planner.plan(step, signals, readings, Horizon(ahead.grid, 400.0))
        assert plan is not None
        told = planner.setpoints(plan, step)["f"]
        each = fleet.split(told, mine.energies)
        mine.step(step, 1.0, told, {})
        assert mine.powers == pytest.approx(each, abs=1e-7)
        assert mine.p == pytest.approx(told["p"], abs=1e-6)


def test_pools_cost_little_more_than_every_battery_by_itself() -> None:
    """Nine batteries of one make at nine states, against nine assets: within 1 % of the saving."""
    fleet = _fleet(MAKE.replace("3", "9") + ", start: 50 %, spread: 40 %}")
    alone = "\n".join(
        f"  - {{kind: battery, name: b{i}, node: bus, p_nom: 100 kW, e_nom: 200 kWh, "
        f"efficiency: 90 %, efficiency_best: 90 %, start: {e / 0.2:.6f}}}"
        for i, e in enumerate(fleet.starts().tolist())
    )
    outlook = outlook_of(day(96, 15))
    outlook = outlook.__class__(outlook.grid, None, outlook.tariffs, outlook.grid)
    park = f"assets:\n  - {TIE}\n  - {LOAD}\n"
    none = Solver(program_of(parse(park), outlook)).solve().objective
    pools = Solver(program_of([*parse(park), fleet], outlook)).solve().objective
    single = Solver(program_of(parse(park + alone), outlook)).solve().objective
    # What rests in the batteries is worth its efficiency times the price after the day.
    rests = fleet.starts().sum() * fleet.keep**24 * 0.9 * 400.0
    saving = none - rests - single
    assert saving > 0.0
    assert single - 1e-6 <= pools <= single + 0.01 * saving


def test_a_fleet_by_itself_keeps_what_it_has() -> None:
    fleet = _fleet(MAKE + "}", ", standing_loss: 0")
    device = fleet.device(None, None)  # type: ignore[arg-type] # it needs neither
    before = device.read()["energy"]
    assert device.step(0, 1.0, {}, {}) == {"node": 0.0}
    assert device.read()["energy"] == pytest.approx(before)
    # 3 · 0.1 MWh in 3 · 0.2; down to 0.02 each at 90 %: 0.216 MWh in an hour, up to 0.19.
    assert device.step(1, 1.0, {"p": 9.0}, {})["node"] == pytest.approx(3 * 0.08 * 0.9)
    assert device.step(2, 1.0, {"p": -9.0}, {})["node"] == pytest.approx(-3 * 0.1)


@pytest.mark.parametrize(
    ("makes", "more", "sentence"),
    [
        (MAKE + "}", ", floor: 0.95", "0.95 is not below ceiling 0.95; allowed: floor < ceiling"),
        (
            MAKE + "}, " + MAKE + "}",
            "",
            "make 'a' stands there twice; allowed: each name once. Add up the counts, or rename",
        ),
        (
            "{name: a, count: 1, p_nom: 1 kW, e_nom: 1 kWh, efficiency: 0.95}",
            "",
            "make 'a': efficiency 0.95 is above efficiency_best 0.935; allowed: efficiency ≤ ",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(makes: str, more: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as told:
        _fleet(makes, more)
    assert sentence in str(told.value)


def test_the_edges_of_what_is_allowed() -> None:
    just = MAKE.replace("count: 3", "count: 100000") + "}"
    assert len(_fleet(just).starts()) == 100_000
    for count in ("0", "100001"):
        with pytest.raises(ValidationError):
            _fleet(MAKE.replace("count: 3", f"count: {count}") + "}")
    assert _fleet(MAKE + "}", ", floor: 0.949").floor == 0.949
