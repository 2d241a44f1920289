"""A person's own files in a run: whose they are, and what they say of its truth and its past."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.data.arrivals import availability, job_table, session_table
from zeropark.data.errors import DataError
from zeropark.data.events import Jobs, read_cars, read_jobs, read_outages
from zeropark.data.series import UserSeries, read_series
from zeropark.data.weather import Weather
from zeropark.data.weather.readers import read_weather
from zeropark.model.park import Park, Series
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid, to_utc

Floats = npt.NDArray[np.float64]
# What tells the asset a file is for: a field or a method that only its like have.
_MARKS = {
    "load": "profile",
    "price": "tariff",
    "outages": "tariff",
    "jobs": "classes",
    "cars": "visits",
}
_NOBODY = Text(
    "{file}: the park has no asset that a file of {of} is for; add one",
    "{file}：园区没有可用 {of} 文件的资产；补上",
)
_WHOSE = Text(
    "{file}: {count} assets could be meant by a file of {of}; write asset: in the park's series, "
    "one of {names}",
    "{file}：{of} 文件可能属于 {count} 个资产；在园区的 series 写 asset:，其一：{names}",
)
_NO_ASSET = Text(
    "{file}: asset '{given}' takes no file of {of}{meant} Allowed: {names}",
    "{file}：资产“{given}”不用 {of} 文件{meant}可用：{names}",
)
# A file that counts its own time over so many days is of a whole year.
_NEARLY_A_YEAR = np.timedelta64(300, "D")
_DAY, _WEEK = 24.0, 168.0


@dataclass
class Own:
    """What a person's files say of a run.

    series: by `<asset>/<signal>`, on the whole grid, past and run. tables: what arrives, by asset.
    announced: availability as announced, by `<asset>/available`, on the run's grid.
    """

    series: dict[str, Floats] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    announced: dict[str, Floats] = field(default_factory=dict)


def own_weather(
    park: Park, folder: Path, files: Mapping[str, Path], whole: TimeGrid
) -> Weather | None:
    """Return the weather of a person's file on the whole grid; None where there is none."""
    for of, path, said in _all_files(park, folder, files):
        if of == "weather":
            zone = (said.zone if said else None) or park.place.zone
            return read_weather(path, zone).weather.resample(whole)
    return None


def read_own(
    park: Park,
    folder: Path,
    files: Mapping[str, Path],
    assets: Sequence[Kind],
    whole: TimeGrid,
    run: TimeGrid,
    drawn: Mapping[str, Any],
) -> Own:
    """Return what the files of a park and of a command say.

    folder: where the park's series lie. files: of the command, by what they say; each takes the
    place of the park's own of that sort. whole: past and run. drawn: what chance lets arrive, by
    asset. Raises `ParkError` or `DataError` in sentences.
    """
    own = Own()
    for of, path, said in _all_files(park, folder, files):
        if of == "weather":
            continue
        for asset in _whose(of, path, said, assets):
            name = asset.name
            if of == "load":
                series = read_series(path, of, park.place.zone, said)
                own.series[f"{name}/demand"] = with_past(series, whole, run)
            elif of == "price":
                series = read_series(path, of, park.place.zone, said)
                own.series[f"{name}/price_import"] = with_past(series, whole, run)
            elif of == "outages":
                outages = read_outages(path, park.place.zone, said)
                own.series[f"{name}/available"] = availability(outages, whole)[0]
                own.announced[f"{name}/available"] = availability(outages, run)[1]
            elif of == "jobs":
                jobs = _on_calendar(read_jobs(path, park.place.zone, run.start, said), run)
                classes = getattr(asset, "classes")  # noqa: B009 - `_whose` asked for it
                own.tables[name] = job_table(path.name, jobs, classes, drawn[name])
            else:
                cars = read_cars(path, park.place.zone, said)
                kinds = [(each.name, each.p_nom) for each in getattr(asset, "connectors")]  # noqa: B009
                own.tables[name] = session_table(path.name, cars, kinds, whole)
    return own


def with_past(series: UserSeries, whole: TimeGrid, run: TimeGrid) -> Floats:
    """Return a series on the whole grid; the run must be covered, the past before it need not be.

    What the file does not say of the past is repeated from what it does, by whole weeks or days;
    where it begins with the run, its first value stands: nothing later than a moment is used for
    it.
    """
    values = np.full(len(whole), np.nan)
    first = len(whole) - len(run)
    values[first:] = series.on_grid(run)
    held = _held(series, whole)
    if held[:first].any():
        known = int(np.flatnonzero(held)[0])
        some = TimeGrid(whole.starts[known], whole.hours[known:first], whole.zone)
        values[known:first] = _covered(series, some)
    step = whole.step_hours
    for hours in (_WEEK, _DAY):
        back = round(hours / step)
        for i in range(first - 1, -1, -1):
            later = i + back
            if np.isnan(values[i]) and later < first:
                values[i] = values[later]
    values[np.isnan(values)] = values[first]
    return values


def _held(series: UserSeries, grid: TimeGrid) -> npt.NDArray[np.bool_]:
    """Return which steps of the grid lie wholly in the file and in none of its gaps."""
    ends = grid.starts + np.rint(grid.hours * 3600).astype("timedelta64[s]")
    inside = (grid.starts >= series.starts[0]) & (ends <= series.end)
    for first, last in series.gaps():
        inside &= (ends <= first) | (grid.starts >= last)
    return np.asarray(inside)


def _covered(series: UserSeries, grid: TimeGrid) -> Floats:
    """Return the series where the file holds the grid's steps, NaN elsewhere."""
    held = _held(series, grid)
    found = np.full(len(grid), np.nan)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], held, [False]]).astype(int)))
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        found[first:last] = series.on_grid(grid.window(first, last))
    return found


def _all_files(
    park: Park, folder: Path, files: Mapping[str, Path]
) -> Iterator[tuple[str, Path, Series | None]]:
    """Yield (what it says, path, what the park file confirms) of each file."""
    for each in park.series:
        if each.file is not None and each.of not in files:
            yield each.of, folder / each.file, each
    for of, path in files.items():
        same = [s for s in park.series_of(of) if s.file and Path(s.file).name == path.name]
        yield of, path, same[0] if same else None


def _whose(of: str, path: Path, said: Series | None, assets: Sequence[Kind]) -> list[Kind]:
    """Return the assets that a file is for; refuses where none or more than one could be meant."""
    fitting = [asset for asset in assets if hasattr(asset, _MARKS[of])]
    names = [asset.name for asset in fitting]
    if said is not None and said.asset is not None:
        if said.asset not in names:
            near = meant(said.asset, names)
            values = {"file": path.name, "given": said.asset, "of": of, "names": ", ".join(names)}
            raise DataError("asset_wrong", with_meant(_NO_ASSET, near, **values))
        return [asset for asset in fitting if asset.name == said.asset]
    if said is not None and of == "load":
        by_name = [
            asset
            for asset in fitting
            if getattr(getattr(asset, "profile"), "series", None) == said.name  # noqa: B009 - as marked
        ]
        if by_name:
            return by_name
    if not fitting:
        raise DataError("asset_missing", _NOBODY.format(file=path.name, of=of))
    if len(fitting) > 1:
        text = _WHOSE.format(file=path.name, count=len(fitting), of=of, names=", ".join(names))
        raise DataError("asset_unclear", text)
    return fitting


def _on_calendar(jobs: Jobs, run: TimeGrid) -> Jobs:
    """Return jobs that count their own time over a year on the run's own year.

    Others begin with the run.
    """
    relative = any(finding.key == "arrivals_relative" for finding in jobs.findings)
    if not relative or jobs.arrival[-1] - jobs.arrival[0] < _NEARLY_A_YEAR:
        return jobs
    year = str(run.local()[0].astype("datetime64[Y]"))
    shift = to_utc(np.datetime64(f"{year}-01-01", "s"), run.zone) - run.start
    return replace(jobs, arrival=jobs.arrival + shift, deadline=jobs.deadline + shift)
