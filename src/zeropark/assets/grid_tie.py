"""The tie to the public grid: a price by hour each way, and one for the month's highest demand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr

from zeropark.assets.kind import (
    Account,
    Floats,
    Guarded,
    Horizon,
    Kind,
    PlannedStep,
    Readings,
    RuleView,
    per_step,
)
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block, Limit, Rank
from zeropark.formulation.linear import Rule
from zeropark.formulation.program import Inputs
from zeropark.model.asset import ElectricityNode, Point, TariffName
from zeropark.model.tariff import Tariff
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid
from zeropark.units.types import EnergyPrice, Power

# The demand interval of every tariff in China [h].
_QUARTER = 0.25
# The longest a tariff may have [h].
_LONGEST = 1.0
# The month from which on a horizon has peaks of its own, beside those of an even and an odd month.
_LATER = 2
# Days of the two shortest months that follow each other.
_SHORTEST_PAIR = 59.0
# Clock times that differ by less are one time [intervals].
_ROUNDING = 1e-6


class GridTie(Kind):
    """A tie to the grid with one price by time for import and one for export.

    cost = price_import · import - price_export · export + Σ months demand price · share · peak,
    peak[month] ≥ mean import over each demand interval of that month [MW], and ≥ the month's
    peak so far. Import and export stay within the caps times `available` (0 in an outage);
    import stays under the contract, and between what calls ask, as long as nothing of a higher rank
    must give way. Source of the form: two-part tariff of the park's fact base, section 2.
    """

    kind: ClassVar[str] = "grid_tie"
    title: ClassVar[Text] = Text("Grid tie", "并网点")
    order: ClassVar[int] = 90
    role: ClassVar[str] = "grid"
    lasting: ClassVar[Mapping[str, str]] = {"available": "available"}
    takes: ClassVar[Mapping[str, str]] = {"price": "price_import", "outages": "available"}
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("power, import +", "功率，购电为正")),
        Point("import", "MW", Text("import", "购电功率")),
        Point("export", "MW", Text("export", "上网功率")),
        Point("available", "1", Text("whether the grid is there", "电网可用")),
        Point("price_import", "CNY/MWh", Text("import price", "购电价")),
        Point("price_export", "CNY/MWh", Text("export price", "上网价")),
        Point("drawn", "MWh", Text("import in this demand interval", "本需量周期已购电量")),
        Point("interval", "h", Text("demand interval", "需量周期")),
        Point("peak_even", "MW", Text("highest demand, even months", "最大需量（双数月）")),
        Point("peak_odd", "MW", Text("highest demand, odd months", "最大需量（单数月）")),
    )
    limits: ClassVar[Mapping[str, Limit]] = {
        "cap": Limit(Text("at the limit of the tie", "达到并网点上限")),
        "contract": Limit(Text("held under the contract", "守住合同需量")),
        "called_most": Limit(Text("held under what a call allows", "守住调用上限")),
        "called_least": Limit(Text("held above what a call asks", "守住调用下限")),
        "demand": Limit(Text("held at the month's highest demand", "守住本月最大需量"), "MW"),
    }
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, export_max: 1 MW,
         contract: 1.5 MW, tariff: simple}
      - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
    """

    node: Annotated[
        ElectricityNode, Field(title="并网节点", description="node it ties to the grid")
    ]
    import_max: Annotated[
        Power, Field(ge=0, title="购电上限", description="what the tie can carry inwards")
    ]
    export_max: Annotated[
        Power, Field(ge=0, title="上网上限", description="what the tie can carry outwards")
    ] = 0.0
    contract: Annotated[
        Annotated[Power, Field(gt=0)] | None,
        Field(title="合同需量", description="contracted import"),
    ] = None
    clean_premium: Annotated[
        EnergyPrice,
        Field(
            ge=0,
            title="清洁溢价",
            description="what import costs a plan beyond its price, for clean power; not billed",
        ),
    ] = 0.0
    tariff: Annotated[TariffName, Field(title="电价", description="tariff it is billed by")]

    @property
    def contract_limit(self) -> float:
        """Import under contract [MW]; the cap where there is no contract."""
        return self.import_max if self.contract is None else self.contract

    # What the tariff says of it: how many slots the demand rule spans hangs on it.
    _interval: float = PrivateAttr(default=_QUARTER)

    def billed_by(self, tariffs: Mapping[str, Tariff]) -> Self:
        """Return the tie knowing the demand interval of its tariff [h]."""
        demand = tariffs[self.tariff].demand
        found = self.model_copy()
        found._interval = _QUARTER if demand is None else demand.interval  # noqa: SLF001 - its own
        return found

    @property
    def interval(self) -> float:
        """Demand interval [h]."""
        return self._interval

    def lookback(self, hours: float) -> int:
        """Return how many slots a demand interval spans."""
        return _slots_of(self.interval, hours)

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield the contract and the demand of each month in the horizon."""
        available = m.signal("available")
        bring = m.flow("import", upper=m["import_max"] * m.hours * available, means="cap")
        send = m.flow("export", upper=m["export_max"] * m.hours * available, means="cap")
        over = m.slack("contract", Rank.CONTRACT)
        yield "contract", bring - over <= m["contract_limit"] * m.hours
        if m.called:
            beyond = m.slack("called_most", Rank.CONTRACT)
            behind = m.slack("called_least", Rank.CONTRACT)
            yield "called_most", bring - send - beyond <= m.signal("called_most")
            yield "called_least", bring - send + behind >= m.signal("called_least")

        # Of two months in one horizon one is even and one odd, so that no coefficient has to move
        # but where a slot passes from one month to the next.
        even = m.once("peak_even", lower=m.figure("peak_even"))
        odd = m.once("peak_odd", lower=m.figure("peak_odd"))
        peaks = even * m.signal("in_even") + odd * m.signal("in_odd")
        due = even * m.figure("demand_price_even") + odd * m.figure("demand_price_odd")
        for later in _later_months(float(m.layout.hours.sum())):
            peak = m.once(f"peak_{later}")
            peaks = peaks + peak * m.signal(f"in_{later}")
            due = due + peak * m.figure(f"demand_price_{later}")
        demand = bring * m.signal("demand_0")
        longest = float(m["interval"].array.max())
        for back in range(1, _slots_of(longest, float(m.layout.hours.min()))):
            demand = demand + bring.lag(back) * m.signal(f"demand_{back}")
        yield "demand", demand - peaks <= m.signal("demand_free") - m.signal("demand_drawn")

        m.never_both(bring, send)
        m.into("node", bring - send)
        m.cost("energy", bring * m.signal("price_import") - send * m.signal("price_export"))
        if not m.exact:
            # A bound is one of cost alone.
            m.cost("clean", bring * m["clean_premium"])
        m.cost("demand", due)

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return prices, and whether the grid is there."""
        tariff, grid = outlook.tariffs[self.tariff], outlook.grid
        given = outlook.series
        price = given.get(f"{self.name}/price_import", None)
        found = {
            "price_import": tariff.import_prices(grid) if price is None else price,
            "price_export": given.get(f"{self.name}/price_export", tariff.export_prices(grid)),
            "available": given.get(f"{self.name}/available", np.ones(len(grid))),
            "month_price": self._month_price(outlook),
        }
        return {name: np.atleast_2d(array) for name, array in found.items()}

    def _month_price(self, outlook: Outlook) -> Floats:
        """Return what one more MW of the month's peak costs this run [CNY/MW], per step."""
        demand, months = outlook.tariffs[self.tariff].demand, outlook.grid.local_month
        price = 0.0 if demand is None else demand.price
        shares = {month: outlook.month_share(month) for month in set(months.tolist())}
        return np.array([price * shares[month] for month in months.tolist()])

    def situation(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return how demand is reckoned, the highest so far, its price, and what is drawn already.

        A higher demand is paid once and serves for the rest of the month, of which a plan sees only
        its horizon: it weighs the price by the share of the rest that it sees. Where a year was
        planned, a peak that the month will come to anyway costs nothing.
        """
        hours, interval = horizon.grid.hours, float(readings["interval"])
        signals = _demand_rule(horizon.grid, interval)
        # What this interval has drawn already counts in the first row that ends one.
        signals["demand_drawn"] = drawn = np.zeros((1, len(hours)))
        if float(readings["drawn"]) > 0.0:
            ending = _steps_until_interval_ends(horizon.grid, interval)
            drawn[0, ending] = float(readings["drawn"]) / interval
        least, most = horizon.promised.get(self.name, (-np.inf, np.inf))
        for name, end in (("called_least", least), ("called_most", most)):
            asked = np.broadcast_to(np.asarray(end, dtype=float), hours.shape)
            # Where nothing is asked, none of a step without length is asked either.
            there = np.isfinite(asked)
            signals[name] = np.where(there, np.where(there, asked, 0.0) * hours, asked)[None, :]
        figures = {name: np.array([float(readings[name])]) for name in ("peak_even", "peak_odd")}
        for parity in ("even", "odd"):
            inside = signals[f"in_{parity}"][0] > 0.0
            left = max(float(readings[f"left_{parity}"]), 1e-9)
            seen = min(1.0, float(hours[inside].sum()) / left)
            months = horizon.grid.local_month[inside]
            reckoned = horizon.carried.peaks.get(int(months[0])) if len(months) else None
            if reckoned is not None:
                figures[f"peak_{parity}"] = np.maximum(figures[f"peak_{parity}"], reckoned)
            figures[f"demand_price_{parity}"] = np.array(
                [float(readings[f"demand_price_{parity}"]) * seen]
            )
        first = int(horizon.grid.local_month[0])
        for later in _later_months(float(hours.sum())):
            price = readings.get("due", {}).get(first + later, 0.0)
            figures[f"demand_price_{later}"] = np.array([float(price)])
        return Inputs(signals, figures)

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the import as planned [MW, export -] and the highest it reckons with [MW]."""
        columns = step.columns
        months = [name.removeprefix("peak_") for name in columns if name.startswith("peak_")]
        month = next(f"peak_{each}" for each in months if step.signal(f"in_{each}")[0])
        planned = float(columns["import"][0] - columns["export"][0]) / step.hours
        return {"import": planned, "target": max(planned, float(columns[month][0]))}

    def by_rule(self, readings: Readings, view: RuleView) -> dict[str, float]:
        """Return the highest import the operator allows [MW]."""
        del readings
        return {"target": view.target}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return import, export and their difference [MW] as planned."""
        bring, send = amounts["import"][0] / hours, amounts["export"][0] / hours
        return {"p": bring - send, "import": bring, "export": send}

    def guarded(self) -> Sequence[Guarded]:
        """Return what it can carry: import +, export -."""
        return (Guarded("p", "node", -self.export_max, self.import_max),)

    def device(self, truth: Outlook, random: np.random.Generator) -> TieDevice:
        """Return the tie with its true outages."""
        del random
        return TieDevice(self, truth)


class TieDevice:
    """The simulated tie: takes what the node lacks or has too much, within its caps."""

    def __init__(self, tie: GridTie, truth: Outlook) -> None:
        self._tie = tie
        signals = {name: array[0] for name, array in tie.signals(truth).items()}
        self._available = per_step(signals["available"])
        self._import_price = per_step(signals["price_import"])
        self._export_price = per_step(signals["price_export"])
        self._month: Sequence[int] = per_step(truth.grid.local_month)
        self._due = {
            month: float(price)
            for month, price in zip(self._month, signals["month_price"], strict=True)
        }
        demand = truth.tariffs[tie.tariff].demand
        self._interval = _QUARTER if demand is None else demand.interval
        self._ends = per_step(_interval_ends(truth.grid, self._interval))
        # Hours since the run's start at which each step, and each month, begins and ends.
        after = np.cumsum(truth.grid.hours)
        self._hour = per_step(after - truth.grid.hours)
        months = truth.grid.local_month
        self._starts_of = {m: self._hour[int(np.argmax(months == m))] for m in self._due}
        self._ends_of = {m: float(after[months == m].max()) for m in self._due}
        self._drawn = 0.0
        self._brought = 0.0
        self.peaks: dict[int, float] = {}
        self.p = 0.0
        self.costs = {"energy": 0.0, "demand": 0.0}
        self._index = 0

    def caps(self, index: int) -> tuple[float, float]:
        """Return the most it can import and export in step `index` [MW], both ≥ 0."""
        there = self._available[index]
        return self._tie.import_max * there, self._tie.export_max * there

    def read(self) -> dict[str, Any]:
        """Return power [MW] and prices [CNY/MWh].

        By parity of the month: the peak [MW], the price of one more MW, and the hours left [h].
        due: that price by month (months since 1970-01) of the whole run.
        """
        i = min(self._index, len(self._month) - 1)
        found: dict[str, Any] = {
            "p": self.p,
            "import": max(0.0, self.p),
            "export": max(0.0, -self.p),
            "available": self._available[i],
            "price_import": self._import_price[i],
            "price_export": self._export_price[i],
            "drawn": self._drawn,
            "interval": self._interval,
            "due": self._due,
        }
        for month in (self._month[i], self._month[i] + 1):
            parity = "odd" if month % 2 else "even"
            found[f"peak_{parity}"] = self.peaks.get(month, 0.0)
            found[f"demand_price_{parity}"] = self._due.get(month, 0.0)
            found[f"left_{parity}"] = self._ends_of.get(month, 0.0) - max(
                self._hour[i], self._starts_of.get(month, 0.0)
            )
        return found

    def account(self) -> Account:
        """Return what the grid gave, net of what it took."""
        return Account(drawn=self._brought)

    def start_peak(self, peak: float) -> None:
        """Begin with a highest demand of `peak` [MW] in the first month."""
        self.peaks[self._month[self._index]] = peak
        self._pay_demand()

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Balance the node as far as the caps allow, and pay."""
        del setpoints
        bring, send = self.caps(index)
        self.p = min(bring, max(-send, -ports.get("node", 0.0)))
        price = self._import_price[index] if self.p > 0 else self._export_price[index]
        self.costs["energy"] += self.p * hours * price
        self._brought += self.p * hours
        self._drawn += max(0.0, self.p) * hours
        if self._ends[index]:
            month, mean = self._month[index], self._drawn / max(hours, self._interval)
            if mean > self.peaks.get(month, 0.0):
                self.peaks[month] = mean
                self._pay_demand()
            self._drawn = 0.0
        self._index = index + 1
        return {"node": self.p}

    def _pay_demand(self) -> None:
        self.costs["demand"] = sum(self._due.get(m, 0.0) * peak for m, peak in self.peaks.items())


def _demand_rule(grid: TimeGrid, interval: float) -> dict[str, Floats]:
    """Return the weights of the demand rule, each (1, N): means over the interval [h] a step ends.

    A step longer than the interval stands for its own; a row in which no interval ends is free.
    """
    months = grid.local_month - grid.local_month[0]
    even, now = grid.local_month % 2 == 0, months < _LATER
    hours = grid.hours
    ends = _interval_ends(grid, interval)
    found = {
        "in_even": (even & now).astype(float),
        "in_odd": (~even & now).astype(float),
        "demand_free": np.where(ends, 0.0, np.inf),
    }
    for later in _later_months(float(hours.sum())):
        found[f"in_{later}"] = (months == later).astype(float)
    # Ties with other intervals share a plan: each says its weight, if only 0, as far as any looks.
    for back in range(_slots_of(_LONGEST, float(hours[0]))):
        inside = back * hours < interval - 1e-9
        found[f"demand_{back}"] = np.where(inside, 1.0 / np.maximum(hours, interval), 0.0)
    return {name: weights[None, :] for name, weights in found.items()}


def _interval_ends(grid: TimeGrid, interval: float) -> npt.NDArray[np.bool_]:
    """Return whether a demand interval [h] ends with each step, (N,)."""
    after = (grid.local_hour + grid.hours) / interval
    ends: npt.NDArray[np.bool_] = (grid.hours >= interval - _ROUNDING) | _is_whole(after)
    return ends


def _slots_of(interval: float, hours: float) -> int:
    """Return how many slots of `hours` [h] a demand interval [h] spans."""
    return max(1, math.ceil(interval / hours - _ROUNDING))


def _later_months(hours: float) -> range:
    """Return the months after the second that a horizon of so many hours may touch.

    Most horizons touch two, one even and one odd: a ring of slots then moves no coefficient.
    """
    days = hours / 24.0
    return range(_LATER, max(_LATER, math.ceil(days / _SHORTEST_PAIR * 2.0) + 1))


def _is_whole(number: Floats) -> npt.NDArray[np.bool_]:
    return np.abs(number - np.rint(number)) < _ROUNDING


def _steps_until_interval_ends(grid: TimeGrid, interval: float) -> int:
    """Return the first step at whose end a demand interval [h] ends."""
    after = (grid.local_hour + grid.hours) / interval
    return int(np.argmax(_is_whole(after)))
