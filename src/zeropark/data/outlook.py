"""What is known or believed of the time ahead: weather, prices and profiles on one time grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.data.weather import Weather
from zeropark.model.tariff import Tariff
from zeropark.model.warmth import Warmth
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outlook:
    """The world an asset computes its signals from; the truth and a forecast have the same shape.

    grid: the steps, N of them. weather: on that grid, None where nothing needs it.
    series: named profiles on that grid in inside units, each shape (N,).
    skies: the weather of nodes that lie elsewhere, by node.
    run: the whole run's grid, which decides what share of a month's demand charge it pays.
    tables: what arrives at an asset by its name (jobs, cars), in the form its kind draws it.
    warmths: temperatures of heat nodes, by node.
    best_case: whether plant behaves at its best everywhere, as perfect foresight assumes.
    """

    grid: TimeGrid
    weather: Weather | None
    tariffs: Mapping[str, Tariff]
    run: TimeGrid
    series: Mapping[str, Floats] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)
    warmths: Mapping[str, Warmth] = field(default_factory=dict)
    skies: Mapping[str, Weather] = field(default_factory=dict)
    best_case: bool = False

    def at_its_best(self) -> Outlook:
        """Return the same world with every plant at its best."""
        return replace(self, best_case=True)

    def sky(self, node: str) -> Weather | None:
        """Return the weather at a node: its own where it lies elsewhere, else the park's."""
        return self.skies.get(node, self.weather)

    def supply(self, node: str) -> Floats:
        """Return the supply temperature of a heat node at each step [degC], shape (N,)."""
        air = None if self.weather is None else self.weather.t_air
        return self.warmths[node].at(self.grid.local_hour, air)

    def window(self, first: int, last: int) -> Outlook:
        """Return the steps `first` to `last` (exclusive); tables stay whole."""
        return replace(
            self,
            grid=self.grid.window(first, last),
            weather=None if self.weather is None else self.weather.window(first, last),
            skies={name: sky.window(first, last) for name, sky in self.skies.items()},
            series={name: series[first:last] for name, series in self.series.items()},
        )

    def month_share(self, month: int) -> float:
        """Return which share of the billing month (months since 1970-01) the run covers [1]."""
        covered = float(self.run.hours[self.run.local_month == month].sum()) / 24.0
        first = np.datetime64(month, "M")
        days = int(
            ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(int)
        )
        return covered / days
