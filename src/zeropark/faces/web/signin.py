"""Signing in and out: name and password, slow for who guesses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from zeropark.faces.web.guard import COOKIE, secret_of
from zeropark.faces.web.people import SESSION_S, STOPS_S
from zeropark.faces.web.words import SHELL

if TYPE_CHECKING:
    from fastapi import FastAPI

    from zeropark.faces.web.app import Room

_MOST_BODY = 8_000
# One check of a password takes 50 MB and 50 ms: more than two at once help only who guesses.
_AT_ONCE = 2


class SignIn:
    """The door itself."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._checking = anyio.CapacityLimiter(_AT_ONCE)

    def attach(self, app: FastAPI) -> None:
        """Answer at `/sign-in` and `/sign-out`."""

        @app.get("/sign-in", include_in_schema=False)
        async def form(request: Request) -> Response:
            return self._form(request)

        @app.post("/sign-in", include_in_schema=False)
        async def sign_in(request: Request) -> Response:
            if len(await request.body()) > _MOST_BODY:
                return Response(status_code=413)
            given = {key: str(value) for key, value in (await request.form()).items()}
            return await self._enter(request, given.get("name", ""), given.get("password", ""))

        @app.post("/sign-out", include_in_schema=False)
        async def sign_out(request: Request) -> Response:
            secret = secret_of(request)
            if secret is not None:
                self._room.people.sign_out(secret)
            response = RedirectResponse("/sign-in", 303)
            response.delete_cookie(COOKIE)
            return response

    async def _enter(self, request: Request, name: str, password: str) -> Response:
        address = request.client.host if request.client else "?"
        people = self._room.people
        wait = people.wait(f"name:{name}", f"from:{address}")
        if wait > 0:
            return self._form(request, "too_often", 429, seconds=math.ceil(wait))
        found = await anyio.to_thread.run_sync(
            people.sign_in, name.strip(), password, address, limiter=self._checking
        )
        if found is None:
            return self._form(request, "not_known", 403)
        on = request.query_params.get("on", "/")
        # Only on to a page of ours: never to an address that somebody put behind `on`.
        there = on if on.startswith("/") and not on.startswith(("//", "/\\")) else "/"
        response = RedirectResponse(there, 303)
        response.set_cookie(
            COOKIE, found[0], max_age=round(SESSION_S + STOPS_S), httponly=True, samesite="lax",
            secure=self._room.secure,
        )  # fmt: skip
        return response

    def _form(
        self, request: Request, said: str = "", status: int = 200, **values: object
    ) -> Response:
        language = language_of(request)

        def w(key: str, **given: object) -> str:
            return SHELL[key].format(**given).in_language(language)

        content = self._room.templates.get_template("signin.html.j2").render(
            w=w,
            said=w(said, **values) if said else "",
            language=language,
            theme=theme_of(request),
            tag=self._room.files.tag,
            park=self._room.living.run.request.park.shown.in_language(language),
            simulated=True,
        )
        response = HTMLResponse(content, status, {"Cache-Control": "no-store"})
        if "lang" in request.query_params:
            response.set_cookie("lang", language, max_age=31_536_000, samesite="lax", httponly=True)
        return response


def language_of(request: Request) -> str:
    """Return the reader's language: of the address, of the last time, else Chinese."""
    for said in (request.query_params.get("lang"), request.cookies.get("lang")):
        if said in {"zh", "en"}:
            return said
    return "zh"


def theme_of(request: Request) -> str:
    """Return the reader's theme; "" leaves it to the reader's system."""
    said = request.query_params.get("theme")
    if said is None:
        said = request.cookies.get("theme", "")
    return said if said in {"light", "dark"} else ""
