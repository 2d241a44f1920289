"""The world a run lives in: what truly happens, what happened before, what may be known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.data.errors import Finding
from zeropark.data.outlook import Outlook
from zeropark.forecast.price import foresee_price
from zeropark.forecast.profile import like_days
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
HISTORY_DAYS = 28
# A load's own wander around its typical day: size and correlation over an hour [1] (assumption).
_LOAD_NOISE, _LOAD_CORRELATION = 0.04, 0.8


@dataclass(frozen=True)
class World:
    """Truth on the run's grid, the four weeks before it, and the seed all chance comes from.

    assets: of the park. truth: what happens during the run. past: what happened before it.
    end_price: worth of a MWh after the run [CNY/MWh]: the mean import price of the next day.
    announced: per asset, its availability as announced [1], on the run's grid; unannounced outages
    are only in the truth. findings: what was noticed about the data. green: green electricity that
    contracts deliver at each step [MW], (N,); None where there is none.
    """

    assets: Sequence[Kind]
    truth: Outlook
    past: Outlook
    end_price: float
    seed: int
    announced: Mapping[str, Floats] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    green: Floats | None = None

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Names of the series that no forecast knows."""
        random = np.random.default_rng(0)
        tiny = self.truth.window(0, 1)
        return frozenset(f"{a.name}/{name}" for a in self.assets for name in a.chance(tiny, random))

    @property
    def grid(self) -> TimeGrid:
        """The run's steps."""
        return self.truth.grid

    def truth_window(self, first: int, last: int) -> Outlook:
        """Return what happens in the steps `first` to `last` (exclusive)."""
        return self.truth.window(first, last)

    def lived_window(self, first: int, last: int) -> Outlook:
        """Return weather and skies of the steps `first` to `last`; before 0 is what was before.

        Of the time before the run that far as it is known.
        """
        if first >= 0:
            return self.truth.window(first, last)
        count = len(self.past.grid)
        before, after = self.past.window(max(0, count + first), count), self.truth.window(0, last)
        weather = before.weather
        if weather is not None and after.weather is not None:
            weather = weather.followed_by(after.weather)
        skies = {name: sky.followed_by(after.skies[name]) for name, sky in before.skies.items()}
        return replace(after, weather=weather, skies=skies)

    def foreseen_series(self, at: int, last: int) -> dict[str, Floats]:
        """Return the series of the steps `at` to `last` as one may know them at `at`.

        Of a market's price what is published is known, of outages what is announced; loads and
        prices further ahead are foreseen from the four weeks before.
        """
        ahead = self.grid.window(at, last)
        found: dict[str, Floats] = {}
        for name, series in self.truth.series.items():
            if name in self.hidden:
                continue
            said = self._said_by.get(name)
            if said == "load":
                found[name] = like_days(*self._history(name, at), ahead)
            elif said == "price":
                found[name] = foresee_price(*self._history(name, at), series[at:last], ahead)
            elif said == "outages":
                found[name] = self.announced[name][at:last]
            else:
                found[name] = series[at:last]
        return found

    @cached_property
    def _said_by(self) -> Mapping[str, str]:
        """What sort of file tells a series, by the series' name."""
        return {
            f"{asset.name}/{signal}": said
            for asset in self.assets
            for said, signal in asset.takes.items()
        }

    def _history(self, name: str, at: int) -> tuple[Floats, TimeGrid]:
        """Return the last four weeks of a series before step `at`, and their grid."""
        count = len(self.past.grid)
        whole = np.concatenate([self.past.series[name], self.truth.series[name][:at]])[-count:]
        step = self.grid.step_hours
        start = self.grid.starts[at] if at < len(self.grid) else self.grid.end
        first = start - np.timedelta64(round(count * step * 3600), "s")
        return whole, TimeGrid.regular(first, count, step * 60, self.grid.zone)

    def foreseen_arrivals(self, at: int, last: int) -> dict[str, Any]:
        """Return what each asset expects to arrive in steps `at` to `last`, from history only."""
        ahead = self.grid.window(at, last)
        found: dict[str, Any] = {}
        for asset in self.assets:
            table = self.truth.tables.get(asset.name)
            if table is not None:
                found[asset.name] = asset.expect(table, ahead)
        return found


def draw_load(profile: Floats, hours: Floats, random: np.random.Generator) -> Floats:
    """Return a profile [MW] with the wander of a real load, never below 0."""
    keep = _LOAD_CORRELATION**hours
    shocks = random.standard_normal(len(hours)) * np.sqrt(1.0 - keep**2)
    level, wander = 0.0, np.empty(len(hours))
    for i, (stay, shock) in enumerate(zip(keep.tolist(), shocks.tolist(), strict=True)):
        level = level * stay + shock
        wander[i] = level
    return np.maximum(0.0, profile * (1.0 + _LOAD_NOISE * wander))
