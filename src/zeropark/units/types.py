"""The unit types of the park's nouns: a float inside, a number with its unit at the edge."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zeropark.units.quantity import Unit

Power = Annotated[float, Unit("MW")]
Energy = Annotated[float, Unit("MWh")]
Duration = Annotated[float, Unit("h")]
Money = Annotated[float, Unit("CNY")]
EnergyPrice = Annotated[float, Unit("CNY/MWh")]
DemandPrice = Annotated[float, Unit("CNY/MW-month")]
Temperature = Annotated[float, Unit("degC")]
Length = Annotated[float, Unit("m")]
Speed = Annotated[float, Unit("m/s")]
Angle = Annotated[float, Unit("deg")]
Cores = Annotated[float, Unit("core")]
PowerPerCore = Annotated[float, Unit("MW/core")]
CorePrice = Annotated[float, Unit("CNY/core-h")]
Intensity = Annotated[float, Unit("t/MWh")]
Ratio = Annotated[float, Unit("1")]
Share = Annotated[float, Unit("1"), Field(ge=0, le=1)]
