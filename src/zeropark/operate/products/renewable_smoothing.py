"""Renewable smoothing: the storage of a remote base keeps its output from changing fast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from zeropark.operate.product import Product
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.operate.lived import Lived

_MOST_PERCENT = 95


def _earns(lived: Lived) -> Mapping[str, float]:
    """Return how fast the base's output changed with its storage and without, and the wear."""
    base = next((asset for asset in lived.assets if asset.kind == "remote_base"), None)
    if base is None:
        return {}
    here = [a for a in lived.assets if getattr(a, "node", None) == getattr(base, "node", None)]
    given = [lived.means(a.name, "available") for a in here if a.role == "source"]
    raw = np.minimum(sum(given, np.zeros(len(lived.grid))), float(getattr(base, "p_nom", np.inf)))
    worn = sum(
        float(np.nansum(np.maximum(lived.means(a.name), 0.0) * lived.grid.hours))
        * float(getattr(a, "wear_cost", 0.0))
        for a in here
        if a.role == "store"
    )
    return {
        "ramp_p95_mw": _ramp(lived.means(base.name)),
        "ramp_p95_without_mw": _ramp(raw),
        "brought_cny": -worn,
    }


def _ramp(output: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Return the change from step to step that 95 of 100 stay under [MW]."""
    change = np.abs(np.diff(output))
    known = change[np.isfinite(change)]
    return float(np.percentile(known, _MOST_PERCENT)) if len(known) else float("nan")


PRODUCT = Product(
    key="renewable_smoothing",
    title=Text("Renewable smoothing", "新能源平滑"),
    equation="|change of output| per step, 95 of 100, with storage and without; cost = wear",
    source="Ramp and smoothness of the base in the park file",
    adds=Text("rise and fall of the base ≤ ramp · h", "基地出力升降 ≤ 爬坡率 · h"),
    measured=Text(
        "the base's output against what sun and wind could give",
        "基地出力对风光可发",
    ),
    settled=Text("nothing is paid for it here; it costs wear", "此处无付费；成本为损耗"),
    earns=_earns,
)
