"""A heat pipe: carries hot water to another node and loses heat on its way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from zeropark.assets.heat_link import HeatLinkDevice, flows_down
from zeropark.assets.kind import Floats, Kind, PlannedStep, per_step
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import Asset, HeatNode, HeatUse, Point, Wrong
from zeropark.model.warmth import Warmth
from zeropark.units.text import Text
from zeropark.units.types import EnergyPrice, HeatLoss, Length, Power, Share, Temperature

# W to MW.
_MEGA = 1e-6


class HeatPipe(Kind):
    """A buried pair of pipes, supply and return, between two nodes.

    take[t] = give[t] + warm[t], give ≤ q_nom · h, warm + cold = loss[t] · h (MWh per step): the
    pipes are kept warm whatever flows, and where nothing can warm them they go cold at a price.
    loss = leak · length · ((supply - ground) + (return - ground)), each pipe by itself (EN
    13941-1 without the neighbour's warmth), supply and return those of the node it begins at. In
    the plant the insulation is damp, which a plan knows on average; at its best it is dry.
    """

    kind: ClassVar[str] = "heat_pipe"
    title: ClassVar[Text] = Text("Heat pipe", "供热管道")
    order: ClassVar[int] = 35
    role: ClassVar[str] = "carry"
    points: ClassVar[tuple[Point, ...]] = (
        Point("q", "MW", Text("heat delivered", "供热功率"), writable=True),
        Point("taken", "MW", Text("heat taken", "取热功率")),
        Point("lost", "MW", Text("lost to the ground", "散热功率")),
        Point("cold", "MW", Text("lacking to stay warm", "保温缺额")),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 4 MW, tariff: simple}
      - {kind: heat_load, name: town, node: mild, profile: {constant: 1 MW}}
      - {kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 2 MW}
      - {kind: heat_pipe, name: main, node: warm, heat: mild, q_nom: 1.5 MW, length: 2 km}
    """

    node: Annotated[HeatUse, Field(title="起点节点", description="node it takes heat from")]
    heat: Annotated[HeatNode, Field(title="终点节点", description="node it gives heat to")]
    q_nom: Annotated[Power, Field(gt=0, title="额定热功率", description="most it delivers")]
    length: Annotated[Length, Field(gt=0, title="沟长", description="length of the trench")]
    leak: Annotated[
        HeatLoss,
        Field(gt=0, title="单管散热系数", description="heat one dry pipe loses per length and K"),
    ] = 0.36
    ground: Annotated[
        Temperature, Field(title="地温", description="temperature of the ground around it")
    ] = 8.0
    damp: Annotated[
        Share, Field(title="受潮损失", description="mean share by which damp insulation loses more")
    ] = 0.1
    price_cold: Annotated[
        EnergyPrice,
        Field(ge=0, title="失温代价", description="cost of heat it lacks to stay warm"),
    ] = 2_000.0

    @classmethod
    def beside(cls, assets: Sequence[Asset], warmths: Mapping[str, Warmth]) -> Iterable[Wrong]:
        """Yield where heat would have to flow up, or a temperature is missing."""
        for asset in assets:
            if isinstance(asset, HeatPipe):
                yield from flows_down(asset, ("node", "heat"), 0.0, warmths)

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Keep the pipes warm but for what is lacking; a bound says that this is no more."""
        give = m.flow("give", upper=m.signal("most") * m.hours, means="rating")
        loss = m.signal("loss") * m.hours
        cold = m.flow("cold", upper=loss)
        m.into("node", -give - m.show("warm", loss - cold))
        m.into("heat", give)
        m.cost("unserved", cold * m["price_cold"])
        return ()

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the most it delivers and what it loses [MW]."""
        most, loss = self.passes(outlook)
        usual = 1.0 if outlook.best_case else 1.0 + self.damp
        return {"most": most[None, :], "loss": loss[None, :] * usual}

    def passes(self, outlook: Outlook) -> tuple[Floats, Floats]:
        """Return the most it delivers, 0 where its end is warmer, and its dry loss [MW], (N,)."""
        supply, end = outlook.supply(self.node), outlook.supply(self.heat)
        back = outlook.warmths[self.node].back
        above = np.maximum(0.0, supply - self.ground) + max(0.0, back - self.ground)
        most = np.where(supply >= end, self.q_nom, 0.0)
        return most, self.leak * self.length * above * _MEGA

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the heat to deliver [MW]."""
        return {"q": float(step.columns["give"][0]) / step.hours}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return heat delivered, taken, lost and lacking [MW] as planned."""
        give, warm = amounts["give"][0] / hours, amounts["warm"][0] / hours
        cold = amounts["cold"][0] / hours
        return {"q": give, "taken": give + warm, "lost": warm, "cold": cold}

    def device(self, truth: Outlook, random: np.random.Generator) -> HeatLinkDevice:
        """Return the pipe with its true insulation."""
        most, loss = self.passes(truth)
        wet = 1.0 + self.damp * random.uniform(0.0, 2.0)
        ones = [1.0] * len(most)
        return HeatLinkDevice(per_step(most), ones, per_step(loss * wet), self.price_cold)
