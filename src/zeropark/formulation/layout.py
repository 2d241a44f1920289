"""Where the steps of a horizon lie among a plan's slots.

A plan has `steps` open slots and `lag` closed ones before now, which hold the measured state. With
equal steps the slots form a ring: stepping forward gives the oldest closed slot to the newest step,
so that no coefficient moves and the last basis stays valid.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.intp]


@dataclass
class Layout:
    """Slots of a horizon.

    hours: length of each open step [h] in time order, shape (steps,). lag: closed slots before now.
    first: the slot of the step that begins now.
    """

    hours: npt.NDArray[np.float64]
    lag: int = 1
    first: int = field(default=-1)
    _laid: tuple[int, Indices] = field(
        default=(-1, np.zeros(0, dtype=np.intp)), init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        assert self.lag >= 1, "the slot before now holds the state"
        if self.first < 0:
            self.first = self.lag

    @property
    def steps(self) -> int:
        """Number of open steps."""
        return len(self.hours)

    @property
    def slots(self) -> int:
        """Number of slots, open and closed."""
        return self.steps + self.lag

    @property
    def equal(self) -> bool:
        """Whether all steps are equally long, so that the slots can be a ring."""
        return bool(np.all(self.hours == self.hours[0]))

    def open(self) -> Indices:
        """Return the slot of each open step, in time order, shape (steps,)."""
        return (self.first + np.arange(self.steps)) % self.slots

    def closed(self) -> Indices:
        """Return the closed slots; the last one is the slot just before now, shape (lag,)."""
        return (self.first - self.lag + np.arange(self.lag)) % self.slots

    def advance(self, steps: int) -> None:
        """Move now forward by `steps`; only a ring of equal steps can."""
        assert self.equal, "a horizon with growing steps is laid anew, not turned"
        self.first = (self.first + steps) % self.slots

    def by_slot(self, in_time: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return (assets, steps) numbers in time order as (assets, slots) in slot order.

        A closed slot repeats the first step's number: its rows are free, but a number it stays.
        """
        return in_time.take(self.step_of(), axis=1)

    def step_of(self) -> Indices:
        """Return the step that each slot shows, the first one in closed slots, shape (slots,)."""
        first, steps = self._laid
        if first != self.first:
            steps = (np.arange(self.slots) - self.first) % self.slots
            steps[steps >= self.steps] = 0
            self._laid = (self.first, steps)
        return steps
