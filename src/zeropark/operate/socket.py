"""The local socket others hand their commands over: one line of JSON each way, for this user only.

`{"verb": "stop", "why": "smoke", "role": "dispatcher", "name": "li"}` is answered with
`{"order": …, "recorded": true}` once it is durable, or with `{"key": …, "en": …, "zh": …}`.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from zeropark.data.errors import DataError
from zeropark.operate.authority import Actor
from zeropark.units.text import Text

Answering = Callable[[Any, Actor], Mapping[str, Any]]
NAME = "operate.sock"
_LARGEST_BYTES = 1 << 16
_PATIENCE_S = 10.0
# A path of a socket may have so many bytes [unix(7): 108 with its end].
_LONGEST_PATH = 107

_NOT_JSON = Text("a command is one line of JSON", "命令应为一行 JSON")
_STRANGER = Text(
    "user {uid} may not command this park; ask as the user that runs operate ({own})",
    "用户 {uid} 无权指挥该园区；请以运行 operate 的用户（{own}）操作",
)
_NOBODY = Text(
    "{path}: no operate listens here; start it with zeropark operate",
    "{path}：没有运行中的 operate；用 zeropark operate 启动",
)
_UNRECORDED = Text(
    "the ledger takes nothing now, so that this is not done; make room on the disk",
    "账本目前无法写入，该命令未执行；请腾出磁盘空间",
)
_TOO_LONG = Text(
    "{path}: a socket's path has at most {most} bytes; choose a shorter folder",
    "{path}：套接字路径至多 {most} 字节；换较短的文件夹",
)


class Listener:
    """Listens at `path` until closed; each knock is answered by `answer` in a thread of its own."""

    def __init__(self, path: Path, answer: Answering) -> None:
        _short_enough(path)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self._path = path
        before = os.umask(0o177)
        try:
            self._server = _Server(str(path), _Knock)
        finally:
            os.umask(before)
        self._server.answer = answer
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="commands", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    answer: Answering


class _Knock(socketserver.StreamRequestHandler):
    timeout = _PATIENCE_S

    def handle(self) -> None:
        """Answer one line."""
        server = self.server
        assert isinstance(server, _Server), "handles nobody else's knocks"
        try:
            said = self._answered(server.answer)
        except DataError as error:
            said = {"key": error.key, "en": error.text.en, "zh": error.text.zh}
        except OSError as error:
            text = _UNRECORDED
            said = {"key": "not_recorded", "en": text.en, "zh": text.zh, "said": str(error)}
        with contextlib.suppress(OSError):
            self.wfile.write(json.dumps(said, ensure_ascii=False).encode() + b"\n")

    def _answered(self, answer: Answering) -> dict[str, Any]:
        user = self._user()
        line = self.rfile.readline(_LARGEST_BYTES)
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            raise DataError("not_json", _NOT_JSON) from None
        told: Mapping[str, Any] = said if isinstance(said, dict) else {}
        name = str(told.get("name") or user)
        actor = Actor(
            str(told.get("actor", "os_user")),
            name,
            str(told.get("role", "")),
            str(told.get("channel", "local")),
            str(told.get("party", "")),
        )
        return dict(answer(said, actor))

    def _user(self) -> str:
        """Return who knocks, by the kernel's word; raises `DataError` for another user."""
        size = struct.calcsize("3i")
        told = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        _pid, uid, _gid = struct.unpack("3i", told)
        if uid not in {0, os.getuid()}:
            raise DataError("stranger", _STRANGER.format(uid=uid, own=os.getuid()))
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)


def hand_over(path: Path, said: Mapping[str, Any]) -> dict[str, Any]:
    """Hand a command to whoever listens at `path`; return the answer. Raises `DataError`."""
    _short_enough(path)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(_PATIENCE_S)
            wire.connect(str(path))
            wire.sendall(json.dumps(said).encode() + b"\n")
            with wire.makefile("rb") as answer:
                found = json.loads(answer.readline())
    except (OSError, ValueError):
        raise DataError("nobody_listens", _NOBODY.format(path=path)) from None
    if "key" in found:
        raise DataError(str(found["key"]), Text(str(found["en"]), str(found["zh"])))
    return dict(found)


def listens(path: Path) -> bool:
    """Return whether anybody listens at `path`."""
    _short_enough(path)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(_PATIENCE_S)
            wire.connect(str(path))
    except OSError:
        return False
    return True


def _short_enough(path: Path) -> None:
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise DataError("socket_path", _TOO_LONG.format(path=path, most=_LONGEST_PATH))
