"""OCPP 1.6 JSON, as the central system: chargers call us, at `host` and `port`, as `topic`.

A point's address is a measurand of MeterValues, such as `Power.Active.Import`, at the connector
`unit_id`; a set-point's is `profile`, a limit in W or A by the template's unit. A limit is a
default charging profile that lasts as long as the template's watchdog says: a charger that no
longer hears us goes back to itself. It is read back by GetCompositeSchedule.
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hmac
import http
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

import numpy as np
from ocpp.exceptions import OCPPError
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action, AuthorizationStatus, Measurand, RegistrationStatus
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from zeropark.devices.coding import within, worth_of_one
from zeropark.devices.contract import Health, Outcome, Quality, Readout, Written, nothing_read
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.wire import Clock, Pace, Wire, why_only_read
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

# What a charger does wrong shows as outcome and health; the library need not say it as well.
logging.getLogger("ocpp").addHandler(logging.NullHandler())
F = TypeVar("F", bound=Callable[..., Any])
PORT, TLS_PORT = 9000, 9443
PROFILE = "profile"
_LOG = logging.getLogger(__name__)
_SUBPROTOCOL = "ocpp1.6"
# How often a charger is to say that it is there [s].
_HEARTBEAT = 60
_PROFILE_ID, _STACK = 1, 0
_ACCEPTED = "Accepted"
_FACTORS = {"k": 1e3, "": 1.0}
_MEASURANDS = tuple(each.value for each in Measurand)
_WRONG_ADDRESS = Text(
    "'{given}' is no measurand of OCPP 1.6{meant}", "“{given}”不是 OCPP 1.6 的测量量{meant}"
)
_NO_CALL = Text(
    "charger {name} has not called at {host}:{port}; name this address in the charger",
    "充电桩 {name} 尚未连接 {host}:{port}；请在充电桩中填写此地址",
)
_PORT_TAKEN = Text(
    "{host}:{port} is taken by another program; name another port",
    "{host}:{port} 已被其他程序占用；请换一个端口",
)


def wrong_points(template: Template) -> Iterable[tuple[str, Text]]:
    """Yield (place, sentence) of each address that OCPP does not know."""
    for index, point in enumerate(template.points):
        for field, address in (("address", point.address), ("set_address", point.set_address)):
            known = _MEASURANDS if field == "address" and point.reads else (PROFILE,)
            if address is not None and address not in known:
                near = meant(str(address), known)
                yield f"points.{index}.{field}", with_meant(_WRONG_ADDRESS, near, given=address)


def answers(action: Action) -> Callable[[F], F]:
    """Mark the method that answers a message; the library's own mark, with types."""
    return cast("Callable[[F], F]", on(action))


class Charger(ChargePoint):  # type: ignore[misc] # the library ships no types
    """A charger as we hear it. said: (number, POSIX s) by connector and measurand."""

    def __init__(self, name: str, connection: ServerConnection, timeout: float) -> None:
        super().__init__(name, connection, response_timeout=timeout)
        self.said: dict[tuple[int, str], tuple[float, float]] = {}

    @answers(Action.boot_notification)
    def _booted(self, **said: Any) -> call_result.BootNotification:
        del said
        return call_result.BootNotification(_now(), _HEARTBEAT, RegistrationStatus.accepted)

    @answers(Action.heartbeat)
    def _alive(self) -> call_result.Heartbeat:
        return call_result.Heartbeat(_now())

    @answers(Action.status_notification)
    def _status(self, **said: Any) -> call_result.StatusNotification:
        del said
        return call_result.StatusNotification()

    @answers(Action.authorize)
    def _authorised(self, **said: Any) -> call_result.Authorize:
        # Who may charge is not decided here: the park does not turn cars away.
        del said
        return call_result.Authorize({"status": AuthorizationStatus.accepted})

    @answers(Action.start_transaction)
    def _started(self, **said: Any) -> call_result.StartTransaction:
        number = int(said["connector_id"])
        return call_result.StartTransaction(number, {"status": AuthorizationStatus.accepted})

    @answers(Action.stop_transaction)
    def _stopped(self, **said: Any) -> call_result.StopTransaction:
        # One that was never started, or is stopped twice, is answered all the same: the charger
        # would send it for ever.
        del said
        return call_result.StopTransaction()

    @answers(Action.meter_values)
    def _metered(
        self, connector_id: int, meter_value: list[dict[str, Any]], **said: Any
    ) -> call_result.MeterValues:
        del said
        for each in meter_value:
            at = _posix(each.get("timestamp", ""))
            for sample in each.get("sampled_value", []):
                measurand = sample.get("measurand", Measurand.energy_active_import_register.value)
                number = _number(sample)
                if "phase" not in sample and number is not None and math.isfinite(at):
                    self.said[connector_id, measurand] = (number, at)
        return call_result.MeterValues()


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()


def _posix(text: str) -> float:
    try:
        stamp = dt.datetime.fromisoformat(text)
    except ValueError:
        return math.nan
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=dt.UTC)).timestamp()


def _number(sample: Mapping[str, Any]) -> float | None:
    """Return a sample without its k (kW, kWh); None where it is no number."""
    try:
        number = float(sample["value"])
    except (KeyError, ValueError):
        return None
    unit = str(sample.get("unit", ""))
    return number * _FACTORS["k" if unit.startswith("k") else ""] if math.isfinite(number) else None


class Central:
    """The central system at one address; chargers that no driver waits for are turned away."""

    _all: dict[tuple[str, int], Central] = {}  # noqa: RUF012 - one for each address of this process

    def __init__(self, place: tuple[str, int]) -> None:
        self._place = place
        self._server: Server | None = None
        self._opening = asyncio.Lock()
        self.waiting: dict[str, Wire] = {}
        self.chargers: dict[str, Charger] = {}

    @classmethod
    def at(cls, wire: Wire) -> Central:
        """Return the central system of an address."""
        place = (wire.host, wire.port)
        return cls._all.setdefault(place, cls(place))

    async def open(self, wire: Wire) -> None:
        """Listen, and let this charger in; raises `OSError` where the port is taken."""
        self.waiting[wire.topic] = wire
        async with self._opening:
            if self._server is None:
                self._server = await serve(
                    self._serve,
                    *self._place,
                    subprotocols=[_SUBPROTOCOL],  # type: ignore[list-item] # a NewType of str
                    process_request=self._look_at,
                )

    async def leave(self, wire: Wire) -> None:
        """Let a charger go; the last one closes the door."""
        self.waiting.pop(wire.topic, None)
        if not self.waiting:
            server, self._server = self._server, None
            self._all.pop(self._place, None)
            if server is not None:
                server.close()
                await server.wait_closed()

    def _look_at(self, connection: ServerConnection, request: Request) -> Response | None:
        name = request.path.rstrip("/").rpartition("/")[2]
        wire = self.waiting.get(name)
        if wire is None:
            return connection.respond(http.HTTPStatus.NOT_FOUND, "unknown charger\n")
        if wire.password is not None:
            wanted = base64.b64encode(f"{name}:{wire.password}".encode()).decode()
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Basic {wanted}".encode()):
                return connection.respond(http.HTTPStatus.UNAUTHORIZED, "wrong password\n")
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None, "a connection that is served was asked for"
        name = request.path.rstrip("/").rpartition("/")[2]
        charger = Charger(name, connection, self.waiting[name].timeout)
        self.chargers[name] = charger
        try:
            await charger.start()
        except ConnectionClosed as closed:
            # Its drivers read "no answer" from now on; the log says why.
            _LOG.info("charger %s hung up: %s", name, closed)
        finally:
            if self.chargers.get(name) is charger:
                del self.chargers[name]


class Ocpp16Driver:
    """A connector of a charger that calls us."""

    def __init__(self, template: Template, wire: Wire, clock: Clock) -> None:
        self.template = template
        self._wire = wire
        self._clock = clock
        self._pace = Pace(clock)
        self._points = [point for point in template.points if point.reads]
        self.names = tuple(point.name for point in self._points)
        self._central: Central | None = None

    async def read(self) -> Readout:
        """Return what the charger metered last, with the charger's own time."""
        charger = await self._charger()
        if charger is None:
            return nothing_read(self.names)
        self._pace.answered()
        count = len(self._points)
        values, at = np.full(count, np.nan), np.full(count, np.nan)
        quality = np.full(count, Quality.MISSING, dtype=np.uint8)
        for index, point in enumerate(self._points):
            found = charger.said.get((self._wire.unit_id, str(point.address)))
            if found is not None:
                values[index], at[index] = found[0] * worth_of_one(point), found[1]
                good = within(point, float(values[index]))
                quality[index] = Quality.GOOD if good else Quality.SUSPECT
        return Readout(self.names, values, quality, at)

    async def write(self, setpoints: Mapping[str, float | None]) -> dict[str, Written]:
        """Set or clear charging profiles, and read back the schedule that comes of it."""
        return {name: await self._write_one(name, value) for name, value in setpoints.items()}

    def health(self) -> Health:
        """Return how the driver stands with its charger."""
        return self._pace.health()

    async def close(self) -> None:
        """Stop waiting for the charger."""
        central, self._central = self._central, None
        if central is not None:
            await central.leave(self._wire)

    async def _charger(self) -> Charger | None:
        wire = self._wire
        place = {"host": wire.host, "port": wire.port}
        if self._central is None:
            central = Central.at(wire)
            try:
                await central.open(wire)
            except OSError:
                self._pace.missed(_PORT_TAKEN.format(**place))
                return None
            self._central = central
        found = self._central.chargers.get(wire.topic)
        if found is None and self._pace.due:
            self._pace.missed(_NO_CALL.format(name=wire.topic, **place))
        return found

    async def _write_one(self, name: str, value: float | None) -> Written:
        point = self.template.by_name.get(name)
        refused = self._why_not(point, value)
        if refused is not None or point is None:
            return Written(refused or Outcome.POINT_UNKNOWN)
        charger = await self._charger()
        if charger is None:
            return Written(Outcome.NO_ANSWER)
        try:
            if value is None:
                await charger.call(call.ClearChargingProfile(id=_PROFILE_ID))
                return Written(Outcome.SENT)
            return await self._limit(charger, point, value)
        except (OCPPError, TimeoutError, ConnectionClosed):
            return Written(Outcome.NO_ANSWER)

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

    async def _limit(self, charger: Charger, point: PointTemplate, value: float) -> Written:
        raw = round(value / worth_of_one(point), 1)
        unit = "A" if point.unit == "A" else "W"
        watchdog = self.template.watchdog
        lasts = {} if watchdog == "none" else {"duration": round(watchdog.seconds)}
        schedule = {
            **lasts,
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": raw}],
        }
        profile = {
            "chargingProfileId": _PROFILE_ID,
            "stackLevel": _STACK,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": schedule,
        }
        connector = self._wire.unit_id
        answer = await charger.call(call.SetChargingProfile(connector, profile))
        if answer is None or answer.status != _ACCEPTED:
            return Written(Outcome.REFUSED)
        shown = await charger.call(call.GetCompositeSchedule(connector, 1, unit))
        if shown is None or shown.status != _ACCEPTED or not shown.charging_schedule:
            return Written(Outcome.SENT)
        held = float(shown.charging_schedule["charging_schedule_period"][0]["limit"])
        outcome = Outcome.TAKEN if held == raw else Outcome.NOT_HELD
        return Written(outcome, held * worth_of_one(point))


def driver(template: Template, wire: Wire, clock: Clock) -> Ocpp16Driver:
    """Return the driver of a charger that calls us."""
    return Ocpp16Driver(template, wire, clock)
