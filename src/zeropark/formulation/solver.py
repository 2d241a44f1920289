"""HiGHS, kept warm: numbers go in place, the last basis stays, a stopped run is no plan."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, partial
from typing import Protocol

import highspy
import numpy as np
import numpy.typing as npt

from zeropark.formulation.block import Rank
from zeropark.formulation.linear import NONE, Indices
from zeropark.formulation.program import Program

Floats = npt.NDArray[np.float64]
Option = bool | int | float | str
TOLERANCE = 1e-6
# From so many coefficients on the whole program is handed over anew: each alone takes longer.
_MANY = 200
_NO_ENTRIES = np.zeros(0, dtype=np.intp)
# A slack below this is the solver's tolerance, no limit that gave way [MWh, or a carrier's amount].
USED = 1e-6
# Read from HiGHS one by one they take longer than a plan, so that they are told from the optimum.
_STATUSES = [
    highspy.HighsBasisStatus.kLower,
    highspy.HighsBasisStatus.kBasic,
    highspy.HighsBasisStatus.kUpper,
    highspy.HighsBasisStatus.kZero,
]
_LOWER, _BASIC, _UPPER, _FREE = range(len(_STATUSES))
# A simplex that was stopped keeps its basis: the next run goes on from there.
_OUT_OF_TIME = (
    highspy.HighsModelStatus.kTimeLimit,
    highspy.HighsModelStatus.kIterationLimit,
    highspy.HighsModelStatus.kInterrupt,
)


class Grade(Enum):
    """How a plan came to be. `DEADLINE` exists where whole numbers are planned."""

    OPTIMAL = "optimal"
    DEADLINE = "deadline"
    LAST_GOOD = "last_good"
    RULES = "rules"


class NoPlanError(Exception):
    """A number is missing, the time is over, or the solver's point breaks a row or a bound."""


@dataclass(frozen=True)
class Priced:
    """The cost and the coefficients an optimum was found with; a program that goes on has others.

    cost: with what limits that give way are fined, shape (columns,). The others: see `Program`.
    """

    cost: Floats
    rows: Indices
    columns: Indices
    value: Floats

    def reduced(self, duals: Floats) -> Floats:
        """Return what one unit more of each column would cost: cost - duals · A, (columns,)."""
        worth = np.bincount(self.columns, self.value * duals[self.rows], len(self.cost))
        return np.asarray(self.cost - worth)


@dataclass
class Solution:
    """An optimum: columns, prices of rows and columns, and what gave way.

    columns: shape (columns,). duals: price of one unit more of a row [CNY], shape (rows,).
    objective: cost without what limits that gave way are fined [CNY]. reckon: returns the reduced
    costs, once somebody asks for them.
    """

    columns: Floats
    duals: Floats
    objective: float
    reckon: Callable[[], Floats]
    elastic: bool = False
    iterations: int = 0

    @cached_property
    def reduced(self) -> Floats:
        """What one unit more of each column would cost [CNY], shape (columns,)."""
        return self.reckon()


def quiet_highs(options: Mapping[str, Option] | None = None) -> highspy.Highs:
    """Return a HiGHS for a day's plan: dual simplex, devex, no presolve, one thread, silent."""
    highs = highspy.Highs()
    settings: dict[str, Option] = {
        "output_flag": False,
        "threads": 1,
        "presolve": "off",
        "solver": "simplex",
        "simplex_dual_edge_weight_strategy": 1,
        # Warm re-solves need little of it: a fifth less time on a spring day of the microgrid.
        "dual_simplex_cost_perturbation_multiplier": 0.03,
    }
    for name, value in {**settings, **(options or {})}.items():
        highs.setOptionValue(name, value)
    return highs


class Solver:
    """One program and its warm HiGHS."""

    def __init__(self, program: Program, options: Mapping[str, Option] | None = None) -> None:
        self.program = program
        self._options = dict(options or {})
        self._highs = quiet_highs(self._options)
        self._passed = False
        self._optimum: Solution | None = None
        self._stood: tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]] | None = None
        self.one_way = True
        """Whether a flow that wastes by going both its ways is shut one way; a bound may waste."""
        self.fixed: tuple[npt.NDArray[np.int32], Floats] | None = None
        """Columns that are decided, and their numbers; held within the columns' bounds."""
        self.seconds_in_highs = 0.0

    def solve(self, deadline_seconds: float = np.inf) -> Solution:
        """Return the optimum of the program as it now stands.

        One solve without last resorts and with moderate prices on the other limits that may give
        way; where that has no point, or one does give way, passes from the highest rank down.
        Raises `NoPlanError` past the deadline.
        """
        until = time.perf_counter() + deadline_seconds
        bounds = self.program.shut()
        if self.fixed is not None:
            at, numbers = self.fixed
            bounds[0][at] = bounds[1][at] = np.clip(numbers, bounds[0][at], bounds[1][at])
        solution = self._solve_within(bounds, until)
        while self.one_way and len(shut := self.program.waste(solution.columns, USED)):
            lower, upper, *rows = bounds
            upper = upper.copy()
            upper[shut] = 0.0
            bounds = (lower, upper, rows[0], rows[1])
            solution = self._solve_within(bounds, until)
        return solution

    def use(self, options: Mapping[str, Option]) -> None:
        """Solve with other options from now on: `ipx` for a year, the warm simplex for days."""
        self._options.update(options)
        for name, value in options.items():
            self._highs.setOptionValue(name, value)

    def basis(self) -> highspy.HighsBasis:
        """Return the present basis."""
        return self._highs.getBasis()

    def shift(self, *stretches: tuple[int, int]) -> None:
        """Move the basis one slot forward within each stretch of slots (first, last exclusive).

        For a horizon whose steps grow: what was the second step is now the first. The oldest slot's
        basis goes to the newest, so that the number of basic variables stays right.
        """
        # The stubs of this release do not know the call; the library does.
        status, basic = self._highs.getBasicVariables()  # type: ignore[attr-defined]
        # Without a run since the last shift there is nothing newer than what was set then.
        if self._optimum is not None and status == highspy.HighsStatus.kOk:
            self._stood = _statuses(basic, self._optimum, self._held)
        if self._stood is None:
            return
        (columns, rows), count = self._stood, self.program.last_resort
        grid = self.program.slot_columns
        grids = (grid[(grid < count).all(axis=1)], self.program.slot_rows)
        basis = self._highs.getBasis()
        for of, grid in zip((columns, rows), grids, strict=True):
            for first, last in stretches:
                stretch = grid[:, first:last]
                stretch = stretch[(stretch != NONE).all(axis=1)]
                of[stretch] = of[np.roll(stretch, -1, axis=1)]
        basis.col_status = [_STATUSES[each] for each in columns[:count].tolist()]
        basis.row_status = [_STATUSES[each] for each in rows.tolist()]
        self._highs.setBasis(basis)

    def forget(self) -> None:
        """Drop the basis, so that the next solve is cold."""
        self._highs.clearSolver()

    def _solve_within(
        self, bounds: tuple[Floats, Floats, Floats, Floats], until: float
    ) -> Solution:
        self._hand_over(bounds, self.program.prices_of_ranks())
        if not self._run(self._highs, until):
            return self._settle_ranks(bounds, until)
        solution = self._optimum = self._read(self._highs, self._held[4])
        self._check(solution, bounds)
        if self._gave_way(solution.columns):
            return self._settle_ranks(bounds, until)
        return solution

    # -- handing over -----------------------------------------------------------------------------

    def _hand_over(self, bounds: tuple[Floats, Floats, Floats, Floats], cost: Floats) -> None:
        if any(
            np.isnan(numbers.min(initial=0.0)) for numbers in (*bounds, cost, self.program.value)
        ):
            # HiGHS would refuse the change, keep the last number and plan with it.
            raise NoPlanError("a number of the plan is missing")
        if not self._passed:
            pass_model(self._highs, self.program, bounds, cost, count=self.program.last_resort)
            self._passed = True
        else:
            self._change(bounds, cost)
        self._held = (*bounds, cost, self.program.value)

    def _change(self, bounds: tuple[Floats, Floats, Floats, Floats], cost: Floats) -> None:
        """Tell HiGHS only what differs from what it holds."""
        lower, upper, row_lower, row_upper = bounds
        old_lower, old_upper, old_row_lower, old_row_upper, old_cost, old_value = self._held
        highs, count = self._highs, self.program.last_resort
        value = self.program.value
        entries = np.flatnonzero(value != old_value) if value is not old_value else _NO_ENTRIES
        if len(entries) > _MANY:
            basis = highs.getBasis()
            pass_model(highs, self.program, bounds, cost, count=count)
            highs.setBasis(basis)
            return
        moved = (lower[:count] != old_lower[:count]) | (upper[:count] != old_upper[:count])
        at = np.flatnonzero(moved).astype(np.int32)
        if len(at):
            highs.changeColsBounds(len(at), at, lower[at], upper[at])
        at = np.flatnonzero(cost[:count] != old_cost[:count]).astype(np.int32)
        if len(at):
            highs.changeColsCost(len(at), at, cost[at])
        at = np.flatnonzero((row_lower != old_row_lower) | (row_upper != old_row_upper)).astype(
            np.int32
        )
        if len(at):
            # The stubs of this release do not know the call; the library does.
            highs.changeRowsBounds(  # type: ignore[attr-defined]
                len(at), at, row_lower[at], row_upper[at]
            )
        rows, index = self.program.entry_row, self.program.index
        for entry in entries.tolist():
            highs.changeCoeff(int(rows[entry]), int(index[entry]), float(value[entry]))

    def _run(self, highs: highspy.Highs, until: float) -> bool:
        """Run to the optimum; where a warm basis leads astray, once more from cold.

        Returns whether there is one; raises `NoPlanError` where the time is over.
        """
        status = self._run_once(highs, until)
        if status not in _OUT_OF_TIME and status != highspy.HighsModelStatus.kOptimal:
            highs.clearSolver()
            status = self._run_once(highs, until)
        if status in _OUT_OF_TIME:
            raise NoPlanError(highs.modelStatusToString(status))
        return status == highspy.HighsModelStatus.kOptimal

    def _run_once(self, highs: highspy.Highs, until: float) -> highspy.HighsModelStatus:
        left = until - time.perf_counter()
        if left <= 0.0:
            return highspy.HighsModelStatus.kTimeLimit
        # HiGHS counts its time over the life of the object.
        highs.setOptionValue("time_limit", highs.getRunTime() + left if np.isfinite(left) else 1e30)
        begun = time.perf_counter()
        highs.run()
        self.seconds_in_highs += time.perf_counter() - begun
        return highs.getModelStatus()

    def _check(self, solution: Solution, bounds: tuple[Floats, Floats, Floats, Floats]) -> None:
        """Hold the point against rows and bounds with our own arithmetic before anyone uses it."""
        lower, upper, row_lower, row_upper = bounds
        x, program = solution.columns, self.program
        activity = np.add.reduceat(
            np.append(program.value * x[program.index], 0.0), program.start[:-1]
        )
        activity[program.start[:-1] == program.start[1:]] = 0.0
        size = np.maximum(1.0, np.abs(activity))
        rows = ((row_lower - activity) / size, (activity - row_upper) / size)
        # NumPy's maximum of something that is no number is no number, which is not below anything.
        worst = np.max([np.max(by, initial=0.0) for by in (lower - x, x - upper, *rows)])
        if not worst <= TOLERANCE:
            raise NoPlanError(f"the point breaks a row or a bound by {worst:g}")

    def _read(self, highs: highspy.Highs, cost: Floats) -> Solution:
        """Return the optimum; each vector is read as a list, so only what is needed is."""
        program, found = self.program, highs.getSolution()
        columns = np.zeros(program.column_count)
        known = found.col_value
        columns[: len(known)] = np.fromiter(known, float, len(known))
        duals = np.fromiter(found.row_dual, float, program.row_count)
        priced = Priced(cost, program.entry_row, program.index, program.value)
        return Solution(
            columns=columns,
            duals=duals,
            # Without what a tolerated crumb of a slack would be fined.
            objective=float(program.cost @ columns),
            reckon=partial(priced.reduced, duals),
            iterations=int(highs.getInfo().simplex_iteration_count),
        )

    def _must_run(self, highs: highspy.Highs, until: float) -> None:
        if not self._run(highs, until):
            raise NoPlanError(highs.modelStatusToString(highs.getModelStatus()))

    # -- limits that give way ---------------------------------------------------------------------

    def _gave_way(self, x: Floats) -> bool:
        return any(bool(np.any(x[self.program.rank_columns(rank)] > USED)) for rank in Rank)

    def _settle_ranks(
        self, bounds: tuple[Floats, Floats, Floats, Floats], until: float
    ) -> Solution:
        """Minimise what gives way, the highest rank first, each fixed in turn; then cost."""
        program = self.program
        # The solver's usual tolerance, taken in many rows, would be traded from rank to rank.
        highs = quiet_highs({**self._options, "primal_feasibility_tolerance": 1e-9})
        pass_model(highs, program, bounds, program.cost)
        ranks = [rank for rank in sorted(Rank, reverse=True) if len(program.rank_columns(rank))]
        everything = np.arange(program.column_count, dtype=np.int32)
        for rank in ranks:
            columns = program.rank_columns(rank)
            only = np.zeros(program.column_count)
            only[columns] = 1.0
            highs.changeColsCost(len(everything), everything, only)
            self._must_run(highs, until)
            least = highs.getInfo().objective_function_value
            most = least + 1e-9 * max(1.0, abs(least)) + 1e-9
            highs.addRow(-np.inf, most, len(columns), columns, np.ones(len(columns)))
        highs.changeColsCost(len(everything), everything, program.cost)
        self._must_run(highs, until)
        solution = self._read(highs, program.cost)
        solution.elastic = True
        self._check(solution, bounds)
        return solution


def _statuses(
    basic: npt.NDArray[np.int32], optimum: Solution, held: Sequence[Floats]
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """Return where each column and each row of an optimum stands, as places in `_STATUSES`.

    basic: numbers of the basic columns, and -1 - number of the basic rows. held: the bounds.
    """
    lower, upper, row_lower, row_upper = held[:4]
    x = optimum.columns
    columns = np.where(upper - x < x - lower, _UPPER, _LOWER).astype(np.int8)
    columns[np.isinf(lower) & np.isinf(upper)] = _FREE
    low, high = np.isfinite(row_lower), np.isfinite(row_upper)
    rows = np.where(high & (~low | (optimum.duals < 0.0)), _UPPER, _LOWER).astype(np.int8)
    rows[~low & ~high] = _FREE
    columns[basic[basic >= 0]] = _BASIC
    rows[-1 - basic[basic < 0]] = _BASIC
    return columns, rows


class Matrix(Protocol):
    """Rows of coefficients, as arrays: entries of row i are `start[i]` to `start[i + 1]`."""

    @property
    def column_count(self) -> int:
        """Number of columns."""

    row_count: int
    start: Indices
    index: Indices
    value: Floats


def pass_model(
    highs: highspy.Highs,
    program: Matrix,
    bounds: tuple[Floats, Floats, Floats, Floats],
    cost: Floats,
    whole: npt.NDArray[np.int32] | None = None,
    *,
    count: int | None = None,
) -> None:
    """Hand the program to HiGHS as arrays.

    whole: the columns of whole numbers. count: of the columns the first so many, by default all.
    """
    count = program.column_count if count is None else count
    integrality = np.zeros(count, dtype=np.int32)
    if whole is not None:
        integrality[whole] = int(highspy.HighsVarType.kInteger)
    lower, upper, row_lower, row_upper = bounds
    some = program.index < count
    before = np.concatenate([[0], np.cumsum(some)]).astype(np.int32)
    status = highs.passModel(
        count,
        program.row_count,
        int(before[-1]),
        int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMinimize),
        0.0,
        cost[:count],
        lower[:count],
        upper[:count],
        row_lower,
        row_upper,
        before[program.start[:-1]],
        program.index[some],
        program.value[some],
        integrality,
    )
    # A warning says that coefficients below 1e-9 count as none, which a point's check allows.
    assert status != highspy.HighsStatus.kError, "every number is finite or a free bound"
