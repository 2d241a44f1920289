"""Builds the world of a run from a park and the user's own files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.data.outlook import Outlook
from zeropark.data.weather import Weather
from zeropark.data.weather.assemble import Reading
from zeropark.data.weather.climate import nearest_climate
from zeropark.data.weather.stored import stored_year
from zeropark.formulation.program import Balance
from zeropark.model.park import Park
from zeropark.operate.own import Days, own_weather, read_own, without_a_file
from zeropark.operate.whose import Brought, brought
from zeropark.operate.world import HISTORY_DAYS, World, draw_load
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
# Sets the chance of a node's sky apart from all other chance of a run.
_SKY = 15_485_863
_ABSENT = Text(
    "{names}: the profile names a series without a file; give it file: in the park file's series, "
    "or bring one with --load",
    "{names}：曲线所用序列没有文件；在园区文件 series 写 file:，或用 --load 给出",
)


@dataclass(frozen=True)
class RunRequest:
    """What a run is asked to be.

    folder: where the park file lies. start: first local day. step_minutes, horizon_hours: of plans;
    coarse_hours: hourly steps behind them.
    policy: plan or rules. files: the user's own, by what they say: weather, load, price, jobs,
    cars, outages. peak_so_far: highest demand of the first month before the run [MW].
    courses: for how many smaller and how many larger amounts of sun each first step is planned.
    compare: whether rules, foresight and the played plan are run beside it. history_days: how much
    of the time before it is made up, for forecasts.
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
    courses: int = 0
    compare: bool = True
    history_days: int = HISTORY_DAYS


def balances(park: Park) -> list[Balance]:
    """Return the park's nodes as the formulation knows them."""
    return [Balance(node.name, node.carrier, node.spill_cost) for node in park.nodes]


def build_world(request: RunRequest) -> World:
    """Return truth and history of the run.

    Raises `ParkError` or `DataError` for a person's files that do not tell what they must.
    """
    park, step = request.park, request.step_minutes
    grid = TimeGrid.local_days(request.start, request.days, step, park.place.zone)
    before = round(request.history_days * 24 * 60 / step)
    start = grid.start - np.timedelta64(round(before * step * 60), "s")
    whole = TimeGrid.regular(start, before + len(grid), step, park.place.zone)
    days = Days(whole, grid)
    tariffs = park.tariffs_by_name
    assets = tuple(a.billed_by(tariffs) for a in park.assets if isinstance(a, Kind))
    files = brought(park, request.folder, request.files, assets)
    sky = _weather(request, files, days)
    skies = _skies(request, whole)
    empty = Outlook(whole, sky.weather, tariffs, grid, warmths=park.warmths, skies=skies)
    series, tables = _draw(request, assets, empty)
    own = read_own(files, park.place.zone, days, tables, series)
    _told(assets, series | own.series)
    full = replace(empty, series=series | own.series)
    truth = replace(full.window(before, len(whole)), tables=tables | own.tables)
    past = full.window(0, before)
    price = end_price(assets, truth, own.after)
    findings = (*sky.findings, *own.findings)
    green = _green_trade(park, grid)
    return World(assets, truth, past, price, request.seed, own.announced, findings, green)


def _green_trade(park: Park, grid: TimeGrid) -> Floats:
    """Return the green electricity that contracts deliver at each step [MW], shape (N,)."""
    total = np.zeros(len(grid))
    for contract in park.contracts:
        if contract.green and contract.carrier == "electricity":
            total += np.nan_to_num(contract.profile.on_grid(grid))
    return total


def _weather(request: RunRequest, files: Sequence[Brought], days: Days) -> Reading:
    place = request.park.place
    climate = nearest_climate(place)
    own = own_weather(files, place, days, lambda: stored_year(climate, place, seed=_seed(request)))
    if own is not None:
        return own
    year = stored_year(climate, place, seed=_seed(request))
    return Reading(year.resample(days.whole), climate.findings_at(place))


def _skies(request: RunRequest, whole: TimeGrid) -> dict[str, Weather]:
    """Return the weather of the nodes that lie elsewhere, each of chance of its own."""
    found = {}
    for number, node in enumerate(request.park.nodes):
        if node.place is not None:
            chance = np.random.SeedSequence([_seed(request), number, _SKY])
            seed = int(chance.generate_state(1)[0])
            climate = nearest_climate(node.place)
            found[node.name] = stored_year(climate, node.place, seed=seed).resample(whole)
    return found


def _seed(request: RunRequest) -> int:
    """Return the seed of generated weather: the park file's where it says one, else the run's."""
    said = [s.seed for s in request.park.series_of("weather") if "seed" in s.model_fields_set]
    return said[0] if said else request.seed


def _told(assets: Sequence[Kind], series: Mapping[str, Floats]) -> None:
    """Refuse a profile that names a series of which there is no file."""
    silent = without_a_file(assets, series)
    if silent:
        raise DataError("series_absent", _ABSENT.format(names=", ".join(silent)))


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


def end_price(
    assets: Sequence[Kind], truth: Outlook, after: Mapping[str, float] | None = None
) -> float:
    """Return the mean import price of the day after the run, or else of its last day [CNY/MWh].

    after: mean price of that day where a person's file holds it, by `<asset>/<signal>`.
    """
    grid = truth.grid
    day = max(1, round(24 / grid.step_hours))
    tomorrow = TimeGrid.regular(grid.end, day, grid.step_hours * 60, grid.zone)
    prices: list[float] = []
    for asset in assets:
        if asset.role == "grid":
            name = f"{asset.name}/price_import"
            given = truth.series.get(name)
            if after is not None and name in after:
                prices.append(after[name])
            elif given is not None:
                prices.append(float(np.mean(given[-day:])))
            else:
                tariff = truth.tariffs[str(getattr(asset, "tariff"))]  # noqa: B009 - a tie has one
                prices.append(float(np.mean(tariff.import_prices(tomorrow))))
    return float(np.mean(prices)) if prices else 0.0
