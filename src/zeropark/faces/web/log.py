"""One line of JSON for each answer, for who keeps logs: what was asked and how it ended, no more.

What stands behind `?`, cookies, headers and bodies are never written: secrets may stand there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

AS_LINES = ("ZEROPARK_LOG", "lines")
"""The variable of the environment, and its value, that ask for lines."""
_QUIET = "/static/"


def wanted() -> bool:
    """Return whether lines are asked for."""
    name, value = AS_LINES
    return os.environ.get(name) == value


class Log:
    """Writes a line on standard error for each answer but those of files that never change."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith(_QUIET):
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            client = scope.get("client")
            said = {
                "at": round(time.time(), 3), "method": scope["method"], "path": scope["path"],
                "status": status, "ms": round((time.perf_counter() - begun) * 1e3, 1),
                "from": client[0] if client else None,
            }  # fmt: skip
            print(json.dumps(said), file=sys.stderr, flush=True)  # noqa: T201 - a line of the log
