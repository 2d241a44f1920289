"""A person's own files in a run: what they say of its truth, of its past, and what was noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.data.arrivals import availability, history_begins
from zeropark.data.errors import Finding
from zeropark.data.events import Cars, Jobs, read_cars, read_jobs, read_outages
from zeropark.data.series import read_series, too_short
from zeropark.data.times import local_time
from zeropark.data.weather import Weather
from zeropark.data.weather.assemble import Reading
from zeropark.data.weather.plain import past_is_typical, read_rows
from zeropark.data.weather.readers import weather_format
from zeropark.data.weather.stored import stored_reading
from zeropark.forecast.price import published_steps
from zeropark.operate.past import with_past
from zeropark.operate.whose import Brought
from zeropark.units.place import Place
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid, to_utc

Floats = npt.NDArray[np.float64]
# A file that counts its own time over so many days is of a whole year.
_NEARLY_A_YEAR = np.timedelta64(300, "D")
# Weather from further away, or from so much higher or lower, is of another valley [km, m].
_FAR, _HIGH = 50.0, 200.0
_IN_FILE = Text("{file}: {words}", "{file}：{words}")
_ARRIVED = Text(
    "{file} holds nothing of the days before the run; what the park file expects stands for them",
    "{file} 不含运行前的数据；以园区文件的预期代替",
)
_ARRIVED_PART = Text(
    "{file} begins {days:.1f} days before the run; what to expect is learned from these",
    "{file} 从运行前 {days:.1f} 天开始；据此学习预期",
)
_NO_OUTAGE = Text(
    "{file} holds no outage between {start} and {end}", "{file} 在 {start} 至 {end} 没有停电"
)
_ELSEWHERE = Text(
    "{file} is of a place {away:.0f} km from the park and {up:+.0f} m from its altitude",
    "{file} 的地点距园区 {away:.0f} km，高差 {up:+.0f} m",
)


@dataclass
class Own:
    """What a person's files say of a run.

    series: by `<asset>/<signal>`, on the whole grid, past and run. tables: what arrives, by asset.
    announced: availability as announced, by `<asset>/<signal>`, on the run's grid. after: mean of a
    price over the day after the run, by `<asset>/<signal>`, where its file holds it [CNY/MWh].
    findings: what the readers noticed.
    """

    series: dict[str, Floats] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    announced: dict[str, Floats] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Days:
    """The days of a run. whole: from the beginning of its history to its end. run: its own."""

    whole: TimeGrid
    run: TimeGrid


def own_weather(
    files: Iterable[Brought], place: Place, days: Days, typical: Callable[[], Weather]
) -> Reading | None:
    """Return the weather of a person's file on all the days; None where there is none.

    typical: returns what stands for what a file does not say and need not. Raises `ParkError` or
    `DataError` in sentences.
    """
    for each in files:
        if each.of == "weather":
            zone = (each.said.zone if each.said else None) or place.zone
            if weather_format(each.path) is None:
                rows = read_rows(each.path, place.zone, each.said)
                found = rows.weather(days.whole, days.run, place, typical)
            else:
                read = stored_reading(each.path, zone)
                covered = _covering(each.path.name, read.weather, days, typical)
                found = Reading(covered.weather, read.findings + covered.findings)
            far = _elsewhere(each.path.name, place, found.weather.place)
            return Reading(found.weather, list(named(each.path.name, found.findings)) + far)
    return None


def read_own(
    files: Iterable[Brought],
    zone: str,
    days: Days,
    drawn: Mapping[str, Any],
    typical: Mapping[str, Floats],
) -> Own:
    """Return what files say of assets.

    zone: the park's. drawn: what chance lets arrive, by asset. typical: what profiles and tariffs
    say on all the days, by `<asset>/<signal>`. Raises `ParkError` or `DataError` in sentences.
    """
    own = Own()
    for each in files:
        if each.asset is None:
            continue
        if each.of in {"load", "price"}:
            _series(own, each, each.asset, zone, days, typical)
        elif each.of == "outages":
            _outages(own, each, each.asset, zone, days)
        else:
            _arrivals(own, each, each.asset, zone, days, drawn)
    return own


def named(file: str, findings: Iterable[Finding]) -> Iterable[Finding]:
    """Yield findings that say which file they are about."""
    for each in findings:
        if file in each.text.en:
            yield each
        else:
            text = Text(
                _IN_FILE.en.format(file=file, words=each.text.en),
                _IN_FILE.zh.format(file=file, words=each.text.zh),
            )
            yield Finding(each.key, text)


def _series(
    own: Own,
    each: Brought,
    asset: Kind,
    zone: str,
    days: Days,
    typical: Mapping[str, Floats],
) -> None:
    series = read_series(each.path, each.of, zone, each.said)
    name = f"{asset.name}/{asset.takes[each.of]}"
    published = published_steps(days.run) if each.of == "price" else 0
    values, noticed = with_past(series, days.whole, days.run, typical.get(name), published)
    own.series[name] = values
    own.findings += named(series.file, (*series.findings, *noticed))
    run = days.run
    tomorrow = TimeGrid.regular(
        run.end, max(1, round(24 / run.step_hours)), run.step_hours * 60, run.zone
    )
    if each.of == "price" and series.covers(tomorrow):
        own.after[name] = float(np.mean(series.on_grid(tomorrow)))


def _outages(own: Own, each: Brought, asset: Kind, zone: str, days: Days) -> None:
    outages = read_outages(each.path, zone, each.said)
    name = f"{asset.name}/{asset.takes[each.of]}"
    own.series[name] = availability(outages, days.whole)[0]
    truly, own.announced[name] = availability(outages, days.run)
    own.findings += named(each.path.name, outages.findings)
    if truly.min() == 1.0:
        start, end = (local_time(t, zone) for t in (days.run.start, days.run.end))
        text = _NO_OUTAGE.format(file=each.path.name, start=start, end=end)
        own.findings.append(Finding("no_outage", text))


def _arrivals(
    own: Own, each: Brought, asset: Kind, zone: str, days: Days, drawn: Mapping[str, Any]
) -> None:
    file = each.path.name
    rows: Jobs | Cars
    if each.of == "jobs":
        rows = _on_calendar(read_jobs(each.path, zone, days.run.start, each.said), days.run)
    else:
        rows = read_cars(each.path, zone, each.said)
    own.tables[asset.name] = asset.from_rows(file, rows, drawn[asset.name], days.run)
    own.findings += named(file, rows.findings)
    begin = history_begins(rows.arrival, days.whole, days.run)
    if begin is None:
        own.findings.append(Finding("past_unknown", _ARRIVED.format(file=file)))
    elif begin > 0:
        known = (days.run.start - days.whole.starts[begin]) / np.timedelta64(1, "D")
        text = _ARRIVED_PART.format(file=file, days=float(known))
        own.findings.append(Finding("past_short", text))


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


def _covering(file: str, weather: Weather, days: Days, typical: Callable[[], Weather]) -> Reading:
    """Return weather on all the days; weather of a real time must cover the run."""
    own, whole = weather.grid, days.whole
    if weather.typical or (own.start <= whole.start and own.end >= whole.end):
        return Reading(weather.resample(whole), [])
    if own.start > days.run.start or own.end < days.run.end:
        raise too_short(file, (own.start, own.end), days.run)
    first = int(np.searchsorted(whole.starts, own.start))
    before = typical().resample(whole.window(0, first))
    after = weather.resample(whole.window(first, len(whole)))
    told = local_time(whole.starts[first], whole.zone)
    return Reading(before.followed_by(after), [past_is_typical(file, told)])


def _elsewhere(file: str, park: Place, other: Place) -> list[Finding]:
    away, up = park.distance_to(other), other.altitude - park.altitude
    if away <= _FAR and abs(up) <= _HIGH:
        return []
    text = _ELSEWHERE.format(file=file, away=away, up=up)
    return [Finding("weather_elsewhere", text)]


def without_a_file(assets: Sequence[Kind], series: Mapping[str, Floats]) -> list[str]:
    """Return the names of assets one of whose series nobody told."""
    return [
        asset.name
        for asset in assets
        for signal in asset.takes.values()
        if np.isnan(series.get(f"{asset.name}/{signal}", np.zeros(1))).any()
    ]
