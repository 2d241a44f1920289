"""Maximum demand: stores hold the month's highest import down, which the tariff charges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from zeropark.operate.product import Product
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.operate.lived import Lived


def _earns(lived: Lived) -> Mapping[str, float]:
    """Return the highest import with stores and without, and what the difference is charged."""
    tie = lived.of_role("grid")[0]
    shown = lived.means(tie.name)
    moved = sum(
        (np.nan_to_num(lived.means(store.name)) for store in lived.electric_stores()),
        np.zeros(len(shown)),
    )
    if not np.isfinite(shown).any():
        nothing = float("nan")
        return {"peak_mw": nothing, "peak_without_mw": nothing, "brought_cny": nothing}
    highest = max(0.0, float(np.nanmax(shown)))
    without = max(0.0, float(np.nanmax(shown + moved)))
    return {
        "peak_mw": highest,
        "peak_without_mw": without,
        "brought_cny": (without - highest) * lived.demand_price,
    }


PRODUCT = Product(
    key="maximum_demand",
    title=Text("Maximum demand", "最大需量"),
    equation="brought = (max(import + p of stores) - max import) · demand price",
    source="Two-part tariff of the park file; as if the time were the month that is charged",
    adds=Text(
        "the month's peak ≥ mean import of every demand interval, priced",
        "当月需量 ≥ 各需量周期平均购电，计价",
    ),
    measured=Text("highest quarter with stores and without", "有无储能时的最高刻钟"),
    settled=Text("in the bill of the month", "计入当月账单"),
    earns=_earns,
)
