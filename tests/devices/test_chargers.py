"""Chargers of either version of OCPP against simulated ones that call, with faults and in TLS."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.devices.served import (
    LOOPBACK,
    TOPIC,
    Certified,
    Hand,
    certify,
    driver_of,
    free_port,
    pair,
    run,
)
from zeropark.devices.catalogue import DeviceError, read_template
from zeropark.devices.contract import Driver, Outcome, Quality
from zeropark.devices.named import wire_of
from zeropark.devices.simulated import end_of
from zeropark.devices.simulated.device import Fault
from zeropark.devices.template import Template
from zeropark.devices.tls import context, own_ends, serving_context
from zeropark.model.device import DeviceLine

CHARGERS = [read_template("ocpp16-charger"), read_template("ocpp201-charger")]
WORD = "word"
EACH = pytest.mark.parametrize("template", CHARGERS, ids=lambda each: each.protocol)


@EACH
def test_a_charger_is_read_and_limited_in_megawatts(template: Template) -> None:
    async def live() -> None:
        async with pair(template) as (driver, device, clock, host):
            device.show({"charge": 0.05, "energy_total": 1.25})
            await host.say()
            readout = await driver.read()
            assert readout.reading("charge") == (0.05, Quality.GOOD, clock.now)
            assert readout.reading("energy_total").value == pytest.approx(1.25)
            assert (await driver.write({"charge": 0.02}))["charge"] == (Outcome.TAKEN, 0.02)
            assert device.setpoints() == {"charge": 0.02}
            assert (await driver.write({"charge": None}))["charge"].outcome is Outcome.SENT
            assert device.setpoints() == {}

    run(live())


@EACH
def test_a_charger_that_no_longer_hears_us_goes_back_to_itself(template: Template) -> None:
    async def live() -> None:
        async with pair(template) as (driver, device, clock, _):
            await driver.write({"charge": 0.02})
            clock.now += 300.0
            assert device.setpoints() == {"charge": 0.02}
            clock.now += 0.001
            assert device.setpoints() == {}

    run(live())


@EACH
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.REFUSE, Outcome.REFUSED),
        (Fault.SLOW, Outcome.NO_ANSWER),
        (Fault.LOST_WRITE, Outcome.NOT_HELD),
        (Fault.CLOCK_JUMP, Outcome.TAKEN),
    ],
)
def test_a_charger_that_does_not_do_it_is_found_out(
    template: Template, fault: Fault, outcome: Outcome
) -> None:
    async def live() -> None:
        async with pair(template) as (driver, device, _, _):
            assert (await driver.write({"charge": 0.02}))["charge"].outcome is Outcome.TAKEN
            device.inject(fault, 60.0)
            assert (await driver.write({"charge": 0.01}))["charge"].outcome is outcome

    run(live())


@EACH
@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        (Fault.WRONG_SCALE, 0.5),
        (Fault.NAN, 0.05),
        (Fault.FROZEN, 0.05),
        (Fault.DUPLICATE, 0.06),
        (Fault.FLOOD, 0.06),
    ],
)
def test_what_a_faulty_charger_meters_is_what_it_says(
    template: Template, fault: Fault, shown: float
) -> None:
    """A charger without a number says none, and its last one grows old."""

    async def live() -> None:
        async with pair(template) as (driver, device, clock, host):
            device.show({"charge": 0.05})
            await host.say()
            began = clock.now
            clock.now += 10.0
            device.inject(fault, 60.0)
            device.show({"charge": 0.05 if fault is Fault.WRONG_SCALE else 0.06})
            await host.say()
            reading = (await driver.read()).reading("charge")
            assert reading.value == pytest.approx(shown)
            assert reading.at == (began if fault is Fault.NAN else clock.now)

    run(live())


@EACH
def test_a_charger_that_was_away_calls_again_with_nothing_set(template: Template) -> None:
    async def live() -> None:
        async with pair(template) as (driver, device, clock, host):
            assert (await driver.write({"charge": 0.02}))["charge"].outcome is Outcome.TAKEN
            device.inject(Fault.REBOOT, 60.0)
            await gone(driver)
            assert (await driver.write({"charge": 0.02}))["charge"].outcome is Outcome.NO_ANSWER
            clock.now += 60.0
            await host.called[TOPIC].wait()
            assert device.setpoints() == {}
            assert (await driver.write({"charge": 0.02}))["charge"].outcome is Outcome.TAKEN
            assert (await driver.read()).names == driver.names
            assert driver.health().answering

    run(live())


async def gone(driver: Driver) -> None:
    readout = await driver.read()
    while readout.reading("charge").quality != Quality.NO_ANSWER:
        await asyncio.sleep(0.01)
        readout = await driver.read()


@EACH
def test_a_charger_that_calls_anew_has_lost_its_old_line(template: Template) -> None:
    async def live() -> None:
        driver = driver_of(template, free_port(), Hand())
        await driver.read()
        place = f"ws://{LOOPBACK}:{driver._wire.port}/{TOPIC}"  # type: ignore[attr-defined]
        version = [end_of(template.protocol, "").Host.SUBPROTOCOL]
        async with (
            connect(place, subprotocols=version) as old,
            connect(place, subprotocols=version),
        ):
            with pytest.raises(ConnectionClosed):
                await old.recv()
            await driver.read()
            assert driver.health().answering
        await driver.close()

    run(live())


@EACH
@pytest.mark.parametrize("said", ["nonsense", "[]", "[2]", '{"a": 1}', '[2, "1", "Boot", {}]'])
def test_nonsense_does_no_harm(template: Template, said: str) -> None:
    async def live() -> None:
        async with pair(template) as (driver, device, _, host):
            line = host.lines[TOPIC]
            await line._connection.send(said)
            device.show({"charge": 0.05})
            await host.say()
            assert (await driver.read()).reading("charge").value == pytest.approx(0.05)

    run(live())


def test_a_charger_of_another_version_is_told_by_hanging_up() -> None:
    async def live() -> None:
        driver = driver_of(CHARGERS[1], free_port(), Hand())
        await driver.read()
        place = f"ws://{LOOPBACK}:{driver._wire.port}/{TOPIC}"  # type: ignore[attr-defined]
        async with connect(place) as old:
            with pytest.raises(ConnectionClosed):
                await old.recv()
            assert old.close_code == 1002
        await driver.close()

    run(live())


def test_two_connectors_of_a_charger_share_its_call_and_have_limits_of_their_own() -> None:
    async def live() -> None:
        template, clock, port = CHARGERS[1], Hand(), free_port()
        end = end_of(template.protocol, "")
        host = end.Host(LOOPBACK, port)
        devices = [end.simulated(template, clock, {}) for _ in range(2)]
        drivers = [driver_of(template, port, clock, unit_id=i) for i in (1, 2)]
        for i, device in enumerate(devices):
            host.add(i + 1, TOPIC, device)
            await drivers[i].read()
        await host.start()
        await host.called[TOPIC].wait()
        for i, driver in enumerate(drivers):
            await driver.write({"charge": 0.01 * (i + 1)})
        assert [device.setpoints()["charge"] for device in devices] == [0.01, 0.02]
        await drivers[0].write({"charge": None})
        assert [device.setpoints() for device in devices] == [{}, {"charge": 0.02}]
        await drivers[0].close()
        assert (await drivers[1].write({"charge": 0.03}))["charge"].outcome is Outcome.TAKEN
        await drivers[1].close()
        await host.stop()

    run(live())


# -- TLS -----------------------------------------------------------------------------------------


async def called_in_tls(own: Certified, trusts: Path, word: str) -> tuple[bool, str]:
    """Return whether a charger with a password gets through, and what is said where not."""
    clock, port, end = Hand(), free_port(), end_of("ocpp201", "")
    tls = serving_context(own.certificate)
    driver = driver_of(
        CHARGERS[1], port, clock, tls=tls, client_certified=True, segment=None, password=word
    )
    await driver.read()
    host = end.Host(LOOPBACK, port, context(trusts))
    host.passwords[TOPIC] = WORD
    host.add(1, TOPIC, end.simulated(CHARGERS[1], clock, {}))
    await host.start()
    try:
        await asyncio.wait_for(host.called[TOPIC].wait(), 0.4)
        return (await driver.write({"charge": 0.01}))["charge"].outcome is Outcome.TAKEN, ""
    except TimeoutError:
        clock.now += 120.0
        await driver.read()
        said = driver.health().said
        return False, "" if said is None else said.en
    finally:
        await host.stop()
        await driver.close()


def test_a_charger_in_tls_may_be_commanded_without_a_segment(tmp_path: Path) -> None:
    own = certify(tmp_path / "ours")
    assert run(called_in_tls(own, own.authority, WORD)) == (True, "")


@pytest.mark.parametrize("wrong", ["expired", "another name", "unknown authority"])
def test_a_charger_that_cannot_trust_us_is_not_heard(tmp_path: Path, wrong: str) -> None:
    name = "192.0.2.1" if wrong == "another name" else LOOPBACK
    own = certify(tmp_path / "ours", name=name, days=-1 if wrong == "expired" else 90)
    other = certify(tmp_path / "others")
    trusted = other.authority if wrong == "unknown authority" else own.authority
    called, said = run(called_in_tls(own, trusted, WORD))
    assert not called
    assert said.startswith(f"charger cp1 has not called at {LOOPBACK}:")
    assert said.endswith("have it trust who signed our certificate")


def test_our_own_expired_certificate_is_named(tmp_path: Path) -> None:
    async def live() -> None:
        own, clock = certify(tmp_path / "ours", days=-1), Hand()
        clock.now = ends = own_ends(own.certificate)
        tls = serving_context(own.certificate)
        driver = driver_of(CHARGERS[1], free_port(), clock, tls=tls, certificate_ends=ends)
        await driver.read()
        assert driver.health().said.en.startswith("our own certificate has expired")  # type: ignore[union-attr]
        assert driver.health().certificate_ends == ends
        await driver.close()

    run(live())


def test_a_wrong_password_is_named(tmp_path: Path) -> None:
    own = certify(tmp_path / "ours")
    called, said = run(called_in_tls(own, own.authority, "other"))
    assert not called
    assert said.startswith("charger cp1 called with another password than its secret says")


@pytest.mark.parametrize(
    ("name", "days", "folder", "gets_in"),
    [
        (TOPIC, 90, "clients", True),
        (TOPIC, -1, "clients", False),
        ("cp2", 90, "clients", False),
        (TOPIC, 90, "strangers", False),
    ],
)
def test_a_charger_may_prove_itself_by_its_certificate(
    tmp_path: Path, name: str, days: int, folder: str, *, gets_in: bool
) -> None:
    own = certify(tmp_path / "ours")
    theirs = certify(tmp_path / folder, name=name, days=days)
    asked = theirs if folder == "clients" else certify(tmp_path / "clients")

    async def live() -> bool:
        tls, clock, port = serving_context(own.certificate, asked.authority), Hand(), free_port()
        driver = driver_of(CHARGERS[1], port, clock, tls=tls, client_certified=True)
        await driver.read()
        host = end_of("ocpp201", "").Host(
            LOOPBACK, port, context(own.authority, theirs.certificate)
        )
        host.add(1, TOPIC, end_of("ocpp201", "").simulated(CHARGERS[1], clock, {}))
        await host.start()
        try:
            await asyncio.wait_for(host.called[TOPIC].wait(), 2.0 if gets_in else 0.4)
        except TimeoutError:
            return False
        finally:
            await host.stop()
            await driver.close()
        return True

    assert run(live()) is gets_in


def test_a_line_in_tls_needs_our_certificate_where_the_device_calls(tmp_path: Path) -> None:
    own = certify(tmp_path / "ours")
    told = {"name": "cp1", "asset": "hub", "template": "ocpp201-charger", "host": LOOPBACK}
    line = DeviceLine.model_validate(told | {"tls": True})
    with pytest.raises(DeviceError, match="cp1: tls needs certificate, the file of ours"):
        wire_of(line, CHARGERS[1], tmp_path)
    wire = wire_of(
        line.model_copy(update={"certificate": "ours/device.pem"}), CHARGERS[1], tmp_path
    )
    assert wire.port == 9443
    assert wire.certificate_ends == own_ends(own.certificate)
    assert wire.authenticated
    (tmp_path / "empty.pem").write_text("", encoding="utf-8")
    with pytest.raises(DeviceError, match=r"cp1: cannot read empty\.pem"):
        wire_of(line.model_copy(update={"certificate": "empty.pem"}), CHARGERS[1], tmp_path)
