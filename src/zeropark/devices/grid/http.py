"""JSON over HTTP(S), as protocols of the grid use it: one request at a time, and never a raise."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from zeropark.devices.tls import peer_ends, why_no_handshake
from zeropark.devices.wire import Wire
from zeropark.units.text import Text

_SILENT = Text(
    "no answer from {host}:{port} within {seconds:g} s", "{host}:{port} 在 {seconds:g} 秒内无应答"
)
_NOT_JSON = Text(
    "{host}:{port} answers with something that is no JSON", "{host}:{port} 的应答不是 JSON"
)
# No object of the grid is larger; more is not read [bytes].
_LARGEST = 1 << 24


class Answer(NamedTuple):
    """What came back. status: 0 where nothing did. body: parsed JSON. said: why there is none."""

    status: int
    body: Any = None
    said: Text | None = None
    certificate_ends: float | None = None

    @property
    def good(self) -> bool:
        """Whether the other end did what was asked."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP names it by number


async def ask(
    wire: Wire,
    method: str,
    path: str,
    *,
    query: Mapping[str, str | int] | None = None,
    form: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    token: str | None = None,
    basic: tuple[str, str] | None = None,
) -> Answer:
    """Return what the other end of a wire answers, within its time-out.

    token, basic: how we prove who we are: a bearer's token, or (user, password).
    """
    headers = {"Accept": "application/json"}
    data: bytes | None = None
    if form is not None:
        data, headers["Content-Type"] = (
            urlencode(form).encode(),
            "application/x-www-form-urlencoded",
        )
    elif body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if basic is not None:
        headers["Authorization"] = f"Basic {base64.b64encode(':'.join(basic).encode()).decode()}"
    where = f"{path}?{urlencode(query)}" if query else path
    place = {"host": wire.host, "port": wire.port}
    try:
        status, raw, ends = await asyncio.to_thread(_ask, wire, method, where, data, headers)
    except (OSError, http.client.HTTPException):
        said = None
        if wire.tls is not None:
            said = await why_no_handshake(wire.host, wire.port, wire.tls, wire.timeout)
        return Answer(0, None, said or _SILENT.format(seconds=wire.timeout, **place))
    try:
        return Answer(status, json.loads(raw) if raw else None, None, ends)
    except (ValueError, RecursionError):
        return Answer(status, None, _NOT_JSON.format(**place), ends)


def _ask(
    wire: Wire, method: str, where: str, data: bytes | None, headers: Mapping[str, str]
) -> tuple[int, bytes, float | None]:
    connection: http.client.HTTPConnection
    if wire.tls is None:
        connection = http.client.HTTPConnection(wire.host, wire.port, timeout=wire.timeout)
    else:
        connection = http.client.HTTPSConnection(
            wire.host, wire.port, timeout=wire.timeout, context=wire.tls
        )
    try:
        connection.request(method, where, data, dict(headers))
        ends = peer_ends(connection.sock)
        response = connection.getresponse()
        return response.status, response.read(_LARGEST), ends
    finally:
        connection.close()
