"""Numbers, dates and money as a person reads them, the same in every table."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _

_WEEKDAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
_MONTHS = (
    *(N_("January"), N_("February"), N_("March"), N_("April"), N_("May"), N_("June")),
    *(N_("July"), N_("August"), N_("September"), N_("October"), N_("November"), N_("December")),
)
# From here on a row of money is written in thousands (万元 in Chinese) [CNY].
_MUCH_MONEY = 100_000.0
GRADES = {
    "optimal": N_("optimal"),
    "deadline": N_("best found at the deadline"),
    "last_good": N_("last good"),
    "rules": N_("by rules"),
}
_MINUS = "\u2212"


class Scale(NamedTuple):
    """How a row is written: its unit's symbol, the factor into it, and decimals by size.

    decimals: (below 1, below 10, below 100, from 100 on).
    """

    unit: str
    factor: float
    decimals: tuple[int, int, int, int] = (2, 1, 1, 0)


ENERGY = Scale("MWh", 1.0)
SHARE = Scale("%", 100.0, (1, 1, 1, 1))
TONNES = Scale("t", 1.0, (3, 2, 1, 0))
RATIO = Scale("", 1.0, (3, 3, 1, 0))
COUNT = Scale("", 1.0, (0, 0, 0, 0))


def power_scale(values: Iterable[float | None]) -> Scale:
    """Return MW, or kW where every value is below 1 MW; values in MW."""
    if _largest(values) < 1:
        return Scale("kW", 1000.0, (0, 0, 0, 0))
    return Scale("MW", 1.0, (2, 2, 1, 0))


def money_scale(values: Iterable[float | None]) -> Scale:
    """Return CNY, or thousands of it (in Chinese ten thousands) for large sums; values in CNY."""
    if _largest(values) < _MUCH_MONEY:
        return Scale(_("CNY"), 1.0, (0, 0, 0, 0))
    # Chinese counts large sums in ten thousands.
    return Scale(_("CNY k"), 1e-4 if language() == "zh" else 1e-3, (1, 1, 1, 1))


def money(value: float, scale: Scale) -> str:
    """Return a sum [CNY] with its currency, written in a scale of `money_scale`."""
    shown = number(value * scale.factor, decimals([value], scale))
    text = _("CNY {amount}") if scale.factor == 1 else _("CNY {amount} k")
    return text.format(amount=shown)


def decimals(values: Iterable[float | None], scale: Scale) -> int:
    """Return how many decimals a row's numbers get, few for large ones; values before scaling."""
    size = _largest(values) * scale.factor
    return scale.decimals[min(3, max(0, math.floor(math.log10(size)) + 1 if size > 0 else 3))]


def number(value: float, places: int, *, signed: bool = False) -> str:
    """Return a number with `places` decimals, commas from 1,000 and a true minus.

    signed: a plus where it is above zero. What rounds to zero has no sign.
    """
    text = f"{abs(value):,.{places}f}"
    if not any(digit in text for digit in "123456789"):
        return text
    return (_MINUS if value < 0 else "+" if signed else "") + text


def row(values: Sequence[float | None], scale: Scale) -> list[str]:
    """Return a row's numbers with one precision; what nobody measured says so."""
    places = decimals(values, scale)
    return [_("no reading") if v is None else number(v * scale.factor, places) for v in values]


def difference(ours: float | None, theirs: float | None, scale: Scale, places: int) -> str:
    """Return ours minus theirs, signed, equal to the difference of the two figures shown."""
    if ours is None or theirs is None:
        return _("no reading")
    shown = round(ours * scale.factor, places) - round(theirs * scale.factor, places)
    return number(shown, places, signed=True)


def day(date: str) -> str:
    """Return a date (YYYY-MM-DD) with its weekday: `Wed 15 April 2026`."""
    moment = dt.date.fromisoformat(date)
    return _("{weekday} {day} {month} {year}").format(
        weekday=_(_WEEKDAYS[moment.weekday()]),
        day=moment.day,
        month=_(_MONTHS[moment.month - 1]),
        year=moment.year,
    )


def _largest(values: Iterable[float | None]) -> float:
    return max((abs(value) for value in values if value is not None), default=0.0)
