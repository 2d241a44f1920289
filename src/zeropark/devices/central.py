"""The central system chargers call, of whatever version of OCPP: who is let in, and what is heard.

A charger calls us at `host` and `port`, as `topic`; `unit_id` is its connector or EVSE, 0 the whole
station. In TLS the certificate is ours, and the charger proves itself by its password, or by a
certificate with its name that `authority` signed (security profiles 1, 2 and 3 of OCPP).
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hmac
import http
import logging
import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar, cast

import numpy as np
from ocpp.exceptions import OCPPError
from ocpp.routing import on
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from zeropark.devices.coding import within, worth_of_one
from zeropark.devices.contract import Health, Outcome, Quality, Readout, Written, nothing_read
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.tls import common_name
from zeropark.devices.wire import Clock, Pace, Wire, why_only_read
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

# What a charger does wrong shows as outcome and health; the library need not say it as well.
logging.getLogger("ocpp").addHandler(logging.NullHandler())
_LOG = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])
PORT, TLS_PORT = 9000, 9443
PROFILE = "profile"
"""Address of a set-point: a limit of the charging profile."""
HEARTBEAT = 60
"""How often a charger is to say that it is there [s]."""
_WRONG_ADDRESS = Text(
    "'{given}' is no measurand of OCPP {version}{meant}",
    "“{given}”不是 OCPP {version} 的测量量{meant}",
)
_NO_CALL = Text(
    "charger {name} has not called at {host}:{port}; name this address in the charger",
    "充电桩 {name} 尚未连接 {host}:{port}；请在充电桩中填写此地址",
)
_NO_TLS_CALL = Text(
    "charger {name} has not called at {host}:{port} in TLS; name this address in the charger, and "
    "have it trust who signed our certificate",
    "充电桩 {name} 尚未以 TLS 连接 {host}:{port}；请在充电桩中填写此地址，"
    "并使其信任我方证书的签发者",
)
_OURS_EXPIRED = Text(
    "our own certificate has expired; no charger takes it, have it renewed",
    "我方证书已过期，充电桩不会接受；更换证书",
)
_WRONG_PASSWORD = Text(
    "charger {name} called with another password than its secret says; set both to the same",
    "充电桩 {name} 连接所用口令与密钥不符；请将两者设为一致",
)
_WRONG_CERTIFICATE = Text(
    "charger {name} called with the certificate of '{given}'; give it one in its own name",
    "充电桩 {name} 连接时出示的是“{given}”的证书；请为其换用本名证书",
)
_PORT_TAKEN = Text(
    "{host}:{port} is taken by another program; name another port",
    "{host}:{port} 已被其他程序占用；请换一个端口",
)


def wrong_addresses(
    template: Template, measurands: Sequence[str], version: str
) -> Iterable[tuple[str, Text]]:
    """Yield (place, sentence) of each address that this version of OCPP does not know."""
    for index, point in enumerate(template.points):
        for field, address in (("address", point.address), ("set_address", point.set_address)):
            known = measurands if field == "address" and point.reads else (PROFILE,)
            if address is not None and address not in known:
                near = meant(str(address), known)
                text = with_meant(_WRONG_ADDRESS, near, given=address, version=version)
                yield f"points.{index}.{field}", text


def answers(action: object) -> Callable[[F], F]:
    """Mark the method that answers a message; the library's own mark, with types."""
    return cast("Callable[[F], F]", on(action))


def stamp(at: float) -> str:
    """Return a moment [POSIX s] as OCPP writes it."""
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="milliseconds")


def posix(text: str) -> float:
    """Return a moment as POSIX seconds; NaN where it is none."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return math.nan
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()


class Heard:
    """What a charger said. numbers: (number, POSIX s) by connector and measurand.

    noted: the last thing it did that is not in order; None where there was nothing.
    """

    def __init__(self) -> None:
        self.numbers: dict[tuple[int, str], tuple[float, float]] = {}
        self.noted: Text | None = None

    def take(self, connector: int, measurand: str, number: float, at: float) -> None:
        """Take a number; one that comes late does not stand in the place of a newer one."""
        if math.isfinite(number) and math.isfinite(at):
            key = (connector, measurand)
            if at >= self.numbers.get(key, (0.0, -math.inf))[1]:
                self.numbers[key] = (number, at)


class Limit(NamedTuple):
    """A limit of charging.

    limit: in W or A, as `unit` says. begins: POSIX s. seconds: how long it lasts; None for ever.
    """

    limit: float
    unit: str
    begins: float
    seconds: int | None


class Station(Protocol):
    """A charger at the other end, in its version's own words."""

    heard: Heard

    async def start(self) -> None:
        """Hear it until it hangs up."""

    @abstractmethod
    async def limit(self, connector: int, limit: Limit) -> tuple[Outcome, float | None]:
        """Set a limit; return what became of it, and the limit it shows in its unit."""

    @abstractmethod
    async def shown(self, connector: int, unit: str) -> float | None:
        """Return the limit that its schedule shows now, in W or A; None where there is none."""

    @abstractmethod
    async def let_go(self, connector: int) -> Outcome:
        """Clear our limits."""


@dataclass(frozen=True)
class Expected:
    """A charger that may call. answer: makes its station from name, connection and time-out [s]."""

    wire: Wire
    subprotocol: str
    answer: Callable[[str, ServerConnection, float], Station]


class Central:
    """The central system at one address; chargers that no driver waits for are turned away."""

    _all: dict[tuple[str, int], Central] = {}  # noqa: RUF012 - one for each address of this process

    def __init__(self, place: tuple[str, int]) -> None:
        self._place = place
        self._server: Server | None = None
        self._opening = asyncio.Lock()
        self._drivers: dict[str, int] = {}
        self.waiting: dict[str, Expected] = {}
        self.refused: dict[str, Text] = {}
        self.stations: dict[str, Station] = {}
        self._connections: dict[str, ServerConnection] = {}

    @classmethod
    def at(cls, wire: Wire) -> Central:
        """Return the central system of an address."""
        place = (wire.host, wire.port)
        return cls._all.setdefault(place, cls(place))

    async def open(self, expected: Expected) -> None:
        """Listen, and let this charger in; raises `OSError` where the port is taken."""
        name = expected.wire.topic
        async with self._opening:
            if self._server is None:
                self._server = await serve(
                    self._serve,
                    *self._place,
                    ssl=expected.wire.tls,
                    process_request=self._look_at,
                    select_subprotocol=self._version_of,
                )
        # Connectors of one charger have a driver each, and share its call.
        self.waiting[name] = expected
        self._drivers[name] = self._drivers.get(name, 0) + 1

    async def leave(self, wire: Wire) -> None:
        """Let a charger go; the last one closes the door."""
        self._drivers[wire.topic] -= 1
        if self._drivers[wire.topic] == 0:
            del self._drivers[wire.topic], self.waiting[wire.topic]
        if not self.waiting:
            server, self._server = self._server, None
            self._all.pop(self._place, None)
            if server is not None:
                server.close()
                await server.wait_closed()

    def _look_at(self, connection: ServerConnection, request: Request) -> Response | None:
        name = _name(request)
        expected = self.waiting.get(name)
        if expected is None:
            return connection.respond(http.HTTPStatus.NOT_FOUND, "unknown charger\n")
        shown = common_name(connection.transport)
        if shown is not None and shown != name:
            self.refused[name] = _WRONG_CERTIFICATE.format(name=name, given=shown)
            return connection.respond(http.HTTPStatus.FORBIDDEN, "another's certificate\n")
        if expected.wire.password is not None:
            wanted = base64.b64encode(f"{name}:{expected.wire.password}".encode()).decode()
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Basic {wanted}".encode()):
                self.refused[name] = _WRONG_PASSWORD.format(name=name)
                return connection.respond(http.HTTPStatus.UNAUTHORIZED, "wrong password\n")
        return None

    def _version_of(self, connection: ServerConnection, offered: Sequence[Any]) -> Any:
        request = connection.request
        assert request is not None, "a connection that is served was asked for"
        wanted = self.waiting[_name(request)].subprotocol
        return wanted if wanted in offered else None

    async def _serve(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None, "a connection that is served was asked for"
        name = _name(request)
        expected = self.waiting.get(name)
        if expected is None or connection.subprotocol != expected.subprotocol:
            # RFC 6455, 7.4.1: a charger of another version is told so by hanging up.
            await connection.close(1002, "another version of OCPP")
            return
        before, self._connections[name] = self._connections.get(name), connection
        if before is not None:
            # A charger that calls anew has lost its old line, whatever that still says.
            await before.close()
        station = expected.answer(name, connection, expected.wire.timeout)
        self.stations[name] = station
        self.refused.pop(name, None)
        try:
            await station.start()
        except (ConnectionClosed, OCPPError, ValueError) as closed:
            # Its drivers read "no answer" from now on; the log says why.
            _LOG.info("charger %s hung up or spoke no OCPP: %s", name, closed)
        finally:
            if self.stations.get(name) is station:
                del self.stations[name], self._connections[name]


def _name(request: Request) -> str:
    return request.path.rstrip("/").rpartition("/")[2]


class ChargerDriver:
    """A connector of a charger that calls us.

    subprotocol: of its version. answer: makes the station of a call.
    """

    def __init__(
        self,
        template: Template,
        wire: Wire,
        clock: Clock,
        subprotocol: str,
        answer: Callable[[str, ServerConnection, float], Station],
    ) -> None:
        self.template = template
        self._wire = wire
        self._clock = clock
        self._pace = Pace(clock)
        self._pace.certificate_ends = wire.certificate_ends
        self._expected = Expected(wire, subprotocol, answer)
        self._points = [point for point in template.points if point.reads]
        self.names = tuple(point.name for point in self._points)
        self._central: Central | None = None

    async def read(self) -> Readout:
        """Return what the charger metered last, with the charger's own time."""
        station = await self._station()
        if station is None:
            return nothing_read(self.names)
        self._pace.answered()
        if station.heard.noted is not None:
            self._pace.noted(station.heard.noted)
        count = len(self._points)
        values, at = np.full(count, np.nan), np.full(count, np.nan)
        quality = np.full(count, Quality.MISSING, dtype=np.uint8)
        for index, point in enumerate(self._points):
            found = station.heard.numbers.get((self._wire.unit_id, str(point.address)))
            if found is not None:
                values[index], at[index] = found[0] * worth_of_one(point), found[1]
                good = within(point, float(values[index]))
                quality[index] = Quality.GOOD if good else Quality.SUSPECT
        return Readout(self.names, values, quality, at)

    async def write(self, setpoints: Mapping[str, float | None]) -> dict[str, Written]:
        """Set or clear charging profiles, and read back the schedule that comes of it."""
        return {name: await self._write_one(name, value) for name, value in setpoints.items()}

    async def held(self) -> dict[str, float]:
        """Return the limits that the charger's schedule holds now."""
        station = await self._station()
        found: dict[str, float] = {}
        if station is None:
            return found
        for point in self.template.points:
            if not point.write:
                continue
            try:
                shown = await station.shown(self._wire.unit_id, _unit(point))
            except (OCPPError, TimeoutError, ConnectionClosed):
                return found
            if shown is not None:
                found[point.name] = shown * worth_of_one(point)
        return found

    def health(self) -> Health:
        """Return how the driver stands with its charger."""
        return self._pace.health()

    async def close(self) -> None:
        """Stop waiting for the charger."""
        central, self._central = self._central, None
        if central is not None:
            await central.leave(self._wire)

    async def _station(self) -> Station | None:
        wire = self._wire
        place = {"host": wire.host, "port": wire.port}
        if self._central is None:
            central = Central.at(wire)
            try:
                await central.open(self._expected)
            except OSError:
                self._pace.missed(_PORT_TAKEN.format(**place))
                return None
            self._central = central
        found = self._central.stations.get(wire.topic)
        if found is None and self._pace.due:
            self._pace.missed(self._why_not_there(self._central, place))
        return found

    def _why_not_there(self, central: Central, place: Mapping[str, Any]) -> Text:
        wire = self._wire
        refused = central.refused.get(wire.topic)
        if refused is not None:
            return refused
        if wire.tls is None:
            return _NO_CALL.format(name=wire.topic, **place)
        ends = wire.certificate_ends
        if ends is not None and ends <= self._clock():
            return _OURS_EXPIRED
        return _NO_TLS_CALL.format(name=wire.topic, **place)

    async def _write_one(self, name: str, value: float | None) -> Written:
        point = self.template.by_name.get(name)
        refused = self._why_not(point, value)
        if refused is not None or point is None:
            return Written(refused or Outcome.POINT_UNKNOWN)
        station = await self._station()
        if station is None:
            return Written(Outcome.NO_ANSWER)
        if not self._wire.may_send(self._wire.timeout):
            return Written(Outcome.NOT_LEADING)
        try:
            if value is None:
                return Written(await station.let_go(self._wire.unit_id))
            watchdog = self.template.watchdog
            lasts = None if watchdog == "none" else round(watchdog.seconds)
            raw = round(value / worth_of_one(point), 1)
            wanted = Limit(raw, _unit(point), self._clock(), lasts)
            outcome, held = await station.limit(self._wire.unit_id, wanted)
        except (OCPPError, TimeoutError, ConnectionClosed):
            return Written(Outcome.NO_ANSWER)
        return Written(outcome, None if held is None else held * worth_of_one(point))

    def _why_not(self, point: PointTemplate | None, value: float | None) -> Outcome | None:
        if point is None:
            return Outcome.POINT_UNKNOWN
        if not point.write:
            return Outcome.NOT_WRITABLE
        if why_only_read(self.template, self._wire) is not None:
            return Outcome.NOT_ALLOWED
        if value is None:
            return None
        if not math.isfinite(value):
            return Outcome.NOT_A_NUMBER
        return None if within(point, value) else Outcome.OUT_OF_LIMITS


def _unit(point: PointTemplate) -> str:
    return "A" if point.unit == "A" else "W"


def as_shown(limit: Limit, shown: float | None) -> tuple[Outcome, float | None]:
    """Return what became of a limit that was accepted; shown: what the charger reads back."""
    if shown is None:
        return Outcome.SENT, None
    return (Outcome.TAKEN if shown == limit.limit else Outcome.NOT_HELD), shown
