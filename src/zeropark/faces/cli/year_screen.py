"""The one screen of a study of windows: what a year said to them is worth, and what it said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zeropark.faces.cli import numbers
from zeropark.faces.cli.plan_screen import table
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _

Figures = Mapping[str, Any]
_WHO = {
    "rules": N_("rules"),
    "without": N_("windows alone"),
    "with": N_("windows told of the year"),
}


def lines(found: Figures) -> list[str]:
    """Return the screen of what a study of windows found, in the language of the environment."""
    return [_title(found), "", *_costs(found), "", *_captured(found), "", *_worth(found)]


def _title(found: Figures) -> str:
    words = [
        found["park_label"][language()],
        _("study {name}").format(name=found["study"]),
        numbers.day(found["start"]),
        _("days: {days:.4g}").format(days=found["days"]),
        _("{minutes} min steps").format(minutes=found["step_minutes"]),
    ]
    return " · ".join(words)


def _costs(found: Figures) -> list[str]:
    least = found["foresight"]["cost_cny"]
    scale = numbers.money_scale([each["cost_cny"]["total"] for each in found["policies"].values()])
    parts = ("total", "energy", "demand", "wear", "ends")
    header = [
        scale.unit,
        _("cost"),
        _("energy"),
        _("demand charge"),
        _("wear"),
        _("settled ends"),
        _("Clean"),
    ]
    rows = [
        [
            _(_WHO[name]),
            *(numbers.number(each["cost_cny"].get(part, 0.0) * scale.factor, 1) for part in parts),
            f"{numbers.number(100.0 * (each['clean_share'] or 0.0), 1)} %",
        ]
        for name, each in found["policies"].items()
    ]
    bound = [numbers.number(least[part] * scale.factor, 1) for part in parts]
    return table(header, [*rows, [_("foresight, relaxed"), *bound, ""]])


def _captured(found: Figures) -> list[str]:
    sentence = _("Of the way from rules to foresight: {without} alone, {told} told of the year.")
    shares = [
        _("no reading") if share is None else f"{numbers.number(100.0 * share, 1)} %"
        for share in (found["captured"]["without"], found["captured"]["with"])
    ]
    note = _("Foresight is a linear program by the hour with whole numbers broken: a bound.")
    return [sentence.format(without=shares[0], told=shares[1]), note]


def _worth(found: Figures) -> list[str]:
    first = found["learned"][0]["worth"]
    rows = [
        [name, numbers.number(usual, 0), numbers.number(first[name], 0)]
        for name, usual in found["usual_worth"].items()
        if name in first
    ]
    return table([_("A unit in store, CNY"), _("usual"), _("year's mean")], rows)


def learned(found: Figures) -> list[str]:
    """Return the screen of a year that was planned and lived by nobody."""
    rows = [
        [name, *(numbers.number(n, 0) for n in (found["usual_worth_cny"][name], *each.values()))]
        for name, each in found["worth_cny"].items()
    ]
    header = [_("A unit in store, CNY"), _("usual"), _("year's mean"), _("least"), _("most")]
    months = [
        [month, numbers.number(peak, 1 if peak >= 1.0 else 3)]
        for month, peak in found["peaks_mw"].items()
    ]
    sentence = _("Written to {file}; plans are told of it by: zeropark run {park} --year {file}")
    return [
        _title(found),
        "",
        *table(header, rows),
        "",
        *table([_("month"), _("highest import, MW")], months),
        "",
        sentence.format(file=found["file"], park=found["park"]),
    ]
