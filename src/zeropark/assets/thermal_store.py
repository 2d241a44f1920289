"""A thermal store: hot water kept for later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.kind import Account, Floats, Horizon, Kind, PlannedStep, Readings, per_step
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.formulation.program import Inputs
from zeropark.model.asset import HeatNode, Point
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Energy, Power, Ratio, Share, Temperature

# Air temperature at which the standing loss of a store is stated [degC], EN 12897.
_RATED_AIR = 20.0
_TOO_COOL = Text(
    "{given} degC is not above t_return {back} degC; allowed: t_return < t_supply",
    "{given} degC 不高于 t_return {back} degC；可用：t_return < t_supply",
)


class ThermalStore(Kind):
    """A water store between supply and return temperature; it holds heat above the return.

    energy[t] = energy[t-1] · keep[t]^h - give[t], 0 ≤ energy ≤ e_nom, |give| ≤ q_nom · h (MWh
    per step). One signed flow, so that it cannot charge and discharge at once. The standing
    loss is stated at 20 degC (EN 12897) and grows with the store's mean temperature over the
    outside air's (Newton's law of cooling). What is left at the end is worth the electricity
    that a heat pump of COP `cop_of_renewal` would need to make it again. In the plant: each
    movement mixes hot into cold water, and the outlet cools near either end of the store, so
    that its power falls.
    """

    kind: ClassVar[str] = "thermal_store"
    title: ClassVar[Text] = Text("Thermal store", "储热罐")
    order: ClassVar[int] = 44
    role: ClassVar[str] = "store"
    points: ClassVar[tuple[Point, ...]] = (
        Point("q", "MW", Text("heat given, charging -", "放热功率，储热为负"), writable=True),
        Point("energy", "MWh", Text("stored heat", "储热量")),
        Point("soc", "1", Text("state of charge", "储热率")),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 3 MW, tariff: simple}
      - {kind: heat_load, name: offices, node: warm, profile: {constant: 1 MW}}
      - {kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 2 MW}
      - {kind: thermal_store, name: tank, node: warm, q_nom: 1 MW, e_nom: 5 MWh}
    """

    node: Annotated[
        HeatNode, Field(title="供热节点", description="node it takes heat from and gives it to")
    ]
    q_nom: Annotated[
        Power, Field(gt=0, title="额定热功率", description="rated heat flow either way")
    ]
    e_nom: Annotated[
        Energy,
        Field(gt=0, title="额定储热量", description="heat between return and supply temperature"),
    ]
    standing_loss: Annotated[
        Share,
        Field(
            lt=1,
            title="静置损失",
            description="share of the stored heat lost in a day at 20 degC outside",
        ),
    ] = 0.02
    t_supply: Annotated[
        Temperature, Field(title="供水温度", description="temperature of the hot water")
    ] = 65.0
    t_return: Annotated[
        Temperature, Field(title="回水温度", description="temperature of the cooled water")
    ] = 40.0
    mixing_loss: Annotated[
        Share,
        Field(title="掺混损失", description="share of the heat moved that mixing makes useless"),
    ] = 0.005
    start: Annotated[
        Share, Field(title="初始储热率", description="state of charge when a run begins")
    ] = 0.5
    cop_of_renewal: Annotated[
        Ratio,
        Field(
            gt=0,
            title="补热性能系数",
            description="COP at which the heat left at the end could be made again",
        ),
    ] = 3.0

    @model_validator(mode="after")
    def _supply_above_return(self) -> ThermalStore:
        if self.t_supply <= self.t_return:
            raise refusal(
                "supply_below_return",
                _TOO_COOL,
                field="t_supply",
                given=f"{self.t_supply:g}",
                back=f"{self.t_return:g}",
            )
        return self

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield the balance of the store."""
        most = m["q_nom"] * m.hours
        give = m.flow("give", lower=-most, upper=most, means="rating")
        energy = m.state("energy", upper=m["e_nom"], means="full", means_low="empty")
        yield "balance", energy == energy.before * m.signal("keep") ** m.hours - give
        m.into("node", give)
        m.cost("ends", energy * (-1.0 * m.signal("end_value")))

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the share of the stored heat that remains after an hour [1]."""
        return {"keep": self._keep(outlook)[None, :]}

    def _keep(self, outlook: Outlook) -> Floats:
        if outlook.weather is None:
            return np.full(len(outlook.grid), (1.0 - self.standing_loss) ** (1 / 24))
        mean = (self.t_supply + self.t_return) / 2
        colder = np.maximum(0.0, (mean - outlook.weather.t_air) / max(1.0, mean - _RATED_AIR))
        return np.asarray((1.0 - self.standing_loss) ** (colder / 24), dtype=np.float64)

    def situation(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return the stored heat and what it is worth at the end."""
        worth = np.zeros((1, len(horizon.grid)))
        worth[0, -1] = horizon.worth_of(self.name, horizon.end_price / self.cop_of_renewal)
        return Inputs(
            signals={"end_value": worth}, figures={"energy": np.array([readings["energy"]])}
        )

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the heat flow [MW], given +."""
        return {"q": float(step.columns["give"][0]) / step.hours}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return flow [MW], stored heat [MWh] and state of charge [1] as planned."""
        energy = amounts["energy"][0]
        return {"q": amounts["give"][0] / hours, "energy": energy, "soc": energy / self.e_nom}

    def end_cost(self, readings: Readings, end_price: float) -> float:
        """Return less for what is stored [CNY], as a plan's last step values it."""
        return -float(readings["energy"]) * end_price / self.cop_of_renewal

    def device(self, truth: Outlook, random: np.random.Generator) -> ThermalStoreDevice:
        """Return the store under its true sky."""
        del random
        return ThermalStoreDevice(self, per_step(self._keep(truth)))


class ThermalStoreDevice:
    """The simulated store: loses by mixing, and slows near empty and near full."""

    def __init__(self, store: ThermalStore, keep: Sequence[float]) -> None:
        self._s = store
        self._keep = keep
        self.energy = store.start * store.e_nom
        self.q = 0.0
        self.costs: dict[str, float] = {}
        self._remains = self.energy
        self._lost_before = 0.0
        self._lost = 0.0

    def read(self) -> dict[str, Any]:
        """Return heat flow [MW], stored heat [MWh] and state of charge [1]."""
        return {"q": self.q, "energy": self.energy, "soc": self.energy / self._s.e_nom}

    def account(self) -> Account:
        """Return what walls and mixing lost, and what is stored."""
        return Account(lost=self._lost, held=self.energy)

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Follow the set-point `q` as far as the water allows; without one, the node."""
        self._remains = self.energy * self._keep[index] ** hours
        self._lost_before = self._lost + self.energy - self._remains
        self._settle(setpoints.get("q", -ports.get("node", 0.0)), hours)
        return {"node": self.q}

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Give more (change > 0) or store more (change < 0) within the same step."""
        del port
        before = self.q
        self._settle(before + change, hours)
        return self.q - before

    def _settle(self, q: float, hours: float) -> None:
        s, remains = self._s, self._remains
        soc = remains / s.e_nom
        # The thermocline reaches the outlet in the last tenth at either end.
        give = min(s.q_nom * min(1.0, soc / 0.1), remains / hours / (1.0 + s.mixing_loss))
        room = (s.e_nom - remains) / hours / (1.0 - s.mixing_loss) if s.mixing_loss < 1.0 else 0.0
        take = min(s.q_nom * min(1.0, max(0.0, 1.0 - soc) / 0.1), max(0.0, room))
        self.q = min(give, max(-take, q))
        mixed = abs(self.q) * s.mixing_loss * hours
        self.energy = max(0.0, remains - self.q * hours - mixed)
        self._lost = self._lost_before + mixed
