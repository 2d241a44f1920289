"""The OPC UA driver against a server of the same library, in the clear and encrypted."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from asyncua import Server, ua
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.devices.served import LOOPBACK, Certified, certify, free_port, run
from zeropark.devices.catalogue import DeviceError
from zeropark.devices.certificates import why_not_believed
from zeropark.devices.contract import Driver, Outcome, Quality
from zeropark.devices.discover import discover
from zeropark.devices.protocols import opcua
from zeropark.devices.template import Template
from zeropark.devices.tls import context
from zeropark.devices.wire import Wire

NAMESPACE = "http://maker.example/battery"
SERVER, CLIENT = "urn:maker.example:server", "urn:zeropark:operate"
T = TypeVar("T")
TEMPLATE = Template.model_validate(
    {
        "brand": "Maker",
        "model": "Battery",
        "title": ("Battery", "电池"),
        "protocol": "opcua",
        "source": "by hand",
        "confirmed": True,
        "commands_open": True,
        "watchdog": {"point": "heartbeat", "seconds": 10},
        "tested_by": ("Look.", "看。"),
        "points": [
            {
                "name": "p",
                "means": ("power", "功率"),
                "address": f"nsu={NAMESPACE};s=p",
                "unit": "kW",
                "limits": (-100.0, 100.0),
                "write": True,
                "set_address": f"nsu={NAMESPACE};s=p_set",
                "along": {"on": 1.0},
                "release": {"on": 0.0},
                "safe": 0.0,
            },
            {
                "name": "soc",
                "means": ("state of charge", "荷电状态"),
                "address": f"nsu={NAMESPACE};s=soc",
                "unit": "%",
                "limits": (0.0, 100.0),
                "missing": (-1.0,),
            },
            {
                "name": "on",
                "means": ("enabled", "使能"),
                "address": f"nsu={NAMESPACE};s=on",
                "unit": "1",
            },
            {
                "name": "share",
                "means": ("share of the state of charge", "比例"),
                "address": f"nsu={NAMESPACE};s=share",
                "unit": "%",
                "of": "soc",
            },
            {
                "name": "heartbeat",
                "means": ("we live", "心跳"),
                "address": f"nsu={NAMESPACE};s=heartbeat",
                "unit": "1",
                "write": True,
                "standing_range": (0.0, 65535.0),
            },
            {
                "name": "locked",
                "means": ("cannot be written", "只读"),
                "address": f"nsu={NAMESPACE};s=locked",
                "unit": "1",
                "write": True,
                "standing_range": (0.0, 1.0),
            },
        ],
    }
)
_TYPES: Mapping[str, tuple[Any, ua.VariantType]] = {
    "p": (12.5, ua.VariantType.Float),
    "p_set": (0.0, ua.VariantType.Float),
    "soc": (55.0, ua.VariantType.Double),
    "on": (False, ua.VariantType.Boolean),
    "share": (50.0, ua.VariantType.Float),
    "heartbeat": (0, ua.VariantType.UInt16),
    "locked": (0, ua.VariantType.Int32),
}


@dataclass
class Held:
    """A server in a thread of its own; `do` runs something there and waits for it."""

    port: int
    own: Certified
    client: Certified
    loop: asyncio.AbstractEventLoop
    nodes: dict[str, Any]

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(20.0)

    def show(self, name: str, value: Any, status: int = ua.StatusCodes.Good) -> None:
        """Have a node show a value; with a time of an hour ago."""
        type_ = _TYPES[name][1]
        shown = ua.DataValue(
            ua.Variant(value, type_),
            ua.StatusCode(ua.UInt32(status)),
            ua.DateTime.now(dt.UTC) - dt.timedelta(hours=1),
        )
        self.do(self.nodes[name].write_value(shown))

    def shows(self, name: str) -> Any:
        """Return what a node shows."""
        return self.do(self.nodes[name].read_value())


def node_id(name: str, space: int) -> ua.NodeId:
    return ua.NodeId(ua.String(name), ua.Int16(space))


async def _serve(port: int, own: Certified, nodes: dict[str, Any]) -> Server:
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://{LOOPBACK}:{port}/")
    await server.set_application_uri(SERVER)
    server.set_security_policy(
        [ua.SecurityPolicyType.NoSecurity, ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
    )
    await server.load_certificate(str(own.certificate))
    await server.load_private_key(str(own.certificate))
    space = await server.register_namespace(NAMESPACE)
    battery = await server.nodes.objects.add_object(node_id("battery", space), "battery")
    for name, (value, type_) in _TYPES.items():
        node = await battery.add_variable(node_id(name, space), name, value, type_)
        if name != "locked":
            await node.set_writable()
        nodes[name] = node
    await server.start()
    return server


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    folder = tmp_path_factory.mktemp("opcua")
    own = certify(folder / "own", uri=SERVER)
    client = certify(folder / "client", uri=CLIENT)
    loop, port = asyncio.new_event_loop(), free_port()
    nodes: dict[str, Any] = {}
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    found = Held(port, own, client, loop, nodes)
    server = found.do(_serve(port, own, nodes))
    yield found
    found.do(server.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@asynccontextmanager
async def driver(held: Held, template: Template = TEMPLATE, **wire: Any) -> AsyncIterator[Driver]:
    told: dict[str, Any] = {"timeout": 5.0, "segment": "test", "port": held.port} | wire
    found: Driver = opcua.driver(template, Wire(host=LOOPBACK, **told), time.time)
    try:
        yield found
    finally:
        await found.close()


def secured(held: Held, **changes: Any) -> dict[str, Any]:
    """Return what a wire of a signed and encrypted channel needs."""
    told = {"authority": held.own.authority, "certificate": held.client.certificate} | changes
    return told | {"tls": context(told["authority"]), "client_certified": True, "segment": None}


def test_points_are_read_in_one_pass_with_the_devices_own_time(held: Held) -> None:
    held.show("p", 12.5)
    held.show("soc", 55.0)

    async def live() -> None:
        async with driver(held) as found:
            readout = await found.read()
            assert readout.good() == {
                "p": pytest.approx(0.0125),
                "soc": pytest.approx(0.55),
                "on": 0.0,
                "share": pytest.approx(0.275),
                "heartbeat": readout.good()["heartbeat"],
                "locked": 0.0,
            }
            assert readout.reading("p").at == pytest.approx(time.time() - 3600.0, abs=60.0)
            assert found.health().answering

    run(live())


@pytest.mark.parametrize(
    ("value", "status", "quality"),
    [
        (55.0, ua.StatusCodes.BadSensorFailure, Quality.MISSING),
        (55.0, ua.StatusCodes.UncertainLastUsableValue, Quality.SUSPECT),
        (-1.0, ua.StatusCodes.Good, Quality.MISSING),
        (101.0, ua.StatusCodes.Good, Quality.SUSPECT),
        (float("nan"), ua.StatusCodes.Good, Quality.MISSING),
    ],
)
def test_a_value_that_is_not_good_says_so(
    held: Held, value: float, status: int, quality: Quality
) -> None:
    held.show("soc", value, status)

    async def live() -> Quality:
        async with driver(held) as found:
            return (await found.read()).reading("soc").quality

    assert run(live()) is quality


def test_a_set_point_is_written_enabled_shown_and_let_go_of(held: Held) -> None:
    async def live() -> None:
        async with driver(held) as found:
            written = (await found.write({"p": -0.05}))["p"]
            assert written.outcome is Outcome.TAKEN
            assert written.held == pytest.approx(-0.05)
            assert (held.shows("p_set"), held.shows("on")) == (-50.0, True)
            assert await found.held() == {
                "p": pytest.approx(-0.05),
                "heartbeat": held.shows("heartbeat"),
                "locked": 0.0,
            }
            assert (await found.write({"p": None}))["p"].outcome is Outcome.SENT
            assert held.shows("on") is False
            assert "p" not in await found.held()
            assert (await found.write({"heartbeat": 7.0}))["heartbeat"].outcome is Outcome.TAKEN

    run(live())


def test_what_must_not_be_written_is_not(held: Held) -> None:
    async def live() -> None:
        async with driver(held) as found:
            written = await found.write(
                {"p": 0.2, "soc": 0.5, "locked": 1.0, "heartbeat": float("nan"), "no": 1.0}
            )
            assert {name: each.outcome for name, each in written.items()} == {
                "p": Outcome.OUT_OF_LIMITS,
                "soc": Outcome.NOT_WRITABLE,
                "locked": Outcome.REFUSED,
                "heartbeat": Outcome.NOT_A_NUMBER,
                "no": Outcome.POINT_UNKNOWN,
            }
        async with driver(held, segment=None) as found:
            assert (await found.write({"p": 0.05}))["p"].outcome is Outcome.NOT_ALLOWED
        async with driver(held, may_send=lambda seconds: seconds < 0.0) as found:
            assert (await found.write({"p": 0.05}))["p"].outcome is Outcome.NOT_LEADING

    run(live())


def test_a_signed_and_encrypted_channel_may_be_commanded_without_a_segment(held: Held) -> None:
    async def live() -> None:
        async with driver(held, **secured(held)) as found:
            assert (await found.write({"p": 0.01}))["p"].outcome is Outcome.TAKEN
            await found.read()
            left = (found.health().certificate_ends or 0.0) - time.time()
            assert 89 * 86_400 < left < 90 * 86_400

    run(live())


def said_of(held: Held, **wire: Any) -> str:
    async def live() -> str:
        async with driver(held, **wire) as found:
            readout = await found.read()
            assert set(readout.quality) == {Quality.NO_ANSWER}
            said = found.health().said
            assert said is not None
            assert said.zh
            return said.en

    return run(live())


def test_a_server_of_an_unknown_authority_is_not_believed(held: Held) -> None:
    said = said_of(held, **secured(held, authority=held.client.authority))
    assert said.startswith("the device's certificate is signed by nobody we trust")


def test_a_channel_that_needs_our_certificate_says_so(held: Held) -> None:
    said = said_of(held, **secured(held, certificate=None))
    assert said == "OPC UA with tls needs authority and certificate, ours with its key (RSA)"


def test_nobody_there_is_a_sentence_and_is_tried_again_later(held: Held) -> None:
    port = free_port()
    assert said_of(held, port=port) == f"no OPC UA at 127.0.0.1:{port}"


def test_a_device_of_another_kind_is_named(held: Held) -> None:
    def moved(old: str, new: str) -> Template:
        points = tuple(
            point.model_copy(
                update={"address": str(point.address).replace(old, new), "set_address": None}
            )
            for point in TEMPLATE.points
        )
        return TEMPLATE.model_copy(update={"points": points})

    said = said_of(held, template=moved(NAMESPACE, "http://other.example/"))
    assert said.startswith("the OPC UA server has no namespace http://other.example/; it has http:")
    said = said_of(held, template=moved(";s=", ";s=x"))
    assert said.startswith("the OPC UA server has none of the template's nodes")


@pytest.mark.parametrize("address", ["p", "ns=2", "ns=2;z=1", 7, "holding 40001"])
def test_an_address_that_is_no_node_is_a_sentence(address: int | str) -> None:
    point = TEMPLATE.by_name["soc"].model_copy(update={"address": address})
    wrong = TEMPLATE.model_copy(update={"points": (point,)})
    ((place, text),) = opcua.wrong_points(wrong)
    assert place == "points.0.address"
    assert text.en.startswith(f"'{address}' is no node id; write it as ns=2;s=Battery.P")
    assert not list(opcua.wrong_points(TEMPLATE))


@pytest.mark.parametrize(
    ("certified", "host", "said"),
    [
        ({}, LOOPBACK, None),
        ({"days": -1}, LOOPBACK, "the device's certificate has expired"),
        ({"name": "gw.example"}, LOOPBACK, "the device's certificate is for another name"),
        ({"name": "gw.example"}, "GW.example", None),
    ],
)
def test_a_certificate_outside_tls_is_held_to_the_same_rules(
    tmp_path: Path, certified: Any, host: str, said: str | None
) -> None:
    own = certify(tmp_path / "own", **certified)
    shown = x509.load_pem_x509_certificate(own.certificate.read_bytes()).public_bytes(Encoding.DER)
    found = why_not_believed(shown, own.authority, host, time.time())
    assert (found and found.en.startswith(str(said))) or (found is None and said is None)
    early = why_not_believed(shown, own.authority, host, time.time() - 200 * 86_400)
    assert early is not None
    assert early.en.startswith("the device's certificate is not valid yet")


def test_discovery_names_the_maker_and_the_templates_that_fit(
    held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZEROPARK_DEVICES", str(tmp_path))
    (tmp_path / "maker.yaml").write_text(
        "brand: Maker\nmodel: Battery\ntitle: {en: Battery, zh: 电池}\nprotocol: opcua\n"
        "kinds: [battery]\nsource: by hand\nwatchdog: none\ntested_by: {en: Look, zh: 看}\n"
        "points:\n- {name: p, means: {en: p, zh: p}, unit: kW,\n"
        f'   address: "nsu={NAMESPACE};s=p"}}\n',
        encoding="utf-8",
    )

    async def live() -> Any:
        return await discover("opcua", LOOPBACK, held.port, 1, 5.0)

    found = run(live())
    assert found.templates == ("maker",)
    assert NAMESPACE in found.models
    with pytest.raises(DeviceError, match=r"'opcuo' cannot ask a device what it is\. Did you mean"):
        run(discover("opcuo", LOOPBACK, held.port, 1, 5.0))
    with pytest.raises(DeviceError, match="no OPC UA at"):
        run(discover("opcua", LOOPBACK, free_port(), 1, 1.0))
