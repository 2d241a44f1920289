"""Drivers against pymodbus's server and pysunspec2's models and client, on loopback."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from tests.devices.served import LOOPBACK, Hand, certify, driver_of, pair, run, server_context
from zeropark.devices.catalogue import DeviceError, read_template
from zeropark.devices.coding import TYPES, Layout, Placed, code, code_value, decode
from zeropark.devices.contract import Outcome, Quality
from zeropark.devices.named import open_driver
from zeropark.devices.simulated.device import Fault
from zeropark.devices.simulated.modbus import Host, simulated
from zeropark.devices.standard import standard_template
from zeropark.devices.template import PointTemplate
from zeropark.devices.tls import context
from zeropark.model.asset import Asset, Point
from zeropark.model.device import DeviceLine
from zeropark.units.text import Text

BATTERY = read_template("sunspec-battery")
INVERTER = read_template("sunspec-inverter")
METER = read_template("sunspec-meter")
SPANS = {"p": 3.0, "revert_p": 3.0, "soc": 1.0, "capacity": 6.0, "frequency": 50.0}
SPANS |= {"p_rated": 6.0, "charge_max": 3.0, "discharge_max": 3.0}
WORDS = Text("x", "x")
STANDARD = standard_template(
    "battery",
    [
        Point("p", "MW", WORDS, writable=True),
        Point("soc", "1", WORDS),
        Point("temp", "degC", WORDS),
    ],
)


def test_a_battery_is_read_and_commanded_in_megawatts() -> None:
    async def live() -> None:
        async with pair(BATTERY, SPANS) as (driver, device, clock, _):
            device.show({"p": -1.25, "soc": 0.557, "capacity": 6.0, "frequency": 50.01})
            readout = await driver.read()
            assert readout.reading("p").value == pytest.approx(-1.25)
            assert readout.reading("soc").value == pytest.approx(0.557)
            assert readout.reading("capacity").value == pytest.approx(6.0)
            assert readout.reading("frequency").value == pytest.approx(50.01)
            assert readout.reading("p") == (-1.25, Quality.GOOD, clock.now)
            assert readout.reading("charge_max").quality == Quality.MISSING
            assert (await driver.write({"p": 0.75}))["p"] == (Outcome.TAKEN, 0.75)
            assert device.setpoints() == {"p": 0.75}

    run(live())


def test_a_limit_in_per_cent_is_given_in_megawatts() -> None:
    async def live() -> None:
        async with pair(INVERTER, SPANS) as (driver, device, _, _):
            device.show({"p": 5.0, "p_rated": 6.0})
            assert (await driver.write({"limit": 1.5}))["limit"].outcome is Outcome.TAKEN
            assert device.setpoints()["limit"] == pytest.approx(1.5)
            assert (await driver.write({"limit": 6.0}))["limit"].outcome is Outcome.TAKEN
            beyond = await driver.write({"limit": 6.001})
            assert beyond["limit"].outcome is Outcome.OUT_OF_LIMITS
            assert device.setpoints()["limit"] == pytest.approx(6.0)
            assert (await driver.write({"limit": None}))["limit"].outcome is Outcome.TAKEN
            assert device.setpoints() == {}

    run(live())


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        ({"p": math.nan}, Outcome.NOT_A_NUMBER),
        ({"p": math.inf}, Outcome.NOT_A_NUMBER),
        ({"pp": 1.0}, Outcome.POINT_UNKNOWN),
        ({"soc": 0.5}, Outcome.NOT_WRITABLE),
        ({"revert": None}, Outcome.NOT_A_NUMBER),
        ({"p": 1e9}, Outcome.OUT_OF_LIMITS),
    ],
)
def test_what_cannot_be_a_set_point_never_reaches_the_wire(
    asked: Mapping[str, float | None], outcome: Outcome
) -> None:
    async def live() -> None:
        async with pair(BATTERY, SPANS) as (driver, device, _, _):
            before = dict(device.registers)
            found = await driver.write(asked)
            assert [each.outcome for each in found.values()] == [outcome]
            assert device.registers == before

    run(live())


def test_a_device_without_authentication_is_only_commanded_in_a_named_segment() -> None:
    async def live() -> None:
        async with pair(BATTERY, SPANS, segment=None) as (driver, device, _, _):
            assert (await driver.write({"p": 1.0}))["p"].outcome is Outcome.NOT_ALLOWED
            assert device.setpoints() == {}

    run(live())


def test_an_unconfirmed_device_is_only_read() -> None:
    unconfirmed = BATTERY.model_copy(update={"confirmed": False})

    async def live() -> None:
        async with pair(unconfirmed, SPANS) as (driver, device, _, _):
            device.show({"p": 1.0})
            assert (await driver.read()).reading("p").value == pytest.approx(1.0)
            assert (await driver.write({"p": 1.0}))["p"].outcome is Outcome.NOT_ALLOWED

    run(live())


def test_pysunspec2_finds_the_models_and_reads_the_values_we_serve() -> None:
    """The client is of another code base."""

    async def live() -> None:
        async with pair(INVERTER, SPANS) as (_, device, _, host):
            device.show({"p": 4.321, "p_rated": 6.0, "frequency": 50.01})

            def scan() -> tuple[list[int], float, float, float]:
                peer = SunSpecModbusClientDeviceTCP(
                    slave_id=1, ipaddr=LOOPBACK, ipport=host.port, timeout=1.0
                )
                peer.scan()
                own = peer.models
                found = sorted(model for model in own if isinstance(model, int))
                read = own[103][0].W.cvalue, own[120][0].WRtg.cvalue, own[103][0].Hz.cvalue
                peer.close()
                return found, *read

            models, p, rated, hertz = await asyncio.to_thread(scan)
            assert models == [1, 103, 120, 123]
            assert (p, rated, hertz) == pytest.approx((4.321e6, 6e6, 50.01), rel=1e-3)

    run(live())


def test_a_device_of_another_model_is_named() -> None:
    async def live() -> None:
        async with pair(INVERTER, SPANS) as (_, device, clock, host):
            device.show({"p": 1.0})
            wrong = driver_of(BATTERY, host.port, clock)
            assert (await wrong.read()).reading("p").quality == Quality.NO_ANSWER
            said = wrong.health().said
            assert said is not None
            assert said.en == (
                "the device has no SunSpec model 701; it has 1, 103, 120, 123. Name the template "
                "of this device"
            )
            await wrong.close()

    run(live())


def test_a_device_that_is_no_sunspec_one_is_named() -> None:
    async def live() -> None:
        async with pair(STANDARD) as (_, _, clock, host):
            wrong = driver_of(METER, host.port, clock)
            await wrong.read()
            said = wrong.health().said
            assert said is not None
            assert said.en.startswith("the device does not say SunS at 40000, 0 or 50000")
            await wrong.close()

    run(live())


def test_a_value_the_device_does_not_have_is_missing_and_never_zero() -> None:
    async def live() -> None:
        async with pair(STANDARD) as (driver, device, _, _):
            device.show({"p": 1.0, "temp": math.nan})
            readout = await driver.read()
            assert readout.reading("soc") == (None, Quality.MISSING, readout.at[3])
            assert readout.reading("temp").value is None
            assert readout.good() == {"alive": 1.0, "heartbeat": 0.0, "p": 1.0}

    run(live())


@pytest.mark.parametrize(
    ("fault", "value", "quality"),
    [
        (Fault.NAN, None, Quality.MISSING),
        (Fault.SILENCE, None, Quality.NO_ANSWER),
        (Fault.REFUSE, None, Quality.MISSING),
        (Fault.WRONG_SCALE, 9.0, Quality.SUSPECT),
        (Fault.FROZEN, 0.5, Quality.GOOD),
        (Fault.DUPLICATE, 0.9, Quality.GOOD),
        (Fault.FLOOD, None, Quality.NO_ANSWER),
    ],
)
def test_a_fault_shows_as_it_is(fault: Fault, value: float | None, quality: Quality) -> None:
    async def live() -> None:
        async with pair(BATTERY, SPANS) as (driver, device, _, _):
            device.show({"soc": 0.5})
            await driver.read()
            device.inject(fault, 60.0)
            device.show({"soc": 0.9})
            reading = (await driver.read()).reading("soc")
            assert reading.value == (None if value is None else pytest.approx(value))
            assert reading.quality == quality

    run(live())


@pytest.mark.parametrize(
    ("fault", "outcome", "held"),
    [
        (Fault.LOST_WRITE, Outcome.NOT_HELD, 0.25),
        (Fault.REFUSE, Outcome.REFUSED, None),
        (Fault.SILENCE, Outcome.NO_ANSWER, None),
    ],
)
def test_a_write_that_does_not_take_effect_is_known(
    fault: Fault, outcome: Outcome, held: float | None
) -> None:
    async def live() -> None:
        async with pair(BATTERY, SPANS) as (driver, device, _, _):
            assert (await driver.write({"p": 0.25}))["p"].outcome is Outcome.TAKEN
            device.inject(fault, 60.0)
            assert (await driver.write({"p": 0.5}))["p"] == (outcome, held)
            assert device.setpoints() == {"p": 0.25}

    run(live())


def test_a_silent_device_is_tried_again_with_growing_pauses() -> None:
    async def live() -> None:
        async with pair(STANDARD) as (driver, device, clock, _):
            device.show({"p": 1.0})
            await driver.read()
            assert driver.health().answering
            device.inject(Fault.SILENCE, 1e9)
            for misses, pause in ((1, 1.0), (2, 2.0), (3, 4.0)):
                await driver.read()
                health = driver.health()
                assert (health.misses, health.next_try - clock.now) == (misses, pause)
                clock.now += pause - 0.001
                await driver.read()
                assert driver.health().misses == misses
                clock.now += 0.001
            device.inject(Fault.SILENCE, 0.0)
            assert (await driver.read()).reading("p").value == 1.0
            assert driver.health().answering
            assert driver.health().since == clock.now

    run(live())


def test_nobody_there_is_a_sentence() -> None:
    async def live() -> None:
        async with pair(STANDARD) as (_, _, clock, host):
            port = host.port
            await host.stop()
            driver = driver_of(STANDARD, port, clock)
            assert (await driver.read()).reading("p").quality == Quality.NO_ANSWER
            assert driver.health().said == Text(
                f"no connection to 127.0.0.1:{port}", f"无法连接 127.0.0.1:{port}"
            )
            assert (await driver.write({"p": 1.0}))["p"].outcome is Outcome.NO_ANSWER
            await driver.close()

    run(live())


def test_a_set_point_does_not_wait_for_the_next_try() -> None:
    async def live() -> None:
        async with pair(STANDARD) as (driver, device, _, _):
            device.inject(Fault.SILENCE, 1e9)
            asked = {"p": 1.0, "heartbeat": 1.0}
            found = await driver.write(asked)
            assert [each.outcome for each in found.values()] == [Outcome.NO_ANSWER] * 2
            # Of a silent device only the first set-point waited for an answer.
            assert driver.health().misses == 1
            device.inject(Fault.SILENCE, 0.0)
            assert (await driver.write(asked))["p"].outcome is Outcome.TAKEN

    run(live())


def test_a_device_lets_go_by_its_own_watchdog_and_not_before() -> None:
    async def live() -> None:
        async with pair(STANDARD) as (driver, device, clock, _):
            await driver.write({"p": 0.5} | STANDARD.heartbeat(1))
            clock.now += 60.0
            assert device.setpoints() == {"p": 0.5}
            clock.now += 0.1
            assert device.setpoints() == {}
            # A heartbeat alone brings nothing back.
            await driver.write(STANDARD.heartbeat(2))
            assert device.setpoints() == {}

    run(live())


def test_a_sunspec_battery_rests_when_its_reversion_time_has_passed() -> None:
    async def live() -> None:
        async with pair(BATTERY, SPANS) as (driver, device, clock, _):
            beat = BATTERY.heartbeat(1)
            assert beat == {"revert": pytest.approx(60 / 3600)}
            await driver.write({"p": 0.5} | beat)
            clock.now += 60.0
            assert device.setpoints() == {"p": 0.5}
            clock.now += 0.1
            assert device.setpoints() == {"p": 0.0}

    run(live())


def test_a_rebooted_device_has_nothing_set() -> None:
    async def live() -> None:
        async with pair(STANDARD) as (driver, device, clock, _):
            await driver.write({"p": 0.5} | STANDARD.heartbeat(1))
            device.inject(Fault.REBOOT, 10.0)
            assert (await driver.read()).reading("p").quality == Quality.NO_ANSWER
            clock.now += 10.0
            assert device.setpoints() == {}
            assert (await driver.read()).reading("heartbeat").quality == Quality.GOOD

    run(live())


class TestTls:
    def served(self, folder: Path, **certified: object) -> tuple[str, bool, float | None]:
        """Return what a driver says of a device with such a certificate, and whether it answers."""
        own = certify(folder / "own", **certified)  # type: ignore[arg-type] # told by each test
        return self._asked(own.authority, server_context(own))

    def _asked(self, authority: Path, tls: object) -> tuple[str, bool, float | None]:
        async def live() -> tuple[str, bool, float | None]:
            clock = Hand()
            host = Host(LOOPBACK, 0, tls)  # type: ignore[arg-type] # an SSLContext
            device = simulated(STANDARD, clock, {})
            host.add(1, "", device)
            await host.start()
            device.show({"p": 1.0})
            driver = driver_of(STANDARD, host.port, clock, tls=context(authority), timeout=2.0)
            await driver.read()
            health = driver.health()
            await driver.close()
            await host.stop()
            return (
                "" if health.said is None else health.said.en,
                health.answering,
                (health.certificate_ends),
            )

        return run(live())

    def test_a_right_certificate_is_believed_and_its_end_is_known(self, tmp_path: Path) -> None:
        said, answering, ends = self.served(tmp_path)
        assert (said, answering) == ("", True)
        assert ends is not None

    def test_an_expired_certificate_is_named(self, tmp_path: Path) -> None:
        said, answering, _ = self.served(tmp_path, days=-1)
        assert not answering
        assert said == "the device's certificate has expired; have it renewed"

    def test_a_certificate_for_another_name_is_named(self, tmp_path: Path) -> None:
        said, answering, _ = self.served(tmp_path, name="other.example")
        assert not answering
        assert said.startswith("the device's certificate is for another name than 127.0.0.1")

    def test_a_certificate_of_an_unknown_authority_is_named(self, tmp_path: Path) -> None:
        stranger = certify(tmp_path / "stranger")
        said, answering, _ = self._asked(
            stranger.authority, server_context(certify(tmp_path / "own"))
        )
        assert not answering
        assert said.startswith("the device's certificate is signed by nobody we trust")

    def test_a_device_that_asks_who_we_are_may_be_commanded_without_a_segment(
        self, tmp_path: Path
    ) -> None:
        device_own, ours = certify(tmp_path / "device"), certify(tmp_path / "ours")
        asset = parse_asset()

        async def live() -> None:
            host = Host(LOOPBACK, 0, server_context(device_own, ours.authority))
            host.add(1, "", simulated(STANDARD, Hand(), {}))
            await host.start()
            line = DeviceLine(
                name="bms",
                asset="bat",
                template="standard",
                host=LOOPBACK,
                port=host.port,
                tls=True,
                authority="device/ca.pem",
                certificate="ours/device.pem",
            )
            driver = open_driver(line, asset, tmp_path, Hand(), 2.0)
            assert (await driver.write({"p": 0.5}))["p"].outcome is Outcome.TAKEN
            await driver.close()
            stranger = line.model_copy(update={"certificate": None, "segment": "test"})
            driver = open_driver(stranger, asset, tmp_path, Hand(), 2.0)
            assert (await driver.write({"p": 0.5}))["p"].outcome is Outcome.NO_ANSWER
            await driver.close()
            await host.stop()

        run(live())

    def test_a_certificate_that_is_not_there_is_a_sentence(self, tmp_path: Path) -> None:
        told = {"host": LOOPBACK, "name": "bms", "asset": "bat", "template": "standard"}
        line = DeviceLine.model_validate({**told, "tls": True, "authority": "no.pem"})
        with pytest.raises(DeviceError, match=r"bms: cannot read no\.pem"):
            open_driver(line, parse_asset(), tmp_path, Hand())
        without = line.model_copy(update={"authority": None})
        with pytest.raises(DeviceError, match="bms: tls needs authority"):
            open_driver(without, parse_asset(), tmp_path, Hand())


def parse_asset() -> Asset:
    """Return an asset with the points of the standard layout above."""

    class Bare(Asset):
        kind = "bare"
        title = WORDS
        points = (Point("p", "MW", WORDS, writable=True), Point("soc", "1", WORDS))

    return Bare(name="bat")


@given(
    type_=st.sampled_from([*TYPES, *(f"{t}_swapped" for t in TYPES)]), number=st.integers(0, 32767)
)
def test_a_number_comes_back_as_it_was_coded(type_: str, number: int) -> None:
    assert decode(type_, code(type_, number)) == number


@given(raw=st.floats(allow_nan=True, allow_infinity=True))
def test_what_does_not_fit_a_register_is_refused(raw: float) -> None:
    point = PointTemplate(name="p", means=WORDS, address="holding 0", type="int16", unit="kW")
    placed = Placed(point, 0, "int16", missing=(-32768.0,))
    words = code_value(placed, raw)
    fits = math.isfinite(raw) and -32767 <= round(raw) <= 32767
    assert (words is not None) == fits
    if words is not None:
        assert decode("int16", words) == round(raw)


def test_a_device_that_refuses_registers_it_does_not_have_is_read_around_them() -> None:
    far = STANDARD.by_name["soc"].model_copy(update={"address": "holding 12"})
    gapped = STANDARD.model_copy(update={"points": (STANDARD.by_name["p"], far)})

    async def live() -> None:
        async with pair(gapped) as (driver, device, _, _):
            device.show({"p": 1.5, "soc": 0.5})
            assert (await driver.read()).good() == {"p": 1.5, "soc": 0.5}

    run(live())


def test_registers_far_apart_are_read_with_two_requests_and_near_ones_with_one() -> None:
    def at(*registers: int) -> list[tuple[int, int]]:
        point = PointTemplate(name="p", means=WORDS, address="holding 0", type="uint16", unit="kW")
        placed = [
            Placed(point.model_copy(update={"name": f"p{r}"}), r, "uint16") for r in registers
        ]
        return [(block.first, block.count) for block in Layout(placed, {}).blocks]

    assert at(0, 17) == [(0, 18)]
    assert at(0, 18) == [(0, 1), (18, 1)]
    assert at(*range(0, 125, 5), 124) == [(0, 125)]
    assert at(*range(0, 130, 5)) == [(0, 121), (125, 1)]
