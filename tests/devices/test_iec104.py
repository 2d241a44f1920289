"""Our station of IEC 60870-5-104: its frames by recordings of another stack, itself by a master.

The frames marked as recorded were sent by the client of c104 2.2.1 (another code base, GPL-3, no
part of this) to this station on 2026-11-24, with common address 7.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.devices.served import LOOPBACK, Hand, certify, run, server_context
from zeropark.devices.grid.contract import Fate, Form, Heard, Told, Wanted
from zeropark.devices.grid.iec104_frames import (
    Asdu,
    Cause,
    Frame,
    FrameError,
    Type,
    U,
    float_element,
    read_frame,
    set_point,
    time_element,
)
from zeropark.devices.grid.protocols import iec104
from zeropark.devices.tls import context
from zeropark.devices.wire import Wire
from zeropark.model.caller import CallerLine
from zeropark.units.text import Text

STATUS: Mapping[str, Any] = {
    "at": "2026-04-17T10:00:00+00:00",
    "stopped": False,
    "plan": {},
    "flows_mw": {"tie": 3.25},
    "limits_mw": {},
    "calls": [],
}

# -- frames ----------------------------------------------------------------------------------------

RECORDED = [
    ("68 04 07 00 00 00", Frame("U", control=U.START_ACT)),
    (
        "68 0e 02 00 0e 00 64 01 06 00 07 00 00 00 00 14",
        Frame("I", 1, 7, asdu=Asdu(Type.INTERROGATION, Cause.ACTIVATION, 7, 0, b"\x14")),
    ),
    (
        "68 12 04 00 1c 00 32 01 06 00 07 00 01 62 00 00 00 20 40 80",
        Frame("I", 2, 14, asdu=Asdu(Type.SET_POINT, Cause.ACTIVATION, 7, 25089, b"\0\0 @\x80")),
    ),
    ("68 04 01 00 32 00", Frame("S", received=25)),
]


@pytest.mark.parametrize(("recorded", "frame"), RECORDED)
def test_frames_of_another_stack_are_read_and_coded_alike(recorded: str, frame: Frame) -> None:
    octets = bytes.fromhex(recorded)
    assert read_frame(octets) == frame
    assert frame.coded() == octets


def test_a_set_point_of_another_stack_is_its_number() -> None:
    asdu = read_frame(bytes.fromhex(RECORDED[2][0])).asdu
    assert asdu is not None
    assert set_point(asdu) == (2.5, True)


@pytest.mark.parametrize(
    ("octets", "control"),
    [
        # IEC 60870-5-104:2006, 5.1: the control octet of each U frame.
        ("68 04 0b 00 00 00", U.START_CON),
        ("68 04 13 00 00 00", U.STOP_ACT),
        ("68 04 23 00 00 00", U.STOP_CON),
        ("68 04 43 00 00 00", U.TEST_ACT),
        ("68 04 83 00 00 00", U.TEST_CON),
    ],
)
def test_control_frames_are_as_the_standard_has_them(octets: str, control: U) -> None:
    assert Frame("U", control=control).coded() == bytes.fromhex(octets)
    assert read_frame(bytes.fromhex(octets)).control == control


def test_a_time_is_counted_in_the_standards_parts() -> None:
    # 2026-04-17 10:20:30.456 UTC, a Friday: 30456 ms, 20 min, 10 h, day 17 of week 5, April, 26.
    at = 1_776_421_230.456
    assert time_element(at) == bytes((0xF8, 0x76, 20, 10, 17 | 5 << 5, 4, 26))


def test_a_number_that_is_not_there_is_invalid() -> None:
    assert float_element(None) == bytes((0, 0, 0, 0, 0x80))
    assert float_element(float("nan")) == bytes((0, 0, 0, 0, 0x80))
    assert float_element(2.5) == bytes((0, 0, 0x20, 0x40, 0))


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "68 04 07",
        "68 05 07 00 00 00",
        "67 04 07 00 00 00",
        "68 04 0f 00 00 00",
        "68 0d 00 00 00 00 64 01 06 00 07 00 00 00 00",
        "68 08 00 00 00 00 64 01 06 00",
    ],
)
def test_octets_that_are_no_frame_are_refused(octets: str) -> None:
    with pytest.raises(FrameError):
        read_frame(bytes.fromhex(octets))


@given(octets=st.binary(max_size=40))
def test_no_octets_do_more_than_be_refused(octets: bytes) -> None:
    try:
        frame = read_frame(octets)
    except FrameError:
        return
    assert read_frame(frame.coded()).kind == frame.kind


# -- the station -----------------------------------------------------------------------------------


class Master:
    """A dispatch centre that counts as it should."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        self.sent, self.received = 0, 0

    def control(self, control: U) -> None:
        self.writer.write(Frame("U", control=control).coded())

    def ask(self, type_: int, object_: int, body: bytes, **changes: Any) -> None:
        told = {"cause": Cause.ACTIVATION, "address": 7} | changes
        asdu = Asdu(type_, told["cause"], told["address"], object_, body)
        self.writer.write(Frame("I", self.sent, self.received, asdu=asdu).coded())
        self.sent += 1

    async def frame(self) -> Frame:
        """Return the next frame; a station that says nothing fails the test."""
        async with asyncio.timeout(5.0):
            head = await self._reader.readexactly(2)
            frame = read_frame(head + await self._reader.readexactly(head[1]))
        if frame.kind == "I":
            assert frame.sent == self.received, "sent in order"
            self.received += 1
        return frame

    async def told(self) -> tuple[int, int, bool]:
        """Return (type, cause, whether negative) of the next that carries something."""
        while True:
            frame = await self.frame()
            if frame.asdu is not None:
                return frame.asdu.type, frame.asdu.cause, frame.asdu.negative

    async def ended(self) -> bool:
        """Return whether the station hangs up."""
        async with asyncio.timeout(5.0):
            while await self._reader.read(4096):
                pass
        return True


def line(**changes: Any) -> CallerLine:
    told: dict[str, Any] = {
        "name": "centre", "protocol": "iec104", "asset": "tie", "host": LOOPBACK, "unit_id": 7,
        "segment": "dispatch",
    }  # fmt: skip
    return CallerLine.model_validate(told | changes)


@asynccontextmanager
async def connected(
    clock: Any = time.time, tls: ssl.SSLContext | None = None, trust: Any = None, **changes: Any
) -> AsyncIterator[tuple[iec104.Station, Master]]:
    """A station that has been shown a park, and a master that began to talk to it."""
    station = iec104.side(line(**changes), Wire(LOOPBACK, 0, tls=tls), clock)
    assert await station.hear(0.0) == Heard(whole=False, withdrawn=[], wanted=[], unfit=[])
    await station.show(STATUS)
    reader, writer = await asyncio.open_connection(LOOPBACK, station.port, ssl=trust)
    master = Master(reader, writer)
    try:
        master.control(U.START_ACT)
        assert (await master.frame()).control == U.START_CON
        yield station, master
    finally:
        writer.close()
        await station.close()


async def began(port: int, trust: ssl.SSLContext) -> bytes:
    """Return what a station answers to a centre that begins to talk."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port, ssl=trust)
    try:
        writer.write(Frame("U", control=U.START_ACT).coded())
        return await reader.readexactly(6)
    finally:
        writer.close()


def told(fate: Fate) -> Told:
    return Told(fate, Text("so", "如此"), {})


SET = Type.SET_POINT


def number(value: float, *, select: bool = False) -> bytes:
    import struct  # noqa: PLC0415 - an element by hand, not by our coder

    return struct.pack("<fB", value, 0x80 if select else 0)


def test_an_interrogation_brings_every_point_between_its_two_answers() -> None:
    async def live() -> None:
        async with connected() as (_, master):
            master.ask(Type.INTERROGATION, 0, bytes((20,)))
            answers = [(await master.frame()).asdu for _ in range(7)]
            said = [(a.type, a.cause, a.object, a.body) for a in answers if a is not None]
            assert said == [
                (100, 7, 0, b"\x14"),
                (1, 20, 1, b"\0"),
                (1, 20, 2, b"\x01"),
                (13, 20, 16385, float_element(3.25)),
                (13, 20, 16386, float_element(None)),
                (13, 20, 16387, float_element(0.0)),
                (100, 10, 0, b"\x14"),
            ]

    run(live())


def test_what_changes_is_told_by_itself_with_its_time() -> None:
    async def live() -> None:
        async with connected() as (station, master):
            await station.show({**STATUS, "flows_mw": {"tie": 3.253}})
            await station.show({**STATUS, "flows_mw": {"tie": 2.5}, "at": STATUS["at"]})
            asdu = (await master.frame()).asdu
            assert asdu is not None
            assert (asdu.type, asdu.cause, asdu.object) == (36, 3, 16385)
            assert asdu.body == float_element(2.5) + time_element(1_776_420_000.0)
            await station.show({**STATUS, "flows_mw": {"tie": None}})
            asdu = (await master.frame()).asdu
            assert asdu is not None
            assert asdu.body[:5] == float_element(None)

    run(live())


def test_a_limit_is_selected_executed_and_confirmed_once_it_is_taken() -> None:
    async def live() -> None:
        async with connected() as (station, master):
            master.ask(SET, iec104.LIMIT, number(2.5, select=True))
            assert await master.told() == (SET, Cause.CONFIRMED, False)
            assert (await station.hear(5.0)) == Heard([], [], whole=False, withdrawn=[])
            master.ask(SET, iec104.LIMIT, number(2.5))
            await asyncio.sleep(0.05)
            heard = await station.hear(10.0)
            assert heard is not None
            assert heard.wanted == [Wanted("centre/25089", Form.LIMIT, 10.0, float("inf"), 2.5)]
            await station.tell(heard.wanted[0], told(Fate.TAKEN))
            assert await master.told() == (SET, Cause.CONFIRMED, False)
            assert await master.told() == (SET, Cause.TERMINATED, False)
            master.ask(Type.SINGLE_COMMAND, iec104.LET_GO, b"\x80")
            assert await master.told() == (45, Cause.CONFIRMED, False)
            master.ask(Type.SINGLE_COMMAND, iec104.LET_GO, b"\x00")
            assert await master.told() == (45, Cause.CONFIRMED, False)
            assert await master.told() == (45, Cause.TERMINATED, False)
            heard = await station.hear(20.0)
            assert heard == Heard([], [], whole=False, withdrawn=["centre/25089"])

    run(live())


def test_what_operate_declines_is_refused_to_the_centre() -> None:
    async def live() -> None:
        async with connected() as (station, master):
            master.ask(SET, iec104.LIMIT, number(99.0, select=True))
            await master.told()
            master.ask(SET, iec104.LIMIT, number(99.0))
            await asyncio.sleep(0.05)
            heard = await station.hear(10.0)
            assert heard is not None
            await station.tell(heard.wanted[0], told(Fate.DECLINED))
            assert await master.told() == (SET, Cause.CONFIRMED, True)

    run(live())


@pytest.mark.parametrize(
    ("type_", "object_", "body", "changes", "cause"),
    [
        (SET, iec104.LIMIT, number(2.5), {}, Cause.CONFIRMED),
        (SET, iec104.LIMIT, number(-0.1, select=True), {}, Cause.CONFIRMED),
        (SET, iec104.LIMIT, number(float("nan"), select=True), {}, Cause.CONFIRMED),
        (SET, iec104.LIMIT, number(float("inf"), select=True), {}, Cause.CONFIRMED),
        (SET, 4711, number(1.0, select=True), {}, Cause.OBJECT_UNKNOWN),
        (SET, iec104.LIMIT, number(1.0, select=True), {"address": 8}, Cause.ADDRESS_UNKNOWN),
        (SET, iec104.LIMIT, number(1.0, select=True), {"cause": 3}, Cause.CAUSE_UNKNOWN),
        (SET, iec104.LIMIT, number(1.0), {"cause": Cause.DEACTIVATION}, Cause.DEACTIVATED),
        (Type.SINGLE_COMMAND, iec104.LET_GO, b"\x81", {}, Cause.CONFIRMED),
        (Type.INTERROGATION, 0, bytes((21,)), {}, Cause.CONFIRMED),
        (Type.CLOCK, 0, time_element(0.0), {}, Cause.CONFIRMED),
        (63, iec104.LIMIT, bytes(12), {}, Cause.TYPE_UNKNOWN),
    ],
)
def test_what_must_not_be_done_is_refused_and_nothing_is_heard(
    type_: int, object_: int, body: bytes, changes: dict[str, Any], cause: Cause
) -> None:
    async def live() -> None:
        async with connected() as (station, master):
            master.ask(type_, object_, body, **changes)
            assert await master.told() == (type_, cause, True)
            heard = await station.hear(0.0)
            assert heard == Heard([], [], whole=False, withdrawn=[])

    run(live())


def test_a_selection_is_of_one_value_and_ends() -> None:
    async def live() -> None:
        clock = Hand()
        async with connected(clock) as (_, master):
            master.ask(SET, iec104.LIMIT, number(2.5, select=True))
            await master.told()
            master.ask(SET, iec104.LIMIT, number(3.5))
            assert await master.told() == (SET, Cause.CONFIRMED, True)
            master.ask(SET, iec104.LIMIT, number(2.5, select=True))
            await master.told()
            clock.now += 31.0
            master.ask(SET, iec104.LIMIT, number(2.5))
            assert await master.told() == (SET, Cause.CONFIRMED, True)

    run(live())


def test_an_execution_that_nobody_took_in_time_is_refused_and_forgotten() -> None:
    async def live() -> None:
        clock = Hand()
        async with connected(clock) as (station, master):
            for wait, heard in ((10.0, 1), (10.1, 0)):
                master.ask(SET, iec104.LIMIT, number(2.5, select=True))
                await master.told()
                master.ask(SET, iec104.LIMIT, number(2.5))
                await asyncio.sleep(0.05)
                clock.now += wait
                found = await station.hear(0.0)
                assert found is not None
                assert len(found.wanted) == heard
                for each in found.wanted:
                    await station.tell(each, told(Fate.TAKEN))
                    assert await master.told() == (SET, Cause.CONFIRMED, False)
                    assert await master.told() == (SET, Cause.TERMINATED, False)
            assert await master.told() == (SET, Cause.CONFIRMED, True)

    run(live())


def test_without_a_segment_or_a_known_centre_nothing_is_commanded() -> None:
    async def live() -> None:
        async with connected(segment=None) as (_, master):
            master.ask(SET, iec104.LIMIT, number(2.5, select=True))
            assert await master.told() == (SET, Cause.CONFIRMED, True)
            master.ask(Type.INTERROGATION, 0, bytes((20,)))
            assert await master.told() == (100, Cause.CONFIRMED, False)

    run(live())


def test_a_centre_with_a_certificate_may_command_and_one_without_gets_no_wire(
    tmp_path: Path,
) -> None:
    own, theirs = certify(tmp_path / "own"), certify(tmp_path / "theirs")

    async def live() -> None:
        tls = server_context(own, theirs.authority)
        trust = context(own.authority, theirs.certificate)
        told_of: dict[str, Any] = {"segment": None, "authority": "ca.pem"}
        async with connected(tls=tls, trust=trust, **told_of) as (station, master):
            master.ask(SET, iec104.LIMIT, number(2.5, select=True))
            assert await master.told() == (SET, Cause.CONFIRMED, False)
            stranger = context(own.authority)
            with pytest.raises((OSError, asyncio.IncompleteReadError)):
                await began(station.port, stranger)

    run(live())


def test_a_test_is_answered_and_a_stop_ends_what_is_told() -> None:
    async def live() -> None:
        async with connected() as (station, master):
            master.control(U.TEST_ACT)
            assert (await master.frame()).control == U.TEST_CON
            master.control(U.STOP_ACT)
            assert (await master.frame()).control == U.STOP_CON
            await station.show({**STATUS, "flows_mw": {"tie": 1.0}})
            master.ask(Type.INTERROGATION, 0, bytes((20,)))
            # Nothing may be asked on a line that is stopped (5.3).
            assert await master.ended()

    run(live())


def test_a_line_that_is_silent_is_tested_and_then_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(iec104, "_T3", 0.05)
    monkeypatch.setattr(iec104, "_T1", 0.05)

    async def live() -> None:
        async with connected() as (_, master):
            assert (await master.frame()).control == U.TEST_ACT
            assert await master.ended()

    run(live())


@pytest.mark.parametrize(
    "octets",
    [
        "67 04 07 00 00 00",
        "68 0e 02 00 00 00 64 01 06 00 07 00 00 00 00 14",  # a frame was lost before it
        "68 0e 00 00 0e 00 64 01 06 00 07 00 00 00 00 14",  # acknowledges what was never sent
        "68 04 01 00 0e 00",
    ],
)
def test_a_line_that_breaks_the_rules_is_closed(octets: str) -> None:
    async def live() -> None:
        async with connected() as (_, master):
            master.writer.write(bytes.fromhex(octets))
            assert await master.ended()

    run(live())


def test_no_more_than_twelve_frames_are_open() -> None:
    async def live() -> None:
        async with connected() as (_, master):
            for _ in range(3):
                master.ask(Type.INTERROGATION, 0, bytes((20,)))
            kinds = [(await master.frame()).kind for _ in range(12)]
            assert kinds == ["I"] * 12
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await master.frame()
            master.writer.write(Frame("S", received=12).coded())
            kinds = [(await master.frame()).kind for _ in range(9)]
            assert kinds == ["I"] * 9

    run(live())


def test_what_comes_is_acknowledged_at_every_look() -> None:
    async def live() -> None:
        async with connected() as (station, master):
            master.ask(SET, iec104.LIMIT, number(2.5, select=True))
            await master.told()
            master.ask(SET, iec104.LIMIT, number(2.5))
            await asyncio.sleep(0.05)
            await station.hear(0.0)
            assert await master.frame() == Frame("S", received=2)

    run(live())


def test_a_port_that_is_taken_and_a_centre_that_never_calls_are_sentences() -> None:
    async def live() -> None:
        first = iec104.side(line(), Wire(LOOPBACK, 0), Hand())
        await first.hear(0.0)
        said = first.health().said
        assert said is not None
        assert said.en.startswith("no dispatch centre has connected to 127.0.0.1:0")
        second = iec104.side(line(), Wire(LOOPBACK, first.port), Hand())
        assert await second.hear(0.0) is None
        said = second.health().said
        assert said is not None
        assert said.en.endswith("is taken by another program; name another port")
        await first.close()
        await second.close()

    run(live())
