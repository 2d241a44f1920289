"""OCPP 2.0.1, as the central system: charging stations call us, at `host` and `port`, as `topic`.

A point's address is a measurand, such as `Power.Active.Import`, at the EVSE `unit_id`; a
set-point's is `profile`, a limit in W or A by the template's unit. A limit is the default profile
of the EVSE and, while a transaction runs there, that transaction's own; both last as long as the
template's watchdog says. It is read back by GetCompositeSchedule. EVSE 0 is the whole station,
whose limit all its EVSEs share.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ocpp.v201 import ChargePoint, call, call_result
from ocpp.v201.enums import Action, AuthorizationStatusEnumType, MeasurandEnumType
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
SUBPROTOCOL = "ocpp2.0.1"
# Profiles are numbered within the station: each EVSE has two of ours.
_FOR_ALL, _FOR_ONE, _EACH, _STACK = 1, 2, 2, 0
_ACCEPTED = "Accepted"
_MEASURANDS = tuple(each.value for each in MeasurandEnumType)
_USUAL = MeasurandEnumType.energy_active_import_register.value
# Ended transactions that are remembered, so that what comes late does not begin them anew.
_KEPT = 64
_TWICE = Text(
    "charger {name}: transaction {given} began twice; it was answered and runs once",
    "充电桩 {name}：交易 {given} 开始了两次；已应答，按一次计",
)
_NEVER_BEGAN = Text(
    "charger {name}: {event} of transaction {given} came before its beginning; it was answered",
    "充电桩 {name}：交易 {given} 的 {event} 先于其开始到达；已应答",
)
_LATE = Text(
    "charger {name}: message {number} of transaction {given} came after {last}; it was answered, "
    "and nothing newer was replaced",
    "充电桩 {name}：交易 {given} 的消息 {number} 在 {last} 之后到达；已应答，未覆盖更新的数据",
)
_GAP = Text(
    "charger {name}: messages of transaction {given} between {last} and {number} are missing",
    "充电桩 {name}：交易 {given} 在消息 {last} 与 {number} 之间有缺失",
)
_NOWHERE = Text(
    "charger {name}: transaction {given} says numbers and not at which EVSE; they were not taken",
    "充电桩 {name}：交易 {given} 有读数但未说明所在 EVSE；未采用",
)


def wrong_points(template: Template) -> Iterable[tuple[str, Text]]:
    """Yield (place, sentence) of each address that OCPP 2.0.1 does not know."""
    return wrong_addresses(template, _MEASURANDS, "2.0.1")


@dataclass
class _Transaction:
    evse: int | None = None
    last: int = -1
    began: bool = False
    ended: bool = False


class Transactions:
    """The transactions of a station, in whatever order their events come.

    What has ended stays so; the order in which events come changes nothing of what is known when
    all have come.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._all: dict[str, _Transaction] = {}

    def take(self, event: str, given: str, number: int, evse: int | None) -> Text | None:
        """Take an event; return what is out of order about it, None where nothing is.

        event: `Started`, `Updated` or `Ended`. number: its place in the transaction, from 0.
        """
        one = self._all.setdefault(given, _Transaction())
        words = {"name": self._name, "given": given, "event": event, "last": one.last}
        said = None
        if number <= one.last:
            said = _LATE.format(**words, number=number)
        elif one.last >= 0 and number > one.last + 1:
            said = _GAP.format(**words, number=number)
        if event == "Started":
            said = _TWICE.format(**words) if one.began else said
        elif not one.began:
            said = _NEVER_BEGAN.format(**words)
        one.began = one.began or event == "Started"
        one.ended = one.ended or event == "Ended"
        one.last = max(one.last, number)
        one.evse = one.evse if evse is None else evse
        self._forget()
        return said

    def _forget(self) -> None:
        over = [given for given, one in self._all.items() if one.ended]
        for given in over[:-_KEPT]:
            del self._all[given]

    def evse_of(self, given: str) -> int | None:
        """Return where a transaction is; None where nobody said."""
        return self._all[given].evse

    def running(self, evse: int) -> str | None:
        """Return the transaction that runs at an EVSE; the last one that is known to."""
        found = [g for g, one in self._all.items() if one.evse == evse and not one.ended]
        return found[-1] if found else None


class Charger(ChargePoint):  # type: ignore[misc] # the library ships no types
    """A charging station as we hear it."""

    def __init__(
        self, clock: Clock, name: str, connection: ServerConnection, timeout: float
    ) -> None:
        super().__init__(name, connection, response_timeout=timeout)
        self.heard = Heard()
        self.transactions = Transactions(name)
        self._clock = clock

    async def limit(self, connector: int, limit: Limit) -> tuple[Outcome, float | None]:
        """Set a limit; return what became of it, and the limit it shows in its unit."""
        # The car that is there first: a default alone may wait for the next one.
        own, running = _EACH * connector, self.transactions.running(connector)
        profiles = [_profile(limit, own + _FOR_ONE, "TxProfile", running)] if running else []
        whole = "TxDefaultProfile" if connector else "ChargingStationMaxProfile"
        for profile in (*profiles, _profile(limit, own + _FOR_ALL, whole, None)):
            answer = await self.call(call.SetChargingProfile(connector, profile))
            if answer is None or answer.status != _ACCEPTED:
                return Outcome.REFUSED, None
        return as_shown(limit, await self.shown(connector, limit.unit))

    async def shown(self, connector: int, unit: str) -> float | None:
        """Return the limit that its schedule shows now, in W or A; None where there is none."""
        shown = await self.call(call.GetCompositeSchedule(1, connector, unit))
        if shown is None or shown.status != _ACCEPTED or not shown.schedule:
            return None
        return float(shown.schedule["charging_schedule_period"][0]["limit"])

    async def let_go(self, connector: int) -> Outcome:
        """Clear our limits; one that is not there is let go of too."""
        for number in (_FOR_ONE, _FOR_ALL) if connector else (_FOR_ALL,):
            given = _EACH * connector + number
            answer = await self.call(call.ClearChargingProfile(charging_profile_id=given))
            if answer is None:
                return Outcome.REFUSED
        return Outcome.SENT

    def _now(self) -> str:
        return stamp(self._clock())

    @answers(Action.boot_notification)
    def _booted(self, **said: Any) -> call_result.BootNotification:
        del said
        return call_result.BootNotification(self._now(), HEARTBEAT, _ACCEPTED)

    @answers(Action.heartbeat)
    def _alive(self, **said: Any) -> call_result.Heartbeat:
        del said
        return call_result.Heartbeat(self._now())

    @answers(Action.status_notification)
    def _status(self, **said: Any) -> call_result.StatusNotification:
        del said
        return call_result.StatusNotification()

    @answers(Action.security_event_notification)
    def _security(self, **said: Any) -> call_result.SecurityEventNotification:
        del said
        return call_result.SecurityEventNotification()

    @answers(Action.authorize)
    def _authorised(self, **said: Any) -> call_result.Authorize:
        # Who may charge is not decided here: the park does not turn cars away.
        del said
        return call_result.Authorize({"status": AuthorizationStatusEnumType.accepted})

    @answers(Action.transaction_event)
    def _happened(
        self,
        event_type: str,
        seq_no: int,
        transaction_info: Mapping[str, Any],
        **said: Any,
    ) -> call_result.TransactionEvent:
        given = str(transaction_info["transaction_id"])
        evse = said.get("evse") or {}
        noted = self.transactions.take(event_type, given, seq_no, evse.get("id"))
        values = said.get("meter_value") or []
        where = self.transactions.evse_of(given)
        if where is not None:
            self._take(where, values)
        elif values:
            noted = _NOWHERE.format(name=self.id, given=given)
        self.heard.noted = noted or self.heard.noted
        accepted = {"status": AuthorizationStatusEnumType.accepted} if "id_token" in said else None
        return call_result.TransactionEvent(id_token_info=accepted)

    @answers(Action.meter_values)
    def _metered(
        self, evse_id: int, meter_value: list[dict[str, Any]], **said: Any
    ) -> call_result.MeterValues:
        del said
        self._take(evse_id, meter_value)
        return call_result.MeterValues()

    def _take(self, evse: int, meter_value: list[dict[str, Any]]) -> None:
        for each in meter_value:
            at = posix(each.get("timestamp", ""))
            for sample in each.get("sampled_value", []):
                if "phase" not in sample:
                    self.heard.take(evse, sample.get("measurand", _USUAL), _number(sample), at)


def _profile(limit: Limit, number: int, purpose: str, running: str | None) -> dict[str, Any]:
    lasts = {} if limit.seconds is None else {"duration": limit.seconds}
    schedule = {
        **lasts,
        "id": number,
        "startSchedule": stamp(limit.begins),
        "chargingRateUnit": limit.unit,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit.limit}],
    }
    return {
        **({} if running is None else {"transactionId": running}),
        "id": number,
        "stackLevel": _STACK,
        "chargingProfilePurpose": purpose,
        # Counted from now, and not from when a car came.
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule],
    }


def _number(sample: Mapping[str, Any]) -> float:
    """Return a sample in its unit without multiplier or k; NaN where it is no number."""
    said = sample.get("unit_of_measure") or {}
    value = sample.get("value")
    if not isinstance(value, int | float):
        return math.nan
    kilo = 1e3 if str(said.get("unit", "")).startswith("k") else 1.0
    return float(value) * 10.0 ** int(said.get("multiplier", 0)) * kilo


def driver(template: Template, wire: Wire, clock: Clock) -> ChargerDriver:
    """Return the driver of a charging station that calls us."""
    return ChargerDriver(template, wire, clock, SUBPROTOCOL, partial(Charger, clock))
