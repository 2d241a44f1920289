"""A sizing: what to build so that a year costs least, and what a cleaner year would cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.formulation.block import Rank
from zeropark.formulation.linear import NONE, Indices, Linear, Term
from zeropark.formulation.plan import costs_by_part
from zeropark.formulation.program import Program
from zeropark.formulation.sizing import Sized, SizingProgram, Weighed
from zeropark.formulation.solver import USED
from zeropark.formulation.value import Value
from zeropark.model.free import freedom_of
from zeropark.model.park import Study
from zeropark.plan.free import Wanted, at, columns_for
from zeropark.plan.year import Year

Floats = npt.NDArray[np.float64]
HOURS_OF_A_YEAR = 8760.0
# Shares that differ by less are one point of the frontier [1].
_SAME_SHARE = 1e-6
# Roles of what uses no electricity, whichever way it flows there.
_PASS = ("grid", "source", "store", "carry")
# What stands for a size of 0, by which a kind may divide [its unit].
_NOT_BUILT = 1e-6
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Point:
    """One plan of what to build.

    asked: the clean share asked for [1]; None where cost alone decides. clean_share: what it comes
    to [1], None where nothing is used. capacities: by parameter, in its unit. costs: [CNY] by part,
    of the time studied; `capital` is its part of what is built, upkeep among it. gave_way: by
    how much supply and limits were missed [MWh].
    """

    asked: float | None
    clean_share: float | None
    capacities: dict[str, float]
    costs: dict[str, float]
    gave_way: float
    seconds: float

    def sizes(self) -> dict[str, dict[str, float]]:
        """Return the capacities by asset and parameter; what is not built is next to nothing."""
        found: dict[str, dict[str, float]] = {}
        for name, value in self.capacities.items():
            asset, _, parameter = name.partition(".")
            found.setdefault(asset, {})[parameter] = max(value, _NOT_BUILT)
        return found

    @property
    def cost(self) -> float:
        """The whole cost of the time studied [CNY]."""
        return sum(self.costs.values())


@dataclass
class Sizing:
    """A study's answer.

    answer: the plan asked for. reached: whether it has the clean share asked for. frontier: from
    the cheapest to the cleanest. size: columns, rows, non-zeros. seconds: of the whole, and in the
    solver [s].
    """

    answer: Point
    reached: bool
    frontier: list[Point]
    size: tuple[int, int, int]
    seconds: float
    seconds_in_solver: float


def wanted_by(study: Study, assets: Sequence[Kind], hours: float) -> tuple[list[Wanted], list[str]]:
    """Return the study's free parameters and their units.

    hours: of the time studied [h], which bears its share of a year's cost.
    """
    assert study.interest is not None, "a study with free parameters says its interest"
    by_name = {asset.name: asset for asset in assets}
    wanted, units = [], []
    for free in study.free:
        freedom = freedom_of(free, type(by_name[free.asset]))
        yearly = freedom.cost * free.annuity(study.interest)
        price = yearly * hours / HOURS_OF_A_YEAR
        wanted.append(Wanted(free.asset, free.parameter, freedom.least, freedom.most, price))
        units.append(freedom.unit)
    return wanted, units


def size(
    year: Year,
    wanted: Sequence[Wanted],
    *,
    clean_share: float | None = None,
    points: int = 10,
    progress: Progress = lambda _stage, _done, _of: None,
) -> Sizing:
    """Return what to build, and a frontier of `points` from the cheapest to the cleanest.

    clean_share: least share of the use that is not imported [1]. Where it cannot be had, the answer
    is the plan that gets nearest to it. Raises `DataError` for a parameter that cannot be free, and
    `NoPlanError`.
    """
    begun = time.perf_counter()
    study = _Study(year, wanted)
    done = 0
    total = points + (clean_share is not None)

    def solved(share: float | None) -> Point:
        nonlocal done
        progress("sizing", done, total)
        point = study.point(share)
        done += 1
        return point

    first, last = solved(None), solved(1.0)
    frontier = _between(first, last, points, solved)
    answer, reached = first, True
    if clean_share is not None and (first.clean_share or 0.0) < clean_share - _SAME_SHARE:
        answer = solved(clean_share)
        reached = (answer.clean_share or 0.0) >= clean_share - _SAME_SHARE
    progress("sizing", total, total)
    program = study.program
    return Sizing(
        answer,
        reached,
        frontier,
        (program.column_count, program.row_count, program.nonzeros),
        time.perf_counter() - begun,
        program.seconds,
    )


def _between(
    first: Point, last: Point, points: int, solved: Callable[[float | None], Point]
) -> list[Point]:
    low, high = first.clean_share, last.clean_share
    if low is None or high is None or high - low < _SAME_SHARE:
        return [first]
    steps = np.linspace(low, high, points)[1:-1].tolist()
    return [first, *(solved(share) for share in steps), last]


class _Study:
    """The program of a year with free parameters, asked for one clean share after another."""

    def __init__(self, year: Year, wanted: Sequence[Wanted]) -> None:
        plain = _of_cost_alone(year)
        most = plain.with_assets(at(plain, {one: one.most for one in wanted}))
        self._program = most.program(most.lag)
        self._wanted = wanted
        free = columns_for(most, self._program, wanted)
        self._prices = [each.price for each in free]
        self._imported, self._used = clean_parts(most, self._program)
        self.program = SizingProgram(self._program, free, self._imported, self._used)
        self._program.settle()

    def point(self, share: float | None) -> Point:
        """Return the cheapest plan with that clean share, or the nearest to it."""
        found = self.program.solve(share)
        used = _come_to(self._used, found)
        clean = 1.0 - _come_to(self._imported, found) / used if used > 0.0 else None
        costs = costs_by_part(self._program, found.columns)
        pairs = list(zip(self._wanted, found.values.tolist(), strict=True))
        costs["capital"] = sum(one.price * value for one, value in pairs)
        # What stands in store at the start is bought as what is left at the end is sold.
        costs["ends"] = costs.get("ends", 0.0) + sum(
            (price - one.price) * value
            for price, (one, value) in zip(self._prices, pairs, strict=True)
        )
        names = {f"{one.asset}.{one.parameter}": value for one, value in pairs}
        return Point(share, clean, names, costs, self._gave_way(found), found.seconds)

    def _gave_way(self, found: Sized) -> float:
        amounts = [found.columns[self._program.rank_columns(rank)] for rank in Rank]
        return float(sum(a[a > USED].sum() for a in amounts))


def _of_cost_alone(year: Year) -> Year:
    """Return the year without what a plan pays for cleanness beyond the bill.

    What a cleaner year costs is the frontier's to say.
    """
    return year.with_assets(
        {
            asset.name: asset.model_copy(update={"clean_premium": 0.0})
            for asset in year.assets
            if "clean_premium" in type(asset).model_fields
        }
    )


def clean_parts(year: Year, program: Program) -> tuple[Weighed, Weighed]:
    """Return import and use of electricity [MWh] as sums over columns.

    Use is what sources, stores and the grid give to the nodes of electricity, less what is thrown
    away there. What stores lose is no use: else a plan could raise its clean share by wasting.
    """
    roles = {asset.kind: asset.role for asset in year.assets}
    ports = {
        asset.kind: [
            name
            for name, port in asset.ports().items()
            if port.carrier == "electricity" and (port.feeds or asset.role in _PASS)
        ]
        for asset in year.assets
    }
    bring, given = _Sum(program), _Sum(program)
    for kind, block in program.blocks.items():
        if roles[kind] == "grid":
            bring.add(Linear([Term(program.column_of(kind, "import").columns, 1.0)]))
        for into in block.intos:
            if into.port in ports[kind]:
                given.add(into.expression.only(block.connected(into.port)))
    electric = np.array([node.carrier == "electricity" for node in program.nodes])
    for name in ("dump", "spill"):
        thrown = Linear([Term(program.column_of("node", name).columns, -1.0)])
        given.add(thrown.only(electric))
    return bring.weighed(), given.weighed()


class _Sum:
    """A sum of expressions over the open slots."""

    def __init__(self, program: Program) -> None:
        self._open = program.layout.open()
        self._slots = program.layout.slots
        self._columns: list[Indices] = [np.zeros(0, dtype=np.int32)]
        self._weights: list[Floats] = [np.zeros(0)]

    def add(self, expression: Linear) -> None:
        """Add an expression of columns; a constant has no place in it."""
        assert not isinstance(expression.constant, Value), "what is given is decided"
        for term in expression.terms:
            shape = (len(term.columns), self._slots)
            columns = np.broadcast_to(term.columns, shape)[:, self._open].ravel()
            factor = term.coefficient
            number = factor.array if isinstance(factor, Value) else np.full((1, 1), factor)
            weights = np.broadcast_to(number, shape)[:, self._open].ravel()
            there = columns != NONE
            self._columns.append(columns[there])
            self._weights.append(weights[there])

    def weighed(self) -> Weighed:
        """Return the sum as columns and weights."""
        return Weighed(np.concatenate(self._columns), np.concatenate(self._weights))


def _come_to(parts: Weighed, found: Sized) -> float:
    return float(found.columns[parts.columns] @ parts.weights)
