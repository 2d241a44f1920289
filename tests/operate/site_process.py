"""A simulated site in a process of its own: `site_process.py PARK PORT SPEED TRUTH`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from zeropark.assets import kinds
from zeropark.model.parkfile import read_park
from zeropark.operate.build import RunRequest
from zeropark.operate.site import Site, site_lines
from zeropark.operate.start import clock_of


async def serve(park: Path, port: int, speed: float, truth: Path) -> None:
    request = RunRequest(read_park(park, kinds()), park.parent, "2026-04-17")
    lines = site_lines(request, "127.0.0.1", port)
    site = Site(request, lines, clock_of(request, speed), 1.0, truth)
    await site.open()
    await site.live(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])))
