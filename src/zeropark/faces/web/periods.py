"""Which past a page speaks of: the park since it began to live, or an earlier run in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zeropark.data.errors import DataError
from zeropark.operate.earlier import Earlier, Past, earlier, of_ledger, of_living
from zeropark.operate.reported import LEVELS
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.faces.web.page import View

WORDS = {
    "period": Text("Period", "时段"),
    "by": Text("By", "按"),
    "hour": Text("hour", "小时"),
    "day": Text("day", "日"),
    "month": Text("month", "月"),
    "now": Text("this life, up to now", "本次运行至今"),
    "run_plan": Text("{days} d from {first}, by plan", "自 {first} 起 {days} d，按计划"),
    "run_rules": Text("{days} d from {first}, by rules", "自 {first} 起 {days} d，按规则"),
}
_NO_LEVEL = Text(
    "'{given}' is no step of a report{meant} Allowed: hour, day, month",
    "“{given}”不是报告的步长{meant}允许：hour, day, month",
)
_NO_STORE = Text(
    "no ledger is connected, so there is no earlier run '{given}'",
    "未连接账本，没有历史运行“{given}”",
)
_EARLY = Text("Nothing has been lived yet.", "尚无数据。")
_DAYS_BY_HOUR, _DAYS_BY_DAY = 4.0, 93.0


@dataclass(frozen=True)
class Period:
    """What a page was asked for. name: "" of the present life, else of a run. names: to choose."""

    name: str
    names: dict[str, str]
    past: Past
    level: str


def period(view: View) -> Period:
    """Return the period of a view's address. Raises `DataError` where there is none."""
    name = view.query.get("of", "")
    names = {"": view.say(WORDS["now"])}
    names |= {each.id: _named(view, each) for each in _earlier(view)}
    assets, zone = view.living.run.world.assets, view.zone
    if not name:
        if view.frame is None:
            raise DataError("report_early", _EARLY)
        past = of_living(view.living, view.frame)
    else:
        place = view.living.place
        if place is None:
            raise DataError("run_absent", _NO_STORE.format(given=name[:40]))
        past = of_ledger(place, name, view.park.name, assets, zone)
    return Period(name, names, past, _level(view, past))


def _earlier(view: View) -> list[Earlier]:
    place = view.living.place
    return [] if place is None else earlier(place, view.park.name, view.living.run.world.assets)


def _named(view: View, run: Earlier) -> str:
    first = str(view.local(run.first).astype("datetime64[D]"))
    text = WORDS["run_plan" if run.policy == "plan" else "run_rules"]
    return view.say(text.format(days=f"{run.days:,.0f}", first=first))


def _level(view: View, past: Past) -> str:
    given = view.query.get("by")
    if given is None:
        days = float(past.lengths.sum()) / 24.0
        return "hour" if days <= _DAYS_BY_HOUR else "day" if days <= _DAYS_BY_DAY else "month"
    if given not in LEVELS:
        text = with_meant(_NO_LEVEL, meant(given, LEVELS), given=given[:20])
        raise DataError("level_unknown", text)
    return given


def written(moment: np.datetime64, level: str) -> str:
    """Return an hour, a day or a month of the park's clock as a person reads it."""
    text = str(moment.astype(f"datetime64[{LEVELS[level]}]"))
    return f"{text.replace('T', ' ')}:00" if level == "hour" else text
