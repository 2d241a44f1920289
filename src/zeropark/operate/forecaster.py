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
from zeropark.data.weather import Weather
from zeropark.forecast.nowcast import correct, hold
from zeropark.forecast.weather import GROWS_TO, WeatherErrors, blend, foresee
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


@dataclass(frozen=True)
class _Skies:
    """The weather of an issue: the park's, and that of nodes that lie elsewhere."""

    weather: Weather | None
    skies: Mapping[str, Weather]


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
        # The weather of the newest issues by the step they began at, the newest last.
        self._issues: dict[int, _Skies] = {}
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
            issues = self._newest(at, self._errors)
            weather = [each.weather for each in issues if each.weather is not None]
            skies = {n: blend([each.skies[n] for each in issues]) for n in window.skies}
            series = world.foreseen_series(at, last)
            outlook = replace(
                outlook, weather=blend(weather) if weather else None, skies=skies, series=series
            )
        signals: Signals = {}
        for kind, assets in self._kinds.items():
            own = [asset.signals(outlook) for asset in assets]
            signals[kind] = {name: np.vstack([one[name] for one in own]) for name in own[0]}
        return Issued(at, signals, world.foreseen_arrivals(at, last), outlook)

    def _newest(self, at: int, errors: WeatherErrors) -> list[_Skies]:
        """Return the issues that still speak of the steps from `at` on, the newest first.

        Those of the time before the run are made when the run begins.
        """
        world, every = self._world, self._every
        oldest = max(
            at - round(GROWS_TO / world.grid.step_hours),
            at - every - self._horizon + 1,
            -len(world.past.grid),
        )
        wanted = [at - back for back in range(0, at - oldest + 1, every)]
        found: dict[int, _Skies] = {}
        for begun in reversed(wanted):
            held = self._issues.get(begun)
            found[begun] = self._foresee(begun, errors) if held is None else held
        self._issues = found
        return [found[begun] for begun in wanted]

    def _foresee(self, at: int, errors: WeatherErrors) -> _Skies:
        """Return the weather as an issue at step `at` foresees it, before the run where at < 0."""
        last = min(at + self._every + self._horizon, len(self._world.truth.grid))
        truth = self._world.lived_window(at, last)
        # Two streams: a seed is not negative.
        stream = [7919, at] if at >= 0 else [7920, -at]
        random = np.random.default_rng([self._world.seed, *stream])
        weather = None if truth.weather is None else foresee(truth.weather, errors, random)
        return _Skies(weather, {n: foresee(s, errors, random) for n, s in truth.skies.items()})

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
