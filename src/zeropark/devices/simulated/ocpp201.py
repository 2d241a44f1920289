"""Simulated charging stations that speak OCPP 2.0.1; the messages are the ocpp library's."""

from __future__ import annotations

from typing import Any

from ocpp.v201 import ChargePoint, call, call_result
from ocpp.v201.enums import Action
from websockets.asyncio.client import ClientConnection

from zeropark.devices.central import answers, stamp
from zeropark.devices.protocols.ocpp201 import SUBPROTOCOL
from zeropark.devices.simulated.calling import CallingHost, Connectors, Line, simulated

__all__ = ["BY_UNIT", "Host", "simulated"]
BY_UNIT = False


class _Charger(ChargePoint):  # type: ignore[misc] # the library ships no types
    """A station; profiles are numbered within it, each at one EVSE."""

    def __init__(self, name: str, connection: ClientConnection, connectors: Connectors) -> None:
        super().__init__(name, connection)
        self._connectors = connectors
        self._where: dict[int, int] = {}
        self.purposes: list[str] = []

    async def boot(self) -> None:
        """Say that it has just started."""
        about = {"model": "simulated", "vendorName": "zeropark"}
        await self.call(call.BootNotification(about, "PowerUp"))

    async def meter(self) -> None:
        """Say what it meters at every EVSE."""
        for number, device in self._connectors.devices.items():
            samples = [
                {"value": raw, "measurand": measurand, "unitOfMeasure": {"unit": unit}}
                for measurand, (raw, unit) in self._connectors.samples(number).items()
            ]
            at = stamp(device.now + device.clock_error)
            for _ in range(self._connectors.times(number) if samples else 0):
                said = [{"timestamp": at, "sampledValue": samples}]
                await self.call(call.MeterValues(number, said))

    @answers(Action.set_charging_profile)
    async def _set(self, evse_id: int, charging_profile: dict[str, Any]) -> Any:
        if await self._connectors.refuses(evse_id):
            return call_result.SetChargingProfile("Rejected")
        (schedule,) = charging_profile["charging_schedule"]
        (period,) = schedule["charging_schedule_period"]
        self.purposes.append(charging_profile["charging_profile_purpose"])
        self._where[charging_profile["id"]] = evse_id
        self._connectors.take(evse_id, float(period["limit"]), schedule.get("duration"))
        return call_result.SetChargingProfile("Accepted")

    @answers(Action.clear_charging_profile)
    async def _clear(self, **said: Any) -> Any:
        where = self._where.pop(said["charging_profile_id"], None)
        if where is None or await self._connectors.refuses(where):
            return call_result.ClearChargingProfile("Unknown")
        if where not in self._where.values():
            self._connectors.take(where, None, None)
        return call_result.ClearChargingProfile("Accepted")

    @answers(Action.get_composite_schedule)
    async def _composite(self, duration: int, evse_id: int, **said: Any) -> Any:
        limit = self._connectors.limit(evse_id)
        if limit is None or await self._connectors.refuses(evse_id):
            return call_result.GetCompositeSchedule("Rejected")
        schedule = {
            "evseId": evse_id,
            "duration": duration,
            "scheduleStart": stamp(self._connectors.devices[evse_id].now),
            "chargingRateUnit": said["charging_rate_unit"],
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        }
        return call_result.GetCompositeSchedule("Accepted", schedule=schedule)


class Host(CallingHost):
    """Charging stations that call one address."""

    SUBPROTOCOL = SUBPROTOCOL

    def line(self, name: str, connection: ClientConnection, connectors: Connectors) -> Line:
        """Return a station on a line."""
        found: Line = _Charger(name, connection, connectors)
        return found
