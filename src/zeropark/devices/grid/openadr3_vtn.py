"""A small VTN of OpenADR 3: it keeps programmes, events and reports, and shows them to VENs.

Held to the published OpenAPI document 3.0.1, less its subscriptions. Who publishes has the role
`bl`, who takes part `ven`; both come with OAuth 2 client credentials. What is kept is one file,
written anew at each change.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import FastAPI, Form, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from zeropark.devices.grid.openadr3_events import asked, overlapped
from zeropark.devices.grid.openadr3_objects import (
    MOST,
    VERSION,
    Event,
    Program,
    Report,
    Resource,
    Ven,
)
from zeropark.units.text import Text

BASE = f"/openadr3/{VERSION}"
_LASTS = 3600
_MODELS: Mapping[str, type[Program | Event | Report | Ven | Resource]] = {
    "programs": Program,
    "events": Event,
    "reports": Report,
    "vens": Ven,
    "resources": Resource,
}
_TYPES = {
    "programs": "PROGRAM",
    "events": "EVENT",
    "reports": "REPORT",
    "vens": "VEN",
    "resources": "RESOURCE",
}
# What each role may do (securitySchemes of the document).
_SCOPES = {
    "bl": frozenset({"read_all", "write_programs", "write_events", "write_vens"}),
    "ven": frozenset({"read_all", "write_reports", "write_vens"}),
}
_WRITES = {
    "programs": "write_programs",
    "events": "write_events",
    "reports": "write_reports",
    "vens": "write_vens",
    "resources": "write_vens",
}
# What a name may be had once only, and what a list may be searched by.
_NAMED = {"programs": "programName", "vens": "venName"}
_SEARCHED = {
    "events": ("programID",),
    "reports": ("programID", "eventID", "clientName"),
    "resources": ("venID",),
}

_NO_TOKEN = Text("no valid token; get one from {path}", "令牌无效；请从 {path} 获取")
_NOT_ALLOWED = Text(
    "client {client} ({role}) may not {scope}", "客户 {client}（{role}）无权 {scope}"
)
_NOT_THERE = Text("there is no {what} {id}", "没有 {what} {id}")
_WRONG = Text("{what}: {where}: {said}", "{what}：{where}：{said}")
_TAKEN = Text("{field} '{given}' is taken; choose another", "{field}“{given}”已存在；请换一个")
_OF_ANOTHER = Text(
    "reports are of one's own: clientName must be {client}",
    "只能提交自己的报告：clientName 须为 {client}",
)
_NO_EVENT = Text(
    "there is no event {id} of programme {programme}", "项目 {programme} 没有事件 {id}"
)


class Client(NamedTuple):
    """One who may come. secret: of its client credentials. role: `bl` or `ven`."""

    secret: str
    role: Literal["bl", "ven"]


class ProblemError(Exception):
    """A request that is not done; answered as the document's `problem`."""

    def __init__(self, status: int, text: Text) -> None:
        super().__init__(text.en)
        self.status = status
        self.text = text


@dataclass
class Vtn:
    """What a VTN keeps. file: where. clients: by client id. now: POSIX s.

    Objects are as written over the wire, by kind and id.
    """

    file: Path
    clients: Mapping[str, Client]
    now: Callable[[], float]
    objects: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.objects = {kind: {} for kind in _MODELS}
        if self.file.is_file():
            self.objects |= json.loads(self.file.read_text(encoding="utf-8"))

    # -- who asks --------------------------------------------------------------------------------

    def token(self, client: str, secret: str) -> str | None:
        """Return a new token; None where client or secret are not known."""
        known = self.clients.get(client)
        wanted = secrets.token_hex() if known is None else known.secret
        if not hmac.compare_digest(wanted.encode(), secret.encode()) or known is None:
            return None
        token = secrets.token_urlsafe(32)
        with self.lock:
            now = self.now()
            self.tokens = {t: held for t, held in self.tokens.items() if held[1] > now}
            self.tokens[token] = (client, now + _LASTS)
        return token

    def let_in(self, authorization: str | None, scope: str) -> str:
        """Return the client a bearer token is of; raises `ProblemError` where it may not."""
        kind, _, token = (authorization or "").partition(" ")
        client, ends = self.tokens.get(token, ("", 0.0))
        if kind.lower() != "bearer" or ends <= self.now():
            raise ProblemError(403, _NO_TOKEN.format(path=f"{BASE}/auth/token"))
        role = self.clients[client].role
        if scope not in _SCOPES[role]:
            raise ProblemError(403, _NOT_ALLOWED.format(client=client, role=role, scope=scope))
        return client

    # -- what is kept ----------------------------------------------------------------------------

    def found(self, kind: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return objects of a kind in the order they came, those that fit a search."""
        wanted = {key: query[key] for key in _SEARCHED.get(kind, ()) if key in query}
        return [
            each
            for each in self.objects[kind].values()
            if all(each.get(key) == value for key, value in wanted.items())
            and _is_targeted(each, query)
        ]

    def one(self, kind: str, id_: str) -> dict[str, Any]:
        """Return one object; raises `ProblemError` where there is none."""
        found = self.objects[kind].get(id_)
        if found is None:
            raise ProblemError(404, _NOT_THERE.format(what=_TYPES[kind].lower(), id=id_))
        return found

    def keep(
        self, kind: str, raw: Any, client: str, old: str | None = None, **more: str
    ) -> dict[str, Any]:
        """Keep a new object, or an old one changed; raises `ProblemError` where it is not fit."""
        try:
            said = _MODELS[kind].model_validate({**raw, **more} if isinstance(raw, dict) else raw)
        except ValidationError as error:
            raise ProblemError(400, _first(kind, error)) from None
        with self.lock:
            before = {} if old is None else self.one(kind, old)
            now = _stamp(self.now())
            id_ = old or f"{kind[:-1]}-{secrets.token_hex(6)}"
            kept: dict[str, Any] = said.written() | {
                "id": id_,
                "objectType": _TYPES[kind],
                "createdDateTime": before.get("createdDateTime", now),
                "modificationDateTime": now,
            }
            self._must_fit(kind, kept, client)
            self.objects[kind][id_] = kept
            self._write()
        return kept

    def drop(self, kind: str, id_: str) -> dict[str, Any]:
        """Forget an object, with the events of a programme and the resources of a VEN."""
        with self.lock:
            dropped = dict(self.one(kind, id_))
            del self.objects[kind][id_]
            below = {"programs": ("events", "programID"), "vens": ("resources", "venID")}
            if kind in below:
                other, key = below[kind]
                kept = {i: o for i, o in self.objects[other].items() if o.get(key) != id_}
                self.objects[other] = kept
            self._write()
        return dropped

    def _must_fit(self, kind: str, kept: Mapping[str, Any], client: str) -> None:
        unique = _NAMED.get(kind)
        if unique is not None:
            for other in self.objects[kind].values():
                if other["id"] != kept["id"] and other[unique] == kept[unique]:
                    raise ProblemError(409, _TAKEN.format(field=unique, given=kept[unique]))
        if kind == "events":
            self._event_must_fit(kept)
        if kind == "reports":
            if kept["clientName"] != client:
                raise ProblemError(403, _OF_ANOTHER.format(client=client))
            event = self.objects["events"].get(kept["eventID"])
            if event is None or event["programID"] != kept["programID"]:
                said = {"id": kept["eventID"], "programme": kept["programID"]}
                raise ProblemError(400, _NO_EVENT.format(**said))

    def _event_must_fit(self, kept: Mapping[str, Any]) -> None:
        """Refuse an event that no VEN of ours could do: it would learn of it too late."""
        programmes = {i: Program.model_validate(o) for i, o in self.objects["programs"].items()}
        event = Event.model_validate(kept)
        # Whom an event is for is the VEN's to read; whether it can be done is not.
        wanted, unfit = asked(
            [event.model_copy(update={"targets": None})], programmes, "", self.now()
        )
        if unfit:
            raise ProblemError(400, unfit[0].text)
        others = [
            Event.model_validate(each)
            for each in self.objects["events"].values()
            if each["id"] != kept["id"]
            and each["programID"] == kept["programID"]
            and each.get("targets") == kept.get("targets")
        ]
        before, _ = asked(others, programmes, "", self.now())
        for each in wanted:
            if overlapped(each, before) is not None:
                _, both = asked([*others, event], programmes, "", self.now())
                raise ProblemError(409, both[0].text if both else Text(each.id, each.id))

    def _write(self) -> None:
        draft = self.file.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(self.objects, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.file)


def _is_targeted(one: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    """Return whether an object has a target of the type and one of the values searched for."""
    type_, values = query.get("targetType"), query.get("targetValues")
    if type_ is None:
        return True
    own = [v for t in one.get("targets") or () if t["type"] == type_ for v in t["values"]]
    return any(value in own for value in values or own)


def _first(kind: str, error: ValidationError) -> Text:
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "-"
    return _WRONG.format(what=_TYPES[kind].lower(), where=where, said=first["msg"])


def _stamp(at: float) -> str:
    return (
        dt.datetime.fromtimestamp(at, dt.UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


Authorization = Annotated[str | None, Header()]
Skip = Annotated[int, Query(ge=0)]
Limit = Annotated[int, Query(ge=0, le=MOST)]


def application(vtn: Vtn) -> FastAPI:
    """Return the VTN as it is served, below `BASE`."""
    app = FastAPI(
        title="OpenADR 3 VTN", version=VERSION, docs_url=None, redoc_url=None, openapi_url=None
    )

    @app.exception_handler(ProblemError)
    def _problem(request: Request, error: ProblemError) -> JSONResponse:
        del request
        said = {"status": error.status, "title": error.text.en, "detail": error.text.zh}
        return JSONResponse({"type": "about:blank", **said}, error.status)

    @app.exception_handler(RequestValidationError)
    def _unread(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        text = _WRONG.format(what="request", where=where, said=first["msg"])
        return _problem(request, ProblemError(400, text))

    @app.post(f"{BASE}/auth/token")
    def _token(
        grant_type: Annotated[str, Form()] = "",
        client_id: Annotated[str, Form()] = "",
        client_secret: Annotated[str, Form()] = "",
    ) -> JSONResponse:
        if grant_type != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        token = vtn.token(client_id, client_secret)
        if token is None:
            return JSONResponse({"error": "invalid_client"}, 400)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": _LASTS})

    for kind in ("programs", "events", "reports", "vens"):
        _Shelf(vtn, kind).serve(app, f"{BASE}/{kind}")
    _Shelf(vtn, "resources").serve(app, f"{BASE}/vens/{{ven}}/resources")
    return app


class _Shelf:
    """One kind of objects as it is served: searched, made, shown, changed and forgotten."""

    def __init__(self, vtn: Vtn, kind: str) -> None:
        self._vtn, self._kind = vtn, kind

    def serve(self, app: FastAPI, path: str) -> None:
        """Serve them at a path, and each one below it."""
        app.get(path)(self.search)
        app.post(path)(self.make)
        app.get(f"{path}/{{id_}}")(self.show)
        app.put(f"{path}/{{id_}}")(self.change)
        app.delete(f"{path}/{{id_}}")(self.forget)

    def search(
        self,
        request: Request,
        authorization: Authorization = None,
        skip: Skip = 0,
        limit: Limit = MOST,
    ) -> JSONResponse:
        """Answer with the objects that fit the query."""
        self._vtn.let_in(authorization, "read_all")
        query: dict[str, Any] = dict(request.query_params)
        if "targetValues" in query:
            query["targetValues"] = request.query_params.getlist("targetValues")
        found = self._vtn.found(self._kind, query | self._above(request))
        return JSONResponse(found[skip : skip + limit])

    async def make(self, request: Request, authorization: Authorization = None) -> JSONResponse:
        """Keep a new object."""
        client = self._vtn.let_in(authorization, _WRITES[self._kind])
        above, body = self._above(request), await _body(request)
        return JSONResponse(self._vtn.keep(self._kind, body, client, **above), 201)

    def show(self, request: Request, id_: str, authorization: Authorization = None) -> JSONResponse:
        """Answer with one object."""
        self._vtn.let_in(authorization, "read_all")
        return JSONResponse(self._own(id_, request))

    async def change(
        self, request: Request, id_: str, authorization: Authorization = None
    ) -> JSONResponse:
        """Keep an object otherwise than before."""
        client = self._vtn.let_in(authorization, _WRITES[self._kind])
        self._own(id_, request)
        above, body = self._above(request), await _body(request)
        return JSONResponse(self._vtn.keep(self._kind, body, client, id_, **above))

    def forget(
        self, request: Request, id_: str, authorization: Authorization = None
    ) -> JSONResponse:
        """Forget one object."""
        self._vtn.let_in(authorization, _WRITES[self._kind])
        self._own(id_, request)
        return JSONResponse(self._vtn.drop(self._kind, id_))

    def _above(self, request: Request) -> dict[str, str]:
        """Return what the path says of an object; the VEN a resource is of must be there."""
        ven = request.path_params.get("ven")
        if ven is None:
            return {}
        self._vtn.one("vens", ven)
        return {"venID": ven}

    def _own(self, id_: str, request: Request) -> dict[str, Any]:
        found = self._vtn.one(self._kind, id_)
        if any(found.get(key) != value for key, value in self._above(request).items()):
            raise ProblemError(404, _NOT_THERE.format(what=_TYPES[self._kind].lower(), id=id_))
        return found


async def _body(request: Request) -> Any:
    try:
        return await request.json()
    except (ValueError, RecursionError):
        raise ProblemError(400, _WRONG.format(what="body", where="-", said="no JSON")) from None
