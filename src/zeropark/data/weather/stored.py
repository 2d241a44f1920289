"""Weather and what follows from it, made once and kept in the cache.

The second run of the same park needs no pvlib, which takes seconds to import.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from zeropark.data.cache import Arrays, cached
from zeropark.data.errors import Finding
from zeropark.data.weather.assemble import Reading
from zeropark.data.weather.climate import Climate
from zeropark.data.weather.generate import typical_year
from zeropark.data.weather.readers import read_weather
from zeropark.data.weather.weather import COLUMNS, Weather
from zeropark.units.place import Place
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

_HERE = Path(__file__).parent
_CODE = (_HERE, _HERE.parents[1] / "units", _HERE.parent / "facts")


def stored_year(climate: Climate, place: Place, *, seed: int = 0, minutes: int = 15) -> Weather:
    """Return `typical_year` of the same arguments, from the cache where it was made before."""
    parts = ("typical year", climate, place, seed, minutes)
    arrays = cached(
        parts,
        lambda: _arrays(Reading(typical_year(climate, place, seed=seed, minutes=minutes), [])),
        code=_CODE,
    )
    return _reading(arrays).weather


def stored_reading(path: Path, zone: str | None = None) -> Reading:
    """Return `read_weather` of the same arguments, from the cache where it was read before."""
    if not path.is_file():
        return read_weather(path, zone)  # says what is wrong with it
    arrays = cached(
        ("weather file", path, path.suffix, zone),
        lambda: _arrays(read_weather(path, zone)),
        code=_CODE,
    )
    return _reading(arrays)


def _arrays(reading: Reading) -> Arrays:
    weather, place = reading.weather, reading.weather.place
    told = {
        "start": str(weather.grid.start),
        "zone": weather.grid.zone,
        "place": [place.latitude, place.longitude, place.altitude, place.zone],
        "typical": weather.typical,
        "findings": [[f.key, f.text.en, f.text.zh] for f in reading.findings],
    }
    columns = {name: getattr(weather, name) for name in COLUMNS}
    return {**columns, "hours": weather.grid.hours, "told": np.array(json.dumps(told))}


def _reading(arrays: Arrays) -> Reading:
    told = json.loads(str(arrays["told"]))
    grid = TimeGrid(np.datetime64(told["start"], "s"), arrays["hours"], told["zone"])
    columns = {name: arrays[name] for name in COLUMNS}
    weather = Weather(
        grid=grid, place=Place(*told["place"]), typical=bool(told["typical"]), **columns
    )
    return Reading(weather, [Finding(k, Text(en, zh)) for k, en, zh in told["findings"]])
