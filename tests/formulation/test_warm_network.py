"""Warm equals cold for what looks back beyond stores: a base held by ramp and smoothness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.assets.yard import by_kind
from tests.formulation.random_parks import (
    START,
    ZONE,
    first_readings,
    inputs_at,
    program_for,
    random_signals,
    tariff_of,
)
from zeropark.assets import kinds
from zeropark.assets.kind import Kind
from zeropark.data.outlook import Outlook
from zeropark.formulation.plan import Plan
from zeropark.formulation.solver import Solver
from zeropark.units.timegrid import TimeGrid

STEPS, HORIZON = 25, 8


def _base(random: np.random.Generator) -> list[Kind]:
    def size(low: float, high: float) -> float:
        return round(float(random.uniform(low, high)), 3)

    entries: dict[str, dict[str, Any]] = {
        "grid_tie": {"node": "bus", "import_max": 6.0, "export_max": size(0, 2),
                     "tariff": "simple"},
        "load": {"node": "bus", "profile": {"constant": 1.0}},
        "pv": {"node": "base", "p_nom": 3.0, "arrays": [{"tilt": 30.0}]},
        "battery": {"node": "base", "p_nom": size(0.2, 1), "e_nom": size(0.2, 2)},
        "remote_base": {"node": "base", "out": "far", "p_nom": size(1, 3), "ramp_up": size(0.5, 4),
                        "ramp_down": size(0.5, 4), "band": size(0.3, 2), "start": size(0, 1)},
        "line": {"node": "far", "near": "bus", "p_nom": size(1, 3), "loss_load": size(0, 0.1)},
    }  # fmt: skip
    found = kinds()
    return [
        found[kind].model_validate({"name": f"a-{kind}", **fields})
        for kind, fields in entries.items()
    ]


@pytest.mark.parametrize("park", range(8))
def test_a_base_is_planned_warm_as_it_is_cold(park: int) -> None:
    """The base delivers near what was meant; where the sun fails, its downward limits give way."""
    random = np.random.default_rng([park, 1_213])
    grid = TimeGrid.regular(START, STEPS + HORIZON, [15, 60][park % 2], ZONE)
    outlook = Outlook(grid, None, {"simple": tariff_of(random)}, grid)
    assets = _base(random)
    grouped, readings = by_kind(assets), first_readings(assets, random)
    gate = readings["a-remote_base"]
    gate |= {"p": 0.5, "mean": 0.5}
    signals = random_signals(grouped, outlook, random)
    warm_program = program_for(assets, grid.hours[:HORIZON])
    warm, elastic = Solver(warm_program), 0
    for index in range(STEPS):
        window = grid.window(index, index + HORIZON)
        ahead = {
            kind: {name: array[:, index : index + HORIZON] for name, array in own.items()}
            for kind, own in signals.items()
        }
        inputs = inputs_at(grouped, ahead, readings, window, end_price=300.0)
        if index:
            warm_program.layout.advance(1)
        warm_program.update(inputs)
        cold_program = program_for(assets, grid.hours[:HORIZON])
        cold_program.update(inputs)
        warmly, coldly = warm.solve(), Solver(cold_program).solve()
        near = 1e-6 * max(1.0, abs(coldly.objective)) * (10.0 if coldly.elastic else 1.0)
        assert warmly.objective == pytest.approx(coldly.objective, abs=near, rel=0)
        assert warmly.elastic == coldly.elastic
        elastic += warmly.elastic
        plan = Plan.read(warm_program, warmly, index)
        gate["p"] = max(0.0, plan.amounts("remote_base", "output")[0, 0] + random.normal(0, 0.1))
        gate["mean"] = float(plan.amounts("remote_base", "mean")[0, 0])
        readings["a-battery"]["energy"] = float(plan.amounts("battery", "energy")[0, 0])
    assert elastic < STEPS
