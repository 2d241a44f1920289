"""What electricity costs: a price by local hour and date, and a price of the highest demand."""

from __future__ import annotations

import datetime as dt
import re
from itertools import pairwise
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from zeropark.model.asset import Name, ShownLabel
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid
from zeropark.units.types import DemandPrice, Duration, EnergyPrice

Floats = npt.NDArray[np.float64]
_QUARTERS = 96
_SPAN = re.compile(
    r"^([01]?\d|2[0-3])(:00|:15|:30|:45)?-(([01]?\d|2[0-3])(:00|:15|:30|:45)?|24(:00)?)$"
)
_NO_SPAN = Text(
    "'{given}' is not a span of hours, such as 17-23 or 6:30-8:15; allowed: 0 to 24, "
    "on quarter-hours",
    "“{given}”不是时段，例如 17-23 或 6:30-8:15；可用：0 至 24 时，以一刻钟为界",
)
_EMPTY_SPAN = Text(
    "'{given}' begins where it ends; the whole day is 0-24",
    "“{given}”首尾相同；全天写 0-24",
)
_HOLE = Text(
    "the bands leave a hole at {at}; give these hours to a band",
    "各时段在 {at} 留有空缺；把这些小时归入一个时段",
)
_OVERLAP = Text(
    "two bands overlap at {at}; leave these hours to one band",
    "有两个时段在 {at} 重叠；这些小时只归一个时段",
)
_ORDER = Text(
    "the season from {later} stands after the one from {earlier}; write them in order",
    "始于 {later} 的季节写在始于 {earlier} 的之后；按日期先后写",
)
_ARBITRAGE = Text(
    "export at {sold} CNY/MWh is above import at {bought} CNY/MWh at {at} from {since}; "
    "who buys and sells at once would earn without end: export must not be above import",
    "自 {since} 起 {at} 上网价 {sold} CNY/MWh 高于购电价 {bought} CNY/MWh；同时买卖可无限获利："
    "上网价不得高于购电价",
)


def _is_span(text: str) -> str:
    if not _SPAN.match(text):
        raise refusal("hours_span", _NO_SPAN, given=text)
    first, _, last = text.partition("-")
    if _quarter(first) == _quarter(last):
        raise refusal("hours_empty", _EMPTY_SPAN, given=text)
    return text


HourSpan = Annotated[str, AfterValidator(_is_span)]


class Band(BaseModel):
    """A price that holds in some hours of the local day.

    hours: spans such as `17-23`; the start belongs to the span, the end does not; `23-7` goes over
    midnight. price: [CNY/MWh].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    hours: Annotated[
        tuple[HourSpan, ...],
        Field(description="spans of the local day, such as 17-23", title="时段"),
    ]
    price: Annotated[EnergyPrice, Field(description="price in these hours", title="电价")]

    def quarters(self) -> npt.NDArray[np.bool_]:
        """Return which quarter-hours of the local day belong to the band, shape (96,)."""
        inside = np.zeros(_QUARTERS, dtype=bool)
        for span in self.hours:
            first, last = (_quarter(side) for side in span.split("-"))
            if first < last:
                inside[first:last] = True
            else:
                inside[first:] = True
                inside[:last] = True
        return inside


class Season(BaseModel):
    """Bands that hold from a date on, until the next season of the tariff."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: dt.date = Field(alias="from", description="first local day it holds", title="起始日")
    bands: Annotated[
        tuple[Band, ...], Field(description="together they cover the day once", title="时段电价")
    ]

    @model_validator(mode="after")
    def _covers_the_day_once(self) -> Season:
        covered = sum(band.quarters().astype(int) for band in self.bands)
        for code, text, wrong in (
            ("tariff_hole", _HOLE, covered == 0),
            ("tariff_overlap", _OVERLAP, covered > 1),
        ):
            at = np.flatnonzero(wrong)
            if len(at):
                raise refusal(code, text, field="bands", at=_spans(at))
        return self

    def prices(self) -> Floats:
        """Return the price of each quarter-hour of the local day [CNY/MWh], shape (96,)."""
        prices = np.zeros(_QUARTERS)
        for band in self.bands:
            prices[band.quarters()] = band.price
        return prices


class Demand(BaseModel):
    """A price of a month's highest mean demand over `interval`.

    price: [CNY/MW-month]. interval: [h], 15 min in China.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    price: Annotated[
        DemandPrice,
        Field(ge=0, description="price of the month's highest demand", title="需量电价"),
    ]
    interval: Annotated[
        Duration, Field(gt=0, le=1, description="over which demand is averaged", title="需量周期")
    ] = 0.25


class Tariff(BaseModel):
    """Import prices by date and hour, export price, and the price of demand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    label: ShownLabel = None
    energy: Annotated[
        tuple[Season, ...], Field(min_length=1, description="import prices", title="购电价")
    ]
    export: Annotated[
        tuple[Season, ...], Field(description="export prices; 0 where none", title="上网价")
    ] = ()
    demand: Annotated[
        Demand | None, Field(description="charge for the highest demand", title="需量电费")
    ] = None

    @field_validator("energy", "export")
    @classmethod
    def _in_order(cls, seasons: tuple[Season, ...]) -> tuple[Season, ...]:
        for earlier, later in pairwise(seasons):
            if later.since <= earlier.since:
                raise refusal(
                    "tariff_order", _ORDER, later=str(later.since), earlier=str(earlier.since)
                )
        return seasons

    @model_validator(mode="after")
    def _sells_no_dearer_than_it_buys(self) -> Tariff:
        for since in sorted({season.since for season in (*self.energy, *self.export)}):
            bought, sold = _season_at(self.energy, since), _season_at(self.export, since)
            if bought is None or sold is None:
                continue
            wrong = np.flatnonzero(sold.prices() > bought.prices())
            if len(wrong):
                raise refusal(
                    "export_above_import",
                    _ARBITRAGE,
                    field="export",
                    sold=f"{sold.prices()[wrong[0]]:g}",
                    bought=f"{bought.prices()[wrong[0]]:g}",
                    at=_spans(wrong),
                    since=str(since),
                )
        return self

    def import_prices(self, grid: TimeGrid) -> Floats:
        """Return the price of an imported MWh at each step [CNY/MWh], shape (N,).

        NaN before the first season.
        """
        return _by_step(self.energy, grid)

    def export_prices(self, grid: TimeGrid) -> Floats:
        """Return what an exported MWh earns at each step [CNY/MWh], shape (N,).

        0 where nothing is agreed.
        """
        return _by_step(self.export, grid) if self.export else np.zeros(len(grid))


def _season_at(seasons: tuple[Season, ...], day: dt.date) -> Season | None:
    """Return the season that holds on `day`; None before the first."""
    held = [season for season in seasons if season.since <= day]
    return held[-1] if held else None


def _by_step(seasons: tuple[Season, ...], grid: TimeGrid) -> Floats:
    """Average the quarter-hour prices over each step, by local date and hour."""
    days = grid.local_day
    first = np.floor(grid.local_hour * 4).astype(int)
    count = np.maximum(1, np.rint(grid.hours * 4).astype(int))
    found = np.full(len(grid), np.nan)
    for season in seasons:
        since = int((np.datetime64(season.since, "D") - np.datetime64("1970-01-01")).astype(int))
        # A step longer than a quarter-hour pays the mean of those it covers.
        total = np.concatenate([[0.0], np.cumsum(np.tile(season.prices(), 8))])
        mean = (total[first + count] - total[first]) / count
        found = np.where(days >= since, mean, found)
    return found


def _quarter(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return min(_QUARTERS, int(hour) * 4 + int(minute or 0) // 15)


def _spans(quarters: npt.NDArray[np.intp]) -> str:
    breaks = np.flatnonzero(np.diff(quarters) > 1)
    firsts = quarters[np.concatenate([[0], breaks + 1])]
    lasts = quarters[np.concatenate([breaks, [len(quarters) - 1]])] + 1
    clock = [
        f"{f // 4:02d}:{f % 4 * 15:02d}-{e // 4:02d}:{e % 4 * 15:02d}"
        for f, e in zip(firsts, lasts, strict=True)
    ]
    return ", ".join(clock)
