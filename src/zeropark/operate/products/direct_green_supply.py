"""Direct green supply: own clean power used by own loads, within the ratios of the rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from zeropark.operate.product import Product
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.operate.lived import Lived


def _earns(lived: Lived) -> Mapping[str, float]:
    """Return the ratios of the time, and what own use is worth above export.

    Steps in which the tie or a source was not metered are left out.
    """
    shown, hours = lived.means(lived.of_role("grid")[0].name), lived.grid.hours
    sources = [source for source in lived.of_role("source") if source.clean]
    made = sum((lived.means(each.name) for each in sources), np.zeros(len(shown)))
    able = sum(
        (np.fmax(lived.means(s.name, "available"), lived.means(s.name)) for s in sources),
        np.zeros(len(shown)),
    )
    known = np.isfinite(shown) & np.isfinite(made)
    sent, bought = np.maximum(-shown, 0.0), np.maximum(shown, 0.0)
    own = np.where(known, np.maximum(made - sent, 0.0), 0.0) * hours
    parts = [float(np.where(known, each, 0.0) @ hours) for each in (able, bought, sent)]
    generation, from_grid, to_grid = parts
    load = float(own.sum()) + from_grid
    return {
        "self_use_share": float(own.sum()) / generation if generation > 0.0 else float("nan"),
        "load_share": float(own.sum()) / load if load > 0.0 else float("nan"),
        "export_share": to_grid / generation if generation > 0.0 else float("nan"),
        "brought_cny": float(own @ (lived.prices[0] - lived.prices[1])),
    }


PRODUCT = Product(
    key="direct_green_supply",
    title=Text("Direct green supply", "绿电直连"),
    equation="own = generation - export; own / available, own / (own + import), export / available",
    source="NDRC and NEA notice 2025 no. 650: facts direct_self_use_min, direct_load_share_min, "
    "direct_export_max",
    adds=Text(
        "three ratios of the year, of rank contract, where the park has the contract",
        "全年三项比例约束（合同级），园区有该合同时",
    ),
    measured=Text("meters of sources and tie", "电源与并网点表计"),
    settled=Text(
        "own use at the difference of import and export price",
        "自用电量按购售价差计",
    ),
    earns=_earns,
)
