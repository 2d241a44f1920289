"""Heat and storage: what stores hold, what heat and cooling flow, what heat nodes are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zeropark.faces.report.words import say as term
from zeropark.faces.web import numbers
from zeropark.faces.web.page import Page, View
from zeropark.faces.web.timeline import Lane, Span, carrier_of, curve, lane, supply, used
from zeropark.operate.today import flows_by_carrier
from zeropark.units.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zeropark.assets.kind import Kind

WORDS = {
    "head": Text("Heat and storage", "热与储能"),
    "early": Text("Nothing has been lived yet.", "尚无数据。"),
    "stores": Text("Stores", "储能"),
    "store": Text("storage", "储能"),
    "carrier": Text("carrier", "载体"),
    "power": Text("power, giving +", "功率，放出为正"),
    "energy": Text("held", "存量"),
    "capacity": Text("capacity today", "当前容量"),
    "rated": Text("of rated", "占额定"),
    "soc": Text("charge", "荷电"),
    "no_stores": Text("This park has no store.", "本园区没有储能。"),
    "held": Text("Charge, last day and the plan", "荷电，近一日与计划"),
    "duties": Text("{carrier}: who gives and takes now", "{carrier}：当前供取"),
    "asset": Text("asset", "资产"),
    "flow": Text("into the node +", "注入节点为正"),
    "supply": Text("Supply of {carrier}", "{carrier}供给"),
    "use": Text("use", "用量"),
    "no_heat": Text("No heat or cooling flows in this park's nodes.", "本园区节点没有热或冷。"),
}
_PAST_H, _AHEAD_H = 24.0, 24.0
_NO_ENERGY = frozenset({"electricity", "compute", "material", "water"})


def context(view: View) -> Mapping[str, Any]:
    """Return what the page shows."""
    if view.frame is None:
        return {"there": False}
    stores = [asset for asset in view.living.run.world.assets if asset.role == "store"]
    span = Span(view, _PAST_H, _AHEAD_H)
    carriers = {
        carrier: entries
        for carrier, entries in flows_by_carrier(view.living, view.frame).items()
        if carrier not in _NO_ENERGY
    }
    return {
        "there": True,
        "stores": [_store(view, store) for store in stores],
        "held": span.chart(_held(view, span, stores)) if stores else None,
        "carriers": [
            {
                "name": name,
                "label": view.say(term(name)),
                "rows": _rows(view, entries),
                "chart": span.chart([_supply(view, span, name)]),
            }
            for name, entries in carriers.items()
        ],
    }


def _store(view: View, store: Kind) -> dict[str, Any]:
    assert view.frame is not None, "asked once there is a frame"
    read = view.frame.readings[store.name]
    rated = float(getattr(store, "e_nom", 0.0)) or None
    capacity = float(read["capacity"]) if "capacity" in read else rated
    energy = float(read["energy"])
    power = sum(view.frame.flows[store.name].values())
    carrier = carrier_of(store)
    health = None if capacity is None or not rated else capacity / rated
    return {
        "name": store.name,
        "label": view.say(store.shown),
        "carrier": view.say(term(carrier)),
        "power": numbers.figure(numbers.power(power), power, view.language),
        "energy": numbers.figure(numbers.energy(capacity), energy, view.language),
        "capacity": numbers.figure(numbers.energy(capacity), capacity, view.language),
        "rated": numbers.share(health, view.language),
        "soc": numbers.share(float(read["soc"]) if "soc" in read else None, view.language),
    }


def _held(view: View, span: Span, stores: list[Kind]) -> list[Lane]:
    lines = [
        curve(view.say(store.shown), "measured", 100 * span.values(f"{store.name}/soc_pu"),
              carrier=carrier_of(store))
        for store in stores
    ]  # fmt: skip
    title = view.say(WORDS["soc"])
    return [lane(title, "%", 140, lines=lines, percent=True, states=True, decimals=1)]


def _rows(view: View, entries: list[tuple[Kind, float]]) -> list[dict[str, Any]]:
    write = numbers.power(*(flow for _, flow in entries))
    return [
        {
            "name": asset.name,
            "label": view.say(asset.shown),
            "flow": numbers.figure(write, flow, view.language),
        }
        for asset, flow in sorted(entries, key=lambda each: -each[1])
    ]


def _supply(view: View, span: Span, carrier: str) -> Lane:
    taken = used(span, carrier)
    largest = float(np.nanmax(taken, initial=0.0))
    measure = numbers.power(largest)
    factor, unit = measure.factors[0], view.say(measure.unit)
    title = view.say(WORDS["supply"].format(carrier=view.say(term(carrier))))
    lines = [curve(view.say(WORDS["use"]), "measured", taken * factor)]
    return lane(title, unit, 170, stack=supply(span, carrier, factor), lines=lines)


PAGE = Page("storage", Text("Heat & storage", "热与储能"), WORDS, context, order=4, key="h")
