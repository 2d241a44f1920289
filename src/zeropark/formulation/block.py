"""A block: all assets of one kind in a plan, as an asset's rules see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from zeropark.formulation.layout import Layout
from zeropark.formulation.linear import NONE, Indices, Linear, Mask, Rule, Term
from zeropark.formulation.value import Given, Value
from zeropark.units.text import Text

INFINITE = float("inf")


class Rank(IntEnum):
    """Which limit gives way first: the higher rank gives way later. Physics and safety never do."""

    COMFORT = 1
    CONTRACT = 2
    SUPPLY = 3


class Formulated(Protocol):
    """What the formulation asks of an asset; `assets.kind.Kind` is the full contract."""

    @property
    def name(self) -> str:
        """The asset's name."""

    def members(self) -> Sequence[tuple[str, object]]:
        """Return (name, object) of the parts that get rows of their own."""

    def port_nodes(self) -> Mapping[str, str | None]:
        """Return the node at each port."""

    def rules(self, m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield the kind's rules, named."""


@runtime_checkable
class Spanning(Protocol):
    """An asset whose kind also has rules over the columns of other kinds."""

    def over(self, m: Block, blocks: Mapping[str, Block]) -> Iterable[tuple[str, Rule]]:
        """Yield these rules, named; one row per member and none per slot.

        blocks: of all kinds, by kind, their own rules yielded.
        """


@dataclass(frozen=True)
class Limit:
    """A limit in words. unit: of what it limits, so that one more of it has a price."""

    words: Text
    unit: str = "MWh"


@dataclass(frozen=True)
class Column:
    """A block of columns and the numbers that bound it.

    columns: NONE where a member or a slot has none.
    means, means_low, spare: the limit's name where the column stands at its upper bound, at its
    lower one, or below an upper bound that it is a pity not to reach.
    """

    name: str
    columns: Indices
    lower: Value | float
    upper: Value | float
    state: bool = False
    rank: Rank | None = None
    means: str = ""
    means_low: str = ""
    spare: str = ""


@dataclass(frozen=True)
class Into:
    """An expression [MWh per slot, or the carrier's amount] that flows into the node at `port`."""

    port: str
    expression: Linear


@dataclass(frozen=True)
class Cost:
    """An expression [CNY] that adds to the objective under the name `part`."""

    part: str
    expression: Linear


class Clock(NamedTuple):
    """What all blocks of a program know of its slots, each of shape (1, slots).

    hours: length of each slot [h]. open: 1 in the slots of the horizon, 0 in those before now.
    """

    hours: Given
    open: Given

    @classmethod
    def of(cls, layout: Layout) -> Clock:
        """Return the numbers of a layout that nobody has updated yet."""
        return cls(*(Given(np.ones((1, layout.slots))) for _ in cls._fields))


class Block:
    """The assets of one kind × the slots of a plan.

    A kind's rules ask it for columns (`flow`, `state`, `once`, `slack`), for numbers (`m["p_nom"]`,
    `m.signal`, `m.figure`) and hand back what enters nodes (`into`) and what costs (`cost`).
    exact: whether a curve is worth more pieces than a plan needs, as in a bound. called: whether
    somebody may call the park, so that what calls ask has rows.
    """

    def __init__(
        self,
        kind: str,
        assets: Sequence[Formulated],
        layout: Layout,
        first_column: int,
        *,
        clock: Clock | None = None,
        exact: bool = False,
        called: bool = False,
    ) -> None:
        self.exact = exact
        self.called = called
        self.kind = kind
        self.assets = assets
        self.layout = layout
        self.members = [(asset, name, part) for asset in assets for name, part in asset.members()]
        self.names = [f"{a.name}/{name}" if name else a.name for a, name, _ in self.members]
        self.columns: list[Column] = []
        self.intos: list[Into] = []
        self.costs: list[Cost] = []
        self.signals: dict[str, Given] = {}
        self.figures: dict[str, Given] = {}
        self.nameplates: dict[str, Given] = {}
        self.one_way: list[tuple[Indices, Indices]] = []
        self.shown: dict[str, Linear] = {}
        self.wholes: list[Indices] = []
        # Words are a courtesy: a kind without them is planned all the same.
        self.limits: Mapping[str, Limit] = getattr(assets[0], "limits", {})
        self._next = first_column
        self.hours, self.open = clock or Clock.of(layout)

    def __len__(self) -> int:
        return len(self.members)

    @property
    def next_column(self) -> int:
        """The first column number not yet asked for."""
        return self._next

    def __getitem__(self, field: str) -> Value:
        """Return a nameplate number of each member, shape (members, 1)."""
        if field not in self.nameplates:
            numbers = [float(_read(asset, part, field)) for asset, _, part in self.members]
            self.nameplates[field] = Given(np.array(numbers).reshape(-1, 1))
        return self.nameplates[field]

    def texts(self, field: str) -> list[Any]:
        """Return a field of each member that is no number."""
        return [_read(asset, part, field) for asset, _, part in self.members]

    def column(self, name: str) -> Linear:
        """Return a block of columns asked for before."""
        return Linear([Term(next(c.columns for c in self.columns if c.name == name), 1.0)])

    def signal(self, name: str) -> Value:
        """Return a number per member and slot that is given at each update."""
        if name not in self.signals:
            self.signals[name] = Given(np.ones((len(self), self.layout.slots)))
        return self.signals[name]

    def figure(self, name: str) -> Value:
        """Return a number per member that is given at each update."""
        if name not in self.figures:
            self.figures[name] = Given(np.zeros((len(self), 1)))
        return self.figures[name]

    def connected(self, port: str) -> Mask:
        """Return whether each member's asset has a node at `port`, shape (members,)."""
        nodes = [asset.port_nodes().get(port) for asset, _, _ in self.members]
        return np.array([node is not None for node in nodes])

    def flow(
        self,
        name: str,
        lower: Value | float = 0.0,
        upper: Value | float = INFINITE,
        means: str = "",
        spare: str = "",
        where: Mask | None = None,
    ) -> Linear:
        """Return a column per member and slot: an amount per slot, such as energy [MWh].

        `means` names what binds when the column stands at its upper bound (a reason's code), or at
        a lower one below zero; `spare` what it is called to stay below an upper bound. where: the
        members, or members and slots, that have the column at all; it is 0 for the others.
        """
        grid = self._grid(where)
        column = Column(name, grid, lower, upper, means=means, means_low=means, spare=spare)
        return self._ask(column)

    def state(
        self,
        name: str,
        lower: Value | float = 0.0,
        upper: Value | float = INFINITE,
        means: str = "",
        means_low: str = "",
        *,
        opens: bool = True,
        where: Mask | None = None,
    ) -> Linear:
        """Return a state at the end of each slot; before now it is the measured one.

        That one is given at each update. The bounds open to it, so that a state outside its band is
        no contradiction; a state that another column can always bring between its bounds `opens`
        not. `means` and `means_low` name what binds at the upper and at the lower bound.
        """
        start = self.figure(name)
        low = lower if isinstance(lower, Value) else Given(np.full((1, 1), lower))
        high = upper if isinstance(upper, Value) else Given(np.full((1, 1), upper))
        if opens:
            low, high = low.least(start), high.most(start)
        grid = self._grid(where)
        column = Column(name, grid, low, high, state=True, means=means, means_low=means_low)
        return self._ask(column)

    def once(
        self, name: str, lower: Value | float = 0.0, upper: Value | float = INFINITE
    ) -> Linear:
        """Return one column per member for the whole horizon."""
        count = len(self)
        columns = np.arange(self._next, self._next + count, dtype=np.int32).reshape(count, 1)
        return self._ask(Column(name, columns, lower, upper))

    def slack(
        self,
        name: str,
        rank: Rank,
        upper: Value | float = INFINITE,
        where: Mask | None = None,
    ) -> Linear:
        """Return by how much a limit of `rank` gives way in each slot."""
        return self._ask(Column(name, self._grid(where), 0.0, upper, rank=rank))

    def show(self, name: str, expression: Linear) -> Linear:
        """Name an expression, so that a plan's amounts are read without a column of their own."""
        self.shown[name] = expression
        return expression

    def into(self, port: str, expression: Linear) -> None:
        """Let `expression` flow into the node at `port` (negative: out of it)."""
        self.intos.append(Into(port, expression))

    def cost(self, part: str, expression: Linear) -> None:
        """Add `expression` [CNY] to the objective as a part of the cost called `part`.

        One that looks back (`before`, `lag`) costs in open slots only: its price is × `open`.
        """
        assert _is_homogeneous(expression), "a fixed cost is a column with equal bounds"
        self.costs.append(Cost(part, expression))

    def never_both(self, first: Linear, second: Linear) -> None:
        """Say that two flows are the two ways of one: no plan uses both in one slot.

        A linear program uses both where waste pays (a negative price); such a plan is solved again
        with the lesser way shut. Each is one block of columns, not negative.
        """
        (one,), (other,) = first.terms, second.terms
        self.one_way.append((one.columns, other.columns))

    def whole(self, column: Linear) -> None:
        """Say that a block of columns counts whole things; see `formulation.commitment`.

        Rounded up, all numbers of the block together must keep the kind's own rules.
        """
        (term,) = column.terms
        self.wholes.append(term.columns)

    def _grid(self, where: Mask | None = None) -> Indices:
        return number_grid(self._next, (len(self), self.layout.slots), where)

    def _ask(self, column: Column) -> Linear:
        self._next = max(self._next, int(column.columns.max(initial=NONE)) + 1)
        self.columns.append(column)
        return Linear([Term(column.columns, 1.0)])


def number_grid(first: int, shape: tuple[int, int], where: Mask | None = None) -> Indices:
    """Return numbers from `first` on, one for each place `where` is true, NONE for the others."""
    if where is None:
        count = shape[0] * shape[1]
        return np.arange(first, first + count, dtype=np.int32).reshape(shape)
    there = np.broadcast_to(where if where.ndim > 1 else where[:, None], shape)
    return np.where(there, first - 1 + there.cumsum().reshape(shape), NONE).astype(np.int32)


def _is_homogeneous(expression: Linear) -> bool:
    return not isinstance(expression.constant, Value) and expression.constant == 0.0


def _read(asset: object, part: object, field: str) -> Any:
    return getattr(part, field) if hasattr(part, field) else getattr(asset, field)
