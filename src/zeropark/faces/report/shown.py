"""Values as a person reads them, in both languages: units, precision, sums of money, days.

A column keeps one precision, set by its largest value: no decimals from 100 on, one from 10, two
below. A value that is absent is said to be so; it never becomes 0.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from zeropark.units.text import Text

ABSENT = Text("no reading", "无读数")
MINUS = "−"
# Below this a sum of meters is rounding, not an amount.
_NOTHING = 1e-9
_NO_DECIMALS_FROM = 100.0
_ONE_DECIMAL_FROM = 10.0
_MONEY_IN_THOUSANDS = 100_000.0
_MONEY_IN_WHOLE_THOUSANDS = 1_000_000.0
_EN_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_EN_DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_ZH_DAYS = "一二三四五六日"


_NOTHING_BEFORE = Text("", "")


@dataclass(frozen=True)
class Measure:
    """How one quantity is written: its unit, a factor, decimals; (en, zh) each.

    before: words before the number ("CNY " in English).
    """

    unit: Text
    factors: tuple[float, float] = (1.0, 1.0)
    decimals: tuple[int, int] = (0, 0)
    before: Text = _NOTHING_BEFORE

    def number(self, value: float | None) -> Text:
        """Return the number without its unit."""
        if value is None:
            return ABSENT
        return Text(*(_written(part, places) for part, places in self._parts(value)))

    def full(self, value: float | None) -> Text:
        """Return the number with its unit."""
        if value is None:
            return ABSENT
        number = self.number(value)
        texts = zip(self.before, number, self.unit, strict=True)
        return Text(*(f"{before}{amount}\u00a0{unit}".strip() for before, amount, unit in texts))

    def difference(self, value: float, other: float) -> Text:
        """Return value - other, signed: the difference of the two numbers as they are shown."""
        pairs = zip(self._parts(value), self._parts(other), strict=True)
        return Text(
            *(_signed(round(a, places) - round(b, places), places) for (a, places), (b, _) in pairs)
        )

    def apart(self, value: float, other: float) -> Text:
        """Return value - other with its unit: the difference of the two as they are shown."""
        pairs = zip(self._parts(value), self._parts(other), strict=True)
        shown = [(round(a, d) - round(b, d), d) for (a, d), (b, _) in pairs]
        numbers = [_written(part, decimals) for part, decimals in shown]
        texts = zip(self.before, numbers, self.unit, strict=True)
        return Text(*(f"{before}{amount}\u00a0{unit}".strip() for before, amount, unit in texts))

    @property
    def head(self) -> Text:
        """The unit as it stands beside a row's name."""
        return Text(*(f"{b}{u}".strip() for b, u in zip(self.before, self.unit, strict=True)))

    def _parts(self, value: float) -> list[tuple[float, int]]:
        return [(value * f, d) for f, d in zip(self.factors, self.decimals, strict=True)]


def places(values: Iterable[float | None]) -> int:
    """Return the decimals of a column by its largest value."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    if largest >= _NO_DECIMALS_FROM or largest == 0:
        return 0
    return 1 if largest >= _ONE_DECIMAL_FROM else 2


def amount(unit: str, *values: float | None) -> Measure:
    """Return how a column of `values` in `unit` is written."""
    decimals = places(values)
    return Measure(Text(unit, unit), decimals=(decimals, decimals))


def percent(*_values: float | None) -> Measure:
    """Return how shares [1] are written."""
    return Measure(Text("%", "%"), factors=(100.0, 100.0), decimals=(1, 1))


def ratio(*_values: float | None) -> Measure:
    """Return how a ratio such as PUE is written."""
    return Measure(Text("", ""), decimals=(3, 3))


def money(*values: float | None) -> Measure:
    """Return how a column of CNY is written: whole below 100 k, then in k and 万元."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    if largest < _MONEY_IN_THOUSANDS:
        decimals = 0 if largest >= _NO_DECIMALS_FROM else 2
        return Measure(Text("", "元"), decimals=(decimals, decimals), before=Text("CNY ", ""))
    decimals = 1 if largest < _MONEY_IN_WHOLE_THOUSANDS else 0
    return Measure(
        Text("k", "万元"), (1e-3, 1e-4), (decimals, decimals + 1), before=Text("CNY ", "")
    )


def change(value: float, other: float) -> Text | None:
    """Return (value - other) / other in percent, signed; None where `other` is 0."""
    if other == 0:
        return None
    text = f"{_signed((value - other) / abs(other) * 100, 1)}\u00a0%"
    return Text(text, text)


def day(date: dt.date) -> Text:
    """Return a date with its day of the week."""
    weekday = date.weekday()
    return Text(
        f"{_EN_DAYS[weekday]} {date.day} {_EN_MONTHS[date.month - 1]} {date.year}",
        f"{date.year} 年 {date.month} 月 {date.day} 日 周{_ZH_DAYS[weekday]}",
    )


def short_day(date: dt.date) -> Text:
    """Return a date without its year."""
    return Text(f"{date.day} {_EN_MONTHS[date.month - 1][:3]}", f"{date.month}/{date.day}")


def period(start: dt.datetime, end: dt.datetime, zone: str) -> Text:
    """Return the time a run covers, in the park's zone; start and end are UTC instants."""
    first, last = (moment.astimezone(ZoneInfo(zone)) for moment in (start, end))
    offsets = dict.fromkeys(_offset(moment) for moment in (first, last))
    where = f"UTC{'/'.join(offsets)}"
    final = (last - dt.timedelta(seconds=1)).date()
    clock = "24:00" if (last.hour, last.minute) == (0, 0) else f"{last:%H:%M}"
    if final == first.date():
        span = f"{first:%H:%M}–{clock}"
        words = day(final)
        return Text(f"{words.en}, {span} ({where})", f"{words.zh} {span} ({where})")
    whole = f"{first:%H:%M}" == "00:00" and clock == "24:00"
    begin, close = ("", "") if whole else (f" {first:%H:%M}", f" {clock}")
    pairs = zip(day(first.date()), day(final), strict=True)
    return Text(*(f"{since}{begin} – {until}{close} ({where})" for since, until in pairs))


def instant(moment: str) -> dt.datetime:
    """Return the UTC instant that an ISO text names; without an offset it is UTC."""
    found = dt.datetime.fromisoformat(moment)
    return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found


def _offset(moment: dt.datetime) -> str:
    offset = moment.utcoffset()
    assert offset is not None, "an aware datetime has an offset"
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'+' if minutes >= 0 else MINUS}{hours}" + (f":{rest:02d}" if rest else "")


def _written(value: float, decimals: int) -> str:
    """Return the number; one that is there but too small is less than the smallest shown."""
    text = f"{abs(value):,.{decimals}f}"
    if not float(text.replace(",", "")):
        return text if abs(value) < _NOTHING else f"<{10**-decimals:.{decimals}f}"
    return f"{MINUS}{text}" if value < 0 else text


def _signed(value: float, decimals: int) -> str:
    text = f"{abs(value):,.{decimals}f}"
    if not float(text.replace(",", "")):
        return text
    return f"{'+' if value > 0 else MINUS}{text}"
