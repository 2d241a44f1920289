"""A chiller: takes heat out of a cooling node by electricity and gives it to the outside air."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from zeropark.assets.converter import ConverterDevice, PartLoad
from zeropark.assets.kind import Account, Floats, Kind, PlannedStep, per_step
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import CoolingNode, ElectricityUse, Point
from zeropark.units.text import Text
from zeropark.units.types import Power, Ratio, Share, Temperature

_KELVIN = 273.15
# The least lift the form is used for [K].
_LEAST_LIFT = 10.0


def cooling_eer(t_cold: npt.ArrayLike, t_hot: npt.ArrayLike, quality: float) -> Floats:
    """Return the energy efficiency ratio of a chiller [1].

    t_cold: where it takes heat up [degC]; t_hot: where it gives it off [degC]; quality: share
    of the Carnot limit reached [1]. EER = quality · T_cold / (T_hot - T_cold) in kelvin, the
    form of oemof.thermal 0.0.8.
    """
    cold = np.asarray(t_cold, dtype=np.float64) + _KELVIN
    lift = np.maximum(np.asarray(t_hot, dtype=np.float64) + _KELVIN - cold, _LEAST_LIFT)
    return np.asarray(quality * cold / lift, dtype=np.float64)


class Chiller(Kind):
    """A compression chiller with a cooling tower (wet) or an air cooler (dry).

    cooling[t] = eer[t] · use[t], use ≤ p_nom · h (MWh per step). eer: `cooling_eer` between the
    chilled water and the wet-bulb (wet) or dry-bulb (dry) temperature plus an approach; source
    of the form as there. In the plant the EER falls below full load (EN 14825's degradation).
    """

    kind: ClassVar[str] = "chiller"
    title: ClassVar[Text] = Text("Chiller", "冷水机组")
    order: ClassVar[int] = 40
    role: ClassVar[str] = "convert"
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("electric power used", "用电功率"), writable=True),
        Point("q", "MW", Text("heat taken out", "制冷功率")),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
      - {kind: cooling_load, name: labs, node: cold, profile: {constant: 1 MW}}
      - {kind: chiller, name: ch, node: bus, cooling: cold, p_nom: 0.5 MW, t_supply: 12 degC}
    """

    node: Annotated[
        ElectricityUse, Field(title="用电节点", description="node it takes electricity from")
    ]
    cooling: Annotated[CoolingNode, Field(title="供冷节点", description="node it cools")]
    p_nom: Annotated[Power, Field(gt=0, title="额定电功率", description="rated electric power")]
    t_supply: Annotated[
        Temperature, Field(title="供水温度", description="temperature of the chilled water")
    ]
    rejection: Annotated[
        Literal["wet", "dry"],
        Field(
            title="散热方式",
            description="gives heat off by a cooling tower (wet) or air cooler (dry)",
        ),
    ] = "wet"
    approach: Annotated[
        Temperature,
        Field(
            ge=0, title="散热温差", description="condensing above wet-bulb (wet) or dry-bulb (dry)"
        ),
    ] = 12.0
    quality: Annotated[
        Ratio,
        Field(
            gt=0,
            lt=1,
            title="热力完善度",
            description="share of the Carnot limit reached at full load",
        ),
    ] = 0.5
    eer_max: Annotated[
        Ratio, Field(gt=0, title="最高能效比", description="highest EER the machine reaches")
    ] = 10.0
    part_load_loss: Annotated[
        Share,
        Field(lt=1, title="部分负荷损失", description="share of the EER lost towards zero load"),
    ] = 0.1

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Make cooling of electricity; a coefficient says how much."""
        use = m.flow("use", upper=m["p_nom"] * m.hours, means="rating")
        cooling = m.show("cooling", use * m.signal("eer"))
        m.into("node", -use)
        m.into("cooling", cooling)
        return ()

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the EER to be expected at each step [1]."""
        # A machine that follows cooling demand runs at about two thirds of its power.
        usual = 1.0 if outlook.best_case else 1.0 - self.part_load_loss / 3.0
        return {"eer": self.full_load_eer(outlook)[None, :] * usual}

    def full_load_eer(self, outlook: Outlook) -> Floats:
        """Return the EER at full load [1], shape (N,)."""
        assert outlook.weather is not None, "heat is given off to air of a known temperature"
        outside = outlook.weather.t_wet if self.rejection == "wet" else outlook.weather.t_air
        return np.minimum(
            cooling_eer(self.t_supply, outside + self.approach, self.quality), self.eer_max
        )

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the electric power [MW]."""
        return {"p": float(step.columns["use"][0]) / step.hours}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return power and cooling [MW] as planned."""
        return {"p": amounts["use"][0] / hours, "q": amounts["cooling"][0] / hours}

    def device(self, truth: Outlook, random: np.random.Generator) -> ChillerDevice:
        """Return the chiller under its true sky."""
        del random
        return ChillerDevice(self, per_step(self.full_load_eer(truth)))


class ChillerDevice(ConverterDevice):
    """The simulated chiller: a lower EER at part load."""

    product = "cooling"

    def __init__(self, chiller: Chiller, eer: Sequence[float]) -> None:
        super().__init__(chiller.p_nom)
        self._eer = eer
        self._part = PartLoad(chiller.p_nom, chiller.part_load_loss)

    def account(self) -> Account:
        """Return what was given to the outside air: the heat taken out and the power used."""
        used, made = self.totals()
        return Account(lost=used + made)

    def _product(self, power: float) -> float:
        return self._part.product(power, self._eer[self._index])

    def _power(self, product: float) -> float:
        return self._part.power(product, self._eer[self._index])
