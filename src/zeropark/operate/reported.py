"""What the lived hours of a park come to, by subject and measure: one report for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zeropark.assets.kind import Kind
from zeropark.data.published import Fact
from zeropark.operate.earlier import Past, of_living
from zeropark.operate.figures import Columns
from zeropark.operate.living import Frame, Living
from zeropark.operate.record import Floats, Times
from zeropark.operate.today import flow_of
from zeropark.units.timegrid import to_local

MEASURES = ("used", "made", "carbon", "clean", "cost")
LEVELS = {"hour": "h", "day": "D", "month": "M"}
"""What a report may be by: hours, days or months of the park's clock."""


@dataclass(frozen=True)
class Report:
    """Numbers by the park's hours, days or months.

    hours: each one's start by the park's clock, (N,). values: (N,), NaN where no step of it was
    lived, or one of its steps has no reading. complete: whether all steps of it were. total: of
    all; None where there is nothing. unit: MWh, tCO2, CNY, or 1 for a share.
    """

    hours: Times
    values: Floats
    complete: Sequence[bool]
    total: float | None
    unit: str


def report(
    living: Living,
    frame: Frame,
    assets: Sequence[Kind],
    measure: str,
    factor: Fact | None = None,
) -> Report:
    """Return what assets came to by the hour since the park began to live; see `report_of`."""
    every = living.run.world.assets
    return report_of(of_living(living, frame), every, assets, measure, factor)


def report_of(
    past: Past,
    every: Sequence[Kind],
    assets: Sequence[Kind],
    measure: str,
    factor: Fact | None = None,
    level: str = "hour",
) -> Report:
    """Return what assets came to.

    every: all assets of the park. measure: used or made (electricity [MWh]), carbon (what they used
    by the mix of its own step and the location-based `factor` [tCO2]; of all assets together what
    was imported, storage and losses included; NaN without a factor), clean (share of what they used
    [1]), or cost (of the whole park [CNY], whatever `assets` are; NaN where no record holds it).
    level: of `LEVELS`.
    """
    lengths = past.lengths
    used, made = _electricity(assets, past.columns, lengths)
    unit = LEVELS[level]
    hours = to_local(past.starts, past.zone).astype(f"datetime64[{unit}]")
    firsts = np.flatnonzero(np.diff(hours.astype(int), prepend=hours[:1].astype(int) - 1))
    # Where nothing was used there is no share, and none is needed.
    weight = np.where(used > 0, used * past.clean, used)
    sums = {"used": used, "made": made, "weight": weight}
    rate = np.nan if factor is None else factor.in_unit("t/MWh")
    if len(assets) == len(every):
        ties = [asset for asset in assets if asset.role == "grid"]
        bought = sum((past.columns[f"{t.name}/import_mw"] for t in ties), np.zeros(len(lengths)))
        sums["carbon"] = rate * bought * lengths
    else:
        sums["carbon"] = rate * (used - weight)
    sums["cost"] = np.full(len(lengths), np.nan) if past.cost is None else past.cost
    by_hour = {name: np.add.reduceat(values, firsts) for name, values in sums.items()}
    if measure == "clean":
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.where(by_hour["used"] > 0, by_hour["weight"] / by_hour["used"], np.nan)
        everything, share = float(used.sum()), float(weight.sum())
        total = share / everything if everything > 0 and np.isfinite(share) else None
    else:
        values = by_hour[measure]
        total = float(sums[measure].sum()) if np.isfinite(sums[measure]).all() else None
    unit = {"carbon": "tCO2", "cost": "CNY", "clean": "1"}.get(measure, "MWh")
    return Report(hours[firsts], values, _whole(past, hours[firsts], firsts), total, unit)


def _whole(past: Past, begun: Times, firsts: np.ndarray) -> list[bool]:
    """Return whether all of each hour, day or month was lived."""
    ended = (begun + 1).astype("datetime64[s]")
    local = to_local(past.starts, past.zone)
    last = np.append(firsts[1:], len(local)) - 1
    over = local[last] + np.rint(past.lengths[last] * 3600).astype("timedelta64[s]")
    return [
        bool(a <= b.astype("datetime64[s]") and c >= d)
        for a, b, c, d in zip(local[firsts], begun, over, ended, strict=True)
    ]


def _electricity(
    assets: Sequence[Kind], columns: Columns, lengths: Floats
) -> tuple[Floats, Floats]:
    """Return what assets used and made of electricity in each step [MWh], both ≥ 0.

    What stores take and give, and what the grid brings, is neither.
    """
    used, made = np.zeros(len(lengths)), np.zeros(len(lengths))
    for asset in assets:
        if asset.role in {"store", "grid", "carry", "trade"}:
            continue
        flow = flow_of(columns, asset, "electricity")
        if flow is not None:
            used = used - np.minimum(flow, 0.0) * lengths
            made = made + np.maximum(flow, 0.0) * lengths
    return used, made
