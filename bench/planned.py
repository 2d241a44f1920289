"""What every tool hands back for a problem, and where its time went."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import highspy
import numpy as np
import numpy.typing as npt

from bench.shapes import Problem

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Planned:
    """A plan: what it costs [CNY] and the import it wants, read back as an array [MW]."""

    objective: float
    grid_import: Floats


Plan = Callable[[Problem], Planned]


@dataclass
class Round:
    """One plan from arrays in memory to arrays in memory.

    total, run: wall time of all and of HiGHS `run()` within it [s]. total_cpu, run_cpu: the same in
    this process's CPU time [s].
    """

    objective: float
    total: float
    total_cpu: float
    run: float
    run_cpu: float


class RunClock:
    """Adds up the time spent inside HiGHS, whichever library calls it, while it is entered."""

    def __init__(self) -> None:
        self.wall = 0.0
        self.cpu = 0.0
        self._inside = False
        self._originals: dict[str, Callable[..., Any]] = {}

    def __enter__(self) -> Self:
        self._originals = {
            name: getattr(highspy.Highs, name)
            for name in ("run", "solve")
            if hasattr(highspy.Highs, name)
        }
        for name, original in self._originals.items():
            setattr(highspy.Highs, name, self._timed(original))
        return self

    def __exit__(self, *_: object) -> None:
        for name, original in self._originals.items():
            setattr(highspy.Highs, name, original)

    def _timed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            # One way into the solver may call the other; the time counts once.
            if self._inside:
                return original(*given, **named)
            self._inside = True
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return original(*given, **named)
            finally:
                self.wall += time.perf_counter() - wall
                self.cpu += time.process_time() - cpu
                self._inside = False

        return timed


def measure(clock: RunClock, work: Callable[[], Planned]) -> Round:
    """Do `work` once and say where its time went."""
    run, run_cpu = clock.wall, clock.cpu
    wall, cpu = time.perf_counter(), time.process_time()
    planned = work()
    total, total_cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert np.isfinite(planned.grid_import).all(), "a plan is read back whole"
    return Round(planned.objective, total, total_cpu, clock.wall - run, clock.cpu - run_cpu)


def peak_memory_mb() -> float:
    """Return the most memory this process has held so far [MB].

    `ru_maxrss` also knows what the process that started this one held; Linux tells its own.
    """
    own = Path("/proc/self/status")
    if own.exists():
        lines = own.read_text(encoding="utf-8").splitlines()
        for line in lines:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
