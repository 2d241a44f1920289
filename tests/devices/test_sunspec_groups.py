"""Groups that a SunSpec model repeats: found where the model says, and never beyond its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from tests.devices.served import LOOPBACK, driver_of, pair, run
from zeropark.devices.catalogue import read_template
from zeropark.devices.contract import Quality
from zeropark.devices.protocols import sunspec
from zeropark.devices.template import Template

STRINGS = read_template("sunspec-inverter-strings")


def test_what_a_string_shows_is_where_pysunspec2_finds_it() -> None:
    def scanned(port: int) -> Mapping[str, Any]:
        device = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr=LOOPBACK, ipport=port, timeout=5)
        try:
            device.scan()
            device.models[160][0].read()
            return {
                f"{number}/{name}": module.points[name].cvalue
                for number, module in enumerate(device.models[160][0].groups["module"], 1)
                for name in ("DCW", "DCV")
            }
        finally:
            device.close()

    async def live() -> Mapping[str, Any]:
        spans = {"string_2_p": 0.05, "string_1_voltage": 1e3, "string_2_voltage": 1e3}
        async with pair(STRINGS, spans) as (_, device, _, host):
            device.show({"string_1_p": 0.02, "string_2_p": 0.03, "string_2_voltage": 610.0})
            await host.say()
            return await asyncio.to_thread(scanned, host.port)

    found = run(live())
    assert found["1/DCW"] == pytest.approx(20_000.0)
    assert found["2/DCW"] == pytest.approx(30_000.0)
    assert found["2/DCV"] == pytest.approx(610.0)


def only(*names: str) -> Template:
    """Return the template with some of its points."""
    points = tuple(STRINGS.by_name[name] for name in names)
    return STRINGS.model_copy(update={"points": points, "watchdog": "none"})


def test_a_device_with_fewer_strings_is_named_and_nothing_is_read_as_one() -> None:
    async def live() -> None:
        async with pair(only("p", "string_1_p")) as (_, _, clock, host):
            driver = driver_of(only("p", "string_1_p", "string_2_p"), host.port, clock)
            assert set((await driver.read()).quality) == {Quality.NO_ANSWER}
            said = driver.health().said
            assert said is not None
            assert said.en == (
                "the device's SunSpec model 160 ends before 160/module.2.DCW; name the template "
                "of this device"
            )
            await driver.close()

    run(live())


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("160/module.1.DCX", "model 160 has no point 'module.1.DCX'"),
        ("160/string.1.DCW", "model 160 has no point 'string.1.DCW'"),
        ("705/Crv.1.ActPt", "model 705 has no point 'Crv.1.ActPt'"),
        ("160/module.0.DCW", "'160/module.0.DCW' is no SunSpec point; write model and point"),
        ("160/module.1.DCV", "SunSpec says 160/module.1.DCV is in V, the template says W"),
    ],
)
def test_a_group_that_is_not_there_is_a_sentence(address: str, said: str) -> None:
    point = STRINGS.by_name["string_1_p"].model_copy(update={"address": address})
    wrong = STRINGS.model_copy(update={"points": (point,)})
    ((place, text),) = sunspec.wrong_points(wrong)
    assert place == "points.0.address"
    assert text.en.startswith(said)
