"""Our own clock, which is not trusted either: is it synchronised, did it step, does it go back."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from zeropark.units.text import Text

_STEP_MS = 1_000
"""A difference of wall and monotonic time that slewing never makes between two looks [ms]."""
_LOOK_MS = 1_000  # the kernel's answer changes within minutes, asking costs microseconds
_LOOKS, _PAUSE_S = 20, 0.0002  # a clock that stands still is not waited for beyond 4 ms
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


class ClockState(IntEnum):
    """What is known about our own clock at a moment."""

    SYNCHRONISED = 0
    UNSYNCHRONISED = 1
    STEPPED = 2
    WENT_BACK = 3

    @property
    def words(self) -> Text:
        """The state as a sentence."""
        return _WORDS[self]


_WORDS = {
    ClockState.SYNCHRONISED: Text("the clock is synchronised", "时钟已同步"),
    ClockState.UNSYNCHRONISED: Text(
        "the kernel says that this clock is not synchronised; known_at is uncertain",
        "内核称时钟未同步；known_at 不确定",
    ),
    ClockState.STEPPED: Text(
        "this clock was set by more than a second; known_at is uncertain",
        "时钟被拨动超过一秒；known_at 不确定",
    ),
    ClockState.WENT_BACK: Text(
        "this clock is behind what the ledger already knows; known_at stays and is uncertain",
        "时钟落后于账本已知时刻；known_at 不回退，且不确定",
    ),
}


@dataclass(frozen=True)
class Moment:
    """When something became known. known_at: [ms since 1970-01-01 UTC]. state: of our clock."""

    known_at: int
    state: ClockState


def kernel_synchronised() -> bool:
    """Return whether the kernel holds this machine's clock to be synchronised (adjtimex(2))."""
    # struct timex is 208 bytes on 64-bit Linux; modes = 0 only reads.
    room = ctypes.create_string_buffer(256)
    libc = ctypes.CDLL(None, use_errno=True)
    state = int(libc.adjtimex(ctypes.byref(room)))
    return 0 <= state < _TIME_ERROR


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _steady_ms() -> int:
    # Goes on while the machine sleeps, as the wall clock does.
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


@dataclass
class OwnClock:
    """Gives moments that never go back, and says how far they can be trusted.

    last: the newest moment already written [ms]. wall, steady: clocks [ms]; synchronised: asks the
    kernel.
    """

    last: int = 0
    wall: Callable[[], int] = _wall_ms
    steady: Callable[[], int] = _steady_ms
    synchronised: Callable[[], bool] = kernel_synchronised
    _apart: int = field(default=0, init=False)
    _asked: int = field(default=-(10**18), init=False)
    _kernel: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        self._apart = self.wall() - self.steady()

    def now(self) -> Moment:
        """Return the present moment, later than all given before it."""
        wall, steady = self.wall(), self.steady()
        if steady - self._asked >= _LOOK_MS:
            self._kernel, self._asked = self.synchronised(), steady
        state = ClockState.SYNCHRONISED if self._kernel else ClockState.UNSYNCHRONISED
        apart = wall - steady
        if abs(apart - self._apart) > _STEP_MS:
            state = ClockState.STEPPED
        self._apart = apart
        if self.last - wall > _STEP_MS:
            state = ClockState.WENT_BACK
        for _ in range(_LOOKS):
            # No two moments are the same, so that "as known at" has one answer.
            if wall != self.last:
                break
            time.sleep(_PAUSE_S)
            wall = self.wall()
        self.last = max(wall, self.last + 1)
        return Moment(self.last, state)
