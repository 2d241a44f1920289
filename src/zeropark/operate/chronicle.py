"""What a simulated park in operation has lived, step by step, for who looks on from elsewhere.

Its own meters are summed to the steps of plans and posted as a run; what the newest plan says is
taken out of it while it stands. Whoever looks on asks over the socket and touches nothing.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zeropark import __version__
from zeropark.data.errors import DataError
from zeropark.forecast.weather import usual_errors
from zeropark.formulation.plan import Plan
from zeropark.ledger.database import DiskFullError
from zeropark.operate.ahead import Ahead, look
from zeropark.operate.band import band
from zeropark.operate.build import RunRequest
from zeropark.operate.controllers import Asked, Planned
from zeropark.operate.figures import Columns, Figures
from zeropark.operate.horizon import Steps
from zeropark.operate.loop import hand_on, new_figures, row_of
from zeropark.operate.plant import Plant
from zeropark.operate.posted import RunLedger
from zeropark.operate.record import Times, column_name
from zeropark.operate.run import Run
from zeropark.operate.trial import Change, attempt
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.ledger.store import Store

COST = "park/cost_cny"
"""Column of what the park has cost since it began [CNY], without what is stored or owed."""
_DIGITS = 9
_NO_PLAN = Text("no plan has been made yet; try again shortly", "尚无计划；稍后再试")
Numbers = dict[str, dict[str, float]]


class Chronicle:
    """Keeps the lived steps of one life of a park, the newest plan, and the band of its forecast.

    request: the park, its first day, its step. days: how long its plant has weather for. store: a
    simulated one. catching_up: while it is, plans are not kept.
    """

    def __init__(self, request: RunRequest, store: Store, days: int) -> None:
        self.run = Run(replace(request, days=days, compare=False))
        self.life = time.time_ns() // 1_000_000
        self.catching_up = False
        self.failing = ""
        self.rows: list[dict[str, float]] = []
        self.ledger: RunLedger | None = RunLedger(store, self.run.world, "plan", self)
        self.ledger_run = self.ledger.id
        world = self.run.world
        self._starts = world.grid.starts.astype(np.int64)
        self._points = [
            (a, [(p.name, column_name(a.name, p.name, p.unit)) for p in a.shown_points()])
            for a in world.assets
        ]
        # Power is the mean of a step; a state, a price or a code is what stood at its end.
        self._means = {(a.name, p.name) for a in world.assets for p in a.points if p.unit == "MW"}
        self._figures: Figures | None = None
        self._sums: Numbers = {}
        self._flow_sums: Numbers = {}
        self._minutes = 0
        self._cost = 0.0
        self._known: Mapping[str, Mapping[str, Any]] = {}
        self._frame: dict[str, Any] | None = None
        self._ahead: Ahead | None = None
        self._told: dict[str, Any] | None = None
        self._band: dict[str, Any] | None = None
        self._issued = -1
        self._plans = 0
        self._trying: tuple[Run, Asked, Steps] | None = None

    # -- the plant's side ----------------------------------------------------------------------

    def begin(self, plant: Plant) -> None:
        """Take what stores hold before the first minute."""
        self._known = plant.read()
        self._figures = new_figures(self.run.world, self._known)
        if self.ledger is not None:
            self.ledger.start_from(self._figures.start, self._figures.interval)

    def minute(
        self, at: float, plant: Plant, told: Mapping[str, Mapping[str, float]], seconds: float
    ) -> None:
        """Take what the meters showed in a step of the plant.

        at: its start [POSIX s]. told: set-points its devices held. seconds: how long it was.
        """
        readings = plant.read()
        _add(self._sums, readings, self._means)
        _add(self._flow_sums, plant.flows, None)
        self._minutes += 1
        index = int(np.searchsorted(self._starts, at, side="right")) - 1
        ends = index + 1 == len(self._starts) or at + seconds >= self._starts[index + 1]
        if ends and index + 1 < len(self._starts):
            devices = plant.devices.values()
            self._cost = sum(sum(device.costs.values()) for device in devices)
            self._end(index, readings, told)

    def _end(
        self, index: int, last: Mapping[str, Mapping[str, Any]], told: Mapping[str, Any]
    ) -> None:
        """Let a step have ended: one row of numbers, posted and kept."""
        readings = {
            name: {
                point: self._sums[name][point] / self._minutes
                if (name, point) in self._means
                else float(value)
                for point, value in points.items()
                if isinstance(value, int | float | np.number)
            }
            for name, points in last.items()
        }
        flows = {
            name: {port: flow / self._minutes for port, flow in ports.items()}
            for name, ports in self._flow_sums.items()
        }
        row = row_of(self._points, readings, flows)
        row |= self._prices(index)
        written = {
            name: {point: float(value) for point, value in points.items()}
            for name, points in told.items()
        }
        columns = {name: np.array([value], dtype=float) for name, value in row.items()}
        assert self._figures is not None, "begun"
        ledger = self.ledger
        if ledger is not None:
            ledger.note(index, self._known, written, last)
        try:
            hand_on(self.run.world, (index, columns), "plan", self._figures, ledger or self)
        except (DiskFullError, DataError, OSError) as error:
            # A full disk ends what is posted of this life; the park is operated on.
            self.failing, self.ledger = str(error), None
        self._known = last
        self._sums, self._flow_sums, self._minutes = {}, {}, 0
        self._frame = {
            "index": index,
            "readings": readings,
            "flows": flows,
            "written": written,
            "catching_up": self.catching_up,
        }

    def write(self, policy: str, starts: Times, columns: Columns) -> None:
        """Keep a step's numbers."""
        del policy, starts
        row = {name: float(values[0]) for name, values in columns.items()}
        self.rows.append(row | {COST: self._cost})

    def _prices(self, index: int) -> dict[str, float]:
        """Return the plan's prices of a step by node [CNY/MWh]; nothing where it has none."""
        ahead = self._ahead
        if ahead is None:
            return {}
        at = int(np.searchsorted(ahead.grid.starts, self.run.world.grid.starts[index], "right")) - 1
        names = [f"{node.name}/price_cny_per_mwh" for node in self.run.nodes]
        there = (name for name in names if name in ahead.columns and 0 <= at < len(ahead))
        return {name: float(ahead.columns[name][at]) for name in there}

    def close(self) -> None:
        """Post what the run was."""
        request = self.run.request
        if self.ledger is not None and self._frame is not None:
            found = {"park": request.park.name, "version": __version__, "seed": request.seed}
            self.ledger.finish([], {**found, "partial": True})

    # -- the planner's side --------------------------------------------------------------------

    def planned(self, run: Run, planned: Planned, plan: Plan) -> None:
        """Take what a plan says, before the planner makes its next one."""
        asked = planned.asked
        if self.catching_up or asked is None:
            return
        self._ahead = ahead = look(run.world, planned.planner, plan, asked)
        issued = planned.forecaster.issued(plan.made_at)
        if self._issued != issued.at or self._band is None:
            errors = usual_errors(dt.date.fromisoformat(run.request.start))
            low, high = band(run.world, issued.outlook, errors, run.world.seed + issued.at)
            first = f"{run.world.grid.starts[issued.at]}Z"
            self._issued = issued.at
            self._band = {"first": first, "low": _list(low), "high": _list(high)}
        self._trying = run, asked, planned.planner.steps
        self._told = ahead_json(ahead)
        self._plans += 1

    # -- who looks on --------------------------------------------------------------------------

    def tell(self, life: int, rows: int, plans: int) -> dict[str, Any]:
        """Return what is new for who knows `rows` steps and `plans` plans of the life `life`."""
        known = life == self.life
        request, frame, count = self.run.request, self._frame, len(self.rows)
        found: dict[str, Any] = {
            "park": request.park.name,
            "start": request.start,
            "days": request.days,
            "step_minutes": request.step_minutes,
            "life": self.life,
            "ledger_run": self.ledger_run,
            "first": rows if known else 0,
            "rows": self.rows[rows if known else 0 : count],
            "frame": frame,
            "band": self._band,
            "plans": self._plans,
        }
        if self._told is not None and not (known and plans == self._plans):
            found["ahead"] = self._told
        return found

    def trial(self, change: Change) -> dict[str, Any]:
        """Return the newest plan made once more with something otherwise. Raises `DataError`."""
        if self._trying is None:
            raise DataError("trial_early", _NO_PLAN)
        run, asked, steps = self._trying
        return ahead_json(attempt(run, asked, steps, change))


def _add(sums: Numbers, found: Mapping[str, Mapping[str, Any]], only: Any) -> None:
    for name, points in found.items():
        own = sums.setdefault(name, {})
        for point, value in points.items():
            if only is None or (name, point) in only:
                own[point] = own.get(point, 0.0) + float(value)


def ahead_json(ahead: Ahead) -> dict[str, Any]:
    """Return what a plan says for another process; see `ahead_of`."""
    return {
        "start": f"{ahead.grid.start}Z",
        "hours": _list(ahead.grid.hours),
        "zone": ahead.grid.zone,
        "columns": {name: _list(values) for name, values in ahead.columns.items()},
        "reasons": list(ahead.reasons),
        "gave_way": list(ahead.gave_way),
        "grade": ahead.grade,
        "seconds": ahead.seconds,
        "gap": ahead.gap,
        "figures": dict(ahead.figures),
    }


def _list(values: Any) -> list[float]:
    found: list[float] = np.round(np.asarray(values, dtype=float), _DIGITS).tolist()
    return found
