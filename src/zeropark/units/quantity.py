"""Units: what may stand behind a number, and how it becomes the unit used inside.

Inside, a power is a float in MW, an energy in MWh, money in CNY, a temperature in degC, a time in
h. At an edge a unit is always written: `12 MW` and `12000 kW` are the same power.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from zeropark.units.refusal import refusal
from zeropark.units.text import Text

# symbol -> (exponents of the basic dimensions, size in the basic unit). Basic units: MW, h, CNY, K,
# m, t, core, month, deg, Pa, car, Mvar, V, A, Hz. `kWh` is power times time, so `CNY/kWh` needs no
# entry of its own.
_BASIC: dict[str, tuple[dict[str, int], float]] = {
    "1": ({}, 1.0),
    "%": ({}, 0.01),
    "W": ({"power": 1}, 1e-6),
    "kW": ({"power": 1}, 1e-3),
    "MW": ({"power": 1}, 1.0),
    "GW": ({"power": 1}, 1e3),
    "kWp": ({"power": 1}, 1e-3),
    "MWp": ({"power": 1}, 1.0),
    "kVA": ({"power": 1}, 1e-3),
    "MVA": ({"power": 1}, 1.0),
    "VA": ({"power": 1}, 1e-6),
    "var": ({"reactive": 1}, 1e-6),
    "kvar": ({"reactive": 1}, 1e-3),
    "Mvar": ({"reactive": 1}, 1.0),
    "V": ({"voltage": 1}, 1.0),
    "kV": ({"voltage": 1}, 1e3),
    "A": ({"current": 1}, 1.0),
    "Hz": ({"frequency": 1}, 1.0),
    "Wh": ({"power": 1, "time": 1}, 1e-6),
    "kWh": ({"power": 1, "time": 1}, 1e-3),
    "MWh": ({"power": 1, "time": 1}, 1.0),
    "GWh": ({"power": 1, "time": 1}, 1e3),
    "h": ({"time": 1}, 1.0),
    "min": ({"time": 1}, 1 / 60),
    "s": ({"time": 1}, 1 / 3600),
    "day": ({"time": 1}, 24.0),
    "d": ({"time": 1}, 24.0),
    "year": ({"time": 1}, 8760.0),
    "month": ({"month": 1}, 1.0),
    "CNY": ({"money": 1}, 1.0),
    "kCNY": ({"money": 1}, 1e3),
    "MCNY": ({"money": 1}, 1e6),
    "K": ({"temperature": 1}, 1.0),
    "degC": ({"temperature": 1}, 1.0),
    "°C": ({"temperature": 1}, 1.0),
    "℃": ({"temperature": 1}, 1.0),
    "m": ({"length": 1}, 1.0),
    "km": ({"length": 1}, 1e3),
    "m2": ({"length": 2}, 1.0),
    "m3": ({"length": 3}, 1.0),
    "deg": ({"angle": 1}, 1.0),
    "°": ({"angle": 1}, 1.0),
    "kg": ({"mass": 1}, 1e-3),
    "t": ({"mass": 1}, 1.0),
    "core": ({"core": 1}, 1.0),
    "cores": ({"core": 1}, 1.0),
    "kPa": ({"pressure": 1}, 1.0),
    "hPa": ({"pressure": 1}, 0.1),
    "Pa": ({"pressure": 1}, 1e-3),
}
_NO_UNIT = Text(
    "{given} has no unit; write it with one, such as {given} {unit}",
    "{given} 没有单位；写上单位，例如 {given} {unit}",
)
_NO_NUMBER = Text(
    "'{given}' is not a number with a unit, such as 1 {unit}",
    "“{given}”不是带单位的数，例如 1 {unit}",
)
_WRONG_UNIT = Text(
    "the unit of '{given}' does not fit; allowed: {allowed}",
    "“{given}”的单位不符；可用：{allowed}",
)
_NOT_FINITE = Text("'{given}' is not finite; write a number", "“{given}”不是有限数；写一个数")
_NUMBER = re.compile(r"^\s*([-+−]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*$")


class UnitError(ValueError):
    """The text is no unit this product knows."""


@lru_cache(maxsize=1024)
def parse_unit(symbol: str) -> tuple[tuple[tuple[str, int], ...], float]:
    """Return the dimension of a unit and its size in the basic unit.

    `symbol` is a product over a product: `CNY/kWh`, `CNY/kW-month`, `t/MWh`, `W/core`. Raises
    `UnitError`.
    """
    exponents: dict[str, int] = {}
    size = 1.0
    for index, side in enumerate(symbol.strip().split("/")):
        sign = 1 if index == 0 else -1
        for factor in re.split(r"[-·*]", side.strip()):
            if factor not in _BASIC:
                raise UnitError(factor or symbol)
            dimension, basic = _BASIC[factor]
            size *= basic**sign
            for name, power in dimension.items():
                exponents[name] = exponents.get(name, 0) + sign * power
    return tuple(sorted((name, power) for name, power in exponents.items() if power)), size


def known_units(like: str) -> list[str]:
    """Return the symbols of the same dimension as `like`, for messages and editors."""
    dimension = parse_unit(like)[0]
    head, slash, tail = like.partition("/")
    if slash:
        return [like, *(f"{symbol}/{tail}" for symbol in known_units(head) if symbol != head)]
    return [s for s in _BASIC if parse_unit(s)[0] == dimension]


def convert(value: float, written: str, inside: str) -> float:
    """Return `value` [written] in the unit `inside`.

    Raises `UnitError` where the dimensions differ.
    """
    from_dimension, from_size = parse_unit(written)
    to_dimension, to_size = parse_unit(inside)
    if from_dimension != to_dimension:
        raise UnitError(written)
    # Divide the sizes' quotient last: 12000 kW and 12 MW must be the same float.
    if from_size >= to_size:
        return value * (from_size / to_size)
    return value / (to_size / from_size)


@dataclass(frozen=True)
class Unit:
    """The unit of a float inside, as the metadata of its type: `Annotated[float, Unit("MW")]`.

    In a park file the number stands with a unit of the same dimension. In Python a bare float is in
    this unit already; a bare number in a file is a mistake, unless the quantity has no dimension.
    """

    symbol: str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_before_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        inner = handler(schema)
        written: dict[str, Any] = {
            "description": f"a number with its unit, such as 1 {self.symbol}"
        }
        if self.symbol == "1":
            written = {"description": "a number, or a share written with %"}
            return {
                "type": ["number", "string"],
                "x-unit": self.symbol,
                **written,
                **_bounds(inner),
            }
        return {"type": "string", "x-unit": self.symbol, **written, **_bounds(inner)}

    def _read(self, value: object, info: ValidationInfo) -> object:
        if isinstance(value, str):
            return self._parse(value)
        in_file = bool(info.context and info.context.get("file"))
        if in_file and self.symbol != "1" and isinstance(value, int | float):
            raise refusal("unit_missing", _NO_UNIT, given=f"{value:g}", unit=self.symbol)
        return value

    def _parse(self, text: str) -> float:
        match = _NUMBER.match(text)
        if not match:
            raise refusal("not_a_quantity", _NO_NUMBER, given=text, unit=self.symbol)
        number = float(match[1].replace("−", "-").replace("_", ""))
        written = match[2] or "1"
        try:
            inside = convert(number, written, self.symbol)
        except UnitError:
            allowed = ", ".join(known_units(self.symbol)[:6])
            raise refusal("wrong_unit", _WRONG_UNIT, given=text, allowed=allowed) from None
        if not math.isfinite(inside):
            raise refusal("not_finite", _NOT_FINITE, given=text)
        return inside


def spread(value: object) -> object:
    """Return `3 4 5 m/s` as `[3 m/s, 4 m/s, 5 m/s]`; what is no text stays as it is."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"([-+.\de,\s]*[.\d])\s*(\D*)", value.strip())
    if not match:
        return value
    return [f"{number} {match[2]}".strip() for number in match[1].replace(",", " ").split()]


def _bounds(inner: dict[str, Any]) -> dict[str, Any]:
    names = {"minimum": "x-minimum", "maximum": "x-maximum"}
    names |= {"exclusiveMinimum": "x-exclusive-minimum", "exclusiveMaximum": "x-exclusive-maximum"}
    return {names[key]: inner[key] for key in names if key in inner}
