"""Plan: the next two days as set-points, with price and reasons; and what another plan would be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zeropark.data.errors import DataError
from zeropark.faces.report.shown import Measure, amount, money, percent
from zeropark.faces.web import numbers
from zeropark.faces.web.page import Page, View
from zeropark.faces.web.timeline import Lane, Span, carrier_of, curve, lane, supply, used
from zeropark.operate.trial import FACTORS, Change
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zeropark.operate.ahead import Ahead

WORDS = {
    "step_in": Text("Step in by hand", "人工介入"),
    "step_in_why": Text(
        "what is set by hand, locked or stopped the plan works around",
        "人工设定、闭锁或急停的部分，计划据此绕行",
    ),
    "replan": Text("Plan again now", "立即重新计划"),
    "head": Text("Plan", "计划"),
    "none": Text("No plan stands yet; the page fills by itself.", "尚无计划；本页会自动更新。"),
    "grade": Text("grade", "评级"),
    "optimal": Text("optimal", "最优"),
    "deadline": Text("best at the deadline", "到期最佳"),
    "last_good": Text("last good", "上一有效"),
    "solved": Text("made in", "用时"),
    "cost": Text("cost", "成本"),
    "clean": Text("clean share", "清洁占比"),
    "peak": Text("highest import", "最大购电"),
    "import_mwh": Text("grid energy", "购电量"),
    "carbon": Text("carbon, location-based, factor of {year}", "碳，基于位置，{year} 年因子"),
    "weighed": Text(
        "all the plan weighs: with what is stored, owed or lost",
        "计划权衡的全部：含存量、欠量与损失",
    ),
    "served": Text("electricity used", "用电量"),
    "demand": Text("of which demand charge", "其中需量电费"),
    "set_points": Text("Set-points of {hours} h", "{hours} h 定值"),
    "caption": Text(
        "supply above zero, storing and export below; a plan is dashed",
        "供给向上，储入与上网向下；计划为虚线",
    ),
    "supply": Text("Supply", "供给"),
    "use": Text("use", "用电"),
    "price": Text("Price", "电价"),
    "price_import": Text("import price", "购电价"),
    "marginal": Text("marginal price", "边际价"),
    "import": Text("Grid import", "电网购电"),
    "measured": Text("measured, then plan", "实测，其后计划"),
    "contract": Text("contracted demand", "合同需量"),
    "trial_line": Text("trial", "试算"),
    "soc": Text("Charge", "荷电"),
    "reasons": Text("Reasons", "理由"),
    "trial": Text("Trial", "试算"),
    "untouched": Text("the plant is not touched", "不影响执行"),
    "knob_contract": Text("Contracted demand", "合同需量"),
    "knob_price": Text("Price of dear hours", "峰时电价"),
    "knob_sun": Text("Sun and wind", "风光预测"),
    "as_is": Text("as it is: {value}", "现行 {value}"),
    "leave": Text("Leave the trial", "退出试算"),
    "calculate": Text("Calculate", "试算"),
    "column": Text("{hours} h", "{hours} h"),
    "plan": Text("plan", "计划"),
    "difference": Text("difference", "差"),
    "gave": Text("What gives way", "让步"),
    "gave_none": Text("Nothing has to give way.", "没有限值需要让步。"),
    "gave_plan": Text("plan", "计划"),
    "gave_trial": Text("trial only", "仅试算"),
    "took": Text("tried in {ms} ms", "试算用时 {ms} ms"),
    "not_yours": Text(
        "Your role sees the plan and tries no other.", "当前角色可看计划，不可试算。"
    ),
}
_PAST_H, _AHEAD_H = 3.0, 48.0


def context(view: View) -> Mapping[str, Any]:
    """Return what the page shows."""
    frame = view.frame
    if frame is None or frame.ahead is None:
        return {"there": False}
    tried, said = None, ""
    if "trial" in view.query and view.may("try"):
        try:
            tried = view.living.trial(_change(view))
        except DataError as error:
            said = view.say(error.text)
    ahead, span = frame.ahead, Span(view, _PAST_H, _AHEAD_H)
    cost = numbers.cost(ahead.figures["cost_cny"]["total"], view.language)
    return {
        "there": True,
        "steered": [
            (asset.name, view.say(asset.shown))
            for asset in view.living.run.world.assets
            if asset.steered()
        ],
        "tried": tried,
        "said": said,
        "hours": round(float(ahead.grid.hours.sum())),
        "first": view.clock(ahead.grid.start),
        "last": view.clock(ahead.grid.end),
        "grade": ahead.grade,
        "ms": round(ahead.seconds * 1e3),
        "cost": cost,
        "clean": numbers.share(ahead.figures["clean_share"], view.language),
        "peak": numbers.figure(
            numbers.power(ahead.figures["grid_peak_mw"]),
            ahead.figures["grid_peak_mw"],
            view.language,
        ),
        "chart": span.chart(_lanes(view, span, tried), left=112),
        "knobs": _knobs(view),
        "rows": _rows(view, ahead, tried),
        "gave": _gave(view, ahead, tried),
        "year": _year(view),
        "trial_ms": None if tried is None else round(tried.seconds * 1e3),
    }


def _change(view: View) -> Change:
    given = {}
    for name in FACTORS:
        try:
            given[name] = float(view.query.get(name, "1"))
        except ValueError:
            given[name] = float("nan")
    return Change(**given)


def _knobs(view: View) -> list[dict[str, Any]]:
    """Return what may be moved, and what each is now."""
    now = view.today
    assert now is not None, "asked once there is a plan"
    contract = now.contract
    values = {
        "contract": None if contract is None else view.say(numbers.power(contract).full(contract)),
        "price": "100 %",
        "sun": "100 %",
    }
    found = []
    for name, (low, high) in FACTORS.items():
        if values[name] is None:
            continue
        given = view.query.get(name, "1")
        shown = f"{float(given) * 100:.0f} %" if given.replace(".", "", 1).isdigit() else "—"
        found.append(
            {"name": name, "low": low, "high": high, "value": given, "shown": shown,
             "as_is": values[name]}
        )  # fmt: skip
    return found


def _year(view: View) -> int | None:
    assert view.today is not None, "asked once there is a plan"
    return None if view.today.factor is None else view.today.factor.since.year


def _lanes(view: View, span: Span, tried: Ahead | None) -> list[Lane]:
    def w(key: str) -> str:
        return view.say(WORDS[key])

    assets = view.living.run.world.assets
    taken = used(span, "electricity")
    measure = numbers.power(float(np.nanmax(taken, initial=0.0)))
    factor, unit = measure.factors[0], view.say(measure.unit)
    lanes = [
        lane(w("supply"), unit, 250, stack=supply(span, "electricity", factor),
             lines=[curve(w("use"), "measured", taken * factor)])
    ]  # fmt: skip
    ties = [asset for asset in assets if asset.role == "grid"]
    if ties:
        tie = ties[0]
        truth = view.living.run.world.truth.window(span.first, span.first + len(taken))
        lines = [curve(w("price_import"), "measured", tie.signals(truth)["price_import"][0] / 1e3)]
        node = tie.port_nodes()["node"]
        marginal = span.values(f"{node}/price_cny_per_mwh") / 1e3
        lines.append(curve(w("marginal"), "rules", np.clip(marginal, -2.0, 2.0)))
        price = numbers.price(0.0, view.language).unit
        lanes.append(lane(w("price"), price, 48, lines=lines, decimals=4))
        lines = [curve(w("measured"), "measured", span.values(f"{tie.name}/import_mw") * factor)]
        contract = view.today.contract if view.today else None
        if contract is not None:
            lines.append(curve(w("contract"), "limit", span.held(contract * factor)))
        if tried is not None:
            column = f"{tie.name}/import_mw"
            lines.append(curve(w("trial_line"), "trial", span.only_ahead(tried, column, factor)))
        lanes.append(lane(w("import"), unit, 64, lines=lines))
    lanes += _stores(view, span, tried)
    rows = []
    for asset in assets:
        spells = span.spells(asset.name)
        if spells and asset.role not in {"source", "carry"}:
            carrier = carrier_of(asset)
            rows.append({"label": view.say(asset.shown), "carrier": carrier, "spells": spells})
    if rows:
        lanes.append(lane(w("reasons"), "", 0, rows=rows[:14]))
    return lanes


def _stores(view: View, span: Span, tried: Ahead | None) -> list[Lane]:
    lines = []
    for asset in view.living.run.world.assets:
        if asset.role == "store":
            name = f"{asset.name}/soc_pu"
            carrier = carrier_of(asset)
            label = view.say(asset.shown)
            lines.append(curve(label, "measured", 100 * span.values(name), carrier=carrier))
            if tried is not None:
                words = f"{label}, {view.say(WORDS['trial_line'])}"
                values = span.only_ahead(tried, name, 100.0)
                lines.append(curve(words, "trial", values, legend=False))
    title = view.say(WORDS["soc"])
    return (
        [lane(title, "%", 52, lines=lines, percent=True, states=True, decimals=1)] if lines else []
    )


def _rows(view: View, ahead: Ahead, tried: Ahead | None) -> list[dict[str, str]]:
    """Return what plan and trial come to, and the difference of the two as they are shown."""
    factor = None if view.today is None else view.today.factor
    rate = 0.0 if factor is None else factor.in_unit("t/MWh")

    def of(plan: Ahead) -> dict[str, tuple[float | None, Any]]:
        figures = plan.figures
        found = {
            "weighed": (figures["objective_cny"], money),
            "cost": (figures["cost_cny"]["total"], money),
            "demand": (figures["cost_cny"]["demand"], money),
            "clean": (figures["clean_share"], percent),
            "served": (figures["served_mwh"], numbers.energy),
            "import_mwh": (figures["grid_import_mwh"], numbers.energy),
            "peak": (figures["grid_peak_mw"], numbers.power),
        }
        if factor is not None:
            found["carbon"] = (figures["grid_import_mwh"] * rate, _tonnes)
        return found

    base, other = of(ahead), None if tried is None else of(tried)
    rows = []
    for name, (value, write) in base.items():
        measure: Measure = write(value)
        row = {
            "name": name,
            "unit": view.say(measure.head),
            "plan": view.say(measure.number(value)),
            "trial": "",
            "difference": "",
        }
        if other is not None:
            new = other[name][0]
            row["trial"] = view.say(measure.number(new))
            if value is not None and new is not None:
                row["difference"] = view.say(measure.difference(new, value))
        rows.append(row)
    return rows


def _tonnes(*values: float | None) -> Measure:
    return amount("tCO₂", *values)


def _gave(view: View, ahead: Ahead, tried: Ahead | None) -> list[tuple[str, str]]:
    planned = [each["sentence"][view.language] for each in ahead.gave_way]
    found = [("gave_plan", words) for words in planned]
    if tried is not None:
        also = (each["sentence"][view.language] for each in tried.gave_way)
        found += [("gave_trial", words) for words in also if words not in planned]
    return found


PAGE = Page("plan", Text("Plan", "计划"), WORDS, context, order=2, key="p")
