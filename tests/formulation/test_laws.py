"""Laws that hold in every plan of every park: nodes close, stores move one way, bounds are kept."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.assets.yard import by_kind
from tests.formulation.random_parks import (
    START,
    ZONE,
    Floats,
    first_readings,
    inputs_at,
    program_for,
    random_assets,
    random_signals,
    tariff_of,
)
from zeropark.assets.kind import Kind
from zeropark.data.outlook import Outlook
from zeropark.formulation.plan import Plan
from zeropark.formulation.solver import Solver
from zeropark.units.timegrid import TimeGrid

# What flows into the node at each port, by the columns it is made of; written down a second time,
# by hand.
FLOWS: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "grid_tie": {"node": {"import": 1, "export": -1}},
    "load": {"node": {"use": -1}},
    "heat_load": {"node": {"use": -1}},
    "cooling_load": {"node": {"use": -1}},
    "curtailable_load": {"node": {"use": -1}},
    "pv": {"node": {"p": 1}},
    "wind": {"node": {"p": 1}},
    "battery": {"node": {"discharge": 1, "charge": -1}},
    "boiler": {"node": {"use": -1}, "heat": {"heat": 1}},
    "heat_pump": {"node": {"use": -1}, "heat": {"heat": 1}},
    "chiller": {"node": {"use": -1}, "cooling": {"cooling": 1}},
    "thermal_store": {"node": {"give": 1}},
}
STEPS = 12
seeds = st.integers(min_value=0, max_value=2**32 - 1)
minutes = st.sampled_from([5, 15, 30, 60])


def _plan(seed: int, step: int) -> tuple[list[Kind], Plan]:
    random = np.random.default_rng(seed)
    grid = TimeGrid.regular(START, STEPS, step, ZONE)
    assets = random_assets(random)
    outlook = Outlook(grid, None, {"simple": tariff_of(random)}, grid)
    grouped = by_kind(assets)
    program = program_for(assets, grid.hours)
    signals = random_signals(grouped, outlook, random)
    readings = first_readings(assets, random)
    program.update(inputs_at(grouped, signals, readings, grid, end_price=300.0))
    return assets, Plan.read(program, Solver(program).solve(), 0)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(seed=seeds, step=minutes)
def test_energy_closes_at_every_node(seed: int, step: int) -> None:
    assets, plan = _plan(seed, step)
    into: dict[str, Floats] = {node.name: np.zeros(STEPS) for node in plan.program.nodes}
    for asset in assets:
        for port, node in asset.port_nodes().items():
            for column, sign in FLOWS[asset.kind].get(port, {}).items():
                assert node is not None
                into[node] += sign * plan.amounts(asset.kind, column)[0]
    names = [node.name for node in plan.program.nodes]
    for name, sign in (("shed", 1), ("dump", -1), ("spill", -1)):
        for node, amounts in zip(names, plan.amounts("node", name), strict=True):
            into[node] += sign * amounts
    for residual in into.values():
        assert np.max(np.abs(residual)) <= 1e-7


@settings(max_examples=200, deadline=None, derandomize=True)
@given(seed=seeds, step=minutes)
def test_a_store_never_charges_and_discharges_in_one_step(seed: int, step: int) -> None:
    assets, plan = _plan(seed, step)
    if any(asset.kind == "battery" for asset in assets):
        charge, discharge = (plan.amounts("battery", n)[0] for n in ("charge", "discharge"))
        assert np.max(np.minimum(charge, discharge)) <= 1e-9


@settings(max_examples=100, deadline=None, derandomize=True)
@given(seed=seeds, step=minutes)
def test_a_battery_never_leaves_its_band_where_it_began_inside(seed: int, step: int) -> None:
    assets, plan = _plan(seed, step)
    for asset in assets:
        if asset.kind == "battery":
            start = float(plan.program.blocks["battery"].figures["energy"].array[0, 0])
            energy = plan.amounts("battery", "energy")[0]
            rested = asset.keep ** float(plan.program.layout.hours.sum())  # type: ignore[attr-defined]
            assert energy.min() >= min(start, asset.e_floor) * rested - 1e-9  # type: ignore[attr-defined]
            assert energy.max() <= max(start, asset.e_ceiling) + 1e-9  # type: ignore[attr-defined]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(seed=seeds, step=minutes, share=st.floats(0.0, 1.0))
def test_a_dearer_grid_never_makes_a_cheaper_plan(seed: int, step: int, share: float) -> None:
    """The optimum rises with any price of what is bought; a sign turned round would break this."""
    _, plan = _plan(seed, step)
    program = plan.program
    price = program.blocks["grid_tie"].signals["price_import"]
    price.put(price.array * (1.0 + share))
    program.update({})
    assert Solver(program).solve().objective >= plan.solution.objective - 1e-6
