"""Several devices that stand for one asset, over real wires on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.devices.served import LOOPBACK, Hand, driver_of, run
from zeropark.assets import kinds
from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.devices.catalogue import read_template
from zeropark.devices.contract import Outcome, Quality
from zeropark.devices.simulated.device import Fault
from zeropark.devices.simulated.modbus import Host
from zeropark.devices.simulated.sunspec import simulated
from zeropark.devices.together import Part, Together, why_not_together
from zeropark.model.parkfile import parse_park
from zeropark.operate.clock import HandClock
from zeropark.operate.field import Field, field_of

BATTERY, METER = read_template("sunspec-battery"), read_template("sunspec-meter")
SPANS = {"p": 3.0, "soc": 1.0, "capacity": 6.0, "frequency": 50.0, "voltage": 2e-4}
PARTS = (Part("b1", BATTERY, 0.25), Part("b2", BATTERY, 0.75))


@asynccontextmanager
async def shared(*parts: Part) -> AsyncIterator[tuple[Together, list[Any]]]:
    """Serve a device for each part behind one gateway; yield them as one driver."""
    clock, host = Hand(), Host(LOOPBACK, 0)
    devices = [simulated(part.template, clock, SPANS) for part in parts]
    for unit, device in enumerate(devices, start=1):
        host.add(unit, "", device)
    await host.start()
    drivers = [
        driver_of(part.template, host.port, clock, unit_id=unit)
        for unit, part in enumerate(parts, start=1)
    ]
    driver = Together(parts, drivers)
    try:
        yield driver, devices
    finally:
        await driver.close()
        await host.stop()


def test_powers_are_added_and_a_charge_is_averaged_by_share() -> None:
    async def live() -> None:
        async with shared(*PARTS) as (driver, devices):
            devices[0].show({"p": 0.25, "soc": 0.4, "capacity": 1.5, "frequency": 50.0})
            devices[1].show({"p": 0.5, "soc": 0.8, "capacity": 4.5, "frequency": 50.0})
            readout = await driver.read()
            assert readout.reading("p").value == pytest.approx(0.75)
            # 0.25 · 0.4 + 0.75 · 0.8
            assert readout.reading("soc").value == pytest.approx(0.7)
            assert readout.reading("capacity").value == pytest.approx(6.0)
            assert readout.reading("frequency").value == pytest.approx(50.0)
            assert driver.health().answering

    run(live())


def test_half_an_asset_is_never_taken_for_all_of_it() -> None:
    async def live() -> None:
        async with shared(*PARTS) as (driver, devices):
            for device in devices:
                device.show({"p": 0.25, "soc": 0.5})
            devices[1].inject(Fault.SILENCE, 60.0)
            reading = (await driver.read()).reading("p")
            assert (reading.value, reading.quality) == (None, Quality.NO_ANSWER)
            health = driver.health()
            assert not health.answering
            assert health.said is not None
            assert health.said.en.startswith("b2: ")

    run(live())


def test_a_set_point_is_split_by_share_and_each_part_is_asked_what_it_holds() -> None:
    async def live() -> None:
        async with shared(*PARTS) as (driver, devices):
            asked = {"p": 1.0, **BATTERY.heartbeat(1)}
            written = await driver.write(asked)
            assert written["p"].outcome is Outcome.TAKEN
            assert written["p"].held == pytest.approx(1.0)
            assert [device.setpoints()["p"] for device in devices] == [
                pytest.approx(0.25),
                pytest.approx(0.75),
            ]
            assert (await driver.held())["p"] == pytest.approx(1.0)
            devices[0].inject(Fault.LOST_WRITE, 60.0)
            written = await driver.write({"p": 0.4})
            assert written["p"].outcome is Outcome.NOT_HELD
            assert written["p"].held == pytest.approx(0.25 + 0.3)
            devices[0].inject(Fault.SILENCE, 60.0)
            assert (await driver.write({"p": 0.4}))["p"] == (Outcome.NO_ANSWER, None)
            other = await driver.write({"soc": 0.5, "q": 1.0})
            assert other["soc"].outcome is Outcome.NOT_WRITABLE
            assert other["q"].outcome is Outcome.POINT_UNKNOWN

    run(live())


def test_a_meter_that_stands_first_brings_the_power_of_what_another_commands() -> None:
    async def live() -> None:
        parts = (Part("meter", METER, None), Part("b1", BATTERY, None))
        async with shared(*parts) as (driver, devices):
            devices[0].show({"p": 0.31})
            devices[1].show({"p": 0.3, "soc": 0.5})
            readout = await driver.read()
            assert readout.reading("p").value == pytest.approx(0.31)
            assert readout.reading("soc").value == pytest.approx(0.5)
            assert (await driver.write({"p": 0.2}))["p"].outcome is Outcome.TAKEN
            assert devices[1].setpoints() == {"p": pytest.approx(0.2)}

    run(live())


@pytest.mark.parametrize(
    ("shares", "fits"),
    [
        ((0.25, 0.75), True),
        ((0.25, 0.75 + 9e-7), True),
        ((0.25, 0.75 + 2e-6), False),
        ((None, None), False),
        ((1.0, None), False),
    ],
)
def test_shares_add_up_to_one_or_a_sentence_says_so(
    shares: tuple[float | None, float | None], *, fits: bool
) -> None:
    parts = [Part(f"b{i}", BATTERY, share) for i, share in enumerate(shares)]
    why = why_not_together("bat", parts)
    assert (why is None) == fits
    if why is not None:
        assert why.en.startswith("'p' of asset 'bat' is commanded at b0, b1; write a share at each")
        assert "合计为 1" in why.zh


LINES = """\
name: tiny
place: {latitude: 36.6 deg, longitude: 101.8 deg, altitude: 2260 m, zone: Asia/Shanghai}
nodes:
  - {name: bus, carrier: electricity}
tariffs:
  - name: simple
    energy:
      - {from: 2026-01-01, bands: [{name: all, hours: [0-24], price: 0.4 CNY/kWh}]}
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, export_max: 1 MW, tariff: simple}
  - {kind: battery, name: bat, node: bus, p_nom: 2 MW, e_nom: 4 MWh}
devices:
  - {name: b1, asset: bat, template: sunspec-battery, host: gw, unit_id: 1, segment: ot, share: 0.4}
  - {name: b2, asset: bat, template: sunspec-battery, host: gw, unit_id: 2, segment: ot, share: 0.6}
"""


def field(text: str, folder: Path) -> Field:
    park = parse_park(text, kinds())
    assets = [asset for asset in park.assets if isinstance(asset, Kind)]
    return field_of(park.devices, assets, folder, HandClock(), 1.0)


def test_devices_of_one_asset_are_one_wire_of_the_fleet(tmp_path: Path) -> None:
    found = field(LINES, tmp_path)
    wire = found.fleet.wires["bat"]
    assert (wire.gateway, wire.watchdog) == ("gw:0", 60.0)
    assert wire.heartbeat(3) == BATTERY.heartbeat(3)
    assert found.safe == {"bat": {"p": 0.0}}
    assert found.standing == {}


def test_devices_without_shares_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'p' of asset 'bat' is commanded at b1, b2; write a share"):
        field(LINES.replace(", share: 0.6", ""), tmp_path)
