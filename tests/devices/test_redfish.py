"""Redfish against a service of our own, in the clear and in TLS, with an account and without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.devices.served import (
    LOOPBACK,
    Hand,
    certify,
    driver_of,
    pair,
    run,
    server_context,
)
from zeropark.devices.catalogue import read_template
from zeropark.devices.contract import Outcome, Quality
from zeropark.devices.protocols import redfish
from zeropark.devices.simulated.device import Fault
from zeropark.devices.simulated.redfish import Host, simulated
from zeropark.devices.tls import context, own_ends

STRIP = read_template("redfish-rack-pdu")
WORD = "word"
# The numbers of DMTF's own example of a power strip ("Get PDU metrics" in its guide to power
# equipment), shortened to what is read.
PUBLISHED = """{
  "@odata.type": "#PowerDistributionMetrics.v1_3_2.PowerDistributionMetrics",
  "Id": "Metrics",
  "PowerWatts": {"Reading": 6438, "ApparentVA": 6300, "ReactiveVAR": 100},
  "EnergykWh": {"Reading": 56438},
  "TemperatureCelsius": {"Reading": 26.3}
}"""


def test_a_published_body_is_read() -> None:
    body = json.loads(PUBLISHED)
    assert redfish._number(body, ("PowerWatts", "Reading")) == 6438.0
    assert redfish._number(body, ("EnergykWh", "Reading")) == 56438.0
    assert redfish._number(body, ("TemperatureCelsius", "Reading")) == 26.3
    assert redfish._number(body, ("HumidityPercent", "Reading")) is None
    assert redfish._number(body, ("Id",)) is None


def test_a_way_leads_through_lists_and_no_further_than_they_reach() -> None:
    body = {"PowerControl": [{"Watts": 5}, {"Watts": None, "On": True}]}
    assert redfish._number(body, ("PowerControl", "0", "Watts")) == 5.0
    for way in (("1", "Watts"), ("1", "On"), ("2", "Watts"), ("x", "Watts"), ()):
        assert redfish._number(body, ("PowerControl", *way)) is None


def test_a_power_strip_is_read_and_never_written() -> None:
    async def live() -> None:
        async with pair(STRIP, timeout=2.0) as (driver, device, clock, _):
            device.show({"p": 0.0043215, "energy_import": 325.675})
            readout = await driver.read()
            assert readout.reading("p") == (0.0043215, Quality.GOOD, clock.now)
            assert readout.reading("energy_import").value == pytest.approx(325.675)
            assert readout.reading("temp").quality == Quality.MISSING
            assert (await driver.write({"p": 0.0}))["p"].outcome is Outcome.NOT_WRITABLE

    run(live())


@pytest.mark.parametrize(
    ("fault", "value", "quality"),
    [
        (Fault.NAN, None, Quality.MISSING),
        (Fault.SILENCE, None, Quality.NO_ANSWER),
        (Fault.SLOW, None, Quality.NO_ANSWER),
        (Fault.REFUSE, None, Quality.MISSING),
        (Fault.WRONG_SCALE, 0.02, Quality.GOOD),
        (Fault.FROZEN, 0.001, Quality.GOOD),
    ],
)
def test_a_fault_shows_as_it_is(fault: Fault, value: float | None, quality: Quality) -> None:
    async def live() -> None:
        async with pair(STRIP, timeout=0.5) as (driver, device, _, _):
            device.show({"p": 0.001})
            await driver.read()
            device.inject(fault, 60.0)
            device.show({"p": 0.002})
            reading = (await driver.read()).reading("p")
            assert reading.value == (None if value is None else pytest.approx(value))
            assert reading.quality == quality

    run(live())


@pytest.mark.parametrize(
    ("name", "days", "trusted", "word", "said"),
    [
        (LOOPBACK, 90, "ours", WORD, None),
        (LOOPBACK, 90, "ours", "other", "does not let us in; check user and secret"),
        (LOOPBACK, -1, "ours", WORD, "the device's certificate has expired"),
        ("192.0.2.1", 90, "ours", WORD, "the device's certificate is for another name than"),
        (LOOPBACK, 90, "others", WORD, "the device's certificate is signed by nobody we trust"),
    ],
)
def test_a_service_is_believed_by_its_certificate_and_we_by_our_account(
    tmp_path: Path, name: str, days: int, trusted: str, word: str, said: str | None
) -> None:
    own = certify(tmp_path / "ours", name=name, days=days)
    certify(tmp_path / "others")

    async def live() -> None:
        host = Host(LOOPBACK, 0, server_context(own))
        host.account = ("reader", WORD)
        device = simulated(STRIP, Hand(), {})
        device.show({"p": 0.001})
        host.add(1, "", device)
        await host.start()
        tls = context(tmp_path / trusted / "ca.pem")
        driver = driver_of(
            STRIP, host.port, Hand(), tls=tls, user="reader", password=word, timeout=2.0
        )
        reading = (await driver.read()).reading("p")
        health = driver.health()
        await driver.close()
        await host.stop()
        if said is None:
            assert reading.value == pytest.approx(0.001)
            assert health.certificate_ends == own_ends(own.certificate)
        else:
            assert reading.quality == Quality.NO_ANSWER
            assert health.said is not None
            assert said in health.said.en

    run(live())


def test_a_wrong_point_is_a_sentence() -> None:
    wrong = STRIP.points[0].model_copy(update={"address": "/redfish/v1/Chassis", "write": True})
    found = dict(redfish.wrong_points(STRIP.model_copy(update={"points": (wrong,)})))
    assert list(found) == ["points.0.address", "points.0.write"]
    assert found["points.0.address"].en.startswith("'/redfish/v1/Chassis' is no Redfish number")
    assert not list(redfish.wrong_points(STRIP))
