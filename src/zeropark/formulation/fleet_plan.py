"""A park and its fleet planned together: prices go out, what all devices do comes back.

The park's program is solved with each group of batteries as one store and each group of cars as a
mixture of what they did at prices seen before (Dantzig and Wolfe, 1960). Its prices ask the cars
again, until what any device could still save at them is little: that sum is the proven gap.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import highspy
import numpy as np
import numpy.typing as npt

from zeropark.formulation.fleet import (
    Batteries,
    Cars,
    car_groups,
    pool,
    split_into_parts,
)
from zeropark.formulation.program import Program
from zeropark.formulation.solver import USED, NoPlanError, Option, pass_model, quiet_highs

Floats = npt.NDArray[np.float64]
Columns = npt.NDArray[np.int32]
# A gap below this is the solver's own [CNY].
_CRUMB = 1e-3
# Of the gap that is enough, what is left to cars when only batteries keep it open [1].
_SHARE = 0.1
_SOLVER: dict[str, Option] = {
    "simplex_dual_edge_weight_strategy": 2,
    "dual_simplex_cost_perturbation_multiplier": 1.0,
}


@dataclass(frozen=True)
class Lattice:
    """How finely batteries are told apart; see `fleet.split_into_parts`."""

    ratios: int
    states: int
    classes: int


@dataclass(frozen=True)
class Effort:
    """How closely a fleet is planned.

    gap: what is enough, of what the fleet can save [1]. rounds: of prices, at most. groups: of
    cars. lattices: of batteries, one after the other until the gap is enough.
    """

    gap: float = 0.01
    rounds: int = 40
    groups: int = 36
    lattices: tuple[Lattice, ...] = (Lattice(2, 2, 4), Lattice(3, 3, 8))


@dataclass(frozen=True)
class FleetPlan:
    """What each device does, and how near that is to the best.

    cars: energy into each car [MWh], (cars, N). charge, discharge: of each battery at the meter
    [MWh], (batteries, N). cost: of park and fleet [CNY]. bound: what no plan can be below. Both
    with what limits that give way are fined. uncontrolled: cost where cars charge as they come and
    batteries rest, without fines, so that a saving is never one of fines. prices: of the node
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
        """Return how much of what the fleet can save may be missed, at most [1].

        Infinite where it can save nothing and what it does is not proven the best.
        """
        missed, can = self.cost - self.bound, self.uncontrolled - self.bound
        if missed <= _CRUMB:
            return 0.0
        return missed / can if can > 0.0 else float("inf")


def plan_fleet(
    program: Program, node: str, cars: Cars, batteries: Batteries, effort: Effort | None = None
) -> FleetPlan:
    """Return a plan of a park's program and a fleet at one of its nodes.

    program: as updated; its open steps are the fleet's. Where a price is below nothing a battery
    would waste by going both ways at once; the plan keeps it from that, the bound does not. Raises
    `NoPlanError` where the solver finds none.
    """
    effort = effort or Effort()
    together = _Together(program, node, cars, batteries, effort)
    plan = together.plan(effort.lattices[0])
    for lattice in effort.lattices[1:]:
        if plan.gap <= effort.gap or not len(batteries):
            break
        again = _Together(program, node, cars, batteries, effort).plan(lattice)
        bound = max(plan.bound, again.bound)
        plan = replace(again if again.cost <= plan.cost else plan, bound=bound)
    return plan


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
        # What is stored now is worth something at the end too; the pools count what is added.
        resting = batteries.start * batteries.keep ** self.hours.sum()
        self.kept = float(batteries.worth @ resting)
        self.highs = quiet_highs(_SOLVER)
        fined = program.prices_of_ranks()
        self.fines = fined - program.cost
        pass_model(self.highs, program, program.shut(), fined)
        self._next_column, self._next_row = program.column_count, program.row_count
        self.mix_rows = self._add_rows(np.ones(self.groups))
        self.mixed = _Mixed()

    # -- the master ------------------------------------------------------------------------------

    def _add_rows(self, right: Floats) -> Columns:
        """Add an empty equation for each number of `right`."""
        count = right.size
        nothing, starts = np.zeros(0, dtype=np.int32), np.zeros(count, dtype=np.int32)
        if count:
            self.highs.addRows(count, right.ravel(), right.ravel(), 0, starts, nothing, np.zeros(0))
        first, self._next_row = self._next_row, self._next_row + count
        return (first + np.arange(count)).astype(np.int32).reshape(right.shape)

    def _add_pools(self, lattice: Lattice, price: float) -> None:
        """Add what goes in and out of each pool, and what has gone in since now."""
        self.parts = split_into_parts(
            self.batteries, lattice.ratios, lattice.states, lattice.classes, price
        )
        self.pools = p = pool(self.batteries, self.parts, self.hours)
        self.pool_rows = rows = self._add_rows(np.zeros((len(p), self.steps)))
        one, none = np.ones(rows.shape), np.zeros(rows.shape)
        at_node = np.broadcast_to(self.at_node, rows.shape)
        most_in, most_out = p.inward[:, None] * self.hours, p.outward[:, None] * self.hours
        taken, given, wear = (one * each[:, None] for each in (p.taken, p.given, p.wear))
        self.inward = self._add(none, none, most_in, [(at_node, -taken), (rows, -one)])
        self.outward = self._add(wear, none, most_out, [(at_node, given), (rows, one)])
        # What is in at the end of a step is there, less what standing loses, in the next one.
        later = np.roll(-(p.keep[:, None] ** self.hours), -1, axis=1)
        later[:, -1:] = 0.0
        ends = none.copy()
        ends[:, -1] = -p.worth
        after = np.roll(rows, -1, axis=1)
        self._add(ends, p.low, p.high, [(rows, one), (after, later)])

    def _add(
        self,
        cost: Floats,
        lower: Floats,
        upper: Floats,
        entries: list[tuple[npt.NDArray[np.integer], Floats]],
    ) -> Columns:
        """Add a column for each number of `cost`, with an entry in each of the rows named."""
        count = cost.size
        found = (self._next_column + np.arange(count)).astype(np.int32).reshape(cost.shape)
        self._next_column += count
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

    def _mix_in(self, taken: Floats, prices: Floats | None, groups: Columns) -> None:
        """Let the cars of each of `groups` do what they do in `taken`, (cars, N), in part."""
        if not len(groups):
            return
        meter = np.zeros((self.groups, self.steps))
        np.add.at(meter, self.group_of, taken / self.cars.efficiency[:, None])
        later = np.bincount(self.group_of, self.cars.later(taken), self.groups).astype(np.float64)
        rows = np.concatenate(
            [np.tile(self.at_node, (len(groups), 1)), self.mix_rows[groups, None]], axis=1
        )
        values = np.concatenate([-meter[groups], np.ones((len(groups), 1))], axis=1)
        some = values != 0.0
        count = some.sum(axis=1)
        first, self._next_column = self._next_column, self._next_column + len(groups)
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

    def plan(self, lattice: Lattice) -> FleetPlan:
        """Solve, ask, mix, until what could still be saved is little."""
        self._mix_in(self.cars.uncontrolled(), None, np.arange(self.groups, dtype=np.int32))
        alone = self._solve()
        count = len(self.fines)
        uncontrolled = alone.cost - float(self.fines @ alone.columns[:count])
        prices = alone.duals[self.at_node]
        self._add_pools(lattice, float(np.partition(prices, self.steps // 2)[self.steps // 2]))
        # What has been added leaves the last point where it was: from there the primal simplex.
        self.highs.setOptionValue("simplex_strategy", 4)
        best, rounds, found = -np.inf, 0, alone
        while rounds < self.effort.rounds:
            rounds += 1
            found = self._solve()
            prices = found.duals[self.at_node]
            taken = self.cars.cheapest(prices)
            cost = np.bincount(self.group_of, self.cars.cost(taken, prices), self.groups)
            could = np.minimum(0.0, cost - found.duals[self.mix_rows])
            best = max(best, self._bound(found, prices, float(could.sum())))
            enough = max(_CRUMB, self.effort.gap * (uncontrolled - best))
            if found.cost - best <= 0.5 * enough or could.sum() >= -_SHARE * enough:
                break
            self._mix_in(taken, prices, np.flatnonzero(could < 0.0).astype(np.int32))
        return self._read(self._one_way(found), best, uncontrolled, rounds)

    def _one_way(self, found: _Found) -> _Found:
        """Return an optimum in which no pool goes both ways at once, which would only waste."""
        into, out = self.inward, self.outward
        while True:
            x = found.columns
            both = np.minimum(x[into], x[out]) > USED
            if not both.any():
                return found
            at = np.where(x[into] < x[out], into, out)[both]
            self.highs.changeColsBounds(len(at), at, np.zeros(len(at)), np.zeros(len(at)))
            found = self._solve()

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
        # What the solver tolerates is no set-point.
        x = np.maximum(found.columns, 0.0)
        stored = self.parts.of_owners(x[self.inward], count) / b.efficiency_in[:, None]
        drawn = self.parts.of_owners(x[self.outward], count) * b.efficiency_out[:, None]
        most = b.p_nom[:, None] * self.hours
        return FleetPlan(
            cars=self._cars(x),
            charge=np.minimum(stored, most),
            discharge=np.minimum(drawn, most),
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
            answer = self.cars.uncontrolled() if prices is None else self.cars.cheapest(prices)
            total += part[self.group_of, None] * answer
        return total
