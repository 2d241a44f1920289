"""What the columns of a person's table mean.

Guessed from their names, confirmed by the park file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zeropark.data.table import Table, wrong
from zeropark.data.times import looks_like_time
from zeropark.model.park import Series
from zeropark.units.quantity import UnitError, parse_unit
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

# Words in a column's name, most telling first. A name is cut into words at signs and at capitals.
_TIME = (
    "datetime",
    "timestamp",
    "time",
    "date",
    "utc",
    "hour",
    "zeit",
    "datum",
    "时间",
    "日期",
    "时刻",
)
_LOAD = (
    "load",
    "usage",
    "consumption",
    "demand",
    "use",
    "power",
    "energy",
    "负荷",
    "用电",
    "功率",
    "电量",
)
_PRICE = ("price", "tariff", "cost", "lmp", "spot", "电价", "价格", "价")
_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "weather": {
        "ghi": (
            "ghi",
            "global horizontal",
            "global irradiance",
            "global radiation",
            "shortwave radiation",
            "solar radiation",
            "irradiance",
            "总辐射",
            "总辐照度",
            "辐照度",
        ),
        "dni": ("dni", "direct normal", "beam", "法向直接"),
        "dhi": ("dhi", "diffuse", "散射"),
        "t_dew": ("t dew", "dew point", "dewpoint", "dew", "露点"),
        "t_air": (
            "t air",
            "temp air",
            "air temperature",
            "temperature",
            "temp",
            "t2m",
            "气温",
            "温度",
        ),
        "rh": ("rh", "relative humidity", "humidity", "湿度"),
        "pressure": ("pressure", "气压"),
        "wind_speed": ("wind speed", "windspeed", "ws10m", "风速"),
    },
    "jobs": {
        "arrival": ("arrival", "arrive", "submit", "creation", "created", "到达", "提交"),
        "end": ("deletion", "completion", "finish", "结束"),
        "hours": ("length", "runtime", "duration", "run time", "hours", "运行", "时长"),
        "cores": ("cpus", "cores", "procs", "cpu milli", "cpu", "processors", "核"),
        "deadline": ("deadline", "due", "截止"),
        "slack": ("slack", "宽限"),
        "estimate": ("estimate", "requested time", "walltime", "估计"),
        "class": ("class", "qos", "queue", "category", "类别"),
    },
    "cars": {
        "stated": ("estimated departure", "stated departure", "预计离开"),
        "arrival": ("arrival", "arrive", "connection", "connect", "到达", "插枪"),
        "departure": ("departure", "depart", "disconnect", "离开", "拔枪"),
        "delivered": ("delivered", "energy", "充电量", "电量"),
        "requested": ("requested", "request", "需求"),
        "station": ("station id", "station", "connector", "桩"),
    },
    "outages": {
        "from": ("from", "begin", "start", "开始"),
        "to": ("to", "until", "end", "结束"),
        "announced": ("announced", "planned", "计划", "预告"),
    },
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "weather": (),
    "jobs": ("arrival", "cores"),
    "cars": ("arrival", "departure"),
    "outages": ("from", "to"),
}
_UNIT_IN_SIGNS = re.compile(r"[\[(（【]\s*([^\])）】]+?)\s*[\])）】]")
_MONEY = {
    "¥": "CNY",
    "￥": "CNY",
    "元": "CNY",
    "RMB": "CNY",
    "yuan": "CNY",
    "Yuan": "CNY",
    "万元": "10kCNY",
}
_CHINESE_UNITS = {
    "千瓦时": "kWh",
    "兆瓦时": "MWh",
    "度": "kWh",
    "千瓦": "kW",
    "兆瓦": "MW",
    "小时": "h",
    "秒": "s",
}
_AS_WRITTEN = {
    u.lower(): u for u in ("W", "kW", "MW", "GW", "Wh", "kWh", "MWh", "GWh", "CNY", "h", "s", "min")
}

_NO_COLUMN = Text(
    "there is no column '{given}'{meant} Columns: {known}", "没有列“{given}”{meant}列：{known}"
)
_NO_TIME = Text(
    "no column of times was found; name it in the park file: time: one of {known}",
    "找不到时间列；在园区文件写 time:，可选：{known}",
)
_NO_VALUES = Text(
    "no column of {what} was found; name it in the park file: column: one of {known}",
    "找不到{what}列；在园区文件写 column:，可选：{known}",
)
_MANY = Text(
    "{count} columns could be {what}; name one in the park file: column: one of {known}",
    "有 {count} 列可能是{what}；在园区文件写 column:，其一：{known}",
)
_NO_NEED = Text(
    "no column for {needed} was found; name it in the park file: "
    "columns: {{{needed}: one of {known}}}",
    "找不到 {needed} 列；在园区文件写 columns: {{{needed}: …}}，可选：{known}",
)
WHAT = {"load": Text("load", "负荷"), "price": Text("price", "电价")}


@dataclass(frozen=True)
class Meaning:
    """Which column means what. unit: as its name says it, None where it says none."""

    columns: Mapping[str, str]
    units: Mapping[str, str | None]


def words_of(name: str) -> str:
    """Return a column's name as lower-case words.

    `estimatedDeparture_kWh` is `estimated departure kwh`.
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[^0-9a-z\u4e00-\u9fff]+", " ", apart.lower()).strip()


def unit_in_name(name: str) -> str | None:
    """Return the unit that a column's name ends with or holds in brackets; None where it has none.

    A unit may be one this product cannot convert, such as EUR/MWh.
    """
    signs = _UNIT_IN_SIGNS.search(name)
    if signs:
        return _tidy_unit(signs[1])
    per = re.search(r"([A-Za-z0-9]+)[_ ]per[_ ]([A-Za-z]+)$", name)
    if per:
        return _tidy_unit(f"{per[1].rpartition('_')[2]}/{per[2]}")
    for chinese, symbol in _CHINESE_UNITS.items():
        if name.endswith(chinese):
            return symbol
    last = re.split(r"[_\s.]+", name)[-1]
    tidy = _AS_WRITTEN.get(last.lower())
    return tidy if tidy and (len(tidy) > 1 or last != name) else None


def _tidy_unit(text: str) -> str:
    for word, symbol in (*_MONEY.items(), *_CHINESE_UNITS.items()):
        text = text.replace(word, symbol)
    parts = [_AS_WRITTEN.get(part.strip().lower(), part.strip()) for part in text.split("/")]
    return "/".join(parts)


def is_known(unit: str) -> bool:
    """Return whether this product can convert the unit."""
    try:
        parse_unit(unit)
    except UnitError:
        return False
    return True


def time_column(table: Table, said: Series | None) -> str:
    """Return the name of the column of times; raises `ParkError` where none is told or found."""
    if said is not None and said.time is not None:
        return _existing(table, said.time)
    dated = [name for name, cells in table.columns.items() if looks_like_time(cells[:50])]
    if not dated:
        raise wrong(table.file, "no_time", _NO_TIME.format(known=", ".join(table.columns)))
    return _best(dated, _TIME) or dated[0]


def value_column(table: Table, what: str, said: Series | None) -> str:
    """Return the name of the column of loads or prices; raises `ParkError` where none is clear."""
    if said is not None and said.column is not None:
        return _existing(table, said.column)
    cells = {name: column[:50] for name, column in table.columns.items()}
    numeric = [n for n in cells if table.is_numeric(n) and not looks_like_time(cells[n])]
    numeric = [n for n in numeric if "var" not in words_of(n) and "power factor" not in words_of(n)]
    dimension = "energy" if what == "load" else "money"
    fitting = [n for n in numeric if _fits(unit_in_name(n), dimension)]
    named = [n for n in (fitting or numeric) if _rank(n, _LOAD if what == "load" else _PRICE) >= 0]
    found = named or fitting or numeric
    shown = ", ".join(numeric or table.columns)
    words = WHAT[what]
    if not found:
        text = Text(
            _NO_VALUES.en.format(what=words.en, known=shown),
            _NO_VALUES.zh.format(what=words.zh, known=shown),
        )
        raise wrong(table.file, "no_column", text)
    if len(found) > 1:
        text = Text(
            _MANY.en.format(count=len(found), what=words.en, known=", ".join(found)),
            _MANY.zh.format(count=len(found), what=words.zh, known=", ".join(found)),
        )
        raise wrong(table.file, "many_columns", text)
    return found[0]


def _fits(unit: str | None, dimension: str) -> bool:
    if unit is None:
        return False
    head = unit.partition("/")[0]
    if dimension == "money":
        return "/" in unit and unit.endswith("Wh")
    return "/" not in unit and head in {"W", "kW", "MW", "GW", "Wh", "kWh", "MWh", "GWh"}


def event_columns(table: Table, what: str, said: Series | None) -> Meaning:
    """Return the columns of weather, jobs, cars or outages.

    Raises `ParkError` where a needed one is missing.
    """
    told = dict(said.columns) if said is not None else {}
    found = {meaning: _existing(table, name) for meaning, name in told.items()}
    free = [name for name in table.columns if name not in found.values()]
    for meaning, words in _WORDS[what].items():
        best = None if meaning in found else _best(free, words)
        if best is not None:
            found[meaning] = best
            free.remove(best)
    missing = [needed for needed in _NEEDED[what] if needed not in found]
    if missing:
        text = _NO_NEED.format(needed=missing[0], known=", ".join(table.columns))
        raise wrong(table.file, "no_column", text)
    return Meaning(found, {meaning: unit_in_name(name) for meaning, name in found.items()})


def _existing(table: Table, name: str) -> str:
    if name not in table.columns:
        near = meant(name, table.columns)
        text = with_meant(_NO_COLUMN, near, given=name, known=", ".join(table.columns))
        raise wrong(table.file, "column_unknown", text)
    return name


def _rank(name: str, words: Sequence[str]) -> int:
    """Return how early a word stands in `words` that the name has; -1 where it has none."""
    mine = f" {words_of(name)} "
    for rank, word in enumerate(words):
        if f" {word} " in mine or (ord(word[0]) > 127 and word in name):  # noqa: PLR2004 - not ASCII
            return rank
    return -1


def _best(names: Sequence[str], words: Sequence[str]) -> str | None:
    ranked = [(rank, i, name) for i, name in enumerate(names) if (rank := _rank(name, words)) >= 0]
    return min(ranked)[2] if ranked else None
