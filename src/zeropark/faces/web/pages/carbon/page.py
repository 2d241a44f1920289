"""Carbon: green share by hour and party, location-based emissions, and the way to the meter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np

from zeropark.data.errors import DataError
from zeropark.faces.web import numbers, paper
from zeropark.faces.web.page import Page, View
from zeropark.faces.web.periods import WORDS as PERIOD_WORDS
from zeropark.faces.web.periods import Period, period
from zeropark.operate.reported import Report, report_of
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zeropark.assets.kind import Kind

WORDS = {
    "head": Text("Carbon", "碳"),
    "party": Text("Party", "主体"),
    "park": Text("the whole park", "整个园区"),
    "show": Text("Show", "显示"),
    "map": Text("Green share, hour by hour", "逐小时清洁占比"),
    "map_caption": Text(
        "share of use that neither grid nor fuel gave in the same step; days down, hours across",
        "同一时段内非电网、非燃料供给的用电占比；纵为日，横为时",
    ),
    "no_hour": Text("not lived yet", "尚无数据"),
    "year_caption": Text(
        "share of use that neither grid nor fuel gave in the same step; hours down, days across",
        "同一时段内非电网、非燃料供给的用电占比；纵为时，横为日",
    ),
    "profile": Text("Mean by the hour of the day", "一日各小时平均"),
    "scale": Text("0 % to 100 %", "0 % 至 100 %"),
    "paper": Text("PDF", "PDF"),
    "print_it": Text("Print", "打印"),
    "facts": Text("Over the period", "该时段"),
    "clean": Text("Green share of use", "用电清洁占比"),
    "used": Text("Electricity used", "用电量"),
    "carbon": Text("Carbon, location-based", "碳排放（基于位置）"),
    "intensity": Text("per kWh used", "每 kWh 用电"),
    "above": Text("Hours above 90 %", "高于 90 % 的小时"),
    "of": Text("{some} of {all} h", "{some} / {all} h"),
    "factor": Text("Factor", "因子"),
    "factor_words": Text(
        "{value} kgCO₂/kWh, year {year}, {label}; {source} ({status})",
        "{value} kgCO₂/kWh，{year} 年，{label}；{source}（{status}）",
    ),
    "no_factor": Text("none is known for this place", "此地无已知因子"),
    "one": Text(
        "One method: location-based. Figures of other methods are never added to it.",
        "单一方法：基于位置。不与其他方法的数字相加。",
    ),
    "by_party": Text("By party", "按主体"),
    "down": Text("Down to the meter", "追溯到表计"),
    "down_words": Text(
        "Figures come from readings of these points; each leads to its readings and their proof.",
        "数字来自以下测点的读数；点开可见读数与证明。",
    ),
    "none": Text("Nothing has been lived yet.", "尚无数据。"),
    **PERIOD_WORDS,
}
_NO_PARTY = Text("'{given}' is no party of this park{meant}", "园区没有主体“{given}”{meant}")
# As the words of `above` say.
_HIGH = 0.9
# Days that fit as rows; more lie across.
_MOST_ROWS = 21
_YEAR_WIDTH, _CELL, _MOST_MONTHS = 1000, 14, 6
_RAMP = (0, 12, 28, 46, 66, 84, 100)


def context(view: View) -> Mapping[str, Any]:
    """Return what the page shows."""
    parties = _parties(view)
    chosen = view.query.get("party", next(iter(parties), ""))
    if chosen not in parties:
        near = meant(chosen, parties)
        raise DataError("party_unknown", with_meant(_NO_PARTY, near, given=chosen[:40]))
    given = {"parties": {name: view.say(label) for name, (label, _) in parties.items()},
             "chosen": chosen, "there": view.frame is not None}  # fmt: skip
    if view.frame is None or view.today is None:
        return given
    factor, assets, asked = view.today.factor, parties[chosen][1], period(view)
    every = view.living.run.world.assets

    def found_of(its: list[Kind], measure: str) -> Report:
        return report_of(asked.past, every, its, measure, factor)

    shares, used, carbon = (found_of(assets, each) for each in ("clean", "used", "carbon"))
    bars = []
    for name, (label, its) in parties.items():
        found, energy = found_of(its, "clean"), found_of(its, "used")
        if energy.total:
            share = numbers.share(found.total, view.language)
            amount = numbers.figure(numbers.energy(energy.total), energy.total, view.language)
            bars.append((name, view.say(label), 100 * (found.total or 0.0), share, amount))
    return {
        **given,
        **_periods(view, asked, chosen),
        "map": _map(shares) if _days(shares) <= _MOST_ROWS else None,
        "year": _year(shares) if _days(shares) > _MOST_ROWS else None,
        "ramp": _RAMP,
        "profile": _profile(shares),
        "clean": numbers.share(shares.total, view.language),
        "used": numbers.figure(numbers.energy(used.total), used.total, view.language),
        "carbon": numbers.tonnes(carbon.total, view.language),
        "per_kwh": numbers.intensity(_per(carbon.total, used.total), view.language),
        "above": (int((shares.values > _HIGH).sum()), int(np.isfinite(shares.values).sum())),
        "factor": factor,
        "factor_value": None if factor is None else f"{factor.in_unit('kg/kWh'):.4f}",
        "bars": bars,
        "points": [
            (f"{asset.name}/{port}", view.say(asset.shown))
            for asset in assets
            for port, meaning in asset.ports().items()
            if meaning.carrier == "electricity" and asset.role not in {"trade", "carry"}
        ][:24],
    }


def _periods(view: View, asked: Period, chosen: str) -> dict[str, Any]:
    query = urlencode({"party": chosen, "of": asked.name})
    return {
        "periods": asked.names,
        "of": asked.name,
        "pdf": f"/carbon/paper?{query}" if paper.browser() is not None else "",
        "same": f"&of={asked.name}" if asked.name else "",
        "run": asked.name or view.living.ledger_run,
        "at": f"@{asked.name}" if asked.name else "",
    }


def _per(carbon: float | None, used: float | None) -> float | None:
    return None if carbon is None or not used else 1e3 * carbon / used


def _parties(view: View) -> dict[str, tuple[Text, list[Kind]]]:
    every, own = list(view.living.run.world.assets), view.session.person.party
    found: dict[str, tuple[Text, list[Kind]]] = {}
    if own is None:
        found["all"] = (WORDS["park"], every)
    for party in view.park.parties:
        its = [asset for asset in every if asset.party == party.name]
        if its and own in {None, party.name}:
            found[party.name] = (party.label or Text(party.name, party.name), its)
    return found


def _map(shares: Report) -> dict[str, Any]:
    """Return the cells of the map: x, y, how strong, words; an hour that is not there has none."""
    days = shares.hours.astype("datetime64[D]")
    first = days[0]
    rows = sorted({int((day - first).astype(int)) for day in days})
    cells = []
    for hour, day, value in zip(shares.hours, days, shares.values, strict=True):
        x = int((hour - day).astype("timedelta64[h]").astype(int))
        y = int((day - first).astype(int))
        if np.isfinite(value):
            strong = int(np.interp(value, np.linspace(0, 1, len(_RAMP)), _RAMP))
            cells.append((x, y, strong, f"{str(hour).replace('T', ' ')}:00  {100 * value:.1f} %"))
    count = len(rows)
    labels = [
        ((row + 0.5) / count * 100, str(first + np.timedelta64(row, "D"))[5:]) for row in rows
    ]
    times = [(hour / 24 * 100, f"{hour:02d}:00") for hour in range(0, 24, 6)]
    return {"cells": cells, "rows": labels, "times": times, "width": 24, "height": count,
            "tall": min(30 * count, 480)}  # fmt: skip


def _days(shares: Report) -> int:
    days = shares.hours.astype("datetime64[D]").astype(int)
    return int(days[-1] - days[0]) + 1


def _year(shares: Report) -> dict[str, Any]:
    """Return a long map: one outline for each strength, so that a year of hours stays small."""
    days = shares.hours.astype("datetime64[D]")
    x = (days - days[0]).astype(int)
    y = (shares.hours - days).astype("timedelta64[h]").astype(int)
    count = int(x[-1]) + 1
    wide = _YEAR_WIDTH / count
    level = np.full(len(x), -1)
    known = np.isfinite(shares.values)
    level[known] = np.rint(shares.values[known] * (len(_RAMP) - 1)).astype(int)
    outlines = [
        (strong, "".join(
            f"M{a * wide:.1f} {b * _CELL}h{wide:.2f}v{_CELL}h-{wide:.2f}z"
            for a, b in zip(x[level == nth].tolist(), y[level == nth].tolist(), strict=True)
        ))
        for nth, strong in enumerate(_RAMP)
    ]  # fmt: skip
    starts = np.flatnonzero(np.diff(days.astype("datetime64[M]").astype(int), prepend=-1))
    months = [(100 * float(x[i]) / count, str(days[i])[:7]) for i in starts.tolist()]
    every = -(-len(months) // _MOST_MONTHS)
    hours = [((hour + 0.5) / 24 * 100, f"{hour:02d}:00") for hour in range(0, 24, 6)]
    return {"outlines": outlines, "rows": hours, "times": months[::every], "width": _YEAR_WIDTH,
            "height": 24 * _CELL, "tall": 24 * _CELL}  # fmt: skip


def _profile(shares: Report) -> list[tuple[int, float | None, str]]:
    """Return (hour, mean share in percent, words) over all days; None where no day has one."""
    hour = (
        (shares.hours - shares.hours.astype("datetime64[D]")).astype("timedelta64[h]").astype(int)
    )
    found: list[tuple[int, float | None, str]] = []
    for each in range(24):
        values = shares.values[(hour == each) & np.isfinite(shares.values)]
        mean = 100 * float(values.mean()) if len(values) else None
        found.append((each, mean, "" if mean is None else f"{each:02d}:00  {mean:.1f} %"))
    return found


PAGE = Page(
    "carbon", Text("Carbon", "碳"), WORDS, context, order=5, key="c", verb="see_own", paper="paper"
)
