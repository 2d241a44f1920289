"""An absorption chiller: turns heat into cooling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from zeropark.assets.converter import ConverterDevice, PartLoad
from zeropark.assets.kind import Account, Floats, Kind, PlannedStep, per_step
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import Asset, CoolingNode, ElectricityUse, HeatUse, Point, Wrong
from zeropark.model.warmth import Warmth
from zeropark.units.text import Text
from zeropark.units.types import Power, Ratio, Share, Temperature

_KELVIN = 273.15
# The least difference between rejected heat and cold the form is used for [K].
_LEAST_LIFT = 10.0
_TOO_COOL = Text(
    "node '{given}' is never {least} degC warm; allowed: a node that is, or a lower t_least",
    "节点“{given}”从未达到 {least} degC；可用：更热的节点，或更低的 t_least",
)
_NO_TEMPERATURE = Text(
    "node '{given}' has no temperature; write temperature: {{supply: 95 degC, return: 80 degC}} "
    "there",
    "节点“{given}”没有温度；在该节点写 temperature: {{supply: 95 degC, return: 80 degC}}",
)


def absorption_cop(t_drive: Floats, t_reject: Floats, t_cold: float, quality: float) -> Floats:
    """Return the cooling per heat of an absorption chiller [1].

    t_drive, t_reject, t_cold: of the driving heat, the heat rejected, the cold water [degC].
    quality: share of the reversible limit reached [1]. COP = quality · (T_drive - T_reject) /
    T_drive · T_cold / (T_reject - T_cold) in kelvin, the limit of a machine between three
    temperatures (Herold, Radermacher and Klein, Absorption Chillers and Heat Pumps, ch. 2).
    """
    drive, reject = t_drive + _KELVIN, t_reject + _KELVIN
    cold = t_cold + _KELVIN
    lift = np.maximum(reject - cold, _LEAST_LIFT)
    return np.asarray(quality * np.maximum(0.0, (drive - reject) / drive) * cold / lift)


class AbsorptionChiller(Kind):
    """A single-effect absorption chiller with a cooling tower.

    cooling[t] = cop[t] · drive[t], drive ≤ q_drive · h while the heat node is at least `t_least`
    warm; pumps take pump_power · cooling (MWh per step). cop: `absorption_cop` up to `cop_max`,
    source of the form as there; heat is rejected at the wet-bulb temperature plus an approach. In
    the plant the COP falls below full load (EN 14825's degradation) and half of what the pumps take
    does not fall with it.
    """

    kind: ClassVar[str] = "absorption_chiller"
    title: ClassVar[Text] = Text("Absorption chiller", "吸收式冷水机组")
    order: ClassVar[int] = 37
    role: ClassVar[str] = "convert"
    points: ClassVar[tuple[Point, ...]] = (
        Point("q", "MW", Text("cooling delivered", "供冷功率")),
        Point("drive", "MW", Text("heat used", "驱动热功率"), writable=True),
        Point("p", "MW", Text("electric power of its pumps", "泵用电功率")),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 4 MW, tariff: simple}
      - {kind: cooling_load, name: labs, node: cold, profile: {constant: 0.5 MW}}
      - {kind: boiler, name: kettle, node: bus, heat: steam, p_nom: 2 MW}
      - {kind: absorption_chiller, name: ab, node: bus, heat: steam, cooling: cold, q_drive: 1 MW,
         t_supply: 12 degC}
    """

    node: Annotated[ElectricityUse, Field(title="用电节点", description="node its pumps run from")]
    heat: Annotated[HeatUse, Field(title="热源节点", description="node whose heat drives it")]
    cooling: Annotated[CoolingNode, Field(title="供冷节点", description="node it cools")]
    q_drive: Annotated[Power, Field(gt=0, title="额定驱动热功率", description="rated driving heat")]
    t_supply: Annotated[
        Temperature, Field(title="供水温度", description="temperature of the chilled water")
    ]
    t_least: Annotated[
        Temperature, Field(title="最低驱动温度", description="least temperature of driving heat")
    ] = 75.0
    approach: Annotated[
        Temperature, Field(ge=0, title="散热温差", description="heat rejected above wet-bulb")
    ] = 10.0
    quality: Annotated[
        Ratio,
        Field(gt=0, lt=1, title="热力完善度", description="share of the reversible limit reached"),
    ] = 0.37
    cop_max: Annotated[
        Ratio, Field(gt=0, title="最高性能系数", description="highest COP the machine reaches")
    ] = 0.78
    part_load_loss: Annotated[
        Share,
        Field(lt=1, title="部分负荷损失", description="share of the COP lost towards zero load"),
    ] = 0.1
    pump_power: Annotated[
        Share, Field(title="泵耗", description="electricity its pumps take per cooling")
    ] = 0.02

    @classmethod
    def beside(cls, assets: Sequence[Asset], warmths: Mapping[str, Warmth]) -> Iterable[Wrong]:
        """Yield each one whose heat is never warm enough, or has no temperature."""
        for asset in assets:
            if not isinstance(asset, AbsorptionChiller):
                continue
            warmth = warmths.get(asset.heat)
            if warmth is None:
                text = _NO_TEMPERATURE.format(given=asset.heat)
                yield Wrong(asset.name, "heat", "no_temperature", text)
            elif max(warmth.supply) < asset.t_least:
                text = _TOO_COOL.format(given=asset.heat, least=f"{asset.t_least:g}")
                yield Wrong(asset.name, "heat", "drive_too_cool", text)

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Make cooling of heat; a coefficient says how much."""
        drive = m.flow("drive", upper=m.signal("most") * m.hours, means="rating")
        cooling = m.show("cooling", drive * m.signal("cop"))
        m.into("node", cooling * (-1.0 * m["pump_power"]))
        m.into("heat", -drive)
        m.into("cooling", cooling)
        return ()

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the most heat it uses [MW] and the COP to be expected [1]."""
        most, cop = self.full_load(outlook)
        # A machine that follows demand runs at about two thirds of its power.
        usual = 1.0 if outlook.best_case else 1.0 - self.part_load_loss / 3.0
        return {"most": most[None, :], "cop": cop[None, :] * usual}

    def full_load(self, outlook: Outlook) -> tuple[Floats, Floats]:
        """Return the most heat it uses [MW] and the COP at full load [1], each (N,)."""
        drive = outlook.supply(self.heat)
        assert outlook.weather is not None, "a cooling tower stands in the air"
        reject = outlook.weather.t_wet + self.approach
        cop = absorption_cop(drive, reject, self.t_supply, self.quality)
        most = np.where(drive >= self.t_least, self.q_drive, 0.0)
        return most, np.minimum(cop, self.cop_max)

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the heat to use [MW]."""
        return {"drive": float(step.columns["drive"][0]) / step.hours}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return cooling, heat and electric power [MW] as planned."""
        cooling = amounts["cooling"][0] / hours
        drive = amounts["drive"][0] / hours
        return {"q": cooling, "drive": drive, "p": cooling * self.pump_power}

    def device(self, truth: Outlook, random: np.random.Generator) -> AbsorptionDevice:
        """Return the chiller under its true sky."""
        del random
        most, cop = self.full_load(truth)
        return AbsorptionDevice(self, per_step(most), per_step(cop))


class AbsorptionDevice(ConverterDevice):
    """The simulated chiller; without a set-point it runs on heat that is there to spare.

    Its `p` is the driving heat; what its pumps take is a flow of its own.
    """

    product = "cooling"

    def __init__(
        self, chiller: AbsorptionChiller, most: Sequence[float], cop: Sequence[float]
    ) -> None:
        super().__init__(chiller.q_drive)
        self._c = chiller
        self._most_at, self._cop = most, cop
        self._part = PartLoad(chiller.q_drive, chiller.part_load_loss)
        self._pumped = 0.0
        self._pumps = 0.0

    def read(self) -> dict[str, Any]:
        """Return cooling made, heat used and electric power [MW]."""
        return {"q": self.q, "drive": self.p, "p": self._pumps}

    def account(self) -> Account:
        """Return all that went in and all that was taken out of the cooled node: it is rejected."""
        used, made = self.totals()
        return Account(lost=used + made + self._pumped + self._pumps * self._hours)

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Use the heat of the set-point `drive`, or spare heat as its cooled node needs."""
        self._pumped += self._pumps * self._hours
        self._index = index
        wanted = setpoints.get("drive")
        if wanted is None:
            needed = self._power(max(0.0, -ports.get("cooling", 0.0)))
            wanted = min(needed, max(0.0, ports.get("heat", 0.0)))
        return super().step(index, hours, {"p": wanted}, ports)

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Make more or less cooling, or use less heat; without its pumps' power it stands still."""
        if port == self.product:
            return super().adjust(port, change, hours)
        before = self.flows[port]
        if change > 0.0:
            self._most = max(0.0, self.p - change) if port == "heat" else 0.0
            self._settle(self._most)
        return self.flows[port] - before

    def _cap(self, ports: Mapping[str, float]) -> float:
        del ports
        return self._most_at[self._index]

    def _product(self, power: float) -> float:
        return self._part.product(power, self._cop[self._index])

    def _power(self, product: float) -> float:
        cop = self._cop[self._index]
        return self._part.power(product, cop) if cop > 0.0 else 0.0

    def _flows(self) -> dict[str, float]:
        full = self._cop[self._index] * self._c.q_drive
        running = 0.5 * (full + self.q) if self.q > 0.0 else 0.0
        self._pumps = self._c.pump_power * running
        return {"node": -self._pumps, "heat": -self.p, "cooling": self.q}
