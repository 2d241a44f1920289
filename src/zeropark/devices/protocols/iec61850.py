"""IEC 61850 MMS (IEC 61850-8-1:2011), as client: a device's data attributes are its points.

A point's address is a reference and its functional constraint, as SCL writes them:
`IED1LD0/MMXU1.TotW.mag.f[MX]`. A set-point is an attribute that may be written, such as
`IED1LD0/DWMX1.WLim.setMag.f[SP]`, or a control object of a plain value (SPC, INC, not APC),
`IED1LD0/DWMX1.WLimEna[CO]`, which is selected first where its model asks for that. Quality `q` and
time `t` beside a value count.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from iec61850._native import (
    ControlObjectClient,
    IedConnection,
    IedConnectionError,
    IedError,
    IedTimeoutError,
)

from zeropark.devices.coding import within, worth_of_one
from zeropark.devices.contract import Health, Outcome, Quality, Readout, Written, nothing_read
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.tls import why_no_handshake
from zeropark.devices.wire import Clock, Pace, Wire, soonest, why_only_read
from zeropark.units.text import Text

LISTENS = False
PORT, TLS_PORT = 102, 3782
_ADDRESS = re.compile(r"^([A-Za-z0-9_]+/[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)+)\[([A-Z]{2})\]$")
_READ, _WRITTEN, _CONTROL = ("ST", "MX", "SP", "SV", "CF", "DC", "SG"), ("SP", "SV", "CO"), "CO"
# What a value is called within its object; quality and time stand beside it (61850-7-3).
_VALUES = ("instMag.f", "instMag.i", "cVal.mag.f", "mag.f", "mag.i", "mxVal.f", "actVal", "stVal")
# Validity is the first two bits of a quality (61850-7-3, 6.2.2).
_GOOD, _QUESTIONABLE = 0b00, 0b11
# What a control object's model is called, by its number (61850-7-2, 20.2; 0 may not be operated).
_MODELS = {1: "direct-normal", 2: "sbo-normal", 3: "direct-enhanced", 4: "sbo-enhanced"}
# A time of 1970 is none (the clock was never set) [s].
_NEVER = 86_400.0
_WRONG_ADDRESS = Text(
    "'{given}' is no reference; write it as IED1LD0/MMXU1.TotW.mag.f[MX], constraint one of "
    "{allowed}",
    "“{given}”不是引用；写作 IED1LD0/MMXU1.TotW.mag.f[MX]，功能约束可用：{allowed}",
)
_NOBODY = Text("no IEC 61850 at {host}:{port}", "{host}:{port} 没有 IEC 61850 应答")
_SILENT = Text("connected, but no answer within {seconds:g} s", "已连接，但 {seconds:g} 秒内无应答")
_NO_OBJECTS = Text(
    "the device has none of the template's references; name the template of this device",
    "设备没有模板中的任何引用；请改用该设备的模板",
)
_ABSENT = "ObjectNonExistent"


def wrong_points(template: Template) -> Iterable[tuple[str, Text]]:
    """Yield (place, sentence) of each address that is no reference, or may not be written."""
    for index, point in enumerate(template.points):
        is_set = point.write and point.set_address is None
        places = [("address", point.address, _WRITTEN if is_set else _READ)]
        places.append(("set_address", point.set_address or point.address, _WRITTEN))
        for field, address, allowed in places if point.write else places[:1]:
            found = _ADDRESS.match(str(address))
            if found is None or found[2] not in allowed:
                text = _WRONG_ADDRESS.format(given=address, allowed=", ".join(allowed))
                yield f"points.{index}.{field}", text


def _split(address: int | str) -> tuple[str, str]:
    """Return (reference, functional constraint)."""
    found = _ADDRESS.match(str(address))
    assert found is not None, "a template with a wrong address is refused when it is read"
    return found[1], found[2]


def _beside(reference: str, name: str) -> str | None:
    """Return the reference of `q` or `t` beside a value; None where its object is not known."""
    for value in _VALUES:
        if reference.endswith(f".{value}"):
            return f"{reference.removesuffix(value)}{name}"
    return None


class Iec61850Driver:
    """A device that speaks MMS."""

    def __init__(self, template: Template, wire: Wire, clock: Clock) -> None:
        self.template = template
        self._wire = wire
        self._clock = clock
        self._pace = Pace(clock)
        # The library does not show the device's own certificate.
        self._pace.certificate_ends = soonest(None, wire)
        self._points = [point for point in template.points if point.reads]
        self.names = tuple(point.name for point in self._points)
        self._targets = self._asked_for()
        self._connection: IedConnection | None = None
        self._raw: dict[str, float] = {}

    def _asked_for(self) -> dict[tuple[str, str], int]:
        """Return what one pass reads, each with its place: values, their quality, their time."""
        targets: dict[tuple[str, str], int] = {}
        for point in self._points:
            reference, constraint = _split(point.address)
            found = [reference, _beside(reference, "q"), _beside(reference, "t")]
            for each in found:
                if each is not None:
                    targets.setdefault((each, constraint), len(targets))
        return targets

    # -- the contract ---------------------------------------------------------------------------

    async def read(self) -> Readout:
        """Return all points in one request."""
        if not self._pace.due:
            return nothing_read(self.names)
        try:
            connection = await self._opened()
            async with asyncio.timeout(self._wire.timeout):
                shown = await connection.read_objects(list(self._targets))
        except (IedError, OSError, TimeoutError) as error:
            await self._lost(error)
            return nothing_read(self.names)
        if all(isinstance(each, dict) and each.get("error") == _ABSENT for each in shown):
            self._pace.missed(_NO_OBJECTS)
            await self.close()
            return nothing_read(self.names)
        self._pace.answered()
        return self._readout(shown)

    async def write(self, setpoints: Mapping[str, float | None]) -> dict[str, Written]:
        """Write or operate set-points, and read back those the device shows."""
        found: dict[str, Written] = {}
        for name, value in setpoints.items():
            refused = self._why_not(name, value)
            if refused is not None:
                found[name] = Written(refused)
                continue
            try:
                found[name] = await self._write_one(name, value)
            except (IedConnectionError, IedTimeoutError, OSError, TimeoutError) as error:
                await self._lost(error)
                found[name] = Written(Outcome.NO_ANSWER)
            except IedError:
                found[name] = Written(Outcome.REFUSED)
        return found

    async def held(self) -> dict[str, float]:
        """Return the set-points that the device shows and that count."""
        found: dict[str, float] = {}
        for point in self.template.points:
            if not point.write or not point.shows_set or point.of is not None:
                continue
            try:
                beside = [(self.template.by_name[n], raw) for n, raw in point.along.items()]
                counts = [await self._shown(_place(each)) == raw for each, raw in beside]
                shown = await self._shown(_place(point)) if all(counts) else None
            except (IedError, OSError, TimeoutError) as error:
                await self._lost(error)
                return found
            if shown is not None:
                found[point.name] = shown * worth_of_one(point)
        return found

    def health(self) -> Health:
        """Return how the driver stands with its device."""
        return self._pace.health()

    async def close(self) -> None:
        """End the association."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(IedError, OSError, TimeoutError):
                async with asyncio.timeout(self._wire.timeout):
                    await connection.disconnect()

    # -- the wire -------------------------------------------------------------------------------

    async def _opened(self) -> IedConnection:
        if self._connection is None:
            wire, where = self._wire, f"{self._wire.host}:{self._wire.port}"
            wait = round(1000 * wire.timeout)
            if wire.tls is None:
                self._connection = await IedConnection.connect(
                    where, timeout_ms=wait, request_timeout_ms=wait
                )
            else:
                assert wire.authority is not None, "a wire in TLS has one"
                own = None if wire.certificate is None else wire.certificate.read_bytes()
                self._connection = await IedConnection.connect_tls(
                    where,
                    server_name=wire.host,
                    ca_pem=wire.authority.read_bytes(),
                    client_cert_pem=own,
                    client_key_pem=own,
                    timeout_ms=wait,
                    request_timeout_ms=wait,
                )
        return self._connection

    async def _lost(self, error: BaseException) -> None:
        wire, said = self._wire, None
        if self._connection is not None:
            said = _SILENT.format(seconds=wire.timeout)
        elif wire.tls is not None:
            said = await why_no_handshake(wire.host, wire.port, wire.tls, wire.timeout)
        del error
        self._pace.missed(said or _NOBODY.format(host=wire.host, port=wire.port))
        await self.close()

    async def _shown(self, place: tuple[str, str]) -> float | None:
        """Return the number at a place; None where there is none to be seen."""
        if place[1] == _CONTROL:
            return None
        connection = await self._opened()
        async with asyncio.timeout(self._wire.timeout):
            (shown,) = await connection.read_objects([place])
        return _number(shown)

    # -- numbers --------------------------------------------------------------------------------

    def _readout(self, shown: list[Any]) -> Readout:
        count = len(self._points)
        values, at = np.full(count, np.nan), np.full(count, self._clock())
        quality = np.full(count, Quality.MISSING, dtype=np.uint8)
        places = [_split(point.address) for point in self._points]
        validities = [self._validity(shown, place) for place in places]
        self._raw = {
            point.name: number
            for point, place, validity in zip(self._points, places, validities, strict=True)
            if (number := _number(shown[self._targets[place]])) is not None
            and number not in point.missing
            and validity in {_GOOD, _QUESTIONABLE}
        }
        for index, (point, place) in enumerate(zip(self._points, places, strict=True)):
            stamp = self._stamp(shown, place)
            at[index] = at[index] if stamp is None else stamp
            value = self._value(point)
            if value is None:
                continue
            values[index] = value
            doubted = validities[index] == _QUESTIONABLE
            doubted |= point.of is None and not within(point, value)
            quality[index] = Quality.SUSPECT if doubted else Quality.GOOD
        return Readout(self.names, values, quality, at)

    def _validity(self, shown: list[Any], place: tuple[str, str]) -> int:
        """Return the validity of a value; good where its object has no quality."""
        found = self._octets(shown, place, "q")
        return _GOOD if not found else found[0] >> 6

    def _stamp(self, shown: list[Any], place: tuple[str, str]) -> float | None:
        """Return the device's own time of a value, POSIX s; None where it has none."""
        found = self._octets(shown, place, "t")
        if found is None or len(found) != 8:  # noqa: PLR2004 - a UtcTime has eight octets
            return None
        seconds, fraction = struct.unpack(">II", found)
        at = float(seconds + (fraction >> 8) / (1 << 24))
        return at if at > _NEVER else None

    def _octets(self, shown: list[Any], place: tuple[str, str], name: str) -> bytes | None:
        reference = _beside(place[0], name)
        index = None if reference is None else self._targets.get((reference, place[1]))
        found = None if index is None else shown[index]
        return bytes(found) if isinstance(found, bytes | bytearray) else None

    def _value(self, point: PointTemplate) -> float | None:
        raw = self._raw.get(point.name)
        if raw is None:
            return None
        value = raw * worth_of_one(point)
        if point.of is None:
            return value
        whole = self._raw.get(point.of)
        of = self.template.by_name[point.of]
        return None if whole is None else value * whole * worth_of_one(of)

    # -- writing --------------------------------------------------------------------------------

    def _why_not(self, name: str, value: float | None) -> Outcome | None:
        point = self.template.by_name.get(name)
        if point is None:
            return Outcome.POINT_UNKNOWN
        if not point.write or point.of is not None:
            return Outcome.NOT_WRITABLE
        if why_only_read(self.template, self._wire) is not None:
            return Outcome.NOT_ALLOWED
        if value is None:
            return None if point.release else Outcome.NOT_A_NUMBER
        if not math.isfinite(value):
            return Outcome.NOT_A_NUMBER
        return None if within(point, value) else Outcome.OUT_OF_LIMITS

    async def _write_one(self, name: str, value: float | None) -> Written:
        point = self.template.by_name[name]
        raws = dict(point.release) if value is None else {name: value / worth_of_one(point)}
        raws |= {} if value is None else dict(point.along)
        for other, raw in raws.items():
            if not self._wire.may_send(self._wire.timeout):
                return Written(Outcome.NOT_LEADING)
            await self._send(_place(self.template.by_name[other]), float(raw))
        shown = await self._shown(_place(point)) if value is not None and point.shows_set else None
        if shown is None:
            return Written(Outcome.SENT)
        close = math.isclose(shown, float(raws[name]), rel_tol=1e-6, abs_tol=1e-6)
        return Written(Outcome.TAKEN if close else Outcome.NOT_HELD, shown * worth_of_one(point))

    async def _send(self, place: tuple[str, str], raw: float) -> None:
        """Write a number in the attribute's own type, or operate a control object."""
        connection = await self._opened()
        async with asyncio.timeout(2.0 * self._wire.timeout):
            if place[1] == _CONTROL:
                control = await self._controlled(connection, place[0])
                now = await self._state(connection, place[0])
                await self._operate(control, bool(raw) if isinstance(now, bool) else round(raw))
                return
            (now,) = await connection.read_objects([place])
            told = (
                bool(raw) if isinstance(now, bool) else round(raw) if isinstance(now, int) else raw
            )
            await connection.write_object(*place, told)

    async def _controlled(self, connection: IedConnection, reference: str) -> ControlObjectClient:
        (model,) = await connection.read_objects([(f"{reference}.ctlModel", "CF")])
        named = _MODELS.get(model) if isinstance(model, int) else None
        if named is None:
            raise IedError(f"{reference} may not be operated")
        return connection.create_control_object(reference, named)

    async def _state(self, connection: IedConnection, reference: str) -> Any:
        """Return what a control object shows, which says whether it takes a truth value."""
        (now,) = await connection.read_objects([(f"{reference}.stVal", "ST")])
        return now

    async def _operate(self, control: ControlObjectClient, raw: float) -> None:
        if control.ctl_model.startswith("sbo"):
            enhanced = control.ctl_model.endswith("enhanced")
            selecting = control.select_with_value(raw) if enhanced else control.select()
            _done(await selecting)
        _done(await control.operate(raw))


def _done(outcome: Any) -> None:
    """Raise `IedError` where a device refused a control; outcome: (whether, cause) of it."""
    if not outcome[0]:
        raise IedError(str(outcome))


def _place(point: PointTemplate) -> tuple[str, str]:
    return _split(point.set_address or point.address)


def _number(shown: Any) -> float | None:
    """Return the number a value is; None where it is none, or not finite."""
    if not isinstance(shown, int | float) or not math.isfinite(shown):
        return None
    return float(shown)


def driver(template: Template, wire: Wire, clock: Clock) -> Iec61850Driver:
    """Return the driver of a device that speaks MMS."""
    return Iec61850Driver(template, wire, clock)
