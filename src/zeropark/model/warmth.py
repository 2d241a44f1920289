"""How warm a heat network is: its supply by hour or by the outside air, its fixed return."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Temperature, Temperatures

Floats = npt.NDArray[np.float64]
# The outside air between which two networks are compared before any weather is known [degC].
_COLDEST, _HOTTEST = -40.0, 45.0
_ONE_OR_DAY = Text(
    "{given} supply temperatures are written; allowed: one, 24 (one for each local hour), or as "
    "many as air",
    "供水温度写了 {given} 个；可用：1 个、24 个（每小时一个），或与 air 一样多",
)
_UNEQUAL = Text(
    "{given} supply temperatures stand against {air} of the air; write one for each",
    "供水温度 {given} 个，air {air} 个；请一一对应",
)
_NOT_RISING = Text(
    "air {later} degC stands after {earlier} degC; write rising temperatures",
    "air {later} degC 写在 {earlier} degC 之后；请按从低到高写",
)
_RETURN_TOO_WARM = Text(
    "{given} degC is not below the coolest supply of {supply} degC; allowed: return < supply",
    "{given} degC 不低于最低供水温度 {supply} degC；可用：return < supply",
)


class Warmth(BaseModel):
    """The temperature of a heat node: one for each step, given as data, and one fixed return.

    supply: [degC], always the same, or 24 by the local hour, or one for each temperature of `air`
    [degC], straight between them (a heating curve). back: of the whole network [degC].
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    supply: Annotated[
        Temperatures,
        Field(
            min_length=1,
            description="one, 24 by local hour, or one for each of air",
            title="供水温度",
        ),
    ]
    air: Annotated[
        Temperatures, Field(description="outside air of a heating curve, rising", title="室外温度")
    ] = ()
    back: Annotated[
        Temperature,
        Field(alias="return", description="fixed for the whole network", title="回水温度"),
    ]

    @model_validator(mode="after")
    def _is_a_network(self) -> Warmth:
        count = len(self.supply)
        if not self.air and count not in (1, 24):
            raise refusal("supply_count", _ONE_OR_DAY, field="supply", given=str(count))
        if self.air and len(self.air) != count:
            raise refusal(
                "supply_air", _UNEQUAL, field="supply", given=str(count), air=str(len(self.air))
            )
        for earlier, later in pairwise(self.air):
            if later <= earlier:
                raise refusal(
                    "air_order",
                    _NOT_RISING,
                    field="air",
                    later=f"{later:g}",
                    earlier=f"{earlier:g}",
                )
        if self.back >= min(self.supply):
            raise refusal(
                "return_too_warm",
                _RETURN_TOO_WARM,
                field="return",
                given=f"{self.back:g}",
                supply=f"{min(self.supply):g}",
            )
        return self

    def at(self, local_hour: Floats, t_air: Floats | None) -> Floats:
        """Return the supply temperature [degC] at local hours [h] under outside air [degC]."""
        if self.air:
            assert t_air is not None, "a heating curve stands under a sky"
            return np.interp(t_air, self.air, self.supply)
        hour = np.asarray(local_hour).astype(int) % len(self.supply)
        return np.asarray(np.array(self.supply)[hour], dtype=np.float64)

    def most_above(self, other: Warmth) -> float:
        """Return by how much this supply is above the other's when it is so most [K]."""
        hours = np.arange(24.0)
        return max(
            float((self.at(hours, air) - other.at(hours, air)).max())
            for air in np.linspace(_COLDEST, _HOTTEST, 86)[:, None] * np.ones(24)
        )
