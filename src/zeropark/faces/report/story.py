"""What a run came to, in sentences and rows: the headline, the comparison, cost and service."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zeropark.faces.report.shown import ABSENT, Measure, amount, change, money, percent, ratio
from zeropark.faces.report.words import SPACE, WORDS, join, say
from zeropark.units.text import Text

Figures = Mapping[str, Any]
# Below this share of the rules' figure there is nothing to gain, only noise.
_LEAST_TO_GAIN = 0.01
_UNITS_OF_STRIP = 100.0


@dataclass(frozen=True)
class Dots:
    """Where rules, the run and foresight stand on one line, 0 to 100; None where absent."""

    rules: float
    plan: float
    foresight: float | None


@dataclass(frozen=True)
class Row:
    """One line of the comparison; `dots` and `possible` may be absent."""

    key: str
    label: Text
    unit: Text
    plan: Text
    rules: Text | None = None
    foresight: Text | None = None
    difference: Text | None = None
    percent: Text | None = None
    dots: Dots | None = None
    possible: Text | None = None


@dataclass(frozen=True)
class _Line:
    """A figure that is compared: its place in `run.json`, how it is written, what is better."""

    key: str
    label: str
    path: tuple[str, ...]
    measure: Callable[..., Measure]
    higher: bool = False
    unit: str = ""


_LINES = (
    _Line("cost", "row_cost", ("cost_cny", "total"), money),
    _Line("import", "row_import", ("grid_import_mwh",), lambda *v: amount("MWh", *v)),
    _Line("peak", "row_peak", ("grid_peak_mw",), lambda *v: amount("MW", *v)),
    _Line("clean", "row_clean", ("clean_share",), percent, higher=True, unit="of_use"),
    _Line("carbon", "row_carbon", ("co2_t",), lambda *v: amount("tCO₂", *v)),
    _Line("curtailed", "row_curtailed", ("curtailed_mwh",), lambda *v: amount("MWh", *v)),
    _Line("jobs", "row_jobs", ("jobs", "green_share"), percent, higher=True),
)


def at(figures: Figures | None, *path: str) -> Any:
    """Return what stands at `path`, None where any part of it is absent."""
    found: Any = figures
    for key in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found


def comparison(run: Figures) -> list[Row]:
    """Return the rows of the main table; figures that the park does not have are left out."""
    rules = at(run, "compare", "rules") if run["policy"] == "plan" else None
    foresight = at(run, "compare", "foresight")
    return [
        _row(line, at(run, *line.path), at(rules, *line.path), at(foresight, *line.path))
        for line in _LINES
        if any(at(each, *line.path) is not None for each in (run, rules))
        and (line.key != "curtailed" or any(at(e, *line.path) for e in (run, rules, foresight)))
    ]


def _row(line: _Line, plan: float | None, rules: float | None, best: float | None) -> Row:
    measure = line.measure(plan, rules, best)
    unit = join(measure.head, WORDS[line.unit] if line.unit else None, between=SPACE)
    row = Row(line.key, WORDS[line.label], unit, measure.number(plan))
    best_shown = None if best is None else measure.number(best)
    if plan is None or rules is None:
        return Row(row.key, row.label, row.unit, row.plan, None, best_shown)
    difference = measure.difference(plan, rules)
    if measure.unit.en == "%":
        difference = join(difference, WORDS["points"], between=SPACE)
        relative = None
    else:
        relative = change(plan, rules)
    return Row(
        row.key,
        row.label,
        row.unit,
        row.plan,
        measure.number(rules),
        best_shown,
        difference,
        relative,
        _dots(plan, rules, best),
        None if best is None else _possible(plan, rules, best, higher=line.higher),
    )


def _dots(plan: float, rules: float, best: float | None) -> Dots:
    there = [value for value in (plan, rules, best) if value is not None]
    low, span = min(there), max(there) - min(there)

    def place(value: float) -> float:
        return _UNITS_OF_STRIP / 2 if span == 0 else (value - low) / span * _UNITS_OF_STRIP

    return Dots(place(rules), place(plan), None if best is None else place(best))


def _possible(plan: float, rules: float, best: float, *, higher: bool) -> Text:
    """Return how much of the way from rules to foresight was gone, or why that is not a share.

    Foresight makes the cost least, not each figure: a run can go beyond it in one of the others.
    """
    way = best - rules if higher else rules - best
    if way <= 0 or way < _LEAST_TO_GAIN * abs(rules):
        return WORDS["no_gain"]
    gone = plan - rules if higher else rules - plan
    if gone > way:
        return WORDS["beyond"]
    return Measure(Text("%", "%"), (100.0, 100.0)).full(gone / way)


def headline(run: Figures) -> Text:
    """Return the one sentence, or two, that the report begins with."""
    cost, clean = at(run, "cost_cny", "total"), at(run, "clean_share")
    rules = at(run, "compare", "rules")
    rules_cost = at(rules, "cost_cny", "total")
    if run["policy"] != "plan" or rules_cost is None or cost is None:
        key = "alone_plan" if run["policy"] == "plan" else "alone_rules"
        return say(key, money=money(cost).full(cost), clean=percent().number(clean))
    if cost >= rules_cost:
        return say("dearer", money=money(cost, rules_cost).apart(cost, rules_cost))
    saved = money(cost, rules_cost).apart(rules_cost, cost)
    less = _carbon_saved(at(run, "co2_t"), at(rules, "co2_t"))
    if less is None:
        first = say("saved", money=saved)
    elif less[0] >= 0:
        first = say("saved_both", money=saved, carbon=less[1])
    else:
        first = say("saved_more_carbon", money=saved, carbon=less[1])
    return join(first, _after_the_saving(run))


def _carbon_saved(plan: float | None, rules: float | None) -> tuple[float, Text] | None:
    """Return (tonnes less than under rules, their size in words)."""
    if plan is None or rules is None:
        return None
    return rules - plan, amount("t", plan, rules).number(abs(rules - plan))


def _after_the_saving(run: Figures) -> Text | None:
    if at(run, "compare", "win") is False:
        return WORDS["no_win"]
    share = at(run, "compare", "captured")
    if share is not None:
        return say("captured", share=f"{share * 100:.0f}")
    return say("nothing_to_gain") if at(run, "compare", "foresight") else None


def paragraph(run: Figures) -> Text:
    """Return the sentences under the headline."""
    used, clean, peak = (at(run, key) for key in ("served_mwh", "clean_share", "grid_peak_mw"))
    sentences = [
        say("used_clean", used=amount("MWh", used).full(used), clean=percent().full(clean))
    ]
    rules = at(run, "compare", "rules", "grid_peak_mw") if run["policy"] == "plan" else None
    measure = amount("MW", peak, rules)
    if peak is not None and rules is not None:
        sentences.append(say("peak_rules", peak=measure.full(peak), rules=measure.full(rules)))
    elif peak is not None:
        sentences.append(say("peak", peak=measure.full(peak)))
    curtailed = at(run, "curtailed_mwh")
    if curtailed:
        sentences.append(say("curtailed", curtailed=amount("MWh", curtailed).full(curtailed)))
    sentences.append(_gave_way(run["gave_way"]))
    return join(*sentences)


def _gave_way(gave: Sequence[Figures]) -> Text:
    if not gave:
        return WORDS["gave_none"]
    return WORDS["gave_one"] if len(gave) == 1 else say("gave_many", count=len(gave))


@dataclass(frozen=True)
class Cells:
    """One line of a table over all columns; `strong` marks a sum."""

    label: Text
    unit: Text
    cells: tuple[Text, ...]
    strong: bool = False


def columns(run: Figures) -> list[tuple[Text, Figures, bool]]:
    """Return (head, figures, whether it is the run itself) of each policy there is."""
    run_itself = WORDS["plan_as_run" if run["policy"] == "plan" else "rules_as_run"]
    found: list[tuple[Text, Figures, bool]] = [(run_itself, run, True)]
    if run["policy"] == "plan" and at(run, "compare", "rules"):
        found.insert(0, (WORDS["rules"], run["compare"]["rules"], False))
    others = [name for name in ("foresight", "played") if at(run, "compare", name)]
    return [*found, *((WORDS[name], run["compare"][name], False) for name in others)]


_PARTS = ("energy", "demand", "wear", "unserved", "ends")


def cost_rows(run: Figures) -> Iterator[Cells]:
    """Yield the cost in total and by part, one precision for all."""
    by_column = [at(figures, "cost_cny") or {} for _, figures, _ in columns(run)]
    parts = dict.fromkeys(
        [*_PARTS, *(part for each in by_column for part in each if part != "total")]
    )
    measure = money(*(value for each in by_column for value in each.values()))
    for key in ("total", *parts):
        if key not in {"total", *_PARTS} and not any(each.get(key) for each in by_column):
            continue
        label = WORDS.get(f"cost_{key}", Text(key, key))
        # A part that a column does not have was not charged there: its total stands without it.
        cells = tuple(
            measure.number(each[key]) if key in each else WORDS["none"] for each in by_column
        )
        yield Cells(label, measure.head, cells, strong=key == "total")


def service_rows(run: Figures) -> Iterator[Cells]:
    """Yield what was served, lost and used; lines that no column has are left out."""

    def mwh(*values: float | None) -> Measure:
        return amount("MWh", *values)

    def power(*values: float | None) -> Measure:
        return amount("MW", *values)

    def per_mwh(*_: float | None) -> Measure:
        return Measure(WORDS["regret_unit"])

    def count(*_: float | None) -> Measure:
        return Measure(Text("", ""))

    lines: tuple[tuple[str, tuple[str, ...], Callable[..., Measure]], ...] = (
        ("unserved", ("unserved_mwh",), mwh),
        ("done", ("jobs", "done"), count),
        ("late", ("jobs", "late"), count),
        ("ev_served", ("ev", "served_mwh"), mwh),
        ("ev_short", ("ev", "short_mwh"), mwh),
        ("losses", ("losses_mwh",), mwh),
        ("export", ("grid_export_mwh",), mwh),
        ("self_use", ("self_use_share",), percent),
        ("pue_row", ("pue",), ratio),
        ("heat_recovered", ("heat_recovered_mwh",), mwh),
        ("heat_dumped", ("heat_dumped_mwh",), mwh),
        ("ramp_kept", ("base", "ramp_kept_share"), percent),
        ("kept_without", ("base", "kept_without_share"), percent),
        ("ramp_p99", ("base", "ramp_p99_mw"), power),
        ("ramp_p99_without", ("base", "ramp_p99_without_mw"), power),
        ("smoothing", ("base", "smoothing_cny_per_mwh"), per_mwh),
        ("direct_self_use", ("direct_supply", "self_use_share"), percent),
        ("direct_load", ("direct_supply", "load_share"), percent),
        ("direct_export", ("direct_supply", "export_share"), percent),
    )
    foreseen = at(run, "compare", "foresight")
    for label, path, measure in lines:
        values = [at(figures, *path) for _, figures, _ in columns(run)]
        if any(value is not None for value in values) and (
            label not in {"heat_recovered", "heat_dumped"} or any(values)
        ):
            written = measure(*values)
            cells = tuple(
                WORDS["not_run"] if value is None and figures is foreseen else written.number(value)
                for value, (_, figures, _) in zip(values, columns(run), strict=True)
            )
            yield Cells(WORDS[label], written.head, cells)


def share_rows(run: Figures) -> list[tuple[Text, Text]]:
    """Return the three clean shares, each with its name."""
    keys = {
        "share_physical": "clean_share",
        "share_contract": "clean_share_contract",
        "share_mix": "clean_share_grid_mix",
    }
    return [(WORDS[label], percent().full(at(run, key))) for label, key in keys.items()]


def missing_rows(run: Figures) -> list[tuple[Text, Text]]:
    """Return what keeps the plan from foresight [CNY], by cause, and the regret."""
    missing = at(run, "compare", "missing_cny") or {}
    measure = money(*missing.values())
    rows = [(WORDS[f"missing_{cause}"], measure.full(value)) for cause, value in missing.items()]
    regret = at(run, "compare", "regret_cny_per_mwh")
    if regret is not None:
        unit = Measure(WORDS["regret_unit"], decimals=(2, 2))
        rows.append((WORDS["regret"], unit.full(regret)))
    return rows


def plan_rows(run: Figures) -> list[tuple[Text, Text]]:
    """Return how many plans there were by grade, and their time; nothing where there were none."""
    plans = run.get("plans") or {}
    if not plans.get("count"):
        return []
    whole = Measure(Text("", ""))
    grades = ("optimal", "deadline", "last_good", "rules")
    rows = [
        (WORDS["plans_count"], whole.number(plans["count"])),
        *((WORDS[f"grade_{grade}"], whole.number(plans.get(grade))) for grade in grades),
    ]
    ours = [plans.get(key) for key in ("build_s", "update_s", "read_s", "around_solve_s")]
    known = [value for value in ours if value is not None]
    seconds = Measure(Text("s", "s"), decimals=(2, 2))
    milliseconds = Measure(Text("ms", "ms"), decimals=(1, 1))
    rows.append((WORDS["time_ours"], seconds.full(sum(known)) if known else ABSENT))
    rows.append((WORDS["time_solver"], seconds.full(plans.get("solve_s"))))
    rows.append((WORDS["step_p50"], milliseconds.full(plans.get("step_ms_p50"))))
    rows.append((WORDS["step_p95"], milliseconds.full(plans.get("step_ms_p95"))))
    return rows
