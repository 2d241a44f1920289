"""A photovoltaic plant: fields under the sun, behind inverters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from zeropark.assets.kind import (
    Floats,
    Kind,
    PlannedStep,
    Steered,
    per_step,
)
from zeropark.assets.source import SourceDevice
from zeropark.data.outlook import Outlook
from zeropark.data.weather.sun import ac_power_pu, dc_power_pu
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import ElectricityNode, Point
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Angle, Duration, Power, Share, TemperatureCoefficient

_NOT_WHOLE = Text(
    "the shares of the arrays sum to {given}; allowed: 1, which is the whole plant",
    "各方阵的占比之和为 {given}；可用：1，即整个电站",
)
# Below this share of what is available a plan curtails; above it is the solver's rounding.
_ALL = 1.0 - 1e-6
# Shares that differ by less are equal [1].
_ROUNDING = 1e-6
# Chance that rain or a hand washes the modules on a day [1] (assumption: about every ten days).
_WASHES = 0.1


class PvArray(BaseModel):
    """Modules that face one way. azimuth: clockwise from north, south is 180 deg."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: Annotated[Share, Field(title="占比", description="share of the plant's DC power")] = 1.0
    tilt: Annotated[Angle, Field(ge=0, le=90, title="倾角", description="tilt from the horizontal")]
    azimuth: Annotated[
        Angle,
        Field(ge=0, le=360, title="方位角", description="where it faces, clockwise from north"),
    ] = 180.0


class Pv(Kind):
    """A photovoltaic plant that may be curtailed.

    p[t] ≤ available[t] · h (MWh per step). available: light on each array (Hay and Davies),
    reflection and cell temperature (Faiman), module losses, and the inverter's part-load curve,
    as PVWatts version 5 (Dobos 2014, doi:10.2172/1158421) through pvlib; see
    `zeropark.data.weather.sun`. In the plant dirt gathers on the modules and rain washes it
    off, which a plan only knows on average. Plants that stand wide apart see a cloud one after the
    other: with `passing` the power is its running mean over that time.
    """

    kind: ClassVar[str] = "pv"
    title: ClassVar[Text] = Text("Photovoltaics", "光伏")
    order: ClassVar[int] = 50
    role: ClassVar[str] = "source"
    measured: ClassVar[Mapping[str, str]] = {"available": "available"}
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("power", "发电功率")),
        Point("available", "MW", Text("power that the sun allows", "可发功率")),
        Point("limit", "MW", Text("power not to be passed", "限发功率"), writable=True),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
      - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
      - {kind: pv, name: roof, node: bus, p_nom: 2 MW, arrays: [{tilt: 30 deg}]}
    """

    node: Annotated[ElectricityNode, Field(title="接入节点", description="node it feeds")]
    p_nom: Annotated[
        Power, Field(gt=0, title="直流额定功率", description="rated DC power of all modules")
    ]
    arrays: Annotated[
        tuple[PvArray, ...],
        Field(min_length=1, title="方阵", description="modules by where they face"),
    ]
    p_inverter: Annotated[
        Annotated[Power, Field(gt=0)] | None,
        Field(
            title="逆变器额定功率",
            description="rated AC power; without one as large as the modules",
        ),
    ] = None
    inverter_efficiency: Annotated[
        Share, Field(gt=0, title="逆变器效率", description="nominal efficiency of the inverters")
    ] = 0.96
    module_loss: Annotated[
        Share, Field(lt=1, title="组件侧损失", description="wires, mismatch, shading, ageing")
    ] = 0.11
    dirt: Annotated[
        Share,
        Field(lt=1, title="平均积灰损失", description="mean share of the light that dirt takes"),
    ] = 0.03
    temp_coeff: Annotated[
        TemperatureCoefficient,
        Field(le=0, title="功率温度系数", description="change of power with cell temperature"),
    ] = -0.0035
    albedo: Annotated[
        Share, Field(title="地面反射率", description="share of light the ground reflects")
    ] = 0.2

    passing: Annotated[
        Duration,
        Field(ge=0, title="云影通过时间", description="time a cloud takes to pass the whole plant"),
    ] = 0.0

    @model_validator(mode="after")
    def _arrays_are_the_plant(self) -> Pv:
        total = sum(array.share for array in self.arrays)
        if abs(total - 1.0) > _ROUNDING:
            raise refusal("array_shares", _NOT_WHOLE, field="arrays", given=f"{total:g}")
        return self

    @property
    def p_max(self) -> float:
        """Highest AC power [MW]."""
        most = self.p_nom * self.inverter_efficiency
        return most if self.p_inverter is None else self.p_inverter

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Feed the node; that no more than the available power flows is a bound, not a row."""
        p = m.flow("p", upper=m.signal("available") * m.hours, means="available", spare="curtail")
        m.into("node", p)
        return ()

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the available power [MW] under the dirt that is there, else average dirt."""
        there = outlook.series.get(f"{self.name}/dirt")
        usual = 0.0 if outlook.best_case else self.dirt
        dirt = usual if there is None else there
        return {"available": self.to_ac(self.dc_power(outlook) * (1.0 - dirt))[None, :]}

    def dc_power(self, outlook: Outlook) -> Floats:
        """Return the DC power of clean modules [MW], shape (N,)."""
        weather = outlook.sky(self.node)
        assert weather is not None, "modules stand under a sky"
        total = np.zeros(len(outlook.grid))
        for array in self.arrays:
            total += array.share * dc_power_pu(
                weather,
                array.tilt,
                array.azimuth,
                albedo=self.albedo,
                losses=self.module_loss,
                temp_coeff=self.temp_coeff,
            )
        return _passing(total, outlook.grid.hours, self.passing) * self.p_nom

    def to_ac(self, dc: Floats) -> Floats:
        """Return what the inverters make of `dc` [MW], shape (N,)."""
        most = self.p_max / self.inverter_efficiency
        return ac_power_pu(dc / most, self.inverter_efficiency) * most

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return a limit [MW] where the plan curtails; else there may be more sun than foreseen."""
        p, available = float(step.columns["p"][0]), float(step.upper["p"][0])
        return {"limit": p / step.hours} if p < available * _ALL else {}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return the power [MW] as planned."""
        return {"p": amounts["p"][0] / hours}

    def chance(self, outlook: Outlook, random: np.random.Generator) -> dict[str, Floats]:
        """Return the share of light that dirt takes [1]: it gathers and is washed off."""
        day = outlook.grid.local_day - int(outlook.grid.local_day[0])
        return {"dirt": _dirt(day, self.dirt, random)}

    def steered(self) -> Sequence[Steered]:
        """Return its limit: what is not passed is lost."""
        return (Steered("limit", "p", 1, 0.0, self.p_nom, rest=self.p_nom, caps=True),)

    def device(self, truth: Outlook, random: np.random.Generator) -> SourceDevice:
        """Return the plant under its true sky and dirt."""
        dirt = truth.series.get(f"{self.name}/dirt")
        if dirt is None:
            dirt = self.chance(truth, random)["dirt"]
        dc = self.dc_power(truth) * (1.0 - dirt)
        return SourceDevice(per_step(dc), per_step(self.to_ac(dc)))


def _passing(power: Floats, hours: Floats, time: float) -> Floats:
    """Return the running mean over `time` [h], shorter at the ends: power of plants wide apart."""
    width = min(len(power), max(1, round(time / float(hours[0]))))
    if width <= 1:
        return power
    kernel = np.ones(width)
    counts = np.convolve(np.ones(len(power)), kernel, mode="same")
    return np.asarray(np.convolve(power, kernel, mode="same") / counts)


def _dirt(
    day: np.ndarray[tuple[int], np.dtype[np.int64]], mean: float, random: np.random.Generator
) -> Floats:
    """Return the share of light that dirt takes [1] at each step, by its day from 0 on.

    Dirt grows by an equal share a day and a wash by rain or hand, about every ten days, takes
    it off, so that it is `mean` on average; never below zero, so that no plant beats its clean
    self.
    """
    days = int(day[-1]) + 1
    washed = random.random(days) < _WASHES
    growth = mean * _WASHES * random.uniform(0.5, 1.5, size=days)
    level = mean * random.uniform(0.0, 2.0)
    found = np.empty(days)
    for i in range(days):
        level = 0.0 if washed[i] else min(0.3, level + growth[i])
        found[i] = level
    return found[day]
