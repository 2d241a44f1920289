"""The unit types of the park's nouns: a float inside, a number with its unit at the edge."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

from zeropark.units.quantity import Unit, spread
from zeropark.units.refusal import meant, refusal, with_meant
from zeropark.units.text import Text

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
Mass = Annotated[float, Unit("t")]
MassFlow = Annotated[float, Unit("t/h")]
EnergyPerMass = Annotated[float, Unit("MWh/t")]
LatePrice = Annotated[float, Unit("CNY/t-h")]
Ratio = Annotated[float, Unit("1")]
Share = Annotated[float, Unit("1"), Field(ge=0, le=1)]
TemperatureCoefficient = Annotated[float, Unit("1/K")]
Ramp = Annotated[float, Unit("MW/h")]
MinuteRamp = Annotated[float, Unit("MW/min")]
HeatLoss = Annotated[float, Unit("W/m-K")]
HeatContent = Annotated[float, Unit("MWh/t")]
MassPrice = Annotated[float, Unit("CNY/t")]

_Several = BeforeValidator(spread, json_schema_input_type=str | list[str])
Speeds = Annotated[tuple[Speed, ...], _Several]
"""Speeds in one text with one unit: `3 4 5 m/s`; or a list, a unit with each."""
Powers = Annotated[tuple[Power, ...], _Several]
"""Powers in one text with one unit: `0.1 0.4 0.85 kW`; or a list, a unit with each."""
Temperatures = Annotated[tuple[Temperature, ...], _Several]
"""Temperatures in one text with one unit: `95 75 60 degC`; or a list, a unit with each."""

_NO_ZONE = Text(
    "time zone '{given}' does not exist{meant} Allowed: an IANA name such as Asia/Shanghai",
    "时区“{given}”不存在{meant}可用：IANA 时区名，例如 Asia/Shanghai",
)


def _known_zone(name: str) -> str:
    """Return the name of a time zone as it is; refuses one the zone database does not have."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        text = with_meant(_NO_ZONE, meant(name, available_timezones()), given=name)
        raise refusal("zone_unknown", text) from None
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
