"""What the lived hours of a park come to, by subject and measure: one report for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zeropark.assets.kind import Kind
from zeropark.data.published import Fact
from zeropark.operate.figures import Columns
from zeropark.operate.living import COST, Frame, Living
from zeropark.operate.record import Floats, Times
from zeropark.operate.today import flow_of
from zeropark.units.timegrid import to_local

MEASURES = ("used", "made", "carbon", "clean", "cost")


@dataclass(frozen=True)
class Report:
    """Numbers by the park's hours.

    hours: each hour's start by the park's clock, (N,). values: (N,), NaN where no step of the hour
    was lived. complete: whether all steps of the hour were. total: of all; None where there is
    nothing. unit: MWh, tCO2, CNY, or 1 for a share.
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
    """Return what assets came to by the hour.

    measure: used or made (electricity [MWh]), carbon (what they used by the mix of its own step and
    the location-based `factor` [tCO2]; of all assets together what was imported, storage and losses
    included; NaN without a factor), clean (share of what they used [1]), or
    cost (of the whole park [CNY], whatever `assets` are).
    """
    starts, columns = living.history()
    count = frame.index + 1
    starts, columns = starts[:count], {name: values[:count] for name, values in columns.items()}
    lengths = living.run.world.grid.hours[:count]
    used, made = _electricity(assets, columns, lengths)
    clean = columns["park/clean_share_pu"]
    hours = to_local(starts, living.run.world.grid.zone).astype("datetime64[h]")
    firsts = np.flatnonzero(np.diff(hours.astype(int), prepend=hours[:1].astype(int) - 1))
    sums = {"used": used, "made": made, "weight": np.nan_to_num(used * clean)}
    rate = np.nan if factor is None else factor.in_unit("t/MWh")
    if len(assets) == len(living.run.world.assets):
        ties = [asset for asset in assets if asset.role == "grid"]
        bought = sum((columns[f"{tie.name}/import_mw"] for tie in ties), np.zeros(count))
        sums["carbon"] = rate * bought * lengths
    else:
        sums["carbon"] = rate * np.nan_to_num(used * (1.0 - clean))
    sums["cost"] = np.diff(columns[COST], prepend=0.0)
    by_hour = {name: np.add.reduceat(values, firsts) for name, values in sums.items()}
    covered = np.add.reduceat(lengths, firsts)
    if measure == "clean":
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.where(by_hour["used"] > 0, by_hour["weight"] / by_hour["used"], np.nan)
        everything = float(used.sum())
        total = float(sums["weight"].sum()) / everything if everything > 0 else None
    else:
        values = by_hour[measure]
        total = float(sums[measure].sum()) if np.isfinite(sums[measure]).all() else None
    unit = {"carbon": "tCO2", "cost": "CNY", "clean": "1"}.get(measure, "MWh")
    # An hour is whole where its steps last an hour.
    whole = (covered >= 1.0 - 1e-9).tolist()
    return Report(hours[firsts], values, whole, total, unit)


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
