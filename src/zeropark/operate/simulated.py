"""A park in operation whose plant is simulated in the same process, by the same scaled clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zeropark.ledger.store import Store
from zeropark.operate.build import RunRequest, balances
from zeropark.operate.clock import ScaledClock
from zeropark.operate.cycle import Settings
from zeropark.operate.fleet import Fleet, Wire
from zeropark.operate.near import near_site
from zeropark.operate.service import Seasons, Service
from zeropark.units.timegrid import TimeGrid

# The simulated plant's own step [min]; its devices mind a silence of this many of them.
_PLANT_MINUTES, _WATCHDOG_STEPS = 1, 3
# Wall time of one pass over the devices, and of a plan [s].
_PATIENCE, _DEADLINE = 0.5, 60.0


def service_of(
    request: RunRequest, store: Store, speed: float, seconds: float, days: int
) -> Service:
    """Return the service that operates a request's park from the start of its first day on.

    speed: seconds of the park in one of ours. seconds: of a cycle, in our time; in the park's time
    it is so much longer. days: how long the plant has weather for.
    """
    grid = TimeGrid.local_days(request.start, 1, 15, request.park.place.zone)
    clock = ScaledClock(speed, float(grid.start.astype(np.int64)))
    spills = {node.name: node.spill_cost is not None for node in balances(request.park)}
    asked = replace(request, step_minutes=_PLANT_MINUTES, days=days)
    cycle = seconds * speed
    watchdog = max(_WATCHDOG_STEPS * 60.0 * _PLANT_MINUTES, 3.0 * cycle)
    site = near_site(asked, clock, spills, watchdog)
    fleet = Fleet(
        {name: Wire(driver, watchdog=watchdog) for name, driver in site.drivers.items()}, _PATIENCE
    )
    assets = site.assets
    settings = Settings(
        seconds=cycle, stale_after=max(10.0, 3.0 * cycle), keep_every=max(60.0, cycle)
    )
    plans = Seasons(request, _DEADLINE)
    return Service(assets, fleet, store, clock, plans.make, settings)
