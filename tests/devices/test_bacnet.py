"""BACnet/IP against a device of the same stack, and against bacpypes3's own objects."""

from __future__ import annotations

from typing import Any

import pytest
from bacpypes3.basetypes import PropertyIdentifier
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.analog import AnalogOutputObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import IPv4Address
from bacpypes3.primitivedata import Real

from tests.devices.served import LOOPBACK, Hand, driver_of, free_port, pair, run
from zeropark.devices.catalogue import DeviceError
from zeropark.devices.contract import Outcome, Quality
from zeropark.devices.discover import discover
from zeropark.devices.protocols import bacnet
from zeropark.devices.simulated.device import Fault
from zeropark.devices.template import Template

CHILLER = Template.model_validate(
    {
        "brand": "Works",
        "model": "C1",
        "title": ("Chiller", "冷水机组"),
        "protocol": "bacnet",
        "source": "by hand",
        "confirmed": True,
        "commands_open": True,
        "watchdog": "none",
        "tested_by": ("Look.", "看。"),
        "points": [
            {
                "name": "p",
                "means": ("power", "功率"),
                "address": "analog-input 1",
                "unit": "kW",
                "limits": (0.0, 500.0),
            },
            {
                "name": "limit",
                "means": ("highest power", "最大功率"),
                "address": "analog-output 2",
                "unit": "kW",
                "limits": (0.0, 500.0),
                "write": True,
                "release": {"limit": "nan"},
                "standing_range": (100.0, 500.0),
            },
        ],
    }
)


def test_a_device_is_read_and_commanded_in_megawatts() -> None:
    async def live() -> None:
        async with pair(CHILLER, timeout=2.0) as (driver, device, clock, _):
            device.show({"p": 0.25})
            readout = await driver.read()
            assert readout.reading("p") == (0.25, Quality.GOOD, clock.now)
            assert readout.reading("limit").quality == Quality.MISSING
            assert (await driver.write({"limit": 0.2}))["limit"] == (Outcome.TAKEN, 0.2)
            assert device.setpoints() == {"limit": 0.2}
            assert await driver.held() == {"limit": 0.2}
            assert (await driver.write({"limit": None}))["limit"].outcome is Outcome.SENT
            assert device.setpoints() == {}
            beyond = await driver.write({"limit": 0.501, "p": 0.1, "q": 0.1})
            assert [each.outcome for each in beyond.values()] == [
                Outcome.OUT_OF_LIMITS,
                Outcome.NOT_WRITABLE,
                Outcome.POINT_UNKNOWN,
            ]

    run(live())


@pytest.mark.parametrize(
    ("fault", "value", "quality"),
    [
        (Fault.NAN, None, Quality.MISSING),
        (Fault.SILENCE, None, Quality.NO_ANSWER),
        (Fault.SLOW, None, Quality.NO_ANSWER),
        (Fault.REFUSE, None, Quality.MISSING),
        (Fault.WRONG_SCALE, 2.0, Quality.SUSPECT),
        (Fault.FROZEN, 0.1, Quality.GOOD),
        (Fault.DUPLICATE, 0.2, Quality.GOOD),
        (Fault.FLOOD, 0.2, Quality.GOOD),
    ],
)
def test_a_fault_shows_as_it_is(fault: Fault, value: float | None, quality: Quality) -> None:
    async def live() -> None:
        patience = 0.25 if quality == Quality.NO_ANSWER else 2.0
        async with pair(CHILLER, timeout=patience) as (driver, device, _, _):
            device.show({"p": 0.1})
            await driver.read()
            device.inject(fault, 60.0)
            device.show({"p": 0.2})
            reading = (await driver.read()).reading("p")
            assert reading.value == (None if value is None else pytest.approx(value))
            assert reading.quality == quality

    run(live())


@pytest.mark.parametrize(
    ("fault", "outcome", "held"),
    [
        (Fault.LOST_WRITE, Outcome.NOT_HELD, 0.2),
        (Fault.REFUSE, Outcome.REFUSED, None),
        (Fault.SILENCE, Outcome.NO_ANSWER, None),
    ],
)
def test_a_write_that_does_not_take_effect_is_known(
    fault: Fault, outcome: Outcome, held: float | None
) -> None:
    async def live() -> None:
        patience = 0.5 if outcome is Outcome.NO_ANSWER else 2.0
        async with pair(CHILLER, timeout=patience) as (driver, device, _, _):
            assert (await driver.write({"limit": 0.2}))["limit"].outcome is Outcome.TAKEN
            device.inject(fault, 60.0)
            assert (await driver.write({"limit": 0.4}))["limit"] == (outcome, held)

    run(live())


def test_a_device_that_was_away_is_found_again() -> None:
    async def live() -> None:
        async with pair(CHILLER) as (driver, device, clock, host):
            device.show({"p": 0.1})
            await host.stop()
            assert (await driver.read()).reading("p").quality == Quality.NO_ANSWER
            said = driver.health().said
            assert said is not None
            assert said.en.startswith(f"no BACnet device answers at {LOOPBACK}:{host.port} within")
            await host.start()
            assert (await driver.read()).reading("p").quality == Quality.NO_ANSWER
            clock.now += 1.0
            assert (await driver.read()).reading("p").value == pytest.approx(0.1)

    run(live())


def test_without_a_named_segment_it_is_only_read() -> None:
    async def live() -> None:
        async with pair(CHILLER, segment=None) as (driver, device, _, _):
            assert (await driver.write({"limit": 0.2}))["limit"].outcome is Outcome.NOT_ALLOWED
            assert device.setpoints() == {}

    run(live())


def test_a_hand_at_the_panel_stays_above_us() -> None:
    """The object at the other end, with its sixteen priorities, is bacpypes3's own."""

    async def live() -> None:
        port = free_port()
        about: Any = DeviceObject(
            objectIdentifier=("device", 1),
            objectName="panel",
            maxApduLengthAccepted=1024,
            segmentationSupported="no-segmentation",
            vendorIdentifier=999,
        )
        panel = NormalApplication(about, IPv4Address(f"{LOOPBACK}:{port}"))
        output = AnalogOutputObject(
            objectIdentifier=("analog-output", 2),
            objectName="limit",
            presentValue=500.0,
            eventState="normal",
            statusFlags=[0, 0, 0, 0],
            outOfService=False,
            units="kilowatts",
            relinquishDefault=500.0,
        )
        panel.add_object(output)
        driver = driver_of(CHILLER, port, Hand(), timeout=2.0)
        assert (await driver.write({"limit": 0.2}))["limit"].outcome is Outcome.TAKEN
        assert output.priorityArray[9].real == pytest.approx(200.0)
        await output.write_property(PropertyIdentifier("present-value"), Real(400.0), priority=8)
        assert (await driver.write({"limit": 0.3}))["limit"] == (Outcome.NOT_HELD, 0.4)
        await driver.write({"limit": None})
        assert output.priorityArray[9].null == ()
        await driver.close()
        await bacnet.closed(panel)

    run(live())


@pytest.mark.parametrize(
    ("field", "address", "said"),
    [
        ("address", "analog-inputs 1", "'analog-inputs 1' is no object; write analog-input"),
        ("address", "analog-input 4194303", "'analog-input 4194303' is no object"),
        ("set_address", "analog-input 2", "'analog-input 2' takes no set-point"),
    ],
)
def test_an_address_that_is_no_object_is_a_sentence(field: str, address: str, said: str) -> None:
    points = (CHILLER.points[1].model_copy(update={field: address}),)
    wrong = CHILLER.model_copy(update={"points": points})
    place, text = next(iter(bacnet.wrong_points(wrong)))
    assert place == f"points.0.{field}"
    assert text.en.startswith(said)


def test_a_device_says_who_made_it() -> None:
    async def live() -> None:
        async with pair(CHILLER) as (_, device, _, host):
            found = await discover("bacnet", LOOPBACK, host.port, 1, 2.0)
            assert (found.maker, found.model, found.serial) == ("zeropark", "C1", "simulated")
            device.inject(Fault.SILENCE, 60.0)
            with pytest.raises(DeviceError, match="no BACnet device answers at"):
                await discover("bacnet", LOOPBACK, host.port, 1, 0.1)

    run(live())
