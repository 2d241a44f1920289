"""Simulated chargers that speak OCPP 1.6 JSON; the messages are the ocpp library's."""

from __future__ import annotations

from typing import Any

from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action
from websockets.asyncio.client import ClientConnection

from zeropark.devices.central import answers, stamp
from zeropark.devices.protocols.ocpp16 import SUBPROTOCOL
from zeropark.devices.simulated.calling import CallingHost, Connectors, Line, simulated

__all__ = ["BY_UNIT", "Host", "simulated"]
BY_UNIT = False


class _Charger(ChargePoint):  # type: ignore[misc] # the library ships no types
    """A charge point; profiles are numbered within it, each at one connector."""

    def __init__(self, name: str, connection: ClientConnection, connectors: Connectors) -> None:
        super().__init__(name, connection)
        self._connectors = connectors
        self._where: dict[int, int] = {}
        self.purposes: list[str] = []

    async def boot(self) -> None:
        """Say that it has just started."""
        await self.call(call.BootNotification("simulated", "zeropark"))

    async def meter(self) -> None:
        """Say what it meters at every connector."""
        for number, device in self._connectors.devices.items():
            samples = [
                {"value": repr(raw), "measurand": measurand, "unit": unit}
                for measurand, (raw, unit) in self._connectors.samples(number).items()
            ]
            at = stamp(device.now + device.clock_error)
            for _ in range(self._connectors.times(number) if samples else 0):
                said = [{"timestamp": at, "sampledValue": samples}]
                await self.call(call.MeterValues(number, said))

    @answers(Action.set_charging_profile)
    async def _set(self, connector_id: int, cs_charging_profiles: dict[str, Any]) -> Any:
        if await self._connectors.refuses(connector_id):
            return call_result.SetChargingProfile("Rejected")
        schedule = cs_charging_profiles["charging_schedule"]
        (period,) = schedule["charging_schedule_period"]
        self.purposes.append(cs_charging_profiles["charging_profile_purpose"])
        self._where[cs_charging_profiles["charging_profile_id"]] = connector_id
        self._connectors.take(connector_id, float(period["limit"]), schedule.get("duration"))
        return call_result.SetChargingProfile("Accepted")

    @answers(Action.clear_charging_profile)
    async def _clear(self, **said: Any) -> Any:
        where = self._where.pop(said["id"], None)
        if where is None or await self._connectors.refuses(where):
            return call_result.ClearChargingProfile("Unknown")
        self._connectors.take(where, None, None)
        return call_result.ClearChargingProfile("Accepted")

    @answers(Action.get_composite_schedule)
    async def _composite(self, connector_id: int, duration: int, **said: Any) -> Any:
        limit = self._connectors.limit(connector_id)
        if limit is None or await self._connectors.refuses(connector_id):
            return call_result.GetCompositeSchedule("Rejected")
        schedule = {
            "duration": duration,
            "chargingRateUnit": said["charging_rate_unit"],
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        }
        return call_result.GetCompositeSchedule("Accepted", connector_id, None, schedule)


class Host(CallingHost):
    """Charge points that call one address."""

    SUBPROTOCOL = SUBPROTOCOL

    def line(self, name: str, connection: ClientConnection, connectors: Connectors) -> Line:
        """Return a charge point on a line."""
        found: Line = _Charger(name, connection, connectors)
        return found
