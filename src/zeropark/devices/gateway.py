"""A gateway: one Modbus connection that all devices behind one address share, each in its turn.

Many gateways take one connection and one request at a time. So a device that is silent costs the
others its one wait for each try, and its pauses grow; a gateway that is silent is tried by one
device for all, and the others hear at once that it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pymodbus.client import AsyncModbusTcpClient, AsyncModbusTlsClient
from pymodbus.exceptions import ModbusException

from zeropark.devices.shared import Shared
from zeropark.devices.tls import certificate_ends, why_no_handshake
from zeropark.devices.wire import Clock, Pace, Wire, soonest
from zeropark.units.text import Text

if TYPE_CHECKING:
    from pymodbus.pdu import ModbusPDU

Client = AsyncModbusTcpClient
# After so many requests without an answer in between, whoever asked, the wire is opened anew; after
# so many, the gateway itself is silent.
_ANEW, _SILENT_AFTER = 2, 3
# A set-point waits for no pause; but what was tried within so long [s] is not tried again by the
# next of many.
_JUST_NOW = 1.0
_NO_CONNECTION = Text("no connection to {host}:{port}", "无法连接 {host}:{port}")
_HANGS = Text(
    "{host}:{port} is connected, and none of its devices answers; look at the gateway",
    "{host}:{port} 已连接，但其下设备均无应答；请检查网关",
)


def _key(wire: Wire) -> tuple[str, int, bool]:
    return wire.host, wire.port, wire.tls is not None


class GatewayDownError(Exception):
    """There is no way to any device behind a gateway; `said` is why."""

    def __init__(self, said: Text) -> None:
        super().__init__(said.en)
        self.said = said


class Gateway(Shared):
    """One connection to an address, and who shares it.

    opened: how often the wire was opened; whoever answers after may be another device.
    """

    def __init__(self, wire: Wire, clock: Clock) -> None:
        super().__init__(_key(wire))
        self._wire = wire
        self._pace = Pace(clock)
        self._client: Client | None = None
        self._turn = asyncio.Lock()
        self._unanswered = 0
        self._tried = -_JUST_NOW
        self.opened = 0
        self.certificate_ends: float | None = None

    @classmethod
    def of(cls, wire: Wire, clock: Clock, who: object) -> Gateway:
        """Return the gateway of an address, shared by `who`."""
        return cls.join(_key(wire), who, lambda: cls(wire, clock))

    @property
    def _connected(self) -> bool:
        return self._client is not None and self._client.connected

    async def open(self, *, at_once: bool) -> int:
        """Return how often the wire was opened, once it is open; raises `GatewayDownError`.

        at_once: whether no pause may stand before, as before a set-point.
        """
        if not self._connected:
            async with self._turn:
                await self._open(at_once=at_once)
        return self.opened

    async def ask(
        self, request: Callable[[Client], Awaitable[ModbusPDU]], *, at_once: bool
    ) -> ModbusPDU:
        """Return the answer to a request in its turn.

        Raises `GatewayDownError`, and `ModbusException` or `TimeoutError` where nobody answers.
        """
        async with self._turn:
            client = await self._open(at_once=at_once)
            try:
                answer = await request(client)
            except (ModbusException, OSError, TimeoutError):
                await self._no_answer()
                raise
            if self._unanswered or not self._pace.health().answering:
                self._unanswered = 0
                self._pace.answered()
            return answer

    async def _open(self, *, at_once: bool) -> Client:
        if self._connected and self._client is not None:
            if self._pace.due or at_once:
                return self._client
        elif self._may_try(at_once=at_once):
            return await self._connect()
        said = self._pace.health().said
        assert said is not None, "a pause has a reason"
        raise GatewayDownError(said)

    def _may_try(self, *, at_once: bool) -> bool:
        if not at_once:
            return self._pace.due
        now = asyncio.get_running_loop().time()
        return self._pace.due or len(self._sharing) == 1 or now - self._tried >= _JUST_NOW

    async def _connect(self) -> Client:
        await self._close()
        wire = self._wire
        self._tried = asyncio.get_running_loop().time()
        # One try, no queue of late answers: back-off is ours, and a silent wire is opened anew.
        told: dict[str, Any] = {"port": wire.port, "timeout": wire.timeout}
        told |= {"retries": 0, "reconnect_delay": 0}
        if wire.tls is None:
            client: Client = AsyncModbusTcpClient(wire.host, **told)
        else:
            client = AsyncModbusTlsClient(wire.host, sslctx=wire.tls, **told)
        self._client = client
        if not await client.connect():
            said = _NO_CONNECTION.format(host=wire.host, port=wire.port)
            if wire.tls is not None:
                said = await why_no_handshake(wire.host, wire.port, wire.tls, wire.timeout) or said
            await self._close()
            self._pace.missed(said)
            raise GatewayDownError(said)
        if wire.tls is not None:
            self.certificate_ends = soonest(certificate_ends(client.ctx.transport), wire)
        self.opened += 1
        return client

    async def _no_answer(self) -> None:
        """Note a request without an answer."""
        self._unanswered += 1
        if len(self._sharing) == 1 or self._unanswered >= _ANEW or not self._connected:
            await self._close()
        if len(self._sharing) > 1 and self._unanswered >= _SILENT_AFTER:
            self._tried = asyncio.get_running_loop().time()
            self._pace.missed(_HANGS.format(host=self._wire.host, port=self._wire.port))

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()
            # The transport is torn down by the loop: give it the turn it needs.
            await asyncio.sleep(0)
