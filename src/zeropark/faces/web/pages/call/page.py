"""Call: what the park sells to the grid on demand: offer, award, delivery, baseline and money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zeropark.faces.web import numbers
from zeropark.faces.web.page import Page, View
from zeropark.operate.calls import Stage
from zeropark.operate.product import Way
from zeropark.operate.products import products
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS = {
    "head": Text("Call", "调用"),
    "none": Text(
        "Operate does not answer: no call can be shown.", "operate 无应答，无法显示调用。"
    ),
    "calls": Text("Calls, the newest first", "调用，新的在前"),
    "no_calls": Text("Nobody has called yet.", "尚无调用。"),
    "no_confidence": Text("no call is over yet", "尚无结束的调用"),
    "confidence": Text(
        "{delivered} of {asked} calls delivered in full", "{asked} 次调用中 {delivered} 次足额兑现"
    ),
    "product": Text("Product", "产品"),
    "way": Text("Way", "方向"),
    "less": Text("less import", "减少购电"),
    "more": Text("more import", "增加购电"),
    "stage": Text("Stage", "阶段"),
    "begin": Text("From", "起"),
    "lasts": Text("h", "h"),
    "power": Text("Asked", "要求"),
    "energy": Text("Asked energy", "要求电量"),
    "baseline": Text("Baseline", "基线"),
    "metered": Text("Metered", "实测"),
    "got": Text("Delivered", "兑现"),
    "price": Text("Price", "价格"),
    "money": Text("Earned", "收益"),
    "shares": Text("Shares", "分配"),
    "take": Text("Take on a call", "接受调用"),
    "take_why": Text(
        "held in the plan and metered; more than the envelope gives is refused",
        "计入计划并计量；超出可调容量即拒绝",
    ),
    "power_kw": Text("power, kW", "功率，kW"),
    "after_h": Text("begins in, h", "开始于，h 后"),
    "hours": Text("lasts, h", "时长，h"),
    "price_kwh": Text("price, CNY/kWh", "价格，元/kWh"),
    "penalty_kwh": Text("penalty, CNY/kWh", "罚价，元/kWh"),
    "usual": Text("as published", "按公布价"),
    "call": Text("Take it on", "接受"),
}
_SHARE = 100.0


def context(view: View) -> Mapping[str, Any]:
    """Return what the page shows."""
    status = view.status
    if status is None:
        return {"there": False}
    titles = {key: view.say(product.title) for key, product in products().items()}
    confidence = status.get("confidence") or {"asked": 0}
    return {
        "there": True,
        "calls": [_row(view, each, titles) for each in reversed(status["calls"])],
        "confidence": confidence,
        "sold": [(key, titles[key]) for key, each in products().items() if each.called],
        "ways": [way.value for way in Way],
    }


def _row(view: View, call: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    power = float(call["power_mw"])
    measure = numbers.power(power)
    begin = np.datetime64(int(call["begin"]), "s")
    price = float(call["price_cny_per_mwh"])
    return {
        "id": call["call"],
        "product": titles.get(call["product"], call["product"]),
        "way": call["way"],
        "stage": view.say(Stage(call["stage"]).words),
        "because": call.get("because" if view.language == "en" else "because_zh", ""),
        "begin": view.clock(begin),
        "hours": f"{float(call['hours']):g}",
        "power": numbers.figure(measure, power, view.language),
        "energies": [
            _energy(view, call.get(f"{name}_mwh"))
            for name in ("called", "baseline", "metered", "delivered")
        ],
        "share": None
        if call.get("delivered_share") is None
        else f"{_SHARE * float(call['delivered_share']):.1f} %",
        "price": numbers.Figure(
            f"{price / 1e3:.4f}" if np.isfinite(price) else None,
            view.say(Text("CNY/kWh", "元/kWh")),
        ),
        "earned": _money(view, call.get("earned_cny")),
        "shares": [
            (party, _money(view, amount)) for party, amount in call.get("shares_cny", {}).items()
        ],
    }


def _energy(view: View, value: float | None) -> numbers.Figure:
    del view
    return numbers.Figure(None if value is None else f"{value * 1e3:,.1f}", "kWh")


def _money(view: View, value: float | None) -> numbers.Figure:
    unit = view.say(Text("CNY", "元"))
    return numbers.Figure(None if value is None else f"{value:,.2f}".replace("-", "−"), unit)


PAGE = Page(
    "call", Text("Call", "调用"), WORDS, context, order=3, key="l", verb="see_park"
)  # fmt: skip
