"""A load part of which may be curtailed for a price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from zeropark.assets.kind import (
    Account,
    Floats,
    Kind,
    PlannedStep,
    Steered,
    per_step,
)
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block, Limit
from zeropark.formulation.linear import Rule
from zeropark.model.asset import ElectricityUse, Point
from zeropark.model.series import Profile
from zeropark.units.text import Text
from zeropark.units.types import EnergyPrice, Share

# A power below this is the solver's rounding [MW].
_NOTHING = 1e-6


class CurtailableLoad(Kind):
    """An electric load whose owner gives up a share of it for a price agreed beforehand.

    use[t] = demand[t] - curtailed[t] - unserved[t], curtailed ≤ share · response · demand,
    unserved ≤ demand (MWh per step); cost = price_curtailed · curtailed + price_unserved ·
    unserved. The form of an
    interruptible contract: what is curtailed is not made up for later. In the plant only a part
    of what is asked for is given up (`response`), and the rest of the load is lost only when
    supply fails.
    """

    kind: ClassVar[str] = "curtailable_load"
    title: ClassVar[Text] = Text("Curtailable load", "可削减负荷")
    order: ClassVar[int] = 10
    role: ClassVar[str] = "use"
    measured: ClassVar[Mapping[str, str]] = {"demand": "demand"}
    takes: ClassVar[Mapping[str, str]] = {"load": "demand"}
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("power, use +", "功率，用电为正")),
        Point("demand", "MW", Text("asked for", "需求功率")),
        Point("curtailed", "MW", Text("given up for a price", "有偿削减功率")),
        Point("unserved", "MW", Text("not served", "未供电")),
        Point("curtail", "MW", Text("power to give up", "要求削减功率"), writable=True),
        Point("shed", "MW", Text("power to go without", "切除功率"), writable=True),
    )
    limits: ClassVar[Mapping[str, Limit]] = {
        "agreed": Limit(Text("gives up all that was agreed", "已按约定削减到底"))
    }
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
      - {kind: curtailable_load, name: mill, node: bus, profile: {constant: 1 MW}, share: 30 %,
         price_curtailed: 400 CNY/MWh}
    """

    node: Annotated[
        ElectricityUse, Field(title="用电节点", description="node it takes electricity from")
    ]
    profile: Annotated[Profile, Field(title="负荷曲线", description="what it asks for")]
    share: Annotated[
        Share, Field(title="可削减比例", description="share of the demand that may be curtailed")
    ]
    price_curtailed: Annotated[
        EnergyPrice, Field(ge=0, title="削减补偿价", description="what is paid for a curtailed MWh")
    ]
    price_unserved: Annotated[
        EnergyPrice, Field(ge=0, title="未供电代价", description="cost of not serving the rest")
    ] = 20_000.0
    response: Annotated[
        Share,
        Field(gt=0, title="响应率", description="share of what is asked for that is given up"),
    ] = 0.95

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield how much is served."""
        demand = m.signal("demand") * m.hours
        use = m.flow("use", upper=demand)
        curtailed = m.flow("curtailed", upper=m.signal("curtailable") * m.hours, means="agreed")
        unserved = m.flow("unserved", upper=demand)
        yield "served", use + curtailed + unserved == demand
        m.into("node", -use)
        m.cost("unserved", curtailed * m["price_curtailed"] + unserved * m["price_unserved"])

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the demand and what of it may be curtailed [MW]."""
        given = outlook.series.get(f"{self.name}/demand")
        demand = self.profile.on_grid(outlook.grid) if given is None else given
        response = 1.0 if outlook.best_case else self.response
        return {"demand": demand[None, :], "curtailable": demand[None, :] * (self.share * response)}

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the power to give up [MW], more than is meant as not all is, and to go without."""
        meant = {
            "curtail": float(step.columns["curtailed"][0]) / step.hours / self.response,
            "shed": float(step.columns["unserved"][0]) / step.hours,
        }
        return {point: power for point, power in meant.items() if power > _NOTHING}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return use, what is given up and what is not served [MW] as planned."""
        use, curtailed = amounts["use"][0] / hours, amounts["curtailed"][0] / hours
        unserved = amounts["unserved"][0] / hours
        demand = use + curtailed + unserved
        return {"p": use, "demand": demand, "curtailed": curtailed, "unserved": unserved}

    def steered(self) -> Sequence[Steered]:
        """Return what it gives up by contract."""
        return (
            Steered(
                "curtail", "curtailed", 1, 0.0, np.inf, most="demand", turn=self.price_curtailed
            ),
        )

    def device(self, truth: Outlook, random: np.random.Generator) -> CurtailableLoadDevice:
        """Return the load with its true profile."""
        del random
        return CurtailableLoadDevice(self, per_step(self.signals(truth)["demand"][0]))


class CurtailableLoadDevice:
    """The simulated load: gives up most of what is asked, and supply when it must."""

    def __init__(self, load: CurtailableLoad, demand: Sequence[float]) -> None:
        self._load = load
        self._demand = demand
        self.p = 0.0
        self.curtailed = 0.0
        self.unserved = 0.0
        self.costs = {"unserved": 0.0}
        self._asked = 0.0
        self._used = 0.0

    def read(self) -> dict[str, Any]:
        """Return use, what was asked for, given up, not served, and the order to give up [MW]."""
        return {
            "p": self.p,
            "demand": self.p + self.curtailed + self.unserved,
            "curtailed": self.curtailed,
            "unserved": self.unserved,
            "curtail": self._asked,
        }

    def account(self) -> Account:
        """Return what was used."""
        return Account(lost=self._used)

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Take the profile's power less what `curtail` [MW] asks for."""
        del ports
        demand, load = self._demand[index], self._load
        self._asked = setpoints.get("curtail", 0.0)
        self.curtailed = min(load.share * demand, max(0.0, self._asked)) * load.response
        self.p, self.unserved = demand - self.curtailed, 0.0
        self._used += self.p * hours
        self.costs["unserved"] += self.curtailed * hours * load.price_curtailed
        self.adjust("node", setpoints.get("shed", 0.0), hours)
        return {"node": -self.p}

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Lose up to `change` [MW] of supply."""
        del port
        lost = min(self.p, max(0.0, change))
        self.p -= lost
        self.unserved += lost
        self._used -= lost * hours
        self.costs["unserved"] += lost * hours * self._load.price_unserved
        return lost
