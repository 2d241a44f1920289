"""Who leads a park that two instances operate: one, by a lease with a growing epoch.

A lease lasts from before the beat that renewed it was sent, on this machine's monotonic clock; who
waits counts from when he saw the beat, on his own. So the wait ends later than the lease, whatever
the clocks on the wall say, and whether the leader was killed, stopped or cut off.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from zeropark.data.errors import DataError
from zeropark.ledger.seat import Seat, Seen
from zeropark.operate.clock import Clock

# How many times a lease is renewed while it lasts, and how often who waits looks in that time.
_BEATS, _LOOKS = 4, 10


@dataclass
class Leadership:
    """The lease of the epoch that this instance leads.

    lasts: length of the lease [s of the clock]. taken_at: moment before the seat was taken [s,
    steady]. `start` renews it from a thread of its own until `stop`.
    """

    seat: Seat
    epoch: int
    clock: Clock
    lasts: float
    taken_at: float
    lost: bool = False
    said: str = ""
    _until: float = field(init=False)
    _ending: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._until = self.taken_at + self.lasts

    @property
    def left(self) -> float:
        """For how long the lease is still valid [s of the clock]; 0 or less once it has ended."""
        return -1.0 if self.lost else self._until - self.clock.steady()

    def allows(self, seconds: float) -> bool:
        """Whether a write that can take `seconds` of the machine ends before the lease does."""
        return self.left > seconds * self.clock.speed

    def renew(self) -> None:
        """Let the beat move once; what fails is tried again, and the lease runs out meanwhile."""
        before = self.clock.steady()
        try:
            mine = self.seat.beat(self.epoch)
        except DataError as error:
            self.said = error.text.en
            return
        self.said = ""
        if mine:
            self._until = before + self.lasts
        else:
            self.lost = True

    def start(self) -> None:
        """Renew from now on."""
        self._thread = threading.Thread(target=self._renew_on, name="lease", daemon=True)
        self._thread.start()

    def _renew_on(self) -> None:
        pause = self.lasts / _BEATS / self.clock.speed
        while not self.lost and not self._ending.wait(pause):
            self.renew()

    def stop(self, *, in_peace: bool) -> None:
        """Renew no more. in_peace: leave the seat, so that the next one need not wait."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        if in_peace and not self.lost:
            with contextlib.suppress(DataError):
                self.seat.leave(self.epoch)
        self.seat.close()


@dataclass
class Elsewhere:
    """Says whether some instance of a pair leads: its beat moved within its lease.

    clock: the machine's own. What is seen first may be old and counts as new; where the database
    does not answer nobody is known to lead.
    """

    seat: Seat
    clock: Clock
    _seen: Seen | None = None
    _since: float = 0.0

    def __call__(self) -> bool:
        """Look once."""
        try:
            seen = self.seat.look()
        except DataError:
            self._seen = None
            return False
        if seen != self._seen:
            self._seen, self._since = seen, self.clock.steady()
        return self.clock.steady() - self._since < seen.lease


@dataclass
class Standby:
    """Waits for the seat: until it was left, or its beat stood still for a lease and a write.

    longest: what one write of the leader can take beyond its lease [s of the machine]. told: what
    was seen last.
    """

    seat: Seat
    clock: Clock
    lasts: float
    longest: float
    seen: Seen | None = None
    _since: float = 0.0

    @property
    def pause(self) -> float:
        """How long to wait between two looks [s of the machine]."""
        return self.lasts / _LOOKS / self.clock.speed

    def look(self) -> Leadership | None:
        """Look once; return the lease where the seat could be taken now.

        Raises `DataError` while the database does not answer: then nobody's beat is known, and
        waiting begins anew.
        """
        try:
            seen = self.seat.look()
        except DataError:
            self.seen = None
            raise
        if self.seen is None or (seen.epoch, seen.beat) != (self.seen.epoch, self.seen.beat):
            self.seen, self._since = seen, self.clock.steady()
        wait = (seen.lease + self.longest) * self.clock.speed if seen.lease > 0.0 else 0.0
        if self.clock.steady() - self._since < wait:
            return None
        before = self.clock.steady()
        epoch = self.seat.take(seen, self.lasts / self.clock.speed)
        if epoch is None:
            return None
        return Leadership(self.seat, epoch, self.clock, self.lasts, before)

    def wait(self, told: Callable[[Seen], object], ending: threading.Event) -> Leadership | None:
        """Wait until the seat is taken; None where `ending` was set.

        told: called with what is seen each time somebody else's epoch is seen first.
        """
        epoch = -1
        while not ending.is_set():
            with contextlib.suppress(DataError):
                found = self.look()
                if found is not None:
                    return found
                if self.seen is not None and self.seen.epoch != epoch:
                    epoch = self.seen.epoch
                    told(self.seen)
            ending.wait(self.pause)
        return None
