"""The simulated site: the plant behind real wires, judged by its own truth log."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.devices.served import free_port
from zeropark.assets import kinds
from zeropark.devices.catalogue import DeviceError
from zeropark.devices.contract import Driver, Outcome, Quality
from zeropark.devices.named import open_driver
from zeropark.devices.simulated.device import Fault
from zeropark.model.device import DeviceLine
from zeropark.model.parkfile import parse_park
from zeropark.operate.build import RunRequest, build_world
from zeropark.operate.clock import HandClock
from zeropark.operate.site import Site, finer, site_lines
from zeropark.operate.site_door import SiteDoor, ask_site
from zeropark.operate.truth import TruthLog, breaches, read_truth

PARK = """\
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
  - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
  - {kind: battery, name: bat, node: bus, p_nom: 2 MW, e_nom: 4 MWh}
  - {kind: pv, name: roof, node: bus, p_nom: 1 MW, arrays: [{tilt: 30 deg, azimuth: 180 deg}]}
"""
DEVICES = """\
devices:
  - {name: bms, asset: bat, template: sunspec-battery, host: 127.0.0.1, segment: site}
  - {name: inv, asset: roof, template: sunspec-inverter, host: 127.0.0.1, unit_id: 2, segment: site}
"""


class Lived(NamedTuple):
    """A site on a clock that a test turns, and its drivers by line."""

    site: Site
    clock: HandClock
    drivers: dict[str, Driver]
    truth: Path

    def pass_by(self, seconds: float) -> None:
        """Let time go by, and the site with it."""
        for _ in range(round(seconds)):
            self.clock.at += 1.0
            self.site.catch_up()


@asynccontextmanager
async def lived(folder: Path, devices: str = "", park: str = PARK) -> AsyncIterator[Lived]:
    request = RunRequest(parse_park(park + devices, kinds()), folder, "2026-04-17")
    clock, truth = HandClock(), folder / "truth.jsonl"
    lines = free_ports(site_lines(request))
    site = Site(request, lines, clock, 1.0, truth)
    clock.wall = float(site.grid.starts[0].astype("datetime64[s]").astype(np.int64)) - 1.0
    await site.open()
    drivers = {}
    for each in site.served:
        port = site.port_of(each.line.name)
        line = each.line.model_copy(update={"port": port})
        drivers[line.name] = open_driver(line, each.asset, folder, clock.now, 0.25)
    try:
        yield Lived(site, clock, drivers, truth)
    finally:
        for driver in drivers.values():
            await driver.close()
        await site.close()


async def power(driver: Driver) -> float:
    """Return what a device shows of its power [MW]."""
    value = (await driver.read()).reading("p").value
    assert value is not None
    return value


def free_ports(lines: Sequence[DeviceLine]) -> list[DeviceLine]:
    """Return lines at a port that the system chooses."""
    return [line.model_copy(update={"port": None}) for line in lines]


def test_every_asset_answers_and_does_as_it_is_told(tmp_path: Path) -> None:
    async def live() -> None:
        async with lived(tmp_path) as here:
            site, _, drivers, truth = here
            assert set(drivers) == {"tie", "works", "bat", "roof"}
            here.pass_by(2)
            used = await power(drivers["works"])
            assert await power(drivers["tie"]) == pytest.approx(used)
            written = await drivers["bat"].write({"p": 0.25, "heartbeat": 1.0})
            assert [each.outcome for each in written.values()] == [Outcome.TAKEN, Outcome.SENT]
            here.pass_by(1)
            assert await power(drivers["bat"]) == pytest.approx(0.25)
            assert await power(drivers["tie"]) == pytest.approx(used - 0.25)
            site.truth.close()
            said = read_truth(truth)
            assert said.column("tie/p").tolist() == pytest.approx([used, used, used - 0.25])
            assert [e["event"] for e in said.events] == ["setpoints"]

    asyncio.run(live())


def test_a_park_files_own_devices_are_served_by_their_templates(tmp_path: Path) -> None:
    async def live() -> None:
        async with lived(tmp_path, DEVICES) as here:
            _, _, drivers, _ = here
            assert set(drivers) == {"bms", "inv", "tie", "works"}
            here.pass_by(1)
            readout = await drivers["bms"].read()
            assert readout.reading("soc").value == pytest.approx(0.5)
            assert readout.reading("charge_max").value == pytest.approx(2.0)
            assert (await drivers["bms"].write({"p": -0.5}))["p"].outcome is Outcome.TAKEN
            here.pass_by(1)
            used = await power(drivers["works"])
            assert await power(drivers["tie"]) == pytest.approx(used + 0.5)

    asyncio.run(live())


def test_a_device_we_no_longer_feed_goes_safe_and_the_truth_says_when(tmp_path: Path) -> None:
    async def live() -> None:
        async with lived(tmp_path) as here:
            site, _, drivers, truth = here
            here.pass_by(1)
            await drivers["bat"].write({"p": 0.25, "heartbeat": 1.0})
            here.pass_by(90)
            site.truth.close()
            p = read_truth(truth).column("bat/p")
            # The watchdog of the standard layout lets go after 60 s of silence.
            assert p[1:61].tolist() == pytest.approx([0.25] * 60)
            assert p[61:].tolist() == [0.0] * 30

    asyncio.run(live())


def test_a_limit_that_nobody_keeps_is_broken_in_the_truth(tmp_path: Path) -> None:
    async def live() -> None:
        async with lived(tmp_path) as here:
            site, _, drivers, truth = here
            here.pass_by(1)
            used = await power(drivers["works"])
            await drivers["bat"].write({"p": -1.5, "heartbeat": 1.0})
            here.pass_by(10)
            await drivers["bat"].write({"p": 0.0, "heartbeat": 2.0})
            here.pass_by(5)
            site.truth.close()
            said = read_truth(truth)
            (found,) = breaches(said)
            assert (found.column, found.seconds) == ("tie/p", 10.0)
            assert found.worst == pytest.approx(used + 1.5 - 2.0)
            assert breaches(said, reaction=10.0) == []
            assert len(breaches(said, reaction=9.0)) == 1

    asyncio.run(live())


def test_what_a_fault_shows_is_not_what_is_true(tmp_path: Path) -> None:
    async def live() -> None:
        async with lived(tmp_path) as here:
            site, _, drivers, truth = here
            here.pass_by(1)
            used = await power(drivers["works"])
            site.inject("tie", "frozen", 60.0)
            await drivers["bat"].write({"p": 0.5, "heartbeat": 1.0})
            here.pass_by(3)
            assert await power(drivers["tie"]) == pytest.approx(used)
            site.inject("tie", "silence", 60.0)
            assert (await drivers["tie"].read()).reading("p").quality == Quality.NO_ANSWER
            site.truth.close()
            said = read_truth(truth)
            assert said.column("tie/p")[-1] == pytest.approx(used - 0.5)
            assert [e["fault"] for e in said.events if e["event"] == "fault"] == [
                "frozen",
                "silence",
            ]

    asyncio.run(live())


@pytest.mark.parametrize(
    ("asset", "fault", "sentence"),
    [
        ("batt", "silence", "the site has no asset 'batt'. Did you mean 'bat'?"),
        ("bat", "silense", "unknown fault 'silense'. Did you mean 'silence'?"),
    ],
)
def test_a_fault_that_cannot_be_is_a_sentence(
    tmp_path: Path, asset: str, fault: str, sentence: str
) -> None:
    async def live() -> None:
        async with lived(tmp_path) as (site, _, _, _):
            with pytest.raises(DeviceError, match=sentence.replace("?", r"\?")):
                site.inject(asset, fault, 60.0)

    asyncio.run(live())


def test_the_door_of_a_site_is_its_owners_and_takes_faults(tmp_path: Path) -> None:
    async def live() -> None:
        async with lived(tmp_path) as (site, clock, drivers, _):
            door = SiteDoor(site, clock, tmp_path)
            await door.open()
            mode = stat.S_IMODE((tmp_path / "control.sock").stat().st_mode)
            assert mode == 0o600
            question = {"asset": "bat", "fault": "silence", "seconds": 9.0}
            answer = await asyncio.to_thread(ask_site, tmp_path, question)
            assert answer["speed"] == 1.0
            assert (await drivers["bat"].read()).reading("p").quality == Quality.NO_ANSWER
            with pytest.raises(DeviceError, match="the site did not understand"):
                await asyncio.to_thread(ask_site, tmp_path, {"fault": "silence"})
            await door.close()
            with pytest.raises(DeviceError, match="no simulated site runs in"):
                await asyncio.to_thread(ask_site, tmp_path, {})

    asyncio.run(live())


def test_the_page_of_the_simulated_site_names_every_fault() -> None:
    page = Path(__file__).parents[2] / "docs/how-to/simulate-a-site.md"
    named = {line.split(" | ")[0][2:] for line in page.read_text(encoding="utf-8").splitlines()}
    assert {fault.value for fault in Fault} <= named


def test_a_world_in_shorter_steps_is_the_same_world(tmp_path: Path) -> None:
    request = RunRequest(
        parse_park(PARK, kinds()), tmp_path, "2026-04-17", step_minutes=60, history_days=1
    )
    coarse = build_world(request).truth
    fine = finer(coarse, 4)
    assert len(fine.grid) == 4 * len(coarse.grid)
    assert fine.grid.end == coarse.grid.end
    assert coarse.weather is not None
    assert fine.weather is not None
    assert fine.weather.ghi.reshape(-1, 4).mean(axis=1) == pytest.approx(coarse.weather.ghi)


def test_a_line_that_was_not_finished_and_an_earlier_run_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    head = {"step": 1.0, "limits": {"tie/p": [-1.0, 2.0]}}
    earlier = TruthLog(path, head, ["tie/p"])
    earlier.step(0.0, [9.0])
    earlier.close()
    log = TruthLog(path, head, ["tie/p"])
    log.step(0.0, [2.0])
    log.step(1.0, [float("nan")])
    log.step(2.0, [2.1])
    log.close()
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps([3.0, 5.0])[:4])
    said = read_truth(path)
    assert said.at.tolist() == [0.0, 1.0, 2.0]
    assert [(b.since, b.seconds) for b in breaches(said)] == [(2.0, 1.0)]


@pytest.mark.parametrize(
    ("template", "topic"),
    [("dlt645-meter", "000000000161"), ("snmp-ups", ""), ("redfish-rack-pdu", "")],
)
def test_a_site_speaks_what_its_meters_speak(tmp_path: Path, template: str, topic: str) -> None:
    line = (
        f"  - {{name: m1, asset: works, template: {template}, host: 192.0.2.9, topic: '{topic}'}}"
    )
    park = PARK.replace("constant: 1 MW", "constant: 50 kW")

    async def live() -> None:
        async with lived(tmp_path, f"devices:\n{line}\n", park) as here:
            here.pass_by(2)
            truly = here.site.plant.read()["works"]["p"]
            assert await power(here.drivers["m1"]) == pytest.approx(truly, abs=1e-6)
            here.site.inject("works", "silence", 60.0)
            readout = await here.drivers["m1"].read()
            assert readout.reading("p").quality == Quality.NO_ANSWER

    asyncio.run(live())


def test_two_inverters_share_a_battery_and_each_shows_its_part(tmp_path: Path) -> None:
    rows = [
        f"  - {{name: b{i}, asset: bat, template: sunspec-battery, host: 192.0.2.9, unit_id: {i}, "
        f"segment: site, share: {share}}}"
        for i, share in ((1, 0.25), (2, 0.75))
    ]

    async def live() -> None:
        async with lived(tmp_path, "devices:\n" + "\n".join(rows) + "\n") as here:
            for name, value in (("b1", 0.1), ("b2", 0.3)):
                await here.drivers[name].write({"p": value, "revert": 1 / 60})
            here.pass_by(2)
            assert here.site.plant.read()["bat"]["p"] == pytest.approx(0.4)
            assert await power(here.drivers["b1"]) == pytest.approx(0.1, abs=1e-4)
            assert await power(here.drivers["b2"]) == pytest.approx(0.3, abs=1e-4)

    asyncio.run(live())


HUB = """\
  - kind: ev_hub
    name: hub
    node: bus
    p_nom: 200 kW
    connectors: [{name: dc, count: 4, p_nom: 60 kW}]
"""
CHARGER = """\
devices:
  - {name: cp, asset: hub, template: ocpp201-charger, host: 192.0.2.9, topic: CP-7, segment: site}
"""


def test_a_site_has_chargers_that_call_whoever_operates_it(tmp_path: Path) -> None:
    async def live() -> None:
        request = RunRequest(parse_park(PARK + HUB + CHARGER, kinds()), tmp_path, "2026-04-17")
        clock = HandClock()
        (line,) = (each for each in site_lines(request) if each.name == "cp")
        line = line.model_copy(update={"port": free_port()})
        site = Site(request, [line], clock, 1.0, tmp_path / "truth.jsonl")
        clock.wall = float(site.grid.starts[0].astype("datetime64[s]").astype(np.int64))
        (served,) = site.served
        driver = open_driver(line, served.asset, tmp_path, clock.now, 5.0)
        await driver.read()
        await site.open()
        try:
            outcome = Outcome.NO_ANSWER
            while outcome is Outcome.NO_ANSWER:
                await asyncio.sleep(0.01)
                outcome = (await driver.write({"charge": 0.05}))["charge"].outcome
            assert outcome is Outcome.TAKEN
            assert served.device.setpoints() == {"charge": pytest.approx(0.05)}
            site.catch_up()
            site.truth.close()
            told = [e for e in read_truth(tmp_path / "truth.jsonl").events if "charge" in e]
            assert [(e["event"], e["asset"], e["charge"]) for e in told] == [
                ("setpoints", "hub", pytest.approx(0.05))
            ]
        finally:
            await driver.close()
            await site.close()

    asyncio.run(live())
