"""A heat load that takes what its profile says."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from zeropark.assets.load import Load
from zeropark.model.asset import HeatUse, Point
from zeropark.units.text import Text
from zeropark.units.types import EnergyPrice


class HeatLoad(Load):
    """A heat load that is served unless supply fails; the rules and the physics are `Load`'s.

    use[t] = demand[t] - unserved[t], 0 ≤ unserved ≤ demand (MWh per step); cost =
    price_unserved · unserved.
    """

    kind: ClassVar[str] = "heat_load"
    title: ClassVar[Text] = Text("Heat load", "热负荷")
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("heat used", "用热功率")),
        Point("demand", "MW", Text("asked for", "需求功率")),
        Point("unserved", "MW", Text("not served", "未供热")),
        Point("shed", "MW", Text("power to go without", "切除供热"), writable=True),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
      - {kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 1.5 MW}
      - {kind: heat_load, name: offices, node: warm, profile: {constant: 1 MW}}
    """

    node: Annotated[HeatUse, Field(title="供热节点", description="node it takes heat from")]
    price_unserved: Annotated[
        EnergyPrice, Field(ge=0, title="未供热代价", description="cost of not serving it")
    ] = 2_000.0
