"""DL/T 645-2007 meters (多功能电能表通信协议), in TCP as serial converters carry it; only read.

A point's address is a data identifier of eight hexadecimal digits, highest byte first, such as
`"02030000"`; its type is `bcd` with its bytes, and `s` behind it where the highest bit is a sign:
`bcd3s`. `topic` is the meter's own number of twelve digits. Meters behind one converter share its
connection and take turns.
"""

from __future__ import annotations

import asyncio
import re
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from zeropark.devices.catalogue import DeviceError
from zeropark.devices.discover import FoundDevice
from zeropark.devices.polled import PolledDriver, SilentError, fitting
from zeropark.devices.shared import Shared
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.wire import Clock, Wire
from zeropark.units.text import Text

LISTENS = False
PORT, TLS_PORT = 8001, 8001
READ, ANSWER, ERROR = 0x11, 0x91, 0xD1
WHO, WHO_ANSWER, ANYBODY = 0x13, 0x93, "aaaaaaaaaaaa"
"""Control codes: read data, its answer, its refusal (5.2.4 and 7.1 of the standard)."""
_WAKE, _START, _END, _OFFSET = 0xFE, 0x68, 0x16, 0x33
# Where the data begin behind the first start byte, and what stands behind them.
_HEAD, _TAIL = 10, 2
_IDENTIFIER = re.compile(r"^[0-9A-Fa-f]{8}$")
_TYPE = re.compile(r"^bcd([1-8])(s?)$")
_NUMBER = re.compile(r"^\d{12}$")
_WRONG_ADDRESS = Text(
    "'{given}' is no data identifier; write its eight hexadecimal digits in quotes, such as "
    '"02030000"',
    '“{given}”不是数据标识；请写带引号的八位十六进制数，例如 "02030000"',
)
_WRONG_TYPE = Text(
    "type '{given}' is not known; allowed: bcd1 to bcd8, with s behind it where the highest bit is "
    "a sign",
    "没有类型“{given}”；可用：bcd1 至 bcd8，最高位为符号时加 s",
)
_ONLY_READ = Text("a meter is only read; take write out", "电表只读；删去 write")
_NO_NUMBER = Text(
    "'{given}' is no number of a meter; write its twelve digits as topic",
    "“{given}”不是表号；请将十二位表号写为 topic",
)
_NO_METER = Text(
    "meter {name} does not answer behind {host}:{port} within {seconds} s; check its number",
    "{host}:{port} 下的电表 {name} 在 {seconds} 秒内无应答；检查表号",
)


_NOBODY = Text(
    "no meter says its number behind {host}:{port}; where several lie there, read it off the meter",
    "{host}:{port} 下没有电表报出表号；若有多块电表，请从电表上读取",
)


def wrong_points(template: Template) -> Iterable[tuple[str, Text]]:
    """Yield (place, sentence) of each point whose address or type this protocol does not know."""
    for index, point in enumerate(template.points):
        if not _IDENTIFIER.match(str(point.address)):
            yield f"points.{index}.address", _WRONG_ADDRESS.format(given=point.address)
        if not _TYPE.match(point.type):
            yield f"points.{index}.type", _WRONG_TYPE.format(given=point.type)
        if point.write:
            yield f"points.{index}.write", _ONLY_READ


class Frame(NamedTuple):
    """A frame. number: of the meter, twelve digits. data: without the 33H on every byte."""

    number: str
    control: int
    data: bytes


def packed(frame: Frame) -> bytes:
    """Return a frame as it goes over the wire, without waking bytes."""
    head = bytes([_START, *bytes.fromhex(frame.number)[::-1], _START, frame.control])
    body = bytes((byte + _OFFSET) % 256 for byte in frame.data)
    whole = head + bytes([len(body)]) + body
    return whole + bytes([sum(whole) % 256, _END])


def unpacked(received: bytes) -> tuple[Frame | None, bytes]:
    """Return the first whole frame in what was received, and what stands behind it.

    What is no frame, or one with a wrong sum, is left out.
    """
    while (at := received.find(_START)) >= 0:
        received = received[at:]
        if len(received) < _HEAD:
            return None, received
        count = received[_HEAD - 1]
        whole = _HEAD + count + _TAIL
        if received[7] == _START and len(received) < whole:
            return None, received
        body, sum_, end = received[: whole - _TAIL], received[whole - _TAIL : whole - 1], whole - 1
        if received[7] == _START and sum(body) % 256 == sum_[0] and received[end] == _END:
            data = bytes((byte - _OFFSET) % 256 for byte in body[_HEAD:])
            return Frame(body[1:7][::-1].hex(), body[8], data), received[whole:]
        received = received[1:]
    return None, b""


def number_of(type_: str, data: bytes) -> float | None:
    """Return the raw number in BCD bytes, lowest first; None where they are none."""
    found = _TYPE.match(type_)
    assert found is not None, "a template with a wrong type is refused when it is read"
    digits = bytearray(data[::-1])
    if len(digits) != int(found[1]):
        return None
    sign = -1.0 if found[2] and digits[0] & 0x80 else 1.0
    if found[2]:
        digits[0] &= 0x7F
    text = digits.hex()
    return sign * float(text) if text.isdecimal() else None


def bytes_of(type_: str, raw: float) -> bytes | None:
    """Return a raw number as BCD bytes, lowest first; None where it does not fit."""
    found = _TYPE.match(type_)
    assert found is not None, "a template with a wrong type is refused when it is read"
    count = int(found[1])
    text = f"{abs(round(raw)):0{2 * count}d}"
    if len(text) > 2 * count or (raw < 0 and not found[2]):
        return None
    digits = bytearray.fromhex(text)
    if found[2]:
        if digits[0] & 0x80:
            return None
        digits[0] |= 0x80 if raw < 0 else 0
    return bytes(digits[::-1])


class _Line(Shared):
    """The connection to one converter, which all meters behind it share."""

    def __init__(self, wire: Wire) -> None:
        super().__init__((wire.host, wire.port))
        self._wire = wire
        self._turn = asyncio.Lock()
        self._open: tuple[StreamReader, StreamWriter] | None = None

    async def _close(self) -> None:
        await self.hang_up()

    async def hang_up(self) -> None:
        """Close the connection; whoever asks next opens it anew."""
        wire, self._open = self._open, None
        if wire is not None:
            wire[1].close()
            await asyncio.gather(wire[1].wait_closed(), return_exceptions=True)

    async def ask(self, number: str, identifier: bytes) -> bytes | None:
        """Return the data of an identifier; None where the meter has none.

        Raises `OSError` where there is no way, `TimeoutError` where no answer comes.
        """

        def fits(frame: Frame) -> bool:
            # What answers another question came late, or twice.
            answers = frame.control == ANSWER and frame.data[:4] == identifier
            return frame.number == number and (answers or frame.control == ERROR)

        frame = await self._exchange(Frame(number, READ, identifier), fits)
        return None if frame.control == ERROR else frame.data[4:]

    async def who(self) -> str:
        """Return the number of the one meter that lies here; raises as `ask`."""
        frame = await self._exchange(
            Frame(ANYBODY, WHO, b""), lambda frame: frame.control == WHO_ANSWER
        )
        return frame.data[::-1].hex()

    async def _exchange(self, question: Frame, fits: Callable[[Frame], bool]) -> Frame:
        async with self._turn, asyncio.timeout(self._wire.timeout):
            if self._open is None:
                self._open = await asyncio.open_connection(self._wire.host, self._wire.port)
            reader, writer = self._open
            writer.write(bytes([_WAKE] * 4) + packed(question))
            await writer.drain()
            received = b""
            while came := await reader.read(256):
                frame, received = unpacked(received + came)
                while frame is not None:
                    if fits(frame):
                        return frame
                    frame, received = unpacked(received)
            raise ConnectionError


class Dlt645Driver(PolledDriver):
    """A meter behind a serial converter."""

    def __init__(self, template: Template, wire: Wire, clock: Clock) -> None:
        super().__init__(template, wire, clock)
        self._line: _Line | None = None

    async def _ask(self, points: Sequence[PointTemplate]) -> Mapping[str, float]:
        wire = self._wire
        if not _NUMBER.match(wire.topic):
            raise SilentError(_NO_NUMBER.format(given=wire.topic))
        self._line = self._line or _Line.join((wire.host, wire.port), self, lambda: _Line(wire))
        found: dict[str, float] = {}
        for point in points:
            identifier = bytes.fromhex(str(point.address))[::-1]
            try:
                data = await self._line.ask(wire.topic, identifier)
            except TimeoutError:
                place = {"host": wire.host, "port": wire.port, "seconds": f"{wire.timeout:g}"}
                raise SilentError(_NO_METER.format(name=wire.topic, **place)) from None
            raw = None if data is None else number_of(point.type, data)
            if raw is not None:
                found[point.name] = raw
        return found

    async def _lost(self, error: Exception) -> None:
        await super()._lost(error)
        if self._line is not None and not isinstance(error, SilentError):
            await self._line.hang_up()

    async def _hang_up(self) -> None:
        """Stay: the line is shared, and a silent meter takes no other with it."""

    async def close(self) -> None:
        """Let go of the wire."""
        line, self._line = self._line, None
        if line is not None:
            await line.leave(self)


async def discover(host: str, port: int, unit_id: int, seconds: float) -> FoundDevice:
    """Return the number of the one meter behind a converter; of several none can be understood.

    unit_id: nothing here. Raises `DeviceError` where none answers.
    """
    del unit_id
    wire = Wire(host, port, timeout=seconds)
    asking = object()
    line = _Line.join((host, port), asking, lambda: _Line(wire))
    try:
        number = await line.who()
    except (OSError, TimeoutError):
        raise DeviceError(_NOBODY.format(host=host, port=port)) from None
    finally:
        await line.leave(asking)
    own = replace(wire, topic=number)
    found = await fitting("dlt645", lambda template: Dlt645Driver(template, own, time.time))
    return FoundDevice("", "DL/T 645-2007", number, (), found)


def driver(template: Template, wire: Wire, clock: Clock) -> Dlt645Driver:
    """Return the driver of a meter."""
    return Dlt645Driver(template, wire, clock)
