"""A bar for work that takes longer than two seconds, and a stop that waits for the step's end."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

PATIENCE_S = 2.0
_REFRESH_S = 0.2
AS_LINES = {"ZEROPARK_PROGRESS": "lines"}
"""The environment of who reads progress: a line of JSON on standard error for each refresh."""
_STOPS = (signal.SIGINT, signal.SIGTERM)
STAGES = {
    "world": N_("Weather, loads and prices"),
    "plan": N_("Plan and plant"),
    "rules": N_("Simple rules"),
    "foresight": N_("Perfect foresight"),
    "played": N_("Foresight, played"),
    "perfect_forecast": N_("Plan with the weather known"),
    "sizing": N_("Sizing"),
    "replay": N_("Twelve days, lived"),
    "report": N_("Report"),
    "seal": N_("Sealing hours"),
    "compact": N_("Putting days together"),
    "move": N_("Moving entries"),
    "copy": N_("Copying sealed files"),
    "verify": N_("Verifying sealed files"),
}


class Progress:
    """Shows how far each stage is, on standard error, where that is a terminal or lines are wanted.

    Nothing shows in the first two seconds; between refreshes a call costs a look at the clock.
    Ctrl-C inside the block ends the work at its next call, between two steps, so that what was done
    is whole; a second one ends it at once.
    """

    def __init__(self) -> None:
        self._begun = self._shown = time.monotonic()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        self._lines = all(os.environ.get(name) == said for name, said in AS_LINES.items())
        self._wanted = self._lines or sys.stderr.isatty()
        self._stop = self._stopped = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note_stop) for number in _STOPS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self.close()

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.stop()

    def _note_stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._stop:
            raise KeyboardInterrupt
        self._stop = True

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Note that `done` of `total` steps of a stage are behind us."""
        if self._stop and not self._stopped:
            self._stopped = True
            raise KeyboardInterrupt
        now = time.monotonic()
        if not self._wanted or (now - self._begun < PATIENCE_S and not self._lines):
            return
        if now - self._shown < _REFRESH_S and done < total:
            return
        self._shown = now
        if self._lines:
            told = {"stage": stage, "done": done, "total": total}
            print(json.dumps(told), file=sys.stderr, flush=True)  # noqa: T201 - read by who asked
            return
        if self._bar is None:
            self._bar = _bar()
        if stage not in self._tasks:
            words = _(STAGES[stage]) if stage in STAGES else stage
            self._tasks[stage] = self._bar.add_task(words, total=total)
        self._bar.update(self._tasks[stage], completed=done, total=total)
        self._bar.refresh()


def _bar() -> Any:
    # Most runs are over before anybody needs a bar.
    from rich import progress  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(complete_style="default", finished_style="default"),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
    )
    bar.start()
    return bar


@contextmanager
def at_work(words: str) -> Iterator[None]:
    """Show `words` and that we live, where nobody can say how far it is; on a terminal only."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - as above

    with Console(stderr=True).status(words):
        yield
