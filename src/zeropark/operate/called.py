"""What calls ask of a plan: a tie's import between two numbers, power that stores keep free."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.data.published import fact
from zeropark.operate.product import HOUR, Promise
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Called:
    """What calls ask in the steps of a plan; see `Horizon.promised`, `kept` and `lasts`."""

    promised: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)
    kept: Mapping[str, Floats] = field(default_factory=dict)
    lasts: float = 0.0


def called_in(promises: Sequence[Promise], assets: Sequence[Kind], ahead: TimeGrid) -> Called:
    """Return what promises ask in the steps `ahead`; a step that a call touches keeps all of it.

    A reserve is split among batteries in the ratio of their rated powers.
    """
    tie = next(asset.name for asset in assets if asset.role == "grid")
    begins = ahead.starts.astype(np.int64).astype(float)
    ends = begins + ahead.hours * HOUR
    least, most = np.full(len(ahead), -np.inf), np.full(len(ahead), np.inf)
    kept = np.zeros(len(ahead))
    for each in promises:
        inside = (begins < each.end) & (ends > each.begin)
        least[inside] = np.maximum(least[inside], each.least)
        most[inside] = np.minimum(most[inside], each.most)
        kept[inside] += each.kept
    promised = {tie: (least, most)}
    if not kept.any():
        return Called(promised)
    rated = {
        asset.name: float(getattr(asset, "p_nom", 0.0))
        for asset in assets
        if any(steered.stores for steered in asset.steered())
    }
    total = sum(rated.values())
    day = dt.date.fromisoformat(str(ahead.starts[0].astype("datetime64[D]")))
    lasts = fact("reserve_lasts", day).in_unit("h")
    own = {name: kept * power / total for name, power in rated.items()} if total > 0.0 else {}
    return Called(promised, own, lasts)
