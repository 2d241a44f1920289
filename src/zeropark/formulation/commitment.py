"""Whole numbers: what runs or does not, how many have begun, decided within a deadline.

A linear program rounds nothing. Where a kind says that a block of columns counts whole things
(`Block.whole`), a mixed-integer program decides them once in a while and the linear program plans
with them fixed. Prices and reasons come from that linear program: a mixed-integer program has none.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import highspy
import numpy as np
import numpy.typing as npt

from zeropark.formulation.block import Block
from zeropark.formulation.linear import NONE, Linear, Rule
from zeropark.formulation.program import Program
from zeropark.formulation.solver import (
    NoPlanError,
    Option,
    Solution,
    Solver,
    pass_model,
    quiet_highs,
)
from zeropark.formulation.value import Value

Floats = npt.NDArray[np.float64]
# A plan this near to the bound [1] is an optimum: no forecast is that good.
CLOSE = 1e-3
# The search begins near the best: to look for a better point takes longer than to prove this one.
_NO_HEURISTICS: Mapping[str, Option] = {
    "mip_heuristic_run_feasibility_jump": False,
    "mip_heuristic_run_root_reduced_cost": False,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
}
# What the solver leaves beside a whole number [1].
_WHOLE = 1e-6
# What is left to the linear program that follows, of the time that remains [1].
_KEPT = 0.3


class Switch(NamedTuple):
    """What is on or off: `on` at each slot's end, `start` where it was not before.

    A kind asks for one with `Switch.of`, yields its `rules`, and prices `start`. It gives the
    figure `on`, 1 or 0 before now.
    """

    on: Linear
    start: Linear

    @classmethod
    def of(cls, m: Block, always: Value | float = 0.0) -> Switch:
        """Return the columns of a switch per member.

        always: 1 for a member that nobody switches, as it has neither least load nor start cost;
        it stays on and costs the solver no whole number.
        """
        on = m.state("on", lower=always, upper=1.0, means="committed", opens=False)
        m.whole(on)
        return cls(on, m.flow("start"))

    def rules(
        self, output: Linear, least: Value | float, most: Value | float
    ) -> Iterable[tuple[str, Rule]]:
        """Yield the start, and what `output` may be while on; off, it is 0.

        least, most: in the unit of `output`: power [MW], or energy per slot [MWh] times hours.
        """
        yield "start", self.start >= self.on - self.on.before
        # Who stops and starts in one slot would buy himself free of a ramp.
        yield "stood", self.start + self.on.before <= 1.0
        yield "least", output >= self.on * least
        yield "most", output <= self.on * most


@dataclass(frozen=True)
class Chosen:
    """An optimum with whole numbers fixed.

    gap: by how much its cost may be above the least one's, as a share of it; 0 where there is
    nothing to decide. closed: whether that is as near as anyone asked; False where the deadline
    came first.
    """

    solution: Solution
    gap: float = 0.0
    closed: bool = True


class _Found(NamedTuple):
    """Whole numbers, (rows, steps), the optimum with them, and its cost with what gives way."""

    numbers: Floats
    solution: Solution
    cost: float


class Commitments:
    """Decides the whole numbers of a program every `every` steps, and holds them between.

    The linear optimum says what is least; its numbers rounded up are feasible, start the
    mixed-integer search and stand in for it where the time is over. A horizon whose steps grow
    decides at each plan. most_seconds: of one search [s], where no deadline comes first. close: gap
    from which nobody searches on [1].
    """

    def __init__(
        self, solver: Solver, every: int = 1, most_seconds: float = 5.0, close: float = CLOSE
    ) -> None:
        self.solver = solver
        self.every = every
        self.most_seconds = most_seconds
        self.close = close
        self.options: dict[str, Option] = {}
        """Further options of HiGHS for the search."""
        self.relaxed = False
        """Whether to let whole numbers be broken: a bound, no plan."""
        blocks = solver.program.blocks.values()
        grids = [columns for block in blocks for columns in block.wholes]
        self._at = np.concatenate(grids) if grids else None
        self._held: Floats | None = None
        self._gap, self._closed, self._elastic = 0.0, True, False
        self._age = 0

    def solve(self, deadline_seconds: float = np.inf, moved: int = 0) -> Chosen:
        """Return the optimum of the program as it now stands, with whole numbers.

        moved: steps since the last call. Raises `NoPlanError` where the time is over before
        anything was found.
        """
        until = time.perf_counter() + deadline_seconds
        self._age += moved
        if self._at is None or self.relaxed:
            self.solver.fixed = None
            return Chosen(self.solver.solve(deadline_seconds))
        held = self._with_held(until)
        return held or self._decide(until)

    # -- between decisions -------------------------------------------------------------------------

    def _with_held(self, until: float) -> Chosen | None:
        """Return the optimum with what was decided before; None where it is to be decided anew."""
        if self._held is None or self._age >= self.every or not self.solver.program.layout.equal:
            return None
        try:
            solution = self._solve_fixed(self._held[:, self._age :], until)
        except NoPlanError:
            return None
        # What the world has become since may ask for other commitments before a limit gives way;
        # one that gave way under every commitment is no reason to search again.
        anew = solution.elastic and not self._elastic
        return None if anew else Chosen(solution, self._gap, self._closed)

    def _solve_fixed(self, numbers: Floats, until: float) -> Solution:
        """Solve with whole numbers fixed, in time order from now; what is beyond them is free."""
        at = self._open()[:, : numbers.shape[1]]
        there = at != NONE
        self.solver.fixed = (at[there], numbers[there])
        return self.solver.solve(until - time.perf_counter())

    def _open(self) -> npt.NDArray[np.int32]:
        assert self._at is not None, "there is something to decide"
        return self._at[:, self.solver.program.layout.open()]

    # -- deciding ----------------------------------------------------------------------------------

    def _decide(self, until: float) -> Chosen:
        bound, broken = self._relax(until)
        rounded = np.ceil(broken - _WHOLE)
        found: _Found | None = None
        for numbers in (rounded, *self._gone_on(rounded)):
            found = self._better(found, self._try(numbers, until))
            if self._gap_to(bound, found) <= self.close:
                break
        else:
            searched, bound = self._search(found, bound, until)
            found = self._better(found, self._try(searched, until))
        if found is None:
            self._held = None
            raise NoPlanError("no whole numbers were found that keep every limit")
        self._held, self._age = found.numbers, 0
        self._elastic = found.solution.elastic
        self._gap = self._gap_to(bound, found)
        self._closed = self._gap <= self.close
        return Chosen(found.solution, self._gap, self._closed)

    def _gone_on(self, rounded: Floats) -> list[Floats]:
        """Return what was decided last, as far as it reaches, then `rounded`."""
        if self._held is None or not self.solver.program.layout.equal:
            return []
        left = self._held[:, self._age :]
        return [np.hstack([left, rounded[:, left.shape[1] :]])] if left.size else []

    def _relax(self, until: float) -> tuple[float, Floats]:
        """Return the least cost with whole numbers broken, and the broken numbers."""
        solver = self.solver
        solver.fixed = None
        wasteless, solver.one_way = solver.one_way, False
        try:
            solution = solver.solve(until - time.perf_counter())
        finally:
            solver.one_way = wasteless
        # Where limits give way by rank the cost is not the least of anything.
        bound = -np.inf if solution.elastic else self._priced(solution.columns)
        return bound, solution.columns[self._open()]

    def _try(self, numbers: Floats | None, until: float) -> _Found | None:
        """Return the optimum with `numbers` fixed; None where there is none, or no time."""
        if numbers is None:
            return None
        try:
            solution = self._solve_fixed(numbers, until)
        except NoPlanError:
            return None
        return _Found(numbers, solution, self._priced(solution.columns))

    def _search(
        self, start: _Found | None, bound: float, until: float
    ) -> tuple[Floats | None, float]:
        """Search by branch and bound from `start`; return what was found, and the best bound."""
        left = (until - time.perf_counter()) * (1.0 - _KEPT)
        if left <= 0.0:
            return None, bound
        program = self.solver.program
        options: Mapping[str, Option] = {
            "presolve": "choose",
            "solver": "choose",
            "mip_rel_gap": self.close,
            "time_limit": min(left, self.most_seconds),
            **_NO_HEURISTICS,
            **self.options,
        }
        highs = quiet_highs(options)
        at = self._open()
        pass_model(highs, program, program.shut(), program.prices_of_ranks(), at[at != NONE])
        if start is not None:
            point = highspy.HighsSolution()
            point.col_value = start.solution.columns.tolist()
            highs.setSolution(point)
        begun = time.perf_counter()
        highs.run()
        self.solver.seconds_in_highs += time.perf_counter() - begun
        info = highs.getInfo()
        if np.isfinite(info.mip_dual_bound):
            bound = max(bound, float(info.mip_dual_bound))
        columns = np.asarray(highs.getSolution().col_value)
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None, bound
        return np.round(columns[at]), bound

    # -- comparing ---------------------------------------------------------------------------------

    def _priced(self, columns: Floats) -> float:
        """Return the cost with the moderate prices of what gives way [CNY]."""
        return float(self.solver.program.prices_of_ranks() @ columns)

    def _better(self, one: _Found | None, other: _Found | None) -> _Found | None:
        if one is None or other is None:
            return one or other
        return other if other.cost < one.cost else one

    def _gap_to(self, bound: float, found: _Found | None) -> float:
        if found is None:
            return np.inf
        return max(0.0, found.cost - bound) / max(1.0, abs(found.cost))


def whole_columns(program: Program) -> npt.NDArray[np.int32]:
    """Return the columns of `program` that count whole things, sorted."""
    found = [c.ravel() for block in program.blocks.values() for c in block.wholes]
    columns = np.concatenate([np.zeros(0, dtype=np.int32), *found])
    return np.sort(columns[columns != NONE])
