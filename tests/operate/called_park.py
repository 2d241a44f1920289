"""A small park in operation that can be called, by a clock turned by hand."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np

from tests.operate.conftest import park_of, request_of, small_assets
from zeropark.ledger.reading import Offered
from zeropark.ledger.registry import Point
from zeropark.ledger.rowform import Quality
from zeropark.ledger.store import Store, create
from zeropark.operate.authority import Actor
from zeropark.operate.clock import HandClock
from zeropark.operate.cycle import Settings
from zeropark.operate.desk import RollingPlans
from zeropark.operate.fleet import Fleet, Wire
from zeropark.operate.near import NearSite, near_site
from zeropark.operate.run import Run
from zeropark.operate.service import Service

LI = Actor("os_user", "li", "dispatcher", "local")
ZONE = "Asia/Shanghai"


class CalledPark:
    """The small park of the tests, its simulated site and its service in one folder.

    hour: local hour of day at which it begins [h].
    """

    def __init__(self, folder: Path, hour: float = 0.0) -> None:
        self.folder = folder
        self.run = Run(request_of(park_of(small_assets()), days=3, horizon_hours=12.0))
        self.clock = HandClock()
        self.midnight = float(self.run.world.grid.start.astype(np.int64))
        self.clock.wall = self.midnight + hour * 3_600.0
        request = request_of(park_of(small_assets()), days=2, step_minutes=1)
        self.site: NearSite = near_site(request, self.clock, {"bus": False}, 180.0)
        create(folder, "simulated", reserve=4_096)
        self.store = Store(folder, "operate", reserve=4_096)

    def start(self) -> Service:
        """Open for business, as after any end of what ran before."""
        wires = {name: Wire(driver, watchdog=180.0) for name, driver in self.site.drivers.items()}
        self.service = Service(
            self.site.assets,
            Fleet(wires, 0.5),
            self.store,
            self.clock,
            RollingPlans(self.run).make,
            Settings(seconds=60.0, stale_after=600.0, keep_every=60.0),
            threaded=False,
            zone=ZONE,
        )
        return self.service

    def restart(self) -> Service:
        """Forget everything but what lies on the disk."""
        self.store.close()
        self.store = Store(self.folder, "operate", reserve=4_096)
        return self.start()

    def live(self, minutes: int) -> None:
        """Live so long, a cycle a minute."""

        async def some() -> None:
            for _ in range(minutes):
                self.service.report = await self.service.cycle.once()
                self.clock.at += 60.0

        asyncio.run(some())

    def call(self, **said: Any) -> None:
        """Ask for a call."""
        self.service.answer({"verb": "call", "why": "grid", "penalty": 100.0, **said}, LI)

    def calls(self) -> list[dict[str, Any]]:
        """The calls as whoever looks on is told."""
        return list(self.service.answer({"verb": "calls"}, LI)["calls"])

    def truth(self, begin: float, end: float) -> list[float]:
        """What the tie truly brought in each minute of a time [MW]."""
        self.site.advance()
        return [each.power["tie"] for each in self.site.log if begin <= each.at < end]

    def remember(self, days: int, level: float, before: float = 0.0) -> None:
        """Have metered the tie by the quarter in the days before: a level [MW], wandering a little.

        before: how much more than that it was in the last three hours [MW].
        """
        self.store.register([Point("tie/p", "W", "state")])
        number, source = self.store.registry.number("tie/p"), self.store.source("operate")
        now = self.midnight + round((self.clock.now() - self.midnight) / 900.0) * 900.0
        at = np.arange(self.midnight - days * 86_400.0, now, 900.0)
        # By the day a little more, a little less, as loads are.
        day = ((at - self.midnight) // 86_400.0).astype(int)
        powers = level * (1.0 + 0.02 * np.sin(1.7 * day))
        powers[-12:] += before
        whole = np.rint(powers * 1e6).astype(np.int64)
        numbers = np.full(len(at), number, dtype=np.int64)
        quality = np.full(len(at), int(Quality.MEASURED), dtype=np.int64)
        starts = np.rint(at * 1e3).astype(np.int64)
        self.store.accept(Offered.of(numbers, starts, 0, whole, quality, source))
