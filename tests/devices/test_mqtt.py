"""The MQTT driver against a broker of another code base: amqtt, in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from amqtt.broker import Broker

from tests.devices.served import LOOPBACK, Hand, certify, driver_of, free_port, run
from zeropark.devices.catalogue import read_template
from zeropark.devices.contract import Driver, Outcome, Quality
from zeropark.devices.protocols import mqtt
from zeropark.devices.template import Template
from zeropark.devices.tls import context, own_ends
from zeropark.model.mistakes import ParkError

STORE = Template.model_validate(
    {
        "brand": "Works",
        "model": "S1",
        "title": ("Store", "储能"),
        "protocol": "mqtt",
        "source": "by hand",
        "confirmed": True,
        "stamp": "state#t",
        "commands_open": True,
        "watchdog": "none",
        "tested_by": ("Look.", "看。"),
        "points": [
            {
                "name": "p",
                "means": ("power", "功率"),
                "address": "state#battery.p_kw",
                "unit": "kW",
                "sign": -1,
                "limits": (-500.0, 500.0),
                "write": True,
                "set_address": "set#p_kw",
                "release": {"p": "nan"},
                "standing_range": (0.0, 0.0),
            },
            {
                "name": "soc",
                "means": ("charge", "荷电"),
                "address": "soc",
                "unit": "%",
                "limits": (0.0, 100.0),
            },
        ],
    }
)


@asynccontextmanager
async def broker(pem: Path | None = None, port: int | None = None) -> AsyncIterator[int]:
    """Run a broker that lets anybody in, in TLS with a certificate and its key; yield its port."""
    port = port or free_port()
    tls = {} if pem is None else {"ssl": True, "certfile": str(pem), "keyfile": str(pem)}
    config: dict[str, Any] = {
        "listeners": {"default": {"type": "tcp", "bind": f"{LOOPBACK}:{port}", **tls}},
        "plugins": {
            "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
        },
    }
    found = Broker(config)
    await found.start()
    try:
        yield port
    finally:
        await found.shutdown()


@asynccontextmanager
async def at_broker() -> AsyncIterator[tuple[Driver, aiomqtt.Client, Hand]]:
    async with broker() as port:
        clock = Hand()
        driver = driver_of(STORE, port, clock, topic="site/bat", timeout=1.0)
        async with aiomqtt.Client(LOOPBACK, port) as device:
            try:
                yield driver, device, clock
            finally:
                await driver.close()


async def say(device: aiomqtt.Client, topic: str, said: object) -> None:
    await device.publish(f"site/bat/{topic}", json.dumps(said), qos=1, retain=True)


def test_what_a_device_published_is_read_with_its_own_time() -> None:
    async def live() -> None:
        async with at_broker() as (driver, device, _):
            await say(device, "state", {"t": 1_700_000_100, "battery": {"p_kw": -250}})
            await say(device, "soc", 55.5)
            readout = await driver.read()
            while len(readout.good()) < 2:
                await asyncio.sleep(0)
                readout = await driver.read()
            assert readout.reading("p") == (0.25, Quality.GOOD, 1_700_000_100.0)
            assert readout.reading("soc").value == pytest.approx(0.555)
            assert driver.health().answering

    run(live())


@pytest.mark.parametrize(
    ("said", "value", "quality"),
    [
        (100.0, 1.0, Quality.GOOD),
        (100.1, 1.001, Quality.SUSPECT),
        (None, None, Quality.MISSING),
        ("high", None, Quality.MISSING),
        ({"soc": 5}, None, Quality.MISSING),
        (float("nan"), None, Quality.MISSING),
    ],
)
def test_what_is_no_number_is_missing(said: object, value: float | None, quality: Quality) -> None:
    async def live() -> None:
        async with at_broker() as (driver, device, _):
            await say(device, "soc", said)
            reading = (await driver.read()).reading("soc")
            assert reading.value == (None if value is None else pytest.approx(value))
            assert reading.quality == quality

    run(live())


def test_a_set_point_reaches_the_device_and_is_never_kept_by_the_broker() -> None:
    async def live() -> None:
        async with at_broker() as (driver, device, _):
            await device.subscribe("site/bat/set", qos=1)
            asked = {"p": 0.1}
            assert (await driver.write(asked))["p"].outcome is Outcome.SENT
            assert (await driver.write({"p": None}))["p"].outcome is Outcome.SENT
            heard = []
            async for message in device.messages:
                heard.append((json.loads(message.payload), message.retain))
                if len(heard) == 2:
                    break
            # The device counts charging as +.
            assert heard == [({"p_kw": -100.0}, False), ({"p_kw": None}, False)]

    run(live())


@pytest.mark.parametrize(
    ("name", "value", "outcome"),
    [
        ("p", 0.5, Outcome.SENT),
        ("p", 0.501, Outcome.OUT_OF_LIMITS),
        ("p", float("nan"), Outcome.NOT_A_NUMBER),
        ("soc", 0.5, Outcome.NOT_WRITABLE),
        ("q", 0.5, Outcome.POINT_UNKNOWN),
    ],
)
def test_both_edges_of_a_set_point(name: str, value: float, outcome: Outcome) -> None:
    async def live() -> None:
        async with at_broker() as (driver, _, _):
            assert (await driver.write({name: value}))[name].outcome is outcome

    run(live())


def test_a_device_that_says_nothing_is_silent_and_the_broker_is_not_blamed() -> None:
    async def live() -> None:
        async with at_broker() as (driver, _, _):
            assert (await driver.read()).reading("soc").quality == Quality.NO_ANSWER
            said = driver.health().said
            assert said is not None
            assert said.en == "the broker answers, the device has said nothing below site/bat"

    run(live())


def test_no_broker_is_a_sentence_and_a_set_point_is_not_sent() -> None:
    async def live() -> None:
        driver = driver_of(STORE, free_port(), Hand(), topic="site/bat")
        assert (await driver.read()).reading("p").quality == Quality.NO_ANSWER
        said = driver.health().said
        assert said is not None
        assert said.en.startswith("no broker at 127.0.0.1:")
        assert (await driver.write({"p": 0.0}))["p"].outcome is Outcome.NO_ANSWER
        await driver.close()

    run(live())


def test_a_wrong_topic_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROPARK_DEVICES", str(tmp_path))
    (tmp_path / "mine.yaml").write_text(
        "brand: W\nmodel: S\ntitle: {en: a, zh: b}\nprotocol: mqtt\nsource: x\nwatchdog: none\n"
        "tested_by: {en: a, zh: b}\npoints:\n"
        "  - {name: p, means: {en: a, zh: b}, address: '#soc', unit: kW}\n",
        encoding="utf-8",
    )
    with pytest.raises(ParkError, match="points\\[0\\] 'p' address: '#soc' is no topic"):
        read_template("mine")
    assert not list(mqtt.wrong_points(STORE))


class TestTls:
    @pytest.mark.parametrize(
        ("name", "days", "trusted", "said"),
        [
            (LOOPBACK, 90, "ours", None),
            (LOOPBACK, -1, "ours", "the device's certificate has expired; have it renewed"),
            (
                "192.0.2.1",
                90,
                "ours",
                "the device's certificate is for another name than 127.0.0.1",
            ),
            (LOOPBACK, 90, "others", "the device's certificate is signed by nobody we trust"),
        ],
    )
    def test_a_broker_is_believed_by_its_certificate(
        self, tmp_path: Path, name: str, days: int, trusted: str, said: str | None
    ) -> None:
        own = certify(tmp_path / "ours", name=name, days=days)
        certify(tmp_path / "others")

        async def live() -> None:
            async with broker(own.certificate) as port:
                tls = context(tmp_path / trusted / "ca.pem")
                driver = driver_of(STORE, port, Hand(), topic="site/bat", timeout=1.0, tls=tls)
                outcome = (await driver.write({"p": 0.1}))["p"].outcome
                health = driver.health()
                await driver.close()
                if said is None:
                    assert outcome is Outcome.SENT
                    assert health.certificate_ends == own_ends(own.certificate)
                else:
                    assert outcome is Outcome.NO_ANSWER
                    assert health.said is not None
                    assert health.said.en.startswith(said)

        run(live())
