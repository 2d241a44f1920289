"""Asset: one thing's faceplate: what it shows, what it was told, its limits, reasons, entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zeropark.data.errors import DataError
from zeropark.faces.report.shown import Measure, amount
from zeropark.faces.report.words import say as term
from zeropark.faces.web import numbers
from zeropark.faces.web.page import Page, View
from zeropark.faces.web.timeline import Lane, Span, carrier_of, curve, lane
from zeropark.formulation.reasons import WORDS as REASONS
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zeropark.assets.kind import Kind
    from zeropark.model.asset import Point

WORDS = {
    "list": Text("All assets", "全部资产"),
    "asset": Text("asset", "资产"),
    "kind": Text("kind", "种类"),
    "party": Text("party", "主体"),
    "carrier": Text("carriers", "载体"),
    "power": Text("power into the node now", "当前注入节点功率"),
    "automatic": Text("automatic, by plan", "自动 · 按计划"),
    "free": Text("not steered", "不受控"),
    "state": Text("State", "状态"),
    "told": Text("told {value}", "定值 {value}"),
    "mean": Text("mean of {minutes} min", "{minutes} min 均值"),
    "plate": Text("Nameplate", "铭牌"),
    "history": Text("Last day and the plan", "近一日与计划"),
    "into": Text("{carrier}, into the node +", "{carrier}，注入节点为正"),
    "lived": Text("measured, then plan", "实测，其后计划"),
    "reasons": Text("Set-points and reasons", "定值与理由"),
    "none": Text("No reason stands: nothing is planned for it.", "无理由：没有为其制定计划。"),
    "hand": Text("Hand control", "人工控制"),
    "by_hand": Text("by hand", "人工"),
    "locked": Text("locked", "已闭锁"),
    "no_lever": Text("Nothing of it can be set by hand.", "没有可人工设定的量。"),
    "point": Text("set-point", "定值"),
    "shows": Text("shows", "显示"),
    "is_told": Text("told", "定值"),
    "set_kw": Text("set to, kW", "设为，kW"),
    "hold": Text("Set by hand", "人工设定"),
    "auto": Text("Back to automatic", "恢复自动"),
    "rest": Text("Safe value: hold 1 s", "安全值：按住 1 s"),
    "lock": Text("Lock out: hold 1 s", "检修闭锁：按住 1 s"),
    "unlock": Text("End the lock", "解除闭锁"),
    "entries": Text("Last commands", "近期命令"),
    "why_rest": Text("at rest", "静置"),
    "why_out_of_service": Text("left out: locked, or does not follow", "停用：闭锁或未跟随"),
    "why_stop": Text("the park is stopped", "全园急停中"),
    "why_charge_band": Text("at an end of its band", "到储量限值"),
    "why_charge_unknown": Text("its charge is not known", "荷电未知"),
    "why_flow_limit": Text("keeps a flow within its limit", "守住潮流限值"),
    "why_call": Text("keeps what a call has promised", "兑现调用"),
    "why_blind": Text("a flow cannot be seen", "潮流无读数"),
    "why_ramp": Text("rises no faster than agreed", "按约定爬坡"),
    "why_standing": Text("may stand without a watchdog", "可长期保持的定值"),
    "stage_asked": Text("waits", "等待"),
    "stage_taken": Text("carried out", "已执行"),
    "stage_voided": Text("voided", "已作废"),
    "stage_taken_unrecorded": Text("carried out, not yet recorded", "已执行，待补记"),
    "stage_asked_unrecorded": Text("waits, not yet recorded", "等待，待补记"),
    "proof": Text("Readings and proof", "读数与证明"),
    "readings": Text("Follow a reading down to its leaf", "追溯读数到账本叶"),
}
_UNKNOWN = Text("'{given}' is no asset of this park{meant}", "园区没有资产“{given}”{meant}")
_PAST_H, _AHEAD_H = 24.0, 24.0


def context(view: View) -> Mapping[str, Any]:
    """Return what the page shows: one asset, or the list of all."""
    assets = {asset.name: asset for asset in _mine(view)}
    if not view.rest:
        return {"one": None, "rows": [_row(view, asset) for asset in assets.values()]}
    if view.rest not in assets:
        near = meant(view.rest, assets)
        raise DataError("asset_unknown", with_meant(_UNKNOWN, near, given=view.rest[:40]))
    asset = assets[view.rest]
    return {
        "one": asset,
        "label": view.say(asset.shown),
        "kind": view.say(asset.title),
        "party": _party(view, asset),
        "steered": view.frame is not None and bool(view.frame.written.get(asset.name)),
        "minutes": round(view.living.run.world.grid.step_hours * 60),
        "points": list(_points(view, asset)),
        "plate": list(_plate(view, asset)),
        "chart": None if view.frame is None else _chart(view, asset),
        "reasons": _reasons(view, asset),
        "hand": _hand(view, asset),
        "stages": WORDS,
        "port": next(iter(asset.ports()), ""),
        "run": view.living.ledger_run,
    }


def _hand(view: View, asset: Kind) -> dict[str, Any] | None:
    """Return how the asset stands at operate; None where nothing of it can be set."""
    status = view.status
    steered = asset.steered()
    if status is None or not steered:
        return None
    means = {point.name: view.say(point.means) for point in asset.shown_points()}
    levers = []
    for each in steered:
        now = status.get("levers", {}).get(f"{asset.name}/{each.point}", {})
        told, shown = now.get("told_mw"), now.get("shown_mw")
        measure = numbers.power(max(abs(each.low), abs(each.high)))
        unit, factor = view.say(measure.unit), measure.factors[0]
        levers.append(
            {
                "point": each.point,
                "means": means.get(each.point, each.point),
                "why": _because(view, str(now.get("why", ""))),
                "told": numbers.figure(measure, told, view.language),
                "shown": numbers.figure(measure, shown, view.language),
                "limits": f"{each.low * factor:,.6g} – {each.high * factor:,.6g} {unit}".replace(
                    "-", "−"
                ),
            }
        )
    return {
        "levers": levers,
        "held": any(key.partition("/")[0] == asset.name for key in status["hand_mw"]),
        "locked": asset.name in status["locked"],
        "done": [each for each in status["asked"] if each["on"] == asset.name][:6],
    }


def _because(view: View, code: str) -> str:
    words = REASONS.get(code)
    if words is not None:
        return view.say(words.words)
    own = WORDS.get(f"why_{code.partition(':')[0]}")
    return code if own is None else view.say(own)


def _mine(view: View) -> list[Kind]:
    """Return the assets a person may see: a party sees its own."""
    party = view.session.person.party
    every = view.living.run.world.assets
    return [asset for asset in every if party is None or asset.party == party]


def _party(view: View, asset: Kind) -> str:
    found = next((p for p in view.park.parties if p.name == asset.party), None)
    return "" if found is None else view.say(found.label or Text(found.name, found.name))


def _row(view: View, asset: Kind) -> dict[str, Any]:
    frame = view.frame
    flows = {} if frame is None else frame.flows.get(asset.name, {})
    carriers = dict.fromkeys(port.carrier for port in asset.ports().values())
    energy = [
        flows[name] for name, port in asset.ports().items()
        if name in flows and port.carrier not in {"compute", "material"}
    ]  # fmt: skip
    now = energy[0] if energy else None
    return {
        "name": asset.name,
        "label": view.say(asset.shown),
        "kind": view.say(asset.title),
        "party": _party(view, asset),
        "carriers": " · ".join(view.say(_carrier(each)) for each in carriers),
        "power": numbers.figure(numbers.power(now), now, view.language),
    }


def _carrier(name: str) -> Text:
    try:
        return term(name)
    except KeyError:
        return Text(name, name)


def _points(view: View, asset: Kind) -> Any:
    frame = view.frame
    if frame is None:
        return
    read, written = frame.readings[asset.name], frame.written.get(asset.name, {})
    for point in asset.shown_points():
        if point.name not in read:
            continue
        told = written.get(point.name)
        yield {
            "means": view.say(point.means),
            "figure": _figure(view, point, read[point.name]),
            "told": "" if told is None else view.say(_measure(point, told).full(float(told))),
        }


def _figure(view: View, point: Point, value: Any) -> numbers.Figure:
    if point.unit == "code":
        code = int(value) if np.isfinite(value) else -1
        known = 0 <= code < len(point.codes)
        return numbers.Figure(view.say(point.codes[code]) if known else None, "")
    number = float(value) if value is not None and np.isfinite(value) else None
    return numbers.figure(_measure(point, number), number, view.language)


def _measure(point: Point, value: Any) -> Measure:
    number = None if value is None else float(value)
    if point.unit == "MW":
        return numbers.power(number)
    if point.unit == "1" and point.name in {"soc", "kept", "kept_minutes", "available"}:
        return Measure(Text("%", "%"), (100.0, 100.0), (1, 1))
    if point.unit == "CNY/MWh":
        return Measure(Text("CNY/kWh", "元/kWh"), (1e-3, 1e-3), (4, 4))
    measure = amount("" if point.unit == "1" else point.unit, number)
    return Measure(Text("°C", "℃"), decimals=(1, 1)) if point.unit == "degC" else measure


def _plate(view: View, asset: Kind) -> Any:
    """Yield (what it is, number with unit) of the nameplate's plain quantities."""
    sourced = {n.where: n for n in view.park.assumptions() if n.where.startswith(f"{asset.name}.")}
    for name, field in type(asset).model_fields.items():
        value = getattr(asset, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        unit = next((m.symbol for m in field.metadata if hasattr(m, "symbol")), "")
        words = Text(field.description or name, field.title or name)
        source = sourced.get(f"{asset.name}.{name}")
        yield {
            "words": view.say(words),
            "value": f"{value:,.6g}",
            "unit": {"1": "", "degC": view.say(Text("°C", "℃"))}.get(unit, unit),
            "source": "" if source is None or source.source is None else source.source.words,
        }


def _chart(view: View, asset: Kind) -> str:
    span = Span(view, _PAST_H, _AHEAD_H)
    lanes: list[Lane] = []
    for carrier in dict.fromkeys(port.carrier for port in asset.ports().values()):
        flow = span.flow(asset, carrier)
        if not np.isfinite(flow).any():
            continue
        largest = float(np.nanmax(np.abs(flow)))
        energy = carrier not in {"compute", "material"}
        measure = numbers.power(largest) if energy else amount("", largest)
        title = view.say(WORDS["into"].format(carrier=view.say(_carrier(carrier))))
        lines = [
            curve(view.say(WORDS["lived"]), "measured", flow * measure.factors[0], carrier=carrier)
        ]
        lanes.append(lane(title, view.say(measure.unit), 170, lines=lines))
    soc = span.values(f"{asset.name}/soc_pu")
    if np.isfinite(soc).any():
        words = next((p.means for p in asset.shown_points() if p.name == "soc"), Text("", ""))
        carrier = carrier_of(asset)
        lines = [curve(view.say(WORDS["lived"]), "measured", 100 * soc, carrier=carrier)]
        lanes.append(
            lane(view.say(words), "%", 90, lines=lines, percent=True, states=True, decimals=1)
        )
    return span.chart(lanes)


def _reasons(view: View, asset: Kind) -> list[tuple[str, str]]:
    if view.frame is None or view.frame.ahead is None:
        return []
    now = f"{view.frame.at}Z"
    found = []
    for spell in view.frame.ahead.reasons:
        if spell["asset"].partition("/")[0] == asset.name and spell["to"] > now:
            edges = (np.datetime64(str(spell[key])[:-1], "s") for key in ("from", "to"))
            since, until = (view.clock(edge) for edge in edges)
            found.append((f"{since}–{until}", spell["sentence"][view.language]))
    return found[:14]


PAGE = Page(
    "asset", Text("Assets", "资产"), WORDS, context, order=7, key="a", verb="see_own", deep=True
)  # fmt: skip
