"""A park in operation as another process sees it: what its `operate` tells of it over the socket.

Who looks on takes the newest `Frame`; nothing it does reaches the plant. Where nobody answers, the
last frame keeps its place and is stale.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zeropark.data.errors import DataError
from zeropark.operate.ahead import Ahead
from zeropark.operate.build import RunRequest
from zeropark.operate.chronicle import COST
from zeropark.operate.figures import Columns
from zeropark.operate.record import Floats, Times
from zeropark.operate.run import Run
from zeropark.operate.trial import Change
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

if TYPE_CHECKING:
    from zeropark.ledger.place import Place

__all__ = ["COST", "Band", "Frame", "Living"]
Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_EVERY_S = 1.0
# Who has not answered for so long is not there [s].
_SILENT_S = 5.0
# A frame this many steps old is stale: the loop has stopped.
_STALE_AFTER = 2.5
_OTHER = Text(
    "operate runs the park '{other}', and this room shows '{own}'; start it with --park {other}",
    "operate 运行的园区为“{other}”，本控制室为“{own}”；用 --park {other} 启动",
)
_AS_WHO = {"actor": "os_user", "name": "serve", "role": "system", "channel": "local"}


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

    life: a number of the life: who starts operate anew begins another. index: of its step. at: the
    step's end, UTC. since: `time.monotonic` when that was. readings, flows: by asset, then by point
    or port [MW into the node]; power is the mean of the step. written: set-points held at its end.
    ahead: the newest plan; None before the first. catching_up: whether the park still lives its
    first hours as fast as it can. band: of the newest forecast.
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
    """One park in operation, asked for news once a second in a thread of its own.

    request: the park, its first day, its step. ask: hands a question to its operate and returns the
    answer; raises `DataError` where nobody answers. place: of the store operate posts into.
    """

    def __init__(self, request: RunRequest, ask: Ask, place: Place | None = None) -> None:
        self.run = Run(request)
        self.speed = 1.0
        self.frame: Frame | None = None
        self.fault: str | None = None
        self.ledger_run: str | None = None
        self.place = place
        self.unlike: Text | None = None
        self._status: Mapping[str, Any] | None = None
        self._ask = ask
        self._life = self._plans = 0
        self._rows: list[dict[str, float]] = []
        self._ahead: Ahead | None = None
        self._heard = -np.inf
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="park", daemon=True)

    # -- its life ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look on."""
        self._thread.start()

    def stop(self, patience: float = 20.0) -> None:
        """Look on no more. patience: [s]."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join(patience)

    def _look_on(self) -> None:
        try:
            while not self._ends.is_set():
                self.look()
                self._ends.wait(_EVERY_S)
        except Exception:  # noqa: BLE001 - who looks on is told that the page stands still, and why
            self.fault = traceback.format_exc()

    def look(self) -> None:
        """Ask once for news; nobody's answer is silence."""
        known = {"life": self._life, "rows": len(self._rows), "plans": self._plans}
        try:
            told = self._ask({"verb": "look", **known, **_AS_WHO})
        except DataError:
            return
        if told.get("park", self.run.request.park.name) != self.run.request.park.name:
            own, other = self.run.request.park.name, told["park"]
            self.unlike = _OTHER.format(own=own, other=other)
            return
        self._heard, self.speed, self.unlike = time.monotonic(), float(told["speed"]), None
        self._status = told["status"]
        if "life" in told:
            self._take(told)

    def _take(self, told: Mapping[str, Any]) -> None:
        request = self.run.request
        same = (request.start, request.days, request.step_minutes)
        if same != (told["start"], told["days"], told["step_minutes"]):
            asked = replace(
                request, start=told["start"], days=told["days"], step_minutes=told["step_minutes"]
            )
            self.run = Run(asked)
        if told["life"] != self._life:
            self._life, self._rows, self._ahead = told["life"], [], None
        # A list of its own: whoever reads the old one is not disturbed.
        self._rows = self._rows[: told["first"]] + list(told["rows"])
        self._plans, self.ledger_run = told["plans"], told["ledger_run"]
        if "ahead" in told:
            self._ahead = self._ahead_of(told["ahead"])
        frame = told["frame"]
        if frame is None:
            self.frame = None
            return
        grid = self.run.world.grid
        at = grid.starts[frame["index"] + 1]
        ran = (float(told["now"]) - float(at.astype(np.int64))) / self.speed
        band = told["band"]
        self.frame = Frame(
            life=self._life,
            index=frame["index"],
            at=at,
            since=time.monotonic() - (0.0 if frame["catching_up"] else ran),
            readings=frame["readings"],
            flows=frame["flows"],
            written=frame["written"],
            ahead=self._ahead,
            catching_up=frame["catching_up"],
            band=None if band is None else self._band_of(band),
        )

    def _ahead_of(self, told: Mapping[str, Any]) -> Ahead:
        start = np.datetime64(str(told["start"]).removesuffix("Z"), "s")
        grid = TimeGrid(start, np.array(told["hours"], dtype=float), str(told["zone"]))
        return Ahead(
            made_at=self._index(start),
            grid=grid,
            columns={name: np.array(v, dtype=float) for name, v in told["columns"].items()},
            reasons=tuple(told["reasons"]),
            gave_way=tuple(told["gave_way"]),
            grade=str(told["grade"]),
            seconds=float(told["seconds"]),
            gap=float(told["gap"]),
            figures=told["figures"],
        )

    def _band_of(self, told: Mapping[str, Any]) -> Band:
        first = self._index(np.datetime64(str(told["first"]).removesuffix("Z"), "s"))
        return Band(first, np.array(told["low"]), np.array(told["high"]))

    def _index(self, start: np.datetime64) -> int:
        return int(np.searchsorted(self.run.world.grid.starts, start, side="right")) - 1

    # -- who looks on --------------------------------------------------------------------------

    @property
    def there(self) -> bool:
        """Whether operate has answered lately."""
        return time.monotonic() - self._heard < _SILENT_S

    @property
    def status(self) -> Mapping[str, Any] | None:
        """How operate says things stand; None where it does not answer."""
        return self._status if self.there and self.unlike is None else None

    def command(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Hand a command over; the answer comes once it is durable. Raises `DataError`."""
        return self._ask(asked)

    def post(self, kind: str, body: Mapping[str, Any], subject: str = "") -> bool:
        """Have operate post an entry of a person's; return whether somebody was there to take it.

        Raises `DataError` where operate refuses it.
        """
        if not self.there:
            return False
        entry = {"kind": kind, "body": dict(body), "subject": subject}
        self._ask({"verb": "enter", **entry, **_AS_WHO})
        return True

    def clock(self) -> np.datetime64:
        """Return the park's clock, UTC to the second."""
        frame = self.frame
        if frame is None:
            return self.run.world.grid.start
        ran = 0.0 if frame.catching_up else (time.monotonic() - frame.since) * self.speed
        return frame.at + np.timedelta64(int(ran), "s")

    def stale(self) -> bool:
        """Whether nobody answers, or the newest step is so old that the loop must have stopped."""
        frame = self.frame
        if frame is None or self.fault is not None:
            return self.fault is not None
        step = self.run.world.grid.step_hours * 3600 / self.speed
        old = time.monotonic() - frame.since > max(_SILENT_S, _STALE_AFTER * step)
        return not self.there or (old and not frame.catching_up)

    def history(self, first: int = 0) -> tuple[Times, Columns]:
        """Return (starts, columns) of the lived steps from `first` on; NaN where one is absent."""
        rows = self._rows[max(0, first) :]
        names = dict.fromkeys(name for row in rows for name in row)
        columns = {n: np.array([row.get(n, np.nan) for row in rows], dtype=float) for n in names}
        begin = max(0, first)
        return self.run.world.grid.starts[begin : begin + len(rows)], columns

    def trial(self, change: Change) -> Ahead:
        """Return the newest plan made once more with something otherwise.

        Raises `DataError` where no plan has been made yet, or where nobody answers.
        """
        as_who = {**_AS_WHO, "role": "specialist"}
        return self._ahead_of(self._ask({"verb": "try", **asdict(change), **as_who}))
