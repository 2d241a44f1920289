"""Spinning reserve: power that stores keep free to give at once, and the energy to last."""

from __future__ import annotations

import numpy as np

from zeropark.operate.product import (
    Asked,
    Floats,
    Product,
    Promise,
    Settlement,
    Way,
    paid_for,
    sums,
)
from zeropark.units.text import Text


def _holds(asked: Asked, reckoned: float) -> Promise:
    del reckoned
    return Promise(0.0, 0.0, kept=asked.power)


def _settle(asked: Asked, baseline: Floats, metered: Floats) -> Settlement:
    """Settle what was held: `metered` is the headroom of stores [MW]."""
    length = asked.hours / len(baseline)
    held = float(np.clip(np.nan_to_num(metered), 0.0, asked.power).sum()) * length
    both = sums(np.full(len(metered), asked.power), metered, length)
    return paid_for(asked, asked.power * asked.hours, held, both)


PRODUCT = Product(
    key="spinning_reserve",
    title=Text("Spinning reserve", "旋转备用"),
    equation="paid = price · Σ min(headroom, called) · h, headroom = Σ min(p_max - p, energy / T)",
    source="Reserve headroom of storage; T is the fact reserve_lasts",
    adds=Text(
        "each store's share: discharge ≤ p_max - share, energy ≥ floor + share · T",
        "各储能分担：放电 ≤ p_max - 份额，电量 ≥ 下限 + 份额 · T",
    ),
    measured=Text(
        "headroom of stores, from their power and energy", "由储能功率与电量得出的可用裕度"
    ),
    settled=Text("price for each MW held an hour, penalty for missing", "按保持容量付费，缺额罚款"),
    ways=(Way.LESS,),
    holds=_holds,
    settle=_settle,
    meter="headroom",
)
