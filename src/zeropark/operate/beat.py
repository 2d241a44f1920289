"""The heartbeat of `operate`, and the small process that minds it.

The beat is a file with the kernel's monotonic clock in it: a process that was stopped, killed or
hangs writes none. Who minds it only ever writes the safe values of the templates.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zeropark.operate.fleet import Fleet

NAME = "operate.beat"
_FORM = struct.Struct("<dq")


class Heart:
    """Writes the beat."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def beat(self) -> None:
        """Say that this process lives; one write of 16 bytes, never synced."""
        os.pwrite(self._file, _FORM.pack(time.monotonic(), os.getpid()), 0)

    def rest(self) -> None:
        """Say that this process ends on purpose, with all devices at rest."""
        os.pwrite(self._file, _FORM.pack(float("inf"), os.getpid()), 0)
        os.close(self._file)


def silence(path: Path) -> float:
    """Return how long ago the last beat was [s]: less than 0 after a rest, inf where none was."""
    try:
        beat, _pid = _FORM.unpack(path.read_bytes()[: _FORM.size])
    except (OSError, struct.error):
        return float("inf")
    return float(time.monotonic() - beat)


@dataclass
class Minder:
    """Leads devices to their safe values when the beat stops, and then leaves them there.

    patience: silence after which it acts [s]. safe: values by asset and point, None to let go of a
    set-point. elsewhere: whether another instance leads the park, which is asked in a silence: its
    set-points are left alone. It tries again until each device has taken them, and starts anew once
    the beat is back.
    """

    beat: Path
    fleet: Fleet
    safe: Mapping[str, Mapping[str, float | None]]
    patience: float
    elsewhere: Callable[[], bool] = lambda: False
    done: set[str] = field(default_factory=set)
    acting: bool = False

    async def look(self) -> list[str]:
        """Look once; return the assets that were led to safety now."""
        quiet = silence(self.beat)
        self.acting = quiet > self.patience and not await asyncio.to_thread(self.elsewhere)
        if not self.acting:
            self.done.clear()
            return []
        left = {asset: points for asset, points in self.safe.items() if asset not in self.done}
        if not left:
            return []
        written = await self.fleet.write(left)
        now = [
            asset
            for asset, outcomes in written.items()
            if all(each.outcome.done for each in outcomes.values())
        ]
        self.done.update(now)
        return now


def forget(path: Path) -> None:
    """Remove the beat of a process that ended long ago."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
