"""A heat exchanger: passes heat from a warmer network to a cooler one, with a pinch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from zeropark.assets.heat_link import HeatLinkDevice, flows_down, log_mean
from zeropark.assets.kind import Floats, Kind, PlannedStep, Readings, per_step
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import Asset, HeatNode, HeatUse, Point, Wrong
from zeropark.model.warmth import Warmth
from zeropark.units.text import Text
from zeropark.units.types import Power, Share, Temperature


class HeatExchanger(Kind):
    """A counterflow heat exchanger between two heat networks.

    give[t] = share[t] · take[t], give ≤ most[t] · h (MWh per step). It passes heat where the warmer
    supply is `pinch` above the cooler one. The warmer stream can be cooled to its own return or to
    the cooler return plus the pinch, whichever is higher; both returns are fixed, so that of what
    is taken only share = (supply - that) / (supply - return) is of use, and the rest is cooled away
    and counted. most = q_nom · min(1, logarithmic mean difference / `difference`) · (1 - fouling):
    Q = U A ΔT_lm (VDI Heat Atlas, C1). In the plant the fouling is drawn, about twice `fouling` at
    most; at its best there is none.
    """

    kind: ClassVar[str] = "heat_exchanger"
    title: ClassVar[Text] = Text("Heat exchanger", "换热器")
    order: ClassVar[int] = 36
    role: ClassVar[str] = "carry"
    points: ClassVar[tuple[Point, ...]] = (
        Point("q", "MW", Text("heat delivered", "供热功率"), writable=True),
        Point("taken", "MW", Text("heat taken", "取热功率")),
        Point("lost", "MW", Text("cooled away", "弃热功率")),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 4 MW, tariff: simple}
      - {kind: heat_load, name: offices, node: warm, profile: {constant: 1 MW}}
      - {kind: boiler, name: kettle, node: bus, heat: steam, p_nom: 2 MW}
      - {kind: heat_exchanger, name: plates, node: steam, heat: warm, q_nom: 1.5 MW}
    """

    node: Annotated[HeatUse, Field(title="热侧节点", description="warmer node it takes heat from")]
    heat: Annotated[HeatNode, Field(title="冷侧节点", description="cooler node it gives heat to")]
    q_nom: Annotated[Power, Field(gt=0, title="额定热功率", description="rated heat flow")]
    pinch: Annotated[
        Temperature,
        Field(gt=0, title="最小传热温差", description="least difference of the streams"),
    ] = 5.0
    difference: Annotated[
        Temperature,
        Field(
            gt=0,
            title="设计平均温差",
            description="logarithmic mean difference at which it is rated",
        ),
    ] = 10.0
    fouling: Annotated[
        Share,
        Field(le=0.4, title="污垢损失", description="mean share of its power lost to fouling"),
    ] = 0.05

    @classmethod
    def beside(cls, assets: Sequence[Asset], warmths: Mapping[str, Warmth]) -> Iterable[Wrong]:
        """Yield where heat would have to flow up, or a temperature is missing."""
        for asset in assets:
            if isinstance(asset, HeatExchanger):
                yield from flows_down(asset, ("node", "heat"), asset.pinch, warmths)

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Take more than is given; a coefficient says how much."""
        give = m.flow("give", upper=m.signal("most") * m.hours, means="rating")
        m.into("node", -m.show("take", give / m.signal("share")))
        m.into("heat", give)
        return ()

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the most it gives [MW] and the share of use [1]."""
        most, share = self.passes(outlook)
        usual = 1.0 if outlook.best_case else 1.0 - self.fouling
        return {"most": most[None, :] * usual, "share": share[None, :]}

    def passes(self, outlook: Outlook) -> tuple[Floats, Floats]:
        """Return the most a clean one gives [MW], 0 where it is too cool, and the share of use [1].

        Each of shape (N,).
        """
        warm, cool = outlook.supply(self.node), outlook.supply(self.heat)
        back, cool_back = outlook.warmths[self.node].back, outlook.warmths[self.heat].back
        outlet = max(back, cool_back + self.pinch)
        opens = (warm - cool >= self.pinch) & (warm > outlet)
        hot_end = np.where(opens, warm - cool, 1.0)
        cold_end = np.full(len(warm), outlet - cool_back) if outlet > cool_back else hot_end
        mean = np.minimum(1.0, log_mean(hot_end, cold_end) / self.difference)
        share = np.where(opens, (warm - outlet) / (warm - back), 1.0)
        return np.where(opens, self.q_nom * mean, 0.0), np.asarray(share, dtype=np.float64)

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the heat to give [MW]."""
        return {"q": float(step.columns["give"][0]) / step.hours}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return heat given, taken and cooled away [MW] as planned."""
        give, take = amounts["give"][0], amounts["take"][0]
        return {"q": give / hours, "taken": take / hours, "lost": (take - give) / hours}

    def tally(self, readings: Readings) -> dict[str, float]:
        """Return the heat cooled away [MWh]."""
        return {"heat_dumped_mwh": readings["lost_sum"]}

    def device(self, truth: Outlook, random: np.random.Generator) -> HeatLinkDevice:
        """Return the exchanger with its true fouling."""
        most, share = self.passes(truth)
        clean = 1.0 - self.fouling * random.uniform(0.0, 2.0)
        return HeatLinkDevice(per_step(most * clean), per_step(share), [0.0] * len(share))
