"""What drivers have in common that ask for raw numbers point by point: a protocol only asks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from zeropark.devices.catalogue import read_template, template_files
from zeropark.devices.coding import within, worth_of_one
from zeropark.devices.contract import Health, Outcome, Quality, Readout, Written, nothing_read
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.wire import Clock, Pace, Wire, why_only_read
from zeropark.units.text import Text

_NO_CONNECTION = Text("no connection to {host}:{port}", "无法连接 {host}:{port}")
_SILENT = Text("no answer within {seconds} s", "{seconds} 秒内无应答")
# A number that a device shows may differ from what was sent by its own rounding [1].
_ROUNDING = 1e-6


class SilentError(Exception):
    """A device does not answer, or not as one of its template; `said` is why."""

    def __init__(self, said: Text) -> None:
        super().__init__(said.en)
        self.said = said


class RefusedError(Exception):
    """A device answered that it does not do it."""


class PolledDriver(ABC):
    """A device that is asked for raw numbers. A protocol says how it asks, sends and hangs up.

    Raises nothing for what a device does: `OSError` and `TimeoutError` of the wire become a pause.
    """

    def __init__(self, template: Template, wire: Wire, clock: Clock) -> None:
        self.template = template
        self._wire = wire
        self._clock = clock
        self._pace = Pace(clock)
        self._points = [point for point in template.points if point.reads]
        self.names = tuple(point.name for point in self._points)

    @abstractmethod
    async def _ask(self, points: Sequence[PointTemplate]) -> Mapping[str, float]:
        """Return the raw numbers by point; what the device does not have is not there.

        Raises `SilentError`, `OSError` or `TimeoutError` where nobody answers.
        """

    async def _send(self, point: PointTemplate, raw: float | None) -> None:
        """Write a raw number, or let go of it; raises `RefusedError`, or as `_ask`."""
        del point, raw
        raise RefusedError

    async def _shown(self, point: PointTemplate) -> float | None:
        """Return the raw set-point a device shows; None where it shows none. Raises as `_ask`."""
        return (await self._ask([point])).get(point.name)

    @abstractmethod
    async def _hang_up(self) -> None:
        """Let go of the wire."""

    # -- the contract ---------------------------------------------------------------------------

    async def read(self) -> Readout:
        """Return all points in one pass."""
        if not self._pace.due:
            return nothing_read(self.names)
        try:
            raw = await self._ask(self._points)
        except (SilentError, OSError, TimeoutError) as error:
            await self._lost(error)
            return nothing_read(self.names)
        self._pace.answered()
        count = len(self._points)
        values, quality = np.full(count, np.nan), np.full(count, Quality.MISSING, dtype=np.uint8)
        for index, point in enumerate(self._points):
            found = raw.get(point.name, math.nan)
            if math.isfinite(found) and found not in point.missing:
                values[index] = found * worth_of_one(point)
                good = within(point, float(values[index]))
                quality[index] = Quality.GOOD if good else Quality.SUSPECT
        return Readout(self.names, values, quality, np.full(count, self._clock()))

    async def write(self, setpoints: Mapping[str, float | None]) -> dict[str, Written]:
        """Write set-points and read back those the device shows."""
        found: dict[str, Written] = {}
        silent = False
        for name, value in setpoints.items():
            refused = self._why_not(name, value)
            if refused is None and silent:
                refused = Outcome.NO_ANSWER
            if refused is None and not self._wire.may_send(self._wire.timeout):
                refused = Outcome.NOT_LEADING
            if refused is not None:
                found[name] = Written(refused)
                continue
            try:
                found[name] = await self._write_one(self.template.by_name[name], value)
            except (SilentError, OSError, TimeoutError) as error:
                await self._lost(error)
                silent, found[name] = True, Written(Outcome.NO_ANSWER)
        return found

    async def held(self) -> dict[str, float]:
        """Return the set-points that the device shows."""
        found: dict[str, float] = {}
        try:
            for point in self.template.points:
                if point.write and point.shows_set:
                    raw = await self._shown(point)
                    if raw is not None and math.isfinite(raw):
                        found[point.name] = raw * worth_of_one(point)
        except (SilentError, OSError, TimeoutError) as error:
            await self._lost(error)
        return found

    def health(self) -> Health:
        """Return how the driver stands with its device."""
        return self._pace.health()

    async def close(self) -> None:
        """Let go of the wire."""
        await self._hang_up()

    # -- within ---------------------------------------------------------------------------------

    async def _lost(self, error: Exception) -> None:
        wire = self._wire
        if isinstance(error, SilentError):
            said = error.said
        elif isinstance(error, TimeoutError):
            said = _SILENT.format(seconds=f"{wire.timeout:g}")
        else:
            said = _NO_CONNECTION.format(host=wire.host, port=wire.port)
        self._pace.missed(said)
        await self._hang_up()

    def _why_not(self, name: str, value: float | None) -> Outcome | None:
        point = self.template.by_name.get(name)
        if point is None:
            return Outcome.POINT_UNKNOWN
        if not point.write:
            return Outcome.NOT_WRITABLE
        if why_only_read(self.template, self._wire) is not None:
            return Outcome.NOT_ALLOWED
        if value is None:
            return None if point.release else Outcome.NOT_A_NUMBER
        if not math.isfinite(value):
            return Outcome.NOT_A_NUMBER
        return None if within(point, value) else Outcome.OUT_OF_LIMITS

    async def _write_one(self, point: PointTemplate, value: float | None) -> Written:
        raw = None if value is None else value / worth_of_one(point)
        try:
            await self._send(point, raw)
        except RefusedError:
            return Written(Outcome.REFUSED)
        self._pace.answered()
        if not point.shows_set or raw is None:
            return Written(Outcome.SENT)
        shown = await self._shown(point)
        if shown is None or not math.isfinite(shown):
            return Written(Outcome.NOT_HELD)
        same = math.isclose(shown, raw, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
        return Written(Outcome.TAKEN if same else Outcome.NOT_HELD, shown * worth_of_one(point))


async def fitting(protocol: str, opened: Callable[[Template], PolledDriver]) -> tuple[str, ...]:
    """Return the templates of a protocol some of whose points a device shows, most points first.

    opened: the driver of the device by a template; it only reads.
    """
    found: list[tuple[int, str]] = []
    for name in template_files():
        template = read_template(name)
        if template.protocol == protocol:
            driver = opened(template)
            shown = int(np.isfinite((await driver.read()).values).sum())
            await driver.close()
            if shown:
                found.append((-shown, name))
    return tuple(name for _, name in sorted(found))
