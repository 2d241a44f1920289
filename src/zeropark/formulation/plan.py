"""A plan: what a solution says in time order, what each step is worth, and what gave way."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zeropark.formulation.block import Column, Rank
from zeropark.formulation.program import Program
from zeropark.formulation.solver import USED, Grade, Solution
from zeropark.formulation.value import Value

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GaveWay:
    """A limit that could not be kept.

    asset, limit: names. rank: of the limit. first, last: open steps, the last included.
    amount: total over the steps, in the carrier's amount (MWh for energy).
    """

    asset: str
    limit: str
    rank: Rank
    first: int
    last: int
    amount: float


@dataclass
class Plan:
    """A solution laid out by asset and step.

    grade: how it came to be. made_at: index of the step that began when it was made.
    solution: columns, prices. open: the slot of each step, in time order. gap: by how much its cost
    may be above the least one's [1], where whole numbers are planned.
    """

    program: Program
    solution: Solution
    grade: Grade
    made_at: int
    open: npt.NDArray[np.intp]
    gave_way: list[GaveWay] = field(default_factory=list)
    gap: float = 0.0

    @classmethod
    def read(cls, program: Program, solution: Solution, made_at: int) -> Plan:
        """Return the plan of an optimum of `program` as it now stands."""
        plan = cls(program, solution, Grade.OPTIMAL, made_at, program.layout.open())
        if solution.elastic:
            plan.gave_way = plan._find_what_gave_way()
        return plan

    def amounts(self, kind: str, name: str) -> Floats:
        """Return a column block, or what a kind shows by name, in time order: (members, steps)."""
        block = self.program.block_of(kind)
        if name in block.shown:
            amounts = block.shown[name].amounts(self.solution.columns, self.open)
            return np.broadcast_to(amounts, (len(block), len(self.open)))
        return self._in_time(self.program.column_of(kind, name))

    def prices(self) -> Floats:
        """Return what one more unit at a node costs [CNY per unit], shape (nodes, steps)."""
        return self.solution.duals[self.program.balances.numbers[:, self.open]]

    def scarce(self) -> npt.NDArray[np.bool_]:
        """Return whether a limit of a node, or of an asset there, gave way, shape (nodes, steps).

        The price of such a step is no market's: it says what is given up for one unit more.
        """
        found = np.zeros((len(self.program.nodes), len(self.open)), dtype=bool)
        nodes = {node.name: i for i, node in enumerate(self.program.nodes)}
        for gave in self.gave_way:
            for node in self._nodes_of(gave.asset):
                found[nodes[node], gave.first : gave.last + 1] = True
        return found

    def _nodes_of(self, name: str) -> set[str]:
        """Return the nodes that a node, an asset or its member called `name` touches."""
        blocks = self.program.blocks.values()
        found = {
            node
            for block in blocks
            for member, (asset, _, _) in zip(block.names, block.members, strict=True)
            if member == name
            for node in asset.port_nodes().values()
            if node is not None
        }
        return found or {name}

    def _in_time(self, column: Column) -> Floats:
        return self.solution.columns[column.columns[:, self.open]]

    def _find_what_gave_way(self) -> list[GaveWay]:
        found: list[GaveWay] = []
        blocks = [*self.program.blocks.values(), self.program.node_block]
        for block in blocks:
            for column in block.columns:
                if column.rank is None:
                    continue
                for name, amounts in zip(block.names, self._in_time(column), strict=True):
                    found.extend(_spells(name, column.name, column.rank, amounts))
        return sorted(found, key=lambda gave: (-gave.rank, gave.first))


def costs_by_part(program: Program, columns: Floats) -> dict[str, float]:
    """Return what a solution costs by part [CNY]; constants the objective leaves out are not in it.

    columns: of the solution, shape (columns,).
    """
    parts: dict[str, float] = {}
    for part, term in program.cost_parts:
        factor = term.coefficient.array if isinstance(term.coefficient, Value) else term.coefficient
        amount = float(np.sum(columns[term.columns] * factor))
        parts[part] = parts.get(part, 0.0) + amount
    return parts


def _spells(asset: str, limit: str, rank: Rank, amounts: Floats) -> list[GaveWay]:
    """Return one entry for each unbroken spell of steps in which the limit gave way."""
    used = np.concatenate([[False], amounts > USED, [False]])
    edges = np.flatnonzero(used[1:] != used[:-1])
    return [
        GaveWay(asset, limit, rank, int(first), int(last) - 1, float(amounts[first:last].sum()))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]
