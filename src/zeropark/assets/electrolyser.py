"""An electrolyser: turns electricity into hydrogen, for a node or for sale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.converter import ConverterDevice, root
from zeropark.assets.kind import Account, Floats, Kind, PlannedStep, Readings, RuleView
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import ElectricityUse, Point, Port
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import EnergyPrice, Power, Share

# Lower heating value of hydrogen [MWh/t]: 119.96 MJ/kg (NIST).
LOWER_VALUE = 33.32
_ORDER = Text(
    "{given} is not between efficiency_full {full} and efficiency_best {best}; write them in order",
    "{given} 不在 efficiency_full {full} 与 efficiency_best {best} 之间；请按大小写",
)
_NODE_OR_PRICE = Text(
    "hydrogen goes to a node or is sold; write one of hydrogen, price",
    "氢气送往节点或出售；写 hydrogen、price 之一",
)


class Electrolyser(Kind):
    """An electrolyser, hydrogen counted by its lower heating value.

    made[t] = efficiency · use[t], use ≤ p_nom · h (MWh per step); made goes to a node of hydrogen
    or is sold at `price`. In a plan it may run at any power from 0 on: a least power and the cost
    of a start are whole-number matters and not this file's. In the plant the efficiency falls from
    `efficiency_best` towards zero load to `efficiency_full` at rated power, as the cell voltage
    rises with the current (Ohm's law along the polarisation curve). The form is PyPSA's Link.
    """

    kind: ClassVar[str] = "electrolyser"
    title: ClassVar[Text] = Text("Electrolyser", "电解槽")
    order: ClassVar[int] = 41
    role: ClassVar[str] = "convert"
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("electric power used", "用电功率"), writable=True),
        Point("q", "MW", Text("hydrogen made, lower value", "产氢功率（低热值）")),
        Point("made", "t", Text("hydrogen made since the run began", "累计产氢量")),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 3 MW, tariff: simple}
      - {kind: load, name: works, node: bus, profile: {constant: 0.5 MW}}
      - {kind: pv, name: roof, node: bus, p_nom: 2 MW, arrays: [{tilt: 30 deg}]}
      - {kind: electrolyser, name: cells, node: bus, p_nom: 1 MW, price: 500 CNY/MWh}
    """

    node: Annotated[
        ElectricityUse, Field(title="用电节点", description="node it takes electricity from")
    ]
    hydrogen: Annotated[
        Annotated[str, Port("hydrogen")] | None,
        Field(title="供氢节点", description="node it delivers hydrogen to, if any"),
    ] = None
    price: Annotated[
        Annotated[EnergyPrice, Field(ge=0)] | None,
        Field(title="售氢价", description="paid for hydrogen sold, by its lower value"),
    ] = None
    p_nom: Annotated[Power, Field(gt=0, title="额定电功率", description="rated electric power")]
    efficiency: Annotated[
        Share, Field(gt=0, title="效率", description="hydrogen per electricity in ordinary use")
    ] = 0.64
    efficiency_best: Annotated[
        Share, Field(gt=0, title="最高效率", description="hydrogen per electricity towards no load")
    ] = 0.7
    efficiency_full: Annotated[
        Share, Field(gt=0, title="满载效率", description="hydrogen per electricity at rated power")
    ] = 0.62

    @model_validator(mode="after")
    def _is_one_machine(self) -> Electrolyser:
        if not self.efficiency_full <= self.efficiency <= self.efficiency_best:
            raise refusal(
                "efficiency_order",
                _ORDER,
                field="efficiency",
                given=f"{self.efficiency:g}",
                full=f"{self.efficiency_full:g}",
                best=f"{self.efficiency_best:g}",
            )
        if (self.hydrogen is None) == (self.price is None):
            raise refusal("hydrogen_or_price", _NODE_OR_PRICE, field="hydrogen")
        return self

    @property
    def earns(self) -> float:
        """Paid for hydrogen made [CNY/MWh]; nothing where a node takes it."""
        return self.price or 0.0

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Make hydrogen of electricity; a coefficient says how much."""
        use = m.flow("use", upper=m["p_nom"] * m.hours, means="rating")
        made = m.show("made", use * m.signal("efficiency"))
        m.into("node", -use)
        m.into("hydrogen", made)
        m.cost("energy", made * (-1.0 * m["earns"]))
        return ()

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the efficiency [1]."""
        efficiency = self.efficiency_best if outlook.best_case else self.efficiency
        return {"efficiency": np.full((1, len(outlook.grid)), efficiency)}

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the electric power [MW]."""
        return {"p": float(step.columns["use"][0]) / step.hours}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return power and hydrogen [MW] and its tonnes as planned."""
        made = amounts["made"][0]
        return {
            "p": amounts["use"][0] / hours,
            "q": made / hours,
            "made": np.cumsum(made) / LOWER_VALUE,
        }

    def by_rule(self, readings: Readings, view: RuleView) -> dict[str, float]:
        """Return full power in good hours, none in others; a node is served as it asks."""
        del readings
        if self.hydrogen is not None:
            return {}
        return {"p": self.p_nom if view.good_hour else 0.0}

    def device(self, truth: Outlook, random: np.random.Generator) -> ElectrolyserDevice:
        """Return the electrolyser."""
        del truth, random
        return ElectrolyserDevice(self)


class ElectrolyserDevice(ConverterDevice):
    """The simulated electrolyser: the harder it is driven, the less hydrogen a MWh makes."""

    product = "hydrogen"

    def __init__(self, electrolyser: Electrolyser) -> None:
        super().__init__(electrolyser.p_nom)
        self._e = electrolyser
        self._falls = electrolyser.efficiency_best - electrolyser.efficiency_full

    def read(self) -> dict[str, Any]:
        """Return power and hydrogen [MW] and the hydrogen made so far [t]."""
        return {**super().read(), "made": self.totals()[1] / LOWER_VALUE}

    def account(self) -> Account:
        """Return what did not become hydrogen."""
        used, made = self.totals()
        return Account(lost=used - made)

    def _product(self, power: float) -> float:
        return power * (self._e.efficiency_best - self._falls * power / self._p_nom)

    def _power(self, product: float) -> float:
        return root(product, self._e.efficiency_best, -self._falls / self._p_nom)

    def _flows(self) -> dict[str, float]:
        self.costs = {"energy": -self._e.earns * (self._made + self.q * self._hours)}
        return super()._flows()
