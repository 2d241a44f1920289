"""Compute: halls and their cooling against the weather, jobs against green power."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zeropark.faces.report.curves import spells
from zeropark.faces.report.shown import amount, ratio
from zeropark.faces.web import numbers
from zeropark.faces.web.page import Page, View
from zeropark.faces.web.timeline import Lane, Span, curve, lane
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zeropark.assets.kind import Kind

WORDS = {
    "head": Text("Compute", "算力"),
    "none": Text("This park computes nothing.", "本园区没有算力。"),
    "early": Text("Nothing has been lived yet.", "尚无数据。"),
    "halls": Text("Halls", "机房"),
    "hall": Text("hall", "机房"),
    "it": Text("machines", "IT 功率"),
    "all": Text("electricity", "用电"),
    "pue": Text("PUE", "PUE"),
    "cooling": Text("cooling", "冷却方式"),
    "cores": Text("cores in use", "占用核数"),
    "jobs": Text("Jobs", "作业"),
    "pool": Text("job pool", "作业池"),
    "weather": Text("Cooling against the weather", "冷却与天气"),
    "air": Text("outside air", "室外气温"),
    "wet": Text("wet-bulb", "湿球温度"),
    "temperature": Text("Temperature", "温度"),
    "mode": Text("Cooling mode", "冷却方式"),
    "green": Text("Jobs against green power", "作业与绿电"),
    "running": Text("Cores", "核数"),
    "clean": Text("Clean share of the park", "园区清洁占比"),
    "lived": Text("measured, then plan", "实测，其后计划"),
    "degree": Text("°C", "℃"),
    "kcore": Text("thousand cores", "千核"),
}
_PAST_H, _AHEAD_H = 24.0, 24.0


def context(view: View) -> Mapping[str, Any]:
    """Return what the page shows."""
    assets = view.living.run.world.assets
    computing = [asset for asset in assets if "compute" in _carriers(asset)]
    halls = [asset for asset in computing if asset.role == "convert"]
    pools = [asset for asset in computing if asset.role == "use"]
    given = {"any": bool(computing), "there": view.frame is not None}
    if not computing or view.frame is None:
        return given
    span = Span(view, _PAST_H, _AHEAD_H)
    return {
        **given,
        "halls": [_hall(view, hall) for hall in halls],
        "pools": [_pool(view, pool) for pool in pools],
        "weather": span.chart(_weather(view, span, halls), left=112),
        "green": span.chart(_green(view, span, pools)),
    }


def _carriers(asset: Kind) -> set[str]:
    return {port.carrier for port in asset.ports().values()}


def _read(view: View, asset: Kind, point: str) -> float | None:
    assert view.frame is not None, "asked once there is a frame"
    value = view.frame.readings[asset.name].get(point)
    return None if value is None or not np.isfinite(value) else float(value)


def _hall(view: View, hall: Kind) -> dict[str, Any]:
    machines, power = _read(view, hall, "it"), _read(view, hall, "p")
    mode = _read(view, hall, "cooling_mode")
    codes = next((p.codes for p in hall.points if p.name == "cooling_mode"), ())
    known = mode is not None and int(mode) < len(codes)
    cores, pue = _read(view, hall, "cores"), _read(view, hall, "pue")
    return {
        "name": hall.name,
        "label": view.say(hall.shown),
        "it": numbers.figure(numbers.power(machines), machines, view.language),
        "p": numbers.figure(numbers.power(power), power, view.language),
        "pue": numbers.figure(ratio(), pue, view.language),
        "mode": view.say(codes[int(mode)]) if known and mode is not None else None,
        "cores": numbers.figure(amount("", cores), cores, view.language),
    }


def _pool(view: View, pool: Kind) -> dict[str, Any]:
    shown = []
    for point in pool.shown_points():
        value = _read(view, pool, point.name)
        unit = {"1": "", "core": ""}.get(point.unit, point.unit)
        shown.append(
            (view.say(point.means), numbers.figure(amount(unit, value), value, view.language))
        )
    return {"name": pool.name, "label": view.say(pool.shown), "points": shown}


def _weather(view: View, span: Span, halls: list[Kind]) -> list[Lane]:
    def w(key: str) -> str:
        return view.say(WORDS[key])

    lines = [
        curve(w("air"), "measured", span.values("weather/t_air_c")),
        curve(w("wet"), "measured", span.values("weather/t_wet_c"), carrier="cooling"),
    ]
    lanes = [lane(w("temperature"), w("degree"), 110, lines=lines, decimals=1)]
    rows = []
    for hall in halls:
        codes = next((p.codes for p in hall.points if p.name == "cooling_mode"), ())
        modes = span.lived.get(f"{hall.name}/cooling_mode")
        if modes is None or not codes:
            continue
        found = spells(modes, span.curves.hours[: span.now + 1])
        told = [
            (since, until, view.say(codes[code])) for since, until, code in found
            if code is not None and code < len(codes)
        ]  # fmt: skip
        rows.append({"label": view.say(hall.shown), "carrier": "cooling", "spells": told})
    if rows:
        lanes.append(lane(w("mode"), "", 0, rows=rows))
    return lanes


def _green(view: View, span: Span, pools: list[Kind]) -> list[Lane]:
    lines = [
        curve(view.say(pool.shown), "measured",
              span.values(f"{pool.name}/cores_core") / 1e3, carrier="compute")
        for pool in pools
    ]  # fmt: skip
    clean = [curve(view.say(WORDS["lived"]), "measured", 100 * span.values("park/clean_share_pu"))]
    return [
        lane(view.say(WORDS["running"]), view.say(WORDS["kcore"]), 120, lines=lines, decimals=1),
        lane(view.say(WORDS["clean"]), "%", 80, lines=clean, percent=True, decimals=1),
    ]


PAGE = Page("compute", Text("Compute", "算力"), WORDS, context, order=3, key="m")
