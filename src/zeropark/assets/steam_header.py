"""A steam header: lets steam down to a cooler network, and vents what nothing takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from zeropark.assets.heat_link import flows_down
from zeropark.assets.kind import Account, Floats, Kind, PlannedStep, Readings, per_step
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block, Limit
from zeropark.formulation.linear import Rule
from zeropark.model.asset import Asset, HeatNode, HeatUse, Point, Wrong
from zeropark.model.warmth import Warmth
from zeropark.units.text import Text
from zeropark.units.types import HeatContent, MassPrice, Power, Share


class SteamHeader(Kind):
    """A header on a node of steam, with a valve that lets it down to a cooler node, and a vent.

    let[t] ≤ q_nom · h, vent ≥ 0 (MWh per step). A valve throttles: enthalpy stays (first law), so
    that nothing is lost on the way down. Vented steam is water lost: cost = price_water · vent /
    content, where content is the heat a tonne gives above its condensate (2.41 GJ/t, fact base
    section 10). Several headers in series are several pressures. In the plant the shut valve leaks.
    """

    kind: ClassVar[str] = "steam_header"
    title: ClassVar[Text] = Text("Steam header", "蒸汽母管")
    order: ClassVar[int] = 38
    role: ClassVar[str] = "carry"
    points: ClassVar[tuple[Point, ...]] = (
        Point("q", "MW", Text("heat let down", "减压供热功率"), writable=True),
        Point("vent", "MW", Text("heat vented", "放空热功率"), writable=True),
        Point("let_down", "t/h", Text("steam let down", "减压蒸汽流量")),
        Point("vented", "t", Text("steam vented since the run began", "累计放空蒸汽")),
    )
    limits: ClassVar[Mapping[str, Limit]] = {
        "valve": Limit(Text("the valve is wide open", "减压阀全开"))
    }
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 4 MW, tariff: simple}
      - {kind: heat_load, name: still, node: steam, profile: {constant: 0.5 MW}}
      - {kind: heat_load, name: offices, node: warm, profile: {constant: 1 MW}}
      - {kind: boiler, name: kettle, node: bus, heat: steam, p_nom: 2 MW}
      - {kind: steam_header, name: header, node: steam, heat: warm, q_nom: 1.5 MW}
    """

    node: Annotated[HeatUse, Field(title="蒸汽节点", description="node whose steam it holds")]
    heat: Annotated[
        HeatNode, Field(title="低压侧节点", description="cooler node it lets steam down to")
    ]
    q_nom: Annotated[Power, Field(gt=0, title="阀门额定", description="most the valve lets down")]
    content: Annotated[
        HeatContent,
        Field(gt=0, title="蒸汽热值", description="heat a tonne gives above its condensate"),
    ] = 0.669
    price_water: Annotated[
        MassPrice, Field(ge=0, title="补水价格", description="cost of the treated water vented")
    ] = 12.0
    leak: Annotated[
        Share, Field(le=0.2, title="阀门泄漏", description="what the shut valve lets through")
    ] = 0.002

    @property
    def price_vent(self) -> float:
        """Cost of heat vented [CNY/MWh]."""
        return self.price_water / self.content

    @classmethod
    def beside(cls, assets: Sequence[Asset], warmths: Mapping[str, Warmth]) -> Iterable[Wrong]:
        """Yield where heat would have to flow up, or a temperature is missing."""
        for asset in assets:
            if isinstance(asset, SteamHeader):
                yield from flows_down(asset, ("node", "heat"), 0.0, warmths)

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Let down and vent; that the valve has a size is a bound, not a row."""
        let = m.flow("let", upper=m.signal("most") * m.hours, means="valve")
        vent = m.flow("vent")
        m.into("node", -let - vent)
        m.into("heat", let)
        m.cost("energy", vent * m["price_vent"])
        return ()

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the most the valve lets down [MW], nothing to a warmer node."""
        open_ = outlook.supply(self.node) >= outlook.supply(self.heat)
        return {"most": np.where(open_, self.q_nom, 0.0)[None, :]}

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the heat to let down and to vent [MW]."""
        let, vent = (float(step.columns[name][0]) / step.hours for name in ("let", "vent"))
        return {"q": let, "vent": vent}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return heat let down and vented [MW] and their tonnes as planned."""
        let, vent = amounts["let"][0], amounts["vent"][0]
        return {
            "q": let / hours,
            "vent": vent / hours,
            "let_down": let / hours / self.content,
            "vented": np.cumsum(vent) / self.content,
        }

    def tally(self, readings: Readings) -> dict[str, float]:
        """Return the heat vented [MWh]."""
        return {"heat_dumped_mwh": readings["vented"] * self.content}

    def device(self, truth: Outlook, random: np.random.Generator) -> SteamHeaderDevice:
        """Return the header."""
        del random
        return SteamHeaderDevice(self, per_step(self.signals(truth)["most"][0]))


class SteamHeaderDevice:
    """The simulated header: its valve follows the cooler node, its vent the pressure."""

    def __init__(self, header: SteamHeader, most: Sequence[float]) -> None:
        self._h = header
        self._most_at = most
        self.turns = {"heat": -0.5, "node": 0.5}
        self._most = self._least = 0.0
        self._hours = 0.0
        self._vented = 0.0
        self.q = self.vent = 0.0
        self.flows: dict[str, float] = {"node": 0.0, "heat": 0.0}

    @property
    def costs(self) -> Mapping[str, float]:
        """What vented water has cost since the run began [CNY]."""
        return {"energy": self._sum() * self._h.price_vent}

    def read(self) -> dict[str, Any]:
        """Return heat let down and vented [MW], steam let down [t/h] and vented so far [t]."""
        content = self._h.content
        return {
            "q": self.q,
            "vent": self.vent,
            "let_down": self.q / content,
            "vented": self._sum() / content,
        }

    def account(self) -> Account:
        """Return what was vented."""
        return Account(lost=self._sum())

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Let down the set-point `q`, or what the cooler node lacks; vent the set-point `vent`."""
        self._vented = self._sum()
        self._hours = hours
        self._most = self._most_at[index]
        self._least = min(self._most, self._h.leak * self._h.q_nom)
        self.vent = max(0.0, setpoints.get("vent", 0.0))
        self._settle(setpoints.get("q", -ports.get("heat", 0.0)))
        return dict(self.flows)

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Vent what the header has too much; where it lacks, vent less, then let down less."""
        del hours
        before = self.flows.get(port, 0.0)
        if port == "heat":
            self._settle(self.q + change)
        elif port == "node":
            less = min(self.vent, change)
            self.vent -= less
            if change > less:
                self._most = max(0.0, self.q - (change - less))
                self._least = min(self._least, self._most)
            self._settle(min(self.q, self._most))
        return self.flows.get(port, 0.0) - before

    def _settle(self, q: float) -> None:
        self.q = min(self._most, max(self._least, q))
        self.flows = {"node": -self.q - self.vent, "heat": self.q}

    def _sum(self) -> float:
        return self._vented + self.vent * self._hours
