"""The contract of a driver: read points in one pass, write points, show what is held, health.

A driver speaks to one device. Its coroutines never raise for what a device does: silence, refusal
and nonsense are states, and the cycle goes on. Why it is asynchronous: decision 0021.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from zeropark.units.text import Text

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]


class Quality(IntEnum):
    """What a driver can say of a value; whether it is stale or frozen only the cycle can tell."""

    GOOD = 0
    MISSING = 1
    SUSPECT = 2
    NO_ANSWER = 3

    @property
    def words(self) -> Text:
        """The quality as words."""
        return _QUALITY[self]


_QUALITY = {
    Quality.GOOD: Text("good", "有效"),
    Quality.MISSING: Text("the device says it has no value", "设备表示没有数值"),
    Quality.SUSPECT: Text("outside what the device can show", "超出设备可能的范围"),
    Quality.NO_ANSWER: Text("no answer", "无应答"),
}


class Reading(NamedTuple):
    """One value. value: in the unit used inside; None unless there is one. at: POSIX seconds."""

    value: float | None
    quality: Quality
    at: float


@dataclass(frozen=True, slots=True)
class Readout:
    """What one pass over a device brought, a column each, in the order of `names`.

    values: in the units used inside (MW, MWh, degC, 1 …), NaN where there is none. quality: of
    `Quality`. at: when the value held, POSIX seconds UTC by the clock of whoever stamped it: the
    device where it stamps its values, else the driver; NaN where nothing came.
    """

    names: tuple[str, ...]
    values: Floats
    quality: Bytes
    at: Floats

    def reading(self, name: str) -> Reading:
        """Return one point's reading; raises `KeyError` where the device has no such point."""
        try:
            index = self.names.index(name)
        except ValueError:
            raise KeyError(name) from None
        value = float(self.values[index])
        quality = Quality(int(self.quality[index]))
        return Reading(None if math.isnan(value) else value, quality, float(self.at[index]))

    def good(self) -> dict[str, float]:
        """Return the values that are good, by point; what is not good is not there."""
        return {
            name: float(value)
            for name, value, quality in zip(self.names, self.values, self.quality, strict=True)
            if quality == Quality.GOOD
        }


def nothing_read(names: tuple[str, ...]) -> Readout:
    """Return the readout of a device that did not answer."""
    count = len(names)
    return Readout(
        names,
        np.full(count, np.nan),
        np.full(count, Quality.NO_ANSWER, dtype=np.uint8),
        np.full(count, np.nan),
    )


class Outcome(Enum):
    """What became of a set-point.

    TAKEN: the device took it and shows it. SENT: the device took it and shows nothing back, so that
    only its behaviour can tell. NOT_HELD: it acknowledged, and shows another value. NO_ANSWER: it
    may or may not have it. The others never reached the device, or changed nothing there.
    """

    TAKEN = "taken"
    SENT = "sent"
    NOT_HELD = "not held"
    REFUSED = "refused"
    NO_ANSWER = "no answer"
    NOT_A_NUMBER = "not a number"
    OUT_OF_LIMITS = "out of limits"
    NOT_WRITABLE = "not writable"
    NOT_ALLOWED = "not allowed"
    NOT_LEADING = "not leading"
    POINT_UNKNOWN = "point unknown"

    @property
    def words(self) -> Text:
        """The outcome as a sentence."""
        return _OUTCOMES[self]

    @property
    def done(self) -> bool:
        """Whether the device holds the set-point as far as anyone can see."""
        return self in {Outcome.TAKEN, Outcome.SENT}

    @property
    def transient(self) -> bool:
        """Whether writing the same again later can help."""
        again = {Outcome.NOT_HELD, Outcome.REFUSED, Outcome.NO_ANSWER, Outcome.NOT_LEADING}
        return self in again


_OUTCOMES = {
    Outcome.TAKEN: Text("taken and shown by the device", "设备已接受并回显"),
    Outcome.SENT: Text(
        "taken; the device shows nothing back, watch what it does", "设备已接受但无回显；观察其动作"
    ),
    Outcome.NOT_HELD: Text(
        "acknowledged, but the device shows another value", "设备已确认，但回显为其他数值"
    ),
    Outcome.REFUSED: Text("refused by the device", "设备拒绝"),
    Outcome.NO_ANSWER: Text(
        "no answer; the device may or may not have it", "无应答；设备是否收到不明"
    ),
    Outcome.NOT_A_NUMBER: Text("not a finite number; nothing was sent", "不是有限数；未下发"),
    Outcome.OUT_OF_LIMITS: Text(
        "outside the limits of the template; nothing was sent", "超出模板的限值；未下发"
    ),
    Outcome.NOT_WRITABLE: Text("this point only shows; nothing was sent", "该测点只读；未下发"),
    Outcome.NOT_ALLOWED: Text(
        "this device may only be read here; nothing was sent", "此处只允许读取该设备；未下发"
    ),
    Outcome.NOT_LEADING: Text(
        "another instance may lead the park now; nothing was sent", "可能已由其他实例主导；未下发"
    ),
    Outcome.POINT_UNKNOWN: Text("the device has no such point", "设备没有这个测点"),
}


class Written(NamedTuple):
    """What became of one set-point. held: what the device shows after; None where it does not."""

    outcome: Outcome
    held: float | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How a driver stands with its device; asked without touching the wire.

    answering: whether the last try was answered; False before the first. since: when that last
    changed, POSIX seconds; NaN before the first try. misses: tries without an answer since the
    last one with. next_try: no try is made before, POSIX seconds (back-off). said: what went
    wrong last. certificate_ends: when the peer's certificate expires, POSIX seconds; None where
    the wire has none.
    """

    answering: bool
    since: float
    misses: int = 0
    next_try: float = 0.0
    said: Text | None = None
    certificate_ends: float | None = None


class Driver(Protocol):
    """One device on its wire. Calls do not overlap: whoever owns the driver awaits each."""

    @property
    def names(self) -> tuple[str, ...]:
        """The points, in the order of every readout."""

    async def read(self) -> Readout:
        """Return all points in one pass, within the connection's time-out; opens the wire first.

        Never raises for what the device does: then the quality says so.
        """

    async def write(self, setpoints: Mapping[str, float | None]) -> dict[str, Written]:
        """Write set-points by point, in the units used inside, and read back those shown.

        None lets go of a point whose template says how: the device then does as without us. Every
        name asked for is answered. Nothing is clipped: what is outside a limit is not sent.
        """

    async def held(self) -> dict[str, float]:
        """Return the set-points that the device holds and that count, in the units used inside.

        What a device does not show is not there. Never raises for what the device does.
        """

    def health(self) -> Health:
        """Return how the driver stands with its device, without touching the wire."""

    async def close(self) -> None:
        """Let go of the wire; a later read opens it again."""
