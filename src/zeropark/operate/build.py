"""Builds the world of a run from a park and the user's own files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.data.outlook import Outlook
from zeropark.data.weather import Weather
from zeropark.data.weather.climate import nearest_climate
from zeropark.data.weather.stored import stored_year
from zeropark.formulation.program import Balance
from zeropark.model.park import Park
from zeropark.operate.own import own_weather, read_own
from zeropark.operate.world import HISTORY_DAYS, World, draw_load
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RunRequest:
    """What a run is asked to be.

    folder: where the park file lies. start: first local day. step_minutes, horizon_hours: of plans;
    coarse_hours: hourly steps behind them.
    policy: plan or rules. files: the user's own, by what they say: weather, load, price, jobs,
    cars, outages. peak_so_far: highest demand of the first month before the run [MW].
    compare: whether rules, foresight and the played plan are run beside it.
    """

    park: Park
    folder: Path
    start: str
    days: int = 1
    step_minutes: int = 15
    horizon_hours: float = 48.0
    coarse_hours: float = 0.0
    policy: str = "plan"
    seed: int = 1
    files: Mapping[str, Path] = field(default_factory=dict)
    peak_so_far: float = 0.0
    compare: bool = True


def balances(park: Park) -> list[Balance]:
    """Return the park's nodes as the formulation knows them."""
    return [Balance(node.name, node.carrier, node.spill_cost) for node in park.nodes]


def build_world(request: RunRequest) -> World:
    """Return truth and history of the run."""
    park, step = request.park, request.step_minutes
    grid = TimeGrid.local_days(request.start, request.days, step, park.place.zone)
    before = round(HISTORY_DAYS * 24 * 60 / step)
    start = grid.start - np.timedelta64(before * step * 60, "s")
    whole = TimeGrid.regular(start, before + len(grid), step, park.place.zone)
    assets = tuple(asset for asset in park.assets if isinstance(asset, Kind))
    empty = Outlook(whole, _weather(request, whole), park.tariffs_by_name, grid)
    series, tables = _draw(request, assets, empty)
    own = read_own(park, request.folder, request.files, assets, whole, grid, tables)
    full = replace(empty, series=series | own.series)
    truth = replace(full.window(before, len(whole)), tables=tables | own.tables)
    past = full.window(0, before)
    return World(assets, truth, past, end_price(assets, truth), request.seed, own.announced)


def _weather(request: RunRequest, grid: TimeGrid) -> Weather:
    own = own_weather(request.park, request.folder, request.files, grid)
    if own is not None:
        return own
    place = request.park.place
    return stored_year(nearest_climate(place), place, seed=request.seed).resample(grid)


def _draw(
    request: RunRequest, assets: Sequence[Kind], outlook: Outlook
) -> tuple[dict[str, Floats], dict[str, Any]]:
    """Return what chance decides: loads around their profiles, and what arrives at assets."""
    series: dict[str, Floats] = {}
    tables: dict[str, Any] = {}
    streams = np.random.SeedSequence([request.seed, 104_729]).spawn(len(assets))
    for asset, stream in zip(assets, streams, strict=True):
        random = np.random.default_rng(stream)
        profile = getattr(asset, "profile", None)
        if profile is not None:
            demand = profile.on_grid(outlook.grid)
            series[f"{asset.name}/demand"] = draw_load(demand, outlook.grid.hours, random)
        for name, values in asset.chance(outlook, random).items():
            series[f"{asset.name}/{name}"] = values
        table = asset.draw(outlook, random)
        if table is not None:
            tables[asset.name] = table
    return series, tables


def end_price(assets: Sequence[Kind], truth: Outlook) -> float:
    """Return the mean import price of the day after the run, or else of its last day [CNY/MWh]."""
    grid = truth.grid
    day = max(1, round(24 / grid.step_hours))
    after = TimeGrid.regular(grid.end, day, grid.step_hours * 60, grid.zone)
    prices: list[float] = []
    for asset in assets:
        if asset.role == "grid":
            given = truth.series.get(f"{asset.name}/price_import")
            known = truth.tariffs[str(getattr(asset, "tariff"))].import_prices(after)  # noqa: B009 - a tie has one
            prices.append(float(np.mean(known if given is None else given[-day:])))
    return float(np.mean(prices)) if prices else 0.0
