"""Numbers of the control room as a person reads them: value, unit, kind; absent is a word."""

from __future__ import annotations

from typing import NamedTuple

from zeropark.faces.report.shown import Measure, amount, money, percent
from zeropark.units.text import Text

_IN_KW_BELOW = 10.0


class Figure(NamedTuple):
    """A number with its unit in one language; `number` is None where there is no reading."""

    number: str | None
    unit: str


def power(*values: float | None) -> Measure:
    """Return how a column of powers [MW] is written: in kW where all are below 10 MW."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    if largest >= _IN_KW_BELOW:
        return amount("MW", *values)
    written = amount("kW", largest * 1e3)
    decimals = 0 if largest >= 1e-2 else written.decimals[0]  # noqa: PLR2004 - ten kilowatts
    return Measure(Text("kW", "kW"), (1e3, 1e3), (decimals, decimals))


def energy(*values: float | None) -> Measure:
    """Return how a column of energies [MWh] is written."""
    return amount("MWh", *values)


def figure(measure: Measure, value: float | None, language: str) -> Figure:
    """Return a number with its unit."""
    unit = measure.head.in_language(language)
    if value is None:
        return Figure(None, unit)
    return Figure(measure.number(value).in_language(language), unit)


def intensity(value: float | None, language: str) -> Figure:
    """Return a carbon intensity [kg/MWh] as g/kWh, the same number."""
    return figure(amount("gCO₂/kWh", value), value, language)


def price(value: float | None, language: str) -> Figure:
    """Return a price [CNY/MWh] in yuan per kWh."""
    return figure(Measure(Text("CNY/kWh", "元/kWh"), (1e-3, 1e-3), (4, 4)), value, language)


def share(value: float | None, language: str) -> Figure:
    """Return a share [1] in percent."""
    return figure(percent(), value, language)


def cost(value: float | None, language: str) -> Figure:
    """Return an amount of money [CNY]."""
    return figure(money(value), value, language)


def tonnes(value: float | None, language: str) -> Figure:
    """Return an amount of carbon [t]."""
    return figure(amount("tCO₂", value), value, language)
