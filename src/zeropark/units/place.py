"""Where a park is."""

from __future__ import annotations

import math
from dataclasses import dataclass

_EARTH_RADIUS = 6371.0  # [km], mean radius (IUGG)


@dataclass(frozen=True)
class Place:
    """A point on the ground and the clock its people use.

    latitude [deg, north +], longitude [deg, east +], altitude [m above sea level],
    zone: an IANA time zone name.
    """

    latitude: float
    longitude: float
    altitude: float
    zone: str

    def distance_to(self, other: Place) -> float:
        """Return the great-circle distance to `other` [km] (haversine)."""
        here, there = math.radians(self.latitude), math.radians(other.latitude)
        east = math.radians(other.longitude - self.longitude)
        half = (
            math.sin((there - here) / 2) ** 2
            + math.cos(here) * math.cos(there) * math.sin(east / 2) ** 2
        )
        return 2 * _EARTH_RADIUS * math.asin(math.sqrt(half))
