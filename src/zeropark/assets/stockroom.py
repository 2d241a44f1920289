"""What a works makes lies in its stock until an order is due or the next works takes it.

Furnaces, batches and process lines have it alike: nameplate, rules, order book, and the simulated
stockroom. A material is counted by its mass [t] and balances at a node of carrier `material`.
"""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from zeropark.assets.kind import (
    Floats,
    Horizon,
    Kind,
    PlannedStep,
    Readings,
    RuleView,
    per_step,
)
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block, Limit, Rank
from zeropark.formulation.linear import Linear, Rule
from zeropark.formulation.program import Inputs
from zeropark.model.asset import MaterialNode, Name, Point, ShownLabel
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid
from zeropark.units.types import Duration, EnergyPerMass, LatePrice, Mass

_DAY = 24.0
# A clock's rounding [h]: an order is due at an end, not just after it.
_CLOCK = 1e-6
# A mass below this is rounding [t].
_NOTHING = 1e-9
# How far ahead an operator reads the order book [h].
_READ_AHEAD = 7 * _DAY
# Up to which share of its stock a works fills up for the one that takes from it.
_COVER = 0.5
_WHOLE_DAYS = Text(
    "{given} h is not a whole number of days; write every in days, such as 1 day",
    "{given} h 不是整天数；every 用整天表示，例如 1 day",
)
_LAST_BEFORE_FIRST = Text(
    "the last day {last} is before the first {first}; allowed: first ≤ last",
    "末日 {last} 早于首日 {first}；可用：first ≤ last",
)
_OVERFULL = Text(
    "a stock of {given} t at the start is above its size stock_max {most} t; allowed: 0 to "
    "{most} t",
    "初始库存 {given} t 超过库容 stock_max {most} t；可用：0 至 {most} t",
)
_ORDER_TOO_LARGE = Text(
    "order {order} of {given} t never lies in a stock of {most} t at once; allowed: at most "
    "stock_max; write several smaller orders or a larger stock_max",
    "订单 {order} 的 {given} t 超过库容 {most} t，无法一次备齐；可用：不超过 stock_max；"
    "拆成几个小订单，或增大 stock_max",
)
_TOO_SOON = Text(
    "order {order} is due {due} h after midnight of the first day, before it can be made: {owed} t "
    "are owed by then, {made} t can be there; write it later or smaller, or more stock_start",
    "订单 {order} 在首日零点后 {due} h 到期，来不及生产：到时应交 {owed} t，最多可有 {made} t；"
    "推迟或减小订单，或增大 stock_start",
)
_NOWHERE = Text(
    "nothing takes what it makes; name an output node, or write orders",
    "产品没有去处；写 output 节点，或写 orders",
)


class Order(BaseModel):
    """An order that is due again and again, or once where `first` and `last` are one day."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    label: ShownLabel = None
    amount: Annotated[Mass, Field(gt=0, title="数量", description="mass delivered each time")]
    due: Annotated[
        Duration,
        Field(ge=0, title="交货时刻", description="time after local midnight when it is due"),
    ]
    every: Annotated[
        Duration, Field(ge=24, title="周期", description="whole days from one to the next")
    ] = _DAY
    first: Annotated[
        dt.date | None, Field(title="首日", description="local day from which it holds")
    ] = None
    last: Annotated[
        dt.date | None, Field(title="末日", description="last local day on which it holds")
    ] = None

    @model_validator(mode="after")
    def _on_whole_days(self) -> Order:
        if self.every % _DAY != 0.0:
            raise refusal("order_days", _WHOLE_DAYS, field="every", given=f"{self.every:g}")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise refusal(
                "order_backward",
                _LAST_BEFORE_FIRST,
                field="last",
                first=str(self.first),
                last=str(self.last),
            )
        return self

    def moments(self, begin: float, end: float) -> Floats:
        """Return when it is due after `begin` and up to `end` [local h since 1970]."""
        days = np.arange(np.floor((begin - self.due) / _DAY), np.ceil(end / _DAY) + 1)
        start = 0 if self.first is None else _days(self.first)
        days = days[(days - start) % round(self.every / _DAY) == 0]
        if self.first is not None:
            days = days[days >= start]
        if self.last is not None:
            days = days[days <= _days(self.last)]
        moments = days * _DAY + self.due
        kept = (moments > begin + _CLOCK) & (moments <= end + _CLOCK)
        return np.asarray(moments[kept], dtype=np.float64)


def _days(date: dt.date) -> int:
    return (date - dt.date(1970, 1, 1)).days


def local_hours(grid: TimeGrid) -> Floats:
    """Return the local clock at each step's start [h since 1970], shape (N,)."""
    return np.asarray(grid.local_day * _DAY + grid.local_hour, dtype=np.float64)


class Maker(Kind):
    """A works that makes a material, keeps it in stock, and delivers it.

    stock[t] = stock[t-1] + made - give - deliver, 0 ≤ stock ≤ stock_max; delivered[t] =
    delivered[t-1] + deliver, delivered + late ≥ due, delivered ≤ due: no order leaves before it is
    due. A late tonne costs price_late an hour. What is in stock at the end is worth the electricity
    of making it again, an order still owed costs as much.
    """

    stock_limits: ClassVar[Mapping[str, Limit]] = {
        "full": Limit(Text("stock full", "库存已满"), "t"),
        "empty": Limit(Text("stock empty", "库存已空"), "t"),
        "late": Limit(Text("orders delivered late", "订单逾期"), "t"),
        "orders": Limit(Text("an order is due", "订单到期"), "t"),
    }
    stock_points: ClassVar[tuple[Point, ...]] = (
        Point("made", "t/h", Text("product made", "产量")),
        Point("stock", "t", Text("product in stock", "产品库存")),
        Point("overdue", "t", Text("orders that are overdue", "逾期未交")),
        Point("delivered", "t", Text("orders delivered since the start", "累计交货")),
    )

    output: Annotated[
        MaterialNode | None, Field(title="产品节点", description="node its product goes on from")
    ] = None
    stock_max: Annotated[
        Mass, Field(gt=0, title="库容", description="most of its product that can lie in stock")
    ]
    stock_start: Annotated[
        Mass, Field(ge=0, title="初始库存", description="product in stock when a run begins")
    ] = 0.0
    orders: Annotated[
        tuple[Order, ...], Field(title="订单", description="what is to be delivered from stock")
    ] = ()
    price_late: Annotated[
        LatePrice, Field(ge=0, title="逾期价格", description="cost of a tonne being an hour late")
    ] = 200.0
    embodied: Annotated[
        EnergyPerMass,
        Field(
            ge=0,
            title="原料含电",
            description="electricity already in a tonne's inputs, to price stocks at the end",
        ),
    ] = 0.0

    @property
    @abstractmethod
    def most_made(self) -> float:
        """Most product it can make [t/h]."""

    @property
    @abstractmethod
    def energy_of_product(self) -> float:
        """Electricity of making a tonne [MWh/t]."""

    @model_validator(mode="after")
    def _stock_and_orders_fit(self) -> Maker:
        if self.output is None and not self.orders:
            raise refusal("product_nowhere", _NOWHERE)
        if self.stock_start > self.stock_max:
            raise refusal(
                "stock_overfull",
                _OVERFULL,
                field="stock_start",
                given=f"{self.stock_start:g}",
                most=f"{self.stock_max:g}",
            )
        for i, order in enumerate(self.orders):
            if order.amount > self.stock_max:
                raise refusal(
                    "order_too_large",
                    _ORDER_TOO_LARGE,
                    field=f"orders.{i}.amount",
                    order=order.name,
                    given=f"{order.amount:g}",
                    most=f"{self.stock_max:g}",
                )
        self._check_due_dates()
        return self

    def _check_due_dates(self) -> None:
        """Refuse an order that nobody could make in time in the first week of a run."""
        # An order of certain days is due in the middle of a run, with stock of before.
        standing = [(i, order) for i, order in enumerate(self.orders) if order.first is None]
        dues = sorted(
            (moment, i, order)
            for i, order in standing
            for moment in order.moments(0.0, _READ_AHEAD).tolist()
        )
        owed = 0.0
        for moment, i, order in dues:
            owed += order.amount
            made = self.stock_start + self.most_made * moment
            if owed > made + _NOTHING:
                raise refusal(
                    "order_too_soon",
                    _TOO_SOON,
                    field=f"orders.{i}.due",
                    order=order.name,
                    due=f"{moment:g}",
                    owed=f"{owed:g}",
                    made=f"{made:g}",
                )

    def book(self, begin: float, end: float) -> list[tuple[float, float]]:
        """Return (when due [local h since 1970], amount [t]) after `begin`, up to `end`, sorted."""
        return sorted(
            (moment, order.amount)
            for order in self.orders
            for moment in order.moments(begin, end).tolist()
        )

    # -- planned -----------------------------------------------------------------------------------

    @staticmethod
    def stock_rules(m: Block, made: Linear) -> Iterable[tuple[str, Rule]]:
        """Yield the balance of the stock and the orders; `made` is the product of a slot [t]."""
        stock = m.state("stock", upper=m["stock_max"], means="full", means_low="empty")
        give = m.flow("give", where=m.connected("output"))
        deliver = m.flow("deliver")
        delivered = m.state("delivered", upper=m.signal("due"), opens=False)
        late = m.slack("late", Rank.CONTRACT)
        owed = m.once("owed", lower=m.figure("owed"), upper=m.figure("owed"))
        yield "stock", stock == stock.before + made - give - deliver
        yield "delivered", delivered == delivered.before + deliver
        yield "orders", delivered + late >= m.signal("due")
        m.into("output", give)
        m.cost("unserved", late * m.signal("late_price"))
        m.cost("ends", (stock + delivered) * (-1.0 * m.signal("end_value")))
        m.cost("ends", owed * m.figure("worth"))

    def stock_inputs(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return stock, due dates and worth as the steps ahead see them."""
        grid = horizon.grid
        hours = grid.hours
        now = float(local_hours(grid)[0])
        ends = now + np.cumsum(hours)
        book = self.book(now, float(ends[-1]))
        due = float(readings["overdue"]) + cumulated(
            [moment for moment, _ in book], [amount for _, amount in book], ends
        )
        worth = horizon.worth_of(self.name, self.worth(horizon.end_price))
        end_value = np.zeros((1, len(grid)))
        end_value[0, -1] = worth
        return Inputs(
            signals={
                "due": due[None, :],
                "late_price": (self.price_late * hours)[None, :],
                "end_value": end_value,
            },
            figures={
                "stock": np.array([float(readings["stock"])]),
                "delivered": np.zeros(1),
                "owed": due[-1:],
                "worth": np.array([worth]),
            },
        )

    def worth(self, end_price: float) -> float:
        """Return what a tonne in stock is worth when a run ends [CNY/t]."""
        return (self.energy_of_product + self.embodied) * end_price

    def end_cost(self, readings: Readings, end_price: float) -> float:
        """Return less for what is in stock, more for what is owed [CNY]."""
        owed = float(readings["overdue"]) - float(readings["stock"])
        return owed * self.worth(end_price)

    def tally(self, readings: Readings) -> dict[str, float]:
        """Return what was delivered, and what of it is overdue at the end [t]."""
        return {
            "delivered_t": float(readings["delivered"]),
            "overdue_t": float(readings["overdue"]),
        }

    def handed_on(self, step: PlannedStep) -> dict[str, float]:
        """Return what a plan has the works hand on to the next one, `give` [t/h]; none without."""
        if self.output is None:
            return {}
        return {"give": float(step.columns["give"][0]) / step.hours}

    def planned_stock(self, amounts: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return the stock's points as planned."""
        return {"stock": amounts["stock"][0]}

    # -- by rule -----------------------------------------------------------------------------------

    def wanted(self, readings: Readings, view: RuleView) -> float:
        """Return what a good operator would make now, without an optimiser [t/h].

        All it can in a good hour, while the stock has room; else only what the next due dates leave
        no more time for, or what the works behind it takes from a low stock.
        """
        stock = float(readings["stock"])
        if self._must_make(readings, stock):
            return self.most_made
        if view.good_hour and stock < self.stock_max:
            return self.most_made
        low = self.output is not None and stock < _COVER * self.stock_max
        return self.most_made if low else 0.0

    def _must_make(self, readings: Readings, stock: float) -> bool:
        """Return whether an order would be late if the works stood still for another hour."""
        owed = float(readings["overdue"])
        if owed > stock:
            return True
        for time, amount in readings["ahead"]:
            owed += amount
            if owed - stock > self.most_made * max(0.0, time - 1.0):
                return True
        return False


@dataclass
class _Owed:
    """An order that is due and not delivered: since when [local h since 1970], how much [t]."""

    due: float
    amount: float


class Stockroom:
    """The simulated stock of a works: hands over whole orders only, oldest first.

    A step is settled as often as its flows change; only the last counts. What is given in a step
    lay in stock when it began.
    """

    def __init__(self, maker: Maker, truth: Outlook) -> None:
        self._maker = maker
        starts = local_hours(truth.grid)
        self._starts = per_step(starts)
        ends = float(starts[-1] + truth.grid.hours[-1])
        self._book = maker.book(float(starts[0]), ends + _READ_AHEAD) if len(starts) else []
        self._next = 0
        self._now = self._starts[0] if self._starts else 0.0
        self.stock = self._stock = maker.stock_start
        self.delivered = self._delivered = 0.0
        self.owed: list[_Owed] = []
        self._open: list[_Owed] = []
        self.cost = self._cost = 0.0
        self.give = 0.0
        self._hours = 1.0

    @property
    def overdue(self) -> float:
        """What is due and not delivered [t]."""
        return sum(order.amount for order in self.owed)

    def read(self) -> dict[str, Any]:
        """Return stock and orders [t], and the orders ahead as (hours from now, amount)."""
        ahead = []
        for moment, amount in self._book[self._next :]:
            if moment - self._now > _READ_AHEAD:
                break
            ahead.append((moment - self._now, amount))
        return {
            "stock": self.stock,
            "overdue": self.overdue,
            "delivered": self.delivered,
            "ahead": tuple(ahead),
        }

    def begin(self, index: int, hours: float, lacking: float, planned: float | None) -> None:
        """Begin a step with `lacking` [t/h] at the output node.

        planned: what a plan hands on [t/h], so that of two stocks at one node it is the one it
        meant; the node's balance moves it. None where nobody planned: then what is lacking.
        """
        self._stock, self._delivered, self._cost = self.stock, self.delivered, self.cost
        self._hours = hours
        self._now = self._starts[index] + hours
        while self._next < len(self._book) and self._book[self._next][0] <= self._now + _CLOCK:
            self.owed.append(_Owed(*self._book[self._next]))
            self._next += 1
        self._open = list(self.owed)
        self.give = 0.0
        self.more(lacking if planned is None else planned)

    def more(self, change: float) -> float:
        """Give more or less by up to `change` [t/h]; return what was done."""
        before = self.give
        most = self._stock / self._hours if self._maker.output is not None else 0.0
        self.give = min(most, max(0.0, before + change))
        return self.give - before

    @property
    def room(self) -> float:
        """How much more can be made in this step [t/h]: what leaves makes room."""
        due = sum(order.amount for order in self._open)
        free = self._maker.stock_max + due - self._stock
        return max(0.0, free / self._hours + self.give)

    def settle(self, made: float) -> None:
        """Take what was made [t/h], hand over the orders that are due as far as it reaches."""
        there = self._stock + (made - self.give) * self._hours
        self.owed = list(self._open)
        handed = 0.0
        while self.owed and self.owed[0].amount <= there - handed + _NOTHING:
            handed += self.owed.pop(0).amount
        self.stock = max(0.0, there - handed)
        self.delivered = self._delivered + handed
        self.cost = self._cost + self.overdue * self._hours * self._maker.price_late


def cumulated(moments: Sequence[float], amounts: Sequence[float], ends: Floats) -> Floats:
    """Return the sum of `amounts` whose moment has come by each of `ends`, shape (N,)."""
    total = np.concatenate([[0.0], np.cumsum(amounts)])
    return np.asarray(total[np.searchsorted(moments, ends + _CLOCK, side="right")])
