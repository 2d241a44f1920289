"""Price arbitrage: stores take when power is cheap and give when it is dear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from zeropark.operate.product import Product
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.operate.lived import Lived


def _earns(lived: Lived) -> Mapping[str, float]:
    """Return what stores traded at the price of the tie, less wear."""
    tie = lived.of_role("grid")[0]
    shown = lived.means(tie.name)
    # Where the park exports, a MWh more is worth what export pays.
    price = np.where(shown < 0.0, lived.prices[1], lived.prices[0])
    traded = worn = given = 0.0
    for store in lived.electric_stores():
        power = lived.means(store.name)
        known = np.isfinite(power) & np.isfinite(shown)
        energy = np.where(known, power, 0.0) * lived.grid.hours
        out = float(np.maximum(energy, 0.0).sum())
        traded += float((energy * price).sum())
        worn += out * float(getattr(store, "wear_cost", 0.0))
        given += out
    return {"discharged_mwh": given, "wear_cny": worn, "brought_cny": traded - worn}


PRODUCT = Product(
    key="price_arbitrage",
    title=Text("Price arbitrage", "峰谷套利"),
    equation="brought = Σ price · p · h - wear · Σ discharge · h (p of stores, discharge +)",
    source="Time-of-use tariff of the park file",
    adds=Text(
        "the tie's price by time is what a plan's energy costs",
        "并网点分时电价即计划的电能成本",
    ),
    measured=Text("power of each store against the price of its time", "各储能功率对当时电价"),
    settled=Text("in the bill of energy; less wear", "计入电费；扣除损耗"),
    earns=_earns,
)
