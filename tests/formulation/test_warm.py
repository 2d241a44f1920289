"""Warm equals cold: a ring that is turned and re-solved says what a program built anew says."""

from __future__ import annotations

import numpy as np
import pytest

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
from zeropark.formulation.program import Program
from zeropark.formulation.solver import Solution, Solver
from zeropark.units.timegrid import TimeGrid

PARKS, STEPS, HORIZON = 40, 50, 8


def _outlook(random: np.random.Generator, minutes: int) -> Outlook:
    grid = TimeGrid.regular(START, STEPS + HORIZON, minutes, ZONE)
    return Outlook(grid, None, {"simple": tariff_of(random)}, grid)


def _live(
    assets: list[Kind],
    plan: Plan,
    readings: dict[str, dict[str, float]],
    random: np.random.Generator,
) -> None:
    """Let a step go by: stores end near where the plan meant them to, the peak grows."""
    for asset in assets:
        if asset.kind in {"battery", "thermal_store"}:
            meant = float(plan.amounts(asset.kind, "energy")[0, 0])
            missed = float(random.normal(0, 0.05)) * asset.e_nom  # type: ignore[attr-defined]
            held = min(asset.e_nom, max(0.0, meant + missed))  # type: ignore[attr-defined]
            readings[asset.name]["energy"] = held
        if asset.kind == "grid_tie":
            drawn = float(plan.amounts("grid_tie", "import")[0, 0])
            hours = float(plan.program.layout.hours[0])
            tie = readings[asset.name]
            for parity in ("peak_even", "peak_odd"):
                tie[parity] = max(tie[parity], drawn / hours)


def _breach(program: Program, solution: Solution) -> float:
    """By how much the worst row or bound is broken, with plain loops over the sparse matrix."""
    lower, upper, row_lower, row_upper = program.shut()
    x: Floats = solution.columns
    activity = np.zeros(program.row_count)
    np.add.at(activity, program.entry_row, program.value * x[program.index])
    return max(
        float(np.max(lower - x)),
        float(np.max(x - upper)),
        float(np.max(row_lower - activity)),
        float(np.max(activity - row_upper)),
    )


@pytest.mark.parametrize("park", range(PARKS))
def test_two_thousand_warm_steps_equal_cold_ones(park: int) -> None:
    random = np.random.default_rng([park, 4_711])
    minutes = [5, 15, 60][park % 3]
    assets, outlook = random_assets(random), _outlook(random, minutes)
    grouped, readings = by_kind(assets), first_readings(assets, random)
    signals = random_signals(grouped, outlook, random)
    warm_program = program_for(assets, outlook.grid.hours[:HORIZON])
    warm = Solver(warm_program)
    for index in range(STEPS):
        if random.random() < 0.2:
            signals = random_signals(grouped, outlook, random)  # the forecast turns
        window = outlook.grid.window(index, index + HORIZON)
        ahead = {
            kind: {name: array[:, index : index + HORIZON] for name, array in own.items()}
            for kind, own in signals.items()
        }
        inputs = inputs_at(grouped, ahead, readings, window, end_price=300.0)
        if index:
            warm_program.layout.advance(1)
        warm_program.update(inputs)
        cold_program = program_for(assets, outlook.grid.hours[:HORIZON])
        cold_program.update(inputs)
        warmly, coldly = warm.solve(), Solver(cold_program).solve()
        # Passes that settle what gives way leave the solver's own tolerance open.
        near = 1e-6 * max(1.0, abs(coldly.objective)) * (10.0 if coldly.elastic else 1.0)
        assert warmly.objective == pytest.approx(coldly.objective, abs=near, rel=0)
        assert warmly.elastic == coldly.elastic
        assert _breach(warm_program, warmly) <= 1e-6
        _live(assets, Plan.read(warm_program, warmly, index), readings, random)
