"""A sum over the horizon: one row per asset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from zeropark.formulation.block import Block
from zeropark.formulation.layout import Layout
from zeropark.formulation.linear import Rule
from zeropark.formulation.program import Balance, Inputs, Program
from zeropark.formulation.solver import Solver


@dataclass(frozen=True)
class Task:
    """Takes an amount of energy in all, at a price by hour; it makes what it takes."""

    name: str

    def members(self) -> Sequence[tuple[str, object]]:
        return [("", self)]

    def port_nodes(self) -> Mapping[str, str | None]:
        return {"node": "bus"}

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        taken = m.flow("taken", upper=1.0)
        made = m.flow("made")
        yield "made", taken == made
        yield "energy", taken.total() == m.figure("energy")
        m.into("node", made - taken)
        m.cost("energy", made * m.signal("price"))


def test_energy_is_taken_in_the_cheapest_hours_and_no_more_than_asked() -> None:
    tasks = {"task": [Task("a"), Task("b")]}
    program = Program([Balance("bus", "electricity")], tasks, Layout(np.ones(3)))
    prices = np.array([[5.0, 1.0, 3.0], [2.0, 9.0, 4.0]])
    solver = Solver(program)
    # a: 1 at 1 and 0.5 at 3; b: 1 at 2 and 1 at 4.
    for energy, cost in ((np.array([1.5, 2.0]), 2.5 + 6.0), (np.array([0.0, 1.0]), 2.0)):
        program.update({"task": Inputs({"price": prices}, {"energy": energy})})
        assert solver.solve().objective == pytest.approx(cost, abs=1e-9)
        program.layout.advance(1)
        program.update({"task": Inputs({"price": prices}, {"energy": energy})})
        assert solver.solve().objective == pytest.approx(cost, abs=1e-9)


def test_a_sum_adds_one_row_per_asset() -> None:
    layout = Layout(np.ones(3))
    program = Program([Balance("bus", "electricity")], {"task": [Task("a"), Task("b")]}, layout)
    energy = next(rows for rows in program.rows if rows.name == "task-energy")
    assert energy.numbers.shape == (2, 1)
    # One row stands for all there are not.
    assert program.row_count == 2 * layout.slots + 2 + layout.slots + 1
