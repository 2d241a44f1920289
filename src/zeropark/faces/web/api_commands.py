"""The API's commands: what a bound token may ask of `operate`, once for each key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import anyio.to_thread
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field

from zeropark.data.errors import DataError
from zeropark.faces.web.commands import as_actor
from zeropark.operate.authority import WIDENING

if TYPE_CHECKING:
    from zeropark.faces.web.app import Room

_WITHIN_S, _LONGEST_S = 10.0, 600.0
_INSIDE = {
    "value_mw": "value", "low_mw": "low", "high_mw": "high", "power_mw": "power",
    "hours": "hours", "after_hours": "after", "price_cny_per_mwh": "price",
    "penalty_cny_per_mwh": "penalty", "point": "point", "product": "product", "way": "way",
    "seen": "seen",
}  # fmt: skip
Verb = Literal[
    "stop", "rest", "lock", "resume", "hold", "auto", "unlock", "limit", "unlimit", "call",
    "acknowledge", "shelve", "replan", "explain",
]  # fmt: skip
Number = Annotated[float, Field(allow_inf_nan=False)]


class CommandAsked(BaseModel):
    """A command, as `zeropark command` takes it."""

    verb: Annotated[Verb, Field(description="what is asked")]
    on: Annotated[str, Field(description="asset, alarm or order", max_length=80)] = ""
    why: Annotated[str, Field(description="reason; stands in the ledger", max_length=400)] = ""
    point: Annotated[str | None, Field(description="of hold", max_length=40)] = None
    value_mw: Annotated[Number | None, Field(description="set-point of hold [MW]")] = None
    low_mw: Annotated[Number | None, Field(description="least flow of limit [MW]")] = None
    high_mw: Annotated[Number | None, Field(description="most flow of limit [MW]")] = None
    power_mw: Annotated[Number | None, Field(description="of call [MW]")] = None
    hours: Annotated[Number | None, Field(description="of shelve or call [h]")] = None
    after_hours: Annotated[Number | None, Field(description="when call begins [h]")] = None
    price_cny_per_mwh: Annotated[Number | None, Field(description="of call")] = None
    penalty_cny_per_mwh: Annotated[Number | None, Field(description="of call")] = None
    product: Annotated[str | None, Field(description="of call", max_length=40)] = None
    way: Annotated[str | None, Field(description="of call", max_length=10)] = None
    seen: Annotated[
        str | None, Field(description="newest order about it that was seen", max_length=40)
    ] = None


def describe_commands(app: FastAPI, room: Room | None, root: str) -> None:
    """Say which commands there are. room: whose they are; None where only words are wanted."""
    bearer = HTTPBearer(auto_error=False, description="a token of the control room")
    guarded = [Depends(bearer)]
    doors = CommandDoors(room)
    for path, verb, words in (
        ("/status", doors.status, "How operate says things stand: flows, set-points, alarms."),
        ("/calls", doors.calls, "The calls: stage, baseline, delivery, money, shares."),
        ("/commands", doors.recent, "The newest commands and what became of each, paged."),
    ):
        app.get(f"{root}{path}", summary=words, dependencies=guarded, tags=["read"])(verb)
    words = "Hand a command to operate; durable before the answer, done once for each key."
    app.post(f"{root}/commands", summary=words, dependencies=guarded, tags=["command"])(
        doors.command
    )


class CommandDoors:
    """What the API answers about commands."""

    def __init__(self, room: Room | None) -> None:
        self._given = room

    @property
    def _room(self) -> Room:
        assert self._given is not None, "only a served room is asked"
        return self._given

    def _status(self, request: Request, verb: str) -> dict[str, Any]:
        from zeropark.faces.web.api import asking  # noqa: PLC0415 - it needs this module

        asking(request, self._room, "read", verb)
        status = self._room.living.status
        if status is None:
            raise HTTPException(503)
        return dict(status)

    def status(self, request: Request) -> dict[str, Any]:
        """Return how things stand."""
        return self._status(request, "see_park")

    def calls(self, request: Request) -> dict[str, Any]:
        """Return the calls."""
        status = self._status(request, "see_park")
        return {"calls": status["calls"], "confidence": status.get("confidence")}

    def recent(
        self,
        request: Request,
        first: Annotated[int, Query(ge=0, le=1_000)] = 0,
        count: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> dict[str, Any]:
        """Return the newest commands."""
        asked = self._status(request, "see_park")["asked"]
        following = first + count if first + count < len(asked) else None
        return {"commands": asked[first : first + count], "next": following}

    async def command(
        self,
        request: Request,
        asked: CommandAsked,
        idempotency_key: Annotated[str, Header(min_length=1, max_length=80)],
    ) -> dict[str, Any]:
        """Hand over a command."""
        return await anyio.to_thread.run_sync(self._command, request, asked, idempotency_key)

    def _command(self, request: Request, asked: CommandAsked, key: str) -> dict[str, Any]:
        from zeropark.faces.web.api import bearer_of  # noqa: PLC0415 - as above

        room = self._room
        token = bearer_of(request, room, commands=True)
        if token is None:
            raise HTTPException(401)
        if "command" not in token.scopes:
            raise HTTPException(403)
        given = asked.model_dump(exclude_none=True)
        said = {name: given[name] for name in ("verb", "on", "why")}
        said |= {inside: given[name] for name, inside in _INSIDE.items() if name in given}
        room.bounds.allow(token, said, request.client.host if request.client else "")
        if asked.verb in WIDENING:
            said["factor"] = "bound_token"
        said |= {"once": key, "seconds": min(_LONGEST_S, _WITHIN_S * room.living.speed)}
        said |= as_actor(token.person, "token", "api")
        try:
            answer = dict(room.living.command(said))
        except DataError as error:
            if error.key == "nobody_listens":
                raise HTTPException(503) from None
            raise
        room.people.did(token.person.name, "commanded", f"{asked.verb} {asked.on} {token.id}")
        return {"order": answer["order"], "recorded": answer["recorded"], "within_s": _WITHIN_S}
