"""The one screen a run ends with: what the park did, and what others would have done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from zeropark.faces.cli import numbers
from zeropark.faces.cli.numbers import Scale
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _

WIDTH = 100
_MOST_ASSETS = 6
_MOST_GAVE_WAY = 1
_POLICIES = {
    "rules": N_("Rules"),
    "plan": N_("Plan"),
    "foresight": N_("Foresight"),
    "played": N_("Played"),
}
Figures = Mapping[str, Any]


class Row(NamedTuple):
    """A line of the comparison: its words, where its number is, how it is written.

    part: a line below another one. idle: left out where every number is 0.
    """

    words: str
    path: str
    scale: Scale | str
    part: bool = False
    idle: bool = False


_ROWS = (
    Row(N_("Cost, {unit}"), "cost_cny.total", "money"),
    Row(N_("energy"), "cost_cny.energy", "money", part=True),
    Row(N_("demand charge"), "cost_cny.demand", "money", part=True),
    Row(N_("wear"), "cost_cny.wear", "money", part=True),
    Row(N_("unserved"), "cost_cny.unserved", "money", part=True),
    Row(N_("ends: what was put in store or is owed"), "cost_cny.ends", "money", part=True),
    Row(N_("Clean share, physical, {unit}"), "clean_share", numbers.SHARE),
    Row(N_("with green contracts"), "clean_share_contract", numbers.SHARE, part=True),
    Row(N_("with the grid's own mix"), "clean_share_grid_mix", numbers.SHARE, part=True),
    Row(N_("Own generation used here, {unit}"), "self_use_share", numbers.SHARE),
    Row(N_("Curtailed, {unit}"), "curtailed_mwh", numbers.ENERGY),
    Row(N_("Grid import, {unit}"), "grid_import_mwh", numbers.ENERGY),
    Row(N_("Grid peak, {unit}"), "grid_peak_mw", "power"),
    Row(N_("CO₂ of grid power, location-based, {unit}"), "co2_t", numbers.TONNES),
    Row(N_("PUE"), "pue", numbers.RATIO),
    Row(N_("Jobs done"), "jobs.done", numbers.COUNT),
    Row(N_("late"), "jobs.late", numbers.COUNT, part=True),
    Row(N_("run on clean power, {unit}"), "jobs.green_share", numbers.SHARE, part=True),
    Row(N_("EV energy served, {unit}"), "ev.served_mwh", numbers.ENERGY),
    Row(N_("short, {unit}"), "ev.short_mwh", numbers.ENERGY, part=True),
    Row(N_("Demand not served, {unit}"), "unserved_mwh", numbers.ENERGY, idle=True),
    Row(N_("Heat recovered, {unit}"), "heat_recovered_mwh", numbers.ENERGY, idle=True),
    Row(N_("Heat cooled away or vented, {unit}"), "heat_dumped_mwh", numbers.ENERGY, idle=True),
    Row(
        N_("Falls a base kept to contract, {unit}"),
        "base.ramp_kept_share",
        numbers.SHARE,
    ),
    Row(N_("without its storage"), "base.kept_without_share", numbers.SHARE, part=True),
    Row(N_("Base ramps, highest in a hundred, {unit}"), "base.ramp_p99_mw", "power"),
    Row(N_("without its storage"), "base.ramp_p99_without_mw", "power", part=True),
    Row(
        N_("smoothing, CNY per MWh discharged"),
        "base.smoothing_cny_per_mwh",
        numbers.COUNT,
        part=True,
    ),
    Row(N_("Direct supply: of available, {unit}"), "direct_supply.self_use_share", numbers.SHARE),
    Row(N_("of load, {unit}"), "direct_supply.load_share", numbers.SHARE, part=True),
    Row(N_("exported, {unit}"), "direct_supply.export_share", numbers.SHARE, part=True),
)


def show(result: Figures, report: Path, console: Console | None = None) -> None:
    """Print the screen of a run, in the language of the environment.

    result: what `run.json` holds. report: where the report lies. console: where to print, by
    default standard output; without colour where that is no terminal.
    """
    screen = console or Console(highlight=False)
    if console is None:
        screen.width = min(screen.width, WIDTH) if screen.is_terminal else WIDTH
    screen.print(_whole(result, report, language(), screen.width))


def _whole(result: Figures, report: Path, language: str, width: int) -> Group:
    return Group(
        _title(result, language),
        Text(headline(result), style="bold"),
        Text(),
        energy(result, language, width),
        Text(),
        comparison(result, width),
        *_below(result, language),
        *_head(result),
        Text(_("Report: {path}").format(path=report), style="bold", overflow="fold"),
    )


def _head(result: Figures) -> list[Text]:
    """Return the line of the signed head of the store that the run was posted into."""
    if "ledger_head" not in result:
        return []
    said = json.loads(result["ledger_head"]["signed"])
    words = _("Ledger: {size} entries, root {root}; keep this head: it shows any later change.")
    return [Text(words.format(size=said["size"], root=said["root"]), overflow="fold")]


def _title(result: Figures, language: str) -> Text:
    words = [
        result["park_label"][language],
        numbers.day(result["start"]),
        _("days: {days:.4g}").format(days=result["days_run"]),
        _("{minutes} min steps").format(minutes=result["step_minutes"]),
        _("seed {seed}").format(seed=result["seed"]),
    ]
    if result["partial"]:
        words.append(_("stopped early, partial"))
    return Text(" · ".join(words), style="dim", overflow="ellipsis", no_wrap=True)


def headline(result: Figures) -> str:
    """Return the run's finding in one sentence."""
    total = result["cost_cny"]["total"]
    rules = result.get("compare", {}).get("rules", {}).get("cost_cny", {}).get("total")
    scale = numbers.money_scale([total, rules])
    cost = numbers.money(total, scale)
    if rules is None or result["policy"] == "rules":
        return _("The days cost {cost}.").format(cost=cost)
    gap = numbers.difference(total, rules, scale, numbers.decimals([total, rules], scale))
    below = gap.startswith("\u2212")
    sentence = (
        _("The plan cost {cost}, {gap} below rules.")
        if below
        else _("The plan cost {cost}, {gap} above rules.")
    )
    text = sentence.format(cost=cost, gap=gap.lstrip("+\u2212"))
    captured = result["compare"].get("captured")
    if captured is None:
        sentence = _("{text} There was too little to gain by foresight for a share of it.")
        return sentence.format(text=text)
    share = numbers.row([captured], numbers.SHARE)[0] + " %"
    regret = numbers.row([result["compare"]["regret_cny_per_mwh"]], numbers.ENERGY)[0]
    more = _("{text} It captured {share} of the way to perfect foresight; regret {regret} CNY/MWh.")
    return more.format(text=text, share=share, regret=regret)


def energy(result: Figures, language: str, width: int) -> Table:
    """Return energy by source and by use [MWh]; electricity first, then other carriers by name."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for words, side in (
        (_("Source"), "left"),
        ("MWh", "right"),
        (_("Use"), "left"),
        ("MWh", "right"),
    ):
        table.add_column(words, justify="right" if side == "right" else "left", no_wrap=True)
    table.columns[0].width = table.columns[2].width = width // 2 - 14
    table.columns[1].width = table.columns[3].width = 10
    found = result["energy"]
    sides = [_entries(found["sources"], language), _entries(found["uses"], language)]
    sides[1].append((_("Losses"), result["losses_mwh"]))
    everything = [value for side in sides for _words, value in side]
    places = numbers.decimals(everything, numbers.ENERGY)
    cells = [[(words, numbers.number(v, places)) for words, v in side] for side in sides]
    for index in range(max(map(len, cells))):
        pairs = [side[index] if index < len(side) else ("", "") for side in cells]
        table.add_row(*(cell for pair in pairs for cell in pair))
    return table


def _entries(entries: Sequence[Figures], language: str) -> list[tuple[str, float]]:
    """Return (label, MWh) of the largest entries, with the carrier where not electricity."""
    ordered = sorted(entries, key=lambda e: (e["carrier"] != "electricity", -e["mwh"]))
    shown = []
    for entry in ordered[:_MOST_ASSETS]:
        label = entry["label"][language]
        if entry["carrier"] != "electricity":
            label = _("{label} ({carrier})").format(label=label, carrier=_carrier(entry["carrier"]))
        shown.append((label, entry["mwh"]))
    return shown


def _carrier(name: str) -> str:
    known = {"heat": _("heat"), "cooling": _("cooling"), "compute": _("compute")}
    return known.get(name, name)


def comparison(result: Figures, width: int) -> Table:
    """Return the table of figures with a column for each policy, and plan minus rules."""
    columns = policies(result)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True, width=width - 58, overflow="ellipsis")
    for name in columns:
        style = "bold" if name == result["policy"] else ""
        table.add_column(_(_POLICIES[name]), justify="right", no_wrap=True, style=style, width=10)
    paired = "plan" in columns and "rules" in columns
    if paired:
        table.add_column(_("Plan − rules"), justify="right", no_wrap=True, width=12)
    for line in _ROWS:
        values = {name: at(figures, line.path) for name, figures in columns.items()}
        if all(v is None for v in values.values()) or (line.idle and not any(values.values())):
            continue
        scale = _scale(line, columns, list(values.values()))
        cells = numbers.row(list(values.values()), scale)
        if "foresight" in columns and values["foresight"] is None:
            # Foresight is a plan; what only a plant shows stands in the column of the played one.
            cells[list(columns).index("foresight")] = _("not played")
        if paired:
            places = numbers.decimals(values.values(), scale)
            cells.append(numbers.difference(values["plan"], values["rules"], scale, places))
        words = _(line.words).format(unit=scale.unit)
        table.add_row(f"  {words}" if line.part else words, *cells)
    return table


def policies(result: Figures) -> dict[str, Figures]:
    """Return the figures of each policy that was run, in the order of the columns."""
    compare = result.get("compare", {})
    return {
        name: result if name == result["policy"] else compare[name]
        for name in _POLICIES
        if name == result["policy"] or name in compare
    }


def at(figures: Figures, path: str) -> float | None:
    """Return the number at a dotted path; None where it, or anything on the way, is absent."""
    found: Any = figures
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return None if found is None else float(found)


def _scale(line: Row, columns: Mapping[str, Figures], values: Sequence[float | None]) -> Scale:
    if isinstance(line.scale, Scale):
        return line.scale
    if line.scale == "power":
        return numbers.power_scale(values)
    # Parts of a cost are written like their sum, so that a column adds up.
    return numbers.money_scale([at(figures, "cost_cny.total") for figures in columns.values()])


def _below(result: Figures, language: str) -> list[Text]:
    lines = [_cooling(result, language), _missing(result), *_gave_way(result, language)]
    lines += [_grades(result), _times(result), _factor(result, language), _assumptions(result)]
    return [line for line in lines if line is not None]


def _line(name: str, words: str) -> Text:
    line = _("{name}: {words}").format(name=name, words=words)
    return Text(line, overflow="ellipsis", no_wrap=True)


def _cooling(result: Figures, language: str) -> Text | None:
    labels = {mode["name"]: mode["label"][language] for mode in result["cooling_modes"]}
    hours = result["cooling_hours"]
    if not hours:
        return None
    words = [
        f"{labels.get(mode, mode)} {numbers.number(time, 1)} h" for mode, time in hours.items()
    ]
    return _line(_("Cooling"), " · ".join(words))


def _missing(result: Figures) -> Text | None:
    missing = result.get("compare", {}).get("missing_cny")
    if missing is None:
        return None
    names = {"plant": _("plant"), "horizon": _("horizon"), "forecast": _("forecast")}
    scale = numbers.money_scale(missing.values())
    cells = numbers.row(list(missing.values()), scale)
    words = [f"{names[name]} {cell}" for name, cell in zip(missing, cells, strict=True)]
    return _line(_("Short of foresight by, {unit}").format(unit=scale.unit), " · ".join(words))


def _gave_way(result: Figures, language: str) -> list[Text]:
    sentences = [gave["sentence"][language] for gave in result["gave_way"]]
    if not sentences:
        return [_line(_("Gave way"), _("nothing"))]
    lines = [
        Text(sentence, style="red", overflow="ellipsis", no_wrap=True)
        for sentence in sentences[:_MOST_GAVE_WAY]
    ]
    rest = len(sentences) - _MOST_GAVE_WAY
    if rest > 0:
        lines.append(Text(_("  and {count} more in the report").format(count=rest), style="red"))
    return lines


def _grades(result: Figures) -> Text | None:
    plans = result["plans"]
    if not plans["count"]:
        return None
    grades = [
        f"{_(words)} {plans[grade]}" for grade, words in numbers.GRADES.items() if plans.get(grade)
    ]
    if plans.get("deadline"):
        gap = f"{plans['gap_max']:.1%}".replace("%", " %")
        grades.append(_("gap to the least cost up to") + " " + gap)
    return _line(_("Plans"), " · ".join(grades))


def _times(result: Figures) -> Text | None:
    plans = result["plans"]
    if not plans["count"]:
        return None
    words = _(
        "solver {solve:.2f} s · ours: build {build:.2f}, update {update:.2f}, read {read:.2f} s"
        " · step p50 {p50:.0f} ms, p95 {p95:.0f} ms"
    )
    return _line(
        _("Time"),
        words.format(
            solve=plans["solve_s"],
            build=plans["build_s"],
            update=plans["update_s"],
            read=plans["read_s"],
            p50=plans["step_ms_p50"],
            p95=plans["step_ms_p95"],
        ),
    )


def _factor(result: Figures, language: str) -> Text | None:
    for factor in result["factors"]:
        if factor["unit"] == "t/MWh":
            words = f"{factor['value']:.4f} t/MWh, {factor['label'][language]}, "
            return _line(_("CO₂ factor"), words + f"{factor['from'][:4]} ({factor['source']})")
    return None


def _assumptions(result: Figures) -> Text:
    count = len(result["assumptions"])
    return _line(_("Assumptions"), _("{count}, listed in the report").format(count=count))
