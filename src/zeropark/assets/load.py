"""A load that takes what its profile says."""

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
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import ElectricityUse, Point
from zeropark.model.series import Profile
from zeropark.units.text import Text
from zeropark.units.types import EnergyPrice

# Less than this is the solver's rounding, not a load to go without [MW].
_NOTHING = 1e-6


class Load(Kind):
    """An electric load that is served unless supply fails, at a price of not serving it.

    use[t] = demand[t] - unserved[t], 0 ≤ unserved ≤ demand (MWh per step); cost =
    price_unserved · unserved.
    """

    kind: ClassVar[str] = "load"
    title: ClassVar[Text] = Text("Load", "负荷")
    order: ClassVar[int] = 10
    measured: ClassVar[Mapping[str, str]] = {"demand": "demand"}
    takes: ClassVar[Mapping[str, str]] = {"load": "demand"}
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("power, use +", "功率，用电为正")),
        Point("demand", "MW", Text("asked for", "需求功率")),
        Point("unserved", "MW", Text("not served", "未供电")),
        Point("shed", "MW", Text("power to go without", "切除功率"), writable=True),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
      - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
    """

    node: Annotated[
        ElectricityUse, Field(title="用电节点", description="node it takes electricity from")
    ]
    profile: Annotated[Profile, Field(title="负荷曲线", description="what it asks for")]
    price_unserved: Annotated[
        EnergyPrice, Field(ge=0, title="未供电代价", description="cost of not serving it")
    ] = 20_000.0

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Take the demand but for what is not served; a bound says that this is no more."""
        demand = m.signal("demand") * m.hours
        unserved = m.flow("unserved", upper=demand)
        m.into("node", -m.show("use", demand - unserved))
        m.cost("unserved", unserved * m["price_unserved"])
        return ()

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the demand [MW]."""
        given = outlook.series.get(f"{self.name}/demand")
        demand = self.profile.on_grid(outlook.grid) if given is None else given
        return {"demand": demand[None, :]}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return use and what is not served [MW] as planned."""
        use, unserved = amounts["use"][0] / hours, amounts["unserved"][0] / hours
        return {"p": use, "demand": use + unserved, "unserved": unserved}

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return what the load is to go without [MW], where supply is planned to fail."""
        shed = float(step.columns["unserved"][0]) / step.hours
        return {"shed": shed} if shed > _NOTHING else {}

    def steered(self) -> Sequence[Steered]:
        """Return what goes without supply, in the order of what that costs."""
        return (
            Steered("shed", "unserved", 1, 0.0, np.inf, most="demand", turn=self.price_unserved),
        )

    def device(self, truth: Outlook, random: np.random.Generator) -> LoadDevice:
        """Return the load with its true profile."""
        del random
        return LoadDevice(self.price_unserved, per_step(self.signals(truth)["demand"][0]))


class LoadDevice:
    """The simulated load; it loses supply only when the node cannot be balanced otherwise."""

    def __init__(self, price: float, demand: Sequence[float]) -> None:
        self._price = price
        self._demand = demand
        self.p = 0.0
        self.unserved = 0.0
        self.costs = {"unserved": 0.0}
        self._used = 0.0

    def read(self) -> dict[str, Any]:
        """Return use, what was asked for, and what was not served [MW]."""
        return {"p": self.p, "demand": self.p + self.unserved, "unserved": self.unserved}

    def account(self) -> Account:
        """Return what was used."""
        return Account(lost=self._used)

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Take the profile's power."""
        del ports
        self.p, self.unserved = self._demand[index], 0.0
        self._used += self.p * hours
        self.adjust("node", setpoints.get("shed", 0.0), hours)
        return {"node": -self.p}

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Lose up to `change` [MW] of supply."""
        del port
        lost = min(self.p, max(0.0, change))
        self.p -= lost
        self.unserved += lost
        self._used -= lost * hours
        self.costs["unserved"] += lost * hours * self._price
        return lost
