"""What cannot be has no column and no row, and reads as nothing; what is given is no column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from zeropark.formulation.block import Block, Formulated
from zeropark.formulation.layout import Layout
from zeropark.formulation.linear import NONE, Rule
from zeropark.formulation.lp_text import lp_text
from zeropark.formulation.plan import Plan
from zeropark.formulation.program import Balance, Inputs, Program
from zeropark.formulation.reasons import explain
from zeropark.formulation.solver import Solver

STEPS = 3


@dataclass(frozen=True)
class Shop:
    """Uses a given amount; where it can wait, it also takes 2 whenever that is cheapest."""

    name: str
    waits: bool

    def members(self) -> list[tuple[str, object]]:
        return [("", self)]

    def port_nodes(self) -> dict[str, str | None]:
        return {"node": "bus"}

    @staticmethod
    def rules(m: Block) -> list[tuple[str, Rule]]:
        waits = np.array(m.texts("waits"))
        extra = m.flow("extra", upper=1.5, where=waits)
        done = m.state("done", where=waits)
        given = m.signal("given")
        m.into("node", -m.show("use", extra + given))
        return [
            ("done", (done == done.before + extra).only(waits)),
            ("all", (done >= m.signal("least")).only(waits)),
        ]


@dataclass(frozen=True)
class Seller:
    """Sells at a price by the hour."""

    name: str = "seller"

    def members(self) -> list[tuple[str, object]]:
        return [("", self)]

    def port_nodes(self) -> dict[str, str | None]:
        return {"node": "bus"}

    @staticmethod
    def rules(m: Block) -> list[tuple[str, Rule]]:
        sold = m.flow("sold", upper=100.0)
        m.into("node", sold)
        m.cost("energy", sold * m.signal("price"))
        return []


def _program(waits: str) -> Program:
    """Return a program with a shop for each word of `waits`, one that waits where it is `yes`."""
    shops = [Shop(f"shop{i}", each == "yes") for i, each in enumerate(waits.split())]
    layout = Layout(np.ones(STEPS))
    return Program([Balance("bus", "electricity")], {"shop": shops, "seller": [Seller()]}, layout)


def _inputs(count: int) -> dict[str, Inputs]:
    given = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])[:count]
    least = np.tile([0.0, 0.0, 2.0], (count, 1))
    signals = {"given": given, "least": least}
    return {
        "shop": Inputs(signals, {"done": np.zeros(count)}),
        "seller": Inputs({"price": np.array([[3.0, 1.0, 2.0]])}),
    }


def _plan(program: Program, count: int) -> Plan:
    program.update(_inputs(count))
    return Plan.read(program, Solver(program).solve(), 0)


def test_one_waits_and_one_does_not_by_hand() -> None:
    """Given 5, 7 and 9 at 3, 1 and 2: 40. The 2 that wait: 1.5 at 1 and 0.5 at 2: 2.5."""
    program = _program("yes no")
    plan = _plan(program, 2)
    assert plan.solution.objective == pytest.approx(40.0 + 2.5)
    assert plan.amounts("shop", "extra") == pytest.approx(np.array([[0, 1.5, 0.5], [0, 0, 0]]))
    assert plan.amounts("shop", "use") == pytest.approx(np.array([[1, 3.5, 3.5], [4, 5, 6]]))
    assert plan.amounts("seller", "sold")[0] == pytest.approx([5.0, 8.5, 9.5])


def test_who_does_not_wait_has_no_columns_and_no_rows() -> None:
    one, two = _program("yes"), _program("yes no")
    assert two.column_count == one.column_count
    assert two.row_count == one.row_count
    assert two.column_of("shop", "extra").columns[1].tolist() == [NONE] * (STEPS + 1)
    assert two.blocks["shop"].columns[1].columns[1].tolist() == [NONE] * (STEPS + 1)


def test_nobody_who_waits_leaves_a_program_that_is_only_given() -> None:
    program = _program("no no")
    plan = _plan(program, 2)
    assert plan.solution.objective == pytest.approx(40.0)
    assert not plan.amounts("shop", "extra").any()


def test_the_empty_column_and_row_bind_nothing_and_stay_empty() -> None:
    program = _program("yes no")
    program.update(_inputs(2))
    lower, upper, row_lower, row_upper = program.shut()
    assert (lower[NONE], upper[NONE]) == (0.0, 0.0)
    assert (row_lower[NONE], row_upper[NONE]) == (-np.inf, np.inf)
    assert program.cost[NONE] == 0.0
    last = program.column_count - 1
    assert last not in program.index
    assert program.start[-1] == program.start[-2] == len(program.value)


def test_the_text_of_a_program_leaves_out_what_is_not_there() -> None:
    program = _program("yes no")
    program.update(_inputs(2))
    text = lp_text(program)
    assert "shop0-extra[0]" in text
    assert "shop1" not in text
    assert "bus-electricity-balance[0]: - shop0-extra[0] + seller-sold[0]" in text
    assert "= 5\n" in text


def test_what_is_given_is_why() -> None:
    """Who does not wait takes what is given, and says so."""
    plan = _plan(_program("yes no"), 2)
    codes = {reason.asset: reason.code for reason in explain(plan, 0)}
    assert codes["shop1"] == "forecast"


def test_a_window_of_slots_is_all_a_member_has() -> None:
    """Only the last of three steps, at a price of 2: 2 · 1.25."""

    @dataclass(frozen=True)
    class Late(Shop):
        @staticmethod
        def rules(m: Block) -> list[tuple[str, Rule]]:
            window = np.array([[False, False, False, True]])
            extra = m.flow("extra", upper=m.signal("least"), where=window)
            total = m.once("total", lower=1.25, upper=1.25)
            m.into("node", -extra)
            return [("all", extra.total() == total)]

    layout = Layout(np.ones(STEPS))
    kinds: dict[str, Sequence[Formulated]] = {
        "shop": [Late("shop", waits=True)],
        "seller": [Seller()],
    }
    program = Program([Balance("bus", "electricity")], kinds, layout)
    plan = _plan(program, 1)
    assert plan.amounts("shop", "extra")[0] == pytest.approx([0.0, 0.0, 1.25])
    assert plan.solution.objective == pytest.approx(2.5)


def test_a_cost_that_looks_back_is_paid_in_open_slots_only() -> None:
    """A plan's cost is the same wherever in the ring its first step lies."""

    @dataclass(frozen=True)
    class Runs(Shop):
        @staticmethod
        def rules(m: Block) -> list[tuple[str, Rule]]:
            done = m.state("done", upper=m.signal("least"))
            m.cost("energy", (done - done.before) * (-1.0 * m.signal("given") * m.open))
            return []

    layout = Layout(np.ones(STEPS))
    kinds: dict[str, Sequence[Formulated]] = {
        "shop": [Runs("shop", waits=True)],
        "seller": [Seller()],
    }
    program = Program([Balance("bus", "electricity")], kinds, layout)
    solver = Solver(program)
    for _ in range(2 * STEPS):
        program.update(_inputs(1))
        # Worth 1, 2 and 3 when done; 2 may be done, and only by the last step: 3 · 2.
        assert solver.solve().objective == pytest.approx(-6.0)
        layout.advance(1)


def test_last_resorts_are_asked_for_only_where_nothing_else_serves() -> None:
    """A seller of 100 cannot serve 150: 50 are shed. Afterwards the warm plan is the cold one."""
    program = _program("no")
    solver = Solver(program)
    usual = _inputs(1)
    too_much = _inputs(1)
    too_much["shop"].signals["given"] = np.array([[1.0, 150.0, 3.0]])
    for inputs, shed in ((usual, 0.0), (too_much, 50.0), (usual, 0.0)):
        program.update(inputs)
        solution = solver.solve()
        plan = Plan.read(program, solution, 0)
        assert plan.amounts("node", "shed")[0] == pytest.approx([0.0, shed, 0.0], abs=1e-6)
        assert solution.elastic == (shed > 0.0)
        assert [gave.limit for gave in plan.gave_way] == (["shed"] if shed else [])
        assert len(solution.columns) == program.column_count
    # 1 at 3, 2 at 1, 3 at 2.
    assert solver.solve().objective == pytest.approx(11.0)
