"""Reports: one report, by subject, measure, period and step, as table, plot, sheet and paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np

from zeropark.data.errors import DataError
from zeropark.faces.report.shown import Measure, amount, money, percent
from zeropark.faces.web import numbers, paper
from zeropark.faces.web.page import Page, View
from zeropark.faces.web.pages.reports.bars import bars
from zeropark.faces.web.periods import WORDS as PERIOD_WORDS
from zeropark.faces.web.periods import Period, period, written
from zeropark.operate.reported import LEVELS, MEASURES, Report, report_of
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zeropark.assets.kind import Kind

WORDS = {
    "head": Text("Reports", "报告"),
    "subject": Text("Subject", "对象"),
    "measure": Text("Measure", "指标"),
    "park": Text("the whole park", "整个园区"),
    "show": Text("Show", "显示"),
    "sheet": Text("Excel", "Excel"),
    "used": Text("electricity used", "用电量"),
    "made": Text("electricity made", "发电量"),
    "carbon": Text("carbon, location-based", "碳排放（基于位置）"),
    "clean": Text("clean share of use", "用电清洁占比"),
    "cost": Text("cost", "成本"),
    "total": Text("In total", "合计"),
    "mean": Text("Over all hours", "全部小时"),
    "by_hour": Text("By the hour", "逐小时"),
    "by_day": Text("By the day", "逐日"),
    "by_month": Text("By the month", "逐月"),
    "newest": Text("the newest {count}; Excel holds all", "最近 {count} 条；Excel 含全部"),
    "least": Text("lowest {value}, {at}", "最低 {value}，{at}"),
    "most": Text("highest {value}, {at}", "最高 {value}，{at}"),
    "value": Text("Value", "数值"),
    "part": Text("not whole", "未满"),
    "paper": Text("PDF", "PDF"),
    "no_paper": Text(
        "For a PDF: Print, then choose to save as PDF.", "生成 PDF：打印，选择“另存为 PDF”。"
    ),
    "factor": Text(
        "Factor of {year}, {source} ({status}).", "{year} 年因子，{source}（{status}）。"
    ),
    "no_factor": Text(
        "No emission factor is known for this place; carbon is not stated.",
        "此地无已知排放因子；不给出碳数据。",
    ),
    "mix": Text(
        "Each kWh carries the clean share of its own step; figures of other methods are not added.",
        "每 kWh 按所在时段的清洁占比计；不同方法的占比不相加。",
    ),
    "imported": Text(
        "Of the whole park: what was imported, times the factor.", "整个园区：购电量乘以因子。"
    ),
    "no_cost": Text(
        "The ledger keeps no cost of each step; choose this life, or a study's report.",
        "账本不含逐时段成本；选择本次运行，或查看研究报告。",
    ),
    "own_cost": Text("Cost is known of the whole park only.", "成本只按整个园区统计。"),
    "none": Text("Nothing has been lived yet.", "尚无数据。"),
    **PERIOD_WORDS,
}
_NO_SUBJECT = Text(
    "'{given}' is no subject of a report{meant} Choose one from the list.",
    "没有报告对象“{given}”{meant}从列表选择。",
)
_NO_MEASURE = Text(
    "'{given}' is no measure{meant} Allowed: {names}", "没有指标“{given}”{meant}允许：{names}"
)
# More rows than a month of hours nobody reads on a page.
_MOST_ROWS = 744
_KEEPS_TEXT = ("=", "+", "-", "@", "\t", "\r")


def context(view: View) -> Mapping[str, Any]:
    """Return what the page shows."""
    subjects = _subjects(view)
    subject, measure = _asked(view, subjects)
    chosen: dict[str, Any] = {
        "subjects": {name: view.say(label) for name, (label, _) in subjects.items()},
        "measures": [m for m in MEASURES if m != "cost" or view.may("see_park")],
        "subject": subject,
        "measure": measure,
        "there": view.frame is not None,
        "paper": paper.browser() is not None,
    }
    if view.frame is None:
        return chosen
    asked = period(view)
    found = _found(view, asked, subjects[subject][1], measure)
    write = _write(found)
    largest = float(np.nanmax(np.abs(found.values), initial=0.0))
    rows = [
        {
            "hour": written(hour, asked.level),
            "value": numbers.figure(write, _number(value), view.language),
            "bar": 0.0 if not largest or not np.isfinite(value) else 100 * abs(value) / largest,
            "whole": whole,
        }
        for hour, value, whole in zip(
            found.hours[: -_MOST_ROWS - 1 : -1], found.values[: -_MOST_ROWS - 1 : -1],
            found.complete[: -_MOST_ROWS - 1 : -1], strict=True,
        )
    ]  # fmt: skip
    query = {"subject": subject, "measure": measure, "of": asked.name, "by": asked.level}
    return {
        **chosen,
        "rows": rows,
        "cut": len(found.values) > _MOST_ROWS,
        "periods": asked.names,
        "of": asked.name,
        "by": asked.level,
        "levels": list(LEVELS),
        "span": f"{written(found.hours[0], asked.level)} → {written(found.hours[-1], asked.level)}",
        "edges": _edges(view, found, asked.level, write),
        "bars": bars(found, asked.level, write, view.language),
        "total": numbers.figure(_write(found, total=True), found.total, view.language),
        "factor": view.today.factor if view.today else None,
        "sheet": f"/reports/sheet?{urlencode(query)}",
        "pdf": f"/reports/paper?{urlencode(query)}",
    }


def _edges(view: View, found: Report, level: str, write: Measure) -> list[tuple[str, str, str]]:
    """Return (word, value, when) of the least and the most; nothing where there are not two."""
    known = np.flatnonzero(np.isfinite(found.values))
    if len(known) < 2:  # noqa: PLR2004 - of one there is no least
        return []
    values = found.values[known]
    ends = (("least", int(known[values.argmin()])), ("most", int(known[values.argmax()])))
    return [
        (word, view.say(write.full(float(found.values[i]))), written(found.hours[i], level))
        for word, i in ends
    ]


def _subjects(view: View) -> dict[str, tuple[Text, list[Kind]]]:
    """Return (label, assets) of what a report may be about, by name; a party sees its own."""
    every, own = list(view.living.run.world.assets), view.session.person.party
    found: dict[str, tuple[Text, list[Kind]]] = {}
    if own is None:
        found["park"] = (WORDS["park"], every)
    for party in view.park.parties:
        its = [asset for asset in every if asset.party == party.name]
        if its and own in {None, party.name}:
            found[f"party:{party.name}"] = (party.label or Text(party.name, party.name), its)
    for asset in every:
        if own in {None, asset.party} and "electricity" in _carriers(asset):
            found[f"asset:{asset.name}"] = (asset.shown, [asset])
    return found


def _carriers(asset: Kind) -> set[str]:
    return {port.carrier for port in asset.ports().values()}


def _asked(view: View, subjects: Mapping[str, Any]) -> tuple[str, str]:
    subject = view.query.get("subject", next(iter(subjects), ""))
    measure = view.query.get("measure", "used")
    if subject not in subjects:
        near = meant(subject, subjects)
        raise DataError("subject_unknown", with_meant(_NO_SUBJECT, near, given=subject[:40]))
    if measure not in MEASURES:
        near, names = meant(measure, MEASURES), ", ".join(MEASURES)
        text = with_meant(_NO_MEASURE, near, given=measure[:40], names=names)
        raise DataError("measure_unknown", text)
    if measure == "cost" and subject != "park":
        raise DataError("measure_cost", WORDS["own_cost"])
    return subject, measure


def _found(view: View, asked: Period, assets: list[Kind], measure: str) -> Report:
    if measure == "cost" and asked.past.cost is None:
        raise DataError("measure_cost", WORDS["no_cost"])
    factor, every = view.today.factor if view.today else None, view.living.run.world.assets
    return report_of(asked.past, every, assets, measure, factor, asked.level)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _write(found: Report, *, total: bool = False) -> Measure:
    largest = found.total if total else float(np.nanmax(np.abs(found.values), initial=0.0))
    if found.unit == "1":
        return percent()
    if found.unit == "CNY":
        return money(largest)
    return amount({"tCO2": "tCO₂"}.get(found.unit, found.unit), largest)


def sheet(view: View) -> tuple[str, str, bytes]:
    """Return (type, name, bytes) of the report as a sheet; text in a cell stays text."""
    from io import BytesIO  # noqa: PLC0415 - with the library below, only for who asks for a sheet

    from openpyxl import Workbook  # noqa: PLC0415

    subjects = _subjects(view)
    subject, measure = _asked(view, subjects)
    if view.frame is None:
        raise DataError("report_early", WORDS["none"])
    label, assets = subjects[subject]
    asked = period(view)
    found = _found(view, asked, assets, measure)
    book = Workbook()
    page = book.active
    assert page is not None, "a new book has a page"
    page.title = measure
    simulated = Text("simulated plant", "仿真电站")
    head = f"{view.say(view.park.shown)}, {view.say(simulated)}"
    unit = {"1": "share", "tCO2": "tco2"}.get(found.unit, found.unit.lower())
    rows: list[list[Any]] = [
        [text_cell(head)],
        [text_cell(view.say(label)), text_cell(view.say(WORDS[measure])), asked.names[asked.name]],
        [view.say(WORDS[asked.level]), f"{measure}_{unit}", "complete"],
    ]
    for hour, value, whole in zip(found.hours, found.values, found.complete, strict=True):
        rows.append([written(hour, asked.level), _number(value), whole])
    for row in rows:
        page.append(row)
    # What begins like a formula is a name that somebody chose: it stays a text.
    for cells in page.iter_rows(max_row=3):
        for cell in cells:
            if isinstance(cell.value, str):
                cell.data_type = "s"
    kept = BytesIO()
    book.save(kept)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return kind, f"zeropark-simulated-{measure}.xlsx", kept.getvalue()


def text_cell(words: str) -> str:
    """Return words as a cell holds them: before what a sheet would compute stands a text mark."""
    return f"'{words}" if words.startswith(_KEEPS_TEXT) else words


PAGE = Page(
    "reports", Text("Reports", "报告"), WORDS, context, order=6, key="r", verb="see_own",
    files={"sheet": sheet}, paper="paper",
)  # fmt: skip
