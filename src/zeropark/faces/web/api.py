"""The API: the same verbs as the pages, for programs with a token."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import anyio.to_thread
import numpy as np
from fastapi import Depends, FastAPI, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as Refusal
from starlette.responses import JSONResponse, PlainTextResponse, Response

from zeropark import __version__
from zeropark.data.errors import DataError
from zeropark.faces.web.api_commands import describe_commands
from zeropark.faces.web.guard import secret_of
from zeropark.faces.web.people import Person, Token
from zeropark.faces.web.roles import may
from zeropark.operate.reported import MEASURES, report
from zeropark.operate.result import assets_json, both
from zeropark.operate.today import today
from zeropark.operate.trial import Change
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.faces.web.app import Room
    from zeropark.operate.living import Frame

ROOT = "/api/v1"
_MOST_STEPS = 1_000
_WORDS = {
    401: Text(
        "No token, or one that is over. Send 'Authorization: Bearer ...'.",
        "没有令牌或已失效。发送“Authorization: Bearer ...”。",
    ),
    403: Text("The token or role may not do this.", "令牌或角色无此权限。"),
    404: Text("There is no such thing here.", "没有此对象。"),
    429: Text(
        "Asked too often. Wait as Retry-After says, then ask again.",
        "请求过于频繁。按 Retry-After 等待后重试。",
    ),
    405: Text("This address takes no such request.", "此地址不接受该请求。"),
    503: Text("The park has lived no step yet; ask again.", "园区尚未运行一个时段；稍后再问。"),
}
_UNKNOWN_ASSET = Text("'{given}' is no asset of this park", "园区没有资产“{given}”")


class TrialAsked(BaseModel):
    """What is otherwise in a trial, each as a share of what is [1]."""

    contract: Annotated[float, Field(description="contracted import", allow_inf_nan=False)] = 1.0
    price: Annotated[
        float, Field(description="import price in dear hours", allow_inf_nan=False)
    ] = 1.0
    sun: Annotated[
        float, Field(description="what sun and wind are foreseen to give", allow_inf_nan=False)
    ] = 1.0


def attach(app: FastAPI, room: Room) -> None:
    """Answer under `/api/v1`, and at `/healthz` and `/metrics`."""
    _problems(app)
    describe(app, room)

    @app.get(f"{ROOT}/openapi.json", include_in_schema=False)
    async def described() -> Response:
        return JSONResponse(openapi(app))

    @app.get("/healthz", include_in_schema=False)
    async def health() -> Response:
        well = room.living.fault is None and room.living.there and not room.living.stale()
        return JSONResponse({"well": well, "simulated": True}, 200 if well else 503)

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        asking(request, room, "metrics", "see_own")
        return PlainTextResponse(_metrics(room), media_type="text/plain; version=0.0.4")


def describe(app: FastAPI, room: Room | None = None) -> None:
    """Say which verbs there are. room: whose they answer; None where only the words are wanted."""
    verbs = Verbs(room)
    bearer = HTTPBearer(auto_error=False, description="a token of the control room")
    guarded = [Depends(bearer)]
    for path, verb, words in (
        ("/park", verbs.park, "What the park is: parties, nodes, assets."),
        ("/now", verbs.now, "What the park is doing now, and has come to today."),
        ("/alarms", verbs.alarms, "What is wrong now."),
        ("/plan", verbs.plan, "The newest plan: set-points ahead, reasons, what gives way."),
        ("/assets/{name}", verbs.asset, "What an asset shows, and what it was told."),
        ("/series", verbs.series, "Lived steps, paged by `first` and `count`."),
        ("/report", verbs.report, "What the lived hours came to, by subject and measure."),
    ):
        app.get(f"{ROOT}{path}", summary=words, dependencies=guarded, tags=["read"])(verb)
    words = "The newest plan made once more with something otherwise; the plant is not touched."
    describe_commands(app, room, ROOT)
    app.post(f"{ROOT}/trial", summary=words, dependencies=guarded, tags=["try"])(verbs.trial)


def openapi(app: FastAPI) -> dict[str, Any]:
    """Return the description of the API, OpenAPI 3.1."""
    words = "Read a park and try plans. Errors are problem+json in English and Chinese."
    return get_openapi(
        title="zeropark", version=__version__, openapi_version="3.1.0", routes=app.routes,
        description=words,
    )  # fmt: skip


def _problems(app: FastAPI) -> None:
    """Say every error of the API as problem+json [RFC 9457], in both languages."""

    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> Response:
        if not request.url.path.startswith((ROOT, "/metrics")):
            return PlainTextResponse(str(error.detail), error.status_code)
        found = problem(error.status_code, _WORDS.get(error.status_code, _WORDS[404]))
        found.headers.update(error.headers or {})
        return found

    @app.exception_handler(DataError)
    async def wrong(request: Request, error: DataError) -> Response:
        del request
        return problem(422, error.text, error.key)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        del request
        said = error.errors()[0]
        where = ".".join(str(part) for part in said["loc"])
        return problem(
            422, Text(f"{where}: {said['msg']}.", f"{where}：不符合要求（{said['msg']}）。")
        )


def problem(status: int, text: Text, key: str = "") -> Response:
    """Return a problem: its status, a stable key, the sentence in both languages."""
    body = {
        "type": "about:blank", "status": status, "title": text.en, "title_zh": text.zh, "key": key,
    }  # fmt: skip
    return JSONResponse(body, status, media_type="application/problem+json")


def asking(request: Request, room: Room, scope: str, verb: str) -> Person:
    """Return who asks, by token or by session; refuses who may not, and who asks too often."""
    token = bearer_of(request, room)
    if token is not None:
        if scope not in token.scopes or not may(token.person.role, verb):
            raise HTTPException(403)
        return token.person
    # A page of ours may ask too; a change needs the session's own word, which only our pages know.
    session = room.people.session(secret_of(request))
    if session is None:
        raise HTTPException(401)
    sent = request.headers.get("x-csrf", "")
    if request.method != "GET" and not secrets.compare_digest(sent.encode(), session.csrf.encode()):
        raise HTTPException(403)
    if not may(session.person.role, verb) or scope == "metrics":
        raise HTTPException(403)
    return session.person


def bearer_of(request: Request, room: Room, *, commands: bool = False) -> Token | None:
    """Return the token a program sent; None where it sent none.

    commands: whether it is counted among commands. Refuses one that is over, who guesses tokens
    from this address, and who asks too often.
    """
    said = request.headers.get("authorization", "")
    if not said.lower().startswith("bearer "):
        return None
    address = request.client.host if request.client else "?"
    wait = room.people.wait(f"token:{address}")
    if wait > 0:
        raise HTTPException(429, headers={"Retry-After": str(math.ceil(wait))})
    token = room.people.token(said[7:].strip())
    if token is None:
        room.people.failed(f"token:{address}")
        raise HTTPException(401)
    wait = (room.commanding if commands else room.reading).wait(token.id)
    if wait > 0:
        raise HTTPException(429, headers={"Retry-After": str(math.ceil(wait))})
    return token


class Verbs:
    """What the API answers; every number has its unit in its name."""

    def __init__(self, room: Room | None) -> None:
        self._of = room

    @property
    def _room(self) -> Room:
        assert self._of is not None, "only a served room is asked"
        return self._of

    def _frame(self) -> Frame:
        frame = self._room.living.frame
        if frame is None:
            raise HTTPException(503)
        return frame

    def park(self, request: Request) -> dict[str, Any]:
        """Return the park."""
        asking(request, self._room, "read", "see_park")
        living = self._room.living
        park = living.run.request.park
        return {
            "name": park.name,
            "label": both(park.shown),
            "simulated": True,
            "zone": park.place.zone,
            "step_minutes": living.run.request.step_minutes,
            "speed": living.speed,
            "parties": [party.name for party in park.parties],
            "nodes": [{"name": node.name, "carrier": node.carrier} for node in park.nodes],
            "assets": assets_json(living.run.world),
        }

    def now(self, request: Request) -> dict[str, Any]:
        """Return the park now."""
        asking(request, self._room, "read", "see_park")
        frame = self._frame()
        found = today(self._room.living, frame)
        factor = found.factor
        return {
            "at": f"{frame.at}Z",
            "clock": f"{self._room.living.clock()}Z",
            "stale": self._room.living.stale(),
            "grid_import_mw": found.imported,
            "grid_export_mw": found.exported,
            "contract_mw": found.contract,
            "price_import_cny_per_mwh": found.price,
            "clean_share": found.now.figures["clean_share"],
            "intensity_location_based_kg_per_mwh": found.now.intensity_kg_per_mwh,
            "stored_mwh": found.stored.energy,
            "storage_power_mw": found.stored.power,
            "today": {
                "since": f"{found.day.first}Z",
                "cost_cny": found.day.cost_cny,
                "co2_location_based_t": found.day.co2_t,
                **found.day.figures,
            },
            "factor": None
            if factor is None
            else {"value": factor.value, "unit": factor.unit, "from": str(factor.since),
                  "source": factor.source, "status": factor.status},
        }  # fmt: skip

    def alarms(self, request: Request) -> list[dict[str, Any]]:
        """Return what is wrong."""
        asking(request, self._room, "read", "see_park")
        found = today(self._room.living, self._frame())
        return [
            {"priority": each.priority, "since": f"{each.since}Z", "what": both(each.what),
             "text": both(each.text)}
            for each in found.alarms
        ]  # fmt: skip

    def plan(self, request: Request) -> dict[str, Any]:
        """Return the newest plan."""
        asking(request, self._room, "read", "see_park")
        ahead = self._frame().ahead
        if ahead is None:
            raise HTTPException(503)
        return _ahead(ahead)

    def asset(self, request: Request, name: Annotated[str, Path(max_length=40)]) -> dict[str, Any]:
        """Return one asset; a party sees its own."""
        person = asking(request, self._room, "read", "see_own")
        assets = {a.name: a for a in self._room.living.run.world.assets}
        asset = assets.get(name)
        if asset is None or person.party not in {None, asset.party}:
            raise DataError("asset_unknown", _UNKNOWN_ASSET.format(given=name))
        frame = self._frame()
        read = {key: _plain(value) for key, value in frame.readings[name].items()}
        written = {key: _plain(v) for key, v in frame.written.get(name, {}).items()}
        units = {point.name: point.unit for point in asset.shown_points()}
        return {
            "name": name,
            "label": both(asset.shown),
            "kind": asset.kind,
            "party": asset.party,
            "at": f"{frame.at}Z",
            "points": [
                {"name": key, "unit": units[key], "value": value}
                for key, value in read.items() if key in units
            ],
            "set_points": written,
        }  # fmt: skip

    def series(
        self,
        request: Request,
        first: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
        count: Annotated[int, Query(ge=1, le=_MOST_STEPS)] = 96,
    ) -> dict[str, Any]:
        """Return lived steps."""
        asking(request, self._room, "read", "see_park")
        self._frame()
        starts, columns = self._room.living.history(first)
        shown = {n: v for n, v in columns.items() if not n.startswith("~")}
        following = first + count if first + count < first + len(starts) else None
        return {
            "starts": [f"{start}Z" for start in starts[:count]],
            "columns": {n: [_plain(x) for x in v[:count]] for n, v in shown.items()},
            "next": following,
        }

    def report(
        self,
        request: Request,
        measure: str = "used",
        party: Annotated[str | None, Query(max_length=40)] = None,
    ) -> dict[str, Any]:
        """Return a report by the hour; a party sees its own."""
        person = asking(request, self._room, "read", "see_own")
        if person.party is not None:
            party = person.party
        every = list(self._room.living.run.world.assets)
        assets = [a for a in every if party is None or a.party == party]
        if measure not in MEASURES or not assets or (measure == "cost" and party is not None):
            raise HTTPException(404)
        frame = self._frame()
        factor = today(self._room.living, frame).factor
        found = report(self._room.living, frame, assets, measure, factor)
        return {
            "measure": measure,
            "unit": found.unit,
            "total": found.total,
            "hours": [str(hour) for hour in found.hours],
            "values": [_plain(value) for value in found.values],
            "complete": list(found.complete),
        }

    async def trial(self, request: Request, asked: TrialAsked) -> dict[str, Any]:
        """Return the plan of a trial."""
        await anyio.to_thread.run_sync(asking, request, self._room, "try", "try")
        change = Change(asked.contract, asked.price, asked.sun)
        return _ahead(await anyio.to_thread.run_sync(self._room.living.trial, change))


def _ahead(ahead: Any) -> dict[str, Any]:
    shown = {n: v for n, v in ahead.columns.items() if not n.startswith("~")}
    return {
        "made_for": f"{ahead.grid.start}Z",
        "grade": ahead.grade,
        "seconds": ahead.seconds,
        "gap": ahead.gap,
        "figures": ahead.figures,
        "starts": [f"{start}Z" for start in ahead.grid.starts],
        "columns": {name: [_plain(x) for x in values] for name, values in shown.items()},
        "reasons": list(ahead.reasons),
        "gave_way": list(ahead.gave_way),
    }


def _plain(value: Any) -> float | None:
    """Return a number for JSON; None where it is absent."""
    if not isinstance(value, int | float | np.number):
        return None
    return float(value) if np.isfinite(value) else None


def _metrics(room: Room) -> str:
    living, frame = room.living, room.living.frame
    numbers: Mapping[str, float] = {
        "zeropark_steps_lived": 0 if frame is None else frame.index + 1,
        "zeropark_stale": float(living.stale()),
        "zeropark_stream_listeners": room.stream.listeners,
        "zeropark_plan_seconds": frame.ahead.seconds if frame and frame.ahead else float("nan"),
    }
    return "".join(f"# TYPE {name} gauge\n{name} {value}\n" for name, value in numbers.items())
