"""The central system against a charger of the same library, over a real websocket."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action

from tests.devices.served import LOOPBACK, Hand, driver_of, free_port, run
from zeropark.devices import central
from zeropark.devices.contract import Driver, Outcome, Quality
from zeropark.devices.protocols import ocpp16
from zeropark.devices.template import Template

TEMPLATE = Template.model_validate(
    {
        "brand": "Any",
        "model": "OCPP 1.6",
        "title": ("Charger", "充电桩"),
        "protocol": "ocpp16",
        "source": "by hand",
        "confirmed": True,
        "commands_open": True,
        "watchdog": {"seconds": 300},
        "tested_by": ("Look.", "看。"),
        "points": [
            {
                "name": "p",
                "means": ("power", "功率"),
                "address": "Power.Active.Import",
                "unit": "W",
                "limits": (0.0, 120000.0),
                "write": True,
                "set_address": "profile",
                "release": {"p": 0.0},
                "safe": "release",
            },
            {
                "name": "energy",
                "means": ("energy", "电量"),
                "address": "Energy.Active.Import.Register",
                "unit": "Wh",
            },
        ],
    }
)


WORD = "word"


class Car(ChargePoint):  # type: ignore[misc] # the library ships no types
    """A charger that keeps the profile it is given, or does not."""

    def __init__(self, name: str, connection: Any) -> None:
        super().__init__(name, connection)
        self.profile: dict[str, Any] | None = None
        self.status = "Accepted"
        self.off = 0.0

    @central.answers(Action.set_charging_profile)
    def _set(self, connector_id: int, cs_charging_profiles: dict[str, Any]) -> Any:
        assert connector_id == 1
        self.profile = cs_charging_profiles
        return call_result.SetChargingProfile(self.status)

    @central.answers(Action.clear_charging_profile)
    def _clear(self, **said: Any) -> Any:
        del said
        self.profile = None
        return call_result.ClearChargingProfile("Accepted")

    @central.answers(Action.get_composite_schedule)
    def _composite(self, connector_id: int, duration: int, **said: Any) -> Any:
        del said, duration
        assert self.profile is not None
        period = self.profile["charging_schedule"]["charging_schedule_period"][0]
        shown = {"startPeriod": 0, "limit": float(period["limit"]) + self.off}
        schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [shown]}
        return call_result.GetCompositeSchedule("Accepted", connector_id, None, schedule)


@asynccontextmanager
async def charging(**wire: Any) -> AsyncIterator[tuple[Driver, Car]]:
    port = free_port()
    driver = driver_of(TEMPLATE, port, Hand(), topic="cp1", **wire)
    await driver.read()
    secret = base64.b64encode(f"cp1:{wire.get('password')}".encode()).decode()
    async with websockets.connect(
        f"ws://{LOOPBACK}:{port}/ocpp/cp1",
        subprotocols=["ocpp1.6"],  # type: ignore[list-item] # a NewType of str
        additional_headers={"Authorization": f"Basic {secret}"},
    ) as connection:
        car = Car("cp1", connection)
        listening = asyncio.create_task(car.start())
        try:
            yield driver, car
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, websockets.ConnectionClosed):
                await listening
            await driver.close()


def metered(value: str, at: str = "2026-04-17T03:00:00Z", **sample: Any) -> call.MeterValues:
    said = {"value": value, "measurand": "Power.Active.Import", "unit": "W", **sample}
    return call.MeterValues(1, [{"timestamp": at, "sampledValue": [said]}])


def test_what_a_charger_meters_is_read_in_megawatts_with_its_own_time() -> None:
    async def live() -> None:
        async with charging() as (driver, car):
            booted = await car.call(call.BootNotification("DC120", "Any"))
            assert (booted.status, booted.interval) == ("Accepted", 60)
            await car.call(metered("50000"))
            readout = await driver.read()
            reading = readout.reading("p")
            assert reading.value == pytest.approx(0.05)
            assert reading[1:] == (Quality.GOOD, 1_776_394_800.0)
            assert readout.reading("energy").quality == Quality.MISSING
            await car.call(metered("7.5", measurand="Energy.Active.Import.Register", unit="kWh"))
            assert (await driver.read()).reading("energy").value == pytest.approx(0.0075)

    run(live())


@pytest.mark.parametrize(
    ("said", "quality"),
    [
        (metered("120000"), Quality.GOOD),
        (metered("120001"), Quality.SUSPECT),
        (metered("NaN"), Quality.MISSING),
        (metered("much"), Quality.MISSING),
        (metered("50000", phase="L1"), Quality.MISSING),
    ],
)
def test_what_is_no_power_of_the_charger_is_not_one(
    said: call.MeterValues, quality: Quality
) -> None:
    async def live() -> None:
        async with charging() as (driver, car):
            await car.call(said)
            assert (await driver.read()).reading("p").quality == quality

    run(live())


def test_a_limit_lasts_as_long_as_the_watchdog_and_is_read_back() -> None:
    async def live() -> None:
        async with charging() as (driver, car):
            written = (await driver.write({"p": 0.06}))["p"]
            assert written.outcome is Outcome.TAKEN
            assert written.held == pytest.approx(0.06)
            assert car.profile is not None
            schedule = car.profile["charging_schedule"]
            assert schedule["duration"] == 300
            assert schedule["charging_schedule_period"] == [{"start_period": 0, "limit": 60000}]
            car.off = -1.0
            assert (await driver.write({"p": 0.05}))["p"].outcome is Outcome.NOT_HELD
            car.status = "Rejected"
            assert (await driver.write({"p": 0.05}))["p"].outcome is Outcome.REFUSED
            assert (await driver.write({"p": None}))["p"].outcome is Outcome.SENT
            assert not car.profile
            beyond = await driver.write({"p": 0.1201, "energy": 1.0, "q": 1.0})
            assert [each.outcome for each in beyond.values()] == [
                Outcome.OUT_OF_LIMITS,
                Outcome.NOT_WRITABLE,
                Outcome.POINT_UNKNOWN,
            ]

    run(live())


def test_messages_out_of_order_are_answered() -> None:
    async def live() -> None:
        async with charging() as (driver, car):
            stopped = call.StopTransaction(5, "2026-04-17T03:00:00Z", 77)
            assert await car.call(stopped) is not None
            assert await car.call(stopped) is not None
            await car.call(metered("1000"))
            assert (await driver.read()).reading("p").value == pytest.approx(0.001)
            said = driver.health().said
            assert said is not None
            assert said.en.startswith("charger cp1: transaction 77 ended, which never began here")
            await car.call(metered("9000", at="2026-04-17T02:59:59Z"))
            assert (await driver.read()).reading("p").value == pytest.approx(0.001)

    run(live())


def test_a_charger_that_has_not_called_is_named() -> None:
    async def live() -> None:
        driver = driver_of(TEMPLATE, free_port(), Hand(), topic="cp1")
        assert (await driver.read()).reading("p").quality == Quality.NO_ANSWER
        said = driver.health().said
        assert said is not None
        assert said.en.startswith("charger cp1 has not called at 127.0.0.1:")
        assert (await driver.write({"p": 0.01}))["p"].outcome is Outcome.NO_ANSWER
        await driver.close()

    run(live())


def test_a_charger_with_its_password_is_let_in() -> None:
    async def live() -> None:
        async with charging(password=WORD) as (driver, car):
            await car.call(metered("1000"))
            assert (await driver.read()).reading("p").quality == Quality.GOOD

    run(live())


@pytest.mark.parametrize(("path", "status"), [("cp1", 401), ("cp2", 404)])
def test_a_stranger_is_turned_away(path: str, status: int) -> None:
    async def live() -> None:
        port = free_port()
        driver = driver_of(TEMPLATE, port, Hand(), topic="cp1", password=WORD)
        await driver.read()
        with pytest.raises(websockets.InvalidStatus) as caught:
            async with websockets.connect(f"ws://{LOOPBACK}:{port}/{path}"):
                pass
        assert caught.value.response.status_code == status
        await driver.close()

    run(live())


def test_an_address_that_is_no_measurand_is_a_sentence() -> None:
    points = (TEMPLATE.points[0].model_copy(update={"address": "Power.Active.Imports"}),)
    wrong = TEMPLATE.model_copy(update={"points": points})
    ((place, text),) = ocpp16.wrong_points(wrong)
    assert place == "points.0.address"
    assert text.en.endswith("Did you mean 'Power.Active.Import'?")
    assert not list(ocpp16.wrong_points(TEMPLATE))
