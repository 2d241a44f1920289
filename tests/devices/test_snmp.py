"""SNMP against an agent coded with the same library; Debian's snmpd stands in test_peers."""

from __future__ import annotations

import pytest

from tests.devices.served import LOOPBACK, pair, run
from zeropark.devices.catalogue import DeviceError, read_template
from zeropark.devices.contract import Outcome, Quality
from zeropark.devices.discover import discover
from zeropark.devices.protocols import snmp
from zeropark.devices.simulated.device import Fault

UPS = read_template("snmp-ups")


def test_a_ups_is_read_and_never_written() -> None:
    async def live() -> None:
        async with pair(UPS) as (driver, device, clock, _):
            device.show({"p": 0.004321, "charge": 0.87, "temp": 31.0})
            readout = await driver.read()
            assert readout.reading("p") == (0.004321, Quality.GOOD, clock.now)
            assert readout.reading("charge").value == pytest.approx(0.87)
            assert readout.reading("temp").value == pytest.approx(31.0)
            assert readout.reading("voltage").quality == Quality.MISSING
            assert (await driver.write({"p": 0.0}))["p"].outcome is Outcome.NOT_WRITABLE

    run(live())


@pytest.mark.parametrize(
    ("fault", "value", "quality"),
    [
        (Fault.NAN, None, Quality.MISSING),
        (Fault.SILENCE, None, Quality.NO_ANSWER),
        (Fault.SLOW, None, Quality.NO_ANSWER),
        (Fault.REFUSE, None, Quality.MISSING),
        (Fault.WRONG_SCALE, 9.0, Quality.SUSPECT),
        (Fault.FROZEN, 0.5, Quality.GOOD),
        (Fault.DUPLICATE, 0.9, Quality.GOOD),
        (Fault.FLOOD, 0.9, Quality.GOOD),
    ],
)
def test_a_fault_shows_as_it_is(fault: Fault, value: float | None, quality: Quality) -> None:
    async def live() -> None:
        async with pair(UPS) as (driver, device, _, _):
            device.show({"charge": 0.5})
            await driver.read()
            device.inject(fault, 60.0)
            device.show({"charge": 0.9})
            reading = (await driver.read()).reading("charge")
            assert reading.value == (None if value is None else pytest.approx(value))
            assert reading.quality == quality

    run(live())


def test_an_agent_that_was_away_is_found_again() -> None:
    async def live() -> None:
        async with pair(UPS) as (driver, device, clock, _):
            device.show({"charge": 0.5})
            device.inject(Fault.REBOOT, 60.0)
            assert (await driver.read()).reading("charge").quality == Quality.NO_ANSWER
            said = driver.health().said
            assert said is not None
            assert said.en.startswith(f"{LOOPBACK}:")
            assert "says nothing by SNMP" in said.en
            clock.now += 60.0
            assert (await driver.read()).reading("charge").value == pytest.approx(0.5)

    run(live())


def test_a_wrong_point_is_a_sentence() -> None:
    wrong = UPS.points[0].model_copy(update={"address": "sysName.0", "write": True})
    found = dict(snmp.wrong_points(UPS.model_copy(update={"points": (wrong,)})))
    assert list(found) == ["points.0.address", "points.0.write"]
    assert found["points.0.address"].en.startswith("'sysName.0' is no object identifier")
    assert not list(snmp.wrong_points(UPS))


def test_an_agent_says_which_template_fits() -> None:
    async def live() -> None:
        async with pair(UPS) as (_, device, _, host):
            device.show({"charge": 0.5})
            found = await discover("snmp", LOOPBACK, host.port, 1, 1.0)
            assert found.templates == ("snmp-ups",)
            device.inject(Fault.SILENCE, 60.0)
            with pytest.raises(DeviceError, match="says nothing by SNMP"):
                await discover("snmp", LOOPBACK, host.port, 1, 0.1)

    run(live())
