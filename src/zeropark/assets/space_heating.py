"""Buildings that are heated as long as it is cold outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.kind import Floats, Kind, PlannedStep, per_step
from zeropark.assets.load import Load, LoadDevice
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import HeatUse, Point
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import EnergyPrice, Power, Ratio, Share, Temperature

_NOT_COLDER = Text(
    "{given} degC is not below t_limit {limit} degC; allowed: t_design < t_limit",
    "{given} degC 不低于 t_limit {limit} degC；可用：t_design < t_limit",
)
# How demand's wander hangs together over an hour [1] (assumption: as a load's does).
_LASTS = 0.8
# Less than this is the solver's rounding, not a load to go without [MW].
_NOTHING = 1e-6
_AFTER_SUN = 15.0  # [h] the mean day's warmest hour, when buildings ask for least


class SpaceHeating(Kind):
    """Buildings whose demand follows the outside air, in the heating season.

    use[t] = demand[t] - unserved[t]; demand = q_nom · (t_limit - air) / (t_limit - t_design),
    between 0 and q_nom, from `season_from` to `season_until` (day of the year), times a daily
    swing 1 - swing · cos(2π (hour - 15) / 24); MWh per step; cost = price_unserved · unserved.
    Form: the design heat load by transmission and ventilation, linear in the difference of
    temperatures (EN 12831-1). In the plant demand wanders about it, which no forecast knows.
    """

    kind: ClassVar[str] = "space_heating"
    title: ClassVar[Text] = Text("Space heating", "采暖负荷")
    order: ClassVar[int] = 10
    measured: ClassVar[Mapping[str, str]] = {"demand": "demand"}
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
      - {kind: space_heating, name: flats, node: warm, q_nom: 1.2 MW, t_design: -11.4 degC,
         season_from: 288, season_until: 120}
    """

    node: Annotated[HeatUse, Field(title="供热节点", description="node it takes heat from")]
    q_nom: Annotated[
        Power, Field(gt=0, title="设计热负荷", description="demand at the design temperature")
    ]
    t_design: Annotated[
        Temperature, Field(title="设计室外温度", description="outside air it is designed for")
    ]
    t_limit: Annotated[
        Temperature,
        Field(title="采暖界限温度", description="outside air at which no heat is asked for"),
    ] = 18.0
    season_from: Annotated[
        int, Field(ge=1, le=366, title="采暖起始日", description="first day of the year it is on")
    ] = 1
    season_until: Annotated[
        int, Field(ge=1, le=366, title="采暖终止日", description="last day of the year it is on")
    ] = 366
    swing: Annotated[
        Share, Field(title="日内波动", description="how far demand swings through the day")
    ] = 0.1
    wander: Annotated[
        Ratio, Field(ge=0, le=0.5, title="波动", description="spread of demand about its usual")
    ] = 0.04
    price_unserved: Annotated[
        EnergyPrice, Field(ge=0, title="未供热代价", description="cost of not serving it")
    ] = 2_000.0

    @model_validator(mode="after")
    def _designed_for_cold(self) -> SpaceHeating:
        if self.t_design >= self.t_limit:
            raise refusal(
                "heating_design",
                _NOT_COLDER,
                field="t_design",
                given=f"{self.t_design:g}",
                limit=f"{self.t_limit:g}",
            )
        return self

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Take the demand but for what is not served, as a load does."""
        return Load.rules(m)

    def demand(self, outlook: Outlook) -> Floats:
        """Return what the buildings ask for at the outlook's air [MW], shape (N,)."""
        sky, grid = outlook.sky(self.node), outlook.grid
        assert sky is not None, "buildings stand in the cold"
        share = (self.t_limit - sky.t_air) / (self.t_limit - self.t_design)
        start = grid.local_day.astype("datetime64[D]")
        day = (start - start.astype("datetime64[Y]").astype("datetime64[D]")).astype(int) + 1
        since, until = day >= self.season_from, day <= self.season_until
        on = since & until if self.season_from <= self.season_until else since | until
        hour = grid.local_hour + grid.hours / 2.0
        daily = 1.0 - self.swing * np.cos(2.0 * np.pi * (hour - _AFTER_SUN) / 24.0)
        return np.asarray(self.q_nom * np.clip(share * daily, 0.0, 1.0) * on)

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the demand [MW], with its wander where that is known."""
        wander = outlook.series.get(f"{self.name}/wander")
        demand = self.demand(outlook) * (1.0 if wander is None else wander)
        return {"demand": demand[None, :]}

    def chance(self, outlook: Outlook, random: np.random.Generator) -> dict[str, Floats]:
        """Return what demand truly is of its usual [1]: taps and windows for hours on end."""
        keep = _LASTS**outlook.grid.hours
        shocks = random.standard_normal(len(outlook.grid)) * np.sqrt(1.0 - keep**2)
        level, found = 0.0, np.empty(len(shocks))
        for i, (stay, shock) in enumerate(zip(keep.tolist(), shocks.tolist(), strict=True)):
            level = level * stay + shock
            found[i] = level
        return {"wander": np.maximum(0.0, 1.0 + self.wander * found)}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return use and what is not served [MW] as planned."""
        use, unserved = amounts["use"][0] / hours, amounts["unserved"][0] / hours
        return {"p": use, "demand": use + unserved, "unserved": unserved}

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return what the buildings are to go without [MW], where supply is planned to fail."""
        shed = float(step.columns["unserved"][0]) / step.hours
        return {"shed": shed} if shed > _NOTHING else {}

    def device(self, truth: Outlook, random: np.random.Generator) -> LoadDevice:
        """Return the buildings in their true air."""
        del random
        return LoadDevice(self.price_unserved, per_step(self.signals(truth)["demand"][0]))
