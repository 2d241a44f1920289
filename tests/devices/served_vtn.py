"""A VTN on loopback whose every exchange is held to the published document of OpenADR 3."""

from __future__ import annotations

import datetime as dt
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import yaml
from openadr3.api import OpenADRClient
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from tests.devices.served import LOOPBACK, Certified, Hand
from zeropark.devices.grid.openadr3_vtn import BASE, Client, Vtn, application
from zeropark.devices.grid.protocols import openadr3
from zeropark.devices.wire import Wire
from zeropark.model.caller import CallerLine

NOW = 1_700_000_000.0
CLIENTS = {
    "operator": Client("secret of the operator", "bl"),
    "park": Client("secret of the park", "ven"),
    "other": Client("secret of another", "ven"),
}
PROGRAMME = {
    "programName": "DR-2026",
    "payloadDescriptors": [
        {"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": t, "units": "KW"}
        for t in ("DISPATCH_SETPOINT_RELATIVE", "IMPORT_CAPACITY_LIMIT")
    ],
}


# -- the published document ----------------------------------------------------------------------


@cache
def published() -> dict[str, Any]:
    text = Path(__file__).with_name("openadr3.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


@cache
def validator(name: str) -> Any:
    """Return what holds an object to a schema of the document."""
    document = {**published(), "$ref": f"#/schemas/{name}"}
    resource = Resource.from_contents(document, default_specification=DRAFT4)
    registry: Any = Registry().with_resource("urn:openadr3", resource)
    return OAS30Validator({"$ref": f"urn:openadr3#/schemas/{name}"}, registry=registry)


def must_be(name: str, value: Any) -> None:
    wrong = [f"{name}: {error.message}" for error in validator(name).iter_errors(value)]
    assert not wrong


@dataclass
class Held:
    """A VTN whose every exchange is held to the document. exchanges: (method, path, status)."""

    vtn: Vtn
    url: str
    port: int
    clock: Hand
    exchanges: list[tuple[str, str, int]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def note(self, method: str, path: str, status: int, body: bytes, answer: bytes) -> None:
        """Hold one exchange to the document."""
        said, below = published()["paths"], path.removeprefix(BASE)
        place = next((p for p in said if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", p), below)), None)
        self.exchanges.append((method, below, status))
        if place is None or method.lower() not in said[place]:
            self.wrong.append(f"{method} {path} is not in the document")
            return
        operation = said[place][method.lower()]
        if status not in operation["status"]:
            self.wrong.append(f"{method} {path} answers {status}")
        shown = json.loads(answer)
        try:
            if status >= 400:
                must_be(operation.get("refusal", "problem"), shown)
                return
            if "body" in operation:
                must_be(operation["body"], json.loads(body))
            wanted = operation["answer"]
            for each in shown if isinstance(wanted, list) else [shown]:
                must_be(wanted[0] if isinstance(wanted, list) else wanted, each)
        except AssertionError as error:
            self.wrong.append(f"{method} {path}: {error}")


def watched(app: Any, held: Held) -> Any:
    """Return the application with an ear at its door."""

    async def ear(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        sent: dict[str, Any] = {"in": b"", "out": b"", "status": 0}

        async def heard() -> Any:
            message = await receive()
            sent["in"] += message.get("body", b"")
            return message

        async def said(message: Any) -> None:
            sent["status"] = message.get("status", sent["status"])
            sent["out"] += message.get("body", b"")
            await send(message)

        await app(scope, heard, said)
        held.note(scope["method"], scope["path"], sent["status"], sent["in"], sent["out"])

    return ear


@contextmanager
def served(folder: Path, tls: Certified | None = None) -> Iterator[Held]:
    """Serve a VTN on loopback; on leaving, nothing it did may be otherwise than published."""
    clock = Hand()
    held = Held(Vtn(folder / "vtn.json", CLIENTS, clock), "", 0, clock)
    more = {} if tls is None else {"ssl_certfile": tls.certificate}
    settings = uvicorn.Config(
        watched(application(held.vtn), held), host=LOOPBACK, port=0, log_level="critical",
        ws="none", lifespan="off", **more,  # type: ignore[arg-type] # a path or nothing
    )  # fmt: skip
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        held.port = server.servers[0].sockets[0].getsockname()[1]
        held.url = f"http://{LOOPBACK}:{held.port}{BASE}"
        yield held
    finally:
        server.should_exit = True
        thread.join()
    assert not held.wrong


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20.0
    while not holds():
        assert time.monotonic() < end, "never came"
        time.sleep(0.005)


@contextmanager
def client(held: Held, name: str) -> Iterator[OpenADRClient]:
    """The client of another code base, signed in."""
    with OpenADRClient(held.url) as found:
        found.fetch_token(name, CLIENTS[name].secret, token_url=f"{held.url}/auth/token")
        yield found


def made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def line(**changes: Any) -> CallerLine:
    told: dict[str, Any] = {
        "name": "aggregator", "protocol": "openadr3", "asset": "tie", "host": LOOPBACK,
        "path": BASE, "programme": "DR-2026", "user": "park", "secret": "vtn",
    }  # fmt: skip
    return CallerLine.model_validate(told | changes)


def ven(held: Held, *, password: str = CLIENTS["park"].secret, **changes: Any) -> openadr3.Ven:
    tls: ssl.SSLContext | None = changes.pop("tls", None)
    wire = Wire(LOOPBACK, held.port, timeout=5.0, password=password, tls=tls)
    return openadr3.side(line(**changes), wire, held.clock)


def stamp(after: float) -> str:
    return dt.datetime.fromtimestamp(NOW + after, dt.UTC).isoformat()


def event(
    programme: str = "p1",
    kw: Any = -500.0,
    *,
    after: float = 3600.0,
    duration: str | None = "PT1H",
    type_: str = "DISPATCH_SETPOINT_RELATIVE",
    units: str | None = "KW",
    **more: Any,
) -> dict[str, Any]:
    """An event of one interval that begins `after` seconds from now."""
    period = {"start": stamp(after)} | ({} if duration is None else {"duration": duration})
    return {
        "programID": programme,
        "payloadDescriptors": [{"payloadType": type_, "units": units}],
        "intervalPeriod": period,
        "intervals": [{"id": 0, "payloads": [{"type": type_, "values": [kw]}]}],
        **more,
    }
