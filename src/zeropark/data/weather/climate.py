"""The monthly normals of a place: dated facts, read from `facts/climate_*.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError, Finding
from zeropark.data.published import fact_files
from zeropark.units.place import Place
from zeropark.units.text import Text

Floats = npt.NDArray[np.float64]

_MONTHS = 12
_FAR = 100.0  # [km] weather of another valley
_HIGH = 200.0  # [m] more than a degree of difference


@dataclass(frozen=True)
class Climate:
    """Monthly normals of a site, and the recipe that ties its days and hours together.

    name, title: of the site. place: where it is. clock: hours its normals' clock is ahead of UTC
    [h]. normals: column name (unit last) to values January to December, shape (12,).
    recipe: name to value or values, see the file. source: where the normals come from.
    """

    name: str
    title: Text
    place: Place
    clock: float
    normals: Mapping[str, Floats]
    recipe: Mapping[str, Floats]
    source: str

    def __getitem__(self, column: str) -> Floats:
        """Return the normals of `column`, shape (12,)."""
        return self.normals[column]

    def number(self, name: str) -> float:
        """Return a single number of the recipe."""
        return float(self.recipe[name])

    def findings_at(self, place: Place) -> list[Finding]:
        """Return what its user should know where `place` is far from these normals' site."""
        away, up = place.distance_to(self.place), place.altitude - self.place.altitude
        if away <= _FAR and abs(up) <= _HIGH:
            return []
        text = Text(
            "the typical year is made from the normals of {site}, {away:.0f} km away and"
            " {up:+.0f} m from the park's altitude; give a weather file of the park for figures to"
            " rely on",
            "典型年由{site_zh}的气候平均值生成，距园区 {away:.0f} km，高差 {up:+.0f} m；"
            "如需可靠数据，请提供园区的气象文件",
        ).format(site=self.title.en, site_zh=self.title.zh, away=away, up=up)
        return [Finding("climate_far_away", text)]


def climates() -> tuple[str, ...]:
    """Return the names of the sites whose normals are at hand."""
    return tuple(sorted(_all()))


def climate(name: str) -> Climate:
    """Return the normals of the site `name`; raises `DataError` where there are none."""
    if name not in _all():
        raise DataError(
            "climate_unknown",
            Text(
                "no monthly normals for '{name}'; there are: {known}",
                "没有“{name}”的月气候平均值；现有：{known}",
            ).format(name=name, known=", ".join(climates())),
        )
    return _all()[name]


def nearest_climate(place: Place) -> Climate:
    """Return the normals of the site nearest to `place`."""
    return min(_all().values(), key=lambda site: place.distance_to(site.place))


@cache
def _all() -> dict[str, Climate]:
    found: dict[str, Climate] = {}
    for name, tree in fact_files().items():
        if name.startswith("climate_"):
            recipe = {key: np.array(fact["value"], float) for key, fact in tree["recipe"].items()}
            for site, said in tree["sites"].items():
                found[site] = _site(site, said, recipe)
    return found


def _site(name: str, site: dict[str, Any], recipe: dict[str, Floats]) -> Climate:
    where = site["place"]
    normals = {column: np.array(values, float) for column, values in site["value"].items()}
    assert all(len(values) == _MONTHS for values in normals.values()), f"{name}: twelve months"
    return Climate(
        name=name,
        title=Text(**site["title"]),
        place=Place(
            where["latitude_deg"], where["longitude_deg"], where["altitude_m"], where["zone"]
        ),
        clock=float(site["clock_utc_offset_h"]),
        normals=normals,
        recipe=recipe,
        source=site["basis"]["source"],
    )
