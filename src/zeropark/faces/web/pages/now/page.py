"""Now: the park as it is, readable from three metres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zeropark.faces.report.flows import Band, Flow
from zeropark.faces.report.sankey import NARROW, WIDE, Drawing, draw
from zeropark.faces.report.words import say
from zeropark.faces.web import numbers
from zeropark.faces.web.page import Page, View
from zeropark.faces.web.timeline import Span, carrier_of, curve, lane, supply, used
from zeropark.operate.alarms import rows
from zeropark.operate.today import Today, doing, flows_by_carrier
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zeropark.assets.kind import Kind
    from zeropark.operate.ahead import Ahead

WORDS = {
    "import": Text("Grid import", "电网购电"),
    "export": Text("export {p}", "上网 {p}"),
    "contract": Text("contracted demand", "合同需量"),
    "no_contract": Text("no contract", "无合同"),
    "peak": Text("highest today {p} at {at}", "今日最大 {p} · {at}"),
    "clean": Text("Clean share", "清洁占比"),
    "so_far": Text("today so far", "今日至此"),
    "ahead": Text("next {hours} h {share}", "未来 {hours} h {share}"),
    "carbon": Text("Carbon", "碳强度"),
    "method": Text("location-based, factor of {year}", "基于位置，{year} 年因子"),
    "no_factor": Text("no factor is known for this place", "此地无已知因子"),
    "cost": Text("Cost today", "今日成本"),
    "price_now": Text("import price", "购电价"),
    "cost_why": Text("energy, demand charge and wear", "含电量、需量与损耗"),
    "stored": Text("Storage", "储能"),
    "charging": Text("charging", "充电"),
    "giving": Text("discharging", "放电"),
    "resting": Text("at rest", "静置"),
    "alarms": Text("Alarms", "报警"),
    "operates": Text("Alarms of operate", "operate 告警"),
    "open": Text("not acknowledged", "未确认"),
    "seen": Text("acknowledged", "已确认"),
    "acknowledge": Text("Acknowledge", "确认"),
    "shelve": Text("Shelve", "搁置"),
    "shelve_h": Text("for, h", "时长，h"),
    "no_alarms": Text("Nothing is wrong.", "一切正常。"),
    "sorted": Text("by priority, then by time", "按优先级，其次按时间"),
    "picture": Text("The park, {carrier}", "园区 · {carrier}"),
    "picture_caption": Text("width is power; {clock}", "线宽即功率；{clock}"),
    "timeline": Text("From last night to tomorrow", "昨夜到明日"),
    "power": Text("Power", "功率"),
    "use": Text("use", "用电"),
    "band": Text("grey: sun and wind, 10 to 90 of 100 cases", "灰带：风光预测 P10–P90"),
    "price": Text("Price", "电价"),
    "soc": Text("Charge", "荷电"),
    "doing": Text("What the automation is doing", "自动化在做什么"),
    "plan_grade": Text("plan {grade}, made in {ms} ms", "计划{grade}，用时 {ms} ms"),
    "optimal": Text("optimal", "最优"),
    "deadline": Text("best at the deadline", "到期最佳"),
    "last_good": Text("last good", "上一有效"),
    "rules": Text("by rules", "按规则"),
    "until": Text("until {at}", "至 {at}"),
    "gave": Text("What will give way", "将要让步"),
    "gave_none": Text("No limit has to give way in the plan.", "计划内没有限值需要让步。"),
    "see_plan": Text("See the plan", "看计划"),
    "more": Text("and {count} more, all smaller", "另有 {count} 项，均较小"),
    "others": Text("{count} others", "其他 {count} 项"),
    "gives": Text("gives", "给出"),
    "takes": Text("takes", "取用"),
    "since": Text("since", "自"),
    "what": Text("what", "对象"),
    "said": Text("what is wrong", "内容"),
    "priority": Text("priority {p}", "优先级 {p}"),
    "mean": Text("mean of {minutes} min", "{minutes} min 均值"),
}
_LEAST = 1e-6
# So many bands on a side of the picture, and acts in the list, can be read from three metres.
_BANDS, _ACTS = 12, 9
_SHOWN_H = (12.0, 24.0)


def context(view: View) -> Mapping[str, Any]:
    """Return what the page shows."""
    now = view.today
    if now is None or view.frame is None:
        return {"there": False}
    grid = view.living.run.world.grid
    return {
        "there": True,
        "mean": round(grid.step_hours * 60),
        "clock": view.clock(view.frame.at),
        "catching_up": view.frame.catching_up,
        **_strip(view, now),
        "pictures": list(_pictures(view)),
        "chart": _timeline(view),
        **_automation(view),
        "operates": _operates(view),
        "alarms": [
            {"p": each.priority, "since": view.clock(each.since), "what": view.say(each.what),
             "text": view.say(each.text)}
            for each in now.alarms
        ],
    }  # fmt: skip


def _operates(view: View) -> list[dict[str, Any]]:
    """Return the alarms that operate raised, in words, worst first."""
    status = view.status
    if status is None:
        return []
    known = rows()
    return [
        {
            "id": each["id"],
            "priority": each["priority"],
            "label": view.say(known[each["id"].partition(":")[0]].title),
            "advice": view.say(known[each["id"].partition(":")[0]].action),
            "open": each["state"] != "acknowledged",
        }
        for each in status["alarms"]
    ]


def _strip(view: View, now: Today) -> dict[str, Any]:
    language, write = view.language, numbers.power(now.imported, now.contract, now.exported)
    peak = now.day.figures["grid_peak_mw"]
    stored, ahead = now.stored, view.frame.ahead if view.frame else None
    limit = now.contract or max(peak, now.imported, _LEAST)
    return {
        "imported": numbers.figure(write, now.imported, language),
        "exported": view.say(write.full(now.exported)) if now.exported > _LEAST else "",
        "contract": None if now.contract is None else view.say(write.full(now.contract)),
        "peak": view.say(write.full(peak)),
        "peak_at": "" if now.peak_at is None else view.clock(now.peak_at),
        "gauge": (min(100.0, 100 * now.imported / limit), min(100.0, 100 * peak / limit)),
        "clean": numbers.share(now.now.figures["clean_share"], language),
        "clean_day": numbers.share(now.day.figures["clean_share"], language),
        "clean_ahead": None
        if ahead is None
        else _clean_ahead(ahead, language),
        "carbon": numbers.intensity(now.now.intensity_kg_per_mwh, language),
        "carbon_day": numbers.tonnes(now.day.co2_t, language),
        "factor": now.factor,
        "cost": numbers.cost(now.day.cost_cny, language),
        "price": numbers.price(now.price, language),
        "soc": numbers.share(stored.share, language),
        "soc_gauge": 100 * (stored.share or 0.0),
        "stored": view.say(numbers.energy(stored.capacity).full(stored.energy)),
        "capacity": view.say(numbers.energy(stored.capacity).full(stored.capacity)),
        "store_power": view.say(numbers.power(stored.power).full(abs(stored.power))),
        "store_way": _way(stored.power),
        "counts": [(p, sum(1 for each in now.alarms if each.priority == p)) for p in (1, 2, 3)],
    }  # fmt: skip


def _clean_ahead(ahead: Ahead, language: str) -> tuple[int, numbers.Figure]:
    return round(float(ahead.grid.hours.sum())), numbers.share(
        ahead.figures["clean_share"], language
    )


def _way(power: float) -> str:
    """Return the word for what a store does at a power [MW], discharge +."""
    if abs(power) < _LEAST:
        return "resting"
    return "charging" if power < 0 else "giving"


def _pictures(view: View) -> Any:
    """Yield (words for the carrier, wide drawing, narrow drawing) of each carrier that flows."""
    assert view.frame is not None, "asked once there is a frame"
    flows = flows_by_carrier(view.living, view.frame)
    for carrier, entries in sorted(flows.items(), key=lambda each: each[0] != "electricity"):
        if carrier in {"compute", "material", "water"}:
            continue
        flow = _flow(carrier, entries)
        if flow.sources and flow.uses:
            pair: tuple[Drawing, Drawing] = (
                draw(flow, WIDE, write=numbers.power),
                draw(flow, NARROW, write=numbers.power),
            )
            yield view.say(say(carrier)), *pair


def _flow(carrier: str, entries: list[tuple[Kind, float]]) -> Flow:
    sources, uses = [], []
    for asset, flow in entries:
        if abs(flow) <= _LEAST:
            continue
        ends = "compute" if "compute" in asset.ports() and carrier == "electricity" else carrier
        neutral = asset.role == "grid" or (carrier == "electricity" and not asset.clean)
        if flow > 0:
            manner = "stock" if asset.role == "store" else "grid" if neutral else "clean"
            sources.append(Band(asset.name, asset.shown, manner, carrier, flow))
        else:
            manner = {"grid": "export", "store": "stock"}.get(asset.role, "use")
            uses.append(Band(asset.name, asset.shown, manner, ends, -flow))
    order = {"export": 0, "clean": 1, "use": 1, "stock": 2, "grid": 4}

    def largest_first(band: Band) -> tuple[int, bool, float]:
        return order[band.manner], not band.key, -band.mwh

    left, right = (tuple(sorted(few(side, carrier), key=largest_first)) for side in (sources, uses))
    return Flow(carrier, left, right)


def few(side: list[Band], carrier: str) -> list[Band]:
    """Return a side's largest bands; what is too thin for a name of its own stands together."""
    if len(side) <= _BANDS:
        return side
    thick = sorted(side, key=lambda band: -band.mwh)
    shown, rest = thick[: _BANDS - 1], thick[_BANDS - 1 :]
    label = WORDS["others"].format(count=len(rest))
    manner = "clean" if all(band.manner == "clean" for band in rest) else "use"
    total = sum(band.mwh for band in rest)
    return [*shown, Band("", label, manner, carrier, total)]


def _timeline(view: View) -> str:
    span = Span(view, *_SHOWN_H)
    assets = view.living.run.world.assets
    taken = used(span, "electricity")
    measure = numbers.power(float(max(taken[: span.now].max(initial=0.0), _LEAST)))
    factor, unit = measure.factors[0], view.say(measure.unit)

    def w(key: str) -> str:
        return view.say(WORDS[key])

    lanes = [
        lane(
            w("power"), unit, 210, stack=supply(span, "electricity", factor),
            lines=[curve(w("use"), "measured", taken * factor)], band=_band(span, factor),
        )
    ]  # fmt: skip
    ties = [asset for asset in assets if asset.role == "grid"]
    if ties:
        prices = _prices(span, ties[0])
        label = w("price_now")
        lanes.append(
            lane(w("price"), numbers.price(0.0, view.language).unit, 40, decimals=4,
                 lines=[curve(label, "measured", prices / 1e3)])
        )  # fmt: skip
    stores = [asset for asset in assets if asset.role == "store"]
    if stores:
        lines = [
            curve(view.say(each.shown), "measured", 100 * span.values(f"{each.name}/soc_pu"),
                  carrier=next(iter(each.ports().values())).carrier)
            for each in stores
        ]  # fmt: skip
        lanes.append(lane(w("soc"), "%", 46, lines=lines, percent=True, states=True, decimals=1))
    return span.chart(lanes)


def _prices(span: Span, tie: Kind) -> Any:
    """Return the import price over the span [CNY/MWh]: it is known ahead."""
    grid = span.view.living.run.world.truth
    part = grid.window(span.first, span.first + span.now + span.steps)
    return tie.signals(part)["price_import"][0]


def _band(span: Span, factor: float) -> dict[str, Any] | None:
    band = span.frame.band
    if band is None:
        return None
    first = span.frame.index + 1 - band.first
    low, high = (values[first : first + span.steps] * factor for values in (band.low, band.high))
    if len(low) < span.steps:
        return None
    return {
        "low": curve("", "plan", span.joined(None, low))["values"],
        "high": curve("", "plan", span.joined(None, high))["values"],
    }


def _automation(view: View) -> dict[str, Any]:
    assert view.frame is not None, "asked once there is a frame"
    ahead = view.frame.ahead
    every = doing(view.living, view.frame)
    write = numbers.power(*(each.power for each in every))
    acts = [
        {
            "asset": each.asset.name,
            "label": view.say(each.asset.shown),
            "way": "gives" if (each.power or 0.0) > 0 else "takes",
            "power": None if each.power is None else view.say(write.full(abs(each.power))),
            "until": view.clock(each.until),
            "why": view.say(each.why),
            "carrier": carrier_of(each.asset),
        }
        for each in every[:_ACTS]
    ]
    gave = [] if ahead is None else [each["sentence"][view.language] for each in ahead.gave_way]
    return {
        "acts": acts,
        "more": len(every) - len(acts),
        "gave": gave[:_ACTS],
        "grade": "rules" if ahead is None else ahead.grade,
        "made_ms": None if ahead is None else round(ahead.seconds * 1e3),
    }


PAGE = Page("now", Text("Now", "现在"), WORDS, context, order=1, key="n")
