"""The one screen of a plan: the hours ahead, then what each asset is to do now and why.

Made of plain text: a library of tables would take as long to import as the plan to make.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zeropark.faces.cli import numbers
from zeropark.faces.cli.help import cells
from zeropark.faces.locale import gettext as _
from zeropark.faces.locale import language

WIDTH = 100
_MOST_ROWS = 24
_MOST_NOW = 12
_GAP = 2
Figures = Mapping[str, Any]


def lines(found: Figures) -> list[str]:
    """Return the screen of what `plan_once` found, in the language of the environment."""
    return [
        _title(found),
        _costs(found),
        "",
        *_hours(found),
        "",
        *_now(found, language()),
        "",
        *_below(found, language()),
    ]


def _title(found: Figures) -> str:
    words = [
        found["park_label"][language()],
        numbers.day(found["start"]),
        _("days: {days:.4g}").format(days=found["days"]),
        _("{minutes} min steps").format(minutes=found["step_minutes"]),
        _("seed {seed}").format(seed=found["seed"]),
    ]
    return " · ".join(words)


def _costs(found: Figures) -> str:
    parts = found["cost_cny"]
    scale = numbers.money_scale(parts.values())
    energy, demand, wear = (numbers.money(parts[p], scale) for p in ("energy", "demand", "wear"))
    return _("Planned: energy {energy}, demand charge {demand}, wear {wear}.").format(
        energy=energy, demand=demand, wear=wear
    )


def _hours(found: Figures) -> list[str]:
    """Return the table of the hours ahead, at most one row for each hour of a day."""
    steps = len(found["starts"])
    hour = max(1, round(60 / found["step_minutes"]))
    group = hour * math.ceil(steps / hour / _MOST_ROWS)
    flows = found["electricity_mw"]
    scale = numbers.power_scale([value for values in flows.values() for value in values])
    header = [
        _("From"),
        _("Price, CNY/MWh"),
        _("Sun and wind, {unit}").format(unit=scale.unit),
        _("Use, {unit}").format(unit=scale.unit),
        _("Stores, {unit}").format(unit=scale.unit),
        _("Grid, {unit}").format(unit=scale.unit),
    ]
    rows = []
    for first in range(0, steps, group):
        stretch = slice(first, first + group)
        price = _mean(found["price_cny_per_mwh"][stretch])
        means = [_mean(flows[role][stretch]) for role in ("source", "use", "store", "grid")]
        rows.append(
            [
                _clock(found["local"][first], days=found["days"] > 1),
                numbers.number(price, 0),
                *(numbers.number(x * scale.factor, 2 if scale.unit == "MW" else 0) for x in means),
            ]
        )
    return table(header, rows)


def _clock(local: str, *, days: bool) -> str:
    date, _t, clock = local.partition("T")
    return f"{date[5:]} {clock}" if days else clock


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with the first column to the left and all others to the right."""
    widths = [max(map(cells, column)) for column in zip(header, *rows, strict=True)]
    found = []
    for row in (header, *rows):
        first = row[0] + " " * (widths[0] - cells(row[0]))
        rest = (
            " " * (_GAP + width - cells(cell)) + cell
            for cell, width in zip(row[1:], widths[1:], strict=True)
        )
        found.append((first + "".join(rest)).rstrip())
    return found


def _now(found: Figures, language: str) -> Iterator[str]:
    """Yield what each asset is to do in the first step, and why it does what it does."""
    told: dict[str, str] = {}
    for spell in found["reasons"]:
        told.setdefault(spell["asset"], spell["sentence"][language])
    yield _("Now, from {clock}:").format(clock=_clock(found["local"][0], days=False))
    rows = [
        (each["label"][language], _amount(each, language), _reason(each, told))
        for each in found["set_points"]
        if each["values"][0] is not None
    ]
    shown = rows[:_MOST_NOW]
    widths = [max((cells(row[i]) for row in shown), default=0) + _GAP for i in (0, 1)]
    for row in shown:
        left = "".join(
            cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=False)
        )
        yield _cut(f"  {left}{row[2]}")
    if len(rows) > _MOST_NOW:
        yield _("  and {count} more with --json").format(count=len(rows) - _MOST_NOW)


def _amount(each: Figures, language: str) -> str:
    value, unit = each["values"][0], each["unit"]
    places = 0 if unit == "core" else 3
    return f"{each['means'][language]} {numbers.number(value, places)} {unit}"


def _reason(each: Figures, told: Mapping[str, str]) -> str:
    """Return why: of the part the set-point is for (`jobs/render`), else of the asset."""
    part = each["point"].rpartition("_")[0]
    return told.get(f"{each['asset']}/{part}") or told.get(each["asset"], "")


def _cut(line: str) -> str:
    while cells(line) > WIDTH:
        line = line[:-2] + "…"
    return line


def _below(found: Figures, language: str) -> Iterator[str]:
    for gave in found["gave_way"]:
        yield gave["sentence"][language]
    for finding in found["findings"]:
        yield finding[language]
    times, size, grade = found["times"], found["size"], numbers.GRADES[found["grade"]]
    yield _(
        "Solver {solve:.0f} ms of {whole:.0f} ms · {columns:,} columns, {rows:,} rows · {grade}"
    ).format(
        solve=1e3 * times["solve_s"],
        whole=1e3 * times["wall_s"],
        columns=size["columns"],
        rows=size["rows"],
        grade=_(grade),
    )
