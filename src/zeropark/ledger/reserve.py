"""Room kept for commands and safety entries: a full disk refuses readings first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from zeropark.ledger.database import DiskFullError

RESERVE_BYTES = 64 << 20


class Reserve:
    """A file in a store's folder that takes up room, and gives it back when nothing else is left.

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


class Room(Protocol):
    """A database that can keep room itself."""

    def kept(self) -> int:
        """Return how much room is kept [byte]."""
        ...

    def keep(self, size: int) -> None:
        """Keep room [byte]; raises `DiskFullError` where there is not so much."""
        ...

    def give_up(self) -> None:
        """Give the room back."""
        ...


class ServerReserve(Reserve):
    """The same on a server, as a table that takes up room."""

    def __init__(self, room: Room, size: int) -> None:
        super().__init__(Path(), size)
        self._room = room
        # Nobody but this process gives it up, and a server that falls takes the connection along.
        self._held = room.kept() >= size

    @property
    def held(self) -> bool:
        """Whether the room is kept now."""
        return self._held

    def take(self) -> None:
        """Keep the room, where it is not kept yet; raises `DiskFullError` where there is none."""
        if not self._held:
            self._room.keep(self._size)
            self._held = True

    def give(self) -> None:
        """Give the room back."""
        self._held = False
        self._room.give_up()
