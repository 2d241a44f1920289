"""Short times as studies see them: assets in words, prices as series, a sky where one is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tests.assets.yard import NODES, parse, sky
from zeropark.data.outlook import Outlook
from zeropark.model.tariff import Tariff
from zeropark.plan.year import Year
from zeropark.units.timegrid import TimeGrid

START = np.datetime64("2026-04-10T00:00:00")
FREE = {"from": "2020-01-01", "bands": [{"name": "all", "hours": ["0-24"], "price": "0 CNY/MWh"}]}


def year_of(
    text: str,
    series: Mapping[str, Sequence[float]],
    demand_price: str = "0 CNY/MW-month",
    start: np.datetime64 = START,
) -> Year:
    """A time as long as its series, from midnight or what `start` says, in steps of an hour."""
    steps = len(next(iter(series.values())))
    grid = TimeGrid.regular(start, steps, 60, "Asia/Shanghai")
    tariff = Tariff.model_validate(
        {"name": "simple", "energy": [FREE], "demand": {"price": demand_price}},
        context={"file": True},
    )
    given = {name: np.array(numbers, dtype=float) for name, numbers in series.items()}
    # Cells are cold under a sky: only modules need one.
    weather = sky(grid) if "kind: pv" in text else None
    truth = Outlook(grid, weather, {"simple": tariff}, grid, given)
    assets = parse(text)
    random = np.random.default_rng(0)
    readings = {asset.name: asset.device(truth, random).read() for asset in assets}
    used = {node for asset in assets for node in asset.port_nodes().values()}
    return Year(assets, [n for n in NODES if n.name in used], truth, readings, 0.0)
