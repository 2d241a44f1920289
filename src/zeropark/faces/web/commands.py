"""Commands from a desk: checked here for who asks and by which factor, handed to `operate`.

What only narrows takes one deliberate confirmation and nothing else, also where the session is
over; what widens takes a reason and a second factor. Every answer is a sentence and loses nothing.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from fastapi import Request
from starlette.responses import JSONResponse, Response

from zeropark.data.errors import DataError
from zeropark.faces.web.guard import secret_of
from zeropark.faces.web.roles import acting
from zeropark.faces.web.signin import language_of
from zeropark.operate.authority import AT_ONCE, WIDENING
from zeropark.operate.orders import ON_ASSETS
from zeropark.units.text import Text

if TYPE_CHECKING:
    from fastapi import FastAPI

    from zeropark.faces.web.app import Room
    from zeropark.faces.web.people import Person, Session

COMMANDS = frozenset(
    {"stop", "rest", "lock", "resume", "hold", "auto", "unlock", "limit", "unlimit", "call",
     "acknowledge", "shelve", "replan", "explain"}
)  # fmt: skip
_MOST_BODY = 16_000
_WITHIN_S, _LONGEST_S = 10.0, 600.0
_NUMBERS = {
    "value_kw": ("value", 1e-3), "low_kw": ("low", 1e-3), "high_kw": ("high", 1e-3),
    "power_kw": ("power", 1e-3), "hours": ("hours", 1.0), "after_hours": ("after", 1.0),
    "price_per_kwh": ("price", 1e3), "penalty_per_kwh": ("penalty", 1e3),
}  # fmt: skip
"""Fields of forms -> (what operate calls them, factor to its unit)."""
_OVER = Text(
    "The session is over and nothing was sent. Sign in again in another tab, then send it from "
    "here: nothing is lost.",
    "会话已结束，未发送。在另一标签页登录后从此处再次发送，内容不会丢失。",
)
_OLD = Text(
    "The form is of an earlier session; send it once more.", "表单属于较早的会话；再发送一次。"
)
_HELD = Text(
    "Hold the button for a second: one deliberate confirmation.", "按住按钮一秒：须明确确认。"
)
_NUMBER = Text("{name}: '{given}' is not a number", "{name}：“{given}”不是数")
_UNKNOWN = Text("there is no such command", "没有此命令")
_DONE = Text(
    "In the ledger; carried out within {seconds:g} s or voided by name.",
    "已写入账本；{seconds:g} s 内执行，否则作废并说明。",
)
_UNRECORDED = Text(
    "Carried out; the ledger could not record it and will do so later.",
    "已执行；账本暂不能记录，稍后补记。",
)
_GONE = Text(
    "Operate does not answer, so nothing was commanded; devices keep to their own watchdogs. In "
    "danger use the devices' own stop.",
    "operate 无应答，命令未发出；设备由自身看门狗保护。危险时用设备急停。",
)


class Commands:
    """Answers at `/command/VERB`."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def attach(self, app: FastAPI) -> None:
        """Take commands, and say the word that forms of a session carry."""

        @app.post("/command/{verb}", include_in_schema=False)
        async def command(request: Request, verb: str) -> Response:
            if len(await request.body()) > _MOST_BODY:
                return Response(status_code=413)
            form = {key: str(value) for key, value in (await request.form()).items()}
            return await anyio.to_thread.run_sync(self._command, request, verb, form)

        @app.get("/word", include_in_schema=False)
        async def word(request: Request) -> Response:
            session = self._room.people.session(secret_of(request))
            if session is None:
                return Response(status_code=401)
            said = {"csrf": session.csrf, "name": session.person.name}
            return JSONResponse(said, headers={"Cache-Control": "no-store"})

    def _command(self, request: Request, verb: str, form: Mapping[str, str]) -> Response:
        language, secret = language_of(request), secret_of(request) or ""

        def said(status: int, text: Text, key: str, **more: Any) -> Response:
            body = {"ok": status == 200, "said": text.in_language(language), "key": key, **more}  # noqa: PLR2004 - HTTP's own
            return JSONResponse(body, status, headers={"Cache-Control": "no-store"})

        people = self._room.people
        session = people.session(secret)
        if session is None and verb in AT_ONCE:
            session = people.over(secret)
        refused = _refused(verb, form, session)
        if refused is not None:
            return said(*refused)
        assert session is not None, "else refused"
        try:
            answer = self._handed(verb, form, session, secret)
        except DataError as error:
            if error.key == "nobody_listens":
                return said(503, _GONE, error.key)
            return said(422, error.text, error.key)
        people.did(session.person.name, "commanded", f"{verb} {form.get('on', '')}".strip())
        text = _DONE.format(seconds=_WITHIN_S) if answer["recorded"] else _UNRECORDED
        return said(200, text, "", order=answer["order"])

    def _handed(
        self, verb: str, form: Mapping[str, str], session: Session, secret: str
    ) -> Mapping[str, Any]:
        asked: dict[str, Any] = {"verb": verb, **as_actor(session.person, "person", "web")}
        asked |= {name: form.get(name, "")[:400] for name in ("on", "why")}
        asked |= {name: form[name][:80] for name in ("point", "once", "seen") if name in form}
        asked |= numbers(form)
        # Of our time; operate counts the park's.
        asked["seconds"] = min(_LONGEST_S, _WITHIN_S * self._room.living.speed)
        if verb == "call":
            asked |= {name: form[name][:40] for name in ("product", "way") if form.get(name)}
        if verb in WIDENING:
            factors, name = self._room.factors, session.person.name
            asked["factor"] = factors.show(secret, name, form.get("code", ""))
        return self._room.living.command(asked)


def _refused(
    verb: str, form: Mapping[str, str], session: Session | None
) -> tuple[int, Text, str] | None:
    """Return why a form is not even looked into; None where it is."""
    if verb not in COMMANDS:
        return 404, _UNKNOWN, "verb_unknown"
    if session is None:
        return 401, _OVER, "session_over"
    if not secrets.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
        return 403, _OLD, "old_form"
    if verb in AT_ONCE and form.get("held") != "1":
        return 422, _HELD, "not_held"
    return None


def as_actor(person: Person, kind: str, channel: str) -> dict[str, str]:
    """Return who asks as `operate` is told."""
    return {
        "actor": kind, "name": person.name, "role": acting(person.role), "channel": channel,
        "party": person.party or "",
    }  # fmt: skip


def numbers(form: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a form in the units of `operate`; raises `DataError` for no number."""
    found = {}
    for field, (name, factor) in _NUMBERS.items():
        written = str(form.get(field, "")).strip()
        if not written:
            continue
        try:
            value = float(written) if len(written) <= 20 else math.nan  # noqa: PLR2004 - digits enough
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise DataError("not_a_number", _NUMBER.format(name=field, given=written[:40]))
        found[name] = value * factor
    return found


def mark_of(status: Mapping[str, Any] | None, on: str) -> str:
    """Return what a form about an object carries, so that who comes second is told."""
    return "" if status is None else str(status["newest"].get(on, ""))


assert COMMANDS >= ON_ASSETS | AT_ONCE | WIDENING, "all that operate takes can be asked from a desk"
