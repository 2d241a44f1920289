"""A simulated device: what it shows and holds, a watchdog of its own, and faults by command."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
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


class SimulatedDevice(ABC):
    """What a device shows and holds, fed with values by whoever owns it.

    show: takes the values of the plant. setpoints: those that count now. An asset's physics is not
    its business. Where the numbers lie is the business of a device with registers, or with points.
    """

    def __init__(self, template: Template, clock: Clock) -> None:
        self.template = template
        self._clock = clock
        self.faults: dict[Fault, Injected] = {}
        self._fed = -math.inf
        self._seconds = math.inf
        self._is_safe = True
        self._alive = 0

    def set_clock(self, clock: Clock) -> None:
        """Live by another clock from now on."""
        self._clock = clock

    @property
    def now(self) -> float:
        """The time it lives at, POSIX seconds."""
        return self._clock()

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

    @abstractmethod
    def put_raw(self, name: str, raw: float, power: int) -> None:
        """Show a raw number at a point, as the device codes it; `power` of ten where it has one."""

    @abstractmethod
    def _show(self, name: str, value: float) -> None:
        """Show a value [unit used inside] at a point; NaN for none."""

    def show(self, values: Mapping[str, float]) -> dict[str, float]:
        """Take values [units used inside] by point, and return them as they are shown."""
        if self.has(Fault.FROZEN):
            return {}
        shown = {name: self._as_shown(value) for name, value in values.items()}
        self._alive = (self._alive + 1) % 65536
        shown.setdefault("alive", float(self._alive))
        for name, value in shown.items():
            if name in self.template.by_name:
                self._show(name, value)
        return shown

    def _as_shown(self, value: float) -> float:
        if self.has(Fault.NAN):
            return math.nan
        if self.has(Fault.WRONG_SCALE):
            value *= _TIMES
        if self.has(Fault.DRIFT):
            hours = (self._clock() - self.faults[Fault.DRIFT].since) / _HOUR
            value += abs(value) * _DRIFT_PER_HOUR * hours
        return value

    # -- what it takes --------------------------------------------------------------------------

    @abstractmethod
    def setpoints(self) -> dict[str, float]:
        """Return the set-points that count now [units used inside], its own watchdog minded."""

    @abstractmethod
    def _let_go(self) -> None:
        """Let go of every set-point, or go to its safe value."""

    def _feeds(self) -> str | None:
        watchdog = self.template.watchdog
        return None if watchdog == "none" else watchdog.point

    def _feed(self, seconds: float | None) -> None:
        """Be quiet for `seconds` from now; None for as long as the template says."""
        watchdog = self.template.watchdog
        self._fed, self._is_safe = self._clock(), False
        usual = math.inf if watchdog == "none" else watchdog.seconds
        self._seconds = usual if seconds is None else seconds

    def _mind(self) -> None:
        """Go to the safe values where the silence is too long."""
        if self._clock() - self._fed > self._seconds:
            self._go_safe()

    def _go_safe(self) -> None:
        if not self._is_safe:
            self._is_safe = True
            self._let_go()

    def _forget(self) -> None:
        self._is_safe = False
        self._go_safe()
        self._fed = -math.inf


class RegisterDevice(SimulatedDevice):
    """A device whose numbers lie in registers, by address."""

    def __init__(self, template: Template, layout: Layout, clock: Clock) -> None:
        super().__init__(template, clock)
        self.layout = layout
        self.registers: dict[tuple[str, int], int] = {}

    def put_raw(self, name: str, raw: float, power: int) -> None:
        """Show a raw number at a point's registers, and its power of ten where one has a place."""
        placed = self._reading(name)
        if placed.scale_at is not None:
            self.registers[placed.table, placed.scale_at] = power % 65536
        self._fill(placed, code(placed.type, raw))

    def _fill(self, placed: Placed, words: list[int]) -> None:
        for offset, word in enumerate(words):
            self.registers[placed.table, placed.register + offset] = word

    def _show(self, name: str, value: float) -> None:
        self._put(self._reading(name), value)

    def _reading(self, name: str) -> Placed:
        return next(p for p in self.layout.placed if p.point.name == name)

    def blank(self) -> None:
        """Show no value at any register."""
        for placed in (*self.layout.placed, *self.layout.sets.values()):
            for offset in range(placed.words):
                self.registers.setdefault((placed.table, placed.register + offset), 0)
            self._put(placed, math.nan)

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
        self._fill(placed, words)

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
            watchdog = self.template.watchdog
            # The point may hold the seconds themselves.
            own = fed is not None and watchdog != "none" and watchdog.value is not None
            self._feed(self._raw(self.layout.by_name[fed]) if own and fed else None)
        return True

    def _writable(self) -> list[Placed]:
        beside = {name for p in self.template.points for name in (*p.along, *p.release)}
        plain = [self.layout.by_name[name] for name in beside if name not in self.layout.sets]
        return [*self.layout.sets.values(), *plain]

    def setpoints(self) -> dict[str, float]:
        """Return the set-points that count now [units used inside], its own watchdog minded."""
        self._mind()
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

    def _let_go(self) -> None:
        for placed in self.layout.sets.values():
            point = placed.point
            if isinstance(point.safe, float) and self._counts(placed):
                self._put(placed, point.safe * point.factor)
            elif point.safe == "release":
                for name, raw in point.release.items():
                    other = self.layout.by_name[name]
                    self._fill(other, code(other.type, float(raw)))


class PointDevice(SimulatedDevice):
    """A device whose raw numbers lie at its points, by name.

    raw: what each point shows; NaN where there is no value. held: raw set-points, by point.
    """

    def __init__(self, template: Template, clock: Clock) -> None:
        super().__init__(template, clock)
        self.raw: dict[str, float] = {p.name: math.nan for p in template.points if p.reads}
        self.held: dict[str, float] = {}

    def put_raw(self, name: str, raw: float, power: int) -> None:
        """Show a raw number at a point."""
        self.raw[name] = raw * 10.0**power

    def _show(self, name: str, value: float) -> None:
        if name in self.raw:
            self.raw[name] = value / worth_of_one(self.template.by_name[name])

    def take(self, name: str, raw: float | None, seconds: float | None = None) -> bool:
        """Take a raw set-point, None to let go of it; return whether it may be written.

        seconds: how long it counts; None for as long as the template's watchdog says. What is
        acknowledged and dropped is taken too.
        """
        if not self.template.by_name[name].write:
            return False
        if self.has(Fault.LOST_WRITE):
            return True
        if raw is None:
            self.held.pop(name, None)
        else:
            self.held[name] = raw
        if self._feeds() in (None, name):
            self._feed(seconds)
        return True

    def setpoints(self) -> dict[str, float]:
        """Return the set-points that count now [units used inside], its own watchdog minded."""
        self._mind()
        watched, points = self._feeds(), self.template.by_name
        return {
            name: raw * worth_of_one(points[name])
            for name, raw in self.held.items()
            if name != watched
        }

    def _let_go(self) -> None:
        for name in list(self.held):
            point = self.template.by_name[name]
            if isinstance(point.safe, float):
                self.held[name] = point.safe * point.factor / worth_of_one(point)
            elif point.safe == "release":
                del self.held[name]
