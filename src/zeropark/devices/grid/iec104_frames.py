"""The frames of IEC 60870-5-104 that a station of ours needs: coded and read, nothing sent.

Source: IEC 60870-5-104:2006, clauses 5.1 (control field), 5.5 (U frames); IEC 60870-5-101:2003,
clauses 7.2.1 to 7.2.6 (type, cause, addresses, elements). Cause in two octets, common address in
two, information object address in three, as 104 fixes them.
"""

from __future__ import annotations

import datetime as dt
import math
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

START = 0x68
LONGEST = 253
"""Octets behind the length (5.1)."""
MODULUS = 1 << 15
# Octets of the frame's head, and of what stands before an object's element.
_HEAD, _BEFORE = 6, 9


class U(IntEnum):
    """Control frames: start and stop of data transfer, test (5.1, 5.2, 5.3)."""

    START_ACT = 0x07
    START_CON = 0x0B
    STOP_ACT = 0x13
    STOP_CON = 0x23
    TEST_ACT = 0x43
    TEST_CON = 0x83


class Type(IntEnum):
    """Types of what a frame carries (101, 7.2.1.1)."""

    SINGLE_POINT = 1
    FLOAT = 13
    FLOAT_TIMED = 36
    SINGLE_COMMAND = 45
    SET_POINT = 50
    INTERROGATION = 100
    CLOCK = 103


class Cause(IntEnum):
    """Causes of transmission (101, 7.2.3)."""

    SPONTANEOUS = 3
    ACTIVATION = 6
    CONFIRMED = 7
    DEACTIVATION = 8
    DEACTIVATED = 9
    TERMINATED = 10
    INTERROGATED = 20
    TYPE_UNKNOWN = 44
    CAUSE_UNKNOWN = 45
    ADDRESS_UNKNOWN = 46
    OBJECT_UNKNOWN = 47


INVALID, GOOD = 0x80, 0x00
"""Quality descriptor: IV alone, or nothing (101, 7.2.6.3)."""
SELECT = 0x80
"""Of a command's qualifier: select, else execute (101, 7.2.6.26, 7.2.6.39)."""
STATION = 20
"""Qualifier of the interrogation of the whole station (101, 7.2.6.22)."""
GLOBAL = 0xFFFF
"""Common address of all stations (101, 7.2.4)."""
_NEGATIVE, _TEST, _CAUSE = 0x40, 0x80, 0x3F
_SIZES = {Type.SET_POINT: 5, Type.SINGLE_COMMAND: 1, Type.INTERROGATION: 1, Type.CLOCK: 7}


class FrameError(ValueError):
    """Octets that are no frame of the protocol: the connection must be closed (5.1)."""


@dataclass(frozen=True)
class Asdu:
    """What an I frame carries: one object, as commands have it.

    type: of `Type`, or a number nobody knows. negative: of a confirmation. address: of the
    station; object: within it. body: the octets of its element, qualifier included.
    """

    type: int
    cause: int
    address: int
    object: int
    body: bytes = b""
    negative: bool = False
    originator: int = 0
    test: bool = False

    def coded(self) -> bytes:
        """Return its octets."""
        cause = self.cause | (_NEGATIVE if self.negative else 0) | (_TEST if self.test else 0)
        head = struct.pack("<BBBBH", self.type, 1, cause, self.originator, self.address)
        return head + self.object.to_bytes(3, "little") + self.body

    def answered(self, cause: Cause, *, negative: bool = False) -> Asdu:
        """Return the same with another cause, as a station mirrors a command."""
        return Asdu(
            self.type, cause, self.address, self.object, self.body, negative, self.originator,
            self.test,
        )  # fmt: skip


class Frame(NamedTuple):
    """A frame. kind: `I`, `S` or `U`. sent, received: sequence numbers. control: of a U frame."""

    kind: str
    sent: int = 0
    received: int = 0
    control: int = 0
    asdu: Asdu | None = None

    def coded(self) -> bytes:
        """Return its octets, the start octet first."""
        if self.kind == "U":
            return bytes((START, 4, self.control, 0, 0, 0))
        if self.kind == "S":
            return bytes((START, 4, 1, 0)) + (self.received << 1).to_bytes(2, "little")
        assert self.asdu is not None, "an I frame carries something"
        body = struct.pack("<HH", self.sent << 1, self.received << 1) + self.asdu.coded()
        return bytes((START, len(body))) + body


def read_frame(octets: bytes) -> Frame:
    """Return the frame of all these octets; raises `FrameError` where they are none."""
    if len(octets) < _HEAD or octets[0] != START or octets[1] != len(octets) - 2:
        raise FrameError(octets.hex(" "))
    first, second, third, fourth = octets[2:6]
    if first & 3 == 3:  # noqa: PLR2004 - both lowest bits mark a U frame
        if first not in set(U) or len(octets) != _HEAD:
            raise FrameError(octets.hex(" "))
        return Frame("U", control=first)
    received = (third | fourth << 8) >> 1
    if first & 1:
        return Frame("S", received=received)
    return Frame("I", (first | second << 8) >> 1, received, asdu=_read_asdu(octets[6:]))


def _read_asdu(octets: bytes) -> Asdu:
    if len(octets) < _BEFORE:
        raise FrameError(octets.hex(" "))
    type_, _variable, cause, originator, address = struct.unpack_from("<BBBBH", octets)
    object_, body = int.from_bytes(octets[6:9], "little"), octets[9:]
    wanted = _SIZES.get(type_) if type_ in set(Type) else None
    if wanted is not None and len(body) != wanted:
        raise FrameError(octets.hex(" "))
    return Asdu(
        type_, cause & _CAUSE, address, object_, body, bool(cause & _NEGATIVE), originator,
        bool(cause & _TEST),
    )  # fmt: skip


def float_element(value: float | None) -> bytes:
    """Return a short float with its quality; invalid where there is no value (7.2.6.8)."""
    good = value is not None and math.isfinite(value)
    return struct.pack("<fB", value if good else 0.0, GOOD if good else INVALID)


def point_element(on: bool | None) -> bytes:  # noqa: FBT001 - the state itself
    """Return a single point with its quality; invalid where it is not known (7.2.6.1)."""
    return bytes((INVALID if on is None else int(on),))


def set_point(asdu: Asdu) -> tuple[float, bool]:
    """Return (value, whether it only selects) of a set-point command."""
    value, qualifier = struct.unpack("<fB", asdu.body)
    return float(value), bool(qualifier & SELECT)


def single_command(asdu: Asdu) -> tuple[bool, bool]:
    """Return (on, whether it only selects) of a single command."""
    qualifier = asdu.body[0]
    return bool(qualifier & 1), bool(qualifier & SELECT)


def time_element(at: float) -> bytes:
    """Return a moment as CP56Time2a in UTC (7.2.6.18). at: POSIX s."""
    moment = dt.datetime.fromtimestamp(at, dt.UTC)
    milliseconds = moment.second * 1000 + moment.microsecond // 1000
    day = moment.day | moment.isoweekday() << 5
    rest = (moment.minute, moment.hour, day, moment.month, moment.year % 100)
    return struct.pack("<H5B", milliseconds, *rest)
