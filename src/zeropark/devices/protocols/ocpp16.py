"""OCPP 1.6 JSON, as the central system: chargers call us, at `host` and `port`, as `topic`.

A point's address is a measurand of MeterValues, such as `Power.Active.Import`, at the connector
`unit_id`; a set-point's is `profile`, a limit in W or A by the template's unit. A limit is a
default charging profile that lasts as long as the template's watchdog says: a charger that no
longer hears us goes back to itself. It is read back by GetCompositeSchedule. Connector 0 is the
whole charge point, whose limit all its connectors share.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action, AuthorizationStatus, Measurand, RegistrationStatus
from websockets.asyncio.server import ServerConnection

from zeropark.devices.central import (
    HEARTBEAT,
    PORT,
    TLS_PORT,
    ChargerDriver,
    Heard,
    Limit,
    answers,
    as_shown,
    posix,
    stamp,
    wrong_addresses,
)
from zeropark.devices.contract import Outcome
from zeropark.devices.template import Template
from zeropark.devices.wire import Clock, Wire
from zeropark.units.text import Text

__all__ = ["LISTENS", "PORT", "TLS_PORT", "driver", "wrong_points"]
LISTENS = True
SUBPROTOCOL = "ocpp1.6"
# Profiles are numbered within the charge point: each connector has one of ours.
_FIRST_ID, _STACK = 1, 0
_ACCEPTED = "Accepted"
_FACTORS = {"k": 1e3, "": 1.0}
_MEASURANDS = tuple(each.value for each in Measurand)
_NEVER_BEGAN = Text(
    "charger {name}: transaction {given} ended, which never began here; it was answered and "
    "nothing changed",
    "充电桩 {name}：交易 {given} 结束，但从未在此开始；已应答，未作改动",
)


def wrong_points(template: Template) -> Iterable[tuple[str, Text]]:
    """Yield (place, sentence) of each address that OCPP 1.6 does not know."""
    return wrong_addresses(template, _MEASURANDS, "1.6")


class Charger(ChargePoint):  # type: ignore[misc] # the library ships no types
    """A charge point as we hear it."""

    def __init__(
        self, clock: Clock, name: str, connection: ServerConnection, timeout: float
    ) -> None:
        super().__init__(name, connection, response_timeout=timeout)
        self.heard = Heard()
        self._clock = clock
        self._running: set[int] = set()

    async def limit(self, connector: int, limit: Limit) -> tuple[Outcome, float | None]:
        """Set a limit; return what became of it, and the limit it shows in its unit."""
        lasts = {} if limit.seconds is None else {"duration": limit.seconds}
        schedule = {
            **lasts,
            "startSchedule": stamp(limit.begins),
            "chargingRateUnit": limit.unit,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit.limit}],
        }
        profile = {
            "chargingProfileId": _FIRST_ID + connector,
            "stackLevel": _STACK,
            "chargingProfilePurpose": "TxDefaultProfile" if connector else "ChargePointMaxProfile",
            # Counted from now, and not from when a car came.
            "chargingProfileKind": "Absolute",
            "chargingSchedule": schedule,
        }
        answer = await self.call(call.SetChargingProfile(connector, profile))
        if answer is None or answer.status != _ACCEPTED:
            return Outcome.REFUSED, None
        return as_shown(limit, await self.shown(connector, limit.unit))

    async def shown(self, connector: int, unit: str) -> float | None:
        """Return the limit that its schedule shows now, in W or A; None where there is none."""
        shown = await self.call(call.GetCompositeSchedule(connector, 1, unit))
        if shown is None or shown.status != _ACCEPTED or not shown.charging_schedule:
            return None
        return float(shown.charging_schedule["charging_schedule_period"][0]["limit"])

    async def let_go(self, connector: int) -> Outcome:
        """Clear our limits."""
        answer = await self.call(call.ClearChargingProfile(id=_FIRST_ID + connector))
        return Outcome.REFUSED if answer is None else Outcome.SENT

    def _now(self) -> str:
        return stamp(self._clock())

    @answers(Action.boot_notification)
    def _booted(self, **said: Any) -> call_result.BootNotification:
        del said
        return call_result.BootNotification(self._now(), HEARTBEAT, RegistrationStatus.accepted)

    @answers(Action.heartbeat)
    def _alive(self) -> call_result.Heartbeat:
        return call_result.Heartbeat(self._now())

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
        self._running.add(number)
        return call_result.StartTransaction(number, {"status": AuthorizationStatus.accepted})

    @answers(Action.stop_transaction)
    def _stopped(self, transaction_id: int, **said: Any) -> call_result.StopTransaction:
        # One that was never started, or is stopped twice, is answered all the same: the charger
        # would send it for ever.
        del said
        if transaction_id not in self._running:
            self.heard.noted = _NEVER_BEGAN.format(name=self.id, given=transaction_id)
        self._running.discard(transaction_id)
        return call_result.StopTransaction()

    @answers(Action.meter_values)
    def _metered(
        self, connector_id: int, meter_value: list[dict[str, Any]], **said: Any
    ) -> call_result.MeterValues:
        del said
        for each in meter_value:
            at = posix(each.get("timestamp", ""))
            for sample in each.get("sampled_value", []):
                measurand = sample.get("measurand", Measurand.energy_active_import_register.value)
                if "phase" not in sample:
                    self.heard.take(connector_id, measurand, _number(sample), at)
        return call_result.MeterValues()


def _number(sample: Mapping[str, Any]) -> float:
    """Return a sample without its k (kW, kWh); NaN where it is no number."""
    try:
        number = float(sample["value"])
    except (KeyError, ValueError):
        return math.nan
    unit = str(sample.get("unit", ""))
    return number * _FACTORS["k" if unit.startswith("k") else ""]


def driver(template: Template, wire: Wire, clock: Clock) -> ChargerDriver:
    """Return the driver of a charger that calls us."""
    return ChargerDriver(template, wire, clock, SUBPROTOCOL, partial(Charger, clock))
