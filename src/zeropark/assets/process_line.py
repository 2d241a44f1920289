"""A process line: one stage of a chain of works, which makes a product from the stage before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.kind import Account, Floats, Horizon, PlannedStep, Readings, RuleView
from zeropark.assets.stockroom import Maker, Stockroom
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block, Limit
from zeropark.formulation.commitment import Switch
from zeropark.formulation.linear import Rule
from zeropark.formulation.program import Inputs
from zeropark.model.asset import ElectricityUse, HeatUse, MaterialUse, Point
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import EnergyPerMass, MassFlow, Money, Power, Ratio, Share

# A rate below this is a stopped line [t/h].
_NOTHING = 1e-9
# When a line goes without input or heat, of all that can help at a node; before loads do.
_LAST = 100.0
_MINIMUM = Text(
    "the least rate {given} t/h is above the rated rate {most} t/h; allowed: 0 to {most} t/h",
    "最低产量 {given} t/h 高于额定产量 {most} t/h；可用：0 至 {most} t/h",
)


class ProcessLine(Maker):
    """A line that makes `rate` of a product at most, in stages that shift within their stocks.

    make[t] ≤ rate · h, least · h · on[t] ≤ make[t] ≤ rate · h · on[t], start[t] ≥ on[t] -
    on[t-1]; electricity = idle · h + energy · make, heat = heat_per_product · make, input =
    yield_in · make, each proportional to the product (specific energy consumption, as trade rules
    for polysilicon, rods, wafers, cells and modules state it: kWh/kg, or kWh/kW with the mass of a
    kW). Stock and orders: `assets.stockroom`. `on` is whole where the line has a least rate or a
    cost of starting. In the plant: below the rated rate a tonne takes more energy, by up to
    `part_load_loss`; a line whose input, heat or power is missing makes less, below its least rate
    it stops; orders leave whole.
    """

    kind: ClassVar[str] = "process_line"
    title: ClassVar[Text] = Text("Process line", "生产线")
    order: ClassVar[int] = 30
    points: ClassVar[tuple[Point, ...]] = (
        Point("rate", "t/h", Text("product made", "产量"), writable=True),
        Point("p", "MW", Text("electric power used", "用电功率")),
        Point("on", "1", Text("whether it runs", "是否运行")),
        *(point for point in Maker.stock_points if point.name != "made"),
    )
    limits: ClassVar[Mapping[str, Limit]] = {
        **Maker.stock_limits,
        "rating": Limit(Text("at its rated rate", "达到额定产量"), "t"),
        "most": Limit(Text("at its rated rate", "达到额定产量"), "t"),
        "least": Limit(Text("at its least rate", "处于最低产量"), "t"),
    }
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 9 MW, tariff: simple}
      - {kind: process_line, name: rods, node: bus, output: rod, rate: 0.2 t/h, energy: 23 kWh/kg,
         stock_max: 10 t, stock_start: 5 t}
      - kind: process_line
        name: wafers
        node: bus
        input: rod
        rate: 0.2 t/h
        rate_min: 0.06 t/h
        energy: 5 kWh/kg
        yield_in: 1.05
        idle: 20 kW
        start_cost: 300 CNY
        stock_max: 6 t
        stock_start: 1 t
        embodied: 24 kWh/kg
        orders: [{name: daily, amount: 1.5 t, due: 18 h}]
    """

    node: Annotated[
        ElectricityUse, Field(title="用电节点", description="node it takes electricity from")
    ]
    input: Annotated[
        MaterialUse | None,
        Field(
            title="原料节点",
            description="node of what it is made from; brought from outside without one",
        ),
    ] = None
    heat: Annotated[
        HeatUse | None, Field(title="用热节点", description="node it takes heat from")
    ] = None
    rate: Annotated[
        MassFlow, Field(gt=0, title="额定产量", description="most product it makes in an hour")
    ]
    rate_min: Annotated[
        MassFlow, Field(ge=0, title="最低产量", description="least product while it runs")
    ] = 0.0
    energy: Annotated[
        EnergyPerMass,
        Field(ge=0, title="单位电耗", description="electricity of a tonne of product"),
    ]
    yield_in: Annotated[
        Ratio, Field(ge=0, title="单位原料", description="mass of input for a tonne of product")
    ] = 1.0
    heat_per_product: Annotated[
        EnergyPerMass, Field(ge=0, title="单位热耗", description="heat of a tonne of product")
    ] = 0.0
    idle: Annotated[
        Power, Field(ge=0, title="常用功率", description="power it takes whether or not it makes")
    ] = 0.0
    start_cost: Annotated[
        Money, Field(ge=0, title="启动成本", description="cost of starting it once")
    ] = 0.0
    part_load_loss: Annotated[
        Share,
        Field(title="部分负荷损失", description="more energy per tonne towards standstill"),
    ] = 0.05
    runs: Annotated[
        bool, Field(title="初始运行", description="whether it runs when a run begins")
    ] = True

    @model_validator(mode="after")
    def _least_below_rated(self) -> ProcessLine:
        if self.rate_min > self.rate:
            raise refusal(
                "rate_minimum",
                _MINIMUM,
                field="rate_min",
                given=f"{self.rate_min:g}",
                most=f"{self.rate:g}",
            )
        return self

    @property
    def most_made(self) -> float:
        """Most product it can make [t/h]."""
        return self.rate

    @property
    def energy_of_product(self) -> float:
        """Electricity of making a tonne [MWh/t]."""
        return self.energy

    @property
    def always_on(self) -> float:
        """1 where nobody need switch it: it has neither a least rate nor a cost of starting."""
        return float(self.rate_min == 0.0 and self.start_cost == 0.0)

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield what it makes while on, its stock and its orders."""
        make = m.flow("make", upper=m["rate"] * m.hours, means="rating")
        idle = m.flow("idle", lower=m["idle"] * m.hours, upper=m["idle"] * m.hours)
        switch = Switch.of(m, m["always_on"])
        yield from switch.rules(make, m["rate_min"] * m.hours, m["rate"] * m.hours)
        yield from Maker.stock_rules(m, make)
        m.into("node", -(make * m.signal("energy")) - idle)
        m.into("input", -(make * m["yield_in"]))
        m.into("heat", -(make * m["heat_per_product"]))
        m.cost("wear", switch.start * m["start_cost"])

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the electricity of a tonne to be expected [MWh/t]."""
        # A line that follows prices runs at its rate or not at all: part load is its exception.
        return {"energy": np.full((1, len(outlook.grid)), self.energy)}

    def situation(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return stock, due dates and whether it runs."""
        found = self.stock_inputs(readings, horizon)
        figures = {**found.figures, "on": np.array([float(readings["on"])])}
        return replace(found, figures=figures)

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the product to make, and what goes on to the next works [t/h]."""
        return {"rate": float(step.columns["make"][0]) / step.hours, **self.handed_on(step)}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return product [t/h], power [MW] and stock [t] as planned."""
        length = np.where(hours > 0, hours, 1.0)
        rate = amounts["make"][0] / length
        power = rate * self.energy + amounts["idle"][0] / length
        return {"rate": rate, "p": power, **self.planned_stock(amounts)}

    def by_rule(self, readings: Readings, view: RuleView) -> dict[str, float]:
        """Return all it can in good hours and where an order leaves no more time, else nothing."""
        return {"rate": self.wanted(readings, view)}

    def device(self, truth: Outlook, random: np.random.Generator) -> ProcessLineDevice:
        """Return the line as it behaves."""
        del random
        return ProcessLineDevice(self, Stockroom(self, truth))


class ProcessLineDevice:
    """The simulated line: more energy per tonne at part load, never between stop and least rate."""

    # It makes less only where no maker, boiler or exchanger gives more.
    turns: ClassVar[Mapping[str, float]] = {"input": _LAST, "heat": _LAST}

    def __init__(self, line: ProcessLine, stock: Stockroom) -> None:
        self._line = line
        self.stock = stock
        self.rate = line.rate if line.runs else 0.0
        self.on = line.runs
        self.p = 0.0
        self.flows: dict[str, float] = {}
        self._was_on = line.runs
        self._starts = 0
        self._used = 0.0
        self._hours = 0.0
        self._most, self._idle = line.rate, line.idle
        self._into = 0.0

    @property
    def costs(self) -> dict[str, float]:
        """Wear of starting and what late orders cost [CNY]."""
        starts = self._starts + (self.on and not self._was_on)
        return {"wear": starts * self._line.start_cost, "unserved": self.stock.cost}

    def read(self) -> dict[str, Any]:
        """Return rate [t/h], power [MW], whether it runs, stock and orders."""
        shown = {"rate": self.rate, "p": self.p, "on": float(self.on)}
        return {**shown, **self.stock.read()}

    def account(self) -> Account:
        """Return the electricity and heat it used up."""
        return Account(lost=self._used + self._into * self._hours)

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Make what the set-point `rate` says; without one, all that its stock has room for."""
        self._starts += self.on and not self._was_on
        self._was_on = self.on
        self._used += self._into * self._hours
        self._hours = hours
        self.stock.begin(index, hours, -ports.get("output", 0.0), setpoints.get("give"))
        self._most, self._idle = self._line.rate, self._line.idle
        self._settle(setpoints.get("rate", self._line.rate))
        return dict(self.flows)

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Give more or less product, or make less where power, heat or input is missing.

        A line that stands goes without its usual power, where there is none.
        """
        del hours
        if port == "output":
            done = self.stock.more(change)
            self._settle(self.rate)
            return done
        before = self.flows.get(port, 0.0)
        if port == "node" and change > 0.0 and self.rate <= 0.0:
            self._idle = max(0.0, self._idle - change)
            self._settle(0.0)
            return self.flows[port] - before
        if change <= 0.0 or self.rate <= 0.0:
            return 0.0
        per = self._per_tonne(port)
        if per <= 0.0:
            return 0.0
        self._most = max(0.0, self.rate - change / per)
        self._settle(self._most)
        return self.flows.get(port, 0.0) - before

    def _per_tonne(self, port: str) -> float:
        """Return what a tonne less takes less at `port`, at least."""
        line = self._line
        if port == "node":
            return line.energy * (1.0 - line.part_load_loss)
        return line.yield_in if port == "input" else line.heat_per_product

    def _settle(self, rate: float) -> None:
        line = self._line
        rate = min(rate, self._most, line.rate, self.stock.room)
        if rate < max(line.rate_min, _NOTHING):
            # Between stop and least rate there is nothing: it runs at least where it may.
            runs = (
                rate >= line.rate_min / 2 > 0.0 and self._most >= line.rate_min <= self.stock.room
            )
            rate = line.rate_min if runs else 0.0
        self.rate, self.on = rate, rate > 0.0
        part = 1.0 + line.part_load_loss * (1.0 - rate / line.rate)
        self.p = self._idle + line.energy * rate * part
        self.stock.settle(rate)
        warm = line.heat_per_product * rate if line.heat is not None else 0.0
        self._into = self.p + warm
        self.flows = {"node": -self.p}
        if line.input is not None:
            self.flows["input"] = -line.yield_in * rate
        if line.heat is not None:
            self.flows["heat"] = -warm
        if line.output is not None:
            self.flows["output"] = self.stock.give
