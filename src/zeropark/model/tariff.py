"""What electricity costs: a price by local hour and date, and a price of the highest demand."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from zeropark.model.asset import Name
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid
from zeropark.units.types import DemandPrice, Duration, EnergyPrice

Floats = npt.NDArray[np.float64]
HourSpan = Annotated[str, Field(pattern=r"^\d{1,2}(:\d{2})?-\d{1,2}(:\d{2})?$")]
_QUARTERS = 96


class Band(BaseModel):
    """A price that holds in some hours of the local day.

    hours: spans such as `17-23`; the start belongs to the span, the end does not; `23-7` goes over midnight.
    price: [CNY/MWh].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    hours: tuple[HourSpan, ...]
    price: EnergyPrice

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

    since: dt.date = Field(alias="from")
    bands: tuple[Band, ...]

    @model_validator(mode="after")
    def _covers_the_day_once(self) -> Season:
        covered = sum(band.quarters().astype(int) for band in self.bands)
        for word, wrong in (("a hole", covered == 0), ("an overlap", covered > 1)):
            at = np.flatnonzero(wrong)
            if len(at):
                raise PydanticCustomError(
                    "tariff_hours",
                    "the bands leave {word} at {at}; every quarter-hour of the day needs one band",
                    {"word": word, "at": _spans(at)},
                )
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

    price: Annotated[DemandPrice, Field(ge=0)]
    interval: Annotated[Duration, Field(gt=0, le=1)] = 0.25


class Tariff(BaseModel):
    """Import prices by date and hour, export price, and the price of demand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    label: Text | None = None
    energy: tuple[Season, ...] = Field(min_length=1)
    export: tuple[Season, ...] = ()
    demand: Demand | None = None

    @field_validator("energy", "export")
    @classmethod
    def _in_order(cls, seasons: tuple[Season, ...]) -> tuple[Season, ...]:
        for earlier, later in zip(seasons, seasons[1:], strict=False):
            if later.since <= earlier.since:
                raise PydanticCustomError(
                    "tariff_order",
                    "the season from {later} stands after the one from {earlier}; write them in order",
                    {"later": str(later.since), "earlier": str(earlier.since)},
                )
        return seasons

    def import_prices(self, grid: TimeGrid) -> Floats:
        """Return the price of an imported MWh at each step [CNY/MWh], shape (N,); NaN before the first season."""
        return _by_step(self.energy, grid)

    def export_prices(self, grid: TimeGrid) -> Floats:
        """Return what an exported MWh earns at each step [CNY/MWh], shape (N,); 0 where nothing is agreed."""
        return _by_step(self.export, grid) if self.export else np.zeros(len(grid))


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
    clock = [f"{f // 4:02d}:{f % 4 * 15:02d}-{e // 4:02d}:{e % 4 * 15:02d}" for f, e in zip(firsts, lasts, strict=True)]
    return ", ".join(clock)
