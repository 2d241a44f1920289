"""A park and its fleet planned together: prices go out, what all devices do comes back.

The park's program is solved with each group of batteries as one store and each group of cars as a
mixture of what they did at prices seen before (Dantzig and Wolfe, 1960). Its prices ask the cars
again, until what any device could still save at them is little: that sum is the proven gap.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import highspy
import numpy as np
import numpy.typing as npt

from zeropark.formulation.fleet import (
    Batteries,
    Cars,
    Parts,
    Pools,
    car_groups,
    pool,
    split_into_parts,
)
from zeropark.formulation.program import Program
from zeropark.formulation.solver import NoPlanError, Option, pass_model, quiet_highs

Floats = npt.NDArray[np.float64]
Columns = npt.NDArray[np.int32]
# A column that would save less than this is not asked in [CNY].
_CRUMB = 1e-6
_SOLVER: dict[str, Option] = {
    "simplex_dual_edge_weight_strategy": 2,
    "dual_simplex_cost_perturbation_multiplier": 1.0,
}


@dataclass(frozen=True)
class Effort:
    """How closely a fleet is planned.

    gap: what is enough, of what the fleet can save [1]. rounds: of prices, at most. groups: of
    cars. ratios, states, classes: of the lattice of batteries (`fleet.split_into_parts`).
    """

    gap: float = 0.005
    rounds: int = 40
    groups: int = 36
    ratios: int = 4
    states: int = 4
    classes: int = 4


@dataclass(frozen=True)
class FleetPlan:
    """What each device does, and how near that is to the best.

    cars: energy into each car [MWh], (cars, N). charge, discharge: of each battery at the meter
    [MWh], (batteries, N). cost: of park and fleet [CNY]. bound: what no plan can be below.
    uncontrolled: cost where cars charge as they come and batteries rest. prices: of the node
    [CNY/MWh], (N,). rounds: of prices.
    """

    cars: Floats
    charge: Floats
    discharge: Floats
    cost: float
    bound: float
    uncontrolled: float
    prices: Floats
    rounds: int

    @property
    def gap(self) -> float:
        """Return how much of what the fleet can save may be missed, at most [1]."""
        can = self.uncontrolled - self.bound
        return (self.cost - self.bound) / can if can > 0.0 else 0.0


def plan_fleet(
    program: Program, node: str, cars: Cars, batteries: Batteries, effort: Effort | None = None
) -> FleetPlan:
    """Return a plan of a park's program and a fleet at one of its nodes.

    program: as updated; its steps are the fleet's. Prices below nothing are taken as they come by
    cars; a battery may then lose energy by going both ways at once, which is kept from the plan at
    the cost of a wider gap. Raises `NoPlanError` where the solver finds none.
    """
    return _Together(program, node, cars, batteries, effort or Effort()).plan()


@dataclass
class _Found:
    """An optimum of the master: its cost, columns, prices of the node and of all rows."""

    cost: float
    columns: Floats
    duals: Floats


@dataclass
class _Mixed:
    """Columns of the cars: the prices they were asked at, and group and number of each column.

    prices: None is for those who charge as they come.
    """

    prices: list[Floats | None] = field(default_factory=list)
    columns: list[Columns] = field(default_factory=list)
    groups: list[Columns] = field(default_factory=list)


class _Together:
    """The master program: the park, a store for each pool, a mixture for each group of cars."""

    def __init__(
        self, program: Program, node: str, cars: Cars, batteries: Batteries, effort: Effort
    ) -> None:
        self.hours = program.layout.hours
        self.cars, self.batteries, self.effort = cars, batteries, effort
        self.steps = len(self.hours)
        names = [each.name for each in program.nodes]
        rows = program.balances.numbers[names.index(node)]
        self.at_node = rows[program.layout.open()].astype(np.int32)
        self.group_of = car_groups(cars, effort.groups)
        self.groups = int(self.group_of.max(initial=-1)) + 1
        self.parts: Parts = split_into_parts(
            batteries, effort.ratios, effort.states, effort.classes
        )
        self.pools: Pools = pool(batteries, self.parts, self.hours)
        # What is stored now is worth something at the end too; the pools count what is added.
        resting = batteries.start * batteries.keep ** self.hours.sum()
        self.kept = float(batteries.worth @ resting)
        self.highs = quiet_highs(_SOLVER)
        pass_model(self.highs, program, program.shut(), program.prices_of_ranks())
        self.first_column, self.first_row = program.column_count, program.row_count
        self._next = self.first_column
        self.mixed = _Mixed()
        self._add_rows()
        self._add_pools()

    # -- the master ------------------------------------------------------------------------------

    def _add_rows(self) -> None:
        """Add an equation for each pool's step, and one for each group of cars."""
        stores, n = len(self.pools), self.steps
        right = np.concatenate([np.zeros(stores * n), np.ones(self.groups)])
        nothing = np.zeros(0, dtype=np.int32)
        starts = np.zeros(len(right), dtype=np.int32)
        self.highs.addRows(len(right), right, right, 0, starts, nothing, np.zeros(0))
        self.pool_rows = (self.first_row + np.arange(stores * n)).reshape(stores, n)
        self.mix_rows = self.first_row + stores * n + np.arange(self.groups)

    def _add_pools(self) -> None:
        """Add what goes in and out of each pool and what has gone in since now; shut at first."""
        p, rows = self.pools, self.pool_rows
        shape = rows.shape
        at_node = np.broadcast_to(self.at_node, shape)
        shut = np.zeros(shape)
        taken = np.broadcast_to(p.taken[:, None], shape)
        given = np.broadcast_to(p.given[:, None], shape)
        wear = np.broadcast_to(p.wear[:, None], shape)
        ends = np.zeros(shape)
        ends[:, -1:] = -p.worth[:, None]
        one = np.ones(shape)
        self.inward = self._add(shut, shut, shut, [(at_node, -taken), (rows, -one)])
        self.outward = self._add(wear, shut, shut, [(at_node, given), (rows, one)])
        keep = -(p.keep[:, None] ** self.hours)
        after, later = np.roll(rows, -1, axis=1), np.roll(keep, -1, axis=1)
        # The last step has none after it.
        later = later.copy()
        later[:, -1:] = 0.0
        # While nothing goes in or out, what rests may fall below what is wanted at the end.
        free = np.full(shape, np.inf)
        self.level = self._add(ends, -free, free, [(rows, one), (after, later)])

    def _add(
        self,
        cost: Floats,
        lower: Floats,
        upper: Floats,
        entries: list[tuple[npt.NDArray[np.integer], Floats]],
    ) -> Columns:
        """Add a column for each number of `cost`, with an entry in each of the rows named."""
        count = cost.size
        found = (self._next + np.arange(count)).astype(np.int32).reshape(cost.shape)
        self._next += count
        index = np.stack([rows.ravel() for rows, _ in entries], axis=1).astype(np.int32)
        value = np.stack([each.ravel() for _, each in entries], axis=1)
        starts = (np.arange(count) * len(entries)).astype(np.int32)
        self.highs.addCols(
            count,
            cost.ravel(),
            lower.ravel(),
            upper.ravel(),
            index.size,
            starts,
            index.ravel(),
            value.ravel(),
        )
        return found

    def _open_pools(self) -> None:
        p, most = self.pools, self.hours
        none = np.zeros(self.inward.shape)
        for columns, lower, upper in (
            (self.inward, none, p.inward[:, None] * most),
            (self.outward, none, p.outward[:, None] * most),
            (self.level, p.low, p.high),
        ):
            at = columns.ravel()
            self.highs.changeColsBounds(len(at), at, lower.ravel(), upper.ravel())

    def _mix_in(self, taken: Floats, prices: Floats | None, groups: Columns) -> None:
        """Let the cars of each of `groups` do what they do in `taken`, (cars, N), in part."""
        if not len(groups):
            return
        meter = np.zeros((self.groups, self.steps))
        np.add.at(meter, self.group_of, taken / self.cars.efficiency[:, None])
        later = np.bincount(self.group_of, self.cars.later(taken), self.groups)
        rows = np.concatenate(
            [np.tile(self.at_node, (len(groups), 1)), self.mix_rows[groups, None]], axis=1
        )
        values = np.concatenate([-meter[groups], np.ones((len(groups), 1))], axis=1)
        some = values != 0.0
        count = some.sum(axis=1)
        first, self._next = self._next, self._next + len(groups)
        self.highs.addCols(
            len(groups),
            -later[groups],
            np.zeros(len(groups)),
            np.full(len(groups), np.inf),
            int(count.sum()),
            (np.cumsum(count) - count).astype(np.int32),
            rows[some].astype(np.int32),
            values[some],
        )
        self.mixed.prices.append(prices)
        self.mixed.columns.append((first + np.arange(len(groups))).astype(np.int32))
        self.mixed.groups.append(groups)

    def _solve(self) -> _Found:
        self.highs.run()
        status = self.highs.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise NoPlanError(self.highs.modelStatusToString(status))
        found = self.highs.getSolution()
        cost = float(self.highs.getInfo().objective_function_value)
        return _Found(cost, np.array(found.col_value), np.array(found.row_dual))

    # -- prices out, answers back ----------------------------------------------------------------

    def plan(self) -> FleetPlan:
        """Solve, ask, mix, until what could still be saved is little."""
        every = np.arange(self.groups, dtype=np.int32)
        self._mix_in(self.cars.uncontrolled(), None, every)
        uncontrolled = self._solve().cost
        self._open_pools()
        self.highs.setOptionValue("simplex_strategy", 4)
        best = -np.inf
        for rounds in range(1, self.effort.rounds + 1):  # noqa: B007 - told afterwards
            found = self._solve()
            prices = found.duals[self.at_node]
            taken = self.cars.cheapest(prices)
            cost = np.bincount(self.group_of, self.cars.cost(taken, prices), self.groups)
            could = cost - found.duals[self.mix_rows]
            best = max(best, self._bound(found, prices, float(could.sum())))
            enough = self.effort.gap * (uncontrolled - best)
            if found.cost - best <= max(_CRUMB, enough) or could.sum() >= -0.1 * enough:
                break
            self._mix_in(taken, prices, np.flatnonzero(could < -_CRUMB).astype(np.int32))
        return self._read(found, best, uncontrolled, rounds)

    def _bound(self, found: _Found, prices: Floats, cars: float) -> float:
        """Return what no plan is below: the park at these prices, and each device by itself.

        The master's cost is its dual value. In it the pools stand for the batteries, and the
        mixtures for the cars; each is taken out, and what its devices cost at least put in.
        """
        if not len(self.batteries):
            return found.cost + cars
        values = -found.duals[self.pool_rows]
        batteries = float(self.batteries.least_cost(prices, self.hours).sum()) + self.kept
        return found.cost + cars + batteries - self._pools_alone(values, prices)

    def _pools_alone(self, values: Floats, prices: Floats) -> float:
        """Return what the pools cost at `prices` [CNY], by the duals of their own equations."""
        p, keep = self.pools, self.pools.keep[:, None] ** self.hours
        buys = prices * p.taken[:, None] - values
        sells = values + p.wear[:, None] - prices * p.given[:, None]
        holds = values.copy()
        holds[:, :-1] -= keep[:, 1:] * values[:, 1:]
        holds[:, -1] -= p.worth
        total = (
            np.minimum(buys, 0.0) * p.inward[:, None] * self.hours
            + np.minimum(sells, 0.0) * p.outward[:, None] * self.hours
            + np.where(holds > 0.0, holds * p.low, holds * p.high)
        )
        return float(total.sum())

    def _read(self, found: _Found, bound: float, uncontrolled: float, rounds: int) -> FleetPlan:
        b, count = self.batteries, len(self.batteries)
        stored = self.parts.of_owners(found.columns[self.inward], count)
        drawn = self.parts.of_owners(found.columns[self.outward], count)
        return FleetPlan(
            cars=self._cars(found.columns),
            charge=stored / b.efficiency_in[:, None],
            discharge=drawn * b.efficiency_out[:, None],
            cost=found.cost - self.kept,
            bound=bound - self.kept,
            uncontrolled=uncontrolled - self.kept,
            prices=found.duals[self.at_node],
            rounds=rounds,
        )

    def _cars(self, columns: Floats) -> Floats:
        """Return what each car takes [MWh]: the mixture of its own answers, as its group's."""
        total = np.zeros((len(self.cars), self.steps))
        mixed = self.mixed
        for prices, at, groups in zip(mixed.prices, mixed.columns, mixed.groups, strict=True):
            part = np.zeros(self.groups)
            part[groups] = columns[at]
            if not part.any():
                continue
            answer = (
                self.cars.uncontrolled() if prices is None else self.cars.cheapest(prices)
            )
            total += part[self.group_of, None] * answer
        return total
