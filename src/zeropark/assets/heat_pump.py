"""A heat pump: lifts heat from outside air or from another node, by electricity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from zeropark.assets.converter import ConverterDevice, PartLoad
from zeropark.assets.kind import Account, Floats, Kind, PlannedStep, per_step
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import ElectricityUse, HeatNode, HeatUse, Point
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Power, Ratio, Share, Temperature

_KELVIN = 273.15
# The least lift the form is used for [K]; below it no machine comes near its Carnot limit.
_LEAST_LIFT = 10.0
# Outside air between these [degC] leaves frost on the evaporator.
_FROST = (-7.0, 5.0)
_NO_SOURCE = Text(
    "a heat pump on a source node needs t_source; write it, such as 35 degC",
    "接在热源节点上的热泵需要 t_source；请写上，例如 35 degC",
)


def heating_cop(t_sink: npt.ArrayLike, t_source: npt.ArrayLike, quality: float) -> Floats:
    """Return the coefficient of performance of a heat pump [1].

    t_sink, t_source: temperatures of the delivered heat and of its source [degC]. quality:
    share of the Carnot limit reached [1]. COP = quality · T_sink / (T_sink - T_source) in
    kelvin, as oemof.thermal 0.0.8 `calc_cops` (35 to 65 degC at 0.5 gives 5.64).
    """
    hot = np.asarray(t_sink, dtype=np.float64) + _KELVIN
    lift = np.maximum(hot - np.asarray(t_source, dtype=np.float64) - _KELVIN, _LEAST_LIFT)
    return np.asarray(quality * hot / lift, dtype=np.float64)


class HeatPump(Kind):
    """A heat pump whose source is the outside air, a source of steady temperature, or a heat node.

    heat[t] = cop[t] · use[t], use ≤ p_nom · h (MWh per step); with a source node, heat - use is
    taken from it.
    cop: `heating_cop`; source of the form as there. In the plant: the COP falls below full load
    (EN 14825's degradation), and air near freezing costs defrosting, which the plan expects
    too.
    """

    kind: ClassVar[str] = "heat_pump"
    title: ClassVar[Text] = Text("Heat pump", "热泵")
    order: ClassVar[int] = 40
    role: ClassVar[str] = "convert"
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("electric power used", "用电功率"), writable=True),
        Point("q", "MW", Text("heat delivered", "供热功率")),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
      - {kind: heat_load, name: offices, node: warm, profile: {constant: 1 MW}}
      - {kind: heat_pump, name: hp, node: bus, heat: warm, p_nom: 1 MW, t_sink: 55 degC}
    """

    node: Annotated[
        ElectricityUse, Field(title="用电节点", description="node it takes electricity from")
    ]
    heat: Annotated[HeatNode, Field(title="供热节点", description="node it delivers heat to")]
    source: Annotated[
        HeatUse | None, Field(title="热源节点", description="node whose heat it lifts, if any")
    ] = None
    p_nom: Annotated[Power, Field(gt=0, title="额定电功率", description="rated electric power")]
    t_sink: Annotated[
        Temperature, Field(title="供热温度", description="temperature of the heat delivered")
    ]
    t_source: Annotated[
        Temperature | None,
        Field(title="热源温度", description="temperature of the source; outside air without one"),
    ] = None
    quality: Annotated[
        Ratio,
        Field(
            gt=0,
            lt=1,
            title="热力完善度",
            description="share of the Carnot limit reached at full load",
        ),
    ] = 0.5
    cop_max: Annotated[
        Ratio, Field(gt=1, title="最高性能系数", description="highest COP the machine reaches")
    ] = 7.0
    part_load_loss: Annotated[
        Share,
        Field(lt=1, title="部分负荷损失", description="share of the COP lost towards zero load"),
    ] = 0.1
    defrost_loss: Annotated[
        Share, Field(title="除霜损失", description="share of the COP lost to defrosting")
    ] = 0.08

    @model_validator(mode="after")
    def _source_has_a_temperature(self) -> HeatPump:
        if self.source is not None and self.t_source is None:
            raise refusal("source_temperature", _NO_SOURCE, field="source")
        return self

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Lift heat by electricity; a coefficient says how much."""
        use = m.flow("use", upper=m["p_nom"] * m.hours, means="rating")
        heat = m.show("heat", use * m.signal("cop"))
        m.into("node", -use)
        m.into("heat", heat)
        m.into("source", use - heat)
        return ()

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the COP to be expected at each step [1]."""
        cop = self.full_load_cop(outlook, best=outlook.best_case)
        return {"cop": (cop if outlook.best_case else cop * self._usual_part_load)[None, :]}

    @property
    def _usual_part_load(self) -> float:
        # A machine that follows heat demand runs at about two thirds of its power.
        return 1.0 - self.part_load_loss / 3.0

    def full_load_cop(self, outlook: Outlook, *, best: bool) -> Floats:
        """Return the COP at full load [1], shape (N,); `best` leaves out defrosting."""
        if self.t_source is not None:
            cop = heating_cop(self.t_sink, np.full(len(outlook.grid), self.t_source), self.quality)
            return np.minimum(cop, self.cop_max)
        assert outlook.weather is not None, "outside air has a temperature"
        t_air = outlook.weather.t_air
        cop = np.minimum(heating_cop(self.t_sink, t_air, self.quality), self.cop_max)
        frosted = (t_air > _FROST[0]) & (t_air < _FROST[1]) & (not best)
        return np.where(frosted, cop * (1.0 - self.defrost_loss), cop)

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the electric power [MW]."""
        return {"p": float(step.columns["use"][0]) / step.hours}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return power and heat [MW] as planned."""
        return {"p": amounts["use"][0] / hours, "q": amounts["heat"][0] / hours}

    def device(self, truth: Outlook, random: np.random.Generator) -> HeatPumpDevice:
        """Return the heat pump with its true source."""
        del random
        return HeatPumpDevice(self, per_step(self.full_load_cop(truth, best=False)))


class HeatPumpDevice(ConverterDevice):
    """The simulated heat pump: a lower COP at part load, no more heat than its source has."""

    product = "heat"

    def __init__(self, pump: HeatPump, cop: Sequence[float]) -> None:
        super().__init__(pump.p_nom)
        self._lifts_from_node = pump.source is not None
        self._cop = cop
        self._part = PartLoad(pump.p_nom, pump.part_load_loss)

    def account(self) -> Account:
        """Return the heat drawn from the air; from a node it is a flow."""
        used, made = self.totals()
        return Account(drawn=0.0 if self._lifts_from_node else made - used)

    def _product(self, power: float) -> float:
        return self._part.product(power, self._cop[self._index])

    def _power(self, product: float) -> float:
        return self._part.power(product, self._cop[self._index])

    def _cap(self, ports: Mapping[str, float]) -> float:
        if not self._lifts_from_node:
            return self._p_nom
        there = max(0.0, ports.get("source", 0.0))
        return min(self._p_nom, self._part.power(there, self._cop[self._index], kept=1.0))

    def _flows(self) -> dict[str, float]:
        found = {"node": -self.p, "heat": self.q}
        if self._lifts_from_node:
            found["source"] = self.p - self.q
        return found
