"""Modbus TCP (Modbus application protocol V1.1b3), and over TLS (Modbus/TCP Security, 2018).

A point's address is `holding 40083` or `input 30001`, counted from 0 as on the wire.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pymodbus.exceptions import ModbusException

from zeropark.devices.coding import (
    TYPES,
    Layout,
    Placed,
    code,
    code_value,
    decode,
    within,
    worth_of_one,
)
from zeropark.devices.contract import Health, Outcome, Quality, Readout, Written, nothing_read
from zeropark.devices.gateway import Client, Gateway, GatewayDownError
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.wire import Clock, Pace, Wire, why_only_read
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

if TYPE_CHECKING:
    from pymodbus.pdu import ModbusPDU

LISTENS = False
PORT, TLS_PORT = 502, 802
_ADDRESS = re.compile(r"^(holding|input) (\d{1,5})$")
_LAST_REGISTER = 65535
_WRONG_ADDRESS = Text(
    "'{given}' is no address; allowed: holding or input and a register from 0 to 65535, such as "
    "holding 40083",
    "“{given}”不是地址；可用：holding 或 input 加 0 至 65535 的寄存器号，例如 holding 40083",
)
_WRONG_TYPE = Text("type '{given}' is not known{meant}", "没有类型“{given}”{meant}")
# A gateway's words for a device that it cannot reach (V1.1b3, 7: exception codes 0A and 0B).
_BEHIND = {0x0A, 0x0B}
_BEHIND_SILENT = Text(
    "the gateway answers, unit {unit} behind it does not; check its line and number",
    "网关有应答，其下单元 {unit} 无应答；检查线路与单元号",
)
_SILENT = Text("connected, but no answer within {seconds} s", "已连接，但 {seconds} 秒内无应答")


class WrongDeviceError(Exception):
    """What answers is no device of the template; `said` names the difference."""

    def __init__(self, said: Text) -> None:
        super().__init__(said.en)
        self.said = said


class _BehindSilentError(ModbusException):
    """The gateway answered for a device that does not."""

    def __init__(self, said: Text) -> None:
        super().__init__(said.en)
        self.said = said


class _RefusedError(Exception):
    """The device answered with an exception of its own."""


class _NotLeadingError(Exception):
    """Another instance may lead the park now."""


def wrong_points(template: Template) -> Iterable[tuple[str, Text]]:
    """Yield (place, sentence) of each point whose address or type this protocol does not know."""
    for index, point in enumerate(template.points):
        for field, address in (("address", point.address), ("set_address", point.set_address)):
            found = _ADDRESS.match(str(address))
            if address is not None and (found is None or int(found[2]) > _LAST_REGISTER):
                yield f"points.{index}.{field}", _WRONG_ADDRESS.format(given=address)
        for field, type_ in (("type", point.type), ("set_type", point.set_type)):
            if type_ is not None and type_.removesuffix("_swapped") not in TYPES:
                text = with_meant(_WRONG_TYPE, meant(type_, TYPES), given=type_)
                yield f"points.{index}.{field}", text


def place(template: Template) -> Layout:
    """Return the template's points at their registers."""
    points = [_placed(point, point.address, point.type) for point in template.points]
    sets = {
        point.name: _placed(point, point.set_address or point.address, point.set_type or point.type)
        for point in template.points
        if point.write
    }
    return Layout(points, sets)


def _placed(point: PointTemplate, address: int | str, type_: str) -> Placed:
    found = _ADDRESS.match(str(address))
    assert found is not None, "a template with a wrong address is refused when it is read"
    return Placed(point, int(found[2]), type_, found[1], None, point.missing)


class ModbusDriver:
    """A device of fixed registers behind Modbus."""

    def __init__(self, template: Template, wire: Wire, clock: Clock) -> None:
        self.template = template
        self._wire = wire
        self._clock = clock
        self._pace = Pace(clock)
        self._gateway: Gateway | None = None
        self._opened_before = 0
        self._at_once = False
        self._scales: dict[int, int] = {}
        self._values: dict[str, float] = {}
        self._layout: Layout | None = None
        self.names = tuple(point.name for point in template.points if point.reads)

    async def _find_layout(self) -> Layout:
        """Return where the points lie; plain Modbus has nothing to ask its device."""
        return place(self.template)

    # -- the contract ---------------------------------------------------------------------------

    async def read(self) -> Readout:
        """Return all points in one pass."""
        if not self._pace.due:
            return nothing_read(self.names)
        try:
            layout = await self._opened()
            blocks = await self._blocks(layout)
            if None in blocks and layout.gap:
                self._layout = layout = layout.gapless()
                blocks = await self._blocks(layout)
        except WrongDeviceError as error:
            self._pace.missed(error.said)
            return nothing_read(self.names)
        except (GatewayDownError, ModbusException, OSError, TimeoutError) as error:
            self._lost(error)
            return nothing_read(self.names)
        self._pace.answered()
        decoded = layout.values(blocks)
        good = decoded.quality == Quality.GOOD
        self._values = {
            name: float(value)
            for name, value, is_good in zip(layout.names, decoded.values, good, strict=True)
            if is_good
        }
        at = np.full(len(self.names), self._clock())
        return Readout(self.names, decoded.values, decoded.quality, at)

    async def write(self, setpoints: Mapping[str, float | None]) -> dict[str, Written]:
        """Write set-points and read back those the device shows.

        A device that was silent is tried at once: no pause may stand before a stop.
        """
        self._at_once = True
        try:
            return await self._write(setpoints)
        finally:
            self._at_once = False

    async def _write(self, setpoints: Mapping[str, float | None]) -> dict[str, Written]:
        found: dict[str, Written] = {}
        silent = False
        for name, value in setpoints.items():
            refused = self._why_not(name, value)
            if refused is None and silent:
                refused = Outcome.NO_ANSWER
            if refused is not None:
                found[name] = Written(refused)
                continue
            try:
                found[name] = await self._write_one(await self._opened(), name, value)
            except WrongDeviceError as error:
                self._pace.missed(error.said)
                silent, found[name] = True, Written(Outcome.NO_ANSWER)
            except (GatewayDownError, ModbusException, OSError, TimeoutError) as error:
                self._lost(error)
                silent, found[name] = True, Written(Outcome.NO_ANSWER)
        return found

    async def held(self) -> dict[str, float]:
        """Return the set-points that the device holds and that count."""
        found: dict[str, float] = {}
        try:
            layout = await self._opened()
            for name, placed in layout.sets.items():
                raw = await self._held(layout, placed)
                if raw is not None:
                    found[name] = raw
        except (WrongDeviceError, _RefusedError):
            return found
        except (GatewayDownError, ModbusException, OSError, TimeoutError) as error:
            self._lost(error)
        return found

    async def _held(self, layout: Layout, placed: Placed) -> float | None:
        """Return the set-point of a point; None where there is none, or nothing enables it."""
        for other, wanted in placed.point.along.items():
            beside = layout.by_name[other]
            if decode(beside.type, await self._shown(beside)) != wanted:
                return None
        if placed.point.of is not None and placed.point.of not in self._values:
            return None
        raw = decode(placed.type, await self._shown(placed))
        if raw in placed.missing or not math.isfinite(raw):
            return None
        return raw * await self._step(placed)

    async def _shown(self, placed: Placed) -> list[int]:
        return await self._registers(placed.table, placed.register, placed.words)

    def health(self) -> Health:
        """Return how the driver stands with its device."""
        return self._pace.health()

    async def close(self) -> None:
        """Let go of the wire."""
        gateway, self._gateway = self._gateway, None
        self._opened_before = 0
        if gateway is not None:
            await gateway.leave(self)

    # -- the wire -------------------------------------------------------------------------------

    async def _opened(self) -> Layout:
        gateway = self._gateway
        if gateway is None:
            gateway = self._gateway = Gateway.of(self._wire, self._clock, self)
        opened = await gateway.open(at_once=self._at_once)
        self._pace.certificate_ends = gateway.certificate_ends
        if opened != self._opened_before:
            # Whoever answers now may be another device: it is asked anew.
            self._opened_before, self._layout = opened, None
        if self._layout is None:
            self._layout = await self._find_layout()
            self._scales.clear()
        return self._layout

    def _lost(self, error: Exception) -> None:
        if isinstance(error, GatewayDownError | _BehindSilentError):
            said = error.said
        else:
            said = _SILENT.format(seconds=f"{self._wire.timeout:g}")
        self._pace.missed(said)
        self._layout = None
        self._scales.clear()

    async def _blocks(self, layout: Layout) -> list[list[int] | None]:
        return [await self.asked(b.first, b.count, b.table) for b in layout.blocks]

    async def asked(self, first: int, count: int, table: str = "holding") -> list[int] | None:
        """Return registers; None where the device refuses them."""
        try:
            return await self._registers(table, first, count)
        except _RefusedError:
            return None

    async def _registers(self, table: str, first: int, count: int) -> list[int]:
        unit = self._wire.unit_id

        def ask(client: Client) -> Awaitable[ModbusPDU]:
            if table == "input":
                return client.read_input_registers(first, count=count, device_id=unit)
            return client.read_holding_registers(first, count=count, device_id=unit)

        answer = await self._ask(ask)
        if len(answer.registers) < count:
            raise ModbusException("short answer")
        return list(answer.registers[:count])

    async def _send(self, first: int, words: Sequence[int]) -> None:
        unit = self._wire.unit_id

        def send(client: Client) -> Awaitable[ModbusPDU]:
            # Asked when its turn has come: a lease may end while it waits.
            if not self._wire.may_send(self._wire.timeout):
                raise _NotLeadingError
            return client.write_registers(first, list(words), device_id=unit)

        await self._ask(send)

    async def _ask(self, request: Callable[[Client], Awaitable[ModbusPDU]]) -> ModbusPDU:
        if self._gateway is None:
            raise ConnectionError  # Closed while its turn had not come.
        answer = await self._gateway.ask(request, at_once=self._at_once)
        if answer.isError():
            if getattr(answer, "exception_code", None) in _BEHIND:
                raise _BehindSilentError(_BEHIND_SILENT.format(unit=self._wire.unit_id))
            raise _RefusedError(answer.function_code)
        return answer

    # -- writing --------------------------------------------------------------------------------

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
        return None if point.of or within(point, value) else Outcome.OUT_OF_LIMITS

    async def _write_one(self, layout: Layout, name: str, value: float | None) -> Written:
        placed = layout.sets[name]
        if value is None:
            wanted = [
                (layout.by_name[other], code(layout.by_name[other].type, float(raw)))
                for other, raw in placed.point.release.items()
            ]
        else:
            words = await self._coded(placed, value)
            if isinstance(words, Outcome):
                return Written(words)
            beside = [(layout.by_name[other], raw) for other, raw in placed.point.along.items()]
            # The number first: what enables it must never enable an old one.
            wanted = [(placed, words), *((each, code(each.type, raw)) for each, raw in beside)]
        try:
            for each, words in wanted:
                await self._send(each.register, words)
        except _RefusedError:
            return Written(Outcome.REFUSED)
        except _NotLeadingError:
            return Written(Outcome.NOT_LEADING)
        self._pace.answered()
        if not placed.point.shows_set:
            return Written(Outcome.SENT)
        return await self._read_back(placed, wanted)

    async def _coded(self, placed: Placed, value: float) -> list[int] | Outcome:
        """Return a set-point as registers, or why it cannot be one."""
        point = placed.point
        if point.of is not None:
            if point.of not in self._values:
                await self.read()
            whole = self._values.get(point.of)
            if not whole:
                return Outcome.NO_ANSWER
            bare = point.model_copy(update={"of": None})
            if not within(bare, value / whole):
                return Outcome.OUT_OF_LIMITS
        return code_value(placed, value / await self._step(placed)) or Outcome.OUT_OF_LIMITS

    async def _step(self, placed: Placed) -> float:
        """Return what one of the raw number is worth [unit used inside]."""
        power = 0
        if placed.scale_at is not None:
            if placed.scale_at not in self._scales:
                words = await self._registers(placed.table, placed.scale_at, 1)
                self._scales[placed.scale_at] = round(decode("int16", words))
            power = self._scales[placed.scale_at]
        whole = self._values[placed.point.of] if placed.point.of else 1.0
        return worth_of_one(placed.point) * 10.0**power * whole

    async def _read_back(
        self, placed: Placed, sent: Sequence[tuple[Placed, Sequence[int]]]
    ) -> Written:
        """Return whether the device shows all that was sent, and the set-point it holds."""
        same, held = True, None
        try:
            for each, words in sent:
                shown = await self._shown(each)
                same = same and shown == list(words)
                if each is placed:
                    raw = decode(each.type, shown)
                    there = raw not in each.missing and math.isfinite(raw)
                    held = raw * await self._step(each) if there else None
        except _RefusedError:
            return Written(Outcome.SENT)
        return Written(Outcome.TAKEN if same else Outcome.NOT_HELD, held)


def driver(template: Template, wire: Wire, clock: Clock) -> ModbusDriver:
    """Return the driver of a device with fixed registers."""
    return ModbusDriver(template, wire, clock)
