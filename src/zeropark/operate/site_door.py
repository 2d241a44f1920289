"""The door of a running simulated site: a socket in its folder that only its owner may use.

One JSON object a line asks, one answers: `{"fault": "silence", "asset": "bat", "seconds": 60}`, or
`{}` for how things stand.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from pathlib import Path
from typing import Any

from zeropark.devices.catalogue import DeviceError
from zeropark.operate.clock import Clock
from zeropark.operate.site import Site
from zeropark.units.text import Text

NAME = "control.sock"
LINES = "devices.yaml"
"""The file of a site's folder that holds the lines by which a park file reaches it."""
_LONGEST = 65536
_NOT_UNDERSTOOD = Text("the site did not understand: {said}", "场站不理解：{said}")
_NO_SITE = Text(
    "no simulated site runs in {folder}; start one with zeropark site simulate",
    "{folder} 中没有运行的模拟场站；用 zeropark site simulate 启动",
)


class SiteDoor:
    """Answers at the socket of a site's folder."""

    def __init__(self, site: Site, clock: Clock, folder: Path) -> None:
        self._site = site
        self._clock = clock
        self._path = folder / NAME
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; what an earlier site left behind is taken away."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._answer, path=self._path, limit=_LONGEST
            )
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError):
            asked = await reader.readline()
            answer = json.dumps(self._do(asked), ensure_ascii=False)
            writer.write(answer.encode() + b"\n")
            await writer.drain()
        writer.close()

    def _do(self, asked: bytes) -> dict[str, Any]:
        try:
            said = json.loads(asked)
            if "fault" in said:
                self._site.inject(str(said["asset"]), str(said["fault"]), float(said["seconds"]))
        except DeviceError as error:
            return {"no": error.text.en, "no_zh": error.text.zh}
        except (ValueError, KeyError, TypeError):
            text = _NOT_UNDERSTOOD.format(said=asked[:80].decode(errors="replace").strip())
            return {"no": text.en, "no_zh": text.zh}
        return {"now": self._clock.now(), "speed": self._clock.speed, "over": self._site.over}


def ask_site(folder: Path, question: dict[str, Any], seconds: float = 5.0) -> dict[str, Any]:
    """Return the answer of the site that runs in `folder`.

    seconds: longest wait. Raises `DeviceError` where none runs there, or where it says no.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(seconds)
            wire.connect(str(folder / NAME))
            wire.sendall(json.dumps(question).encode() + b"\n")
            with wire.makefile("rb") as answer:
                found: dict[str, Any] = json.loads(answer.readline(_LONGEST) or b"{}")
    except OSError:
        raise DeviceError(_NO_SITE.format(folder=folder)) from None
    if "no" in found:
        raise DeviceError(Text(found["no"], found["no_zh"]))
    return found
