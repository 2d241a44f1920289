"""The one clock of a service: scaled, so that a day can be lived in an hour; or turned by hand.

`now` is what stamps say, `steady` what every expiry, watchdog and time-out counts: it never goes
back, whatever is done to the wall clock.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    """Tells the time of the park [s]. speed: how many of its seconds pass in one."""

    @property
    def speed(self) -> float:
        """Seconds of the park in a second of the machine."""

    def now(self) -> float:
        """Return POSIX seconds UTC."""

    def steady(self) -> float:
        """Return seconds since some moment; never less than before."""


@dataclass
class ScaledClock:
    """The machine's own monotonic clock, `speed` times as fast, from `start` on [POSIX s].

    start: None for the machine's wall clock, which is then followed, steps and all.
    """

    speed: float = 1.0
    start: float | None = None
    _begun: float = field(default_factory=time.monotonic, init=False)
    _skipped: float = field(default=0.0, init=False)
    _held: bool = field(default=False, init=False)

    def hold(self) -> None:
        """Stand still but for what is skipped."""
        self._skipped, self._held = self.steady(), True

    def go(self) -> None:
        """Run again."""
        self._begun, self._held = time.monotonic(), False

    def skip(self, seconds: float) -> None:
        """Let so much of the park's time pass at once [s]."""
        assert self.start is not None and seconds >= 0.0, "the wall clock goes its own way"  # noqa: PT018
        self._skipped += seconds

    def now(self) -> float:
        """Return the park's POSIX seconds."""
        return time.time() if self.start is None else self.start + self.steady()

    def steady(self) -> float:
        """Return the park's seconds since this clock was made."""
        ran = 0.0 if self._held else time.monotonic() - self._begun
        return ran * self.speed + self._skipped


@dataclass
class HandClock:
    """A clock that stands still until it is turned: a test lives a day without waiting for it.

    at: what every expiry counts [s]. wall: POSIX seconds at at = 0; a test may set it anew, as
    somebody may set the clock of a machine.
    """

    at: float = 0.0
    wall: float = 0.0
    speed: float = 1.0

    def now(self) -> float:
        """Return what the wall shows."""
        return self.wall + self.at

    def steady(self) -> float:
        """Return seconds since the test began."""
        return self.at
