"""How far off a forecast of sun and wind may be: the same forecast drawn many times with errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zeropark.data.outlook import Outlook
from zeropark.forecast.weather import WeatherErrors, foresee
from zeropark.operate.record import Floats
from zeropark.operate.world import World

LOW, HIGH = 10.0, 90.0
"""The percentiles of a band."""
_DRAWS = 30


def band(world: World, issued: Outlook, errors: WeatherErrors, seed: int) -> tuple[Floats, Floats]:
    """Return what sun and wind give in 10 and in 90 of 100 cases [MW], each (N,) of the forecast.

    issued: the forecast, as it was issued. errors: of usual practice, taken around the forecast.
    """
    sources = [asset for asset in world.assets if asset.role == "source"]
    draws = np.zeros((_DRAWS, len(issued.grid)))
    for number in range(_DRAWS):
        random = np.random.default_rng([seed, number])
        skies = {name: foresee(sky, errors, random) for name, sky in issued.skies.items()}
        weather = issued.weather
        drawn = None if weather is None else foresee(weather, errors, random)
        case = replace(issued, weather=drawn, skies=skies)
        for asset in sources:
            given = asset.signals(case).get("available")
            if given is not None:
                draws[number] += given.sum(axis=0)
    low, high = np.percentile(draws, [LOW, HIGH], axis=0)
    return low, high
