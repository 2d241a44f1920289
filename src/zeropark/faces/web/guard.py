"""What holds of every answer: headers that keep strangers out, and who may ask for a change."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "zp_session"
_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Guard:
    """Puts headers on every answer, and refuses changes that another site asks for.

    secure: whether browsers come by TLS; then they are told to come by nothing else.
    """

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if self._secure:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        asked = Headers(scope=scope)
        if scope["method"] in _CHANGES and not _from_here(asked):
            await PlainTextResponse("another site asked", 403)(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)


def _from_here(asked: Headers) -> bool:
    """Return whether a change comes from a page of ours, or from no browser at all."""
    origin = asked.get("origin")
    if origin is None:
        return asked.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}
    return urlsplit(origin).netloc == asked.get("host")


def secret_of(request: Request) -> str | None:
    """Return the secret of the session that a browser sent; None where it sent none."""
    return request.cookies.get(COOKIE)
