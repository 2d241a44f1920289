"""Where a park is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from zeropark.units.quantity import Unit
from zeropark.units.types import Zone

_EARTH_RADIUS = 6371.0  # [km], mean radius (IUGG)


@dataclass(frozen=True)
class Place:
    """A point on the ground and the clock its people use.

    latitude [deg, north +], longitude [deg, east +], altitude [m above sea level],
    zone: an IANA time zone name.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    latitude: Annotated[
        float, Unit("deg"), Field(ge=-90, le=90, description="north +", title="纬度，北为正")
    ]
    longitude: Annotated[
        float, Unit("deg"), Field(ge=-180, le=180, description="east +", title="经度，东为正")
    ]
    altitude: Annotated[
        float, Unit("m"), Field(ge=-450, le=6000, description="above sea level", title="海拔")
    ]
    zone: Annotated[Zone, Field(description="IANA name of the clock", title="时区")]

    def distance_to(self, other: Place) -> float:
        """Return the great-circle distance to `other` [km] (haversine)."""
        here, there = math.radians(self.latitude), math.radians(other.latitude)
        east = math.radians(other.longitude - self.longitude)
        half = (
            math.sin((there - here) / 2) ** 2
            + math.cos(here) * math.cos(there) * math.sin(east / 2) ** 2
        )
        return 2 * _EARTH_RADIUS * math.asin(math.sqrt(half))
