"""Room kept for commands and safety entries: a full disk refuses readings first."""

from __future__ import annotations

import os
from pathlib import Path

from zeropark.ledger.database import DiskFullError

RESERVE_BYTES = 64 << 20


class Reserve:
    """A file that takes up room, and gives it back when nothing else is left.

    size: [byte], 64 MB for real use.
    """

    def __init__(self, folder: Path, size: int = RESERVE_BYTES) -> None:
        self._path = folder / "reserve"
        self._size = size

    @property
    def held(self) -> bool:
        """Whether the room is kept now."""
        return self._path.exists() and self._path.stat().st_size == self._size

    def take(self) -> None:
        """Keep the room, where it is not kept yet; raises `DiskFullError` where there is none."""
        if self.held:
            return
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.posix_fallocate(file, 0, self._size)
            os.ftruncate(file, self._size)
            os.fsync(file)
        except OSError:
            os.ftruncate(file, 0)
            raise DiskFullError(str(self._path)) from None
        finally:
            os.close(file)

    def give(self) -> None:
        """Give the room back."""
        if self._path.exists():
            os.truncate(self._path, 0)


class NoReserve(Reserve):
    """For a store in a database: the room is the server's, whose keeper watches over it."""

    def __init__(self) -> None:
        super().__init__(Path(), 0)

    @property
    def held(self) -> bool:
        """Whether the room is kept now: never."""
        return False

    def take(self) -> None:
        """Keep nothing."""

    def give(self) -> None:
        """Give nothing back."""
