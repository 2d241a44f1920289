"""OPC UA binary over TCP, with asyncua (IEC 62541): a device's nodes are its points.

A point's address is a node id, such as `ns=2;s=Battery.P` or, where the number of a namespace may
change, `nsu=http://maker.example/;s=Battery.P`. With `tls: true` the channel is signed and
encrypted (Basic256Sha256); the server's certificate is held to `authority`, ours is `certificate`.
Values carry the device's own time where it stamps them.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from asyncua import Client, Node, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.uaerrors import UaError

from zeropark.devices.catalogue import DeviceError, read_template, template_files
from zeropark.devices.certificates import ends, uri_of, why_not_believed
from zeropark.devices.coding import within, worth_of_one
from zeropark.devices.contract import Health, Outcome, Quality, Readout, Written, nothing_read
from zeropark.devices.discover import FoundDevice
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.wire import Clock, Pace, Wire, soonest, why_only_read
from zeropark.units.text import Text

# What a server does wrong shows as outcome and health; the library need not say it as well.
logging.getLogger("asyncua").addHandler(logging.NullHandler())
logging.getLogger("asyncua").propagate = False
LISTENS = False
PORT, TLS_PORT = 4840, 4840
_WRONG_ADDRESS = Text(
    "'{given}' is no node id; write it as ns=2;s=Battery.P, ns=2;i=1001 or nsu=URI;s=Battery.P",
    "“{given}”不是节点号；写作 ns=2;s=Battery.P、ns=2;i=1001 或 nsu=URI;s=Battery.P",
)
_NOBODY = Text("no OPC UA at {host}:{port}", "{host}:{port} 没有 OPC UA 应答")
_REFUSED = Text("the OPC UA server refuses us ({said})", "OPC UA 服务器拒绝连接（{said}）")
_NO_ENDPOINT = Text(
    "the OPC UA server offers no {policy} with signing and encryption; switch it on there",
    "OPC UA 服务器不提供带签名加密的 {policy}；请在服务器上启用",
)
_NO_CERTIFICATE = Text(
    "OPC UA with tls needs authority and certificate, ours with its key (RSA)",
    "OPC UA 启用 tls 需要 authority 与 certificate（我方证书及其 RSA 私钥）",
)
_NO_NAMESPACE = Text(
    "the OPC UA server has no namespace {given}; it has {there}",
    "OPC UA 服务器没有命名空间 {given}；现有 {there}",
)
_NO_NODES = Text(
    "the OPC UA server has none of the template's nodes; name the template of this device",
    "OPC UA 服务器没有模板中的任何节点；请改用该设备的模板",
)
_POLICY = "Basic256Sha256"
_ABSENT = (ua.StatusCodes.BadNodeIdUnknown, ua.StatusCodes.BadNodeIdInvalid)
_LOST = (OSError, TimeoutError, asyncio.TimeoutError, ConnectionError)


class _NotDeviceError(Exception):
    """What answers is not what the template says, or not whom we believe; `said` is why."""

    def __init__(self, said: Text) -> None:
        super().__init__(said.en)
        self.said = said


def wrong_points(template: Template) -> Iterable[tuple[str, Text]]:
    """Yield (place, sentence) of each address that is no node id."""
    for index, point in enumerate(template.points):
        for field, address in (("address", point.address), ("set_address", point.set_address)):
            if address is not None and _split(address) is None:
                yield f"points.{index}.{field}", _WRONG_ADDRESS.format(given=address)


def _split(address: int | str) -> tuple[str | None, ua.NodeId] | None:
    """Return (namespace URI where one is named, node id); None where it is no node id."""
    text, uri = str(address), None
    if text.startswith("nsu="):
        named, _, text = text[len("nsu=") :].partition(";")
        uri, text = named, f"ns=0;{text}"
    elif not text.startswith("ns="):
        return None
    try:
        return uri, ua.NodeId.from_string(text)
    except (UaError, ValueError):
        return None


@dataclass
class _Open:
    """An open session. nodes: where each point is read; sets: where it is written; by name."""

    client: Client
    nodes: dict[str, Node]
    sets: dict[str, Node]
    types: dict[str, ua.VariantType]


class OpcUaDriver:
    """A device behind an OPC UA server."""

    def __init__(self, template: Template, wire: Wire, clock: Clock) -> None:
        self.template = template
        self._wire = wire
        self._clock = clock
        self._pace = Pace(clock)
        self._points = [point for point in template.points if point.reads]
        self.names = tuple(point.name for point in self._points)
        self._session: _Open | None = None
        self._raw: dict[str, float] = {}

    # -- the contract ---------------------------------------------------------------------------

    async def read(self) -> Readout:
        """Return all points in one request."""
        if not self._pace.due:
            return nothing_read(self.names)
        try:
            session = await self._opened()
            nodes = [session.nodes[name] for name in self.names]
            async with asyncio.timeout(self._wire.timeout):
                shown = await session.client.read_attributes(nodes, ua.AttributeIds.Value)
        except _NotDeviceError as error:
            await self._lost(error.said)
            return nothing_read(self.names)
        except (*_LOST, UaError) as error:
            await self._lost(self._why(error))
            return nothing_read(self.names)
        if all(_code(each) in _ABSENT for each in shown):
            await self._lost(_NO_NODES)
            return nothing_read(self.names)
        self._pace.answered()
        return self._readout(shown)

    async def write(self, setpoints: Mapping[str, float | None]) -> dict[str, Written]:
        """Write set-points and read back those the device shows."""
        found: dict[str, Written] = {}
        for name, value in setpoints.items():
            refused = self._why_not(name, value)
            if refused is not None:
                found[name] = Written(refused)
                continue
            try:
                found[name] = await self._write_one(await self._opened(), name, value)
            except _NotDeviceError as error:
                await self._lost(error.said)
                found[name] = Written(Outcome.NO_ANSWER)
            except (*_LOST, UaError) as error:
                await self._lost(self._why(error))
                found[name] = Written(Outcome.NO_ANSWER)
        return found

    async def held(self) -> dict[str, float]:
        """Return the set-points that the device holds and that count."""
        found: dict[str, float] = {}
        try:
            session = await self._opened()
            for name in session.sets:
                point = self.template.by_name[name]
                beside = [(session.nodes[n], raw) for n, raw in point.along.items()]
                counts = [await self._shown(node) == raw for node, raw in beside]
                shown = await self._shown(session.sets[name]) if all(counts) else None
                if point.shows_set and point.of is None and shown is not None:
                    found[name] = shown * worth_of_one(point)
        except _NotDeviceError as error:
            await self._lost(error.said)
        except (*_LOST, UaError) as error:
            await self._lost(self._why(error))
        return found

    def health(self) -> Health:
        """Return how the driver stands with its device."""
        return self._pace.health()

    async def close(self) -> None:
        """End the session."""
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(*_LOST, UaError):
                async with asyncio.timeout(self._wire.timeout):
                    await session.client.disconnect()

    # -- the wire -------------------------------------------------------------------------------

    async def _opened(self) -> _Open:
        if self._session is None:
            wire = self._wire
            client = Client(f"opc.tcp://{wire.host}:{wire.port}/", timeout=wire.timeout)
            async with asyncio.timeout(4.0 * wire.timeout):
                if wire.tls is not None:
                    await self._secure(client)
                if wire.user is not None:
                    client.set_user(wire.user)
                    client.set_password(wire.password or "")
                await client.connect(auto_reconnect=False)
                try:
                    self._session = await self._find(client)
                except BaseException:
                    await client.disconnect()
                    raise
        return self._session

    async def _secure(self, client: Client) -> None:
        """Sign and encrypt, to a server that is believed only."""
        wire = self._wire
        if wire.authority is None or wire.certificate is None:
            raise _NotDeviceError(_NO_CERTIFICATE)
        offered = await client.connect_and_get_server_endpoints()
        secure = [
            each
            for each in offered
            if each.SecurityPolicyUri == SecurityPolicyBasic256Sha256.URI
            and each.SecurityMode is ua.MessageSecurityMode.SignAndEncrypt
        ]
        if not secure:
            raise _NotDeviceError(_NO_ENDPOINT.format(policy=_POLICY))
        shown = bytes(secure[0].ServerCertificate)
        why = why_not_believed(shown, wire.authority, wire.host, self._clock())
        if why is not None:
            raise _NotDeviceError(why)
        self._pace.certificate_ends = soonest(ends(shown), wire)
        uri = uri_of(wire.certificate)
        if uri is not None:
            client.application_uri = uri
        own = str(wire.certificate)
        await client.set_security(SecurityPolicyBasic256Sha256, own, own, server_certificate=shown)

    async def _find(self, client: Client) -> _Open:
        """Return the nodes of the template's points, namespaces found by their names."""
        there = await client.get_namespace_array()

        nodes = {point.name: _node(client, there, point.address) for point in self.template.points}
        sets = {
            point.name: _node(client, there, point.set_address or point.address)
            for point in self.template.points
            if point.write
        }
        return _Open(client, nodes, sets, {})

    async def _lost(self, said: Text) -> None:
        self._pace.missed(said)
        await self.close()

    def _why(self, error: BaseException) -> Text:
        if isinstance(error, UaError):
            return _REFUSED.format(said=type(error).__name__)
        return _NOBODY.format(host=self._wire.host, port=self._wire.port)

    async def _shown(self, node: Node) -> float | None:
        """Return a node's number; None where it has none that is good."""
        async with asyncio.timeout(self._wire.timeout):
            shown = await node.read_data_value(raise_on_bad_status=False)
        return _number(shown)

    # -- numbers --------------------------------------------------------------------------------

    def _readout(self, shown: list[ua.DataValue]) -> Readout:
        count = len(self._points)
        values, at = np.full(count, np.nan), np.full(count, self._clock())
        quality = np.full(count, Quality.MISSING, dtype=np.uint8)
        self._raw = {
            point.name: number
            for point, each in zip(self._points, shown, strict=True)
            if (number := _number(each)) is not None and number not in point.missing
        }
        for index, (point, each) in enumerate(zip(self._points, shown, strict=True)):
            if each.SourceTimestamp is not None:
                at[index] = _posix(each)
            value = self._value(point)
            if value is None:
                continue
            values[index] = value
            doubted = _is_uncertain(each) or not (point.of is not None or within(point, value))
            quality[index] = Quality.SUSPECT if doubted else Quality.GOOD
        return Readout(self.names, values, quality, at)

    def _value(self, point: PointTemplate) -> float | None:
        raw = self._raw.get(point.name)
        if raw is None:
            return None
        value = raw * worth_of_one(point)
        if point.of is None:
            return value
        whole = self._raw.get(point.of)
        return (
            None if whole is None else value * whole * worth_of_one(self.template.by_name[point.of])
        )

    # -- writing --------------------------------------------------------------------------------

    def _why_not(self, name: str, value: float | None) -> Outcome | None:
        point = self.template.by_name.get(name)
        if point is None:
            return Outcome.POINT_UNKNOWN
        if not point.write or point.of is not None:
            return Outcome.NOT_WRITABLE
        if why_only_read(self.template, self._wire) is not None:
            return Outcome.NOT_ALLOWED
        if value is None:
            return None if point.release else Outcome.NOT_A_NUMBER
        if not math.isfinite(value):
            return Outcome.NOT_A_NUMBER
        return None if within(point, value) else Outcome.OUT_OF_LIMITS

    async def _write_one(self, session: _Open, name: str, value: float | None) -> Written:
        point = self.template.by_name[name]
        if value is None:
            for other, raw in point.release.items():
                outcome = await self._send(session, other, float(raw))
                if outcome is not None:
                    return Written(outcome)
            return Written(Outcome.SENT)
        raw = value / worth_of_one(point)
        for other, number in ((name, raw), *point.along.items()):
            outcome = await self._send(session, other, number)
            if outcome is not None:
                return Written(outcome)
        if not point.shows_set:
            return Written(Outcome.SENT)
        shown = await self._shown(session.sets[name])
        if shown is None:
            return Written(Outcome.NOT_HELD)
        # An integer node rounds, a float one keeps seven digits.
        close = math.isclose(shown, raw, rel_tol=1e-6, abs_tol=0.5 if shown.is_integer() else 1e-9)
        outcome = Outcome.TAKEN if close else Outcome.NOT_HELD
        return Written(outcome, shown * worth_of_one(point))

    async def _send(self, session: _Open, name: str, raw: float) -> Outcome | None:
        """Write a raw number in the node's own type; return why it was not taken, if so."""
        node = session.sets.get(name, session.nodes[name])
        if not self._wire.may_send(self._wire.timeout):
            return Outcome.NOT_LEADING
        async with asyncio.timeout(self._wire.timeout):
            if name not in session.types:
                session.types[name] = await node.read_data_type_as_variant_type()
            type_ = session.types[name]
            number = raw if type_ in _FLOATS else bool(raw) if type_ is _BOOLEAN else round(raw)
            told = ua.DataValue(ua.Variant(number, type_))
            results = await session.client.uaclient.write_attributes(
                [node.nodeid], [told], ua.AttributeIds.Value
            )
        return None if results[0].is_good() else Outcome.REFUSED


_FLOATS = (ua.VariantType.Float, ua.VariantType.Double)
_BOOLEAN = ua.VariantType.Boolean
_UTC = dt.UTC


def _code(shown: ua.DataValue) -> int:
    status = shown.StatusCode
    return 0 if status is None else int(status.value)


def _is_uncertain(shown: ua.DataValue) -> bool:
    status = shown.StatusCode
    return status is not None and status.is_uncertain()


def _number(shown: ua.DataValue) -> float | None:
    """Return the number a value is; None where it is bad, none, or not finite."""
    status = shown.StatusCode
    said = None if shown.Value is None else shown.Value.Value
    if status is not None and status.is_bad():
        return None
    if not isinstance(said, int | float) or not math.isfinite(said):
        return None
    return float(said)


def _posix(shown: ua.DataValue) -> float:
    stamp = shown.SourceTimestamp
    assert stamp is not None, "asked only where it is stamped"
    return float(stamp.timestamp() if stamp.tzinfo else stamp.replace(tzinfo=_UTC).timestamp())


def _node(client: Client, there: list[str], address: int | str) -> Node:
    """Return a node at a server with these namespaces; raises `_NotDeviceError` without its own."""
    split = _split(address)
    assert split is not None, "a template with a wrong address is refused when it is read"
    uri, id_ = split
    if uri is not None:
        if uri not in there:
            raise _NotDeviceError(_NO_NAMESPACE.format(given=uri, there=", ".join(there)))
        id_ = ua.NodeId(id_.Identifier, ua.Int16(there.index(uri)), id_.NodeIdType)
    return client.get_node(id_)


def driver(template: Template, wire: Wire, clock: Clock) -> OpcUaDriver:
    """Return the driver of a device behind an OPC UA server."""
    return OpcUaDriver(template, wire, clock)


async def discover(host: str, port: int, unit_id: int, seconds: float) -> FoundDevice:
    """Return what an OPC UA server that lets anybody read says of itself.

    unit_id: nothing here. templates: those all of whose nodes it has, the one with most first.
    """
    del unit_id
    client = Client(f"opc.tcp://{host}:{port}/", timeout=seconds)
    try:
        async with asyncio.timeout(4.0 * seconds):
            await client.connect(auto_reconnect=False)
            try:
                return await _asked(client)
            finally:
                await client.disconnect()
    except (*_LOST, UaError):
        raise DeviceError(_NOBODY.format(host=host, port=port)) from None


async def _asked(client: Client) -> FoundDevice:
    about = [
        client.get_node(ua.NodeId(ua.Int32(number)))
        for number in (
            ua.ObjectIds.Server_ServerStatus_BuildInfo_ManufacturerName,
            ua.ObjectIds.Server_ServerStatus_BuildInfo_ProductName,
            ua.ObjectIds.Server_ServerStatus_BuildInfo_SoftwareVersion,
        )
    ]
    said = [str(each or "").strip() for each in await client.read_values(about)]
    there = await client.get_namespace_array()
    found: list[tuple[int, str]] = []
    for name in template_files():
        template = read_template(name)
        if template.protocol == "opcua" and await _has(client, template, there):
            found.append((-len(template.points), name))
    templates = tuple(name for _, name in sorted(found))
    return FoundDevice(said[0], said[1], said[2], tuple(there[2:]), templates)


async def _has(client: Client, template: Template, there: list[str]) -> bool:
    try:
        nodes = [_node(client, there, point.address) for point in template.points]
    except _NotDeviceError:
        return False
    shown = await client.read_attributes(nodes, ua.AttributeIds.Value)
    return all(_code(each) not in _ABSENT for each in shown)
