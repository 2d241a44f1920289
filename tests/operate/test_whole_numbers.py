"""A works in the closed loop: what runs is decided by the hour, and the ring stays warm between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.assets.yard import parse
from zeropark.formulation import commitment
from zeropark.formulation.commitment import whole_columns
from zeropark.formulation.solver import Grade, Solver
from zeropark.model.park import Node, Park
from zeropark.operate.controllers import Planned
from zeropark.operate.run import Run, execute

from .conftest import XINING, request_of, silent, tariff

WORKS = """
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 30 MW, contract: 16 MW, tariff: simple}
  - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
  - {kind: heat_load, name: offices, node: warm, profile: {constant: 1 MW}}
  - {kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 2 MW}
  - {kind: furnace, name: reduction, node: bus, heat: warm, output: poly, p_nom: 6 MW, p_min: 3 MW,
     ramp: 4 MW/h, energy: 42 kWh/kg, steam_share: 50 %, start_cost: 2000 CNY, stock_max: 8 t,
     stock_start: 4 t}
  - {kind: process_line, name: rods, node: bus, input: poly, rate: 0.2 t/h, rate_min: 0.05 t/h,
     energy: 23 kWh/kg, stock_max: 10 t, stock_start: 5 t, yield_in: 1.05, embodied: 44 kWh/kg,
     start_cost: 200 CNY, orders: [{name: daily, amount: 2 t, due: 18 h}]}
  - {kind: batch_process, name: formation, node: bus, course: 0.6 0.3 MW, duration: 2 h,
     changeover: 30 min, machines: 2, windows: [{name: day, begin: 6 h, until: 20 h, batches: 3}]}
"""
NODES = (
    Node(name="bus", carrier="electricity"),
    Node(name="warm", carrier="heat", spill_cost=1.0),
    Node(name="poly", carrier="material"),
)


def _run(**changes: object) -> Run:
    park = Park(
        name="works",
        place=XINING,
        region="qinghai",
        nodes=NODES,
        assets=tuple(parse(WORKS)),
        tariffs=(tariff(),),
    )
    return Run(request_of(park, **changes))


def _unsearched(run: Run) -> Planned:
    """A controller whose search is stopped before it begins: numbers are rounded up."""
    controller = run.planned()
    controller.planner.commitments.options = {"time_limit": 0.0}
    return controller


def test_a_day_of_a_works_is_planned_between_rules_and_foresight() -> None:
    run = _run(step_minutes=60, days=2)
    controller = run.planned()
    planned = run.live("plan", controller, None, silent)
    ruled = run.live("rules", run.rules(), None, silent)
    least = sum(run.foresight().costs.values())
    assert least <= sum(planned.costs.values()) + 1e-6
    assert sum(planned.costs.values()) < sum(ruled.costs.values())
    for outcome in (planned, ruled):
        assert outcome.figures.residual <= 1e-6
        assert outcome.costs["unserved"] == 0.0
        assert outcome.readings["rods"]["delivered"] == 4.0
        assert outcome.readings["formation"]["begun"] == 6.0
        assert outcome.readings["formation"]["late"] == 0.0
    grades = controller.planner.grades
    assert grades[Grade.OPTIMAL] + grades[Grade.DEADLINE] == 48


def test_material_is_neither_made_nor_lost_between_works() -> None:
    run = _run(days=1)
    plant, rules = run.plant(), run.rules()
    made, taken, shown = 0.0, 0.0, plant.read()
    for index in range(96):
        plant.write(rules.decide(index, plant.read()))
        plant.step(index)
        shown = plant.read()
        made += shown["reduction"]["made"] * 0.25
        taken += shown["rods"]["rate"] * 0.25 * 1.05
        assert plant.residual <= 1e-9
    assert shown["reduction"]["stock"] == pytest.approx(4.0 + made - taken)
    assert shown["rods"]["stock"] == pytest.approx(5.0 + taken / 1.05 - 2.0)


def test_a_stalled_search_is_graded_and_its_plan_keeps_all_limits() -> None:
    run = _run(horizon_hours=24.0)
    controller = _unsearched(run)
    plan = controller.plan(0, run.plant().read())
    assert plan is not None
    assert plan.grade is Grade.DEADLINE
    assert plan.gap > 0.001
    assert plan.gave_way == []
    whole = plan.solution.columns[whole_columns(plan.program)]
    assert whole.tolist() == pytest.approx(np.round(whole).tolist(), abs=1e-9)
    assert list(controller.planner.timing.gaps) == [plan.gap]


def test_a_works_without_time_is_run_by_its_last_good_plan_then_by_rules() -> None:
    run = _run(horizon_hours=24.0)
    controller, plant = _unsearched(run), run.plant()
    first = controller.plan(0, plant.read())
    assert first is not None
    plant.write(controller.planner.setpoints(first, 0))
    plant.step(0)
    controller.planner.deadline = 0.0
    second = controller.plan(1, plant.read())
    assert second is not None
    assert second.grade is Grade.LAST_GOOD
    fresh = _unsearched(run)
    fresh.planner.deadline = 0.0
    assert fresh.plan(0, run.plant().read()) is None


def test_between_decisions_the_warm_plan_is_the_cold_one_with_the_same_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = _run(horizon_hours=12.0)
    controller, plant = _unsearched(run), run.plant()
    planner, decided = controller.planner, []
    decide = commitment.Commitments._decide

    def counted(self: commitment.Commitments, until: float) -> commitment.Chosen:
        decided.append(True)
        return decide(self, until)

    monkeypatch.setattr(commitment.Commitments, "_decide", counted)
    for index in range(32):
        plan = controller.plan(index, plant.read())
        assert plan is not None
        if index % 4:
            again = Solver(planner.program)
            again.fixed = planner.solver.fixed
            cold = again.solve()
            assert plan.solution.objective == pytest.approx(cold.objective, rel=1e-6)
        plant.write(planner.setpoints(plan, index))
        plant.step(index)
    assert len(decided) == 8


def test_a_bound_breaks_whole_numbers_and_searches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commitment.Commitments, "_decide", None)
    assert np.isfinite(sum(_run(step_minutes=60).foresight().costs.values()))


def test_a_growing_horizon_decides_at_each_plan() -> None:
    run = _run(horizon_hours=6.0, coarse_hours=18.0)
    controller, plant = _unsearched(run), run.plant()
    for index in range(3):
        plan = controller.plan(index, plant.read())
        assert plan is not None
        plant.write(controller.planner.setpoints(plan, index))
        plant.step(index)
    assert len(controller.planner.timing.gaps) == 3
    assert not controller.planner.program.layout.equal


def test_a_result_counts_no_material_as_energy(tmp_path: Path) -> None:
    park = _run(step_minutes=60).request.park
    told = execute(request_of(park, step_minutes=60, policy="rules"), tmp_path, silent)
    entries = [entry for side in told["energy"].values() for entry in side]
    assert {entry["carrier"] for entry in entries} == {"electricity", "heat"}
    assert told["plans"] == {"count": 0}
