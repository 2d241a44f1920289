"""A park that lives on: the closed loop on the simulated plant, at a chosen speed, to be looked at.

Each step is lived when the park's clock has passed it, and is posted as it happens. Who looks on
takes the newest `Frame`; nothing it does reaches the plant.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zeropark.forecast.weather import usual_errors
from zeropark.operate.ahead import Ahead, look
from zeropark.operate.band import band
from zeropark.operate.build import RunRequest
from zeropark.operate.controllers import Planned
from zeropark.operate.figures import Columns
from zeropark.operate.loop import live, new_figures
from zeropark.operate.record import Floats, Times
from zeropark.operate.result import Results, as_json
from zeropark.operate.run import Run
from zeropark.operate.trial import Change, attempt

if TYPE_CHECKING:
    from zeropark.ledger.place import Place
    from zeropark.ledger.store import Store

COST = "park/cost_cny"
"""Column of what the park has cost since it began [CNY], without what is stored or owed."""
_PAST_HOURS = 36.0
# A frame this many steps old is stale: the loop has stopped.
_STALE_AFTER = 2.5


@dataclass(frozen=True)
class Band:
    """Sun and wind as foreseen: what they give in 10 and 90 of 100 cases [MW], (N,).

    first: index of the run's step with which both begin.
    """

    first: int
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Frame:
    """The park as it stood when its newest step had ended.

    life: number of the life, from 1: a park that has lived all its days begins again. index: of
    its step. at: the step's end, UTC. since: `time.monotonic` when it was published. readings,
    flows: by asset, then by point or port [MW into the node]. written: set-points of the step.
    ahead: the newest plan, made at the step's start; None where rules decided. catching_up: whether
    the park still lives its first hours as fast as it can. band: of the newest forecast.
    """

    life: int
    index: int
    at: np.datetime64
    since: float
    readings: Mapping[str, Mapping[str, Any]]
    flows: Mapping[str, Mapping[str, float]]
    written: Mapping[str, Mapping[str, Any]]
    ahead: Ahead | None
    catching_up: bool
    band: Band | None = None

    @property
    def number(self) -> tuple[int, int]:
        """What changes with every frame."""
        return self.life, self.index


class Living:
    """One park living on its simulated plant in a thread of its own.

    request: the park, its first day, its step; it lives `request.days` less the horizon, then
    begins again. speed: seconds of the park in one of ours. store: a simulated one, where every
    step is posted; None posts nothing.
    """

    def __init__(self, request: RunRequest, speed: float, store: Store | None = None) -> None:
        self.run = Run(request)
        self.speed = speed
        self.planned: Planned = self.run.planned()
        self.frame: Frame | None = None
        self.fault: str | None = None
        self.ledger_run: str | None = None
        self._store = store
        self._life = 0
        self._rows: list[dict[str, float]] = []
        self._written: Mapping[str, Mapping[str, Any]] = {}
        self._band: Band | None = None
        self._plant = self.run.plant()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._live_on, name="park", daemon=True)
        self._past = round(_PAST_HOURS / self.run.world.grid.step_hours)
        self._last = len(self.run.world.grid) - self.planned.planner.steps.span

    # -- its life ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to live."""
        self._thread.start()

    def stop(self, patience: float = 20.0) -> None:
        """End after the step that is being lived; what was lived is posted. patience: [s]."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join(patience)

    def _live_on(self) -> None:
        try:
            while not self._ends.is_set():
                self._one_life()
        except Exception:  # noqa: BLE001 - who looks on is told that the park stands still, and why
            self.fault = traceback.format_exc()

    def _one_life(self) -> None:
        run = self.run
        self._life, self._rows, self._band = self._life + 1, [], None
        self._plant, self.planned = run.plant(), run.planned()
        ledger = None
        if self._store is not None:
            # The ledger's libraries take a while to import: only who posts waits for them.
            from zeropark.operate.posted import RunLedger  # noqa: PLC0415

            ledger = RunLedger(self._store, run.world, "plan", self)
            begun = new_figures(run.world, self._plant.read())
            ledger.start_from(begun.start, begun.interval)
            self.ledger_run = ledger.id

        def note(index: int, known: Any, setpoints: Any, read_back: Any) -> None:
            self._written = setpoints
            if ledger is not None:
                ledger.note(index, known, setpoints, read_back)

        outcome = live(
            run.world, self._plant, self.planned, "plan", self if ledger is None else ledger,
            self._lived, note, stretch=1,
        )  # fmt: skip
        if ledger is not None:
            results = Results(run.request, run.world, {"plan": outcome}, self.planned.planner)
            ledger.finish(outcome.reasons, as_json(results))

    def write(self, policy: str, starts: Times, columns: Mapping[str, Floats]) -> None:
        """Take a step's numbers, as a run's file does."""
        del policy, starts
        row = {name: float(values[0]) for name, values in columns.items()}
        devices = self._plant.devices.values()
        row[COST] = sum(sum(device.costs.values()) for device in devices)
        self._rows.append(row)

    def _lived(self, count: int) -> None:
        """Publish the step that ended, then wait until the next one has."""
        index, world = count - 1, self.run.world
        catching_up = index + 1 < self._past
        planned = self.planned
        plan, asked = planned.planner.last_good, planned.asked
        ahead = None
        if plan is not None and asked is not None and plan.made_at == index and not catching_up:
            ahead = look(world, planned.planner, plan, asked)
            self._draw_band(index)
        self.frame = Frame(
            life=self._life,
            index=index,
            at=world.grid.starts[index + 1],
            since=time.monotonic(),
            readings=self._plant.read(),
            flows=self._plant.flows,
            written=self._written,
            ahead=ahead,
            catching_up=catching_up,
            band=self._band,
        )
        length = 0.0 if catching_up else float(world.grid.hours[index + 1]) * 3600 / self.speed
        if self._ends.wait(length) or count >= self._last:
            raise KeyboardInterrupt

    def _draw_band(self, index: int) -> None:
        """Draw the band of a forecast once it is issued."""
        planned, world = self.planned, self.run.world
        issued = planned.forecaster.issued(index)
        if self._band is None or self._band.first != issued.at:
            at = dt.date.fromisoformat(self.run.request.start)
            low, high = band(world, issued.outlook, usual_errors(at), world.seed + issued.at)
            self._band = Band(issued.at, low, high)

    # -- who looks on --------------------------------------------------------------------------

    @property
    def place(self) -> Place | None:
        """Where what it does is posted; None where nothing is."""
        return None if self._store is None else self._store.place

    def post(self, kind: str, body: Mapping[str, Any], subject: str = "") -> bool:
        """Post an entry of a person's; return whether there is a store that took it."""
        if self._store is None:
            return False
        self._store.note(kind, body, subject)
        return True

    def clock(self) -> np.datetime64:
        """Return the park's clock, UTC to the second."""
        frame = self.frame
        if frame is None:
            return self.run.world.grid.start
        ran = 0.0 if frame.catching_up else (time.monotonic() - frame.since) * self.speed
        return frame.at + np.timedelta64(int(ran), "s")

    def stale(self) -> bool:
        """Whether the newest step is so old that the loop must have stopped."""
        frame = self.frame
        if frame is None or self.fault is not None:
            return self.fault is not None
        step = self.run.world.grid.step_hours * 3600 / self.speed
        return time.monotonic() - frame.since > max(5.0, _STALE_AFTER * step)

    def history(self, first: int = 0) -> tuple[Times, Columns]:
        """Return (starts, columns) of the lived steps from `first` on; NaN where one is absent."""
        rows = self._rows[max(0, first) :]
        names = dict.fromkeys(name for row in rows for name in row)
        columns = {n: np.array([row.get(n, np.nan) for row in rows], dtype=float) for n in names}
        begin = max(0, first)
        return self.run.world.grid.starts[begin : begin + len(rows)], columns

    def trial(self, change: Change) -> Ahead:
        """Return the newest plan made once more with something otherwise.

        Raises `DataError` where no plan has been made yet.
        """
        planned = self.planned
        return attempt(self.run, planned.asked, planned.planner.steps, change)
