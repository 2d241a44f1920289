"""The MMS driver (a stack in Rust) against a server of another code base (in Python)."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from iec61850._native import IedServer
from open61850.server import IedModel, MmsServer

from tests.devices.served import LOOPBACK, Certified, certify, free_port, run
from zeropark.devices.contract import Driver, Outcome, Quality
from zeropark.devices.protocols import iec61850
from zeropark.devices.template import Template
from zeropark.devices.tls import context
from zeropark.devices.wire import Wire

SCL = Path(__file__).with_name("ied.cid")
LD = "IED1LD0"
TEMPLATE = Template.model_validate(
    {
        "brand": "Maker",
        "model": "DER unit",
        "title": ("DER", "分布式电源"),
        "protocol": "iec61850",
        "source": "by hand",
        "confirmed": True,
        "commands_open": True,
        "watchdog": "none",
        "tested_by": ("Look.", "看。"),
        "points": [
            {
                "name": "p",
                "means": ("power", "功率"),
                "address": f"{LD}/MMXU1.TotW.mag.f[MX]",
                "unit": "W",
                "limits": (-1e6, 1e6),
            },
            {
                "name": "state",
                "means": ("behaviour", "行为"),
                "address": f"{LD}/MMXU1.Beh.stVal[ST]",
                "unit": "1",
                "missing": (-1.0,),
            },
            {
                "name": "limit",
                "means": ("limit", "限值"),
                "address": f"{LD}/DWMX1.WLim.setMag.f[SP]",
                "unit": "W",
                "limits": (0.0, 1e6),
                "write": True,
                "release": {"limit": 1e6},
                "standing_range": (0.0, 1e6),
            },
            {
                "name": "on",
                "means": ("the limit counts", "限值生效"),
                "address": f"{LD}/DWMX1.WLimEna.stVal[ST]",
                "set_address": f"{LD}/DWMX1.WLimEna[CO]",
                "unit": "1",
                "write": True,
                "standing_range": (0.0, 1.0),
            },
            {
                "name": "dead",
                "means": ("cannot be operated", "不可操作"),
                "address": f"{LD}/DWMX1.WLim.setMag.f[SP]",
                "set_address": f"{LD}/DWMX1.Beh[CO]",
                "unit": "W",
                "write": True,
                "standing_range": (0.0, 1e6),
            },
        ],
    }
)


@pytest.fixture
def served() -> Iterator[tuple[MmsServer, Any]]:
    model = IedModel.from_scl(SCL)
    with MmsServer(model, host=LOOPBACK, port=0) as server:
        server.start()
        yield server, model


@asynccontextmanager
async def driver(port: int, template: Template = TEMPLATE, **wire: Any) -> AsyncIterator[Driver]:
    told: dict[str, Any] = {"timeout": 5.0, "segment": "test"} | wire
    found: Driver = iec61850.driver(template, Wire(LOOPBACK, port, **told), time.time)
    try:
        yield found
    finally:
        await found.close()


def test_points_are_read_in_one_pass_with_the_devices_own_time(served: Any) -> None:
    server, model = served
    model.set(f"{LD}/MMXU1.TotW.mag.f[MX]", 12_500.0)
    model.set(f"{LD}/MMXU1.TotW.t[MX]", dt.datetime.fromtimestamp(1_700_000_000.5, dt.UTC))

    async def live() -> None:
        async with driver(server.port) as found:
            readout = await found.read()
            assert readout.good() == {
                "p": pytest.approx(0.0125),
                "state": 0.0,
                "limit": 0.0,
                "on": 0.0,
                "dead": 0.0,
            }
            assert readout.reading("p").at == pytest.approx(1_700_000_000.5, abs=1e-3)
            assert readout.reading("state").at == pytest.approx(time.time(), abs=60.0)
            assert found.health().answering

    run(live())


@pytest.mark.parametrize(
    ("validity", "value", "quality"),
    [
        # The first two of 13 bits (61850-7-3): good, invalid, questionable; then a bad reference.
        (0b00 << 11, 1.0, Quality.GOOD),
        (0b01 << 11, 1.0, Quality.MISSING),
        (0b11 << 11 | 0b1 << 7, 1.0, Quality.SUSPECT),
        (0b00 << 11, 2e6, Quality.SUSPECT),
        (0b00 << 11, float("nan"), Quality.MISSING),
    ],
)
def test_a_value_that_is_not_good_says_so(
    served: Any, validity: int, value: float, quality: Quality
) -> None:
    server, model = served
    model.set(f"{LD}/MMXU1.TotW.mag.f[MX]", value)
    model.set(f"{LD}/MMXU1.TotW.q[MX]", validity)

    async def live() -> Quality:
        async with driver(server.port) as found:
            return (await found.read()).reading("p").quality

    assert run(live()) is quality


def test_a_setting_is_written_shown_and_let_go_of(served: Any) -> None:
    server, model = served

    async def live() -> None:
        async with driver(server.port) as found:
            written = (await found.write({"limit": 0.25}))["limit"]
            assert written.outcome is Outcome.TAKEN
            assert written.held == pytest.approx(0.25)
            assert model.get(f"{LD}/DWMX1.WLim.setMag.f[SP]").value == 250_000.0
            assert await found.held() == {"limit": pytest.approx(0.25)}
            assert (await found.write({"limit": None}))["limit"].outcome is Outcome.SENT
            assert model.get(f"{LD}/DWMX1.WLim.setMag.f[SP]").value == 1e6

    run(live())


def test_a_control_object_is_operated_and_a_refusal_is_one(served: Any) -> None:
    server, model = served

    async def live() -> None:
        async with driver(server.port) as found:
            written = await found.write({"on": 1.0, "dead": 0.1})
            assert {name: each.outcome for name, each in written.items()} == {
                "on": Outcome.SENT,
                "dead": Outcome.REFUSED,
            }
            assert (await found.read()).reading("on").value == 1.0
            server.controls.set_handler(f"{LD}/DWMX1.WLimEna", lambda _: 10)
            assert (await found.write({"on": 0.0}))["on"].outcome is Outcome.REFUSED

    run(live())
    assert model.get(f"{LD}/DWMX1.WLimEna.stVal[ST]").value is True


def test_what_must_not_be_written_is_not(served: Any) -> None:
    server, _ = served

    async def live() -> None:
        async with driver(server.port) as found:
            written = await found.write(
                {"p": 0.2, "limit": 2.0, "on": float("nan"), "no": 1.0, "dead": None}
            )
            assert {name: each.outcome for name, each in written.items()} == {
                "p": Outcome.NOT_WRITABLE,
                "limit": Outcome.OUT_OF_LIMITS,
                "on": Outcome.NOT_A_NUMBER,
                "no": Outcome.POINT_UNKNOWN,
                "dead": Outcome.NOT_A_NUMBER,
            }
        async with driver(server.port, segment=None) as found:
            assert (await found.write({"limit": 0.1}))["limit"].outcome is Outcome.NOT_ALLOWED
        async with driver(server.port, may_send=lambda seconds: seconds < 0.0) as found:
            assert (await found.write({"limit": 0.1}))["limit"].outcome is Outcome.NOT_LEADING

    run(live())


def said_of(port: int, template: Template = TEMPLATE, **wire: Any) -> str:
    async def live() -> str:
        async with driver(port, template, **wire) as found:
            assert set((await found.read()).quality) == {Quality.NO_ANSWER}
            said = found.health().said
            assert said is not None
            assert said.zh
            return said.en

    return run(live())


def test_nobody_there_and_another_device_are_sentences(served: Any) -> None:
    server, _ = served
    port = free_port()
    assert said_of(port) == f"no IEC 61850 at 127.0.0.1:{port}"
    points = tuple(
        point.model_copy(update={"address": str(point.address).replace(LD, "OTHERLD0")})
        for point in TEMPLATE.points
    )
    said = said_of(server.port, TEMPLATE.model_copy(update={"points": points}))
    assert said.startswith("the device has none of the template's references")


def test_a_device_that_comes_back_is_read_again() -> None:
    port, clock = free_port(), [1_700_000_000.0]

    async def live() -> None:
        found = iec61850.driver(TEMPLATE, Wire(LOOPBACK, port, timeout=5.0), lambda: clock[0])
        for _ in range(2):
            with MmsServer(IedModel.from_scl(SCL), host=LOOPBACK, port=port) as server:
                server.start()
                assert (await found.read()).reading("p").quality is Quality.GOOD
            assert (await found.read()).reading("p").quality is Quality.NO_ANSWER
            clock[0] += 61.0
        await found.close()

    run(live())


@pytest.mark.parametrize(
    "address", ["MMXU1.TotW", 7, "IED1LD0/MMXU1[MX]", "IED1LD0/MMXU1.TotW.mag.f", "A/B.C[XX]"]
)
def test_an_address_that_is_no_reference_is_a_sentence(address: int | str) -> None:
    point = TEMPLATE.by_name["p"].model_copy(update={"address": address})
    ((place, text),) = iec61850.wrong_points(TEMPLATE.model_copy(update={"points": (point,)}))
    assert place == "points.0.address"
    assert text.en.startswith(f"'{address}' is no reference; write it as IED1LD0/MMXU1.TotW.mag.f")
    assert not list(iec61850.wrong_points(TEMPLATE))


@asynccontextmanager
async def in_tls(own: Certified) -> AsyncIterator[int]:
    """Serve a device of our library's own server in TLS."""
    server = IedServer.from_scl(SCL, ied_name="IED1")
    port = free_port()
    pem = own.certificate.read_bytes()
    server.with_tls(
        server_cert_pem=pem, server_key_pem=pem, client_ca_pem=own.authority.read_bytes()
    )
    server.bind(f"{LOOPBACK}:{port}")
    async with server:
        yield port


@pytest.mark.parametrize(
    ("certified", "stranger", "said"),
    [
        ({}, False, None),
        ({"days": -1}, False, "the device's certificate has expired"),
        ({"name": "other.example"}, False, "the device's certificate is for another name"),
        ({}, True, "the device's certificate is signed by nobody we trust"),
    ],
)
def test_a_device_in_tls_is_believed_by_its_certificate(
    tmp_path: Path, certified: Any, stranger: Any, said: str | None
) -> None:
    own = certify(tmp_path / "own", **certified)
    believed = certify(tmp_path / "stranger").authority if stranger else own.authority

    async def live() -> None:
        async with in_tls(own) as port:
            tls = context(believed)
            async with driver(port, tls=tls, authority=believed) as found:
                readout = await found.read()
                assert (readout.reading("p").quality is Quality.NO_ANSWER) is (said is not None)
                shown = found.health().said
                assert str(shown and shown.en).startswith(str(said))

    run(live())
