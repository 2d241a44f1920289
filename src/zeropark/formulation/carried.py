"""What a plan of days is told of the year around it: its window sees none of this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Supply:
    """Where the electricity of a time came from and went [MWh].

    own: what loads used of own clean generation, after losses and with what stores gave and took.
    bought: imported. sent: exported. available: what own clean sources could have given.
    """

    own: float = 0.0
    bought: float = 0.0
    sent: float = 0.0
    available: float = 0.0

    def __add__(self, other: Supply) -> Supply:
        return Supply(
            self.own + other.own,
            self.bought + other.bought,
            self.sent + other.sent,
            self.available + other.available,
        )

    def times(self, factor: float) -> Supply:
        """Return so many times as much."""
        return Supply(
            self.own * factor, self.bought * factor, self.sent * factor, self.available * factor
        )


@dataclass(frozen=True)
class Carried:
    """What a window is told.

    rest: supply of the year outside the window: as lived before it, as the year's plan has it
    behind it; None where no year was planned. lived: since the run began, hours: for so long [h].
    worth: price of
    one unit more in store at the window's end, by asset [CNY/MWh, CNY/t]. peaks: highest demand
    reckoned with by month [MW], months since 1970.
    """

    lived: Supply = Supply()
    hours: float = 0.0
    rest: Supply | None = None
    worth: Mapping[str, float] = field(default_factory=dict)
    peaks: Mapping[int, float] = field(default_factory=dict)


NOTHING = Carried()
"""What a window is told where nothing was lived and no year was planned."""
