"""A simulated device: registers by its template, a watchdog of its own, and faults by command."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from zeropark.devices.coding import Layout, Placed, code, decode, worth_of_one
from zeropark.devices.template import Template
from zeropark.devices.wire import Clock
from zeropark.units.text import Text


class Fault(Enum):
    """What can go wrong at a device or on its wire."""

    SILENCE = "silence"
    SLOW = "slow"
    REFUSE = "refuse"
    WRONG_SCALE = "wrong-scale"
    FROZEN = "frozen"
    NAN = "nan"
    DRIFT = "drift"
    LOST_WRITE = "lost-write"
    REBOOT = "reboot"
    CLOCK_JUMP = "clock-jump"
    DUPLICATE = "duplicate"
    FLOOD = "flood"

    @property
    def words(self) -> Text:
        """What the fault is, as words."""
        return _WORDS[self]


_WORDS = {
    Fault.SILENCE: Text("answers nothing", "不应答"),
    Fault.SLOW: Text("answers late", "应答迟缓"),
    Fault.REFUSE: Text("refuses every request", "拒绝一切请求"),
    Fault.WRONG_SCALE: Text("shows ten times too much", "读数放大十倍"),
    Fault.FROZEN: Text("shows the same for ever", "读数冻结"),
    Fault.NAN: Text("says that it has no value", "显示无数值"),
    Fault.DRIFT: Text("shows more and more too much", "读数漂移"),
    Fault.LOST_WRITE: Text("acknowledges a set-point and drops it", "确认设定值后丢弃"),
    Fault.REBOOT: Text("is away and comes back with nothing set", "重启，设定值清空"),
    Fault.CLOCK_JUMP: Text("stamps an hour ahead", "时标超前一小时"),
    Fault.DUPLICATE: Text("answers twice", "重复应答"),
    Fault.FLOOD: Text("answers a hundred times", "应答泛滥"),
}
# By how much a wrong scale is wrong [1], a drift grows in an hour [1], and a clock jumps [s].
_TIMES, _DRIFT_PER_HOUR, _JUMP = 10.0, 0.5, 3600.0
_HOUR = 3600.0


@dataclass(frozen=True)
class Injected:
    """A fault at a device. since, until: POSIX seconds of the site's clock."""

    fault: Fault
    since: float
    until: float


class SimulatedDevice:
    """What a device shows and holds: registers by address, fed with values by whoever owns it.

    show: takes the values of the plant. setpoints: those that count now. An asset's physics is not
    its business.
    """

    def __init__(self, template: Template, layout: Layout, clock: Clock) -> None:
        self.template = template
        self.layout = layout
        self._clock = clock
        self.registers: dict[tuple[str, int], int] = {}
        self.faults: dict[Fault, Injected] = {}
        self._held: dict[str, float] = {}
        self._fed = -math.inf
        self._seconds = math.inf
        self._is_safe = True
        self._alive = 0

    def set_clock(self, clock: Clock) -> None:
        """Live by another clock from now on."""
        self._clock = clock

    # -- faults ---------------------------------------------------------------------------------

    def inject(self, fault: Fault, seconds: float) -> None:
        """Have a fault for `seconds` of the site's clock; for none of them, be rid of it."""
        now = self._clock()
        self.faults[fault] = Injected(fault, now, now + seconds)
        if fault is Fault.REBOOT:
            self._forget()

    def has(self, fault: Fault) -> bool:
        """Whether the device suffers from a fault now."""
        found = self.faults.get(fault)
        if found is None:
            return False
        if found.until > self._clock():
            return True
        del self.faults[fault]
        return False

    @property
    def silent(self) -> bool:
        """Whether it answers nothing now."""
        return self.has(Fault.SILENCE) or self.has(Fault.REBOOT)

    @property
    def clock_error(self) -> float:
        """How far its own clock is ahead [s]."""
        return _JUMP if self.has(Fault.CLOCK_JUMP) else 0.0

    # -- what it shows --------------------------------------------------------------------------

    def show(self, values: Mapping[str, float]) -> dict[str, float]:
        """Take values [units used inside] by point, and return them as they are shown."""
        if self.has(Fault.FROZEN):
            return {}
        shown = {name: self._as_shown(value) for name, value in values.items()}
        self._alive = (self._alive + 1) % 65536
        shown.setdefault("alive", float(self._alive))
        for name, value in shown.items():
            placed = self.layout.by_name.get(name)
            if placed is not None and name in self.template.by_name:
                self._put(self._reading(name, placed), value)
        return shown

    def _reading(self, name: str, placed: Placed) -> Placed:
        return next((p for p in self.layout.placed if p.point.name == name), placed)

    def _as_shown(self, value: float) -> float:
        if self.has(Fault.NAN):
            return math.nan
        if self.has(Fault.WRONG_SCALE):
            value *= _TIMES
        if self.has(Fault.DRIFT):
            hours = (self._clock() - self.faults[Fault.DRIFT].since) / _HOUR
            value += abs(value) * _DRIFT_PER_HOUR * hours
        return value

    def _put(self, placed: Placed, value: float) -> None:
        """Write a value into its registers, as far as they can say it."""
        if math.isnan(value):
            raw = placed.missing[0] if placed.missing else math.nan
        else:
            raw = value / self.worth(placed)
        if placed.type not in ("float32", "float64"):
            raw = 0.0 if math.isnan(raw) else float(round(raw))
        try:
            words = code(placed.type, raw)
        except (OverflowError, ValueError):
            words = code(placed.type, placed.missing[0] if placed.missing else 0.0)
        for offset, word in enumerate(words):
            self.registers[placed.table, placed.register + offset] = word

    def worth(self, placed: Placed) -> float:
        """Return what one of a raw number is worth now [unit used inside]."""
        power = 0.0
        if placed.scale_at is not None:
            power = decode("int16", [self.registers[placed.table, placed.scale_at]])
        whole = placed.point.of
        share = 1.0 if whole is None else self._shown(whole)
        return float(worth_of_one(placed.point) * 10.0**power * share)

    def _shown(self, name: str) -> float:
        return self._raw(self.layout.by_name[name]) * self.worth(self.layout.by_name[name])

    def _raw(self, placed: Placed) -> float:
        words = [
            self.registers.get((placed.table, placed.register + i), 0) for i in range(placed.words)
        ]
        return decode(placed.type, words)

    # -- what it takes --------------------------------------------------------------------------

    def take(self, first: int, words: list[int]) -> bool:
        """Take written registers; return whether they all may be written.

        What is acknowledged and dropped is taken too.
        """
        touched = range(first, first + len(words))
        mine = [p for p in self._writable() if p.register in touched]
        covered = {p.register + i for p in mine for i in range(p.words)}
        if not set(touched) <= covered:
            return False
        if self.has(Fault.LOST_WRITE):
            return True
        for register, word in zip(touched, words, strict=True):
            self.registers["holding", register] = word
        fed = self._feeds()
        if fed is None or any(p.point.name == fed for p in mine):
            self._feed(fed)
        return True

    def _feeds(self) -> str | None:
        watchdog = self.template.watchdog
        return None if watchdog == "none" else watchdog.point

    def _feed(self, point: str | None) -> None:
        watchdog = self.template.watchdog
        self._fed, self._is_safe = self._clock(), False
        self._seconds = math.inf
        if watchdog != "none":
            self._seconds = watchdog.seconds
            if point is not None and watchdog.value is not None:
                # The point holds the seconds themselves.
                self._seconds = self._raw(self.layout.by_name[point])

    def _writable(self) -> list[Placed]:
        beside = {name for p in self.template.points for name in (*p.along, *p.release)}
        plain = [self.layout.by_name[name] for name in beside if name not in self.layout.sets]
        return [*self.layout.sets.values(), *plain]

    def setpoints(self) -> dict[str, float]:
        """Return the set-points that count now [units used inside], its own watchdog minded."""
        if self._clock() - self._fed > self._seconds:
            self._go_safe()
        watched = self._feeds()
        found: dict[str, float] = {}
        for name, placed in self.layout.sets.items():
            if name == watched or not self._counts(placed):
                continue
            raw = self._raw(placed)
            if math.isfinite(raw) and raw not in placed.missing:
                found[name] = raw * self.worth(placed)
        return found

    def _counts(self, placed: Placed) -> bool:
        """Whether what enables a set-point is set."""
        along = placed.point.along.items()
        return all(self._raw(self.layout.by_name[name]) == raw for name, raw in along)

    def _go_safe(self) -> None:
        """Let go of every set-point, or go to its safe value."""
        if self._is_safe:
            return
        self._is_safe = True
        for placed in self.layout.sets.values():
            point = placed.point
            if isinstance(point.safe, float) and self._counts(placed):
                self._put(placed, point.safe * point.factor)
            elif point.safe == "release":
                for name, raw in point.release.items():
                    other = self.layout.by_name[name]
                    for offset, word in enumerate(code(other.type, float(raw))):
                        self.registers[other.table, other.register + offset] = word

    def _forget(self) -> None:
        self._is_safe = False
        self._go_safe()
        self._fed = -math.inf
