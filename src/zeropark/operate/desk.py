"""Where plans are made: beside the cycle, which never waits for one.

The cycle leaves a request and takes what is there. A plan is read out whole by the thread that made
it: its set-points for the hours ahead, its reasons and prices.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zeropark.assets.kind import Readings
from zeropark.formulation.plan import Plan
from zeropark.formulation.reasons import Reason, explain
from zeropark.formulation.solver import Grade
from zeropark.operate.controllers import Planned
from zeropark.operate.plant import Plant
from zeropark.operate.product import Promise
from zeropark.operate.run import Run

Setpoints = Mapping[str, Mapping[str, float]]
Told = Callable[[Run, Planned, Plan], None]
# How many hours of a plan are read out: so long it is followed where no newer one comes [h].
_REACH_HOURS = 4.0
# How far stores and ties are read out, so that a call of tomorrow can be weighed [h].
_LOOK_HOURS = 36.0


@dataclass(frozen=True)
class Programme:
    """A plan as the cycle follows it.

    made_at: POSIX s. step: length of its steps [s]. setpoints, reasons: of each step from `first`
    [POSIX s] on. further: of the steps after them, of ties and stores alone. prices: (import,
    export) [CNY/MWh] of its first step. why: what it was made for. seconds: wall time it took.
    """

    made_at: float
    first: float
    step: float
    setpoints: Sequence[Setpoints]
    reasons: Sequence[Sequence[Reason]]
    grade: Grade
    prices: tuple[float, float]
    why: str
    seconds: float = 0.0
    further: Sequence[Setpoints] = ()

    @property
    def outlook(self) -> Sequence[Setpoints]:
        """What it says of ties and stores, as far as it was read out."""
        return [*self.setpoints, *self.further]

    def far_at(self, now: float) -> Setpoints:
        """Return what it says of ties and stores for a moment, further than it is followed."""
        i = int((now - self.first) // self.step)
        outlook = self.outlook
        return outlook[i] if 0 <= i < len(outlook) else {}

    def at(self, now: float) -> Setpoints:
        """Return what it says for this moment; nothing where it does not reach so far."""
        i = int((now - self.first) // self.step)
        return self.setpoints[i] if 0 <= i < len(self.setpoints) else {}

    def reasons_at(self, now: float) -> Sequence[Reason]:
        """Return why, at this moment."""
        i = int((now - self.first) // self.step)
        return self.reasons[i] if 0 <= i < len(self.reasons) else ()


@dataclass(frozen=True)
class Request:
    """What a plan is to be made from.

    now: POSIX s. readings: what can be believed. without: assets it may not count on. why: what it
    is made for. told: set-points in force [MW]. promises: what calls ask.
    """

    now: float
    readings: Mapping[str, Mapping[str, float]]
    without: frozenset[str]
    why: str
    told: Setpoints = field(default_factory=dict)
    promises: Sequence[Promise] = ()


class Desk:
    """A thread that makes plans by `make`, the newest request first; or none, for a test."""

    def __init__(
        self, make: Callable[[Request], Programme | None], *, threaded: bool = True
    ) -> None:
        self._make = make
        self._asked: Request | None = None
        self._some = threading.Condition()
        self._closing = False
        self._threaded = threaded
        # While a park lives its first hours as fast as it can, each plan is waited for.
        self.waited_for = False
        self.busy = False
        self.latest: Programme | None = None
        self.failed = ""
        if threaded:
            threading.Thread(target=self._work, name="plans", daemon=True).start()

    def ask(self, request: Request) -> None:
        """Leave a request; an older one that nobody began is forgotten."""
        if self.waited_for:
            self._serve(request)
            return
        with self._some:
            self._asked = request
            self._some.notify_all()
        if not self._threaded:
            self._serve(request)

    def _work(self) -> None:
        while True:
            with self._some:
                self._some.wait_for(lambda: self._asked is not None or self._closing)
                if self._closing:
                    return
                request, self._asked = self._asked, None
            assert request is not None, "waited for"
            self._serve(request)

    def _serve(self, request: Request) -> None:
        self.busy = True
        try:
            made = self._make(request)
        except Exception as error:  # noqa: BLE001 - whatever a plan fails of, the park is run on
            self.failed = f"{type(error).__name__}: {error}"
        else:
            self.failed = ""
            if made is not None:
                self.latest = made
        finally:
            self.busy = False

    def close(self) -> None:
        """Ask for nothing more; a plan under way is left to itself."""
        with self._some:
            self._closing = True
            self._some.notify_all()


class RollingPlans:
    """Makes plans with the rolling planner of one season; what no meter shows comes from a twin.

    The twin is the simulated plant of the planner's own world, told what the devices were told. It
    stands in for queues of jobs and cars, prices and the month's peak; what meters show goes before
    it. told: of each plan as it is made, before the next one.
    """

    def __init__(self, run: Run, told: Told | None = None) -> None:
        self._run, self._told = run, told
        self._planned: Planned = run.planned(called=True)
        self._twin: Plant = run.plant()
        self._lived = 0
        assets = run.world.assets
        self._called = {a.name for a in assets if a.role in {"grid", "store"}}
        grid = run.world.grid
        self._start = float(grid.start.astype(np.int64))
        self._step = grid.step_hours * 3600.0
        self.steps = len(grid)

    def peak(self) -> float:
        """Return the highest demand the twin has seen this month [MW]."""
        ties = [a.name for a in self._run.world.assets if a.role == "grid"]
        shown = [self._twin.devices[name].read() for name in ties]
        return max(float(each[f"peak_{p}"]) for each in shown for p in ("even", "odd"))

    def index(self, now: float) -> int:
        """Return the step a moment [POSIX s] lies in."""
        return int((now - self._start) // self._step)

    def make(self, request: Request) -> Programme | None:
        """Return a plan from the present step on; None where none can be had."""
        index = self.index(request.now)
        if not 0 <= index < self.steps:
            return None
        while self._lived < index:
            self._twin.write(request.told)
            self._twin.step(self._lived)
            self._lived += 1
        readings = _with_meters(self._twin.read(), request.readings)
        planned = self._planned
        planned.without = request.without
        planned.promises = request.promises
        plan = planned.plan(index, readings)
        if plan is None:
            return None
        open_steps = min(planned.planner.steps.open_fine(index), self.steps - index)
        ahead = min(int(_REACH_HOURS * 3600.0 / self._step), open_steps)
        further = range(ahead, min(int(_LOOK_HOURS * 3600.0 / self._step), open_steps))
        if self._told is not None:
            self._told(self._run, planned, plan)
        tie = next(a.name for a in self._run.world.assets if a.role == "grid")
        prices = (float(readings[tie]["price_import"]), float(readings[tie]["price_export"]))
        return Programme(
            request.now,
            self._start + index * self._step,
            self._step,
            [planned.planner.setpoints(plan, index + i) for i in range(ahead)],
            [explain(plan, i) for i in range(ahead)],
            plan.grade,
            prices,
            request.why,
            planned.planner.timing.steps[-1],
            [planned.planner.setpoints(plan, index + i, self._called) for i in further],
        )


def _with_meters(
    twin: Mapping[str, Readings], shown: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, Any]]:
    return {name: {**points, **shown.get(name, {})} for name, points in twin.items()}
