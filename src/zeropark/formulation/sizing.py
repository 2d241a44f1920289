"""A program some of whose parameters are free: columns of their own, whatever they bound.

A parameter that is a number stands in bounds and right-hand sides. One that is left free is a
column, and each bound that moves with it becomes a row; the rules of the kinds stay as they are.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt
from scipy import sparse

from zeropark.formulation.block import Rank
from zeropark.formulation.linear import Indices
from zeropark.formulation.program import Program
from zeropark.formulation.solver import NoPlanError, Option, pass_model, quiet_highs

Floats = npt.NDArray[np.float64]
# What moves by less than this share of its size is taken to stand still.
_STILL = 1e-9
# Interior points: a simplex does not end on a year's sizing; see decision 0013.
_SETTINGS: dict[str, Option] = {"solver": "ipx", "presolve": "choose"}
# What it is taken to cost that a limit gives way [CNY per unit]: enough to build for an hour in a
# year, and no more, for interior points lose their footing among prices that are far apart. A MWh
# that the share misses costs less than one that a load is not served (assumptions).
_PRICE_OF_RANK = {Rank.COMFORT: 1e5, Rank.CONTRACT: 3e5, Rank.SUPPLY: 1e6}
_PRICE_OF_SHARE = 5e3


@dataclass(frozen=True)
class Numbers:
    """The numbers of a program: bounds of columns and rows, coefficients, prices."""

    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats
    value: Floats
    cost: Floats

    @classmethod
    def of(cls, program: Program) -> Numbers:
        """Return the numbers as the program now stands, the slots before now shut."""
        return cls(*program.shut(), program.value.copy(), program.cost.copy())


@dataclass(frozen=True)
class Free:
    """A parameter as a column.

    name: of it. least, most: its bounds. price: what a unit of it costs [CNY]. at: where the
    program's numbers were taken. The others: by how much a unit more of it moves the bounds of the
    columns (columns,) and of the rows (rows,).
    """

    name: str
    least: float
    most: float
    price: float
    at: float
    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats


@dataclass(frozen=True)
class Weighed:
    """A sum over columns of the program: which, and times what."""

    columns: Indices
    weights: Floats


@dataclass(frozen=True)
class Sized:
    """An optimum: the program's columns, the parameters' values, and the solver's time [s].

    missed: by how much the share was missed [MWh], 0 where none was asked.
    """

    columns: Floats
    values: Floats
    missed: float
    seconds: float


class SizingProgram:
    """The program with free parameters, and a share that may be asked of it.

    part, whole: `part` ≤ (1 - share) · `whole` + missed, which has a price below that of all
    limits. Columns: those of the program, one per parameter, the whole, the missed.
    """

    def __init__(
        self,
        program: Program,
        free: Sequence[Free],
        part: Weighed,
        whole: Weighed,
    ) -> None:
        self.free = free
        self._least = np.array([f.least for f in free])
        self._most = np.array([f.most for f in free])
        self._count = program.column_count
        self.column_count = self._count + len(free) + 2
        self._whole, self._missed = self.column_count - 2, self.column_count - 1
        numbers = Numbers.of(program)
        self._bound(numbers)
        rows = [self._own_rows(program), *self._bound_rows(numbers), *self._share_rows(part, whole)]
        matrix = sparse.vstack(rows, format="csr")
        del rows
        matrix.sort_indices()
        self.row_count = matrix.shape[0]
        self.start = matrix.indptr.astype(np.int32)
        self.index = matrix.indices.astype(np.int32)
        self.value = matrix.data
        prices = [f.price for f in free]
        self.nonzeros = len(self.value)
        self._cost = np.concatenate([_priced(program), prices, [0.0, _PRICE_OF_SHARE]])
        self.seconds = 0.0
        self._highs = self._handed_over()

    def _handed_over(self) -> highspy.Highs:
        """Hand the numbers to HiGHS and let go of them: a year's would double what it holds."""
        highs = quiet_highs(_SETTINGS)
        bounds = (
            self._lower, self._upper,
            np.concatenate(self._row_lower), np.concatenate(self._row_upper),
        )  # fmt: skip
        pass_model(highs, self, bounds, self._cost)
        del self._lower, self._upper, self._row_lower, self._row_upper, self._cost
        del self._moving_lower, self._moving_upper, self.start, self.index, self.value, self.free
        return highs

    # -- structure --------------------------------------------------------------------------------

    def _bound(self, numbers: Numbers) -> None:
        """Set the bounds of all columns; those that move become as wide as they can get."""
        least, most = self._least, self._most
        self._moving_lower = _stack(self.free, "lower", self._count)
        self._moving_upper = _stack(self.free, "upper", self._count)
        lower, upper = numbers.lower.copy(), numbers.upper.copy()
        moving = _rows_that_move(self._moving_lower)
        slopes = self._moving_lower[moving]
        lower[moving] = self._at_nothing(numbers.lower, self._moving_lower)[moving] + np.minimum(
            slopes.multiply(least).toarray(), slopes.multiply(most).toarray()
        ).sum(axis=1)
        upper[_rows_that_move(self._moving_upper)] = np.inf
        self._lower = np.concatenate([lower, least, [-np.inf, 0.0]])
        self._upper = np.concatenate([upper, most, [np.inf, 0.0]])

    def _at_nothing(self, numbers: Floats, slopes: sparse.csr_array) -> Floats:
        """Return what bounds would be with all parameters at 0; what rounding leaves is 0."""
        moved = slopes @ np.array([f.at for f in self.free])
        with np.errstate(invalid="ignore"):
            left = numbers - moved
        return np.where(np.abs(left) <= _STILL * np.abs(moved), 0.0, left)

    def _own_rows(self, program: Program) -> sparse.csr_array:
        """Return the program's rows; what moves their bounds goes to their left side."""
        own = sparse.csr_array(
            (program.value, program.index, program.start),
            shape=(program.row_count, program.column_count),
        )
        low = _stack(self.free, "row_lower", program.row_count)
        high = _stack(self.free, "row_upper", program.row_count)
        _, _, row_lower, row_upper = program.shut()
        # Where both bounds are numbers both move alike: else one row would have to be two.
        assert not _differ(low, high, np.isfinite(row_lower) & np.isfinite(row_upper)), (
            "a row between two bounds moves as a whole"
        )
        # A free row has no bound to move.
        bound = np.isfinite(row_lower)[:, None]
        slopes = sparse.csr_array(np.where(bound, low.toarray(), high.toarray()))
        self._row_lower = [self._at_nothing(row_lower, slopes)]
        self._row_upper = [self._at_nothing(row_upper, slopes)]
        return self._wide(own, -slopes)

    def _bound_rows(self, numbers: Numbers) -> list[sparse.csr_array]:
        """Return a row for each bound of a column that moves: column - slopes · parameters."""
        found = []
        for slopes, bound, above in (
            (self._moving_lower, numbers.lower, True),
            (self._moving_upper, numbers.upper, False),
        ):
            at = _rows_that_move(slopes)
            chosen = sparse.csr_array(
                (np.ones(len(at)), at, np.arange(len(at) + 1)), shape=(len(at), self._count)
            )
            found.append(self._wide(chosen, -slopes[at]))
            fixed = self._at_nothing(bound, slopes)[at]
            infinite = np.full(len(at), np.inf)
            self._row_lower.append(fixed if above else -infinite)
            self._row_upper.append(infinite if above else fixed)
        return found

    def _share_rows(self, part: Weighed, whole: Weighed) -> list[sparse.csr_array]:
        """Return the whole as a column, and the part held to what is left of it.

        What is left is 1 - share of it: `solve` writes how much in the place of 1.
        """
        rows = []
        for sum_, tail in ((whole, [-1.0, 0.0]), (part, [-1.0, -1.0])):
            own = sparse.coo_array(
                (sum_.weights, (np.zeros(len(sum_.columns), dtype=np.int32), sum_.columns)),
                shape=(1, self._count + len(self.free)),
            )
            rows.append(sparse.csr_array(sparse.hstack([own, np.array([tail])])))
        self._row_lower += [np.array([0.0]), np.array([-np.inf])]
        self._row_upper += [np.array([0.0]), np.array([np.inf])]
        return rows

    def _wide(self, own: sparse.csr_array, parameters: sparse.csr_array) -> sparse.csr_array:
        none = sparse.csr_array((own.shape[0], 2))
        return sparse.csr_array(sparse.hstack([own, parameters, none]))

    # -- solving ----------------------------------------------------------------------------------

    def solve(self, share: float | None) -> Sized:
        """Return the least cost where `part` is at most 1 - `share` of `whole`; None asks nothing.

        Where that cannot be, the optimum says by how much it is missed. Raises `NoPlanError`.
        """
        begun = self.seconds
        highs = self._highs
        last = self.row_count - 1
        highs.changeCoeff(last, self._whole, -(1.0 - (share or 0.0)))
        highs.changeRowBounds(last, -np.inf, np.inf if share is None else 0.0)
        highs.changeColBounds(self._missed, 0.0, 0.0 if share is None else np.inf)
        self._run(highs)
        x = np.array(highs.getSolution().col_value)
        return Sized(
            x[: self._count],
            np.clip(x[self._count : self._whole], self._least, self._most),
            float(x[self._missed]),
            self.seconds - begun,
        )

    def _run(self, highs: highspy.Highs) -> None:
        begun = time.perf_counter()
        highs.run()
        self.seconds += time.perf_counter() - begun
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise NoPlanError(highs.modelStatusToString(highs.getModelStatus()))


def _priced(program: Program) -> Floats:
    """Return the cost of the program's columns with what it costs that limits give way [CNY]."""
    cost = program.cost.copy()
    for rank, price in _PRICE_OF_RANK.items():
        cost[program.rank_columns(rank)] += price
    return cost


def _stack(free: Sequence[Free], name: str, count: int) -> sparse.csr_array:
    """Return how each of `count` numbers moves with each parameter, (count, parameters)."""
    dense = np.column_stack([getattr(f, name) for f in free]) if free else np.zeros((count, 0))
    return sparse.csr_array(dense)


def _rows_that_move(slopes: sparse.csr_array) -> npt.NDArray[np.intp]:
    return np.flatnonzero(np.diff(slopes.indptr))


def _differ(low: sparse.csr_array, high: sparse.csr_array, where: npt.NDArray[np.bool_]) -> bool:
    gap = np.abs((low - high).toarray()).max(axis=1, initial=0.0)
    size = np.abs(low.toarray()).max(axis=1, initial=0.0)
    return bool(np.any((gap > _STILL * size) & where))
