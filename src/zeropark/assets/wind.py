"""Wind turbines: the wind at the hub, the air's density, and a power curve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.kind import (
    Floats,
    Kind,
    PlannedStep,
    Steered,
    per_step,
)
from zeropark.assets.source import SourceDevice
from zeropark.data.outlook import Outlook
from zeropark.data.weather.air import density
from zeropark.data.weather.wind import hub_speed, power_curve_pu
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import ElectricityNode, Point
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Length, Powers, Ratio, Share, Speeds

_UNEQUAL = Text(
    "{speeds} speeds stand against {powers} powers; write one power for each speed",
    "{speeds} 个风速对 {powers} 个功率；每个风速写一个功率",
)
_NOT_RISING = Text(
    "speed {later} m/s stands after {earlier} m/s; write rising speeds",
    "风速 {later} m/s 写在 {earlier} m/s 之后；请按从小到大写",
)
_BELOW_ZERO = Text("a power below zero; allowed: 0 and more", "功率小于零；可用：不小于 0")
# Below this share of what is available a plan curtails; above it is the solver's rounding.
_ALL = 1.0 - 1e-6
# How the turbines' own shortfall hangs together over an hour [1]: wakes and faults last for hours.
_CORRELATION = 0.9


class Wind(Kind):
    """Turbines of one make that may be curtailed.

    p[t] ≤ available[t] · h (MWh per step). available: 10 m wind carried to the hub by the power
    law, the power curve corrected to the air's density (Svenningsen, EMD 2010, as windpowerlib
    has it); see `zeropark.data.weather.wind`. In the plant wakes, icing and faults take a share
    that comes and goes, which a plan only knows on average.
    """

    kind: ClassVar[str] = "wind"
    title: ClassVar[Text] = Text("Wind turbines", "风电")
    order: ClassVar[int] = 50
    role: ClassVar[str] = "source"
    measured: ClassVar[Mapping[str, str]] = {"available": "available"}
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("power", "发电功率")),
        Point("available", "MW", Text("power that the wind allows", "可发功率")),
        Point("limit", "MW", Text("power not to be passed", "限发功率"), writable=True),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
      - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
      - kind: wind
        name: turbines
        node: bus
        count: 3
        hub_height: 24 m
        curve_speeds: 3 4 5 6 7 8 9 10 11 12 13 14 15 20 m/s
        curve_powers: 0.1 0.4 0.85 1.5 2.45 3.75 5.3 7.1 8.9 10.5 11.6 12.2 12.6 12.6 kW
    """

    node: Annotated[ElectricityNode, Field(title="接入节点", description="node it feeds")]
    count: Annotated[int, Field(ge=1, title="台数", description="number of turbines")] = 1
    hub_height: Annotated[
        Length, Field(gt=0, title="轮毂高度", description="height of the hub above ground")
    ]
    curve_speeds: Annotated[
        Speeds,
        Field(min_length=2, title="功率曲线风速", description="wind speeds at the hub, rising"),
    ]
    curve_powers: Annotated[
        Powers,
        Field(
            min_length=2,
            title="功率曲线功率",
            description="power of one turbine at 1.225 kg/m3, per speed",
        ),
    ]
    shear: Annotated[
        Ratio,
        Field(
            ge=0, le=1, title="风切变指数", description="exponent of the wind's growth with height"
        ),
    ] = 0.2
    shortfall: Annotated[
        Share,
        Field(lt=1, title="平均出力损失", description="mean share lost to wakes, icing and faults"),
    ] = 0.05

    @model_validator(mode="after")
    def _curve_is_one(self) -> Wind:
        speeds, powers = self.curve_speeds, self.curve_powers
        if len(speeds) != len(powers):
            raise refusal(
                "curve_lengths",
                _UNEQUAL,
                field="curve_powers",
                speeds=str(len(speeds)),
                powers=str(len(powers)),
            )
        for earlier, later in pairwise(speeds):
            if later <= earlier:
                raise refusal(
                    "curve_order",
                    _NOT_RISING,
                    field="curve_speeds",
                    later=f"{later:g}",
                    earlier=f"{earlier:g}",
                )
        if min(powers) < 0:
            raise refusal("curve_negative", _BELOW_ZERO, field="curve_powers")
        return self

    @property
    def p_nom(self) -> float:
        """Highest power of all turbines [MW]."""
        return self.count * max(self.curve_powers)

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Feed the node; that no more than the available power flows is a bound, not a row."""
        p = m.flow("p", upper=m.signal("available") * m.hours, means="available", spare="curtail")
        m.into("node", p)
        return ()

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the available power [MW] less the shortfall that is there, else the average one.

        At its best, and of a time nobody knows, nothing falls short.
        """
        there = outlook.series.get(f"{self.name}/shortfall")
        usual = 0.0 if outlook.best_case else self.shortfall
        short = usual if there is None else there
        return {"available": (self.full_power(outlook) * (1.0 - short))[None, :]}

    def full_power(self, outlook: Outlook) -> Floats:
        """Return the power of turbines that lack nothing [MW], shape (N,)."""
        weather = outlook.sky(self.node)
        assert weather is not None, "turbines stand in a wind"
        return self.count * power_curve_pu(
            hub_speed(weather.wind_speed, self.hub_height, self.shear),
            density(weather.t_air, weather.pressure, weather.t_dew),
            np.array(self.curve_speeds),
            np.array(self.curve_powers),
        )

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return a limit [MW] where the plan curtails; else there may be more wind."""
        p, available = float(step.columns["p"][0]), float(step.upper["p"][0])
        return {"limit": p / step.hours} if p < available * _ALL else {}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return the power [MW] as planned."""
        return {"p": amounts["p"][0] / hours}

    def chance(self, outlook: Outlook, random: np.random.Generator) -> dict[str, Floats]:
        """Return the share of its power that wakes, ice and faults take [1]."""
        return {"shortfall": _shortfall(outlook.grid.hours, self.shortfall, random)}

    def steered(self) -> Sequence[Steered]:
        """Return its limit: what is not passed is lost."""
        return (Steered("limit", "p", 1, 0.0, self.p_nom, rest=self.p_nom, caps=True),)

    def device(self, truth: Outlook, random: np.random.Generator) -> SourceDevice:
        """Return the turbines in their true wind."""
        full = self.full_power(truth)
        short = truth.series.get(f"{self.name}/shortfall")
        if short is None:
            short = self.chance(truth, random)["shortfall"]
        return SourceDevice(per_step(full), per_step(full * (1.0 - short)))


def _shortfall(hours: Floats, mean: float, random: np.random.Generator) -> Floats:
    """Return the share lost at each step [1]: exponential of `mean`, hanging together in time."""
    keep = (_CORRELATION**hours).tolist()
    shocks = random.standard_normal((2, len(hours))).tolist()
    x, y = random.standard_normal(2).tolist()
    found = np.empty(len(hours))
    for i, (stay, first, second) in enumerate(zip(keep, *shocks, strict=True)):
        fresh = (1.0 - stay * stay) ** 0.5
        x, y = stay * x + fresh * first, stay * y + fresh * second
        # Half the sum of two squared normals is exponential with mean 1.
        found[i] = mean * (x * x + y * y) / 2.0
    return np.minimum(found, 1.0)
