"""A weather forecast with errors of a stated size that grow with lead and hang together in time.

Sizes are facts (`data/facts/forecast.yaml`): day-ahead root mean square errors of temperature and
of sun and wind, and the error's correlation over an hour. A forecast is frozen when it is issued.
Several issues that speak of one step say more of it than the newest alone: see `blend` and
`docs/decisions/0027-because-the-sun-is-seen-within-the-step.md`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from zeropark.data.published import fact
from zeropark.data.weather import Weather
from zeropark.data.weather.weather import COLUMNS

Floats = npt.NDArray[np.float64]
# A numerical forecast knows nothing finer than this [h].
_FINEST = 1.0
# Share of the day-ahead error that is there from the first hour on [1].
_AT_ISSUE = 0.35
# From this lead on an error grows no more [h].
GROWS_TO = 48.0


@dataclass(frozen=True)
class WeatherErrors:
    """Day-ahead errors: temperature [K], clearness and wind speed relative [1], persistence.

    correlation: of an error with itself an hour later [1].
    """

    temperature: float
    clearness: float
    wind: float
    correlation: float


def usual_errors(at: dt.date) -> WeatherErrors:
    """Return the errors of usual practice as the facts have them at `at`."""
    return WeatherErrors(
        temperature=fact("forecast_error_temperature", at).in_unit("K"),
        clearness=fact("forecast_error_clearness", at).in_unit("1"),
        wind=fact("forecast_error_wind", at).in_unit("1"),
        correlation=fact("forecast_error_correlation", at).in_unit("1"),
    )


def foresee(truth: Weather, errors: WeatherErrors, random: np.random.Generator) -> Weather:
    """Return a forecast issued at the start of `truth`'s grid for the whole of it."""
    hours = truth.grid.hours
    lead = np.cumsum(hours) - hours
    size = error_size(lead)
    warmer = errors.temperature * size * _wander(hours, errors.correlation, random)
    clearer = np.clip(
        1.0 + errors.clearness * size * _wander(hours, errors.correlation, random), 0.1, 1.7
    )
    windier = np.clip(
        1.0 + errors.wind * size * _wander(hours, errors.correlation, random), 0.0, 2.5
    )
    width = max(1, round(_FINEST / float(hours[0])))
    sun = {name: _smooth(getattr(truth, name), width) * clearer for name in ("ghi", "dni", "dhi")}
    t_air = truth.t_air + warmer
    return replace(
        truth,
        ghi=np.minimum(sun["ghi"], 1400.0),
        dni=np.minimum(sun["dni"], 1360.0),
        dhi=np.minimum(sun["dhi"], 900.0),
        t_air=t_air,
        # Dew point follows the air by a third, wet bulb by two thirds, and neither passes the air.
        t_wet=np.minimum(truth.t_wet + warmer * 0.65, t_air),
        t_dew=np.minimum(truth.t_dew + warmer * 0.3, t_air),
        wind_speed=truth.wind_speed * windier,
    )


def error_size(lead: Floats) -> Floats:
    """Return how large errors are at a lead [h], as a share of those a day ahead [1]."""
    grown = np.sqrt(np.minimum(lead, GROWS_TO) / 24.0)
    return np.asarray(_AT_ISSUE + (1.0 - _AT_ISSUE) * grown)


def blend(issues: Sequence[Weather]) -> Weather:
    """Return what forecasts of one place say together of the steps of the newest, the first.

    issues: each on steps of one length from its own issue on; the older may end earlier. Every
    step has their mean, each weighed by one over the square of its error's size at that lead, as is
    best where errors of issues are of chance of their own (lagged average forecasting, Hoffman and
    Kalnay, Tellus 35A, 1983, recalled).
    """
    newest = issues[0]
    count, hours = len(newest.grid), newest.grid.hours
    weights, parts = np.zeros(count), {name: np.zeros(count) for name in COLUMNS}
    for issue in issues:
        age = float((newest.grid.start - issue.grid.start) / np.timedelta64(1, "s")) / 3600.0
        first = round(age / float(hours[0]))
        reach = min(count, len(issue.grid) - first)
        if reach <= 0:
            continue
        lead = age + np.cumsum(hours[:reach]) - hours[:reach]
        weight = error_size(lead) ** -2.0
        weights[:reach] += weight
        for name, part in parts.items():
            part[:reach] += weight * getattr(issue, name)[first : first + reach]
    columns = {name: part / weights for name, part in parts.items()}
    return Weather.of(newest.grid, newest.place, columns)


def _wander(hours: Floats, correlation: float, random: np.random.Generator) -> Floats:
    """Return a standard normal series whose neighbours an hour apart correlate as said."""
    keep = correlation**hours
    shocks = random.standard_normal(len(hours)) * np.sqrt(1.0 - keep**2)
    shocks[0] = random.standard_normal()
    found = np.empty(len(hours))
    level = 0.0
    for i, (stay, shock) in enumerate(zip(keep.tolist(), shocks.tolist(), strict=True)):
        level = level * stay + shock if i else shock
        found[i] = level
    return found


def _smooth(series: Floats, width: int) -> Floats:
    """Return the running mean over `width` steps, shorter at the ends."""
    if width <= 1:
        return series
    kernel = np.ones(width)
    counts = np.convolve(np.ones(len(series)), kernel, mode="same")
    return np.convolve(series, kernel, mode="same") / counts
