"""A generator: burns fuel for electricity, and for heat where that is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.kind import Account, Floats, Kind, PlannedStep, Steered
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block, Limit
from zeropark.formulation.linear import Rule
from zeropark.model.asset import ElectricityNode, HeatNode, Point
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import EnergyPrice, Power, Ratio, Share

_ABOVE_BEST = Text(
    "{given} is above efficiency_best {best}; allowed: efficiency ≤ efficiency_best",
    "{given} 高于 efficiency_best {best}；可用：efficiency ≤ efficiency_best",
)
_TOO_MUCH = Text(
    "power and heat would be {given} of the fuel; allowed: efficiency_best · (1 + heat_ratio) ≤ 1",
    "电与热合计为燃料的 {given} 倍；可用：efficiency_best ·（1 + heat_ratio）≤ 1",
)


class Generator(Kind):
    """A generating set that burns fuel bought at a price; its power is not clean.

    p[t] ≤ p_nom · h, p = efficiency · fuel, heat ≤ heat_ratio · p (MWh per step), cost =
    fuel_price · fuel + wear_cost · p. In a plan it may run at any power from 0 on: a least power
    and the cost of a start are whole-number matters and not this file's. In the plant fuel = (p +
    idle · (p_nom - p)) / efficiency_best while it runs (Willans' line), and heat that nothing takes
    goes to the air. At its best every MWh is made at full load.
    """

    kind: ClassVar[str] = "generator"
    title: ClassVar[Text] = Text("Generator", "发电机组")
    order: ClassVar[int] = 39
    role: ClassVar[str] = "convert"
    clean: ClassVar[bool] = False
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("electric power made", "发电功率"), writable=True),
        Point("q", "MW", Text("heat delivered", "供热功率")),
        Point("fuel", "MW", Text("fuel burnt", "燃料功率")),
    )
    limits: ClassVar[Mapping[str, Limit]] = {
        "heat": Limit(Text("all the heat it makes is used", "余热已全部利用"))
    }
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 0.8 MW, export_max: 1 MW, tariff: simple}
      - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
      - {kind: heat_load, name: offices, node: warm, profile: {constant: 0.3 MW}}
      - {kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 0.6 MW}
      - {kind: generator, name: engine, node: bus, heat: warm, heat_ratio: 1, p_nom: 1 MW,
         fuel_price: 220 CNY/MWh}
    """

    node: Annotated[ElectricityNode, Field(title="发电节点", description="node it feeds")]
    heat: Annotated[
        HeatNode | None, Field(title="供热节点", description="node its heat is used at, if any")
    ] = None
    p_nom: Annotated[Power, Field(gt=0, title="额定功率", description="rated electric power")]
    fuel_price: Annotated[
        EnergyPrice,
        Field(ge=0, title="燃料价", description="price of the fuel, by its lower value"),
    ]
    efficiency: Annotated[
        Share, Field(gt=0, title="发电效率", description="electricity per fuel in ordinary use")
    ] = 0.38
    efficiency_best: Annotated[
        Share, Field(gt=0, title="满载发电效率", description="electricity per fuel at full load")
    ] = 0.4
    idle: Annotated[
        Share,
        Field(title="空载油耗", description="fuel at no load, of that at full load"),
    ] = 0.1
    heat_ratio: Annotated[
        Ratio, Field(ge=0, title="热电比", description="heat that can be used per electricity")
    ] = 0.0
    wear_cost: Annotated[
        EnergyPrice, Field(ge=0, title="运维成本", description="upkeep per electricity made")
    ] = 30.0

    @model_validator(mode="after")
    def _makes_no_energy(self) -> Generator:
        if self.efficiency > self.efficiency_best:
            raise refusal(
                "efficiency_above_best",
                _ABOVE_BEST,
                field="efficiency",
                given=f"{self.efficiency:g}",
                best=f"{self.efficiency_best:g}",
            )
        total = self.efficiency_best * (1.0 + self.heat_ratio)
        if total > 1.0:
            raise refusal("generator_gain", _TOO_MUCH, field="heat_ratio", given=f"{total:g}")
        return self

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield the heat that comes with power; the fuel it takes is a coefficient."""
        warms = m.connected("heat")
        p = m.flow("p", upper=m["p_nom"] * m.hours, means="rating")
        fuel = m.show("fuel", p / m.signal("efficiency"))
        heat = m.flow("heat", where=warms)
        yield "heat", (heat <= p * m["heat_ratio"]).only(warms)
        m.into("node", p)
        m.into("heat", heat)
        m.cost("energy", fuel * m["fuel_price"])
        m.cost("wear", p * m["wear_cost"])

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the efficiency [1]."""
        efficiency = self.efficiency_best if outlook.best_case else self.efficiency
        return {"efficiency": np.full((1, len(outlook.grid)), efficiency)}

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the electric power [MW]."""
        return {"p": float(step.columns["p"][0]) / step.hours}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return power, heat and fuel [MW] as planned."""
        names = {"p": "p", "q": "heat", "fuel": "fuel"}
        return {point: amounts[name][0] / hours for point, name in names.items()}

    def steered(self) -> Sequence[Steered]:
        """Return its power."""
        return (Steered("p", "p", 1, 0.0, self.p_nom, turn=0.5),)

    def device(self, truth: Outlook, random: np.random.Generator) -> GeneratorDevice:
        """Return the set."""
        del truth, random
        return GeneratorDevice(self)


class GeneratorDevice:
    """The simulated set: burns by Willans' line; rests unless it is told or a node lacks power."""

    def __init__(self, generator: Generator) -> None:
        self._g = generator
        self.p = self.q = 0.0
        self.flows: dict[str, float] = {}
        self._hours = 0.0
        self._wanted_heat = 0.0
        self._burnt = self._made = self._heated = 0.0
        self._settle(0.0)

    @property
    def fuel(self) -> float:
        """Fuel burnt in the present step [MW]."""
        g = self._g
        running = self.p + g.idle * (g.p_nom - self.p) if self.p > 0.0 else 0.0
        return running / g.efficiency_best

    @property
    def costs(self) -> Mapping[str, float]:
        """What fuel and upkeep have cost since the run began [CNY]."""
        burnt, made, _ = self._sums()
        return {"energy": burnt * self._g.fuel_price, "wear": made * self._g.wear_cost}

    def read(self) -> dict[str, Any]:
        """Return power, heat and fuel [MW]."""
        return {"p": self.p, "q": self.q, "fuel": self.fuel}

    def account(self) -> Account:
        """Return the fuel burnt and what of it became neither power nor useful heat."""
        burnt, made, heated = self._sums()
        return Account(drawn=burnt, lost=burnt - made - heated)

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Run at the set-point `p`; give the heat its node lacks."""
        del index
        self._burnt, self._made, self._heated = self._sums()
        self._hours = hours
        self._wanted_heat = max(0.0, -ports.get("heat", 0.0))
        self._settle(setpoints.get("p", 0.0))
        return dict(self.flows)

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Make more or less power; of its heat, use more or less."""
        del hours
        before = self.flows.get(port, 0.0)
        if port == "node":
            self._settle(self.p + change)
        elif port == "heat":
            self._wanted_heat = max(0.0, self.q + change)
            self._settle(self.p)
        return self.flows.get(port, 0.0) - before

    def _settle(self, p: float) -> None:
        g = self._g
        self.p = min(g.p_nom, max(0.0, p))
        self.flows = {"node": self.p}
        self.q = 0.0
        if g.heat is not None:
            self.q = min(g.heat_ratio * self.p, self._wanted_heat)
            self.flows["heat"] = self.q

    def _sums(self) -> tuple[float, float, float]:
        """Return fuel burnt, electricity and heat made since the run began [MWh]."""
        h = self._hours
        return self._burnt + self.fuel * h, self._made + self.p * h, self._heated + self.q * h
