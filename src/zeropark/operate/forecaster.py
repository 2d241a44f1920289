"""Forecasts for the rolling planner: issued every few hours, frozen from then on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind, Readings
from zeropark.data.outlook import Outlook
from zeropark.data.published import fact
from zeropark.forecast.nowcast import correct, hold
from zeropark.forecast.weather import WeatherErrors, foresee
from zeropark.operate.horizon import Steps
from zeropark.operate.world import World

Floats = npt.NDArray[np.float64]
Signals = dict[str, dict[str, Floats]]


@dataclass(frozen=True)
class Issued:
    """A forecast issued at step `at`: signals by kind and name from `at` on, arrivals by asset.

    outlook: the weather and series foreseen that the signals come from.
    """

    at: int
    signals: Mapping[str, Mapping[str, Floats]]
    expected: Mapping[str, Any]
    outlook: Outlook


class Forecaster:
    """Issues forecasts from the world's truth by adding errors; a planner sees nothing else of it.

    every: steps between issues. horizon: steps a plan looks ahead. errors: None for a forecast of
    weather and loads without any, which shows what the errors cost.
    """

    def __init__(
        self, world: World, errors: WeatherErrors | None, every: int, horizon: int
    ) -> None:
        self._world = world
        self._errors = errors
        self._every = every
        self._horizon = horizon
        self._kinds: dict[str, list[Kind]] = {}
        for asset in world.assets:
            self._kinds.setdefault(asset.kind, []).append(asset)
        self._held: Issued | None = None
        # What was expected of a step and what it then showed, by signal and step.
        self._said: dict[tuple[str, str], dict[int, tuple[Floats, Floats]]] = {}
        day = dt.date.fromisoformat(str(world.grid.local()[0].astype("datetime64[D]")))
        self._lasts = fact("outage_duration", day).in_unit("h")

    def issued(self, index: int) -> Issued:
        """Return the newest forecast at step `index`."""
        at = index - index % self._every
        if self._held is None or self._held.at != at:
            self._held = self._issue(at)
        return self._held

    def _issue(self, at: int) -> Issued:
        world = self._world
        last = min(at + self._every + self._horizon, len(world.truth.grid))
        window = world.truth_window(at, last)
        outlook = replace(window, tables={})
        if self._errors is not None:
            random = np.random.default_rng([world.seed, 7919, at])
            weather = window.weather
            foreseen = None if weather is None else foresee(weather, self._errors, random)
            skies = {n: foresee(sky, self._errors, random) for n, sky in window.skies.items()}
            series = world.foreseen_series(at, last)
            outlook = replace(outlook, weather=foreseen, skies=skies, series=series)
        signals: Signals = {}
        for kind, assets in self._kinds.items():
            own = [asset.signals(outlook) for asset in assets]
            signals[kind] = {name: np.vstack([one[name] for one in own]) for name in own[0]}
        return Issued(at, signals, world.foreseen_arrivals(at, last), outlook)

    def window(
        self, index: int, steps: Steps, readings: Mapping[str, Readings]
    ) -> tuple[Signals, Mapping[str, Any]]:
        """Return the signals of the steps ahead, corrected by the last readings, and arrivals.

        Past the end of what was issued the last step's numbers stand; those steps have no length.
        """
        issued = self.issued(index)
        offset = index - issued.at
        found: Signals = {}
        for kind, assets in self._kinds.items():
            own: dict[str, Floats] = {}
            for name, array in issued.signals[kind].items():
                part = array[:, offset : offset + steps.span]
                reading = assets[0].measured.get(name)
                if reading is not None:
                    measured = _shown(assets, reading, readings)
                    part = self._corrected(index, (kind, name), part, measured)
                out_of_order = assets[0].lasting.get(name)
                if out_of_order is not None:
                    part = self._held_low(part, assets, out_of_order, readings)
                own[name] = steps.gather(part, index)
            found[kind] = own
        return found, issued.expected

    def _held_low(
        self,
        forecast: Floats,
        assets: Sequence[Kind],
        reading: str,
        readings: Mapping[str, Readings],
    ) -> Floats:
        hours = np.full(forecast.shape[1], self._world.grid.step_hours)
        return hold(forecast, _shown(assets, reading, readings), hours, self._lasts)

    def _corrected(
        self, index: int, signal: tuple[str, str], forecast: Floats, measured: Floats
    ) -> Floats:
        """Return the forecast corrected by what the last hour showed against what it expected."""
        said = self._said.setdefault(signal, {})
        if index - 1 in said:
            said[index - 1] = (said[index - 1][0], measured)
        step = self._world.grid.step_hours
        recent = [said[i] for i in range(index - max(1, round(1 / step)), index) if i in said]
        said[index] = (forecast[:, 0], np.full(len(measured), np.nan))
        said.pop(index - 24, None)
        if not recent:
            return forecast
        expected = np.array([pair[0] for pair in recent])
        shown = np.array([pair[1] for pair in recent])
        return correct(forecast, expected, shown, np.full(forecast.shape[1], step))


def _shown(assets: Sequence[Kind], reading: str, readings: Mapping[str, Readings]) -> Floats:
    """Return a reading of each asset, NaN where there is none, shape (members,)."""
    return np.array([float(readings[asset.name].get(reading, np.nan)) for asset in assets])
