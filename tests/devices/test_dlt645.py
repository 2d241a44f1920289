"""DL/T 645-2007: published frames to the byte, and meters behind one converter on loopback."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.devices.served import LOOPBACK, Hand, driver_of, pair, run
from zeropark.devices.catalogue import DeviceError, read_template
from zeropark.devices.contract import Outcome, Quality
from zeropark.devices.discover import discover
from zeropark.devices.protocols import dlt645
from zeropark.devices.protocols.dlt645 import (
    ANSWER,
    READ,
    Frame,
    bytes_of,
    number_of,
    packed,
    unpacked,
)
from zeropark.devices.simulated.device import Fault
from zeropark.devices.simulated.dlt645 import Host, simulated

METER = read_template("dlt645-meter")
NUMBER = "000000000161"
# As logged between a master and a meter in a published explanation of the protocol
# (DLT645-2007报文解析): the identifier, what was sent, what came, and what that means.
PUBLISHED = [
    (
        "00010000",
        "68 61 01 00 00 00 00 68 11 04 33 33 34 33 14 16",
        "68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16",
        ("bcd4", 26.0),
    ),
    (
        "02010100",
        "68 61 01 00 00 00 00 68 11 04 33 34 34 35 17 16",
        "68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16",
        ("bcd2", 1001.0),
    ),
]


@pytest.mark.parametrize(("identifier", "sent", "came", "meaning"), PUBLISHED)
def test_published_frames_are_made_and_read_to_the_byte(
    identifier: str, sent: str, came: str, meaning: tuple[str, float]
) -> None:
    asked = bytes.fromhex(identifier)[::-1]
    assert packed(Frame(NUMBER, READ, asked)) == bytes.fromhex(sent)
    frame, left = unpacked(bytes.fromhex("FE FE FE FE" + came))
    assert left == b""
    assert frame is not None
    assert (frame.number, frame.control, frame.data[:4]) == (NUMBER, ANSWER, asked)
    type_, raw = meaning
    assert number_of(type_, frame.data[4:]) == raw
    assert packed(frame) == bytes.fromhex(came)


@given(st.binary(max_size=40), st.binary(max_size=16), st.integers(0, 10**12 - 1))
def test_a_frame_is_found_behind_noise_and_a_broken_one_is_not(
    noise: bytes, data: bytes, number: int
) -> None:
    frame = Frame(f"{number:012d}", ANSWER, data)
    quiet = bytes(byte for byte in noise if byte != 0x68)
    assert unpacked(quiet + packed(frame)) == (frame, b"")
    whole = bytearray(packed(frame))
    whole[-2] ^= 1
    assert unpacked(bytes(whole))[0] != frame


@given(st.integers(1, 7), st.data())
def test_a_number_comes_back_as_it_was_coded(count: int, data: st.DataObject) -> None:
    most = 10 ** (2 * count) - 1
    plain = data.draw(st.integers(0, most))
    coded = bytes_of(f"bcd{count}", plain)
    assert coded is not None
    assert number_of(f"bcd{count}", coded) == plain
    assert bytes_of(f"bcd{count}", most + 1) is None
    assert bytes_of(f"bcd{count}", -1) is None
    signed = data.draw(st.integers(1 - 8 * 10 ** (2 * count - 1), 8 * 10 ** (2 * count - 1) - 1))
    coded = bytes_of(f"bcd{count}s", signed)
    assert coded is not None
    assert number_of(f"bcd{count}s", coded) == signed
    assert bytes_of(f"bcd{count}s", 8 * 10 ** (2 * count - 1)) is None


def test_what_is_no_decimal_digit_is_no_number() -> None:
    assert number_of("bcd2", b"\xff\xff") is None
    assert number_of("bcd2", b"\x01") is None


def test_a_meter_is_read_in_megawatts_and_never_written() -> None:
    async def live() -> None:
        async with pair(METER, topic=NUMBER) as (driver, device, clock, _):
            device.show({"p": -0.0123456, "energy_import": 0.02, "voltage": 2.2e-4})
            readout = await driver.read()
            reading = readout.reading("p")
            assert reading.value == pytest.approx(-0.0123456)
            assert reading[1:] == (Quality.GOOD, clock.now)
            assert readout.reading("energy_import").value == pytest.approx(0.02)
            assert readout.reading("frequency").quality == Quality.MISSING
            assert (await driver.write({"p": 0.0}))["p"].outcome is Outcome.NOT_WRITABLE
            assert await driver.held() == {}

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
        (Fault.DUPLICATE, 0.002, Quality.GOOD),
        (Fault.FLOOD, 0.002, Quality.GOOD),
    ],
)
def test_a_fault_shows_as_it_is(fault: Fault, value: float | None, quality: Quality) -> None:
    async def live() -> None:
        async with pair(METER, topic=NUMBER) as (driver, device, _, _):
            device.show({"p": 0.001})
            await driver.read()
            device.inject(fault, 60.0)
            device.show({"p": 0.002})
            reading = (await driver.read()).reading("p")
            assert reading.value == (None if value is None else pytest.approx(value))
            assert reading.quality == quality

    run(live())


def test_meters_share_a_converter_and_a_silent_one_takes_no_other_with_it() -> None:
    async def live() -> None:
        clock, host = Hand(), Host(LOOPBACK, 0)
        numbers = [f"{i:012d}" for i in range(1, 6)]
        meters = [simulated(METER, clock, {}) for _ in numbers]
        for number, meter in zip(numbers, meters, strict=True):
            host.add(1, number, meter)
            meter.show({"p": int(number) / 1000.0})
        await host.start()
        drivers = [driver_of(METER, host.port, clock, topic=number) for number in numbers]
        meters[2].inject(Fault.SILENCE, 60.0)
        readouts = await asyncio.gather(*(driver.read() for driver in drivers))
        found = [readout.reading("p").value for readout in readouts]
        assert found == [None if i == 3 else pytest.approx(i / 1000.0) for i in range(1, 6)]
        assert len(host._calls) == 1
        said = drivers[2].health().said
        assert said is not None
        assert said.en.startswith(f"meter 000000000003 does not answer behind {LOOPBACK}:")
        # A converter that was away is called anew.
        await host.stop()
        assert (await drivers[0].read()).reading("p").quality == Quality.NO_ANSWER
        for driver in drivers:
            await driver.close()

    run(live())


def test_a_meter_without_its_number_is_a_sentence() -> None:
    async def live() -> None:
        async with pair(METER, topic="cp1") as (driver, _, _, _):
            await driver.read()
            said = driver.health().said
            assert said is not None
            assert said.en == "'cp1' is no number of a meter; write its twelve digits as topic"

    run(live())


def test_a_wrong_point_is_a_sentence() -> None:
    first = METER.points[0]
    wrong = first.model_copy(update={"address": 2030000, "type": "int16", "write": True})
    found = dict(dlt645.wrong_points(METER.model_copy(update={"points": (wrong,)})))
    assert [text.en[:12] for text in found.values()] == [
        "'2030000' is",
        "type 'int16'",
        "a meter is o",
    ]
    assert not list(dlt645.wrong_points(METER))


def test_the_one_meter_behind_a_converter_says_its_number() -> None:
    async def live() -> None:
        async with pair(METER) as (_, device, _, host):
            device.show({"p": 0.001})
            found = await discover("dlt645", LOOPBACK, host.port, 1, 1.0)
            assert (found.serial, found.templates) == (NUMBER, ("dlt645-meter",))
            host.add(1, "000000000002", simulated(METER, Hand(), {}))
            with pytest.raises(DeviceError, match="no meter says its number behind"):
                await discover("dlt645", LOOPBACK, host.port, 1, 0.1)

    run(live())
