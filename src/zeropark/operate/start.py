"""How a park is brought into operation: in this process, or over the wires of its devices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from zeropark.assets.kind import Kind
from zeropark.devices.wire import always
from zeropark.ledger.store import Store
from zeropark.model.device import DeviceLine
from zeropark.operate.build import RunRequest, balances
from zeropark.operate.chronicle import Chronicle
from zeropark.operate.clock import ScaledClock
from zeropark.operate.controllers import Advice
from zeropark.operate.cycle import Settings
from zeropark.operate.field import Field, field_of
from zeropark.operate.fleet import Fleet, Wire
from zeropark.operate.leading import Leadership
from zeropark.operate.near import near_site
from zeropark.operate.service import Seasons, Service
from zeropark.units.timegrid import TimeGrid

Year = Callable[[dt.date], Advice | None]
"""What the plans of a day are told of a year; None where nobody planned one."""
# The simulated plant's own step [min]; its devices mind a silence of this many of them.
_PLANT_MINUTES, _WATCHDOG_STEPS = 1, 3
# Wall time of one pass over devices in this process, over wires at most, and of a plan [s].
_PATIENCE, _LONGEST_PATIENCE, DEADLINE = 0.5, 2.0, 60.0


def untold(day: dt.date) -> None:
    """Tell the plans of a day nothing of a year."""
    del day


def settings_of(seconds: float, speed: float) -> Settings:
    """Return the settings of a cycle of so many of our seconds, on a clock of this speed."""
    cycle = seconds * speed
    return Settings(seconds=cycle, stale_after=max(10.0, 3.0 * cycle), keep_every=max(60.0, cycle))


def clock_of(request: RunRequest, speed: float) -> ScaledClock:
    """Return the clock of a simulated site: from the start of the request's first day on."""
    grid = TimeGrid.local_days(request.start, 1, 15, request.park.place.zone)
    return ScaledClock(speed, float(grid.start.astype(np.int64)))


def here(
    request: RunRequest,
    store: Store,
    speed: float,
    seconds: float,
    days: int,
    leadership: Leadership | None = None,
    year: Year = untold,
    *,
    threaded: bool = True,
) -> Service:
    """Return the service that operates a request's plant in this process.

    speed: seconds of the park in one of ours. seconds: of a cycle, in our time; in the park's time
    it is so much longer. days: how long the plant has weather for. leadership, year: as in
    `over_wires`. threaded: whether plans and ledger have threads of their own.
    """
    clock = clock_of(request, speed)
    spills = {node.name: node.spill_cost is not None for node in balances(request.park)}
    asked = replace(request, step_minutes=_PLANT_MINUTES, days=days)
    watchdog = max(_WATCHDOG_STEPS * 60.0 * _PLANT_MINUTES, 3.0 * seconds * speed)
    chronicle = Chronicle(request, store, days)
    site = near_site(asked, clock, spills, watchdog, chronicle)
    fleet = Fleet(
        {name: Wire(driver, watchdog=watchdog) for name, driver in site.drivers.items()}, _PATIENCE
    )
    settings = settings_of(seconds, speed)
    zone = request.park.place.zone
    plans = Seasons(request, DEADLINE, chronicle.planned, year)
    return Service(
        site.assets,
        fleet,
        store,
        clock,
        plans.make,
        settings,
        threaded=threaded,
        zone=zone,
        leadership=leadership,
        chronicle=chronicle,
    )


def over_wires(
    request: RunRequest,
    lines: Sequence[DeviceLine],
    store: Store,
    clock: ScaledClock,
    seconds: float,
    leadership: Leadership | None = None,
    year: Year = untold,
    deadline: float = DEADLINE,
) -> Service:
    """Return the service that operates a park over its devices' wires.

    clock: the machine's own in the field, a simulated site's where there is one. leadership: the
    lease without which nothing is sent. year: what the plans of a day are told of a year.
    deadline: longest time a plan may take [s, wall time].
    """
    field = field_of(
        lines,
        assets_of(request),
        request.folder,
        clock,
        patience_of(seconds),
        always if leadership is None else leadership.allows,
    )
    plans = Seasons(request, deadline, year=year)
    return Service(
        assets_of(request),
        field.fleet,
        store,
        clock,
        plans.make,
        settings_of(seconds, clock.speed),
        field.standing,
        zone=request.park.place.zone,
        leadership=leadership,
    )


def minded(request: RunRequest, lines: Sequence[DeviceLine], clock: ScaledClock) -> Field:
    """Return the devices of a park for who minds the heartbeat of its operate."""
    return field_of(lines, assets_of(request), request.folder, clock, _PATIENCE)


def assets_of(request: RunRequest) -> list[Kind]:
    """Return the park's assets, billed by its tariffs."""
    tariffs = request.park.tariffs_by_name
    return [a.billed_by(tariffs) for a in request.park.assets if isinstance(a, Kind)]


def patience_of(seconds: float) -> float:
    """Return the wall time of one pass of calls: reading and writing fit into a cycle [s]."""
    return min(_LONGEST_PATIENCE, 0.4 * seconds)
