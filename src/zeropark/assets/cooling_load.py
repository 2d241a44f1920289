"""A cooling load that takes what its profile says."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from zeropark.assets.kind import Account, per_step
from zeropark.assets.load import Load, LoadDevice
from zeropark.data.outlook import Outlook
from zeropark.model.asset import CoolingUse, Point
from zeropark.units.text import Text
from zeropark.units.types import EnergyPrice


class CoolingLoad(Load):
    """A cooling load that is served unless supply fails; the rules and the physics are `Load`'s.

    use[t] = demand[t] - unserved[t], 0 ≤ unserved ≤ demand (MWh per step); cost =
    price_unserved · unserved.
    """

    kind: ClassVar[str] = "cooling_load"
    title: ClassVar[Text] = Text("Cooling load", "冷负荷")
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("cooling used", "用冷功率")),
        Point("demand", "MW", Text("asked for", "需求功率")),
        Point("unserved", "MW", Text("not served", "未供冷")),
        Point("shed", "MW", Text("power to go without", "切除供冷"), writable=True),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
      - {kind: chiller, name: ch, node: bus, cooling: cold, p_nom: 0.5 MW, t_supply: 12 degC}
      - {kind: cooling_load, name: labs, node: cold, profile: {constant: 1 MW}}
    """

    node: Annotated[CoolingUse, Field(title="供冷节点", description="node it takes cooling from")]
    price_unserved: Annotated[
        EnergyPrice, Field(ge=0, title="未供冷代价", description="cost of not serving it")
    ] = 2_000.0

    def device(self, truth: Outlook, random: np.random.Generator) -> CoolingLoadDevice:
        """Return the load with its true profile."""
        del random
        return CoolingLoadDevice(self.price_unserved, per_step(self.signals(truth)["demand"][0]))


class CoolingLoadDevice(LoadDevice):
    """The simulated load; the cooling it uses is heat it brings in."""

    def account(self) -> Account:
        """Return the heat that was brought in."""
        return Account(drawn=super().account().lost)
