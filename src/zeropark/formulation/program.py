"""A park's plan as arrays for the solver: compiled once, then only its numbers change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.formulation.block import (
    Block,
    Clock,
    Column,
    Formulated,
    Rank,
    Spanning,
    number_grid,
)
from zeropark.formulation.layout import Layout
from zeropark.formulation.linear import NONE, Indices, Linear, Mask, Rule, Sense, Term
from zeropark.formulation.value import Given, Value

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Balance:
    """A node: one carrier that balances at every step.

    spill_cost: what it costs to throw the carrier away [CNY/MWh]; None where that is a last resort,
    as for electricity, which then gives way with the supply itself.
    """

    name: str
    carrier: str
    spill_cost: float | None = None


@dataclass
class Inputs:
    """What an update tells a block: numbers in time order.

    signals: name -> (members, steps). figures: name -> (members,): states before now among them.
    """

    signals: dict[str, Floats] = field(default_factory=dict)
    figures: dict[str, Floats] = field(default_factory=dict)


@dataclass
class Rows:
    """Rows of one rule: row numbers (members, slots) or (members, 1), and how they compare.

    numbers: NONE where the rule does not hold.
    """

    name: str
    numbers: Indices
    names: list[str]
    rule: Rule


@dataclass
class _Writer:
    """Copies a value into a stretch of a buffer."""

    buffer: Floats
    value: Value
    where: Indices | slice
    shape: tuple[int, ...]
    scale: float = 1.0

    def write(self) -> Floats:
        """Write the value and return the buffer it is in now."""
        numbers = self.value.array if self.scale == 1.0 else self.value.array * self.scale
        if isinstance(self.where, slice):
            self.buffer[self.where].reshape(self.shape)[...] = numbers
        else:
            self.buffer[self.where] = np.broadcast_to(numbers, self.shape).ravel()
        return self.buffer


class Program:
    """The linear program of a park: columns, rows, coefficients, and the numbers behind them.

    Minimise cost · x subject to row_lower ≤ A x ≤ row_upper and lower ≤ x ≤ upper. Column and row
    order never change; `update` rewrites numbers in place. The last column and row are empty and
    stand for all there are not (see `linear.NONE`).
    """

    def __init__(
        self,
        nodes: Sequence[Balance],
        kinds: Mapping[str, Sequence[Formulated]],
        layout: Layout,
        *,
        exact: bool = False,
        called: bool = False,
    ) -> None:
        self.exact = exact
        self.called = called
        self.nodes = nodes
        self.layout = layout
        self._clock = Clock.of(layout)
        self.blocks: dict[str, Block] = {}
        self.rows: list[Rows] = []
        self.row_count = 0
        self._columns = 0
        self._triplets: list[tuple[Indices, Indices, Value | float, tuple[int, ...]]] = []
        for kind, assets in kinds.items():
            self._add_kind(kind, assets)
        for kind, assets in kinds.items():
            block, first = self.blocks[kind], assets[0]
            for name, rule in first.over(block, self.blocks) if isinstance(first, Spanning) else ():
                self._add_rows(f"{kind}-{name}", block.names, rule)
        self.node_block = self._add_nodes()
        self._columns += 1
        self.row_count += 1
        self._allocate()

    # -- structure --------------------------------------------------------------------------------

    @property
    def column_count(self) -> int:
        """Number of columns."""
        return self._columns

    def _add_kind(self, kind: str, assets: Sequence[Formulated]) -> None:
        block = Block(
            kind,
            assets,
            self.layout,
            self._columns,
            clock=self._clock,
            exact=self.exact,
            called=self.called,
        )
        self.blocks[kind] = block
        rules = [(name, rule) for name, rule in assets[0].rules(block)]
        self._columns = block.next_column
        for name, rule in rules:
            self._add_rows(f"{kind}-{name}", block.names, rule)

    def _add_rows(self, name: str, names: list[str], rule: Rule) -> None:
        terms = rule.expression.terms
        width = max(1 if term.summed else term.columns.shape[1] for term in terms)
        numbers = self._number_rows((len(names), width), rule.where)
        self.rows.append(Rows(name, numbers, names, rule))
        for term in terms:
            assert width == 1 or not term.summed, "a sum over slots stands in a rule without slots"
            shape = (len(names), term.columns.shape[1] if term.summed else width)
            columns = np.broadcast_to(term.columns, shape)
            self._triplets.append((numbers, columns, term.coefficient, shape))

    def _number_rows(self, shape: tuple[int, int], where: Mask | None = None) -> Indices:
        numbers = number_grid(self.row_count, shape, where)
        self.row_count = max(self.row_count, int(numbers.max(initial=NONE)) + 1)
        return numbers

    def _add_nodes(self) -> Block:
        """Add a balance per node and slot, with shed and spill so that it can always be met."""
        slots = self.layout.slots
        block = Block(
            "node", [_NodeAsset(node.name) for node in self.nodes], self.layout, self._columns
        )
        priced = np.array([node.spill_cost is not None for node in self.nodes])
        price = np.array([[node.spill_cost or 0.0] for node in self.nodes])
        spill = block.flow("spill", where=priced)
        self.last_resort = block.next_column
        """From this column on to the last one all are of a node's last resort."""
        shed = block.slack("shed", Rank.SUPPLY)
        dump = block.slack("dump", Rank.SUPPLY, where=~priced)
        block.cost("spill", spill * Given(price))
        self._columns = block.next_column
        numbers = self._number_rows((len(self.nodes), slots))
        position = {node.name: i for i, node in enumerate(self.nodes)}
        fixed: list[tuple[npt.NDArray[np.intp], Value]] = []
        for other in self.blocks.values():
            for into in other.intos:
                at = [asset.port_nodes().get(into.port) for asset, _, _ in other.members]
                self._inject(numbers, position, at, into.expression)
                if isinstance(into.expression.constant, Value):
                    fixed.append(_places(position, at, into.expression.constant))
        for term in (shed - dump - spill).terms:
            self._triplets.append((numbers, term.columns, term.coefficient, term.columns.shape))
        rule = Rule(Linear([], _sum_of(fixed, numbers.shape)), Sense.EQUAL)
        self.balances = Rows("balance", numbers, block.names, rule)
        self.rows.append(self.balances)
        return block

    def _inject(
        self, numbers: Indices, position: dict[str, int], at: list[str | None], expression: Linear
    ) -> None:
        connected = np.array([i for i, node in enumerate(at) if node is not None], dtype=np.intp)
        if not len(connected):
            return
        rows = numbers[[position[node] for node in at if node is not None]]
        for term in expression.terms:
            columns = np.broadcast_to(term.columns, (len(at), self.layout.slots))[connected]
            coefficient = term.coefficient
            if isinstance(coefficient, Value):
                coefficient = _rows_of(coefficient, connected, len(at))
            self._triplets.append((rows, columns, coefficient, columns.shape))

    # -- numbers ----------------------------------------------------------------------------------

    def _allocate(self) -> None:
        self.lower = np.zeros(self._columns)
        self.upper = np.full(self._columns, np.inf)
        self.cost = np.zeros(self._columns)
        self.row_lower = np.full(self.row_count, -np.inf)
        self.row_upper = np.full(self.row_count, np.inf)
        self._writers: list[_Writer] = []
        self._assemble_matrix()
        self._assemble_bounds()
        self._assemble_costs()
        self._assemble_slots()
        self._written = -1
        self._standing: dict[Given, list[int]] = {}
        for number, writer in enumerate(self._writers):
            for given in writer.value.stands_on():
                self._standing.setdefault(given, []).append(number)

    def _assemble_matrix(self) -> None:
        """Sort all (row, column, coefficient) into rows; remember where each changing one went."""
        rows = np.concatenate([np.broadcast_to(r, s).ravel() for r, _, _, s in self._triplets])
        columns = np.concatenate([c.ravel() for _, c, _, _ in self._triplets])
        keys = rows.astype(np.int64) * self._columns + columns
        there = (rows != NONE) & (columns != NONE)
        # Not `np.unique`: the keys come in rising runs, which a stable sort takes as they are.
        order = np.flatnonzero(there)
        order = order[np.argsort(keys[order], kind="stable")]
        ranked = keys[order]
        is_first = np.diff(ranked, prepend=-1) > 0
        distinct = ranked[is_first]
        # What has no row or no column goes to a place past the last one, which is thrown away.
        self._entry = np.full(len(keys), len(distinct))
        self._entry[order] = np.cumsum(is_first) - 1
        self.index = (distinct % self._columns).astype(np.int32)
        counts = np.bincount((distinct // self._columns).astype(np.intp), minlength=self.row_count)
        self.start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        self.entry_row = np.repeat(np.arange(self.row_count, dtype=np.int32), counts)
        self.value = np.zeros(len(distinct))
        self._raw = np.zeros(len(keys))
        at = 0
        for _, _, coefficient, shape in self._triplets:
            size = shape[0] * shape[1]
            self._bind(self._raw, coefficient, slice(at, at + size), shape)
            at += size
        self._triplets = []

    def _assemble_bounds(self) -> None:
        for block in (*self.blocks.values(), self.node_block):
            for column in block.columns:
                where, shape = _stretch(column.columns), column.columns.shape
                self._bind(self.lower, column.lower, where, shape)
                self._bind(self.upper, column.upper, where, shape)
        for rows in self.rows:
            where, shape = _stretch(rows.numbers), rows.numbers.shape
            constant = rows.rule.expression.constant
            if rows.rule.sense is not Sense.AT_MOST:
                self._bind(self.row_lower, constant, where, shape, -1.0)
            if rows.rule.sense is not Sense.AT_LEAST:
                self._bind(self.row_upper, constant, where, shape, -1.0)

    def _assemble_costs(self) -> None:
        self.cost_parts: list[tuple[str, Term]] = []
        self._ranks: dict[Rank, Indices] = {}
        for block in (*self.blocks.values(), self.node_block):
            for cost in block.costs:
                self.cost_parts.extend((cost.part, term) for term in cost.expression.terms)
        for rank in Rank:
            found = [
                column.columns.ravel()
                for block in (*self.blocks.values(), self.node_block)
                for column in block.columns
                if column.rank is rank
            ]
            columns = np.concatenate([np.zeros(0, dtype=np.int32), *found])
            self._ranks[rank] = columns[columns != NONE]
        self._assemble_prices()
        self.elastic_scale = 0.0

    def _assemble_prices(self) -> None:
        """Lay the terms of the cost side by side; remember where each changing price went."""
        found = [
            np.zeros(0, dtype=np.int32),
            *(term.columns.ravel() for _, term in self.cost_parts),
        ]
        self._cost_columns = np.concatenate(found)
        self._raw_cost = np.zeros(len(self._cost_columns))
        at = 0
        for _, term in self.cost_parts:
            where = slice(at, at + term.columns.size)
            self._bind(self._raw_cost, term.coefficient, where, term.columns.shape)
            at = where.stop
        # What has no column goes to a place past the last one, which is thrown away.
        self._cost_columns[self._cost_columns == NONE] = self._columns

    def _assemble_slots(self) -> None:
        """Note the columns and rows of each slot, so that closed slots can be shut at once."""
        slots = self.layout.slots
        grids: list[Indices] = []
        starts: list[Floats] = []
        self._state_figures: list[tuple[Given, int]] = []
        for block in (*self.blocks.values(), self.node_block):
            for column in block.columns:
                if column.columns.shape[1] == slots:
                    if column.state:
                        at = sum(len(grid) for grid in grids)
                        self._state_figures.append((block.figures[column.name], at))
                    grids.append(column.columns)
                    starts.append(np.zeros(len(column.columns)))
        self.slot_columns = np.concatenate(grids)
        self._starts = np.concatenate(starts)
        self.slot_rows = np.concatenate(
            [r.numbers for r in self.rows if r.numbers.shape[1] == slots]
        )

    def _bind(
        self,
        buffer: Floats,
        number: Value | float,
        where: Indices | slice,
        shape: tuple[int, ...],
        scale: float = 1.0,
    ) -> None:
        """Write a number that never changes; note where one goes that does."""
        if isinstance(number, Value):
            self._writers.append(_Writer(buffer, number, where, shape, scale))
        else:
            buffer[where] = number * scale

    def rank_columns(self, rank: Rank) -> Indices:
        """Return the slack columns whose limits give way at `rank`."""
        return self._ranks[rank]

    def update(self, inputs: Mapping[str, Inputs], hours: Floats | None = None) -> None:
        """Take new numbers; unnamed signals and figures keep theirs. Structure stays."""
        layout = self.layout
        by_slot = layout.by_slot((layout.hours if hours is None else hours).reshape(1, -1))
        ahead = np.ones((1, layout.slots))
        ahead[:, layout.closed()] = 0.0
        _put(self._clock.hours, by_slot)
        _put(self._clock.open, ahead)
        for kind, block in self.blocks.items():
            given = inputs.get(kind)
            if given is None:
                continue
            for name, array in given.signals.items():
                if name in block.signals:
                    _put(block.signals[name], layout.by_slot(array))
            for name, numbers in given.figures.items():
                if name in block.figures:
                    _put(block.figures[name], np.asarray(numbers, dtype=float).reshape(-1, 1))
        self._write()

    def settle(self) -> None:
        """Let go of what only an update or a solver needs; amounts and costs are read as before.

        For a year's program whose numbers another one holds.
        """
        self._writers, self._standing = [], {}
        none = np.zeros(0)
        self._raw = self._raw_cost = self.value = none
        self.lower = self.upper = self.row_lower = self.row_upper = none
        nowhere = np.zeros(0, dtype=np.int32)
        self.index = self.start = self.entry_row = self._cost_columns = nowhere
        self._entry = np.zeros(0, dtype=np.intp)
        self.slot_columns = self.slot_rows = nowhere

    def _write(self) -> None:
        """Write what stands on a number that was set since the last time; sum what is summed."""
        first, begun = self._written < 0, self._written
        moved = [given for given in self._standing if given.stamp > begun]
        self._written = max([begun, 0, *(given.stamp for given in moved)])
        due = {number for given in moved for number in self._standing[given]}
        written = [self._writers[number].write() for number in sorted(due)]
        if first or any(buffer is self._raw for buffer in written):
            self.value = _summed(self._entry, self._raw, len(self.value))
        if first or any(buffer is self._raw_cost for buffer in written):
            self.cost = _summed(self._cost_columns, self._raw_cost, self._columns)

    def shut(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return (lower, upper, row_lower, row_upper) with the slots before now shut.

        Flows there are 0, states are the measured ones, rows are free.
        """
        closed = self.layout.closed()
        for figure, at in self._state_figures:
            numbers = figure.array.ravel()
            self._starts[at : at + len(numbers)] = numbers
        lower, upper = self.lower.copy(), self.upper.copy()
        columns = self.slot_columns[:, closed]
        lower[columns] = self._starts[:, None]
        upper[columns] = self._starts[:, None]
        row_lower, row_upper = self.row_lower.copy(), self.row_upper.copy()
        rows = self.slot_rows[:, closed]
        row_lower[rows] = -np.inf
        row_upper[rows] = np.inf
        lower[NONE] = upper[NONE] = 0.0
        row_lower[NONE], row_upper[NONE] = -np.inf, np.inf
        return lower, upper, row_lower, row_upper

    def waste(self, x: Floats, least: float) -> Indices:
        """Return what to shut so that no flow goes both its ways by more than `least` in a slot."""
        found = [np.zeros(0, dtype=np.int32)]
        for block in self.blocks.values():
            for one, other in block.one_way:
                both = np.minimum(x[one], x[other]) > least
                found.append(np.where(x[one] < x[other], one, other)[both])
        return np.concatenate(found)

    def prices_of_ranks(self) -> Floats:
        """Return the objective with the moderate price of each slack added, shape (columns,)."""
        if self.elastic_scale == 0.0:
            used = np.abs(self.cost[self.cost != 0.0])
            # Not `np.median`: its first call imports masked arrays, which takes longer than a plan.
            middle = len(used) // 2
            self.elastic_scale = float(np.partition(used, middle)[middle]) if len(used) else 1.0
        cost = self.cost.copy()
        for rank in Rank:
            cost[self._ranks[rank]] += 10.0 ** (2 + int(rank)) * self.elastic_scale
        return cost

    def block_of(self, kind: str) -> Block:
        """Return the block of a kind, or that of the nodes."""
        return self.node_block if kind == "node" else self.blocks[kind]

    def column_of(self, kind: str, name: str) -> Column:
        """Return the column block `name` of `kind`."""
        return next(column for column in self.block_of(kind).columns if column.name == name)


@dataclass(frozen=True)
class _NodeAsset:
    """A node seen as an asset, so that its shed and spill are columns like all others."""

    name: str

    def members(self) -> list[tuple[str, object]]:
        return [("", self)]

    def port_nodes(self) -> dict[str, str | None]:
        return {}

    def rules(self, m: Block) -> list[tuple[str, Rule]]:  # noqa: ARG002 - a node has its balance
        return []


def _summed(places: npt.NDArray[Any], raw: Floats, count: int) -> Floats:
    """Return the sums of `raw` by place; what goes past the last place is thrown away."""
    return np.bincount(places, raw, count)[:count].astype(np.float64, copy=False)


def _put(given: Given, array: Floats) -> None:
    """Set a number; what is the same as before leaves alone all that stands on it."""
    # As bytes: several times as fast as number by number, and what is no number is itself.
    if given.array.shape != array.shape or given.array.tobytes() != array.tobytes():
        given.put(array)


def _stretch(numbers: Indices) -> Indices | slice:
    """Return where a block's numbers lie in a buffer: a stretch of it, or one by one."""
    if (numbers == NONE).any():
        return numbers.ravel()
    return slice(int(numbers.flat[0]), int(numbers.flat[-1]) + 1)


def _places(
    position: Mapping[str, int], at: Sequence[str | None], constant: Value
) -> tuple[npt.NDArray[np.intp], Value]:
    """Return the node's number of each member that has one, and what flows there for sure."""
    members = np.array([i for i, node in enumerate(at) if node is not None], dtype=np.intp)
    nodes = np.array([position[node] for node in at if node is not None], dtype=np.intp)
    return nodes, _rows_of(constant, members, len(at))


def _sum_of(
    fixed: Sequence[tuple[npt.NDArray[np.intp], Value]], shape: tuple[int, ...]
) -> Value | float:
    """Return what flows into each node for sure, shape (nodes, slots)."""
    nodes = [numbers for numbers, _ in fixed if len(numbers)]

    def add(*arrays: Floats) -> Floats:
        total = np.zeros(shape)
        for numbers, array in zip(nodes, arrays, strict=True):
            np.add.at(total, numbers, np.broadcast_to(array, (len(numbers), shape[1])))
        return total

    values = [value for numbers, value in fixed if len(numbers)]
    return Value(add, *values) if values else 0.0


def _rows_of(value: Value, rows: npt.NDArray[np.intp], count: int) -> Value:
    """Return only the given rows of a value whose first axis is `count` or 1."""
    return Value(lambda array: array[rows] if array.shape[0] == count else array, value)
