"""An electric boiler: turns electricity into heat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.converter import ConverterDevice
from zeropark.assets.kind import Account, Floats, Kind, PlannedStep
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import ElectricityUse, HeatNode, Point
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Power, Share

_ABOVE_BEST = Text(
    "{given} is above efficiency_best {best}; allowed: efficiency ≤ efficiency_best",
    "{given} 高于 efficiency_best {best}；可用：efficiency ≤ efficiency_best",
)


class Boiler(Kind):
    """An electrode boiler.

    heat[t] = efficiency · use[t], use ≤ p_nom · h (MWh per step), by the first law. In the
    plant what its shell gives off while it runs does not fall with its load, so that its
    efficiency does.
    """

    kind: ClassVar[str] = "boiler"
    title: ClassVar[Text] = Text("Electric boiler", "电锅炉")
    order: ClassVar[int] = 42
    role: ClassVar[str] = "convert"
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("electric power used", "用电功率"), writable=True),
        Point("q", "MW", Text("heat delivered", "供热功率")),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
      - {kind: heat_load, name: offices, node: warm, profile: {constant: 1 MW}}
      - {kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 1.5 MW}
    """

    node: Annotated[
        ElectricityUse, Field(title="用电节点", description="node it takes electricity from")
    ]
    heat: Annotated[HeatNode, Field(title="供热节点", description="node it delivers heat to")]
    p_nom: Annotated[Power, Field(gt=0, title="额定电功率", description="rated electric power")]
    efficiency: Annotated[
        Share, Field(gt=0, title="效率", description="heat per electricity in ordinary use")
    ] = 0.975
    efficiency_best: Annotated[
        Share,
        Field(gt=0, title="最高效率", description="heat per electricity without its shell's loss"),
    ] = 0.995
    shell_loss: Annotated[
        Share,
        Field(
            title="壳体散热", description="what the shell gives off while it runs, of rated power"
        ),
    ] = 0.01

    @model_validator(mode="after")
    def _best_is_best(self) -> Boiler:
        if self.efficiency > self.efficiency_best:
            raise refusal(
                "efficiency_above_best",
                _ABOVE_BEST,
                field="efficiency",
                given=f"{self.efficiency:g}",
                best=f"{self.efficiency_best:g}",
            )
        return self

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Make heat of electricity; a coefficient says how much."""
        use = m.flow("use", upper=m["p_nom"] * m.hours, means="rating")
        heat = m.show("heat", use * m.signal("efficiency"))
        m.into("node", -use)
        m.into("heat", heat)
        return ()

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the efficiency [1]."""
        efficiency = self.efficiency_best if outlook.best_case else self.efficiency
        return {"efficiency": np.full((1, len(outlook.grid)), efficiency)}

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the electric power [MW]."""
        return {"p": float(step.columns["use"][0]) / step.hours}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return power and heat [MW] as planned."""
        return {"p": amounts["use"][0] / hours, "q": amounts["heat"][0] / hours}

    def device(self, truth: Outlook, random: np.random.Generator) -> BoilerDevice:
        """Return the boiler."""
        del truth, random
        return BoilerDevice(self)


class BoilerDevice(ConverterDevice):
    """The simulated boiler: its shell loses the same at any load."""

    product = "heat"

    def __init__(self, boiler: Boiler) -> None:
        super().__init__(boiler.p_nom)
        self._efficiency = boiler.efficiency_best
        self._shell = boiler.shell_loss * boiler.p_nom

    def account(self) -> Account:
        """Return what did not become heat for the park."""
        used, made = self.totals()
        return Account(lost=used - made)

    def _product(self, power: float) -> float:
        return max(0.0, power * self._efficiency - self._shell)

    def _power(self, product: float) -> float:
        return (product + self._shell) / self._efficiency if product > 0.0 else 0.0
