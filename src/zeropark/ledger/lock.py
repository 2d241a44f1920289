"""One writing process for each store, held by a lock with its name in it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zeropark.data.errors import DataError
from zeropark.units.text import Text

_HELD = Text(
    "{path}: '{name}' (process {pid} on {host}) has been writing here since {since}; stop it "
    "first, or read without writing",
    "{path}：“{name}”（{host} 上的进程 {pid}）自 {since} 起在此写入；先停止它，或只读",
)
_SHARED = Text(
    "{path}: the lock of the store cannot be taken ({said}); keep the store on a local disk",
    "{path}：无法取得账本的锁（{said}）；账本须放在本地磁盘",
)


class WriterLock:
    """Holds the store in `folder` for one writing process until closed or killed.

    name: what the process calls itself, told to a second one that comes. Raises `DataError` where
    another process holds it. The kernel lets go when the holder dies, however it dies.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / "writer.lock"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = holder(folder)
            os.close(self._file)
            raise DataError("store_held", _HELD.format(path=folder, **held)) from None
        except OSError as error:
            os.close(self._file)
            said = error.strerror or str(error)
            raise DataError("store_lock", _SHARED.format(path=folder, said=said)) from None
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        told = {"name": name, "pid": os.getpid(), "host": socket.gethostname(), "since": since}
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(told).encode(), 0)

    def close(self) -> None:
        """Let go of the store."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1


def holder(folder: Path) -> dict[str, Any]:
    """Return who says that it writes to the store: name, pid, host, since; `?` where untold."""
    told: dict[str, Any] = dict.fromkeys(("name", "pid", "host", "since"), "?")
    with contextlib.suppress(OSError, ValueError):
        told.update(json.loads((folder / "writer.lock").read_text(encoding="utf-8")))
    return told


class ReadersLock:
    """Shared by readers while they open sealed files; whoever removes old files needs it alone."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "readers.lock"

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Keep every sealed file of the manifest in place inside the block."""
        with _locked(self._path, fcntl.LOCK_SH):
            yield

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Yield whether no reader is there; none comes before the block ends where it is True."""
        try:
            with _locked(self._path, fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield True
        except BlockingIOError:
            yield False


@contextlib.contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, how)
        yield
    finally:
        os.close(file)
