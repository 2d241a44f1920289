"""The frozen image of one cycle: what every point shows, and whether that can be believed.

A reading that is missing, old, stuck or impossible is a state. It has no number, so that nobody
can take it for zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.devices.contract import Quality, Readout
from zeropark.units.text import Text

Floats = npt.NDArray[np.float64]
# A power meter may show this many times the rating before we hold its word for impossible [1].
_BEYOND_RATING = 2.0


class State(IntEnum):
    """Whether a point can be believed in this cycle."""

    GOOD = 0
    MISSING = 1
    STALE = 2
    FROZEN = 3
    OUT_OF_RANGE = 4

    @property
    def words(self) -> Text:
        """The state as words."""
        return _WORDS[self]


_WORDS = {
    State.GOOD: Text("good", "正常"),
    State.MISSING: Text("no value", "无数值"),
    State.STALE: Text("too old", "过旧"),
    State.FROZEN: Text("the same for too long", "长时间不变"),
    State.OUT_OF_RANGE: Text("impossible", "不可能的数值"),
}


class Value(NamedTuple):
    """One point in the image. value: in the unit used inside; None unless it is good."""

    value: float | None
    state: State
    at: float


@dataclass(frozen=True)
class Rule:
    """What a point can be.

    low, high: possible values. frozen_after: equal for so long [s] is not believed; 0 where a
    constant is natural.
    """

    low: float = -np.inf
    high: float = np.inf
    frozen_after: float = 0.0


@dataclass(frozen=True)
class Image:
    """All points of a cycle, taken at `at` [POSIX s]; nothing changes in it.

    index: place of each (asset, point). values: NaN where not good. state: of `State`.
    """

    at: float
    steady: float
    index: Mapping[tuple[str, str], int]
    values: Floats
    state: npt.NDArray[np.uint8]
    stamped: Floats

    def value(self, asset: str, point: str) -> Value:
        """Return a point; one that nobody reads is missing."""
        i = self.index.get((asset, point))
        if i is None:
            return Value(None, State.MISSING, np.nan)
        state = State(int(self.state[i]))
        return Value(
            float(self.values[i]) if state is State.GOOD else None, state, float(self.stamped[i])
        )

    def good(self, asset: str, point: str) -> float | None:
        """Return the number of a point that can be believed, else None."""
        return self.value(asset, point).value

    def bad(self) -> dict[tuple[str, str], State]:
        """Return the points that cannot be believed, and why."""
        return {
            name: State(int(self.state[i])) for name, i in self.index.items() if self.state[i] != 0
        }

    def readings(self) -> dict[str, dict[str, float]]:
        """Return what can be believed, by asset and point."""
        found: dict[str, dict[str, float]] = {}
        for (asset, point), i in self.index.items():
            if self.state[i] == State.GOOD:
                found.setdefault(asset, {})[point] = float(self.values[i])
        return found


class Judge:
    """Turns what drivers bring into images; remembers what points showed and since when.

    names: of each device, in the order its readouts have. stale_after: how long a value's stamp may
    stand still [s].
    """

    def __init__(
        self,
        names: Mapping[str, Sequence[str]],
        rules: Mapping[tuple[str, str], Rule],
        stale_after: float,
    ) -> None:
        keys = [(device, point) for device, points in names.items() for point in points]
        self.index = {key: i for i, key in enumerate(keys)}
        self._names = names
        self._stale_after = stale_after
        plain = Rule()
        own = [rules.get(key, plain) for key in keys]
        self._low = np.array([rule.low for rule in own])
        self._high = np.array([rule.high for rule in own])
        self._frozen_after = np.array([rule.frozen_after for rule in own])
        self._last = np.full(len(keys), np.nan)
        self._since = np.full(len(keys), np.nan)
        self._stamp = np.full(len(keys), np.nan)
        self._seen = np.full(len(keys), np.nan)

    def image(self, readouts: Mapping[str, Readout], now: float, steady: float) -> Image:
        """Return the image of this moment; a device without a readout is missing."""
        count = len(self.index)
        values, stamped = np.full(count, np.nan), np.full(count, np.nan)
        quality = np.full(count, Quality.NO_ANSWER, dtype=np.uint8)
        at = 0
        for device, points in self._names.items():
            readout = readouts.get(device)
            here = slice(at, at + len(points))
            if readout is not None:
                values[here], stamped[here] = readout.values, readout.at
                quality[here] = readout.quality
            at += len(points)
        state = self._judged(values, quality, stamped, steady)
        return Image(
            now, steady, self.index, np.where(state == State.GOOD, values, np.nan), state, stamped
        )

    def _judged(
        self, values: Floats, quality: npt.NDArray[np.uint8], stamped: Floats, steady: float
    ) -> npt.NDArray[np.uint8]:
        there = np.isfinite(values) & (quality != Quality.MISSING) & (quality != Quality.NO_ANSWER)
        moved = there & ((values != self._last) | ~np.isfinite(self._since))
        self._last = np.where(there, values, self._last)
        self._since = np.where(moved, steady, self._since)
        # Whose clock is right does not matter: a value is fresh as long as its stamp moves on.
        fresh = np.isfinite(stamped) & (stamped != self._stamp)
        self._seen = np.where(fresh, steady, self._seen)
        self._stamp = np.where(fresh, stamped, self._stamp)
        state = np.full(len(values), State.GOOD, dtype=np.uint8)
        stuck = (self._frozen_after > 0.0) & (steady - self._since >= self._frozen_after)
        state[stuck & (values != 0.0)] = State.FROZEN
        old = ~(steady - self._seen <= self._stale_after)
        state[old] = State.STALE
        beyond = (values < self._low) | (values > self._high) | (quality == Quality.SUSPECT)
        state[beyond] = State.OUT_OF_RANGE
        state[~there] = State.MISSING
        return state


def rules_of(assets: Sequence[Kind], frozen_after: float) -> dict[tuple[str, str], Rule]:
    """Return what the points of a park can be, from nameplates.

    frozen_after: how long the power of the grid tie may stay the same to the last digit [s].
    """
    found: dict[tuple[str, str], Rule] = {}
    for asset in assets:
        rating = float(getattr(asset, "p_nom", 0.0) or getattr(asset, "import_max", 0.0))
        most = _BEYOND_RATING * max(rating, float(getattr(asset, "export_max", 0.0)))
        for point in asset.points:
            if point.name == "soc":
                found[asset.name, point.name] = Rule(0.0, 1.0)
            elif point.name == "energy":
                found[asset.name, point.name] = Rule(0.0)
            elif point.name == "p" and most > 0.0:
                frozen = frozen_after if asset.role == "grid" else 0.0
                found[asset.name, point.name] = Rule(-most, most, frozen)
    return found
