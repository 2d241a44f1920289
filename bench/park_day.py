"""Nanchuan: what a plan of its day takes beside the solver, and what a day's closed loop takes."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.cases import SETTINGS, Effort, say
from bench.commands import zeropark
from bench.findings import Findings, Table
from bench.planned import RunClock
from bench.process import ROOT
from zeropark.assets import kinds
from zeropark.formulation.solver import Option, pass_model, quiet_highs
from zeropark.model.parkfile import read_park
from zeropark.operate.build import RunRequest
from zeropark.operate.controllers import Planned
from zeropark.operate.plant import Plant
from zeropark.operate.run import Run

PARK, DAY = "nanchuan", "2026-04-17"
# The setting that a program of this size is planned with.
OURS = "dual, steepest edge, no presolve"


@dataclass(frozen=True)
class Step:
    """One plan of the closed loop: CPU time of all of it, and of HiGHS `run()` within it [s]."""

    total: float
    run: float

    @property
    def around(self) -> float:
        """Everything but `run()` [s]."""
        return self.total - self.run


def nanchuan(effort: Effort) -> Findings:
    """Plan the day again and again as a loop does, try settings on it, and live a day."""
    file = ROOT / "parks" / PARK / "park.yaml"
    park = read_park(file, kinds())
    hours = 4.0 if effort.small else 24.0
    run = Run(RunRequest(park, file.parent, DAY, horizon_hours=hours, compare=False))
    planned = run.planned()
    say(f"plans of a day of {PARK}")
    # The first plan is cold, and numbers that change once a day change with it.
    steps = list(_steps(run, planned, 3 if effort.small else 25))[1:]
    numbers = {
        "nanchuan/around_ms": 1e3 * statistics.median(each.around for each in steps),
        "nanchuan/around_percent": 100.0
        * sum(each.around for each in steps)
        / sum(each.run for each in steps),
    }
    found = Findings([_around(planned, steps)], numbers)
    found.add(_settings(planned, 1 if effort.small else 3))
    if not effort.small:
        found.add(_lived())
    return found


def _steps(run: Run, planned: Planned, count: int) -> Iterator[Step]:
    plant: Plant = run.plant()
    readings = plant.read()
    with RunClock() as clock:
        for index in range(count):
            before, inside = time.process_time(), clock.cpu
            setpoints = planned.decide(index, readings)
            yield Step(time.process_time() - before, clock.cpu - inside)
            plant.write(setpoints)
            plant.step(index)
            readings = plant.read()


def _around(planned: Planned, steps: list[Step]) -> Table:
    program = planned.planner.program
    middle = statistics.median
    row = (
        f"{middle(each.total for each in steps) * 1e3:.1f}",
        f"{middle(each.run for each in steps) * 1e3:.1f}",
        f"{middle(each.around for each in steps) * 1e3:.1f}",
        f"{program.column_count:,}",
        f"{program.row_count:,}",
        f"{len(program.value):,}",
    )
    words = (
        f"{len(steps)} plans of the loop from {DAY} on, 96 quarter-hours each, forecasts and "
        "set-points among what is around `run()`. Whole numbers are decided in every fourth."
    )
    header = ("CPU ms", "of it HiGHS", "around it", "columns", "rows", "non-zeros")
    return Table(f"A day's plan: {PARK}", words, header, [row])


def _settings(planned: Planned, rounds: int) -> Findings:
    """Solve the program as it now stands, whole numbers broken, with each setting from cold."""
    program = planned.planner.program
    times: dict[str, float] = {}
    for name, options in SETTINGS.items():
        say(f"{PARK}: {name}")
        times[name] = min(_solved(planned, options) for _ in range(rounds))
    best = min(times.values())
    rows = [(name, f"{1e3 * each:.0f}", f"{each / best:.2f}") for name, each in times.items()]
    words = (
        f"HiGHS `run()` from cold on {program.column_count:,} columns, whole numbers broken; "
        f"zeropark plans a program of this size by: {OURS}."
    )
    table = Table(f"Settings of HiGHS: {PARK}", words, ("settings", "CPU ms", "× best"), rows)
    return Findings([table], {"nanchuan/settings": times[OURS] / best})


def _solved(planned: Planned, options: dict[str, Option]) -> float:
    program = planned.planner.program
    highs = quiet_highs(options)
    pass_model(highs, program, program.shut(), program.prices_of_ranks(), count=program.last_resort)
    before = time.process_time()
    highs.run()
    return time.process_time() - before


def _lived() -> Findings:
    """Live a day as a command, without rules and foresight."""
    say(f"a day of {PARK}, closed loop")
    with tempfile.TemporaryDirectory() as empty:
        folder = Path(empty)
        line = ("run", PARK, "--start", DAY, "--days", "1", "--no-compare", "--json")
        # The first one makes the weather of a typical year.
        zeropark(line, folder / "cache", folder / "out")
        ended = zeropark(line, folder / "cache", folder / "out")
    words = "`zeropark run`, 96 plans a day ahead by quarter-hours, report and files among it."
    row = (f"{ended.wall:.1f}", f"{ended.cpu:.1f}", f"{ended.memory_mb:.0f}")
    table = Table(f"A day closed loop: {PARK}", words, ("wall s", "CPU s", "peak MB"), [row])
    numbers = {"nanchuan/day_cpu_s": ended.cpu, "nanchuan/day_mb": ended.memory_mb}
    return Findings([table], numbers)
