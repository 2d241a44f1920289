"""Weather out of whatever columns a file has: what is missing is derived, and said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError, Finding
from zeropark.data.weather import air
from zeropark.data.weather.split import closure, split_global
from zeropark.data.weather.sunpath import SunPath, sun_path
from zeropark.data.weather.weather import (
    COLUMNS,
    MEASURED,
    Weather,
    clock,
    impossible_values,
    joined,
)
from zeropark.units.place import Place
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]

_CLOSES = 0.05  # Direct and diffuse may miss the global by this share before they are made anew.
_LATE = 0.5  # [h] clouds of the afternoon move the sun's centre by less
_WETTEST = 1.05  # relative humidity [1]; sensors overshoot by this much
_DEW_SLACK = 0.15  # [K] files round to 0.1 K


class Reading(NamedTuple):
    """What a reader made of a file: the weather, and what its user should know of it."""

    weather: Weather
    findings: list[Finding]


def weather_from_columns(
    grid: TimeGrid,
    place: Place,
    columns: Mapping[str, Floats],
    *,
    fill: Weather | None = None,
    typical: bool = False,
) -> Reading:
    """Return the weather on `grid` from `columns`, arrays of shape (N,) in inside units.

    columns: of `ghi, dni, dhi` [W/m2], `t_air, t_dew` [degC], `rh` [1], `pressure` [kPa],
    `wind_speed` [m/s at 10 m]. A dew point may be told by `rh`; where both are there, the dew
    point is the file's and the wet bulb comes from `rh`. Direct and diffuse are split off the
    global (Erbs) where absent or where the three do not close to 5 %; pressure is the standard one
    of the altitude where absent. What else is absent is taken from `fill`, such as a typical year.
    Each of these is a finding. Raises `DataError` for absent columns without `fill` and impossible
    values.
    """
    given = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
    findings: list[Finding] = []
    if "pressure" not in given:
        level = float(air.standard_pressure(place.altitude))
        given["pressure"] = np.full(len(grid), level)
        findings.append(_standard_pressure(level, place))
    if {"rh", "t_air"} <= given.keys():
        dew = _dew_from(grid, given["t_air"], given["rh"])
        given["t_wet"] = air.wet_bulb(given["t_air"], dew, given["pressure"])
        given.setdefault("t_dew", dew)
    given.pop("rh", None)
    findings += _filled(given, grid, fill)
    findings += _dew_below_air(given)
    complaints = impossible_values(grid, given)
    if complaints:
        raise DataError("weather_impossible", joined(complaints))
    path = sun_path(grid, place)
    findings += _late_sun(given["ghi"], grid, place, path)
    findings += _close_sun(given, path)
    return Reading(Weather.of(grid, place, given, typical=typical), findings)


def stamp_offset(ghi: Floats, grid: TimeGrid, place: Place, path: SunPath) -> float:
    """Return by how much the series' sun stands later than the true sun [h].

    The difference of the day's centres of global irradiance and of the irradiance outside the air,
    weighed by the global irradiance of the days; NaN without sun. Steps must be equal.
    """
    if float(ghi.sum()) <= 0:
        return float("nan")
    hour = (grid.starts - grid.starts[0]) / np.timedelta64(3600, "s") + grid.hours / 2
    utc = (grid.starts[0] - grid.starts[0].astype("datetime64[D]")) / np.timedelta64(3600, "s")
    solar = hour + float(utc) + place.longitude / 15
    day = np.floor(solar / 24).astype(np.int64)
    day -= day.min()
    clock = solar % 24
    light, total = np.bincount(day, ghi), np.bincount(day, path.extra_horizontal)
    lit = (light > 0) & (total > 0)
    seen = np.bincount(day, ghi * clock)[lit] / light[lit]
    true = np.bincount(day, path.extra_horizontal * clock)[lit] / total[lit]
    return float(np.average(seen - true, weights=light[lit]))


def _dew_from(grid: TimeGrid, t_air: Floats, rh: Floats) -> Floats:
    wrong = ~((rh > 0) & (rh <= _WETTEST))  # NaN counts as wrong
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(
            "humidity_impossible",
            Text(
                "rh (relative humidity): {value:g} at {time}; allowed above 0 to {most:g}"
                " ({count} such values)",
                "rh（相对湿度）：{time} 的值为 {value:g}；允许大于 0 至 {most:g}（共 {count} 个）",
            ).format(value=rh[at], time=clock(grid, at), most=_WETTEST, count=int(wrong.sum())),
        )
    return air.dew_point(t_air, np.minimum(rh, 1.0))


def _standard_pressure(level: float, place: Place) -> Finding:
    text = Text(
        "no pressure in the file; the standard {level:.1f} kPa of {altitude:g} m is used",
        "文件中没有气压；采用海拔 {altitude:g} m 的标准气压 {level:.1f} kPa",
    ).format(level=level, altitude=place.altitude)
    return Finding("pressure_standard", text)


def _filled(given: dict[str, Floats], grid: TimeGrid, fill: Weather | None) -> list[Finding]:
    absent = [name for name in ("ghi", *MEASURED) if name not in given]
    if not absent:
        return []
    names = ", ".join(f"{name} ({COLUMNS[name].title.en})" for name in absent)
    names_zh = "、".join(f"{name}（{COLUMNS[name].title.zh}）" for name in absent)
    if fill is None:
        raise DataError(
            "weather_columns_absent",
            Text(
                "the weather has no {names}; give these columns, or name a typical year to take"
                " them from",
                "气象数据缺少 {names_zh}；请补充这些列，或指定用来补齐的典型年",
            ).format(names=names, names_zh=names_zh),
        )
    other = fill.resample(grid)
    given |= {name: getattr(other, name) for name in absent}
    text = Text(
        "not in the file, taken from the typical year: {names}",
        "文件中没有，取自典型年：{names_zh}",
    ).format(names=names, names_zh=names_zh)
    return [Finding("weather_filled", text)]


def _dew_below_air(given: dict[str, Floats]) -> list[Finding]:
    """Lower dew points that stand above the air; more than rounding is a finding."""
    over = given["t_dew"] - given["t_air"]
    given["t_dew"] = np.minimum(given["t_dew"], given["t_air"])
    count = int((over > _DEW_SLACK).sum())
    if count == 0:
        return []
    text = Text(
        "{count} dew points stood above the air temperature, by up to {most:.1f} K; they were"
        " lowered to it",
        "有 {count} 个露点高于气温，最多高 {most:.1f} K；已降至气温",
    ).format(count=count, most=float(np.nanmax(over)))
    return [Finding("dew_above_air", text)]


def _late_sun(ghi: Floats, grid: TimeGrid, place: Place, path: SunPath) -> list[Finding]:
    offset = stamp_offset(ghi, grid, place, path)
    if not abs(offset) > _LATE:
        return []
    text = Text(
        "the file's sun stands {minutes:.0f} min {side} the true sun; check the zone and whether a"
        " time names the start, the middle or the end of its step",
        "文件中的太阳比真实太阳{side_zh} {minutes:.0f} min；"
        "请检查时区，以及时间表示时段的开始、中间还是结束",
    ).format(
        minutes=abs(offset) * 60,
        side="after" if offset > 0 else "before",
        side_zh="晚" if offset > 0 else "早",
    )
    return [Finding("sun_stamped_late" if offset > 0 else "sun_stamped_early", text)]


def _close_sun(given: dict[str, Floats], path: SunPath) -> list[Finding]:
    """Split the global where direct or diffuse is absent, or where they do not close."""
    ghi = given["ghi"]
    if {"dni", "dhi"} <= given.keys():
        share = closure(ghi, given["dni"], given["dhi"], path)
        if not abs(share - 1) > _CLOSES:
            return []
        text = Text(
            "direct and diffuse make {share:.0%} of the global irradiance; both were made anew from"
            " the global (Erbs)",
            "直接与散射之和为总辐照度的 {share:.0%}；已由总辐照度重新拆分（Erbs）",
        ).format(share=share)
        finding = Finding("sun_split_again", text)
    else:
        text = Text(
            "direct and diffuse irradiance were made from the global (Erbs)",
            "直接与散射辐照度由总辐照度拆分（Erbs）",
        )
        finding = Finding("sun_split", text)
    given["dni"], given["dhi"] = split_global(ghi, path)
    return [finding]
