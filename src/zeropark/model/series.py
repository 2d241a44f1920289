"""Profiles: how a quantity goes through the day when no file says so."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from zeropark.model.asset import SeriesName
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid
from zeropark.units.types import Power, Ratio

Floats = npt.NDArray[np.float64]
Day = Annotated[tuple[Ratio, ...], Field(min_length=24, max_length=24)]
_SATURDAY = 5
_ONE_OF = Text(
    "a profile says exactly one of: constant, weekday (with mean), series",
    "曲线只写其中一项：constant、weekday（连同 mean）、series",
)
_TOGETHER = Text("weekday and mean stand together; write both", "weekday 与 mean 要一起写")
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday.


class Profile(BaseModel):
    """A constant, a typical day, or a named series of the park.

    constant: [MW]. weekday, weekend: 24 hourly numbers, relative to `mean` [MW] over them. series:
    name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    constant: Annotated[
        Annotated[Power, Field(ge=0)] | None, Field(description="always this much", title="恒定值")
    ] = None
    mean: Annotated[
        Annotated[Power, Field(ge=0)] | None,
        Field(description="mean of a workday", title="工作日均值"),
    ] = None
    weekday: Annotated[
        Day | None, Field(description="24 hours of a workday, relative", title="工作日曲线")
    ] = None
    weekend: Annotated[
        Day | None, Field(description="24 hours of a rest day, relative", title="休息日曲线")
    ] = None
    series: Annotated[
        SeriesName | None, Field(description="one of the park's series", title="数据序列")
    ] = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Profile:
        said = [self.constant is not None, self.weekday is not None, self.series is not None]
        if sum(said) != 1:
            raise refusal("profile_one", _ONE_OF)
        if (self.weekday is None) != (self.mean is None):
            raise refusal("profile_mean", _TOGETHER)
        return self

    def on_grid(self, grid: TimeGrid) -> Floats:
        """Return the profile at each step [MW], shape (N,).

        NaN where only a series could say it.
        """
        if self.constant is not None:
            return np.full(len(grid), self.constant)
        if self.weekday is None or self.mean is None:
            return np.full(len(grid), np.nan)
        workday = np.array(self.weekday)
        restday = np.array(self.weekend or self.weekday)
        scale = self.mean / float(workday.mean())
        hour = grid.local_hour.astype(int)
        rest = (grid.local_day + _EPOCH_WEEKDAY) % 7 >= _SATURDAY
        shape: Floats = np.where(rest, restday[hour], workday[hour])
        return shape * scale
