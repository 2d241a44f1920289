"""An electric furnace: power becomes product, and steam beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.converter import PartLoad
from zeropark.assets.kind import Account, Floats, Horizon, PlannedStep, Readings, RuleView
from zeropark.assets.stockroom import Maker, Stockroom
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block, Limit
from zeropark.formulation.commitment import Switch
from zeropark.formulation.linear import Rule
from zeropark.formulation.program import Inputs
from zeropark.model.asset import ElectricityUse, HeatNode, Point
from zeropark.units.quantity import Unit
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Duration, EnergyPerMass, Money, Power, Share

Ramp = Annotated[float, Unit("MW/h")]
# For so long its stock keeps room for what it makes at its least power [h]: works behind it may
# take less than a plan has them take, and what finds no room shuts the furnace. Of the stock that
# is half at most (assumptions).
_ROOM_HOURS, _ROOM_MOST = 24.0, 0.5
_MINIMUM = Text(
    "the least power {given} MW is above the rated power {most} MW; allowed: 0 to {most} MW",
    "最小功率 {given} MW 高于额定功率 {most} MW；可用：0 至 {most} MW",
)
_NO_HEAT = Text(
    "a furnace with a steam share needs the heat node its steam goes to; write heat",
    "有蒸汽份额的炉子须写蒸汽去向的供热节点 heat",
)


class Furnace(Maker):
    """A furnace that is off, or between its least and its rated power, and changes by its ramp.

    p_min · on[t] ≤ p[t] ≤ p_nom · on[t]; p[t] - p[t-1] ≤ ramp · h · on[t-1] + max(p_min, ramp ·
    h) · start[t]; p[t-1] - p[t] ≤ ramp · h · on[t] + p_nom · stop[t]; start[t] - stop[t] = on[t] -
    on[t-1] (unit commitment: Morales-España et al. 2013, IEEE Trans. Power Syst. 28, 4897). Product
    = p · h / energy; steam = steam_share · p · h, of which what nobody takes is vented. `on` is
    whole. Stock and orders: `assets.stockroom`. A plan keeps room in stock for a day at least
    power: stock[t] - brim ≤ stock_max - room, and the whole of that room costs a start (decision
    0029). In the plant: below rated power a tonne takes more energy (EN 14825's form of part load),
    steam comes only as the lining warms up after a start, and a furnace whose product finds no
    room, or whose ramp reaches no further, is shut.
    """

    kind: ClassVar[str] = "furnace"
    title: ClassVar[Text] = Text("Furnace", "电炉")
    order: ClassVar[int] = 28
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("electric power used", "用电功率"), writable=True),
        Point("q", "MW", Text("steam delivered", "供汽热功率")),
        Point("vented", "MW", Text("steam that nobody takes", "放空蒸汽")),
        Point("on", "1", Text("whether it runs", "是否运行")),
        *Maker.stock_points,
    )
    limits: ClassVar[Mapping[str, Limit]] = {
        **Maker.stock_limits,
        "ramp_up": Limit(Text("as fast up as it may", "升负荷到速率上限")),
        "ramp_down": Limit(Text("as fast down as it may", "降负荷到速率上限")),
        "vent": Limit(Text("all its steam is vented", "蒸汽全部放空")),
        "most": Limit(Text("at its rated power", "达到额定功率"), "MW"),
        "least": Limit(Text("at its least power", "处于最小功率"), "MW"),
        "room": Limit(Text("room kept in its stock", "库存保留余量"), "t"),
    }
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 20 MW, tariff: simple}
      - {kind: heat_load, name: offices, node: warm, profile: {constant: 1 MW}}
      - {kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 2 MW}
      - kind: furnace
        name: reduction
        node: bus
        heat: warm
        p_nom: 6 MW
        p_min: 3 MW
        ramp: 4 MW/h
        energy: 42 kWh/kg
        steam_share: 50 %
        start_cost: 2000 CNY
        stock_max: 8 t
        stock_start: 2 t
        orders: [{name: daily, amount: 2.4 t, due: 20 h}]
    """

    node: Annotated[
        ElectricityUse, Field(title="用电节点", description="node it takes electricity from")
    ]
    heat: Annotated[
        HeatNode | None, Field(title="蒸汽节点", description="node its steam goes to")
    ] = None
    p_nom: Annotated[Power, Field(gt=0, title="额定功率", description="rated electric power")]
    p_min: Annotated[
        Power, Field(ge=0, title="最小功率", description="least power while it runs")
    ] = 0.0
    ramp: Annotated[
        Ramp, Field(gt=0, title="升降速率", description="most change of power in an hour")
    ]
    energy: Annotated[
        EnergyPerMass,
        Field(gt=0, title="单位电耗", description="electricity of a tonne at rated power"),
    ]
    steam_share: Annotated[
        Share, Field(title="蒸汽份额", description="share of the power that becomes usable steam")
    ] = 0.0
    start_cost: Annotated[
        Money, Field(ge=0, title="启动成本", description="cost of starting it once")
    ] = 0.0
    part_load_loss: Annotated[
        Share,
        Field(lt=1, title="部分负荷损失", description="share of the product lost towards no load"),
    ] = 0.05
    warm_up: Annotated[
        Duration,
        Field(gt=0, title="升温时间", description="time constant of its steam after a start"),
    ] = 1.0
    runs: Annotated[
        bool,
        Field(title="初始运行", description="whether it runs at least power when a run begins"),
    ] = True

    @model_validator(mode="after")
    def _least_and_steam_fit(self) -> Furnace:
        if self.p_min > self.p_nom:
            raise refusal(
                "furnace_minimum",
                _MINIMUM,
                field="p_min",
                given=f"{self.p_min:g}",
                most=f"{self.p_nom:g}",
            )
        if self.steam_share > 0.0 and self.heat is None:
            raise refusal("steam_nowhere", _NO_HEAT, field="steam_share")
        return self

    @property
    def most_made(self) -> float:
        """Most product it can make [t/h]."""
        return self.p_nom / self.energy

    @property
    def energy_of_product(self) -> float:
        """Electricity of making a tonne [MWh/t]."""
        return self.energy

    @property
    def room(self) -> float:
        """What its stock keeps free in a plan [t]: 0 for a furnace without a least power."""
        return min(_ROOM_HOURS * self.p_min / self.energy, _ROOM_MOST * self.stock_max)

    @property
    def price_of_brim(self) -> float:
        """What a tonne in that room costs a plan [CNY/t]: all of it as much as a start."""
        return self.start_cost / self.room if self.room > 0.0 else 0.0

    @property
    def power_at_start(self) -> float:
        """Power when a run begins [MW]."""
        return self.p_min if self.runs else 0.0

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield its power while on, its ramps, its stock and its orders.

        The power is a state [MW], so that the ramp needs no coefficient that changes with time.
        """
        power = m.state("power", upper=m["p_nom"], means="rating")
        vent = m.flow("vent")
        switch = Switch.of(m)
        yield from switch.rules(power, m["p_min"], m["p_nom"])
        change = m["ramp"] * m.hours
        on, start = switch
        up = on.before * change + start * m.signal("leap")
        yield "ramp_up", power - power.before <= up
        stop = on.before - on + start
        yield "ramp_down", power.before - power <= on * change + stop * m["p_nom"]
        used = power * m.hours
        yield from Maker.stock_rules(m, used * m.signal("product"))
        m.into("node", -used)
        steam = used * m["steam_share"]
        yield "vent", vent <= steam
        m.into("heat", steam - vent)
        m.cost("wear", start * m["start_cost"])
        if not m.exact:
            # Who knows all that comes needs no room for it.
            brim = m.once("brim")
            yield "room", m.column("stock") - brim <= m.signal("room")
            m.cost("wear", brim * m["price_of_brim"])

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the product of a MWh to be expected [t/MWh], and how far a start leaps [MW]."""
        best, change = outlook.best_case, self.ramp * outlook.grid.hours
        # Within a long step of a bound it may start and rise.
        leap = self.p_min + change if best else np.maximum(self.p_min, change)
        # A furnace that follows prices runs at its power or at its least: part load is little.
        product = np.full((1, len(outlook.grid)), 1.0 / self.energy)
        return {"product": product, "leap": leap[None, :]}

    def situation(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return power, stock, due dates and whether it runs."""
        found = self.stock_inputs(readings, horizon)
        figures = {name: np.array([float(readings[name])]) for name in ("on", "p")}
        figures = {**found.figures, "on": figures["on"], "power": figures["p"]}
        signals = {**found.signals, "room": self._room_ahead(readings, horizon)[None, :]}
        return replace(found, figures=figures, signals=signals)

    def _room_ahead(self, readings: Readings, horizon: Horizon) -> Floats:
        """Return how far its stock is filled at no cost [t], (N,).

        Above that already it has a day to get down.
        """
        most = self.stock_max - self.room
        soon = np.cumsum(horizon.grid.hours) <= _ROOM_HOURS
        return np.where(soon, max(most, float(readings["stock"])), most)

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the electric power [MW], and what goes on to the next works [t/h]."""
        return {"p": float(step.columns["power"][0]), **self.handed_on(step)}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return power and steam [MW], product [t/h] and stock [t] as planned."""
        length = np.where(hours > 0, hours, 1.0)
        power = amounts["power"][0] * (hours > 0)
        vented = amounts["vent"][0] / length
        found = {"p": power, "q": power * self.steam_share - vented, "vented": vented}
        return {**found, "made": power / self.energy, **self.planned_stock(amounts)}

    def by_rule(self, readings: Readings, view: RuleView) -> dict[str, float]:
        """Return full power in good hours and where an order leaves no more time, else the least.

        What has no room in stock shuts it.
        """
        if self.wanted(readings, view) > 0.0:
            return {"p": self.p_nom}
        return {"p": self.p_min if float(readings["stock"]) < self.stock_max else 0.0}

    def device(self, truth: Outlook, random: np.random.Generator) -> FurnaceDevice:
        """Return the furnace as it behaves."""
        del random
        return FurnaceDevice(self, Stockroom(self, truth))


class FurnaceDevice:
    """The simulated furnace: a lining that must be warm before there is steam."""

    def __init__(self, furnace: Furnace, stock: Stockroom) -> None:
        self._f = furnace
        self.stock = stock
        self._part = PartLoad(furnace.p_nom, furnace.part_load_loss)
        self.p = furnace.power_at_start
        self.on = furnace.runs
        self.q = self.vented = self.made = 0.0
        self.flows: dict[str, float] = {}
        self._was, self._was_on = self.p, self.on
        self._warm = 1.0 if furnace.runs else 0.0
        self._starts = 0
        self._lost = 0.0
        self._hours = 0.0
        self._most = furnace.p_nom
        self._wished = 0.0
        self._asked = False

    @property
    def costs(self) -> dict[str, float]:
        """Wear of starting and what late orders cost [CNY]."""
        starts = self._starts + (self.on and not self._was_on)
        return {"wear": starts * self._f.start_cost, "unserved": self.stock.cost}

    def read(self) -> dict[str, Any]:
        """Return power and steam [MW], product [t/h], whether it runs, stock and orders."""
        return {
            "p": self.p,
            "q": self.q,
            "vented": self.vented,
            "on": float(self.on),
            "made": self.made,
            **self.stock.read(),
        }

    def account(self) -> Account:
        """Return what of its power is no steam that was taken."""
        return Account(lost=self._lost + (self.p - self.q) * self._hours)

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Run at the set-point `p` as ramp and stock allow; without one, at full power."""
        f = self._f
        self._starts += self.on and not self._was_on
        self._was, self._was_on = self.p, self.on
        self._lost += (self.p - self.q) * self._hours
        if self.on:
            self._warm += (1.0 - self._warm) * (1.0 - float(np.exp(-self._hours / f.warm_up)))
        else:
            self._warm *= float(np.exp(-self._hours / f.warm_up))
        self._hours = hours
        self.stock.begin(index, hours, -ports.get("output", 0.0), setpoints.get("give"))
        self._most = f.p_nom
        self._wished = np.inf
        self._asked = False
        self._settle(setpoints.get("p", f.p_nom))
        return dict(self.flows)

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Give more or less product, vent steam, or use less power as far as the ramp allows.

        Asked for power twice in a step, it is shut where the ramp is not enough.
        """
        del hours
        if port == "output":
            done = self.stock.more(change)
            self._settle(self.p)
            return done
        before = self.flows.get(port, 0.0)
        if port == "heat":
            self._wished = max(0.0, self.q + change)
            self._settle(self.p)
        elif port == "node" and change > 0.0 and self.on:
            # Who is asked again in one step is the last who can help: then the ramp is no excuse.
            floor = 0.0 if self._asked else self._lowest()
            self._asked = True
            self._most = max(floor, self.p - change)
            self._settle(self._most)
        return self.flows.get(port, 0.0) - before

    def _lowest(self) -> float:
        """Return the least power it can go to without being shut [MW]."""
        f = self._f
        return max(f.p_min, self._was - f.ramp * self._hours) if self._was_on else f.p_min

    def _highest(self) -> float:
        f = self._f
        change = f.ramp * self._hours
        return min(f.p_nom, self._was + change if self._was_on else max(f.p_min, change))

    def _settle(self, wanted: float) -> None:
        f = self._f
        high = min(self._highest(), self._most, self._with_room())
        low = self._lowest()
        p = min(wanted, high)
        # Below half its least power it is meant to be off; without room or ramp it has to be.
        off = p < f.p_min / 2 or p <= 0.0 or high < low
        self.p = 0.0 if off else max(low, p)
        self.on = not off
        self.made = self._part.product(self.p, 1.0 / f.energy)
        self.stock.settle(self.made)
        steam = f.steam_share * self.p * self._warm
        self.q = min(steam, self._wished)
        self.vented = steam - self.q
        self.flows = {"node": -self.p}
        if f.heat is not None:
            self.flows["heat"] = self.q
        if f.output is not None:
            self.flows["output"] = self.stock.give

    def _with_room(self) -> float:
        """Return the power whose product the stock has room for [MW]."""
        return self._part.power(self.stock.room, 1.0 / self._f.energy)
