"""The plot of a report: bars over time, as plain numbers for a picture of the server's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zeropark.faces.web.periods import written

if TYPE_CHECKING:
    from zeropark.faces.report.shown import Measure
    from zeropark.operate.reported import Report

WIDTH, HEIGHT = 1000.0, 100.0
"""Of the picture; a page stretches it, and writes beside it."""
_MOST_LABELS = 7
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Bars:
    """A plot. path: all bars; gone: all places without a reading.

    rows: (how far down [%], words). times: (how far right [%], words).
    """

    path: str
    gone: str
    rows: tuple[tuple[float, str], ...]
    times: tuple[tuple[float, str], ...]


def bars(found: Report, level: str, write: Measure, language: str) -> Bars:
    """Return the plot of a report; what has no reading is hatched and never a bar of 0."""
    values = found.values
    top = _nice(float(np.nanmax(values, initial=0.0)))
    low = -_nice(float(-np.nanmin(values, initial=0.0)))
    span = top - low or 1.0

    def y(value: float) -> float:
        return HEIGHT * (top - value) / span

    each = WIDTH / len(values)
    wide = max(each * 0.8, min(each, 0.6))
    drawn, gone = [], []
    for i, value in enumerate(values.tolist()):
        x = i * each
        if np.isfinite(value):
            if value:
                drawn.append(f"M{x:.1f} {y(0.0):.1f}V{y(value):.1f}h{wide:.2f}V{y(0.0):.1f}z")
        else:
            gone.append(f"M{x:.1f} 0h{each:.2f}V{HEIGHT:.0f}h-{each:.2f}z")
    marks = dict.fromkeys((top, (top + low) / 2 if low == 0.0 else 0.0, low))
    rows = tuple((y(mark), write.number(mark).in_language(language)) for mark in marks)
    return Bars("".join(drawn), "".join(gone), rows, _times(found, level, each))


def _times(found: Report, level: str, each: float) -> tuple[tuple[float, str], ...]:
    every = max(1, -(-len(found.values) // _MOST_LABELS))
    return tuple(
        (i * each / WIDTH * 100, written(found.hours[i], level)[5 if level != "month" else 0 :])
        for i in range(0, len(found.values), every)
    )


def _nice(value: float) -> float:
    """Return the next round number from a value on."""
    if value <= 0.0:
        return 0.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(step for step in _STEPS if step * power >= value * (1 - 1e-9)) * power)
