"""The one screen of a sizing: what to build, what it costs by part, and the frontier below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zeropark.faces.cli import numbers
from zeropark.faces.cli.plan_screen import table
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _

Figures = Mapping[str, Any]
_PARTS = {
    "capital": N_("building and upkeep"),
    "energy": N_("energy"),
    "demand": N_("demand charge"),
    "wear": N_("wear"),
}


def lines(found: Figures) -> list[str]:
    """Return the screen of what a sizing study found, in the language of the environment."""
    return [_title(found), *_answer(found), "", *_frontier(found), "", _below(found)]


def _title(found: Figures) -> str:
    words = [
        found["park_label"][language()],
        _("study {name}").format(name=found["study"]),
        numbers.day(found["start"]),
        _("days: {days:.4g}").format(days=found["days"]),
        _("{minutes} min steps").format(minutes=found["step_minutes"]),
    ]
    return " · ".join(words)


def _answer(found: Figures) -> Iterator[str]:
    answer, asked = found["answer"], found["clean_share_asked"]
    if asked is not None and not found["reached"]:
        sentence = _("A clean share of {asked} is out of reach: the nearest plan gets to {got}.")
        yield sentence.format(asked=_share(asked), got=_share(answer["clean_share"]))
    elif asked is None:
        yield _("Cheapest plan, clean share {share}:").format(share=_share(answer["clean_share"]))
    else:
        sentence = _("Cheapest plan with a clean share of {share}:")
        yield sentence.format(share=_share(answer["clean_share"]))
    for each in answer["capacities"]:
        yield f"  {each['parameter']}  {_size(each)}"
    costs = answer["cost_cny"]
    scale = numbers.money_scale(costs.values())
    yield _("It costs {total}:").format(total=numbers.money(costs["total"], scale))
    parts = [(_(words), costs.get(part, 0.0)) for part, words in _PARTS.items()]
    rest = costs["total"] - sum(amount for _words, amount in parts)
    for words, amount in (*parts, (_("what else is counted"), rest)):
        yield f"  {words}  {numbers.money(amount, scale)}"
    if answer["gave_way_mwh"] > 0.0:
        sentence = _("Limits give way in it, by {amount} MWh together.")
        yield sentence.format(amount=numbers.number(answer["gave_way_mwh"], 1))


def _frontier(found: Figures) -> list[str]:
    points = found["frontier"]
    scale = numbers.money_scale([point["cost_cny"]["total"] for point in points])
    header = [
        _("Clean"),
        *(each["parameter"] for each in points[0]["capacities"]),
        _("Cost, {unit}").format(unit=scale.unit),
        _("Lived: clean"),
        _("Lived: {unit} a day").format(unit=_("CNY")),
    ]
    rows = [
        [
            _share(point["clean_share"]),
            *(_size(each) for each in point["capacities"]),
            numbers.number(point["cost_cny"]["total"] * scale.factor, 1),
            _share(point["lived"]["clean_share"]),
            numbers.number(_a_day(point["lived"]), 0),
        ]
        for point in points
    ]
    return table(header, rows)


def _a_day(lived: Figures) -> float:
    return float(lived["cost_cny"]["total"]) / len(lived["days"])


def _share(share: float | None) -> str:
    return _("no reading") if share is None else f"{numbers.number(100.0 * share, 1)} %"


def _size(each: Figures) -> str:
    unit = "" if each["unit"] == "1" else f" {each['unit']}"
    return f"{numbers.number(each['value'], 2)}{unit}"


def _below(found: Figures) -> str:
    times, size = found["times"], found["size"]
    return _(
        "Solver {solve:.0f} s of {whole:.0f} s · {columns:,} columns, {rows:,} rows · {count} plans"
    ).format(
        solve=times["solve_s"],
        whole=times["wall_s"],
        columns=size["columns"],
        rows=size["rows"],
        count=len(found["frontier"]),
    )
